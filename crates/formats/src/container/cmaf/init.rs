//! Writer of initialisation segments: `ftyp` and a `moov` without samples.

use bytes::Bytes;
use media::{Codec, Track};
use mp4_atom::{Encode, Mvex, Trex};

use super::super::boxes::{put_box, put_full_box, put_u32, put_u64};
use super::super::movie::{
    MovieError, file_track_id, put_ftyp, put_media_headers, put_media_information, put_mvhd, put_tkhd,
};
use super::super::sample_entry::put_sample_entry;

/// The initialisation segment of `track`: ISO/IEC 23000-19 §7.3.1.
///
/// # Errors
/// [`MovieError::Entry`] when the codec has no CMAF mapping (MP3) or the configuration record cannot be one.
pub fn init_segment(track: &Track) -> Result<Bytes, MovieError> {
    let mut out = Vec::with_capacity(1024);
    let brands: &[&[u8; 4]] = match track.codec {
        Codec::Av1 => &[b"iso6", b"cmfc", b"dash", b"av01"],
        Codec::H264 | Codec::H265 | Codec::Vp9 | Codec::Aac | Codec::Opus | Codec::Flac | Codec::Mp3 => {
            &[b"iso6", b"cmfc", b"dash"]
        }
    };
    put_ftyp(&mut out, b"iso6", brands)?;
    put_box::<MovieError>(&mut out, b"moov", |out| {
        put_mvhd(out, track.timescale, 0, file_track_id(track.id) + 1)?;
        put_trak(out, track)?;
        let trex = Trex {
            track_id: file_track_id(track.id),
            default_sample_description_index: 1,
            default_sample_duration: 0,
            default_sample_size: 0,
            default_sample_flags: 0,
        };
        Ok(Mvex { mehd: None, trex: vec![trex] }.encode(out)?)
    })?;
    Ok(out.into())
}

fn put_trak(out: &mut Vec<u8>, track: &Track) -> Result<(), MovieError> {
    put_box(out, b"trak", |out| {
        put_tkhd(out, track, 0)?;
        put_box(out, b"mdia", |out| {
            put_media_headers(out, track.kind(), track.timescale, 0)?;
            put_box(out, b"minf", |out| {
                put_media_information(out, track.kind())?;
                put_box(out, b"stbl", |out| put_empty_tables(out, track))
            })
        })
    })
}

fn put_empty_tables(out: &mut Vec<u8>, track: &Track) -> Result<(), MovieError> {
    put_full_box::<MovieError>(out, b"stsd", 0, 0, |out| {
        put_u32(out, 1);
        Ok(put_sample_entry(out, track)?)
    })?;
    for kind in [b"stts", b"stsc", b"stco"] {
        put_full_box::<MovieError>(out, kind, 0, 0, |out| {
            put_u32(out, 0);
            Ok(())
        })?;
    }
    put_full_box::<MovieError>(out, b"stsz", 0, 0, |out| {
        put_u64(out, 0);
        Ok(())
    })
}

#[cfg(test)]
mod tests;
