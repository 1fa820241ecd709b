//! Where values come from, which are refused, and how that is said.

use super::settings::{Kind, Preset, SETTINGS, unit};
use super::*;
use crate::config::resolve::{ConfigError, Origin};

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("any.toml");
    std::fs::write(&path, text).expect("written");
    load(&Sources { file: Some(path), ..Sources::default() }).map(|(config, _)| config)
}

fn from_flag(key: &'static str, text: &str) -> Result<Config, ConfigError> {
    load(&Sources { flags: vec![(key, text.to_owned())], ..Sources::default() }).map(|(config, _)| config)
}

#[test]
fn zero_configuration_works() {
    let (config, explained) = load(&Sources::default()).expect("all defaults are right");
    assert_eq!(config.http_addr.to_string(), "0.0.0.0:8080");
    assert_eq!(config.rtmp_addr.to_string(), "0.0.0.0:1935");
    assert_eq!((config.https_addr, config.rtmps_addr, config.public_url), (None, None, None));
    assert_eq!(config.legacy, Legacy::default());
    assert_eq!(config.recording.objects, Location::Directory("tayang-data/objects".into()));
    let (limits, theirs) = (&config.limits, gateway::Limits::default());
    assert_eq!((limits.http_per_address_max, limits.rtmp_per_address_max), (20_000, 8_000));
    assert_eq!(
        (limits.http_connections_max, limits.http_per_address_max),
        (theirs.http_connections_max, theirs.http_per_address_max)
    );
    assert_eq!(
        (limits.rtmp_connections_max, limits.rtmp_per_address_max),
        (theirs.rtmp_connections_max, theirs.rtmp_per_address_max)
    );
    assert_eq!(limits.memory_bytes_max, 4 << 30);
    assert_eq!(explained.len(), SETTINGS.len());
    assert!(explained.iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn keys_are_unique_and_numbers_say_their_unit() {
    let keys: std::collections::BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    assert_eq!(keys.len(), SETTINGS.len());
    for setting in SETTINGS {
        let counted = setting.key.starts_with("limits.") || setting.key.ends_with("_segments");
        if matches!(setting.kind, Kind::Number { .. }) && !counted {
            assert!(unit(setting.key).is_some(), "{} has no unit in its name", setting.key);
        }
        assert!(setting.about.ends_with('.'), "{}", setting.key);
        assert_eq!(setting.may_be_off(), setting.preset == Preset::Off);
    }
}

#[test]
fn flags_stand_above_the_environment_and_that_above_the_file() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.toml");
    std::fs::write(&path, "reconnect_window_s = 1\ndrain_timeout_s = 1\n[live]\nwindow_segments = 7\n")
        .expect("written");
    let sources = Sources {
        file: Some(path.clone()),
        environment: [("TAYANG_RECONNECT_WINDOW_S", "2"), ("TAYANG_DRAIN_TIMEOUT_S", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        flags: vec![("reconnect_window_s", "3".to_owned())],
    };
    let (config, explained) = load(&sources).expect("right");
    assert_eq!((config.reconnect_window_s, config.drain_timeout_s, config.live.window_segments), (3, 2, 7));
    let origin = |key: &str| explained.iter().find(|setting| setting.key == key).expect("known").origin.to_string();
    assert_eq!(origin("reconnect_window_s"), "flag");
    assert_eq!(origin("drain_timeout_s"), "environment TAYANG_DRAIN_TIMEOUT_S");
    assert_eq!(origin("live.window_segments"), format!("file {}", path.display()));
    assert_eq!(origin("http_addr"), "default");
}

#[test]
fn the_file_in_the_data_directory_is_read_unless_another_is_named() {
    let directory = tempfile::tempdir().expect("temporary directory");
    std::fs::write(directory.path().join("tayang.toml"), "drain_timeout_s = 7\n").expect("written");
    let mut sources =
        Sources { flags: vec![("data_dir", directory.path().display().to_string())], ..Sources::default() };
    assert_eq!(load(&sources).expect("right").0.drain_timeout_s, 7);
    let other = directory.path().join("other.toml");
    std::fs::write(&other, "").expect("written");
    sources.file = Some(other);
    assert_eq!(load(&sources).expect("right").0.drain_timeout_s, 10);
}

#[test]
fn places_follow_the_data_directory_wherever_that_was_set() {
    let config = from_file("data_dir = '/srv/tayang'").expect("right");
    assert_eq!(config.recording.journal_dir, Path::new("/srv/tayang/journal"));
    assert_eq!(config.database_file(), Path::new("/srv/tayang/tayang.db"));
    let config = from_file("data_dir = '/srv/tayang'\nrecording.journal_dir = '/fast'").expect("right");
    assert_eq!(config.recording.journal_dir, Path::new("/fast"));
}

#[test]
fn unknown_keys_are_refused_and_the_right_one_is_suggested() {
    for (text, message) in [
        ("htttp_addr = '0.0.0.0:1'", "there is no setting htttp_addr, did you mean http_addr?"),
        ("part_target_ms = 200", "there is no setting part_target_ms, did you mean live.part_target_ms?"),
        ("[live]\nzzzzzz = 1", "there is no setting live.zzzzzz;"),
        ("[legacy]\napi_addr = '0.0.0.0:8090'", "there is no setting legacy.api_addr"),
        ("[nothing.at.all]\nx = 1", "there is no setting nothing.at"),
        ("[[live]]\nx = 1", "there is no setting live"),
    ] {
        let error = from_file(text).expect_err(text).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn what_is_not_toml_is_refused_with_its_line_but_without_its_text() {
    let error = from_file("drain_timeout_s = 7\n\npassword = hunter2 !\n").expect_err("not TOML").to_string();
    assert!(error.contains("line 3") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let sources = Sources { file: Some("/nowhere/tayang.toml".into()), ..Sources::default() };
    let error = load(&sources).expect_err("no file").to_string();
    assert!(error.contains("/nowhere/tayang.toml"), "{error}");
}

#[test]
fn both_ends_of_every_range_are_taken_and_nothing_beyond() {
    for setting in SETTINGS {
        let Kind::Number { min, max } = setting.kind else { continue };
        for edge in [min, max] {
            match from_flag(setting.key, &edge.to_string()) {
                Ok(_) | Err(ConfigError::Together(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let beyond = [min.checked_sub(1).map(|n| n.to_string()), Some((max + 1).to_string())];
        for text in beyond.into_iter().flatten().chain(["-1", "", "1.5", "ten", "0x10", "1e3"].map(str::to_owned)) {
            let error = from_flag(setting.key, &text).expect_err(&text).to_string();
            assert!(error.starts_with(&format!("{} (from flag)", setting.key)), "{error}");
        }
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    for (text, message) in [
        ("drain_timeout_s = '7'", "is of type string, must be a whole number"),
        ("drain_timeout_s = 7.5", "is of type float"),
        ("drain_timeout_s = -7", "out of range"),
        ("http_addr = 8080", "is of type integer, must be a text"),
        ("http_addr = ['0.0.0.0:1']", "is of type array"),
        ("https_addr = false", "is of type boolean"),
    ] {
        let error = from_file(text).expect_err(text).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn addresses_words_and_filters_are_checked() {
    for (key, bad) in [
        ("http_addr", "8080"),
        ("http_addr", "localhost:8080"),
        ("http_addr", "off"),
        ("rtmp_addr", "0.0.0.0:99999"),
        ("log.format", "yaml"),
        ("log.level", "hub=loud"),
        ("data_dir", ""),
        ("recording.objects", "ftp://x/y"),
        ("trusted_proxies", "proxy.example.id"),
        ("public_url", "live.example.id"),
        ("public_url", "https://live.example.id/path"),
        ("public_url", "https://live.example.id:0"),
        ("public_url", "https://live exa"),
        ("public_url", "https://"),
        ("public_url", "https://[::1"),
    ] {
        assert!(from_flag(key, bad).is_err(), "{key} = {bad}");
    }
    assert_eq!(from_flag("http_addr", "[::]:0").expect("right").http_addr.port(), 0);
    for (url, shown) in [
        ("https://live.example.id/", "https://live.example.id"),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ] {
        let config = from_flag("public_url", url).expect("right");
        assert_eq!(config.public_url.expect("set").to_string(), shown);
    }
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for key in ["public_url", "recording.s3_endpoint"] {
        let error = from_flag(key, "https://user:hunter2@example.id").expect_err("password").to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = from_flag("recording.objects", "s3://AKIA:hunter2@bucket/x").expect_err("password").to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn off_turns_off_what_the_file_turned_on() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("tayang.toml");
    std::fs::write(&path, "https_addr = '0.0.0.0:8443'\n").expect("written");
    let mut sources = Sources { file: Some(path), ..Sources::default() };
    assert!(load(&sources).expect("right").0.https_addr.is_some());
    sources.environment.insert("TAYANG_HTTPS_ADDR".to_owned(), "off".to_owned());
    assert_eq!(load(&sources).expect("right").0.https_addr, None);
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    for text in [
        "tls_cert_file = 'a.pem'",
        "tls_key_file = 'a.key'",
        "http_addr = '0.0.0.0:1935'",
        "[legacy]\nflv_addr = '0.0.0.0:8080'",
        "[live]\npart_target_ms = 1000\nsegment_target_ms = 1500",
        "database_replica_url = 'postgres://x'",
        "[oidc]\nissuer = 'https://x'",
    ] {
        assert!(matches!(from_file(text), Err(ConfigError::Together(_))), "{text}");
    }
    assert!(from_file("http_addr = '0.0.0.0:0'\nrtmp_addr = '0.0.0.0:0'").is_ok(), "port 0 is another one each time");
}

#[test]
fn a_complete_file_is_taken_and_every_setting_in_it_counts() {
    let mut sections: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    for (at, setting) in SETTINGS.iter().enumerate() {
        let (table, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        let value = match setting.kind {
            Kind::Path => "'/srv/x'".to_owned(),
            Kind::Address => format!("'127.0.0.1:{}'", 2_000 + at),
            Kind::Url => "'https://example.id'".to_owned(),
            Kind::Objects => "'s3://kelas/rekaman'".to_owned(),
            Kind::Number { min, max } => (min + (max - min) / 2).to_string(),
            Kind::Word(words) => format!("'{}'", words[words.len() - 1]),
            Kind::Networks => "'10.1.0.0/16'".to_owned(),
            Kind::LogFilter => "'debug'".to_owned(),
            Kind::Text | Kind::Secret => format!("'text{at}'"),
        };
        sections.entry(table).or_default().push_str(&format!("{name} = {value}\n"));
    }
    let text: String = sections
        .iter()
        .map(|(table, lines)| if table.is_empty() { lines.clone() } else { format!("[{table}]\n{lines}") })
        .collect();
    let config = from_file(&text).expect("right");
    let default = load(&Sources::default()).expect("right").0;
    let lines = |config: &Config| format!("{config:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
    let value = |line: &String| line.contains(": ") && !line.ends_with(['{', '[']) && lines(&default).contains(line);
    let unchanged: Vec<_> = lines(&config).into_iter().filter(value).collect();
    assert!(unchanged.is_empty(), "set but without effect: {unchanged:?}");
}
