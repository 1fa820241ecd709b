//! Planner and courier on one repository: what a server starts.

use std::sync::Arc;

use control::Repository;
use control::mail::Mailer;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::delivery::{Courier, Limits};
use crate::egress::{self, Egress, Policy};
use crate::email::{self, Post, Route};
use crate::mail::Outbox;
use crate::planner::Planner;

/// What the configuration says.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where people reach this server, without a slash at the end.
    pub base_url: Option<String>,
    /// Where mails go.
    pub mail: Route,
    /// Their sender.
    pub mail_from: String,
    /// Where requests may go.
    pub egress: Policy,
    /// Bounds of the work.
    pub limits: Limits,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Mails.
    #[error(transparent)]
    Mail(#[from] email::OpenError),
    /// Requests.
    #[error(transparent)]
    Egress(#[from] egress::OpenError),
}

/// See the module.
pub struct Service {
    repository: Arc<dyn Repository>,
    courier: Arc<Courier>,
    wake: Arc<Notify>,
}

impl Service {
    /// Reads what it needs; starts nothing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(repository: Arc<dyn Repository>, config: Config) -> Result<Self, OpenError> {
        let wake = Arc::new(Notify::new());
        let post = Post::open(&config.mail, &config.mail_from)?;
        let contact = format!("mailto:{}", post.from_address());
        let courier = Courier {
            repository: repository.clone(),
            egress: Egress::open(config.egress)?,
            post,
            vapid: OnceCell::new(),
            contact,
            base_url: config.base_url,
            limits: config.limits,
            wake: wake.clone(),
        };
        Ok(Self { repository, courier: Arc::new(courier), wake })
    }

    /// Takes mails.
    #[must_use]
    pub fn mailer(&self) -> Arc<dyn Mailer> {
        Arc::new(Outbox::new(self.repository.clone(), self.wake.clone()))
    }

    /// Plans and sends until `stop`. What is under way then is finished; `tracker` waits for it.
    pub fn start(&self, stop: &CancellationToken, tracker: &TaskTracker) {
        let planner = Planner::new(self.repository.clone(), self.wake.clone());
        tracker.spawn(planner.run(stop.clone()));
        tracker.spawn(self.courier.clone().run(stop.clone()));
    }
}
