//! Who is in a room: one seat per connection.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::Context;

use control::room::Speaker;
use control::{SessionId, UserId};
use futures_util::task::AtomicWaker;
use media::UnixMillis;
use parking_lot::Mutex;

/// Connections of one person in one room: a telephone, a laptop, and those of them that are not known to be gone yet.
pub const SEATS_PER_PERSON_MAX: usize = 8;
/// Words to one connection alone that wait for it. One that has so many is not listened to until it reads.
const ASIDES_MAX: usize = 32;

/// Close codes (RFC 6455 §7.4.2: 4000 and above are an application's own).
pub mod code {
    /// The other side asked for it.
    pub const NORMAL: u16 = 1000;
    /// The rules of the socket were broken.
    pub const POLICY: u16 = 1008;
    /// The server stops, and is back soon.
    pub const RESTART: u16 = 1012;
    /// The right to be here is gone.
    pub const RIGHT_GONE: u16 = 4001;
    /// The lesson is over.
    pub const LESSON_OVER: u16 = 4002;

    /// What it means, for people.
    pub fn reason(code: u16) -> &'static str {
        match code {
            RESTART => "the server restarts: come back in a moment",
            RIGHT_GONE => "you may not be here any more",
            LESSON_OVER => "the lesson is over",
            POLICY => "too many messages",
            NORMAL => "the socket is closed as asked",
            _ => "the message is against the protocol",
        }
    }
}

/// Somebody, as a room knows them.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// As they are called.
    pub name: String,
    /// By which sign-in.
    pub session: SessionId,
    /// When that ends by itself.
    pub expires: UnixMillis,
    /// They run the lesson.
    pub runs: bool,
}

impl Person {
    /// For the rules.
    pub fn speaker(&self) -> Speaker {
        Speaker { user: self.user, runs: self.runs }
    }
}

/// One connection's place in a room.
#[derive(Debug)]
pub struct Seat {
    /// Whose.
    pub person: Person,
    asides: Mutex<VecDeque<String>>,
    /// With which code the connection is to end; 0: not at all.
    ends: AtomicU16,
    waker: AtomicWaker,
}

impl Seat {
    /// Says something to this connection alone: an event's JSON. What a connection that does not read would be told beyond
    /// the limit it is not told.
    pub fn tell(&self, event: String) {
        let mut asides = self.asides.lock();
        if asides.len() < 2 * ASIDES_MAX {
            asides.push_back(event);
        }
        drop(asides);
        self.waker.wake();
    }

    /// Ends the connection.
    pub fn end(&self, code: u16) {
        self.ends.store(code, Ordering::Release);
        self.waker.wake();
    }

    /// Wakes the task when something is said to it.
    pub fn wait(&self, context: &Context<'_>) {
        self.waker.register(context.waker());
    }

    /// With which code it is to end.
    pub fn ends(&self) -> Option<u16> {
        Some(self.ends.load(Ordering::Acquire)).filter(|code| *code != 0)
    }

    /// What was said to it alone.
    pub fn take_asides(&self) -> VecDeque<String> {
        std::mem::take(&mut *self.asides.lock())
    }

    /// It has not heard what it was told, so it is not listened to.
    pub fn is_behind(&self) -> bool {
        self.asides.lock().len() >= ASIDES_MAX
    }
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSeat {
    /// The room has ended meanwhile: open it again.
    Ended,
    /// They have [`SEATS_PER_PERSON_MAX`].
    TooMany,
}

/// All seats of a room.
#[derive(Debug, Default)]
pub struct Roster(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    by_person: HashMap<UserId, Vec<Arc<Seat>>>,
    ended: bool,
}

impl Roster {
    /// Somebody sits down.
    pub fn sit(&self, person: Person) -> Result<Arc<Seat>, NoSeat> {
        let mut seats = self.0.lock();
        if seats.ended {
            return Err(NoSeat::Ended);
        }
        let own = seats.by_person.entry(person.user).or_default();
        if own.len() >= SEATS_PER_PERSON_MAX {
            return Err(NoSeat::TooMany);
        }
        let seat =
            Arc::new(Seat { person, asides: Mutex::default(), ends: AtomicU16::new(0), waker: AtomicWaker::new() });
        own.push(seat.clone());
        Ok(seat)
    }

    /// A connection is gone.
    pub fn leave(&self, seat: &Arc<Seat>) {
        let mut seats = self.0.lock();
        let user = seat.person.user;
        let Some(own) = seats.by_person.get_mut(&user) else { return };
        own.retain(|other| !Arc::ptr_eq(other, seat));
        if own.is_empty() {
            seats.by_person.remove(&user);
        }
    }

    /// The seats of one person, or all.
    pub fn seats(&self, user: Option<UserId>) -> Vec<Arc<Seat>> {
        let seats = self.0.lock();
        match user {
            Some(user) => seats.by_person.get(&user).cloned().unwrap_or_default(),
            None => seats.by_person.values().flatten().cloned().collect(),
        }
    }

    /// Who is here, each once.
    pub fn people(&self) -> Vec<UserId> {
        self.0.lock().by_person.keys().copied().collect()
    }

    /// How many are here, without those who run the lesson and those in `elsewhere`.
    pub fn audience_besides(&self, elsewhere: &std::collections::HashSet<UserId>) -> u64 {
        let seats = self.0.lock();
        // Who came to run it since sits on both sides, until the older seats are given up.
        let counts = |(user, own): &(&UserId, &Vec<Arc<Seat>>)| {
            !elsewhere.contains(user) && own.iter().all(|seat| !seat.person.runs)
        };
        seats.by_person.iter().filter(counts).count() as u64
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.0.lock().by_person.is_empty()
    }

    /// Lets nobody in any more, if nobody is here. Answers whether it is so.
    pub fn end_if_empty(&self) -> bool {
        let mut seats = self.0.lock();
        seats.ended |= seats.by_person.is_empty();
        seats.ended
    }

    /// Lets nobody in any more, and ends all connections.
    pub fn end(&self, code: u16) {
        self.0.lock().ended = true;
        self.seats(None).iter().for_each(|seat| seat.end(code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128, runs: bool) -> Person {
        let session = SessionId::new(UnixMillis(1));
        Person {
            user: UserId(control::Uuid::from_u128(n)),
            name: "Satu".to_owned(),
            session,
            expires: UnixMillis(9),
            runs,
        }
    }

    #[test]
    fn people_are_counted_once_however_many_seats_they_have_and_the_mentor_not_at_all() {
        let roster = Roster::default();
        let nobody = std::collections::HashSet::new();
        let first = roster.sit(person(1, false)).expect("a seat");
        let second = roster.sit(person(1, false)).expect("a seat");
        let mentor = roster.sit(person(2, true)).expect("a seat");
        assert_eq!((roster.audience_besides(&nobody), roster.people().len(), roster.seats(None).len()), (1, 2, 3));
        assert_eq!(roster.audience_besides(&[first.person.user].into()), 0, "they watch, and are counted there");
        roster.leave(&first);
        roster.leave(&first);
        assert_eq!(roster.audience_besides(&nobody), 1);
        roster.leave(&second);
        assert!(!roster.end_if_empty());
        roster.leave(&mentor);
        assert!(roster.is_empty() && roster.end_if_empty());
        assert_eq!(roster.sit(person(1, false)).err(), Some(NoSeat::Ended));
    }

    #[test]
    fn one_person_has_so_many_seats_and_words_that_nobody_reads_are_bounded() {
        let roster = Roster::default();
        let seats: Vec<_> = (0..SEATS_PER_PERSON_MAX).map(|_| roster.sit(person(1, false)).expect("a seat")).collect();
        assert_eq!(roster.sit(person(1, false)).err(), Some(NoSeat::TooMany));
        (0..1_000).for_each(|n| seats[0].tell(n.to_string()));
        assert!(seats[0].is_behind() && !seats[1].is_behind());
        assert_eq!(seats[0].take_asides().len(), 2 * ASIDES_MAX);
        assert!(!seats[0].is_behind());
        roster.end(code::RESTART);
        assert!(seats.iter().all(|seat| seat.ends() == Some(code::RESTART)));
    }
}
