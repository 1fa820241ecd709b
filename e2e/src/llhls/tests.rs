use super::*;

/// A playlist of full segments of 2 s from `first` on, and `parts` parts of the next.
fn text(first: u64, complete: u64, parts: u64) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,\
         CAN-SKIP-UNTIL=24.0,HOLD-BACK=12.0,PART-HOLD-BACK=0.66\n#EXT-X-PART-INF:PART-TARGET=0.22\n\
         #EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init-0.mp4\"\n"
    );
    let lines = |msn: u64, parts: u64| {
        let mut lines =
            format!("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:{:02}:{:02}.000Z\n", msn * 2 / 60, msn * 2 % 60);
        for part in 0..parts {
            let independent = if part == 0 { ",INDEPENDENT=YES" } else { "" };
            lines.push_str(&format!("#EXT-X-PART:DURATION=0.2,URI=\"{msn}.{part}.m4s\"{independent}\n"));
        }
        lines
    };
    for msn in first..first + complete {
        text.push_str(&lines(msn, 10));
        text.push_str(&format!("#EXTINF:2.0,\n{msn}.m4s\n"));
    }
    let open = first + complete;
    if parts > 0 {
        text.push_str(&lines(open, parts));
    }
    text.push_str(&format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{open}.{parts}.m4s\"\n"));
    text.push_str(&format!("#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\",LAST-MSN={open},LAST-PART={parts}\n"));
    text
}

fn playlist(first: u64, complete: u64, parts: u64) -> Playlist {
    Playlist::parse(&text(first, complete, parts)).expect("right")
}

#[test]
fn a_right_stream_of_playlists_passes() {
    let mut follower = Follower::default();
    let steps = [(10, 8, 3), (10, 8, 4), (10, 8, 9), (10, 9, 0), (11, 8, 1), (11, 8, 2)];
    for (at, (first, complete, parts)) in steps.into_iter().enumerate() {
        let faults = follower.see(playlist(first, complete, parts), (at == 1).then_some((18, 3)));
        assert_eq!(faults, Vec::<String>::new(), "{first} {complete} {parts}");
    }
    assert_eq!(follower.complete().count(), 9);
}

/// What is said when `spoilt` follows a right playlist.
fn faults(first: u64, complete: u64, parts: u64, from: &str, to: &str) -> String {
    let mut follower = Follower::default();
    assert!(follower.see(playlist(10, 8, 3), None).is_empty());
    let right = text(first, complete, parts);
    assert!(right.contains(from), "{from}");
    follower.see(Playlist::parse(&right.replacen(from, to, 1)).expect("well formed"), Some((18, 3))).join("; ")
}

#[test]
fn every_rule_that_is_broken_is_named() {
    for (first, complete, parts, from, to, said) in [
        (10, 8, 4, "PART-HOLD-BACK=0.66", "PART-HOLD-BACK=0.4", "PART-HOLD-BACK"),
        (10, 8, 4, "HOLD-BACK=12.0", "HOLD-BACK=11.0", "HOLD-BACK under"),
        (10, 8, 4, "CAN-SKIP-UNTIL=24.0", "CAN-SKIP-UNTIL=23.0", "CAN-SKIP-UNTIL"),
        (10, 8, 4, "CAN-BLOCK-RELOAD=YES", "CAN-BLOCK-RELOAD=NO", "CAN-BLOCK-RELOAD"),
        (10, 8, 4, "VERSION:9", "VERSION:8", "version 9"),
        (10, 8, 4, "TARGETDURATION:4", "TARGETDURATION:1", "§4.4.3.1"),
        (10, 8, 4, "TARGETDURATION:4", "TARGETDURATION:5", "the header changed"),
        (10, 8, 4, "#EXT-X-MAP:URI=\"init-0.mp4\"\n", "", "EXT-X-MAP"),
        (10, 8, 4, "DURATION=0.2,URI=\"18.3", "DURATION=0.23,URI=\"18.3", "18.3 lasts 230000"),
        (10, 8, 4, "DURATION=0.2,URI=\"18.2", "DURATION=0.1,URI=\"18.2", "18.2 lasts only"),
        (10, 8, 4, "DURATION=0.2,URI=\"12.2", "DURATION=0.21,URI=\"12.2", "its parts"),
        (10, 8, 4, "18.0.m4s\",INDEPENDENT=YES", "18.0.m4s\"", "not independent"),
        (10, 8, 4, "URI=\"18.3.m4s\"", "URI=\"18.x.m4s\"", "was hinted"),
        (10, 8, 4, "URI=\"18.2.m4s\"", "URI=\"18.x.m4s\"", "parts of 18 changed"),
        (10, 8, 4, "#EXTINF:2.0,\n12.m4s", "#EXTINF:2.0,\nx.m4s", "segment 12 was"),
        (10, 8, 4, "00:34.000Z", "00:34.500Z", "EXT-X-PROGRAM-DATE-TIME of 17 is 500"),
        (9, 9, 4, "x", "x", "EXT-X-MEDIA-SEQUENCE from 10 to 9"),
        (14, 4, 4, "x", "x", "was removed"),
        (10, 8, 2, "x", "x", "the end went back"),
        (10, 8, 3, "x", "x", "asked for 18.3"),
    ] {
        let from = if from == "x" { "#EXTM3U" } else { from };
        let to = if to == "x" { "#EXTM3U" } else { to };
        let found = faults(first, complete, parts, from, to);
        assert!(found.contains(said), "{from:?} as {to:?}: {found:?} does not say {said:?}");
    }
}

#[test]
fn a_hint_comes_to_nothing_only_where_its_segment_ends() {
    let mut follower = Follower::default();
    assert!(follower.see(playlist(10, 8, 9), None).is_empty());
    let short = text(10, 9, 1)
        .replace("#EXT-X-PART:DURATION=0.2,URI=\"18.9.m4s\"\n", "")
        .replace("#EXTINF:2.0,\n18.", "#EXTINF:1.8,\n18.");
    let faults = follower.see(Playlist::parse(&short).expect("well formed"), Some((18, 9)));
    assert!(faults.iter().all(|fault| fault.contains("PROGRAM-DATE-TIME")), "{faults:?}");
}

#[test]
fn a_delta_update_makes_the_full_playlist_again() {
    let (before, full) = (playlist(10, 16, 3), playlist(11, 16, 1));
    let right = text(11, 16, 1);
    // All but the last 13: 26 s and a part.
    let cut = right.find("#EXT-X-MAP").expect("there")
        ..right.find("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:28").expect("there");
    let delta = |skipped: u64| {
        let mut text = right.clone();
        text.replace_range(cut.clone(), &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n"));
        Playlist::parse(&text).expect("well formed")
    };
    assert_eq!(with_delta(&before, &delta(3)), Ok(full));
    assert!(with_delta(&playlist(12, 15, 1), &delta(3)).is_err(), "a segment that nobody has");
    let mut short = delta(3);
    short.segments.drain(..3);
    assert!(with_delta(&before, &short).is_err_and(|why| why.contains("boundary")));
}
