//! CMAF initialisation segments and fragments: payload ranges lie inside the input and hold exactly the samples.
//! Covers: formats::container::cmaf.
#![no_main]

use formats::container::cmaf::{parse_fragments, parse_init};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_init(bytes);
    for fragment in parse_fragments(bytes).into_iter().flatten() {
        assert!(fragment.payload_range.end <= bytes.len());
        let samples: usize = fragment.samples.iter().map(|sample| sample.size as usize).sum();
        assert_eq!(samples, fragment.payload_range.len());
        let _ = fragment.duration();
    }
});
