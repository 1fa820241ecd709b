//! What a notice remembers of its event, and what a webhook is sent: JSON made once, when it is planned.

use control::notices::{LessonEvent, NoticeKind, Standing, is_outdated};
use control::{Change, ChangeKind, DeliveryId, LessonId, Uuid};
use media::UnixMillis;
use serde::{Deserialize, Serialize};

/// Begin and end of a lesson, as a change keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When it begins.
    pub starts_ms: i64,
    /// When it ends.
    pub ends_ms: i64,
}

impl Times {
    fn of(lesson: Standing) -> Self {
        Self { starts_ms: lesson.starts.0, ends_ms: lesson.ends.0 }
    }
}

/// From when to when a lesson was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where it was.
    pub before: Times,
    /// Where it is.
    pub after: Times,
}

/// Lessons of a series that one edit moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// When each begins, the first first. Each lasts as long as the first: a move makes it so.
    pub starts_ms: Vec<i64>,
    /// Which each is.
    pub lessons: Vec<Uuid>,
    /// Where each was.
    pub before: Vec<Times>,
}

/// What a notice's sentences are made of, as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where its change stands among all: what happened later has a higher one.
    #[serde(default)]
    pub seq: i64,
    /// The lesson's name.
    pub title: String,
    /// What it was called before the change, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_before: Option<String>,
    /// The course's name.
    pub course: String,
    /// The mentor's name.
    pub mentor: String,
    /// When it begins.
    pub starts_ms: i64,
    /// How its times changed; of several that moved together, those of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// It is the first of several that moved together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<Together>,
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
    before: Option<Times>,
    #[serde(default)]
    after: Option<Times>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    title_before: Option<String>,
    #[serde(default)]
    edit: Option<Edit>,
    #[serde(default)]
    reason: Option<String>,
}

/// What one edit did to several lessons: the same in the change of each.
#[derive(Debug, Deserialize)]
struct Edit {
    id: Uuid,
    before: Times,
    after: Times,
    starts_ms: Vec<i64>,
    lessons: Vec<Uuid>,
    before_each: Vec<Times>,
}

impl From<Edit> for Together {
    fn from(edit: Edit) -> Self {
        Self { starts_ms: edit.starts_ms, lessons: edit.lessons, before: edit.before_each }
    }
}

fn detail(change: &Change) -> Detail {
    serde_json::from_str(&change.what.payload).unwrap_or_default()
}

/// The name of the edit that changed several lessons together: they are told of once.
#[must_use]
pub fn edit(change: &Change) -> Option<Uuid> {
    detail(change).edit.map(|edit| edit.id)
}

/// How the times of a lesson changed, by what its change keeps: the lesson may have been changed again since.
fn moved(detail: &Detail) -> Option<Moved> {
    let moved = detail.before.zip(detail.after).map(|(before, after)| Moved { before, after });
    let of_all = detail.edit.as_ref().map(|edit| Moved { before: edit.before, after: edit.after });
    of_all.or(moved).filter(|moved| moved.before != moved.after)
}

/// The start that a reminder is of, or that a move set; of all else, the lesson's own.
#[must_use]
pub fn starts(change: &Change, event: &LessonEvent) -> UnixMillis {
    let detail = detail(change);
    let said = match change.what.kind {
        ChangeKind::LessonTomorrow | ChangeKind::LessonSoon => detail.starts_ms,
        ChangeKind::LessonChanged => moved(&detail).map(|moved| moved.after.starts_ms),
        _ => None,
    };
    said.map_or(event.lesson.starts, UnixMillis)
}

/// Whether people are told of a change. Of one that left a lesson's times as they are they are not: what it is called, how
/// its chat works, and its chapters are there to be seen when they come.
#[must_use]
pub fn is_for_people(change: &Change) -> bool {
    change.what.kind != ChangeKind::LessonChanged || moved(&detail(change)).is_some()
}

impl Told {
    /// Of a change.
    #[must_use]
    pub fn of(change: &Change, event: &LessonEvent) -> Self {
        let detail = detail(change);
        Self {
            seq: change.seq.0,
            starts_ms: starts(change, event).0,
            moved: moved(&detail),
            title: detail.title.unwrap_or_else(|| event.lesson.title.clone()),
            title_before: detail.title_before,
            course: event.course_title.clone(),
            mentor: event.mentor_name.clone(),
            together: detail.edit.map(Together::from),
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

    /// It is about several lessons, of which any may stand though the first does not.
    #[must_use]
    pub fn is_of_several(&self, kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::LessonScheduled => self.series,
            NoticeKind::LessonChanged => self.together.is_some(),
            _ => false,
        }
    }

    /// Whether it is so of a lesson: what was set stands, and what was moved is where the move put it. A later move is told
    /// of by itself.
    #[must_use]
    pub fn is_so(&self, kind: NoticeKind, lesson: Standing) -> bool {
        !is_outdated(kind, UnixMillis(self.starts_ms), lesson)
            && (self.moved.is_none() || self.put(lesson.lesson) == Some(Times::of(lesson)))
    }

    /// Where the move put a lesson. `None`: it is none of those that moved.
    fn put(&self, lesson: LessonId) -> Option<Times> {
        let after = self.moved?.after;
        let Some(together) = &self.together else { return Some(after) };
        let at = together.lessons.iter().position(|one| *one == lesson.0)?;
        let starts_ms = *together.starts_ms.get(at)?;
        Some(Times { starts_ms, ends_ms: starts_ms + after.ends_ms - after.starts_ms })
    }

    /// Takes in what of earlier moves was not heard, the last one first: it was moved from where it was before the first of
    /// them. Moves of other lessons than these are none of it.
    pub fn take_in_unheard(&mut self, earlier: &[Self]) {
        let Some(moved) = &mut self.moved else { return };
        let same = |one: &&Self| match (&self.together, &one.together) {
            (Some(these), Some(those)) => these.lessons == those.lessons,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let Some(oldest) = earlier.iter().take_while(same).last() else { return };
        moved.before = oldest.moved.map_or(moved.before, |moved| moved.before);
        if let (Some(all), Some(before)) = (&mut self.together, &oldest.together) {
            all.before.clone_from(&before.before);
        }
    }

    /// Leaves out those of several lessons that moved which do not stand, are not for its reader, or are where they were. It is
    /// then about the first that is left, which comes back. `None`: nothing is to be told.
    #[must_use]
    pub fn leave_out_all_but(&mut self, stand: &[LessonId]) -> Option<LessonId> {
        let Some(moved) = self.moved else { return stand.first().copied() };
        let Some(mut all) = self.together.take() else {
            return stand.first().copied().filter(|_| moved.before != moved.after);
        };
        let lasts_ms = moved.after.ends_ms - moved.after.starts_ms;
        let each = all.lessons.iter().zip(&all.starts_ms).zip(&all.before);
        let each = each.map(|((lesson, starts_ms), before)| {
            (LessonId(*lesson), *before, Times { starts_ms: *starts_ms, ends_ms: starts_ms + lasts_ms })
        });
        let left: Vec<_> = each.filter(|(one, before, after)| before != after && stand.contains(one)).collect();
        let (first, before, after) = left.first().copied()?;
        (self.moved, self.starts_ms) = (Some(Moved { before, after }), after.starts_ms);
        all.lessons = left.iter().map(|(one, ..)| one.0).collect();
        all.starts_ms = left.iter().map(|(.., after)| after.starts_ms).collect();
        all.before = left.iter().map(|(_, before, _)| *before).collect();
        self.together = Some(all).filter(|all| all.lessons.len() > 1);
        Some(first)
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
