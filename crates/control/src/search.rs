//! How texts are compared in searches: without case, marks, and other ways to write the same letter.
//!
//! Folded here and not by the database, of which each has rules of its own: what is kept is kept folded beside itself, and what
//! is looked for is folded the same way.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The text as searches compare it: in compatibility form (NFKD, Unicode Standard Annex 15), without marks, and folded as far
/// as going up and down again in case does: `É` is `e`, `İ` and `ı` are `i`, `ß` is `ss`. What is in a part of a text is in
/// the same part of the folded one.
#[must_use]
pub fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    let upper: String = plain.flat_map(char::to_uppercase).collect();
    // Going up or down in case may take a letter apart into one with a mark.
    upper.chars().flat_map(char::to_lowercase).nfkd().filter(|letter| !is_combining_mark(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_alike_whatever_their_case_marks_and_form() {
        for (one, other) in [
            ("ÉCOLE", "école"),
            ("E\u{301}cole", "ecole"),
            ("İstanbul", "istanbul"),
            ("ISTANBUL", "ıstanbul"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ｋｅｌａｓ", "kelas"),
            ("ﬁsika", "FISIKA"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("kelas"), folded("kelaz"));
        assert_eq!(folded("50% _a!\n物理"), "50% _a!\n物理");
    }
}
