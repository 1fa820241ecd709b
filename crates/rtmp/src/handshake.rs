//! RTMP handshake, server and client: simple (RTMP 1.0 §5.2) and digest (the form Flash introduced; no public standard).
//!
//! ```text
//! C0/S0  version: 1 byte, 3
//! C1/S1  time: 4, zero or version: 4, random: 1528. In the digest form 32 of the random bytes are a keyed digest.
//! C2/S2  simple: echo of the peer's 1536 bytes. Digest form: 1504 random bytes and a digest keyed by the peer's.
//! ```
//! The server decides by C1 alone: a valid digest of either scheme is answered in that scheme, anything else with the
//! simple form. C2 is read and not judged: several senders fill it with rubbish. Buffers are fixed; nothing grows.

pub mod digest;
#[cfg(test)]
mod tests;

use crate::error::HandshakeError;
use digest::{Role, Scheme};

/// The one version spoken.
pub const VERSION: u8 = 3;
/// Length of C1, C2, S1 and S2 in bytes.
pub const PACKET: usize = 1536;

/// Which form of handshake was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Echo.
    Simple,
    /// Keyed digests at the place that the scheme says.
    Digest(Scheme),
}

/// How far a handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All input was taken, more must come.
    More,
    /// Done after this many bytes of the input.
    Done(usize),
}

/// Server side. Feed it until [`Progress::Done`].
pub struct Server {
    /// C0 and C1 as they come.
    received: [u8; PACKET + 1],
    filled: usize,
    random: [u8; PACKET],
    /// Bytes of C2 still to come, once answered.
    c2_left: Option<usize>,
    form: Form,
}

impl Server {
    /// `random` fills S1 and S2: 1536 bytes that a peer cannot foresee.
    #[must_use]
    pub fn new(random: [u8; PACKET]) -> Self {
        Self { received: [0; PACKET + 1], filled: 0, random, c2_left: None, form: Form::Simple }
    }

    /// Takes input and appends S0, S1 and S2 to `out` as soon as C0 and C1 are there.
    ///
    /// # Errors
    /// A version other than 3, at the first byte.
    pub fn handle_input(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Progress, HandshakeError> {
        let mut taken = 0;
        if self.c2_left.is_none() {
            taken = fill(&mut self.received, &mut self.filled, input);
            check_version(&self.received, self.filled)?;
            if self.filled < self.received.len() {
                return Ok(Progress::More);
            }
            self.answer(out);
            self.c2_left = Some(PACKET);
        }
        let left = self.c2_left.unwrap_or(0);
        let skipped = left.min(input.len() - taken);
        self.c2_left = Some(left - skipped);
        if skipped < left { Ok(Progress::More) } else { Ok(Progress::Done(taken + skipped)) }
    }

    /// The form that the client chose; known once S0 is out.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        let (_, c1) = split_version(&self.received);
        out.push(VERSION);
        match digest::find(c1, Role::Client) {
            Some((scheme, client_digest)) => {
                self.form = Form::Digest(scheme);
                let mut s1 = self.random;
                digest::sign(&mut s1, scheme, Role::Server);
                out.extend_from_slice(&s1);
                out.extend_from_slice(&digest::reply(&self.random, &client_digest, Role::Server));
            }
            None => {
                let mut s1 = self.random;
                digest::clear_head(&mut s1);
                out.extend_from_slice(&s1);
                out.extend_from_slice(c1);
            }
        }
    }
}

/// Client side. Send [`Client::hello`] first, then feed the answers until [`Progress::Done`].
pub struct Client {
    received: [u8; 1 + PACKET],
    filled: usize,
    c1: [u8; PACKET],
    s2_left: Option<usize>,
    form: Form,
}

impl Client {
    /// `random` fills C1 (and C2 in the digest form).
    #[must_use]
    pub fn new(random: [u8; PACKET], form: Form) -> Self {
        let mut c1 = random;
        match form {
            Form::Simple => digest::clear_head(&mut c1),
            Form::Digest(scheme) => digest::sign(&mut c1, scheme, Role::Client),
        }
        Self { received: [0; 1 + PACKET], filled: 0, c1, s2_left: None, form }
    }

    /// Appends C0 and C1.
    pub fn hello(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.c1);
    }

    /// Takes input and appends C2 once S1 is there. A server that answers a digest with the simple form is taken as it is.
    ///
    /// # Errors
    /// A version other than 3, at the first byte.
    pub fn handle_input(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Progress, HandshakeError> {
        let mut taken = 0;
        if self.s2_left.is_none() {
            taken = fill(&mut self.received, &mut self.filled, input);
            check_version(&self.received, self.filled)?;
            if self.filled < self.received.len() {
                return Ok(Progress::More);
            }
            self.answer(out);
            self.s2_left = Some(PACKET);
        }
        let left = self.s2_left.unwrap_or(0);
        let skipped = left.min(input.len() - taken);
        self.s2_left = Some(left - skipped);
        if skipped < left { Ok(Progress::More) } else { Ok(Progress::Done(taken + skipped)) }
    }

    /// The form in use; what was asked for, or simple if the server fell back to it.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        let (_, s1) = split_version(&self.received);
        let found = match self.form {
            Form::Simple => None,
            Form::Digest(_) => digest::find(s1, Role::Server),
        };
        match found {
            Some((_, server_digest)) => {
                out.extend_from_slice(&digest::reply(&self.c1, &server_digest, Role::Client));
            }
            None => {
                self.form = Form::Simple;
                out.extend_from_slice(s1);
            }
        }
    }
}

/// Copies what fits; returns how much that was.
fn fill(buffer: &mut [u8], filled: &mut usize, input: &[u8]) -> usize {
    let Some(room) = buffer.get_mut(*filled..) else { return 0 };
    let n = room.len().min(input.len());
    for (to, from) in room.iter_mut().zip(input) {
        *to = *from;
    }
    *filled += n;
    n
}

fn check_version(received: &[u8; PACKET + 1], filled: usize) -> Result<(), HandshakeError> {
    let (version, _) = split_version(received);
    if filled > 0 && version != VERSION {
        return Err(HandshakeError::Version { version });
    }
    Ok(())
}

/// C0 and C1 (or S0 and S1).
fn split_version(received: &[u8; PACKET + 1]) -> (u8, &[u8; PACKET]) {
    match received.split_first_chunk::<1>() {
        Some(([version], rest)) => match rest.first_chunk::<PACKET>() {
            Some(packet) => (*version, packet),
            None => (*version, &ZERO),
        },
        None => (0, &ZERO),
    }
}

static ZERO: [u8; PACKET] = [0; PACKET];
