//! Benchmarks: ratios taken in one run. Ours, the floor (bare `writev`), and a peer (nginx with its RTMP module), with the
//! same frames, the same number of viewers and the same clients, one after the other.
//!
//! CPU is the servers' own (`/proc/{pid}/stat`, user and system); bytes are what the viewers counted. Started by
//! `cargo xtask bench`, which prints one JSON row per measurement.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool that paces itself"
)]

mod beside;
mod fanout;
mod floor;
mod glass;
mod hls;
mod ingest;
mod nginx;
mod opening;
mod parked;
mod playable;
mod process;
mod publish;
mod report;
mod requests;
mod room;
mod segments;
mod viewers;

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use crate::publish::Load;

type Benchmark = fn(&Options, &mut report::Report) -> anyhow::Result<()>;

const BENCHMARKS: &[(&str, Benchmark)] = &[
    ("fanout", fanout::run),
    ("hls", hls::run),
    ("segments", segments::run),
    ("parked", parked::run),
    ("ingest", ingest::run),
    ("playable", playable::run),
    ("glass", glass::run),
    ("opening", opening::run),
    ("api", beside::run),
    ("room", room::run),
];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options { binary: PathBuf::from("target/release/tayang"), only: None, quick: false, out: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--binary" => options.binary = value()?.into(),
            "--only" => options.only = Some(value()?),
            "--out" => options.out = Some(value()?.into()),
            "--quick" => options.quick = true,
            "floor" => {
                let viewers = value()?.parse()?;
                let load = Load { video_bps: value()?.parse()?, fps: value()?.parse()?, gop_s: value()?.parse()? };
                return floor::run(viewers, load, value()?.parse()?);
            }
            "--list" => {
                BENCHMARKS.iter().for_each(|(name, _)| println!("{name}"));
                return Ok(());
            }
            other => bail!("unknown argument {other}: --binary FILE, --only NAME, --quick, --out FILE"),
        }
    }
    raise_file_limit();
    if let Some(only) = &options.only
        && BENCHMARKS.iter().all(|(name, _)| name != only)
    {
        bail!("there is no benchmark {only}: --list names them");
    }
    let mut report = report::Report::default();
    let mut failed = Vec::new();
    for (name, run) in BENCHMARKS {
        if options.only.as_deref().is_none_or(|only| only == *name)
            && let Err(error) = run(&options, &mut report)
        {
            // What the others measure stands.
            eprintln!("benchmark {name}: {error:#}");
            failed.push(*name);
        }
    }
    report.finish(options.out.as_deref())?;
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

/// What to run.
pub struct Options {
    /// The server under test.
    pub binary: PathBuf,
    /// One benchmark only.
    pub only: Option<String>,
    /// Fewer viewers and seconds: to see that it works.
    pub quick: bool,
    /// Where the results go as JSON.
    pub out: Option<PathBuf>,
}

/// Thousands of sockets on both sides need descriptors; children inherit the limit. Root may raise the hard one.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = Some(100_000);
    if setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).is_ok() {
        return;
    }
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).ok();
}
