//! What ffmpeg and ffprobe make of a file.

use std::collections::HashMap;
use std::path::Path;

use crate::encode::{Stream, path, run};

/// A packet as ffprobe lists it; times in ticks of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub stream: usize,
    pub pts: i64,
    pub dts: i64,
    pub size: usize,
    pub key: bool,
    pub discarded: bool,
}

#[derive(Clone, Debug)]
pub struct Probed {
    pub codec: String,
    pub time_base: i64,
    pub frames: usize,
    pub fields: HashMap<String, String>,
}

fn rows(text: &str) -> Vec<HashMap<String, String>> {
    let row = |line: &str| line.split('|').filter_map(|pair| pair.split_once('=')).map(own).collect();
    text.lines().filter(|line| line.contains('=')).map(row).collect()
}

fn own((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Streams, with frames counted by decoding them. Fails where ffprobe complains.
pub fn streams(file: &Path) -> Vec<Probed> {
    let arguments = ["-v", "error", "-count_frames", "-show_streams", "-of", "compact=p=0", path(file)];
    let (stdout, stderr) = run("ffprobe", &arguments);
    assert_eq!(stderr, "", "ffprobe complains about {}", file.display());
    let probed = |fields: HashMap<String, String>| Probed {
        codec: fields["codec_name"].clone(),
        time_base: fields["time_base"].trim_start_matches("1/").parse().expect("a time base of 1/n"),
        frames: fields["nb_read_frames"].parse().unwrap_or(0),
        fields,
    };
    rows(&stdout).into_iter().map(probed).collect()
}

/// Packets in file order.
pub fn packets(file: &Path) -> Vec<Packet> {
    let entries = "packet=stream_index,pts,dts,size,flags";
    let (stdout, _) =
        run("ffprobe", &["-v", "error", "-show_packets", "-show_entries", entries, "-of", "compact=p=0", path(file)]);
    let number = |fields: &HashMap<String, String>, key: &str| fields[key].parse::<i64>().unwrap_or(i64::MIN);
    let packet = |fields: HashMap<String, String>| Packet {
        stream: number(&fields, "stream_index") as usize,
        pts: number(&fields, "pts"),
        dts: number(&fields, "dts"),
        size: number(&fields, "size") as usize,
        key: fields["flags"].contains('K'),
        discarded: fields["flags"].contains('D'),
    };
    rows(&stdout).into_iter().map(packet).collect()
}

/// Decodes all of it; a decoder or demuxer that says anything fails the test.
pub fn decodes_in_silence(file: &Path) {
    let (_, stderr) = run("ffmpeg", &["-v", "warning", "-i", path(file), "-map", "0", "-f", "null", "-"]);
    assert_eq!(stderr, "", "ffmpeg complains about {}", file.display());
}

/// Digests of the decoded frames of one stream: equal digests, equal pictures or sound.
pub fn decoded(file: &Path, stream: &str) -> Vec<String> {
    let arguments =
        ["-v", "error", "-i", path(file), "-map", stream, "-fps_mode", "passthrough", "-f", "framemd5", "-"];
    let (stdout, _) = run("ffmpeg", &arguments);
    let digest = |line: &str| line.rsplit(',').next().unwrap_or_default().trim().to_owned();
    stdout.lines().filter(|line| !line.starts_with('#')).map(digest).collect()
}

/// Name of the codec as ffprobe prints it.
pub fn codec_name(stream: &Stream) -> &'static str {
    match stream.track.codec {
        media::Codec::H264 => "h264",
        media::Codec::H265 => "hevc",
        media::Codec::Av1 => "av1",
        media::Codec::Vp9 => "vp9",
        media::Codec::Aac => "aac",
        media::Codec::Opus => "opus",
        media::Codec::Flac => "flac",
        media::Codec::Mp3 => "mp3",
    }
}
