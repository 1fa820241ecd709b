//! Playlist text: pure writers over plain values, escaping included.
