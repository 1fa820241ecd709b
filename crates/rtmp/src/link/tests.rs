//! The transport below commands.

use super::*;
use crate::chunk::Input;
use crate::error::SessionError;

fn link() -> (Link, Instant) {
    let now = Instant::now();
    (Link::new(&Limits::DEFAULT, now), now)
}

#[test]
fn control_messages_go_out_on_chunk_stream_2_and_message_stream_0() {
    let (mut link, _) = link();
    link.control(Control::WindowAckSize(5));
    assert_eq!(link.take_output().expect("bytes"), [2u8, 0, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0, 5][..]);
    assert_eq!(link.take_output(), None);
}

#[test]
fn a_new_chunk_size_holds_from_the_next_message_on() {
    let (mut link, _) = link();
    link.message(6, 0, 9, 1, &[7; 200]);
    link.control(Control::SetChunkSize(4096));
    link.message(6, 0, 9, 1, &[8; 200]);
    let bytes = link.take_output().expect("bytes");
    assert_eq!(bytes.len(), (12 + 200 + 1) + 16 + (12 + 200));
    let mut reader = Reader::new(&Limits::DEFAULT, 0);
    let mut input = Input::borrowed(&bytes);
    let lengths: Vec<usize> =
        std::iter::from_fn(|| reader.read(&mut input).expect("legal")).map(|message| message.payload.len()).collect();
    assert_eq!(lengths, [200, 4, 200]);
}

#[test]
fn an_acknowledgement_is_sent_once_a_window() {
    let (mut link, now) = link();
    link.count_input(now, 2_499_999);
    link.acknowledge();
    assert_eq!(link.take_output(), None);
    link.count_input(now, 1);
    link.acknowledge();
    let bytes = link.take_output().expect("the window has passed");
    assert_eq!(bytes.last_chunk::<4>(), Some(&2_500_000u32.to_be_bytes()));
    link.acknowledge();
    assert_eq!(link.take_output(), None);
}

#[test]
fn pings_are_spaced_from_the_last_byte_and_the_last_ping() {
    let (mut link, now) = link();
    let second = Duration::from_secs(1);
    assert_eq!(link.ping_at(4 * second), now + 4 * second);
    link.ping(now + 4 * second);
    assert_eq!(link.ping_at(4 * second), now + 8 * second);
    link.count_input(now + 5 * second, 1);
    assert_eq!(link.ping_at(4 * second), now + 9 * second);
    let bytes = link.take_output().expect("a ping");
    assert_eq!(bytes[12..], [0, 6, 0, 0, 0x0F, 0xA0], "4000 ms since the start");
}

#[test]
fn only_what_concerns_both_sides_is_handled_here() {
    let (mut link, _) = link();
    for handled in [Control::User(UserControl::PingRequest(1)), Control::WindowAckSize(1)] {
        assert!(link.on_control(handled), "{handled:?}");
    }
    for left in [
        Control::Acknowledgement(1),
        Control::SetChunkSize(1),
        Control::Abort(1),
        Control::User(UserControl::StreamEof(1)),
        Control::User(UserControl::PingResponse(1)),
    ] {
        assert!(!link.on_control(left), "{left:?}");
    }
}

#[test]
fn output_has_a_limit() {
    let now = Instant::now();
    let mut link = Link::new(&Limits { output_bytes_max: 100, ..Limits::DEFAULT }, now);
    link.raw(&[0; 100]);
    assert_eq!(link.check_output(), Ok(()));
    link.raw(&[0]);
    assert_eq!(link.check_output(), Err(SessionError::OutputFull { bytes: 101, max: 100 }));
}
