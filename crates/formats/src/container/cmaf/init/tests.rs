//! Initialisation segments of every codec, as mp4-atom and our own reader see them.

use media::{AudioParams, TrackParams};
use mp4_atom::{Decode, Moov};

use super::super::super::fixtures;
use super::super::{EntryError, MovieError, parse_init};
use super::*;

fn moov_of(track: &Track) -> Moov {
    let init = init_segment(track).expect("writes");
    let at = init.windows(4).position(|kind| kind == b"moov").expect("has a moov") - 4;
    Moov::decode(&mut &init[at..]).expect("mp4-atom reads it")
}

#[test]
fn every_configuration_comes_back_as_it_went_in() {
    for track in fixtures::all() {
        let init = init_segment(&track).expect("writes");
        let parsed = parse_init(&init).expect("reads");
        assert_eq!((parsed.track, parsed.codec, parsed.timescale), (track.id, track.codec, track.timescale));
        assert_eq!(parsed.config, track.config, "{}", track.codec);
        let video = track.video();
        assert_eq!(parsed.picture, video.map(|video| (video.width as u16, video.height as u16)));
        assert_eq!(parsed.colour, video.and_then(|video| video.colour));
        assert_eq!(parsed.hdr, video.map(|video| video.hdr).unwrap_or_default());
    }
}

#[test]
fn mp4_atom_agrees_on_every_init_segment() {
    for track in fixtures::all() {
        let moov = moov_of(&track);
        assert_eq!(moov.trak.len(), 1);
        let trak = &moov.trak[0];
        assert_eq!(trak.tkhd.track_id, u32::from(track.id.0) + 1);
        assert_eq!(trak.mdia.mdhd.timescale, track.timescale.hz());
        let mvex = moov.mvex.expect("fragmented");
        assert_eq!(mvex.trex.len(), 1);
        assert_eq!(mvex.trex[0].track_id, u32::from(track.id.0) + 1);
        assert_eq!(mvex.trex[0].default_sample_description_index, 1);
        let entry = &trak.mdia.minf.stbl.stsd.codecs[0];
        match track.codec.kind() {
            media::MediaKind::Video => {
                let visual = entry.visual().expect("video entry");
                assert_eq!((visual.width, visual.height), (64, 36));
                assert_eq!(trak.mdia.hdlr.handler, FOURCC_VIDE);
            }
            media::MediaKind::Audio => {
                let audio = entry.audio().expect("audio entry");
                assert_eq!(audio.channel_count, 2);
                assert_eq!(u32::from(audio.sample_rate.integer()), track.timescale.hz());
            }
        }
    }
}

const FOURCC_VIDE: mp4_atom::FourCC = mp4_atom::FourCC::new(b"vide");

#[test]
fn colour_is_written_as_nclx_where_it_is_known_only() {
    let mut track = fixtures::h264();
    let with = init_segment(&track).expect("writes");
    assert!(with.windows(11).any(|bytes| bytes == b"nclx\0\x09\0\x10\0\x09\x80"));
    if let TrackParams::Video(video) = &mut track.params {
        video.colour = None;
    }
    let without = init_segment(&track).expect("writes");
    assert!(!without.windows(4).any(|bytes| bytes == b"colr"));
    assert_eq!(with.len() - without.len(), 19);
}

#[test]
fn light_levels_and_mastering_display_are_written_as_clli_and_mdcv() {
    let bytes = init_segment(&fixtures::h265()).expect("writes");
    let clli = [b"\0\0\0\x0cclli".as_slice(), &1_000u16.to_be_bytes(), &400u16.to_be_bytes()].concat();
    assert!(bytes.windows(clli.len()).any(|window| window == clli));
    // Green, blue, red, white (ISO/IEC 14496-12 §12.1.6 as CTA-861.3 orders them).
    let points = [8_500u16, 39_850, 6_550, 2_300, 35_400, 14_600, 15_635, 16_450].map(u16::to_be_bytes).concat();
    let luminance = [10_000_000u32, 50].map(u32::to_be_bytes).concat();
    let mdcv = [b"\0\0\0\x20mdcv".as_slice(), &points, &luminance].concat();
    assert!(bytes.windows(mdcv.len()).any(|window| window == mdcv));
}

#[test]
fn a_vp9_record_with_its_box_header_is_not_given_another() {
    let plain = init_segment(&fixtures::vp9()).expect("writes");
    let mut record = vec![1, 0, 0, 0];
    record.extend_from_slice(&fixtures::vp9().config);
    let full = init_segment(&fixtures::video(Codec::Vp9, &record)).expect("writes");
    assert_eq!(plain, full);
}

#[test]
fn rates_beyond_16_bits_are_halved_until_they_fit() {
    let mut config = fixtures::flac().config.to_vec();
    config[10..13].copy_from_slice(&[0x2e, 0xe0, 0x03]); // 192 kHz
    let track = fixtures::audio(Codec::Flac, 192_000, 4_608, &config);
    let moov = moov_of(&track);
    let audio = moov.trak[0].mdia.minf.stbl.stsd.codecs[0].audio().expect("audio entry").clone();
    assert_eq!(audio.sample_rate.integer(), 48_000);
    assert_eq!(audio.sample_size, 24);
    assert_eq!(moov.trak[0].mdia.mdhd.timescale, 192_000);
}

#[test]
fn an_opus_mapping_table_is_kept() {
    let surround = b"OpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05";
    let track = fixtures::audio(Codec::Opus, 48_000, 960, surround);
    let init = init_segment(&track).expect("writes");
    assert_eq!(parse_init(&init).expect("reads").config, track.config);
}

#[test]
fn a_long_audio_configuration_gets_a_long_descriptor() {
    let config: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let track = fixtures::audio(Codec::Aac, 48_000, 1_024, &config);
    let init = init_segment(&track).expect("writes");
    assert_eq!(parse_init(&init).expect("reads").config, track.config);
}

#[test]
fn mp3_is_refused_with_its_name() {
    let error = init_segment(&fixtures::audio(Codec::Mp3, 44_100, 1_152, &[])).expect_err("no mapping");
    assert_eq!(error.to_string(), "MP3 has no sample entry");
}

#[test]
fn records_that_are_cut_off_are_refused_at_every_codec() {
    for track in fixtures::all() {
        let shortest = match track.codec {
            Codec::Aac => 2,
            Codec::H264 => 7,
            Codec::H265 => 23,
            Codec::Av1 => 4,
            Codec::Vp9 => 8,
            Codec::Opus => 19,
            Codec::Flac => 34,
            Codec::Mp3 => unreachable!("not among the fixtures"),
        };
        for length in 0..shortest {
            let cut = Track { config: track.config.slice(..length), ..track.clone() };
            let error = init_segment(&cut).expect_err("cut off");
            assert!(matches!(error, MovieError::Entry(EntryError::Configuration { .. })), "{error}");
        }
    }
}

#[test]
fn parameters_of_the_other_kind_are_refused() {
    let sound = TrackParams::Audio(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1_024 });
    let track = Track { params: sound, ..fixtures::h264() };
    assert!(matches!(init_segment(&track), Err(MovieError::Entry(EntryError::Kind(Codec::H264)))));
    let track = Track { params: fixtures::h264().params, ..fixtures::aac() };
    assert!(matches!(init_segment(&track), Err(MovieError::Entry(EntryError::Kind(Codec::Aac)))));
}

#[test]
fn a_track_is_made_again_from_its_init_segment() {
    for track in [fixtures::h264(), fixtures::vp9(), fixtures::aac(), fixtures::opus(), fixtures::flac()] {
        let made = parse_init(&init_segment(&track).expect("writes")).expect("reads").to_track().expect("valid");
        assert_eq!((made.id, made.codec, made.timescale), (track.id, track.codec, track.timescale));
        assert_eq!(made.config, track.config);
        if let (Some(made), Some(track)) = (made.video(), track.video()) {
            assert_eq!((made.width, made.height, made.colour), (track.width, track.height, track.colour));
        }
    }
}
