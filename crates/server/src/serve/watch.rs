//! Follows the database: what anybody changes, be it in another process, holds here within a tenth of a second.
//!
//! Read are the changes that came since the last look, and of channels, lessons and keys those alone that they touch; what
//! is written without being a change (comments, attendance) costs a question and no more. A database that is away leaves
//! everything as it was known last. Who has fallen far behind reads all of it anew.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use control::airing::{KNOWN_AFTER_END_MS, Touched};
use control::playback::TokenKeys;
use control::relay::Direction;
use control::revocations::KEPT_MS;
use control::secrets::SecretName;
use control::{Change, ChangeKind, Directory, Repository, RepositoryError, Seq, Uuid};
use gateway::Gateway;
use gateway::relay::Relays;
use media::UnixMillis;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether it changed. The question costs one page of memory, no disk.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// Changes read at once.
const CHANGES_MAX: u32 = 1_000;
/// Things that changed since the last look, beyond which reading all of them anew is cheaper than one by one.
const TOUCHED_MAX: usize = 10_000;
/// How often what is over is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(5);
/// How often a server says that pulls are its own, and how long that holds: when it is gone, another fetches them after this.
const HOLD_EVERY: Duration = Duration::from_secs(10);
const HELD_MS: i64 = 30_000;
/// How often the keys of playback tokens are read again: so soon what a retired one signed is refused. A new one signs much
/// later ([`control::playback::SIGNS_AFTER_MS`]).
const KEYS_EVERY: Duration = Duration::from_secs(2);

/// The wall clock.
pub(super) fn wall_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Reads all: channels, lessons that are not past, keys, what was taken away lately, and the keys of tokens. Answers as of which change.
pub(super) async fn read_all(
    store: &dyn Repository,
    directory: &Directory,
    slot_margin_ms: i64,
    now: UnixMillis,
) -> Result<Seq, RepositoryError> {
    read_keys(store, directory).await?;
    let (snapshot, seq) = store.directory(now.plus_millis(-KNOWN_AFTER_END_MS)).await?;
    let revoked = store.revocations(now.plus_millis(-KEPT_MS)).await?;
    directory.learn(&revoked, now);
    directory.replace(snapshot.with_margin_ms(slot_margin_ms).without_past(now));
    Ok(seq)
}

/// Reads what was touched.
async fn read_touched(
    store: &dyn Repository,
    directory: &Directory,
    touched: &Touched,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    let parts = store.parts(touched, now.plus_millis(-KNOWN_AFTER_END_MS)).await?;
    // Of a past lesson, too, things are changed: it stays away.
    directory.replace(directory.snapshot().with(touched, parts).without_past(now));
    Ok(())
}

async fn read_keys(store: &dyn Repository, directory: &Directory) -> Result<(), RepositoryError> {
    let secrets = store.secrets(SecretName::Playback, &control::keys::generate(), wall_now()).await?;
    directory.set_token_keys(TokenKeys::new(&secrets));
    Ok(())
}

/// Notes what a change touches.
fn touch(touched: &mut Touched, change: &Change) {
    let what = &change.what;
    match what.kind {
        ChangeKind::Channel => touched.channels.extend(what.channel),
        ChangeKind::LessonScheduled
        | ChangeKind::LessonChanged
        | ChangeKind::LessonCancelled
        | ChangeKind::LessonStarted
        | ChangeKind::LessonEnded => touched.lessons.extend(what.lesson),
        ChangeKind::Mentor | ChangeKind::User => touched.mentors.extend(what.user),
        ChangeKind::Course
        | ChangeKind::Enrolment
        | ChangeKind::LessonTomorrow
        | ChangeKind::LessonSoon
        | ChangeKind::RecordingReady
        | ChangeKind::Attendance
        | ChangeKind::CommentHeld
        | ChangeKind::Revoked => {}
    }
}

/// See the module's documentation.
pub(super) struct Follower {
    store: Arc<dyn Repository>,
    gateway: Arc<Gateway>,
    relays: Relays,
    /// They are those of the database.
    relays_read: bool,
    /// As which server pulls are held.
    server: Uuid,
    /// There are pulls.
    pulls: bool,
    held: Instant,
    slot_margin_ms: i64,
    /// Up to which change everything is known.
    seq: Seq,
    version: Option<i64>,
    /// Touched, and not read again yet.
    touched: Touched,
    forgot: Instant,
    keys_read: Instant,
}

impl Follower {
    /// Goes on after `seq`.
    pub(super) fn new(
        store: Arc<dyn Repository>,
        gateway: Arc<Gateway>,
        (relays, server): (Relays, Uuid),
        slot_margin_ms: i64,
        seq: Seq,
    ) -> Self {
        Self {
            store,
            gateway,
            relays,
            relays_read: false,
            server,
            pulls: false,
            held: Instant::now(),
            slot_margin_ms,
            seq,
            version: None,
            touched: Touched::default(),
            forgot: Instant::now(),
            keys_read: Instant::now(),
        }
    }

    /// Follows until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut polls = tokio::time::interval(POLL_EVERY);
        let mut failing = false;
        loop {
            tokio::select! {
                _ = polls.tick() => {}
                () = stop.cancelled() => return,
            }
            self.forget();
            match self.look().await {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("the database answers again");
                }
                Ok(()) => {}
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(%error, "the database does not answer; channels and rights stay as they were");
                }
                Err(_) => {}
            }
        }
    }

    /// What is over needs no room.
    fn forget(&mut self) {
        if self.forgot.elapsed() >= FORGET_EVERY {
            self.forgot = Instant::now();
            self.gateway.directory.learn(&[], wall_now());
            self.gateway.directory.forget_past(wall_now());
            self.gateway.directory.playbacks().forget(wall_now());
            self.gateway.audience().forget(Instant::now());
        }
    }

    async fn look(&mut self) -> Result<(), RepositoryError> {
        if self.keys_read.elapsed() >= KEYS_EVERY {
            read_keys(&*self.store, &self.gateway.directory).await?;
            self.keys_read = Instant::now();
        }
        if self.pulls && self.held.elapsed() >= HOLD_EVERY {
            self.keep_relays().await?;
        }
        let version = self.store.version().await?;
        if self.version == Some(version) {
            return Ok(());
        }
        self.read_changes().await?;
        if self.touched.len() > TOUCHED_MAX {
            self.seq = read_all(&*self.store, &self.gateway.directory, self.slot_margin_ms, wall_now()).await?;
            self.settled();
        } else if !self.touched.is_empty() {
            read_touched(&*self.store, &self.gateway.directory, &self.touched, wall_now()).await?;
            self.settled();
        }
        if !self.relays_read {
            self.keep_relays().await?;
            self.relays_read = true;
        }
        self.version = Some(version);
        Ok(())
    }

    /// All pushes run here, and those pulls that no other server on this database holds.
    async fn keep_relays(&mut self) -> Result<(), RepositoryError> {
        let mut relays = self.store.relays().await?;
        self.pulls = relays.iter().any(|relay| relay.direction == Direction::Pull);
        if self.pulls {
            let now = wall_now();
            let ours = self.store.hold_pulls(self.server, now, now.plus_millis(HELD_MS)).await?;
            relays.retain(|relay| relay.direction == Direction::Push || ours.contains(&relay.id));
        }
        self.held = Instant::now();
        self.relays.keep(relays);
        Ok(())
    }

    async fn read_changes(&mut self) -> Result<(), RepositoryError> {
        loop {
            let changes = self.store.changes(self.seq, CHANGES_MAX).await?;
            let Some(last) = changes.last() else { return Ok(()) };
            // What was taken away holds at once, whatever else has to be read.
            if changes.iter().any(|change| change.what.kind == ChangeKind::Revoked) {
                self.gateway.directory.learn(&changes, wall_now());
            }
            for change in &changes {
                touch(&mut self.touched, change);
            }
            self.seq = last.seq;
            if changes.len() < CHANGES_MAX as usize || self.touched.len() > TOUCHED_MAX {
                return Ok(());
            }
        }
    }

    fn settled(&mut self) {
        self.touched = Touched::default();
        self.relays_read = false;
        self.gateway.live.keep_channels(&self.gateway.directory.snapshot(), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use control::air::OnAir;
    use control::teaching::directing::{Seen, Timing};
    use control::{LessonId, NewChange, UserId};

    use super::*;
    use crate::serve::director::tests::Scene;

    #[tokio::test]
    async fn a_lesson_is_known_from_when_it_is_set_until_a_day_after_its_end_and_at_no_start_after_that() {
        let (scene, directory) = (Scene::new().await, Directory::default());
        let (store, lesson) = (&*scene.repository, &scene.new.lesson);
        let touched = Touched { lessons: vec![lesson.id], ..Touched::default() };
        let known = || directory.snapshot().channels().len();
        let past = lesson.ends.plus_millis(KNOWN_AFTER_END_MS);
        read_touched(store, &directory, &touched, lesson.created).await.expect("read");
        assert_eq!(known(), 1, "it was set");
        read_all(store, &directory, 0, past).await.expect("read");
        assert_eq!(known(), 1, "nobody has ended it");
        let gone = Seen { on_air: OnAir::default(), gone_since: Some(lesson.starts) };
        let timing = Timing { margin_ms: 0, reconnect_window_ms: 0 };
        store.take_step(lesson.id, gone, timing, lesson.ends).await.expect("taken").expect("its end");
        for (before_ms, expected) in [(1, 1), (0, 0)] {
            let now = past.plus_millis(-before_ms);
            read_all(store, &directory, 0, now).await.expect("read");
            assert_eq!(known(), expected, "after a start");
            read_touched(store, &directory, &touched, now).await.expect("read");
            assert_eq!(known(), expected, "after a change of it");
        }
    }

    #[test]
    fn each_change_touches_what_it_is_about_and_most_touch_nothing() {
        let (user, lesson, channel) = (UserId(Uuid::from_u128(1)), LessonId(Uuid::from_u128(2)), Uuid::from_u128(3));
        for kind in ChangeKind::ALL {
            let what = NewChange::new(*kind).user(user).lesson(lesson).channel(channel);
            let mut touched = Touched::default();
            touch(&mut touched, &Change { seq: Seq(1), at: UnixMillis(1), what });
            let expected = match kind.as_str() {
                "channel" => Touched { channels: vec![channel], ..Touched::default() },
                "user" | "mentor" => Touched { mentors: vec![user], ..Touched::default() },
                "lesson_scheduled" | "lesson_changed" | "lesson_cancelled" | "lesson_started" | "lesson_ended" => {
                    Touched { lessons: vec![lesson], ..Touched::default() }
                }
                _ => Touched::default(),
            };
            assert_eq!(touched, expected, "{kind:?}");
        }
    }
}
