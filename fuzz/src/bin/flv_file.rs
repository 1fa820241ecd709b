//! FLV files: the same tags come out however the bytes are cut.
//! Covers: formats::container::flv.
#![no_main]

use formats::container::flv::{Tag, TagReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((step, file)) = bytes.split_first() else { return };
    let whole = tags(file, file.len().max(1));
    let pieces = tags(file, usize::from(*step) + 1);
    assert_eq!(whole, pieces);
});

fn tags(file: &[u8], step: usize) -> Vec<Tag> {
    let mut reader = TagReader::new();
    let mut tags = Vec::new();
    for piece in file.chunks(step) {
        reader.push(piece);
        while let Ok(Some(tag)) = reader.next_tag() {
            tags.push(tag);
        }
    }
    tags
}
