//! What this crate writes, judged by ffmpeg and ffprobe: frame counts, time stamps and codecs exact, no complaint.
//!
//! Encoders of ffmpeg make the frames, our own readers take them out of its files, our writers put them into every
//! container, and ffmpeg decodes all of it. Needs `ffmpeg` and `ffprobe` in the path, as `cargo xtask test` installs them.

mod cmaf;
mod encode;
mod mp4;
mod probe;
mod ts;
