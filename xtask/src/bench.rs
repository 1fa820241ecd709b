//! `cargo xtask bench`: builds the server and the benchmarks in release and runs them. What is measured, and how, is the
//! business of the `benches` package; its options are passed on.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::command::{cargo, run as run_command};
use crate::packages;
use crate::test::build_pages;
use crate::tree::Tree;

/// Runs the benchmarks with `arguments`.
pub fn run(tree: &Tree, arguments: &[String]) -> Result<ExitCode> {
    packages::install(&[packages::BUILD, packages::DEMO, packages::BENCH])?;
    build_pages(tree)?;
    let built = run_command(cargo(&["build", "--release", "--locked", "-p", "server", "-p", "benches"], &tree.root))?;
    ensure!(built.success, "the benchmarks do not build");
    let binary = tree.target().join("release/tayang").display().to_string();
    let mut command =
        cargo(&["run", "--release", "--locked", "--quiet", "-p", "benches", "--", "--binary", &binary], &tree.root);
    command.args(arguments);
    Ok(if run_command(command)?.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
