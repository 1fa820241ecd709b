//! Real sockets, real threads, frames of a synthetic encoder.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use control::{Channel, ChannelOptions, PlayGrant, Snapshot};
use formats::container::flv::{Tag, TagKind, TagReader};
use hub::{Hub, Limits, Publisher};
use media::{ChannelPath, UnixMillis};
use testkit::{Encoder, EncoderConfig};

use super::*;

/// Long enough for a loaded machine; no test waits this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    encoder: Encoder,
    publisher: Publisher,
    channel: Channel,
    directory: Arc<Directory>,
    fan_out: FanOut,
    listener: TcpListener,
}

impl Stage {
    fn new(config: FanOutConfig) -> Self {
        let hub = Hub::new(Limits::default());
        let path = ChannelPath { app: "live".parse().expect("name"), name: "kelas".parse().expect("name") };
        let (publisher, _) = hub.publish(&path, UnixMillis(1_000));
        let encoder = Encoder::new(EncoderConfig::default());
        for track in encoder.tracks().iter() {
            publisher.put_track((**track).clone(), UnixMillis(1_000)).expect("put");
        }
        let channel = Channel::create(path, &ChannelOptions::default(), UnixMillis(1));
        let directory = Arc::new(Directory::new(Snapshot::new(vec![channel.clone()], Vec::new())));
        let fan_out = FanOut::start(&config, &directory).expect("threads start");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self { encoder, publisher, channel, directory, fan_out, listener }
    }

    fn push_until(&mut self, ms: i64) {
        for frame in self.encoder.frames_until_ms(ms) {
            self.publisher.push(frame, UnixMillis(1_000 + ms)).expect("push");
        }
    }

    fn viewer(&self, format: WireFormat, preamble: &'static [u8]) -> TcpStream {
        let client = TcpStream::connect(self.listener.local_addr().expect("bound")).expect("connect");
        client.set_read_timeout(Some(PATIENCE)).expect("set");
        let (server, _) = self.listener.accept().expect("accept");
        self.fan_out.add(NewViewer {
            stream: self.publisher.stream().clone(),
            format,
            socket: PlaySocket::Plain(server),
            preamble: Bytes::from_static(preamble),
            right: Right::new(PlayGrant {
                id: self.channel.id,
                channel: Some(Arc::new(self.channel.clone())),
                credential: None,
            }),
        });
        client
    }

    /// The channel is another from now on.
    fn replace_channel(&self, channel: Channel) {
        self.directory.replace(Snapshot::new(vec![channel], Vec::new()));
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Reads tags until `enough`.
fn tags(client: &mut TcpStream, reader: &mut TagReader, mut enough: impl FnMut(&Tag) -> bool) -> Vec<Tag> {
    let mut got = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        while let Some(tag) = reader.next_tag().expect("whole tags only") {
            let done = enough(&tag);
            got.push(tag);
            if done {
                return got;
            }
        }
        let n = client.read(&mut buffer).expect("more tags come");
        assert!(n > 0, "closed after {} tags", got.len());
        reader.push(&buffer[..n]);
    }
}

#[test]
fn a_viewer_gets_head_configuration_and_the_gop_from_its_key_frame_on() {
    let mut stage = Stage::new(FanOutConfig::default());
    stage.push_until(5_000);
    let mut client = stage.viewer(WireFormat::Flv, b"HTTP/1.1 200 OK\r\n\r\n");
    let mut head = [0; 19];
    client.read_exact(&mut head).expect("the head comes first");
    assert_eq!(&head, b"HTTP/1.1 200 OK\r\n\r\n");
    let mut reader = TagReader::new();
    let first =
        tags(&mut client, &mut reader, |tag| tag.kind == TagKind::Video && tag.body[0] == 0x17 && tag.body[1] == 1);
    assert_eq!(reader.announced(), Some((true, true)));
    assert_eq!(first[0].kind, TagKind::Script);
    let configurations = first.iter().filter(|tag| tag.body[1] == 0 && tag.kind != TagKind::Script).count();
    assert_eq!(configurations, 2, "video and audio");
    let key = first.last().expect("a key frame").timestamp_ms;
    assert!(key >= 3_000, "the newest GOP, not the oldest: {key}");
    // What comes later follows without a gap or a repetition.
    stage.push_until(7_000);
    let rest = tags(&mut client, &mut reader, |tag| tag.timestamp_ms >= 6_900);
    for kind in [TagKind::Video, TagKind::Audio] {
        let times: Vec<u32> = first
            .iter()
            .chain(&rest)
            .filter(|tag| tag.kind == kind && tag.body[1] != 0)
            .map(|tag| tag.timestamp_ms)
            .collect();
        let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().expect("frames");
        assert!(longest <= 45, "{kind:?}: {longest} ms");
    }
}

#[test]
fn all_viewers_of_a_stream_get_the_same_bytes() {
    let mut stage = Stage::new(FanOutConfig { shards: 2, ..FanOutConfig::default() });
    stage.push_until(2_500);
    let mut clients: Vec<_> = (0..20).map(|_| stage.viewer(WireFormat::Flv, b"")).collect();
    wait_until("all admitted", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 20);
    stage.push_until(4_000);
    let mut seen = Vec::new();
    for client in &mut clients {
        let mut reader = TagReader::new();
        let got = tags(client, &mut reader, |tag| tag.timestamp_ms >= 3_900);
        seen.push(got.into_iter().map(|tag| (tag.timestamp_ms, tag.body)).collect::<Vec<_>>());
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_viewer_that_comes_before_the_first_key_frame_is_served_when_it_comes() {
    let mut stage = Stage::new(FanOutConfig::default());
    let mut client = stage.viewer(WireFormat::Flv, b"");
    stage.push_until(500);
    let mut reader = TagReader::new();
    let got = tags(&mut client, &mut reader, |tag| tag.timestamp_ms >= 400);
    assert!(got.iter().any(|tag| tag.kind == TagKind::Video && tag.body[0] == 0x17));
}

#[test]
fn a_slow_viewer_skips_to_a_key_frame_between_whole_tags_and_never_holds_others_up() {
    let mut stage = Stage::new(FanOutConfig { unsent_bytes_max: 16 << 10, ..FanOutConfig::default() });
    stage.push_until(100);
    let mut slow = stage.viewer(WireFormat::Flv, b"");
    let mut quick = stage.viewer(WireFormat::Flv, b"");
    let mut quick_reader = TagReader::new();
    // Three minutes of media; the kernel's buffers on loopback hold a few seconds of it for a reader that does not read.
    for second in 1..=180 {
        let ms = second * 1_000;
        stage.push_until(ms);
        tags(&mut quick, &mut quick_reader, |tag| i64::from(tag.timestamp_ms) >= ms - 100);
    }
    let mut reader = TagReader::new();
    let got = tags(&mut slow, &mut reader, |tag| tag.timestamp_ms >= 179_000);
    assert!(stage.fan_out.counters().skips.load(Ordering::Relaxed) > 0, "it had fallen behind");
    let video: Vec<&Tag> = got.iter().filter(|tag| tag.kind == TagKind::Video && tag.body[1] == 1).collect();
    for pair in video.windows(2) {
        let gap = pair[1].timestamp_ms - pair[0].timestamp_ms;
        assert!(gap <= 45 || pair[1].body[0] == 0x17, "after a gap of {gap} ms comes a key frame");
    }
}

#[test]
fn a_viewer_that_takes_nothing_is_cut() {
    let config = FanOutConfig { blocked_max: Duration::from_millis(200), ..FanOutConfig::default() };
    let mut stage = Stage::new(config);
    stage.push_until(100);
    let _client = stage.viewer(WireFormat::Flv, b"");
    let mut ms = 100;
    wait_until("the viewer is cut", || {
        ms += 1_000;
        stage.push_until(ms);
        stage.fan_out.counters().cut.load(Ordering::Relaxed) == 1
    });
    assert_eq!(stage.fan_out.counters().viewers.load(Ordering::Relaxed), 0);
}

#[test]
fn a_viewer_that_leaves_is_forgotten() {
    let mut stage = Stage::new(FanOutConfig::default());
    stage.push_until(100);
    let client = stage.viewer(WireFormat::Flv, b"");
    wait_until("admitted", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 1);
    drop(client);
    wait_until("forgotten", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 0);
}

#[test]
fn the_end_of_the_stream_ends_its_viewers_after_the_last_tag() {
    let mut stage = Stage::new(FanOutConfig::default());
    stage.push_until(1_000);
    let mut client = stage.viewer(WireFormat::WebSocketFlv, b"");
    wait_until("admitted", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 1);
    let stream = stage.publisher.stream().clone();
    stage.publisher.end(Instant::now());
    assert_eq!(stream.state(), hub::State::Ended);
    let mut all = Vec::new();
    client.read_to_end(&mut all).expect("closed in order");
    assert_eq!(&all[all.len() - 4..], &[0x88, 2, 0x03, 0xE8], "a WebSocket is closed by its own frame");
}

/// Reads until the end, and how long it took.
fn read_to_end(client: &mut TcpStream) -> Duration {
    let start = Instant::now();
    client.read_to_end(&mut Vec::new()).expect("closed");
    start.elapsed()
}

#[test]
fn a_right_that_ends_closes_the_socket_in_time() {
    let private = |channel: &Channel| Channel { public: false, ..channel.clone() };
    let another = |channel: &Channel| Channel::create(channel.path.clone(), &ChannelOptions::default(), UnixMillis(2));
    for (what, change) in [("private", &private as &dyn Fn(&Channel) -> Channel), ("made anew", &another)] {
        let mut stage = Stage::new(FanOutConfig::default());
        stage.push_until(1_000);
        let mut client = stage.viewer(WireFormat::Flv, b"");
        wait_until("admitted", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 1);
        stage.replace_channel(change(&stage.channel));
        let took = read_to_end(&mut client);
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        wait_until("counted out", || stage.fan_out.counters().viewers.load(Ordering::Relaxed) == 0);
    }
}

#[test]
fn a_right_that_holds_keeps_the_socket_when_channels_change() {
    let mut stage = Stage::new(FanOutConfig { shards: 1, ..FanOutConfig::default() });
    stage.push_until(1_000);
    let mut kept = stage.viewer(WireFormat::Flv, b"");
    let mut reader = TagReader::new();
    let here = stage.channel.clone();
    for ms in [2_000, 3_000] {
        // A viewer of a channel that is no more: when it is closed, everybody has been asked.
        stage.channel = Channel::create(here.path.clone(), &ChannelOptions::default(), UnixMillis(ms));
        let mut asked = stage.viewer(WireFormat::Flv, b"");
        stage.replace_channel(Channel { record: false, ..here.clone() });
        read_to_end(&mut asked);
        stage.push_until(ms);
        tags(&mut kept, &mut reader, |tag| i64::from(tag.timestamp_ms) >= ms - 100);
    }
}

#[test]
fn viewers_that_leave_in_any_order_leave_the_others_in_play() {
    let mut stage = Stage::new(FanOutConfig { shards: 1, ..FanOutConfig::default() });
    stage.push_until(500);
    let mut clients: Vec<_> = (0..30).map(|_| Some(stage.viewer(WireFormat::Flv, b""))).collect();
    let present = |stage: &Stage| stage.fan_out.counters().viewers.load(Ordering::Relaxed);
    wait_until("all admitted", || present(&stage) == 30);
    let mut left = 30;
    for n in (0..30).step_by(3).chain([1, 29, 28]) {
        clients[n] = None;
        left -= 1;
        wait_until("forgotten", || present(&stage) == left);
    }
    stage.push_until(2_000);
    for client in clients.iter_mut().flatten() {
        tags(client, &mut TagReader::new(), |tag| tag.timestamp_ms >= 1_900);
    }
}

#[test]
fn a_chunk_taken_in_part_goes_on_where_it_was_left() {
    let wire =
        hub::Rendering::new(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"cde"), Bytes::from_static(b"f")]);
    for taken in 0..=6 {
        let mut first = vec![Bytes::from_static(b"-")];
        shard::push_rest(&mut first, &wire, taken);
        assert_eq!(first.concat(), [b"-", &b"abcdef"[taken..]].concat());
        assert!(first.iter().all(|piece| !piece.is_empty()));
    }
}

#[test]
fn a_feed_that_missed_entries_goes_on_at_a_key_frame_with_the_tracks_in_force() {
    let mut stage = Stage::new(FanOutConfig::default());
    let poll = mio::Poll::new().expect("a poll");
    let signal = Arc::new(shard::Signal::new(poll.registry()).expect("a waker"));
    let stream = stage.publisher.stream().clone();
    stage.push_until(1_000);
    let mut feed = feed::Feed::new(stream.clone(), WireFormat::Flv, signal);
    feed.advance();
    let followed = feed.end_index();
    assert!(feed.has(followed), "a viewer that has everything so far");
    stage.push_until(2_500);
    let video = stage.encoder.tracks().iter().next().expect("video").clone();
    let other = media::Track { config: [&video.config[..], &[0]].concat().into(), ..(*video).clone() };
    stage.publisher.put_track(other, UnixMillis(3_500)).expect("put");
    // Far more than the stream's log keeps.
    stage.push_until(60_000);
    feed.advance();
    assert!(!feed.has(followed), "it does not go on behind the hole");
    let start = feed.newest_start().expect("a key frame came").clone();
    assert_eq!(*start.tracks, *stream.tracks(), "newcomers get the configuration that came in the hole");
    assert!(feed.has(start.index) && feed.chunk(start.index).expect("kept").time_ms >= 50_000);
}
