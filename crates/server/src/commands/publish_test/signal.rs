//! The test signal: moving colour bars with a clock, a soft tone, and each second a flash and a beep that start together.

use std::path::Path;

/// Where distributions put the font that the clock is written in.
const FONTS: &[&str] = &[
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono-Bold.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono-Bold.ttf",
];

/// Width and height of the picture, in pixels. Even, so that 4:2:0 sampling fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

impl std::str::FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "a size is WIDTHxHEIGHT, even numbers from 64 to 3840, as 1280x720";
        let (width, height) = text.split_once('x').ok_or(WANTED)?;
        let side =
            |text: &str| text.parse().ok().filter(|side| (64..=3_840).contains(side) && side % 2 == 0).ok_or(WANTED);
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

/// The first font that is there.
pub(super) fn font() -> Option<&'static str> {
    FONTS.iter().copied().find(|font| Path::new(font).is_file())
}

/// Arguments that make ffmpeg write the signal as FLV to its standard output, at real speed. `rate` is frames a second.
pub(super) fn arguments(size: Size, rate: u32, font: Option<&str>) -> Vec<String> {
    let Size { width, height } = size;
    let picture = format!("testsrc2=size={width}x{height}:rate={rate}");
    // ffmpeg's `sine` beeps for the first 40 ms of each second; the flash lasts as long.
    let tone = "sine=frequency=220:beep_factor=4:sample_rate=48000";
    let flash = "drawbox=x=0:y=0:w=iw/8:h=iw/8:color=white:t=fill:enable='lt(mod(t,1),0.04)'";
    let clock = font.map_or_else(String::new, |font| {
        format!(
            ",drawtext=fontfile={font}:text='%{{gmtime\\:%T}} UTC':fontsize=h/9:fontcolor=white:box=1:boxcolor=black@0.6:\
             boxborderw=12:x=(w-text_w)/2:y=h*0.72"
        )
    });
    let filter = format!("{flash}{clock},format=yuv420p");
    let (gop, bitrate) = (rate.to_string(), (width * height / 400).max(200));
    let (target, buffer) = (format!("{bitrate}k"), format!("{}k", bitrate * 2));
    [
        "-hide_banner",
        "-loglevel",
        "error",
        "-nostdin",
        "-re",
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-re",
        "-f",
        "lavfi",
        "-i",
        tone,
        "-vf",
        &filter,
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-tune",
        "zerolatency",
        "-g",
        &gop,
        "-keyint_min",
        &gop,
        "-sc_threshold",
        "0",
        "-b:v",
        &target,
        "-maxrate",
        &target,
        "-bufsize",
        &buffer,
        "-c:a",
        "aac",
        "-ac",
        "2",
        "-b:a",
        "128k",
        "-flvflags",
        "no_duration_filesize",
        "-flush_packets",
        "1",
        "-f",
        "flv",
        "pipe:1",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_and_an_odd_or_huge_one_refused() {
        assert_eq!("1280x720".parse(), Ok(Size { width: 1_280, height: 720 }));
        for bad in ["", "1280", "1280x", "x720", "1281x720", "1280x62", "99999x720", "-2x720", "1280x720x2"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_picture_has_a_clock_where_there_is_a_font() {
        let filter = |font| {
            let arguments = arguments(Size { width: 640, height: 360 }, 25, font);
            let at = arguments.iter().position(|argument| argument == "-vf").expect("a filter");
            arguments[at + 1].clone()
        };
        assert!(filter(Some("/f.ttf")).contains("fontfile=/f.ttf"));
        assert!(!filter(None).contains("drawtext"));
    }
}
