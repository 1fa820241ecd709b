//! FLV bodies: what ffmpeg and OBS send, and the bytes that Tayang writes.

use super::*;
use bytes::Bytes;
use media::Codec;

#[test]
fn a_legacy_avc_frame_shares_the_memory_of_its_body() {
    let body = Bytes::from_static(&[0x17, 1, 0xFF, 0xFF, 0xD8, 0, 0, 0, 1, 0x65]);
    let events = parse_video(&body).expect("valid");
    let [VideoEvent::Frame { track: 0, codec: Codec::H264, key: true, cts_ms: -40, nanos: 0, payload }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(payload.as_ptr(), body[5..].as_ptr());
}
