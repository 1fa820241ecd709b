//! AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1) and raw data blocks filled with noise.

use std::sync::Arc;

use bytes::Bytes;
use media::{AudioParams, Codec, Timescale, Track, TrackId, TrackParams};

use super::Stamp;
use crate::Random;

/// Sampling frequencies by index, ISO/IEC 14496-3 table 1.18.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What sound to make.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioSpec {
    /// Output samples per second, one of AAC's thirteen. With `he`, twice the core's rate.
    pub sample_rate: u32,
    /// Output channels, 1 to 6.
    pub channels: u8,
    /// HE-AAC with explicit hierarchical signalling: 2048 output samples per access unit.
    pub he: bool,
    /// Mean size of an access unit in bytes; each is within half of it.
    pub frame_bytes: usize,
}

impl Default for AudioSpec {
    fn default() -> Self {
        Self { sample_rate: 48_000, channels: 2, he: false, frame_bytes: 340 }
    }
}

impl AudioSpec {
    /// Output samples per access unit.
    #[must_use]
    pub fn frame_samples(&self) -> u32 {
        if self.he { 2_048 } else { 1_024 }
    }

    /// The `AudioSpecificConfig`.
    ///
    /// # Panics
    /// When the sample rate is not one of AAC's.
    #[must_use]
    pub fn config(&self) -> Bytes {
        let channels = u16::from(self.channels) & 0x0F;
        if self.he {
            // AOT 5, core rate, channels, output rate, AOT 2, GASpecificConfig of three zero bits: 5+4+4+4+5+3 = 25 bits.
            let bits = u32::from(5u8) << 27
                | u32::from(rate_index(self.sample_rate / 2)) << 23
                | u32::from(channels) << 19
                | u32::from(rate_index(self.sample_rate)) << 15
                | 2 << 10;
            return Bytes::copy_from_slice(&bits.to_be_bytes());
        }
        let bits = 2u16 << 11 | rate_index(self.sample_rate) << 7 | channels << 3;
        Bytes::copy_from_slice(&bits.to_be_bytes())
    }
}

fn rate_index(rate: u32) -> u16 {
    RATES.iter().position(|listed| *listed == rate).expect("a sample rate of AAC's table") as u16
}

pub(super) fn track(id: TrackId, spec: &AudioSpec) -> Arc<Track> {
    Arc::new(Track {
        id,
        codec: Codec::Aac,
        timescale: Timescale::new(spec.sample_rate).expect("AAC's rates are not zero"),
        config: spec.config(),
        params: TrackParams::Audio(AudioParams {
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            frame_samples: spec.frame_samples(),
        }),
        codec_string: if spec.he { "mp4a.40.5" } else { "mp4a.40.2" }.to_owned(),
    })
}

pub(super) fn access_unit(spec: &AudioSpec, stamp: Stamp, random: &mut Random) -> Bytes {
    let mean = spec.frame_bytes as u64;
    let len = random.between(mean / 2, mean + mean / 2) as usize;
    // id_syn_ele: SCE (000) for one channel, CPE (001) for more.
    let mut out = vec![if spec.channels == 1 { 0x01 } else { 0x21 }];
    stamp.write(&mut out);
    super::h264::fill(&mut out, len, random);
    out.into()
}
