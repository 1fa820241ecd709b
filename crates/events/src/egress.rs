//! Where requests go whose addresses strangers gave: endpoints of push services and webhooks.
//!
//! Only `https`, only to public addresses, no redirects. A name is resolved and checked by what then connects
//! ([`Checked`] is the client's resolver), so that a name which answers otherwise the second time gains nothing; an address
//! in the URL itself is checked before. Bounded in time, in bytes read, and in requests to one host at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use media::UnixMillis;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Host, Url};

/// A TCP and TLS connection takes three round trips: ten times that of the farthest place.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One request with its answer. Push services answer in tens of milliseconds; a webhook that works on it should answer first.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes read of an answer: nothing in it is of use, and a connection can be used again only once it is read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Requests to one host at once. Each device of a browser's maker is on the same host, so it is not few.
const PER_HOST_MAX: usize = 16;

/// Longest URL. What push services give has some 200 characters.
pub const URL_LENGTH_MAX: usize = 1_024;

/// Hosts whose counts are held before those that are idle are forgotten.
const HOSTS_MAX: usize = 1_024;

/// What is let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// This machine itself too, and by plain `http`: for development and tests.
    pub allow_local: bool,
}

/// Why an address is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no URL, or one that is too long.
    #[error("must be a URL of at most {URL_LENGTH_MAX} characters")]
    NotUrl,
    /// It is not encrypted.
    #[error("must begin with https://")]
    NotHttps,
    /// It has a user or a password in it, which would end in logs.
    #[error("must hold no user name and no password")]
    Credentials,
    /// It is inside of some network.
    #[error("must lead to a public address, not into a private network")]
    NotPublic,
}

impl Policy {
    /// Reads a URL and checks all that can be known without asking the name's servers.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(self, text: &str) -> Result<Url, Refused> {
        if text.len() > URL_LENGTH_MAX {
            return Err(Refused::NotUrl);
        }
        let url = Url::parse(text).map_err(|_| Refused::NotUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let (local, address) = match url.host().ok_or(Refused::NotUrl)? {
            Host::Ipv4(address) => (address.is_loopback(), Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (address.is_loopback(), Some(IpAddr::V6(address))),
            Host::Domain(name) => (is_local_name(name), None),
        };
        match url.scheme() {
            "https" => {}
            "http" if local && self.allow_local => {}
            _ => return Err(Refused::NotHttps),
        }
        let refused = address.is_some_and(|address| !self.lets_through(address)) || (local && !self.allow_local);
        if refused { Err(Refused::NotPublic) } else { Ok(url) }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn lets_through(self, address: IpAddr) -> bool {
        let address = unmapped(address);
        (self.allow_local && address.is_loopback()) || is_public(address)
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// An IPv4 address that is written as an IPv6 one, in each of the ways that some network takes for it.
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let segments = six.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped (RFC 4291 section 2.5.5.2); compatible, but for :: and ::1 (2.5.5.1).
        [0, 0, 0, 0, 0, 0xffff, high, low] => last(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => last(high, low),
        // NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => last(high, low),
        [0x2002, high, low, ..] => last(high, low),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Not in the IANA IPv4 Special-Purpose Address Registry.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113);
    !special
}

/// In what is given out for the internet (2000::/3), and not in its parts for documentation, Teredo and benchmarks.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    (a & 0xe000) == 0x2000 && !documentation && !(a == 0x2001 && b < 0x0200)
}

/// Resolves names to the addresses that may be connected to.
struct Checked(Policy);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| policy.lets_through(address.ip())).collect();
            if addresses.is_empty() {
                return Err(Refused::NotPublic.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// How long to wait before asking again, if it said so, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

/// Why nothing came back. No text holds the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL is not asked.
    #[error("the address is refused: {0}")]
    Refused(#[from] Refused),
    /// Too many requests to that host are under way: later.
    #[error("too many requests to this host at once")]
    Busy,
    /// No connection, no answer, or not in time.
    #[error("{0}")]
    Failed(&'static str),
}

/// Sends requests to where strangers say.
pub struct Egress {
    policy: Policy,
    client: reqwest::Client,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// No client could be made: the system's certificates cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("requests cannot be sent from here: {0}")]
pub struct OpenError(#[from] reqwest::Error);

impl Egress {
    /// One that holds to `policy`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(policy: Policy) -> Result<Self, OpenError> {
        // Somebody did so already where a server runs.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .user_agent(concat!("tayang/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Checked(policy))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_max_idle_per_host(PER_HOST_MAX)
            .build()?;
        Ok(Self { policy, client, hosts: Mutex::default() })
    }

    /// What is let through.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Sends a `POST`.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
        now: UnixMillis,
    ) -> Result<Answer, SendError> {
        let url = self.policy.check(url)?;
        let _permit = self.permit(&url)?;
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| SendError::Failed(cause(&error)))?;
        let answer = Answer {
            status: response.status(),
            retry_after_ms: response.headers().get(RETRY_AFTER).and_then(|value| retry_after_ms(value, now)),
        };
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(answer)
    }

    fn permit(&self, url: &Url) -> Result<OwnedSemaphorePermit, SendError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut hosts = self.hosts.lock();
        if hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, semaphore| semaphore.available_permits() < PER_HOST_MAX);
        }
        let semaphore = hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(PER_HOST_MAX))).clone();
        semaphore.try_acquire_owned().map_err(|_| SendError::Busy)
    }
}

fn cause(error: &reqwest::Error) -> &'static str {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = source {
        if inner.downcast_ref::<Refused>().is_some() {
            return "its name leads into a private network";
        }
        source = inner.source();
    }
    match error {
        error if error.is_timeout() => "it did not answer in time",
        error if error.is_connect() => "no connection to it can be made",
        _ => "the connection broke",
    }
}

/// `Retry-After` (RFC 9110 section 10.2.3), in milliseconds from `now`.
fn retry_after_ms(value: &http::HeaderValue, now: UnixMillis) -> Option<i64> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some((at.timestamp().as_millisecond() - now.0).max(0))
}

#[cfg(test)]
mod tests;
