//! H.264: parameter sets that parse (ITU-T H.264 §7.3.2), `avcC` (ISO/IEC 14496-15 §5.3.3.1) and access units of
//! four-byte-length-prefixed NAL units with right headers and noise for slice data.

use std::sync::Arc;

use bytes::Bytes;
use media::{Codec, FrameRate, Timescale, Track, TrackId, TrackParams, VideoParams};

use super::Stamp;
use crate::Random;

/// What pictures to make.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoSpec {
    /// Luma samples across. Even.
    pub width: u32,
    /// Luma samples down. Even.
    pub height: u32,
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// Frames from one key frame to the next.
    pub gop_frames: u64,
    /// B-frames between two reference frames. With any, presentation runs one frame behind decoding.
    pub b_frames: u64,
    /// Signal B-frame order with negative composition offsets instead of that delay.
    pub negative_cts: bool,
    /// Mean size of a P-frame in bytes. A key frame is six times that, a B-frame half of it; each varies by half.
    pub frame_bytes: usize,
    /// Repeat the parameter sets in front of every key frame.
    pub in_band_sets: bool,
}

impl Default for VideoSpec {
    fn default() -> Self {
        Self {
            width: 1_280,
            height: 720,
            frame_rate: FrameRate { frames: 30, seconds: 1 },
            gop_frames: 30,
            b_frames: 0,
            negative_cts: false,
            frame_bytes: 2_000,
            in_band_sets: false,
        }
    }
}

/// One picture's place.
pub(super) struct Picture {
    pub(super) key: bool,
    /// Display position less decode position, in frames, delay included.
    pub(super) reorder: i64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Idr,
    Reference,
    Disposable,
}

impl VideoSpec {
    /// The picture at `position` (decode order) of a closed GOP: `I P B B P B B …`, the last group cut short by the end.
    pub(super) fn picture(&self, position: u64) -> Picture {
        let delay = i64::from(self.b_frames > 0 && !self.negative_cts);
        if position == 0 {
            return Picture { key: true, reorder: delay, kind: Kind::Idr };
        }
        let group_len = self.b_frames + 1;
        let group_start = (position - 1) / group_len * group_len + 1;
        let group_len = group_len.min(self.gop_frames - group_start);
        let within = position - group_start;
        // Decode order of a group is P B B …, display order is B B … P.
        let (display, kind) =
            if within == 0 { (group_start + group_len - 1, Kind::Reference) } else { (position - 1, Kind::Disposable) };
        Picture { key: false, reorder: display as i64 - position as i64 + delay, kind }
    }

    fn level(&self) -> u8 {
        match self.width * self.height {
            0..=414_720 => 30,
            414_721..=921_600 => 31,
            921_601..=2_088_960 => 40,
            _ => 51,
        }
    }

    /// Sequence parameter set: High profile, 4:2:0, 8 bit, timing in the VUI.
    #[must_use]
    pub fn sps(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.put(100, 8); // profile_idc: High
        bits.put(0, 8); // no constraint flags
        bits.put(self.level().into(), 8);
        bits.ue(0); // seq_parameter_set_id
        bits.ue(1); // chroma_format_idc 4:2:0
        bits.ue(0); // bit_depth_luma_minus8
        bits.ue(0); // bit_depth_chroma_minus8
        bits.put(0, 2); // qpprime_y_zero_transform_bypass, seq_scaling_matrix_present
        bits.ue(0); // log2_max_frame_num_minus4
        bits.ue(0); // pic_order_cnt_type
        bits.ue(2); // log2_max_pic_order_cnt_lsb_minus4
        bits.ue(4); // max_num_ref_frames
        bits.put(0, 1); // gaps_in_frame_num_value_allowed
        let (mb_across, mb_down) = (self.width.div_ceil(16), self.height.div_ceil(16));
        bits.ue(mb_across - 1);
        bits.ue(mb_down - 1);
        bits.put(0b11, 2); // frame_mbs_only, direct_8x8_inference
        let (crop_x, crop_y) = ((mb_across * 16 - self.width) / 2, (mb_down * 16 - self.height) / 2);
        if crop_x + crop_y == 0 {
            bits.put(0, 1);
        } else {
            bits.put(1, 1);
            [0, crop_x, 0, crop_y].into_iter().for_each(|crop| bits.ue(crop));
        }
        bits.put(1, 1); // vui_parameters_present
        bits.put(0, 4); // aspect ratio, overscan, video signal type, chroma location: absent
        bits.put(1, 1); // timing_info_present: two ticks a frame
        bits.put(self.frame_rate.seconds, 32);
        bits.put(self.frame_rate.frames * 2, 32);
        bits.put(1, 1); // fixed_frame_rate
        bits.put(0, 4); // nal hrd, vcl hrd, pic_struct_present, bitstream_restriction
        bits.nal(0x67)
    }

    /// Picture parameter set.
    #[must_use]
    pub fn pps(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.ue(0); // pic_parameter_set_id
        bits.ue(0); // seq_parameter_set_id
        bits.put(0b10, 2); // CABAC, no bottom_field_pic_order
        bits.ue(0); // one slice group
        bits.ue(0); // num_ref_idx_l0_default_active_minus1
        bits.ue(0); // num_ref_idx_l1_default_active_minus1
        bits.put(0, 3); // no weighted prediction
        bits.ue(0); // pic_init_qp_minus26 = 0
        bits.ue(0); // pic_init_qs_minus26 = 0
        bits.ue(0); // chroma_qp_index_offset = 0
        bits.put(0b100, 3); // deblocking_filter_control, no constrained intra, no redundant pictures
        bits.nal(0x68)
    }

    /// The `avcC` record.
    #[must_use]
    pub fn config(&self) -> Bytes {
        let (sps, pps) = (self.sps(), self.pps());
        let mut out = vec![1, sps[1], sps[2], sps[3], 0xFF, 0xE1];
        push_sized_16(&mut out, &sps);
        out.push(1);
        push_sized_16(&mut out, &pps);
        out.extend_from_slice(&[0xFD, 0xF8, 0xF8, 0]); // High profile: 4:2:0, 8 bit, 8 bit, no SPS extension
        out.into()
    }
}

fn push_sized_16(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn track(id: TrackId, spec: &VideoSpec) -> Arc<Track> {
    assert!(spec.gop_frames > 0 && spec.frame_rate.frames > 0, "a GOP and a rate of at least one frame");
    assert!(spec.width.is_multiple_of(2) && spec.height.is_multiple_of(2), "4:2:0 pictures have even sides");
    Arc::new(Track {
        id,
        codec: Codec::H264,
        timescale: Timescale::VIDEO,
        config: spec.config(),
        params: TrackParams::Video(VideoParams {
            width: spec.width,
            height: spec.height,
            frame_rate: Some(spec.frame_rate),
            colour: None,
            hdr: media::Hdr::default(),
        }),
        codec_string: format!("avc1.6400{:02x}", spec.level()),
    })
}

pub(super) fn access_unit(spec: &VideoSpec, picture: &Picture, stamp: Stamp, random: &mut Random) -> Bytes {
    let mut out = Vec::new();
    if picture.key && spec.in_band_sets {
        push_nal(&mut out, &spec.sps());
        push_nal(&mut out, &spec.pps());
    }
    let (header, mean) = match picture.kind {
        Kind::Idr => (0x65, spec.frame_bytes * 6),
        Kind::Reference => (0x41, spec.frame_bytes),
        Kind::Disposable => (0x01, spec.frame_bytes / 2),
    };
    let len = random.between(mean as u64 / 2, mean as u64 * 3 / 2) as usize;
    let mut slice = vec![header];
    // first_mb_in_slice ue(0) = 1; slice_type ue: 7 (I) = 0001000, 5 (P) = 00110, 6 (B) = 00111; pps id ue(0) = 1.
    slice.push(match picture.kind {
        Kind::Idr => 0b1000_1000,
        Kind::Reference => 0b1001_1010,
        Kind::Disposable => 0b1001_1110,
    });
    stamp.write(&mut slice);
    fill(&mut slice, len, random);
    push_nal(&mut out, &slice);
    out.into()
}

fn push_nal(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
    out.extend_from_slice(nal);
}

/// Fills up to `len` bytes with noise whose highest bit is set: no start code or stamp can occur in it.
pub(super) fn fill(out: &mut Vec<u8>, len: usize, random: &mut Random) {
    let from = out.len();
    out.resize(len.max(from), 0);
    random.fill(&mut out[from..]);
    out[from..].iter_mut().for_each(|byte| *byte |= 0x80);
}

/// A writer of bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for shift in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (value >> shift & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Exponential-Golomb, unsigned (§9.1).
    fn ue(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.put(0, length);
        self.put(value + 1, length + 1);
    }

    /// A NAL unit: header, payload with stop bit, emulation prevention (§7.4.1).
    fn nal(mut self, header: u8) -> Vec<u8> {
        self.put(1, 1);
        let mut out = vec![header];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}
