//! Lessons: what playback tokens open, by whatever way they travel, and what ends when they are taken back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use control::playback::{Claims, Kind, LIFE_MS, TokenKeys};
use control::playbacks::{Carry, Terms};
use control::secrets::Secret;
use control::{Change, ChangeKind, CourseId, LessonId, NewChange, PlaybackId, Seq, SessionId, UserId};
use gateway::clock::wall_now;
use gateway::http::{Api, ApiAnswer, ApiPeer, Body};
use gateway::right::Right;
use gateway::routes::Listener;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use media::{MediaKind, Redacted, UnixMillis};
use parking_lot::Mutex;
use rtmp::{ClientEvent, Purpose};

use crate::client::Connection;
use crate::flv_viewers::{Watched, is_tail};
use crate::low_latency::is_silent;
use crate::publisher::Peer;
use crate::stage::{PATIENCE, Stage, soon};

/// What is promised. The stage learns of a change at once, the server within a tenth of a second.
pub const IN_TIME: Duration = Duration::from_millis(900);

const NAME: &str = "tertutup";

/// A person on the way to a lesson.
#[derive(Clone)]
pub struct Pass {
    pub claims: Arc<Claims>,
    pub token: String,
}

impl Pass {
    pub fn of(stage: &Stage, claims: Claims) -> Self {
        let token = stage.gateway.directory.token_keys().issue(&claims).expect("a key").0;
        Self { claims: Arc::new(claims), token }
    }

    pub fn new(stage: &Stage, kind: Kind) -> Self {
        Self::of(stage, claims(stage, kind))
    }

    fn cookie(&self) -> String {
        format!("lain=1; tayang_play={}", self.token)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

pub fn claims(stage: &Stage, kind: Kind) -> Claims {
    let now = wall_now();
    let channel = stage.channel(NAME).id;
    Claims {
        user: UserId::new(now),
        session: SessionId::new(now),
        lesson: LessonId(channel),
        course: CourseId::new(now),
        channel,
        playback: PlaybackId::new(now),
        kind,
        seq: Seq(10),
        issued: now,
        expires: now.plus_millis(LIFE_MS),
        kid: 1,
    }
}

pub async fn stage() -> Stage {
    let stage = Stage::new().await;
    let secret = Secret { kid: 1, value: control::keys::generate(), created: UnixMillis(1) };
    stage.gateway.directory.set_token_keys(TokenKeys::new(&[secret]));
    stage
}

pub fn revoke(stage: &Stage, seq: i64, what: NewChange) {
    stage.gateway.directory.learn(&[Change { seq: Seq(seq), at: wall_now(), what }], wall_now());
}

/// Asks for `file` with a token by each carrier, and follows where it is sent.
pub async fn by_each_carrier(stage: &Stage, file: &str, pass: &Pass) -> Vec<(String, u16)> {
    let mark = if file.contains('?') { '&' } else { '?' };
    let asks = [
        ("cookie", file.to_owned(), Some(("Cookie", pass.cookie()))),
        ("bearer", file.to_owned(), Some(("Authorization", pass.bearer()))),
        ("path", format!("/p/{}{file}", pass.token), None),
        ("query", format!("{file}{mark}token={}", pass.token), None),
    ];
    let mut found = Vec::new();
    for (carrier, path, header) in asks {
        let headers: Vec<(&str, &str)> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut status = ask(stage, &path, &headers).await;
        if let (302, Some(location)) = &status {
            assert_eq!(carrier, "query", "only a query is not carried on by itself");
            status = ask(stage, location, &[]).await;
        }
        found.push((carrier.to_owned(), status.0));
    }
    found
}

async fn ask(stage: &Stage, path: &str, headers: &[(&str, &str)]) -> (u16, Option<String>) {
    let mut connection = stage.connect().await;
    connection.ask("GET", path, headers).await;
    // The head alone: some of it never ends.
    let head = connection.head().await;
    (head.status, head.header("location").map(ToOwned::to_owned))
}

fn live_files(stage: &Stage) -> Vec<String> {
    let (stream, msn) = stage.stream(NAME);
    let of_stream = ["video/init-0.mp4".to_owned(), format!("video/{msn}.m4s"), format!("video/{msn}.0.m4s")];
    let of_stream = of_stream.into_iter().chain([format!("ts/{msn}.ts"), format!("audio/{msn}.m4s")]);
    let channel = ["live.flv", "master.m3u8", "video.m3u8", "live.m3u8", "manifest.mpd", "playlist.m3u8"];
    let channel = channel.into_iter().chain(["lhls-video.m3u8", "state", "video.m3u8?liveType=vod"]);
    let reload = format!("/live/{NAME}/video.m3u8?_HLS_msn={msn}&_HLS_part=0");
    channel
        .map(|file| format!("/live/{NAME}/{file}"))
        .chain(of_stream.map(|file| format!("/live/{NAME}/{stream}/{file}")))
        .chain([format!("/live/{NAME}.flv"), format!("/video/{NAME}/manifest.m3u8"), reload])
        .collect()
}

fn recorded_files(stream: &str, msn: u64) -> Vec<String> {
    let files = ["master.m3u8", "video.m3u8", "manifest.mpd", "recording.mp4", "video/init-0.mp4"];
    let files = files.map(ToOwned::to_owned).into_iter();
    files
        .chain([format!("video/{msn}.m4s"), format!("video/{msn}.0.m4s"), format!("ts/{msn}.ts")])
        .map(|file| format!("/live/{NAME}/{stream}/{file}"))
        .chain([format!("/live/{NAME}/recordings")])
        .collect()
}

/// Tokens that open nothing, each with its name.
fn wrong(stage: &Stage) -> Vec<(&'static str, Pass)> {
    let right = claims(stage, Kind::Live);
    let other = Claims { channel: stage.channel("tanpa").id, ..right.clone() };
    let expired = Claims { expires: wall_now().plus_millis(-1), ..right.clone() };
    let foreign = Secret { kid: 1, value: Redacted("another server's".to_owned()), created: UnixMillis(1) };
    let forged = TokenKeys::new(&[foreign]).issue(&right).expect("a key").0;
    let mut all = vec![
        ("another lesson's", Pass::of(stage, other)),
        ("expired", Pass::of(stage, expired)),
        ("forged", Pass { claims: Arc::new(right.clone()), token: forged }),
        ("nonsense", Pass { claims: Arc::new(right), token: "nonsense".to_owned() }),
    ];
    let revoked = |of: &Claims| {
        [
            ("signed out", NewChange::new(ChangeKind::Revoked).session(of.session)),
            ("suspended", NewChange::new(ChangeKind::Revoked).user(of.user)),
            ("sent out", NewChange::new(ChangeKind::Revoked).user(of.user).lesson(of.lesson)),
            ("removed from the course", NewChange::new(ChangeKind::Revoked).user(of.user).course(of.course)),
        ]
    };
    for at in 0..4 {
        let pass = Pass::new(stage, Kind::Live);
        let (name, change) = revoked(&pass.claims)[at].clone();
        revoke(stage, 11, change);
        all.push((name, pass));
    }
    let ended = Pass::new(stage, Kind::Live);
    let playbacks = stage.gateway.directory.playbacks();
    playbacks.open(&ended.claims, Carry::Path, Terms::default(), wall_now()).expect("room");
    playbacks.end(ended.claims.playback);
    all.push(("ended", ended));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_live_file_opens_to_the_right_token_by_any_carrier_and_to_no_other() {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 2_000).await;
    let (right, recording) = (Pass::new(&stage, Kind::Live), Pass::new(&stage, Kind::Recording));
    let mut wrong = wrong(&stage);
    wrong.push(("the recording's", recording));
    let files = live_files(&stage);
    let unknown = stage.get("/live/tidak-ada/master.m3u8").await;
    for file in &files {
        for (carrier, status) in by_each_carrier(&stage, file, &right).await {
            assert_eq!(status, 200, "{file} by {carrier}");
        }
        let nothing = stage.get(file).await;
        assert_eq!(nothing.status, 404, "{file}");
        assert_eq!(nothing.text(), unknown.text().replace("tidak-ada", NAME), "{file}: as if it were not there");
        for (name, pass) in &wrong {
            for (carrier, status) in by_each_carrier(&stage, file, pass).await {
                assert_eq!(status, 404, "{file} by {carrier} with one that is {name}");
            }
        }
    }
    for (name, pass) in &wrong {
        let mut guest = Peer::open(stage.rtmp, Purpose::Play, "live", &format!("{NAME}?token={}", pass.token)).await;
        assert_eq!(guest.status().await, (true, "NetStream.Play.StreamNotFound".to_owned()), "{name}");
    }
    for change in [
        NewChange::new(ChangeKind::Revoked).lesson(right.claims.lesson),
        NewChange::new(ChangeKind::Revoked).channel(right.claims.channel),
    ] {
        let (seq, right) = (11, Pass::new(&stage, Kind::Live));
        revoke(&stage, seq, change);
        for file in &files {
            for (carrier, status) in by_each_carrier(&stage, file, &right).await {
                assert_eq!(status, 404, "{file} by {carrier} once it was taken from everybody");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_file_opens_to_the_recordings_token_alone() {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 2_000).await;
    let (stream, msn) = stage.stream(NAME);
    let (live, recording) = (Pass::new(&stage, Kind::Live), Pass::new(&stage, Kind::Recording));
    let files = recorded_files(&stream, msn);
    for file in files.iter().filter(|file| !file.ends_with("recordings")) {
        for (carrier, status) in by_each_carrier(&stage, file, &recording).await {
            assert_eq!(status, 404, "{file} by {carrier}: it is live still");
        }
    }
    stage.end(NAME).await;
    assert!(stage.gateway.recorder.settle(PATIENCE).await, "the recording becomes ready");
    let wrong = wrong(&stage);
    for file in &files {
        for (carrier, status) in by_each_carrier(&stage, file, &recording).await {
            assert_eq!(status, 200, "{file} by {carrier}");
        }
        assert_eq!(stage.get(file).await.status, 404, "{file}");
        for (name, pass) in &wrong {
            for (carrier, status) in by_each_carrier(&stage, file, pass).await {
                assert_eq!(status, 404, "{file} by {carrier} with one that is {name}");
            }
        }
        if file.ends_with("8") || file.ends_with("mpd") || file.ends_with("mp4") && !file.contains("init") {
            assert_eq!(by_each_carrier(&stage, file, &live).await[0].1, 404, "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_cookie_does_not_stand_in_the_way_of_a_right_token() {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 1_000).await;
    let (right, stale) = (Pass::new(&stage, Kind::Live), Pass::new(&stage, Kind::Recording));
    let file = format!("/live/{NAME}/master.m3u8");
    let both = format!("tayang_play=nonsense; tayang_play={}; tayang_play={}", stale.token, right.token);
    assert_eq!(ask(&stage, &file, &[("Cookie", &both)]).await.0, 200);
    let headers = [("Cookie", stale.cookie()), ("Authorization", right.bearer())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ask(&stage, &file, &headers).await.0, 200);
    assert_eq!(ask(&stage, &format!("/p/{}{file}", right.token), &[("Cookie", "tayang_play=x")]).await.0, 200);
    for query in [format!("token={0}&token={0}", right.token), "token=".to_owned()] {
        assert_eq!(stage.get(&format!("{file}?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(ask(&stage, "/live/kelas/state", &[("Cookie", "tayang_play=x")]).await.0, 200, "public is public");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_playlists_under_a_token_name_is_under_it_too_and_is_kept_by_its_viewer_alone() {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 1_500).await;
    let pass = Pass::new(&stage, Kind::Live);
    let base = format!("/p/{}/live/{NAME}", pass.token);
    for list in ["video.m3u8", "live.m3u8", "video.m3u8?liveType=vod"] {
        let reply = stage.get(&format!("{base}/{list}")).await;
        assert!(reply.header("cache-control").expect("a header").starts_with("private"), "{list}");
        let text = reply.text();
        let named = text.lines().find(|line| line.ends_with(".m4s") || line.ends_with(".ts")).expect("a segment");
        let address = if named.starts_with('/') { named.to_owned() } else { format!("{base}/{named}") };
        assert!(address.starts_with(&base), "{address}");
        let segment = stage.get(&address).await;
        assert_eq!(segment.status, 200, "{address}");
        assert!(segment.header("cache-control").expect("a header").starts_with("private"));
    }
    // With a cookie no address holds anything.
    let mut connection = stage.connect().await;
    for list in ["master.m3u8", "video.m3u8", "live.m3u8", "manifest.mpd"] {
        let reply = connection.request("GET", &format!("/live/{NAME}/{list}"), &[("Cookie", &pass.cookie())]).await;
        assert!(reply.status == 200 && !reply.text().contains(&pass.token), "{list}");
    }
    let watch = stage.get(&format!("/p/{}/watch/live/{NAME}", pass.token)).await;
    assert_eq!(watch.header("location"), Some(format!("/watch/live/{NAME}?token={}", pass.token).as_str()));
}

struct Open {
    watched: Watched,
    flv: Connection,
    web_socket: Connection,
    rtmp: Peer,
    parked: Connection,
}

async fn open(stage: &Stage, pass: &Pass, last: &Bytes) -> Open {
    let file = format!("/live/{NAME}/live.flv");
    let mut flv = stage.connect().await;
    flv.ask("GET", &file, &[("Cookie", &pass.cookie())]).await;
    assert_eq!(flv.head().await.status, 200);
    let mut watched = Watched::default();
    watched.until(&mut flv, last).await;
    let mut web_socket = stage.connect().await;
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Cookie", &pass.cookie()),
    ];
    web_socket.ask("GET", &file, &upgrade).await;
    assert_eq!(web_socket.head().await.status, 101);
    let mut rtmp = Peer::open(stage.rtmp, Purpose::Play, "live", &format!("{NAME}?token={}", pass.token)).await;
    rtmp.expect("media", |event| matches!(event, ClientEvent::Media { .. }).then_some(())).await;
    let next = {
        let live = stage.live(NAME);
        let window = live.window.read();
        window.position(window.track_named("video").expect("a track")).expect("a place")
    };
    let reload = format!("/p/{}/live/{NAME}/video.m3u8?_HLS_msn={}&_HLS_part={}", pass.token, next.msn, next.part);
    let mut parked = stage.connect().await;
    parked.ask("GET", &reload, &[]).await;
    assert!(is_silent(&mut parked).await, "it waits");
    Open { watched, flv, web_socket, rtmp, parked }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_plays_and_what_waits_ends_within_a_second_of_a_revocation_and_others_go_on() {
    let stage = stage().await;
    let mut publisher = stage.on_air(NAME, 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let (sent_out, stays) = (Pass::new(&stage, Kind::Live), Pass::new(&stage, Kind::Live));
    let mut gone = open(&stage, &sent_out, &last).await;
    let mut kept = open(&stage, &stays, &last).await;
    let people = || stage.gateway.audience().people(stage.channel(NAME).id, None);
    assert_eq!(people(), 2);
    let start = Instant::now();
    revoke(&stage, 11, NewChange::new(ChangeKind::Revoked).user(sent_out.claims.user).lesson(sent_out.claims.lesson));
    soon("the end of FLV", gone.flv.rest()).await;
    soon("the end of FLV over a WebSocket", gone.web_socket.rest()).await;
    assert!(soon("the end of RTMP", gone.rtmp.is_closed()).await);
    let answer = soon("an answer to who waits", gone.parked.answer()).await;
    assert!(start.elapsed() < IN_TIME, "{:?}", start.elapsed());
    assert_eq!((answer.status, people()), (404, 1));
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    kept.watched.until(&mut kept.flv, &last).await;
    assert_eq!(soon("the playlist", kept.parked.answer()).await.status, 200);
    drop(kept.web_socket);
    drop(kept.rtmp);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_plays_and_what_waits_by_a_retired_key_ends_within_a_second_and_what_the_next_key_signed_goes_on() {
    let stage = Stage::new().await;
    let secret = |kid| Secret { kid, value: control::keys::generate(), created: UnixMillis(1) };
    let (first, second) = (secret(1), secret(2));
    let directory = &stage.gateway.directory;
    directory.set_token_keys(TokenKeys::new(std::slice::from_ref(&first)));
    let mut publisher = stage.on_air(NAME, 1_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let old = Pass::new(&stage, Kind::Live);
    directory.set_token_keys(TokenKeys::new(&[second.clone(), first]));
    let new = Pass::new(&stage, Kind::Live);
    let (mut gone, mut kept) = (open(&stage, &old, &last).await, open(&stage, &new, &last).await);
    let start = Instant::now();
    directory.set_token_keys(TokenKeys::new(&[second]));
    soon("the end of FLV", gone.flv.rest()).await;
    soon("the end of FLV over a WebSocket", gone.web_socket.rest()).await;
    assert!(soon("the end of RTMP", gone.rtmp.is_closed()).await);
    assert_eq!(soon("an answer to who waits", gone.parked.answer()).await.status, 404);
    assert!(start.elapsed() < IN_TIME, "{:?}", start.elapsed());
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    kept.watched.until(&mut kept.flv, &last).await;
    assert_eq!(soon("the playlist", kept.parked.answer()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_refreshed_plays_on_past_its_first_end_without_interruption() {
    let stage = stage().await;
    let mut publisher = stage.on_air(NAME, 1_000).await;
    let short = |life_ms| {
        let claims = claims(&stage, Kind::Live);
        let pass = Pass::of(&stage, Claims { expires: claims.issued.plus_millis(life_ms), ..claims });
        let playbacks = stage.gateway.directory.playbacks();
        playbacks.open(&pass.claims, Carry::Cookie, Terms::default(), wall_now()).expect("room");
        pass
    };
    let (refreshed, let_go) = (short(2_500), short(2_500));
    let mut viewers = Vec::new();
    for pass in [&refreshed, &let_go] {
        let mut viewer = stage.connect().await;
        viewer.ask("GET", &format!("/live/{NAME}/live.flv"), &[("Cookie", &pass.cookie())]).await;
        assert_eq!(viewer.head().await.status, 200);
        viewers.push(viewer);
    }
    let playbacks = stage.gateway.directory.playbacks();
    assert!(playbacks.extend(refreshed.claims.playback, Seq(12), wall_now().plus_millis(LIFE_MS), wall_now()));
    soon("the end of the one that was not refreshed", viewers[1].rest()).await;
    assert!(wall_now() >= let_go.claims.expires);
    publisher.send_until_ms(2_000).await;
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let mut watched = Watched::default();
    watched.until(&mut viewers[0], &last).await;
    assert!(is_tail(&watched.video(), &publisher.payloads(MediaKind::Video)), "every picture from its start on, once");
    // What it asks for with the old token is given as well.
    let file = format!("/p/{}/live/{NAME}/master.m3u8", refreshed.token);
    assert_eq!(ask(&stage, &file, &[]).await.0, 200);
}

/// Stands in for the API: who may for so many times, and for half a second each.
struct Renewing(Arc<control::Directory>, Mutex<u32>);

impl Api for Renewing {
    fn answers(&self, _: Listener, _: &str) -> bool {
        false
    }

    fn answer(&self, _: Request<Incoming>, _: ApiPeer) -> Pin<Box<dyn Future<Output = ApiAnswer> + Send>> {
        unreachable!("it answers nothing")
    }

    fn renew(&self, claims: Arc<Claims>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (playbacks, mut left) = (self.0.playbacks(), self.1.lock());
        if *left > 0 {
            *left -= 1;
            assert!(playbacks.extend(claims.playback, Seq(12), wall_now().plus_millis(1_500), wall_now()), "in time");
        }
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_keeps_its_session_open_until_it_may_not() {
    let stage = stage().await;
    let directory = Arc::clone(&stage.gateway.directory);
    let api = Arc::new(Renewing(Arc::clone(&directory), Mutex::new(3)));
    assert!(stage.gateway.api.set(api.clone()).is_ok());
    let claims = claims(&stage, Kind::Download);
    let pass = Pass::of(&stage, Claims { expires: claims.issued.plus_millis(1_500), ..claims });
    directory.playbacks().open(&pass.claims, Carry::Path, Terms::default(), wall_now()).expect("room");
    let grant = directory.authorize_playback(&stage.channel(NAME).path, &pass.claims, wall_now()).expect("granted");
    // A response under way, of which nothing more comes.
    let mut body = Body::fed(&stage.gateway, Right::new(grant), |sender| async move {
        let _open = sender;
        std::future::pending().await
    });
    let end = soon("the end", body.frame()).await.expect("cut off, not ended");
    assert!(end.is_err(), "so that nobody takes it for whole");
    assert_eq!(*api.1.lock(), 0, "lost once it was renewed no more");
    assert!(wall_now() >= pass.claims.expires.plus_millis(1_000), "and long after its first end");
}

/// Stretches that wait, by protocol, from the stream's begin.
fn delivered(stage: &Stage) -> Vec<(String, i64, i64)> {
    let begin = stage.live(NAME).stream.wall_of(0).expect("it has begun").0;
    let all = stage.gateway.audience().take();
    let mut all: Vec<_> =
        all.into_iter().map(|one| (one.protocol.into_owned(), one.from.0 - begin, one.to.0 - begin)).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attendance_is_the_media_that_left_the_same_on_every_protocol() {
    let stage = stage().await;
    let publisher = stage.on_air(NAME, 2_000).await;
    let (stream, msn) = stage.stream(NAME);
    let pass = Pass::new(&stage, Kind::Live);
    let base = format!("/p/{}/live/{NAME}", pass.token);
    for list in ["master.m3u8", "video.m3u8", "manifest.mpd", "state"] {
        assert_eq!(stage.get(&format!("{base}/{list}")).await.status, 200);
    }
    assert_eq!(stage.head(&format!("{base}/{stream}/video/{msn}.m4s")).await.status, 200);
    assert_eq!(delivered(&stage), [], "no media came with these");
    // A segment is half a second; parts are 200, 200 and 100 ms.
    for file in [
        format!("{stream}/video/{msn}.m4s"),
        format!("{stream}/audio/{msn}.m4s"),
        format!("{stream}/video/{}.m4s", msn + 1),
        format!("{stream}/video/{msn}.0.m4s"),
        format!("{stream}/video/{msn}.1.m4s"),
        format!("{stream}/ts/{}.ts", msn + 2),
    ] {
        assert_eq!(stage.get(&format!("{base}/{file}")).await.status, 200, "{file}");
    }
    let found = delivered(&stage);
    let near = |a: i64, b: i64| (a - b).abs() <= 50;
    for ((protocol, from, to), (expected, first, last)) in
        found.iter().zip([("hls", 0, 1_000), ("hls_ts", 1_000, 1_500), ("llhls", 0, 400)])
    {
        assert!(protocol == expected && near(*from, first) && near(*to, last), "{found:?}");
    }
    assert_eq!(found.len(), 3, "{found:?}");
    let last = publisher.payloads(MediaKind::Video).last().expect("a picture").clone();
    let viewers = open(&stage, &pass, &last).await;
    drop(viewers);
    let mut seen = Vec::new();
    stage
        .until("fan-out tells of what it wrote", || {
            seen.extend(delivered(&stage));
            let has = |name: &str| seen.iter().any(|(protocol, _, to)| protocol == name && *to >= 1_900);
            (has("flv") && has("rtmp") && has("ws_flv")).then_some(())
        })
        .await;
    assert!(seen.iter().all(|(_, from, to)| *from >= -50 && *to <= 2_050), "{seen:?}");
    drop(publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_asked_for_as_a_range_counts_where_the_range_is_all_of_it() {
    let stage = stage().await;
    let _publisher = stage.on_air(NAME, 1_500).await;
    let (stream, msn) = stage.stream(NAME);
    let pass = Pass::new(&stage, Kind::Live);
    let file = format!("/p/{}/live/{NAME}/{stream}/video/{msn}.m4s", pass.token);
    for part in ["bytes=0-99", "bytes=100-", "bytes=-100"] {
        assert_eq!(stage.connect().await.get_with(&file, &[("Range", part)]).await.status, 206, "{part}");
    }
    assert_eq!(delivered(&stage), []);
    let all = stage.connect().await.get_with(&file, &[("Range", "bytes=0-")]).await;
    let found = delivered(&stage);
    assert_eq!((all.status, found.len()), (206, 1), "{found:?}");
    assert!((found[0].2 - found[0].1 - 500).abs() <= 50, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_grows_counts_once_it_is_whole_and_one_that_is_not_taken_does_not() {
    let stage = stage().await;
    let mut publisher = stage.on_air(NAME, 1_200).await;
    let (stream, first) = stage.stream(NAME);
    let pass = Pass::new(&stage, Kind::Live);
    let next = next_of(&stage);
    let file = format!("/p/{}/live/{NAME}/{stream}/video/{}.m4s", pass.token, next);
    let (mut reader, mut leaver) = (stage.connect().await, stage.connect().await);
    for one in [&mut reader, &mut leaver] {
        one.ask("GET", &file, &[]).await;
        assert!(one.head().await.is_chunked());
        assert!(one.chunk().await.is_some(), "its first part");
    }
    drop(leaver);
    assert_eq!(delivered(&stage), []);
    publisher.send_until_ms(2_000).await;
    soon("the rest", async { while reader.chunk().await.is_some() {} }).await;
    let found = stage.until("it counts", || Some(delivered(&stage)).filter(|found| !found.is_empty())).await;
    let from = (next - first) as i64 * 500;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].1 - from).abs() <= 50 && (found[0].2 - from - 500).abs() <= 50, "{found:?}");
}

/// The number of the segment that is being made.
fn next_of(stage: &Stage) -> u64 {
    let live = stage.live(NAME);
    let window = live.window.read();
    window.position(window.track_named("video").expect("a track")).expect("a place").msn
}
