//! What only the inside can provoke.

use control::{Channel, ChannelOptions, ChannelRepository as _, StreamKey, keys};
use media::{ChannelPath, UnixMillis};

use super::*;

fn fresh(name: &str) -> (Channel, StreamKey) {
    let path = ChannelPath { app: "live".parse().expect("app"), name: name.parse().expect("name") };
    let channel = Channel::create(path, &ChannelOptions::default(), UnixMillis(1));
    let (key, _) = StreamKey::create(channel.id, "", UnixMillis(1));
    (channel, key)
}

#[tokio::test]
async fn a_full_disk_is_called_so_and_changes_nothing() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
    let (channel, key) = fresh("kelas");
    store.create_channel(&channel, &key).await.expect("created");
    // SQLite answers a file at its limit of pages as it answers a full disk: SQLITE_FULL.
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writer).await.expect("counted");
    let room_for = async |more: i64| {
        let limit = format!("PRAGMA max_page_count = {}", pages + more);
        sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&store.writer).await.expect("limited");
    };
    room_for(8).await;
    let mut failed = None;
    for _ in 0..2_000 {
        let (more, key) = fresh(&keys::random_id().to_string());
        if let Err(error) = store.create_channel(&more, &key).await {
            failed = Some(error);
            break;
        }
    }
    assert!(matches!(failed, Some(RepositoryError::Full)), "{failed:?}");
    assert_eq!(store.channel(&channel.path).await.expect("still reads"), Some(channel.clone()));
    room_for(8_000).await;
    let (more, key) = fresh("lagi");
    store.create_channel(&more, &key).await.expect("and writes again");
    let snapshot = store.snapshot().await.expect("read");
    assert_eq!(snapshot.channels().count(), snapshot.keys().count());
}

#[tokio::test]
async fn acknowledged_means_flushed() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
    let pragma = async |name: &'static str| -> String {
        let row = sqlx::query(name).fetch_one(&store.writer).await.expect("pragma");
        sqlx::Row::try_get::<String, _>(&row, 0).unwrap_or_else(|_| sqlx::Row::get::<i64, _>(&row, 0).to_string())
    };
    assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma("PRAGMA synchronous").await, "2", "FULL");
    assert_eq!(pragma("PRAGMA foreign_keys").await, "1");
    assert_eq!(pragma("PRAGMA busy_timeout").await, "10000");
}

#[tokio::test]
async fn what_strangers_ask_for_on_and_on_waits_for_no_writer() {
    use control::identity::IdentityRepository as _;
    use control::identity::throttle::{Attempt, Share};
    use control::secrets::{SecretName, SecretRepository as _};
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
    let secrets = store.secrets(SecretName::Calendar, &keys::generate(), UnixMillis(1)).await.expect("made");
    let share = Share { what: "uji", max: 1, window_ms: 900_000 };
    let attempts = [Attempt::on_account(share, "siti@example.test")];
    assert_eq!(store.attempt(&attempts, UnixMillis(1)).await.expect("noted"), None);
    let _writing = store.begin().await.expect("the only writer");
    let answers = async {
        assert_eq!(store.attempt(&attempts, UnixMillis(2)).await.expect("asked"), Some(899_999));
        assert_eq!(store.wait(&attempts, UnixMillis(2)).await.expect("asked"), Some(899_999));
        assert_eq!(store.secrets(SecretName::Calendar, &keys::generate(), UnixMillis(2)).await.expect("read"), secrets);
    };
    tokio::time::timeout(BUSY_TIMEOUT / 2, answers).await.expect("beside the writer");
}

#[tokio::test]
async fn what_is_refused_keeps_its_connection() {
    use control::identity::{IdentityRepository as _, UserChange};
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
    let operator = control::User {
        id: control::UserId::new(UnixMillis(1)),
        email: "operator@example.test".to_owned(),
        name: "Operator".to_owned(),
        locale: control::Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles: control::Roles { operator: true, ..control::Roles::default() },
        password: None,
        verified: Some(UnixMillis(1)),
        suspended: None,
        created: UnixMillis(1),
        version: 1,
    };
    control::PeopleRepository::create_user(&store, &operator).await.expect("created");
    sqlx::query("CREATE TEMP TABLE here (x)").execute(&store.writer).await.expect("marked");
    let suspend = UserChange { suspended: Some(true), ..UserChange::default() };
    let refused = store.change_user(operator.id, None, &suspend, None, UnixMillis(2)).await.expect("asked");
    assert_eq!(refused, control::identity::Changed::LastOperator);
    sqlx::query("SELECT * FROM here").fetch_all(&store.writer).await.expect("the same connection");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = SqliteStore::open(&directory.path().join("tayang.db")).await.expect("open");
    assert!(sqlx::query("DELETE FROM channels").execute(&store.readers).await.is_err());
}

/// A mounted tmpfs, gone at the end.
struct Tmpfs(PathBuf);

impl Tmpfs {
    /// `None` without the right to mount.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).expect("made");
        let mut command = std::process::Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&at).output().ok()?;
        mounted.status.success().then_some(Self(at))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_database_on_a_full_disk_says_so() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let Some(tmpfs) = Tmpfs::mount(directory.path().join("data")) else {
        eprintln!("no right to mount a tmpfs here: nothing is shown");
        return;
    };
    let (file, other) = (tmpfs.0.join("tayang.db"), tmpfs.0.join("somebody-else"));
    let fill = || fs::write(&other, vec![0; 4 << 20]).expect_err("full");
    fill();
    assert!(matches!(SqliteStore::open(&file).await, Err(OpenError::Full(_))), "a new one");
    fs::remove_file(&other).expect("room");
    SqliteStore::open(&file).await.expect("there is room again").close().await;
    fill();
    assert!(matches!(SqliteStore::open(&file).await, Err(OpenError::Full(_))), "one that is there");
}
