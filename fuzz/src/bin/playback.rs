//! Playback tokens as strangers send them: what is accepted is spelled as it was made.
//! Covers: control::playback.
#![no_main]

use std::sync::LazyLock;

use control::playback::TokenKeys;
use control::secrets::Secret;
use libfuzzer_sys::fuzz_target;
use media::{Redacted, UnixMillis};

static KEYS: LazyLock<TokenKeys> = LazyLock::new(|| {
    // The key of the seeds, so that what lies behind the signature is reached.
    TokenKeys::new(&[Secret { kid: 1, value: Redacted("benih".to_owned()), created: UnixMillis(0) }])
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(claims) = KEYS.verify(text) {
        let again = KEYS.issue(&claims).expect("there is a key");
        assert!(again.0 == text, "one token has one spelling");
    }
});
