//! Rendered text, kept until the window changes.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Texts kept at once. Viewers whose addresses carry a token of their own share nothing, so they must not fill it up.
const TEXTS_MAX: usize = 64;

/// What a text was rendered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) track: Option<media::TrackId>,
    /// Which of the texts of a track, or of all.
    pub(super) form: u8,
    pub(super) base: Box<str>,
    pub(super) query: Box<str>,
}

/// [`Key::form`] of the multivariant playlist. Those of media playlists are below.
pub(super) const MULTIVARIANT: u8 = 100;
/// [`Key::form`] of the DASH manifest.
pub(super) const MANIFEST: u8 = 101;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(query: &str) -> Key {
        Key { track: Some(media::TrackId(0)), form: 0, base: "1/".into(), query: query.into() }
    }

    #[test]
    fn a_text_is_rendered_once_until_the_window_changes() {
        let mut cache = Cache::default();
        let first = cache.get(key(""), || Some(Bytes::from_static(b"one")));
        assert_eq!(first, cache.get(key(""), || panic!("it is there")));
        assert_ne!(first, cache.get(key("sign=1"), || Some(Bytes::from_static(b"other"))));
        assert_eq!(cache.get(Key { form: 1, ..key("") }, || None), None, "nothing to list is remembered, too");
        assert_eq!(cache.get(Key { form: 1, ..key("") }, || panic!("it is there")), None);
        cache.clear();
        assert_eq!(cache.get(key(""), || Some(Bytes::from_static(b"two"))), Some(Bytes::from_static(b"two")));
    }

    #[test]
    fn texts_of_single_viewers_do_not_fill_it_up() {
        let cache = Cache::default();
        for n in 0..1_000 {
            assert!(cache.get(key(&n.to_string()), || Some(Bytes::from_static(b"own"))).is_some());
        }
        assert_eq!(cache.0.lock().expect("not poisoned").len(), TEXTS_MAX);
    }
}
