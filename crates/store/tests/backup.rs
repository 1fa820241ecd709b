//! Copies of both databases, made while they are written to, and the way back.

#[path = "repository/postgres.rs"]
mod postgres;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use control::{Channel, ChannelOptions, Repository, StreamKey};
use media::{ChannelPath, Redacted, UnixMillis};
use store::db::backup::{self, BackupError};
use store::db::{self, Location};

/// Makes a channel of that number, with its key.
async fn make(repository: &dyn Repository, n: u32) {
    let path = ChannelPath { app: "live".parse().expect("app"), name: format!("kelas{n}").parse().expect("name") };
    let channel = Channel::create(path, &ChannelOptions::default(), UnixMillis(i64::from(n)));
    let (key, _) = StreamKey::create(channel.id, "", UnixMillis(i64::from(n)));
    repository.create_channel(&channel, &key).await.expect("created");
}

async fn channels(repository: &dyn Repository) -> (usize, usize, i64) {
    let snapshot = repository.snapshot().await.expect("read");
    (snapshot.channels().count(), snapshot.keys().count(), repository.last_seq().await.expect("read").0)
}

/// Copies while somebody writes, changes more, and goes back to the copy.
async fn goes_there_and_back(location: &Location, folder: &Path) -> Option<std::path::PathBuf> {
    let repository = db::open(location).await.expect("open");
    for n in 0..20 {
        make(repository.as_ref(), n).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (repository, stop) = (repository.clone(), stop.clone());
        async move {
            let mut n = 20;
            while !stop.load(Ordering::Relaxed) {
                make(repository.as_ref(), n).await;
                n += 1;
            }
            n as usize
        }
    });
    let copy = folder.join("copy");
    backup::copy(location, &copy).await.expect("copied");
    stop.store(true, Ordering::Relaxed);
    let written = writing.await.expect("no write failed");
    make(repository.as_ref(), 1_000_000).await;
    drop(repository);
    let refused = backup::restore(location, &copy, false).await.expect_err("there is one");
    assert!(matches!(refused, BackupError::Exists(_)), "{refused}");
    let kept = backup::restore(location, &copy, true).await.expect("restored");
    let repository = db::open(location).await.expect("open");
    let (count, keys, seq) = channels(repository.as_ref()).await;
    assert!((20..=written).contains(&count), "{count} of {written}: what was there when the copy began is in it");
    assert_eq!((keys, seq), (count, count as i64), "all of a transaction or none of it");
    make(repository.as_ref(), 2_000_000).await;
    kept
}

#[tokio::test]
async fn a_sqlite_database_is_copied_while_it_is_written_and_comes_back() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("tayang.db");
    let kept = goes_there_and_back(&Location::File(path.clone()), folder.path()).await.expect("the old one is kept");
    let old = db::open(&Location::File(kept)).await.expect("and opens");
    let snapshot = old.snapshot().await.expect("read");
    assert!(snapshot.channels().any(|channel| channel.path.name.as_str() == "kelas1000000"), "with all that was in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_database_is_copied_while_it_is_written_and_comes_back() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let folder = tempfile::tempdir().expect("temporary directory");
    let location = Location::Postgres { url: Redacted(cluster.database().await), replica_url: None };
    assert_eq!(goes_there_and_back(&location, folder.path()).await, None);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_and_nothing_is_changed() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let location = Location::File(folder.path().join("tayang.db"));
    let repository = db::open(&location).await.expect("open");
    for n in 0..50 {
        make(repository.as_ref(), n).await;
    }
    let before = channels(repository.as_ref()).await;
    let copy = folder.path().join("copy");
    backup::copy(&location, &copy).await.expect("copied");
    let mut bytes = std::fs::read(&copy).expect("read");
    let half = bytes.len() / 2;
    bytes[half..half + 8_192].fill(0xff);
    std::fs::write(&copy, bytes).expect("written");
    drop(repository);
    let refused = backup::restore(&location, &copy, true).await.expect_err("damaged");
    assert!(matches!(refused, BackupError::Damaged(_)), "{refused}");
    assert_eq!(channels(db::open(&location).await.expect("open").as_ref()).await, before);
}

#[tokio::test]
async fn there_is_no_copy_of_what_is_not_there_and_none_half_made() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (path, copy) = (folder.path().join("tayang.db"), folder.path().join("copy"));
    let missing = backup::copy(&Location::File(path.clone()), &copy).await.expect_err("nothing there");
    assert!(matches!(missing, BackupError::Missing(_)), "{missing}");
    std::fs::write(&path, "not a database\n".repeat(100)).expect("written");
    assert!(backup::copy(&Location::File(path), &copy).await.is_err());
    assert!(!copy.exists());
}
