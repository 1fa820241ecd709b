//! Who watches lessons, and what of them was delivered to whom: by playback session, from what really left.
//!
//! Fan-out tells of the media that it wrote, a few times a second and for all its viewers at once; answers tell of segments
//! and parts that were handed over whole. Both speak of the moment at which that media came, so that the same media is the
//! same stretch on every protocol. What was delivered waits here until it is taken to be kept, within a bound; nothing here is for ever.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use control::air::Watching;
use control::attendance::{Interval, add};
use control::playback::{Claims, Kind};
use control::{PlaybackId, UserId, Uuid};
use hub::Stream;
use media::UnixMillis;
use parking_lot::Mutex;

use crate::clock::wall_now;

/// Who has asked for media no longer ago than this watches. Players of HLS ask every few seconds.
pub const WATCHES_FOR: Duration = Duration::from_secs(8);
/// A session of which nothing was heard for this long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Stretches that wait to be kept. 8,000 viewers have one or two each every two seconds, as what touches is one stretch: 25
/// MB are all that a database that is away for minutes can make us hold.
pub const WAITING_MAX: usize = 200_000;
/// Locks, so that those who ask do not wait for one another.
const SHELVES: usize = 16;

/// When the media of a stream from `from_ms` to `to_ms` of its time came: the same for whoever gets it by whatever protocol.
/// An outage is in it as it is on the wall clock, and lasts nobody's attendance.
#[must_use]
pub fn moments(stream: &Stream, (from_ms, to_ms): (i64, i64)) -> (UnixMillis, UnixMillis) {
    let began = || UnixMillis(i64::try_from(stream.id().0).unwrap_or(i64::MAX)).plus_millis(from_ms);
    let from = stream.wall_of(from_ms).unwrap_or_else(began);
    (from, from.plus_millis(to_ms - from_ms))
}

struct Session {
    claims: Arc<Claims>,
    protocol: &'static str,
    since: UnixMillis,
    heard: Instant,
    /// Sockets in play.
    open: usize,
}

impl Session {
    fn watches(&self, now: Instant) -> bool {
        self.open > 0 || now.saturating_duration_since(self.heard) <= WATCHES_FOR
    }
}

#[derive(Default)]
struct Shelf {
    /// By channel: who asks about one does not walk through all.
    sessions: HashMap<Uuid, HashMap<PlaybackId, Session>>,
    waiting: HashMap<PlaybackId, Vec<Interval>>,
}

impl Shelf {
    fn session(&mut self, claims: &Arc<Claims>, protocol: &'static str) -> &mut Session {
        let of_channel = self.sessions.entry(claims.channel).or_default();
        let session = of_channel.entry(claims.playback).or_insert_with(|| Session {
            claims: Arc::clone(claims),
            protocol,
            since: wall_now(),
            heard: Instant::now(),
            open: 0,
        });
        session.protocol = protocol;
        session.heard = Instant::now();
        session
    }

    /// Who watches a channel.
    fn here(&self, channel: Uuid, now: Instant) -> impl Iterator<Item = &Session> {
        self.sessions.get(&channel).into_iter().flat_map(HashMap::values).filter(move |one| one.watches(now))
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Audience {
    shelves: [Mutex<Shelf>; SHELVES],
    waiting: AtomicUsize,
}

/// A socket in play, until it is dropped.
pub struct InPlay {
    audience: Arc<Audience>,
    channel: Uuid,
    playback: PlaybackId,
}

impl Drop for InPlay {
    fn drop(&mut self) {
        let mut shelf = self.audience.shelf(self.playback).lock();
        if let Some(session) = shelf.sessions.get_mut(&self.channel).and_then(|all| all.get_mut(&self.playback)) {
            session.open = session.open.saturating_sub(1);
            // Who closes is gone, not about to ask again.
            if session.open == 0 {
                session.heard = session.heard.checked_sub(WATCHES_FOR * 2).unwrap_or(session.heard);
            }
        }
    }
}

impl Audience {
    fn shelf(&self, playback: PlaybackId) -> &Mutex<Shelf> {
        // The last bytes are random.
        let at = usize::from(playback.0.as_bytes()[15]) % SHELVES;
        &self.shelves[at]
    }

    /// Somebody asks for something live. Recordings have no audience.
    pub fn asks(&self, claims: &Arc<Claims>, protocol: &'static str) {
        if claims.kind == Kind::Live {
            self.shelf(claims.playback).lock().session(claims, protocol);
        }
    }

    /// Somebody's socket plays, for as long as what is answered is held.
    #[must_use]
    pub fn plays(self: &Arc<Self>, claims: &Arc<Claims>, protocol: &'static str) -> Option<InPlay> {
        (claims.kind == Kind::Live).then(|| {
            self.shelf(claims.playback).lock().session(claims, protocol).open += 1;
            InPlay { audience: Arc::clone(self), channel: claims.channel, playback: claims.playback }
        })
    }

    /// Somebody got the media that came from then to then ([`moments`]).
    pub fn got(&self, claims: &Claims, protocol: &'static str, (from, to): (UnixMillis, UnixMillis)) {
        if claims.kind == Kind::Live {
            self.wait(Interval {
                lesson: claims.lesson,
                user: claims.user,
                playback: claims.playback,
                protocol: Cow::Borrowed(protocol),
                from,
                to,
            });
        }
    }

    fn wait(&self, interval: Interval) {
        let mut shelf = self.shelf(interval.playback).lock();
        let full = self.waiting.load(Ordering::Relaxed) >= WAITING_MAX;
        let waiting = shelf.waiting.entry(interval.playback).or_default();
        let before = waiting.len();
        add(waiting, interval);
        if waiting.len() > before {
            if full {
                waiting.pop();
                metrics::counter!("tayang_attendance_lost_total").increment(1);
            } else {
                self.waiting.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// All that waits to be kept. It does not wait any more: what could not be kept comes back by [`Self::put_back`].
    #[must_use]
    pub fn take(&self) -> Vec<Interval> {
        let mut all = Vec::new();
        for shelf in &self.shelves {
            let waiting = std::mem::take(&mut shelf.lock().waiting);
            all.extend(waiting.into_values().flatten());
        }
        self.waiting.fetch_sub(all.len().min(self.waiting.load(Ordering::Relaxed)), Ordering::Relaxed);
        all
    }

    /// What could not be kept waits again.
    pub fn put_back(&self, intervals: Vec<Interval>) {
        for interval in intervals {
            self.wait(interval);
        }
    }

    /// How many stretches wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Who watches a channel now, one line for each session, by when they came.
    #[must_use]
    pub fn watching(&self, channel: Uuid) -> Vec<Watching> {
        let now = Instant::now();
        let mut all = Vec::new();
        for shelf in &self.shelves {
            let shelf = shelf.lock();
            all.extend(shelf.here(channel, now).map(|one| Watching {
                playback: one.claims.playback,
                user: one.claims.user,
                protocol: one.protocol,
                since: one.since,
            }));
        }
        all.sort_by_key(|one| (one.since, one.playback));
        all
    }

    /// How many people watch a channel now, each counted once; `mentor`, who looks at what they send, is none of them.
    #[must_use]
    pub fn people(&self, channel: Uuid, mentor: Option<UserId>) -> u32 {
        let now = Instant::now();
        let mut people = HashSet::new();
        for shelf in &self.shelves {
            let shelf = shelf.lock();
            people.extend(shelf.here(channel, now).map(|one| one.claims.user).filter(|user| Some(*user) != mentor));
        }
        u32::try_from(people.len()).unwrap_or(u32::MAX)
    }

    /// Forgets sessions of which nothing was heard for long. Call now and then.
    pub fn forget(&self, now: Instant) {
        for shelf in &self.shelves {
            let is_over = |one: &Session| one.open == 0 && now.saturating_duration_since(one.heard) > FORGOTTEN_AFTER;
            shelf.lock().sessions.retain(|_, all| {
                all.retain(|_, one| !is_over(one));
                !all.is_empty()
            });
        }
    }
}

/// Stretches of stream time that one viewer got: on from the last, or anew after a jump.
#[derive(Default)]
pub(crate) struct Delivered {
    spans: Vec<(i64, i64)>,
    at_ms: Option<i64>,
}

impl Delivered {
    /// The next media in order, of that time, was written.
    pub(crate) fn reaches(&mut self, time_ms: i64) {
        match (self.at_ms, self.spans.last_mut()) {
            (Some(_), Some((_, to))) => *to = time_ms.max(*to),
            (Some(at), None) => self.spans.push((at, time_ms.max(at))),
            (None, _) => self.spans.push((time_ms, time_ms)),
        }
        self.at_ms = Some(self.at_ms.map_or(time_ms, |at| at.max(time_ms)));
    }

    /// What comes next does not follow on what came last.
    pub(crate) fn jumps(&mut self) {
        self.at_ms = None;
    }

    /// What was written since the last time.
    pub(crate) fn take(&mut self) -> Vec<(i64, i64)> {
        std::mem::take(&mut self.spans)
    }
}

#[cfg(test)]
mod tests;
