//! Renderings read back by the readers of the same formats.

use formats::container::flv::{TagReader, VideoEvent, parse_video};
use media::Codec;
use testkit::{Encoder, EncoderConfig};

use super::*;

#[test]
fn a_frame_in_flv_reads_back_as_the_same_frame() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    let track = encoder.video_track().expect("video");
    for _ in 0..5 {
        let frame = encoder.next_frame();
        let item = Item::Frame { frame: frame.clone(), track: track.clone() };
        let bytes = WireFormat::Flv.render(&item, 0).pieces().concat();
        let mut reader = TagReader::new();
        reader.push(&flv::file_header(true, false));
        reader.push(&bytes);
        let tag = reader.next_tag().expect("readable").expect("whole");
        assert_eq!(i64::from(tag.timestamp_ms), frame.dts.millis(track.timescale));
        let events = parse_video(&tag.body).expect("readable");
        match &events[0] {
            VideoEvent::Frame { track: 0, codec: Codec::H264, key, cts_ms, payload, .. } => {
                assert_eq!(*key, frame.key);
                assert_eq!(payload, &frame.payload);
                let pts = frame.pts().millis(track.timescale);
                assert_eq!(i64::from(tag.timestamp_ms) + i64::from(*cts_ms), pts);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_web_socket_message_holds_one_whole_tag() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    let track = encoder.video_track().expect("video");
    let item = Item::Frame { frame: encoder.next_frame(), track };
    let flv = WireFormat::Flv.render(&item, 0).pieces().concat();
    let message = WireFormat::WebSocketFlv.render(&item, 0).pieces().concat();
    assert_eq!(message[0], 0x82, "binary, final");
    let header = match message[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    assert_eq!(&message[header..], &flv[..]);
}

#[test]
fn no_format_copies_the_payload_of_a_picture() {
    let mut encoder = Encoder::new(EncoderConfig::video_only());
    let track = encoder.video_track().expect("video");
    let frame = encoder.next_frame();
    for len in [COPIED_BYTES_MAX, COPIED_BYTES_MAX + 1, 70_000, 200_000] {
        let payload = Bytes::from((0..len).map(|n| (n * 7) as u8).collect::<Vec<_>>());
        let frame = Frame { payload: payload.clone(), ..frame.clone() };
        let mut header = Vec::new();
        flv::write_frame_header(&track, 0, 0, frame.key, &mut header);
        let item = Item::Frame { frame, track: track.clone() };
        for format in [WireFormat::Flv, WireFormat::WebSocketFlv, WireFormat::Rtmp] {
            let wire = format.render(&item, 0);
            let mut copied = BytesMut::new();
            format.put(&mut copied, TagKind::Video, 0, &[&header, &payload]);
            assert_eq!(wire.pieces().concat(), copied, "{format:?}, {len}");
            let range = payload.as_ptr_range();
            let own =
                wire.pieces().iter().filter(|piece| !range.contains(&piece.as_ptr())).map(Bytes::len).sum::<usize>();
            assert_eq!(own < 64, len > COPIED_BYTES_MAX, "{format:?}, {len}: {own} bytes of its own");
        }
    }
}

#[test]
fn long_messages_announce_their_length_in_eight_bytes() {
    for (len, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let body = vec![0; len];
        assert_eq!(web_socket_message(&[&body]).len(), len + header);
    }
}

#[test]
fn track_ids_tell_kind_and_ordinal() {
    for n in [0, 1, 63] {
        assert_eq!(ordinal(track_id(MediaKind::Audio, n)), n);
        assert_eq!(ordinal(track_id(MediaKind::Video, n)), n);
        assert!(track_id(MediaKind::Video, n) < track_id(MediaKind::Audio, n));
    }
    assert_eq!(ordinal(track_id(MediaKind::Video, 200)), 63);
}

#[test]
fn wire_time_wraps_at_32_bits() {
    assert_eq!(wire_time(0x1_0000_0005), 5);
    assert_eq!(wire_time(0xFFFF_FFFF), 0xFFFF_FFFF);
}
