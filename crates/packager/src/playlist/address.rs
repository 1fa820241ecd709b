//! How segments are named in playlists.

use std::fmt;

/// What stands before and after the names of segments. Names carry no node, process or session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addressing<'a> {
    /// Before `video/7.m4s`: `{stream}/` beside the live playlists, nothing inside a recording's folder, or absolute.
    pub base: &'a str,
    /// After it, without the question mark: what a viewer's right to play needs.
    pub query: &'a str,
}

/// Addresses of one track.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uris<'a> {
    pub(crate) addressing: Addressing<'a>,
    pub(crate) track: &'a str,
}

/// One address. Writes itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uri<'a> {
    addressing: Addressing<'a>,
    track: &'a str,
    name: Name,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    Init(u32),
    Segment(u64),
    AnyTime(u32),
    Part(u64, u32),
    Ts(u64),
    Playlist,
}

impl<'a> Uris<'a> {
    fn uri(&self, name: Name) -> Uri<'a> {
        Uri { addressing: self.addressing, track: self.track, name }
    }

    pub(crate) fn init(&self, epoch: u32) -> Uri<'a> {
        self.uri(Name::Init(epoch))
    }

    pub(crate) fn segment(&self, msn: u64) -> Uri<'a> {
        self.uri(Name::Segment(msn))
    }

    /// Template of an epoch's segments, with DASH's `$Time$` for the tick of the track at which one begins.
    pub(crate) fn any_time(&self, epoch: u32) -> Uri<'a> {
        self.uri(Name::AnyTime(epoch))
    }

    pub(crate) fn part(&self, msn: u64, index: u32) -> Uri<'a> {
        self.uri(Name::Part(msn, index))
    }

    /// MPEG-TS segments hold all tracks, so their address has no track.
    pub(crate) fn ts(&self, msn: u64) -> Uri<'a> {
        self.uri(Name::Ts(msn))
    }

    /// Media playlists stand beside each other, whatever the base of segments is.
    pub(crate) fn playlist(&self, track: &'a str) -> Uri<'a> {
        Uri { track, ..self.uri(Name::Playlist) }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, track) = (self.addressing.base, self.track);
        match self.name {
            Name::Init(epoch) => write!(f, "{base}{track}/init-{epoch}.mp4")?,
            Name::Segment(msn) => write!(f, "{base}{track}/{msn}.m4s")?,
            Name::AnyTime(epoch) => write!(f, "{base}{track}/{epoch}-$Time$.m4s")?,
            Name::Part(msn, index) => write!(f, "{base}{track}/{msn}.{index}.m4s")?,
            Name::Ts(msn) => write!(f, "{base}ts/{msn}.ts")?,
            Name::Playlist => write!(f, "{track}.m3u8")?,
        }
        match self.addressing.query {
            "" => Ok(()),
            query => write!(f, "?{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_the_server_answers() {
        let uris = Uris { addressing: Addressing { base: "17/", query: "" }, track: "video1" };
        for (uri, text) in [
            (uris.init(3), "17/video1/init-3.mp4"),
            (uris.segment(9), "17/video1/9.m4s"),
            (uris.any_time(3), "17/video1/3-$Time$.m4s"),
            (uris.part(9, 0), "17/video1/9.0.m4s"),
            (uris.ts(9), "17/ts/9.ts"),
            (uris.playlist("audio"), "audio.m3u8"),
        ] {
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn what_a_viewer_needs_to_play_stands_in_every_address() {
        let uris = Uris { addressing: Addressing { base: "", query: "sign=1-ab" }, track: "audio" };
        for uri in
            [uris.init(0), uris.segment(1), uris.any_time(0), uris.part(1, 2), uris.ts(1), uris.playlist("video")]
        {
            assert!(uri.to_string().ends_with("?sign=1-ab"), "{uri}");
        }
    }
}
