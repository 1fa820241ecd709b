//! Frames as RFC 6455 has them, whole and in pieces.

use super::*;

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(MASKED | short as u8),
        length @ 126..65_536 => {
            bytes.push(MASKED | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(MASKED | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn heard(bytes: &[u8]) -> Result<Vec<Heard>, Fault> {
    let mut reader = Reader::default();
    reader.take(bytes);
    let mut all = Vec::new();
    while let Some(message) = reader.next()? {
        all.push(message);
    }
    Ok(all)
}

#[test]
fn the_example_of_the_standard_is_hello() {
    // RFC 6455 section 5.7: a single-frame masked text message.
    let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(heard(&bytes), Ok(vec![Heard::Text("Hello".to_owned())]));
}

#[test]
fn messages_come_byte_by_byte_as_they_come_at_once_and_leave_nothing_behind() {
    let long = "é".repeat(1_000);
    let bytes = [
        frame(FIN | TEXT, b"satu"),
        frame(TEXT, b"du"),
        frame(FIN | PING, b"?"),
        frame(CONTINUATION, b""),
        frame(FIN | CONTINUATION, b"a"),
        frame(FIN | PONG, b""),
        frame(FIN | TEXT, long.as_bytes()),
        frame(FIN | CLOSE, &[3, 0xe8, b'x']),
    ]
    .concat();
    let expected = [
        Heard::Text("satu".to_owned()),
        Heard::Ping(b"?".to_vec()),
        Heard::Text("dua".to_owned()),
        Heard::Pong,
        Heard::Text(long),
        Heard::Close(Some(1_000)),
    ];
    assert_eq!(heard(&bytes).as_deref(), Ok(&expected[..]));
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    for byte in &bytes {
        reader.take(std::slice::from_ref(byte));
        while let Some(message) = reader.next().expect("no fault") {
            all.push(message);
        }
    }
    assert_eq!(all, expected);
    assert_eq!((reader.received.capacity(), reader.begun), (0, None), "an idle viewer costs nothing");
}

#[test]
fn what_is_against_the_protocol_is_named_by_its_code() {
    let unmasked = vec![FIN | TEXT, 1, b'x'];
    let half = [frame(TEXT, &[b'x'; 4_000]), frame(FIN | CONTINUATION, &[b'x'; 97])].concat();
    for (bytes, code) in [
        (unmasked, 1002),
        (frame(0x40 | FIN | TEXT, b"x"), 1002),
        (frame(FIN | 3, b"x"), 1002),
        (frame(PING, b"x"), 1002),
        (frame(FIN | PING, &[0; 126]), 1002),
        (frame(FIN | CLOSE, &[3]), 1002),
        (frame(FIN | CLOSE, &[3, 0xe8, 0xff]), 1002),
        (frame(FIN | CONTINUATION, b"x"), 1002),
        ([frame(TEXT, b"x"), frame(FIN | TEXT, b"y")].concat(), 1002),
        (frame(FIN | BINARY, b"x"), 1003),
        (frame(FIN | TEXT, &[0xc3, 0x28]), 1007),
        (frame(FIN | TEXT, &[b'x'; 4_097]), 1009),
        (frame(FIN | TEXT, &[b'x'; 70_000]), 1009),
        (half, 1009),
        (vec![FIN | TEXT, MASKED | 127, 255, 255, 255, 255, 255, 255, 255, 255], 1009),
    ] {
        assert_eq!(heard(&bytes).map_err(Fault::code), Err(code), "{:?}", &bytes[..bytes.len().min(12)]);
    }
    assert!(heard(&frame(FIN | TEXT, &[b'x'; 4_096])).is_ok());
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_has_come() {
    assert_eq!(heard(&frame(FIN | TEXT, &[b'x'; 5_000])[..8]), Err(Fault::TooLong));
}

#[test]
fn our_frames_have_the_shortest_header_and_their_text_where_it_was() {
    for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let mut text = vec![0; HEADER_BYTES_MAX];
        text.resize(HEADER_BYTES_MAX + length, b'x');
        let (frame, at) = text_frame(text);
        assert_eq!((at, frame.len()), (header, header + length));
        assert_eq!(frame[0], 0x81);
        assert!(frame[at..].iter().all(|byte| *byte == b'x'));
    }
    assert_eq!(&*close_frame(4_001, "x"), &[0x88, 3, 0x0f, 0xa1, b'x']);
    assert_eq!(&*pong_frame(b"ab"), &[0x8a, 2, b'a', b'b']);
    assert_eq!(&*ASK, &[0x89, 0]);
    assert_eq!(close_frame(1_000, &"x".repeat(200)).len(), 127);
}
