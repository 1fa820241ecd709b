//! What the machine gives: ports, open files, clock, programs.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::addresses::BoundAddresses;
use crate::config::Config;

/// No machine with a right clock is before this: 2026-01-01, in Unix seconds.
const EARLIEST_S: u64 = 1_767_225_600;

/// Files that are open besides connections: journals (two a stream), database, logs, listeners.
const FILES_BESIDES: u64 = 1_024;

/// Every address that the configuration would listen on: taken, forbidden, or free.
pub(super) fn ports(config: &Config) -> Vec<Finding> {
    if let Some(bound) = BoundAddresses::of_running(&config.data_dir) {
        let found = format!("the server runs (pid {}): HTTP {}, RTMP {}", bound.pid, bound.http, bound.rtmp);
        return vec![Finding::ok("ports", found)];
    }
    let legacy = &config.legacy;
    [
        ("http_addr", Some(config.http_addr)),
        ("https_addr", config.https_addr),
        ("rtmp_addr", Some(config.rtmp_addr)),
        ("rtmps_addr", config.rtmps_addr),
        ("legacy.flv_addr", legacy.flv_addr),
        ("legacy.hls_addr", legacy.hls_addr),
        ("legacy.lhls_addr", legacy.lhls_addr),
    ]
    .into_iter()
    .filter_map(|(key, address)| Some(port(key, address?)))
    .collect()
}

pub(super) fn port(key: &str, address: SocketAddr) -> Finding {
    let Err(error) = TcpListener::bind(address) else {
        return Finding::ok("ports", format!("{key} {address} is free"));
    };
    let found = format!("cannot listen on {key} {address}: {error}");
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "another program has it (`ss -ltnp 'sport = :{}'` names it): stop that, or set {key}",
                address.port()
            )
        }
        ErrorKind::PermissionDenied => {
            format!("ports below 1024 need a right (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or set {key}")
        }
        ErrorKind::AddrNotAvailable => format!("this machine has no such address: set {key} to one of `ip address`"),
        _ => format!("set {key} to another address"),
    };
    Finding::problem("ports", found, advice)
}

/// How many files, and so connections, may be open.
pub(super) fn file_limit(config: &Config) -> Finding {
    let wanted = (config.limits.http_connections_max + config.limits.rtmp_connections_max) as u64 + FILES_BESIDES;
    files(getrlimit(Resource::Nofile).current, wanted)
}

pub(super) fn files(current: Option<u64>, wanted: u64) -> Finding {
    match current {
        Some(limit) if limit < wanted => {
            let viewers = limit.saturating_sub(FILES_BESIDES);
            let found =
                format!("{limit} files may be open: room for about {viewers} connections of the {wanted} allowed");
            let advice = format!("`ulimit -n {wanted}` before the start, or LimitNOFILE={wanted} in the systemd unit");
            if viewers < 100 {
                Finding::problem("files", found, advice)
            } else {
                Finding::warning("files", found, advice)
            }
        }
        Some(limit) => Finding::ok("files", format!("{limit} files may be open")),
        None => Finding::ok("files", "any number of files may be open"),
    }
}

/// Whether the time of day can be right, and whether something keeps it right.
pub(super) fn clock() -> Finding {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let synchronised = output("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    clock_at(now_s, synchronised.as_deref().map(str::trim))
}

pub(super) fn clock_at(now_s: u64, synchronised: Option<&str>) -> Finding {
    let advice = "let it be kept by NTP: `timedatectl set-ntp true`, or install chrony";
    if now_s < EARLIEST_S {
        return Finding::problem("clock", "the clock is years behind: signatures and certificates fail", advice);
    }
    match synchronised {
        Some("no") => Finding::warning("clock", "the clock is not kept by NTP: expiries and latencies drift", advice),
        Some("yes") => Finding::ok("clock", "kept by NTP"),
        _ => Finding::ok("clock", "plausible (whether NTP keeps it cannot be seen from here)"),
    }
}

/// The program that makes test signals and examines recordings. Serving does without.
pub(super) fn ffmpeg() -> Finding {
    let version = |program: &str| output(program, &["-version"]);
    match (version("ffmpeg"), version("ffprobe")) {
        (Some(text), Some(_)) => Finding::ok("ffmpeg", text.lines().next().unwrap_or("ffmpeg").to_owned()),
        (ffmpeg, _) => {
            let missing = if ffmpeg.is_none() { "ffmpeg" } else { "ffprobe" };
            let found = format!("{missing} is not there: no test signal, and no second opinion in `recording verify`");
            Finding::warning("ffmpeg", found, "`apt-get install ffmpeg`, or put it on the PATH")
        }
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}
