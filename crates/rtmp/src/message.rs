//! Message types (RTMP 1.0 §5.4, §6.2, §7.1): numbers, control message bodies, and the few AMF0 strings that must be
//! looked at without decoding a whole body.

pub mod aggregate;
pub mod kind;
#[cfg(test)]
mod tests;

use bytes::Bytes;

/// Limit type of Set Peer Bandwidth (§5.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandwidthLimit {
    /// Keep to this window.
    Hard,
    /// Keep to the smaller of this and the present one.
    Soft,
    /// As hard if the last one was hard.
    Dynamic,
}

/// User control events (§6.2) that mean something to either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserControl {
    /// Event 0: the stream can be used.
    StreamBegin(u32),
    /// Event 1: playback is over.
    StreamEof(u32),
    /// Event 2: no media for now.
    StreamDry(u32),
    /// Event 3: the client's buffer, in milliseconds.
    SetBufferLength {
        /// Message stream id.
        stream_id: u32,
        /// Milliseconds.
        buffer_ms: u32,
    },
    /// Event 4: the stream is a recording.
    StreamIsRecorded(u32),
    /// Event 6, with the sender's time in milliseconds.
    PingRequest(u32),
    /// Event 7, the request's time sent back.
    PingResponse(u32),
    /// Any other event.
    Other(u16),
}

/// A protocol control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Type 1, bytes.
    SetChunkSize(u32),
    /// Type 2, chunk stream id.
    Abort(u32),
    /// Type 3, bytes received, wrapping at 32 bits.
    Acknowledgement(u32),
    /// Type 4.
    User(UserControl),
    /// Type 5, bytes.
    WindowAckSize(u32),
    /// Type 6.
    SetPeerBandwidth {
        /// Bytes.
        window: u32,
        /// How the window is to be taken.
        limit: BandwidthLimit,
    },
}

impl Control {
    /// Reads the body of a message of types 1 to 6. `None` for another type or a body that is too short.
    #[must_use]
    pub fn parse(type_id: u8, body: &[u8]) -> Option<Self> {
        match type_id {
            kind::SET_CHUNK_SIZE => Some(Self::SetChunkSize(u32_at(body, 0)?)),
            kind::ABORT => Some(Self::Abort(u32_at(body, 0)?)),
            kind::ACKNOWLEDGEMENT => Some(Self::Acknowledgement(u32_at(body, 0)?)),
            kind::USER_CONTROL => UserControl::parse(body).map(Self::User),
            kind::WINDOW_ACK_SIZE => Some(Self::WindowAckSize(u32_at(body, 0)?)),
            kind::SET_PEER_BANDWIDTH => {
                let limit = match body.get(4)? {
                    0 => BandwidthLimit::Hard,
                    1 => BandwidthLimit::Soft,
                    _ => BandwidthLimit::Dynamic,
                };
                Some(Self::SetPeerBandwidth { window: u32_at(body, 0)?, limit })
            }
            _ => None,
        }
    }

    /// Message type and body.
    #[must_use]
    pub fn encode(self) -> (u8, Vec<u8>) {
        let number = |n: u32| n.to_be_bytes().to_vec();
        match self {
            Self::SetChunkSize(size) => (kind::SET_CHUNK_SIZE, number(size)),
            Self::Abort(csid) => (kind::ABORT, number(csid)),
            Self::Acknowledgement(sequence) => (kind::ACKNOWLEDGEMENT, number(sequence)),
            Self::User(event) => (kind::USER_CONTROL, event.encode()),
            Self::WindowAckSize(size) => (kind::WINDOW_ACK_SIZE, number(size)),
            Self::SetPeerBandwidth { window, limit } => {
                let mut body = number(window);
                body.push(match limit {
                    BandwidthLimit::Hard => 0,
                    BandwidthLimit::Soft => 1,
                    BandwidthLimit::Dynamic => 2,
                });
                (kind::SET_PEER_BANDWIDTH, body)
            }
        }
    }
}

impl UserControl {
    fn parse(body: &[u8]) -> Option<Self> {
        let event = u16::from_be_bytes(*body.first_chunk::<2>()?);
        Some(match event {
            0 => Self::StreamBegin(u32_at(body, 2)?),
            1 => Self::StreamEof(u32_at(body, 2)?),
            2 => Self::StreamDry(u32_at(body, 2)?),
            3 => Self::SetBufferLength { stream_id: u32_at(body, 2)?, buffer_ms: u32_at(body, 6)? },
            4 => Self::StreamIsRecorded(u32_at(body, 2)?),
            6 => Self::PingRequest(u32_at(body, 2)?),
            7 => Self::PingResponse(u32_at(body, 2)?),
            other => Self::Other(other),
        })
    }

    fn encode(self) -> Vec<u8> {
        let (event, first, second) = match self {
            Self::StreamBegin(id) => (0, Some(id), None),
            Self::StreamEof(id) => (1, Some(id), None),
            Self::StreamDry(id) => (2, Some(id), None),
            Self::SetBufferLength { stream_id, buffer_ms } => (3, Some(stream_id), Some(buffer_ms)),
            Self::StreamIsRecorded(id) => (4, Some(id), None),
            Self::PingRequest(time) => (6, Some(time), None),
            Self::PingResponse(time) => (7, Some(time), None),
            Self::Other(event) => (event, None, None),
        };
        let mut body = event.to_be_bytes().to_vec();
        for field in [first, second].into_iter().flatten() {
            body.extend_from_slice(&field.to_be_bytes());
        }
        body
    }
}

fn u32_at(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..)?.first_chunk::<4>().map(|four| u32::from_be_bytes(*four))
}

/// The AMF0 string that a body begins with, and the bytes it takes.
#[must_use]
pub fn leading_string(body: &[u8]) -> Option<(&str, usize)> {
    let (&marker, rest) = body.split_first()?;
    if marker != 0x02 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
    let text = rest.get(2..2 + length)?;
    Some((std::str::from_utf8(text).ok()?, 3 + length))
}

/// What a data message (types 15 and 18) says.
#[derive(Clone, PartialEq, Eq)]
pub enum Script {
    /// A handler's name and the AMF0 body that an FLV script tag carries: name first, then values.
    Set {
        /// `onMetaData`, `onTextData`, `onCuePoint`, ...
        name: String,
        /// AMF0 from the name on.
        body: Bytes,
    },
    /// `@clearDataFrame`.
    Clear {
        /// Which one is cleared.
        name: String,
    },
}

/// Reads a data message, `@setDataFrame` taken off. `None` if it does not begin with a name.
///
/// Type 15 differs in a leading format byte 0, after which AMF0 follows; some senders put it before type 18 too.
#[must_use]
pub fn parse_script(body: &Bytes, name_bytes_max: usize) -> Option<Script> {
    let body = without_format_byte(body);
    let (first, size) = leading_string(&body)?;
    let inner = body.slice(size..);
    let short = |name: &str| (name.len() <= name_bytes_max).then(|| name.to_owned());
    match first {
        "@setDataFrame" => {
            let name = short(leading_string(&inner)?.0)?;
            Some(Script::Set { name, body: inner })
        }
        "@clearDataFrame" => Some(Script::Clear { name: short(leading_string(&inner)?.0)? }),
        name => Some(Script::Set { name: short(name)?, body: body.clone() }),
    }
}

/// A body without the format byte that AMF3 message types begin with. A name follows it, so it cannot be a number.
#[must_use]
pub fn without_format_byte(body: &Bytes) -> Bytes {
    match body.get(..2) {
        Some([0, 0x02]) => body.slice(1..),
        _ => body.clone(),
    }
}
