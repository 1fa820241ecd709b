//! Bodies of FLV tags and RTMP messages, legacy and Enhanced RTMP: payloads are slices of the body, never more.
//! Covers: formats::container::flv.
#![no_main]

use bytes::Bytes;
use formats::container::flv::{AudioEvent, VideoEvent, parse_audio, parse_video};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, body)) = bytes.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    let mut carried = 0;
    if kind & 1 == 0 {
        for event in parse_video(&body).into_iter().flatten() {
            if let VideoEvent::Frame { payload, .. } = event {
                assert!(!payload.is_empty(), "a frame has a payload");
                carried += payload.len();
            }
        }
    } else {
        for event in parse_audio(&body).into_iter().flatten() {
            if let AudioEvent::Frame { payload, .. } = event {
                carried += payload.len();
            }
        }
    }
    assert!(carried <= body.len(), "payloads overlap or leave the body");
});
