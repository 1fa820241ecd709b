//! Ingest: many publishers, nobody watching.

use std::time::Duration;

use serde_json::json;

use crate::Options;
use crate::process::Tayang;
use crate::publish::{Load, Publisher};
use crate::report::{Report, round3};

/// A lesson's camera at a modest rate; each publisher is packaged for HLS as well, as it is in life.
const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };

/// Publishes to as many channels and measures CPU and memory of the server.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (publishers, seconds) = if options.quick { (10, 3) } else { (200, 15) };
    let tayang = Tayang::start(&options.binary)?;
    let idle = tayang.server.usage()?;
    let mut all = Vec::with_capacity(publishers);
    for n in 0..publishers {
        let key = tayang.channel(&format!("bench{n}"))?;
        all.push(Publisher::start(&tayang.rtmp, "live", &key, LOAD)?);
    }
    std::thread::sleep(Duration::from_secs(3));
    let before = tayang.server.usage()?;
    std::thread::sleep(Duration::from_secs(seconds));
    let after = tayang.server.usage()?;
    let cpu_s = after.cpu_s - before.cpu_s;
    report.row(json!({
        "benchmark": "ingest",
        "server": "tayang",
        "publishers": publishers,
        "seconds": seconds,
        "cpu_seconds": round3(cpu_s),
        "cpu_share_of_one_core": round3(cpu_s / seconds as f64),
        "cpu_ms_per_publisher_second": round3(cpu_s * 1_000.0 / (publishers as f64 * seconds as f64)),
        "rss_bytes_per_publisher": (after.rss_bytes.saturating_sub(idle.rss_bytes) as f64 / publishers as f64).round(),
    }));
    Ok(())
}
