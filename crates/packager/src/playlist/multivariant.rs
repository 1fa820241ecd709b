//! Multivariant playlists. EXT-X-INDEPENDENT-SEGMENTS is not claimed here: it would have to hold for segments still to
//! come, and a group of pictures longer than a segment breaks it.

use std::sync::Arc;

use formats::playlist::m3u8::{self, AudioRendition, Multivariant, Variant, VideoRange};
use media::Track;

use super::Rates;

/// One track to list.
#[derive(Clone, Debug)]
pub struct Rendition {
    /// Its name in addresses.
    pub name: Arc<str>,
    /// Its newest configuration.
    pub track: Arc<Track>,
    /// What it was measured at.
    pub rates: Rates,
}

/// Where the media playlists are.
#[derive(Clone, Copy, Debug)]
pub struct MultivariantOptions<'a> {
    /// Before the track's name.
    pub prefix: &'a str,
    /// After it: `.m3u8`.
    pub suffix: &'a str,
    /// Query of each, without the question mark.
    pub query: &'a str,
}

impl Default for MultivariantOptions<'_> {
    fn default() -> Self {
        Self { prefix: "", suffix: ".m3u8", query: "" }
    }
}

impl MultivariantOptions<'_> {
    fn uri(&self, name: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{name}{}{mark}{}", self.prefix, self.suffix, self.query)
    }
}

const AUDIO_GROUP: &str = "audio";

/// Playlist of playlists: one variant for each video track, with all audio tracks as one group; without video, one for
/// each audio track. `None` without tracks.
#[must_use]
pub fn multivariant(renditions: &[Rendition], options: &MultivariantOptions<'_>) -> Option<String> {
    let videos: Vec<&Rendition> = renditions.iter().filter(|rendition| rendition.track.video().is_some()).collect();
    let audios: Vec<&Rendition> = renditions.iter().filter(|rendition| rendition.track.audio().is_some()).collect();
    let mut playlist = Multivariant { version: 7, ..Multivariant::default() };
    if videos.is_empty() {
        playlist.variants = audios.iter().map(|audio| variant(audio, &[], false, options)).collect();
    } else {
        let any_hdr = videos.iter().any(|video| video_range(video) != VideoRange::Sdr);
        playlist.variants = videos.iter().map(|video| variant(video, &audios, any_hdr, options)).collect();
        playlist.audio = audios.iter().enumerate().map(|(at, audio)| audio_rendition(at, audio, options)).collect();
    }
    (!playlist.variants.is_empty()).then(|| m3u8::write_multivariant(&playlist))
}

fn audio_rendition(at: usize, audio: &Rendition, options: &MultivariantOptions<'_>) -> AudioRendition {
    AudioRendition {
        group: AUDIO_GROUP.into(),
        name: format!("Audio {}", at + 1),
        default: at == 0,
        channels: audio.track.audio().map_or(2, |params| params.channels),
        uri: options.uri(&audio.name),
    }
}

fn variant(main: &Rendition, audios: &[&Rendition], any_hdr: bool, options: &MultivariantOptions<'_>) -> Variant {
    let mut codecs = vec![main.track.codec_string.as_str()];
    for audio in audios {
        if !codecs.contains(&audio.track.codec_string.as_str()) {
            codecs.push(&audio.track.codec_string);
        }
    }
    // A player plays one of the group at a time: the costliest counts.
    let audio_peak = audios.iter().map(|audio| audio.rates.peak_bps()).max().unwrap_or(0);
    let audio_average = audios.iter().map(|audio| audio.rates.average_bps()).max().unwrap_or(0);
    let video = main.track.video();
    Variant {
        bandwidth_bps: main.rates.peak_bps().saturating_add(audio_peak),
        average_bandwidth_bps: Some(main.rates.average_bps().saturating_add(audio_average)),
        codecs: codecs.join(","),
        resolution: video.map(|video| (video.width, video.height)),
        frame_rate_millihz: video.and_then(|_| frame_rate_millihz(main)),
        video_range: any_hdr.then(|| video_range(main)),
        audio_group: (!audios.is_empty()).then(|| AUDIO_GROUP.into()),
        uri: options.uri(&main.name),
    }
}

/// As signalled, else as measured.
fn frame_rate_millihz(rendition: &Rendition) -> Option<u64> {
    let signalled = rendition.track.video().and_then(|video| video.frame_rate);
    let signalled = signalled.map(|rate| u64::from(rate.frames) * 1_000 / u64::from(rate.seconds.max(1)));
    signalled.filter(|rate| *rate > 0).or_else(|| rendition.rates.samples_millihz())
}

fn video_range(rendition: &Rendition) -> VideoRange {
    match rendition.track.video().and_then(|video| video.colour).map(|colour| colour.transfer) {
        Some(16) => VideoRange::Pq,
        Some(18) => VideoRange::Hlg,
        _ => VideoRange::Sdr,
    }
}
