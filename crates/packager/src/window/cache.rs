//! Rendered text, kept until the window changes.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Texts kept at once. Viewers whose addresses carry a token of their own share nothing, so they must not fill it up.
const TEXTS_MAX: usize = 64;

/// What a text was rendered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) track: Option<media::TrackId>,
    /// Which of the texts of a track.
    pub(super) form: u8,
    pub(super) base: Box<str>,
    pub(super) query: Box<str>,
}

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Vec<(Key, Option<Bytes>)>>);

impl Cache {
    pub(super) fn clear(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The text of `key`, rendered if it is not there. Rendered under the lock: a thousand viewers that wake at once
    /// cost one rendering.
    pub(super) fn get(&self, key: Key, render: impl FnOnce() -> Option<Bytes>) -> Option<Bytes> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = texts.iter().find(|(known, _)| *known == key) {
            return text.clone();
        }
        let text = render();
        if texts.len() < TEXTS_MAX {
            texts.push((key, text.clone()));
        }
        text
    }
}
