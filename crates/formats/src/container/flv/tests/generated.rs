//! E-RTMP messages of every shape that the specification allows, read back.

use proptest::option;
use proptest::prelude::*;

use super::*;

/// Extensions before the packet type: each a type and a payload.
type Extensions = Vec<(u8, Vec<u8>)>;

#[derive(Clone, Debug)]
struct Share {
    track: u8,
    codec: Codec,
    cts_ms: i32,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Single,
    OneTrack,
    ManyTracks,
    ManyCodecs,
}

fn extensions() -> impl Strategy<Value = Extensions> {
    let payload = prop_oneof![prop::collection::vec(any::<u8>(), 1..6), prop::collection::vec(any::<u8>(), 250..300)];
    prop::collection::vec((0u8..3, payload), 0..4)
}

fn shares(codecs: &'static [Codec]) -> impl Strategy<Value = Vec<Share>> {
    let payload = prop::collection::vec(any::<u8>(), 1..20);
    let share = (any::<u8>(), prop::sample::select(codecs), -0x80_0000i32..0x80_0000, payload);
    let share = share.prop_map(|(track, codec, cts_ms, payload)| Share { track, codec, cts_ms, payload });
    prop::collection::vec(share, 1..6)
}

fn form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![Form::Single, Form::OneTrack, Form::ManyTracks, Form::ManyCodecs])
}

/// What of the shares a message of that form can hold.
fn fit(form: Form, mut shares: Vec<Share>) -> Vec<Share> {
    match form {
        Form::Single => {
            shares.truncate(1);
            shares[0].track = 0;
        }
        Form::OneTrack => shares.truncate(1),
        Form::ManyTracks => {
            let codec = shares[0].codec;
            shares.iter_mut().for_each(|share| share.codec = codec);
        }
        Form::ManyCodecs => {}
    }
    shares
}

fn four_cc(codec: Codec) -> [u8; 4] {
    match codec {
        Codec::H264 => *b"avc1",
        Codec::H265 => *b"hvc1",
        Codec::Av1 => *b"av01",
        Codec::Vp9 => *b"vp09",
        Codec::Aac => *b"mp4a",
        Codec::Opus => *b"Opus",
        Codec::Flac => *b"fLaC",
        Codec::Mp3 => *b".mp3",
    }
}

/// `first` has the frame type or sound format; `multitrack` is the packet type that means so.
fn write(
    first: u8,
    extensions: &Extensions,
    packet_type: u8,
    multitrack: u8,
    form: Form,
    shares: &[(u8, Codec, Vec<u8>)],
) -> Bytes {
    let outer = if matches!(form, Form::Single) { packet_type } else { multitrack };
    let mut types: Vec<u8> = extensions.iter().map(|_| 7).collect();
    types.push(outer);
    let mut out = vec![first | types[0]];
    for ((kind, payload), next) in extensions.iter().zip(&types[1..]) {
        match payload.len() - 1 {
            size @ 0..255 => out.push(size as u8),
            size => {
                out.push(255);
                out.extend_from_slice(&(size as u16).to_be_bytes());
            }
        }
        out.extend_from_slice(payload);
        out.push(kind << 4 | next);
    }
    match form {
        Form::Single => {}
        Form::OneTrack => out.push(packet_type),
        Form::ManyTracks => out.push(0x10 | packet_type),
        Form::ManyCodecs => out.push(0x20 | packet_type),
    }
    if !matches!(form, Form::ManyCodecs) {
        out.extend_from_slice(&four_cc(shares[0].1));
    }
    for (track, codec, body) in shares {
        if matches!(form, Form::ManyCodecs) {
            out.extend_from_slice(&four_cc(*codec));
        }
        if !matches!(form, Form::Single) {
            out.push(*track);
        }
        if matches!(form, Form::ManyTracks | Form::ManyCodecs) {
            out.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
        }
        out.extend_from_slice(body);
    }
    out.into()
}

fn nanos(extensions: &Extensions) -> u32 {
    let offset = |(kind, payload): &(u8, Vec<u8>)| match payload[..] {
        [a, b, c, ..] if *kind == 0 => u32::from_be_bytes([0, a, b, c]),
        _ => 0,
    };
    extensions.iter().map(offset).sum()
}

const VIDEO: &[Codec] = &[Codec::H264, Codec::H265, Codec::Av1, Codec::Vp9];
const AUDIO: &[Codec] = &[Codec::Aac, Codec::Opus, Codec::Flac, Codec::Mp3];

proptest! {
    #[test]
    fn every_form_of_a_video_message_is_read(
        form in form(), shares in shares(VIDEO), extensions in extensions(), key: bool, without_times: bool,
    ) {
        let shares = fit(form, shares);
        let has_times = |codec| !without_times && matches!(codec, Codec::H264 | Codec::H265);
        let bodies: Vec<_> = shares
            .iter()
            .map(|share| {
                let times = share.cts_ms.to_be_bytes();
                let times = if has_times(share.codec) { &times[1..] } else { &[] };
                (share.track, share.codec, [times, &share.payload].concat())
            })
            .collect();
        let first = 0x80 | if key { 0x10 } else { 0x20 };
        let body = write(first, &extensions, if without_times { 3 } else { 1 }, 6, form, &bodies);
        let expected: Vec<_> = shares
            .iter()
            .map(|share| VideoEvent::Frame {
                track: share.track,
                codec: share.codec,
                key,
                cts_ms: if has_times(share.codec) { share.cts_ms } else { 0 },
                nanos: nanos(&extensions),
                payload: share.payload.clone().into(),
            })
            .collect();
        prop_assert_eq!(parse_video(&body).expect("legal").into_vec(), expected);
    }

    #[test]
    fn every_form_of_an_audio_message_is_read(form in form(), shares in shares(AUDIO), extensions in extensions()) {
        let shares = fit(form, shares);
        let bodies: Vec<_> = shares.iter().map(|share| (share.track, share.codec, share.payload.clone())).collect();
        let body = write(0x90, &extensions, 1, 5, form, &bodies);
        let expected: Vec<_> = shares
            .iter()
            .map(|share| AudioEvent::Frame {
                track: share.track,
                codec: share.codec,
                nanos: nanos(&extensions),
                payload: share.payload.clone().into(),
            })
            .collect();
        prop_assert_eq!(parse_audio(&body).expect("legal").into_vec(), expected);
    }

    #[test]
    fn configurations_and_ends_come_in_every_form_too(
        form in form(), shares in shares(VIDEO), end: bool, extensions in option::of(extensions()),
    ) {
        let shares = fit(form, shares);
        let payload = |share: &Share| if end { vec![] } else { share.payload.clone() };
        let bodies: Vec<_> = shares.iter().map(|share| (share.track, share.codec, payload(share))).collect();
        let body = write(0x90, &extensions.unwrap_or_default(), if end { 2 } else { 0 }, 6, form, &bodies);
        let expected: Vec<_> = shares
            .iter()
            .map(|share| match end {
                true => VideoEvent::EndOfSequence { track: share.track },
                false => VideoEvent::Config {
                    track: share.track,
                    codec: share.codec,
                    config: share.payload.clone().into(),
                },
            })
            .collect();
        prop_assert_eq!(parse_video(&body).expect("legal").into_vec(), expected);
    }

    #[test]
    fn every_cut_of_a_message_is_survived(
        form in form(), shares in shares(VIDEO), extensions in extensions(), cut in any::<prop::sample::Index>(),
    ) {
        let shares = fit(form, shares);
        let bodies: Vec<_> = shares.iter().map(|share| (share.track, share.codec, share.payload.clone())).collect();
        let body = write(0x90, &extensions, 1, 6, form, &bodies);
        let cut = body.slice(..cut.index(body.len()));
        if let Ok(events) = parse_video(&cut) {
            prop_assert!(events.len() <= shares.len().max(1));
        }
    }
}
