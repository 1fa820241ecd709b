//! What a room tells, as JSON.

use std::collections::BTreeMap;

use control::UserId;
use control::air::OnAir;
use control::room::{Comment, Counts, RaisedHand, ReactionKind, Refused, Settings};
use control::teaching::Lesson;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// Who said something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Voice {
    id: uuid::Uuid,
    name: String,
    /// The mentor of the lesson.
    mentor: bool,
}

/// A comment as it is read.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
pub struct Said {
    id: uuid::Uuid,
    /// Place in the room, from 1. Rises by one per comment.
    seq: i64,
    user: Voice,
    body: String,
    at: Moment,
    /// Where the sender's picture was, from the first frame of the lesson.
    media_ms: Option<i64>,
    /// The sender's own name for it.
    client_id: String,
    /// `shown`, `held` or `deleted`.
    state: &'static str,
    pinned: bool,
}

impl Said {
    /// A comment in the room of a lesson of that mentor.
    pub fn new(comment: &Comment, mentor: UserId) -> Self {
        let said = &comment.said;
        Self {
            id: said.id.0,
            seq: comment.seq,
            user: Voice { id: said.user.0, name: comment.name.clone(), mentor: said.user == mentor },
            body: said.body.clone(),
            at: said.at.into(),
            media_ms: said.media_ms,
            client_id: said.client_id.clone(),
            state: said.state.as_str(),
            pinned: comment.pinned,
        }
    }

    /// Its place.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

/// Counts by kind; kinds of which there are none are left out.
pub type ByKind = BTreeMap<&'static str, u64>;

/// Counts as they are sent.
pub fn by_kind(counts: Counts) -> ByKind {
    let kinds = ReactionKind::ALL.into_iter().zip(counts);
    kinds.filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.as_str(), count)).collect()
}

/// Somebody with a hand up.
#[derive(Clone, Debug, Serialize)]
pub struct Hand {
    id: uuid::Uuid,
    name: String,
    since_at: Moment,
}

impl From<&RaisedHand> for Hand {
    fn from(hand: &RaisedHand) -> Self {
        Self { id: hand.user.0, name: hand.name.clone(), since_at: hand.since.into() }
    }
}

/// How the reader stands in the room.
#[derive(Clone, Debug, Serialize)]
pub struct Me {
    pub muted_until_at: Option<Moment>,
    pub hand: bool,
}

/// How the room is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    slow_ms: u32,
    comments_on: bool,
    review_on: bool,
}

impl From<Settings> for Setting {
    fn from(settings: Settings) -> Self {
        let Settings { slow_ms, comments_on, review_on } = settings;
        Self { slow_ms, comments_on, review_on }
    }
}

/// How far the lesson is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Course {
    state: &'static str,
    on_air: bool,
    stalled: bool,
}

impl Course {
    pub fn of(lesson: &Lesson, air: OnAir) -> Self {
        Self { state: lesson.state.as_str(), on_air: air.on_air, stalled: air.stalled }
    }
}

/// One event of a frame.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The room as it is; what is told next follows on it. Comes first, and again after frames were skipped.
    Hello {
        seq: i64,
        viewers: u64,
        pinned: &'a [Said],
        #[serde(flatten)]
        setting: Setting,
        lesson: Course,
        totals: ByKind,
        me: Me,
        /// To the mentor.
        #[serde(skip_serializing_if = "Option::is_none")]
        hands: Option<Vec<Hand>>,
    },
    Comment(&'a Said),
    /// A place of the room at which there is nothing to be shown.
    Skip {
        seq: i64,
    },
    CommentChanged {
        id: uuid::Uuid,
        state: &'static str,
        pinned: bool,
    },
    Reactions {
        media_ms: i64,
        counts: ByKind,
        totals: ByKind,
    },
    Viewers {
        n: u64,
    },
    Hand {
        user: HandOf<'a>,
        raised: bool,
    },
    Settings(Setting),
    Lesson(Course),
    Me(Me),
    Ack {
        client_id: &'a str,
        seq: i64,
        /// Of a comment that is not shown yet: `held`.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<&'static str>,
    },
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<i64>,
    },
}

/// Whose hand.
#[derive(Clone, Debug, Serialize)]
pub struct HandOf<'a> {
    pub id: uuid::Uuid,
    pub name: &'a str,
}

impl<'a> Event<'a> {
    /// What became of a comment that was not taken, or of something else (`None`).
    pub fn refused(client_id: Option<&'a str>, refused: Refused) -> Self {
        Self::Refused { client_id, code: refused.why.as_str(), retry_after_ms: refused.retry_after_ms }
    }

    /// Its JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }
}
