//! MPEG-TS holds pictures and sound together, though they do not come together.

use std::collections::BTreeSet;

use media::MediaKind;

use crate::low_latency::is_silent;
use crate::stage::Stage;

/// What the packets carry: the two tables, and a number for each track.
fn carried(segment: &[u8]) -> BTreeSet<u16> {
    segment.chunks(188).map(|packet| u16::from_be_bytes([packet[1] & 0x1F, packet[2]])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_waits_for_the_sound_that_comes_behind_its_pictures() {
    let stage = Stage::new().await;
    let mut publisher = stage.publish("kelas").await;
    publisher.send_until_ms(400).await;
    let video = publisher.encoder.tracks();
    let video = video.iter().find(|track| track.kind() == MediaKind::Video).expect("pictures").id;
    let (pictures, sound): (Vec<_>, Vec<_>) =
        publisher.encoder.sent_until_ms(1_300).into_iter().partition(|sent| sent.frame.track == video);
    publisher.send_frames(pictures).await;
    let (stream, first) = stage.stream("kelas");
    let live = stage.live("kelas");
    stage
        .until("the pictures of a segment are whole", || {
            let window = live.window.read();
            let whole = window.track_named("video").map(|track| window.entries(track).len());
            (whole >= Some(1) && window.position(window.track_named("audio")?)?.msn == first).then_some(())
        })
        .await;
    let address = format!("/live/kelas/{stream}/ts/{first}.ts");
    let (mut segment, mut playlist) = (stage.connect().await, stage.connect().await);
    segment.ask("GET", &address, &[]).await;
    playlist.ask("GET", "/live/kelas/live.m3u8", &[]).await;
    assert!(is_silent(&mut segment).await, "its sound is not there");
    publisher.send_frames(sound).await;
    let whole = segment.answer().await;
    assert_eq!((whole.status, carried(&whole.body).len()), (200, 4));
    assert!(playlist.answer().await.text().contains(&format!("/ts/{first}.ts")));
    assert!(stage.get(&address).await.body == whole.body);
}
