//! Publishers: real programs that send the test signal.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::newer_ffmpeg;
use crate::process::Child;
use crate::server::{Channel, Server};
use crate::signal::{self, Form};

/// From the start of a publisher to a live channel on a loaded machine.
pub const ON_AIR: Duration = Duration::from_secs(20);

/// One program that publishes. Ends when dropped.
#[derive(Debug)]
pub struct Publisher {
    /// The program.
    pub child: Child,
}

impl Publisher {
    /// ffmpeg sends the ordinary signal to the channel over RTMP, in real time; the channel is live when this returns.
    ///
    /// # Panics
    /// When it is not live in time.
    #[track_caller]
    #[must_use]
    pub fn ordinary(server: &Server, channel: &Channel) -> Self {
        let publisher = Self::ffmpeg(server, &server.publish_url(channel), &signal::ORDINARY);
        server.until_state(channel, "live", ON_AIR);
        publisher
    }

    /// ffmpeg sends the signal in `form` to `url`, in real time.
    #[track_caller]
    #[must_use]
    pub fn ffmpeg(server: &Server, url: &str, form: &Form) -> Self {
        Self::from("ffmpeg".as_ref(), server, url, form)
    }

    /// The newer ffmpeg sends the signal in `form`, over Enhanced RTMP where the codecs ask for it; the channel is live when
    /// this returns.
    ///
    /// # Panics
    /// When it is not live in time.
    #[track_caller]
    #[must_use]
    pub fn enhanced(server: &Server, channel: &Channel, form: &Form) -> Self {
        let publisher = Self::from(&newer_ffmpeg::program(), server, &server.publish_url(channel), form);
        server.until_state(channel, "live", ON_AIR);
        publisher
    }

    #[track_caller]
    fn from(program: &Path, server: &Server, url: &str, form: &Form) -> Self {
        let mut command = Command::new(program);
        command.args(arguments(form)).arg(url);
        Self { child: Child::start("ffmpeg, publishing", command, &log(server.folder(), "publisher")) }
    }

    /// Sends it away as a crash does: its socket is closed by the system.
    pub fn kill(mut self) {
        self.child.kill();
    }
}

/// What ffmpeg is told to send the signal in `form`, in real time; where to comes behind it.
#[must_use]
#[track_caller]
pub fn arguments(form: &Form) -> Vec<OsString> {
    let before = ["-hide_banner", "-loglevel", "warning", "-nostdin", "-re", "-stream_loop", "-1", "-i"];
    let mut all: Vec<OsString> = before.map(OsString::from).into();
    all.push(signal::clip(form).into());
    all.extend(["-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize"].map(OsString::from));
    // A track that falls silent does not hold up the other, as in an encoder that sends what it has.
    all.extend(["-max_interleave_delta", "100000"].map(OsString::from));
    all
}

/// A log file that is not there yet.
#[must_use]
pub fn log(folder: &Path, name: &str) -> std::path::PathBuf {
    let free = |n: &u32| !folder.join(format!("{name}-{n}.log")).exists();
    let number = (1..).find(free).unwrap_or_default();
    folder.join(format!("{name}-{number}.log"))
}
