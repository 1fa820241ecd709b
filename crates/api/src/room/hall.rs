//! The task of one open room: decides, keeps, and tells.
//!
//! A comment is kept before it is acknowledged and before anybody sees it. One batch is written at a time; what comes
//! meanwhile is the next one, so a slow disk makes batches larger and not queues longer.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use control::air::OnAir;
use control::room::{
    Appended, Comment, CommentState, Floor, HandChange, NewComment, RaisedHand, ReactionCount, Refused, Tally, Verdict,
    Why, picture_at,
};
use control::teaching::{Lesson, LessonState};
use control::{Change, CommentId, LessonId, RepositoryError, UserId};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use media::UnixMillis;
use tokio::time::Instant;

use super::event::{Course, Event, HandOf, Said, by_kind};
use super::gather::Gather;
use super::message::Message;
use super::news;
use super::review;
use super::rooms::{Face, Inbox, Mail, Reply, Room};
use super::seat::code;
use crate::State;

/// Two batches of comments are at least this far apart; the first after a pause is written at once.
const WRITE_EACH: Duration = Duration::from_millis(15);
/// Comments of one batch: some milliseconds of the database's only writer.
const BATCH_MAX: usize = 256;
/// Comments that wait to be written; beyond it senders are told to wait.
const WAITING_MAX: usize = 1_024;
/// Two frames are at least this far apart: one picture at 50 Hz.
const FRAME_EACH: Duration = Duration::from_millis(20);
/// And at most this far while the frame before has not been read by nearly all: fewer, longer frames are cheaper to send.
const FRAME_EACH_MAX: Duration = Duration::from_millis(66);
/// How often is looked whether a frame has been read.
const READ_EACH: Duration = Duration::from_millis(6);
/// Reactions and hands are written and shown four times a second.
const TALLY_EACH: Duration = Duration::from_millis(250);
/// How often is looked at what is on air.
const AIR_EACH: Duration = Duration::from_millis(500);
/// Viewers are counted each so many looks.
const LOOKS_PER_COUNT: u32 = 4;
/// A room in which nobody is ends after this: somebody who reloads the page finds it open.
const EMPTY_MAX: Duration = Duration::from_secs(30);
/// What could not be kept may be tried again after this.
const RETRY_MS: i64 = 2_000;
/// What a room that ends grants writes that are under way.
const LAST_WRITES_MAX: Duration = Duration::from_secs(5);

type Write = Pin<Box<dyn Future<Output = Written> + Send>>;

enum Written {
    Comments {
        said: Vec<(NewComment, Reply)>,
        kept: Result<(Vec<Appended>, Vec<Comment>), RepositoryError>,
    },
    /// `counted`: the reactions are kept, whatever became of the hands.
    Tally {
        hands: Vec<(HandChange, String)>,
        replies: Vec<Reply>,
        counted: bool,
        kept: Result<(), RepositoryError>,
    },
}

/// See the module.
pub struct Hall {
    pub(super) state: State,
    pub(super) room: Arc<Room>,
    lesson: Lesson,
    floor: Floor,
    waiting: Vec<(NewComment, Reply)>,
    writing: bool,
    written_at: Instant,
    tally: Tally,
    hands: HashMap<UserId, (HandChange, String)>,
    replies: Vec<Reply>,
    tallying: bool,
    tallied_at: Instant,
    gather: Gather,
    framed_at: Instant,
    air: OnAir,
    looked_at: Instant,
    looks: u32,
    here_at: Instant,
    /// With which code it ends.
    ends: Option<u16>,
}

impl Hall {
    /// Opens a lesson's room.
    pub async fn open(state: &State, lesson: LessonId) -> Result<Arc<Room>, RepositoryError> {
        let (repository, now) = (&state.repository, state.now());
        let standing = repository.standing(None, lesson).await?.ok_or(RepositoryError::NotFound("lesson"))?;
        let mutes = repository.mutes(lesson, now).await?;
        let pinned = repository.pinned_comments(lesson).await?;
        let tally = Tally::new(repository.reaction_totals(lesson).await?);
        let hands = repository.raised_hands(lesson).await?;
        let last = repository.last_comment(lesson).await?;
        let lesson = standing.lesson;
        let (floor, air) = (Floor::new(&lesson, &mutes), state.air.on_air(lesson.channel));
        let face = Face {
            setting: floor.settings().into(),
            course: Course::of(&lesson, air),
            pinned: pinned.iter().map(|comment| Said::new(comment, lesson.mentor)).collect(),
            totals: tally.totals(),
            viewers: 0,
            hands,
            mutes: mutes.iter().map(|mute| (mute.user, mute.until)).collect(),
        };
        let (room, inbox) = Room::new(lesson.id, last, face);
        room.followed.store(standing.seq.0, Ordering::SeqCst);
        let (room, start) = (Arc::new(room), Instant::now());
        let hall = Self {
            state: state.clone(),
            room: room.clone(),
            lesson,
            floor,
            waiting: Vec::new(),
            writing: false,
            written_at: start,
            tally,
            hands: HashMap::new(),
            replies: Vec::new(),
            tallying: false,
            tallied_at: start,
            gather: Gather::new(last),
            framed_at: start,
            air,
            looked_at: start,
            looks: 0,
            here_at: start,
            ends: None,
        };
        state.tasks.spawn(hall.run(inbox));
        Ok(room)
    }

    async fn run(mut self, mut inbox: Inbox) {
        let mut writes = FuturesUnordered::<Write>::new();
        while self.ends.is_none() && !self.is_left() {
            let due = self.due();
            let stop = self.state.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => self.ends = Some(code::RESTART),
                Some(changes) = inbox.news.recv() => self.follow(&changes).await,
                Some(written) = writes.next() => self.written(written),
                Some(mail) = inbox.mail.recv(), if self.waiting.len() < WAITING_MAX => self.take(mail),
                () = tokio::time::sleep_until(due) => {}
            }
            self.look();
            writes.extend(self.write_comments());
            writes.extend(self.write_tally());
            self.publish();
        }
        self.end(inbox, writes).await;
    }

    /// Nobody has been here for long: nobody comes in any more, and the next one opens the room anew.
    fn is_left(&mut self) -> bool {
        let now = Instant::now();
        if !self.room.roster.is_empty() || self.writing || self.tallying || !self.waiting.is_empty() {
            self.here_at = now;
        }
        now >= self.here_at + EMPTY_MAX && self.tally.is_empty() && self.room.roster.end_if_empty()
    }

    /// What is being written is written, what was asked is answered, and all are told.
    async fn end(mut self, mut inbox: Inbox, mut writes: FuturesUnordered<Write>) {
        self.state.rooms().ended(&self.room);
        inbox.mail.close();
        while let Ok(mail) = inbox.mail.try_recv() {
            self.take(mail);
        }
        writes.extend(self.write_comments());
        writes.extend(self.write_tally());
        let settle = async {
            while let Some(written) = writes.next().await {
                self.written(written);
                writes.extend(self.write_comments());
                writes.extend(self.write_tally());
            }
        };
        if tokio::time::timeout(LAST_WRITES_MAX, settle).await.is_err() {
            tracing::warn!(lesson = %self.room.lesson, "a room ended before all of it was written");
        }
        self.gather.publish(&self.room.logs);
        self.room.roster.end(self.ends.unwrap_or(code::RESTART));
    }

    /// When there is something to do, if nothing comes.
    fn due(&self) -> Instant {
        let mut due = self.looked_at + AIR_EACH;
        if !self.waiting.is_empty() && !self.writing {
            due = due.min(self.written_at + WRITE_EACH);
        }
        if !(self.tallying || self.tally.is_empty() && self.hands.is_empty()) {
            due = due.min(self.tallied_at + TALLY_EACH);
        }
        if !self.gather.is_empty() {
            let (now, frame) = (Instant::now(), self.framed_at + FRAME_EACH);
            let read = (now + READ_EACH).min(self.framed_at + FRAME_EACH_MAX);
            due = due.min(if now < frame { frame } else { read });
        }
        due
    }

    fn take(&mut self, mail: Mail) {
        match mail {
            Mail::Message(Message::Comment { client_id, body, media_ms }, reply) => {
                self.comment(client_id, &body, media_ms, reply);
            }
            Mail::Message(Message::React { kind, n, media_ms }, reply) => {
                let now = self.state.now();
                match self.floor.reactions(reply.person().speaker(), n, now) {
                    Ok(()) => {
                        let at = self.media_time(media_ms, now);
                        self.tally.add(kind, n.unsigned_abs(), at);
                        self.replies.extend(Some(reply).filter(|reply| matches!(reply, Reply::Request(..))));
                    }
                    Err(refused) => reply.done(None, Err(refused)),
                }
            }
            Mail::Message(Message::Hand { raised }, reply) => {
                let (person, at) = (reply.person(), self.state.now());
                match self.floor.hand(person.speaker(), at) {
                    Ok(()) => {
                        let change = HandChange { user: person.user, raised, at };
                        self.hands.insert(person.user, (change, person.name.clone()));
                        self.replies.extend(Some(reply).filter(|reply| matches!(reply, Reply::Request(..))));
                    }
                    Err(refused) => reply.done(None, Err(refused)),
                }
            }
            Mail::Lower(user, reply) => self.lower(user, reply),
            Mail::Moderated { before, comment } => self.moderated(before, &comment),
            Mail::Muted(user, until) => {
                self.floor.mute(user, until);
                let mut face = self.room.face.lock();
                match until {
                    Some(until) => face.mutes.insert(user, until),
                    None => face.mutes.remove(&user),
                };
                drop(face);
                self.tell_them(user);
            }
        }
    }

    /// Where in the recording somebody's picture is.
    fn media_time(&self, said_ms: Option<i64>, now: UnixMillis) -> Option<i64> {
        let at = picture_at(said_ms, self.air.started, now)?;
        self.state.air.media_at(self.lesson.channel, at)
    }

    fn comment(&mut self, client_id: String, body: &str, media_ms: Option<i64>, reply: Reply) {
        let (person, now) = (reply.person(), self.state.now());
        match self.floor.comment(person.speaker(), &client_id, body, now) {
            Ok(Verdict::Known(seq, state)) => reply.done(Some(&client_id), Ok((seq, state))),
            Ok(Verdict::Keep { body, state }) => {
                let comment = NewComment {
                    id: CommentId::new(now),
                    user: person.user,
                    client_id,
                    body: body.to_owned(),
                    at: now,
                    media_ms: self.media_time(media_ms, now),
                    state,
                };
                self.waiting.push((comment, reply));
            }
            Err(refused) => {
                metrics::counter!("tayang_room_refused_total", "code" => refused.why.as_str()).increment(1);
                // What is no name is not given back as one.
                reply.done(Some(&*client_id).filter(|_| refused.why != Why::ClientId), Err(refused));
            }
        }
    }

    /// A hand that is up, or about to be, goes down as if its owner had lowered it; one that is down stays so.
    fn lower(&mut self, user: UserId, reply: Reply) {
        let is_up = |hand: &&RaisedHand| hand.user == user;
        let shown = self.room.face.lock().hands.iter().find(is_up).map(|hand| hand.name.clone());
        let name = self.hands.get(&user).map(|(_, name)| name.clone()).or(shown);
        let Some(name) = name else { return reply.done(None, Ok((0, CommentState::Shown))) };
        self.hands.insert(user, (HandChange { user, raised: false, at: self.state.now() }, name));
        self.replies.push(reply);
    }

    /// Somebody's own state has changed.
    fn tell_them(&self, user: UserId) {
        let me = Event::Me(self.room.face.lock().me(user, self.state.now())).text();
        self.room.roster.seats(Some(user)).iter().for_each(|seat| seat.tell(me.clone()));
    }

    fn write_comments(&mut self) -> Option<Write> {
        let now = Instant::now();
        if self.waiting.is_empty() || self.writing || (now < self.written_at + WRITE_EACH && self.ends.is_none()) {
            return None;
        }
        (self.writing, self.written_at) = (true, now);
        let said: Vec<_> = self.waiting.drain(..self.waiting.len().min(BATCH_MAX)).collect();
        let (state, lesson, last) = (self.state.clone(), self.lesson.clone(), self.gather.seq());
        Some(Box::pin(async move {
            let comments: Vec<NewComment> = said.iter().map(|(comment, _)| comment.clone()).collect();
            let kept = append(&state, &lesson, last, &comments).await;
            Written::Comments { said, kept }
        }))
    }

    fn write_tally(&mut self) -> Option<Write> {
        let now = Instant::now();
        let nothing = self.tally.is_empty() && self.hands.is_empty();
        if nothing || self.tallying || (now < self.tallied_at + TALLY_EACH && self.ends.is_none()) {
            return None;
        }
        (self.tallying, self.tallied_at) = (true, now);
        let counts: Vec<ReactionCount> = self.tally.to_write();
        let hands: Vec<_> = std::mem::take(&mut self.hands).into_values().collect();
        let replies = std::mem::take(&mut self.replies);
        let (state, lesson) = (self.state.clone(), self.room.lesson);
        Some(Box::pin(async move {
            let changes: Vec<HandChange> = hands.iter().map(|(change, _)| *change).collect();
            let mut counted = false;
            let kept = async {
                if !counts.is_empty() {
                    state.repository.add_reactions(lesson, &counts).await?;
                }
                counted = true;
                if changes.is_empty() { Ok(()) } else { state.repository.set_hands(lesson, &changes).await }
            };
            let kept = kept.await;
            Written::Tally { hands, replies, counted, kept }
        }))
    }

    fn written(&mut self, written: Written) {
        match written {
            Written::Comments { said, kept: Ok((places, others)) } => {
                self.writing = false;
                others.iter().for_each(|comment| self.announce(comment));
                for ((said, reply), place) in said.into_iter().zip(places) {
                    let (name, client_id) = (reply.person().name.clone(), said.client_id.clone());
                    // What was deleted meanwhile is acknowledged like what is shown: it is nobody's to wait for.
                    let told = match place.state {
                        CommentState::Held => CommentState::Held,
                        _ => CommentState::Shown,
                    };
                    self.floor.kept(said.user, &said.client_id, (place.seq, told));
                    if place.is_new {
                        self.announce(&Comment { seq: place.seq, name, said, pinned: false });
                    }
                    reply.done(Some(&client_id), Ok((place.seq, told)));
                }
            }
            Written::Comments { said, kept: Err(error) } => {
                self.writing = false;
                tracing::warn!(lesson = %self.room.lesson, %error, "comments could not be kept");
                for (said, reply) in said {
                    self.floor.not_kept(said.user);
                    reply.done(Some(&said.client_id), Err(Refused::for_now(Why::NotKept, RETRY_MS)));
                }
            }
            Written::Tally { hands, replies, kept: Ok(()), .. } => {
                self.tallying = false;
                self.show_reactions();
                hands.into_iter().for_each(|(change, name)| self.show_hand(change, name));
                replies.into_iter().for_each(|reply| reply.done(None, Ok((0, CommentState::Shown))));
            }
            Written::Tally { hands, replies, counted, kept: Err(error) } => {
                self.tallying = false;
                tracing::warn!(lesson = %self.room.lesson, %error, "reactions and hands could not be kept");
                // They are with the next ones; a newer state of a hand stands. What is counted is not counted twice.
                if counted {
                    self.show_reactions();
                } else {
                    self.tally.not_written();
                }
                for (change, name) in hands {
                    self.hands.entry(change.user).or_insert((change, name));
                }
                self.replies.extend(replies);
            }
        }
    }

    fn announce(&mut self, comment: &Comment) {
        let (said, seq) = (Said::new(comment, self.lesson.mentor), comment.seq);
        metrics::counter!("tayang_room_comments_total").increment(1);
        match comment.said.state {
            CommentState::Shown => self.gather.tell(&Event::Comment(&said)),
            CommentState::Held | CommentState::Deleted => {
                self.gather.tell_apart(&Event::Comment(&said), Some(&Event::Skip { seq }));
            }
        }
        self.gather.reached(seq);
    }

    fn moderated(&mut self, before: CommentState, comment: &Comment) {
        let said = Said::new(comment, self.lesson.mentor);
        let mut face = self.room.face.lock();
        face.pinned.retain(|pinned| pinned.seq() != comment.seq);
        if comment.pinned {
            face.pinned.push(said.clone());
            face.pinned.sort_by_key(Said::seq);
        }
        drop(face);
        let state = comment.said.state;
        let changed = Event::CommentChanged { id: comment.said.id.0, state: state.as_str(), pinned: comment.pinned };
        match (before, state) {
            // Nobody else has it yet, or all were told to take it away.
            (CommentState::Held | CommentState::Deleted, CommentState::Shown) => {
                self.gather.tell(&Event::Comment(&said));
            }
            (CommentState::Shown, _) => self.gather.tell(&changed),
            (CommentState::Held | CommentState::Deleted, _) => self.gather.tell_apart(&changed, None),
        }
    }

    fn show_reactions(&mut self) {
        let (rose, media_ms) = self.tally.written();
        if rose.iter().any(|count| *count > 0) {
            let totals = self.tally.totals();
            self.room.face.lock().totals = totals;
            let (counts, totals) = (by_kind(rose), by_kind(totals));
            self.gather.tell(&Event::Reactions { media_ms, counts, totals });
        }
    }

    fn show_hand(&mut self, change: HandChange, name: String) {
        let mut face = self.room.face.lock();
        let before = face.hands.iter().position(|hand| hand.user == change.user);
        match (before, change.raised) {
            (Some(_), true) | (None, false) => return,
            (Some(at), false) => drop(face.hands.remove(at)),
            (None, true) => {
                face.hands.push(RaisedHand { user: change.user, name: name.clone(), since: change.at });
            }
        }
        drop(face);
        let user = HandOf { id: change.user.0, name: &name };
        self.gather.tell_apart(&Event::Hand { user, raised: change.raised }, None);
        self.tell_them(change.user);
    }

    /// Looks at what is on air, each half second; counts viewers, each two.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.looked_at + AIR_EACH && self.looks > 0 {
            return;
        }
        self.looked_at = now;
        self.air = self.state.air.on_air(self.lesson.channel);
        self.show_course();
        if self.looks.is_multiple_of(LOOKS_PER_COUNT) {
            let watching = self.state.air.watching(self.lesson.channel);
            let elsewhere: HashSet<UserId> = watching.iter().map(|watching| watching.user).collect();
            let n = u64::from(self.air.viewers) + self.room.roster.audience_besides(&elsewhere);
            if std::mem::replace(&mut self.room.face.lock().viewers, n) != n {
                self.gather.tell(&Event::Viewers { n });
            }
        }
        self.looks += 1;
    }

    fn show_course(&mut self) {
        let course = Course::of(&self.lesson, self.air);
        if std::mem::replace(&mut self.room.face.lock().course, course) != course {
            self.gather.tell(&Event::Lesson(course));
        }
    }

    /// Shows what was gathered, once the frame before has been read or is old.
    fn publish(&mut self) {
        let (now, logs) = (Instant::now(), &self.room.logs);
        let since = now - self.framed_at;
        let waits = !logs.everyone.is_read() && since < FRAME_EACH_MAX;
        if self.gather.is_empty() || ((since < FRAME_EACH || waits) && !self.gather.is_full()) {
            return;
        }
        self.gather.publish(logs);
        self.framed_at = now;
        metrics::counter!("tayang_room_frames_total").increment(1);
    }

    /// Something changed, maybe of this lesson or of somebody here.
    async fn follow(&mut self, changes: &[Change]) {
        if let Some(last) = changes.last() {
            // First: who comes in from now on and knows less looks again by themself.
            self.room.followed.store(last.seq.0, Ordering::SeqCst);
        }
        let mut concerned = news::Concerned::of(&self.lesson, changes);
        if self.room.missed_news.swap(false, Ordering::AcqRel) {
            concerned = news::Concerned { lesson: true, all: true, ..concerned };
        }
        if concerned.lesson {
            self.read_lesson().await;
        }
        if self.ends.is_none() {
            news::look_again(&self.state, &self.room, concerned);
        }
    }

    async fn read_lesson(&mut self) {
        match self.state.repository.standing(None, self.room.lesson).await {
            Ok(Some(standing)) => self.lesson = standing.lesson,
            Ok(None) => self.ends = Some(code::LESSON_OVER),
            Err(error) => {
                tracing::warn!(lesson = %self.room.lesson, %error, "a room cannot read its lesson");
                self.room.missed_news.store(true, Ordering::Release);
                return;
            }
        }
        self.floor.set(&self.lesson);
        let setting = self.floor.settings().into();
        if std::mem::replace(&mut self.room.face.lock().setting, setting) != setting {
            self.gather.tell(&Event::Settings(setting));
        }
        self.show_course();
        if matches!(self.lesson.state, LessonState::Ended | LessonState::Cancelled) {
            self.ends = Some(code::LESSON_OVER);
        }
    }
}

/// Keeps comments, and reads those that another process put between them and `last`.
async fn append(
    state: &State,
    lesson: &Lesson,
    last: i64,
    comments: &[NewComment],
) -> Result<(Vec<Appended>, Vec<Comment>), RepositoryError> {
    /// More than these are a gap, which clients close by themselves.
    const OTHERS_MAX: u32 = 200;
    let calls = review::calls(state, lesson, comments).await?;
    let places = state.repository.append_comments(lesson.id, comments, &calls).await?;
    let first = places.iter().filter(|place| place.is_new).map(|place| place.seq).min();
    let Some(first) = first.filter(|first| *first > last + 1) else { return Ok((places, Vec::new())) };
    let mut others = state.repository.comments_after(lesson.id, last, OTHERS_MAX, true).await.unwrap_or_default();
    others.retain(|comment| comment.seq < first);
    Ok((places, others))
}
