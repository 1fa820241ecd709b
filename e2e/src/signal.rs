//! The test signal: pictures that carry their own number, and once a second a white frame with a beep.
//!
//! 30 frames a second, a key frame each second (the white one). The lowest ninth of the picture is 16 fields wide: field k is
//! white where bit k of the frame's number is set, so that a picture can be told after any coding and scaling. The beep is
//! 1 kHz for 100 ms from the full second on.

use std::path::PathBuf;

/// Pictures a second.
pub const RATE: u32 = 30;
/// Seconds of the clip; the signal starts over after that.
pub const CLIP_SECONDS: u32 = 180;
/// Frame numbers in the clip.
pub const CLIP_FRAMES: u32 = CLIP_SECONDS * RATE;
/// Bits of the frame number.
pub const BITS: u32 = 16;

/// What a clip is coded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Pixels across; a multiple of 16.
    pub width: u32,
    /// Pixels down; a multiple of 9.
    pub height: u32,
    /// Coding of the video, for ffmpeg.
    pub video: &'static [&'static str],
    /// Coding of the audio, for ffmpeg.
    pub audio: &'static [&'static str],
    /// Extension of the file.
    pub extension: &'static str,
    /// Seconds of the clip, [`CLIP_SECONDS`] at most. A shorter one has to outlast its test: its numbers start over too soon.
    pub seconds: u32,
}

/// H.264 as live encoders make it: no B-frames.
const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "800k"];
/// AAC.
const AAC: &[&str] = &["-c:a", "aac", "-b:a", "96k", "-ac", "2"];

/// 640x360 H.264 and AAC.
pub const ORDINARY: Form =
    Form { width: 640, height: 360, video: H264, audio: AAC, extension: "flv", seconds: CLIP_SECONDS };
/// The same in another size.
pub const SMALL: Form = Form { width: 320, height: 180, ..ORDINARY };
/// With B-frames, as OBS sends it by default.
pub const WITH_B_FRAMES: Form = Form {
    video: &["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-sc_threshold", "0", "-b:v", "800k"],
    ..ORDINARY
};

/// Small, and in a container that takes every codec.
const ENHANCED: Form = Form { extension: "mkv", seconds: 60, ..SMALL };
/// Opus.
const OPUS: &[&str] = &["-c:a", "libopus", "-b:a", "64k", "-ac", "2"];
/// H.265 and AAC.
pub const H265_AAC: Form = Form {
    video: &[
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-b:v",
        "500k",
        "-x265-params",
        "log-level=error:scenecut=0",
    ],
    ..ENHANCED
};
/// AV1 and AAC.
pub const AV1_AAC: Form = Form {
    video: &["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "scd=0:lookahead=0", "-crf", "35"],
    ..ENHANCED
};
/// VP9 and AAC.
pub const VP9_AAC: Form = Form {
    video: &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "500k"],
    ..ENHANCED
};
/// AV1 and Opus.
pub const AV1_OPUS: Form = Form { audio: OPUS, ..AV1_AAC };
/// H.264 and Opus.
pub const H264_OPUS: Form = Form { audio: OPUS, ..ENHANCED };
/// H.264 and FLAC.
pub const H264_FLAC: Form = Form { audio: &["-c:a", "flac", "-ac", "2"], ..ENHANCED };
/// H.264 and AAC at another sample rate.
pub const AT_44100: Form = Form { audio: &["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "44100"], ..ENHANCED };
/// H.264 and MP3.
pub const H264_MP3: Form =
    Form { audio: &["-c:a", "libmp3lame", "-b:a", "96k", "-ac", "2", "-ar", "44100"], ..ENHANCED };
/// The sound is away from the fourth second of the clip to the eighth.
pub const SOUND_LOST: Form =
    Form { audio: &["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-af", "aselect='not(between(t,4,8))'"], ..ENHANCED };
/// Pictures alone.
pub const SILENT: Form = Form { audio: &["-an"], ..ENHANCED };
/// Sound alone.
pub const UNSEEN: Form = Form { video: &["-vn"], ..ENHANCED };

/// ffmpeg's description of the picture, up to `seconds`.
#[must_use]
pub fn picture(form: &Form, seconds: u32) -> String {
    let Form { width, height, .. } = form;
    let (field, row) = (width / BITS, height / 9);
    let top = height - row;
    let mut filters = format!(
        "testsrc2=size={width}x{height}:rate={RATE}:duration={seconds},\
         drawbox=x=0:y=0:w={width}:h={height}:color=white:t=fill:enable='eq(mod(n,{RATE}),0)',\
         drawbox=x=0:y={top}:w={width}:h={row}:color=black:t=fill"
    );
    for bit in 0..BITS {
        let x = bit * field;
        let mask = 1_u32 << bit;
        filters.push_str(&format!(
            ",drawbox=x={x}:y={top}:w={field}:h={row}:color=white:t=fill:enable='gt(bitand(n,{mask}),0)'"
        ));
    }
    filters
}

/// ffmpeg's description of the sound, up to `seconds`.
#[must_use]
pub fn sound(seconds: u32) -> String {
    format!("aevalsrc='if(lt(mod(t,1),0.1),0.5*sin(2*PI*1000*t),0)':s=48000:d={seconds}")
}

/// The clip in this form, made once and kept.
///
/// # Panics
/// When ffmpeg fails.
#[must_use]
#[track_caller]
pub fn clip(form: &Form) -> PathBuf {
    let (picture, sound) = (picture(form, form.seconds), sound(form.seconds));
    let gop = RATE.to_string();
    let mut arguments = vec!["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound, "-pix_fmt", "yuv420p"];
    arguments.extend(form.video);
    arguments.extend(["-g", &gop, "-keyint_min", &gop]);
    arguments.extend(form.audio);
    match testkit::fixtures::ffmpeg(&format!("signal.{}", form.extension), &arguments) {
        Ok(file) => file,
        Err(error) => panic!("the test signal cannot be made: {error}"),
    }
}

/// The number in a grey picture of `width` x `height`.
#[must_use]
pub fn number(grey: &[u8], width: usize, height: usize) -> u32 {
    let field = width / BITS as usize;
    let y = height - height / 18;
    let bit = |k: usize| u32::from(grey.get(y * width + k * field + field / 2).is_some_and(|&luma| luma > 128));
    (0..BITS as usize).map(|k| bit(k) << k).sum()
}

/// The picture, its number left out, is white.
#[must_use]
pub fn is_flash(grey: &[u8], width: usize, height: usize) -> bool {
    let upper = grey.get(..width * (height * 7 / 9)).unwrap_or_default();
    let sum: u64 = upper.iter().map(|&luma| u64::from(luma)).sum();
    !upper.is_empty() && sum / upper.len() as u64 > 215
}

/// Sample numbers at which a beep begins.
#[must_use]
pub fn beeps(mono: &[i16], hz: u32) -> Vec<usize> {
    let loud = 3_000;
    let quiet_for = hz as usize * 3 / 10;
    let mut begins = Vec::new();
    // A beep that is heard from the first sample on may have begun before it.
    let mut last_loud = 0;
    for (at, sample) in mono.iter().enumerate() {
        if sample.unsigned_abs() > loud {
            if at - last_loud > quiet_for {
                begins.push(at);
            }
            last_loud = at;
        }
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_back_from_its_fields() {
        let (width, height) = (160, 90);
        for wanted in [0_u32, 1, 2, 5_399, 0xAAAA, 0xFFFF] {
            let mut grey = vec![90_u8; width * height];
            for y in 80..90 {
                for x in 0..width {
                    grey[y * width + x] = if wanted >> (x / 10) & 1 == 1 { 235 } else { 16 };
                }
            }
            assert_eq!(number(&grey, width, height), wanted);
            assert!(!is_flash(&grey, width, height));
        }
    }

    #[test]
    fn beeps_begin_where_silence_ends() {
        let mut mono = vec![0_i16; 48_000 * 3];
        for second in 1..3 {
            for at in 0..4_800 {
                mono[second * 48_000 + at] = if at % 2 == 0 { 15_000 } else { -15_000 };
            }
        }
        assert_eq!(beeps(&mono, 48_000), [48_000, 96_000]);
    }
}
