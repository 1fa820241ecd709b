//! `tayang secret`: the built binary rotates and retires what the server signs with, and a running one follows. `docs/cli.md`.

#[path = "../../store/tests/repository/school.rs"]
mod school;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::secrets::{SecretName, SecretRepository as _};
use control::{KeyHash, LessonId, PeopleRepository as _, Session, SessionId, SessionKind, keys};
use media::UnixMillis;
use school::School;
use serde_json::{Value, json};
use store::db::sqlite::SqliteStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tayang"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TAYANG_")) {
        command.env_remove(name);
    }
    command.arg("--data-dir").arg(directory.join("kept"));
    command
}

fn tayang(directory: &Path, arguments: &str) -> Output {
    command(directory).args(arguments.split_whitespace()).output().expect("runs")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn answer(directory: &Path, arguments: &str) -> Value {
    let output = tayang(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn store(directory: &Path) -> SqliteStore {
    std::fs::create_dir_all(directory.join("kept")).expect("a directory");
    SqliteStore::open(&directory.join("kept/tayang.db")).await.expect("open")
}

fn wall() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    UnixMillis(since.as_millis() as i64)
}

#[tokio::test]
async fn keys_are_listed_rotated_and_retired_and_no_value_is_shown() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let at = directory.path();
    assert_eq!(answer(at, "secret list --json"), json!([]));
    assert_eq!(tayang(at, "secret rotate playback").status.code(), Some(3), "none yet");
    let store = store(at).await;
    for name in SecretName::ALL {
        store.secrets(*name, &keys::generate(), UnixMillis(1)).await.expect("made");
    }
    let rotated = answer(at, "secret rotate --all --json");
    let rotated: Vec<_> = rotated.as_array().expect("a list").iter().map(|key| (&key["name"], &key["kid"])).collect();
    assert_eq!(rotated.len(), SecretName::ALL.len() - 1, "{rotated:?}");
    assert!(rotated.iter().all(|(name, kid)| **name != "vapid" && **kid == 2), "{rotated:?}");
    assert_eq!(answer(at, "secret rotate calendar --json")[0]["kid"], 3);
    let mut values = Vec::new();
    for name in SecretName::ALL {
        values.extend(store.secrets(*name, &keys::generate(), wall()).await.expect("read"));
    }
    let retired = answer(at, "secret retire calendar --json");
    assert_eq!((&retired["name"], &retired["retired"]), (&json!("calendar"), &json!([1])));
    let retired = answer(at, "secret retire calendar --all-older --json");
    assert_eq!(retired["retired"], json!([2]));
    assert!(retired["ends"].as_str().is_some_and(|ends| ends.contains("calendar")), "{retired}");
    let of_calendar = |list: &Value| {
        let keys = list.as_array().expect("a list").iter().filter(|key| key["name"] == "calendar");
        keys.map(|key| (key["kid"].as_i64(), key["retired"].is_null())).collect::<Vec<_>>()
    };
    let listed = answer(at, "secret list --json");
    assert_eq!(of_calendar(&listed), [(Some(3), true), (Some(2), false), (Some(1), false)]);
    for (line, code) in [
        ("secret list", 0),
        ("secret retire calendar --all-older", 3),
        ("secret rotate vapid", 1),
        ("secret retire vapid --all-older", 1),
        ("secret rotate nonsense", 2),
        ("secret rotate", 2),
        ("secret rotate playback --all", 2),
        ("secret retire", 2),
        ("secret rotate oidc", 0),
        ("secret retire oidc", 0),
    ] {
        let output = tayang(at, line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", said(&output));
        assert!(!said(&output).is_empty(), "{line}");
        assert!(values.iter().all(|secret| !said(&output).contains(&secret.value.0)), "{line}");
    }
    assert!(values.iter().all(|secret| !listed.to_string().contains(&secret.value.0)));
}

/// A running program, killed at the end of its test.
struct Running {
    child: Child,
    http: String,
}

impl Running {
    async fn start(directory: &Path) -> Self {
        let ready = directory.join("ready.json");
        let child = command(directory)
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--ready-file"])
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let http = eventually("it gets ready", async || address(&ready)).await;
        Self { child, http }
    }

    /// The status and the body of an answer.
    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut socket = TcpStream::connect(&self.http).await.expect("connected");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.http,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.expect("sent");
        let mut text = String::new();
        tokio::time::timeout(PATIENCE, socket.read_to_string(&mut text)).await.expect("in time").expect("text");
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"));
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// What a playback's addresses open now.
    async fn plays(&self, playback: &Value) -> bool {
        let base = playback["base_url"].as_str().expect("an address");
        match self.ask("GET", &format!("{base}state"), "", None).await.0 {
            200 => true,
            404 => false,
            other => panic!("{other}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where the program listens, once it says so.
fn address(ready: &PathBuf) -> Option<String> {
    let addresses: Value = serde_json::from_str(&std::fs::read_to_string(ready).ok()?).ok()?;
    Some(addresses["http"].as_str()?.to_owned())
}

/// What `probe` answers at last.
async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not in {PATIENCE:?}");
    }
}

/// Which key signed the token in a playback's addresses: its third and fourth byte.
fn kid(playback: &Value) -> u16 {
    let token = playback["base_url"].as_str().and_then(|base| base.split('/').nth(2)).expect("a token");
    let bytes = URL_SAFE_NO_PAD.decode(token).expect("bytes");
    u16::from_be_bytes([bytes[2], bytes[3]])
}

/// A lesson that begins soon, and a token of its mentor's.
async fn lesson(store: &SqliteStore) -> (LessonId, String) {
    let (now, token) = (wall(), keys::generate().0);
    let school = School::with(store, 0, now).await;
    let session = Session {
        id: SessionId::new(now),
        user: school.mentor,
        kind: SessionKind::Bearer,
        secret: KeyHash::of(&token),
        label: "test".to_owned(),
        created: now,
        seen: now,
        expires: now.plus_millis(3_600_000),
        revoked: None,
    };
    store.create_session(&session).await.expect("created");
    (school.lesson(store, now.plus_millis(60_000), now).await.id, token)
}

#[tokio::test]
async fn a_running_server_plays_by_tokens_from_before_and_after_a_rotation_until_the_older_keys_are_retired() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let at = directory.path();
    let running = Running::start(at).await;
    let store = store(at).await;
    let (lesson, token) = lesson(&store).await;
    let begin = async || {
        let path = format!("/api/v1/lessons/{lesson}/playback");
        let (status, playback) = running.ask("POST", &path, &token, Some(json!({ "carry": "path" }))).await;
        assert_eq!(status, 201, "{playback}");
        playback
    };
    let refresh = async |playback: &Value| {
        let id = playback["playback_id"].as_str().expect("an id");
        let (status, answer) = running.ask("POST", &format!("/api/v1/playbacks/{id}/refresh"), &token, None).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let before = begin().await;
    eventually("it knows of the lesson", async || running.plays(&before).await.then_some(())).await;
    assert_eq!(answer(at, "secret rotate playback --json")[0]["kid"], 2);
    let between = begin().await;
    assert_eq!((kid(&before), kid(&between)), (1, 1), "a new key waits until every server knows it");
    // As if it had been made two minutes ago.
    store.rotate_secret(SecretName::Playback, &keys::generate(), wall().plus_millis(-120_000)).await.expect("rotated");
    let after = eventually("the new key signs", async || {
        let renewed = refresh(&between).await;
        (kid(&renewed) == 3).then_some(renewed)
    });
    let after = after.await;
    for playback in [&before, &between, &after] {
        assert!(running.plays(playback).await, "{}", kid(playback));
    }
    assert_eq!(answer(at, "secret retire playback --all-older --json")["retired"], json!([1, 2]));
    eventually("the older key opens nothing", async || (!running.plays(&before).await).then_some(())).await;
    assert!(!running.plays(&between).await && running.plays(&after).await);
    assert!(running.plays(&refresh(&before).await).await, "its session goes on by a token of the newer key");
    assert!(running.plays(&begin().await).await);
}
