//! A real file system of 2 MiB that really is full. Needs the right to mount; `trouble` has the same with a made-up disk.

use std::process::Command;

use super::*;

/// A mounted tmpfs, gone at the end.
struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    fn mount(at: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).ok()?;
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&at).status().ok()?;
        status.success().then_some(Self(at))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazy: the recorder's threads may still hold files there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_system_that_fills_up_stops_recording_with_an_alarm_until_there_is_room() {
    let mut house = House::new();
    let Some(tmpfs) = Tmpfs::mount(house.config.journal_dir.clone()) else {
        eprintln!(
            "no right to mount a tmpfs here: `a_full_disk_leaves_an_honest_gap` has shown the same on a made-up disk"
        );
        return;
    };
    house.volume = Arc::new(Disk);
    house.config.reserve_bytes = 256 << 10;
    let recorder = house.open().await;
    let mut stream = begin(&recorder);
    push(&mut stream, 0..PARTS);
    until("it is kept", async || recorder.list(None).await.expect("rows").iter().any(|row| row.duration_ms == 1_000))
        .await;
    let other = tmpfs.0.join("somebody-else");
    let full = std::fs::write(&other, vec![1; 4 << 20]).expect_err("2 MiB cannot take 4");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    push(&mut stream, PARTS..PARTS * 2);
    until("the alarm is raised", async || recorder.status().stalled == [(key(), GapReason::DiskFull)]).await;
    std::fs::remove_file(&other).expect("removed");
    let mut next = PARTS * 2;
    let segment = async || {
        push(&mut stream, next..next + PARTS);
        next += PARTS;
        recorder.status().stalled.is_empty()
    };
    until("the recording goes on", segment).await;
    stream.finish();
    assert!(recorder.settle(LIMIT).await);
    let index = recorder.archive().index(key()).await.expect("there");
    let video: Vec<_> = index.tracks[0].segments.iter().map(|s| (s.msn - MSN_BASE, s.gap_before)).collect();
    assert_eq!(video[0], (0, false));
    assert!(video[1].0 >= 2 && video[1].1, "{video:?}");
    check_sound(&recorder, key()).await;
    recorder.shutdown().await;
}
