//! Notices: what people are told about their lessons, by which ways, and from when.
//!
//! Owns the rules: who is told of what, what makes two events one, what a mute and quiet hours do, when a reminder is due.
//! Knows no zone, no language and no way out: whoever plans reads the wall clock of the recipient's zone and says what it
//! is; whoever sends writes the sentence.

use media::{Redacted, UnixMillis};

use crate::deliveries::{Medium, NewDelivery};
use crate::teaching::{Lesson, LessonState};
use crate::webhooks::Webhook;
use crate::{
    BoxFuture, ChangeKind, LessonId, Locale, NoticeId, RepositoryError, Seq, SessionId, SubscriptionId, UserId, Uuid,
};

/// How long before a lesson its `lesson_tomorrow` is due.
pub const TOMORROW_MS: i64 = 24 * 3_600_000;

/// How long before a lesson its `lesson_soon` is due.
pub const SOON_MS: i64 = 15 * 60_000;

/// How late a `lesson_tomorrow` still comes, if no server ran when it was due: half of its span.
pub const TOMORROW_LATE_MS: i64 = 12 * 3_600_000;

/// What would come later than this before its lesson does not wait for the end of quiet hours: people who were on their way
/// are told.
pub const URGENT_MS: i64 = 2 * 3_600_000;

/// Devices of one person that are told by Web Push. A phone, a tablet, and each browser of a few machines.
pub const SUBSCRIPTIONS_MAX: u32 = 20;

/// What somebody can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// A lesson was set; of a series, told once.
    LessonScheduled,
    /// Its time, or what is said of it, changed.
    LessonChanged,
    /// It will not be.
    LessonCancelled,
    /// It begins in a day.
    LessonTomorrow,
    /// It begins in a quarter of an hour.
    LessonSoon,
    /// It began.
    LessonStarted,
    /// Its recording can be played.
    RecordingReady,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::LessonScheduled,
        Self::LessonChanged,
        Self::LessonCancelled,
        Self::LessonTomorrow,
        Self::LessonSoon,
        Self::LessonStarted,
        Self::RecordingReady,
    ];

    /// The change that is told of.
    #[must_use]
    pub fn change(self) -> ChangeKind {
        match self {
            Self::LessonScheduled => ChangeKind::LessonScheduled,
            Self::LessonChanged => ChangeKind::LessonChanged,
            Self::LessonCancelled => ChangeKind::LessonCancelled,
            Self::LessonTomorrow => ChangeKind::LessonTomorrow,
            Self::LessonSoon => ChangeKind::LessonSoon,
            Self::LessonStarted => ChangeKind::LessonStarted,
            Self::RecordingReady => ChangeKind::RecordingReady,
        }
    }

    /// What is told of a change. `None`: nothing.
    #[must_use]
    pub fn of(change: ChangeKind) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.change() == change)
    }

    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.change().as_str()
    }

    /// Who is told.
    #[must_use]
    pub fn audience(self) -> Audience {
        if self == Self::RecordingReady { Audience::Attended } else { Audience::Enrolled }
    }

    /// How long it is worth telling by push, in milliseconds: a device that was off longer is not told any more, as by then
    /// the list of notices says it better.
    #[must_use]
    pub fn lasts_ms(self) -> i64 {
        const HOUR: i64 = 3_600_000;
        match self {
            Self::LessonSoon => HOUR / 2,
            Self::LessonStarted => HOUR,
            Self::LessonTomorrow => 12 * HOUR,
            Self::LessonScheduled | Self::LessonChanged | Self::LessonCancelled | Self::RecordingReady => 24 * HOUR,
        }
    }

    /// A device that sleeps is woken for it (RFC 8030 section 5.3, `high`).
    #[must_use]
    pub fn wakes(self) -> bool {
        matches!(self, Self::LessonSoon | Self::LessonStarted | Self::LessonCancelled)
    }
}

/// The text is no kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of notice")]
pub struct NoticeKindError;

impl std::str::FromStr for NoticeKind {
    type Err = NoticeKindError;

    fn from_str(text: &str) -> Result<Self, NoticeKindError> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(NoticeKindError)
    }
}

/// How long a notice stands in the list, read or not: a half-year of lessons.
pub const KEPT_MS: i64 = 180 * 86_400_000;

/// Who is told. Nobody who is suspended, and nobody who was sent out of the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Who is in the lesson's course.
    Enrolled,
    /// Who was there, and the mentor.
    Attended,
}

/// What makes two events one: the kind, the lesson, and where it can happen again, which time. Of lessons that were set
/// together one is told of, and of those that one `edit` changed together; each change else is its own; a reminder belongs
/// to a start, so that a lesson that is moved reminds again.
#[must_use]
pub fn event_key(kind: NoticeKind, lesson: &Lesson, starts: UnixMillis, seq: Seq, edit: Option<Uuid>) -> String {
    let (word, id) = (kind.as_str(), lesson.id);
    match kind {
        NoticeKind::LessonScheduled => match lesson.series {
            Some(series) => format!("{word}:series:{series}"),
            None => format!("{word}:{id}"),
        },
        NoticeKind::LessonChanged => match edit {
            Some(edit) => format!("{word}:edit:{edit}"),
            None => format!("{word}:{id}:{}", seq.0),
        },
        NoticeKind::LessonTomorrow | NoticeKind::LessonSoon => format!("{word}:{id}:{}", starts.0),
        NoticeKind::LessonCancelled | NoticeKind::LessonStarted | NoticeKind::RecordingReady => format!("{word}:{id}"),
    }
}

/// What makes two deliveries one: the event, to whom, by which way, where to.
#[must_use]
pub fn once_key(event_key: &str, user: UserId, medium: Medium, target: &str) -> String {
    format!("{event_key}:{user}:{}:{target}", medium.as_str())
}

/// What of a lesson decides whether what is told of it is still so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub lesson: LessonId,
    /// When it begins.
    pub starts: UnixMillis,
    /// When it ends.
    pub ends: UnixMillis,
    /// How far it is.
    pub state: LessonState,
}

impl From<&Lesson> for Standing {
    fn from(lesson: &Lesson) -> Self {
        Self { lesson: lesson.id, starts: lesson.starts, ends: lesson.ends, state: lesson.state }
    }
}

/// What is told is so no more: a reminder of a lesson that was moved, called off or began, or a "was set" of one that was
/// called off.
#[must_use]
pub fn is_outdated(kind: NoticeKind, starts: UnixMillis, lesson: impl Into<Standing>) -> bool {
    let lesson = lesson.into();
    match kind {
        NoticeKind::LessonTomorrow => lesson.state != LessonState::Scheduled || lesson.starts != starts,
        NoticeKind::LessonSoon => {
            lesson.starts != starts || matches!(lesson.state, LessonState::Ended | LessonState::Cancelled)
        }
        NoticeKind::LessonScheduled | NoticeKind::LessonChanged => lesson.state == LessonState::Cancelled,
        NoticeKind::LessonStarted => matches!(lesson.state, LessonState::Ended | LessonState::Cancelled),
        NoticeKind::LessonCancelled | NoticeKind::RecordingReady => false,
    }
}

/// Minutes of the day in which somebody wants no sound: `from` inside, `until` outside. Over midnight where `from` is the
/// later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    from_min: u16,
    until_min: u16,
}

/// When quiet hours end: a minute of this day, or of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietEnd {
    /// Of the next day.
    pub tomorrow: bool,
    /// Minute of the day.
    pub minute: u16,
}

/// Minutes of a day.
pub const DAY_MIN: u16 = 1_440;

impl Quiet {
    /// `None` where it is no stretch of a day.
    #[must_use]
    pub fn new(from_min: u16, until_min: u16) -> Option<Self> {
        let stands = from_min < DAY_MIN && until_min < DAY_MIN && from_min != until_min;
        stands.then_some(Self { from_min, until_min })
    }

    /// First minute.
    #[must_use]
    pub fn from_min(self) -> u16 {
        self.from_min
    }

    /// First minute behind it.
    #[must_use]
    pub fn until_min(self) -> u16 {
        self.until_min
    }

    /// When it ends if it is `minute` of the day on the wall. `None`: it is not quiet.
    #[must_use]
    pub fn end(self, minute: u16) -> Option<QuietEnd> {
        let Self { from_min, until_min } = self;
        let over_midnight = from_min > until_min;
        let evening = minute >= from_min && (over_midnight || minute < until_min);
        let morning = over_midnight && minute < until_min;
        (evening || morning).then_some(QuietEnd { tomorrow: over_midnight && evening, minute: until_min })
    }
}

/// How somebody wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSettings {
    /// By Web Push, on each device that allowed it.
    pub push_on: bool,
    /// By e-mail.
    pub email_on: bool,
    /// Told by neither; they stand in the list of notices all the same.
    pub muted: Vec<NoticeKind>,
    /// When nothing is sent.
    pub quiet: Option<Quiet>,
    /// Counts changes, for ETags. 0: never changed.
    pub version: i64,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { push_on: true, email_on: true, muted: Vec::new(), quiet: None, version: 0 }
    }
}

/// Somebody who is to be told, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub user: UserId,
    /// IANA name of their zone.
    pub zone: String,
    /// Their address, if they confirmed it.
    pub email: Option<String>,
    /// How they want it.
    pub settings: NoticeSettings,
    /// Their devices, of sign-ins that stand.
    pub subscriptions: Vec<SubscriptionId>,
}

impl Recipient {
    /// The ways by which they are told of a kind, and where to.
    #[must_use]
    pub fn ways(&self, kind: NoticeKind) -> Vec<(Medium, String)> {
        if self.settings.muted.contains(&kind) {
            return Vec::new();
        }
        let push = self.subscriptions.iter().filter(|_| self.settings.push_on);
        let email = self.email.iter().filter(|_| self.settings.email_on);
        push.map(|id| (Medium::Push, id.to_string()))
            .chain(email.map(|address| (Medium::Email, address.clone())))
            .collect()
    }
}

/// When it is sent: now, or at the end of the recipient's quiet hours. What is about this moment (`lesson_soon`,
/// `lesson_started`) never waits; what is about a lesson to come waits only if it still comes [`URGENT_MS`] before it.
#[must_use]
pub fn due(kind: NoticeKind, now: UnixMillis, starts: UnixMillis, quiet_end: Option<UnixMillis>) -> UnixMillis {
    let Some(end) = quiet_end.filter(|end| *end > now) else { return now };
    let waits = match kind {
        NoticeKind::LessonSoon | NoticeKind::LessonStarted => false,
        NoticeKind::RecordingReady => true,
        NoticeKind::LessonScheduled
        | NoticeKind::LessonChanged
        | NoticeKind::LessonCancelled
        | NoticeKind::LessonTomorrow => starts.0 < now.0 || end.0 <= starts.0 - URGENT_MS,
    };
    if waits { end } else { now }
}

/// How long it is tried from when it is due, in milliseconds: a push as long as it is worth telling.
#[must_use]
pub fn lasts_ms(kind: NoticeKind, medium: Medium) -> i64 {
    if medium == Medium::Push { kind.lasts_ms() } else { medium.tries_ms() }
}

/// A lesson whose reminders may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// Which.
    pub lesson: LessonId,
    /// As scheduled.
    pub starts: UnixMillis,
    /// When it was set, or last changed within a day and a half.
    pub set: UnixMillis,
    /// There was a `lesson_tomorrow` for this start.
    pub told_tomorrow: bool,
    /// There was a `lesson_soon` for this start.
    pub told_soon: bool,
}

impl Upcoming {
    /// The reminder that is due. A lesson that was set less than a day ahead has no `lesson_tomorrow`: that it was set says
    /// it all.
    #[must_use]
    pub fn reminder(&self, now: UnixMillis) -> Option<NoticeKind> {
        let ahead_ms = self.starts.0 - now.0;
        if (1..=SOON_MS).contains(&ahead_ms) {
            return (!self.told_soon).then_some(NoticeKind::LessonSoon);
        }
        let in_time = (TOMORROW_MS - TOMORROW_LATE_MS..=TOMORROW_MS).contains(&ahead_ms);
        let set_before = self.set.0 <= self.starts.0 - TOMORROW_MS;
        (in_time && set_before && !self.told_tomorrow).then_some(NoticeKind::LessonTomorrow)
    }
}

/// A notice to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// Never changes, never used again. By it a device recognises what it was told already.
    pub id: NoticeId,
    /// To whom.
    pub user: UserId,
    /// [`event_key`].
    pub event_key: String,
    /// Of what.
    pub kind: NoticeKind,
    /// About which lesson.
    pub lesson: LessonId,
    /// JSON object: what the sentences are made of, as it was.
    pub payload: String,
    /// When.
    pub created: UnixMillis,
}

/// A notice that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// Of what.
    pub kind: NoticeKind,
    /// About which lesson.
    pub lesson: LessonId,
    /// JSON object: what the sentences are made of.
    pub payload: String,
    /// When.
    pub created: UnixMillis,
    /// When it was read.
    pub read: Option<UnixMillis>,
}

/// A device that is told by Web Push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Our name of it.
    pub id: SubscriptionId,
    /// Whose.
    pub user: UserId,
    /// The sign-in that it belongs to: over with it.
    pub session: SessionId,
    /// Where messages for it are taken. Whoever knows it can send there: a secret.
    pub endpoint: Redacted<String>,
    /// Its public key, P-256, base64url.
    pub p256dh: String,
    /// Its authentication secret, base64url.
    pub auth: Redacted<String>,
    /// When it was made.
    pub created: UnixMillis,
}

/// What a lesson's event is told with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonEvent {
    /// The lesson as it is now.
    pub lesson: Lesson,
    /// Its course's name.
    pub course_title: String,
    /// Its mentor's name.
    pub mentor_name: String,
}

/// How far the planner has come: at a change, and within it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// All changes up to this one are planned.
    pub seq: Seq,
    /// Of the next one, everybody up to this person.
    pub within: Option<UserId>,
}

/// One step of the planner: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the planner is.
    pub from: Place,
    /// Where it is then.
    pub to: Place,
    /// What people are told. A notice that is there already is left, and so are its deliveries.
    pub notices: Vec<(NewNotice, Vec<NewDelivery>)>,
    /// What machines are told.
    pub calls: Vec<NewDelivery>,
}

/// What a delivery is made of, read when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// The notice.
    pub notice: Option<Notice>,
    /// Its lesson as it is now.
    pub lesson: Option<Lesson>,
    /// For whom: language, zone, and whether they may still be told.
    pub reader: Option<Reader>,
    /// The device, if its sign-in still stands.
    pub subscription: Option<Subscription>,
    /// The webhook, paused or not, if its owner may have it.
    pub webhook: Option<Webhook>,
    /// Of a notice that is about several lessons of a series: those of it that the reader is told of, as they are now, by
    /// begin. Of any other, none are read.
    pub series: Vec<Standing>,
    /// Of a notice of a move: what the same person was or is to be told of other moves of the lesson at the same place, in no
    /// order.
    pub others: Vec<OtherMove>,
}

/// For whom a letter is written, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub user: UserId,
    /// Language.
    pub locale: Locale,
    /// IANA name of the zone.
    pub zone: String,
    /// Their address, if it is confirmed.
    pub email: Option<String>,
    /// How they want to be told.
    pub settings: NoticeSettings,
    /// They are told nothing.
    pub suspended: bool,
    /// They are of the notice's [`Audience`]. `true` where there is no notice.
    pub is_told: bool,
}

impl Reader {
    /// Why they are not told of a kind by a way that was theirs when it was planned. `None`: they are.
    #[must_use]
    pub fn refuses(&self, kind: NoticeKind, medium: Medium, target: &str) -> Option<&'static str> {
        let settings = &self.settings;
        match medium {
            _ if !self.is_told => Some("the person is told of the lesson no more"),
            _ if settings.muted.contains(&kind) => Some("the person wants not to be told of it any more"),
            Medium::Push if !settings.push_on => Some("the person wants no pushes any more"),
            Medium::Email if !settings.email_on => Some("the person wants no mails any more"),
            Medium::Email if self.email.as_deref() != Some(target) => Some("the address is the person's no more"),
            Medium::Push | Medium::Email | Medium::Webhook => None,
        }
    }
}

/// Another notice of a move of the same lesson, and how far it has come to where this one is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMove {
    /// JSON object: what its sentences are made of.
    pub payload: String,
    /// It is to be sent, not before then; of one that is under way, 0.
    pub waits: Option<UnixMillis>,
    /// It was given up at its first attempt, or waits for it: nobody can have heard of it.
    pub is_unheard: bool,
}

/// Notices, how people want them, and on which devices.
pub trait NoticeRepository: Send + Sync {
    /// How far the planner has come.
    fn planned(&self) -> BoxFuture<'_, Result<Place, RepositoryError>>;

    /// Takes one step of the planner. `false`: somebody else took it, and nothing was done.
    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// What is told of a lesson.
    fn lesson_event(&self, lesson: LessonId) -> BoxFuture<'_, Result<Option<LessonEvent>, RepositoryError>>;

    /// Up to `limit` of those who are told, behind `after`, by their id.
    fn recipients(
        &self,
        lesson: LessonId,
        audience: Audience,
        after: Option<UserId>,
        now: UnixMillis,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Recipient>, RepositoryError>>;

    /// Lessons that begin within a day and were not reminded of in all ways, soonest first, at most `limit`.
    fn upcoming(&self, now: UnixMillis, limit: u32) -> BoxFuture<'_, Result<Vec<Upcoming>, RepositoryError>>;

    /// Writes the change of a reminder, once for each start of a lesson. `false`: there was one, or the lesson is not
    /// scheduled for then any more.
    fn remind(
        &self,
        kind: NoticeKind,
        lesson: LessonId,
        starts: UnixMillis,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<bool, RepositoryError>>;

    /// Somebody's notices, newest first, older than `before`, at most `limit`.
    fn notices(
        &self,
        user: UserId,
        before: Option<NoticeId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Notice>, RepositoryError>>;

    /// Forgets up to about `limit` notices that were made before `before`, and reminders of lessons that began before it.
    /// Answers how many.
    fn forget_notices(&self, before: UnixMillis, limit: u32) -> BoxFuture<'_, Result<u64, RepositoryError>>;

    /// Somebody has read their notices up to `until`.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if that is none of theirs.
    fn read_notices(
        &self,
        user: UserId,
        until: NoticeId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// How somebody wants to be told.
    fn notice_settings(&self, user: UserId) -> BoxFuture<'_, Result<NoticeSettings, RepositoryError>>;

    /// Changes that. `settings.version` is the one that it is a change of. `false`: it was changed meanwhile.
    fn set_notice_settings<'a>(
        &'a self,
        user: UserId,
        settings: &'a NoticeSettings,
    ) -> BoxFuture<'a, Result<bool, RepositoryError>>;

    /// Keeps a device. One with the same endpoint is the same device, whoever had it: its id is answered. `None`: the
    /// person has [`SUBSCRIPTIONS_MAX`] others.
    fn subscribe<'a>(
        &'a self,
        subscription: &'a Subscription,
    ) -> BoxFuture<'a, Result<Option<SubscriptionId>, RepositoryError>>;

    /// Forgets a device of somebody.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if there is none of theirs.
    fn unsubscribe(
        &self,
        user: UserId,
        id: SubscriptionId,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// A push service said that a device is no more. What waited for it is dead.
    fn subscription_gone(&self, id: SubscriptionId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// What a delivery is made of.
    fn letter(&self, delivery: Uuid, now: UnixMillis) -> BoxFuture<'_, Result<Letter, RepositoryError>>;
}

#[cfg(test)]
mod tests;
