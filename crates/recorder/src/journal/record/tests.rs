//! Every record reads back, and nothing else does.

use proptest::prelude::*;

use super::*;

fn video_init() -> Init {
    Init {
        epoch: 3,
        name: "video1".into(),
        bytes: Bytes::from_static(b"ftypmoov"),
        track: Arc::new(Track {
            id: TrackId(1),
            codec: Codec::H265,
            timescale: Timescale::VIDEO,
            config: Bytes::from_static(&[1, 2, 3]),
            params: TrackParams::Video(VideoParams {
                width: 1920,
                height: 1080,
                frame_rate: Some(FrameRate { frames: 30_000, seconds: 1_001 }),
                colour: Some(Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true }),
                hdr: Hdr {
                    content_light: Some(ContentLight { max_cll: 1_000, max_fall: 400 }),
                    mastering: Some(MasteringDisplay {
                        red: (35_400, 14_600),
                        green: (8_500, 39_850),
                        blue: (6_550, 2_300),
                        white: (15_635, 16_450),
                        luminance_max: 10_000_000,
                        luminance_min: 50,
                    }),
                },
            }),
            codec_string: "hvc1.2.4.L120.B0".into(),
        }),
    }
}

fn audio_init() -> Init {
    Init {
        epoch: 0,
        name: "audio".into(),
        bytes: Bytes::new(),
        track: Arc::new(Track {
            id: TrackId(2),
            codec: Codec::Aac,
            timescale: Timescale::new(44_100).expect("not zero"),
            config: Bytes::from_static(&[0x12, 0x10]),
            params: TrackParams::Audio(AudioParams { sample_rate: 44_100, channels: 2, frame_samples: 1_024 }),
            codec_string: "mp4a.40.2".into(),
        }),
    }
}

fn part() -> PartRecord {
    PartRecord {
        track: TrackId(1),
        epoch: 3,
        msn: 1_790_000_000,
        index: 4,
        start: Ticks(-18_000),
        duration: Ticks(18_000),
        wall: UnixMillis(1_790_000_000_123),
        independent: true,
        discontinuity: false,
        reanchored: true,
        gap_before: true,
        offset: 1 << 33,
        len: 70_000,
        payload_offset: 128,
        crc: 0xDEAD_BEEF,
        samples: [
            Sample { size: 60_000, duration: 3_000, cts: 6_000, key: true },
            Sample { size: u32::MAX, duration: u32::MAX, cts: i32::MIN, key: false },
        ]
        .into(),
    }
}

fn all() -> Vec<Record> {
    let key = RecordingKey { channel: Uuid::from_u128(0x1234), stream: StreamId(u64::MAX) };
    let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas-1".parse().expect("name") };
    let mut all = vec![
        Record::Header(Header { key, path, started: UnixMillis(-5) }),
        Record::Init(Arc::new(video_init())),
        Record::Init(Arc::new(audio_init())),
        Record::Part(part()),
        Record::Sealed { track: TrackId(255), msn: 9 },
        Record::Stored { track: TrackId(0), msn: u64::MAX },
        Record::Dropped { track: TrackId(7), msn: 1 },
        Record::End(EndReason::Ended),
        Record::End(EndReason::Recovered),
    ];
    use GapReason::{Damaged, DiskFault, DiskFull, Missed, Overflow, Sequence};
    for why in [DiskFull, DiskFault, Overflow, Damaged, Sequence, Missed] {
        all.push(Record::Gap { why, at: UnixMillis(77) });
    }
    all
}

#[test]
fn every_record_reads_back() {
    for record in all() {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(Record::decode(&bytes).as_ref(), Some(&record));
    }
}

#[test]
fn a_record_cut_short_or_with_more_behind_it_is_refused() {
    for record in all() {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..cut]), None, "{record:?} cut at {cut}");
        }
        bytes.push(0);
        assert_eq!(Record::decode(&bytes), None, "{record:?} with a byte more");
    }
}

#[test]
fn every_codec_keeps_its_number() {
    for (number, codec) in (1..=8).map(|number| (number, codec_of_number(number).expect("known"))) {
        assert_eq!(codec_number(codec), number);
    }
    assert_eq!(codec_of_number(0), None);
    assert_eq!(codec_of_number(9), None);
}

#[test]
fn a_record_of_another_version_is_refused() {
    let mut bytes = Vec::new();
    all()[0].encode(&mut bytes);
    bytes[1] = VERSION as u8 + 1;
    assert_eq!(Record::decode(&bytes), None);
}

proptest! {
    #[test]
    fn any_bytes_decode_or_not_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::decode(&bytes);
    }

    #[test]
    fn a_record_with_any_byte_changed_never_panics(which in 0usize..14, at in any::<prop::sample::Index>(), to: u8) {
        let mut bytes = Vec::new();
        all()[which].encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = Record::decode(&bytes);
    }
}
