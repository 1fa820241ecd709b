//! What was said lately, by the sender's own names for it: said again, it is known without asking the database.

use std::collections::{HashMap, VecDeque};

use crate::UserId;

/// Comments that are remembered. At 500 a second that is more than the 15 seconds in which a client sends again; what is
/// older is found by the database's unique index.
const REMEMBERED: usize = 8_192;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Once {
    seqs: HashMap<(UserId, Box<str>), i64>,
    oldest_first: VecDeque<(UserId, Box<str>)>,
}

impl Once {
    /// The place of what `user` said by that name.
    pub(super) fn seq(&self, user: UserId, client_id: &str) -> Option<i64> {
        self.seqs.get(&(user, client_id.into())).copied()
    }

    /// Remembers it, and forgets the oldest beyond the limit.
    pub(super) fn remember(&mut self, user: UserId, client_id: &str, seq: i64) {
        let key: (UserId, Box<str>) = (user, client_id.into());
        if self.seqs.insert(key.clone(), seq).is_none() {
            self.oldest_first.push_back(key);
        }
        if self.oldest_first.len() > REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.seqs.remove(&oldest);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.seqs.len(), self.oldest_first.len());
        self.seqs.len()
    }
}
