//! Real media, made by the ffmpeg of the system and kept for the next test that asks for the same.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Tests of one process make one file at a time: none takes away what another one is writing.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes a file with ffmpeg, once per set of arguments: `name` plus a digest of the arguments is its name in the target
/// directory's `fixtures` folder. The last argument, the output file, is added.
///
/// ```no_run
/// let file = testkit::fixtures::ffmpeg("bars.flv", &["-f", "lavfi", "-i", "testsrc2=d=2", "-c:v", "libx264"])?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When ffmpeg is missing or fails; the text holds its last lines.
pub fn ffmpeg(name: &str, arguments: &[&str]) -> io::Result<PathBuf> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{:016x}-{name}", digest(arguments)));
    if file.exists() {
        return Ok(file);
    }
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if file.exists() {
        return Ok(file);
    }
    // Written beside its place and renamed: another process may make the same file at the same time.
    let unfinished = folder.join(format!("{}-{:016x}-{name}", std::process::id(), digest(arguments)));
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(arguments)
        .arg(&unfinished)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("ffmpeg does not start ({error}): is it installed?")))?;
    if !output.status.success() {
        let _ = std::fs::remove_file(&unfinished);
        return Err(io::Error::other(format!("ffmpeg failed: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    std::fs::rename(&unfinished, &file)?;
    Ok(file)
}

/// Arguments for `seconds` of a moving test picture with a key frame each second, and for a 1 kHz tone beside it, coded
/// as H.264 without B-frames and AAC.
#[must_use]
pub fn bars_and_tone(seconds: u32, size: &str, rate: u32) -> Vec<String> {
    let picture = format!("testsrc2=size={size}:rate={rate}:duration={seconds}");
    let tone = format!("sine=frequency=1000:sample_rate=48000:duration={seconds}");
    let gop = rate.to_string();
    [
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-f",
        "lavfi",
        "-i",
        &tone,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-pix_fmt",
        "yuv420p",
        "-g",
        &gop,
        "-keyint_min",
        &gop,
        "-c:a",
        "aac",
        "-ac",
        "2",
        "-b:a",
        "128k",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// Where fixtures are kept: inside the target directory that the running test was built in.
fn folder() -> PathBuf {
    let built_in = std::env::current_exe().ok().and_then(|test| test.ancestors().nth(3).map(Path::to_path_buf));
    built_in.unwrap_or_else(std::env::temp_dir).join("fixtures")
}

/// FNV-1a over the arguments.
fn digest(arguments: &[&str]) -> u64 {
    let bytes = arguments.iter().flat_map(|argument| argument.bytes().chain([0]));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_is_made_once_and_found_again() {
        let arguments = bars_and_tone(1, "64x36", 5);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let file = ffmpeg("small.flv", &arguments).expect("ffmpeg makes a second of video");
        assert!(std::fs::read(&file).expect("readable").starts_with(b"FLV\x01\x05"));
        let made = std::fs::metadata(&file).and_then(|meta| meta.modified()).expect("has a time");
        assert_eq!(ffmpeg("small.flv", &arguments).expect("kept"), file);
        assert_eq!(std::fs::metadata(&file).and_then(|meta| meta.modified()).expect("has a time"), made);
    }

    #[test]
    fn a_failure_names_what_ffmpeg_said() {
        let error = ffmpeg("no.flv", &["-i", "no-such-file.mp4"]).expect_err("there is no such file");
        assert!(error.to_string().contains("no-such-file.mp4"), "{error}");
    }
}
