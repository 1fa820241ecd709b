//! Playlist text: pure writers over plain values, escaping included.
//!
//! Knows how HLS playlists and DASH manifests are spelled, not what belongs into one: that is `packager`.

pub mod m3u8;
pub mod mpd;
