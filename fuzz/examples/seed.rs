//! Writes the seed corpora: small inputs that reach deep, made by Tayang's own writers and the synthetic encoder.
//!
//! Run in `fuzz/`: `cargo run --example seed`. The files are committed; run it again when a format gains a feature.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use formats::amf::Value;
use formats::container::cmaf::{FragmentHeader, Sample, fragment_header, init_segment, parse_fragments, parse_init};
use formats::container::flv::{self, TagKind};
use formats::container::mp4::{Mp4Part, Mp4Track, fast_start_head};
use media::{Frame, MediaKind, Timescale, Track};
use rtmp::{ClientConfig, ClientOutput, ClientSession, Event, Output, Purpose, ServerConfig, ServerSession};
use testkit::{Encoder, EncoderConfig, VideoSpec};

fn main() -> std::io::Result<()> {
    amf()?;
    flv_seeds()?;
    cmaf()?;
    codecs()?;
    mp4()?;
    sign()?;
    playback()?;
    http()?;
    frames()?;
    room()?;
    rtmp_seeds()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}

fn small() -> Encoder {
    let video = VideoSpec { frame_bytes: 60, b_frames: 1, gop_frames: 4, ..VideoSpec::default() };
    let mut config = EncoderConfig { video: Some(video), ..EncoderConfig::default() };
    if let Some(audio) = &mut config.audio {
        audio.frame_bytes = 40;
    }
    Encoder::new(config)
}

fn track_of(encoder: &Encoder, frame: &Frame) -> std::sync::Arc<Track> {
    encoder.tracks().get(frame.track).cloned().expect("a frame has a track")
}

fn amf() -> std::io::Result<()> {
    let connect = Value::object([
        ("app", "live".into()),
        ("tcUrl", "rtmp://localhost/live".into()),
        ("capsEx", 7.0.into()),
        ("fourCcList", Value::StrictArray(vec!["hvc1".into(), "av01".into()])),
        ("nested", Value::ecma_array([("deep", Value::object([("date", Value::Null), ("on", true.into())]))])),
    ]);
    let mut bytes = Vec::new();
    for value in [Value::from("connect"), Value::from(1.0), connect, Value::Null, Value::Undefined] {
        value.encode(&mut bytes);
    }
    write("amf0", "connect", &bytes)?;
    // AVM+ marker, then each AMF3 type once.
    let amf3 = [
        &[0x0A, 0x0B, 0x01, 0x03, b'a', 0x06, 0x05, b'h', b'i', 0x03, b'b', 0x04, 0x81, 0x00, 0x01][..],
        &[0x09, 0x05, 0x01, 0x02, 0x03],
        &[0x05, 0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18],
        &[0x08, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0x0C, 0x07, 1, 2, 3, 0x06, 0x00],
    ]
    .concat();
    write("amf3", "each-type", &amf3)?;
    let mut switched = vec![0x11];
    switched.extend_from_slice(&amf3);
    write("amf0", "avm-plus", &switched)
}

fn flv_seeds() -> std::io::Result<()> {
    let mut encoder = small();
    let mut file = flv::file_header(true, true).to_vec();
    for track in encoder.tracks().iter() {
        for ordinal in [0, 1] {
            let body = flv::write_config(track, ordinal);
            write("flv_body", &format!("config-{}-{ordinal}", track.codec.name()), &kinded(track, &body))?;
        }
        push_tag(&mut file, track, 0, &flv::write_config(track, 0));
    }
    for n in 0..6 {
        let sent = encoder.next_sent();
        let track = track_of(&encoder, &sent.frame);
        for ordinal in [0, 1] {
            let mut body = Vec::new();
            flv::write_frame_header(&track, ordinal, sent.cts_ms, sent.frame.key, &mut body);
            body.extend_from_slice(&sent.frame.payload);
            write("flv_body", &format!("frame-{n}-{ordinal}"), &kinded(&track, &body))?;
            if ordinal == 0 {
                push_tag(&mut file, &track, sent.timestamp_ms, &body);
            }
        }
    }
    let mut cut = vec![40];
    cut.extend_from_slice(&file);
    write("flv_file", "video-and-audio", &cut)
}

/// `flv_body` reads video after an even byte, audio after an odd one.
fn kinded(track: &Track, body: &[u8]) -> Vec<u8> {
    [&[u8::from(track.kind() == MediaKind::Audio)], body].concat()
}

fn push_tag(file: &mut Vec<u8>, track: &Track, timestamp_ms: u32, body: &[u8]) {
    let kind = if track.kind() == MediaKind::Video { TagKind::Video } else { TagKind::Audio };
    file.extend_from_slice(&flv::tag_header(kind, body.len() as u32, timestamp_ms));
    file.extend_from_slice(body);
    file.extend_from_slice(&(body.len() as u32 + 11).to_be_bytes());
}

fn cmaf() -> std::io::Result<()> {
    let mut encoder = small();
    for track in encoder.tracks().iter() {
        let init = init_segment(track).expect("the synthetic encoder's tracks have a CMAF mapping");
        write("cmaf", &format!("init-{}", track.codec.name()), &init)?;
    }
    let frames: Vec<Frame> = encoder.by_ref().filter(|frame| frame.track == testkit::encoder::VIDEO).take(3).collect();
    let samples: Vec<Sample> = frames
        .iter()
        .map(|frame| Sample {
            size: frame.payload.len() as u32,
            duration: 3_000,
            cts: frame.cts.0 as i32,
            key: frame.key,
        })
        .collect();
    let header = FragmentHeader {
        sequence: 7,
        track: testkit::encoder::VIDEO,
        timescale: Timescale::VIDEO,
        base_decode_time: 90_000,
        samples: &samples,
        prft: None,
    };
    let mut fragment = fragment_header(&header).expect("three samples fit a fragment").to_vec();
    frames.iter().for_each(|frame| fragment.extend_from_slice(&frame.payload));
    write("cmaf", "fragment", &fragment)
}

/// Real configurations and first frames, by the system's ffmpeg.
fn codecs() -> std::io::Result<()> {
    const VIDEO: &str = "testsrc2=size=32x32:rate=5:duration=0.4";
    const AUDIO: &str = "sine=sample_rate=48000:duration=0.1";
    let coders: [(u8, &str, &[&str]); 7] = [
        (0, VIDEO, &["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
        (1, VIDEO, &["-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"]),
        (2, VIDEO, &["-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p"]),
        (3, VIDEO, &["-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"]),
        (4, AUDIO, &["-c:a", "aac"]),
        (5, AUDIO, &["-c:a", "libopus"]),
        (6, AUDIO, &["-c:a", "flac", "-strict", "-2"]),
    ];
    for (choice, source, coder) in coders {
        let fragmented = ["-movflags", "+delay_moov+default_base_moof+frag_keyframe", "-f", "mp4"];
        let arguments: Vec<&str> =
            ["-f", "lavfi", "-i", source].iter().chain(coder).chain(&fragmented).copied().collect();
        let file = std::fs::read(testkit::fixtures::ffmpeg(&format!("seed-{choice}.mp4"), &arguments)?)?;
        let init = parse_init(&file).expect("one track that we know");
        let name = init.codec.name();
        write("codec", &format!("config-{name}"), &[&[choice], &init.config[..]].concat())?;
        write("cmaf", &format!("init-ffmpeg-{name}"), &file[..file.len().min(1_500)])?;
        // Everything from the first `moof` to the closing `mfra`.
        let start = file.windows(4).position(|window| window == b"moof").expect("a fragment") - 4;
        let end = file.windows(4).rposition(|window| window == b"mfra").map_or(file.len(), |at| at - 4);
        let fragments = parse_fragments(&file[start..end]).expect("fragments that we can read");
        let first = fragments.first().expect("at least one");
        let from = start + first.payload_range.start;
        let frame = &file[from..from + first.samples[0].size as usize];
        write("codec", &format!("frame-{name}"), &[&[choice | 8 | 4 << 4], frame].concat())?;
    }
    let mp3 = testkit::fixtures::ffmpeg(
        "seed.mp3",
        &["-f", "lavfi", "-i", AUDIO, "-write_xing", "0", "-id3v2_version", "0"],
    )?;
    let mp3 = std::fs::read(mp3)?;
    write("codec", "frame-MP3", &[&[7 | 8], &mp3[..mp3.len().min(200)]].concat())
}

fn mp4() -> std::io::Result<()> {
    let encoder = small();
    let samples: std::sync::Arc<[Sample]> =
        (0..4u32).map(|n| Sample { size: 20 + n, duration: 3_000, cts: 3_000, key: n == 0 }).collect();
    let tracks: Vec<Mp4Track> = encoder
        .tracks()
        .iter()
        .zip(0u64..)
        .map(|(track, place)| Mp4Track {
            configs: vec![track.clone()],
            parts: vec![Mp4Part {
                config: 0,
                payload_offset: 100 * place,
                base_decode_time: 0,
                samples: samples.clone(),
            }],
        })
        .collect();
    let head = fast_start_head(&tracks, 200).expect("two ordinary tracks");
    write("mp4", "two-tracks", &[&head[..], &[0x80; 200]].concat())
}

fn http() -> std::io::Result<()> {
    let paths = [
        "/live/kelas/master.m3u8",
        "/live/kelas/1700000000000/video/1700000001.3.m4s",
        "/live/kelas/1700000000000/audio/init-0.mp4",
        "/live/kelas/1700000000000/ts/1700000001.ts",
        "/s/1700000000-0123/watch/live/kelas",
        "/video/kelas/720p/chunklist.m3u8",
        "/0b7a3c9e-7d1f-4a52-9c11-5f0d3b2a1c4d/live.flv",
        "/live/kelas.flv",
        "bytes=0-499",
        "bytes=-500",
        "_HLS_msn=1700000001&_HLS_part=3&_HLS_skip=YES",
    ];
    for (number, path) in paths.iter().enumerate() {
        write("http_target", &number.to_string(), path.as_bytes())?;
    }
    let queries = [
        "liveType=live&latency=10&chunksNumber=5",
        "liveType=event&chunksLatency=2",
        "liveType=vod&fromEpochS=1700000010&toEpochS=1700000060",
        "fromEpochS=-1&toEpochS=-1&alternateChunkStreamID=x",
    ];
    for (number, query) in queries.iter().enumerate() {
        write("hls_query", &number.to_string(), query.as_bytes())?;
    }
    Ok(())
}

/// Steps of the `packager` target: choice, time step, composition offset, size.
fn frames() -> std::io::Result<()> {
    let video = |n: usize| [if n.is_multiple_of(30) { 0 } else { 4 }, 75, 0, 200];
    let steady: Vec<u8> = (0..90).flat_map(|n| [video(n), [1, 25, 0, 90]].concat()).collect();
    write("packager", "steady", &steady)?;
    let odd: Vec<u8> = (0..60u8).flat_map(|n| [n.wrapping_mul(37), n.wrapping_mul(91), n, 255 - n]).collect();
    write("packager", "odd", &odd)
}

/// How the bytes are cut, and masked frames of a client.
fn room() -> std::io::Result<()> {
    let frame = |first: u8, payload: &[u8]| {
        let key = [7u8, 11, 13, 17];
        let masked = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        [&[first, 0x80 | payload.len() as u8][..], &key, &masked.collect::<Vec<u8>>()].concat()
    };
    let comment = br#"{"t":"comment","client_id":"c-1","body":"Kenapa \u0394v/\u0394t, Bu?","media_ms":12000.5}"#;
    let react = br#"{"t":"react","kind":"hati","n":3,"media_ms":null}"#;
    write("room_message", "comment", &[&[3][..], &frame(0x81, comment)].concat())?;
    write("room_message", "text", &[&[9][..], comment].concat())?;
    let several = [frame(0x01, &react[..20]), frame(0x89, b"?"), frame(0x80, &react[20..]), frame(0x88, &[3, 0xe8])];
    write("room_message", "in-pieces", &[&[1][..], &several.concat()].concat())?;
    write("room_message", "hand", &[&[200][..], &frame(0x81, br#"{"t":"hand","raised":true}"#)].concat())
}

fn sign() -> std::io::Result<()> {
    let hex = "0123456789abcdef";
    write("sign", "hmac", format!("1700000000-{}", hex.repeat(4)).as_bytes())?;
    write("sign", "md5", format!("1700000000-{}", hex.repeat(2)).as_bytes())?;
    write("sign", "publish", format!("live/kelas?sign=1700000000-{}&x=1", hex.repeat(4)).as_bytes())?;
    write("sign", "twice", b"live/kelas?sign=1-a&sign=2-b")
}

fn playback() -> std::io::Result<()> {
    use control::playback::{Claims, Kind, LIFE_MS, TokenKeys};
    use control::{CourseId, LessonId, PlaybackId, Seq, SessionId, UserId, Uuid};
    use media::{Redacted, UnixMillis};
    let secret =
        control::secrets::Secret { kid: 1, value: Redacted("benih".to_owned()), created: UnixMillis(0) };
    let keys = TokenKeys::new(&[secret]);
    let (id, now) = (Uuid::from_u128, UnixMillis(1_700_000_000_000));
    for (name, kind) in [("live", Kind::Live), ("recording", Kind::Recording)] {
        let claims = Claims {
            user: UserId(id(1)),
            session: SessionId(id(2)),
            lesson: LessonId(id(3)),
            course: CourseId(id(4)),
            channel: id(5),
            playback: PlaybackId(id(6)),
            kind,
            seq: Seq(7),
            issued: now,
            expires: UnixMillis(now.0 + LIFE_MS),
        };
        write("playback", name, keys.issue(&claims).expect("there is a key").0.as_bytes())?;
    }
    write("playback", "short", b"AQEAAQ")
}

/// Records what one side says to the other after the handshake, and the handshake itself.
fn rtmp_seeds() -> std::io::Result<()> {
    for (style, purpose, name) in [(0x20u8, Purpose::Publish, "publish"), (0x21, Purpose::Play, "play")] {
        let (from_client, from_server) = conversation(purpose);
        const HANDSHAKE: usize = 1 + 2 * 1_536;
        let seed = |style: u8, bytes: &[u8]| [&[style], bytes].concat();
        write("rtmp_session", name, &seed(style, &from_client[HANDSHAKE..]))?;
        write("rtmp_chunk", name, &seed(style, &from_client[HANDSHAKE..]))?;
        write("rtmp_client", name, &seed(style, &from_server[HANDSHAKE..]))?;
        write("rtmp_handshake", &format!("{name}-server"), &seed(0x80, &from_client[..HANDSHAKE]))?;
        write("rtmp_handshake", &format!("{name}-client"), &seed(0x81, &from_server[..HANDSHAKE]))?;
    }
    write("rtmp_message", "chunk-size", &[1, 0, 0, 16, 0])?;
    write("rtmp_message", "ping", &[4, 0, 6, 0, 0, 0, 9])?;
    write("rtmp_message", "buffer-length", &[4, 0, 3, 0, 0, 0, 1, 0, 0, 3, 232])?;
    let mut script = vec![18];
    Value::from("@setDataFrame").encode(&mut script);
    Value::from("onMetaData").encode(&mut script);
    Value::ecma_array([("width", 1_280.0.into())]).encode(&mut script);
    write("rtmp_message", "metadata", &script)?;
    let mut aggregate = vec![22];
    for timestamp in [100, 140] {
        aggregate.extend_from_slice(&flv::tag_header(TagKind::Audio, 4, timestamp));
        aggregate.extend_from_slice(&[0xAF, 1, 0x21, 0, 0, 0, 0, 15]);
    }
    write("rtmp_message", "aggregate", &aggregate)
}

fn conversation(purpose: Purpose) -> (Vec<u8>, Vec<u8>) {
    let now = Instant::now();
    let mut client = ClientSession::new(ClientConfig::new(purpose, "live", "kelas"), [1; 1_536], now);
    let mut server = ServerSession::new(ServerConfig::default(), [2; 1_536], now);
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    let mut encoder = small();
    for round in 0..12 {
        for bytes in client_says(&mut client) {
            from_client.extend_from_slice(&bytes);
            server.handle_input(now, &bytes).expect("the client is well-behaved");
            for bytes in server_says(&mut server) {
                from_server.extend_from_slice(&bytes);
                client.handle_input(now, &bytes).expect("the server is well-behaved");
            }
        }
        if round >= 6 && purpose == Purpose::Publish {
            let sent = encoder.next_sent();
            let track = track_of(&encoder, &sent.frame);
            let mut body = Vec::new();
            flv::write_frame_header(&track, 0, sent.cts_ms, sent.frame.key, &mut body);
            body.extend_from_slice(&sent.frame.payload);
            let kind = if track.kind() == MediaKind::Video { rtmp::MediaKind::Video } else { rtmp::MediaKind::Audio };
            client.send_media(kind, sent.timestamp_ms, &body);
        }
    }
    client.finish();
    client_says(&mut client).iter().for_each(|bytes| from_client.extend_from_slice(bytes));
    (from_client, from_server)
}

fn client_says(client: &mut ClientSession) -> Vec<Bytes> {
    let mut said = Vec::new();
    loop {
        match client.poll_output() {
            ClientOutput::Transmit(bytes) => said.push(bytes),
            ClientOutput::Event(_) => {}
            ClientOutput::WaitUntil(_) | ClientOutput::Closed => return said,
        }
    }
}

fn server_says(server: &mut ServerSession) -> Vec<Bytes> {
    let mut said = Vec::new();
    loop {
        match server.poll_output() {
            Output::Transmit(bytes) => said.push(bytes),
            Output::Event(Event::Publish { stream_id, .. }) => server.accept_publish(stream_id),
            Output::Event(Event::Play { stream_id, .. }) => server.accept_play(stream_id),
            Output::Event(_) => {}
            Output::WaitUntil(_) | Output::Closed => return said,
        }
    }
}
