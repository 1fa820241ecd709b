//! Playing, to the hand-over of the socket.

use super::*;
use crate::wire::{self, MediaKind};

#[test]
fn a_player_gets_the_preamble_then_media() {
    let mut pair = Pair::new(ClientConfig::new(Purpose::Play, "live", "kelas"));
    let play =
        Event::Play { stream_id: 1, name: Redacted("kelas".into()), start: PlayStart::LiveOrRecorded, reset: true };
    assert_eq!(pair.server_events.last(), Some(&play));
    pair.server.accept_play(1);
    pair.server.send_media(MediaKind::Video, 7, &[&[0x17, 1], &[2, 3]]);
    pair.run();
    let reset = ClientEvent::Status {
        is_error: false,
        code: "NetStream.Play.Reset".into(),
        description: "playing and resetting".into(),
    };
    let media = ClientEvent::Media { kind: MediaKind::Video, timestamp: 7, body: Bytes::from_static(&[0x17, 1, 2, 3]) };
    assert_eq!(pair.client_events[1..], [reset, ClientEvent::Playing, media]);
    pair.server.close(CloseCode::StreamEnded, "");
    pair.run();
    assert_eq!(pair.client_events.last(), Some(&ClientEvent::EndOfStream));
    assert!(pair.closed);
}

#[test]
fn the_preamble_is_announced_in_the_chunk_size_that_media_uses() {
    let mut raw = Raw::connected();
    assert!(raw.controls().contains(&Control::SetChunkSize(wire::CHUNK_SIZE)));
    raw.clear();
    raw.command(1, "play", 5.0, &[Value::Null, "kelas".into(), (-1000.0).into(), (-1.0).into(), false.into()]);
    raw.server.accept_play(1);
    raw.drain();
    assert_eq!(raw.controls(), [Control::User(UserControl::StreamBegin(1))]);
    assert_eq!(raw.codes(), ["NetStream.Play.Start"], "no reset was asked for");
    let script = raw.answers.iter().find(|message| message.type_id == kind::DATA_AMF0).expect("sample access");
    assert!(script.payload.windows(17).any(|window| window == b"|RtmpSampleAccess"));
}

#[test]
fn a_refused_player_is_told_and_closed() {
    for (why, code) in [
        (Reject::NotFound, "NetStream.Play.StreamNotFound"),
        (Reject::Denied, "NetStream.Play.StreamNotFound"),
        (Reject::InUse, "NetStream.Play.StreamNotFound"),
        (Reject::Overloaded, "NetStream.Play.Failed"),
        (Reject::Failed, "NetStream.Play.Failed"),
    ] {
        let mut raw = Raw::connected();
        raw.clear();
        raw.command(1, "play", 5.0, &[Value::Null, "kelas".into()]);
        raw.server.reject_play(1, why);
        raw.drain();
        assert_eq!(raw.codes(), [code]);
        assert!(raw.closed);
    }
}

#[test]
fn every_form_of_start_is_understood() {
    for (start, expected) in [
        (-2.0, PlayStart::LiveOrRecorded),
        (-2000.0, PlayStart::LiveOrRecorded),
        (-1.0, PlayStart::LiveOnly),
        (-1000.0, PlayStart::LiveOnly),
        (0.0, PlayStart::At(0)),
        (1500.0, PlayStart::At(1500)),
        (1e300, PlayStart::At(u32::MAX)),
        (f64::NAN, PlayStart::LiveOrRecorded),
        (f64::NEG_INFINITY, PlayStart::LiveOrRecorded),
    ] {
        let mut raw = Raw::connected();
        raw.command(1, "play", 5.0, &[Value::Null, "kelas".into(), start.into()]);
        assert!(matches!(raw.events.last(), Some(Event::Play { start, .. }) if *start == expected), "{start}");
    }
}

#[test]
fn a_player_pauses_mutes_seeks_and_stops() {
    let mut raw = Raw::playing();
    raw.command(1, "pause", 0.0, &[Value::Null, true.into(), 1234.0.into()]);
    raw.command(1, "pause", 0.0, &[Value::Null, false.into(), (-5.0).into()]);
    raw.command(1, "receiveVideo", 0.0, &[Value::Null, false.into()]);
    raw.command(1, "receiveAudio", 0.0, &[Value::Null, true.into()]);
    raw.command(1, "seek", 0.0, &[Value::Null, 0.0.into()]);
    raw.command(1, "closeStream", 0.0, &[Value::Null]);
    assert_eq!(
        raw.events,
        [
            Event::Pause { paused: true, position_ms: 1234 },
            Event::Pause { paused: false, position_ms: 0 },
            Event::Receive { kind: media::MediaKind::Video, wanted: false },
            Event::Receive { kind: media::MediaKind::Audio, wanted: true },
            Event::StopPlay,
        ]
    );
    assert_eq!(
        raw.codes(),
        ["NetStream.Pause.Notify", "NetStream.Unpause.Notify", "NetStream.Seek.Failed", "NetStream.Play.Stop"]
    );
    raw.clear();
    raw.command(1, "pause", 0.0, &[Value::Null, true.into()]);
    assert_eq!((raw.events.len(), raw.server.counters().commands_ignored), (0, 1));
}

#[test]
fn a_player_that_asks_for_another_stream_leaves_the_first() {
    for switch in ["play", "play2"] {
        let mut raw = Raw::playing();
        let name = match switch {
            "play" => Value::from("lain"),
            _ => Value::object([("streamName", "lain".into()), ("start", (-1.0).into())]),
        };
        raw.command(1, switch, 0.0, &[Value::Null, name]);
        assert_eq!(raw.events[0], Event::StopPlay);
        assert_eq!(asked_name(&raw.events), Some("lain"));
        raw.server.accept_play(1);
        raw.drain();
        assert_eq!(raw.codes(), ["NetStream.Play.Reset", "NetStream.Play.Start"]);
    }
}

#[test]
fn a_play_that_names_nothing_is_not_found_and_the_session_goes_on() {
    let mut raw = Raw::connected();
    raw.clear();
    raw.command(1, "play", 5.0, &[Value::Null]);
    raw.command(1, "play2", 5.0, &[Value::Null, Value::Null]);
    raw.command(1, "play", 5.0, &[Value::Null, "?sign=x".into()]);
    assert_eq!(raw.codes(), ["NetStream.Play.StreamNotFound"; 3]);
    raw.command(1, "play", 5.0, &[Value::Null, "kelas".into()]);
    assert_eq!(asked_name(&raw.events), Some("kelas"));
}

#[test]
fn media_reaches_only_accepted_players() {
    let mut raw = Raw::connected();
    raw.clear();
    raw.server.send_media(MediaKind::Audio, 0, &[b"x"]);
    raw.drain();
    assert!(raw.sent.is_empty());
    let mut raw = Raw::playing();
    raw.server.send_media(MediaKind::Audio, 9, &[b"x"]);
    raw.drain();
    assert_eq!(raw.sent, wire::media_message(MediaKind::Audio, 9, &[b"x"]));
}
