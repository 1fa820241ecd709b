//! Control messages, scripts and aggregates as bytes.

use proptest::prelude::*;

use super::aggregate::Tags;
use super::*;

#[test]
fn control_messages_have_their_specified_bytes() {
    let cases: [(Control, u8, &[u8]); 10] = [
        (Control::SetChunkSize(65_536), 1, &[0, 1, 0, 0]),
        (Control::Abort(6), 2, &[0, 0, 0, 6]),
        (Control::Acknowledgement(0xFFFF_FFFF), 3, &[255, 255, 255, 255]),
        (Control::WindowAckSize(2_500_000), 5, &[0, 0x26, 0x25, 0xA0]),
        (Control::SetPeerBandwidth { window: 1, limit: BandwidthLimit::Soft }, 6, &[0, 0, 0, 1, 1]),
        (Control::User(UserControl::StreamBegin(1)), 4, &[0, 0, 0, 0, 0, 1]),
        (Control::User(UserControl::StreamEof(1)), 4, &[0, 1, 0, 0, 0, 1]),
        (
            Control::User(UserControl::SetBufferLength { stream_id: 1, buffer_ms: 3000 }),
            4,
            &[0, 3, 0, 0, 0, 1, 0, 0, 0x0B, 0xB8],
        ),
        (Control::User(UserControl::PingRequest(5)), 4, &[0, 6, 0, 0, 0, 5]),
        (Control::User(UserControl::PingResponse(5)), 4, &[0, 7, 0, 0, 0, 5]),
    ];
    for (control, type_id, body) in cases {
        assert_eq!(control.encode(), (type_id, body.to_vec()));
        assert_eq!(Control::parse(type_id, body), Some(control));
        for cut in 0..body.len() {
            assert_eq!(Control::parse(type_id, &body[..cut]), None, "{control:?} cut at {cut}");
        }
    }
    assert_eq!(Control::parse(8, &[0; 8]), None);
}

#[test]
fn the_rest_of_the_user_control_events_survive_a_round_trip() {
    for event in [UserControl::StreamDry(3), UserControl::StreamIsRecorded(4), UserControl::Other(31)] {
        let (type_id, body) = Control::User(event).encode();
        assert_eq!(Control::parse(type_id, &body), Some(Control::User(event)));
    }
    for limit in [BandwidthLimit::Hard, BandwidthLimit::Soft, BandwidthLimit::Dynamic] {
        let control = Control::SetPeerBandwidth { window: 7, limit };
        let (type_id, body) = control.encode();
        assert_eq!(Control::parse(type_id, &body), Some(control));
    }
}

#[test]
fn a_leading_string_is_found_or_not() {
    assert_eq!(leading_string(b"\x02\0\x02ab\x05"), Some(("ab", 5)));
    assert_eq!(leading_string(b"\x02\0\0"), Some(("", 3)));
    for bad in [&b""[..], b"\x02", b"\x02\0", b"\x02\0\x03ab", b"\x03\0\x02ab", b"\x02\0\x02\xFF\xFE"] {
        assert_eq!(leading_string(bad), None, "{bad:?}");
    }
}

#[test]
fn script_data_without_a_name_is_none() {
    for bad in [&b""[..], b"\0", b"\x05", b"\x02\0\x0D@setDataFrame", b"\x02\0\x0D@setDataFrame\x05"] {
        assert!(parse_script(&Bytes::copy_from_slice(bad), 100).is_none(), "{bad:?}");
    }
    let long = Bytes::from([&[2, 0, 101][..], &[b'x'; 101]].concat());
    assert!(parse_script(&long, 100).is_none());
    assert!(parse_script(&long, 101).is_some());
}

#[test]
fn an_aggregate_without_its_last_back_pointer_is_whole() {
    let body = Bytes::from([&[8, 0, 0, 1][..], &[0; 7], &[0xAF]].concat());
    let mut tags = Tags::new(77, &body);
    let tag = tags.next().expect("one tag");
    assert_eq!((tag.type_id, tag.timestamp, &tag.body[..]), (8, 77, &[0xAF][..]));
    assert!(tags.next().is_none() && !tags.is_cut_off());
}

#[test]
fn aggregate_times_wrap() {
    let tag = |time: u32| {
        let [t3, t0, t1, t2] = time.to_be_bytes();
        [&[8, 0, 0, 0, t0, t1, t2, t3][..], &[0; 7]].concat()
    };
    let body = Bytes::from([tag(u32::MAX), tag(9), tag(u32::MAX - 5)].concat());
    let times: Vec<u32> = Tags::new(u32::MAX - 1, &body).map(|tag| tag.timestamp).collect();
    assert_eq!(times, [u32::MAX - 1, 8, u32::MAX - 6]);
}

proptest! {
    #[test]
    fn no_body_makes_a_parser_panic(type_id: u8, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Control::parse(type_id, &body);
        let body = Bytes::from(body);
        let _ = parse_script(&body, 64);
        let mut tags = Tags::new(0, &body);
        let taken: usize = tags.by_ref().map(|tag| tag.body.len() + 11).sum();
        prop_assert!(taken <= body.len());
    }
}
