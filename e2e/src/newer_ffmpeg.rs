//! The newer ffmpeg that `cargo xtask test` installs beside the system's: it writes and reads Enhanced RTMP, which those of
//! stable distributions do not.

use std::path::{Path, PathBuf};

use crate::tools;

/// The program: `TAYANG_NEWER_FFMPEG`, or what lies in `tools` of the target directory that this test was built in.
///
/// # Panics
/// When it is not there.
#[must_use]
#[track_caller]
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("TAYANG_NEWER_FFMPEG") {
        return path.into();
    }
    let folder = tools::folder("imageio-ffmpeg").join("imageio_ffmpeg/binaries");
    match found(&folder) {
        Some(path) => path,
        None => panic!(
            "no ffmpeg in {}: run `cargo xtask test --only setup` first, or set TAYANG_NEWER_FFMPEG",
            folder.display()
        ),
    }
}

fn found(folder: &Path) -> Option<PathBuf> {
    let mut files = folder.read_dir().ok()?.flatten().map(|entry| entry.path());
    files.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ffmpeg-")))
}
