//! Notices as the configuration wants them.

use std::sync::Arc;

use anyhow::Context as _;
use control::Repository;
use events::delivery::Limits;
use events::egress::Policy;
use events::email::Route;

use crate::config::Config;

/// Where requests to addresses of strangers may go.
pub fn egress(config: &Config) -> Policy {
    Policy { allow_local: config.local_targets }
}

/// Planner and courier, not started yet.
pub fn open(config: &Config, repository: Arc<dyn Repository>) -> anyhow::Result<events::Service> {
    let base_url = match &config.public_url {
        Some(url) => Some(url.to_string()),
        // Mails that are files are read on this machine.
        None if config.mail.smtp_url.is_none() => Some(format!("http://localhost:{}", config.http_addr.port())),
        None => {
            tracing::warn!("mails of notices have no links: set public_url to where people reach this server");
            None
        }
    };
    let mail = match &config.mail.smtp_url {
        Some(url) => Route::Smtp(url.clone()),
        None => Route::Folder(config.mail.dir.clone()),
    };
    let settings = events::Config {
        base_url,
        mail,
        mail_from: config.mail.from.clone(),
        egress: egress(config),
        limits: Limits::default(),
    };
    events::Service::open(repository, settings).context("notices cannot be sent")
}
