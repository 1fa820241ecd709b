//! Events on their way into the next frame: for all, and for who runs the lesson.

use super::event::Event;
use super::log::{Frame, Log};
use super::websocket::HEADER_BYTES_MAX;

/// Bytes of a frame that is not added to any more.
const FRAME_BYTES_MAX: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub struct Gather {
    everyone: Vec<u8>,
    /// What differs for who runs the lesson; empty while nothing does.
    staff: Vec<u8>,
    seq: i64,
}

/// A room's frames, as all read them and as those do who run the lesson.
#[derive(Debug)]
pub struct Logs {
    pub everyone: Log,
    pub staff: Log,
}

impl Logs {
    /// Of a room whose newest place is `seq`.
    pub fn new(seq: i64) -> Self {
        Self { everyone: Log::new(seq), staff: Log::new(seq) }
    }

    /// What that reader reads.
    pub fn of(&self, runs: bool) -> &Log {
        if runs { &self.staff } else { &self.everyone }
    }
}

impl Gather {
    /// Of a room whose newest place is `seq`.
    pub fn new(seq: i64) -> Self {
        Self { everyone: Vec::new(), staff: Vec::new(), seq }
    }

    /// The room's newest place, as of what was gathered.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.everyone.is_empty() && self.staff.is_empty()
    }

    /// The frame is as long as frames get.
    pub fn is_full(&self) -> bool {
        self.everyone.len().max(self.staff.len()) >= FRAME_BYTES_MAX
    }

    /// For all.
    pub fn tell(&mut self, event: &Event<'_>) {
        let text = event.text();
        if !self.staff.is_empty() {
            push(&mut self.staff, &text);
        }
        push(&mut self.everyone, &text);
    }

    /// For who runs the lesson, and for all others, if they are told at all.
    pub fn tell_apart(&mut self, staff: &Event<'_>, others: Option<&Event<'_>>) {
        if self.staff.is_empty() {
            self.staff.clone_from(&self.everyone);
        }
        push(&mut self.staff, &staff.text());
        if let Some(others) = others {
            push(&mut self.everyone, &others.text());
        }
    }

    /// The room's newest place is that from here on.
    pub fn reached(&mut self, seq: i64) {
        self.seq = self.seq.max(seq);
    }

    /// Shows what was gathered.
    pub fn publish(&mut self, logs: &Logs) {
        let (mut everyone, mut staff) = (std::mem::take(&mut self.everyone), std::mem::take(&mut self.staff));
        let differs = !staff.is_empty();
        if differs {
            staff.push(b']');
            logs.staff.push(Frame::new(staff, self.seq));
        }
        if !everyone.is_empty() {
            everyone.push(b']');
            let frame = Frame::new(everyone, self.seq);
            if !differs {
                logs.staff.push(frame.clone());
            }
            logs.everyone.push(frame);
        }
    }
}

/// One event more; the first comes behind the room for a frame's header.
fn push(frame: &mut Vec<u8>, event: &str) {
    if frame.is_empty() {
        frame.resize(HEADER_BYTES_MAX, 0);
        frame.push(b'[');
    } else {
        frame.push(b',');
    }
    frame.extend_from_slice(event.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn read(log: &Log) -> Vec<String> {
        let mut frames = Vec::new();
        let (mut cursor, _) = Log::new(0).end();
        let context = Context::from_waker(Waker::noop());
        let take = |frame: &Frame| frames.push(String::from_utf8(frame.json.to_vec()).expect("text"));
        assert!(log.poll(&mut cursor, &context, take).is_ready() || frames.is_empty());
        frames
    }

    #[test]
    fn who_runs_the_lesson_reads_more_and_in_the_same_order() {
        let (logs, mut gather) = (Logs::new(0), Gather::new(0));
        gather.tell(&Event::Viewers { n: 1 });
        gather.publish(&logs);
        gather.tell(&Event::Viewers { n: 2 });
        gather.tell_apart(&Event::Viewers { n: 30 }, Some(&Event::Skip { seq: 3 }));
        gather.reached(3);
        gather.tell(&Event::Viewers { n: 4 });
        gather.publish(&logs);
        gather.tell_apart(&Event::Viewers { n: 5 }, None);
        gather.publish(&logs);
        assert!(gather.is_empty());
        gather.publish(&logs);
        let one = r#"[{"t":"viewers","n":1}]"#;
        let others = r#"[{"t":"viewers","n":2},{"t":"skip","seq":3},{"t":"viewers","n":4}]"#;
        let staff = r#"[{"t":"viewers","n":2},{"t":"viewers","n":30},{"t":"viewers","n":4}]"#;
        assert_eq!(read(&logs.everyone), [one, others]);
        assert_eq!(read(&logs.staff), [one, staff, r#"[{"t":"viewers","n":5}]"#]);
        assert_eq!(logs.everyone.end().1, 3);
    }
}
