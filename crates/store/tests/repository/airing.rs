//! What the directory is fed from, all of it and a few at a time. Lessons are written as rows: setting them is another part.

use control::airing::{Parts, Touched};
use control::teaching::LessonState;
use control::{Channel, KeyHash, LessonId, Repository, UserId, Uuid, keys};
use media::UnixMillis;

use super::contract::{channel_at, key_for, person};
use super::teaching::{Ground, Taught};

/// Runs on a repository that others have used.
pub async fn airing_contract(repository: &dyn Repository, ground: &dyn Ground) {
    the_directory_has_lessons_and_mentors_keys(repository, ground).await;
    only_what_was_touched_is_read_again(repository, ground).await;
}

async fn publish(repository: &dyn Repository, channel: &Channel) -> String {
    let (key, text) = key_for(channel);
    repository.create_channel(channel, &key).await.expect("created");
    text.0
}

async fn taught(repository: &dyn Repository, ground: &dyn Ground, name: &str) -> (Taught, Channel, String) {
    let channel = channel_at(&format!("live/{name}"));
    let key = publish(repository, &channel).await;
    let mentor = person(&format!("{name}@example.test"));
    repository.create_user(&mentor).await.expect("created");
    let lesson = Taught::new(mentor.id, channel.id, 1_000, 2_000);
    ground.teach(&lesson).await;
    (lesson, channel, key)
}

async fn the_directory_has_lessons_and_mentors_keys(repository: &dyn Repository, ground: &dyn Ground) {
    let (lesson, channel, _) = taught(repository, ground, "siar-satu").await;
    let own = keys::generate().0;
    ground.own_key(lesson.mentor, &own).await;
    let (snapshot, seq) = repository.directory().await.expect("read");
    assert_eq!(seq, repository.last_seq().await.expect("read"));
    let airing = *snapshot.airing(channel.id).expect("its lesson");
    assert_eq!((airing.lesson, airing.mentor, airing.course), (lesson.id, lesson.mentor, lesson.course));
    assert_eq!((airing.starts, airing.ends), (UnixMillis(1_000), UnixMillis(2_000)));
    assert_eq!((airing.state, airing.suspended), (LessonState::Scheduled, false));
    let directory = control::Directory::new(snapshot);
    let grant = directory.authorize_publish("live", &own, UnixMillis(1_500)).expect("the mentor's own key");
    assert_eq!(grant.channel.id, channel.id);
    ground.suspend(lesson.mentor).await;
    let (snapshot, _) = repository.directory().await.expect("read");
    assert!(snapshot.airing(channel.id).expect("its lesson").suspended);
    assert!(control::Directory::new(snapshot).authorize_publish("live", &own, UnixMillis(1_500)).is_err());
}

async fn only_what_was_touched_is_read_again(repository: &dyn Repository, ground: &dyn Ground) {
    let (lesson, channel, _) = taught(repository, ground, "siar-dua").await;
    let (other, _, _) = taught(repository, ground, "siar-tiga").await;
    ground.own_key(lesson.mentor, "kunci-sendiri").await;
    let read = async |touched: Touched| -> Parts { repository.parts(&touched).await.expect("read") };
    let nothing = read(Touched::default()).await;
    assert!(nothing.channels.is_empty() && nothing.keys.is_empty() && nothing.airings.is_empty());
    let of_lesson = read(Touched { lessons: vec![lesson.id], ..Touched::default() }).await;
    assert_eq!(of_lesson.airings.iter().map(|airing| airing.lesson).collect::<Vec<_>>(), [lesson.id]);
    assert_eq!(of_lesson.channels, vec![channel.clone()]);
    assert_eq!((of_lesson.keys.len(), of_lesson.own_keys.len()), (1, 0));
    let of_mentor = read(Touched { mentors: vec![lesson.mentor], ..Touched::default() }).await;
    assert_eq!(of_mentor.airings.iter().map(|airing| airing.lesson).collect::<Vec<_>>(), [lesson.id]);
    assert_eq!(of_mentor.own_keys.iter().map(|key| key.hash).collect::<Vec<_>>(), [KeyHash::of("kunci-sendiri")]);
    assert!(of_mentor.channels.is_empty());
    let both = Touched { lessons: vec![lesson.id, other.id], mentors: vec![lesson.mentor], channels: vec![channel.id] };
    let both = read(both).await;
    assert_eq!((both.airings.len(), both.channels.len(), both.keys.len()), (2, 2, 2), "each of them once");
    let gone = Touched {
        channels: vec![Uuid::from_u128(1)],
        lessons: vec![LessonId(Uuid::from_u128(2))],
        mentors: vec![UserId(Uuid::from_u128(3))],
    };
    let gone = read(gone).await;
    assert!(gone.channels.is_empty() && gone.airings.is_empty() && gone.own_keys.is_empty());
    let many = Touched { channels: (0..40_000).map(Uuid::from_u128).chain([channel.id]).collect(), ..Touched::default() };
    assert_eq!(read(many).await.channels.len(), 1, "more than one statement takes");
}
