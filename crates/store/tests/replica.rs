//! Lists from a replica: a real one, which is stopped, started again, and held up.

#[path = "repository/postgres.rs"]
mod postgres;

use std::time::{Duration, Instant};

use control::UserId;
use control::audit::{AuditAction, AuditEntry, AuditQuery, AuditRepository as _};
use control::teaching::courses::{CourseFilter, CourseRepository as _};
use control::teaching::lessons::{LessonFilter, LessonRepository as _};
use control::teaching::mentors::MentorRepository as _;
use media::UnixMillis;
use store::db::postgres::PgStore;

const WITHIN: Duration = Duration::from_secs(30);

async fn note(store: &PgStore, n: i64) {
    let entry = AuditEntry::new(UnixMillis(n), None, AuditAction::SignedIn, format!("baris {n}"), "");
    store.note(&entry).await.expect("kept");
}

/// How long the list is, wherever it is read.
async fn listed(store: &PgStore) -> usize {
    store.audit(&AuditQuery::default(), 100).await.expect("lists").len()
}

/// Asks again until the list is so long.
async fn until(store: &PgStore, wanted: usize) {
    let deadline = Instant::now() + WITHIN;
    while listed(store).await != wanted {
        assert!(Instant::now() < deadline, "the list has {} lines, not {wanted}", listed(store).await);
        tokio::task::yield_now().await;
    }
}

/// Sessions of ours on the replica: what shows that lists are read there.
async fn sessions(url: &str) -> i64 {
    let text = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tayang'";
    let admin = sqlx::PgPool::connect(url).await.expect("the replica answers");
    let count = sqlx::query_scalar(text).fetch_one(&admin).await.expect("counts");
    admin.close().await;
    count
}

#[tokio::test]
async fn lists_are_read_from_a_replica_while_it_follows_and_from_the_primary_while_it_does_not() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let replica = cluster.replica();
    let replica_url = replica.url(&url);
    let store = PgStore::open(&url, Some(&replica_url)).await.expect("open");
    let deadline = Instant::now() + WITHIN;
    // What somebody who is signed in asks for is read where they write; what nobody asks for need not be.
    for viewer in [Some(UserId::new(UnixMillis(1))), None] {
        let somebodys = viewer.is_some();
        for _ in 0..20 {
            store.courses(&CourseFilter { limit: 9, ..CourseFilter::default() }, viewer).await.expect("lists");
            store.lessons(&LessonFilter { limit: 9, ..LessonFilter::default() }, viewer).await.expect("lists");
            store.mentors(None, viewer, None, 9, UnixMillis(1)).await.expect("lists");
            assert!(!somebodys || sessions(&replica_url).await == 0, "a list of somebody's is read from the replica");
        }
        while !somebodys && sessions(&replica_url).await == 0 {
            assert!(Instant::now() < deadline, "no list of nobody's is read from the replica");
            store.courses(&CourseFilter { limit: 9, ..CourseFilter::default() }, viewer).await.expect("lists");
        }
    }
    note(&store, 1).await;
    until(&store, 1).await;

    // It is away: nobody waits for it, and nothing is missing.
    replica.stop();
    note(&store, 2).await;
    until(&store, 2).await;
    replica.start();
    until(&store, 2).await;

    // It stands still: lists of the primary are newer than what it has, and are given once that is noticed.
    let admin = sqlx::PgPool::connect(&replica_url).await.expect("it is back");
    sqlx::query("SELECT pg_wal_replay_pause()").execute(&admin).await.expect("paused");
    for n in 3..=20 {
        note(&store, n).await;
    }
    until(&store, 20).await;
    sqlx::query("SELECT pg_wal_replay_resume()").execute(&admin).await.expect("resumed");
    admin.close().await;
    until(&store, 20).await;
}

#[tokio::test]
async fn a_replica_that_never_answers_is_left_out() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let nobody = "postgres://tayang@127.0.0.1:1/nothing";
    let store = PgStore::open(&url, Some(nobody)).await.expect("it opens all the same");
    note(&store, 1).await;
    assert_eq!(listed(&store).await, 1);
}
