//! The fixed boxes that an initialisation segment and a progressive MP4 have in common, written with mp4-atom.
//!
//! Owns headers of movie, track and media. Does not own sample entries (`sample_entry`), nor sample tables (`mp4`).

use media::{MediaKind, Timescale, Track};
use mp4_atom::{Dinf, Dref, DrefEntry, Encode, FourCC, Ftyp, Hdlr, Mdhd, Mvhd, Smhd, Tkhd, Url, Vmhd};

use super::boxes::BoxTooLarge;
use super::sample_entry::EntryError;

/// Why a movie header could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MovieError {
    /// A track has no sample entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A box would not fit its size field.
    #[error(transparent)]
    TooLarge(#[from] BoxTooLarge),
    /// mp4-atom refused a header box.
    #[error("header box: {0}")]
    Header(#[from] mp4_atom::Error),
}

/// Number of a track in files: ids start at 1 there, so it is the stream's track id plus one.
pub(crate) fn file_track_id(track: media::TrackId) -> u32 {
    u32::from(track.0) + 1
}

pub(crate) fn put_ftyp(out: &mut Vec<u8>, major: &[u8; 4], compatible: &[&[u8; 4]]) -> Result<(), MovieError> {
    let compatible_brands = compatible.iter().map(|brand| FourCC::new(brand)).collect();
    Ok(Ftyp { major_brand: FourCC::new(major), minor_version: 512, compatible_brands }.encode(out)?)
}

/// `duration_ticks` is in `timescale`; zero means unknown (fragments follow).
pub(crate) fn put_mvhd(
    out: &mut Vec<u8>,
    timescale: Timescale,
    duration_ticks: u64,
    next_track_id: u32,
) -> Result<(), MovieError> {
    let mvhd = Mvhd {
        creation_time: 0,
        modification_time: 0,
        timescale: timescale.hz(),
        duration: duration_ticks,
        rate: 1.into(),
        volume: 1.into(),
        matrix: mp4_atom::Matrix::default(),
        next_track_id,
    };
    Ok(mvhd.encode(out)?)
}

/// `duration_ticks` is in the movie's timescale.
pub(crate) fn put_tkhd(out: &mut Vec<u8>, track: &Track, duration_ticks: u64) -> Result<(), MovieError> {
    let (width, height) = track.video().map_or((0, 0), |video| (video.width, video.height));
    let tkhd = Tkhd {
        track_id: file_track_id(track.id),
        duration: duration_ticks,
        enabled: true,
        in_movie: true,
        alternate_group: match track.kind() {
            MediaKind::Video => 0,
            MediaKind::Audio => 1,
        },
        volume: match track.kind() {
            MediaKind::Video => 0.into(),
            MediaKind::Audio => 1.into(),
        },
        width: u16::try_from(width).unwrap_or(u16::MAX).into(),
        height: u16::try_from(height).unwrap_or(u16::MAX).into(),
        ..Tkhd::default()
    };
    Ok(tkhd.encode(out)?)
}

/// `mdhd` and `hdlr`; `duration_ticks` is in `timescale`.
pub(crate) fn put_media_headers(
    out: &mut Vec<u8>,
    kind: MediaKind,
    timescale: Timescale,
    duration_ticks: u64,
) -> Result<(), MovieError> {
    let mdhd = Mdhd {
        creation_time: 0,
        modification_time: 0,
        timescale: timescale.hz(),
        duration: duration_ticks,
        language: "und".into(),
    };
    mdhd.encode(out)?;
    let (handler, name) = match kind {
        MediaKind::Video => (b"vide", "VideoHandler"),
        MediaKind::Audio => (b"soun", "SoundHandler"),
    };
    Ok(Hdlr { handler: FourCC::new(handler), name: name.into() }.encode(out)?)
}

/// `vmhd` or `smhd`, and a `dinf` that says: in this file.
pub(crate) fn put_media_information(out: &mut Vec<u8>, kind: MediaKind) -> Result<(), MovieError> {
    match kind {
        MediaKind::Video => Vmhd::default().encode(out)?,
        MediaKind::Audio => Smhd::default().encode(out)?,
    }
    let here = DrefEntry::Url(Url { location: String::new() });
    Ok(Dinf { dref: Dref { entries: vec![here] } }.encode(out)?)
}
