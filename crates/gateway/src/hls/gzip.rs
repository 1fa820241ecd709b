//! Compressed playlists, made once per text and shared.

use std::collections::VecDeque;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;

/// Texts kept: the newest of each track in each form.
const KEPT: usize = 16;
/// Below this the header of gzip eats the gain.
const WORTH_BYTES: usize = 512;

/// Compresses `text`; `None` where it does not pay.
#[must_use]
pub fn pack(text: &Bytes) -> Option<Bytes> {
    if text.len() < WORTH_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::new(4));
    encoder.write_all(text).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// The newest texts with their compressed forms. A text is known by its place in memory, which it keeps while it is held.
#[derive(Default)]
pub struct GzipCache(Mutex<VecDeque<(Bytes, Bytes)>>);

impl GzipCache {
    /// The compressed form of `text`. Made under the lock: viewers that wake together cost one.
    pub fn get(&self, text: &Bytes) -> Option<Bytes> {
        let mut kept = self.0.lock();
        let same = |known: &Bytes| known.as_ptr() == text.as_ptr() && known.len() == text.len();
        if let Some((_, packed)) = kept.iter().find(|(known, _)| same(known)) {
            return Some(packed.clone());
        }
        let packed = pack(text)?;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((text.clone(), packed.clone()));
        Some(packed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_text_is_packed_once_and_unpacks_to_itself() {
        let text = Bytes::from("#EXT-X-PART:DURATION=0.2,URI=\"video/1.2.m4s\"\n".repeat(40));
        let cache = GzipCache::default();
        let packed = cache.get(&text).expect("worth it");
        assert_eq!(cache.get(&text).expect("kept").as_ptr(), packed.as_ptr());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, text);
        assert!(packed.len() * 4 < text.len());
    }

    #[test]
    fn equal_texts_in_other_places_are_other_texts_and_old_ones_go() {
        let cache = GzipCache::default();
        for _ in 0..100 {
            cache.get(&Bytes::from("x".repeat(1_000)));
        }
        assert_eq!(cache.0.lock().len(), KEPT);
        assert!(cache.get(&Bytes::from_static(b"short")).is_none());
    }
}
