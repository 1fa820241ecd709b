//! What server and client side share below commands: bytes in and out, acknowledgements, pings. No policy.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::chunk::{CHUNK_SIZE_DEFAULT, Reader, write_message};
use crate::error::SessionError;
use crate::limits::Limits;
use crate::message::{BandwidthLimit, Control, UserControl, kind};
use crate::wire;

/// Acknowledgements are sent this often until the peer says how often it wants them, in bytes.
const PEER_WINDOW_DEFAULT: u32 = 2_500_000;
/// A peer that asks for more acknowledgements than one per this many bytes does not get them.
const PEER_WINDOW_MIN: u32 = 4_096;

/// Transport state of one connection.
pub(crate) struct Link {
    pub(crate) reader: Reader,
    out: Vec<u8>,
    /// Chunk size of this side, as last announced.
    chunk_size: u32,
    /// All bytes received, wrapping as the acknowledgement does.
    received: u32,
    acknowledged: u32,
    peer_window: u32,
    window: u32,
    opened: Instant,
    pub(crate) last_input: Instant,
    last_ping: Instant,
    output_bytes_max: usize,
}

impl Link {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            reader: Reader::new(limits, 0),
            out: Vec::new(),
            chunk_size: CHUNK_SIZE_DEFAULT,
            received: 0,
            acknowledged: 0,
            peer_window: PEER_WINDOW_DEFAULT,
            window: 0,
            opened: now,
            last_input: now,
            last_ping: now,
            output_bytes_max: limits.output_bytes_max,
        }
    }

    /// Counts received bytes, handshake included.
    pub(crate) fn count_input(&mut self, now: Instant, bytes: usize) {
        self.last_input = now;
        // An acknowledgement counts modulo 2^32 (§5.4.3), so the cut is meant.
        self.received = self.received.wrapping_add((bytes as u64 & 0xFFFF_FFFF) as u32);
    }

    /// Sends an acknowledgement if the peer's window has passed since the last one.
    pub(crate) fn acknowledge(&mut self) {
        if self.received.wrapping_sub(self.acknowledged) >= self.peer_window {
            self.acknowledged = self.received;
            self.control(Control::Acknowledgement(self.received));
        }
    }

    pub(crate) fn control(&mut self, control: Control) {
        wire::put_control(control, self.chunk_size, &mut self.out);
        match control {
            Control::SetChunkSize(size) => self.chunk_size = size,
            Control::WindowAckSize(window) => self.window = window,
            Control::Abort(_) | Control::Acknowledgement(_) | Control::User(_) | Control::SetPeerBandwidth { .. } => {}
        }
    }

    pub(crate) fn command(&mut self, stream_id: u32, body: &[u8]) {
        self.message(wire::CSID_COMMAND, 0, kind::COMMAND_AMF0, stream_id, body);
    }

    pub(crate) fn message(&mut self, csid: u32, timestamp: u32, type_id: u8, stream_id: u32, body: &[u8]) {
        write_message(csid, timestamp, type_id, stream_id, body, self.chunk_size, &mut self.out);
    }

    /// Ready-made wire bytes.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn raw_buffer(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Answers what either side answers alike. False if it is not of that sort.
    pub(crate) fn on_control(&mut self, control: Control) -> bool {
        match control {
            Control::User(UserControl::PingRequest(time)) => {
                self.control(Control::User(UserControl::PingResponse(time)));
            }
            Control::WindowAckSize(window) => self.peer_window = window.max(PEER_WINDOW_MIN),
            Control::SetPeerBandwidth { window, limit } => {
                // §5.4.5: say the window if it is not the one last said. This side paces nothing by it.
                let wanted = match limit {
                    BandwidthLimit::Hard | BandwidthLimit::Dynamic => window,
                    BandwidthLimit::Soft if self.window == 0 => window,
                    BandwidthLimit::Soft => window.min(self.window),
                };
                if wanted != self.window && wanted > 0 {
                    self.control(Control::WindowAckSize(wanted));
                }
            }
            Control::User(_) | Control::SetChunkSize(_) | Control::Abort(_) | Control::Acknowledgement(_) => {
                return false;
            }
        }
        true
    }

    /// When the next ping is due if the peer stays quiet.
    pub(crate) fn ping_at(&self, after: Duration) -> Instant {
        self.last_input.max(self.last_ping) + after
    }

    pub(crate) fn ping(&mut self, now: Instant) {
        self.last_ping = now;
        let millis = now.saturating_duration_since(self.opened).as_millis() & 0xFFFF_FFFF;
        self.control(Control::User(UserControl::PingRequest(millis as u32)));
    }

    pub(crate) fn take_output(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| std::mem::take(&mut self.out).into())
    }

    /// Fails once answers pile up.
    pub(crate) fn check_output(&self) -> Result<(), SessionError> {
        if self.out.len() > self.output_bytes_max {
            return Err(SessionError::OutputFull { bytes: self.out.len(), max: self.output_bytes_max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
