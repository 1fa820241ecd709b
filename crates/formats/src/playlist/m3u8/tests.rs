use media::{Ticks, Timescale};
use proptest::prelude::*;

use super::*;

fn item(item: Item<&str>) -> String {
    let mut out = String::new();
    write_item(&mut out, &item);
    out
}

#[test]
fn seconds_keep_microseconds_and_drop_zeros() {
    let audio = Timescale::new(44_100).expect("not zero");
    for (micros, text) in [
        (Micros(0), "0.0"),
        (Micros(2_000_000), "2.0"),
        (Micros(200_000), "0.2"),
        (Micros(1), "0.000001"),
        (Micros::from_millis(220), "0.22"),
        (Micros::from_ticks(Ticks(9_216), audio), "0.20898"),
        (Micros::from_ticks(Ticks(-5), audio), "0.0"),
        (Micros::from_ticks(Ticks(i64::MAX), Timescale::MILLIS), "18446744073709.551615"),
    ] {
        assert_eq!(micros.to_string(), text);
    }
}

#[test]
fn a_low_latency_header_reads_as_the_draft_spells_it() {
    let mut out = String::new();
    write_header(
        &mut out,
        &MediaHeader {
            version: 10,
            target_duration_s: 4,
            server_control: Some(ServerControl {
                can_block_reload: true,
                can_skip_until: Some(Micros::from_millis(24_000)),
                hold_back: Some(Micros::from_millis(12_000)),
                part_hold_back: Some(Micros::from_millis(660)),
            }),
            part_target: Some(Micros::from_millis(220)),
            media_sequence: 17,
            discontinuity_sequence: 3,
            playlist_type: None,
            independent_segments: true,
        },
    );
    assert_eq!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-TARGETDURATION:4\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.0,HOLD-BACK=12.0,PART-HOLD-BACK=0.66\n\
         #EXT-X-PART-INF:PART-TARGET=0.22\n#EXT-X-MEDIA-SEQUENCE:17\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n"
    );
}

#[test]
fn what_is_not_there_is_not_written() {
    let mut out = String::new();
    let header = MediaHeader {
        version: 3,
        target_duration_s: 2,
        server_control: Some(ServerControl::default()),
        playlist_type: Some(PlaylistType::Vod),
        ..MediaHeader::default()
    };
    write_header(&mut out, &header);
    assert_eq!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    );
}

#[test]
fn every_entry_reads_as_the_draft_spells_it() {
    let duration = Micros::from_millis(200);
    for (written, text) in [
        (Item::Skip(3), "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"),
        (Item::Discontinuity, "#EXT-X-DISCONTINUITY\n"),
        (Item::Map("i.mp4"), "#EXT-X-MAP:URI=\"i.mp4\"\n"),
        (Item::ProgramDateTime(UnixMillis(1)), "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.001Z\n"),
        (Item::Gap, "#EXT-X-GAP\n"),
        (Item::Part { duration, uri: "p", independent: true }, "#EXT-X-PART:DURATION=0.2,URI=\"p\",INDEPENDENT=YES\n"),
        (Item::Part { duration, uri: "p", independent: false }, "#EXT-X-PART:DURATION=0.2,URI=\"p\"\n"),
        (Item::Segment { duration, uri: "s" }, "#EXTINF:0.2,\ns\n"),
        (Item::PreloadHint("n"), "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"n\"\n"),
        (
            Item::RenditionReport { uri: "r", last_msn: 4, last_part: Some(1) },
            "#EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=4,LAST-PART=1\n",
        ),
        (
            Item::RenditionReport { uri: "r", last_msn: 4, last_part: None },
            "#EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=4\n",
        ),
        (Item::Prefetch("f"), "#EXT-X-PREFETCH:f\n"),
        (Item::PrefetchDiscontinuity, "#EXT-X-PREFETCH-DISCONTINUITY\n"),
        (Item::EndList, "#EXT-X-ENDLIST\n"),
    ] {
        assert_eq!(item(written), text);
    }
}

#[test]
fn no_uri_can_end_its_line_or_its_quotes() {
    assert_eq!(
        item(Item::Map("a\"b\r\n#EXT-X-ENDLIST\u{85}é")),
        "#EXT-X-MAP:URI=\"a%22b%0D%0A#EXT-X-ENDLIST%C2%85é\"\n"
    );
}

#[test]
fn a_multivariant_playlist_ties_variants_to_their_audio() {
    let text = write_multivariant(&Multivariant {
        version: 7,
        independent_segments: true,
        audio: vec![AudioRendition {
            group: "audio".into(),
            name: "1\"".into(),
            default: true,
            channels: 2,
            uri: "audio.m3u8".into(),
        }],
        variants: vec![Variant {
            bandwidth_bps: 3_000_000,
            average_bandwidth_bps: Some(2_500_000),
            codecs: "avc1.64001f,mp4a.40.2".into(),
            resolution: Some((1_280, 720)),
            frame_rate_millihz: Some(29_970),
            video_range: Some(VideoRange::Hlg),
            audio_group: Some("audio".into()),
            uri: "video.m3u8".into(),
        }],
    });
    assert_eq!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"1%22\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2500000,CODECS=\"avc1.64001f,mp4a.40.2\",\
         RESOLUTION=1280x720,FRAME-RATE=29.970,VIDEO-RANGE=HLG,AUDIO=\"audio\"\nvideo.m3u8\n"
    );
    assert_eq!([VideoRange::Sdr, VideoRange::Pq].map(|range| range.to_string()), ["SDR", "PQ"]);
}

#[test]
fn a_server_control_of_one_attribute_has_no_comma() {
    for (control, text) in [
        (ServerControl { can_block_reload: true, ..ServerControl::default() }, "CAN-BLOCK-RELOAD=YES"),
        (ServerControl { can_skip_until: Some(Micros(1)), ..ServerControl::default() }, "CAN-SKIP-UNTIL=0.000001"),
        (ServerControl { hold_back: Some(Micros(0)), ..ServerControl::default() }, "HOLD-BACK=0.0"),
        (ServerControl { part_hold_back: Some(Micros(600_000)), ..ServerControl::default() }, "PART-HOLD-BACK=0.6"),
    ] {
        let mut out = String::new();
        write_header(&mut out, &MediaHeader { server_control: Some(control), ..MediaHeader::default() });
        assert!(out.lines().any(|line| line == format!("#EXT-X-SERVER-CONTROL:{text}")), "{out}");
    }
}

#[test]
fn a_multivariant_playlist_of_the_least_says_no_more() {
    let variant = Variant {
        bandwidth_bps: 1,
        average_bandwidth_bps: None,
        codecs: "mp4a.40.2".into(),
        resolution: None,
        frame_rate_millihz: None,
        video_range: None,
        audio_group: None,
        uri: "audio.m3u8".into(),
    };
    let playlist = Multivariant { version: 7, variants: vec![variant], ..Multivariant::default() };
    let least = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\naudio.m3u8\n";
    assert_eq!(write_multivariant(&playlist), least);
}

proptest! {
    #[test]
    fn durations_read_back_to_the_microsecond(micros in any::<u64>()) {
        let text = Micros(micros).to_string();
        let (seconds, fraction) = text.split_once('.').expect("has a point");
        prop_assert!((1..=6).contains(&fraction.len()));
        let back = seconds.parse::<u128>().expect("digits") * 1_000_000
            + format!("{fraction:0<6}").parse::<u128>().expect("digits");
        prop_assert_eq!(back, u128::from(micros));
    }

    #[test]
    fn whatever_a_uri_holds_an_entry_is_one_tag_with_paired_quotes(uri in any::<String>()) {
        let uri = uri.as_str();
        let duration = Micros(1);
        for (entry, lines, quotes) in [
            (Item::Map(uri), 1, 2),
            (Item::Part { duration, uri, independent: true }, 1, 2),
            (Item::Segment { duration, uri }, 2, 0),
            (Item::PreloadHint(uri), 1, 2),
            (Item::RenditionReport { uri, last_msn: 1, last_part: None }, 1, 2),
            (Item::Prefetch(uri), 1, 0),
        ] {
            let text = item(entry);
            prop_assert!(text.ends_with('\n'));
            prop_assert_eq!((text.matches('\n').count(), text.matches('"').count()), (lines, quotes));
            prop_assert!(text.trim_end_matches('\n').chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
