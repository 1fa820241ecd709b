//! Copies of both databases, made while they are written to, and the way back.

#[path = "repository/postgres.rs"]
mod postgres;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
async fn goes_there_and_back(location: &Location, folder: &Path) -> Option<PathBuf> {
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

/// Restores two copies by turns until it is killed, and says so each time.
async fn restore_until_killed(location: &Location, copies: [PathBuf; 2]) -> ! {
    loop {
        for copy in &copies {
            backup::restore(location, copy, true).await.expect("restored");
            writeln!(std::io::stdout(), "restored").expect("the parent reads");
            let Location::File(path) = location else { continue };
            for kept in path.parent().expect("folder").read_dir().expect("read").flatten() {
                if kept.file_name().to_string_lossy().contains("before-restore") {
                    std::fs::remove_file(kept.path()).expect("removed");
                }
            }
        }
    }
}

/// Set in the process that is started to be killed: where the copies are, and the URL of PostgreSQL's database.
const CHILD: &str = "TAYANG_BACKUP_TEST_FOLDER";
const CHILD_URL: &str = "TAYANG_BACKUP_TEST_URL";

/// This test again as a process, in a group of its own with the programs that it starts.
fn child(test: &str, folder: &Path, url: &str) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, folder)
        .env(CHILD_URL, url)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("child")
}

fn kill(child: &mut Child) {
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-9", "--", &group]).status().expect("kill").success());
    child.wait().expect("reaped");
}

/// Runs it to its end, and lets go of all that it has open.
fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work)
}

/// Makes copies of a database with 20 and of the same with 30 channels.
async fn two_copies(location: &Location, folder: &Path) -> [PathBuf; 2] {
    let copies = ["20", "30"].map(|name| folder.join(name));
    let repository = db::open(location).await.expect("open");
    for n in 0..30 {
        make(repository.as_ref(), n).await;
        if n == 19 {
            backup::copy(location, &copies[0]).await.expect("copied");
        }
    }
    backup::copy(location, &copies[1]).await.expect("copied");
    copies
}

/// All of one or of the other.
async fn is_one_of_the_two(location: &Location, round: u32) {
    let repository = db::open(location).await.expect("opens after a kill");
    let found = channels(repository.as_ref()).await;
    assert!([(20, 20, 20), (30, 30, 30)].contains(&found), "{found:?} in round {round}");
}

#[test]
fn a_kill_while_sqlites_database_is_replaced_leaves_the_old_or_the_new() {
    let location = |folder: &Path| Location::File(folder.join("tayang.db"));
    if let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) {
        alone(restore_until_killed(&location(&folder), ["20", "30"].map(|name| folder.join(name))));
    }
    let directory = tempfile::tempdir().expect("temporary directory");
    let (folder, location) = (directory.path(), location(directory.path()));
    alone(two_copies(&location, folder));
    let test = "a_kill_while_sqlites_database_is_replaced_leaves_the_old_or_the_new";
    for round in 0..8 {
        let mut child = child(test, folder, "");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let watching = AtomicBool::new(true);
        std::thread::scope(|scope| {
            // What a kill at that moment would leave.
            let missing = scope.spawn(|| {
                let mut missing = 0;
                while watching.load(Ordering::Relaxed) {
                    missing += u32::from(!folder.join("tayang.db").exists());
                }
                missing
            });
            let restored = lines.by_ref().filter(|line| line.contains("restored")).take(20 + round as usize).count();
            kill(&mut child);
            watching.store(false, Ordering::Relaxed);
            assert_eq!(restored, 20 + round as usize, "the child restores");
            assert_eq!(missing.join().expect("watched"), 0, "at no moment is there none");
        });
        alone(is_one_of_the_two(&location, round));
    }
}

#[test]
fn a_kill_while_postgresqls_database_is_replaced_leaves_the_old_or_the_new() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime");
    let location = |url: &str| Location::Postgres { url: Redacted(url.to_owned()), replica_url: None };
    if let (Some(folder), Ok(url)) = (std::env::var_os(CHILD).map(PathBuf::from), std::env::var(CHILD_URL)) {
        runtime.block_on(restore_until_killed(&location(&url), ["20", "30"].map(|name| folder.join(name))));
    }
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let directory = tempfile::tempdir().expect("temporary directory");
    let url = runtime.block_on(cluster.database());
    let location = location(&url);
    runtime.block_on(two_copies(&location, directory.path()));
    let test = "a_kill_while_postgresqls_database_is_replaced_leaves_the_old_or_the_new";
    for round in 0..6 {
        let mut child = child(test, directory.path(), &url);
        // In the midst of a transaction: it has locked as many tables as the round says.
        runtime.block_on(async {
            let admin = sqlx::PgPool::connect(&url).await.expect("connect");
            let locked = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE a.application_name = 'pg_restore' AND a.datname = current_database()
                    AND l.mode = 'AccessExclusiveLock'";
            loop {
                let locked: i64 = sqlx::query_scalar(locked).fetch_one(&admin).await.expect("counts");
                if locked > i64::from(round) * 8 {
                    break;
                }
                assert!(child.try_wait().expect("asked").is_none(), "the child restores, again and again");
            }
            admin.close().await;
        });
        kill(&mut child);
        runtime.block_on(is_one_of_the_two(&location, round));
    }
}

#[tokio::test]
async fn a_sqlite_database_that_another_program_has_open_is_not_replaced() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let location = Location::File(folder.path().join("tayang.db"));
    let repository = db::open(&location).await.expect("open");
    make(repository.as_ref(), 1).await;
    let copy = folder.path().join("copy");
    backup::copy(&location, &copy).await.expect("copied");
    let refused = backup::restore(&location, &copy, true).await.expect_err("it is open");
    assert!(matches!(refused, BackupError::InUse(_)), "{refused}");
    make(repository.as_ref(), 2).await;
    assert_eq!(channels(repository.as_ref()).await.0, 2);
}

#[test]
fn a_damaged_database_is_replaced_and_kept_as_it_is() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("tayang.db");
    let location = Location::File(path.clone());
    let copies = alone(two_copies(&location, folder.path()));
    std::fs::write(&path, "not a database\n".repeat(1_000)).expect("written");
    std::fs::write(folder.path().join("tayang.db-wal"), "a log of it").expect("written");
    let kept = alone(backup::restore(&location, &copies[0], true)).expect("restored").expect("kept");
    assert!(std::fs::read_to_string(&kept).expect("there").starts_with("not a database"));
    alone(is_one_of_the_two(&location, 0));
}

#[tokio::test]
async fn a_log_whose_database_is_lost_is_not_taken_for_the_restored_ones() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (path, copy) = (folder.path().join("tayang.db"), folder.path().join("copy"));
    let location = Location::File(path.clone());
    let store = db::open(&location).await.expect("open");
    make(&*store, 1).await;
    backup::copy(&location, &copy).await.expect("copied");
    make(&*store, 2).await;
    // As a server that was killed leaves it, and the database is lost.
    let log = folder.path().join("tayang.db-wal");
    let left = std::fs::read(&log).expect("a log");
    drop(store);
    for file in ["tayang.db", "tayang.db-wal", "tayang.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    std::fs::write(&log, left).expect("left");
    backup::restore(&location, &copy, false).await.expect("restored");
    assert_eq!(
        channels(&*db::open(&location).await.expect("open")).await.0,
        1,
        "what the copy has, and nothing of the log"
    );
    assert!(folder.path().join("tayang.db.before-restore-1-wal").exists(), "which is kept");
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
