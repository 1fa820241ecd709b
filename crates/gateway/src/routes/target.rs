//! What a URL path means. Pure: text in, [`Target`] out; whether the channel exists is asked later.
//!
//! The canonical shapes are `/{app}/{name}/…`; the shapes of the systems that Tayang replaces are read beside them:
//! livego `/{app}/{room}.flv|.m3u8`, the streaming platform's `/{id}/live.flv|…`, the distributed platform's
//! `/video/{id}/manifest.m3u8`, the LHLS platform's `/{id}/playlist.m3u8`.

use media::{ChannelPath, Name, StreamId};
use uuid::Uuid;

/// Application of channels that are named by one word.
pub const DEFAULT_APP: &str = "live";

/// First words of addresses that are the server's own, now or kept for it: no application and no channel is called so, as
/// [`parse`] would read its addresses as something else.
pub const RESERVED: [&str; 21] = [
    "api",
    "assets",
    "calendar",
    "control",
    "healthcheck",
    "healthz",
    "livestream",
    "mentor",
    "metrics",
    "mymentee",
    "mymentor",
    "p",
    "problems",
    "readyz",
    "recordings",
    "s",
    "stat",
    "store-live",
    "streams",
    "time",
    "watch",
];

/// Why a channel cannot be called `path`, if it cannot: its addresses would mean something else.
#[must_use]
pub fn refusal(path: &ChannelPath) -> Option<String> {
    for (what, word) in [("application", &path.app), ("channel", &path.name)] {
        let word = word.as_str();
        if RESERVED.contains(&word) {
            return Some(format!(
                "no {what} can be called {word}: addresses that begin with /{word} are the server's own"
            ));
        }
        if word.parse::<Uuid>().is_ok() {
            return Some(format!("no {what} can be called {word}: it reads as a channel's id"));
        }
    }
    None
}

/// A channel as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelRef {
    /// `{app}/{name}`.
    Path(ChannelPath),
    /// The channel's id. A word that is no id is a name in [`DEFAULT_APP`], and so a path.
    Id(Uuid),
}

/// How the watch page is to play at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// HTTP-FLV.
    Flv,
    /// HLS in MPEG-TS.
    Ts,
    /// HLS in CMAF.
    Hls,
    /// DASH.
    Dash,
}

impl Via {
    /// Value of the page's `via` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flv => "flv",
            Self::Ts => "ts",
            Self::Hls => "hls",
            Self::Dash => "dash",
        }
    }
}

/// A media track as a URL names it: `video`, `audio1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrackLabel(pub String);

/// Something of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelFile {
    /// The endless FLV, plain or over WebSocket.
    Flv,
    /// The LL-HLS multivariant playlist.
    Master,
    /// The multivariant playlist in the clothes of the LHLS platform.
    LhlsMaster,
    /// A live media playlist.
    Media(TrackLabel),
    /// A live LHLS media playlist.
    LhlsMedia(TrackLabel),
    /// The live MPEG-TS playlist, version 3.
    TsPlaylist,
    /// The DASH manifest.
    Mpd,
    /// State for pages, JSON.
    State,
    /// Recordings, JSON.
    Recordings,
    /// The watch page, opened by an old address.
    Page(Via),
    /// Something of one stream, live or recorded.
    Stream(StreamId, StreamFile),
    /// A rendition that only a transcoder makes.
    Rendition(String),
    /// Seed 003: window by query, multivariant.
    WindowMaster,
    /// Seed 003: window by query, media playlist.
    WindowMedia(TrackLabel),
}

/// Something of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFile {
    /// The recording's multivariant playlist.
    Master,
    /// The recording's media playlist.
    Media(TrackLabel),
    /// The recording's DASH manifest.
    Mpd,
    /// The recording as one file.
    Mp4,
    /// Initialisation of a track's epoch.
    Init(TrackLabel, u32),
    /// A segment by its number.
    Segment(TrackLabel, u64),
    /// A segment of an epoch by the tick at which it begins.
    SegmentAt(TrackLabel, u32, u64),
    /// A part.
    Part(TrackLabel, u64, u32),
    /// A segment in MPEG-TS.
    Ts(u64),
}

/// An app of pages, with addresses of its own below its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// For mentees: `/mymentor/`.
    MyMentor,
    /// For mentors: `/mymentee/`.
    MyMentee,
}

impl App {
    /// First word of its addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MyMentor => "mymentor",
            Self::MyMentee => "mymentee",
        }
    }
}

/// What a path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/`.
    Root,
    /// The process is up.
    Health,
    /// It can serve.
    Ready,
    /// Seed 002's health check.
    HealthCheck,
    /// Prometheus text.
    Metrics,
    /// The server's clock.
    Time,
    /// A file of the web pages.
    Asset(String),
    /// The watch page.
    Watch(ChannelPath),
    /// An address of an app, and what stands behind its name: a file of it, or a place that the app itself knows.
    App(App, String),
    /// Something of a channel; where the path can be read in two ways, the second reading follows.
    Channel(ChannelRef, ChannelFile, Option<(ChannelRef, ChannelFile)>),
    /// Nothing.
    Unknown,
}

/// A signed path: `/s/{sign}/rest` is `rest` with that signature.
#[must_use]
pub fn split_signed(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
        Some((sign, _)) => (Some(sign), &path["/s/".len() + sign.len()..]),
        None => (None, path),
    }
}

/// What a path carries before the address proper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carried<'p> {
    /// Nothing.
    #[default]
    Nothing,
    /// `/s/{sign}/`: a signature.
    Sign(&'p str),
    /// `/p/{token}/`: a playback token.
    Token(&'p str),
}

impl Carried<'_> {
    /// What goes before an address that carries it on; nothing for nothing.
    #[must_use]
    pub fn prefix(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Sign(sign) => format!("/s/{sign}"),
            Self::Token(token) => format!("/p/{token}"),
        }
    }
}

/// What a path carries, and the rest of it. [`split_signed`], and the same for `/p/{token}/rest`.
#[must_use]
pub fn split_carried(path: &str) -> (Carried<'_>, &str) {
    if let (Some(sign), rest) = split_signed(path) {
        return (Carried::Sign(sign), rest);
    }
    match path.strip_prefix("/p/").and_then(|rest| rest.split_once('/')) {
        Some((token, _)) => (Carried::Token(token), &path["/p/".len() + token.len()..]),
        None => (Carried::Nothing, path),
    }
}

fn app(path: &str) -> Option<Target> {
    let path = path.strip_prefix('/')?;
    [App::MyMentor, App::MyMentee].into_iter().find_map(|app| {
        let rest = path.strip_prefix(app.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| Target::App(app, rest.trim_start_matches('/').to_owned()))
    })
}

/// Reads a path that starts with `/` and holds neither query nor fragment.
#[must_use]
pub fn parse(path: &str) -> Target {
    if let Some(target) = app(path) {
        return target;
    }
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut next = || segments.next();
    // Six components are the deepest path there is; a seventh makes it unknown.
    let parts = [next(), next(), next(), next(), next(), next()];
    let [first, rest @ ..] = parts;
    match (first.unwrap_or_default(), rest) {
        ("", [None, ..]) => Target::Root,
        ("healthz", [None, ..]) => Target::Health,
        ("readyz", [None, ..]) => Target::Ready,
        ("healthcheck", [None, ..]) => Target::HealthCheck,
        ("metrics", [None, ..]) => Target::Metrics,
        ("time", [None, ..]) => Target::Time,
        ("assets", [Some(file), None, ..]) => Target::Asset(file.to_owned()),
        ("watch", [Some(app), Some(name), None, ..]) => channel_path(app, name).map_or(Target::Unknown, Target::Watch),
        ("video", [Some(id), Some("manifest.m3u8"), None, ..]) => one_word(id, ChannelFile::WindowMaster),
        ("video", [Some(id), Some(track), Some("chunklist.m3u8"), None, ..]) => match window_label(track) {
            Some(label) => one_word(id, ChannelFile::WindowMedia(label)),
            None => Target::Unknown,
        },
        (a, [Some(b), None, ..]) => two_words(a, b),
        (a, [Some(b), Some(c), None, ..]) => three_words(a, b, c),
        (app, [Some(name), Some(stream), Some(file), None, ..]) => of_stream(app, name, stream, stream_file(file)),
        (app, [Some(name), Some(stream), Some(folder), Some(file), None]) => {
            of_stream(app, name, stream, folder_file(folder, file))
        }
        _ => Target::Unknown,
    }
}

fn channel_path(app: &str, name: &str) -> Option<ChannelPath> {
    Some(ChannelPath { app: app.parse().ok()?, name: name.parse().ok()? })
}

fn id_or_default(word: &str) -> Option<ChannelRef> {
    if let Ok(id) = word.parse::<Uuid>() {
        return Some(ChannelRef::Id(id));
    }
    let name: Name = word.parse().ok()?;
    Some(ChannelRef::Path(ChannelPath { app: DEFAULT_APP.parse().ok()?, name }))
}

fn one_word(id: &str, file: ChannelFile) -> Target {
    id_or_default(id).map_or(Target::Unknown, |channel| Target::Channel(channel, file, None))
}

/// `/{app}/{room}.flv` first, `/{id}/live.flv` second.
fn two_words(a: &str, b: &str) -> Target {
    let livego =
        [(".flv", ChannelFile::Flv), (".m3u8", ChannelFile::TsPlaylist)].into_iter().find_map(|(ext, file)| {
            let path = channel_path(a, b.strip_suffix(ext)?)?;
            Some((ChannelRef::Path(path), file))
        });
    let by_id = id_or_default(a).zip(channel_file(b));
    match (livego, by_id) {
        (Some((channel, file)), second) => Target::Channel(channel, file, second),
        (None, Some((channel, file))) => Target::Channel(channel, file, None),
        (None, None) => Target::Unknown,
    }
}

/// `/{app}/{name}/file` first, `/{id}/720p/index.m3u8` second.
fn three_words(a: &str, b: &str, c: &str) -> Target {
    let rendition = (c == "index.m3u8" && matches!(b, "360p" | "480p" | "720p" | "1080p"))
        .then(|| id_or_default(a).map(|channel| (channel, ChannelFile::Rendition(b.to_owned()))))
        .flatten();
    match (channel_path(a, b).zip(channel_file(c)), rendition) {
        (Some((path, file)), second) => Target::Channel(ChannelRef::Path(path), file, second),
        (None, Some((channel, file))) => Target::Channel(channel, file, None),
        (None, None) => Target::Unknown,
    }
}

fn of_stream(app: &str, name: &str, stream: &str, file: Option<StreamFile>) -> Target {
    let found = || {
        let path = channel_path(app, name)?;
        Some(Target::Channel(ChannelRef::Path(path), ChannelFile::Stream(number(stream).map(StreamId)?, file?), None))
    };
    found().unwrap_or(Target::Unknown)
}

fn channel_file(file: &str) -> Option<ChannelFile> {
    Some(match file {
        "live.flv" => ChannelFile::Flv,
        "live.m3u8" => ChannelFile::TsPlaylist,
        "master.m3u8" | "index.m3u8" => ChannelFile::Master,
        "playlist.m3u8" => ChannelFile::LhlsMaster,
        "manifest.mpd" => ChannelFile::Mpd,
        "state" => ChannelFile::State,
        "recordings" => ChannelFile::Recordings,
        "flv.html" => ChannelFile::Page(Via::Flv),
        "index.html" => ChannelFile::Page(Via::Ts),
        "hls.html" => ChannelFile::Page(Via::Hls),
        "dash.html" => ChannelFile::Page(Via::Dash),
        _ => {
            let stem = file.strip_suffix(".m3u8")?;
            match stem.strip_prefix("lhls-") {
                Some(stem) => ChannelFile::LhlsMedia(track_label(stem)?),
                None => ChannelFile::Media(track_label(stem)?),
            }
        }
    })
}

fn stream_file(file: &str) -> Option<StreamFile> {
    Some(match file {
        "master.m3u8" | "index.m3u8" => StreamFile::Master,
        "manifest.mpd" => StreamFile::Mpd,
        "recording.mp4" => StreamFile::Mp4,
        _ => StreamFile::Media(track_label(file.strip_suffix(".m3u8")?)?),
    })
}

fn folder_file(folder: &str, file: &str) -> Option<StreamFile> {
    if folder == "ts" {
        return Some(StreamFile::Ts(number(file.strip_suffix(".ts")?)?));
    }
    let label = track_label(folder)?;
    if let Some(epoch) = file.strip_prefix("init-").and_then(|rest| rest.strip_suffix(".mp4")) {
        return Some(StreamFile::Init(label, u32::try_from(number(epoch)?).ok()?));
    }
    let stem = file.strip_suffix(".m4s")?;
    if let Some((msn, part)) = stem.split_once('.') {
        return Some(StreamFile::Part(label, number(msn)?, u32::try_from(number(part)?).ok()?));
    }
    match stem.split_once('-') {
        Some((epoch, start)) => Some(StreamFile::SegmentAt(label, u32::try_from(number(epoch)?).ok()?, number(start)?)),
        None => Some(StreamFile::Segment(label, number(stem)?)),
    }
}

/// `video`, `audio`, `video1` … `audio63`.
fn track_label(text: &str) -> Option<TrackLabel> {
    let digits = text.strip_prefix("video").or_else(|| text.strip_prefix("audio"))?;
    let ordinal = if digits.is_empty() { 0 } else { number(digits)? };
    ((digits.is_empty() || ordinal > 0) && ordinal < 64).then(|| TrackLabel(text.to_owned()))
}

/// Seed 003 names renditions; the copied source is called `source`, and our own labels are understood too.
fn window_label(text: &str) -> Option<TrackLabel> {
    if text == "source" { track_label("video") } else { track_label(text) }
}

/// Digits only, no sign, no leading zero: one text for one number, so that caches hold each object once.
fn number(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
