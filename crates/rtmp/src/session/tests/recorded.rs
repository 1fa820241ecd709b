//! Real senders, recorded from the socket (`testdata/rtmp/README.md`).

use super::*;

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../testdata/rtmp/", $name))
    };
}

/// Feeds a recorded publisher in pieces and accepts it.
fn publish(bytes: &[u8], step: usize) -> (Vec<Event>, ServerSession) {
    let now = Instant::now();
    let mut session = ServerSession::new(ServerConfig::default(), entropy(4), now);
    let mut events = Vec::new();
    for piece in bytes.chunks(step) {
        session.handle_input(now, piece).expect("real senders frame well");
        loop {
            match session.poll_output() {
                Output::Event(event) => {
                    if let Event::Publish { stream_id, .. } = event {
                        session.accept_publish(stream_id);
                    }
                    events.push(event);
                }
                Output::Transmit(_) => {}
                Output::WaitUntil(_) | Output::Closed => break,
            }
        }
    }
    (events, session)
}

fn media(events: &[Event]) -> (Vec<u32>, Vec<u32>, usize) {
    let mut seen = (Vec::new(), Vec::new(), 0);
    for event in events {
        match event {
            Event::Video { timestamp, .. } => seen.0.push(*timestamp),
            Event::Audio { timestamp, .. } => seen.1.push(*timestamp),
            Event::ScriptData { name, .. } if name == "onMetaData" => seen.2 += 1,
            _ => {}
        }
    }
    seen
}

#[test]
fn every_recorded_publisher_is_understood_to_its_last_tag() {
    let recordings: [(&[u8], usize, usize, &str, bool); 4] = [
        (recorded!("ffmpeg-publish.bin"), 12, 46, "kunci?a=b", true),
        (recorded!("rtmp2sink-publish.bin"), 12, 42, "kunci", true),
        (recorded!("librtmp-publish.bin"), 12, 42, "kunci", true),
        (recorded!("nginx-push.bin"), 22, 89, "kunci", false),
    ];
    for (bytes, video, audio, name, says_goodbye) in recordings {
        let (events, session) = publish(bytes, 4096);
        let (video_times, audio_times, metadata) = media(&events);
        assert_eq!((video_times.len(), audio_times.len(), metadata), (video, audio, 1));
        for times in [video_times, audio_times] {
            assert!(times.is_sorted(), "{times:?}");
            assert!(times.iter().all(|&time| time < 3000), "{times:?}");
        }
        assert_eq!(asked_name(&events), Some(name));
        let goodbyes = events.iter().filter(|event| **event == Event::Unpublish { stream_id: 1 }).count();
        assert_eq!(goodbyes, usize::from(says_goodbye), "once, though FCUnpublish and deleteStream both say it");
        assert_eq!(session.counters(), Counters::default(), "nothing was skipped");
    }
}

#[test]
fn how_the_network_cuts_a_recording_changes_nothing() {
    let bytes = recorded!("ffmpeg-publish.bin");
    let (whole, _) = publish(bytes, bytes.len());
    for step in [1, 2, 3, 17, 128, 1000, 1536] {
        let (events, _) = publish(bytes, step);
        assert_eq!(events, whole, "in pieces of {step}");
    }
}

#[test]
fn recorded_players_ask_for_what_they_want() {
    for bytes in [&recorded!("play-ffmpeg.bin")[..], recorded!("play-rtmp2src.bin")] {
        let now = Instant::now();
        let mut session = ServerSession::new(ServerConfig::default(), entropy(4), now);
        session.handle_input(now, bytes).expect("real players frame well");
        let mut events = Vec::new();
        loop {
            match session.poll_output() {
                Output::Event(event) => events.push(event),
                Output::Transmit(_) => {}
                Output::WaitUntil(_) | Output::Closed => break,
            }
        }
        let [Event::Connect(connect), Event::Play { stream_id: 1, start: PlayStart::LiveOrRecorded, .. }] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((connect.app.as_str(), asked_name(&events)), ("live", Some("x")));
        assert_eq!(session.counters().malformed, 0);
    }
}

#[test]
fn a_recording_cut_off_anywhere_yields_a_prefix_of_its_events() {
    let bytes = recorded!("librtmp-publish.bin");
    let (whole, _) = publish(bytes, 4096);
    for end in (0..bytes.len()).step_by(97) {
        let (events, _) = publish(&bytes[..end], 4096);
        assert_eq!(events, whole[..events.len()], "cut at {end}");
    }
}
