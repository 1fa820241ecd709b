//! Relays between two servers, as operators start them at livego's addresses, with real encoders and real kills.

use std::net::TcpListener;
use std::time::Duration;

use e2e::publish::ON_AIR;
use e2e::school::{Person, School};
use e2e::server::Options;
use e2e::{Channel, Publisher, Server, capture, metrics, poll, signal};

/// Seconds that are looked at.
const SECONDS: f64 = 4.0;
/// The longest pause after a few failures, and a start on a loaded machine.
const TRIED_AGAIN: Duration = Duration::from_secs(60);
/// From the answer to its effect: what is asked, and a loaded machine.
const ENDED: Duration = Duration::from_secs(3);

/// A server whose port stays the same when it starts again.
fn lasting() -> Server {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    Server::start_with(Options { rtmp: Some(free), ..Options::default() })
}

/// Asks for a relay as livego's clients do; answers the status.
#[track_caller]
fn ask(server: &Server, who: &Person, direction: &str, oper: &str, channel: &Channel, url: &str) -> u16 {
    let (app, name) = channel.path.split_once('/').expect("app/name");
    let path = format!("/control/{direction}?oper={oper}&app={app}&name={name}&url={url}");
    School::new(server).ask(Some(who), "GET", &path, None).status
}

fn operator(server: &Server) -> Person {
    School::new(server).person("operator", "operator")
}

/// What is seen of the channel over FLV is what was sent, whole.
#[track_caller]
fn is_whole(server: &Server, channel: &Channel, what: &str) {
    server.until_state(channel, "live", ON_AIR);
    let url = server.http_url(&format!("/{}.flv", channel.path));
    capture(server.folder(), &url, SECONDS).assert_whole(what, SECONDS);
}

fn counted(server: &Server, name: &str, label: &str) -> f64 {
    metrics::sum(&server.get("/metrics").text(), name, label)
}

#[test]
fn a_push_goes_on_over_a_kill_of_either_server_and_ends_when_it_is_stopped() {
    let mut here = Server::start();
    let mut there = lasting();
    let (from, to) = (here.channel("kelas", &["--no-record"]), there.channel("tujuan", &["--no-record"]));
    let who = operator(&here);
    let url = there.publish_url(&to);
    here.keep_secret(&to.key);
    assert_eq!(ask(&here, &who, "push", "start", &from, &url), 200, "before anybody publishes");
    let publisher = Publisher::ordinary(&here, &from);
    is_whole(&there, &to, "pushed");
    assert_eq!(counted(&here, "tayang_relays", "direction=\"push\""), 1.0);
    assert_eq!(counted(&here, "tayang_viewers", ""), 0.0, "a relay is no viewer");

    there.kill();
    poll::until_true("the relay fails", TRIED_AGAIN, || counted(&here, "tayang_relay_failures_total", "") >= 1.0);
    there.start_again();
    there.until_state(&to, "live", TRIED_AGAIN);
    is_whole(&there, &to, "pushed to a server that was killed");
    assert!(counted(&here, "tayang_relay_reconnects_total", "") >= 1.0);

    here.kill();
    drop(publisher);
    there.until_state(&to, "stalled", Duration::from_secs(20));
    here.start_again();
    let _publisher = Publisher::ordinary(&here, &from);
    there.until_state(&to, "live", TRIED_AGAIN);
    is_whole(&there, &to, "pushed by a server that was killed");

    assert_eq!(ask(&here, &who, "push", "stop", &from, &url), 200);
    there.until_state(&to, "stalled", ENDED);
    assert_eq!(here.state(&from)["state"], "live", "its publisher goes on");
    assert_eq!(ask(&here, &who, "push", "stop", &from, &url), 404);
}

#[test]
fn a_pull_is_a_publisher_that_comes_back_when_the_other_server_does() {
    let here = Server::start();
    let mut there = lasting();
    let (to, from) = (here.channel("kelas", &["--no-record"]), there.channel("asal", &["--no-record"]));
    let who = operator(&here);
    let url = format!("rtmp://{}/{}", there.address("rtmp"), from.path);
    assert_eq!(ask(&here, &who, "pull", "start", &to, &url), 200, "before anybody publishes there");
    let publisher = Publisher::ordinary(&there, &from);
    is_whole(&here, &to, "pulled");

    there.kill();
    drop(publisher);
    here.until_state(&to, "stalled", Duration::from_secs(20));
    let stream = here.state(&to)["stream"].clone();
    there.start_again();
    let _publisher = Publisher::ordinary(&there, &from);
    here.until_state(&to, "live", TRIED_AGAIN);
    assert_eq!(here.state(&to)["stream"], stream, "the same stream goes on");
    is_whole(&here, &to, "pulled from a server that was killed");

    let deleted = here.cli(&["channel", "delete", &to.path]);
    assert!(deleted.status.success(), "{}", String::from_utf8_lossy(&deleted.stderr));
    poll::until_true("its relay is gone with the channel", ENDED, || counted(&here, "tayang_relays", "") == 0.0);
}

#[test]
fn a_push_over_tls_trusts_who_the_system_trusts_and_nobody_else() {
    let there = Server::start_with(Options { tls: true, ..Options::default() });
    let to = there.channel("tujuan", &["--no-record"]);
    let certificate = there.data_dir().join("tls-self-signed.crt").display().to_string();
    let url = format!("rtmps://localhost:{}/live/{}", there.address("rtmps").port(), to.key);
    for trusts in [false, true] {
        // Only of what is started here.
        let environment = if trusts { vec![("SSL_CERT_FILE", certificate.clone().leak() as &str)] } else { Vec::new() };
        let here = Server::start_with(Options { environment, ..Options::default() });
        let from = here.channel("kelas", &["--no-record"]);
        let who = operator(&here);
        here.keep_secret(&to.key);
        assert_eq!(ask(&here, &who, "push", "start", &from, &url), 200);
        let _publisher = Publisher::ffmpeg(&here, &here.publish_url(&from), &signal::ORDINARY);
        if trusts {
            is_whole(&there, &to, "pushed over TLS");
        } else {
            poll::until_true("the certificate is refused", TRIED_AGAIN, || {
                counted(&here, "tayang_relay_failures_total", "reason=\"tls\"") >= 1.0
            });
            assert_eq!(there.state(&to)["state"], "waiting");
        }
    }
}
