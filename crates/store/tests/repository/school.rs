//! A mentor with a course, its mentees with their devices, and a lesson: what notices are about.

#![allow(dead_code, reason = "each test file uses what it needs")]

use control::notices::Subscription;
use control::teaching::lessons::NewLesson;
use control::teaching::{Course, Enrolling, Lesson, LessonState};
use control::{
    CourseId, KeyHash, LessonId, Locale, Repository, Roles, Session, SessionId, SessionKind, SubscriptionId, User,
    UserId, keys,
};
use media::{Redacted, UnixMillis};

/// See the module.
pub struct School {
    pub mentor: UserId,
    pub course: CourseId,
    pub mentees: Vec<UserId>,
}

/// Somebody of a fresh address.
pub async fn somebody(repository: &dyn Repository, roles: Roles, now: UnixMillis) -> UserId {
    let id = UserId::new(now);
    let user = User {
        id,
        email: format!("{id}@example.test"),
        name: "Ibu Sari".to_owned(),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles,
        password: None,
        verified: Some(now),
        suspended: None,
        created: now,
        version: 1,
    };
    repository.create_user(&user).await.expect("created");
    id
}

/// A sign-in of somebody, for an hour.
pub async fn signed_in(repository: &dyn Repository, user: UserId, now: UnixMillis) -> SessionId {
    let session = Session {
        id: SessionId::new(now),
        user,
        kind: SessionKind::Browser,
        secret: KeyHash::of(&keys::generate().0),
        label: "telepon".to_owned(),
        created: now,
        seen: now,
        expires: UnixMillis(now.0 + 3_600_000),
        revoked: None,
    };
    repository.create_session(&session).await.expect("created");
    session.id
}

/// A device at an endpoint.
pub fn device(user: UserId, session: SessionId, endpoint: &str, now: UnixMillis) -> Subscription {
    Subscription {
        id: SubscriptionId::new(now),
        user,
        session,
        endpoint: Redacted(endpoint.to_owned()),
        p256dh: "p256dh".to_owned(),
        auth: Redacted("auth".to_owned()),
        created: now,
    }
}

impl School {
    /// With so many mentees.
    pub async fn with(repository: &dyn Repository, mentees: usize, now: UnixMillis) -> Self {
        let mentor = somebody(repository, Roles { mentor: true, ..Roles::default() }, now).await;
        let course = Course {
            id: CourseId::new(now),
            mentor,
            title: "Fisika X".to_owned(),
            summary: String::new(),
            enrolling: Enrolling::Open,
            capacity: None,
            archived: None,
            created: now,
            version: 1,
        };
        repository.create_course(&course).await.expect("created");
        let mut school = Self { mentor, course: course.id, mentees: Vec::new() };
        for _ in 0..mentees {
            let id = somebody(repository, Roles { mentee: true, ..Roles::default() }, now).await;
            repository.enrol(course.id, id, None, now).await.expect("enrolled");
            school.mentees.push(id);
        }
        school.mentees.sort();
        school
    }

    /// A lesson of an hour that is not set yet.
    pub fn planned(&self, starts: UnixMillis, now: UnixMillis) -> NewLesson {
        let lesson = Lesson {
            id: LessonId::new(now),
            course: self.course,
            mentor: self.mentor,
            channel: keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts,
            ends: starts.plus_millis(3_600_000),
            zone: "Asia/Jakarta".to_owned(),
            state: LessonState::Scheduled,
            started: None,
            ended: None,
            capacity: None,
            slow_ms: 0,
            comments_on: true,
            review_on: false,
            word_filter: Vec::new(),
            created: now,
            version: 1,
        };
        NewLesson::with_channel(lesson, now)
    }

    /// Sets a lesson.
    pub async fn lesson(&self, repository: &dyn Repository, starts: UnixMillis, now: UnixMillis) -> Lesson {
        let new = self.planned(starts, now);
        repository.create_lessons(std::slice::from_ref(&new), true).await.expect("set");
        new.lesson
    }

    /// Sets a series, a lesson a week.
    pub async fn series(
        &self,
        repository: &dyn Repository,
        starts: UnixMillis,
        weeks: i64,
        now: UnixMillis,
    ) -> Vec<Lesson> {
        let series = Some(keys::random_id());
        let mut all: Vec<NewLesson> =
            (0..weeks).map(|week| self.planned(starts.plus_millis(week * 7 * 86_400_000), now)).collect();
        for new in &mut all {
            new.lesson.series = series;
        }
        repository.create_lessons(&all, true).await.expect("set");
        all.into_iter().map(|new| new.lesson).collect()
    }
}
