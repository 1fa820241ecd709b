//! Byte ranges of requests (RFC 9110 §14). One range is served; several at once, which players do not use, get the whole.

use std::ops::Range;

/// What a `Range` header asks of a body of known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Everything: no header, or one that is to be ignored.
    Whole,
    /// These bytes; never empty, never past the end.
    Part(Range<u64>),
    /// Nothing that exists: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a body of `total` bytes.
#[must_use]
pub fn parse(header: Option<&str>, total: u64) -> Asked {
    let Some(spec) = header.and_then(|header| header.strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // More digits than a length can have mean "past the end".
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..total,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(total),
        (None, Some(suffix)) if first.is_empty() => total.saturating_sub(suffix)..total,
        _ => return Asked::Whole,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Unsatisfiable }
}

/// Whether a part of a body, as `Content-Range` names it, is all of it: many players ask for all as `bytes=0-`.
#[must_use]
pub fn is_whole(content_range: &str) -> bool {
    let parts = || {
        let (range, total) = content_range.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?))
    };
    parts().is_some_and(|(first, last, total)| first == 0 && last.checked_add(1) == Some(total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_examples_are_read() {
        for (header, asked) in [
            (None, Asked::Whole),
            (Some("bytes=0-499"), Asked::Part(0..500)),
            (Some("bytes=9500-"), Asked::Part(9_500..10_000)),
            (Some("bytes=-500"), Asked::Part(9_500..10_000)),
            (Some("bytes=0-0"), Asked::Part(0..1)),
            (Some("bytes=0-99999999999999999999999"), Asked::Part(0..10_000)),
            (Some("bytes=10000-"), Asked::Unsatisfiable),
            (Some("bytes=-0"), Asked::Unsatisfiable),
            (Some("bytes=5-4"), Asked::Whole),
            (Some("bytes=0-1,5-6"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
            (Some("bytes=a-b"), Asked::Whole),
        ] {
            assert_eq!(parse(header, 10_000), asked, "{header:?}");
        }
    }

    #[test]
    fn a_part_from_the_first_byte_to_the_last_is_the_whole() {
        for (part, whole) in [
            ("bytes 0-9999/10000", true),
            ("bytes 0-9998/10000", false),
            ("bytes 1-9999/10000", false),
            ("bytes 0-9999/*", false),
            ("bytes */10000", false),
            ("", false),
        ] {
            assert_eq!(is_whole(part), whole, "{part}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_the_body(header in "bytes=[0-9,-]{0,30}", total in 0u64..100_000) {
            if let Asked::Part(range) = parse(Some(&header), total) {
                prop_assert!(range.start < range.end && range.end <= total);
            }
        }
    }
}
