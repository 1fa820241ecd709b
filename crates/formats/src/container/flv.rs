//! FLV version 1 and Enhanced RTMP version 2: tag bodies, which RTMP audio and video messages carry too, and files.
//!
//! Owns the bytes of one tag or message. Does not own the chunk stream below (`rtmp`), what a configuration record says
//! ([`crate::codec`]), or time beyond a tag's own fields. Payloads are slices of the body: nothing is copied.
//!
//! Spec: Adobe "Video File Format Specification" 10.1 annex E; Veovera "Enhanced RTMP" v1 and v2 (`ExVideoTagHeader`,
//! `ExAudioTagHeader`). Deviations: legacy CodecID 12 is read as HEVC in AVC's layout, because encoders sold in China
//! send it; what is legal but not carried here (VP8, VVC, AC-3, Speex, ...) becomes `Ignored`, never an error.

mod audio;
mod cursor;
mod enhanced;
mod file;
mod metadata;
mod video;
mod write;

pub use audio::{AudioEvent, ChannelLayout, parse_audio};
pub use file::{Tag, TagKind, TagReader, file_header, tag_header};
pub use metadata::on_metadata;
pub use video::{ColourInfo, VideoEvent, parse_video};
pub use write::{write_colour_info, write_config, write_frame_header};

/// Tracks in one multitrack message, and ModEx extensions before it. OBS sends at most 6 tracks; each event costs some
/// 80 bytes of memory, so that a 16 MB message of empty tracks would otherwise take 300 MB.
pub const TRACKS_PER_MESSAGE_MAX: usize = 32;

/// Why bytes are not a tag body or file. Always the sender's fault; the tag is to be dropped, not the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlvError {
    /// The body ends inside its header.
    #[error("flv {what} cut off at byte {at}")]
    Truncated {
        /// The field that is not whole.
        what: &'static str,
        /// Offset in the body.
        at: usize,
    },
    /// A multitrack message inside a multitrack message, which E-RTMP forbids.
    #[error("multitrack inside multitrack at byte {at}")]
    NestedMultitrack {
        /// Offset in the body.
        at: usize,
    },
    /// More than [`TRACKS_PER_MESSAGE_MAX`] tracks or extensions.
    #[error("more than {TRACKS_PER_MESSAGE_MAX} tracks or extensions in one message")]
    TooManyTracks,
    /// The bytes do not begin with an FLV header.
    #[error("not an flv file: it begins with {0:02x?}")]
    Signature([u8; 3]),
    /// An FLV header that claims to be longer than any is.
    #[error("flv header of {0} bytes")]
    HeaderLength(u32),
}

#[cfg(test)]
mod tests;
