//! Lessons as clients write them, checked.

use control::teaching::lessons::{LessonChange, LessonEdit, NewLesson, Scope, Times};
use control::teaching::series::{WEEKS_MAX, Zone, weekly};
use control::teaching::{Course, Lesson, LessonState, TeachingError};
use control::{LessonId, Uuid, keys};
use media::UnixMillis;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::moment::Moment;
use crate::problem::{Problem, Wrong};
use crate::teaching::{Checks, SUMMARY_LENGTH_MAX, TITLE_LENGTH_MAX, named};

/// Longest time between two comments of one person, in milliseconds: slower is better said by turning them off.
const SLOW_MS_MAX: u32 = 600_000;
/// Words that no comment may hold.
const WORDS_MAX: usize = 100;
/// Longest of them, in characters.
const WORD_LENGTH_MAX: usize = 40;

fn on() -> bool {
    true
}

/// A lesson to be set.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewLesson)]
pub(crate) struct NewLessonBody {
    /// Of which course: one's own.
    pub(crate) course_id: Uuid,
    /// 1 to 120 characters.
    pub(crate) title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    pub(crate) summary: String,
    /// At most 5 minutes ago (a lesson that begins at once), and within two years.
    pub(crate) starts_at: Moment,
    /// 5 minutes to 12 hours behind it.
    pub(crate) ends_at: Moment,
    /// IANA name of the zone in whose wall clock it is set.
    pub(crate) zone: String,
    /// How many lessons, each a week behind the one before at the same time of that wall clock: 1 to 52, 1 if missing.
    #[serde(default)]
    pub(crate) repeat_weeks: Option<u32>,
    /// How many may watch at once; null: any number.
    #[serde(default)]
    pub(crate) capacity: Option<u32>,
    /// Milliseconds between two comments of one person, 0 to 600,000.
    #[serde(default)]
    pub(crate) slow_ms: u32,
    #[serde(default = "on")]
    pub(crate) comments_on: bool,
    /// Comments wait for the mentor.
    #[serde(default)]
    pub(crate) review_on: bool,
    /// At most 100 words of at most 40 characters that no comment may hold.
    #[serde(default)]
    pub(crate) word_filter: Vec<String>,
    /// Even at the time of another lesson of one's own.
    #[serde(default)]
    pub(crate) allow_overlap: bool,
}

fn words(checks: &mut Checks, words: &[String]) -> Vec<String> {
    checks.that(words.len() <= WORDS_MAX, "word_filter", Wrong::TooMany, "must have at most 100 words");
    let taken = words.iter().take(WORDS_MAX).enumerate();
    taken.map(|(at, word)| checks.line(&format!("word_filter.{at}"), word, 1, WORD_LENGTH_MAX)).collect()
}

fn slow(checks: &mut Checks, slow_ms: u32) -> u32 {
    checks.that(slow_ms <= SLOW_MS_MAX, "slow_ms", Wrong::OutOfRange, "must be 0 to 600000");
    slow_ms
}

impl NewLessonBody {
    /// The lessons, with their channels.
    pub(crate) fn lessons(&self, course: &Course, now: UnixMillis) -> Result<Vec<NewLesson>, Problem> {
        let mut checks = Checks::default();
        let title = checks.line("title", &self.title, 1, TITLE_LENGTH_MAX);
        let summary = checks.lines("summary", &self.summary, SUMMARY_LENGTH_MAX);
        let weeks = self.repeat_weeks.unwrap_or(1);
        checks.that((1..=WEEKS_MAX).contains(&weeks), "repeat_weeks", Wrong::OutOfRange, "must be 1 to 52");
        let capacity = checks.capacity(self.capacity);
        let slow_ms = slow(&mut checks, self.slow_ms);
        let word_filter = words(&mut checks, &self.word_filter);
        checks.done()?;
        let zone: Zone = self.zone.parse().map_err(TeachingError::from)?;
        let first = Times { starts: self.starts_at.0, ends: self.ends_at.0 };
        first.check(now).map_err(TeachingError::from)?;
        let all = weekly(first, &zone, weeks);
        all.last().copied().unwrap_or(first).check(now).map_err(TeachingError::from)?;
        let series = (weeks > 1).then(|| keys::ordered_id(now));
        let lesson = |times: Times| Lesson {
            id: LessonId::new(now),
            course: course.id,
            mentor: course.mentor,
            // Replaced by that of its channel.
            channel: Uuid::nil(),
            series,
            title: title.clone(),
            summary: summary.clone(),
            starts: times.starts,
            ends: times.ends,
            zone: self.zone.clone(),
            state: LessonState::Scheduled,
            started: None,
            ended: None,
            capacity,
            slow_ms,
            comments_on: self.comments_on,
            review_on: self.review_on,
            word_filter: word_filter.clone(),
            created: now,
            version: 1,
        };
        Ok(all.into_iter().map(|times| NewLesson::with_channel(lesson(times), now)).collect())
    }
}

/// What of a lesson is to be changed; what is missing stays. Of a lesson that is on, the begin stays; of one that is over,
/// both times.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LessonPatch {
    title: Option<String>,
    summary: Option<String>,
    /// Without `ends_at`, the lesson stays as long as it was.
    starts_at: Option<Moment>,
    ends_at: Option<Moment>,
    zone: Option<String>,
    /// null: any number.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<u32>)]
    capacity: Option<Option<u32>>,
    slow_ms: Option<u32>,
    comments_on: Option<bool>,
    review_on: Option<bool>,
    word_filter: Option<Vec<String>>,
    /// Even at the time of another lesson of one's own.
    #[serde(default)]
    allow_overlap: bool,
}

impl LessonPatch {
    /// The change, under these conditions.
    pub(crate) fn edit(self, scope: Scope, version: Option<i64>) -> Result<LessonEdit, Problem> {
        let mut checks = Checks::default();
        let change = LessonChange {
            title: self.title.map(|text| checks.line("title", &text, 1, TITLE_LENGTH_MAX)),
            summary: self.summary.map(|text| checks.lines("summary", &text, SUMMARY_LENGTH_MAX)),
            starts: self.starts_at.map(|at| at.0),
            ends: self.ends_at.map(|at| at.0),
            zone: self.zone,
            capacity: self.capacity.map(|capacity| checks.capacity(capacity)),
            slow_ms: self.slow_ms.map(|slow_ms| slow(&mut checks, slow_ms)),
            comments_on: self.comments_on,
            review_on: self.review_on,
            word_filter: self.word_filter.map(|list| words(&mut checks, &list)),
        };
        checks.done()?;
        Ok(LessonEdit { change, scope, version, may_overlap: self.allow_overlap })
    }
}
