use proptest::prelude::*;

use super::*;

fn set(content: Content) -> AdaptationSet {
    AdaptationSet {
        id: 0,
        name: "video".into(),
        codecs: "avc1.64001f".into(),
        bandwidth_bps: 2_000_000,
        content,
        starts_with_sync: true,
        producer_time: Some(ProducerTime { wall: UnixMillis(0), presentation_time: 90 }),
        template: SegmentTemplate {
            timescale: 90_000,
            presentation_time_offset: 90,
            initialization: "1/video/init-0.mp4?a=1&b=<2>".into(),
            media: "1/video/$Time$.m4s".into(),
            availability_time_offset_ms: Some(1_780),
            timeline: timeline([(90, 180_000), (180_090, 180_000)]),
        },
    }
}

fn dynamic(sets: Vec<AdaptationSet>) -> Mpd {
    Mpd {
        presentation: Presentation::Dynamic {
            availability_start: UnixMillis(1_000),
            publish_time: UnixMillis(2_000),
            minimum_update_ms: 1_000,
            time_shift_buffer_ms: 30_000,
            suggested_delay_ms: 2_000,
            utc_timing: Some("/time".into()),
            latency: Some(Latency { target_ms: 2_000, min_ms: 1_000, max_ms: 6_000 }),
        },
        min_buffer_ms: 500,
        max_segment_ms: 4_000,
        periods: vec![Period { id: "7".into(), start_ms: 1, duration_ms: None, sets }],
    }
}

#[test]
fn neighbours_of_one_duration_share_a_stretch() {
    assert_eq!(
        timeline([(0, 10), (10, 10), (20, 10), (30, 12), (50, 12), (62, 12)]),
        [
            Stretch { time: Some(0), duration: 10, repeat: 2 },
            Stretch { time: None, duration: 12, repeat: 0 },
            Stretch { time: Some(50), duration: 12, repeat: 1 },
        ]
    );
    assert_eq!(timeline([(u64::MAX, 2)]).len(), 1, "no overflow");
    assert!(timeline([]).is_empty());
}

#[test]
fn a_live_video_track_reads_as_the_standard_spells_it() {
    let content = Content::Video { width: 1_280, height: 720, frame_rate: Some((30_000, 1_001)) };
    let text = write(&dynamic(vec![set(content)]));
    for expected in [
        "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:01.000Z\" publishTime=\"1970-01-01T00:00:02.000Z\"",
        "minimumUpdatePeriod=\"PT1.000S\" timeShiftBufferDepth=\"PT30.000S\" suggestedPresentationDelay=\"PT2.000S\"",
        "minBufferTime=\"PT0.500S\" maxSegmentDuration=\"PT4.000S\">\n",
        "<Latency referenceId=\"0\" target=\"2000\" min=\"1000\" max=\"6000\"/>",
        "<Period id=\"7\" start=\"PT0.001S\">\n",
        "contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">",
        "inband=\"true\" type=\"encoder\" wallClockTime=\"1970-01-01T00:00:00.000Z\" presentationTime=\"90\">",
        "timescale=\"90000\" presentationTimeOffset=\"90\"",
        "initialization=\"1/video/init-0.mp4?a=1&amp;b=&lt;2&gt;\" media=\"1/video/$Time$.m4s\"",
        "availabilityTimeOffset=\"1.780\" availabilityTimeComplete=\"false\">",
        "<S t=\"90\" d=\"180000\" r=\"1\"/>",
        "<Representation id=\"video\" codecs=\"avc1.64001f\" bandwidth=\"2000000\" width=\"1280\" height=\"720\" frameRate=\"30000/1001\"/>",
        "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"/time\"/>\n</MPD>\n",
    ] {
        assert!(text.contains(expected), "{expected}\nnot in\n{text}");
    }
}

#[test]
fn a_finished_presentation_has_a_length_and_no_live_attributes() {
    let mut mpd = dynamic(vec![set(Content::Audio { sample_rate: 48_000, channels: 2 })]);
    mpd.presentation = Presentation::Static { duration_ms: 61_005 };
    let text = write(&mpd);
    assert!(text.contains("type=\"static\" mediaPresentationDuration=\"PT61.005S\""));
    assert!(text.contains("audioSamplingRate=\"48000\">\n        <AudioChannelConfiguration"));
    for live in ["availabilityStartTime", "minimumUpdatePeriod", "UTCTiming", "ServiceDescription"] {
        assert!(!text.contains(live), "{live}");
    }
}

#[test]
fn elements_close_in_the_order_they_opened() {
    let text = write(&dynamic(vec![
        set(Content::Video { width: 2, height: 2, frame_rate: Some((25, 1)) }),
        set(Content::Audio { sample_rate: 48_000, channels: 1 }),
    ]));
    let mut open = Vec::new();
    for tag in text.split('<').skip(2) {
        let name = tag.split([' ', '>', '/']).find(|part| !part.is_empty()).expect("a tag has a name");
        let tag = tag.trim_end();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{text}");
        } else if !tag.ends_with("/>") {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(text.contains("frameRate=\"25\""));
}

#[test]
fn text_cannot_leave_its_attribute() {
    assert_eq!(Escaped("a\"b&<c>\u{0}\n").to_string(), "a&quot;b&amp;&lt;c&gt;\u{FFFD}\u{FFFD}");
}

#[test]
fn what_is_not_known_is_not_written() {
    let mut least = set(Content::Video { width: 1, height: 1, frame_rate: None });
    least.starts_with_sync = false;
    least.producer_time = None;
    least.template.presentation_time_offset = 0;
    least.template.availability_time_offset_ms = None;
    let mut mpd = dynamic(vec![least]);
    if let Presentation::Dynamic { utc_timing, latency, .. } = &mut mpd.presentation {
        (*utc_timing, *latency) = (None, None);
    }
    let text = write(&mpd);
    for absent in [
        "frameRate",
        "startWithSAP",
        "ProducerReferenceTime",
        "presentationTimeOffset",
        "availabilityTimeOffset",
        "availabilityTimeComplete",
        "UTCTiming",
        "ServiceDescription",
        " duration=",
    ] {
        assert!(!text.contains(absent), "{absent} in\n{text}");
    }
}

#[test]
fn a_period_that_is_over_says_how_long_it_was() {
    let mut mpd = dynamic(Vec::new());
    mpd.periods.insert(0, Period { id: "6".into(), start_ms: 0, duration_ms: Some(1_001), sets: Vec::new() });
    let text = write(&mpd);
    let over = text.find("<Period id=\"6\" start=\"PT0.000S\" duration=\"PT1.001S\">").expect("the one that is over");
    assert!(over < text.find("<Period id=\"7\" start=\"PT0.001S\">\n").expect("the one that goes on"));
}

proptest! {
    #[test]
    fn stretches_unfold_to_the_segments_that_they_were_made_of(
        steps in prop::collection::vec((0u64..3, 1u64..4), 0..60),
        start in 0u64..1 << 60,
    ) {
        let mut next = start;
        let segments: Vec<(u64, u64)> = steps
            .iter()
            .map(|(gap, duration)| {
                let at = next + gap;
                next = at + duration;
                (at, *duration)
            })
            .collect();
        let (mut unfolded, mut at) = (Vec::new(), 0);
        for stretch in timeline(segments.clone()) {
            at = stretch.time.unwrap_or(at);
            for _ in 0..=stretch.repeat {
                unfolded.push((at, stretch.duration));
                at += stretch.duration;
            }
        }
        prop_assert_eq!(unfolded, segments);
    }

    #[test]
    fn no_text_leaves_its_attribute(text in any::<String>()) {
        let escaped = Escaped(&text).to_string();
        prop_assert!(!escaped.contains(['<', '>', '"']) && !escaped.contains(char::is_control));
        let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        prop_assert_eq!(back, text.replace(char::is_control, "\u{FFFD}"));
    }
}
