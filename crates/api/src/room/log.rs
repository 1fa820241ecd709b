//! The newest frames of a room, each made once and shared by all who read it.
//!
//! Readers hold cursors. What they have not read stays here only so long: a reader that is further behind than that learns
//! of a gap and goes on at the newest. So a slow reader costs what a fast one does, and holds nobody.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use super::websocket;

/// Frames that are kept: more than ten seconds of a busy room.
const FRAMES_MAX: usize = 256;
/// Bytes that are kept: a room costs no more, however much is said in it.
const BYTES_MAX: usize = 2 << 20;
/// Frames that a reader takes at once: as many as go to the socket in one call.
pub const AT_ONCE: usize = 16;

/// One frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// A whole WebSocket frame.
    pub socket: Bytes,
    /// Its JSON alone.
    pub json: Bytes,
    /// The room's newest place as of it.
    pub seq: i64,
}

impl Frame {
    /// Of a JSON array that lies behind [`websocket::HEADER_BYTES_MAX`] bytes of room.
    pub fn new(text: Vec<u8>, seq: i64) -> Self {
        let (socket, at) = websocket::text_frame(text);
        Self { json: socket.slice(at..), socket, seq }
    }
}

/// How far somebody has read.
#[derive(Debug)]
pub struct Cursor {
    next: u64,
    /// The frame for which a task is to be woken, and which.
    waits_for: Option<(u64, Waker)>,
}

/// Frames were left out: the reader goes on at the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap;

/// See the module.
#[derive(Debug, Default)]
pub struct Log(Mutex<Frames>);

#[derive(Debug, Default)]
struct Frames {
    kept: VecDeque<Frame>,
    bytes: usize,
    /// Number of the next frame.
    next: u64,
    /// The newest place as of the newest frame.
    seq: i64,
    waiting: Vec<Waker>,
    /// How many waited for the newest frame.
    woken: usize,
}

impl Log {
    /// Of a room whose newest place is `seq`.
    pub fn new(seq: i64) -> Self {
        Self(Mutex::new(Frames { seq, ..Frames::default() }))
    }

    /// A cursor behind the newest frame, and the room's newest place as of it.
    pub fn end(&self) -> (Cursor, i64) {
        let frames = self.0.lock();
        (Cursor { next: frames.next, waits_for: None }, frames.seq)
    }

    /// Shows a frame to all.
    pub fn push(&self, frame: Frame) {
        let mut frames = self.0.lock();
        frames.seq = frame.seq;
        frames.next += 1;
        frames.bytes += frame.socket.len();
        frames.kept.push_back(frame);
        while frames.kept.len() > FRAMES_MAX || (frames.bytes > BYTES_MAX && frames.kept.len() > 1) {
            let oldest = frames.kept.pop_front();
            frames.bytes -= oldest.map_or(0, |frame| frame.socket.len());
        }
        let waiting = std::mem::take(&mut frames.waiting);
        frames.woken = waiting.len();
        frames.waiting.reserve(waiting.len());
        drop(frames);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Nine in ten of those who waited for the newest frame have read it and wait again.
    pub fn is_read(&self) -> bool {
        let frames = self.0.lock();
        frames.waiting.len() * 10 >= frames.woken * 9
    }

    /// Up to [`AT_ONCE`] frames, once there is one.
    pub fn poll(
        &self,
        cursor: &mut Cursor,
        context: &Context<'_>,
        mut take: impl FnMut(&Frame),
    ) -> Poll<Result<(), Gap>> {
        let mut frames = self.0.lock();
        if cursor.next == frames.next {
            // A task that is polled for other reasons waits once.
            let (next, waker) = (frames.next, context.waker());
            let waits = |(frame, waiting): &(u64, Waker)| *frame == next && waiting.will_wake(waker);
            if !cursor.waits_for.as_ref().is_some_and(waits) {
                cursor.waits_for = Some((next, waker.clone()));
                frames.waiting.push(waker.clone());
            }
            return Poll::Pending;
        }
        let first = frames.next - frames.kept.len() as u64;
        if cursor.next < first {
            cursor.next = frames.next;
            return Poll::Ready(Err(Gap));
        }
        let from = (cursor.next - first) as usize;
        for frame in frames.kept.iter().skip(from).take(AT_ONCE) {
            take(frame);
            cursor.next += 1;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(n: i64, length: usize) -> Frame {
        let mut text = vec![0; websocket::HEADER_BYTES_MAX];
        text.resize(websocket::HEADER_BYTES_MAX + length, b'x');
        Frame::new(text, n)
    }

    fn read(log: &Log, cursor: &mut Cursor) -> Poll<Result<Vec<i64>, Gap>> {
        let mut seqs = Vec::new();
        let context = Context::from_waker(Waker::noop());
        log.poll(cursor, &context, |frame| seqs.push(frame.seq)).map(|read| read.map(|()| seqs))
    }

    #[test]
    fn each_reader_reads_each_frame_once_and_the_same_bytes() {
        let log = Log::new(0);
        let (mut one, _) = log.end();
        assert!(read(&log, &mut one).is_pending());
        (1..=20).for_each(|n| log.push(frame(n, 10)));
        let (mut two, seq) = log.end();
        assert_eq!(seq, 20);
        assert!(read(&log, &mut two).is_pending());
        assert_eq!(read(&log, &mut one), Poll::Ready(Ok((1..=16).collect())));
        assert_eq!(read(&log, &mut one), Poll::Ready(Ok((17..=20).collect())));
        assert!(read(&log, &mut one).is_pending());
    }

    #[test]
    fn who_is_too_far_behind_learns_of_a_gap_and_goes_on_at_the_newest() {
        for (count, length) in [(FRAMES_MAX + 1, 10), (5, BYTES_MAX / 3)] {
            let log = Log::new(0);
            let (mut cursor, _) = log.end();
            (0..count).for_each(|n| log.push(frame(n as i64, length)));
            assert!(log.0.lock().bytes <= BYTES_MAX);
            assert_eq!(read(&log, &mut cursor), Poll::Ready(Err(Gap)));
            assert!(read(&log, &mut cursor).is_pending());
            log.push(frame(7, 10));
            assert_eq!(read(&log, &mut cursor), Poll::Ready(Ok(vec![7])));
        }
    }

    #[test]
    fn a_frame_is_read_when_those_who_waited_wait_again() {
        let log = Log::new(0);
        let mut cursors: Vec<Cursor> = (0..20).map(|_| log.end().0).collect();
        for cursor in &mut cursors {
            assert!(read(&log, cursor).is_pending() && read(&log, cursor).is_pending());
        }
        assert_eq!(log.0.lock().waiting.len(), 20, "polled twice, it waits once");
        assert!(log.is_read());
        log.push(frame(1, 10));
        for (n, cursor) in cursors.iter_mut().enumerate() {
            assert_eq!(log.is_read(), n >= 18, "{n}");
            assert!(read(&log, cursor).is_ready() && read(&log, cursor).is_pending());
        }
    }
}
