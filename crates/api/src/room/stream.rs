//! One viewer on server-sent events: the same frames, for where no WebSocket gets through.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use control::UserId;
use control::room::{Comment, CommentState};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use super::event::{Event, Said};
use super::log::{Cursor, Gap};
use super::rooms::Room;
use super::seat::{Seat, code};
use crate::State;

/// How often something is sent where there is nothing to tell, so that proxies keep the connection.
const HEARTBEAT_EACH: Duration = Duration::from_secs(15);

/// The body of the response. Frames are shared with all other viewers of the room.
pub struct Events {
    state: State,
    room: Arc<Room>,
    seat: Arc<Seat>,
    cursor: Cursor,
    pieces: VecDeque<Bytes>,
    timer: Pin<Box<Sleep>>,
    ended: bool,
}

impl Events {
    /// Begins with `hello` and what was said since the viewer was here last, and reads on at `cursor`.
    pub fn new(
        state: State,
        room: Arc<Room>,
        seat: Arc<Seat>,
        (hello, cursor, seq): (&str, Cursor, i64),
        missed: &[Comment],
        mentor: UserId,
    ) -> Self {
        let mut events = vec![hello.to_owned()];
        for comment in missed {
            let (said, seq) = (Said::new(comment, mentor), comment.seq);
            let shown = comment.said.state == CommentState::Shown || seat.person.runs;
            events.push(if shown { Event::Comment(&said) } else { Event::Skip { seq } }.text());
        }
        let first = format!("retry: 3000\nevent: frame\nid: {seq}\ndata: [{}]\n\n", events.join(","));
        let timer = Box::pin(tokio::time::sleep(HEARTBEAT_EACH));
        Self { state, room, seat, cursor, pieces: [first.into()].into(), timer, ended: false }
    }

    /// What there is to send.
    fn fetch(&mut self, context: &mut Context<'_>) {
        self.seat.wait(context);
        let ends = self.seat.ends();
        let asides = self.seat.take_asides();
        if !asides.is_empty() {
            let events = Vec::from(asides).join(",");
            self.pieces.push_back(format!("event: frame\ndata: [{events}]\n\n").into());
        }
        if ends != Some(code::RIGHT_GONE) {
            let pieces = &mut self.pieces;
            let read = self.room.logs.of(self.seat.person.runs).poll(&mut self.cursor, context, |frame| {
                pieces.push_back(format!("event: frame\nid: {}\ndata: ", frame.seq).into());
                pieces.push_back(frame.json.clone());
                pieces.push_back(Bytes::from_static(b"\n\n"));
            });
            if read == Poll::Ready(Err(Gap)) {
                metrics::counter!("tayang_room_gaps_total").increment(1);
                let (hello, cursor, seq) = self.room.hello(&self.seat, self.state.now());
                self.cursor = cursor;
                self.pieces.push_back(format!("event: frame\nid: {seq}\ndata: [{hello}]\n\n").into());
            }
            if read.is_ready() {
                return;
            }
        }
        if let Some(code) = ends {
            let reason = code::reason(code);
            let text = format!("event: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}\n\n");
            self.pieces.push_back(text.into());
            self.ended = true;
        }
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let events = self.get_mut();
        if events.pieces.is_empty() && !events.ended {
            events.fetch(context);
        }
        if events.pieces.is_empty() && !events.ended && events.timer.as_mut().poll(context).is_ready() {
            events.timer.as_mut().reset(Instant::now() + HEARTBEAT_EACH);
            if events.state.now() >= events.seat.person.expires {
                events.seat.end(code::RIGHT_GONE);
            }
            events.pieces.push_back(Bytes::from_static(b": here\n\n"));
        }
        match events.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if events.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.room.roster.leave(&self.seat);
    }
}
