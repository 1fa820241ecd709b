//! `cargo xtask fuzz`: libFuzzer on stable Rust, without nightly or cargo-fuzz.
//!
//! The coverage instrumentation is asked of LLVM directly. `--target` keeps it away from build scripts. libFuzzer itself
//! is C++ that `libfuzzer-sys` compiles, so a C++ compiler is needed and nothing else.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{cargo, quiet, run as run_command};
use crate::summary::Count;
use crate::tree::Tree;
use crate::{packages, value};

/// Flags that libFuzzer needs of rustc; `overflow-checks` and `debug-assertions` come from the workspace's profile.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                         -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                         -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Longest input tried, in bytes: several messages fit, and each run stays quick.
const INPUT_BYTES_MAX: u32 = 16_384;
/// An input that takes longer than this many seconds is a failure: a parser's work is bounded by its input.
const INPUT_SECONDS_MAX: u32 = 5;
/// A run that takes more than this many megabytes is a failure: memory grows only with bytes received.
const MEMORY_MB_MAX: u32 = 1_024;

/// Runs the named targets, or all.
pub fn run(tree: &Tree, arguments: &[String]) -> Result<ExitCode> {
    let mut seconds = 60;
    let mut wanted = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => seconds = value(argument, &mut rest)?.parse().context("--seconds takes a whole number")?,
            flag if flag.starts_with('-') => bail!("unexpected argument `{flag}`"),
            name => wanted.push(name.to_owned()),
        }
    }
    let all = targets(tree)?;
    for name in &wanted {
        ensure!(all.contains(name), "no fuzz target `{name}`; there are: {}", all.join(", "));
    }
    let count = run_targets(tree, if wanted.is_empty() { &all } else { &wanted }, seconds)?;
    Ok(if count.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every target for `seconds`.
pub fn run_all(tree: &Tree, seconds: u32) -> Result<Count> {
    run_targets(tree, &targets(tree)?, seconds)
}

fn run_targets(tree: &Tree, names: &[String], seconds: u32) -> Result<Count> {
    packages::install(&[packages::BUILD])?;
    let built = build(tree)?;
    // libFuzzer runs on one core, so there is one target for each.
    let next = AtomicUsize::new(0);
    let lane = || -> Result<Count> {
        let mut count = Count::default();
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            count = count.and(Count::one(run_one(tree, &built.join(name), name, seconds)?));
        }
        Ok(count)
    };
    let lanes = available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().try_fold(Count::default(), |count, lane| match lane.join() {
            Ok(done) => Ok(count.and(done?)),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

fn targets(tree: &Tree) -> Result<Vec<String>> {
    let folder = tree.path("fuzz/src/bin");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if let (Some("rs"), Some(stem)) = (path.extension().and_then(|e| e.to_str()), path.file_stem()) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; answers with the folder of their programs.
fn build(tree: &Tree) -> Result<PathBuf> {
    let folder = tree.path("fuzz");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = quiet(&rustc, &["-vV"]).context("`rustc -vV` fails")?;
    let target = host(&version).context("`rustc -vV` names no host")?;
    let target_dir = tree.target().join("fuzz");
    // Not `--locked`: this workspace has its own lock file, which a new dependency of a crate outside it leaves behind.
    let mut command = cargo(&["build", "--release", "--bins", "--target", target], &folder);
    command.env("RUSTFLAGS", RUSTFLAGS).env("CARGO_TARGET_DIR", &target_dir);
    ensure!(run_command(command)?.success, "the fuzz targets do not build");
    Ok(target_dir.join(target).join("release"))
}

/// Fuzzes one target from its seeds; finds are kept outside the tree, failures are named with the way to repeat them.
fn run_one(tree: &Tree, program: &Path, name: &str, seconds: u32) -> Result<bool> {
    let kept = tree.target().join("fuzz/corpus").join(name);
    let failures = tree.target().join("fuzz/failures").join(name);
    for folder in [&kept, &failures] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let log = tree.target().join("fuzz").join(format!("{name}.log"));
    let file = std::fs::File::create(&log).with_context(|| log.display().to_string())?;
    let status = std::process::Command::new(program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"))
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .args(["-print_final_stats=1", "-detect_leaks=0"])
        .arg(&kept)
        .arg(tree.path("fuzz/corpus").join(name))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(file)
        .status()
        .with_context(|| format!("fuzz target {name} does not start"))?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let executions = stat(&text, "stat::number_of_executed_units:").unwrap_or(0);
    let coverage = text.lines().rev().find_map(|line| line.split(" cov: ").nth(1)?.split(' ').next()).unwrap_or("-");
    let verdict = if status.success() { "ok" } else { "FAILED" };
    eprintln!("fuzz {name:20} {verdict:6} {executions:>10} executions in {seconds} s, {coverage} edges covered");
    if !status.success() {
        let tail: Vec<&str> = text.lines().rev().take(40).collect();
        eprintln!("{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        eprintln!("repeat with: {} {}/FILE", program.display(), failures.display());
    }
    Ok(status.success())
}

/// The target triple that rustc itself runs on, from what it says of its version.
fn host(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

fn stat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_built_for_the_machine_that_builds_them() {
        let version = "rustc 1.97.0\nbinary: rustc\nhost: aarch64-unknown-linux-gnu\nrelease: 1.97.0\n";
        assert_eq!(host(version), Some("aarch64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.97.0\n"), None);
    }

    #[test]
    fn executions_are_read_from_the_fuzzers_own_statistics() {
        let text = "#2\tINITED cov: 61 ft: 61\nstat::number_of_executed_units: 117318\nstat::average_exec_per_sec: 1\n";
        assert_eq!(stat(text, "stat::number_of_executed_units:"), Some(117_318));
        assert_eq!(stat(text, "stat::new_units_added:"), None);
    }
}
