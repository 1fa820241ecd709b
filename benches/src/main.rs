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

mod fanout;
mod floor;
mod hls;
mod ingest;
mod nginx;
mod process;
mod publish;
mod report;
mod viewers;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::publish::Load;

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
            other => bail!("unknown argument {other}: --binary FILE, --only fanout|hls|ingest, --quick, --out FILE"),
        }
    }
    raise_file_limit();
    let mut report = report::Report::default();
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    if wanted("fanout") {
        fanout::run(&options, &mut report)?;
    }
    if wanted("hls") {
        hls::run(&options, &mut report)?;
    }
    if wanted("ingest") {
        ingest::run(&options, &mut report)?;
    }
    report.finish(options.out.as_deref())
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

/// Thousands of sockets on both sides need descriptors; children inherit the limit.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).ok();
}
