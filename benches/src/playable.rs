//! From the first key frame that leaves the encoder to the first part that a player holds.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::Options;
use crate::process::Tayang;
use crate::publish::{Load, Publisher};
use crate::report::{Report, percentile_ms};
use crate::requests;

const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };
/// How often a viewer asks who is there before the lesson.
const LOOK: Duration = Duration::from_millis(5);

/// Goes live on a new channel several times.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let times = if options.quick { 3 } else { 20 };
    let tayang = Tayang::start(&options.binary)?;
    let mut delays = Vec::with_capacity(times);
    for n in 0..times {
        let name = format!("bench{n}");
        let key = tayang.channel(&name)?;
        let publisher = Publisher::start(&tayang.rtmp, "live", &key, LOAD)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        let playlist = loop {
            let response = requests::get(&tayang.http, &format!("/live/{name}/video.m3u8"))?;
            let text = String::from_utf8(response.body)?;
            if response.status == 200 && text.contains("#EXT-X-PART:") {
                break text;
            }
            ensure!(Instant::now() < deadline, "{name} did not become playable");
            std::thread::sleep(LOOK);
        };
        let line = playlist.lines().find(|line| line.starts_with("#EXT-X-PART:")).context("no part listed")?;
        let uri = line.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no URI")?;
        let part = requests::get(&tayang.http, &format!("/live/{name}/{uri}"))?;
        ensure!(part.status == 200 && !part.body.is_empty(), "the first part was answered with {}", part.status);
        delays.push(publisher.departures.since_first().context("no picture has left")?);
    }
    report.row(json!({
        "benchmark": "playable",
        "server": "tayang",
        "streams": times,
        "first_key_frame_to_first_part_p50_ms": percentile_ms(&mut delays, 0.50),
        "first_key_frame_to_first_part_max_ms": percentile_ms(&mut delays, 1.0),
    }));
    Ok(())
}
