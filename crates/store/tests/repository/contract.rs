//! What any repository must do. A new backend adds one call of [`repository_contract`].

use control::identity::UserChange;
use control::notices::{Place, Plan};
use control::teaching::courses::CourseChange;
use control::{
    ChangeKind, Channel, ChannelOptions, KeyHash, Locale, NewChange, Principal, Recording, RecordingState, Repository,
    RepositoryError, Roles, Seq, Session, SessionId, SessionKind, StreamKey, User, UserId,
};
use media::{ChannelPath, Redacted, StreamId, UnixMillis};

/// A channel path from `app/name`.
pub fn path(text: &str) -> ChannelPath {
    let (app, name) = text.split_once('/').expect("app/name");
    ChannelPath { app: app.parse().expect("app"), name: name.parse().expect("name") }
}

/// A fresh channel.
pub fn channel_at(text: &str) -> Channel {
    Channel::create(path(text), &ChannelOptions { record: true, public: false, legacy_md5: true }, UnixMillis(5))
}

/// A fresh key.
pub fn key_for(channel: &Channel) -> (StreamKey, Redacted<String>) {
    StreamKey::create(channel.id, "OBS di ruang 2", UnixMillis(7))
}

/// A recording of that channel.
pub fn recording(channel: &Channel, id: u64, state: RecordingState) -> Recording {
    let (started, path) = (UnixMillis(id as i64), channel.path.clone());
    Recording {
        id: StreamId(id),
        channel: channel.id,
        path,
        started,
        duration_ms: 200,
        bytes: 3_000,
        next_msn: id + 1,
        state,
    }
}

/// Runs on an empty repository.
pub async fn repository_contract(repository: &dyn Repository) {
    an_empty_repository_says_so(repository).await;
    super::secrets::secrets_contract(repository).await;
    super::identity::identity_contract(repository).await;
    super::passkeys::passkeys_contract(repository).await;
    a_channel_comes_back_as_it_was_kept(repository).await;
    a_path_is_taken_once_per_application(repository).await;
    a_key_hash_is_never_shared(repository).await;
    keys_are_added_revoked_and_rotated(repository).await;
    what_does_not_exist_is_not_found(repository).await;
    recordings_are_kept_replaced_listed_and_forgotten(repository).await;
    a_deleted_channel_frees_its_path_and_keeps_its_recordings(repository).await;
    changes_are_numbered_without_gaps(repository).await;
    a_person_is_known_by_the_secret_of_a_session(repository).await;
    changes_of_different_fields_at_once_both_stand(repository).await;
    super::teaching::teaching_contract(repository).await;
    super::notices::notices_contract(repository).await;
    super::room::room_contract(repository).await;
    super::relays::relay_contract(repository).await;
    old_changes_are_forgotten_once_who_plans_from_them_has_passed(repository).await;
}

async fn old_changes_are_forgotten_once_who_plans_from_them_has_passed(repository: &dyn Repository) {
    let forget_all = async |before: UnixMillis| {
        let mut forgotten = 0;
        while let some @ 1.. = repository.forget_changes(before, 3).await.expect("forgotten") {
            assert!(some <= 3, "a few at a time");
            forgotten += some;
        }
        forgotten
    };
    let (planned, last) = (repository.planned().await.expect("read"), repository.last_seq().await.expect("read"));
    assert!(Seq(1) < planned.seq && planned.seq < last, "{planned:?} {last:?}");
    assert_eq!(repository.kept_behind().await.expect("read"), Seq(0));
    assert_eq!(forget_all(UnixMillis(i64::MIN)).await, 0, "all are younger");
    assert_eq!(forget_all(UnixMillis(i64::MAX)).await, planned.seq.0.unsigned_abs(), "what was passed");
    assert_eq!(repository.kept_behind().await.expect("read"), planned.seq);
    let left = repository.changes(planned.seq, 100_000).await.expect("read");
    assert_eq!(left.len() as u64, (last.0 - planned.seq.0).unsigned_abs(), "what was not");
    let to = Place { seq: last, within: None };
    let plan = Plan { from: planned, to, notices: Vec::new(), calls: Vec::new() };
    assert!(repository.plan(&plan).await.expect("planned"));
    forget_all(UnixMillis(i64::MAX)).await;
    let newest = repository.changes(Seq(0), 9).await.expect("read");
    assert_eq!(newest.iter().map(|change| change.seq).collect::<Vec<_>>(), [last], "the newest stays");
    let channel = channel_at("live/sesudah");
    repository.create_channel(&channel, &key_for(&channel).0).await.expect("created");
    assert_eq!(repository.last_seq().await.expect("read"), Seq(last.0 + 1), "and the next follows it");
}

async fn changes_are_numbered_without_gaps(repository: &dyn Repository) {
    let (before, version) = (repository.last_seq().await.expect("read"), repository.version().await.expect("read"));
    let channel = channel_at("live/perubahan");
    let (key, _) = key_for(&channel);
    repository.create_channel(&channel, &key).await.expect("created");
    repository.revoke_key(key.id, None, UnixMillis(9)).await.expect("revoked");
    assert!(repository.create_channel(&channel, &key).await.is_err(), "what fails leaves no change");
    repository.delete_channel(channel.id, None, UnixMillis(10)).await.expect("deleted");
    let changes = repository.changes(before, 100).await.expect("read");
    let of_channel = |kind| NewChange::new(kind).channel(channel.id);
    let seen: Vec<_> = changes.iter().map(|change| (change.seq.0 - before.0, change.at.0)).collect();
    assert_eq!(seen, [(1, 5), (2, 9), (3, 10), (4, 10)]);
    let (last, others) = changes.split_last().expect("four");
    assert!(others.iter().all(|change| change.what == of_channel(ChangeKind::Channel)), "{changes:?}");
    assert_eq!(last.what, of_channel(ChangeKind::Revoked), "what plays of it ends");
    assert_eq!(repository.changes(before, 1).await.expect("read").len(), 1);
    assert_eq!(repository.last_seq().await.expect("read"), Seq(before.0 + 4));
    assert_ne!(repository.version().await.expect("read"), version);
}

/// Somebody with that address.
pub fn person(email: &str) -> User {
    User {
        id: UserId::new(UnixMillis(1_700_000_000_000)),
        email: email.to_owned(),
        name: "Mentee Satu".to_owned(),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles: Roles { mentee: true, ..Roles::default() },
        password: Some(Redacted("$argon2id$".to_owned())),
        verified: Some(UnixMillis(3)),
        suspended: None,
        created: UnixMillis(1),
        version: 1,
    }
}

async fn a_person_is_known_by_the_secret_of_a_session(repository: &dyn Repository) {
    let user = person("satu@example.test");
    repository.create_user(&user).await.expect("created");
    assert!(matches!(repository.create_user(&user).await, Err(RepositoryError::Exists("account"))));
    assert_eq!(repository.user(user.id).await.expect("read").as_ref(), Some(&user));
    assert_eq!(repository.user_by_email("satu@example.test").await.expect("read").as_ref(), Some(&user));
    assert_eq!(repository.user_by_email("dua@example.test").await.expect("read"), None);
    let session = Session {
        id: SessionId::new(UnixMillis(1_700_000_000_000)),
        user: user.id,
        kind: SessionKind::Bearer,
        secret: KeyHash::of("rahasia"),
        label: "telepon".to_owned(),
        created: UnixMillis(1),
        seen: UnixMillis(2),
        expires: UnixMillis(3),
        revoked: None,
    };
    repository.create_session(&session).await.expect("created");
    let known = repository.principal(KeyHash::of("rahasia")).await.expect("read").expect("there");
    assert_eq!(known, Principal { user, session });
    assert!(known.session.holds(UnixMillis(2)) && !known.session.holds(UnixMillis(3)));
    assert_eq!(repository.principal(KeyHash::of("lain")).await.expect("read"), None);
}

async fn an_empty_repository_says_so(repository: &dyn Repository) {
    assert_eq!(repository.snapshot().await.expect("read").channels().count(), 0);
    assert_eq!(repository.channel(&path("live/kosong")).await.expect("read"), None);
    assert!(repository.recordings(None).await.expect("read").is_empty());
    assert!(repository.recordings_ahead().await.expect("read").is_empty());
}

async fn a_channel_comes_back_as_it_was_kept(repository: &dyn Repository) {
    for (name, record, public, legacy_md5) in [("bulat/a", true, false, true), ("bulat/b", false, true, false)] {
        let options = ChannelOptions { record, public, legacy_md5 };
        let channel = Channel::create(path(name), &options, UnixMillis(1_800_000_000_123));
        let (key, _) = key_for(&channel);
        repository.create_channel(&channel, &key).await.expect("created");
        assert_eq!(repository.channel(&channel.path).await.expect("read"), Some(channel.clone()));
        assert_eq!(repository.keys(channel.id).await.expect("read"), vec![key.clone()]);
        let snapshot = repository.snapshot().await.expect("read");
        assert_eq!(snapshot.channel(&channel.path).map(|found| (**found).clone()), Some(channel));
        assert!(snapshot.keys().any(|found| **found == key));
    }
}

async fn a_path_is_taken_once_per_application(repository: &dyn Repository) {
    let first = channel_at("jalur/sama");
    repository.create_channel(&first, &key_for(&first).0).await.expect("first");
    let second = channel_at("jalur/sama");
    let (key, _) = key_for(&second);
    let refused = repository.create_channel(&second, &key).await;
    assert!(matches!(refused, Err(RepositoryError::Exists("channel"))), "{refused:?}");
    assert!(repository.keys(second.id).await.expect("read").is_empty(), "nothing of it was kept");
    assert_eq!(repository.channel(&first.path).await.expect("read").map(|channel| channel.id), Some(first.id));
    for other in ["jalur/Sama", "jalur2/sama"] {
        let other = channel_at(other);
        repository.create_channel(&other, &key_for(&other).0).await.expect("another path");
    }
}

async fn a_key_hash_is_never_shared(repository: &dyn Repository) {
    let first = channel_at("kunci/satu");
    let (key, _) = key_for(&first);
    repository.create_channel(&first, &key).await.expect("created");
    let second = channel_at("kunci/dua");
    let copied = StreamKey { hash: key.hash, ..key_for(&second).0 };
    let refused = repository.create_channel(&second, &copied).await;
    assert!(matches!(refused, Err(RepositoryError::Exists("key"))), "{refused:?}");
    assert_eq!(repository.channel(&second.path).await.expect("read"), None, "both or neither");
}

async fn keys_are_added_revoked_and_rotated(repository: &dyn Repository) {
    let channel = channel_at("kunci/banyak");
    let (first, _) = key_for(&channel);
    repository.create_channel(&channel, &first).await.expect("created");
    let second = StreamKey { created: UnixMillis(8), ..key_for(&channel).0 };
    repository.add_key(&second, None).await.expect("added");
    let revoked = async |at: usize| repository.keys(channel.id).await.expect("read")[at].revoked_at;
    assert_eq!((revoked(0).await, revoked(1).await), (None, None));
    repository.revoke_key(first.id, None, UnixMillis(10)).await.expect("revoked");
    repository.revoke_key(first.id, None, UnixMillis(20)).await.expect("again");
    assert_eq!((revoked(0).await, revoked(1).await), (Some(UnixMillis(10)), None), "the first time counts");
    let third = StreamKey { created: UnixMillis(30), ..key_for(&channel).0 };
    repository.rotate_key(&third, None).await.expect("rotated");
    assert_eq!(revoked(0).await, Some(UnixMillis(10)));
    assert_eq!(revoked(1).await, Some(UnixMillis(30)));
    assert_eq!(revoked(2).await, None);
}

async fn what_does_not_exist_is_not_found(repository: &dyn Repository) {
    let nowhere = channel_at("tidak/ada");
    let (key, _) = key_for(&nowhere);
    let not_found = |result: Result<(), RepositoryError>| matches!(result, Err(RepositoryError::NotFound(_)));
    assert!(not_found(repository.add_key(&key, None).await));
    assert!(not_found(repository.rotate_key(&key, None).await));
    assert!(not_found(repository.revoke_key(key.id, None, UnixMillis(1)).await));
    assert!(not_found(repository.delete_channel(nowhere.id, None, UnixMillis(1)).await));
    assert!(not_found(repository.put_recording(&recording(&nowhere, 1, RecordingState::Sealed)).await));
    assert_eq!(repository.recording(nowhere.id, StreamId(1)).await.expect("read"), None);
    assert_eq!(repository.recording(nowhere.id, StreamId(u64::MAX)).await.expect("read"), None);
    repository.delete_recording(nowhere.id, StreamId(1)).await.expect("no error");
    assert!(repository.keys(nowhere.id).await.expect("read").is_empty());
}

async fn recordings_are_kept_replaced_listed_and_forgotten(repository: &dyn Repository) {
    let (one, two) = (channel_at("rekam/satu"), channel_at("rekam/dua"));
    for channel in [&one, &two] {
        repository.create_channel(channel, &key_for(channel).0).await.expect("created");
    }
    let late = recording(&one, 2_000, RecordingState::Recording);
    let early = recording(&one, 1_000, RecordingState::Ready);
    let other = recording(&two, 1_000, RecordingState::Sealed);
    for recording in [&late, &early, &other] {
        repository.put_recording(recording).await.expect("kept");
    }
    assert_eq!(repository.recordings(Some(one.id)).await.expect("read"), vec![early.clone(), late.clone()]);
    assert_eq!(repository.recordings(None).await.expect("read").len(), 3);
    for (max, newest) in [(0, vec![]), (1, vec![late.clone()]), (9, vec![late.clone(), early.clone()])] {
        assert_eq!(repository.newest_recordings(one.id, max).await.expect("read"), newest, "{max}");
    }
    let later =
        Recording { duration_ms: 400, bytes: 1 << 40, next_msn: 9, state: RecordingState::Sealed, ..late.clone() };
    repository.put_recording(&later).await.expect("replaced");
    assert_eq!(repository.recording(one.id, later.id).await.expect("read"), Some(later.clone()));
    assert_eq!(repository.recordings(Some(one.id)).await.expect("read").len(), 2);
    let impossible = Recording { bytes: u64::MAX, ..later.clone() };
    assert!(repository.put_recording(&impossible).await.is_err(), "not kept as another number");
    repository.delete_recording(one.id, later.id).await.expect("forgotten");
    assert_eq!(repository.recordings(Some(one.id)).await.expect("read"), vec![early]);
    assert_eq!(repository.recording(two.id, other.id).await.expect("read"), Some(other));
    // Far ahead of whatever else is kept: of seconds 9,000,000,000 to 9,000,000,500.
    let at = |second: u64, next_msn: u64| {
        let row = recording(&one, (9_000_000_000 + second) * 1_000 + 7, RecordingState::Ready);
        Recording { next_msn: 9_000_000_000 + next_msn, ..row }
    };
    let (newest, hurried, level, slow) = (at(500, 400), at(100, 501), at(200, 500), at(300, 350));
    for recording in [&newest, &hurried, &level, &slow] {
        repository.put_recording(recording).await.expect("kept");
    }
    let mut ahead = repository.recordings_ahead().await.expect("read");
    ahead.sort_by_key(|recording| recording.id);
    assert_eq!(ahead, [hurried.clone(), newest.clone()], "what a stream behind the newest could meet");
    for recording in [newest, hurried, level, slow] {
        repository.delete_recording(one.id, recording.id).await.expect("forgotten");
    }
}

async fn a_deleted_channel_frees_its_path_and_keeps_its_recordings(repository: &dyn Repository) {
    let old = channel_at("hapus/kelas");
    let (key, _) = key_for(&old);
    repository.create_channel(&old, &key).await.expect("created");
    let kept = recording(&old, 5_000, RecordingState::Recording);
    repository.put_recording(&kept).await.expect("kept");
    repository.delete_channel(old.id, None, UnixMillis(9)).await.expect("deleted");
    assert_eq!(repository.channel(&old.path).await.expect("read"), None);
    assert!(repository.snapshot().await.expect("read").channel_by_id(old.id).is_none());
    assert!(repository.keys(old.id).await.expect("read").is_empty());
    let again = repository.delete_channel(old.id, None, UnixMillis(9)).await;
    assert!(matches!(again, Err(RepositoryError::NotFound("channel"))), "{again:?}");
    let sealed = Recording { state: RecordingState::Sealed, ..kept };
    repository.put_recording(&sealed).await.expect("its last recording can still be finished");
    let new = channel_at("hapus/kelas");
    repository.create_channel(&new, &key_for(&new).0).await.expect("the path is free");
    assert_eq!(repository.recordings(Some(old.id)).await.expect("read"), vec![sealed]);
    assert!(repository.recordings(Some(new.id)).await.expect("read").is_empty());
}

async fn changes_of_different_fields_at_once_both_stand(repository: &dyn Repository) {
    let now = UnixMillis(1_000);
    let school = super::school::School::with(repository, 0, now).await;
    for round in 0..10 {
        let (one, other) = (format!("satu {round}"), format!("dua {round}"));
        let zone = if round % 2 == 0 { "Asia/Makassar" } else { "Asia/Jakarta" }.to_owned();
        let name = UserChange { name: Some(one.clone()), ..UserChange::default() };
        let place = UserChange { zone: Some(zone.clone()), ..UserChange::default() };
        let title = CourseChange { title: Some(one.clone()), ..CourseChange::default() };
        let summary = CourseChange { summary: Some(other.clone()), ..CourseChange::default() };
        let user = |change| repository.change_user(school.mentor, None, change, None, now);
        let course = |change| repository.change_course(school.course, change, None, now);
        let (a, b, c, d) = tokio::join!(user(&name), user(&place), course(&title), course(&summary));
        assert!(a.is_ok() && b.is_ok() && c.is_ok() && d.is_ok(), "{a:?} {b:?} {c:?} {d:?}");
        let user = repository.user(school.mentor).await.expect("read").expect("there");
        assert_eq!((&user.name, &user.zone), (&one, &zone));
        let course = repository.course(school.course, None).await.expect("read").expect("there").course;
        assert_eq!((&course.title, &course.summary), (&one, &other));
    }
}
