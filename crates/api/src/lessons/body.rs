//! A lesson as clients read it.

use control::Uuid;
use control::access::{Action, decide};
use control::air::OnAir;
use control::teaching::LessonState;
use control::teaching::lessons::LessonSeen;
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::moment::Moment;
use crate::teaching::{Named, Titled};

/// A lesson, as who asks sees it.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Lesson)]
pub(crate) struct LessonBody {
    pub(crate) id: Uuid,
    pub(crate) course: Titled,
    pub(crate) mentor: Named,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) starts_at: Moment,
    pub(crate) ends_at: Moment,
    /// IANA name of the zone in whose wall clock it was set.
    pub(crate) zone: String,
    /// `scheduled`, `live`, `ended` or `cancelled`.
    pub(crate) state: &'static str,
    /// Media is arriving.
    pub(crate) on_air: bool,
    /// It was, and its stream waits for it.
    pub(crate) stalled: bool,
    pub(crate) started_at: Option<Moment>,
    pub(crate) ended_at: Option<Moment>,
    /// Lessons that were set together.
    pub(crate) series_id: Option<Uuid>,
    pub(crate) capacity: Option<u32>,
    pub(crate) comments_on: bool,
    pub(crate) review_on: bool,
    /// Milliseconds between two comments of one person; 0: none.
    pub(crate) slow_ms: u32,
    /// Its mentor's alone; null for others.
    pub(crate) word_filter: Option<Vec<String>>,
    /// `recording`, `sealed` or `ready`; null where there is none, and for whoever it does not play for.
    pub(crate) recording: Option<&'static str>,
    pub(crate) can: Rights,
    /// Whether the server counts one as having been there; null: nothing was measured.
    pub(crate) attended: Option<bool>,
    /// People watching.
    pub(crate) viewers: u32,
}

/// What one may do now.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Rights {
    pub(crate) watch: bool,
    pub(crate) replay: bool,
    pub(crate) comment: bool,
    pub(crate) moderate: bool,
    pub(crate) enrol: bool,
}

/// The lesson with what is on air now.
pub(crate) fn body(state: &State, seen: &LessonSeen) -> LessonBody {
    let (standing, lesson) = (&seen.standing, &seen.standing.lesson);
    let now = state.now();
    let may = |action| decide(standing, action, now, state.settings.slot_margin_ms).is_ok();
    // Of what is over nothing is on air, and lists are mostly of such.
    let on_air = match lesson.state {
        LessonState::Scheduled | LessonState::Live => state.air.on_air(lesson.channel),
        LessonState::Ended | LessonState::Cancelled => OnAir::default(),
    };
    let recording = seen.recording.filter(|_| may(Action::Replay));
    let runs = may(Action::Run);
    LessonBody {
        id: lesson.id.0,
        course: Titled { id: lesson.course.0, title: seen.course_title.clone() },
        mentor: Named::new(lesson.mentor, &seen.mentor_name),
        title: lesson.title.clone(),
        summary: lesson.summary.clone(),
        starts_at: lesson.starts.into(),
        ends_at: lesson.ends.into(),
        zone: lesson.zone.clone(),
        state: lesson.state.as_str(),
        on_air: on_air.on_air,
        stalled: on_air.stalled,
        started_at: lesson.started.map(Moment::from),
        ended_at: lesson.ended.map(Moment::from),
        series_id: lesson.series,
        capacity: lesson.capacity,
        comments_on: lesson.comments_on,
        review_on: lesson.review_on,
        slow_ms: lesson.slow_ms,
        word_filter: runs.then(|| lesson.word_filter.clone()),
        recording: recording.map(control::RecordingState::as_str),
        can: Rights {
            watch: may(Action::Watch),
            replay: recording.is_some(),
            comment: may(Action::Chat),
            moderate: runs,
            enrol: seen.may_enrol(),
        },
        attended: standing.person.as_ref().and_then(|person| person.attended),
        viewers: on_air.viewers,
    }
}
