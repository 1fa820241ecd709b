//! Who may say what now.

use std::collections::HashMap;

use media::UnixMillis;

use super::once::Once;
use super::{BodyError, CommentState, Mute, WordFilter, checked_body, is_client_id};
use crate::UserId;
use crate::pace::{Bucket, Rate};
use crate::teaching::Lesson;

/// Comments of one person: five at once, then one a second. A reader follows no more of one voice.
const COMMENTS: Rate = Rate { burst: 5, refill_ms: 1_000 };
/// Comments of the mentor, who answers many.
const MENTOR_COMMENTS: Rate = Rate { burst: 20, refill_ms: 250 };
/// Reactions of one person: thirty at once, then ten a second. A thumb is not faster.
const REACTIONS: Rate = Rate { burst: 30, refill_ms: 100 };
/// A hand goes up and down: five at once, then one each two seconds.
const HANDS: Rate = Rate { burst: 5, refill_ms: 2_000 };
/// Most reactions in one message: what a client gathers in a second.
const REACTIONS_MAX: i64 = 10;
/// People whose pace is remembered before those who rest are forgotten.
const PEOPLE_BEFORE_SWEEP: usize = 1_024;

/// How the mentor has set the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Milliseconds between two comments of one person; 0: none.
    pub slow_ms: u32,
    /// Comments, reactions and hands are taken.
    pub comments_on: bool,
    /// Comments wait for the mentor.
    pub review_on: bool,
}

impl From<&Lesson> for Settings {
    fn from(lesson: &Lesson) -> Self {
        Self { slow_ms: lesson.slow_ms, comments_on: lesson.comments_on, review_on: lesson.review_on }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// Who.
    pub user: UserId,
    /// They run the lesson: slow mode, review, words and mutes are not for them.
    pub runs: bool,
}

/// Why something is not taken. The words are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// There is nothing to be seen in it.
    Empty,
    /// It is too long.
    TooLong,
    /// It holds what is no text.
    Characters,
    /// The sender's own name for it is none.
    ClientId,
    /// It holds a word that the mentor does not want.
    Word,
    /// The mentor has muted them.
    Muted,
    /// Slow mode.
    Slow,
    /// Faster than anybody may be.
    TooFast,
    /// The mentor has turned comments off.
    CommentsOff,
    /// No message of ours.
    Malformed,
    /// The room has more to do than it can.
    Busy,
    /// It could not be kept.
    NotKept,
}

impl Why {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::Empty,
        Self::TooLong,
        Self::Characters,
        Self::ClientId,
        Self::Word,
        Self::Muted,
        Self::Slow,
        Self::TooFast,
        Self::CommentsOff,
        Self::Malformed,
        Self::Busy,
        Self::NotKept,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::Characters => "characters",
            Self::ClientId => "client-id",
            Self::Word => "word",
            Self::Muted => "muted",
            Self::Slow => "slow",
            Self::TooFast => "too-fast",
            Self::CommentsOff => "comments-off",
            Self::Malformed => "malformed",
            Self::Busy => "busy",
            Self::NotKept => "not-kept",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Empty => "write something",
            Self::TooLong => "write at most 500 characters",
            Self::Characters => "leave out control characters and piled-up marks",
            Self::ClientId => "name the comment with 1 to 64 of A-Z a-z 0-9 _ -",
            Self::Word => "say it in other words: the mentor has closed this room to one of these",
            Self::Muted => "the mentor has muted you for a while: read on, and write again after that",
            Self::Slow => "the mentor has set the room to slow: wait a moment and send it again",
            Self::TooFast => "that was too fast: wait a moment and send it again",
            Self::CommentsOff => "the mentor has turned comments off",
            Self::Malformed => "the message is not one of this room: see its documentation",
            Self::Busy => "the room is very busy: wait a moment and send it again",
            Self::NotKept => "the server could not keep it: wait a moment and send it again",
        }
    }
}

impl From<BodyError> for Why {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Empty => Self::Empty,
            BodyError::TooLong => Self::TooLong,
            BodyError::Characters => Self::Characters,
        }
    }
}

/// Something that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// Milliseconds after which it may be.
    pub retry_after_ms: Option<i64>,
}

impl From<Why> for Refused {
    fn from(why: Why) -> Self {
        Self { why, retry_after_ms: None }
    }
}

impl Refused {
    /// It may be taken after so many milliseconds.
    #[must_use]
    pub fn for_now(why: Why, retry_after_ms: i64) -> Self {
        Self { why, retry_after_ms: Some(retry_after_ms) }
    }
}

/// What is done with a comment that may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It was said before, stands there, and was seen by all or waited.
    Known(i64, CommentState),
    /// It is to be kept.
    Keep {
        /// What is said, without white space around it.
        body: &'a str,
        /// All see it, or it waits.
        state: CommentState,
    },
}

/// The room's rules and what they remember, all in bounds. Reads no clock.
#[derive(Debug)]
pub struct Floor {
    settings: Settings,
    filter: WordFilter,
    mutes: HashMap<UserId, UnixMillis>,
    people: HashMap<UserId, Pace>,
    sweep_at: usize,
    once: Once,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    comments: Bucket,
    reactions: Bucket,
    hands: Bucket,
    commented: Option<UnixMillis>,
}

impl Floor {
    /// The room as the lesson says, with those who are muted.
    #[must_use]
    pub fn new(lesson: &Lesson, mutes: &[Mute]) -> Self {
        Self {
            settings: lesson.into(),
            filter: WordFilter::new(&lesson.word_filter),
            mutes: mutes.iter().map(|mute| (mute.user, mute.until)).collect(),
            people: HashMap::new(),
            sweep_at: PEOPLE_BEFORE_SWEEP,
            once: Once::default(),
        }
    }

    /// The lesson was changed.
    pub fn set(&mut self, lesson: &Lesson) {
        self.settings = lesson.into();
        self.filter = WordFilter::new(&lesson.word_filter);
    }

    /// How the room is set.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Somebody is muted until then, or (`None`) no more.
    pub fn mute(&mut self, user: UserId, until: Option<UnixMillis>) {
        match until {
            Some(until) => self.mutes.insert(user, until),
            None => self.mutes.remove(&user),
        };
    }

    /// Until when somebody is muted.
    #[must_use]
    pub fn muted_until(&self, user: UserId, now: UnixMillis) -> Option<UnixMillis> {
        self.mutes.get(&user).copied().filter(|until| now < *until)
    }

    /// Whether a comment may be said. What was said before is known before anything else is asked: a client that did not
    /// hear the answer sends again, and is not too fast for it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn comment<'a>(
        &mut self,
        speaker: Speaker,
        client_id: &str,
        body: &'a str,
        now: UnixMillis,
    ) -> Result<Verdict<'a>, Refused> {
        if !is_client_id(client_id) {
            return Err(Why::ClientId.into());
        }
        if let Some((seq, state)) = self.once.place(speaker.user, client_id) {
            return Ok(Verdict::Known(seq, state));
        }
        let body = checked_body(body).map_err(Why::from)?;
        let Settings { slow_ms, comments_on, review_on } = self.settings;
        if speaker.runs {
            let pace = self.pace(speaker.user, now);
            pace.comments.take(MENTOR_COMMENTS, 1, now).map_err(too_fast)?;
            return Ok(Verdict::Keep { body, state: CommentState::Shown });
        }
        if !comments_on {
            return Err(Why::CommentsOff.into());
        }
        if let Some(until) = self.muted_until(speaker.user, now) {
            return Err(Refused::for_now(Why::Muted, until.0 - now.0));
        }
        if self.filter.finds(body) {
            return Err(Why::Word.into());
        }
        let pace = self.pace(speaker.user, now);
        if let Some(before) = pace.commented {
            let wait = before.0.saturating_add(i64::from(slow_ms)).saturating_sub(now.0);
            if wait > 0 {
                return Err(Refused::for_now(Why::Slow, wait));
            }
        }
        pace.comments.take(COMMENTS, 1, now).map_err(too_fast)?;
        pace.commented = Some(now);
        Ok(Verdict::Keep { body, state: if review_on { CommentState::Held } else { CommentState::Shown } })
    }

    /// A comment was kept there.
    pub fn kept(&mut self, user: UserId, client_id: &str, place: (i64, CommentState)) {
        self.once.remember(user, client_id, place);
    }

    /// A comment could not be kept: slow mode does not count it.
    pub fn not_kept(&mut self, user: UserId) {
        if let Some(pace) = self.people.get_mut(&user) {
            pace.commented = None;
        }
    }

    /// Whether `n` reactions may be counted.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn reactions(&mut self, speaker: Speaker, n: i64, now: UnixMillis) -> Result<(), Refused> {
        if !(1..=REACTIONS_MAX).contains(&n) {
            return Err(Why::Malformed.into());
        }
        self.is_open(speaker)?;
        self.pace(speaker.user, now).reactions.take(REACTIONS, n, now).map_err(too_fast)
    }

    /// Whether a hand may go up or down.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn hand(&mut self, speaker: Speaker, now: UnixMillis) -> Result<(), Refused> {
        self.is_open(speaker)?;
        self.pace(speaker.user, now).hands.take(HANDS, 1, now).map_err(too_fast)
    }

    fn is_open(&self, speaker: Speaker) -> Result<(), Refused> {
        if speaker.runs || self.settings.comments_on { Ok(()) } else { Err(Why::CommentsOff.into()) }
    }

    fn pace(&mut self, user: UserId, now: UnixMillis) -> &mut Pace {
        if self.people.len() >= self.sweep_at && !self.people.contains_key(&user) {
            let slow_ms = i64::from(self.settings.slow_ms);
            self.people.retain(|_, pace| !pace.rests(slow_ms, now));
            self.mutes.retain(|_, until| now < *until);
            self.sweep_at = (2 * self.people.len()).max(PEOPLE_BEFORE_SWEEP);
        }
        self.people.entry(user).or_default()
    }
}

impl Pace {
    /// Forgetting it changes no answer.
    fn rests(&self, slow_ms: i64, now: UnixMillis) -> bool {
        [self.comments, self.reactions, self.hands].into_iter().all(|bucket| bucket.is_full(now))
            && self.commented.is_none_or(|at| at.0.saturating_add(slow_ms) <= now.0)
    }
}

fn too_fast(wait_ms: i64) -> Refused {
    Refused::for_now(Why::TooFast, wait_ms)
}
