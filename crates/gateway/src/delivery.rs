//! What was handed over to whom: a body that tells when all of it has gone out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use control::playback::{Claims, Kind};
use http_body::{Body as _, Frame};
use media::Ticks;
use packager::{NumberAt, SegmentLookup};

use crate::Gateway;
use crate::audience::{Audience, moments};
use crate::http::Body;
use crate::live::LiveStream;
use crate::routes::target::{ChannelFile, StreamFile};
use crate::routes::{Asked, protocol_of};

/// A body goes out in pieces of this: what was asked for and not taken is not counted, but for the last of it.
const PIECE_BYTES: usize = 64 << 10;

/// For a segment or a part that somebody with a playback session gets while it is live.
pub struct Receipt {
    audience: Arc<Audience>,
    claims: Arc<Claims>,
    live: Arc<LiveStream>,
    file: StreamFile,
    protocol: &'static str,
    /// Known at the start, unless the segment grows.
    span: Option<(i64, i64)>,
}

impl Receipt {
    /// `None`: nothing is to be counted.
    #[must_use]
    pub fn of(gateway: &Gateway, asked: &Asked<'_>, file: &ChannelFile) -> Option<Self> {
        let claims = asked.right.claims().filter(|claims| claims.kind == Kind::Live)?;
        let protocol = protocol_of(file);
        let ChannelFile::Stream(id, file) = file else { return None };
        let has_media = match file {
            StreamFile::Segment(..) | StreamFile::SegmentAt(..) | StreamFile::Part(..) | StreamFile::Ts(_) => true,
            StreamFile::Master | StreamFile::Media(_) | StreamFile::Mpd | StreamFile::Mp4 | StreamFile::Init(..) => {
                false
            }
        };
        let live = gateway.live.stream(&asked.path, *id).filter(|_| has_media)?;
        let span = span_of(&live, file);
        let audience = Arc::clone(gateway.audience());
        Some(Self { audience, claims: Arc::clone(claims), live, file: file.clone(), protocol, span })
    }

    fn settle(self) {
        if let Some(span) = self.span.or_else(|| span_of(&self.live, &self.file)) {
            self.audience.got(&self.claims, self.protocol, moments(&self.live.stream, span));
        }
    }
}

/// The stretch of stream time that a file of a live stream is, in milliseconds. `None`: it has no media, or is not whole.
fn span_of(live: &LiveStream, file: &StreamFile) -> Option<(i64, i64)> {
    let window = live.window.read();
    let of_segment = |track, msn| match window.segment(track, msn) {
        SegmentLookup::Ready(segment) => {
            Some((segment.start.millis(segment.timescale), segment.end().millis(segment.timescale)))
        }
        SegmentLookup::Open(_) | SegmentLookup::NotYet | SegmentLookup::Gone => None,
    };
    match file {
        StreamFile::Segment(label, msn) => of_segment(window.track_named(&label.0)?, *msn),
        StreamFile::SegmentAt(label, epoch, start) => {
            let track = window.track_named(&label.0)?;
            match window.number_at(track, *epoch, Ticks(i64::try_from(*start).ok()?)) {
                NumberAt::Number(msn) => of_segment(track, msn),
                NumberAt::Coming | NumberAt::Nothing => None,
            }
        }
        StreamFile::Part(label, msn, index) => {
            let part = window.part(window.track_named(&label.0)?, *msn, *index)?;
            Some((part.start.millis(part.timescale), part.end().millis(part.timescale)))
        }
        StreamFile::Ts(msn) => {
            let leading = window.tracks().next()?.id;
            of_segment(leading, *msn)
        }
        StreamFile::Master | StreamFile::Media(_) | StreamFile::Mpd | StreamFile::Mp4 | StreamFile::Init(..) => None,
    }
}

/// Another body, whose end is told.
pub struct CountedBody {
    body: Body,
    /// Of the frame that is going out.
    rest: Bytes,
    receipt: Option<Receipt>,
}

impl CountedBody {
    pub(crate) fn new(body: Body, receipt: Receipt) -> Self {
        Self { body, rest: Bytes::new(), receipt: Some(receipt) }
    }

    /// The number of bytes, where it is known before they are sent.
    pub(crate) fn length(&self) -> Option<u64> {
        self.body.length().map(|length| length + self.rest.len() as u64)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if !self.rest.is_empty() {
                let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES));
                if self.is_over() {
                    self.settle();
                }
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    self.receipt = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.settle();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn settle(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            receipt.settle();
        }
    }
}
