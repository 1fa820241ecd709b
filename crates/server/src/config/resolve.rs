//! Three sources, one answer per setting, and the checks.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use media::Redacted;
use store::objects::Location;

use super::settings::{Kind, Preset, SETTINGS, Setting, unit};
use super::{Config, Legacy, Lessons, Limits, Live, Log, Mail, Oidc, PublicUrl, Recording, TlsFiles};

/// Largest file that is read. A configuration with every setting is about 2 kB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where settings may come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that the user named. Without one, `tayang.toml` in the data directory is read if it is there.
    pub file: Option<PathBuf>,
    /// Variables whose name begins with `TAYANG_`.
    pub environment: BTreeMap<String, String>,
    /// Key and value, from the command line.
    pub flags: Vec<(&'static str, String)>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// The file has a key that is none of ours.
    #[error("{}: there is no setting {key}{}; `tayang config explain` lists all", path.display(), did_you_mean(suggestion))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// A setting with a name like it.
        suggestion: Option<&'static str>,
    },
    /// A value that the setting does not take.
    #[error("{key} (from {origin}): {problem}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Where the value stands.
        origin: Origin,
        /// What is wrong and what would be right. Does not repeat what may hold a password.
        problem: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Together(&'static str),
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(", did you mean {name}?"))
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// This file.
    File(PathBuf),
    /// This variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// One setting as `tayang config explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its key.
    pub key: &'static str,
    /// Its value; `None` is off.
    pub value: Option<String>,
    /// Where the value stands.
    pub origin: Origin,
    /// Which values are right, unit included.
    pub allowed: String,
    /// Its name in the environment.
    pub variable: String,
    /// What it does.
    pub about: &'static str,
}

/// Reads all sources and checks them: the configuration, and each setting with its source.
///
/// # Errors
/// [`ConfigError`], for the first thing that is wrong.
pub fn load(sources: &Sources) -> Result<(Config, Vec<Explained>), ConfigError> {
    let mut given: BTreeMap<&'static str, (String, Origin)> = BTreeMap::new();
    let mut above: BTreeMap<&'static str, (String, Origin)> = BTreeMap::new();
    for setting in SETTINGS {
        let variable = setting.variable();
        if let Some(text) = sources.environment.get(&variable) {
            above.insert(setting.key, (text.clone(), Origin::Environment(variable)));
        }
    }
    for (key, text) in &sources.flags {
        above.insert(key, (text.clone(), Origin::Flag));
    }
    let data_dir = above.get("data_dir").map_or(SETTINGS[0].preset_text(Path::new("")), |(text, _)| Some(text.clone()));
    let implied = data_dir.map(|data_dir| Path::new(&data_dir).join("tayang.toml")).filter(|path| path.is_file());
    if let Some(path) = sources.file.as_ref().or(implied.as_ref()) {
        read_file(path, &mut given)?;
    }
    given.extend(above);
    let values = Values::check(&given)?;
    Ok((values.config()?, values.explain()))
}

fn read_file(path: &Path, given: &mut BTreeMap<&'static str, (String, Origin)>) -> Result<(), ConfigError> {
    use std::io::Read as _;
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    std::fs::File::open(path).map_err(failed)?.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let syntax = |message: String| ConfigError::Syntax { path: path.to_owned(), message };
    if text.len() as u64 == FILE_BYTES_MAX {
        return Err(syntax(format!("is larger than {FILE_BYTES_MAX} bytes")));
    }
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // `message` alone: the error's own text quotes the line, and a line may hold what should not be shown.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        syntax(format!("line {line}: {}", error.message()))
    })?;
    for (name, value) in &table {
        match value {
            toml::Value::Table(inner) => {
                for (inner_name, value) in inner {
                    take(path, &format!("{name}.{inner_name}"), value, given)?;
                }
            }
            value => take(path, name, value, given)?,
        }
    }
    Ok(())
}

fn take(
    path: &Path,
    key: &str,
    value: &toml::Value,
    given: &mut BTreeMap<&'static str, (String, Origin)>,
) -> Result<(), ConfigError> {
    let origin = Origin::File(path.to_owned());
    let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
        return Err(ConfigError::Unknown { path: path.to_owned(), key: key.to_owned(), suggestion: nearest(key) });
    };
    let text = match (value, setting.kind) {
        (toml::Value::Integer(number), Kind::Number { .. }) => number.to_string(),
        (toml::Value::String(text), kind) if !matches!(kind, Kind::Number { .. }) => text.clone(),
        (other, kind) => {
            let wanted = if matches!(kind, Kind::Number { .. }) { "a whole number" } else { "a text in quotes" };
            let problem = format!("is of type {}, must be {wanted}", other.type_str());
            return Err(ConfigError::Value { key: setting.key, origin, problem });
        }
    };
    given.insert(setting.key, (text, origin));
    Ok(())
}

/// The setting whose name shares most with `key`, if it shares much.
fn nearest(key: &str) -> Option<&'static str> {
    let last = key.rsplit('.').next().unwrap_or(key);
    let distance = |setting: &&Setting| {
        let own = setting.key.rsplit('.').next().unwrap_or(setting.key);
        edit_distance(last, own)
    };
    SETTINGS.iter().min_by_key(distance).filter(|setting| distance(setting) <= 3).map(|setting| setting.key)
}

fn edit_distance(a: &str, b: &str) -> usize {
    // Keys are short; a stranger's long one is cut, as it is like none of ours anyway.
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl Setting {
    fn preset_text(&self, data_dir: &Path) -> Option<String> {
        match self.preset {
            Preset::Value(text) => Some(text.to_owned()),
            Preset::InDataDir(place) => Some(data_dir.join(place).display().to_string()),
            Preset::Off => None,
        }
    }

    fn allowed(&self) -> String {
        let allowed = match self.kind {
            Kind::Path => "a path".to_owned(),
            Kind::Address => "IP:PORT".to_owned(),
            Kind::Url => "http(s)://host[:port]".to_owned(),
            Kind::Objects => "a directory or s3://bucket/prefix".to_owned(),
            Kind::Number { min, max } => {
                format!("{min} to {max}{}", unit(self.key).map_or_else(String::new, |unit| format!(" {unit}")))
            }
            Kind::Word(words) => words.join(" or "),
            Kind::LogFilter => "a level or filter".to_owned(),
            Kind::Networks => "IP addresses or networks, with commas".to_owned(),
            Kind::Text | Kind::Secret => "a line of text".to_owned(),
        };
        if self.may_be_off() { format!("{allowed}, or off") } else { allowed }
    }

    /// What is wrong with `text`, if anything.
    fn check(&self, text: &str) -> Result<(), String> {
        let wrong = || Err(format!("must be {}", self.allowed()));
        match self.kind {
            Kind::Path if text.is_empty() || text.contains('\0') => wrong(),
            Kind::Path => Ok(()),
            Kind::Address if text.parse::<SocketAddr>().is_err() => {
                Err(format!("{text:?} is no address to listen on, must be {} such as 0.0.0.0:8080", self.allowed()))
            }
            Kind::Address => Ok(()),
            Kind::Url => text.parse::<PublicUrl>().map(|_| ()),
            Kind::Objects => text.parse::<Location>().map(|_| ()).map_err(|error| error.to_string()),
            Kind::Networks => api::Network::list(text).map(|_| ()).map_err(|error| error.to_string()),
            Kind::Number { min, max } => match text.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(format!("{text:?} is out of range, must be {}", self.allowed())),
            },
            Kind::Word(words) if words.contains(&text) => Ok(()),
            Kind::Word(_) => Err(format!("{text:?} is unknown, must be {}", self.allowed())),
            Kind::Text | Kind::Secret if text.is_empty() || text.contains(char::is_control) => wrong(),
            Kind::Text | Kind::Secret => Ok(()),
            Kind::LogFilter => tracing_subscriber::EnvFilter::try_new(text)
                .map(|_| ())
                .map_err(|error| format!("{text:?} is no log filter: {error}")),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    /// Never repeats the text: people put passwords in URLs.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("{what}, must be http(s)://host[:port]"));
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => ("http", rest),
            Some(("https", rest)) => ("https", rest),
            _ => return wrong("does not begin with http:// or https://"),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return wrong("has a user or password in it");
        }
        if authority.contains(['/', '?', '#']) {
            return wrong("has a path or query");
        }
        let (host, port) = match authority.rfind(':') {
            Some(at) if !authority[at..].contains(']') => (&authority[..at], Some(&authority[at + 1..])),
            _ => (authority, None),
        };
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return wrong("has no valid port"),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let valid = match bracketed {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => (1..=253).contains(&host.len()) && host.bytes().all(plain),
        };
        if valid { Ok(Self { scheme, host: host.to_owned(), port }) } else { wrong("has no valid host") }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Every setting's text, checked one by one.
struct Values(BTreeMap<&'static str, (Option<String>, Origin)>);

impl Values {
    fn check(given: &BTreeMap<&'static str, (String, Origin)>) -> Result<Self, ConfigError> {
        let data_dir = given.get("data_dir").map_or("tayang-data", |(text, _)| text.as_str());
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            let (text, origin) = match given.get(setting.key) {
                Some((text, origin)) if setting.may_be_off() && text == "off" => (None, origin.clone()),
                Some((text, origin)) => (Some(text.clone()), origin.clone()),
                None => (setting.preset_text(Path::new(data_dir)), Origin::Default),
            };
            if let Some(text) = &text {
                setting.check(text).map_err(|problem| ConfigError::Value {
                    key: setting.key,
                    origin: origin.clone(),
                    problem,
                })?;
            }
            values.insert(setting.key, (text, origin));
        }
        Ok(Self(values))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).expect("every key asked for is in the table").0.as_deref()
    }

    fn optional<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key).map(|text| text.parse().ok().expect("every value was checked"))
    }

    fn value<T: FromStr>(&self, key: &str) -> T {
        self.optional(key).expect("has a default")
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let tls = match (self.optional("tls_cert_file"), self.optional("tls_key_file")) {
            (Some(cert_file), Some(key_file)) => Some(TlsFiles { cert_file, key_file }),
            (None, None) => None,
            _ => return Err(ConfigError::Together("tls_cert_file and tls_key_file: set both or neither")),
        };
        let live = self.live();
        if live.segment_target_ms < 2 * live.part_target_ms {
            return Err(ConfigError::Together(
                "live.segment_target_ms must be at least twice live.part_target_ms, or parts gain nothing",
            ));
        }
        if self.text("database_replica_url").is_some() && self.text("database_url").is_none() {
            return Err(ConfigError::Together("database_replica_url needs database_url, whose replica it is"));
        }
        let config = Config {
            data_dir: self.value("data_dir"),
            http_addr: self.value("http_addr"),
            https_addr: self.optional("https_addr"),
            rtmp_addr: self.value("rtmp_addr"),
            rtmps_addr: self.optional("rtmps_addr"),
            tls,
            public_url: self.optional("public_url"),
            trusted_proxies: api::Network::list(self.text("trusted_proxies").unwrap_or_default()).unwrap_or_default(),
            database_url: self.secret("database_url"),
            database_replica_url: self.secret("database_replica_url"),
            lessons: Lessons {
                slot_margin_s: self.value("lessons.slot_margin_s"),
                attendance_ms: self.value("lessons.attendance_ms"),
                one_stream_each: self.text("lessons.one_stream_each") == Some("on"),
            },
            sign_up: self.text("accounts.sign_up") == Some("open"),
            local_targets: self.text("notices.local_targets") == Some("allowed"),
            mail: Mail {
                smtp_url: self.secret("mail.smtp_url"),
                from: self.value("mail.from"),
                dir: self.value("mail.dir"),
            },
            oidc: self.oidc()?,
            reconnect_window_s: self.value("reconnect_window_s"),
            drain_timeout_s: self.value("drain_timeout_s"),
            live,
            limits: Limits {
                http_connections_max: self.value("limits.http_connections_max"),
                http_per_address_max: self.value("limits.http_per_address_max"),
                rtmp_connections_max: self.value("limits.rtmp_connections_max"),
                rtmp_per_address_max: self.value("limits.rtmp_per_address_max"),
                memory_bytes_max: self.value("limits.memory_bytes_max"),
            },
            recording: Recording {
                journal_dir: self.value("recording.journal_dir"),
                objects: self.value("recording.objects"),
                s3_endpoint: self.optional("recording.s3_endpoint"),
                disk_reserve_bytes: self.value("recording.disk_reserve_bytes"),
            },
            legacy: Legacy {
                flv_addr: self.optional("legacy.flv_addr"),
                hls_addr: self.optional("legacy.hls_addr"),
                lhls_addr: self.optional("legacy.lhls_addr"),
                hook_secret: self.secret("legacy.hook_secret"),
            },
            log: Log { level: self.value("log.level"), json: self.text("log.format") == Some("json") },
        };
        refuse_shared_addresses(&config)?;
        Ok(config)
    }

    fn secret(&self, key: &str) -> Option<Redacted<String>> {
        self.optional(key).map(Redacted)
    }

    fn oidc(&self) -> Result<Option<Oidc>, ConfigError> {
        let (issuer, client_id) = match (self.optional("oidc.issuer"), self.optional("oidc.client_id")) {
            (Some(issuer), Some(client_id)) => (issuer, client_id),
            (None, None) => return Ok(None),
            _ => return Err(ConfigError::Together("oidc.issuer and oidc.client_id: set both or neither")),
        };
        Ok(Some(Oidc {
            name: self.value("oidc.name"),
            issuer,
            client_id,
            client_secret: self.secret("oidc.client_secret"),
            groups_claim: self.value("oidc.groups_claim"),
            mentor_group: self.optional("oidc.mentor_group"),
            operator_group: self.optional("oidc.operator_group"),
        }))
    }

    fn live(&self) -> Live {
        Live {
            part_target_ms: self.value("live.part_target_ms"),
            segment_target_ms: self.value("live.segment_target_ms"),
            window_segments: self.value("live.window_segments"),
            gop_bytes_max: self.value("live.gop_bytes_max"),
            coalesce_ms_max: self.value("live.coalesce_ms_max"),
            lag_ms_max: self.value("live.lag_ms_max"),
        }
    }

    fn explain(&self) -> Vec<Explained> {
        let explain = |setting: &Setting| {
            let (value, origin) = self.0.get(setting.key).cloned().expect("every setting has an entry");
            let value = value.map(|value| if setting.kind == Kind::Secret { "(set)".to_owned() } else { value });
            let (allowed, variable) = (setting.allowed(), setting.variable());
            Explained { key: setting.key, value, origin, allowed, variable, about: setting.about }
        };
        SETTINGS.iter().map(explain).collect()
    }
}

fn refuse_shared_addresses(config: &Config) -> Result<(), ConfigError> {
    let legacy = &config.legacy;
    let optional = [config.https_addr, config.rtmps_addr, legacy.flv_addr, legacy.hls_addr, legacy.lhls_addr];
    let all: Vec<SocketAddr> =
        [config.http_addr, config.rtmp_addr].into_iter().chain(optional.into_iter().flatten()).collect();
    let shared = |(at, address): (usize, &SocketAddr)| address.port() != 0 && all[..at].contains(address);
    if all.iter().enumerate().any(shared) {
        return Err(ConfigError::Together("two listeners have the same address: give each its own port"));
    }
    Ok(())
}
