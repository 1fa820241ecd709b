//! The API's answers at an evening's rate, while live video goes out to many beside it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use e2e::school::School;
use e2e::server::Options as ServerOptions;
use serde_json::{Value, json};

use crate::Options;
use crate::opening::Phone;
use crate::publish::{Load, Publisher};
use crate::report::{Report, percentile_ms, round3};
use crate::viewers::{Crowd, Protocol};

const LOAD: Load = Load { video_bps: 600_000, fps: 30, gop_s: 2 };
/// The evening of the twelfth month: 67 requests a second.
const RATE: u32 = 70;

/// Asks at that rate without viewers and beside them.
pub fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (viewers, seconds) = if options.quick { (100, 3) } else { (2_000, 20) };
    let server = e2e::Server::start_with(ServerOptions {
        quiet: true,
        binary: Some(options.binary.clone()),
        ..ServerOptions::default()
    });
    let school = School::new(&server);
    let mentor = school.person("mentor", "mentor,mentee");
    let course = school.course(&mentor, "Fisika dasar");
    let mentee = school.person("mentee", "mentee");
    school.enrol(&mentee, &course);
    let lesson = school.lesson(&mentor, &course, "Gerak lurus");
    let channel = server.channel("bench", &["--no-record"]);
    let rtmp = server.address("rtmp").to_string();
    let publisher = Publisher::start(&rtmp, "live", &channel.key, LOAD)?;
    let http = server.address("http");
    crate::fanout::wait_live(&http.to_string())?;
    let ask = |seconds| ask(http, mentee.token(), &course, &lesson, seconds);

    row(report, 0, 0.0, ask(seconds)?);
    let how = Protocol::HttpFlv { path: "/live/bench.flv".into() };
    let crowd = Crowd::start(&http.to_string(), &how, viewers, Some(publisher.departures.clone()))?;
    crowd.wait_playing(viewers)?;
    std::thread::sleep(Duration::from_secs(3));
    let (bytes, start) = (crowd.seen.bytes.load(Ordering::Relaxed), Instant::now());
    let delays = ask(seconds)?;
    let gbit = (crowd.seen.bytes.load(Ordering::Relaxed) - bytes) as f64 * 8.0 / 1e9 / start.elapsed().as_secs_f64();
    crowd.finish()?;
    row(report, viewers, gbit, delays);
    Ok(())
}

fn row(report: &mut Report, viewers: usize, gbit_per_s: f64, mut delays: Vec<Duration>) {
    report.row(json!({
        "benchmark": "api beside fan-out",
        "server": "tayang",
        "viewers": viewers,
        "gbit_per_second": round3(gbit_per_s),
        "requests_per_second": RATE,
        "requests": delays.len(),
        "p50_ms": percentile_ms(&mut delays, 0.50),
        "p99_ms": percentile_ms(&mut delays, 0.99),
        "max_ms": percentile_ms(&mut delays, 1.0),
    }));
}

/// What people do in an evening, at the rate, each kind of request on a connection and a thread of its own; late ones are counted
/// from when they were due.
fn ask(
    http: std::net::SocketAddr,
    token: &str,
    course: &str,
    lesson: &str,
    seconds: u64,
) -> anyhow::Result<Vec<Duration>> {
    let reads = [
        "/api/v1/me".to_owned(),
        "/api/v1/lessons?limit=20".to_owned(),
        format!("/api/v1/lessons/{lesson}"),
        format!("/api/v1/courses/{course}"),
        "/api/v1/mentors".to_owned(),
        format!("/api/v1/lessons/{lesson}/comments?limit=50"),
        "/api/v1/notices".to_owned(),
    ];
    // One in eight writes, and is answered once it is on disk.
    let settings = "/api/v1/me/notice-settings".to_owned();
    let asked = reads.into_iter().map(|path| ("GET", path, Value::Null));
    let asked: Vec<_> = asked.chain([("PATCH", settings, json!({ "email_on": true }))]).collect();
    let (start, kinds, count) = (Instant::now(), asked.len() as u64, u64::from(RATE) * seconds);
    let threads: Vec<_> = asked
        .into_iter()
        .enumerate()
        .map(|(kind, (method, path, body))| {
            let token = token.to_owned();
            std::thread::spawn(move || -> anyhow::Result<Vec<Duration>> {
                let mut phone = Phone::connect(http)?;
                phone.token = token;
                let mut delays = Vec::new();
                for n in (kind as u64..count).step_by(kinds as usize) {
                    let due = start + Duration::from_secs_f64(n as f64 / f64::from(RATE));
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    phone.json(method, &path, &body)?;
                    delays.push(due.elapsed());
                }
                Ok(delays)
            })
        })
        .collect();
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread that asked panicked"))??);
    }
    Ok(all)
}
