//! Configuration records and frames of real encoders, each with the command that made it. `ffmpeg` is 5.1.9 of Debian 12
//! with its x264, x265, SVT-AV1, libaom, libvpx, libopus; records were cut out of the MP4 by their box.

use bytes::Bytes;

/// The bytes of hexadecimal text.
pub(crate) fn hex(text: &str) -> Bytes {
    assert_eq!(text.len() % 2, 0, "whole bytes");
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// `-f lavfi -i testsrc2=size=320x180:rate=25 -pix_fmt yuv420p -c:v libx264`, `avcC`.
pub(crate) const AVCC: &str = "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0\
                               fdf8f800";
/// As [`AVCC`] with `-profile:v baseline`.
pub(crate) const AVCC_BASELINE: &str =
    "0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20";
/// `testsrc2=size=1920x1080:rate=30000/1001`, `-flags +ilme+ildct -color_primaries bt709 -color_trc bt709
/// -colorspace bt709 -color_range pc`: interlaced, cropped, coloured.
pub(crate) const AVCC_INTERLACED: &str = "01640028ffe1001d67640028acd94078044fde02dc04040500000303e90000ea601f162d9601\
                                          000668fba3cb22c0fdf8f800";
/// `testsrc2=size=322x182:rate=50 -pix_fmt yuv422p10le`: High 4:2:2, 10 bits.
pub(crate) const AVCC_422: &str = "017a0015ffe1001b677a0015b6cd941519e222f011000003000100000300640f162d9601000668ebe3cb\
                                   22c0fefafa00";
/// `-pix_fmt yuv444p -x264-params cqm4i=6,12,19,26,12,19,26,31,19,26,31,35,26,31,35,39`: scaling lists written out.
pub(crate) const AVCC_SCALING: &str = "01f4000cffe1001967f4000c919b282833f1b808800000030080000019078a14cb01001668ebe3c44e5191d8ee2b111042008484010c20084044\
     fff8f800";
/// `testsrc2=size=320x180:rate=25 -pix_fmt yuv420p -c:v libx265 -x265-params info=0`, `hvcC`.
pub(crate) const HVCC: &str = "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff0160000003009000000300\
                               0003003c959809210001002b42010101600000030090000003000003003ca00a080b9f796566924caf01680800\
                               0003000800000300c84022000100074401c172b46240";
/// `testsrc2=size=1920x1080:rate=60000/1001 -pix_fmt yuv420p10le -x265-params info=0:colorprim=bt2020:
/// transfer=smpte2084:colormatrix=bt2020nc:scaling-list=default:temporal-layers=1`: Main 10, PQ.
pub(crate) const HVCC_HDR: &str = "0102200000009000000000007bf000fcfdfafa00001303200001001c40010c02ffff02200000030090000003000003007b00\
                                   009598acc048210001003042010202200000030090000003000003007b0000a003c08010e4d96566\
                                   2b349272bc05a84880482000007d20001d4c0122000100074401c172b46240";
/// `testsrc2=size=320x180:rate=25 -c:v libsvtav1`, `av1C`.
pub(crate) const AV1C: &str = "81000c000a0b000000043cfecc02f80040";
/// `testsrc2=size=1280x720:rate=30 -pix_fmt yuv420p10le -c:v libaom-av1 -color_primaries bt2020
/// -color_trc arib-std-b67 -colorspace bt2020nc`: 10 bits, HLG.
pub(crate) const AV1C_HLG: &str = "81054c000a0e0000002d4cffb3ccaf9509120904";
/// `testsrc2=size=320x180:rate=25 -c:v librav1e -speed 10`: a level beyond all tables (31).
pub(crate) const AV1C_RAV1E: &str = "811f0c000a0e000000fa1e7f66210a88101010a0";
/// `testsrc2=size=320x180 -frames:v 1 -pix_fmt gray -c:v libaom-av1 -still-picture 1`: the reduced header.
pub(crate) const AV1C_STILL: &str = "81001c000a061821e7f66d2a";
/// `testsrc2=size=320x180:rate=25 -pix_fmt yuv444p -c:v libaom-av1`: High profile.
pub(crate) const AV1C_444: &str = "812000000a0a200000043cfeccdaf902";
/// `testsrc2=size=320x180:rate=25 -c:v libvpx-vp9`, `vpcC` with version and flags.
pub(crate) const VPCC: &str = "01000000000b820202020000";
/// As [`VPCC`] with `-pix_fmt yuv422p10le`.
pub(crate) const VPCC_422: &str = "01000000030ba40202020000";
/// `sine=sample_rate=48000 -ac 2 -c:a aac`: LC with a sync extension that says "no SBR".
pub(crate) const ASC_LC: &str = "119056e500";
/// `anullsrc=channel_layout=quad:sample_rate=48000 -c:a aac`: a program config element, two pairs.
pub(crate) const ASC_PCE_QUAD: &str = "118004c4040021100d4c61766335392e33372e31303056e500";
/// `anullsrc=channel_layout=5.1:sample_rate=44100 -c:a aac`.
pub(crate) const ASC_5_1: &str = "123056e500";
/// `sine=sample_rate=48000 -ac 2 -c:a libopus -f flv` of ffmpeg 9: `OpusHead` with magic.
pub(crate) const OPUS_HEAD: &str = "4f707573486561640102380180bb0000000000";
/// As [`OPUS_HEAD`] with `-f mp4`: `dOps`.
pub(crate) const OPUS_DOPS: &str = "000201380000bb80000000";
/// `anullsrc=channel_layout=5.1:sample_rate=48000 -c:a libopus -mapping_family 1 -f mp4`: `dOps`.
pub(crate) const OPUS_DOPS_5_1: &str = "000601380000bb800000010402000401020305";
/// `sine=sample_rate=48000 -ac 2 -c:a flac`: `dfLa` behind its version and flags, a block header and `STREAMINFO`.
pub(crate) const FLAC_BLOCK: &str = "80000022120012000000c70005110bb802f000002580d9b81de011fef694f3e1d33694c8ae61";
