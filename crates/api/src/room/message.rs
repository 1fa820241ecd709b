//! What a client says over its socket.
//!
//! `{"t":"comment","client_id":…,"body":…,"media_ms":n}`, `{"t":"react","kind":…,"n":1,"media_ms":n}`,
//! `{"t":"hand","raised":b}`. Fields that are not known are passed over, so that clients may be newer than the server.

use control::room::{ReactionKind, Why};
use serde::Deserialize;

/// What somebody wants said, counted or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Words.
    Comment {
        /// The sender's own name for it.
        client_id: String,
        /// As it was written.
        body: String,
        /// Where the sender's picture was, milliseconds from the lesson's first frame.
        media_ms: Option<i64>,
    },
    /// Reactions of one kind.
    React {
        /// Which kind.
        kind: ReactionKind,
        /// How many.
        n: i64,
        /// Where the sender's picture was, milliseconds from the lesson's first frame.
        media_ms: Option<i64>,
    },
    /// One's hand.
    Hand {
        /// Up, or down.
        raised: bool,
    },
}

#[derive(Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Wire {
    Comment { client_id: String, body: String, media_ms: Option<f64> },
    React { kind: String, n: Option<i64>, media_ms: Option<f64> },
    Hand { raised: bool },
}

/// Reads one message.
///
/// # Errors
/// [`Why::Malformed`] for what is none, with the sender's name for it where one can be read.
pub fn parse(text: &str) -> Result<Message, (Why, Option<String>)> {
    match serde_json::from_str(text) {
        Ok(Wire::Comment { client_id, body, media_ms }) => {
            Ok(Message::Comment { client_id, body, media_ms: media_ms.map(whole) })
        }
        Ok(Wire::React { kind, n, media_ms }) => {
            let kind = kind.parse().map_err(|_| (Why::Malformed, None))?;
            Ok(Message::React { kind, n: n.unwrap_or(1), media_ms: media_ms.map(whole) })
        }
        Ok(Wire::Hand { raised }) => Ok(Message::Hand { raised }),
        Err(_) => Err((Why::Malformed, name(text))),
    }
}

/// Players tell their time in fractions.
#[allow(clippy::cast_possible_truncation, reason = "saturates, and is clamped to what was on air")]
fn whole(ms: f64) -> i64 {
    ms as i64
}

fn name(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        client_id: String,
    }
    serde_json::from_str::<Named>(text).ok().map(|named| named.client_id).filter(|id| control::room::is_client_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_and_what_is_none_is_named_where_it_can_be() {
        let comment = Message::Comment { client_id: "a".to_owned(), body: "halo".to_owned(), media_ms: Some(12) };
        assert_eq!(parse(r#"{"t":"comment","client_id":"a","body":"halo","media_ms":12.7,"new":1}"#), Ok(comment));
        let react = Message::React { kind: ReactionKind::Hati, n: 1, media_ms: None };
        assert_eq!(parse(r#"{"t":"react","kind":"hati","media_ms":null}"#), Ok(react));
        assert_eq!(parse(r#"{"t":"hand","raised":true}"#), Ok(Message::Hand { raised: true }));
        for (bad, named) in [
            ("", None),
            ("[]", None),
            ("null", None),
            (r#"{"t":"hello"}"#, None),
            (r#"{"t":"comment","client_id":"a b"}"#, None),
            (r#"{"t":"comment","client_id":"c7","body":5}"#, Some("c7")),
            (r#"{"t":"react","kind":"heart"}"#, None),
        ] {
            assert_eq!(parse(bad), Err((Why::Malformed, named.map(str::to_owned))), "{bad}");
        }
    }

    #[test]
    fn a_time_that_is_no_time_is_not_taken_for_one() {
        let Ok(Message::Comment { media_ms, .. }) =
            parse(r#"{"t":"comment","client_id":"a","body":"x","media_ms":1e300}"#)
        else {
            panic!("it is a message");
        };
        assert_eq!(media_ms, Some(i64::MAX));
    }
}
