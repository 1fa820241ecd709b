//! `cargo xtask test`: everything that CI holds, in steps that can be chosen one by one.
//!
//! A step that fails does not stop the ones after it: one run tells all that is wrong.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::command::{Finished, cargo, is_installed, program, run as run_command};
use crate::summary::{Count, Row, failures, render};
use crate::tree::Tree;
use crate::{fuzz, packages, tidy, value};

/// Seconds that each fuzz target gets in the test command; `cargo xtask fuzz` gives more.
const FUZZ_SECONDS: u32 = 5;

/// What a step came to.
enum Outcome {
    Done(Count),
    /// Done; what was said of the tests that failed.
    Told(Count, Vec<String>),
    /// Done but for what the text says.
    Partly(Count, String),
    LeftOut(String),
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Tree) -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step {
        name: "setup",
        about: "install system packages, a newer ffmpeg and npm modules that are missing",
        run: setup,
    },
    Step { name: "tidy", about: "the project's own rules, licences and dependency law", run: tidy_step },
    Step { name: "format", about: "rustfmt changes nothing", run: format },
    Step { name: "deny", about: "cargo-deny, where it is installed", run: deny },
    Step {
        name: "web",
        about: "build, size budget, lint, type check, unit tests and known flaws of the pages",
        run: web,
    },
    Step { name: "clippy", about: "no warning in the whole workspace", run: clippy },
    Step { name: "unit", about: "unit, property, contract and doc tests of every crate", run: unit },
    Step { name: "fuzz", about: "a short run of every fuzz target", run: fuzz_step },
    Step { name: "e2e", about: "the program against real encoders and players", run: e2e },
    Step { name: "browser", about: "the watch page in Chromium, before a stand-in server", run: browser },
];

/// Runs the chosen steps and prints the table.
pub fn run(tree: &Tree, arguments: &[String]) -> Result<ExitCode> {
    let Some(chosen) = choose(arguments)? else {
        for step in STEPS {
            println!("{:10} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut rows = Vec::new();
    for (number, step) in chosen.iter().enumerate() {
        eprintln!("\n==== {} ({} of {}): {}", step.name, number + 1, chosen.len(), step.about);
        let start = Instant::now();
        let (count, note, failures) = match (step.run)(tree) {
            Ok(Outcome::Done(count)) => (Some(count), String::new(), Vec::new()),
            Ok(Outcome::Told(count, failures)) => (Some(count), String::new(), failures),
            Ok(Outcome::Partly(count, left_out)) => (Some(count), left_out, Vec::new()),
            Ok(Outcome::LeftOut(why)) => (None, why, Vec::new()),
            Err(error) => {
                eprintln!("{}: {error:#}", step.name);
                let note = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                (Some(Count::one(false)), note, Vec::new())
            }
        };
        let setup_failed = step.name == "setup" && count.is_some_and(|count| count.failed > 0);
        rows.push(Row { name: step.name, count, took: start.elapsed(), note, failures });
        if setup_failed {
            break;
        }
    }
    println!("{}", render(&rows).trim_end());
    let failed = rows.iter().any(|row| row.count.is_some_and(|count| count.failed > 0));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The steps to run; `None` to list them.
fn choose(arguments: &[String]) -> Result<Option<Vec<&'static Step>>> {
    let (mut only, mut skip) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--only" => only.extend(names(value(argument, &mut rest)?)?),
            "--skip" => skip.extend(names(value(argument, &mut rest)?)?),
            "--list" => return Ok(None),
            other => bail!("unexpected argument `{other}`"),
        }
    }
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| (only.is_empty() || only.contains(&step.name)) && !skip.contains(&step.name))
        .collect();
    ensure!(!chosen.is_empty(), "no step is left to run");
    Ok(Some(chosen))
}

fn names(list: &str) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for name in list.split(',') {
        match STEPS.iter().find(|step| step.name == name) {
            Some(step) => found.push(step.name),
            None => bail!("no step `{name}`; see --list"),
        }
    }
    Ok(found)
}

fn setup(tree: &Tree) -> Result<Outcome> {
    packages::install(&[packages::BUILD, packages::DEMO, packages::TEST])?;
    packages::install_python_tools(tree)?;
    npm_ci(tree)?;
    Ok(Outcome::Done(Count::one(true)))
}

/// Builds the pages that the program serves.
pub fn build_pages(tree: &Tree) -> Result<()> {
    npm_ci(tree)?;
    let built = run_command(program("npm", &["run", "--silent", "build"], &tree.path("web")))?;
    ensure!(built.success, "the pages do not build");
    Ok(())
}

/// Installs the pages' modules as locked, when they are missing or older than the lock file.
fn npm_ci(tree: &Tree) -> Result<()> {
    let folder = tree.path("web");
    let modified = |path: &str| folder.join(path).metadata().and_then(|meta| meta.modified()).ok();
    let fresh = modified("node_modules/.package-lock.json").zip(modified("package-lock.json"));
    if fresh.is_some_and(|(installed, locked)| installed >= locked) {
        return Ok(());
    }
    ensure!(run_command(program("npm", &["ci", "--no-audit", "--no-fund"], &folder))?.success, "npm ci failed");
    Ok(())
}

fn tidy_step(tree: &Tree) -> Result<Outcome> {
    let code = tidy::run(tree)?;
    Ok(Outcome::Done(Count::one(code == ExitCode::SUCCESS)))
}

fn format(tree: &Tree) -> Result<Outcome> {
    one(run_command(cargo(&["fmt", "--all", "--check"], &tree.root))?.success)
}

fn deny(tree: &Tree) -> Result<Outcome> {
    if !is_installed("cargo-deny") {
        return Ok(Outcome::LeftOut("cargo-deny is not installed; tidy checks licences, bans and sources".to_owned()));
    }
    one(run_command(cargo(&["deny", "--all-features", "check"], &tree.root))?.success)
}

fn web(tree: &Tree) -> Result<Outcome> {
    npm_ci(tree)?;
    let folder = tree.path("web");
    let (mut count, mut said) = (Count::default(), Vec::new());
    for script in ["check", "build", "test"] {
        let done = run_command(program("npm", &["run", "--silent", script], &folder))?;
        count = count.and(Count::from_output(&done.stdout, done.success));
        said.extend(failures(&done.stdout));
    }
    // One try of 20 s: without a registry this must not take minutes.
    let once = ["--fetch-retries=0", "--fetch-timeout=20000"];
    let audit = ["audit", "--audit-level=high", "--omit=dev", once[0], once[1]];
    let done = run_command(program("npm", &audit, &folder))?;
    Ok(match is_free_of_flaws(done.success, &done.stdout) {
        Some(free) => Outcome::Told(count.and(Count::one(free)), said),
        None if count.failed > 0 => Outcome::Told(count, said),
        None => Outcome::Partly(count, "npm audit left out: the registry told no advisories".to_owned()),
    })
}

/// What `npm audit` found; `None` where it could not ask, which it also ends with an error for.
fn is_free_of_flaws(success: bool, report: &str) -> Option<bool> {
    (success || report.contains("Severity: ")).then_some(success)
}

fn clippy(tree: &Tree) -> Result<Outcome> {
    one(run_command(cargo(
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        &tree.root,
    ))?
    .success)
}

fn unit(tree: &Tree) -> Result<Outcome> {
    counted(tree, &["test", "--workspace", "--exclude", "e2e", "--no-fail-fast", "--locked"])
}

fn fuzz_step(tree: &Tree) -> Result<Outcome> {
    Ok(Outcome::Done(fuzz::run_all(tree, FUZZ_SECONDS)?))
}

fn e2e(tree: &Tree) -> Result<Outcome> {
    ensure!(
        run_command(cargo(&["build", "-p", "server", "--locked"], &tree.root))?.success,
        "the server does not build"
    );
    counted(tree, &["test", "-p", "e2e", "--no-fail-fast", "--locked"])
}

fn browser(tree: &Tree) -> Result<Outcome> {
    ensure!(
        run_command(cargo(&["build", "-p", "server", "--locked"], &tree.root))?.success,
        "the server does not build"
    );
    let done = run_command(program("npm", &["run", "--silent", "e2e"], &tree.path("web")))?;
    Ok(told(&done))
}

fn one(success: bool) -> Result<Outcome> {
    Ok(Outcome::Done(Count::one(success)))
}

/// What a runner of tests came to.
fn told(done: &Finished) -> Outcome {
    Outcome::Told(Count::from_output(&done.stdout, done.success), failures(&done.stdout))
}

fn counted(tree: &Tree, arguments: &[&str]) -> Result<Outcome> {
    let done = run_command(cargo(arguments, &tree.root))?;
    Ok(told(&done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Result<Option<Vec<&'static str>>> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Ok(choose(&arguments)?.map(|steps| steps.iter().map(|step| step.name).collect()))
    }

    #[test]
    fn steps_are_chosen_by_name_and_run_in_their_own_order() {
        assert_eq!(chosen(&[]).expect("all").map(|steps| steps.len()), Some(STEPS.len()));
        assert_eq!(chosen(&["--only", "unit,tidy"]).expect("two"), Some(vec!["tidy", "unit"]));
        assert!(!chosen(&["--skip", "e2e"]).expect("most").expect("steps").contains(&"e2e"));
        assert_eq!(chosen(&["--list"]).expect("a list"), None);
    }

    #[test]
    fn a_registry_without_advisories_is_no_flaw() {
        assert_eq!(is_free_of_flaws(true, "found 0 vulnerabilities\n"), Some(true));
        let report = "# npm audit report\n\nmpegts.js  <1.0.0\nSeverity: high\n\n1 high severity vulnerability\n";
        assert_eq!(is_free_of_flaws(false, report), Some(false));
        assert_eq!(is_free_of_flaws(false, "undefined\n"), None);
    }

    #[test]
    fn a_step_that_does_not_exist_is_refused() {
        assert!(chosen(&["--only", "nothing"]).is_err());
        assert!(chosen(&["--only"]).is_err());
        assert!(chosen(&["--only", "tidy", "--skip", "tidy"]).is_err());
        assert!(chosen(&["tidy"]).is_err());
    }
}
