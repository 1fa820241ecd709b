//! System packages: what is missing is installed by apt where that is allowed, and otherwise named with the exact line. And
//! the programs of the tests that come from elsewhere.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::command::{is_installed, program, quiet, run};
use crate::tree::Tree;

/// A Debian package and a program that shows it is there on other systems.
pub struct Needed {
    /// Name of the Debian package.
    pub package: &'static str,
    /// A program it brings, or `None` for one that brings only libraries.
    pub program: Option<&'static str>,
}

const fn needed(package: &'static str, program: &'static str) -> Needed {
    Needed { package, program: Some(program) }
}

const fn library(package: &'static str) -> Needed {
    Needed { package, program: None }
}

/// What building takes besides Rust and Node.
pub const BUILD: &[Needed] = &[needed("g++", "c++"), needed("make", "make")];

/// What the demo takes beyond building.
pub const DEMO: &[Needed] = &[needed("ffmpeg", "ffmpeg"), library("fonts-dejavu-core")];

/// What the tests take beyond the demo.
pub const TEST: &[Needed] = &[
    needed("curl", "curl"),
    needed("python3-pip", "pip3"),
    library("postgresql"),
    needed("ffmpeg", "ffprobe"),
    needed("chromium", "chromium"),
    needed("gstreamer1.0-tools", "gst-launch-1.0"),
    library("gstreamer1.0-plugins-base"),
    library("gstreamer1.0-plugins-good"),
    library("gstreamer1.0-plugins-bad"),
    library("gstreamer1.0-plugins-ugly"),
    library("gstreamer1.0-libav"),
];

/// What the benchmarks take beyond the demo: the peer beside which they measure, and a browser to look through.
pub const BENCH: &[Needed] = &[needed("nginx", "nginx"), library("libnginx-mod-rtmp"), needed("chromium", "chromium")];

/// Makes sure that all of `lists` are there.
pub fn install(lists: &[&[Needed]]) -> Result<()> {
    check_node()?;
    let missing = missing(lists);
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get update && apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !is_installed("apt-get") {
        bail!(
            "missing on this system, which has no apt: {}. Install their equivalents and try again",
            missing.join(", ")
        );
    }
    let as_root = rights();
    let Some(prefix) = as_root else {
        bail!(
            "system packages are missing and this user may not install them. Run this and try again:\n\n  sudo sh -c '{line}'\n"
        );
    };
    eprintln!("installing {}", missing.join(" "));
    // Policy: a package that brings a service must not start it on a developer's machine.
    let mut command = Command::new(prefix[0]);
    command
        .args(&prefix[1..])
        .arg(format!("DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; export DEBIAN_FRONTEND RUNLEVEL; {line}"));
    command.current_dir(Path::new("/"));
    let installed = run(command)?.success;
    ensure!(
        installed,
        "apt failed, and says above why. A package that it does not know (Ubuntu has no `chromium`) is not needed where its \
         program is on the PATH. For all others, run this and try again:\n\n  sudo sh -c '{line}'\n"
    );
    Ok(())
}

/// A program of the tests that Debian has not, or not new enough: what pip brings, held to one version.
struct PythonTool {
    /// Its folder in `tools`.
    name: &'static str,
    requirement: &'static str,
    /// With what it requires in turn, of whatever version that is then.
    whole: bool,
}

/// An ffmpeg that speaks Enhanced RTMP, with Opus since ffmpeg 8; Debian's is 5.1. A stand-in for S3 that speaks all of its
/// HTTP, a mail server, and a program that holds an API to its document.
const PYTHON_TOOLS: &[PythonTool] = &[
    PythonTool { name: "aiosmtpd", requirement: "aiosmtpd==1.4.6", whole: true },
    PythonTool { name: "imageio-ffmpeg", requirement: "imageio-ffmpeg==0.8.1", whole: false },
    PythonTool { name: "schemathesis", requirement: "schemathesis==4.32.5", whole: true },
    PythonTool { name: "moto", requirement: "moto[s3,server]==5.2.5", whole: true },
];

/// Puts them where the end-to-end tests look for them.
pub fn install_python_tools(tree: &Tree) -> Result<()> {
    PYTHON_TOOLS.iter().try_for_each(|tool| install_python_tool(tree, tool))
}

fn install_python_tool(tree: &Tree, tool: &PythonTool) -> Result<()> {
    let PythonTool { name, requirement, whole } = tool;
    let folder = tree.target().join("tools");
    let (place, told) = (folder.join(name), folder.join(format!("{name}.version")));
    if place.is_dir() && std::fs::read_to_string(&told).is_ok_and(|version| version == *requirement) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    // Beside its place and renamed: an installation that was interrupted is none.
    let unfinished = folder.join(format!("{name}.unfinished"));
    for old in [&unfinished, &place] {
        if old.exists() {
            std::fs::remove_dir_all(old)?;
        }
    }
    let target = unfinished.display().to_string();
    let quietly = ["--quiet", "--no-warn-conflicts", "--root-user-action=ignore"];
    let mut arguments = vec!["-m", "pip", "install", "--target", &target];
    arguments.extend(quietly);
    arguments.extend((!whole).then_some("--no-deps"));
    arguments.push(requirement);
    let installed = run(program("python3", &arguments, &tree.root))?.success;
    ensure!(installed, "pip could not install {requirement}");
    std::fs::rename(&unfinished, &place)?;
    std::fs::write(&told, requirement)?;
    Ok(())
}

/// How to run a shell line as root, if at all.
fn rights() -> Option<&'static [&'static str]> {
    if quiet("id", &["-u"]).is_some_and(|id| id.trim() == "0") {
        return Some(&["sh", "-c"]);
    }
    quiet("sudo", &["-n", "true"]).map(|_| &["sudo", "-n", "sh", "-c"][..])
}

fn missing(lists: &[&[Needed]]) -> Vec<&'static str> {
    let has_dpkg = is_installed("dpkg-query");
    let mut missing: Vec<&str> = lists
        .iter()
        .flat_map(|list| list.iter())
        .filter(|needed| match needed.program {
            Some(program) => !is_installed(program),
            // Libraries cannot be seen without dpkg: assumed, and the test that needs one will name it.
            None => has_dpkg && !dpkg_has(needed.package),
        })
        .map(|needed| needed.package)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

fn dpkg_has(package: &str) -> bool {
    quiet("dpkg-query", &["-W", "-f=${db:Status-Status}", package]).is_some_and(|status| status == "installed")
}

fn check_node() -> Result<()> {
    let version = quiet("node", &["--version"]).unwrap_or_default();
    match major(&version) {
        Some(major) if major >= 20 && is_installed("npm") => Ok(()),
        Some(_) => bail!("Node 20 or newer with npm is needed, found {}", version.trim()),
        None => bail!("Node 20 or newer with npm is needed, found none: see https://nodejs.org or your distribution"),
    }
}

/// `v20.20.2` has the major version 20.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_missing_and_what_is_not_is_named_once() {
        let there = [needed("dash", "sh")];
        assert_eq!(missing(&[&there]), Vec::<&str>::new());
        let away = [needed("no-such-package", "no-such-program"), needed("no-such-package", "nor-this")];
        assert_eq!(missing(&[&away, &there]), ["no-such-package"]);
    }

    #[test]
    fn versions_of_node_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major(""), None);
    }
}
