//! Taking part: what is said in the room of a lesson, who may say it how often, and what is kept of it.
//!
//! Rules and types. Who may be in a room at all is [`access`](crate::access)'s answer; who is there now, and how they are
//! told, is the API's. Nothing here reads a clock: [`Floor`] decides as of the time that it is given.

mod body;
mod filter;
mod floor;
mod once;
mod tally;

use media::UnixMillis;

pub use self::body::{BODY_CHARACTERS_MAX, BodyError, checked_body};
pub use self::filter::WordFilter;
pub use self::floor::{Floor, Refused, Settings, Speaker, Verdict, Why};
pub use self::tally::{Counts, Tally};
use crate::deliveries::NewDelivery;
use crate::{BoxFuture, CommentId, LessonId, RepositoryError, UserId};

/// Longest name that a sender gives a comment: a UUID is 36 characters.
pub const CLIENT_ID_LENGTH_MAX: usize = 64;

/// Comments that are pinned at once. They are in the first frame that everybody gets, and must fit above a phone's keyboard.
pub const PINS_MAX: usize = 5;

/// Reactions are summed over stretches of this much media time: what a chart under a seek bar can show.
pub const REACTION_STRETCH_MS: i64 = 5_000;

/// How far ahead of what was sent a sender's picture may be said to be: clocks and rounding.
pub const MEDIA_AHEAD_MS_MAX: i64 = 5_000;

/// What became of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommentState {
    /// All see it.
    Shown,
    /// It waits for the mentor.
    Held,
    /// It is taken away. Its number stays.
    Deleted,
}

impl CommentState {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Shown, Self::Held, Self::Deleted];

    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Held => "held",
            Self::Deleted => "deleted",
        }
    }
}

/// The text is none of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is none of shown, held, deleted")]
pub struct CommentStateError;

impl std::str::FromStr for CommentState {
    type Err = CommentStateError;

    fn from_str(text: &str) -> Result<Self, CommentStateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(CommentStateError)
    }
}

/// What one can say without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReactionKind {
    /// ❤
    Hati,
    /// 👍
    Jempol,
    /// 👏
    Tepuk,
    /// 😂
    Tawa,
    /// 😮
    Kaget,
    /// ❓
    Tanya,
}

impl ReactionKind {
    /// Every one, in the order in which they are offered.
    pub const ALL: [Self; 6] = [Self::Hati, Self::Jempol, Self::Tepuk, Self::Tawa, Self::Kaget, Self::Tanya];

    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hati => "hati",
            Self::Jempol => "jempol",
            Self::Tepuk => "tepuk",
            Self::Tawa => "tawa",
            Self::Kaget => "kaget",
            Self::Tanya => "tanya",
        }
    }
}

/// The text is no kind of reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is none of hati, jempol, tepuk, tawa, kaget, tanya")]
pub struct ReactionKindError;

impl std::str::FromStr for ReactionKind {
    type Err = ReactionKindError;

    fn from_str(text: &str) -> Result<Self, ReactionKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ReactionKindError)
    }
}

/// The sender's own name for a comment, by which it is there once: 1 to [`CLIENT_ID_LENGTH_MAX`] of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_client_id(text: &str) -> bool {
    (1..=CLIENT_ID_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// When the sender's picture was taken: they say it in milliseconds from `started` on, when the first frame came, by the wall
/// clock, as pictures bear it. Kept within what has been on air since; now, where the sender says nothing (a mentor sees the
/// room, not the picture). `None` before there was any. Which media that is, outages left out, says
/// [`Air::media_at`](crate::air::Air::media_at).
#[must_use]
pub fn picture_at(said_ms: Option<i64>, started: Option<UnixMillis>, now: UnixMillis) -> Option<UnixMillis> {
    let started = started?;
    let on_air_ms = now.0.saturating_sub(started.0).max(0);
    let ms = said_ms.map_or(on_air_ms, |ms| ms.clamp(0, on_air_ms.saturating_add(MEDIA_AHEAD_MS_MAX)));
    Some(started.plus_millis(ms))
}

/// A comment that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// Never changes, never used again.
    pub id: CommentId,
    /// Who says it.
    pub user: UserId,
    /// The sender's own name for it.
    pub client_id: String,
    /// What is said.
    pub body: String,
    /// When.
    pub at: UnixMillis,
    /// Where the sender's picture was: media time in milliseconds from the first frame, outages left out.
    pub media_ms: Option<i64>,
    /// All see it, or it waits for the mentor.
    pub state: CommentState,
}

/// Where a comment came to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its place in the room, from 1, without gaps.
    pub seq: i64,
    /// False: it was there already, by the sender's own name for it.
    pub is_new: bool,
    /// As it is kept: what was there already may be of another than that which came.
    pub state: CommentState,
}

/// A comment that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its place in the room, from 1, without gaps.
    pub seq: i64,
    /// As the sender is called.
    pub name: String,
    /// The rest of it.
    pub said: NewComment,
    /// It stands above the others.
    pub pinned: bool,
}

/// What a moderator does with a comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moderation {
    /// What becomes of it.
    pub state: Option<CommentState>,
    /// Whether it stands above the others.
    pub pinned: Option<bool>,
}

impl Moderation {
    /// State and pin of a comment afterwards. What is not shown is not pinned.
    #[must_use]
    pub fn applied(self, state: CommentState, pinned: bool) -> (CommentState, bool) {
        let state = self.state.unwrap_or(state);
        (state, self.pinned.unwrap_or(pinned) && state == CommentState::Shown)
    }
}

/// What became of a moderation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moderated {
    /// The comment as it was, and as it is.
    Done {
        /// Its state before.
        before: CommentState,
        /// It now.
        comment: Comment,
    },
    /// [`PINS_MAX`] are pinned already. Nothing was changed.
    TooManyPins,
}

/// How many reactions of a kind there were in a stretch of media time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReactionCount {
    /// Begin of the stretch, milliseconds from the lesson's first frame.
    pub media_ms: i64,
    /// Which kind.
    pub kind: ReactionKind,
    /// How many.
    pub count: u64,
}

/// Somebody's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandChange {
    /// Whose.
    pub user: UserId,
    /// It is up.
    pub raised: bool,
    /// Since when.
    pub at: UnixMillis,
}

/// A hand that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedHand {
    /// Whose.
    pub user: UserId,
    /// As they are called.
    pub name: String,
    /// Since when.
    pub since: UnixMillis,
}

/// Somebody who may not comment for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Who.
    pub user: UserId,
    /// Until when.
    pub until: UnixMillis,
}

/// What is kept of rooms. Every call is one transaction.
pub trait RoomRepository: Send + Sync {
    /// Keeps comments of one room, all or none, in their order, with places that follow on what is there without a gap.
    /// What the same person sent by the same name before answers the place that it has. `calls` are owed with the comment
    /// that stands at their number in `comments`, if it is new.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is no such lesson.
    fn append_comments<'a>(
        &'a self,
        lesson: LessonId,
        comments: &'a [NewComment],
        calls: &'a [(usize, NewDelivery)],
    ) -> BoxFuture<'a, Result<Vec<Appended>, RepositoryError>>;

    /// The newest place in a room; 0: nothing was said.
    fn last_comment(&self, lesson: LessonId) -> BoxFuture<'_, Result<i64, RepositoryError>>;

    /// Comments behind a place, by place. `all`: those that wait or were deleted too.
    fn comments_after(
        &self,
        lesson: LessonId,
        after: i64,
        limit: u32,
        all: bool,
    ) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>>;

    /// Comments of a stretch of media time, `[from_ms, until_ms)`, behind `after` (media time and place), by both.
    fn comments_during(
        &self,
        lesson: LessonId,
        stretch: std::ops::Range<i64>,
        after: Option<(i64, i64)>,
        limit: u32,
        all: bool,
    ) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>>;

    /// Those that stand above the others, by place.
    fn pinned_comments(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<Comment>, RepositoryError>>;

    /// Shows, holds, deletes, pins a comment.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if the room has no such comment.
    fn moderate_comment(
        &self,
        lesson: LessonId,
        comment: CommentId,
        moderation: Moderation,
    ) -> BoxFuture<'_, Result<Moderated, RepositoryError>>;

    /// Adds to the counts.
    fn add_reactions<'a>(
        &'a self,
        lesson: LessonId,
        counts: &'a [ReactionCount],
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// All counts, by media time.
    fn reactions(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<ReactionCount>, RepositoryError>>;

    /// Their sum over the whole lesson.
    fn reaction_totals(&self, lesson: LessonId) -> BoxFuture<'_, Result<Counts, RepositoryError>>;

    /// Keeps how hands are.
    fn set_hands<'a>(&'a self, lesson: LessonId, hands: &'a [HandChange])
    -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// The hands that are up, by when they went up.
    fn raised_hands(&self, lesson: LessonId) -> BoxFuture<'_, Result<Vec<RaisedHand>, RepositoryError>>;

    /// Mutes somebody, in place of an earlier mute.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is nobody of that id.
    fn mute(&self, lesson: LessonId, mute: Mute, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// Ends a mute. Ending none is no error.
    fn unmute(&self, lesson: LessonId, user: UserId) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// The mutes that hold at `now`.
    fn mutes(&self, lesson: LessonId, now: UnixMillis) -> BoxFuture<'_, Result<Vec<Mute>, RepositoryError>>;
}

#[cfg(test)]
mod tests;
