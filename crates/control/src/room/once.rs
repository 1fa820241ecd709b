//! What was said lately, by the sender's own names for it: said again, it is known without asking the database.

use std::collections::{HashMap, VecDeque};

use crate::UserId;
use crate::room::CommentState;

/// Comments that are remembered. At 500 a second that is more than the 15 seconds in which a client sends again; what is
/// older is found by the database's unique index.
const REMEMBERED: usize = 8_192;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Once {
    places: HashMap<(UserId, Box<str>), (i64, CommentState)>,
    oldest_first: VecDeque<(UserId, Box<str>)>,
}

impl Once {
    /// The place of what `user` said by that name, and what was answered: it is seen by all, or waits.
    pub(super) fn place(&self, user: UserId, client_id: &str) -> Option<(i64, CommentState)> {
        self.places.get(&(user, client_id.into())).copied()
    }

    /// Remembers it, and forgets the oldest beyond the limit.
    pub(super) fn remember(&mut self, user: UserId, client_id: &str, place: (i64, CommentState)) {
        let key: (UserId, Box<str>) = (user, client_id.into());
        if self.places.insert(key.clone(), place).is_none() {
            self.oldest_first.push_back(key);
        }
        if self.oldest_first.len() > REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.places.remove(&oldest);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.places.len(), self.oldest_first.len());
        self.places.len()
    }
}
