//! Relays of this server that lead back to it: what keeps a channel from being its own source.
//!
//! No address says whether a server is this one: there are proxies, names and networks. So each connection of a relay
//! carries a number of its own, and whoever meets that number at this server's own port knows both ends. Rings through
//! another server are not seen: there a publisher that comes takes the channel over, which breaks the ring.

use std::collections::HashMap;
use std::sync::Arc;

use control::Uuid;
use control::relay::Direction;
use parking_lot::Mutex;

use crate::Gateway;

/// A connection of a relay.
struct Line {
    direction: Direction,
    channel: Uuid,
    /// The channel at its other end, once it is known to be one of ours.
    other: Option<Uuid>,
}

impl Line {
    /// From which channel its media comes, and to which it goes, with `other` at the other end.
    fn ends(&self, other: Uuid) -> (Uuid, Uuid) {
        match self.direction {
            Direction::Push => (self.channel, other),
            Direction::Pull => (other, self.channel),
        }
    }
}

/// The relays of this server that are connected.
#[derive(Default)]
pub struct OwnRelays(Mutex<HashMap<u128, Line>>);

/// A relay's connection is known here for as long as this is there.
pub(super) struct Known {
    gateway: Arc<Gateway>,
    pub(super) number: u128,
}

impl Known {
    pub(super) fn new(gateway: &Arc<Gateway>, direction: Direction, channel: Uuid) -> Self {
        let number = rand::random();
        gateway.own_relays.0.lock().insert(number, Line { direction, channel, other: None });
        Self { gateway: gateway.clone(), number }
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.gateway.own_relays.0.lock().remove(&self.number);
    }
}

impl OwnRelays {
    /// Somebody who says to be the relay of that number publishes to, or plays, this channel of ours. True: it is one of
    /// ours, and would bring a channel its own media, through others or not. False: not, and it is remembered.
    pub(crate) fn closes_ring(&self, number: u128, channel: Uuid) -> bool {
        let mut lines = self.0.lock();
        let Some(line) = lines.get(&number) else { return false };
        let (from, to) = line.ends(channel);
        let mut reached = vec![to];
        let mut at = 0;
        while let Some(here) = reached.get(at).copied() {
            if here == from {
                return true;
            }
            let next = lines.values().filter_map(|line| Some(line.ends(line.other?)));
            let next: Vec<Uuid> = next.filter(|(start, _)| *start == here).map(|(_, end)| end).collect();
            for end in next {
                if !reached.contains(&end) {
                    reached.push(end);
                }
            }
            at += 1;
        }
        if let Some(line) = lines.get_mut(&number) {
            line.other = Some(channel);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relays(of: &[(u128, Direction, u128)]) -> OwnRelays {
        let line = |direction, channel| Line { direction, channel: Uuid::from_u128(channel), other: None };
        let lines = of.iter().map(|(number, direction, channel)| (*number, line(*direction, *channel)));
        OwnRelays(Mutex::new(lines.collect()))
    }

    #[test]
    fn a_channel_does_not_become_its_own_source_directly_or_through_others() {
        use Direction::{Pull, Push};
        let own = relays(&[(1, Push, 10), (2, Pull, 30), (3, Push, 30), (4, Pull, 10), (5, Push, 10)]);
        let closes = |number, channel| own.closes_ring(number, Uuid::from_u128(channel));
        assert!(closes(1, 10) && closes(4, 10), "itself, pushed or pulled");
        assert!(!closes(1, 20), "from 10 to 20");
        assert!(!closes(2, 20), "from 20 to 30");
        assert!(closes(3, 10) && closes(3, 20), "from 30 back to either");
        assert!(closes(4, 30), "the same, pulled");
        assert!(!closes(5, 30) && !closes(3, 40), "two ways to the same place are no ring");
        assert!(!closes(99, 10), "somebody else's number");
    }
}
