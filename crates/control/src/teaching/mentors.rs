//! Mentors: their pages, the keys that publish to whichever lesson of theirs has its slot, and everybody's calendar.

use media::{Redacted, UnixMillis};
use uuid::Uuid;

use super::TeachingError;
use crate::{BoxFuture, KeyHash, LessonId, RepositoryError, UserId, keys};

/// Keys of one mentor that hold at once: one for each device they teach from, and some that were forgotten.
pub const MENTOR_KEYS_MAX: u32 = 20;
/// Longest label of a key, in characters.
pub const KEY_LABEL_LENGTH_MAX: usize = crate::StreamKey::LABEL_LENGTH_MAX;

/// A mentor, as anybody sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MentorSeen {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// What they teach, in a line. Empty until they say.
    pub headline: String,
    /// Who they are.
    pub bio: String,
    /// Courses of theirs that whoever looks may know of and that are not over.
    pub courses: u32,
    /// The first lesson to come that whoever looks may know of.
    pub next_lesson: Option<NextLesson>,
    /// Counts changes of the page, for ETags; 0 where there is none.
    pub version: i64,
}

/// A lesson to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextLesson {
    /// Which.
    pub id: LessonId,
    /// Its name.
    pub title: String,
    /// When.
    pub starts: UnixMillis,
}

/// A key of a mentor's own, as it is kept. The key itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MentorKey {
    /// Names it where the key must not stand.
    pub id: Uuid,
    /// Whose.
    pub mentor: UserId,
    /// What they call it.
    pub label: String,
    /// Of the key.
    pub hash: KeyHash,
    /// When it was made.
    pub created: UnixMillis,
}

impl MentorKey {
    /// A new one, and the key itself, which is not to be had again. A label that is too long is cut.
    #[must_use]
    pub fn create(mentor: UserId, label: &str, now: UnixMillis) -> (Self, Redacted<String>) {
        let key = keys::generate();
        let label = label.chars().take(KEY_LABEL_LENGTH_MAX).collect();
        (Self { id: keys::ordered_id(now), mentor, label, hash: KeyHash::of(&key.0), created: now }, key)
    }
}

/// Mentors, kept.
pub trait MentorRepository: Send + Sync {
    /// Writes somebody's own page.
    fn put_mentor<'a>(
        &'a self,
        id: UserId,
        headline: &'a str,
        bio: &'a str,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<(), RepositoryError>>;

    /// A mentor as `viewer` sees them. `None`: there is none, or they are suspended.
    fn mentor(
        &self,
        id: UserId,
        viewer: Option<UserId>,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<Option<MentorSeen>, RepositoryError>>;

    /// Mentors with that in name or headline, in order of age, behind `after`.
    fn mentors<'a>(
        &'a self,
        query: Option<&'a str>,
        viewer: Option<UserId>,
        after: Option<UserId>,
        limit: u32,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Vec<MentorSeen>, RepositoryError>>;

    /// Keeps a new key.
    ///
    /// # Errors
    /// [`TeachingError::TooMany`] hold.
    fn add_mentor_key<'a>(&'a self, key: &'a MentorKey) -> BoxFuture<'a, Result<(), TeachingError>>;

    /// The mentor's keys that hold, oldest first.
    fn mentor_keys(&self, mentor: UserId) -> BoxFuture<'_, Result<Vec<MentorKey>, RepositoryError>>;

    /// Revokes one. Again is no error.
    ///
    /// # Errors
    /// [`RepositoryError::NotFound`] if they never had it.
    fn revoke_mentor_key(
        &self,
        mentor: UserId,
        key: Uuid,
        now: UnixMillis,
    ) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// Which of its addresses somebody's calendar has: rises when the one before is withdrawn.
    fn calendar_generation(&self, user: UserId) -> BoxFuture<'_, Result<i64, RepositoryError>>;

    /// Withdraws the address of somebody's calendar.
    fn withdraw_calendar(&self, user: UserId, now: UnixMillis) -> BoxFuture<'_, Result<(), RepositoryError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_key_does_not_show_it() {
        let mentor = UserId::new(UnixMillis(1));
        let (kept, key) = MentorKey::create(mentor, &"é".repeat(200), UnixMillis(1));
        assert!(!format!("{kept:?}").contains(&key.0));
        assert_eq!((kept.hash, kept.mentor), (KeyHash::of(&key.0), mentor));
        assert_eq!(kept.label.chars().count(), KEY_LABEL_LENGTH_MAX);
    }
}
