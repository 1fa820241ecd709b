//! Running other programs: visibly, with their output passed through and kept for counting.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What a finished program left.
pub struct Finished {
    /// It ended with exit code 0.
    pub success: bool,
    /// Everything it wrote to standard output.
    pub stdout: String,
}

/// A program to run in a folder.
pub fn program(name: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

/// The cargo that runs us.
pub fn cargo(arguments: &[&str], folder: &Path) -> Command {
    let name = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    program(&name, arguments, folder)
}

/// Runs to the end; standard output is passed through line by line and kept.
pub fn run(mut command: Command) -> Result<Finished> {
    let shown = show(&command);
    eprintln!("$ {shown}");
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{shown}` does not start"))?;
    let mut stdout = String::new();
    if let Some(pipe) = child.stdout.take() {
        for line in BufReader::new(pipe).split(b'\n') {
            let line = line.with_context(|| format!("output of `{shown}`"))?;
            let line = String::from_utf8_lossy(&line);
            writeln!(std::io::stdout(), "{line}").context("standard output")?;
            stdout.push_str(&line);
            stdout.push('\n');
        }
    }
    let status = child.wait().with_context(|| format!("`{shown}`"))?;
    Ok(Finished { success: status.success(), stdout })
}

/// Runs to the end without a word; `None` when the program is missing or fails.
pub fn quiet(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(name).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program of that name is on the search path.
pub fn is_installed(name: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_and_failure_told() {
        let done = run(program("sh", &["-c", "echo one; echo two; exit 3"], Path::new("."))).expect("sh starts");
        assert_eq!((done.success, done.stdout.as_str()), (false, "one\ntwo\n"));
        assert!(run(program("no-such-program", &[], Path::new("."))).is_err());
    }

    #[test]
    fn a_missing_program_is_known_to_be_missing() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
        assert_eq!(quiet("sh", &["-c", "echo one"]).as_deref(), Some("one\n"));
        assert_eq!(quiet("sh", &["-c", "exit 1"]), None);
    }
}
