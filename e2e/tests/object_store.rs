//! Recordings in a bucket: after a kill, and while the store hangs.

use std::time::Duration;

use e2e::bucket::{Bucket, CREDENTIALS};
use e2e::publish::ON_AIR;
use e2e::recordings::{assert_plays, assert_sound, list, until_ready};
use e2e::server::Options;
use e2e::{Publisher, Server, poll, signal};

fn server_on(bucket: &Bucket) -> Server {
    let config = format!("reconnect_window_s = 1\n[recording]\n{}", bucket.config());
    let server = Server::start_with(Options { config, environment: CREDENTIALS.to_vec(), ..Options::default() });
    server.keep_secret(CREDENTIALS[1].1);
    server
}

#[test]
fn a_recording_in_a_bucket_survives_a_kill_and_plays_from_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let bucket = Bucket::start(folder.path());
    let mut server = server_on(&bucket);
    let channel = server.channel("kelas", &[]);
    let publisher = Publisher::ordinary(&server, &channel);
    let segments = || bucket.keys().iter().filter(|key| key.ends_with(".m4s")).count();
    poll::until_true("segments in the bucket while it is live", Duration::from_secs(30), || segments() >= 4);
    server.kill();
    publisher.kill();
    server.start_again();
    let recordings = until_ready(&server, Duration::from_secs(30));
    assert_eq!(recordings.len(), 1, "{recordings:#?}");
    assert!(recordings[0].seconds >= 4.0, "{recordings:#?}");
    assert!(bucket.keys().iter().all(|key| key.starts_with("rekaman/")), "{:?}", bucket.keys());
    let journals = || server.data_dir().join("journal").read_dir().into_iter().flatten().flatten();
    poll::until_true("no journal is left", Duration::from_secs(10), || {
        journals().all(|entry| !entry.path().is_dir() || entry.file_name() == "damaged")
    });
    assert_sound(&server);
    assert_plays(&server, &recordings[0]);
}

#[test]
fn a_store_that_hangs_delays_a_recording_and_nobody_who_watches() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bucket = Bucket::start(folder.path());
    let server = server_on(&bucket);
    let channel = server.channel("kelas", &[]);
    bucket.hangs();
    let publisher = Publisher::ffmpeg(&server, &channel.publish_url(), &signal::ORDINARY);
    server.until_state(&channel, "live", ON_AIR);
    e2e::capture(server.folder(), &channel.play_url("flv"), 6.0).assert_whole("flv", 6.0);
    server.until_listed(&channel, 6.0);
    publisher.kill();
    server.until_state(&channel, "ended", ON_AIR);
    let sealed = list(&server);
    assert_eq!(sealed.len(), 1, "{sealed:#?}");
    assert_ne!(sealed[0].state, "ready");
    // From its journal.
    assert_plays(&server, &sealed[0]);
    bucket.goes_on();
    let recordings = until_ready(&server, Duration::from_secs(90));
    assert_plays(&server, &recordings[0]);
    assert_sound(&server);
}
