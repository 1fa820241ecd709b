//! Words that no comment may hold.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::body::is_zero_width;

/// Words and phrases, found whatever their case and marks, and only as whole words: "as" is not found in "kelas".
#[derive(Clone, Debug, Default)]
pub struct WordFilter {
    words: HashSet<String>,
    phrases: Vec<Vec<String>>,
}

impl WordFilter {
    /// Finds any of `words`. What has no letter or digit finds nothing.
    #[must_use]
    pub fn new<Word: AsRef<str>>(words: &[Word]) -> Self {
        let mut filter = Self::default();
        for word in words {
            let mut parts = folded(word.as_ref());
            match parts.len() {
                0 => {}
                1 => filter.words.extend(parts.pop()),
                _ => filter.phrases.push(parts),
            }
        }
        filter
    }

    /// Whether `text` holds one of them.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        if self.words.is_empty() && self.phrases.is_empty() {
            return false;
        }
        let words = folded(text);
        words.iter().any(|word| self.words.contains(word))
            || self.phrases.iter().any(|phrase| words.windows(phrase.len()).any(|window| window == phrase))
    }
}

/// The words of a text, in lower case, without marks and what has no width, in compatibility form (NFKD): `ＫÉLÁS` is `kelas`.
fn folded(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c) && !is_zero_width(*c));
    for character in plain.flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            word.push(character);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
