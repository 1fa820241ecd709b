//! Bytes that nobody should send.

use proptest::prelude::*;

use super::*;

#[test]
fn headers_cut_off_anywhere_are_errors_that_say_where() {
    let cut = |text: &str| parse_video(&hex(text)).map(|_| ()).expect_err(text);
    assert_eq!(cut("17"), FlvError::Truncated { what: "AVCPacketType", at: 1 });
    assert_eq!(cut("17010000"), FlvError::Truncated { what: "composition time", at: 2 });
    assert_eq!(cut("906876"), FlvError::Truncated { what: "FourCC", at: 1 });
    assert_eq!(cut("91687663310000"), FlvError::Truncated { what: "composition time", at: 0 });
    assert_eq!(cut("97"), FlvError::Truncated { what: "ModEx size", at: 1 });
    assert_eq!(cut("9702aa"), FlvError::Truncated { what: "ModEx payload", at: 2 });
    assert_eq!(cut("9700aa"), FlvError::Truncated { what: "ModEx type", at: 3 });
    assert_eq!(cut("96"), FlvError::Truncated { what: "multitrack type", at: 1 });
    assert_eq!(cut("960061766331"), FlvError::Truncated { what: "track id", at: 6 });
    assert_eq!(cut("9611617663310100"), FlvError::Truncated { what: "track size", at: 7 });
    assert_eq!(cut("96116176633101ffffff00"), FlvError::Truncated { what: "track body", at: 10 });
    assert_eq!(cut("17").to_string(), "flv AVCPacketType cut off at byte 1");
}

#[test]
fn multitrack_inside_multitrack_is_refused() {
    assert_eq!(parse_video(&hex("960661766331")), Err(FlvError::NestedMultitrack { at: 1 }));
    assert_eq!(parse_audio(&hex("95056d703461")), Err(FlvError::NestedMultitrack { at: 1 }));
}

#[test]
fn thousands_of_tracks_or_extensions_are_refused() {
    let tracks = "9510".to_owned() + "6d703461" + &"01000000".repeat(5_000);
    assert_eq!(parse_audio(&hex(&tracks)), Err(FlvError::TooManyTracks));
    let some = "9510".to_owned() + "6d703461" + &"01000000".repeat(TRACKS_PER_MESSAGE_MAX);
    assert_eq!(parse_audio(&hex(&some)).expect("as many as allowed").len(), TRACKS_PER_MESSAGE_MAX);
    let extensions = "97".to_owned() + &"00aa17".repeat(5_000);
    assert_eq!(parse_video(&hex(&extensions)), Err(FlvError::TooManyTracks));
}

#[test]
fn nanosecond_offsets_do_not_overflow() {
    let body = "97".to_owned() + &"02ffffff07".repeat(30) + "02ffffff01" + "4f707573fc";
    let [AudioEvent::Frame { nanos, .. }] = audio(&body)[..] else { panic!() };
    assert_eq!(nanos, 31 * 0xFF_FFFF);
}

const SEEDS: [&str; 8] = [
    "1701000050000000020910",
    "9168766331000050000000042801",
    "96116876633100000005000028aabb07000004000000cc",
    "95216d70346100000002aabb4f70757301000001cc61632d3302000001dd",
    "9700aa170201e2400368766331cc",
    "d468766331020009636f6c6f72496e666f03000b636f6c6f72436f6e66696703000009000009",
    "944f70757301060000003f",
    "af00119056e500",
];

fn check(body: &Bytes) {
    let inside = |payload: &Bytes| {
        let (start, end) = (body.as_ptr() as usize, body.as_ptr() as usize + body.len());
        let at = payload.as_ptr() as usize;
        assert!(!payload.is_empty() && at >= start && at + payload.len() <= end, "payloads are slices of the body");
    };
    for event in parse_video(body).into_iter().flatten() {
        if let VideoEvent::Frame { payload, .. } | VideoEvent::Config { config: payload, .. } = &event {
            inside(payload);
        }
    }
    for event in parse_audio(body).into_iter().flatten() {
        if let AudioEvent::Frame { payload, .. } | AudioEvent::Config { config: payload, .. } = &event {
            inside(payload);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_body_gives_events_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes.into());
    }

    #[test]
    fn a_mutated_body_gives_events_or_an_error(
        seed in prop::sample::select(&SEEDS[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = hex(seed).to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        check(&bytes.into());
    }
}
