//! The repository contract on SQLite and PostgreSQL, and what is SQLite's own: two processes, kills, permissions, versions, damage.

#[path = "repository/circles.rs"]
mod circles;
#[path = "repository/contract.rs"]
mod contract;
#[path = "repository/identity.rs"]
mod identity;
#[path = "repository/notices.rs"]
mod notices;
#[path = "repository/passkeys.rs"]
mod passkeys;
#[path = "repository/postgres.rs"]
mod postgres;
#[path = "repository/receivers.rs"]
mod receivers;
#[path = "repository/relays.rs"]
mod relays;
#[path = "repository/room.rs"]
mod room;
#[path = "repository/school.rs"]
mod school;
#[path = "repository/secrets.rs"]
mod secrets;
#[path = "repository/teaching.rs"]
mod teaching;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use contract::{channel_at, key_for};
use control::{ChangeRepository, ChannelRepository, RepositoryError};
use media::UnixMillis;
use store::db::sqlite::{OpenError, SqliteStore};

/// Set in the process that [`a_kill_loses_nothing_that_was_acknowledged`] starts to be killed.
const CHILD: &str = "TAYANG_STORE_TEST_DATABASE";

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.expect("open")
}

/// A connection of another program.
async fn stranger(path: &Path) -> sqlx::SqlitePool {
    sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(path)).await.expect("connect")
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = open(&directory.path().join("new/tayang.db")).await;
    contract::repository_contract(&store).await;
    store.close().await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let store = cluster.store().await;
    contract::repository_contract(&store).await;
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_hangs_elsewhere_is_waited_for_a_few_seconds_and_is_an_error_then() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let store = store::db::postgres::PgStore::open(&url, None).await.expect("open");
    // Another host that is lost in the middle of a transaction.
    let mut lost = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.expect("connect");
    for text in ["BEGIN", "LOCK TABLE channels IN ACCESS EXCLUSIVE MODE"] {
        sqlx::query(text).execute(&mut lost).await.expect("locked");
    }
    let channel = channel_at("live/kelas");
    let key = key_for(&channel).0;
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), store.create_channel(&channel, &key)).await;
    let refused = waited.expect("it is given up within seconds");
    assert!(matches!(refused, Err(RepositoryError::Backend(_))), "{refused:?}");
    sqlx::query("ROLLBACK").execute(&mut lost).await.expect("ended");
    store.create_channel(&channel, &key).await.expect("written as soon as the lock is free");
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_ended_for_the_sake_of_another_is_done_again() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let store = store::db::postgres::PgStore::open(&format!("{url}&options=-c%20deadlock_timeout%3D3s"), None).await;
    let store = store.expect("open");
    teaching::two_that_wait_for_one_another_both_go_through(&store, &url).await;
    store.close().await;
}

#[tokio::test]
async fn who_takes_turns_and_who_locks_rows_wait_in_a_line_and_not_in_a_circle() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let store = store::db::postgres::PgStore::open(&format!("{url}&options=-c%20deadlock_timeout%3D60s"), None).await;
    let store = store.expect("open");
    circles::who_takes_turns_and_who_locks_rows_wait_in_a_line(&store, &url).await;
    store.close().await;
}

#[tokio::test]
async fn another_opening_of_the_file_sees_changes_and_is_told_of_them() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let (server, cli) = (open(&path).await, open(&path).await);
    let before = server.version().await.expect("version");
    assert_eq!(server.version().await.expect("version"), before, "nothing happened");
    let channel = channel_at("live/kelas");
    cli.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    let after = server.version().await.expect("version");
    assert_ne!(after, before);
    assert_eq!(server.channel(&channel.path).await.expect("read"), Some(channel.clone()));
    assert_eq!(server.snapshot().await.expect("read").channels().count(), 1);
    server.delete_channel(channel.id, None, UnixMillis(1)).await.expect("deleted");
    assert_ne!(server.version().await.expect("version"), after, "its own changes count as well");
}

#[tokio::test]
async fn many_openings_at_once_make_one_database() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
                runtime.block_on(async {
                    let store = open(&path).await;
                    let channel = channel_at(&format!("live/kelas{n}"));
                    store.create_channel(&channel, &key_for(&channel).0).await.expect("created");
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no opening failed");
    }
    assert_eq!(open(&path).await.snapshot().await.expect("read").channels().count(), 8);
}

#[tokio::test]
async fn the_database_is_readable_by_its_owner_only_even_if_it_was_not() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    open(&path).await.close().await;
    assert_eq!(mode(&path), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("loosened");
    let store = open(&path).await;
    let channel = channel_at("live/kelas");
    store.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    for name in ["tayang.db", "tayang.db-wal", "tayang.db-shm"] {
        assert_eq!(mode(&directory.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn no_file_of_the_database_holds_a_key() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = open(&directory.path().join("tayang.db")).await;
    let channel = channel_at("live/kelas");
    let (kept, key) = key_for(&channel);
    store.create_channel(&channel, &kept).await.expect("created");
    store.close().await;
    for entry in std::fs::read_dir(directory.path()).expect("directory") {
        let bytes = std::fs::read(entry.expect("entry").path()).expect("readable");
        assert!(!bytes.windows(key.0.len()).any(|window| window == key.0.as_bytes()));
    }
}

/// What every version migrates from: the first two migrations, as the version before people had them.
fn before_people(first: &'static str, second: &'static str) -> sqlx::migrate::Migrator {
    use sqlx::SqlSafeStr as _;
    use sqlx::migrate::{Migration, MigrationType, Migrator};
    let of = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![of(1, "channels and recordings", first), of(2, "next sequence number", second)])
}

const OLD_ROWS: &str = "INSERT INTO channels (id, app, name, record, public, sign_secret, created_ms)
    VALUES ('98724e64-bcd1-4887-af4a-60be440709aa', 'live', 'lama', 1, 0, 'rahasia', 5)";

async fn is_brought_up_to_date(store: &dyn control::Repository) {
    let snapshot = store.snapshot().await.expect("read");
    let names: Vec<_> = snapshot.channels().map(|channel| channel.path.to_string()).collect();
    assert_eq!(names, ["live/lama"]);
    assert_eq!(store.last_seq().await.expect("read"), control::Seq(0));
    store.create_user(&contract::person("lama@example.test")).await.expect("the new tables are there");
}

#[tokio::test]
async fn a_sqlite_database_of_an_older_version_is_brought_up_to_date() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    std::fs::write(&path, "").expect("made");
    let other = stranger(&path).await;
    let older = before_people(
        include_str!("../migrations/sqlite/0001_channels_and_recordings.sql"),
        include_str!("../migrations/sqlite/0002_next_sequence_number.sql"),
    );
    older.run(&other).await.expect("as the older version did");
    sqlx::query(OLD_ROWS).execute(&other).await.expect("and wrote");
    other.close().await;
    is_brought_up_to_date(&open(&path).await).await;
}

#[tokio::test]
async fn a_postgresql_database_of_an_older_version_is_brought_up_to_date() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    let url = cluster.database().await;
    let other = sqlx::PgPool::connect(&url).await.expect("connect");
    let older = before_people(
        include_str!("../migrations/postgres/0001_channels_and_recordings.sql"),
        include_str!("../migrations/postgres/0002_next_sequence_number.sql"),
    );
    older.run(&other).await.expect("as the older version did");
    sqlx::query(OLD_ROWS).execute(&other).await.expect("and wrote");
    other.close().await;
    is_brought_up_to_date(&store::db::postgres::PgStore::open(&url, None).await.expect("open")).await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    open(&path).await.close().await;
    let other = stranger(&path).await;
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (999, 'x', 1, x'00', 0)")
        .execute(&other)
        .await
        .expect("as a newer version would");
    other.close().await;
    let error = SqliteStore::open(&path).await.expect_err("newer");
    assert!(matches!(error, OpenError::Newer(999)), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let text = "not a database\n".repeat(1_000);
    std::fs::write(&path, &text).expect("written");
    assert!(SqliteStore::open(&path).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
    assert!(matches!(SqliteStore::open(Path::new("/dev/null/x/tayang.db")).await, Err(OpenError::File { .. })));
}

#[tokio::test]
async fn a_value_that_we_did_not_write_is_named_as_corrupt() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let store = open(&path).await;
    let channel = channel_at("live/kelas");
    store.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    let other = stranger(&path).await;
    sqlx::query("UPDATE channels SET name = '../etc'").execute(&other).await.expect("as a careless hand would");
    match store.snapshot().await {
        Err(RepositoryError::Corrupt { what }) => assert_eq!(what, "a value of name"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_in_the_middle_leaves_nothing_half_done() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let store = open(&path).await;
    for n in 0..20 {
        let channel = channel_at(&format!("live/kelas{n}"));
        let (key, _) = key_for(&channel);
        let work = store.create_channel(&channel, &key);
        tokio::pin!(work);
        // Polled a few times, then dropped wherever it was.
        for _ in 0..n {
            tokio::select! { biased; done = &mut work => { done.expect("created"); break } () = tokio::task::yield_now() => {} }
        }
    }
    let snapshot = open(&path).await.snapshot().await.expect("read");
    assert_eq!(snapshot.channels().count(), snapshot.keys().count(), "a channel came with its key or not at all");
    let last = channel_at("live/akhir");
    store.create_channel(&last, &key_for(&last).0).await.expect("and the store still writes");
}

/// The child half writes and says so until it is killed; the parent kills it at odd moments and counts.
#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    if let Some(path) = std::env::var_os(CHILD) {
        runtime.block_on(write_until_killed(Path::new(&path)));
    }
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.db");
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["a_kill_loses_nothing_that_was_acknowledged", "--exact", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let names = lines.map_while(Result::ok).filter_map(|line| Some(line.split_once("kept ")?.1.to_owned()));
        acknowledged.extend(names.take(3 + 4 * round));
        child.kill().expect("kill -9");
        child.wait().expect("reaped");
        let snapshot = runtime.block_on(async { open(&path).await.snapshot().await.expect("opens after a kill") });
        for name in &acknowledged {
            assert!(snapshot.channels().any(|channel| channel.path.name.as_str() == name), "lost {name}");
        }
        assert_eq!(snapshot.channels().count(), snapshot.keys().count());
    }
    assert!(acknowledged.len() >= 100, "{} writes is no test", acknowledged.len());
}

async fn write_until_killed(path: &Path) {
    let store = open(path).await;
    loop {
        let name = control::keys::random_id().to_string();
        let channel = channel_at(&format!("live/{name}"));
        store.create_channel(&channel, &key_for(&channel).0).await.expect("created");
        writeln!(std::io::stdout(), "kept {name}").expect("the parent reads");
    }
}
