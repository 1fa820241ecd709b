//! What a notice remembers of its event, and what a webhook is sent: JSON made once, when it is planned.

use control::notices::LessonEvent;
use control::{Change, ChangeKind, DeliveryId};
use media::UnixMillis;
use serde::{Deserialize, Serialize};

/// What a notice's sentences are made of, as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The lesson's name.
    pub title: String,
    /// The course's name.
    pub course: String,
    /// The mentor's name.
    pub mentor: String,
    /// When it begins.
    pub starts_ms: i64,
    /// When it was to begin before the change, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_ms: Option<i64>,
    /// What the mentor says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It is one of several that were set together.
    #[serde(default)]
    pub series: bool,
}

/// What is read of a change's own object. What is not there is not told.
#[derive(Debug, Default, Deserialize)]
struct Detail {
    #[serde(default)]
    starts_ms: Option<i64>,
    #[serde(default)]
    before: Option<Before>,
    #[serde(default)]
    reason: Option<String>,
}

/// The times of a lesson before a change.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Before {
    starts_ms: i64,
    ends_ms: i64,
}

fn detail(change: &Change) -> Detail {
    serde_json::from_str(&change.what.payload).unwrap_or_default()
}

/// The start that a reminder is of; of all else, the lesson's own.
#[must_use]
pub fn starts(change: &Change, event: &LessonEvent) -> UnixMillis {
    let of_reminder = matches!(change.what.kind, ChangeKind::LessonTomorrow | ChangeKind::LessonSoon);
    detail(change).starts_ms.filter(|_| of_reminder).map_or(event.lesson.starts, UnixMillis)
}

/// Whether people are told of a change. Of one that left a lesson's times as they are they are not: what it is called, how
/// its chat works, and its chapters are there to be seen when they come.
#[must_use]
pub fn is_for_people(change: &Change, event: &LessonEvent) -> bool {
    let lesson = &event.lesson;
    let moved = |before: Before| (before.starts_ms, before.ends_ms) != (lesson.starts.0, lesson.ends.0);
    change.what.kind != ChangeKind::LessonChanged || detail(change).before.is_none_or(moved)
}

impl Told {
    /// Of a change.
    #[must_use]
    pub fn of(change: &Change, event: &LessonEvent) -> Self {
        let detail = detail(change);
        Self {
            title: event.lesson.title.clone(),
            course: event.course_title.clone(),
            mentor: event.mentor_name.clone(),
            starts_ms: starts(change, event).0,
            before_ms: detail.before.map(|before| before.starts_ms).filter(|before| *before != event.lesson.starts.0),
            reason: detail.reason.filter(|reason| !reason.trim().is_empty()),
            series: event.lesson.series.is_some(),
        }
    }

    /// As it is kept.
    ///
    /// # Panics
    /// Never: texts and numbers are JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }
}

/// The body of a webhook's request.
#[derive(Serialize)]
struct Call<'a> {
    /// The same however often it is sent.
    id: String,
    kind: &'static str,
    seq: i64,
    at: String,
    lesson: CalledLesson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_before_at: Option<String>,
}

#[derive(Serialize)]
struct CalledLesson<'a> {
    id: String,
    title: &'a str,
    course: Named<'a>,
    mentor: CalledMentor<'a>,
    starts_at: String,
    ends_at: String,
    zone: &'a str,
    state: &'static str,
}

#[derive(Serialize)]
struct Named<'a> {
    id: String,
    title: &'a str,
}

#[derive(Serialize)]
struct CalledMentor<'a> {
    id: String,
    name: &'a str,
}

/// The body of a webhook's request about a change, under the id of its delivery.
///
/// # Panics
/// Never: texts and numbers are JSON.
#[must_use]
pub fn call(id: DeliveryId, change: &Change, event: &LessonEvent) -> String {
    let (lesson, detail) = (&event.lesson, detail(change));
    let call = Call {
        id: id.to_string(),
        kind: change.what.kind.as_str(),
        seq: change.seq.0,
        at: change.at.to_string(),
        lesson: CalledLesson {
            id: lesson.id.to_string(),
            title: &lesson.title,
            course: Named { id: lesson.course.to_string(), title: &event.course_title },
            mentor: CalledMentor { id: lesson.mentor.to_string(), name: &event.mentor_name },
            starts_at: lesson.starts.to_string(),
            ends_at: lesson.ends.to_string(),
            zone: &lesson.zone,
            state: lesson.state.as_str(),
        },
        reason: detail.reason,
        starts_before_at: detail.before.map(|before| UnixMillis(before.starts_ms).to_string()),
    };
    serde_json::to_string(&call).expect("texts and numbers are JSON")
}
