//! Patterns of searches, for `LIKE … ESCAPE '!'`.

use control::search::folded;

/// A text in which `!` escapes, that matches whatever folded text holds `query`.
pub(super) fn pattern(query: &str) -> String {
    holding(&folded(query))
}

/// A text in which `!` escapes, that matches whatever holds `text` as it is.
pub(super) fn holding(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_patterns_are_themselves() {
        assert_eq!((pattern("50% A_b!"), holding("A%")), ("%50!% a!_b!!%".to_owned(), "%A!%%".to_owned()));
    }
}
