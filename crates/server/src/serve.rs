//! `tayang serve`.

use std::path::PathBuf;

use crate::config::Config;

/// Serves until it is told to stop.
///
/// # Errors
/// What keeps the server from starting.
pub async fn run(_config: Config, _ready_file: Option<PathBuf>) -> anyhow::Result<()> {
    anyhow::bail!("serving is not wired yet")
}
