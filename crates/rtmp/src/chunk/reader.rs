//! Chunks into messages.
//!
//! Invariants, each with a test of the same name:
//! * `memory_follows_received_bytes`: a declared length allocates nothing; buffers grow by doubling as bytes come.
//! * `splitting_the_input_changes_nothing`: any split of the byte stream yields the same messages.
//! * `whole_message_is_a_slice`: a message of 8 KiB or more in one chunk of a shared buffer is not copied.
//!
//! Deviations from RTMP 1.0, all from what senders do (`docs/spec/rtmp.md`): type 3 may lack the extended timestamp;
//! a type 1 header may open a chunk stream; headers of any type may continue a message they agree with.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::header::{Format, HEADER_MAX, Header};
use super::{CHUNK_SIZE_DEFAULT, CHUNK_SIZE_MAX, EXTENDED};
use crate::error::ChunkError;
use crate::limits::Limits;

/// A type 3 header that opens a message right after a type 0 header repeats, by the letter of §5.3.1.2.4, the absolute
/// timestamp as a delta. librtmp and nginx-rtmp mean "same time" by it. Beyond this many milliseconds the latter is meant.
const ABSOLUTE_AS_DELTA_MAX_MS: u32 = 10_000;
/// A message shorter than this is copied out of a shared buffer rather than cut from it: a read buffer of 64 KiB is pinned
/// by an eighth of it at least, whatever else was read into it.
const SLICE_MIN: usize = 8 << 10;

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Milliseconds, 32 bits, wrapping; rebuilt from deltas.
    pub timestamp: u32,
    /// Message type (RTMP 1.0 §5.4, §7.1).
    pub type_id: u8,
    /// Message stream id.
    pub stream_id: u32,
    /// Chunk stream that carried it.
    pub csid: u32,
    /// Body.
    pub payload: Bytes,
}

/// The body may hold a stream key: only its length is shown.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("timestamp", &self.timestamp)
            .field("type_id", &self.type_id)
            .field("stream_id", &self.stream_id)
            .field("csid", &self.csid)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// Bytes to read, shortened from the front as they are taken. Shared bytes can be cut without a copy.
pub struct Input<'a> {
    rest: &'a [u8],
    shared: Option<&'a Bytes>,
}

impl<'a> Input<'a> {
    /// Input that must be copied to be kept.
    #[must_use]
    pub fn borrowed(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, shared: None }
    }

    /// Input that can be cut.
    #[must_use]
    pub fn shared(bytes: &'a Bytes) -> Self {
        Self { rest: bytes, shared: Some(bytes) }
    }

    /// What is left.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Drops bytes from the front.
    pub fn advance(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (now, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        now
    }

    fn take_bytes(&mut self, n: usize) -> Bytes {
        let now = self.take(n);
        match self.shared {
            Some(shared) if now.len() >= SLICE_MIN => shared.slice_ref(now),
            _ => Bytes::copy_from_slice(now),
        }
    }
}

/// What is remembered of one chunk stream.
#[derive(Debug)]
struct ChunkStream {
    csid: u32,
    timestamp: u32,
    /// Last three-byte time field, as a type 3 header means it.
    time: u32,
    /// Value of the last extended timestamp, if the last message header had one.
    extended: Option<u32>,
    /// The last message header was of type 0: `time` is no delta.
    absolute: bool,
    length: u32,
    type_id: u8,
    stream_id: u32,
    /// A message is under way.
    open: bool,
    partial: Vec<u8>,
}

/// Whether a sender repeats the extended timestamp on type 3 headers inside a message. Known after the first such header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeats {
    Unknown,
    Yes,
    No,
}

/// Bytes in, messages out. See the module.
#[derive(Debug)]
pub struct Reader {
    chunk_size: u32,
    message_bytes_max: u32,
    partial_bytes_max: usize,
    chunk_streams_max: usize,
    streams: Vec<ChunkStream>,
    /// Chunk in progress: index into `streams` and payload bytes still to come.
    chunk: Option<(usize, usize)>,
    /// A header split over inputs.
    head: [u8; HEADER_MAX],
    head_len: usize,
    /// Offset of the next byte, from the start of the connection.
    offset: u64,
    /// Bytes in all unfinished messages.
    held: usize,
    repeats: Repeats,
}

/// A header with its extended timestamp decided.
struct Resolved {
    size: usize,
    extended: Option<u32>,
}

impl Reader {
    /// `offset`: bytes of the connection already consumed, so that errors can name a place.
    #[must_use]
    pub fn new(limits: &Limits, offset: u64) -> Self {
        Self {
            chunk_size: CHUNK_SIZE_DEFAULT,
            message_bytes_max: limits.message_bytes_max,
            partial_bytes_max: limits.partial_bytes_max,
            chunk_streams_max: limits.chunk_streams_max,
            streams: Vec::new(),
            chunk: None,
            head: [0; HEADER_MAX],
            head_len: 0,
            offset,
            held: 0,
            repeats: Repeats::Unknown,
        }
    }

    /// Changes the size limits, in bytes, for messages that begin from now on.
    pub fn set_size_limits(&mut self, message_bytes_max: u32, partial_bytes_max: usize) {
        self.message_bytes_max = message_bytes_max;
        self.partial_bytes_max = partial_bytes_max;
    }

    /// Bytes held in unfinished messages.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Memory that unfinished messages occupy, in bytes.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.streams.iter().map(|stream| stream.partial.capacity()).sum()
    }

    /// Offset of the next byte, from the start of the connection.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Counts bytes of the connection that were read elsewhere: the handshake.
    pub(crate) fn skip_offset(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }

    /// The peer's chunk size in force, in bytes.
    #[must_use]
    pub fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    /// The next message, or `None` once all input was taken. Set Chunk Size and Abort are obeyed here and returned too.
    ///
    /// # Errors
    /// Framing that cannot be read on. The reader must not be used after it.
    pub fn read(&mut self, input: &mut Input<'_>) -> Result<Option<Message>, ChunkError> {
        loop {
            let (index, left) = match self.chunk.take() {
                Some(chunk) => chunk,
                None => match self.read_header(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            if let Some(message) = self.read_payload(index, left, input)? {
                self.obey(&message)?;
                return Ok(Some(message));
            }
            if input.rest.is_empty() && self.chunk.is_some() {
                return Ok(None);
            }
        }
    }

    fn read_header(&mut self, input: &mut Input<'_>) -> Result<Option<(usize, usize)>, ChunkError> {
        let at = self.offset;
        if self.head_len == 0
            && let Some((header, resolved)) = self.resolve(input.rest)
        {
            input.advance(resolved.size);
            return self.begin_chunk(at, &header, &resolved).map(Some);
        }
        // Split over inputs: byte by byte, at most HEADER_MAX times.
        loop {
            let head = self.head;
            let bytes = head.get(..self.head_len).unwrap_or_default();
            if self.head_len > 0
                && let Some((header, resolved)) = self.resolve(bytes)
            {
                self.head_len = 0;
                let (index, left) = self.begin_chunk(at, &header, &resolved)?;
                let spare = bytes.get(resolved.size..).unwrap_or_default();
                return Ok(Some((index, left - self.spill(index, left, spare))));
            }
            let Some((&byte, rest)) = input.rest.split_first() else { return Ok(None) };
            let Some(slot) = self.head.get_mut(self.head_len) else { return Ok(None) };
            *slot = byte;
            self.head_len += 1;
            input.rest = rest;
        }
    }

    /// Keeps bytes that were taken while looking for an extended timestamp that is not there: at most four. Those of this
    /// chunk go to its message (returns how many), later ones begin the next header.
    fn spill(&mut self, index: usize, left: usize, spare: &[u8]) -> usize {
        let (own, later) = spare.split_at(left.min(spare.len()));
        for (to, from) in self.head.iter_mut().zip(later) {
            *to = *from;
        }
        self.head_len = later.len();
        if let Some(stream) = self.streams.get_mut(index) {
            stream.partial.extend_from_slice(own);
            self.held += own.len();
            self.offset += own.len() as u64;
        }
        own.len()
    }

    /// Parses a header and decides on its extended timestamp. `None`: more bytes are needed. Changes nothing.
    fn resolve(&self, bytes: &[u8]) -> Option<(Header, Resolved)> {
        let header = Header::parse(bytes)?;
        let rest = bytes.get(header.size..).unwrap_or_default();
        let present = |value: u32| Resolved { size: header.size + 4, extended: Some(value) };
        let absent = Resolved { size: header.size, extended: None };
        if header.format != Format::Same {
            if !header.is_extended() {
                return Some((header, absent));
            }
            return Some((header, present(u32::from_be_bytes(*rest.first_chunk::<4>()?))));
        }
        let Some(stream) = self.streams.iter().find(|stream| stream.csid == header.csid) else {
            return Some((header, absent));
        };
        let Some(last) = stream.extended else { return Some((header, absent)) };
        if stream.open && self.repeats == Repeats::Yes {
            return Some((header, present(u32::from_be_bytes(*rest.first_chunk::<4>()?))));
        }
        if stream.open && self.repeats == Repeats::No {
            return Some((header, absent));
        }
        let candidates = [last, stream.timestamp];
        let matches = |n: usize| candidates.iter().any(|value| value.to_be_bytes().get(..n) == rest.get(..n));
        match rest.first_chunk::<4>() {
            Some(&four) => {
                let value = u32::from_be_bytes(four);
                let ahead = value.wrapping_sub(stream.timestamp) <= ABSOLUTE_AS_DELTA_MAX_MS;
                // Within one top byte, so that a first byte that differs decides however the input is cut.
                let near = !stream.open && ahead && value >> 24 == stream.timestamp >> 24;
                Some((header, if matches(4) || near { present(value) } else { absent }))
            }
            None if stream.open && !matches(rest.len()) => Some((header, absent)),
            None if !rest.is_empty() && !matches(1) => Some((header, absent)),
            None => None,
        }
    }

    /// Applies a header. Returns the chunk stream's index and the payload bytes of this chunk.
    fn begin_chunk(&mut self, at: u64, header: &Header, resolved: &Resolved) -> Result<(usize, usize), ChunkError> {
        self.offset += resolved.size as u64;
        let index = match self.streams.iter().position(|stream| stream.csid == header.csid) {
            Some(index) => index,
            None => self.open_stream(at, header)?,
        };
        let (max, chunk_size) = (self.message_bytes_max, self.chunk_size);
        let Some(stream) = self.streams.get_mut(index) else { return Ok((index, 0)) };
        if stream.open {
            stream.agree(at, header)?;
            if header.format == Format::Same && stream.extended.is_some() && self.repeats == Repeats::Unknown {
                self.repeats = if resolved.extended.is_some() { Repeats::Yes } else { Repeats::No };
            }
        } else {
            stream.begin_message(header, resolved);
            if stream.length > max {
                return Err(ChunkError::MessageTooLong { length: stream.length, max, at });
            }
        }
        let left = usize::try_from(stream.length).unwrap_or(usize::MAX).saturating_sub(stream.partial.len());
        Ok((index, left.min(usize::try_from(chunk_size).unwrap_or(usize::MAX))))
    }

    fn open_stream(&mut self, at: u64, header: &Header) -> Result<usize, ChunkError> {
        let format = match header.format {
            Format::Full { .. } | Format::SameStream { .. } => 0,
            Format::SameLength => 2,
            Format::Same => 3,
        };
        if format != 0 {
            return Err(ChunkError::NoPreviousHeader { format, csid: header.csid, at });
        }
        if self.streams.len() >= self.chunk_streams_max {
            return Err(ChunkError::TooManyChunkStreams { max: self.chunk_streams_max, at });
        }
        self.streams.push(ChunkStream {
            csid: header.csid,
            timestamp: 0,
            time: 0,
            extended: None,
            absolute: false,
            length: 0,
            type_id: 0,
            stream_id: 0,
            open: false,
            partial: Vec::new(),
        });
        Ok(self.streams.len() - 1)
    }

    fn read_payload(
        &mut self,
        index: usize,
        left: usize,
        input: &mut Input<'_>,
    ) -> Result<Option<Message>, ChunkError> {
        let max = self.partial_bytes_max;
        let Some(stream) = self.streams.get_mut(index) else { return Ok(None) };
        let length = usize::try_from(stream.length).unwrap_or(usize::MAX);
        let now = left.min(input.rest.len());
        self.offset += now as u64;
        if stream.partial.is_empty() && now == length {
            stream.open = false;
            let payload = input.take_bytes(now);
            return Ok(Some(stream.message(payload)));
        }
        stream.grow(now, length);
        stream.partial.extend_from_slice(input.take(now));
        self.held += now;
        if stream.partial.len() >= length {
            self.held -= stream.partial.len();
            stream.open = false;
            let payload = Bytes::from(std::mem::take(&mut stream.partial));
            return Ok(Some(stream.message(payload)));
        }
        if self.held > max {
            return Err(ChunkError::PartialBytes { max, at: self.offset });
        }
        self.chunk = (now < left).then_some((index, left - now));
        Ok(None)
    }

    /// Set Chunk Size (§5.4.1) and Abort (§5.4.2).
    fn obey(&mut self, message: &Message) -> Result<(), ChunkError> {
        let Some(&four) = message.payload.first_chunk::<4>() else { return Ok(()) };
        let value = u32::from_be_bytes(four);
        match message.type_id {
            1 if value == 0 || value > 0x7FFF_FFFF => Err(ChunkError::ChunkSize { size: value, at: self.offset }),
            1 => {
                self.chunk_size = value.min(CHUNK_SIZE_MAX);
                Ok(())
            }
            2 => {
                if let Some(stream) = self.streams.iter_mut().find(|stream| stream.csid == value && stream.open) {
                    self.held -= stream.partial.len();
                    stream.partial = Vec::new();
                    stream.open = false;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl ChunkStream {
    fn message(&self, payload: Bytes) -> Message {
        Message {
            timestamp: self.timestamp,
            type_id: self.type_id,
            stream_id: self.stream_id,
            csid: self.csid,
            payload,
        }
    }

    /// Room for `now` more bytes: doubling, but never more than the message can fill.
    fn grow(&mut self, now: usize, length: usize) {
        let have = self.partial.len();
        if have + now > self.partial.capacity() {
            self.partial.reserve_exact((have + now.max(have)).min(length).saturating_sub(have).max(now));
        }
    }

    /// A header inside an unfinished message must say what its first header said.
    fn agree(&self, at: u64, header: &Header) -> Result<(), ChunkError> {
        match header.format {
            Format::Full { length, type_id, .. } | Format::SameStream { length, type_id }
                if length != self.length || type_id != self.type_id =>
            {
                Err(ChunkError::LengthChanged { csid: self.csid, was: self.length, now: length, at })
            }
            Format::Full { .. } | Format::SameStream { .. } | Format::SameLength | Format::Same => Ok(()),
        }
    }

    fn begin_message(&mut self, header: &Header, resolved: &Resolved) {
        self.open = true;
        match header.format {
            Format::Full { stream_id, length, type_id } => {
                (self.stream_id, self.length, self.type_id) = (stream_id, length, type_id);
                self.set_time(header, resolved, true);
            }
            Format::SameStream { length, type_id } => {
                (self.length, self.type_id) = (length, type_id);
                self.set_time(header, resolved, false);
            }
            Format::SameLength => self.set_time(header, resolved, false),
            Format::Same => self.repeat_time(resolved),
        }
    }

    fn set_time(&mut self, header: &Header, resolved: &Resolved, absolute: bool) {
        self.extended = resolved.extended;
        self.absolute = absolute;
        self.time = resolved.extended.unwrap_or(header.time);
        self.timestamp = if absolute { self.time } else { self.timestamp.wrapping_add(self.time) };
    }

    /// The time of a message that opens with a type 3 header.
    fn repeat_time(&mut self, resolved: &Resolved) {
        match resolved.extended {
            // Not the value repeated, so an absolute time (see `Reader::resolve`).
            Some(value) if value != self.time => self.timestamp = value,
            _ if self.absolute && self.time > ABSOLUTE_AS_DELTA_MAX_MS => {}
            _ => self.timestamp = self.timestamp.wrapping_add(self.time),
        }
        self.extended = resolved.extended;
    }
}

const _: () = assert!(EXTENDED == CHUNK_SIZE_MAX, "a 24-bit length and a 24-bit time end at the same number");
