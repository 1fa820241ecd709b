//! A viewer's right to play, asked again for as long as it is used.
//!
//! What `control` granted, and when. Decides nothing itself: it only carries the wall clock of the decision on by the
//! monotonic one, so that a clock that is set neither cuts viewers off nor keeps them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use control::directory::View;
use control::playback::{Claims, Kind};
use control::{Channel, Credential, Directory, PlayGrant, Uuid};
use media::UnixMillis;

use crate::clock::wall_now;
use crate::http::Api;

/// How often the right of whoever plays is asked again. With the tenth of a second after which a change of the database
/// is known, a viewer is closed well within a second of losing it.
pub const ASK_EVERY: Duration = Duration::from_millis(400);

/// Counts somebody who lost the right while it was used.
pub(crate) fn count_lost() {
    metrics::counter!("tayang_play_denied_total", "reason" => "while playing").increment(1);
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Right {
    grant: PlayGrant,
    asked_at: Instant,
    asked_wall: UnixMillis,
}

impl Right {
    /// What was granted a moment ago.
    #[must_use]
    pub fn new(grant: PlayGrant) -> Self {
        Self { grant, asked_at: Instant::now(), asked_wall: wall_now() }
    }

    /// The channel as it was when asked. `None`: a past lesson's, of which only recordings play.
    #[must_use]
    pub fn channel(&self) -> Option<&Arc<Channel>> {
        self.grant.channel.as_ref()
    }

    /// Which channel.
    #[must_use]
    pub fn channel_id(&self) -> Uuid {
        self.grant.id
    }

    /// Whether it holds at `now` as `view` has it: the same channel exists, and is public, or the signature still right, or
    /// the playback session still open and nothing taken away from it.
    #[must_use]
    pub fn holds(&self, view: &View<'_>, now: Instant) -> bool {
        let passed_ms = now.saturating_duration_since(self.asked_at).as_millis();
        let wall = self.asked_wall.plus_millis(i64::try_from(passed_ms).unwrap_or(i64::MAX));
        view.play_still_valid(&self.grant, wall)
    }

    /// The playback session that it is of, if it is of one.
    #[must_use]
    pub fn claims(&self) -> Option<&Arc<Claims>> {
        match &self.grant.credential {
            Some(Credential::Playback { claims, .. }) => Some(claims),
            Some(Credential::Key(_) | Credential::OwnKey(_) | Credential::Signed { .. }) | None => None,
        }
    }

    /// What of the channel it opens, if not everything.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.claims().map(|claims| claims.kind)
    }

    /// Returns once it holds no more as `directory` has it, and counts that.
    pub async fn lost(&self, directory: &Directory) {
        loop {
            let next = Instant::now() + ASK_EVERY;
            // A playback session may have been given longer by then; it is asked as often as any.
            let end = self.ends_at().filter(|_| self.claims().is_none());
            let next = end.map_or(next, |end| next.min(end.max(Instant::now() + ASK_EVERY / 8)));
            tokio::time::sleep_until(next.into()).await;
            if !self.holds(&directory.view(), Instant::now()) {
                count_lost();
                return;
            }
        }
    }

    /// Has `api` keep the playback session of a download open, as long as this is polled: it has no player that would, on a
    /// phone that sleeps or with the page left behind. Never returns.
    pub async fn keep(&self, directory: &Directory, api: &OnceLock<Arc<dyn Api>>) {
        let Some((claims, api)) = self.claims().filter(|claims| claims.kind == Kind::Download).zip(api.get()) else {
            return std::future::pending().await;
        };
        loop {
            // While there is as much time again to try once more.
            let left_ms = directory.playbacks().standing(claims).map_or(0, |(_, expires)| expires.0 - wall_now().0);
            let half = Duration::from_millis(u64::try_from(left_ms / 2).unwrap_or(0));
            tokio::time::sleep(half.max(ASK_EVERY)).await;
            api.renew(Arc::clone(claims)).await;
        }
    }

    /// It is its holder's alone: not by the channel being public.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.grant.credential.is_some()
    }

    /// When the signature, or the playback session as far as it was known when asked, runs out, if there is one.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        match &self.grant.credential {
            Some(Credential::Signed { expires_at, .. } | Credential::Playback { expires_at, .. }) => {
                let left = u64::try_from(expires_at.0 - self.asked_wall.0).unwrap_or(0);
                Some(self.asked_at + Duration::from_millis(left))
            }
            Some(Credential::Key(_) | Credential::OwnKey(_)) | None => None,
        }
    }
}
