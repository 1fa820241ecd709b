//! Playback tokens: what opens one channel's media to one person for a short time, on every protocol.
//!
//! A token holds who it is for, by which sign-in, what it opens, and the newest change that was known when it was decided.
//! It is made and checked here and means nothing elsewhere. That somebody may is decided before it is made
//! ([`crate::access`]); whether it still holds is [`crate::Directory`]'s answer, at each request and while something plays.
//!
//! 156 bytes, written in 208 characters of RFC 4648 section 5, which need no escaping in a path, a query, a header or a
//! cookie. All numbers are big-endian.
//!
//! | bytes | |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | kind: 1 live, 2 recording |
//! | 2 | which key signed |
//! | 6 x 16 | user, session, lesson, course, channel, playback |
//! | 3 x 8 | newest change known, issued, expires (Unix milliseconds) |
//! | 32 | HMAC-SHA-256 over all before it |
//!
//! 156 is a multiple of three, so that no bit of the text is left over: one token has one spelling.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use media::{Redacted, UnixMillis};
use sha2::Sha256;
use uuid::Uuid;

use crate::keys::ALPHABET;
use crate::secrets::Secret;
use crate::{CourseId, LessonId, PlaybackId, Seq, SessionId, UserId};

/// How long a token holds without being refreshed. Two minutes: a player asks again after one, and has another to do so on
/// a network that fails now and then. So long is also what a server must remember of rights that were taken away.
pub const LIFE_MS: i64 = 120_000;

/// How long a key is kept before it signs, while there is an older one: until each server verifies with it. Servers read the
/// keys every two seconds, and their clocks differ by a minute.
pub const SIGNS_AFTER_MS: i64 = 70_000;

/// When whoever plays should refresh, after the token was made.
pub const REFRESH_AFTER_MS: i64 = 60_000;

/// How long a download may take: an evening's lesson of 3 GB at 70 kB/s, the slowest of mobile networks.
pub const DOWNLOAD_MS_MAX: i64 = 12 * 3_600_000;

/// Characters of a token.
pub const TEXT_LENGTH: usize = TOKEN_BYTES / 3 * 4;

const TOKEN_BYTES: usize = CLAIM_BYTES + MAC_BYTES;
const CLAIM_BYTES: usize = 4 + 6 * 16 + 3 * 8;
const MAC_BYTES: usize = 32;
const VERSION: u8 = 1;

const _: () = assert!(TOKEN_BYTES.is_multiple_of(3), "no bit of the text may be left over");
const _: () = assert!(TEXT_LENGTH <= 300, "it must fit a cookie beside others, and a path");

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The stream, while the lesson is on.
    Live,
    /// What was recorded of it.
    Recording,
    /// What was recorded of it as one file, to take away.
    Download,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Recording => "recording",
            Self::Download => "download",
        }
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who plays.
    pub user: UserId,
    /// By which sign-in.
    pub session: SessionId,
    /// Which lesson.
    pub lesson: LessonId,
    /// Of which course.
    pub course: CourseId,
    /// The lesson's channel: the only one that it opens.
    pub channel: Uuid,
    /// The playback session.
    pub playback: PlaybackId,
    /// What of the channel it opens.
    pub kind: Kind,
    /// The newest change that was known when it was decided: what was taken away later is not in it.
    pub seq: Seq,
    /// When it was made.
    pub issued: UnixMillis,
    /// Until before when it holds by itself.
    pub expires: UnixMillis,
    /// Which key signed it; 0 before it is signed.
    pub kid: u16,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("playback token is malformed")]
    Malformed,
    /// Nobody with the secret made it, or the secret is retired.
    #[error("playback token does not match")]
    Forged,
}

/// The keys that are not retired.
#[derive(Clone, Default)]
pub struct TokenKeys {
    /// Newest first.
    keys: Vec<TokenKey>,
}

#[derive(Clone)]
struct TokenKey {
    kid: u16,
    value: Redacted<String>,
    signs_from: UnixMillis,
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.kid)).finish()
    }
}

impl TokenKeys {
    /// Of secrets, newest first. One whose number is beyond 65,535 is left out: a key a day for a century is fewer.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        let key = |secret: &Secret| {
            let signs_from = secret.created.plus_millis(SIGNS_AFTER_MS);
            Some(TokenKey { kid: u16::try_from(secret.kid).ok()?, value: secret.value.clone(), signs_from })
        };
        Self { keys: secrets.iter().filter_map(key).collect() }
    }

    /// Whether that key is not retired.
    #[must_use]
    pub fn stands(&self, kid: u16) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// A token that says `claims`, by the newest key that all servers know by then. `None`: there is no key.
    #[must_use]
    pub fn issue(&self, claims: &Claims) -> Option<Redacted<String>> {
        let known = self.keys.iter().find(|key| key.signs_from <= claims.issued);
        let key = known.or(self.keys.last())?;
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(VERSION);
        bytes.push(match claims.kind {
            Kind::Live => 1,
            Kind::Recording => 2,
            Kind::Download => 3,
        });
        bytes.extend_from_slice(&key.kid.to_be_bytes());
        let ids =
            [claims.user.0, claims.session.0, claims.lesson.0, claims.course.0, claims.channel, claims.playback.0];
        for id in ids {
            bytes.extend_from_slice(id.as_bytes());
        }
        for number in [claims.seq.0, claims.issued.0, claims.expires.0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let mac = mac(&key.value.0, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        Some(Redacted(encode(&bytes)))
    }

    /// What a token says, if one of the keys made it. Whether it still holds is not asked here.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, text: &str) -> Result<Claims, TokenError> {
        let bytes = decode(text).ok_or(TokenError::Malformed)?;
        let (signed, given) = bytes.split_at(CLAIM_BYTES);
        let mut fields = Fields(signed);
        let [version, kind] = fields.take::<2>().ok_or(TokenError::Malformed)?;
        let kind = match (version, kind) {
            (VERSION, 1) => Kind::Live,
            (VERSION, 2) => Kind::Recording,
            (VERSION, 3) => Kind::Download,
            _ => return Err(TokenError::Malformed),
        };
        let kid = fields.take().map(u16::from_be_bytes).ok_or(TokenError::Malformed)?;
        let key = self.keys.iter().find(|key| key.kid == kid).ok_or(TokenError::Forged)?;
        // Takes the same time wherever the difference is.
        mac(&key.value.0, signed).verify_slice(given).map_err(|_| TokenError::Forged)?;
        fields.claims(kind, kid).ok_or(TokenError::Malformed)
    }
}

/// What is left to be read.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn id(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    fn number(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }

    fn claims(&mut self, kind: Kind, kid: u16) -> Option<Claims> {
        Some(Claims {
            user: UserId(self.id()?),
            session: SessionId(self.id()?),
            lesson: LessonId(self.id()?),
            course: CourseId(self.id()?),
            channel: self.id()?,
            playback: PlaybackId(self.id()?),
            kind,
            seq: Seq(self.number()?),
            issued: UnixMillis(self.number()?),
            expires: UnixMillis(self.number()?),
            kid,
        })
    }
}

fn mac(key: &str, bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"tayang playback\0");
    mac.update(bytes);
    mac
}

/// A multiple of three bytes in RFC 4648 section 5.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 3 * 4);
    for three in bytes.chunks_exact(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}

/// Exactly the bytes of a token, or nothing.
fn decode(text: &str) -> Option<[u8; TOKEN_BYTES]> {
    if text.len() != TEXT_LENGTH {
        return None;
    }
    let mut bytes = [0; TOKEN_BYTES];
    for (three, four) in bytes.chunks_exact_mut(3).zip(text.as_bytes().chunks_exact(4)) {
        let mut bits = 0u32;
        for character in four {
            bits = bits << 6 | u32::from(value(*character)?);
        }
        three.copy_from_slice(bits.to_be_bytes().get(1..)?);
    }
    Some(bytes)
}

fn value(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests;
