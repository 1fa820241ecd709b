//! The ids of people and teaching: UUIDs that cannot be taken for one another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one, ordered by `now` among others (UUID version 7, RFC 9562 section 5.7).
            #[must_use]
            pub fn new(now: media::UnixMillis) -> Self {
                Self(crate::keys::ordered_id(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A person.
    UserId,
    /// One sign-in of a person on one device.
    SessionId,
    /// A course.
    CourseId,
    /// A lesson.
    LessonId,
    /// A comment in the room of a lesson.
    CommentId,
    /// One playback session: what a viewer is.
    PlaybackId,
    /// Something that one person is told.
    NoticeId,
    /// A device that is told by Web Push.
    SubscriptionId,
    /// One way of telling one thing.
    DeliveryId,
    /// A server that is told.
    WebhookId,
    /// A passkey of a person.
    PasskeyId,
    /// A stream that goes on to another server, or comes from one.
    RelayId,
}

#[cfg(test)]
mod tests {
    use media::UnixMillis;

    use super::*;

    #[test]
    fn ids_are_ordered_by_their_time_and_survive_their_text() {
        let (earlier, later) = (UserId::new(UnixMillis(1_700_000_000_000)), UserId::new(UnixMillis(1_700_000_000_001)));
        assert!(earlier < later && earlier.to_string() < later.to_string());
        assert_eq!(later.to_string().parse(), Ok(later));
        assert_ne!(UserId::new(UnixMillis(5)), UserId::new(UnixMillis(5)), "the same moment is no collision");
    }
}
