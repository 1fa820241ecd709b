//! A PostgreSQL server of the tests' own: real, on a socket in a temporary folder, gone with the test process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use store::db::postgres::PgStore;

/// Where Debian keeps the programs of PostgreSQL, which are not on the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A running server. Stops with the process that holds its standard input.
pub struct Cluster {
    folder: PathBuf,
    databases: AtomicU32,
}

impl Cluster {
    /// The server of this test process; started by whoever asks first. `None`, and said so, where PostgreSQL is not
    /// installed: `cargo xtask test` installs it.
    pub fn shared() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not installed");
            eprintln!("PostgreSQL is not installed: nothing is shown");
            return None;
        };
        let folder = tempfile::tempdir().expect("temporary directory").keep();
        let as_user = is_root().then_some("postgres");
        if let Some(user) = as_user {
            succeeds(Command::new("chown").arg("-R").arg(user).arg(&folder));
        }
        let (cluster, log) = (folder.join("data"), folder.join("log"));
        succeeds(run("initdb").args(["-A", "trust", "-U", "tayang", "-E", "UTF8", "--no-sync", "-D"]).arg(&cluster));
        let options = format!("-k {} -c listen_addresses= -c fsync=off -c max_connections=200", folder.display());
        succeeds(run("pg_ctl").args(["-w", "-o", &options, "-D"]).arg(&cluster).arg("-l").arg(&log).arg("start"));
        // Stops it when this process is gone, however that comes about: it waits for the end of its input.
        let stop =
            format!("cat; {:?} -m immediate -D {:?} stop; rm -rf {:?}", programs.join("pg_ctl"), cluster, folder);
        let mut keeper = match as_user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--", "sh", "-c", &stop]);
                command
            }
            None => {
                let mut command = Command::new("sh");
                command.args(["-c", &stop]);
                command
            }
        };
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("keeper");
        // Its input stays open until this process ends.
        std::mem::forget(keeper);
        Some(Self { folder, databases: AtomicU32::new(0) })
    }

    /// The URL of a new, empty database.
    pub async fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = sqlx::PgPool::connect(&self.url("postgres")).await.expect("connect");
        let text = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&admin).await.expect("created");
        admin.close().await;
        self.url(&name)
    }

    /// A store in a new database.
    #[allow(dead_code, reason = "not every test that has a server wants an open store")]
    pub async fn store(&self) -> PgStore {
        PgStore::open(&self.database().await, None).await.expect("open")
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://tayang@localhost/{database}?host={}", self.folder.display())
    }

    /// A second server that follows this one, of all its databases.
    #[allow(dead_code, reason = "not every test that has a server wants two")]
    pub fn replica(&self) -> Replica {
        let cluster = self.folder.join("replica");
        let folder = self.folder.display().to_string();
        succeeds(
            run("pg_basebackup")
                .args(["-h", &folder, "-U", "tayang", "-R", "-X", "stream", "-c", "fast", "-D"])
                .arg(&cluster),
        );
        let replica = Replica { folder: self.folder.clone() };
        replica.start();
        replica
    }
}

/// See [`Cluster::replica`]. Ends with the process that started its cluster at the latest.
#[allow(dead_code, reason = "not every test that has a server wants two")]
pub struct Replica {
    folder: PathBuf,
}

#[allow(dead_code, reason = "not every test that has a server wants two")]
impl Replica {
    fn control(&self) -> Command {
        let mut command = run("pg_ctl");
        command.arg("-D").arg(self.folder.join("replica")).arg("-w");
        command
    }

    /// Starts it, or starts it again.
    pub fn start(&self) {
        let options = format!(
            "-k {} -c port=5433 -c listen_addresses= -c fsync=off -c max_connections=200",
            self.folder.display()
        );
        succeeds(self.control().args(["-o", &options, "-l"]).arg(self.folder.join("replica.log")).arg("start"));
    }

    /// Stops it at once.
    pub fn stop(&self) {
        succeeds(self.control().args(["-m", "immediate", "stop"]));
    }

    /// The URL of a database, here.
    pub fn url(&self, of_primary: &str) -> String {
        of_primary.replacen("@localhost/", "@localhost:5433/", 1)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.control().args(["-m", "immediate", "stop"]).output();
    }
}

/// One of PostgreSQL's programs, as a user that it is willing to run as: not root.
fn run(name: &str) -> Command {
    let program = programs().expect("PostgreSQL is installed").join(name);
    match is_root() {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        }
        false => Command::new(program),
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?.flatten().map(|entry| entry.path().join("bin"));
    versions.filter(|folder| folder.join("initdb").exists()).max().or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder: &PathBuf| Path::new(folder).join("initdb").exists())
    })
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
