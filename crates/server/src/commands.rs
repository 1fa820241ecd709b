//! What the command line does. Answers go to standard output, and nothing else does.

mod backup;
mod channel;
mod explain;
mod publish_test;
mod recording;
mod secret;
mod user;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use control::Repository;
use media::UnixMillis;
pub use publish_test::PublishTest;
use serde::Serialize;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::config::{self, Config};
use crate::failure::{Code, Failure};
use crate::{doctor, logging, serve};

/// Does what the command line says.
///
/// # Errors
/// [`Failure`]
pub fn run(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.command, Command::Openapi) {
        return answer(&api::routes::document());
    }
    let sources = cli.sources();
    let (config, explained) = config::load(&sources).map_err(|error| Failure::new(Code::Usage, error.to_string()))?;
    if let Command::Config(ConfigCommand::Explain(json)) = &cli.command {
        return explain::run(&explained, json.json);
    }
    let serves = matches!(cli.command, Command::Serve(_));
    let mut builder = if serves {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build()?;
    match cli.command {
        Command::Serve(options) => {
            logging::init(&config.log);
            Ok(serve::run(runtime, config, options.ready_file)?)
        }
        Command::Channel(command) => runtime.block_on(channel::run(&config, command)),
        Command::PublishTest(options) => runtime.block_on(publish_test::run(&config, &options)),
        Command::Recording(command) => runtime.block_on(recording::run(&config, command)),
        Command::Backup(options) => runtime.block_on(backup::run(&config, &options)),
        Command::Restore(options) => runtime.block_on(backup::restore(&config, &options)),
        Command::User(command) => runtime.block_on(user::run(&config, command)),
        Command::Secret(command) => runtime.block_on(secret::run(&config, command)),
        Command::Doctor(json) => runtime.block_on(doctor::run(&config, json.json)),
        Command::Config(ConfigCommand::Explain(json)) => explain::run(&explained, json.json),
        Command::Openapi => answer(&api::routes::document()),
    }
}

async fn open(config: &Config) -> Result<Arc<dyn Repository>, Failure> {
    Ok(store::db::open(&config.database()).await?)
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Writes an answer. A reader that has gone away (`tayang … | head`) is no failure.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes an answer in JSON, on one line.
pub(crate) fn answer_json(value: &impl Serialize) -> Result<(), Failure> {
    answer(&format!("{}\n", serde_json::to_string(value)?))
}

/// Says something beside the answer, to people.
fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Rows under a heading, columns aligned.
fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
    let rows: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = vec![vec!["é".to_owned(), "1".to_owned()], vec!["kelas".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["NAME", "N"], &rows), "NAME   N\né      1\nkelas  22\n");
        assert_eq!(table(&["NAME"], &[]), "NAME\n");
    }
}
