//! Transactions that want the same rows, and a place in the line of changes: in whichever order they come, they wait in a
//! line and not in a circle.

use std::time::Duration;

use control::identity::UserChange;
use control::relay::{Direction, Relay};
use control::teaching::lessons::{LessonChange, LessonEdit, Scope};
use control::teaching::{Lesson, TeachingError};
use control::{RelayId, Repository, RepositoryError, Roles, UserId, keys};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use media::UnixMillis;

use super::contract::{channel_at, key_for};
use super::school::{School, somebody};

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);

/// The advisory lock of the line of changes (`db/postgres/write.rs`).
const CHANGES_LOCK: i64 = 0x7461_7961_6e67;

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

type Work<'a> = BoxFuture<'a, Result<(), String>>;

/// Until so many wait for a lock.
async fn until_waiting(admin: &sqlx::PgPool, many: usize) {
    let waiting = async {
        loop {
            let text = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(text).fetch_one(admin).await.expect("counts");
            if usize::try_from(waiting).expect("a count") >= many {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("all come to wait for a lock");
}

/// Lets `first` come to where they wait, then `second`, and then all go on.
async fn meet(admin: &sqlx::PgPool, first: Vec<Work<'_>>, second: Vec<Work<'_>>) {
    let (some, all) = (first.len(), first.len() + second.len());
    let mut line = admin.begin().await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(CHANGES_LOCK).execute(&mut *line).await.expect("locked");
    let gate = tokio::sync::Notify::new();
    let second = async {
        gate.notified().await;
        join_all(second).await
    };
    let order = async {
        until_waiting(admin, some).await;
        gate.notify_one();
        until_waiting(admin, all).await;
        line.commit().await.expect("free");
    };
    let (first, second, ()) = tokio::join!(join_all(first), second, order);
    for done in first.into_iter().chain(second) {
        done.expect("nobody waits in a circle");
    }
}

/// What takes turns: of each mentor a new name, and a relay that may be there.
fn in_turns<'a>(repository: &'a dyn Repository, mentors: &[UserId], relay: &'a Relay, by: UserId) -> Vec<Work<'a>> {
    let named = mentors.iter().copied().map(|mentor| {
        async move {
            let change = UserChange { name: Some(keys::random_id().to_string()), ..UserChange::default() };
            let done = repository.change_user(mentor, None, &change, None, NOW).await;
            done.map(|_| ()).map_err(|error| error.to_string())
        }
        .boxed()
    });
    let started = async move { repository.start_relay(relay, by).await.map(|_| ()).map_err(|error| error.to_string()) };
    named.chain([started.boxed()]).collect()
}

/// What locks rows and then appends: of each mentor a lesson, and the end of that relay.
fn by_rows<'a>(repository: &'a dyn Repository, lessons: &[Lesson], relay: &'a Relay, by: UserId) -> Vec<Work<'a>> {
    let changed = lessons.iter().map(|lesson| lesson.id).map(|lesson| {
        async move {
            let change = LessonChange { title: Some(keys::random_id().to_string()), ..LessonChange::default() };
            let edit = LessonEdit { change, scope: Scope::One, version: None, may_overlap: true };
            let done = repository.change_lessons(lesson, &edit, NOW).await;
            done.map(|_| ()).map_err(|error: TeachingError| error.to_string())
        }
        .boxed()
    });
    let stopped = async move {
        match repository.stop_relay((relay.direction, relay.channel, &relay.url), by, NOW).await {
            Ok(()) | Err(RepositoryError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    };
    changed.chain([stopped.boxed()]).collect()
}

/// On a database that ends no circle before `lock_timeout`, which is an error.
pub async fn who_takes_turns_and_who_locks_rows_wait_in_a_line(repository: &dyn Repository, url: &str) {
    let admin = sqlx::PgPool::connect(url).await.expect("connect");
    let by = somebody(repository, Roles { operator: true, ..Roles::default() }, NOW).await;
    let (mut mentors, mut lessons) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let school = School::with(repository, 0, NOW).await;
        mentors.push(school.mentor);
        lessons.push(school.lesson(repository, NOW.plus_millis(86_400_000), NOW).await);
    }
    let channel = channel_at("live/lingkaran");
    repository.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    let url = "rtmp://tujuan.example/app/kunci".parse().expect("an address");
    let relay = Relay { id: RelayId::new(NOW), direction: Direction::Push, channel: channel.id, url, created: NOW };
    for turns_first in [true, false] {
        repository.start_relay(&relay, by).await.expect("there");
        let turns = in_turns(repository, &mentors, &relay, by);
        let rows = by_rows(repository, &lessons, &relay, by);
        let (first, second) = if turns_first { (turns, rows) } else { (rows, turns) };
        meet(&admin, first, second).await;
    }
    admin.close().await;
}
