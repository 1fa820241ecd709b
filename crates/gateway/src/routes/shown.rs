//! By what a request may play: a signature or a playback token, whichever way it travels.
//!
//! A token comes in the path (`/p/{token}/…`), in the query (`?token=`), in a cookie or as a bearer token. Any of them that
//! is right is enough, so that a cookie of yesterday does not stand in the way of the address of today. Cookies and headers
//! are read once, when the request comes: what waits for media keeps what they say and not their bytes.

use std::sync::Arc;

use control::playback::{Claims, TEXT_LENGTH};
use control::{Denied, Directory};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use media::ChannelPath;

use super::kinds;
use super::target::{Carried, ChannelFile};
use crate::Gateway;
use crate::clock::wall_now;
use crate::right::Right;

/// Name of the cookie.
pub const COOKIE_NAME: &str = "tayang_play";

/// Tokens of one request that are looked at: its bearer token, and cookies of that name for the channel and for paths above
/// it. Each costs an HMAC.
const TOKENS_MAX: usize = 4;

/// What was shown in cookies and headers.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Of tokens that are ours.
    claims: Vec<Arc<Claims>>,
    /// Why another was not.
    denied: Option<Denied>,
}

impl Shown {
    /// Of a request.
    #[must_use]
    pub fn of(directory: &Directory, headers: &HeaderMap) -> Self {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let cookies = pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, token)| token);
        let mut shown = Self::default();
        for token in bearer.into_iter().chain(cookies).take(TOKENS_MAX) {
            match directory.read_token(token) {
                Ok(claims) => shown.claims.push(claims),
                Err(denied) => shown.denied = Some(denied),
            }
        }
        shown
    }
}

/// The one `token` of a query: `None` if there is none.
///
/// # Errors
/// [`Denied::Malformed`] if there are several, or it has no value.
pub fn token_in(query: &str) -> Result<Option<&str>, Denied> {
    let mut values = query.split('&').filter_map(|pair| match pair.split_once('=') {
        Some(("token", value)) => Some(value),
        None if pair == "token" => Some(""),
        Some(_) | None => None,
    });
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if !value.is_empty() => Ok(Some(value)),
        (Some(_), _) => Err(Denied::Malformed),
    }
}

/// All that a request shows.
pub(super) struct Shows<'r, 's> {
    pub(super) carried: Carried<'r>,
    pub(super) query_sign: Option<&'r str>,
    pub(super) query_token: Option<&'r str>,
    pub(super) shown: &'s Shown,
}

impl<'r> Shows<'r, '_> {
    /// The right to play a file of the channel, and what gave it if that was in the query, and so is not carried on by itself.
    pub(super) fn right(
        &self,
        gateway: &Gateway,
        path: &ChannelPath,
        file: &ChannelFile,
    ) -> Result<(Right, Option<Carried<'r>>), Denied> {
        let directory = &gateway.directory;
        let path_sign = if let Carried::Sign(sign) = self.carried { Some(sign) } else { None };
        let path_token = if let Carried::Token(token) = self.carried { Some(token) } else { None };
        let sign = path_sign.or(self.query_sign);
        let mut denied = match directory.authorize_play(path, sign, wall_now()) {
            Ok(grant) => {
                let right = Right::new(grant);
                let by = self.query_sign.filter(|_| path_sign.is_none() && right.is_private()).map(Carried::Sign);
                return Ok((right, by));
            }
            Err(denied) => denied,
        };
        let texts = [(path_token, None), (self.query_token, self.query_token.map(Carried::Token))];
        let tokens = texts.into_iter().filter_map(|(text, by)| Some((directory.read_token(text?), by)));
        let shown = self.shown.claims.iter().map(|claims| (Ok(Arc::clone(claims)), None));
        for (claims, by) in tokens.chain(shown) {
            let granted = claims.and_then(|claims| {
                let grant = directory.authorize_playback(path, &claims, wall_now())?;
                if kinds::opens(gateway, path, claims.kind, file) { Ok(grant) } else { Err(Denied::OtherKind) }
            });
            match granted {
                Ok(grant) => return Ok((Right::new(grant), by)),
                Err(why) => denied = why,
            }
        }
        Err(if denied == Denied::Unknown { self.shown.denied.unwrap_or(denied) } else { denied })
    }
}

const _: () = assert!(TEXT_LENGTH < 300, "a path with a token fits every proxy's limits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_one_token_at_most() {
        assert_eq!(token_in(""), Ok(None));
        assert_eq!(token_in("a=b&_HLS_msn=1"), Ok(None));
        assert_eq!(token_in("a=b&token=x&c=d"), Ok(Some("x")));
        for query in ["token=x&token=x", "token=", "token", "token&token=x"] {
            assert_eq!(token_in(query), Err(Denied::Malformed), "{query}");
        }
    }

    #[test]
    fn what_is_no_token_of_ours_is_told_apart_from_none() {
        let directory = Directory::default();
        let shown = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header"));
            Shown::of(&directory, &headers).denied
        };
        assert_eq!(shown("cookie", "tayang_session=x; tayang_playx=y"), None);
        assert_eq!(shown("cookie", "a=b; tayang_play=nonsense"), Some(Denied::Malformed));
        assert_eq!(shown("authorization", "Basic nonsense"), None);
        assert_eq!(shown("authorization", "bearer nonsense"), Some(Denied::Malformed));
        let token = "A".repeat(TEXT_LENGTH);
        assert_eq!(shown("cookie", &format!("tayang_play={token}")), Some(Denied::Malformed));
    }
}
