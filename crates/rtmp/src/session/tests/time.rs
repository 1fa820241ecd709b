//! Deadlines, pings and acknowledgements, on a clock of our own.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_silent_connection_is_cut_after_ten_seconds() {
    let mut raw = Raw::silent(ServerConfig::default());
    raw.drain();
    assert_eq!(raw.wait, Some(raw.now + 10 * SECOND));
    raw.advance(10 * SECOND - Duration::from_millis(1));
    assert!(!raw.closed);
    raw.advance(Duration::from_millis(1));
    assert_eq!((raw.closed, raw.server.ended()), (true, Some(&Ended::SetupTimeout)));
}

#[test]
fn a_dribbling_handshake_does_not_buy_time() {
    let mut raw = Raw::silent(ServerConfig::default());
    for _ in 0..10 {
        raw.input(&[3]).expect("C0 and zeros of C1");
        raw.advance(SECOND);
    }
    assert_eq!(raw.server.ended(), Some(&Ended::SetupTimeout));
}

#[test]
fn a_client_that_connects_and_asks_for_nothing_is_cut() {
    let mut raw = Raw::connected();
    for id in 2..12 {
        raw.command(0, "createStream", f64::from(id), &[Value::Null]);
        raw.advance(SECOND);
    }
    assert_eq!(raw.server.ended(), Some(&Ended::SetupTimeout));
}

#[test]
fn the_ten_seconds_begin_again_when_a_publisher_stops() {
    let mut raw = Raw::publishing();
    for _ in 0..8 {
        raw.message(kind::VIDEO, 1, 0, &[0x17, 1]);
        raw.advance(4 * SECOND);
    }
    assert!(!raw.closed, "32 s of publishing");
    raw.command(0, "FCUnpublish", 0.0, &[Value::Null, "x".into()]);
    raw.advance(9 * SECOND);
    assert!(!raw.closed);
    raw.advance(SECOND);
    assert_eq!(raw.server.ended(), Some(&Ended::SetupTimeout));
}

#[test]
fn a_frozen_publisher_is_pinged_and_gone_within_ten_seconds() {
    let mut raw = Raw::publishing();
    assert_eq!(raw.wait, Some(raw.now + 4 * SECOND));
    raw.advance(4 * SECOND);
    assert!(matches!(raw.controls()[..], [Control::User(UserControl::PingRequest(4000))]), "{:?}", raw.controls());
    assert_eq!(raw.wait, Some(raw.now + 4 * SECOND));
    raw.advance(4 * SECOND);
    assert_eq!(raw.controls().len(), 2);
    assert_eq!(raw.wait, Some(raw.now + SECOND));
    raw.advance(SECOND);
    assert_eq!((raw.closed, raw.server.ended()), (true, Some(&Ended::Silent)));
}

#[test]
fn a_publisher_that_only_answers_pings_is_cut_when_idle() {
    let mut raw = Raw::publishing();
    let pong = Control::User(UserControl::PingResponse(0)).encode();
    for _ in 0..30 {
        assert!(!raw.closed);
        raw.message(pong.0, 0, 0, &pong.1);
        raw.advance(SECOND);
    }
    assert_eq!(
        (raw.codes(), raw.server.ended()),
        (vec!["NetConnection.Connect.IdleTimeout".into()], Some(&Ended::Idle))
    );
}

#[test]
fn idle_time_is_configurable() {
    let timeouts = Timeouts { publisher_idle: 2 * SECOND, ..Timeouts::DEFAULT };
    let mut raw = Raw::silent(ServerConfig { timeouts, ..ServerConfig::default() });
    raw.shake();
    raw.command(0, "connect", 1.0, &[connect_object("live")]);
    raw.command(1, "publish", 5.0, &[Value::Null, "kunci".into()]);
    raw.advance(5 * SECOND);
    assert!(!raw.closed, "deciding takes what it takes");
    raw.server.accept_publish(1);
    raw.drain();
    assert_eq!(raw.wait, Some(raw.now + 2 * SECOND));
    raw.advance(2 * SECOND);
    assert_eq!(raw.server.ended(), Some(&Ended::Idle));
}

#[test]
fn a_player_may_be_quiet_for_a_minute() {
    let mut raw = Raw::playing();
    raw.advance(20 * SECOND);
    assert_eq!(raw.controls().len(), 1, "pinged");
    raw.advance(39 * SECOND);
    assert!(!raw.closed);
    raw.advance(SECOND);
    assert_eq!(raw.server.ended(), Some(&Ended::Silent));
    let mut raw = Raw::playing();
    let ack = Control::Acknowledgement(5).encode();
    for _ in 0..10 {
        raw.advance(50 * SECOND);
        raw.message(ack.0, 0, 0, &ack.1);
    }
    assert!(!raw.closed, "acknowledgements are signs of life");
    assert_eq!(raw.events, vec![Event::Ack { sequence: 5 }; 10]);
}

#[test]
fn pings_are_answered_with_their_own_time() {
    let mut raw = Raw::connected();
    raw.clear();
    let ping = Control::User(UserControl::PingRequest(0xDEAD_BEEF)).encode();
    raw.message(ping.0, 0, 0, &ping.1);
    assert_eq!(raw.controls(), [Control::User(UserControl::PingResponse(0xDEAD_BEEF))]);
}

#[test]
fn received_bytes_are_acknowledged_when_the_window_has_passed() {
    let mut raw = Raw::publishing();
    let window = Control::WindowAckSize(100_000).encode();
    raw.message(window.0, 0, 0, &window.1);
    let mut acknowledged = Vec::new();
    for _ in 0..10 {
        raw.message(kind::VIDEO, 1, 0, &[0x27; 30_000]);
        acknowledged.extend(raw.controls());
        raw.clear();
    }
    let sequences: Vec<u32> = acknowledged
        .iter()
        .map(|control| match control {
            Control::Acknowledgement(sequence) => *sequence,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sequences.len(), 2, "after every fourth message of 30 kB: {sequences:?}");
    assert!(sequences[0] > 100_000 && sequences.windows(2).all(|pair| pair[1] - pair[0] >= 100_000));
}

#[test]
fn a_peer_cannot_ask_for_an_acknowledgement_of_every_byte() {
    let mut raw = Raw::publishing();
    for window in [0, 1, 16] {
        let window = Control::WindowAckSize(window).encode();
        raw.message(window.0, 0, 0, &window.1);
    }
    raw.clear();
    for _ in 0..4000 {
        raw.input(&[]).expect("nothing");
    }
    for byte in message(kind::VIDEO, 1, 0, &[0x27; 4000]) {
        raw.input(&[byte]).expect("legal");
    }
    assert!(raw.answers.len() <= 2, "{} answers", raw.answers.len());
}

#[test]
fn acknowledgements_wrap_at_32_bits() {
    let now = Instant::now();
    let mut link = Link::new(&Limits::DEFAULT, now);
    let mut last = None;
    for _ in 0..4096 {
        link.count_input(now, 2 << 20);
        link.acknowledge();
        if let Some(bytes) = link.take_output() {
            last = bytes.last_chunk::<4>().map(|four| u32::from_be_bytes(*four));
            assert!(bytes.len() == 16);
        }
    }
    assert_eq!(last, Some(0), "8 GiB, modulo 4 GiB");
}

#[test]
fn a_new_bandwidth_is_answered_with_the_window() {
    let mut raw = Raw::connected();
    assert!(raw.controls().contains(&Control::WindowAckSize(2_500_000)));
    let same = Control::SetPeerBandwidth { window: 2_500_000, limit: BandwidthLimit::Dynamic };
    assert!(raw.controls().contains(&same));
    raw.clear();
    for (control, answers) in [
        (same, 0),
        (Control::SetPeerBandwidth { window: 1_000_000, limit: BandwidthLimit::Hard }, 1),
        (Control::SetPeerBandwidth { window: 5_000_000, limit: BandwidthLimit::Soft }, 1),
        (Control::SetPeerBandwidth { window: 0, limit: BandwidthLimit::Hard }, 1),
    ] {
        let (type_id, body) = control.encode();
        raw.message(type_id, 0, 0, &body);
        assert_eq!(raw.controls().len(), answers, "{control:?}");
    }
    assert_eq!(raw.controls(), [Control::WindowAckSize(1_000_000)]);
}

#[test]
fn nothing_happens_after_the_end() {
    let mut raw = Raw::publishing();
    raw.server.close(CloseCode::Closed, "over");
    raw.drain();
    raw.clear();
    raw.advance(100 * SECOND);
    raw.input(&message(kind::VIDEO, 1, 0, &[0x17])).expect("ignored");
    raw.server.accept_publish(1);
    assert!(!raw.server.request_reconnect(None, ""));
    raw.drain();
    assert!(raw.sent.is_empty() && raw.events.is_empty());
    assert_eq!(raw.server.ended(), Some(&Ended::Closed(CloseCode::Closed)));
}

use crate::message::BandwidthLimit;
