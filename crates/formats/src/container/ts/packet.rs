//! Packets of 188 bytes and the PES headers inside: ISO/IEC 13818-1 §2.4.3.

const PACKET_BYTES: usize = 188;
/// Behind the 4-byte header.
const ROOM_BYTES: usize = PACKET_BYTES - 4;
const SYNC: u8 = 0x47;
/// Longest PES header that is written: fixed part, PTS and DTS.
const PES_HEADER_BYTES_MAX: usize = 19;

/// What stands before an access unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct PesHeader {
    pub(super) stream_id: u8,
    /// 90 kHz; wrapped when written.
    pub(super) pts: i64,
    /// 90 kHz; written only where it differs from `pts`.
    pub(super) dts: i64,
}

impl PesHeader {
    fn put(self, out: &mut Vec<u8>, unit_bytes: usize) {
        let has_dts = wrap(self.pts) != wrap(self.dts);
        let stamps = if has_dts { 10 } else { 5 };
        // Zero, "unbounded", is allowed for video only; others fit, or were refused before.
        let length = match self.stream_id {
            0xE0..=0xEF => 0,
            _ => u16::try_from(3 + stamps + unit_bytes).unwrap_or(0),
        };
        out.extend_from_slice(&[0, 0, 1, self.stream_id]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&[0x84, if has_dts { 0xC0 } else { 0x80 }, stamps as u8]);
        put_stamp(out, if has_dts { 3 } else { 2 }, self.pts);
        if has_dts {
            put_stamp(out, 1, self.dts);
        }
    }
}

/// 33 bits.
fn wrap(ticks: i64) -> u64 {
    ticks as u64 & 0x1_FFFF_FFFF
}

fn put_stamp(out: &mut Vec<u8>, prefix: u8, ticks: i64) {
    let ticks = wrap(ticks);
    out.push((prefix << 4) | ((ticks >> 29) as u8 & 0x0E) | 1);
    out.extend_from_slice(&(((ticks >> 14) as u16 & 0xFFFE) | 1).to_be_bytes());
    out.extend_from_slice(&(((ticks << 1) as u16 & 0xFFFE) | 1).to_be_bytes());
}

/// Flags and clock of an adaptation field, its length byte not included.
fn adaptation(pcr: Option<i64>, random_access: bool) -> Vec<u8> {
    if pcr.is_none() && !random_access {
        return Vec::new();
    }
    let mut field = vec![(u8::from(random_access) << 6) | (u8::from(pcr.is_some()) << 4)];
    if let Some(pcr) = pcr {
        let base = wrap(pcr);
        field.extend_from_slice(&((base >> 1) as u32).to_be_bytes());
        field.extend_from_slice(&[((base as u8 & 1) << 7) | 0x7E, 0]);
    }
    field
}

/// Packets, one after the other.
pub(super) struct PacketWriter {
    out: Vec<u8>,
}

impl PacketWriter {
    pub(super) fn new() -> Self {
        Self { out: Vec::new() }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// A section, which must fit one packet (ours have at most 60 bytes).
    pub(super) fn psi(&mut self, pid: u16, section: &[u8], counter: &mut u8) {
        let mut body = vec![0]; // pointer field
        body.extend_from_slice(section);
        body.resize(ROOM_BYTES, 0xFF);
        self.packet(pid, true, &[], &body, counter);
    }

    /// A packet with nothing but the clock. It has no payload, so it repeats the counter of the packet before it.
    pub(super) fn clock(&mut self, pid: u16, pcr: i64, counter: u8) {
        let [high, low] = pid.to_be_bytes();
        let end = self.out.len() + PACKET_BYTES;
        self.out.extend_from_slice(&[SYNC, high, low, 0x20 | (counter.wrapping_sub(1) & 0x0F), ROOM_BYTES as u8 - 1]);
        self.out.extend_from_slice(&adaptation(Some(pcr), false));
        self.out.resize(end, 0xFF);
    }

    /// One access unit.
    pub(super) fn pes(
        &mut self,
        pid: u16,
        header: PesHeader,
        unit: &[u8],
        pcr: Option<i64>,
        random_access: bool,
        counter: &mut u8,
    ) {
        let mut first = Vec::with_capacity(ROOM_BYTES);
        header.put(&mut first, unit.len());
        debug_assert!(
            first.len() <= PES_HEADER_BYTES_MAX,
            "the header fits the first packet with any adaptation field"
        );
        let mut field = adaptation(pcr, random_access);
        let mut rest = unit;
        let mut starts = true;
        while starts || !rest.is_empty() {
            let used = if field.is_empty() { 0 } else { field.len() + 1 };
            let room = ROOM_BYTES.saturating_sub(used + first.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            first.extend_from_slice(now);
            self.packet(pid, starts, &field, &first, counter);
            rest = later;
            starts = false;
            field.clear();
            first.clear();
        }
    }

    /// `body` fits; what it leaves free is stuffed in the adaptation field.
    fn packet(&mut self, pid: u16, starts: bool, field: &[u8], body: &[u8], counter: &mut u8) {
        let [high, low] = pid.to_be_bytes();
        let end = self.out.len() + PACKET_BYTES;
        let stuffing = ROOM_BYTES.saturating_sub(body.len());
        let control = if stuffing > 0 { 0x30 } else { 0x10 };
        self.out.extend_from_slice(&[SYNC, (u8::from(starts) << 6) | high, low, control | (*counter & 0x0F)]);
        *counter = counter.wrapping_add(1) & 0x0F;
        if stuffing > 0 {
            let padded_at = self.out.len() + stuffing;
            self.out.push((stuffing - 1) as u8);
            if stuffing > 1 {
                self.out.extend_from_slice(if field.is_empty() { &[0] } else { field });
            }
            self.out.resize(padded_at, 0xFF);
        }
        self.out.extend_from_slice(body);
        debug_assert_eq!(self.out.len(), end, "packets have 188 bytes");
    }
}

#[cfg(test)]
mod tests;
