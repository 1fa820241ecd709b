//! Where a request comes from: the address that tries are counted by, the device's own name for itself, and the address of
//! this server as its visitor sees it.
//!
//! A proxy that the operator trusts, by itself one on this machine, is believed what it says in `X-Forwarded-For` and
//! `X-Forwarded-Proto`; nobody else is. A proxy adds what it saw behind what came with the request, in the same line or in
//! one of its own: so the last value counts, as all before it may be the visitor's invention.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::auth::{SESSION_COOKIE, cookie};
use crate::problem::Problem;
use crate::{Network, Peer, Settings, State};

/// Longest label of a device, in characters: what fits a list.
const LABEL_LENGTH_MAX: usize = 100;

/// See the module.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Whose tries are counted.
    pub address: IpAddr,
    /// The visitor's connection is encrypted.
    pub secure: bool,
    /// What the device says it is.
    pub label: String,
    /// The session that this browser shows, whether or not it holds. For taking its place, not for letting anybody in.
    pub shown: Option<String>,
    /// Scheme and authority of this server, without a slash at the end. `None`: the request does not say.
    base: Option<String>,
    /// It may stand in a mail.
    base_is_for_mail: bool,
}

impl FromRequestParts<State> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().copied();
        let authority = parts.uri.authority().map(ToString::to_string);
        let Settings { public_url, trusted_proxies, .. } = &state.settings;
        Ok(Self::of(&parts.headers, authority, peer, public_url.as_deref(), trusted_proxies))
    }
}

impl Visit {
    fn of(
        headers: &HeaderMap,
        authority: Option<String>,
        peer: Option<Peer>,
        public_url: Option<&str>,
        trusted: &[Network],
    ) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let socket = peer.map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.address.ip()).to_canonical();
        let proxied = trusted.iter().any(|network| network.contains(socket));
        let address = if proxied { forwarded(headers, socket, trusted) } else { socket };
        let https = proxied && values(headers, "x-forwarded-proto").next() == Some("https");
        let secure = https || peer.is_some_and(|peer| peer.secure);
        let label = text(USER_AGENT.as_str()).chars().filter(|c| !c.is_control()).take(LABEL_LENGTH_MAX).collect();
        let host = authority.unwrap_or_else(|| text(HOST.as_str()).to_owned());
        let scheme = if secure { "https" } else { "http" };
        let seen = is_authority(&host).then(|| format!("{scheme}://{host}"));
        Self {
            address,
            secure,
            label,
            shown: cookie(headers, SESSION_COOKIE).map(str::to_owned),
            base_is_for_mail: public_url.is_some() || is_here(&host) && address.is_loopback(),
            base: public_url.map(str::to_owned).or(seen),
        }
    }

    /// Where the visitor reaches this server, for answers to the visitor.
    ///
    /// # Errors
    /// 400 if the request does not say.
    pub fn base(&self) -> Result<&str, Problem> {
        self.base.as_deref().ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "no-host", "no host", "send the header Host as browsers do")
        })
    }

    /// The same for mails to somebody else than the visitor. A visitor could name a host of their own, be it one of the same
    /// network, and get the link of who opens the mail: so it is what the operator set; or this machine by its own name, to
    /// who is on it, as when one tries it out.
    ///
    /// # Errors
    /// 409 if it is neither.
    pub fn base_for_mail(&self) -> Result<&str, Problem> {
        if self.base_is_for_mail {
            return self.base();
        }
        tracing::warn!("no mail with a link goes out: set public_url to where people reach this server");
        let detail = "this server cannot send links by mail yet: ask its operator to set public_url";
        Err(Problem::conflict("no-public-url", detail))
    }

    /// A cookie of this server, for as long as is said; 0 removes it.
    #[must_use]
    pub fn cookie(&self, name: &str, value: &str, path: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).expect("names, values and paths are ours")
    }
}

fn is_authority(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']');
    (1..=260).contains(&host.len()) && host.bytes().all(plain)
}

/// The values of a header that is a list, over all its lines, the last one first.
fn values<'h>(headers: &'h HeaderMap, name: &'static str) -> impl Iterator<Item = &'h str> {
    let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    lines.into_iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).map(str::trim)
}

/// The last address that no proxy of ours has, of those that our proxies saw; `socket` if that is no address.
fn forwarded(headers: &HeaderMap, socket: IpAddr, trusted: &[Network]) -> IpAddr {
    let mut seen = socket;
    for value in values(headers, "x-forwarded-for") {
        let Ok(address) = value.parse::<IpAddr>() else { return seen };
        seen = address.to_canonical();
        if !trusted.iter().any(|network| network.contains(seen)) {
            return seen;
        }
    }
    seen
}

/// A name of this machine that is so on no other.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(address: [u8; 4], secure: bool, headers: &[(&'static str, &'static str)], url: Option<&str>) -> Visit {
        let pairs = headers.iter();
        let mut headers = HeaderMap::new();
        for &(name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        let trusted = [Network::loopback().to_vec(), vec!["10.7.0.0/16".parse().expect("a network")]].concat();
        Visit::of(&headers, None, Some(Peer { address: (address, 1).into(), secure }), url, &trusted)
    }

    #[test]
    fn only_a_proxy_that_is_trusted_says_who_asks() {
        let said = [("x-forwarded-for", "198.51.100.1, 203.0.113.7"), ("x-forwarded-proto", "https")];
        let near = visit([127, 0, 0, 1], false, &said, None);
        assert_eq!((near.address.to_string().as_str(), near.secure), ("203.0.113.7", true));
        let far = visit([203, 0, 113, 9], false, &said, None);
        assert_eq!((far.address.to_string().as_str(), far.secure), ("203.0.113.9", false));
        let set = visit([10, 7, 0, 1], false, &said, None);
        assert_eq!((set.address.to_string().as_str(), set.secure), ("203.0.113.7", true));
        let garbled = visit([127, 0, 0, 1], false, &[("x-forwarded-for", "x")], None);
        assert_eq!(garbled.address.to_string(), "127.0.0.1");
    }

    #[test]
    fn what_the_proxy_adds_counts_and_not_what_came_with_the_request() {
        let address = |lines: &[&'static str]| {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            visit([127, 0, 0, 1], false, &headers, None).address.to_string()
        };
        for (lines, expected) in [
            (&["192.0.2.66", "203.0.113.7"][..], "203.0.113.7"),
            (&["192.0.2.66, 203.0.113.7"], "203.0.113.7"),
            (&["192.0.2.66", "203.0.113.7, 10.7.0.9"], "203.0.113.7"),
            (&["203.0.113.7", "10.7.0.9", "::1"], "203.0.113.7"),
            (&["203.0.113.7", "x"], "127.0.0.1"),
            (&["10.7.0.9"], "10.7.0.9"),
            (&[""], "127.0.0.1"),
        ] {
            assert_eq!(address(lines), expected, "{lines:?}");
        }
        let forged = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")];
        assert!(!visit([127, 0, 0, 1], false, &forged, None).secure);
    }

    #[test]
    fn a_mail_holds_no_host_that_a_stranger_chose() {
        for (host, near) in [
            ("localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("192.168.1.5", false),
            ("[::1]:8080", true),
            ("[fd00::1]", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("203.0.113.7", false),
            ("[2001:db8::1]", false),
            ("evil.example/localhost", false),
            ("", false),
        ] {
            let visit = visit([127, 0, 0, 1], false, &[("host", host)], None);
            assert_eq!(visit.base_for_mail().is_ok(), near, "{host}");
        }
        let far = visit([192, 168, 1, 66], false, &[("host", "localhost:8080")], None);
        assert!(far.base_for_mail().is_err(), "it is not their machine");
        let set = visit([127, 0, 0, 1], false, &[("host", "evil.example")], Some("https://tayang.test"));
        assert_eq!(set.base_for_mail().ok(), Some("https://tayang.test"));
        let seen = visit([10, 0, 0, 1], true, &[("host", "tayang.test:8443")], None);
        assert_eq!(seen.base().ok(), Some("https://tayang.test:8443"));
        assert!(visit([10, 0, 0, 1], true, &[("host", "a b")], None).base().is_err());
    }

    #[test]
    fn a_cookie_is_closed_to_scripts_other_sites_and_plain_connections() {
        let cookie = visit([10, 0, 0, 1], true, &[], None).cookie("a", "b", "/", 60);
        assert_eq!(cookie, "a=b; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        let plain = visit([10, 0, 0, 1], false, &[], None).cookie("a", "", "/x", 0);
        assert_eq!(plain, "a=; Path=/x; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}
