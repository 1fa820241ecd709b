//! The bytes that all players share.

use super::*;
use crate::chunk::{Input, Message, Reader};
use crate::limits::Limits;

fn read(bytes: &[u8]) -> Vec<Message> {
    let mut reader = Reader::new(&Limits::DEFAULT, 0);
    let mut announced = Vec::new();
    put_control(Control::SetChunkSize(CHUNK_SIZE), 128, &mut announced);
    announced.extend_from_slice(bytes);
    let mut input = Input::borrowed(&announced);
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input).expect("our own framing") {
        messages.push(message);
    }
    messages.remove(0);
    messages
}

#[test]
fn a_small_message_is_one_header_and_its_body() {
    let bytes = media_message(MediaKind::Video, 0x0001_0203, &[&[0x17, 1], b"", &[0, 0, 0], b"NAL"]);
    assert_eq!(
        bytes,
        [&[6, 1, 2, 3, 0, 0, 8, 9, 1, 0, 0, 0][..], &[0x17, 1, 0, 0, 0], b"NAL"].concat(),
        "type 0 on chunk stream 6, stream id 1 in little endian"
    );
}

#[test]
fn each_kind_has_its_chunk_stream_and_type() {
    for (kind, csid, type_id) in [(MediaKind::Audio, 4, 8), (MediaKind::Video, 6, 9), (MediaKind::Script, 5, 18)] {
        let messages = read(&media_message(kind, 9, &[b"body"]));
        assert_eq!((messages[0].csid, messages[0].type_id, messages[0].stream_id), (csid, type_id, 1));
    }
}

#[test]
fn parts_are_joined_and_long_bodies_cut_at_the_chunk_size() {
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let body: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        for time in [0, 0x00FF_FFFE, 0x00FF_FFFF, u32::MAX] {
            let whole = media_message(MediaKind::Video, time, &[&body]);
            let (head, tail) = body.split_at(length / 3);
            assert_eq!(media_message(MediaKind::Video, time, &[head, tail]), whole, "parts do not show");
            let continuations = length.saturating_sub(1) / 65_536;
            let extended = if time >= 0x00FF_FFFF { 4 } else { 0 };
            assert_eq!(whole.len(), 12 + extended + length + continuations * (1 + extended));
            let messages = read(&whole);
            assert_eq!((messages[0].timestamp, &messages[0].payload[..]), (time, &body[..]));
        }
    }
}

#[test]
fn a_message_depends_on_nothing_before_it() {
    let one = media_message(MediaKind::Audio, 10, &[b"a"]);
    let two = media_message(MediaKind::Audio, 33, &[b"b"]);
    for order in [[&one, &two, &one], [&two, &one, &two]] {
        let bytes: Vec<u8> = order.iter().flat_map(|bytes| bytes.iter().copied()).collect();
        let times: Vec<u32> = read(&bytes).iter().map(|message| message.timestamp).collect();
        let expected = if order[0] == &one { [10, 33, 10] } else { [33, 10, 33] };
        assert_eq!(times, expected);
    }
}

#[test]
fn a_body_too_long_for_rtmp_gives_no_bytes() {
    let half = vec![0; 8 << 20];
    assert!(media_message(MediaKind::Video, 0, &[&half, &half]).is_empty());
    assert!(!media_message(MediaKind::Video, 0, &[&half, &half[1..]]).is_empty());
}

#[test]
fn the_end_of_playback_is_said_twice() {
    let messages = read(&play_end());
    assert!(
        messages[0].payload.windows(31).any(|window| window == b"NetStream.Play.UnpublishNotify\0"
            || window[..30] == b"NetStream.Play.UnpublishNotify"[..])
    );
    let eof = Control::parse(messages[1].type_id, &messages[1].payload);
    assert_eq!(eof, Some(Control::User(UserControl::StreamEof(1))));
}

#[test]
fn pieces_are_the_bytes_of_the_message_and_share_its_payload() {
    let size = CHUNK_SIZE as usize;
    for time in [0, 9, 0x00FF_FFFE, 0x00FF_FFFF, u32::MAX] {
        for (head, body) in
            [(0, 0), (5, 0), (5, 1), (5, size - 5), (5, size - 4), (0, size), (5, 3 * size + 7), (size, 9)]
        {
            let head: Vec<u8> = (0..head).map(|n| n as u8).collect();
            let payload = Bytes::from((0..body).map(|n| (n * 7) as u8).collect::<Vec<_>>());
            let pieces = media_pieces(MediaKind::Video, time, &head, &payload);
            let whole = media_message(MediaKind::Video, time, &[&head, &payload]);
            assert_eq!(pieces.concat(), whole, "{time}, {} + {body}", head.len());
            let within = payload.as_ptr_range();
            let shared: usize =
                pieces.iter().filter(|piece| within.contains(&piece.as_ptr())).map(|piece| piece.len()).sum();
            assert_eq!(shared, body, "no byte of the payload is copied");
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
        }
    }
    let long = Bytes::from(vec![0; 1 << 24]);
    assert!(media_pieces(MediaKind::Video, 0, &[], &long).is_empty());
    assert_eq!(media_pieces(MediaKind::Video, 0, &vec![1; size + 1], &Bytes::from_static(b"x")).len(), 1);
}

#[test]
fn a_message_is_readdressed_to_another_message_stream_and_nothing_else_of_it_changes() {
    for (head, payload) in [(&b"\x17\x01\0\0\0"[..], vec![7; 200_000]), (b"\xaf\x01", vec![9; 30])] {
        let pieces = media_pieces(MediaKind::Video, 0x0102_0304, head, &Bytes::from(payload.clone()));
        assert_eq!(readdressed(&pieces[0], MEDIA_STREAM_ID), pieces[0]);
        let mut expected = Vec::new();
        let body = [head, &payload].concat();
        write_message(CSID_VIDEO, 0x0102_0304, kind::VIDEO, 70_000, &body, CHUNK_SIZE, &mut expected);
        let other = readdressed(&pieces[0], 70_000);
        assert_eq!([&[other], &pieces[1..]].concat().concat(), expected);
    }
}
