//! Mails that are owed: kept among the deliveries, so that they go out whatever is killed.

use std::sync::Arc;

use control::deliveries::{Medium, NewDelivery};
use control::mail::{Mail, Mailer};
use control::{BoxFuture, DeliveryId, Repository, RepositoryError};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock;

/// Forgets every mail: for what runs without notices.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Mailer for Forgetful {
    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What is kept of a mail until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMail {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Keeps mails for the delivery.
pub struct Outbox {
    repository: Arc<dyn Repository>,
    wake: Arc<Notify>,
}

impl Outbox {
    /// Keeps in `repository`, and wakes whoever sends.
    #[must_use]
    pub fn new(repository: Arc<dyn Repository>, wake: Arc<Notify>) -> Self {
        Self { repository, wake }
    }
}

impl Mailer for Outbox {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), RepositoryError>> {
        Box::pin(async move {
            let now = clock::now();
            let kept = KeptMail { subject: mail.subject.clone(), body: mail.body.clone() };
            self.repository
                .enqueue(&NewDelivery {
                    id: DeliveryId::new(now),
                    once_key: format!("mail:{}", mail.once),
                    medium: Medium::Email,
                    notice: None,
                    webhook: None,
                    user: None,
                    target: mail.to.clone(),
                    payload: serde_json::to_string(&kept).expect("texts are JSON"),
                    next: now,
                    created: now,
                    expires: now.plus_millis(Medium::Email.tries_ms()),
                })
                .await?;
            self.wake.notify_one();
            Ok(())
        })
    }
}
