//! Lessons on a real database as the director looks at them, at times that the test says.

use control::air::{Health, OnAir, Watching};
use control::teaching::lessons::NewLesson;
use control::teaching::{Course, Enrolling, Lesson, LessonState};
use control::{ChangeKind, CourseId, Locale, Recording, RecordingState, Roles, Seq, User, UserId, Uuid};
use media::StreamId;
use parking_lot::Mutex;
use store::db::sqlite::SqliteStore;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const TIMING: Timing = Timing { margin_ms: 900_000, reconnect_window_ms: 30_000 };

/// Media as the test says, and which channels were ended.
#[derive(Default)]
struct Signal {
    on_air: Mutex<OnAir>,
    ended: Mutex<Vec<Uuid>>,
}

impl Signal {
    fn set(&self, on: bool, stalled: bool) {
        *self.on_air.lock() = OnAir { on_air: on, stalled, ..OnAir::default() };
    }
}

impl Air for Signal {
    fn on_air(&self, _: Uuid) -> OnAir {
        *self.on_air.lock()
    }

    fn watching(&self, _: Uuid) -> Vec<Watching> {
        Vec::new()
    }

    fn health(&self, _: Uuid) -> Option<Health> {
        None
    }

    fn end(&self, channel: Uuid) {
        self.ended.lock().push(channel);
    }
}

pub(in crate::serve) struct Scene {
    pub(in crate::serve) repository: Arc<dyn Repository>,
    signal: Arc<Signal>,
    director: Director,
    pub(in crate::serve) new: NewLesson,
    _directory: tempfile::TempDir,
}

impl Scene {
    /// A lesson of an hour that begins in an hour.
    pub(in crate::serve) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
        let (repository, signal): (Arc<dyn Repository>, _) = (Arc::new(store), Arc::new(Signal::default()));
        let mentor = User {
            id: UserId::new(NOW),
            email: "mentor@example.test".to_owned(),
            name: "Mentor".to_owned(),
            locale: Locale::Id,
            zone: "Asia/Jakarta".to_owned(),
            roles: Roles { mentor: true, ..Roles::default() },
            password: None,
            verified: Some(NOW),
            suspended: None,
            created: NOW,
            version: 1,
        };
        repository.create_user(&mentor).await.expect("created");
        let course = Course {
            id: CourseId::new(NOW),
            mentor: mentor.id,
            title: "Fisika".to_owned(),
            summary: String::new(),
            enrolling: Enrolling::Open,
            capacity: None,
            archived: None,
            created: NOW,
            version: 1,
        };
        repository.create_course(&course).await.expect("created");
        let lesson = Lesson {
            id: LessonId::new(NOW),
            course: course.id,
            mentor: mentor.id,
            channel: Uuid::nil(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: NOW.plus_millis(3_600_000),
            ends: NOW.plus_millis(7_200_000),
            zone: "Asia/Jakarta".to_owned(),
            state: LessonState::Scheduled,
            started: None,
            ended: None,
            capacity: None,
            slow_ms: 0,
            comments_on: true,
            review_on: false,
            word_filter: Vec::new(),
            created: NOW,
            version: 1,
        };
        let new = NewLesson::with_channel(lesson, NOW);
        repository.create_lessons(std::slice::from_ref(&new), false).await.expect("created");
        let director = Director::new(repository.clone(), signal.clone(), TIMING);
        Self { repository, signal, director, new, _directory: directory }
    }

    /// The server was killed and began again.
    fn restart(&mut self) {
        self.director = Director::new(self.repository.clone(), self.signal.clone(), TIMING);
    }

    /// Looks `s` seconds from now, and says how far the lesson has come.
    async fn state_at(&mut self, s: i64) -> LessonState {
        self.director.look(NOW.plus_millis(s * 1_000)).await.expect("looked");
        let standing = self.repository.standing(None, self.new.lesson.id).await.expect("read").expect("there");
        standing.lesson.state
    }

    async fn told(&self, kind: ChangeKind) -> usize {
        let changes = self.repository.changes(Seq(0), 1_000).await.expect("read");
        changes.iter().filter(|change| change.what.kind == kind).count()
    }

    async fn recording(&self, state: RecordingState) {
        let recording = Recording {
            id: StreamId(1),
            channel: self.new.channel.id,
            path: self.new.channel.path.clone(),
            started: NOW,
            duration_ms: 1,
            bytes: 1,
            next_msn: 1,
            state,
        };
        self.repository.put_recording(&recording).await.expect("kept");
    }
}

#[tokio::test]
async fn a_lesson_begins_with_its_media_and_is_over_when_it_is_gone_and_its_recording_is_told_of_once() {
    let mut scene = Scene::new().await;
    scene.signal.set(true, false);
    assert_eq!(scene.state_at(2_699).await, LessonState::Scheduled, "its slot is not open");
    assert_eq!(scene.state_at(2_700).await, LessonState::Live);
    assert_eq!(scene.state_at(2_701).await, LessonState::Live);
    scene.restart();
    assert_eq!(scene.state_at(2_702).await, LessonState::Live);
    assert_eq!(scene.told(ChangeKind::LessonStarted).await, 1, "over restarts too");
    scene.recording(RecordingState::Recording).await;
    assert_eq!(scene.state_at(9_000).await, LessonState::Live, "who sends is not cut off");
    scene.signal.set(false, true);
    assert_eq!(scene.state_at(9_001).await, LessonState::Live);
    scene.signal.set(false, false);
    assert_eq!(scene.state_at(9_002).await, LessonState::Live);
    scene.restart();
    assert_eq!(scene.state_at(9_040).await, LessonState::Live, "a server that just began has seen nothing go");
    assert!(scene.signal.ended.lock().is_empty());
    assert_eq!(scene.state_at(9_070).await, LessonState::Ended);
    assert_eq!(*scene.signal.ended.lock(), [scene.new.channel.id]);
    scene.recording(RecordingState::Sealed).await;
    scene.state_at(9_071).await;
    assert_eq!(scene.told(ChangeKind::RecordingReady).await, 0);
    scene.recording(RecordingState::Ready).await;
    for s in 9_072..9_075 {
        scene.state_at(s).await;
        scene.restart();
    }
    assert_eq!((scene.told(ChangeKind::RecordingReady).await, scene.told(ChangeKind::LessonEnded).await), (1, 1));
}

#[tokio::test]
async fn a_lesson_to_which_nobody_came_is_over_behind_its_slot() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.state_at(8_099).await, LessonState::Scheduled);
    assert_eq!(scene.state_at(8_100).await, LessonState::Ended);
    assert_eq!(scene.told(ChangeKind::LessonStarted).await, 0);
    assert_eq!(scene.told(ChangeKind::Revoked).await, 1);
}

#[tokio::test]
async fn a_lesson_that_its_mentor_ended_is_left_alone() {
    let mut scene = Scene::new().await;
    scene.signal.set(true, false);
    assert_eq!(scene.state_at(3_600).await, LessonState::Live);
    scene.repository.end_lesson(scene.new.lesson.id, NOW).await.expect("no error");
    assert_eq!(scene.state_at(3_601).await, LessonState::Ended, "though media still comes");
    assert_eq!(scene.told(ChangeKind::LessonStarted).await, 1);
}

#[tokio::test]
async fn a_lesson_on_air_at_one_server_is_not_over_for_another_and_is_once_its_media_is_gone_there() {
    let mut scene = Scene::new().await;
    scene.signal.set(true, false);
    assert_eq!(scene.state_at(3_600).await, LessonState::Live);
    let silent = Arc::new(Signal::default());
    let mut other = Director::new(scene.repository.clone(), silent.clone(), TIMING);
    let look = async |other: &mut Director, s: i64| other.look(NOW.plus_millis(s * 1_000)).await.expect("looked");
    for s in 3_601..8_300 {
        if s == 8_200 {
            scene.signal.set(false, true);
        }
        look(&mut other, s).await;
        assert_eq!(scene.state_at(s).await, LessonState::Live, "at {s}");
    }
    // The server that has it is killed, ten seconds after it wrote so: the other one believes it for a while.
    look(&mut other, 8_319).await;
    assert_eq!(scene.told(ChangeKind::LessonEnded).await, 0);
    look(&mut other, 8_320).await;
    assert_eq!(scene.told(ChangeKind::LessonEnded).await, 1);
    assert_eq!(*silent.ended.lock(), [scene.new.channel.id]);
}

#[tokio::test]
async fn a_lesson_that_is_begun_late_began_with_its_media_and_not_before_its_slot() {
    for (first_s, began_s) in [(2_900, 2_900), (2_000, 2_700), (3_100, 3_000)] {
        let mut scene = Scene::new().await;
        let first = NOW.plus_millis(first_s * 1_000);
        *scene.signal.on_air.lock() = OnAir { on_air: true, started: Some(first), ..OnAir::default() };
        assert_eq!(scene.state_at(3_000).await, LessonState::Live);
        let standing = scene.repository.standing(None, scene.new.lesson.id).await.expect("read").expect("there");
        assert_eq!(standing.lesson.started, Some(NOW.plus_millis(began_s * 1_000)));
    }
}
