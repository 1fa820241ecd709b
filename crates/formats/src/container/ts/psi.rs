//! Program tables: ISO/IEC 13818-1 §2.4.4. One program, one section to a table.

use super::elementary::Elementary;

const TRANSPORT_STREAM_ID: u16 = 1;
const PROGRAM: u16 = 1;

/// The program association section, CRC included.
pub(super) fn pat(pmt_pid: u16) -> Vec<u8> {
    let mut body = PROGRAM.to_be_bytes().to_vec();
    body.extend_from_slice(&(0xE000 | pmt_pid).to_be_bytes());
    section(0x00, TRANSPORT_STREAM_ID, &body)
}

/// The program map section of these streams, CRC included.
pub(super) fn pmt<'a>(clock_pid: u16, streams: impl Iterator<Item = (u16, &'a Elementary)>) -> Vec<u8> {
    let mut body = (0xE000 | clock_pid).to_be_bytes().to_vec();
    body.extend_from_slice(&0xF000u16.to_be_bytes()); // no program descriptors
    for (pid, elementary) in streams {
        let descriptors = elementary.descriptors();
        body.push(elementary.stream_type());
        body.extend_from_slice(&(0xE000 | pid).to_be_bytes());
        body.extend_from_slice(&(0xF000 | descriptors.len() as u16 & 0x0FFF).to_be_bytes());
        body.extend_from_slice(&descriptors);
    }
    section(0x02, PROGRAM, &body)
}

/// Table header, version 0, current, section 0 of 0; CRC behind.
fn section(table_id: u8, extension: u16, body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 9) as u16; // from behind the length field to the end of the CRC
    let mut out = vec![table_id];
    out.extend_from_slice(&(0xB000 | length & 0x0FFF).to_be_bytes());
    out.extend_from_slice(&extension.to_be_bytes());
    out.extend_from_slice(&[0xC1, 0, 0]);
    out.extend_from_slice(body);
    let crc = crc32(&out);
    out.extend_from_slice(&crc.to_be_bytes());
    out
}

/// CRC of annex A: polynomial 0x04C11DB7, start value all ones, not reflected.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures;
    use super::*;

    #[test]
    fn the_pat_is_the_one_that_ffmpeg_writes() {
        let expected = [0x00, 0xb0, 0x0d, 0x00, 0x01, 0xc1, 0x00, 0x00, 0x00, 0x01, 0xf0, 0x00, 0x2a, 0xb1, 0x04, 0xb2];
        assert_eq!(pat(0x1000), expected);
    }

    #[test]
    fn the_pmt_names_clock_streams_and_descriptors() {
        let (video, audio) = (Elementary::of(&fixtures::h265()), Elementary::of(&fixtures::aac()));
        let (video, audio) = (video.expect("carried"), audio.expect("carried"));
        let section = pmt(0x100, [(0x100, &video), (0x101, &audio)].into_iter());
        let expected = b"\x02\xb0\x1d\0\x01\xc1\0\0\xe1\0\xf0\0\x24\xe1\0\xf0\x06\x05\x04HEVC\x0f\xe1\x01\xf0\0";
        assert_eq!(section[..expected.len()], expected[..]);
        assert_eq!(section.len(), expected.len() + 4);
        assert_eq!(crc32(&section), 0, "a section and its CRC have the CRC zero");
    }
}
