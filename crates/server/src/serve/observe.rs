//! Metrics: installed once, published a few times a second from the counters that the hot paths keep.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use gateway::{Gateway, RenderMetrics};
use metrics_exporter_prometheus::PrometheusBuilder;

/// Installs the recorder; answers what renders it.
pub(super) fn install() -> anyhow::Result<RenderMetrics> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics cannot be installed")?;
    describe();
    Ok(Arc::new(move || {
        handle.run_upkeep();
        handle.render()
    }))
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge};
    describe_gauge!("tayang_streams", "streams that have not ended");
    describe_gauge!("tayang_viewers", "FLV and RTMP viewers in play");
    describe_counter!("tayang_fanout_bytes_total", Unit::Bytes, "bytes sent to FLV and RTMP viewers");
    describe_counter!("tayang_fanout_skips_total", "jumps of slow viewers to a newer key frame");
    describe_counter!("tayang_fanout_cut_total", "viewers cut because they took nothing");
    describe_counter!("tayang_fanout_writes_total", "write calls to viewers");
    describe_gauge!(
        "tayang_held_bytes",
        Unit::Bytes,
        "media held for streams: logs, windows, and what waits for the disk"
    );
    describe_gauge!("tayang_held_bytes_max", Unit::Bytes, "held bytes above which no new stream begins");
    describe_counter!("tayang_stream_oddities_total", "what senders and networks do that is not ordinary, by what");
    describe_counter!("tayang_ingest_malformed_total", "bodies of publishers that could not be read");
    describe_counter!("tayang_ingest_unconfigured_total", "frames of publishers without a usable configuration");
    describe_counter!("tayang_ingest_ignored_total", "bodies of publishers in formats that are not carried");
    describe_counter!("tayang_fan_out_missed_total", "entries that a feed was too late for");
    describe_counter!("tayang_fan_out_panics_total", "viewers closed by a panic of their own");
    describe_gauge!("tayang_attendance_waiting", "stretches of attendance that wait to be kept");
    describe_counter!("tayang_attendance_lost_total", "stretches of attendance for which there was no room to wait");
    describe_counter!("tayang_attendance_retries_total", "times that attendance could not be kept, and waited");
    describe_gauge!(
        "tayang_directory_channels",
        "channels in memory: operators', and of lessons those that are not past"
    );
    describe_gauge!("tayang_playbacks", "playback sessions of lessons that are remembered");
    describe_gauge!("tayang_relays", "streams that go on to other servers, or come from them, by direction");
    describe_counter!("tayang_relay_reconnects_total", "times that a relay connected again");
    describe_counter!("tayang_relay_failures_total", "connections of relays that failed or ended, by reason");
    describe_counter!("tayang_relay_skips_total", "jumps of relays to slow servers to a newer key frame");
    describe_gauge!("tayang_log_bytes", Unit::Bytes, "media held in streams' logs");
}

/// Brings the metrics up to date.
pub(super) fn publish(gateway: &Gateway) {
    let counters = gateway.fan_out.counters();
    metrics::gauge!("tayang_viewers").set(counters.viewers.load(Ordering::Relaxed) as f64);
    metrics::counter!("tayang_fanout_bytes_total").absolute(counters.bytes.load(Ordering::Relaxed));
    metrics::counter!("tayang_fanout_skips_total").absolute(counters.skips.load(Ordering::Relaxed));
    metrics::counter!("tayang_fanout_cut_total").absolute(counters.cut.load(Ordering::Relaxed));
    metrics::counter!("tayang_fanout_writes_total").absolute(counters.writes.load(Ordering::Relaxed));
    metrics::gauge!("tayang_attendance_waiting").set(gateway.audience().waiting() as f64);
    metrics::gauge!("tayang_directory_channels").set(gateway.directory.snapshot().channels().len() as f64);
    metrics::gauge!("tayang_playbacks").set(gateway.directory.playbacks().len() as f64);
    let streams = gateway.hub.streams();
    metrics::gauge!("tayang_streams").set(streams.len() as f64);
    let logs: usize = streams.iter().map(|stream| stream.log_bytes()).sum();
    metrics::gauge!("tayang_log_bytes").set(logs as f64);
    metrics::gauge!("tayang_held_bytes").set(gateway.live.held_bytes() as f64);
    metrics::gauge!("tayang_held_bytes_max").set(gateway.live.held_bytes_max() as f64);
}
