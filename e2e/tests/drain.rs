//! SIGTERM: publishers are told, recordings are sealed, and the program ends in time with exit code 0.

use std::time::{Duration, Instant};

use e2e::recordings::{assert_plays, assert_sound, list, until_ready};
use e2e::sender::Sender;
use e2e::{Publisher, Server, poll};
use rtmp::ClientEvent;
use rustix::process::Signal;
use testkit::EncoderConfig;

#[test]
fn a_server_that_is_told_to_stop_seals_and_ends_in_time() {
    let mut server = Server::start();
    let channel = server.channel("kelas", &[]);
    let mut publisher = Publisher::ordinary(&server, &channel);
    poll::until_true("four seconds are kept", Duration::from_secs(30), || {
        list(&server).first().is_some_and(|recording| recording.seconds > 4.0)
    });
    let start = Instant::now();
    // drain_timeout_s is 10.
    let status = server.terminate(Duration::from_secs(11));
    assert_eq!(status.code(), Some(0), "after {:?}", start.elapsed());
    publisher.child.wait(Duration::from_secs(5));
    let recordings = list(&server);
    assert_eq!(recordings.len(), 1);
    assert!(["sealed", "ready"].contains(&recordings[0].state.as_str()), "{recordings:?}");
    assert!(!server.data_dir().join("server.json").exists(), "nothing says that it runs");
    assert_sound(&server);
    server.start_again();
    let recordings = until_ready(&server, Duration::from_secs(20));
    assert_plays(&server, &recordings[0]);
}

#[test]
fn a_publisher_that_understands_is_asked_to_connect_again() {
    let mut server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let mut sender = Sender::start(server.address("rtmp"), "live", &channel.key, EncoderConfig::default());
    let live = sender.run_until(Duration::from_secs(20), |_| (server.state(&channel)["state"] == "live").then_some(()));
    assert!(live.is_some(), "it is live");
    server.child().signal(Signal::TERM);
    let asked = sender.run_until(Duration::from_secs(10), |sender| {
        sender.events().iter().any(|event| matches!(event, ClientEvent::Reconnect { .. })).then_some(())
    });
    assert!(asked.is_some(), "no ReconnectRequest: {:?}", sender.events());
    assert_eq!(server.child().wait(Duration::from_secs(11)).code(), Some(0));
}
