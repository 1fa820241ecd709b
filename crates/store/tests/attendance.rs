//! Attendance, and what the directory is fed from, on SQLite and PostgreSQL; and a kill in the middle of recording.

#[path = "repository/postgres.rs"]
mod postgres;

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use control::airing::{KNOWN_AFTER_END_MS, Parts, Touched};
use control::attendance::{Attendee, Correction, Decision, Interval};
use control::teaching::lessons::NewLesson;
use control::teaching::{Course, Enrolling, Lesson, LessonState};
use control::{
    BoxFuture, ChangeKind, Channel, ChannelOptions, CourseId, Directory, KeyHash, LessonId, Locale, PlaybackId,
    Recording, RecordingState, Repository, RepositoryError, Roles, Seq, StreamKey, User, UserId, Uuid, keys,
};
use media::{ChannelPath, StreamId, UnixMillis};
use store::db::sqlite::SqliteStore;

/// Set in the process that [`a_kill_neither_loses_nor_doubles_what_was_acknowledged`] starts to be killed.
const CHILD: &str = "TAYANG_ATTENDANCE_TEST_DATABASE";
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const THRESHOLD_MS: i64 = 10_000;

/// Writes rows as other parts of the program do.
trait Ground: Sync {
    fn run(&self, text: String) -> BoxFuture<'_, ()>;
}

impl Ground for sqlx::SqlitePool {
    fn run(&self, text: String) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(self).await.expect("written");
        })
    }
}

impl Ground for sqlx::PgPool {
    fn run(&self, text: String) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(self).await.expect("written");
        })
    }
}

async fn sqlite_ground(path: &Path) -> sqlx::SqlitePool {
    sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(path)).await.expect("connect")
}

async fn person(repository: &dyn Repository) -> UserId {
    let id = UserId::new(NOW);
    let user = User {
        id,
        email: format!("{id}@example.test"),
        name: format!("Orang {}", &id.to_string()[30..]),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles: Roles { mentee: true, mentor: true, operator: false },
        password: None,
        verified: Some(NOW),
        suspended: None,
        created: NOW,
        version: 1,
    };
    repository.create_user(&user).await.expect("created");
    id
}

/// A lesson from [`NOW`] for an hour, of a mentor of its own.
async fn lesson(repository: &dyn Repository) -> Lesson {
    let mentor = person(repository).await;
    let course = Course {
        id: CourseId::new(NOW),
        mentor,
        title: "Fisika dasar".to_owned(),
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
        mentor,
        channel: keys::random_id(),
        series: None,
        title: "Gerak lurus".to_owned(),
        summary: String::new(),
        starts: NOW,
        ends: NOW.plus_millis(3_600_000),
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
    repository.create_lessons(std::slice::from_ref(&new), true).await.expect("created");
    new.lesson
}

async fn begin(ground: &dyn Ground, lesson: &Lesson) {
    ground.run(format!("UPDATE lessons SET state = 'live', started_ms = {} WHERE id = '{}'", NOW.0, lesson.id)).await;
}

async fn end(ground: &dyn Ground, lesson: &Lesson, after_ms: i64) {
    let ended = NOW.0 + after_ms;
    ground.run(format!("UPDATE lessons SET state = 'ended', ended_ms = {ended} WHERE id = '{}'", lesson.id)).await;
}

fn interval(lesson: &Lesson, user: UserId, playback: PlaybackId, from_ms: i64, to_ms: i64) -> Interval {
    Interval {
        lesson: lesson.id,
        user,
        playback,
        protocol: Cow::Borrowed("flv"),
        from: NOW.plus_millis(from_ms),
        to: NOW.plus_millis(to_ms),
    }
}

async fn line(repository: &dyn Repository, lesson: &Lesson, user: UserId) -> Option<Attendee> {
    let all = repository.attendance(lesson.id, None, 1_000).await.expect("read");
    all.into_iter().find(|one| one.user == user)
}

async fn record(repository: &dyn Repository, intervals: &[Interval]) {
    repository.record(intervals, THRESHOLD_MS, NOW).await.expect("recorded");
}

/// The kinds of change since then that concern somebody.
async fn told(repository: &dyn Repository, after: Seq, user: UserId) -> Vec<ChangeKind> {
    let changes = repository.changes(after, 1_000).await.expect("read");
    changes.iter().filter(|change| change.what.user == Some(user)).map(|change| change.what.kind).collect()
}

async fn contract(repository: &dyn Repository, ground: &dyn Ground) {
    what_came_twice_counts_once_and_passing_is_told_once(repository, ground).await;
    only_what_lies_within_the_lesson_counts(repository, ground).await;
    a_batch_of_many_people_is_recorded_whole(repository, ground).await;
    a_mentor_corrects_and_striking_takes_the_right_away(repository, ground).await;
    positions_are_kept(repository).await;
    the_directory_has_lessons_and_mentors_keys(repository, ground).await;
    only_what_was_touched_is_read_again(repository, ground).await;
    of_twenty_thousand_lessons_that_are_over_the_directory_has_none(repository, ground).await;
}

async fn what_came_twice_counts_once_and_passing_is_told_once(repository: &dyn Repository, ground: &dyn Ground) {
    let (lesson, user) = (lesson(repository).await, person(repository).await);
    begin(ground, &lesson).await;
    let (phone, laptop) = (PlaybackId::new(NOW), PlaybackId::new(NOW));
    let before = repository.last_seq().await.expect("read");
    let first = [interval(&lesson, user, phone, 0, 6_000), interval(&lesson, user, laptop, 2_000, 8_000)];
    for _ in 0..3 {
        record(repository, &first).await;
    }
    let found = line(repository, &lesson, user).await.expect("a line");
    assert_eq!((found.ledger.watched_ms, found.ledger.attended, found.intervals.len()), (8_000, false, 2));
    assert!(told(repository, before, user).await.is_empty());
    record(repository, &[interval(&lesson, user, phone, 6_000, 10_000)]).await;
    record(repository, &[interval(&lesson, user, phone, 10_000, 12_000)]).await;
    let found = line(repository, &lesson, user).await.expect("a line");
    assert_eq!((found.ledger.watched_ms, found.ledger.attended, found.intervals.len()), (12_000, true, 2));
    assert_eq!(found.ledger.first, Some(NOW));
    assert_eq!(found.ledger.last, Some(NOW.plus_millis(12_000)));
    assert_eq!(told(repository, before, user).await, [ChangeKind::Attendance], "once");
    let standing = repository.standing(Some(user), lesson.id).await.expect("read").expect("there");
    assert_eq!(standing.person.expect("a person").attended, Some(true));
}

async fn only_what_lies_within_the_lesson_counts(repository: &dyn Repository, ground: &dyn Ground) {
    let (lesson, user, playback) = (lesson(repository).await, person(repository).await, PlaybackId::new(NOW));
    record(repository, &[interval(&lesson, user, playback, 0, 60_000)]).await;
    assert_eq!(line(repository, &lesson, user).await, None, "it had not begun");
    begin(ground, &lesson).await;
    end(ground, &lesson, 5_000).await;
    record(repository, &[interval(&lesson, user, playback, -3_000, 60_000)]).await;
    let found = line(repository, &lesson, user).await.expect("a line").ledger;
    assert_eq!((found.watched_ms, found.attended), (5_000, false));
    // Nobody, no lesson, and who holds it: left out, and no reason to lose the others.
    let nobody = interval(&lesson, UserId(Uuid::from_u128(1)), playback, 0, 1_000);
    let nowhere = Interval { lesson: LessonId(Uuid::from_u128(1)), ..nobody.clone() };
    let other = person(repository).await;
    let mentor = interval(&lesson, lesson.mentor, playback, 0, 5_000);
    record(repository, &[nobody, nowhere, mentor, interval(&lesson, other, playback, 0, 1_000)]).await;
    assert_eq!(line(repository, &lesson, other).await.expect("a line").ledger.watched_ms, 1_000);
    assert_eq!(repository.attendance(lesson.id, None, 9).await.expect("read").len(), 2);
}

async fn a_batch_of_many_people_is_recorded_whole(repository: &dyn Repository, ground: &dyn Ground) {
    let lesson = lesson(repository).await;
    begin(ground, &lesson).await;
    let mut people = Vec::new();
    for _ in 0..1_100 {
        people.push((person(repository).await, PlaybackId::new(NOW)));
    }
    for (from_ms, to_ms) in [(0, 2_000), (2_000, 4_000)] {
        let batch: Vec<_> =
            people.iter().map(|(user, playback)| interval(&lesson, *user, *playback, from_ms, to_ms)).collect();
        record(repository, &batch).await;
    }
    let mut all = repository.attendance(lesson.id, None, 1_000).await.expect("read");
    let rest = repository.attendance(lesson.id, Some(all[999].user), 1_000).await.expect("read");
    all.extend(rest);
    assert_eq!(all.len(), people.len());
    assert!(all.windows(2).all(|pair| pair[0].user < pair[1].user));
    assert!(all.iter().all(|one| one.ledger.watched_ms == 4_000 && one.intervals.len() == 1));
    // More of one name than one page holds.
    let same = format!(
        "UPDATE users SET name = 'Orang Sama', search = 'orang sama' WHERE id IN
             (SELECT user_id FROM attendance WHERE lesson_id = '{}' ORDER BY user_id LIMIT 700)",
        lesson.id
    );
    ground.run(same).await;
    let mut by_name: Vec<Attendee> = Vec::new();
    loop {
        let some = repository.attendance_by_name(lesson.id, by_name.last(), 300).await.expect("read");
        assert!(some.len() <= 300 && some.iter().all(|one| one.intervals.is_empty()));
        if some.is_empty() {
            break;
        }
        by_name.extend(some);
    }
    let key = |one: &Attendee| (one.name.to_lowercase(), one.user);
    assert!(by_name.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
    assert_eq!(by_name.len(), people.len());
    let ids: Vec<UserId> = people.iter().map(|(user, _)| *user).chain([UserId(Uuid::from_u128(1))]).collect();
    let names = repository.names(&ids).await.expect("read");
    assert!(names.len() == people.len() && names.iter().all(|(_, name)| name.starts_with("Orang ")));
}

async fn a_mentor_corrects_and_striking_takes_the_right_away(repository: &dyn Repository, ground: &dyn Ground) {
    let (lesson, user) = (lesson(repository).await, person(repository).await);
    begin(ground, &lesson).await;
    let correct = async |user, decision, reason: &str| {
        let by = lesson.mentor;
        let correction = Correction { lesson: lesson.id, user, by, decision, reason: reason.to_owned(), at: NOW };
        repository.correct(&correction, THRESHOLD_MS).await
    };
    let before = repository.last_seq().await.expect("read");
    let found = correct(user, Decision::Present, "sakit, hadir lewat telepon").await.expect("corrected").ledger;
    assert_eq!((found.watched_ms, found.attended, found.decision), (0, true, Decision::Present));
    assert_eq!(told(repository, before, user).await, [ChangeKind::Attendance]);
    record(repository, &[interval(&lesson, user, PlaybackId::new(NOW), 0, 20_000)]).await;
    let before = repository.last_seq().await.expect("read");
    let found = correct(user, Decision::Absent, "akun dipinjam").await.expect("corrected");
    assert_eq!((found.ledger.watched_ms, found.ledger.attended, found.intervals.len()), (20_000, false, 1));
    assert_eq!(told(repository, before, user).await, [ChangeKind::Attendance, ChangeKind::Revoked]);
    let revoked = repository.revocations(NOW).await.expect("read");
    let newest = &revoked.last().expect("one").what;
    assert_eq!((newest.user, newest.lesson, newest.session), (Some(user), Some(lesson.id), None));
    record(repository, &[interval(&lesson, user, PlaybackId::new(NOW), 20_000, 40_000)]).await;
    assert!(!line(repository, &lesson, user).await.expect("a line").ledger.attended, "the mentor's word stays");
    let found = correct(user, Decision::Measured, "keliru").await.expect("corrected").ledger;
    assert!(found.attended, "what was measured counts again");
    let nobody = correct(UserId(Uuid::from_u128(1)), Decision::Present, "siapa").await;
    assert!(matches!(nobody, Err(RepositoryError::NotFound("person"))), "{nobody:?}");
}

async fn positions_are_kept(repository: &dyn Repository) {
    let (lesson, user) = (lesson(repository).await, person(repository).await);
    assert_eq!(repository.position(user, lesson.id).await.expect("read"), None);
    for at_ms in [5_000, 1_000] {
        repository.put_position(user, lesson.id, at_ms, NOW).await.expect("kept");
        assert_eq!(repository.position(user, lesson.id).await.expect("read"), Some(at_ms));
    }
    assert_eq!(repository.positions(user, 9).await.expect("read"), [], "nothing of it was recorded");
    let other = self::lesson(repository).await;
    repository.put_position(user, other.id, 7_000, NOW.plus_millis(1)).await.expect("kept");
    for (lesson, durations) in [(&lesson, [5_000, 60_000]), (&other, [1, 9_000])] {
        for (stream, duration_ms) in (1..).zip(durations) {
            let path = ChannelPath { app: "lesson".parse().expect("a name"), name: "l-1".parse().expect("a name") };
            let recording = Recording {
                id: StreamId(stream),
                channel: lesson.channel,
                path,
                started: NOW,
                duration_ms,
                bytes: 1,
                next_msn: 1,
                state: RecordingState::Ready,
            };
            repository.put_recording(&recording).await.expect("kept");
        }
    }
    let found = repository.positions(user, 9).await.expect("read");
    let found: Vec<_> = found.iter().map(|kept| (kept.standing.lesson.id, kept.at_ms, kept.duration_ms)).collect();
    assert_eq!(found, [(other.id, 7_000, 9_000), (lesson.id, 1_000, 60_000)], "the newest first, of the longest");
    assert_eq!(repository.positions(user, 1).await.expect("read").len(), 1);
}

async fn own_key(ground: &dyn Ground, mentor: UserId, key: &str) {
    let (id, hash) = (keys::random_id(), KeyHash::of(key));
    let values = format!("'{id}', '{mentor}', '', '{hash}', 1, NULL");
    ground
        .run(format!("INSERT INTO mentor_keys (id, mentor_id, label, hash, created_ms, revoked_ms) VALUES ({values})"))
        .await;
}

async fn the_directory_has_lessons_and_mentors_keys(repository: &dyn Repository, ground: &dyn Ground) {
    let lesson = lesson(repository).await;
    let own = keys::generate().0;
    own_key(ground, lesson.mentor, &own).await;
    let (snapshot, seq) = repository.directory(UnixMillis(0)).await.expect("read");
    assert_eq!(seq, repository.last_seq().await.expect("read"));
    let airing = *snapshot.airing(lesson.channel).expect("its lesson");
    assert_eq!((airing.lesson, airing.mentor, airing.course), (lesson.id, lesson.mentor, lesson.course));
    assert_eq!((airing.starts, airing.ends), (lesson.starts, lesson.ends));
    assert_eq!((airing.state, airing.suspended), (LessonState::Scheduled, false));
    let app = snapshot.channel_by_id(lesson.channel).expect("its channel").path.app.to_string();
    let grant = Directory::new(snapshot).authorize_publish(&app, &own, NOW).expect("the mentor's own key");
    assert_eq!(grant.channel.id, lesson.channel);
    for may_not in ["suspended_ms = 1", "suspended_ms = NULL, is_mentor = 0"] {
        ground.run(format!("UPDATE users SET {may_not} WHERE id = '{}'", lesson.mentor)).await;
        let (snapshot, _) = repository.directory(UnixMillis(0)).await.expect("read");
        assert!(snapshot.airing(lesson.channel).expect("its lesson").suspended, "{may_not}");
        let touched = Touched { mentors: vec![lesson.mentor], ..Touched::default() };
        let keys = repository.parts(&touched, UnixMillis(0)).await.expect("read").own_keys;
        assert!(keys.iter().all(|key| key.revoked_at.is_some()) && keys.len() == 1, "{may_not}");
        assert!(Directory::new(snapshot).authorize_publish(&app, &own, NOW).is_err(), "{may_not}");
    }
}

async fn only_what_was_touched_is_read_again(repository: &dyn Repository, ground: &dyn Ground) {
    let (one, other) = (lesson(repository).await, lesson(repository).await);
    let (key, _) = StreamKey::create(one.channel, "", NOW);
    repository.add_key(&key, None).await.expect("added");
    own_key(ground, one.mentor, "kunci-sendiri").await;
    let read = async |touched: Touched| -> Parts { repository.parts(&touched, UnixMillis(0)).await.expect("read") };
    let lessons = |parts: &Parts| parts.airings.iter().map(|airing| airing.lesson).collect::<Vec<_>>();
    let nothing = read(Touched::default()).await;
    assert!(nothing.channels.is_empty() && nothing.keys.is_empty() && nothing.airings.is_empty());
    let of_lesson = read(Touched { lessons: vec![one.id], ..Touched::default() }).await;
    assert_eq!(lessons(&of_lesson), [one.id]);
    assert_eq!(of_lesson.channels.iter().map(|channel| channel.id).collect::<Vec<_>>(), [one.channel]);
    assert_eq!((of_lesson.keys, of_lesson.own_keys.len()), (vec![key], 0));
    let of_mentor = read(Touched { mentors: vec![one.mentor], ..Touched::default() }).await;
    assert_eq!(lessons(&of_mentor), [one.id]);
    assert_eq!(of_mentor.own_keys.iter().map(|key| key.hash).collect::<Vec<_>>(), [KeyHash::of("kunci-sendiri")]);
    assert!(of_mentor.channels.is_empty());
    let both = Touched { lessons: vec![one.id, other.id], mentors: vec![one.mentor], channels: vec![one.channel] };
    let both = read(both).await;
    assert_eq!((both.airings.len(), both.channels.len(), both.keys.len()), (2, 2, 1), "each of them once");
    let gone = Touched {
        channels: vec![Uuid::from_u128(1)],
        lessons: vec![LessonId(Uuid::from_u128(2))],
        mentors: vec![UserId(Uuid::from_u128(3))],
    };
    let gone = read(gone).await;
    assert!(gone.channels.is_empty() && gone.airings.is_empty() && gone.own_keys.is_empty());
    let many = (0..40_000).map(Uuid::from_u128).chain([one.channel]).collect();
    let many = read(Touched { channels: many, ..Touched::default() }).await;
    assert_eq!(many.channels.len(), 1, "more than one statement takes");
}

/// Sets lessons of one mentor and ends them at [`NOW`], as years of teaching would.
async fn years(ground: &dyn Ground, like: &Lesson, count: u32) {
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let id = |kind: char| format!("'{kind}0000000-0000-7000-8000-' || CAST(100000000000 + i AS TEXT)");
    let (lesson, channel, key) = (id('a'), id('b'), id('c'));
    let columns = "id, app, name, record, public, sign_secret, created_ms";
    let values = format!("{channel}, 'lesson', 'tahun-' || CAST(i AS TEXT), 1, 0, 'x', 1");
    ground.run(format!("{numbers} INSERT INTO channels ({columns}) SELECT {values} FROM n")).await;
    let hash = format!("'{:052}' || CAST(100000000000 + i AS TEXT)", 0);
    let values = format!("{key}, {channel}, '', {hash}, 1, NULL");
    let columns = "id, channel_id, label, hash, created_ms, revoked_ms";
    ground.run(format!("{numbers} INSERT INTO stream_keys ({columns}) SELECT {values} FROM n")).await;
    let rest = "zone, capacity, slow_ms, comments_on, review_on, word_filter, created_ms, version";
    let values = format!(
        "{lesson}, course_id, mentor_id, {channel}, title, summary, starts_ms, ends_ms, 'ended', starts_ms, {}, {rest}",
        NOW.0
    );
    let columns =
        "id, course_id, mentor_id, channel_id, title, summary, starts_ms, ends_ms, state, started_ms, ended_ms";
    let like = like.id;
    ground
        .run(format!(
            "{numbers} INSERT INTO lessons ({columns}, {rest}) SELECT {values} FROM n, lessons WHERE lessons.id = '{like}'"
        ))
        .await;
}

async fn of_twenty_thousand_lessons_that_are_over_the_directory_has_none(
    repository: &dyn Repository,
    ground: &dyn Ground,
) {
    let at = async |since: i64| repository.directory(NOW.plus_millis(since)).await.expect("read").0;
    let (set, on, over) = (lesson(repository).await, lesson(repository).await, lesson(repository).await);
    begin(ground, &on).await;
    begin(ground, &over).await;
    end(ground, &over, 1).await;
    let (before, keys_before) = (at(0).await.channels().len(), at(0).await.keys().count());
    years(ground, &over, 20_000).await;
    // Beside those of lessons in the alphabet.
    let mut operators = Vec::new();
    for path in ["aula/satu", "lessom/dua", "lessons/tiga", "zona/empat"] {
        let (app, name) = path.split_once('/').expect("a path");
        let path = ChannelPath { app: app.parse().expect("app"), name: name.parse().expect("name") };
        let channel = Channel::create(path, &ChannelOptions::default(), NOW);
        repository.create_channel(&channel, &StreamKey::create(channel.id, "", NOW).0).await.expect("created");
        operators.push(channel);
    }
    let here = at(0).await;
    assert_eq!((here.channels().len(), here.keys().count()), (before + 4, keys_before + 4));
    assert!(operators.iter().all(|one| here.channel(&one.path).is_some_and(|found| **found == *one)));
    assert!([&set, &on, &over].iter().all(|one| here.airing(one.channel).is_some()), "it ended a moment later");
    // Longer behind their end than any lesson lasts: one that is set is not over by itself, nor one that is on.
    let later = at(1_000 * 86_400_000).await;
    assert!([&set, &on].iter().all(|one| later.airing(one.channel).is_some()));
    assert!(later.airing(over.channel).is_none() && later.channel_by_id(over.channel).is_none());
    let all = at(-1).await;
    assert!(all.channels().len() >= 20_000, "they are there, for who asks for them");
    // Also where all of them are read again, for their mentor's sake.
    let touched = Touched { mentors: vec![over.mentor], ..Touched::default() };
    let parts = repository.parts(&touched, NOW).await.expect("read");
    assert_eq!(parts.airings.len(), 1, "the one that ended a moment later, and not all that the mentor taught");
    let parts = repository.parts(&touched, NOW.plus_millis(-1)).await.expect("read");
    assert!(parts.airings.len() > 20_000);
    let after = here.with(&touched, parts).without_past(NOW.plus_millis(KNOWN_AFTER_END_MS + 1));
    assert!(after.channels().len() < before + 4 && after.airing(over.channel).is_none());
}

#[tokio::test]
async fn sqlite_keeps_the_attendance_contract() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let store = SqliteStore::open(&path).await.expect("open");
    contract(&store, &sqlite_ground(&path).await).await;
}

#[tokio::test]
async fn postgresql_keeps_the_attendance_contract() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let store = store::db::postgres::PgStore::open(&url, None).await.expect("open");
    let ground = sqlx::PgPool::connect(&url).await.expect("connect");
    contract(&store, &ground).await;
    let (lesson, user) = (lesson(&store).await, person(&store).await);
    begin(&ground, &lesson).await;
    // Two servers that record the same person at once add up, and tell it once.
    let before = control::ChangeRepository::last_seq(&store).await.expect("read");
    let other = store::db::postgres::PgStore::open(&url, None).await.expect("open");
    let (one, two) = (PlaybackId::new(NOW), PlaybackId::new(NOW));
    let (mut at_one, mut at_other) = (Vec::new(), Vec::new());
    for step in 0..20 {
        at_one.push(vec![interval(&lesson, user, one, step * 400, step * 400 + 400)]);
        at_other.push(vec![interval(&lesson, user, two, 8_000 + step * 400, 8_400 + step * 400)]);
    }
    let run = async |store: &dyn Repository, batches: Vec<Vec<Interval>>| {
        for batch in batches {
            record(store, &batch).await;
        }
    };
    tokio::join!(run(&store, at_one), run(&other, at_other));
    let found = line(&store, &lesson, user).await.expect("a line").ledger;
    assert_eq!((found.watched_ms, found.attended), (16_000, true));
    assert_eq!(told(&store, before, user).await, [ChangeKind::Attendance]);
}

/// The child half records and says so until it is killed; the parent kills it at odd moments, sends again what was not
/// acknowledged, and adds up.
#[test]
fn a_kill_neither_loses_nor_doubles_what_was_acknowledged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    if let Some(path) = std::env::var_os(CHILD) {
        runtime.block_on(record_until_killed(Path::new(&path)));
    }
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let (lesson, user) = runtime.block_on(async {
        let store = SqliteStore::open(&path).await.expect("open");
        let (lesson, user) = (lesson(&store).await, person(&store).await);
        begin(&sqlite_ground(&path).await, &lesson).await;
        (lesson, user)
    });
    let mut total = 0;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["a_kill_neither_loses_nor_doubles_what_was_acknowledged", "--exact", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let steps = lines.map_while(Result::ok).filter_map(|line| line.split_once("kept ")?.1.parse::<i64>().ok());
        let acknowledged = steps.take(5 + 7 * round).last().expect("it records") + 1;
        child.kill().expect("kill -9");
        child.wait().expect("reaped");
        runtime.block_on(async {
            let store = SqliteStore::open(&path).await.expect("opens after a kill");
            let watched = line(&store, &lesson, user).await.expect("a line").ledger.watched_ms;
            assert!(watched >= acknowledged * 400, "lost: {watched} of {acknowledged}");
            // Whoever does not know how far it came sends all of it again.
            let again: Vec<_> = (0..watched / 400).map(|step| step_of(&lesson, user, step)).collect();
            record(&store, &again).await;
            let found = line(&store, &lesson, user).await.expect("a line");
            assert_eq!((found.ledger.watched_ms, found.intervals.len()), (watched, 1), "doubled");
            total = watched;
        });
    }
    assert!(total >= 100 * 400, "{total} ms are no test");
}

fn step_of(lesson: &Lesson, user: UserId, step: i64) -> Interval {
    interval(lesson, user, PlaybackId(Uuid::from_u128(7)), step * 400, step * 400 + 400)
}

async fn record_until_killed(path: &Path) {
    let store = SqliteStore::open(path).await.expect("open");
    let repository: &dyn Repository = &store;
    let (snapshot, _) = repository.directory(UnixMillis(0)).await.expect("read");
    let airing = *snapshot.channels().find_map(|channel| snapshot.airing(channel.id)).expect("a lesson");
    let standing = repository.standing(None, airing.lesson).await.expect("read").expect("there");
    let pool = sqlite_ground(path).await;
    let text: String = sqlx::query_scalar("SELECT id FROM users WHERE id <> $1")
        .bind(standing.lesson.mentor.to_string())
        .fetch_one(&pool)
        .await
        .expect("somebody");
    let user = text.parse().expect("an id");
    let known = line(repository, &standing.lesson, user).await.map_or(0, |one| one.ledger.watched_ms / 400);
    for step in known.. {
        record(repository, &[step_of(&standing.lesson, user, step)]).await;
        writeln!(std::io::stdout(), "kept {step}").expect("the parent reads");
    }
}
