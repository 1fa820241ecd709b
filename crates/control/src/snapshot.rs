//! The channels, keys and lessons that matter as of one moment, indexed by what is asked for.
//!
//! All channels of operators, and of lessons those that are set, on, or ended a moment ago; not the school's history, which
//! has no end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use media::{ChannelPath, Name, UnixMillis};
use uuid::Uuid;

use crate::airing::{Airing, OwnKey, Parts, Touched, chosen};
use crate::teaching::lessons::LESSON_APP;
use crate::{Channel, KeyHash, LessonId, StreamKey, UserId};

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    by_id: HashMap<Uuid, Arc<Channel>>,
    by_path: HashMap<ChannelPath, Arc<Channel>>,
    by_key: HashMap<KeyHash, Arc<StreamKey>>,
    by_key_id: HashMap<Uuid, Arc<StreamKey>>,
    airings: HashMap<LessonId, Airing>,
    lesson_of: HashMap<Uuid, LessonId>,
    lessons_of: HashMap<UserId, Vec<LessonId>>,
    own_keys: HashMap<KeyHash, OwnKey>,
    own_key_hashes: HashMap<Uuid, KeyHash>,
    margin_ms: i64,
}

impl Snapshot {
    /// Indexes them. Keys of channels that are not among `channels` are left out.
    #[must_use]
    pub fn new(channels: Vec<Channel>, keys: Vec<StreamKey>) -> Self {
        let mut snapshot = Self::default();
        snapshot.add(Parts { channels, keys, ..Parts::default() });
        snapshot
    }

    /// The same with lessons and mentors' own keys.
    #[must_use]
    pub fn with_lessons(mut self, airings: Vec<Airing>, own_keys: Vec<OwnKey>) -> Self {
        self.add(Parts { airings, own_keys, ..Parts::default() });
        self
    }

    /// The same where a slot opens, and closes, so long before and behind a lesson's time.
    #[must_use]
    pub fn with_margin_ms(mut self, margin_ms: i64) -> Self {
        self.margin_ms = margin_ms;
        self
    }

    /// The same but for what was `touched`, of which there are `parts`.
    #[must_use]
    pub fn with(&self, touched: &Touched, parts: Parts) -> Self {
        let mut snapshot = self.clone();
        snapshot.remove(touched, &parts);
        snapshot.add(parts);
        snapshot
    }

    /// The same without lessons that are past, their channels and keys. A lesson goes with its channel: one that was left
    /// would take publishers at any time.
    #[must_use]
    pub fn without_past(mut self, now: UnixMillis) -> Self {
        let past = self.airings.values().filter(|airing| airing.is_past(now)).map(|airing| airing.lesson).collect();
        // A change of a past lesson's channel brought it here again without its lesson.
        let is_left = |channel: &&Arc<Channel>| is_lessons(channel) && !self.lesson_of.contains_key(&channel.id);
        let channels = self.channels().filter(is_left).map(|channel| channel.id).collect();
        let gone = Touched { lessons: past, channels, ..Touched::default() };
        if !gone.is_empty() {
            self.remove(&gone, &Parts::default());
        }
        self
    }

    /// Some lesson in it is past.
    #[must_use]
    pub fn has_past(&self, now: UnixMillis) -> bool {
        self.airings.values().any(|airing| airing.is_past(now))
    }

    fn add(&mut self, parts: Parts) {
        for channel in parts.channels {
            let channel = Arc::new(channel);
            self.by_path.insert(channel.path.clone(), Arc::clone(&channel));
            self.by_id.insert(channel.id, channel);
        }
        for key in parts.keys {
            if self.by_id.contains_key(&key.channel) {
                let key = Arc::new(key);
                self.by_key_id.insert(key.id, Arc::clone(&key));
                self.by_key.insert(key.hash, key);
            }
        }
        for airing in parts.airings {
            self.lesson_of.insert(airing.channel, airing.lesson);
            self.lessons_of.entry(airing.mentor).or_default().push(airing.lesson);
            self.airings.insert(airing.lesson, airing);
        }
        for key in parts.own_keys {
            self.own_key_hashes.insert(key.id, key.hash);
            self.own_keys.insert(key.hash, key);
        }
    }

    fn remove(&mut self, touched: &Touched, parts: &Parts) {
        let mentors: HashSet<UserId> = touched.mentors.iter().copied().collect();
        let lessons: HashSet<LessonId> = touched
            .lessons
            .iter()
            .copied()
            .chain(touched.mentors.iter().filter_map(|mentor| self.lessons_of.get(mentor)).flatten().copied())
            .chain(parts.airings.iter().map(|airing| airing.lesson))
            .collect();
        let mut channels: HashSet<Uuid> = touched.channels.iter().copied().collect();
        channels.extend(parts.channels.iter().map(|channel| channel.id));
        channels.extend(touched.lessons.iter().filter_map(|id| self.airings.get(id)).map(|airing| airing.channel));
        for id in &lessons {
            if let Some(airing) = self.airings.remove(id) {
                self.lesson_of.remove(&airing.channel);
                if let Some(of_mentor) = self.lessons_of.get_mut(&airing.mentor) {
                    of_mentor.retain(|lesson| lesson != id);
                    if of_mentor.is_empty() {
                        self.lessons_of.remove(&airing.mentor);
                    }
                }
            }
        }
        for id in &channels {
            if let Some(channel) = self.by_id.remove(id)
                && self.by_path.get(&channel.path).is_some_and(|there| there.id == *id)
            {
                self.by_path.remove(&channel.path);
            }
        }
        self.by_key.retain(|_, key| !channels.contains(&key.channel));
        self.by_key_id.retain(|_, key| !channels.contains(&key.channel));
        self.own_keys.retain(|_, key| !mentors.contains(&key.mentor));
        let own_keys = &self.own_keys;
        self.own_key_hashes.retain(|_, hash| own_keys.contains_key(hash));
    }

    /// The channel at that path.
    #[must_use]
    pub fn channel(&self, path: &ChannelPath) -> Option<&Arc<Channel>> {
        self.by_path.get(path)
    }

    /// The channel of that id.
    #[must_use]
    pub fn channel_by_id(&self, id: Uuid) -> Option<&Arc<Channel>> {
        self.by_id.get(&id)
    }

    /// All channels, in no order.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = &Arc<Channel>> {
        self.by_id.values()
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<StreamKey>> {
        self.by_key_id.values()
    }

    /// The lesson whose channel that is.
    #[must_use]
    pub fn airing(&self, channel: Uuid) -> Option<&Airing> {
        self.airings.get(self.lesson_of.get(&channel)?)
    }

    /// Whether the time is right: a lesson's channel has its slot, and one of a lesson that is not known here never has.
    pub(crate) fn takes_publisher(&self, channel: &Channel, now: UnixMillis) -> bool {
        match self.airing(channel.id) {
            Some(airing) => airing.is_open(now, self.margin_ms),
            None => !is_lessons(channel),
        }
    }

    pub(crate) fn key_in_app(&self, app: &Name, hash: KeyHash) -> Option<(&Arc<StreamKey>, &Arc<Channel>)> {
        let key = self.by_key.get(&hash)?;
        let channel = self.by_id.get(&key.channel)?;
        (channel.path.app == *app).then_some((key, channel))
    }

    pub(crate) fn key(&self, id: Uuid) -> Option<&Arc<StreamKey>> {
        self.by_key_id.get(&id)
    }

    pub(crate) fn own_key(&self, id: Uuid) -> Option<&OwnKey> {
        self.own_key_of(*self.own_key_hashes.get(&id)?)
    }

    pub(crate) fn own_key_of(&self, hash: KeyHash) -> Option<&OwnKey> {
        self.own_keys.get(&hash)
    }

    /// The channel of the mentor's lesson that has its slot, in that application.
    pub(crate) fn channel_of_mentor(&self, mentor: UserId, app: &Name, now: UnixMillis) -> Option<&Arc<Channel>> {
        let lessons = self.lessons_of.get(&mentor)?.iter().filter_map(|id| self.airings.get(id));
        let is_there =
            |airing: &&Airing| self.by_id.get(&airing.channel).is_some_and(|channel| channel.path.app == *app);
        self.by_id.get(&chosen(lessons.filter(is_there), now, self.margin_ms)?.channel)
    }
}

fn is_lessons(channel: &Channel) -> bool {
    channel.path.app.as_str() == LESSON_APP
}

#[cfg(test)]
mod tests;
