//! The server's side of the WebSocket protocol (RFC 6455), as far as a room needs it.
//!
//! Pure: bytes in, messages out, and frames as bytes. A server's frames are not masked (§5.1), so a frame is the same for
//! all viewers and is made once; that is why this is not left to a library that copies each message into a buffer of each
//! connection. Messages of clients are short texts. No extensions.
//!
//! ```text
//!  0                   1                   2                   3
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |F|R|R|R| opcode|M| length      | length, 16 or 64 bits         |
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! | masking key, of clients       | payload                       |
//! +-------------------------------+-------------------------------+
//! ```

use bytes::Bytes;

/// Longest message of a client: 500 characters of 4 bytes, twice for escapes in JSON, and its other fields fit.
pub const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// Longest payload of a control frame (§5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// Longest header of a frame of ours.
pub const HEADER_BYTES_MAX: usize = 10;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A frame that asks whether the peer is there.
pub const ASK: Bytes = Bytes::from_static(&[FIN | PING, 0]);

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text.
    Text(String),
    /// It asks whether we are there, with a payload that goes back.
    Ping(Vec<u8>),
    /// It answers that it is there.
    Pong,
    /// It closes, with that code.
    Close(Option<u16>),
}

/// What a client must not send. The peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No frame of the protocol.
    #[error("a frame is against the protocol")]
    Protocol,
    /// Messages are texts.
    #[error("a message is not text")]
    Binary,
    /// A text is UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("a message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
}

impl Fault {
    /// The code of the closing frame (§7.4.1).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::Binary => 1003,
            Self::NotUtf8 => 1007,
            Self::TooLong => 1009,
        }
    }
}

/// Reads a client's frames. Holds nothing between whole messages.
#[derive(Debug, Default)]
pub struct Reader {
    received: Vec<u8>,
    /// Of a text that comes in several frames.
    begun: Option<Vec<u8>>,
}

/// A frame in what was received.
struct FrameHead {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    payload: std::ops::Range<usize>,
}

impl Reader {
    /// Takes bytes. [`Reader::next`] is to be called until it answers `None` before more are taken.
    pub fn take(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next message that has come whole.
    ///
    /// # Errors
    /// [`Fault`]: the connection is to be closed with its code.
    #[allow(clippy::should_implement_trait, reason = "an iterator does not end and go on")]
    pub fn next(&mut self) -> Result<Option<Heard>, Fault> {
        loop {
            let Some(head) = self.head()? else { return Ok(None) };
            if self.received.len() < head.payload.end {
                return Ok(None);
            }
            let mut payload = self.received[head.payload.clone()].to_vec();
            payload.iter_mut().zip(head.mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
            self.received.drain(..head.payload.end);
            if self.received.is_empty() {
                self.received = Vec::new();
            }
            if let Some(heard) = self.frame(&head, payload)? {
                return Ok(Some(heard));
            }
        }
    }

    /// The head of the next frame, checked before anything of its payload is waited for.
    fn head(&self) -> Result<Option<FrameHead>, Fault> {
        let [first, second, rest @ ..] = &*self.received else { return Ok(None) };
        let (fin, opcode) = (first & FIN != 0, first & 0x0f);
        let control = opcode >= CLOSE;
        let known = matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG);
        // No extension was agreed on, so the reserved bits are zero; and a client's frames are masked (§5.1).
        if first & 0x70 != 0 || second & MASKED == 0 || !known || (control && !fin) {
            return Err(Fault::Protocol);
        }
        if opcode == BINARY {
            return Err(Fault::Binary);
        }
        if matches!(opcode, TEXT | CONTINUATION) && self.begun.is_some() != (opcode == CONTINUATION) {
            return Err(Fault::Protocol);
        }
        let (length, wide) = match second & 0x7f {
            126 => match rest {
                [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
                _ => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(bytes) => (u64::from_be_bytes(*bytes), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let begun = if control { 0 } else { self.begun.as_ref().map_or(0, Vec::len) };
        let length = usize::try_from(length).map_err(|_| Fault::TooLong)?;
        if control && length > CONTROL_BYTES_MAX {
            return Err(Fault::Protocol);
        }
        if length > MESSAGE_BYTES_MAX - begun {
            return Err(Fault::TooLong);
        }
        let Some(mask) = rest.get(wide..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
        let start = 2 + wide + 4;
        Ok(Some(FrameHead { fin, opcode, mask: *mask, payload: start..start + length }))
    }

    fn frame(&mut self, head: &FrameHead, payload: Vec<u8>) -> Result<Option<Heard>, Fault> {
        match head.opcode {
            PING => Ok(Some(Heard::Ping(payload))),
            PONG => Ok(Some(Heard::Pong)),
            CLOSE => match &*payload {
                [] => Ok(Some(Heard::Close(None))),
                [high, low, reason @ ..] if std::str::from_utf8(reason).is_ok() => {
                    Ok(Some(Heard::Close(Some(u16::from_be_bytes([*high, *low])))))
                }
                _ => Err(Fault::Protocol),
            },
            _ => {
                let whole = match self.begun.take() {
                    Some(mut begun) => {
                        begun.extend_from_slice(&payload);
                        begun
                    }
                    None => payload,
                };
                if !head.fin {
                    self.begun = Some(whole);
                    return Ok(None);
                }
                String::from_utf8(whole).map(|text| Some(Heard::Text(text))).map_err(|_| Fault::NotUtf8)
            }
        }
    }
}

/// A text of ours, of which the first [`HEADER_BYTES_MAX`] bytes are room for the header: no byte is moved. Answers the frame
/// and where its text begins.
#[must_use]
pub fn text_frame(mut text: Vec<u8>) -> (Bytes, usize) {
    let length = text.len() - HEADER_BYTES_MAX;
    let mut header = [0; HEADER_BYTES_MAX];
    header[0] = FIN | TEXT;
    let wide = if length < 126 {
        header[1] = length as u8;
        2
    } else if let Ok(short) = u16::try_from(length) {
        header[1] = 126;
        header[2..4].copy_from_slice(&short.to_be_bytes());
        4
    } else {
        header[1] = 127;
        header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
        10
    };
    text[HEADER_BYTES_MAX - wide..HEADER_BYTES_MAX].copy_from_slice(&header[..wide]);
    (Bytes::from(text).slice(HEADER_BYTES_MAX - wide..), wide)
}

/// The answer to a ping.
#[must_use]
pub fn pong_frame(payload: &[u8]) -> Bytes {
    let length = payload.len().min(CONTROL_BYTES_MAX);
    [&[FIN | PONG, length as u8], &payload[..length]].concat().into()
}

/// The end, with a code and a reason for people (at most 123 bytes).
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let length = reason.len().min(CONTROL_BYTES_MAX - 2);
    [&[FIN | CLOSE, (length + 2) as u8], &code.to_be_bytes()[..], &reason.as_bytes()[..length]].concat().into()
}

#[cfg(test)]
mod tests;
