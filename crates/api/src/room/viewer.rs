//! One viewer on a WebSocket: reads the room's frames to the socket, and the socket's messages to the room.
//!
//! One future with no task, channel or buffer of its own: frames go from the room's log to the socket as they lie there. A
//! socket that takes nothing is not written to; what it has not read then falls out of the log ([`super::log`]).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use control::room::{Refused, Why};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::event::Event;
use super::log::{AT_ONCE, Cursor, Gap};
use super::message;
use super::rooms::{Mail, Reply, Room};
use super::seat::{Seat, code};
use super::websocket::{self, Heard, Reader};
use crate::State;
use crate::upgrade::Duplex;

/// How often a viewer is asked whether they are there.
const ASK_EACH: Duration = Duration::from_secs(20);
/// A viewer who has not been heard for so long is gone.
const SILENT_MAX: Duration = Duration::from_secs(50);
/// What a viewer is granted to take the closing frame and close.
const CLOSING_MAX: Duration = Duration::from_secs(2);
/// Messages of one connection: twenty at once, then ten a second. More than a thumb taps.
const MESSAGES_AT_ONCE: u32 = 20;
const MESSAGE_EACH: Duration = Duration::from_millis(100);
/// Pieces that wait for the socket before the viewer is not listened to.
const PIECES_MAX: usize = AT_ONCE + 8;
/// A room that is too busy may be asked again after this.
const BUSY_MS: i64 = 1_000;

/// See the module.
pub struct Viewer {
    state: State,
    room: Arc<Room>,
    seat: Arc<Seat>,
    cursor: Cursor,
    socket: Box<dyn Duplex>,
    reader: Reader,
    /// On its way to the socket.
    pieces: VecDeque<Bytes>,
    flushed: bool,
    timer: Pin<Box<Sleep>>,
    heard_at: Instant,
    asked_at: Instant,
    /// When [`MESSAGES_AT_ONCE`] more may come.
    rested_at: Instant,
    closing: Closing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// The closing frame is on its way.
    Said,
    /// It has left; the viewer closes.
    Sent,
}

impl Viewer {
    /// Begins with `hello`, and reads on at `cursor`.
    pub fn new(
        state: State,
        room: Arc<Room>,
        seat: Arc<Seat>,
        (hello, cursor): (&str, Cursor),
        socket: Box<dyn Duplex>,
    ) -> Self {
        let now = Instant::now();
        Self {
            state,
            room,
            seat,
            cursor,
            socket,
            reader: Reader::default(),
            pieces: [frame_of(std::iter::once(hello))].into(),
            flushed: true,
            timer: Box::pin(tokio::time::sleep_until(now + ASK_EACH)),
            heard_at: now,
            asked_at: now,
            rested_at: now,
            closing: Closing::No,
        }
    }

    /// Until the viewer is gone.
    pub async fn run(mut self) {
        if let Err(error) = poll_fn(|context| self.poll(context)).await {
            tracing::trace!(%error, "a viewer of a room is gone");
        }
    }

    /// Ready when it is over.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seat.wait(context);
        loop {
            while self.timer.as_mut().poll(context).is_ready() {
                self.tick()?;
            }
            let written = self.write(context)?;
            if written.is_ready() && self.closing == Closing::Said {
                ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
                self.closing = Closing::Sent;
            }
            match self.read(context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// It is time to ask, or to give up.
    fn tick(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if self.closing != Closing::No || now >= self.heard_at + SILENT_MAX {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.state.now() >= self.seat.person.expires {
            self.seat.end(code::RIGHT_GONE);
        }
        if now >= self.asked_at + ASK_EACH {
            self.asked_at = now;
            if self.pieces.len() < PIECES_MAX {
                self.pieces.push_back(websocket::ASK);
            }
        }
        let next = (self.asked_at + ASK_EACH).min(self.heard_at + SILENT_MAX);
        self.timer.as_mut().reset(next);
        Ok(())
    }

    /// Ready when all there is has been written.
    fn write(&mut self, context: &mut Context<'_>) -> io::Result<Poll<()>> {
        loop {
            if self.pieces.is_empty() {
                self.fetch(context);
            }
            if self.pieces.is_empty() {
                return self.flush(context);
            }
            let mut slices = [io::IoSlice::new(&[]); AT_ONCE];
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = io::IoSlice::new(piece);
            }
            let count = self.pieces.len().min(AT_ONCE);
            let poll = Pin::new(&mut self.socket).poll_write_vectored(context, &slices[..count]);
            let Poll::Ready(written) = poll else { return Ok(Poll::Pending) };
            self.flushed = false;
            self.wrote(written?)?;
        }
    }

    fn flush(&mut self, context: &mut Context<'_>) -> io::Result<Poll<()>> {
        if !self.flushed {
            match Pin::new(&mut self.socket).poll_flush(context) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => return Ok(Poll::Pending),
            }
            self.flushed = true;
        }
        Ok(Poll::Ready(()))
    }

    fn wrote(&mut self, mut bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(piece) = self.pieces.front_mut() {
            if bytes < piece.len() {
                piece.advance(bytes);
                break;
            }
            bytes -= piece.len();
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            // An idle viewer holds no room for what it was once sent.
            self.pieces = VecDeque::new();
        }
        Ok(())
    }

    /// What there is for the socket: words to it alone, then frames, then the end.
    fn fetch(&mut self, context: &mut Context<'_>) {
        if self.closing != Closing::No {
            return;
        }
        let ends = self.seat.ends();
        let asides = self.seat.take_asides();
        if !asides.is_empty() {
            self.pieces.push_back(frame_of(asides.iter().map(String::as_str)));
        }
        // Who may not be here any more is told nothing more of it.
        if ends != Some(code::RIGHT_GONE) {
            let log = self.room.logs.of(self.seat.person.runs);
            let pieces = &mut self.pieces;
            let read = log.poll(&mut self.cursor, context, |frame| pieces.push_back(frame.socket.clone()));
            if read == Poll::Ready(Err(Gap)) {
                metrics::counter!("tayang_room_gaps_total").increment(1);
                let (hello, cursor, _) = self.room.hello(&self.seat, self.state.now());
                self.cursor = cursor;
                self.pieces.push_back(frame_of(std::iter::once(&*hello)));
            }
            if read.is_ready() {
                return;
            }
        }
        if let Some(code) = ends {
            self.close(code);
        }
    }

    fn close(&mut self, code: u16) {
        if self.closing == Closing::No {
            self.closing = Closing::Said;
            self.pieces.push_back(websocket::close_frame(code, code::reason(code)));
            self.timer.as_mut().reset(Instant::now() + CLOSING_MAX);
        }
    }

    /// Reads once. Ready with false: the viewer has closed.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        // What cannot be answered is not read: writing wakes this task again.
        if self.closing != Closing::Sent && (self.seat.is_behind() || self.pieces.len() >= PIECES_MAX) {
            return Poll::Pending;
        }
        let mut room = [0; 2_048];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(false));
        }
        if self.closing != Closing::No {
            return Poll::Ready(Ok(true));
        }
        self.heard_at = Instant::now();
        self.reader.take(buffer.filled());
        while self.closing == Closing::No {
            match self.reader.next() {
                Ok(Some(heard)) => self.hear(heard),
                Ok(None) => break,
                Err(fault) => self.close(fault.code()),
            }
        }
        Poll::Ready(Ok(true))
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Text(_) | Heard::Ping(_) if self.is_too_fast() => self.close(code::POLICY),
            Heard::Text(text) => match message::parse(&text) {
                Ok(message) => self.ask(message),
                Err((why, name)) => self.refuse(name.as_deref(), why.into()),
            },
            Heard::Ping(payload) => self.pieces.push_back(websocket::pong_frame(&payload)),
            Heard::Pong => {}
            Heard::Close(_) => self.close(code::NORMAL),
        }
    }

    fn ask(&mut self, message: message::Message) {
        let mail = Mail::Message(message, Reply::Seat(self.seat.clone()));
        if let Err(Mail::Message(message, _)) = self.room.try_ask(mail) {
            let busy = Refused::for_now(Why::Busy, BUSY_MS);
            match message {
                message::Message::Comment { client_id, .. } => self.refuse(Some(&client_id), busy),
                message::Message::React { .. } | message::Message::Hand { .. } => self.refuse(None, busy),
            }
        }
    }

    fn refuse(&self, client_id: Option<&str>, refused: Refused) {
        self.seat.tell(Event::refused(client_id.filter(|id| control::room::is_client_id(id)), refused).text());
    }

    fn is_too_fast(&mut self) -> bool {
        let now = Instant::now();
        self.rested_at = self.rested_at.max(now) + MESSAGE_EACH;
        self.rested_at > now + MESSAGE_EACH * MESSAGES_AT_ONCE
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.room.roster.leave(&self.seat);
    }
}

/// A frame of events for one viewer alone.
fn frame_of<'e>(events: impl Iterator<Item = &'e str>) -> Bytes {
    let mut text = vec![0; websocket::HEADER_BYTES_MAX];
    for event in events {
        text.push(if text.len() == websocket::HEADER_BYTES_MAX { b'[' } else { b',' });
        text.extend_from_slice(event.as_bytes());
    }
    text.push(b']');
    websocket::text_frame(text).0
}
