//! The rooms that are open in this process. What changed is told to them by [`feed`](crate::feed).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use control::room::{Comment, CommentState, Counts, RaisedHand, Refused};
use control::{Change, LessonId, RepositoryError, UserId};
use media::UnixMillis;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::event::{Course, Event, Hand, Me, Said, Setting, by_kind};
use super::gather::Logs;
use super::hall::Hall;
use super::log::Cursor;
use super::message::Message;
use super::seat::{Person, Roster, Seat};
use crate::State;

/// Messages that wait for a room. A second of a busy one; beyond it senders are told to wait.
const MAIL_MAX: usize = 1_024;
/// Batches of changes that wait for a room; beyond it the room looks at everybody again.
const NEWS_MAX: usize = 32;

/// What a room is asked.
pub enum Mail {
    /// Somebody says something.
    Message(Message, Reply),
    /// A comment was moderated.
    Moderated {
        /// Its state before.
        before: CommentState,
        /// It now.
        comment: Comment,
    },
    /// Somebody is muted until then, or no more.
    Muted(UserId, Option<UnixMillis>),
    /// The mentor lowers somebody's hand.
    Lower(UserId, Reply),
}

/// To whom an answer goes.
pub enum Reply {
    /// A connection.
    Seat(Arc<Seat>),
    /// A request.
    Request(Box<Person>, oneshot::Sender<Result<i64, Refused>>),
}

impl Reply {
    /// Who asked.
    pub fn person(&self) -> &Person {
        match self {
            Self::Seat(seat) => &seat.person,
            Self::Request(person, _) => person,
        }
    }

    /// It is done: a comment of that name (`Some`) stands at a place, something else is counted; or it was refused.
    pub fn done(self, client_id: Option<&str>, outcome: Result<(i64, CommentState), Refused>) {
        match self {
            Self::Request(_, asked) => drop(asked.send(outcome.map(|(seq, _)| seq))),
            Self::Seat(seat) => match (outcome, client_id) {
                (Ok((seq, state)), Some(client_id)) => {
                    let state = Some(state.as_str()).filter(|_| state != CommentState::Shown);
                    seat.tell(Event::Ack { client_id, seq, state }.text());
                }
                (Ok(_), None) => {}
                (Err(refused), client_id) => seat.tell(Event::refused(client_id, refused).text()),
            },
        }
    }
}

/// What somebody who comes in is shown.
pub struct Face {
    pub setting: Setting,
    pub course: Course,
    pub pinned: Vec<Said>,
    pub totals: Counts,
    pub viewers: u64,
    pub hands: Vec<RaisedHand>,
    pub mutes: HashMap<UserId, UnixMillis>,
}

impl Face {
    /// How somebody stands.
    pub fn me(&self, user: UserId, now: UnixMillis) -> Me {
        Me {
            muted_until_at: self.mutes.get(&user).filter(|until| now < **until).map(|until| (*until).into()),
            hand: self.hands.iter().any(|hand| hand.user == user),
        }
    }
}

/// An open room, as connections and requests see it.
pub struct Room {
    pub lesson: LessonId,
    pub roster: Roster,
    pub logs: Logs,
    pub face: Mutex<Face>,
    mail: mpsc::Sender<Mail>,
    news: mpsc::Sender<Arc<[Change]>>,
    /// News were left out.
    pub missed_news: AtomicBool,
    /// The newest change that the room knows of.
    pub followed: AtomicI64,
}

/// What a room's task receives.
pub struct Inbox {
    pub mail: mpsc::Receiver<Mail>,
    pub news: mpsc::Receiver<Arc<[Change]>>,
}

impl Room {
    /// A room that has said nothing, and where its task is asked.
    pub fn new(lesson: LessonId, last: i64, face: Face) -> (Self, Inbox) {
        let (mail, mail_inbox) = mpsc::channel(MAIL_MAX);
        let (news, news_inbox) = mpsc::channel(NEWS_MAX);
        let room = Self {
            lesson,
            roster: Roster::default(),
            logs: Logs::new(last),
            face: Mutex::new(face),
            mail,
            news,
            missed_news: AtomicBool::new(false),
            followed: AtomicI64::new(0),
        };
        (room, Inbox { mail: mail_inbox, news: news_inbox })
    }

    /// Asks the room, if it has room for more. The message comes back if not.
    #[allow(clippy::result_large_err, reason = "what is not taken goes back, seldom, and is moved once")]
    pub fn try_ask(&self, mail: Mail) -> Result<(), Mail> {
        self.mail.try_send(mail).map_err(|error| match error {
            mpsc::error::TrySendError::Full(mail) | mpsc::error::TrySendError::Closed(mail) => mail,
        })
    }

    /// Asks the room. Comes back if it has ended.
    #[allow(clippy::result_large_err, reason = "as above")]
    pub async fn ask(&self, mail: Mail) -> Result<(), Mail> {
        self.mail.send(mail).await.map_err(|error| error.0)
    }

    /// The first event for a seat, and from where it reads on.
    pub fn hello(&self, seat: &Seat, now: UnixMillis) -> (String, Cursor, i64) {
        let runs = seat.person.runs;
        let (cursor, seq) = self.logs.of(runs).end();
        let face = self.face.lock();
        let hello = Event::Hello {
            seq,
            viewers: face.viewers,
            pinned: &face.pinned,
            setting: face.setting,
            lesson: face.course,
            totals: by_kind(face.totals),
            me: face.me(seat.person.user, now),
            hands: runs.then(|| face.hands.iter().map(Hand::from).collect()),
        };
        (hello.text(), cursor, seq)
    }

    fn tell(&self, news: &Arc<[Change]>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.news.try_send(news.clone()) {
            self.missed_news.store(true, Ordering::Release);
        }
    }
}

/// All open rooms. Opened by whoever asks first; they end by themselves.
#[derive(Default)]
pub struct Rooms {
    open: Mutex<HashMap<LessonId, Arc<OnceCell<Arc<Room>>>>>,
}

impl Rooms {
    /// The lesson's room, opened if need be.
    pub async fn open(&self, state: &State, lesson: LessonId) -> Result<Arc<Room>, RepositoryError> {
        // Before anything of the room is read: what changes from then on is told to it.
        state.feed().begin(state).await?;
        let cell = self.open.lock().entry(lesson).or_default().clone();
        let opened = cell.get_or_try_init(|| Hall::open(state, lesson)).await.cloned();
        if opened.is_err() {
            self.forget(lesson, |other| other.get().is_none());
        }
        opened
    }

    /// The lesson's room, if it is open.
    pub fn get(&self, lesson: LessonId) -> Option<Arc<Room>> {
        self.open.lock().get(&lesson).and_then(|cell| cell.get().cloned())
    }

    /// A room has ended.
    pub fn ended(&self, room: &Arc<Room>) {
        self.forget(room.lesson, |cell| cell.get().is_some_and(|open| Arc::ptr_eq(open, room)));
    }

    fn forget(&self, lesson: LessonId, which: impl Fn(&OnceCell<Arc<Room>>) -> bool) {
        let mut open = self.open.lock();
        if open.get(&lesson).is_some_and(|cell| which(cell)) {
            open.remove(&lesson);
        }
        metrics::gauge!("tayang_rooms").set(open.len() as f64);
    }

    /// Tells all of them what changed.
    pub fn tell(&self, news: &Arc<[Change]>) {
        self.all().iter().for_each(|room| room.tell(news));
    }

    fn all(&self) -> Vec<Arc<Room>> {
        self.open.lock().values().filter_map(|cell| cell.get().cloned()).collect()
    }
}
