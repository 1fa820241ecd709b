//! Every address that the product promises, and some that nobody should have.

use proptest::prelude::*;

use super::*;

fn path(app: &str, name: &str) -> ChannelRef {
    ChannelRef::Path(channel_path(app, name).expect("names"))
}

fn file_of(path: &str) -> ChannelFile {
    match parse(path) {
        Target::Channel(_, file, _) => file,
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn canonical_addresses_are_read() {
    let label = |text: &str| TrackLabel(text.into());
    for (text, file) in [
        ("/live/kelas/master.m3u8", ChannelFile::Master),
        ("/live/kelas/video.m3u8", ChannelFile::Media(label("video"))),
        ("/live/kelas/audio1.m3u8", ChannelFile::Media(label("audio1"))),
        ("/live/kelas/lhls-video.m3u8", ChannelFile::LhlsMedia(label("video"))),
        ("/live/kelas/live.m3u8", ChannelFile::TsPlaylist),
        ("/live/kelas/manifest.mpd", ChannelFile::Mpd),
        ("/live/kelas/live.flv", ChannelFile::Flv),
        ("/live/kelas/state", ChannelFile::State),
        ("/live/kelas/recordings", ChannelFile::Recordings),
        ("/live/kelas/17/master.m3u8", ChannelFile::Stream(StreamId(17), StreamFile::Master)),
        ("/live/kelas/17/recording.mp4", ChannelFile::Stream(StreamId(17), StreamFile::Mp4)),
        ("/live/kelas/17/video/init-0.mp4", ChannelFile::Stream(StreamId(17), StreamFile::Init(label("video"), 0))),
        ("/live/kelas/17/video/9.m4s", ChannelFile::Stream(StreamId(17), StreamFile::Segment(label("video"), 9))),
        (
            "/live/kelas/17/audio1/2-960000.m4s",
            ChannelFile::Stream(StreamId(17), StreamFile::SegmentAt(label("audio1"), 2, 960_000)),
        ),
        ("/live/kelas/17/audio/9.3.m4s", ChannelFile::Stream(StreamId(17), StreamFile::Part(label("audio"), 9, 3))),
        ("/live/kelas/17/ts/9.ts", ChannelFile::Stream(StreamId(17), StreamFile::Ts(9))),
    ] {
        assert_eq!(parse(text), Target::Channel(path("live", "kelas"), file, None), "{text}");
    }
}

#[test]
fn whatever_lies_below_an_apps_name_is_the_apps() {
    for (text, app, place) in [
        ("/mymentor", App::MyMentor, ""),
        ("/mymentor/", App::MyMentor, ""),
        ("/mymentee/lessons/1/live/now/and/so/on", App::MyMentee, "lessons/1/live/now/and/so/on"),
        ("/mymentor/assets/index-1.js", App::MyMentor, "assets/index-1.js"),
        ("/mymentor/../../etc/passwd", App::MyMentor, "../../etc/passwd"),
    ] {
        assert_eq!(parse(text), Target::App(app, place.to_owned()), "{text}");
    }
    assert_eq!(file_of("/mymentors/live.flv"), ChannelFile::Flv, "another word");
}

#[test]
fn the_source_systems_addresses_are_read() {
    assert_eq!(parse("/live/movie.flv"), Target::Channel(path("live", "movie"), ChannelFile::Flv, None), "livego");
    assert_eq!(parse("/live/movie.m3u8"), Target::Channel(path("live", "movie"), ChannelFile::TsPlaylist, None));
    let id: Uuid = "98724e64-bcd1-4887-af4a-60be440709aa".parse().expect("uuid");
    let by_id = Some((ChannelRef::Id(id), ChannelFile::Flv));
    match parse("/98724e64-bcd1-4887-af4a-60be440709aa/live.flv") {
        Target::Channel(_, ChannelFile::Flv, second) => assert_eq!(second, by_id),
        other => panic!("{other:?}"),
    }
    match parse("/98724e64-bcd1-4887-af4a-60be440709aa/dash.html") {
        Target::Channel(channel, ChannelFile::Page(Via::Dash), None) => assert_eq!(channel, ChannelRef::Id(id)),
        other => panic!("{other:?}"),
    }
    assert_eq!(file_of("/mrrtmp/playlist.m3u8"), ChannelFile::TsPlaylist, "livego's reading comes first");
    assert_eq!(
        parse("/mrrtmp/playlist.m3u8"),
        Target::Channel(
            path("mrrtmp", "playlist"),
            ChannelFile::TsPlaylist,
            Some((path("live", "mrrtmp"), ChannelFile::LhlsMaster))
        )
    );
    assert_eq!(
        parse("/video/20210215/manifest.m3u8"),
        Target::Channel(path("live", "20210215"), ChannelFile::WindowMaster, None)
    );
    assert_eq!(file_of("/video/20210215/source/chunklist.m3u8"), ChannelFile::WindowMedia(TrackLabel("video".into())));
    assert!(matches!(
        parse("/kelas/720p/index.m3u8"),
        Target::Channel(_, ChannelFile::Master, Some((_, ChannelFile::Rendition(_))))
    ));
}

#[test]
fn what_is_not_an_address_is_unknown() {
    for text in [
        "/live/../etc/passwd",
        "/live/kelas/017/master.m3u8",
        "/live/kelas/17/video/09.m4s",
        "/live/kelas/17/video/9.m4s/more",
        "/live/kelas/17/video/9.m4s/more/and/more",
        "/live/kelas/17/video64/9.m4s",
        "/live/kelas/17/video0/9.m4s",
        "/live/kelas/17/video/-1.m4s",
        "/live/ke%2flas/master.m3u8",
        "/live/kelas/17/video/18446744073709551616.m4s",
        "//",
        "/assets/../Cargo.toml",
    ] {
        assert_eq!(parse(text), Target::Unknown, "{text}");
    }
}

#[test]
fn a_signed_path_gives_its_signature_and_the_rest() {
    assert_eq!(split_signed("/s/17-ab/live/kelas/master.m3u8"), (Some("17-ab"), "/live/kelas/master.m3u8"));
    assert_eq!(split_signed("/live/kelas/master.m3u8"), (None, "/live/kelas/master.m3u8"));
    assert_eq!(split_signed("/s/"), (None, "/s/"));
}

#[test]
fn a_path_carries_one_thing_or_nothing_and_carries_it_on() {
    for (path, carried, rest) in [
        ("/s/17-ab/live/kelas/master.m3u8", Carried::Sign("17-ab"), "/live/kelas/master.m3u8"),
        ("/p/AbC-_/live/kelas/master.m3u8", Carried::Token("AbC-_"), "/live/kelas/master.m3u8"),
        ("/p/AbC/s/17-ab/live/kelas.flv", Carried::Token("AbC"), "/s/17-ab/live/kelas.flv"),
        ("/live/kelas/master.m3u8", Carried::Nothing, "/live/kelas/master.m3u8"),
        ("/p/", Carried::Nothing, "/p/"),
        ("/p", Carried::Nothing, "/p"),
    ] {
        assert_eq!(split_carried(path), (carried, rest));
        assert_eq!(format!("{}{rest}", carried.prefix()), path);
    }
    assert_eq!(parse("/s/17-ab/live/kelas.flv"), Target::Unknown, "not two at once");
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "[/a-z0-9.%_-]{0,80}|\\PC{0,40}") {
        let (_, rest) = split_signed(&text);
        let _ = parse(rest);
    }
}

#[test]
fn names_that_the_server_keeps_are_refused() {
    let path = |app: &str, name: &str| channel_path(app, name).expect("names");
    for word in RESERVED.into_iter().chain(["01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef"])
    {
        for (path, what) in [(path("live", word), "no channel"), (path(word, "kelas"), "no application")] {
            let why = refusal(&path).expect("it is refused");
            assert!(why.starts_with(what) && why.contains(word), "{why}");
        }
    }
    for (app, name) in [("live", "kelas"), ("video", "time1"), ("live", "live"), ("state", "s-1"), ("Watch", "S")] {
        assert_eq!(refusal(&path(app, name)), None, "{app}/{name}");
    }
}

proptest! {
    /// What an address can begin with is the server's own, or may be the name of an application or a channel.
    #[test]
    fn an_address_of_a_channel_that_may_be_made_means_that_channel(
        app in "healthz|readyz|metrics|time|assets|watch|video|s|live|state|recordings|[a-z0-9]{1,8}",
        name in "healthz|readyz|metrics|time|assets|watch|video|s|live|state|recordings|720p|[a-z0-9]{1,8}",
    ) {
        let path = channel_path(&app, &name).expect("names");
        if refusal(&path).is_some() {
            return Ok(());
        }
        let text = format!("/{path}/state/x");
        let (signed, _) = split_signed(&text);
        prop_assert_eq!(signed, None);
        let by_path = ChannelRef::Path(path.clone());
        for (text, file) in [
            (format!("/{path}/live.flv"), ChannelFile::Flv),
            (format!("/{path}.flv"), ChannelFile::Flv),
            (format!("/{path}/master.m3u8"), ChannelFile::Master),
            (format!("/{path}/state"), ChannelFile::State),
            (format!("/{path}/recordings"), ChannelFile::Recordings),
            (format!("/{path}/17/recording.mp4"), ChannelFile::Stream(StreamId(17), StreamFile::Mp4)),
            (format!("/{path}/17/video/3.m4s"), ChannelFile::Stream(StreamId(17), StreamFile::Segment(TrackLabel("video".into()), 3))),
        ] {
            let Target::Channel(channel, read, _) = parse(&text) else { panic!("{text}") };
            prop_assert_eq!((&channel, &read), (&by_path, &file), "{}", text);
        }
        prop_assert_eq!(parse(&format!("/watch/{path}")), Target::Watch(path));
    }
}
