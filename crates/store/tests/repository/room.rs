//! What is said in rooms, kept: order, once, moderation, counts.

use control::deliveries::{Medium, NewDelivery};
use control::room::{
    Appended, Comment, CommentState, HandChange, Moderated, Moderation, Mute, NewComment, PINS_MAX, ReactionCount,
    ReactionKind,
};
use control::teaching::lessons::NewLesson;
use control::teaching::{Course, Enrolling, Lesson, LessonState};
use control::{CommentId, CourseId, DeliveryId, LessonId, Repository, RepositoryError, User, UserId, WebhookId, keys};
use media::UnixMillis;

use super::contract::person;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// A lesson and two people.
struct Room<'r> {
    repository: &'r dyn Repository,
    lesson: LessonId,
    people: [UserId; 2],
}

/// Runs on any repository.
pub async fn room_contract(repository: &dyn Repository) {
    comments_are_numbered_without_gaps_and_once(repository).await;
    concurrent_batches_leave_no_gap(repository).await;
    a_batch_is_kept_whole_or_not_at_all(repository).await;
    a_call_is_owed_with_its_comment_and_once(repository).await;
    comments_are_read_by_place_and_by_media_time(repository).await;
    comments_are_moderated_and_few_are_pinned(repository).await;
    reactions_are_added_up(repository).await;
    hands_keep_their_turn(repository).await;
    mutes_hold_until_their_time(repository).await;
}

impl<'r> Room<'r> {
    async fn open(repository: &'r dyn Repository) -> Self {
        let mut people = [UserId(keys::random_id()); 2];
        for (n, id) in people.iter_mut().enumerate() {
            let user = User { name: format!("Orang {n}"), ..person(&format!("{}@example.test", keys::random_id())) };
            repository.create_user(&user).await.expect("created");
            *id = user.id;
        }
        let course = Course {
            id: CourseId::new(NOW),
            mentor: people[0],
            title: "Fisika".to_owned(),
            summary: String::new(),
            enrolling: Enrolling::Open,
            capacity: None,
            archived: None,
            created: NOW,
            version: 1,
        };
        repository.create_course(&course).await.expect("created");
        let lesson = Lesson {
            id: LessonId::new(NOW),
            course: course.id,
            mentor: people[0],
            channel: keys::random_id(),
            series: None,
            title: "Gerak lurus".to_owned(),
            summary: String::new(),
            starts: NOW,
            ends: NOW.plus_millis(3_600_000),
            zone: "Asia/Jakarta".to_owned(),
            state: LessonState::Live,
            started: None,
            ended: None,
            capacity: None,
            slow_ms: 0,
            comments_on: true,
            review_on: false,
            word_filter: Vec::new(),
            created: NOW,
            version: 1,
        };
        let new = NewLesson::with_channel(lesson, NOW);
        repository.create_lessons(std::slice::from_ref(&new), true).await.expect("created");
        Self { repository, lesson: new.lesson.id, people }
    }

    async fn say(&self, comments: &[NewComment]) -> Vec<Appended> {
        self.repository.append_comments(self.lesson, comments, &[]).await.expect("kept")
    }

    async fn after(&self, seq: i64, all: bool) -> Vec<Comment> {
        self.repository.comments_after(self.lesson, seq, 100, all).await.expect("read")
    }
}

fn comment(user: UserId, name: &str, media_ms: Option<i64>) -> NewComment {
    NewComment {
        id: CommentId::new(NOW),
        user,
        client_id: name.to_owned(),
        body: format!("kata {name} \"'%_"),
        at: NOW,
        media_ms,
        state: CommentState::Shown,
    }
}

async fn comments_are_numbered_without_gaps_and_once(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let [a, b] = room.people;
    assert_eq!(repository.last_comment(room.lesson).await.expect("read"), 0);
    let said = [comment(a, "c1", None), comment(b, "c1", Some(5)), comment(a, "c1", None), comment(a, "c2", None)];
    let places: Vec<_> = room.say(&said).await.iter().map(|place| (place.seq, place.is_new)).collect();
    assert_eq!(places, [(1, true), (2, true), (1, false), (3, true)], "names are one's own, and good once");
    let again = room.say(&[comment(b, "c2", None), comment(b, "c1", None)]).await;
    assert_eq!(
        again,
        [
            Appended { seq: 4, is_new: true, state: CommentState::Shown },
            Appended { seq: 2, is_new: false, state: CommentState::Shown }
        ]
    );
    let kept = room.after(0, false).await;
    assert_eq!(kept.iter().map(|comment| comment.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(kept[1], Comment { seq: 2, name: "Orang 1".to_owned(), said: said[1].clone(), pinned: false });
    assert_eq!(repository.last_comment(room.lesson).await.expect("read"), 4);
    let other = Room::open(repository).await;
    assert_eq!(other.say(&[comment(a, "c1", None)]).await[0].seq, 1, "each room counts for itself");
}

async fn concurrent_batches_leave_no_gap(repository: &dyn Repository) {
    let room = &Room::open(repository).await;
    let batch = |n: usize| async move {
        let names: Vec<_> = (0..5).map(|i| comment(room.people[n % 2], &format!("n{}-{i}", n / 2), None)).collect();
        let (once, twice) = tokio::join!(room.say(&names), room.say(&names));
        for (one, two) in once.iter().zip(&twice) {
            assert_eq!(one.seq, two.seq, "said twice at once, it is there once");
            assert!(one.is_new != two.is_new);
        }
        once
    };
    let places = tokio::join!(batch(0), batch(1), batch(2), batch(3), batch(4), batch(5), batch(6), batch(7));
    let batches = [places.0, places.1, places.2, places.3, places.4, places.5, places.6, places.7];
    for batch in &batches {
        assert!(batch.windows(2).all(|two| two[0].seq + 1 == two[1].seq), "a batch stands together: {batch:?}");
    }
    let kept: Vec<i64> = room.after(0, true).await.iter().map(|comment| comment.seq).collect();
    assert_eq!(kept, (1..=40).collect::<Vec<i64>>());
}

async fn a_call_is_owed_with_its_comment_and_once(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let batch = [comment(room.people[0], "c1", None), comment(room.people[1], "c2", None)];
    let hook = WebhookId::new(NOW);
    let call = |n: usize| {
        let what = NewDelivery {
            id: DeliveryId::new(NOW),
            once_key: format!("comment:{}:webhook:{hook}", CommentId::new(NOW)),
            medium: Medium::Webhook,
            notice: None,
            webhook: Some(hook),
            user: None,
            target: hook.to_string(),
            payload: format!("{{\"n\":{n}}}"),
            next: NOW,
            created: NOW,
            expires: NOW.plus_millis(60_000),
        };
        (n, what)
    };
    let append = async |comments: &[NewComment], calls: &[(usize, NewDelivery)]| {
        repository.append_comments(room.lesson, comments, calls).await.expect("kept")
    };
    append(&batch[..1], &[call(0)]).await;
    append(&batch, &[call(0), call(1)]).await;
    let owed = repository.webhook_deliveries(hook, None, None, 10).await.expect("read");
    let mut told: Vec<_> = owed.iter().map(|owed| owed.what.payload.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, [r#"{"n":0}"#, r#"{"n":1}"#], "what was said before is not told again");
}

async fn a_batch_is_kept_whole_or_not_at_all(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let nobody = UserId(keys::random_id());
    let batch = [comment(room.people[0], "c1", None), comment(nobody, "c2", None)];
    let error = repository.append_comments(room.lesson, &batch, &[]).await.expect_err("nobody says nothing");
    assert!(matches!(error, RepositoryError::NotFound(_)), "{error}");
    assert!(room.after(0, true).await.is_empty());
    let nowhere = LessonId::new(NOW);
    assert!(repository.append_comments(nowhere, &batch[..1], &[]).await.is_err());
    assert_eq!(
        room.say(&batch[..1]).await,
        [Appended { seq: 1, is_new: true, state: CommentState::Shown }],
        "and leaves no gap"
    );
}

async fn comments_are_read_by_place_and_by_media_time(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let user = room.people[1];
    let times = [None, Some(9_000), Some(3_000), Some(3_000), Some(20_000)];
    let mut said: Vec<_> = times.iter().enumerate().map(|(n, at)| comment(user, &n.to_string(), *at)).collect();
    said[3].state = CommentState::Held;
    room.say(&said).await;
    let seqs = |found: Vec<Comment>| found.iter().map(|comment| comment.seq).collect::<Vec<_>>();
    assert_eq!(seqs(room.after(1, false).await), [2, 3, 5]);
    assert_eq!(seqs(room.after(1, true).await), [2, 3, 4, 5]);
    let limited = repository.comments_after(room.lesson, 0, 2, true).await.expect("read");
    assert_eq!(seqs(limited), [1, 2]);
    for (stretch, after, all, expected) in [
        (0..20_000, None, false, &[3, 2][..]),
        (0..20_000, None, true, &[3, 4, 2]),
        (0..20_001, Some((3_000, 3)), true, &[4, 2, 5]),
        (3_001..9_000, None, true, &[]),
        (9_000..i64::MAX, None, true, &[2, 5]),
    ] {
        let found = repository.comments_during(room.lesson, stretch.clone(), after, 100, all).await.expect("read");
        assert_eq!(seqs(found), expected, "{stretch:?} behind {after:?}");
    }
}

async fn comments_are_moderated_and_few_are_pinned(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let said: Vec<_> = (0..7).map(|n| comment(room.people[1], &n.to_string(), None)).collect();
    room.say(&said).await;
    let moderate = async |n: usize, state, pinned| {
        repository.moderate_comment(room.lesson, said[n].id, Moderation { state, pinned }).await.expect("moderated")
    };
    for n in 0..PINS_MAX {
        assert!(matches!(moderate(n, None, Some(true)).await, Moderated::Done { comment, .. } if comment.pinned));
    }
    assert_eq!(moderate(6, None, Some(true)).await, Moderated::TooManyPins);
    assert!(matches!(moderate(0, None, Some(true)).await, Moderated::Done { .. }), "it is pinned already");
    match moderate(0, Some(CommentState::Deleted), None).await {
        Moderated::Done { before: CommentState::Shown, comment } => {
            assert_eq!((comment.said.state, comment.pinned, comment.seq), (CommentState::Deleted, false, 1));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(moderate(6, None, Some(true)).await, Moderated::Done { .. }), "there is room again");
    let pinned = repository.pinned_comments(room.lesson).await.expect("read");
    assert_eq!(pinned.iter().map(|comment| comment.seq).collect::<Vec<_>>(), [2, 3, 4, 5, 7]);
    assert_eq!(room.after(0, false).await.len(), 6);
    let unknown = repository.moderate_comment(room.lesson, CommentId::new(NOW), Moderation::default()).await;
    assert!(matches!(unknown, Err(RepositoryError::NotFound("comment"))));
    let elsewhere = Room::open(repository).await;
    let strange = repository.moderate_comment(elsewhere.lesson, said[1].id, Moderation::default()).await;
    assert!(matches!(strange, Err(RepositoryError::NotFound("comment"))), "by its own room alone");
}

async fn reactions_are_added_up(repository: &dyn Repository) {
    let room = &Room::open(repository).await;
    let count = |media_ms, kind, count| ReactionCount { media_ms, kind, count };
    let add = async |counts: &[ReactionCount]| {
        repository.add_reactions(room.lesson, counts).await.expect("added");
    };
    let (first, second) = (
        [count(0, ReactionKind::Hati, 3), count(5_000, ReactionKind::Tawa, 1)],
        [count(0, ReactionKind::Hati, 4), count(0, ReactionKind::Tanya, 1)],
    );
    tokio::join!(add(&first), add(&second), add(&second));
    let kept = repository.reactions(room.lesson).await.expect("read");
    let expected =
        [count(0, ReactionKind::Hati, 11), count(0, ReactionKind::Tanya, 2), count(5_000, ReactionKind::Tawa, 1)];
    assert_eq!(kept, expected);
    assert_eq!(repository.reaction_totals(room.lesson).await.expect("read"), [11, 0, 0, 1, 0, 2]);
    let other = LessonId::new(NOW);
    assert!(repository.reactions(other).await.expect("read").is_empty());
    assert_eq!(repository.reaction_totals(other).await.expect("read"), [0; 6]);
}

async fn hands_keep_their_turn(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let [a, b] = room.people;
    let set = async |user, raised, ms| {
        let change = HandChange { user, raised, at: NOW.plus_millis(ms) };
        repository.set_hands(room.lesson, &[change]).await.expect("set");
        let hands = repository.raised_hands(room.lesson).await.expect("read");
        hands.iter().map(|hand| (hand.user, hand.since.0 - NOW.0)).collect::<Vec<_>>()
    };
    assert_eq!(set(a, false, 0).await, [], "it was not up");
    assert_eq!(set(a, true, 1).await, [(a, 1)]);
    assert_eq!(set(b, true, 2).await, [(a, 1), (b, 2)]);
    assert_eq!(set(a, true, 3).await, [(a, 1), (b, 2)], "raised again it keeps its turn");
    assert_eq!(set(a, false, 4).await, [(b, 2)]);
    assert_eq!(set(a, true, 5).await, [(b, 2), (a, 5)]);
}

async fn mutes_hold_until_their_time(repository: &dyn Repository) {
    let room = Room::open(repository).await;
    let user = room.people[1];
    let mute = |ms| Mute { user, until: NOW.plus_millis(ms) };
    let at = async |ms| repository.mutes(room.lesson, NOW.plus_millis(ms)).await.expect("read");
    repository.mute(room.lesson, mute(1_000), NOW).await.expect("muted");
    repository.mute(room.lesson, mute(5_000), NOW).await.expect("muted for longer");
    assert_eq!(at(4_999).await, [mute(5_000)]);
    assert_eq!(at(5_000).await, []);
    repository.unmute(room.lesson, user).await.expect("unmuted");
    repository.unmute(room.lesson, user).await.expect("twice is no error");
    assert_eq!(at(0).await, []);
    let nobody = Mute { user: UserId(keys::random_id()), until: NOW };
    assert!(matches!(repository.mute(room.lesson, nobody, NOW).await, Err(RepositoryError::NotFound(_))));
}
