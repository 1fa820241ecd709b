//! Chunk streams as senders make them, legal and not.

use super::*;
use crate::chunk::header::write_basic;
use crate::chunk::write_message;

const VIDEO: u8 = 9;
const AUDIO: u8 = 8;

fn reader() -> Reader {
    Reader::new(&Limits::DEFAULT, 0)
}

fn read_all(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut input = Input::borrowed(bytes);
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input)? {
        messages.push(message);
    }
    assert!(input.rest().is_empty(), "all input is taken");
    Ok(messages)
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index as u8).wrapping_mul(7).wrapping_add(3)).collect()
}

/// A chunk by hand. `time` of `None` is a type 3 header.
struct Chunk<'a> {
    format: u8,
    csid: u32,
    time: u32,
    length: u32,
    type_id: u8,
    stream_id: u32,
    extended: Option<u32>,
    payload: &'a [u8],
}

impl Chunk<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        write_basic(self.format, self.csid, out);
        if self.format < 3 {
            out.extend_from_slice(&self.time.to_be_bytes()[1..]);
        }
        if self.format < 2 {
            out.extend_from_slice(&self.length.to_be_bytes()[1..]);
            out.push(self.type_id);
        }
        if self.format == 0 {
            out.extend_from_slice(&self.stream_id.to_le_bytes());
        }
        if let Some(extended) = self.extended {
            out.extend_from_slice(&extended.to_be_bytes());
        }
        out.extend_from_slice(self.payload);
    }
}

fn full(csid: u32, time: u32, length: usize, payload: &[u8]) -> Chunk<'_> {
    Chunk { format: 0, csid, time, length: length as u32, type_id: VIDEO, stream_id: 1, extended: None, payload }
}

fn bytes_of(chunks: &[Chunk<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in chunks {
        chunk.put(&mut out);
    }
    out
}

fn times(bytes: &[u8]) -> Vec<u32> {
    read_all(&mut reader(), bytes).expect("legal").iter().map(|message| message.timestamp).collect()
}

#[test]
fn the_four_header_types_rebuild_time_length_and_type() {
    let bytes = bytes_of(&[
        full(4, 1000, 3, b"abc"),
        Chunk { format: 1, time: 20, length: 2, type_id: AUDIO, ..full(4, 0, 0, b"de") },
        Chunk { format: 2, time: 30, ..full(4, 0, 0, b"fg") },
        Chunk { format: 3, ..full(4, 0, 0, b"hi") },
    ]);
    let messages = read_all(&mut reader(), &bytes).expect("legal");
    let seen: Vec<_> = messages.iter().map(|m| (m.timestamp, m.type_id, m.stream_id, &m.payload[..])).collect();
    assert_eq!(
        seen,
        [(1000, VIDEO, 1, &b"abc"[..]), (1020, AUDIO, 1, b"de"), (1050, AUDIO, 1, b"fg"), (1080, AUDIO, 1, b"hi"),]
    );
}

#[test]
fn every_chunk_stream_id_form_is_read() {
    for csid in [2, 3, 63, 64, 65, 319, 320, 321, 16_447, 65_598, 65_599] {
        let bytes = bytes_of(&[full(csid, 5, 1, b"x")]);
        let messages = read_all(&mut reader(), &bytes).expect("legal");
        assert_eq!(messages[0].csid, csid);
        assert_eq!(
            bytes.len(),
            12 + if csid < 64 {
                1
            } else if csid < 320 {
                2
            } else {
                3
            }
        );
    }
}

#[test]
fn messages_interleaved_by_chunk_are_told_apart() {
    let (video, audio) = (body(300), body(150));
    let bytes = bytes_of(&[
        full(6, 40, 300, &video[..128]),
        Chunk { type_id: AUDIO, ..full(4, 41, 150, &audio[..128]) },
        Chunk { format: 3, ..full(6, 0, 0, &video[128..256]) },
        Chunk { format: 3, ..full(4, 0, 0, &audio[128..]) },
        Chunk { format: 3, ..full(6, 0, 0, &video[256..]) },
    ]);
    let messages = read_all(&mut reader(), &bytes).expect("legal");
    assert_eq!((messages[0].type_id, &messages[0].payload[..]), (AUDIO, &audio[..]));
    assert_eq!((messages[1].type_id, &messages[1].payload[..]), (VIDEO, &video[..]));
}

#[test]
fn splitting_the_input_changes_nothing() {
    let mut bytes = Vec::new();
    for (index, length) in [0, 1, 127, 128, 129, 700].into_iter().enumerate() {
        write_message(4 + index as u32 * 60, 0x0100_0000 + index as u32, VIDEO, 1, &body(length), 128, &mut bytes);
    }
    let whole = read_all(&mut reader(), &bytes).expect("legal");
    assert_eq!(whole.len(), 6);
    for step in 1..40 {
        let mut reader = reader();
        let mut messages = Vec::new();
        for piece in bytes.chunks(step) {
            messages.extend(read_all(&mut reader, piece).expect("legal"));
        }
        assert_eq!(messages, whole, "pieces of {step}");
        assert_eq!(reader.offset(), bytes.len() as u64);
        assert_eq!(reader.held(), 0);
    }
}

#[test]
fn chunks_of_one_byte_are_legal() {
    let mut bytes = Vec::new();
    write_message(2, 0, 1, 0, &1u32.to_be_bytes(), 128, &mut bytes);
    write_message(6, 9, VIDEO, 1, &body(500), 1, &mut bytes);
    let messages = read_all(&mut reader(), &bytes).expect("legal");
    assert_eq!(messages[1].payload, body(500));
}

#[test]
fn any_legal_chunk_size_is_taken_and_others_end_the_stream() {
    for size in [1, 2, 128, 65_536, 0x00FF_FFFF, 0x0100_0000, 0x7FFF_FFFF] {
        let mut bytes = Vec::new();
        write_message(2, 0, 1, 0, &u32::to_be_bytes(size), 128, &mut bytes);
        let mut reader = reader();
        read_all(&mut reader, &bytes).expect("legal");
        assert_eq!(reader.chunk_size(), size.min(0x00FF_FFFF));
    }
    for size in [0, 0x8000_0000, 0xFFFF_FFFF] {
        let mut bytes = Vec::new();
        write_message(2, 0, 1, 0, &u32::to_be_bytes(size), 128, &mut bytes);
        assert_eq!(read_all(&mut reader(), &bytes), Err(ChunkError::ChunkSize { size, at: 16 }));
    }
}

#[test]
fn a_new_chunk_size_holds_for_the_rest_of_an_open_message() {
    let video = body(1000);
    let mut bytes = bytes_of(&[full(6, 0, 1000, &video[..128])]);
    write_message(2, 0, 1, 0, &5000u32.to_be_bytes(), 128, &mut bytes);
    bytes.extend(bytes_of(&[Chunk { format: 3, ..full(6, 0, 0, &video[128..]) }]));
    let messages = read_all(&mut reader(), &bytes).expect("legal");
    assert_eq!(messages[1].payload, video);
}

#[test]
fn an_aborted_message_is_dropped_and_its_chunk_stream_goes_on() {
    let video = body(300);
    let mut bytes = bytes_of(&[full(6, 0, 300, &video[..128])]);
    write_message(2, 0, 2, 0, &6u32.to_be_bytes(), 128, &mut bytes);
    write_message(2, 0, 2, 0, &77u32.to_be_bytes(), 128, &mut bytes);
    bytes.extend(bytes_of(&[Chunk { format: 1, time: 5, length: 2, type_id: VIDEO, ..full(6, 0, 0, b"ok") }]));
    let mut reader = reader();
    let messages = read_all(&mut reader, &bytes).expect("legal");
    assert_eq!((messages.len(), &messages[2].payload[..], reader.held()), (3, &b"ok"[..], 0));
    assert_eq!(reader.allocated(), 0, "its memory went too");
}

#[test]
fn an_empty_message_is_a_message() {
    let bytes = bytes_of(&[full(6, 7, 0, b""), Chunk { format: 3, ..full(6, 0, 0, b"") }]);
    assert_eq!(times(&bytes), [7, 14]);
}

#[test]
fn extended_timestamps_repeated_on_type_3_are_taken_off() {
    let video = body(300);
    let time = 0x0123_4567;
    let bytes = bytes_of(&[
        Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 300, &video[..128]) },
        Chunk { format: 3, extended: Some(time), ..full(6, 0, 0, &video[128..256]) },
        Chunk { format: 3, extended: Some(time), ..full(6, 0, 0, &video[256..]) },
    ]);
    let messages = read_all(&mut reader(), &bytes).expect("legal");
    assert_eq!((messages[0].timestamp, &messages[0].payload[..]), (time, &video[..]));
}

#[test]
fn senders_that_do_not_repeat_the_extended_timestamp_are_recognised() {
    // The second chunk's payload begins like the timestamp, so that a reader must look at all four bytes.
    for likeness in 0..4 {
        let time: u32 = 0x0123_4567;
        let mut video = body(300);
        video[128..128 + likeness].copy_from_slice(&time.to_be_bytes()[..likeness]);
        let bytes = bytes_of(&[
            Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 300, &video[..128]) },
            Chunk { format: 3, ..full(6, 0, 0, &video[128..256]) },
            Chunk { format: 3, ..full(6, 0, 0, &video[256..]) },
            Chunk { format: 1, time: 40, length: 2, type_id: VIDEO, ..full(6, 0, 0, b"ok") },
        ]);
        for step in [1, 2, 3, 5, 1000] {
            let mut reader = reader();
            let mut messages = Vec::new();
            for piece in bytes.chunks(step) {
                messages.extend(read_all(&mut reader, piece).expect("legal"));
            }
            assert_eq!(messages[0].payload, video, "likeness {likeness} step {step}");
            assert_eq!((messages[1].timestamp, &messages[1].payload[..]), (time + 40, &b"ok"[..]));
            assert_eq!(reader.offset(), bytes.len() as u64);
        }
    }
}

#[test]
fn unrepeated_extended_timestamps_survive_chunks_of_one_byte() {
    let mut bytes = Vec::new();
    write_message(2, 0, 1, 0, &1u32.to_be_bytes(), 128, &mut bytes);
    let time = 0x0201_0304;
    bytes.extend(bytes_of(&[Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 6, &[2]) }]));
    for byte in [1, 9, 9, 9, 9] {
        bytes.extend(bytes_of(&[Chunk { format: 3, ..full(6, 0, 0, &[byte]) }]));
    }
    bytes.extend(bytes_of(&[full(4, 1, 1, b"x")]));
    for step in [1, 2, 3, 1000] {
        let mut reader = reader();
        let mut messages = Vec::new();
        for piece in bytes.chunks(step) {
            messages.extend(read_all(&mut reader, piece).expect("legal"));
        }
        assert_eq!(messages[1].payload, [2u8, 1, 9, 9, 9, 9][..], "step {step}");
        assert_eq!(messages[2].payload, b"x"[..]);
    }
}

#[test]
fn the_boundary_to_extended_timestamps_is_exact() {
    for time in [0x00FF_FFFE, 0x00FF_FFFF, 0x0100_0000, u32::MAX] {
        let mut bytes = Vec::new();
        write_message(6, time, VIDEO, 1, &body(300), 128, &mut bytes);
        assert_eq!(bytes.len(), 12 + 300 + 2 + if time >= EXTENDED { 12 } else { 0 });
        let messages = read_all(&mut reader(), &bytes).expect("legal");
        assert_eq!((messages[0].timestamp, messages[0].payload.len()), (time, 300));
    }
}

#[test]
fn deltas_wrap_at_32_bits_and_may_be_extended() {
    let bytes = bytes_of(&[
        Chunk { time: EXTENDED, extended: Some(u32::MAX - 9), ..full(6, 0, 1, b"a") },
        Chunk { format: 1, time: 20, length: 1, type_id: VIDEO, ..full(6, 0, 0, b"b") },
        Chunk { format: 2, time: EXTENDED, extended: Some(0x0100_0000), ..full(6, 0, 0, b"c") },
        // Backwards by five: what senders of non-monotone times write.
        Chunk { format: 2, time: EXTENDED, extended: Some(u32::MAX - 4), ..full(6, 0, 0, b"d") },
    ]);
    assert_eq!(times(&bytes), [u32::MAX - 9, 10, 0x0100_000A, 0x0100_0005]);
}

#[test]
fn a_type_3_message_after_type_0_repeats_small_times_and_keeps_large_ones() {
    // ffmpeg: the first message at 20 ms, the second 20 ms later, of one size. By the letter of the specification.
    let small = bytes_of(&[full(6, 20, 1, b"a"), Chunk { format: 3, ..full(6, 0, 0, b"b") }]);
    assert_eq!(times(&small), [20, 40]);
    // nginx-rtmp and librtmp: a second message at the same time, an hour into the stream.
    let large = bytes_of(&[full(6, 3_600_000, 1, b"a"), Chunk { format: 3, ..full(6, 0, 0, b"b") }]);
    assert_eq!(times(&large), [3_600_000, 3_600_000]);
    // The same beyond 4 h 40, with and without the extended timestamp.
    let time = 20_000_000;
    for extended in [None, Some(time)] {
        let bytes = bytes_of(&[
            Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 1, b"a") },
            Chunk { format: 3, extended, ..full(6, 0, 0, b"b") },
            Chunk { format: 2, time: 40, ..full(6, 0, 0, b"c") },
        ]);
        assert_eq!(times(&bytes), [time, time, time + 40], "{extended:?}");
    }
    // Senders that put the new absolute time there.
    let bytes = bytes_of(&[
        Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 1, b"a") },
        Chunk { format: 3, extended: Some(time + 33), ..full(6, 0, 0, b"b") },
    ]);
    assert_eq!(times(&bytes), [time, time + 33]);
}

#[test]
fn a_time_that_crosses_its_top_byte_is_read_alike_in_every_cut() {
    for (time, value) in [(0x01FF_FFF0u32, 0x0200_0010u32), (0x0123_4567, 0x0123_4590), (0x0123_4567, 0x0199_9999)] {
        let mut bytes = bytes_of(&[
            Chunk { time: EXTENDED, extended: Some(time), ..full(6, 0, 6, b"abcdef") },
            Chunk { format: 3, ..full(6, 0, 0, &[&value.to_be_bytes()[..], b"ghijklmn"].concat()) },
        ]);
        bytes.truncate(bytes.len() - 2);
        let read = |step: usize| {
            let mut reader = reader();
            let mut messages = Vec::new();
            for piece in bytes.chunks(step) {
                let mut input = Input::borrowed(piece);
                while let Ok(Some(message)) = reader.read(&mut input) {
                    messages.push(message);
                }
            }
            messages
        };
        let whole = read(bytes.len());
        assert_eq!(whole.len(), 2);
        for step in 1..12 {
            assert_eq!(read(step), whole, "{time:#x} {value:#x} in pieces of {step}");
        }
    }
}

#[test]
fn a_header_inside_a_message_may_repeat_but_not_contradict() {
    let video = body(300);
    for format in [0, 1] {
        let bytes = bytes_of(&[
            full(6, 40, 300, &video[..128]),
            Chunk { format, ..full(6, 40, 300, &video[128..256]) },
            Chunk { format: 3, ..full(6, 0, 0, &video[256..]) },
        ]);
        let messages = read_all(&mut reader(), &bytes).expect("repeats");
        assert_eq!((messages[0].timestamp, &messages[0].payload[..]), (40, &video[..]));
        let bytes = bytes_of(&[full(6, 40, 300, &video[..128]), Chunk { format, ..full(6, 40, 200, &video[128..]) }]);
        let error = ChunkError::LengthChanged { csid: 6, was: 300, now: 200, at: 140 };
        assert_eq!(read_all(&mut reader(), &bytes), Err(error), "type {format}");
        assert!(error.to_string().ends_with("at byte 140"), "{error}");
    }
}

#[test]
fn a_fresh_chunk_stream_may_open_with_type_1_but_not_2_or_3() {
    let bytes = bytes_of(&[Chunk { format: 1, time: 5, length: 1, type_id: 4, ..full(2, 0, 0, b"x") }]);
    assert_eq!(times(&bytes), [5], "librtmp's ping");
    for format in [2, 3] {
        let bytes = bytes_of(&[full(4, 0, 1, b"x"), Chunk { format, ..full(9, 0, 0, b"y") }]);
        assert_eq!(read_all(&mut reader(), &bytes), Err(ChunkError::NoPreviousHeader { format, csid: 9, at: 13 }));
    }
}

#[test]
fn only_so_many_chunk_streams_are_remembered() {
    let mut reader = reader();
    for csid in 2..66 {
        read_all(&mut reader, &bytes_of(&[full(csid, 0, 1, b"x")])).expect("64 of them");
    }
    let one_more = bytes_of(&[full(66, 0, 1, b"x")]);
    assert!(matches!(read_all(&mut reader, &one_more), Err(ChunkError::TooManyChunkStreams { max: 64, .. })));
}

#[test]
fn memory_follows_received_bytes() {
    let mut reader = reader();
    // 64 chunk streams, each declaring 16 MiB less one and sending one byte.
    read_all(&mut reader, &bytes_of(&[full(2, 0, 4, &0x00FF_FFFFu32.to_be_bytes())])).expect("no chunk size yet");
    let mut bytes = Vec::new();
    write_message(3, 0, 1, 0, &1u32.to_be_bytes(), 128, &mut bytes);
    read_all(&mut reader, &bytes).expect("legal");
    for csid in 4..66 {
        read_all(&mut reader, &bytes_of(&[full(csid, 0, 0x00FF_FFFF, b"x")])).expect("legal");
    }
    assert_eq!(reader.held(), 62);
    assert!(reader.allocated() <= 62 * 16, "{} bytes for 62", reader.allocated());
    // And one that grows keeps to twice what came.
    for _ in 0..5000 {
        read_all(&mut reader, &bytes_of(&[Chunk { format: 3, ..full(4, 0, 0, b"y") }])).expect("legal");
        assert!(reader.allocated() <= 2 * reader.held() + 62 * 16);
    }
}

#[test]
fn a_message_over_the_limit_is_refused_at_its_header() {
    let limits = Limits { message_bytes_max: 1000, ..Limits::DEFAULT };
    let mut reader = Reader::new(&limits, 3073);
    let error = ChunkError::MessageTooLong { length: 1001, max: 1000, at: 3073 };
    assert_eq!(read_all(&mut reader, &bytes_of(&[full(6, 0, 1001, b"")])), Err(error));
    assert_eq!(error.to_string(), "peer announced a message of 1001 bytes at byte 3073, limit 1000");
}

#[test]
fn unfinished_messages_together_are_bounded() {
    let limits = Limits { partial_bytes_max: 1000, ..Limits::DEFAULT };
    let mut reader = Reader::new(&limits, 0);
    let part = body(128);
    for csid in 4..11 {
        read_all(&mut reader, &bytes_of(&[full(csid, 0, 5000, &part)])).expect("896 bytes");
    }
    let error = read_all(&mut reader, &bytes_of(&[full(11, 0, 5000, &part)])).expect_err("1024 bytes");
    assert!(matches!(error, ChunkError::PartialBytes { max: 1000, .. }), "{error}");
}

#[test]
fn whole_message_is_a_slice() {
    let mut bytes = Vec::new();
    write_message(2, 0, 1, 0, &(SLICE_MIN as u32).to_be_bytes(), 128, &mut bytes);
    write_message(6, 0, VIDEO, 1, &body(SLICE_MIN), SLICE_MIN as u32, &mut bytes);
    write_message(4, 0, AUDIO, 1, &body(SLICE_MIN - 1), SLICE_MIN as u32, &mut bytes);
    let bytes = Bytes::from(bytes);
    let mut input = Input::shared(&bytes);
    let mut reader = reader();
    reader.read(&mut input).expect("legal").expect("the chunk size");
    let inside = |message: &Message| bytes.as_ptr_range().contains(&message.payload.as_ptr());
    let large = reader.read(&mut input).expect("legal").expect("there");
    assert!(inside(&large), "cut out, not copied");
    let small = reader.read(&mut input).expect("legal").expect("there");
    assert!(!inside(&small), "a small one does not pin the buffer");
}

#[test]
fn a_message_over_two_shared_inputs_is_whole() {
    let mut bytes = Vec::new();
    write_message(6, 0, VIDEO, 1, &body(100), 128, &mut bytes);
    let mut reader = reader();
    let (one, two) = (Bytes::copy_from_slice(&bytes[..50]), Bytes::copy_from_slice(&bytes[50..]));
    assert_eq!(reader.read(&mut Input::shared(&one)), Ok(None));
    assert_eq!(reader.held(), 38);
    let message = reader.read(&mut Input::shared(&two)).expect("legal").expect("there");
    assert_eq!((message.payload, reader.held()), (Bytes::from(body(100)), 0));
}

#[test]
fn debug_shows_no_payload() {
    let bytes = bytes_of(&[full(3, 0, 6, b"secret")]);
    let text = format!("{:?}", read_all(&mut reader(), &bytes).expect("legal"));
    assert!(!text.contains("115") && text.contains("bytes: 6"), "{text}");
}

/// A sender of one small message each ten seconds, for sixty days.
fn sixty_days(mut header: impl FnMut(u32, &mut Vec<u8>)) {
    let mut reader = reader();
    let mut unwrapper = media::TimestampUnwrapper::new(32);
    let mut bytes = Vec::new();
    for n in 0..60 * 8_640u64 {
        bytes.clear();
        let time = n * 10_000;
        header((time & 0xFFFF_FFFF) as u32, &mut bytes);
        let messages = read_all(&mut reader, &bytes).expect("legal");
        assert_eq!(unwrapper.unwrap(u64::from(messages[0].timestamp)), time as i64, "day {}", n / 8_640);
        assert_eq!((messages.len(), messages[0].payload.len()), (1, 130));
    }
    assert!(reader.allocated() == 0 && reader.held() == 0);
}

#[test]
fn sixty_days_of_absolute_times_pass_every_wrap() {
    sixty_days(|time, out| write_message(6, time, VIDEO, 1, &[0x27; 130], 128, out));
}

#[test]
fn sixty_days_of_deltas_pass_every_wrap() {
    let mut first = true;
    sixty_days(|_, out| {
        let format = if std::mem::take(&mut first) { 0 } else { 2 };
        let time = if format == 0 { 0 } else { 10_000 };
        Chunk { format, time, ..full(6, 0, 130, &[0x27; 128]) }.put(out);
        Chunk { format: 3, ..full(6, 0, 0, &[0x27; 2]) }.put(out);
    });
}

#[test]
fn sixty_days_without_repeated_extended_timestamps_pass_every_wrap() {
    sixty_days(|time, out| {
        let extended = (time >= EXTENDED).then_some(time);
        Chunk { time: time.min(EXTENDED), extended, ..full(6, 0, 130, &[0x27; 128]) }.put(out);
        Chunk { format: 3, ..full(6, 0, 0, &[0x27; 2]) }.put(out);
    });
}
