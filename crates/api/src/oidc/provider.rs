//! One identity provider: its addresses and keys, and the exchange of a code for an ID token.
//!
//! Speaks to the issuer that the operator set, and to the addresses that its discovery document names, over TLS; without
//! it only to this machine, for an issuer on it. Follows no redirect, waits and reads no longer than it must. Document and
//! keys are kept for an hour, and longer while the provider does not answer; keys are read again when a token names one that
//! is new, a few times a minute at most. Of those who need what is not there one asks, and what it comes back with, be it a
//! failure, is for all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::identity::provider::GroupRule;
use futures_util::StreamExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use jsonwebtoken::jwk::Jwk;
use media::Redacted;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, OnceCell};
use url::{Host, Url};

use super::PROVIDER;
use super::ticket::Ticket;
use super::token::{Claims, Expected, TokenError, check, key_of};

/// How long the provider may take for one answer. A person waits.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next question of the same sign-in. Providers close them after some seconds, and a
/// code that is sent into a connection that closes cannot be sent again.
const IDLE: Duration = Duration::from_secs(1);
/// Longest answer: a discovery document has 5 kB, a key set of ten keys 10.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// How long what was read is believed.
const FRESH: Duration = Duration::from_secs(3_600);
/// How long it is not asked again after it failed: who waits in line for a provider that is down gets its answer at once.
const RETRY: Duration = Duration::from_secs(5);
/// Times that keys are read in [`REFETCH_WINDOW`], however many tokens name keys that are not there.
const REFETCHES_MAX: usize = 5;
const REFETCH_WINDOW: Duration = Duration::from_secs(60);

/// What the operator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// What its button says.
    pub name: String,
    /// Its issuer.
    pub issuer: String,
    /// By which it knows us.
    pub client_id: String,
    /// With which we prove it.
    pub client_secret: Option<Redacted<String>>,
    /// Claim with somebody's groups.
    pub groups_claim: String,
    /// Which groups make roles.
    pub rule: GroupRule,
}

/// Why somebody was not identified. Holds nothing of what they sent.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// An address to which we do not speak.
    #[error("{0} is not an address that we speak to: it must be https, or this machine where the issuer is")]
    Address(&'static str),
    /// It cannot be reached, or does not answer in time.
    #[error("the provider does not answer at its {0}: {1}")]
    Unreachable(&'static str, String),
    /// It failed a moment ago, and was not asked again.
    #[error("the provider failed at its {0} a moment ago")]
    DownLately(&'static str),
    /// It answers with an error.
    #[error("the provider answers {1} at its {0}")]
    Status(&'static str, u16),
    /// It answers what cannot be read.
    #[error("the provider answers at its {0} what cannot be read")]
    Unreadable(&'static str),
    /// Its document is another issuer's.
    #[error("the provider's document is of another issuer than oidc.issuer")]
    OtherIssuer,
    /// Its token does not hold.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// What we need of a discovery document (OpenID Connect Discovery section 3).
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Default)]
struct Keys {
    all: Arc<Vec<Jwk>>,
    read: Option<Instant>,
    /// When they were read lately.
    reads: VecDeque<Instant>,
    /// When that failed last.
    failed: Option<Instant>,
}

/// The discovery document, as far as it is known.
#[derive(Default)]
struct Document {
    read: Option<(Instant, Arc<Metadata>)>,
    failed: Option<Instant>,
}

impl Document {
    /// What to go by without asking, if anything: what is fresh, and what there is while the provider is down.
    fn known(&self) -> Option<Result<Arc<Metadata>, ProviderError>> {
        let fresh = self.read.as_ref().filter(|(read, _)| read.elapsed() < FRESH);
        if let Some((_, metadata)) = fresh {
            return Some(Ok(metadata.clone()));
        }
        self.failed.filter(|failed| failed.elapsed() < RETRY)?;
        Some(self.stale().ok_or(ProviderError::DownLately(DOCUMENT)))
    }

    fn stale(&self) -> Option<Arc<Metadata>> {
        self.read.as_ref().map(|(_, metadata)| metadata.clone())
    }
}

const DOCUMENT: &str = "discovery document";

/// See the module.
pub struct Provider {
    settings: OidcSettings,
    client: OnceCell<reqwest::Client>,
    document: parking_lot::Mutex<Document>,
    /// Held by who asks for the document.
    asking: Mutex<()>,
    keys: Mutex<Keys>,
}

impl Provider {
    /// Of these settings. Asks for nothing yet: the provider may be down when this server starts.
    #[must_use]
    pub fn new(settings: OidcSettings) -> Self {
        let (document, asking) = (parking_lot::Mutex::default(), Mutex::default());
        Self { settings, client: OnceCell::new(), document, asking, keys: Mutex::default() }
    }

    /// What its button says.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What the operator set.
    #[must_use]
    pub fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    /// Where signing in by it begins.
    #[must_use]
    pub fn start_path(&self) -> String {
        format!("/api/v1/oidc/{PROVIDER}/start")
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn authorization_url(&self, ticket: &Ticket, redirect_uri: &str) -> Result<String, ProviderError> {
        let metadata = self.metadata().await?;
        let mut url = self.permitted("authorization endpoint", &metadata.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid email profile")
            .append_pair("state", ticket.state())
            .append_pair("nonce", &ticket.nonce)
            .append_pair("code_challenge", &ticket.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Exchanges a code for what its ID token says.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn exchange(&self, code: &str, ticket: &Ticket, redirect_uri: &str) -> Result<Claims, ProviderError> {
        const WHERE: &str = "token endpoint";
        let metadata = self.metadata().await?;
        let url = self.permitted(WHERE, &metadata.token_endpoint)?;
        let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
        let by_header = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", &ticket.verifier),
        ];
        let client_id = self.settings.client_id.as_str();
        let mut request = self.client().await?.post(url).header(ACCEPT, "application/json");
        match &self.settings.client_secret {
            Some(secret) if by_header => request = request.header(AUTHORIZATION, basic(client_id, secret)),
            Some(secret) => fields.extend([("client_id", client_id), ("client_secret", &secret.0)]),
            None => fields.push(("client_id", client_id)),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let tokens: Tokens = read(WHERE, request).await?;
        self.identified(&tokens.id_token, &ticket.nonce).await
    }

    /// What an ID token says, if it holds.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn identified(&self, token: &str, nonce: &str) -> Result<Claims, ProviderError> {
        let expected = Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce };
        for may_read_again in [true, false] {
            let keys = self.keys(!may_read_again).await?;
            if let Some(key) = key_of(token, &keys)? {
                return Ok(check(token, key, expected)?);
            }
        }
        Err(TokenError::UnknownKey.into())
    }

    /// The provider's keys; read again if that is asked for, and was not done too often.
    async fn keys(&self, again: bool) -> Result<Arc<Vec<Jwk>>, ProviderError> {
        const WHERE: &str = "key set";
        let mut keys = self.keys.lock().await;
        let fresh = keys.read.is_some_and(|read| read.elapsed() < FRESH);
        while keys.reads.front().is_some_and(|read| read.elapsed() >= REFETCH_WINDOW) {
            keys.reads.pop_front();
        }
        if fresh && !again || keys.reads.len() >= REFETCHES_MAX {
            return Ok(keys.all.clone());
        }
        let down = keys.failed.is_some_and(|failed| failed.elapsed() < RETRY);
        let asked = if down { Err(ProviderError::DownLately(WHERE)) } else { self.ask_for_keys(WHERE).await };
        match asked {
            Ok(all) => {
                keys.reads.push_back(Instant::now());
                (keys.all, keys.read, keys.failed) = (Arc::new(all), Some(Instant::now()), None);
            }
            Err(error) => {
                if !down {
                    keys.reads.push_back(Instant::now());
                    keys.failed = Some(Instant::now());
                }
                // What held until now holds while the provider is down.
                keys.read.ok_or(error)?;
            }
        }
        Ok(keys.all.clone())
    }

    async fn ask_for_keys(&self, place: &'static str) -> Result<Vec<Jwk>, ProviderError> {
        let url = self.permitted(place, &self.metadata().await?.jwks_uri)?;
        let set: KeySet = read(place, self.client().await?.get(url)).await?;
        // A kind of key that we do not know is not ours to use, and no reason to use none.
        Ok(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        if let Some(known) = self.known() {
            return known;
        }
        // Whoever comes while somebody asks goes by what there was, or waits for what they come back with.
        let stale = self.document.lock().stale();
        let _asking = match (self.asking.try_lock(), stale) {
            (Ok(asking), _) => asking,
            (Err(_), Some(stale)) => return Ok(stale),
            (Err(_), None) => self.asking.lock().await,
        };
        if let Some(known) = self.known() {
            return known;
        }
        match self.ask_for_document().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *self.document.lock() = Document { read: Some((Instant::now(), metadata.clone())), failed: None };
                Ok(metadata)
            }
            Err(error) => {
                let mut document = self.document.lock();
                document.failed = Some(Instant::now());
                document.stale().ok_or(error)
            }
        }
    }

    fn known(&self) -> Option<Result<Arc<Metadata>, ProviderError>> {
        self.document.lock().known()
    }

    async fn ask_for_document(&self) -> Result<Metadata, ProviderError> {
        let address = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let url = self.permitted("oidc.issuer", &address)?;
        let metadata: Metadata = read(DOCUMENT, self.client().await?.get(url)).await?;
        if metadata.issuer != self.settings.issuer {
            return Err(ProviderError::OtherIssuer);
        }
        Ok(metadata)
    }

    /// The address, if it is one that we speak to.
    fn permitted(&self, what: &'static str, address: &str) -> Result<Url, ProviderError> {
        let refused = || ProviderError::Address(what);
        let url = Url::parse(address).map_err(|_| refused())?;
        let issuer = Url::parse(&self.settings.issuer).map_err(|_| refused())?;
        let good = match url.scheme() {
            // What a document of the outside names on this machine or network by number is not the provider.
            "https" => is_here(&issuer) || !is_number(&url) || url.host() == issuer.host(),
            "http" => is_here(&url) && is_here(&issuer),
            _ => false,
        };
        let plain = url.username().is_empty() && url.password().is_none();
        if good && plain { Ok(url) } else { Err(refused()) }
    }

    async fn client(&self) -> Result<&reqwest::Client, ProviderError> {
        let make = || async {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .pool_idle_timeout(IDLE)
                .user_agent("tayang")
                .build()
                .map_err(|error| ProviderError::Unreachable("address", error.to_string()))
        };
        self.client.get_or_try_init(make).await
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_number(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) || is_here(url)
}

/// RFC 6749 section 2.3.1: both are form-encoded first.
fn basic(client_id: &str, secret: &Redacted<String>) -> String {
    use base64::Engine as _;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client_id), encoded(&secret.0));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// The answer to a request, not longer than we take.
async fn read<T: DeserializeOwned>(what: &'static str, request: reqwest::RequestBuilder) -> Result<T, ProviderError> {
    // The URL is cut off: that of a request with a code would hold it.
    let failed = |error: reqwest::Error| ProviderError::Unreachable(what, error.without_url().to_string());
    let response = request.send().await.map_err(failed)?;
    if response.status() != http::StatusCode::OK {
        return Err(ProviderError::Status(what, response.status().as_u16()));
    }
    let (mut bytes, mut chunks) = (Vec::new(), response.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.map_err(failed)?);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(ProviderError::Unreadable(what));
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| ProviderError::Unreadable(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> Provider {
        Provider::new(OidcSettings {
            name: "Uji".to_owned(),
            issuer: issuer.to_owned(),
            client_id: "tayang".to_owned(),
            client_secret: None,
            groups_claim: "groups".to_owned(),
            rule: GroupRule::default(),
        })
    }

    #[test]
    fn we_speak_to_the_provider_over_tls_and_to_this_machine_only_if_the_issuer_is_on_it() {
        let (outside, here) = (provider("https://id.example"), provider("http://127.0.0.1:9000"));
        for (address, from_outside, from_here) in [
            ("https://id.example/token", true, true),
            ("https://pool.auth.ap-southeast-3.amazoncognito.com/oauth2/token", true, true),
            ("http://id.example/token", false, false),
            ("http://127.0.0.1:9000/token", false, true),
            ("http://localhost:9000/token", false, true),
            ("http://[::1]:9000/token", false, true),
            ("https://127.0.0.1/token", false, true),
            ("https://169.254.169.254/latest/meta-data", false, true),
            ("https://localhost/token", false, true),
            ("https://user:secret@id.example/token", false, false),
            ("file:///etc/passwd", false, false),
            ("id.example", false, false),
        ] {
            assert_eq!(outside.permitted("x", address).is_ok(), from_outside, "{address}");
            assert_eq!(here.permitted("x", address).is_ok(), from_here, "{address}");
        }
        let by_number = provider("https://10.1.2.3");
        assert!(by_number.permitted("x", "https://10.1.2.3/token").is_ok(), "the operator named it");
        assert!(by_number.permitted("x", "https://10.1.2.4/token").is_err());
    }

    /// A provider that takes connections, says what it says to each, and counts them.
    async fn counting(says: &'static str) -> (String, Arc<std::sync::atomic::AtomicUsize>) {
        use tokio::io::AsyncWriteExt as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (asked, address) =
            (Arc::<std::sync::atomic::AtomicUsize>::default(), listener.local_addr().expect("bound"));
        let counter = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                socket.write_all(says.as_bytes()).await.ok();
            }
        });
        (format!("http://{address}"), asked)
    }

    #[tokio::test]
    async fn a_provider_that_is_down_is_asked_once_for_all_who_come() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let (issuer, asked) = counting("HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let provider = provider(&issuer);
        let answers = futures_util::future::join_all((0..20).map(|_| provider.metadata())).await;
        assert!(answers.iter().all(Result::is_err));
        assert!(matches!(provider.keys(true).await, Err(ProviderError::DownLately(_))));
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_known_of_a_provider_holds_while_it_is_down() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let (issuer, asked) = counting("HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let provider = provider(&issuer);
        let Some(old) = Instant::now().checked_sub(FRESH) else { return };
        let metadata = Metadata {
            issuer: issuer.clone(),
            authorization_endpoint: format!("{issuer}/auth"),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/keys"),
            token_endpoint_auth_methods_supported: None,
        };
        provider.document.lock().read = Some((old, Arc::new(metadata)));
        assert!(provider.metadata().await.is_ok() && provider.metadata().await.is_ok());
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "and it is asked whether it is back");
    }

    #[test]
    fn a_client_shows_its_secret_encoded_as_the_standard_says() {
        use base64::Engine as _;
        let header = basic("a:b", &Redacted("c d%".to_owned()));
        let pair = header.strip_prefix("Basic ").expect("scheme");
        let pair = base64::engine::general_purpose::STANDARD.decode(pair).expect("base64");
        assert_eq!(pair, b"a%3Ab:c+d%25");
    }
}
