//! What a comment may look like.

use unicode_normalization::char::is_combining_mark;

/// Most characters of a comment: what fits a phone's screen with the picture above it.
pub const BODY_CHARACTERS_MAX: usize = 500;

/// Most combining marks behind one another. Vietnamese has two on a letter, Thai and Arabic three, a flag of a region seven
/// tags; more cover the lines around them.
const MARKS_MAX: usize = 8;

/// Most characters without width behind one another. Emoji are joined by one at a time.
const ZERO_WIDTH_MAX: usize = 2;

/// Why a comment cannot be said like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There is nothing to be seen.
    #[error("write something")]
    Empty,
    /// It has too many characters.
    #[error("write at most {BODY_CHARACTERS_MAX} characters")]
    TooLong,
    /// It holds what is no text, or covers the text around it.
    #[error("leave out control characters and piled-up marks")]
    Characters,
}

/// The comment as it is kept: without white space around it.
///
/// # Errors
/// [`BodyError`].
pub fn checked_body(text: &str) -> Result<&str, BodyError> {
    let body = text.trim();
    // Four bytes are the most that a character takes: a long text is not counted through.
    if body.len() > 4 * BODY_CHARACTERS_MAX || body.chars().count() > BODY_CHARACTERS_MAX {
        return Err(BodyError::TooLong);
    }
    let (mut marks, mut unseen, mut seen) = (0, 0, 0);
    for character in body.chars() {
        if character.is_control() || turns_text(character) {
            return Err(BodyError::Characters);
        }
        let (is_mark, is_unseen) = (is_mark(character), is_zero_width(character));
        marks = if is_mark { marks + 1 } else { 0 };
        unseen = if is_unseen { unseen + 1 } else { 0 };
        seen += usize::from(!is_mark && !is_unseen && !character.is_whitespace());
        if marks > MARKS_MAX || unseen > ZERO_WIDTH_MAX {
            return Err(BodyError::Characters);
        }
    }
    if seen == 0 { Err(BodyError::Empty) } else { Ok(body) }
}

/// Takes no room of its own and joins, parts or hints at what is around it.
pub(super) fn is_zero_width(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
}

/// Goes onto the character before it, the tags of flags among them.
fn is_mark(character: char) -> bool {
    is_combining_mark(character) || matches!(character, '\u{e0000}'..='\u{e007f}')
}

/// Sets the direction of what follows (UAX #9): it would turn names and times around that are not the sender's.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
