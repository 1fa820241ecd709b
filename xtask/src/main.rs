//! Developer commands: `cargo xtask demo | test | bench | tidy | fuzz`. The README's two commands, and everything CI runs.
//!
//! Knows the tree, the tools and the rules; it depends on none of Tayang's crates, so that it builds when they do not.
#![allow(clippy::print_stdout, reason = "what a command line tool was asked for goes to standard output")]

mod bench;
mod child;
mod command;
mod demo;
mod fuzz;
mod metadata;
mod packages;
mod source;
mod summary;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::tree::Tree;

const HELP: &str = "\
cargo xtask COMMAND

  demo  [--seconds N]  build all, start a server with a test signal, print where to watch; Ctrl-C stops it
  test  [--only STEP,STEP] [--skip STEP,STEP] [--list]
                      install what tests need and run all of them; STEP as printed by --list
  bench [--quick] [--only NAME] [--list] [--out FILE]
                      measure beside a floor and a peer; options go to the benches package
  tidy                check the tree against the project's own rules
  fuzz  [--seconds N] [TARGET ...]
                      run fuzz targets for N seconds each (default 60), all of them unless named
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        eprint!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    let tree = Tree::find()?;
    match command.as_str() {
        "demo" => demo::run(&tree, rest),
        "test" => test::run(&tree, rest),
        "bench" => bench::run(&tree, rest),
        "tidy" => {
            expect_no_more(rest)?;
            tidy::run(&tree)
        }
        "fuzz" => fuzz::run(&tree, rest),
        "help" | "--help" | "-h" => {
            eprint!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("no command `{other}`; see `cargo xtask help`"),
    }
}

fn expect_no_more(rest: &[String]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => bail!("unexpected argument `{extra}`"),
    }
}

/// The value after a `--flag`.
fn value<'a>(flag: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<&'a str> {
    rest.next().map(String::as_str).with_context(|| format!("`{flag}` needs a value"))
}
