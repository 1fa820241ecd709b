//! Bodies of RTMP messages: protocol control, script data, aggregates.
//! Covers: rtmp::message.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rtmp::message::aggregate::Tags;
use rtmp::message::{Control, leading_string, parse_script};

fuzz_target!(|bytes: &[u8]| {
    let Some((type_id, body)) = bytes.split_first() else { return };
    if let Some(control) = Control::parse(*type_id, body) {
        let (again_id, again) = control.encode();
        assert_eq!(Control::parse(again_id, &again), Some(control), "a control message survives encoding");
    }
    let body = Bytes::copy_from_slice(body);
    let _ = leading_string(&body);
    let _ = parse_script(&body, 1_024);
    let mut carried = 0;
    for tag in Tags::new(u32::MAX - 5, &body) {
        carried += tag.body.len();
    }
    assert!(carried <= body.len());
});
