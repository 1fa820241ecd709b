//! The command line as programs and people use it: the built binary, its answers, its exit codes. `docs/cli.md`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn tayang(data_dir: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tayang"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TAYANG_")) {
        command.env_remove(name);
    }
    command.arg("--data-dir").arg(data_dir).args(arguments.split_whitespace()).output().expect("runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The JSON answer of a command that goes well: one line, and nothing else on standard output.
fn json(data_dir: &Path, arguments: &str) -> Value {
    let output = tayang(data_dir, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {}", stderr(&output));
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}"))
}

fn data_dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

#[test]
fn channel_create_answers_what_scripts_rely_on() {
    let dir = data_dir();
    let made = json(dir.path(), "channel create kelas --json");
    let key = text(&made, "/key").to_owned();
    assert_eq!(key.len(), 48);
    assert_eq!((text(&made, "/app"), text(&made, "/name")), ("live", "kelas"));
    assert_eq!(text(&made, "/id").len(), 36);
    for (pointer, url) in [
        ("/publish/rtmp", format!("rtmp://127.0.0.1:1935/live/{key}")),
        ("/play/page", "http://127.0.0.1:8080/watch/live/kelas".to_owned()),
        ("/play/hls", "http://127.0.0.1:8080/live/kelas/master.m3u8".to_owned()),
        ("/play/ts", "http://127.0.0.1:8080/live/kelas/live.m3u8".to_owned()),
        ("/play/dash", "http://127.0.0.1:8080/live/kelas/manifest.mpd".to_owned()),
        ("/play/flv", "http://127.0.0.1:8080/live/kelas.flv".to_owned()),
        ("/play/ws_flv", "ws://127.0.0.1:8080/live/kelas.flv".to_owned()),
        ("/play/rtmp", "rtmp://127.0.0.1:1935/live/kelas".to_owned()),
        ("/recordings", "http://127.0.0.1:8080/live/kelas/recordings".to_owned()),
    ] {
        assert_eq!(text(&made, pointer), url, "{pointer}");
    }
    assert!(made.pointer("/publish/rtmps").is_none(), "off by default");
}

#[test]
fn options_of_a_channel_are_kept_and_listed() {
    let dir = data_dir();
    json(dir.path(), "channel create terbuka --app video --json");
    json(dir.path(), "channel create tertutup --no-record --private --legacy-md5 --label OBS --json");
    let listed = json(dir.path(), "channel list --json");
    let find =
        |name: &str| listed.as_array().expect("list").iter().find(|entry| entry["name"] == name).expect("listed");
    let open = find("terbuka");
    assert_eq!(
        (open["app"].as_str(), open["record"].as_bool(), open["public"].as_bool()),
        (Some("video"), Some(true), Some(true))
    );
    let closed = find("tertutup");
    assert_eq!((closed["record"].as_bool(), closed["public"].as_bool()), (Some(false), Some(false)));
    assert_eq!(closed["legacy_md5"], true);
    assert_eq!(text(closed, "/keys/0/label"), "OBS");
}

#[test]
fn a_channel_that_exists_is_exit_4_and_one_that_does_not_is_exit_3() {
    let dir = data_dir();
    json(dir.path(), "channel create kelas --json");
    let again = tayang(dir.path(), "channel create kelas --json");
    assert_eq!(again.status.code(), Some(4));
    assert_eq!(stdout(&again), "");
    assert!(stderr(&again).contains("rotate-key"), "{}", stderr(&again));
    for line in ["rotate-key", "add-key", "delete", "sign-url", "secrets"] {
        let missing = tayang(dir.path(), &format!("channel {line} tidakada"));
        assert_eq!((missing.status.code(), stdout(&missing).as_str()), (Some(3), ""), "{line}");
        assert!(stderr(&missing).contains("channel list"), "says what to do: {}", stderr(&missing));
    }
    assert_eq!(tayang(dir.path(), "recording list --channel tidakada").status.code(), Some(3));
}

#[test]
fn what_is_typed_wrong_is_exit_2_and_changes_nothing() {
    let dir = data_dir();
    for line in [
        "channel create ../kelas",
        "channel create a/b/c",
        "channel create kelas --app ../live",
        "channel create healthz",
        "channel create kelas --app watch",
        "channel create",
        "channel creat kelas",
        "channel sign-url kelas --expires-in-s -5",
        "channel sign-url kelas --legacy-md5",
        "serve --http nowhere",
        "--config /nowhere/tayang.toml channel list",
    ] {
        let output = tayang(dir.path(), line);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{line}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty(), "{line}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).expect("directory").count(), 0);
    std::fs::write(dir.path().join("tayang.toml"), "colour = 1\n").expect("written");
    let output = tayang(dir.path(), "channel list");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no setting colour"), "{}", stderr(&output));
}

#[test]
fn keys_are_added_rotated_and_revoked() {
    let dir = data_dir();
    let first = json(dir.path(), "channel create kelas --json");
    let second = json(dir.path(), "channel add-key kelas --label kamera2 --json");
    assert_ne!(text(&first, "/key"), text(&second, "/key"));
    assert_eq!(text(&first, "/id"), text(&second, "/id"));
    let revoked = json(dir.path(), &format!("channel revoke-key kelas {} --json", text(&first, "/key_id")));
    assert_eq!(revoked["valid_keys"], 1);
    let third = json(dir.path(), "channel rotate-key live/kelas --json");
    let listed = json(dir.path(), "channel list --json");
    let keys = listed.pointer("/0/keys").and_then(Value::as_array).expect("keys");
    let valid: Vec<_> = keys.iter().filter(|key| key["revoked"].is_null()).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(valid.len(), 1);
    assert_eq!(valid[0]["id"], third["key_id"]);
    let pasted = tayang(dir.path(), &format!("channel revoke-key kelas {}", text(&third, "/key")));
    assert_eq!(pasted.status.code(), Some(3));
    assert!(!stderr(&pasted).contains(text(&third, "/key")), "a key pasted for its id is not repeated");
}

#[test]
fn a_key_is_never_shown_again_nor_kept() {
    let dir = data_dir();
    let made = json(dir.path(), "channel create kelas --private --json");
    let key = text(&made, "/key");
    for line in [
        "channel list",
        "channel list --json",
        "channel secrets kelas --json",
        "config explain",
        "doctor",
        "recording list",
    ] {
        let output = tayang(dir.path(), line);
        assert!(!stdout(&output).contains(key) && !stderr(&output).contains(key), "{line}");
    }
    for entry in std::fs::read_dir(dir.path()).expect("directory").flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).expect("readable");
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{}", entry.path().display());
    }
}

#[test]
fn a_signed_link_is_made_of_the_secret_that_secrets_shows() {
    use hmac_by_openssl as hmac;
    let dir = data_dir();
    json(dir.path(), "channel create kelas --private --json");
    let secret = json(dir.path(), "channel secrets kelas --json");
    let play = json(dir.path(), "channel sign-url kelas --expires-in-s 600 --json");
    let sign = text(&play, "/sign");
    let (expiry, hex) = sign.split_once('-').expect("two parts");
    assert_eq!(hex, hmac(text(&secret, "/sign_secret"), &format!("play:/live/kelas-{expiry}")));
    assert_eq!(text(&play, "/play/hls"), format!("http://127.0.0.1:8080/s/{sign}/live/kelas/master.m3u8"));
    assert_eq!(text(&play, "/play/rtmp"), format!("rtmp://127.0.0.1:1935/live/kelas?sign={sign}"));
    let publish = json(dir.path(), "channel sign-url kelas --publish --json");
    let sign = text(&publish, "/sign");
    let (expiry, hex) = sign.split_once('-').expect("two parts");
    assert_eq!(hex, hmac(text(&secret, "/sign_secret"), &format!("/live/kelas-{expiry}")));
    assert_eq!(text(&publish, "/publish/rtmp"), format!("rtmp://127.0.0.1:1935/live/kelas?sign={sign}"));
    let refused = tayang(dir.path(), "channel sign-url kelas --publish --legacy-md5");
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

/// The signature as another program makes it.
fn hmac_by_openssl(secret: &str, message: &str) -> String {
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), message.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    stdout(&output).trim().rsplit("= ").next().expect("a digest").to_owned()
}

#[test]
fn deleting_frees_the_name() {
    let dir = data_dir();
    let old = json(dir.path(), "channel create kelas --json");
    assert_eq!(json(dir.path(), "channel delete kelas --json")["id"], old["id"]);
    assert_eq!(json(dir.path(), "channel list --json"), Value::Array(Vec::new()));
    assert_ne!(json(dir.path(), "channel create kelas --json")["id"], old["id"]);
}

/// A server on ports of its own choosing, stopped when dropped.
struct Server {
    child: std::process::Child,
    addresses: Value,
}

impl Server {
    fn start(data_dir: &Path) -> Self {
        let ready = data_dir.join("ready.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tayang"))
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--http", "127.0.0.1:0", "--rtmp", "0.0.0.0:0", "--ready-file"])
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !ready.exists() {
            assert!(Instant::now() < deadline, "not ready in a minute");
            assert_eq!(child.try_wait().expect("a child"), None, "ended instead");
            // tidy: sleep: another process writes the file, and there is no event for it
            std::thread::sleep(Duration::from_millis(20));
        }
        let addresses = serde_json::from_slice(&std::fs::read(&ready).expect("whole")).expect("JSON");
        Self { child, addresses }
    }

    fn port(&self, name: &str) -> u16 {
        text(&self.addresses, name).parse::<std::net::SocketAddr>().expect("address").port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[test]
fn the_running_servers_addresses_stand_above_the_configured_ones() {
    let dir = data_dir();
    let toml = "http_addr = '0.0.0.0:18080'\nrtmp_addr = '10.0.0.9:11935'\n";
    std::fs::write(dir.path().join("tayang.toml"), toml).expect("written");
    let configured = |made: &Value| {
        assert!(text(made, "/play/page").starts_with("http://127.0.0.1:18080/watch/live/"));
        assert!(text(made, "/publish/rtmp").starts_with("rtmp://10.0.0.9:11935/live/"));
    };
    configured(&json(dir.path(), "channel create satu --json"));
    {
        let server = Server::start(dir.path());
        let made = json(dir.path(), "channel create dua --json");
        assert_eq!(text(&made, "/play/page"), format!("http://127.0.0.1:{}/watch/live/dua", server.port("/http")));
        let rtmp = format!("rtmp://127.0.0.1:{}/live/", server.port("/rtmp"));
        assert!(text(&made, "/publish/rtmp").starts_with(&rtmp), "0.0.0.0 is shown as this machine: {made}");
        let findings = stdout(&tayang(dir.path(), "doctor"));
        assert!(findings.contains(&format!("the server runs (pid {})", server.child.id())), "{findings}");
    }
    configured(&json(dir.path(), "channel create tiga --json"));
}

#[test]
fn a_server_that_was_killed_or_whose_id_was_used_again_is_not_believed() {
    let dir = data_dir();
    let addresses = r#""http":"0.0.0.0:41000","https":null,"rtmp":"127.0.0.1:41001","rtmps":null,"flv":null,"hls":null,"lhls":null"#;
    // An id beyond the largest there can be; and that of this test, which is another program.
    for (name, pid) in [("satu", 4_194_304), ("dua", std::process::id())] {
        std::fs::write(dir.path().join("server.json"), format!("{{\"pid\":{pid},{addresses}}}")).expect("written");
        let made = json(dir.path(), &format!("channel create {name} --json"));
        assert_eq!(text(&made, "/play/page"), format!("http://127.0.0.1:8080/watch/live/{name}"));
    }
}

#[test]
fn public_url_gives_host_and_scheme() {
    let dir = data_dir();
    std::fs::write(dir.path().join("tayang.toml"), "public_url = 'https://live.example.id'\n").expect("written");
    let made = json(dir.path(), "channel create kelas --json");
    assert_eq!(text(&made, "/play/ws_flv"), "wss://live.example.id/live/kelas.flv");
    assert!(text(&made, "/publish/rtmp").starts_with("rtmp://live.example.id:1935/live/"));
}

#[test]
fn config_explain_shows_every_value_with_its_source() {
    let dir = data_dir();
    std::fs::write(dir.path().join("tayang.toml"), "[live]\npart_target_ms = 250\n").expect("written");
    let explained = json(dir.path(), "config explain --json");
    let find = |key: &str| {
        explained.as_array().expect("list").iter().find(|entry| entry["key"] == key).expect("listed").clone()
    };
    assert_eq!(find("live.part_target_ms")["value"], "250");
    assert!(text(&find("live.part_target_ms"), "/source").starts_with("file "));
    assert_eq!(text(&find("data_dir"), "/source"), "flag");
    assert_eq!(text(&find("http_addr"), "/source"), "default");
    assert_eq!(find("https_addr")["value"], Value::Null);
    let shown = stdout(&tayang(dir.path(), "config explain"));
    assert!(shown.contains("live.part_target_ms = 250") && shown.contains("100 to 1000 milliseconds"), "{shown}");
    assert!(shown.contains("TAYANG_LIVE_PART_TARGET_MS"), "{shown}");
}

#[test]
fn doctor_finds_a_taken_port_and_says_so_with_exit_5() {
    let dir = data_dir();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    std::fs::write(dir.path().join("tayang.toml"), format!("http_addr = '{address}'\nrtmp_addr = '127.0.0.1:0'\n"))
        .expect("written");
    let output = tayang(dir.path(), "doctor --json");
    assert_eq!(output.status.code(), Some(5));
    let findings: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let problem =
        findings.as_array().expect("list").iter().find(|finding| finding["level"] == "problem").expect("a problem");
    assert!(text(problem, "/finding").contains(&address.to_string()));
    assert!(text(problem, "/advice").contains("http_addr"));
    let shown = stdout(&tayang(dir.path(), "doctor"));
    assert!(shown.contains("PROBLEM  ports") && shown.contains("-> "), "{shown}");
}

#[test]
fn recording_list_is_empty_at_first_in_both_forms() {
    let dir = data_dir();
    assert_eq!(json(dir.path(), "recording list --json"), Value::Array(Vec::new()));
    let output = tayang(dir.path(), "recording list");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""));
}

#[test]
fn help_and_version_are_answers() {
    let dir = data_dir();
    for line in ["--help", "--version", "channel --help", "channel create --help", "serve --help"] {
        let output = tayang(dir.path(), line);
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!stdout(&output).is_empty() && stderr(&output).is_empty(), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = data_dir();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tayang"))
        .arg("--data-dir")
        .arg(dir.path())
        .args(["config", "explain"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    assert!(first.starts_with("data_dir = "));
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn twenty_commands_at_once_all_do_their_work() {
    let dir = data_dir();
    let threads: Vec<_> = (0..20)
        .map(|n| {
            let path = dir.path().to_owned();
            std::thread::spawn(move || json(&path, &format!("channel create kelas{n} --json")))
        })
        .collect();
    for thread in threads {
        thread.join().expect("made");
    }
    assert_eq!(json(dir.path(), "channel list --json").as_array().map(Vec::len), Some(20));
}
