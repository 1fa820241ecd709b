use super::*;

#[test]
fn opus_packets_say_how_long_they_are() {
    for (packet, samples) in [
        (&[0x00u8][..], Some(480)), // SILK 10 ms, one frame
        (&[0x18], Some(2_880)),     // SILK 60 ms
        (&[0x60], Some(480)),       // hybrid 10 ms
        (&[0xF8], Some(960)),       // CELT 20 ms
        (&[0xE0], Some(120)),       // CELT 2.5 ms
        (&[0xF9], Some(1_920)),     // two frames of 20 ms
        (&[0xFB, 3], Some(2_880)),  // three by count byte
        (&[0xFB, 0], None),         // a packet of no frames
        (&[0xFB, 63], None),        // longer than 120 ms
        (&[0xFB], None),            // cut off
        (&[], None),
    ] {
        assert_eq!(opus_samples(packet), samples, "{packet:02x?}");
    }
}
