//! CMAF: initialisation segments and fragments, written and read.
//!
//! One track to a file, one `traf` with one `trun` to a fragment, `default-base-is-moof`. The header of a fragment is made
//! from sample numbers alone, so payload bytes are never touched: a fragment is `[prft] moof mdat-header` and then the
//! samples, as they came. Does not own when a fragment ends (`packager`) or where it is kept (`recorder`).
//!
//! Spec: ISO/IEC 23000-19 (CMAF), ISO/IEC 14496-12 §8.8 (fragments) and §8.16.5 (`prft`). Times are ticks of the track's
//! timescale; `tfdt` is 64 bits wide, so it never wraps.

mod fragment;
mod init;
mod parse;

pub use fragment::{FragmentHeader, Prft, Sample, fragment_header, fragment_header_bytes, write_fragment_header};
pub use init::init_segment;
pub use parse::{FragmentLimits, ParsedFragment, ParsedInit, parse_fragments, parse_fragments_within, parse_init};

pub use super::boxes::{BoxError, BoxTooLarge, FourCc};
pub use super::movie::MovieError;
pub use super::sample_entry::EntryError;

/// A fragment that cannot be written: the caller asks for more than the boxes can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// Samples add up to more than an `mdat` with a 32-bit size holds.
    #[error("fragment of {bytes} bytes exceeds the 4 GiB of an mdat")]
    TooLarge {
        /// Payload bytes asked for.
        bytes: u64,
    },
}
