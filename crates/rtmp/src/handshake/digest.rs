//! The digests inside C1, S1, C2 and S2. Keys and layout as every implementation since Flash Player 9 has them; there is
//! no public standard.
//!
//! A packet of 1536 bytes holds time (4), version (4), and two blocks of 764 bytes: one with a Diffie-Hellman key that
//! only the encrypted variants use, one with the digest. [`Scheme::Zero`] puts the key block first and the digest into
//! the second block, [`Scheme::One`] the other way round. A block's first four bytes, summed modulo 728, say where the
//! digest lies in it. The digest is HMAC-SHA-256 over the packet without its own 32 bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::PACKET;

/// Length of a digest in bytes.
pub const DIGEST: usize = 32;
/// Places that a digest can start at within its block.
const PLACES: usize = 728;

const SERVER_NAME: &[u8; 36] = b"Genuine Adobe Flash Media Server 001";
const CLIENT_NAME: &[u8; 30] = b"Genuine Adobe Flash Player 001";
/// Second half of both keys.
const SUFFIX: [u8; 32] = [
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57, 0x6E, 0xEC, 0x5D,
    0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
];

/// Where the digest lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Digest in the second block: its place is told by bytes 772 to 775.
    Zero,
    /// Digest in the first block: its place is told by bytes 8 to 11.
    One,
}

impl Scheme {
    /// Offset of the four bytes that tell the place.
    const fn pointer(self) -> usize {
        match self {
            Self::Zero => 772,
            Self::One => 8,
        }
    }

    /// Offset of the digest in this packet: at most 776 + 727 + 32 = 1535 bytes in.
    fn place(self, packet: &[u8; PACKET]) -> usize {
        let sum: usize = packet.iter().skip(self.pointer()).take(4).map(|&b| usize::from(b)).sum();
        self.pointer() + 4 + sum % PLACES
    }
}

/// Whose packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// C1, C2.
    Client,
    /// S1, S2.
    Server,
}

impl Role {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Client => CLIENT_NAME,
            Self::Server => SERVER_NAME,
        }
    }
    /// What stands where the simple form has zeros; any non-zero first byte announces the digest form.
    const fn version(self) -> [u8; 4] {
        match self {
            Self::Client => [9, 0, 124, 2],
            Self::Server => [4, 5, 0, 1],
        }
    }
}

fn hmac(key: &[&[u8]], body: &[&[u8]]) -> [u8; DIGEST] {
    let mut joined = [0u8; 96];
    let mut used = 0;
    for (to, from) in joined.iter_mut().zip(key.iter().copied().flatten()) {
        *to = *from;
        used += 1;
    }
    // A key of any length is accepted by HMAC (RFC 2104), so the other arm is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(joined.get(..used).unwrap_or(&joined)) else { return [0; DIGEST] };
    for part in body {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The digest that belongs at the scheme's place, and that place.
fn expected(packet: &[u8; PACKET], scheme: Scheme, role: Role) -> ([u8; DIGEST], usize) {
    let at = scheme.place(packet);
    let before = packet.get(..at).unwrap_or_default();
    let after = packet.get(at + DIGEST..).unwrap_or_default();
    (hmac(&[role.name()], &[before, after]), at)
}

/// Looks for a valid digest of `role` in C1 or S1, in either scheme.
#[must_use]
pub fn find(packet: &[u8; PACKET], role: Role) -> Option<(Scheme, [u8; DIGEST])> {
    [Scheme::One, Scheme::Zero].into_iter().find_map(|scheme| {
        let (digest, at) = expected(packet, scheme, role);
        (packet.get(at..at + DIGEST) == Some(&digest[..])).then_some((scheme, digest))
    })
}

/// Makes a C1 or S1 of random bytes a signed one.
pub fn sign(packet: &mut [u8; PACKET], scheme: Scheme, role: Role) {
    for (to, from) in packet.iter_mut().zip([0; 4].into_iter().chain(role.version())) {
        *to = from;
    }
    let (digest, at) = expected(packet, scheme, role);
    for (to, from) in packet.iter_mut().skip(at).zip(digest) {
        *to = from;
    }
}

/// Makes C1 or S1 of random bytes one of the simple form: time 0, and zeros where the digest form has a version.
pub fn clear_head(packet: &mut [u8; PACKET]) {
    for byte in packet.iter_mut().take(8) {
        *byte = 0;
    }
}

/// C2 or S2 of the digest form: `random`, its last 32 bytes replaced by a digest under the key that the peer's digest makes.
#[must_use]
pub fn reply(random: &[u8; PACKET], peer_digest: &[u8; DIGEST], role: Role) -> [u8; PACKET] {
    let key = hmac(&[role.name(), &SUFFIX], &[peer_digest]);
    let mut packet = *random;
    let digest = hmac(&[&key], &[packet.get(..PACKET - DIGEST).unwrap_or_default()]);
    for (to, from) in packet.iter_mut().skip(PACKET - DIGEST).zip(digest) {
        *to = from;
    }
    packet
}

/// Whether a C2 or S2 is the reply that `role` owes to `own_digest`.
#[must_use]
pub fn is_reply(packet: &[u8; PACKET], own_digest: &[u8; DIGEST], role: Role) -> bool {
    reply(packet, own_digest, role) == *packet
}
