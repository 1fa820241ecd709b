//! Conversations with a mail server: connections that are kept, and at which command a mail was refused.
//!
//! lettre's own transport does not say at which command. Only what is said to the recipient, or to this very mail, is about
//! the mail: a refused greeting, password, sender or quota is about us, is tried again, and the operator is told.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use parking_lot::Mutex;
use url::Url;

use crate::clock;
use crate::email::{MailError, OpenError};

/// Connecting, with TLS: a mail server that looks at whoever comes may need some seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection is kept that nobody uses. Servers close them after some minutes.
const IDLE_MAX_MS: i64 = 30_000;

/// How often the operator is told that the server refuses us: each mail that waits would say the same.
const TOLD_EVERY_MS: i64 = 60_000;

/// When a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// From the first byte.
    Wrapped,
    /// After STARTTLS, or not at all used.
    Required,
    /// After STARTTLS where it is offered: a mail goes as it can, as between all mail servers.
    Offered,
}

/// See the module.
pub(crate) struct Relay {
    host: String,
    port: u16,
    hello: ClientId,
    security: Security,
    tls: TlsParameters,
    login: Option<Credentials>,
    idle: Mutex<Vec<(AsyncSmtpConnection, i64)>>,
    told_ms: AtomicI64,
}

/// What stands encoded in a URL.
fn decoded(text: &str) -> String {
    let form = format!("t={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

impl Relay {
    /// To the server of that URL.
    pub(crate) fn open(url: &str) -> Result<Self, OpenError> {
        let parsed = Url::parse(url).map_err(|_| OpenError::Url)?;
        let host = parsed.host_str().ok_or(OpenError::Url)?.to_owned();
        let tls = TlsParameters::new(host.clone()).map_err(|_| OpenError::Url)?;
        let asked = parsed.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let has_password = parsed.password().is_some();
        let (security, port) = match (parsed.scheme(), asked.as_deref()) {
            ("smtps", _) => (Security::Wrapped, 465),
            ("smtp", Some("required")) => (Security::Required, 587),
            // A password never goes in the clear.
            ("smtp", Some("opportunistic")) if has_password => (Security::Required, 587),
            ("smtp", Some("opportunistic")) => (Security::Offered, 587),
            ("smtp", None) if has_password => (Security::Required, 25),
            ("smtp", None) => (Security::Offered, 25),
            _ => return Err(OpenError::Url),
        };
        let name = parsed.path().trim_matches('/');
        let hello = if name.is_empty() { ClientId::default() } else { ClientId::Domain(name.to_owned()) };
        let login = parsed.password().map(|password| Credentials::new(decoded(parsed.username()), decoded(password)));
        Ok(Self {
            host,
            port: parsed.port().unwrap_or(port),
            hello,
            security,
            tls,
            login,
            idle: Mutex::default(),
            told_ms: AtomicI64::new(0),
        })
    }

    /// Sends one. When this returns `Ok` the server has it. A connection on which something failed, or that is dropped in
    /// the middle, is closed.
    pub(crate) async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), MailError> {
        let sent = async {
            let mut connection = self.connection().await?;
            transfer(&mut connection, envelope, mail).await?;
            self.idle.lock().push((connection, clock::now().0));
            Ok(())
        };
        sent.await.map_err(|failed: Failed| {
            let Failed::At(command, error) = failed else {
                return MailError::Never("the mail server takes no address beyond ASCII".to_owned());
            };
            let said = words(command, &error);
            let about_the_mail = match command {
                "RCPT TO" => is_of_the_recipient(&error),
                "DATA" => is_of_the_mail(&error),
                _ => false,
            };
            if about_the_mail {
                return MailError::Never(said);
            }
            if error.is_permanent() || error.is_client() {
                self.tell(command, &said);
            }
            MailError::NotNow(said)
        })
    }

    /// Says to the operator that the server will have nothing of us.
    fn tell(&self, command: &'static str, said: &str) {
        let (now, told) = (clock::now().0, self.told_ms.load(Ordering::Relaxed));
        let is_due = now - told >= TOLD_EVERY_MS;
        if is_due && self.told_ms.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::error!(
                command,
                error = said,
                "the mail server refuses this server; look at mail.smtp_url and mail.from"
            );
        }
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Failed> {
        loop {
            let kept = self.idle.lock().pop();
            let Some((mut kept, since_ms)) = kept else { return self.connect().await };
            if clock::now().0 - since_ms < IDLE_MAX_MS && kept.test_connected().await {
                return Ok(kept);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let address = (self.host.as_str(), self.port);
        let wrapped = (self.security == Security::Wrapped).then(|| self.tls.clone());
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &self.hello, wrapped, None);
        let mut connection = connecting.await.map_err(at("EHLO"))?;
        let upgrades = match self.security {
            Security::Required => true,
            Security::Offered => connection.can_starttls(),
            Security::Wrapped => false,
        };
        if upgrades {
            connection.starttls(self.tls.clone(), &self.hello).await.map_err(at("STARTTLS"))?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await.map_err(at("AUTH"))?;
        }
        Ok(connection)
    }
}

/// Why a mail was not taken.
enum Failed {
    /// At which command, and how.
    At(&'static str, Error),
    /// The address cannot be said to this server (RFC 6531).
    Address,
}

fn at(command: &'static str) -> impl FnOnce(Error) -> Failed {
    move |error| Failed::At(command, error)
}

/// One mail over a connection (RFC 5321 section 3.3).
async fn transfer(connection: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8]) -> Result<(), Failed> {
    let mut options = Vec::new();
    let in_ascii = envelope.to().iter().chain(envelope.from()).all(|address| AsRef::<str>::as_ref(address).is_ascii());
    if !in_ascii {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failed::Address);
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !mail.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), options)).await.map_err(at("MAIL FROM"))?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(at("RCPT TO"))?;
    }
    connection.command(Data).await.map_err(at("DATA (before the mail)"))?;
    connection.message(mail).await.map_err(at("DATA")).map(|_| ())
}

/// What a server says behind its code. It may repeat there what it was sent: never kept.
fn said(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

fn is_of_the_recipient(error: &Error) -> bool {
    error.is_permanent() && error.status().is_some_and(|code| is_final(u16::from(code), &said(error)))
}

/// Whether a refusal to take mails for somebody is about them, by reply and the enhanced code that its text may begin with
/// (RFC 5321 section 4.2.3, RFC 3463): not one that asks for a password (RFC 4954) or refuses us by policy or quota.
fn is_final(code: u16, text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let enhanced = first.starts_with("5.") && first.matches('.').count() == 2;
    match code {
        530 | 534 | 535 | 538 => false,
        // Of the other codes that stand alone most servers say also that they relay nothing for us.
        _ if !enhanced => matches!(code, 551 | 553),
        _ => matches!(first, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1"),
    }
}

/// Too large (552): of a mail that was read, this mail. A 554 there may be about it, or about us: that passes.
fn is_of_the_mail(error: &Error) -> bool {
    error.status().is_some_and(|code| u16::from(code) == 552)
}

/// The status of the mail server, if it gave one, and to which command; never its text.
fn words(command: &'static str, error: &Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code} to {command}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_client() => format!("the mail server does not offer what {command} needs"),
        None => "no connection to the mail server can be made".to_owned(),
    }
}

#[cfg(test)]
mod tests;
