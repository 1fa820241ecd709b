//! The table of all settings.

/// What kind of value a setting takes, and which are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file or directory.
    Path,
    /// `IP:PORT` to listen on.
    Address,
    /// `http://` or `https://`, a host, perhaps a port; nothing else, and no password.
    Url,
    /// A directory, or `s3://bucket/prefix`.
    Objects,
    /// A whole number, both ends included.
    Number {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// IP addresses and networks (`10.1.0.0/16`), with commas between them.
    Networks,
    /// Directives of `tracing`'s `EnvFilter`.
    LogFilter,
    /// One line of text.
    Text,
    /// One line of text that is never shown.
    Secret,
}

/// What a setting is when nobody set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// This value.
    Value(&'static str),
    /// A place below the data directory.
    InDataDir(&'static str),
    /// None: what it is for is off.
    Off,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the file, with the table's name: `live.part_target_ms`.
    pub key: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its default.
    pub preset: Preset,
    /// What it does, for people.
    pub about: &'static str,
}

impl Setting {
    /// Its name in the environment: `TAYANG_LIVE_PART_TARGET_MS`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("TAYANG_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// Whether the word `off` is a value of it.
    #[must_use]
    pub fn may_be_off(&self) -> bool {
        self.preset == Preset::Off
    }
}

const fn on(key: &'static str, kind: Kind, value: &'static str, about: &'static str) -> Setting {
    Setting { key, kind, preset: Preset::Value(value), about }
}

const fn off(key: &'static str, kind: Kind, about: &'static str) -> Setting {
    Setting { key, kind, preset: Preset::Off, about }
}

const fn below(key: &'static str, kind: Kind, place: &'static str, about: &'static str) -> Setting {
    Setting { key, kind, preset: Preset::InDataDir(place), about }
}

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

/// All of them, in the order in which they are explained.
pub const SETTINGS: &[Setting] = &[
    on("data_dir", Kind::Path, "tayang-data", "Where everything lies: database, journals, recordings."),
    on(
        "http_addr",
        Kind::Address,
        "0.0.0.0:8080",
        "Pages, playlists, segments, FLV and API. Port 0 takes any free one.",
    ),
    off(
        "database_url",
        Kind::Secret,
        "PostgreSQL, postgres://user:password@host/name. Without one, tayang.db in data_dir.",
    ),
    off("database_replica_url", Kind::Secret, "A replica of it, for lists that may be some seconds old."),
    off("https_addr", Kind::Address, "The same over TLS; usually port 8443."),
    on("rtmp_addr", Kind::Address, "0.0.0.0:1935", "RTMP in and out."),
    off("rtmps_addr", Kind::Address, "RTMP over TLS; usually port 1936."),
    off(
        "tls_cert_file",
        Kind::Path,
        "Certificate chain for HTTPS and RTMPS, PEM. Without one, a self-signed one is made.",
    ),
    off("tls_key_file", Kind::Path, "Private key of the certificate, PEM."),
    off(
        "public_url",
        Kind::Url,
        "Where people reach this server (behind a proxy, by name). Mails with links, and passkeys, need it.",
    ),
    on(
        "trusted_proxies",
        Kind::Networks,
        "127.0.0.0/8, ::1",
        "Proxies that say in X-Forwarded-For and X-Forwarded-Proto who asks. Nobody else is believed.",
    ),
    // 30 min: what the best peer offers. Longer, and a lesson that is over would look as if it went on.
    on("reconnect_window_s", number(0, 1_800), "60", "How long a stream waits for its publisher to come back."),
    // Under systemd's 90 s, above which it kills.
    on("drain_timeout_s", number(1, 80), "10", "How long a shutdown may take before it is cut short."),
    // Below 100 ms the requests of players outweigh the media; above 1 s it is no low latency any more.
    on(
        "lessons.slot_margin_s",
        number(0, 86_400),
        "900",
        "How long before its time a lesson takes its publisher, and after it while nothing came.",
    ),
    on(
        "lessons.attendance_ms",
        number(0, 86_400_000),
        "10000",
        "Media delivered to somebody before they count as having been there.",
    ),
    on(
        "lessons.one_stream_each",
        Kind::Word(&["off", "on"]),
        "off",
        "Whether somebody who begins to play ends what they played before, on whichever device.",
    ),
    on("accounts.sign_up", Kind::Word(&["open", "closed"]), "open", "Whether strangers may make an account."),
    off("mail.smtp_url", Kind::Secret, "smtp(s)://user:password@host:port. Without it, mails are files in mail.dir."),
    on("mail.from", Kind::Text, "Tayang <tayang@localhost>", "Sender of mails."),
    below("mail.dir", Kind::Path, "mail", "Where mails are put without mail.smtp_url, one file each."),
    on(
        "notices.local_targets",
        Kind::Word(&["refused", "allowed"]),
        "refused",
        "Whether push endpoints and webhooks may be on this machine itself and without TLS; for development.",
    ),
    off(
        "oidc.issuer",
        Kind::Text,
        "OpenID Connect provider: the URL below which /.well-known/openid-configuration lies.",
    ),
    on("oidc.name", Kind::Text, "OpenID Connect", "What its button on the sign-in page says."),
    off("oidc.client_id", Kind::Text, "By which the provider knows this server."),
    off("oidc.client_secret", Kind::Secret, "Of that client; a public client has none."),
    on(
        "oidc.groups_claim",
        Kind::Text,
        "groups",
        "Claim of the ID token with the person's groups (Cognito: cognito:groups).",
    ),
    off("oidc.mentor_group", Kind::Text, "Group whose members are mentors."),
    off("oidc.operator_group", Kind::Text, "Group whose members are operators."),
    on("live.part_target_ms", number(100, 1_000), "200", "Duration of a part of low-latency HLS and DASH."),
    on(
        "live.segment_target_ms",
        number(1_000, 10_000),
        "2000",
        "Duration of a segment; it is cut at the next key frame.",
    ),
    // 6: delta updates of HLS need as many target durations. 100: 3 min of 2 s, about 70 MB a stream at 3 Mbit/s.
    on("live.window_segments", number(6, 100), "15", "Segments that a live playlist lists."),
    on(
        "live.gop_bytes_max",
        number(1 << 20, 256 << 20),
        "33554432",
        "Bytes of a stream held for new viewers to start from, and so the longest group of pictures.",
    ),
    on("live.coalesce_ms_max", number(0, 200), "40", "How long frames may wait to be sent together. 0: not at all."),
    on(
        "live.lag_ms_max",
        number(500, 30_000),
        "2000",
        "How far an FLV or RTMP viewer may fall behind before it skips.",
    ),
    on("limits.http_connections_max", number(10, 1_000_000), "100000", "Open HTTP connections of a listener."),
    on("limits.http_per_address_max", number(1, 1_000_000), "20000", "The same from one address."),
    on("limits.rtmp_connections_max", number(10, 1_000_000), "20000", "Open RTMP connections of a listener."),
    on("limits.rtmp_per_address_max", number(1, 1_000_000), "8000", "The same from one address."),
    // A stream of 3 Mbit/s holds 15 MB: 4 GiB are 280 of them. 64 MiB: a handful.
    on(
        "limits.memory_bytes_max",
        number(64 << 20, 1 << 50),
        "4294967296",
        "Bytes that streams may hold; above it no new one begins, and those that are on go on.",
    ),
    below("recording.journal_dir", Kind::Path, "journal", "Journals of what is being recorded. On a local disk."),
    below("recording.objects", Kind::Objects, "objects", "Finished recordings: a directory, or s3://bucket/prefix."),
    off("recording.s3_endpoint", Kind::Url, "URL of an S3-compatible store other than AWS."),
    on(
        "recording.disk_reserve_bytes",
        number(0, 1 << 50),
        "67108864",
        "Bytes that recording leaves free on the journal's disk, for the database.",
    ),
    off("legacy.flv_addr", Kind::Address, "HTTP-FLV as livego has it; usually port 7001."),
    off("legacy.hls_addr", Kind::Address, "HLS as livego has it; usually port 7002."),
    off("legacy.lhls_addr", Kind::Address, "LHLS of the old LHLS platform; usually port 9094."),
    off(
        "legacy.hook_secret",
        Kind::Secret,
        "Opens POST /store-live as Authorization: Bearer, besides an operator's sign-in.",
    ),
    on("log.level", Kind::LogFilter, "info", "off, error, warn, info, debug, trace; or by module: info,hub=debug."),
    on("log.format", Kind::Word(&["text", "json"]), "text", "Lines for people, or one JSON object each."),
];

/// The unit that a key's name ends in, spelt out.
#[must_use]
pub fn unit(key: &str) -> Option<&'static str> {
    // "_max" closes a name but is no unit: gop_bytes_max, coalesce_ms_max.
    let name = key.strip_suffix("_max").unwrap_or(key);
    [("_ms", "milliseconds"), ("_s", "seconds"), ("_bytes", "bytes")]
        .into_iter()
        .find(|(suffix, _)| name.ends_with(suffix))
        .map(|(_, unit)| unit)
}
