//! Transport stream segments, cut at key frames and put one behind the other as a player does.

use formats::container::ts::{Continuity, TIME_OFFSET_90K, TsFrame, TsMuxer, interleave, part_frames};

use crate::cmaf::file_of;
use crate::encode::{Coded, Stream, aac, audio, h264, h265, mp3};
use crate::probe::{codec_name, decoded, decodes_in_silence, packets, streams};

/// Interleaved by decode time, segments at key frames of the first stream, at most a second of sound alone.
fn segments(sent: &[Stream]) -> Vec<Vec<u8>> {
    let mut frames: Vec<(i64, usize, &Coded)> = Vec::new();
    for (index, stream) in sent.iter().enumerate() {
        frames.extend(stream.frames.iter().map(|frame| (stream.in_90k(frame.dts), index, frame)));
    }
    frames.sort_by_key(|(dts, index, _)| (*dts, *index));
    let video = sent.iter().find(|stream| stream.track.video().is_some()).map(|stream| &stream.track);
    let audio = sent.iter().find(|stream| stream.track.audio().is_some()).map(|stream| &stream.track);
    let muxer = TsMuxer::new(video, audio).expect("carried");
    let mut continuity = Continuity::default();
    let mut out = Vec::new();
    let mut open = Vec::new();
    for (dts, index, frame) in frames {
        let cuts = frame.sample.key && (sent[index].track.video().is_some() || video.is_none() && open.len() == 40);
        if cuts && !open.is_empty() {
            out.push(muxer.segment(open.drain(..), &mut continuity));
        }
        open.push(TsFrame {
            track: sent[index].track.id,
            pts_90k: sent[index].in_90k(frame.pts()),
            dts_90k: dts,
            key: frame.sample.key,
            payload: &frame.payload,
        });
    }
    out.push(muxer.segment(open, &mut continuity));
    assert_eq!(continuity.skipped_frames, 0);
    out
}

fn check(sent: &[Stream]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = segments(sent);
    assert!(all.len() >= 2);
    let file = folder.path().join("all.ts");
    std::fs::write(&file, all.concat()).expect("writes");
    let probed = streams(&file);
    let listed = packets(&file);
    assert_eq!(probed.len(), sent.len());
    for (index, (stream, probed)) in sent.iter().zip(&probed).enumerate() {
        assert_eq!((probed.codec.as_str(), probed.frames), (codec_name(stream), stream.frames.len()));
        let listed: Vec<_> = listed.iter().filter(|packet| packet.stream == index).collect();
        assert_eq!(listed.len(), stream.frames.len(), "{}", probed.codec);
        for (packet, frame) in listed.iter().zip(&stream.frames) {
            let at = |ticks| (stream.in_90k(ticks) + TIME_OFFSET_90K) & 0x1_FFFF_FFFF;
            assert_eq!((packet.pts, packet.dts), (at(frame.pts()), at(frame.dts)), "{}", probed.codec);
            assert_eq!(packet.key, frame.sample.key);
        }
    }
    decodes_in_silence(&file);
    // A player may join at any segment.
    let last = folder.path().join("last.ts");
    std::fs::write(&last, all.last().expect("some")).expect("writes");
    decodes_in_silence(&last);
}

#[test]
fn h264_with_b_frames_and_aac_are_exact() {
    check(&[h264(), aac()]);
}

#[test]
fn h265_is_exact() {
    check(&[h265(), aac()]);
}

#[test]
fn pictures_alone_are_exact() {
    check(&[h264()]);
}

#[test]
fn sound_alone_is_exact() {
    check(&[aac()]);
    check(&[audio(44_100, &["aac", "-b:a", "256k"])]);
}

#[test]
fn opus_is_exact() {
    check(&[h264(), audio(48_000, &["libopus", "-b:a", "256k"])]);
}

#[test]
fn mp3_is_exact_at_both_its_rates() {
    check(&[mp3(44_100)]);
    check(&[mp3(22_050)]);
}

#[test]
fn a_wrap_of_the_33_bit_clock_does_not_disturb_decoding() {
    let late = (1i64 << 33) - TIME_OFFSET_90K - 90_000;
    let sent = [h264().later(late), aac().later(late * 48 / 90)];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("all.ts");
    std::fs::write(&file, segments(&sent).concat()).expect("writes");
    let probed = streams(&file);
    assert_eq!((probed[0].frames, probed[1].frames), (sent[0].frames.len(), sent[1].frames.len()));
    decodes_in_silence(&file);
}

#[test]
fn pictures_and_sound_are_those_of_the_cmaf_segments() {
    let sent = [h264(), aac()];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let transport = folder.path().join("all.ts");
    std::fs::write(&transport, segments(&sent).concat()).expect("writes");
    for (stream, selector) in sent.iter().zip(["0:v", "0:a"]) {
        let file = folder.path().join("track.mp4");
        std::fs::write(&file, file_of(stream)).expect("writes");
        let expected = decoded(&file, "0:0");
        assert_eq!(expected.len(), stream.frames.len());
        assert_eq!(decoded(&transport, selector), expected, "{selector}");
    }
}

#[test]
fn frames_of_parts_make_the_same_segment() {
    let sent = [h264(), aac()];
    let muxer = TsMuxer::new(Some(&sent[0].track), Some(&sent[1].track)).expect("carried");
    let parts = sent.each_ref().map(|stream| {
        let samples: Vec<_> = stream.frames.iter().map(|frame| frame.sample).collect();
        let payload: Vec<u8> = stream.frames.iter().flat_map(|frame| frame.payload.clone()).collect();
        (samples, payload)
    });
    let frames = |index: usize| part_frames(&sent[index].track, 0, &parts[index].0, &parts[index].1);
    let segment = muxer.segment(interleave(frames(0), frames(1)), &mut Continuity::default());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("one.ts");
    std::fs::write(&file, segment).expect("writes");
    let counts: Vec<_> = streams(&file).iter().map(|stream| stream.frames).collect();
    assert_eq!(counts, [sent[0].frames.len(), sent[1].frames.len()]);
    decodes_in_silence(&file);
}
