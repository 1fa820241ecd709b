//! Mails on their way: to an SMTP server, or as files in a folder where none is configured.
//!
//! The same delivery has the same `Message-ID` however often it is sent, by which mail servers and readers know it again;
//! in the folder it is the same file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use control::DeliveryId;
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, header};
use media::{Redacted, UnixMillis};
use tokio::sync::Semaphore;

use crate::smtp::Relay;

/// A whole conversation. Well within a delivery's lease, or the same mail would be taken a second time beside it.
const CONVERSATION_MAX: Duration = Duration::from_secs(45);

/// Connections to the mail server. Its operator rarely allows more than ten of one client.
const CONNECTIONS_MAX: u32 = 4;

/// Where mails go.
#[derive(Clone, Debug)]
pub enum Route {
    /// `smtp://` (with STARTTLS where it is offered, and always where a password is sent) or `smtps://`.
    Smtp(Redacted<String>),
    /// A file each.
    Folder(PathBuf),
}

/// Why no mail can be sent. No text holds the URL.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL.
    #[error("the URL of the mail server must be smtp://user:password@host:port or smtps://…")]
    Url,
    /// The sender.
    #[error("the sender of mails must be an address: name <mailbox@host>")]
    From,
}

/// How sending failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It will not be taken another time either.
    #[error("{0}")]
    Never(String),
    /// Perhaps another time.
    #[error("{0}")]
    NotNow(String),
}

enum Sink {
    Smtp(Box<Relay>),
    Folder(PathBuf),
}

/// A mail to be written.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Of which delivery.
    pub id: DeliveryId,
    /// The address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub body: &'a str,
    /// When it was owed.
    pub created: UnixMillis,
    /// BCP 47 tag of the language, if it is known.
    pub language: Option<&'static str>,
}

/// Sends mails.
pub struct Post {
    sink: Sink,
    from: Mailbox,
    /// One for each conversation with the mail server.
    lines: Semaphore,
    /// For a whole conversation.
    patience: Duration,
}

impl Post {
    /// By that route.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(route: &Route, from: &str) -> Result<Self, OpenError> {
        let from = from.parse().map_err(|_| OpenError::From)?;
        let sink = match route {
            Route::Smtp(url) => {
                rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
                Sink::Smtp(Box::new(Relay::open(&url.0)?))
            }
            Route::Folder(folder) => Sink::Folder(folder.clone()),
        };
        Ok(Self { sink, from, lines: Semaphore::new(CONNECTIONS_MAX as usize), patience: CONVERSATION_MAX })
    }

    /// The sender's address.
    #[must_use]
    pub fn from_address(&self) -> String {
        self.from.email.to_string()
    }

    fn message(&self, draft: &Draft<'_>) -> Result<Message, MailError> {
        let to: Mailbox =
            draft.to.parse().map_err(|_| MailError::Never("the address cannot be written to".to_owned()))?;
        let subject: String = draft.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let created = u64::try_from(draft.created.0).unwrap_or(0);
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(format!("<{}@{}>", draft.id, self.from.email.domain())))
            .date(std::time::UNIX_EPOCH + Duration::from_millis(created))
            .header(ContentType::TEXT_PLAIN)
            // Nobody's absence is announced to us (RFC 3834 section 5).
            .header(AutoSubmitted);
        if let Some(language) = draft.language {
            builder = builder.header(ContentLanguage(language));
        }
        builder.body(draft.body.to_owned()).map_err(|_| MailError::Never("the mail cannot be written".to_owned()))
    }

    /// Sends one. When this returns `Ok` the mail server has it, or it is on the disk.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, draft: &Draft<'_>) -> Result<(), MailError> {
        let message = self.message(draft)?;
        match &self.sink {
            Sink::Smtp(relay) => {
                let conversation = async {
                    let _line = self.lines.acquire().await;
                    relay.send(message.envelope(), &message.formatted()).await
                };
                let in_time = tokio::time::timeout(self.patience, conversation).await;
                in_time.unwrap_or_else(|_| Err(MailError::NotNow("the mail server did not answer in time".to_owned())))
            }
            Sink::Folder(folder) => {
                let (folder, name, bytes) = (folder.clone(), draft.id.to_string(), message.formatted());
                let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
                match written {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(MailError::NotNow(format!("the folder of mails takes nothing: {error}"))),
                    Err(_) => Err(MailError::NotNow("the folder of mails takes nothing".to_owned())),
                }
            }
        }
    }
}

/// Whole or not at all: written beside, made durable, and named.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::create_dir_all(folder)?;
    let (beside, whole) = (folder.join(format!(".{name}")), folder.join(format!("{name}.eml")));
    // Links to sign in stand in mails.
    let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, whole)?;
    std::fs::File::open(folder)?.sync_all()
}

macro_rules! plain_header {
    ($name:ident, $text:literal, $value:expr) => {
        impl header::Header for $name {
            fn name() -> header::HeaderName {
                header::HeaderName::new_from_ascii_str($text)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Err("is written, never read".into())
            }

            fn display(&self) -> header::HeaderValue {
                let value: fn(&Self) -> &str = $value;
                header::HeaderValue::new(Self::name(), value(self).to_owned())
            }
        }
    };
}

#[derive(Clone)]
struct AutoSubmitted;
plain_header!(AutoSubmitted, "Auto-Submitted", |_| "auto-generated");

#[derive(Clone)]
struct ContentLanguage(&'static str);
plain_header!(ContentLanguage, "Content-Language", |header| header.0);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_mail_server_that_says_nothing_is_left_in_time() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("smtp://{}", silent.local_addr().expect("an address"));
        let mut post = Post::open(&Route::Smtp(Redacted(url)), "Tayang <tayang@example.test>").expect("opened");
        post.patience = Duration::from_millis(50);
        let draft = Draft {
            id: DeliveryId::new(UnixMillis(1)),
            to: "siti@example.test",
            subject: "Kabar",
            body: "Halo",
            created: UnixMillis(1),
            language: None,
        };
        let (sent, _held) = tokio::join!(post.send(&draft), silent.accept());
        assert_eq!(sent, Err(MailError::NotNow("the mail server did not answer in time".to_owned())));
    }
}
