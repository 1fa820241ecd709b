//! What is on air, for the API: answered from the gateway's memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::air::{Air, AudioHealth, Health, OnAir, VideoHealth, Watching};
use control::{UserId, Uuid};
use gateway::Gateway;
use gateway::clock::wall_now;
use gateway::live::LiveStream;
use hub::State;
use media::{MediaKind, TrackParams, TrackSet, UnixMillis};
use packager::SegmentEntry;
use packager::playlist::Rates;
use parking_lot::Mutex;
use recorder::RecordingKey;

/// Segments that "the last seconds" are measured over.
const MEASURED_SEGMENTS: usize = 4;
/// Frames looked through for key frames: a minute at 60 pictures a second with their sound, if the log has as much.
const LOOKED_THROUGH: usize = 6_000;
/// Between two key frames: longer, and viewers wait for their first picture and players cannot keep up with live.
const LONG_GOP_MS: u32 = 4_000;
/// Media that is older than this when it comes is late: the sender's network cannot carry what it sends.
const LATE_MS: i64 = 5_000;

/// People are counted as often: thousands who open a lesson at once must not walk through each other each time, under the locks
/// that delivery takes.
const COUNTED_EACH: Duration = Duration::from_secs(1);

/// See the module's documentation.
pub(super) struct OnTheAir(Arc<Gateway>, Mutex<HashMap<Uuid, (Instant, u32)>>);

impl OnTheAir {
    pub(super) fn new(gateway: Arc<Gateway>) -> Self {
        Self(gateway, Mutex::default())
    }

    /// How many watch, as of the last second.
    fn viewers(&self, channel: Uuid) -> u32 {
        let now = Instant::now();
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < COUNTED_EACH;
        // Held while it counts: who asks meanwhile wants the same.
        let mut counted = self.1.lock();
        if let Some((_, viewers)) = counted.get(&channel).filter(|(at, _)| is_fresh(*at)) {
            return *viewers;
        }
        counted.retain(|_, (at, _)| is_fresh(*at));
        let viewers = self.0.audience().people(channel, self.mentor(channel));
        counted.insert(channel, (now, viewers));
        viewers
    }

    fn live(&self, channel: Uuid) -> Option<Arc<LiveStream>> {
        let path = self.0.directory.snapshot().channel_by_id(channel)?.path.clone();
        let live = self.0.live.of(&path).filter(|live| live.channel == channel)?;
        (live.stream.state() != State::Ended).then_some(live)
    }

    /// Whose lesson it is: who looks at what they send is no viewer of it.
    fn mentor(&self, channel: Uuid) -> Option<UserId> {
        self.0.directory.snapshot().airing(channel).map(|airing| airing.mentor)
    }

    fn warnings(&self, live: &LiveStream, tracks: &TrackSet, video: Option<&VideoHealth>) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if tracks.first(MediaKind::Audio).is_none() {
            warnings.push("no_audio");
        }
        if video.is_some_and(|video| video.gop_ms > LONG_GOP_MS) {
            warnings.push("long_gop");
        }
        let newest = {
            let window = live.window.read();
            let track = window.tracks().next().map(|track| track.id);
            track.and_then(|track| window.entries(track).last().map(SegmentEntry::wall_end))
        };
        let is_live = live.stream.state() == State::Live;
        // A segment that is not whole yet is no delay.
        let segment_ms = i64::from(self.0.live.config().segment_max_ms);
        if is_live && newest.is_some_and(|at| wall_now().0 - at.0 > LATE_MS + segment_ms) {
            warnings.push("late");
        }
        if live.stream.counters().timeline.jumps > 0 {
            warnings.push("jumping_time");
        }
        let key = RecordingKey { channel: live.channel, stream: live.stream.id() };
        if self.0.recorder.status().stalled.iter().any(|(stalled, _)| *stalled == key) {
            warnings.push("not_recorded");
        }
        warnings
    }
}

fn rates(live: &LiveStream, tracks: &TrackSet, kind: MediaKind) -> Option<Rates> {
    let entries = live.window.read().entries(tracks.first(kind)?.id);
    let newest = entries.get(entries.len().saturating_sub(MEASURED_SEGMENTS)..).unwrap_or_default();
    Some(Rates::of(newest))
}

fn kbps(rates: &Rates) -> u32 {
    u32::try_from(rates.average_bps() / 1_000).unwrap_or(u32::MAX)
}

/// The longest time between two key frames of what the stream's log has, the one that goes on included.
fn gop_ms(live: &LiveStream) -> u32 {
    let mut entries = Vec::new();
    live.stream.read(live.stream.oldest().seq, LOOKED_THROUGH, &mut entries);
    let starts = entries.iter().filter(|entry| entry.start).map(|entry| entry.time_ms());
    let ends = entries.last().map(|entry| entry.head_ms);
    let (mut before, mut longest) = (None::<i64>, 0);
    for at in starts.chain(ends) {
        longest = longest.max(before.map_or(0, |before| at - before));
        before = Some(at);
    }
    u32::try_from(longest).unwrap_or(0)
}

impl Air for OnTheAir {
    fn on_air(&self, channel: Uuid) -> OnAir {
        let viewers = self.viewers(channel);
        let Some(live) = self.live(channel) else { return OnAir { viewers, ..OnAir::default() } };
        let state = live.stream.state();
        OnAir {
            on_air: state == State::Live,
            stalled: state == State::Stalled,
            started: (state != State::Waiting).then_some(live.began),
            viewers,
        }
    }

    fn media_at(&self, channel: Uuid, at: UnixMillis) -> Option<i64> {
        self.live(channel)?.stream.media_at(at)
    }

    fn watching(&self, channel: Uuid) -> Vec<Watching> {
        let (mut watching, mentor) = (self.0.audience().watching(channel), self.mentor(channel));
        watching.retain(|one| Some(one.user) != mentor);
        watching
    }

    fn health(&self, channel: Uuid) -> Option<Health> {
        let live = self.live(channel)?;
        let (protocol, since) = live.publisher()?;
        let tracks = live.stream.tracks();
        let video = tracks.first(MediaKind::Video).and_then(|track| {
            let TrackParams::Video(params) = &track.params else { return None };
            let rates = rates(&live, &tracks, MediaKind::Video)?;
            Some(VideoHealth {
                codec: track.codec_string.to_string(),
                width: params.width,
                height: params.height,
                fps_milli: rates.samples_millihz().and_then(|rate| u32::try_from(rate).ok()).unwrap_or(0),
                bitrate_kbps: kbps(&rates),
                gop_ms: gop_ms(&live),
            })
        });
        let audio = tracks.first(MediaKind::Audio).and_then(|track| {
            let rates = rates(&live, &tracks, MediaKind::Audio)?;
            Some(AudioHealth { codec: track.codec_string.to_string(), bitrate_kbps: kbps(&rates) })
        });
        let warnings = self.warnings(&live, &tracks, video.as_ref());
        Some(Health { protocol, since: Some(since), video, audio, warnings })
    }

    fn end(&self, channel: Uuid) {
        if let Some(live) = self.live(channel) {
            live.stream.end(Instant::now());
        }
    }
}
