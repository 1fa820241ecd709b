//! The `connect` command (RTMP 1.0 §7.2.1.1; E-RTMP v2 "Enhancing NetConnection connect Command"): what the client says
//! and what it is answered.

use formats::amf::Value;
use media::Redacted;

use super::types::Connect;
use crate::command::{self, Command, Level};

/// `capsEx` bits of E-RTMP v2.
pub mod caps {
    /// Understands `NetConnection.Connect.ReconnectRequest`.
    pub const RECONNECT: u32 = 0x01;
    /// Multitrack.
    pub const MULTITRACK: u32 = 0x02;
    /// ModEx packets.
    pub const MOD_EX: u32 = 0x04;
    /// Nanosecond offsets.
    pub const TIMESTAMP_NANO_OFFSET: u32 = 0x08;
    /// All of them: what this server says.
    pub const ALL: u32 = RECONNECT | MULTITRACK | MOD_EX | TIMESTAMP_NANO_OFFSET;
}

/// Property of `connect` in which our client says which of a server's own relays it may be. Other servers ignore it.
pub(crate) const RELAY_PROPERTY: &str = "tayangRelay";

/// Video FourCCs that Tayang carries.
const VIDEO_FOURCCS: [&str; 4] = ["avc1", "hvc1", "av01", "vp09"];
/// Audio FourCCs that Tayang carries.
const AUDIO_FOURCCS: [&str; 4] = ["mp4a", "Opus", "fLaC", ".mp3"];
/// `FourCcInfoMask.CanForward`: this server neither decodes nor encodes.
const CAN_FORWARD: f64 = 4.0;
/// Most FourCCs kept of what a client lists.
const FOURCCS_MAX: usize = 32;
/// Most characters kept of a client's name.
const FLASH_VER_MAX: usize = 64;

/// Why a `connect` is refused: the description that the client gets.
pub(super) type Refusal = &'static str;

/// Reads a `connect`. Whatever is null or missing is taken as not said; only an application must be named.
pub(super) fn parse(command: &Command, name_bytes_max: usize) -> Result<Connect, Refusal> {
    let object = command.object().filter(|object| object.properties().is_some());
    let Some(object) = object else { return Err("connect carries no command object") };
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (app, tc_url) = (text("app"), text("tcUrl"));
    if app.len() > name_bytes_max || tc_url.len() > name_bytes_max {
        return Err("application name or tcUrl is too long");
    }
    let path = if app.trim_matches('/').is_empty() { url_path(tc_url) } else { app };
    let (path, query) = split_query(path);
    let mut parts = path.trim_matches('/').splitn(2, '/');
    let app = parts.next().unwrap_or_default();
    if app.is_empty() {
        return Err("connect names no application");
    }
    let instance =
        parts.next().map(|rest| rest.trim_matches('/')).filter(|rest| !rest.is_empty() && *rest != "_definst_");
    let query = query.or_else(|| split_query(url_path(tc_url)).1);
    let caps_ex = object.get("capsEx").and_then(Value::as_f64).and_then(command::stream_id).unwrap_or(0);
    Ok(Connect {
        app: app.to_owned(),
        instance: instance.map(|rest| Redacted(rest.to_owned())),
        query: query.map(|text| Redacted(text.to_owned())),
        tc_url: Redacted(tc_url.to_owned()),
        flash_ver: text("flashVer").chars().filter(|c| !c.is_control()).take(FLASH_VER_MAX).collect(),
        object_encoding: if object.get("objectEncoding").and_then(Value::as_f64) == Some(3.0) { 3 } else { 0 },
        fourccs: fourccs(object),
        caps_ex,
        relay: u128::from_str_radix(text(RELAY_PROPERTY), 16).ok(),
        reconnect_supported: caps_ex & caps::RECONNECT != 0,
    })
}

/// `_result` of a `connect`. The enhanced properties are said if the client said any, in both objects: clients look in
/// the one or the other.
pub(super) fn answer(transaction: f64, connect: &Connect) -> Vec<u8> {
    let mut properties =
        vec![("fmsVer", Value::from("FMS/3,5,7,7009")), ("capabilities", 31.0.into()), ("mode", 1.0.into())];
    let mut info = vec![
        ("level", Value::from("status")),
        ("code", "NetConnection.Connect.Success".into()),
        ("description", "connected".into()),
        ("objectEncoding", f64::from(connect.object_encoding).into()),
    ];
    if connect.caps_ex != 0 || !connect.fourccs.is_empty() {
        let enhanced = enhanced();
        properties.extend(enhanced.iter().cloned());
        info.extend(enhanced);
    }
    command::encode("_result", transaction, &[Value::object(properties), Value::object(info)])
}

/// `_error` of a `connect`.
pub(super) fn refuse(transaction: f64, description: &str) -> Vec<u8> {
    let info = command::status(Level::Error, "NetConnection.Connect.Rejected", description);
    command::encode("_error", transaction, &[Value::Null, info])
}

fn enhanced() -> Vec<(&'static str, Value)> {
    let all = VIDEO_FOURCCS.iter().chain(&AUDIO_FOURCCS).map(|&fourcc| Value::from(fourcc)).collect();
    let map = |fourccs: &[&'static str]| Value::object(fourccs.iter().map(|&fourcc| (fourcc, CAN_FORWARD.into())));
    vec![
        ("fourCcList", Value::StrictArray(all)),
        ("videoFourCcInfoMap", map(&VIDEO_FOURCCS)),
        ("audioFourCcInfoMap", map(&AUDIO_FOURCCS)),
        ("capsEx", f64::from(caps::ALL).into()),
    ]
}

fn fourccs(object: &Value) -> Vec<String> {
    let listed = object.get("fourCcList").into_iter().flat_map(|list| match list {
        Value::StrictArray(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        other => other.properties().unwrap_or_default().iter().filter_map(|(_, value)| value.as_str()).collect(),
    });
    let mapped = ["videoFourCcInfoMap", "audioFourCcInfoMap"]
        .into_iter()
        .filter_map(|key| object.get(key)?.properties())
        .flatten()
        .map(|(fourcc, _)| fourcc.as_str());
    let mut found: Vec<String> = Vec::new();
    for fourcc in listed.chain(mapped).filter(|fourcc| (1..=4).contains(&fourcc.len())).take(4 * FOURCCS_MAX) {
        if found.len() < FOURCCS_MAX && !found.iter().any(|known| known == fourcc) {
            found.push(fourcc.to_owned());
        }
    }
    found
}

/// What follows scheme and host: `live/x?y` of `rtmp://host:1935/live/x?y`.
fn url_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').map_or("", |(_, path)| path)
}

/// Path and non-empty query.
fn split_query(path: &str) -> (&str, Option<&str>) {
    match path.split_once('?') {
        Some((path, query)) => (path, Some(query.trim_end_matches('/')).filter(|query| !query.is_empty())),
        None => (path, None),
    }
}
