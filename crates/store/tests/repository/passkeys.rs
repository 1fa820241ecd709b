//! What any repository must do with passkeys and the challenges that they answer.

use control::audit::{AuditAction, AuditEntry, AuditQuery};
use control::identity::{Proof, SESSION_MS, SignIn, UserChange};
use control::passkeys::{Answered, CHALLENGE_MS, PASSKEYS_MAX, Passkey, PasskeyAdded, PasskeyUse};
use control::{KeyHash, PasskeyId, Repository, RepositoryError, Session, SessionId, SessionKind, User, UserId};
use media::UnixMillis;

use super::contract::person;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

/// Runs on any repository.
pub async fn passkeys_contract(repository: &dyn Repository) {
    a_passkey_is_kept_listed_used_and_forgotten(repository).await;
    a_challenge_is_answered_once(repository).await;
    the_passkeys_of_one_person_are_bounded(repository).await;
    what_is_removed_stale_or_suspended_signs_nobody_in(repository).await;
}

async fn made(repository: &dyn Repository, email: &str) -> UserId {
    let user = User { verified: Some(NOW), ..person(email) };
    repository.create_user(&user).await.expect("created");
    user.id
}

fn passkey(user: UserId, credential: &str, created: UnixMillis) -> Passkey {
    Passkey {
        id: PasskeyId::new(created),
        user,
        credential: credential.to_owned(),
        key: "kunci".to_owned(),
        state: "0".to_owned(),
        name: "Ponsel".to_owned(),
        created,
        used: None,
    }
}

fn answered(challenge: &str) -> Answered {
    Answered { challenge: KeyHash::of(challenge), expires: at(CHALLENGE_MS) }
}

fn line(action: AuditAction, user: UserId) -> AuditEntry {
    AuditEntry::about(NOW, Some(user), action, user, "test")
}

async fn add(repository: &dyn Repository, passkey: &Passkey, challenge: &str) -> PasskeyAdded {
    let entry = line(AuditAction::PasskeyAdded, passkey.user);
    repository.add_passkey(passkey, answered(challenge), &entry).await.expect("asked")
}

async fn sign_in(
    repository: &dyn Repository,
    passkey: &Passkey,
    (before, after): (&str, &str),
    challenge: &str,
    when: UnixMillis,
) -> bool {
    let session = Session {
        id: SessionId::new(when),
        user: passkey.user,
        kind: SessionKind::Browser,
        secret: KeyHash::of(&format!("{challenge} {before} {after} {when:?} {}", passkey.id)),
        label: "Firefox".to_owned(),
        created: when,
        seen: when,
        expires: UnixMillis(when.0 + SESSION_MS),
        revoked: None,
    };
    let entry = line(AuditAction::SignedIn, passkey.user);
    let answer = PasskeyUse { passkey: passkey.id, before, after, answered: answered(challenge) };
    let proof = Proof::Passkey(&answer);
    let sign_in = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof };
    repository.sign_in(&sign_in).await.expect("asked")
}

async fn a_passkey_is_kept_listed_used_and_forgotten(repository: &dyn Repository) {
    let (user, other) =
        (made(repository, "kunci-sandi@example.test").await, made(repository, "kunci-sandi2@example.test").await);
    let (first, second) = (passkey(user, "kredensial-1", at(0)), passkey(user, "kredensial-2", at(1)));
    assert_eq!(add(repository, &second, "daftar-2").await, PasskeyAdded::Done);
    assert_eq!(add(repository, &first, "daftar-1").await, PasskeyAdded::Done);
    assert_eq!(repository.passkeys(user).await.expect("read"), [first.clone(), second], "oldest first");
    assert_eq!(repository.passkeys(other).await.expect("read"), []);
    assert_eq!(repository.passkey("kredensial-1").await.expect("read"), Some(first.clone()));
    assert_eq!(repository.passkey("kredensial-9").await.expect("read"), None);
    let taken = passkey(other, "kredensial-1", at(2));
    assert_eq!(add(repository, &taken, "daftar-3").await, PasskeyAdded::Known, "whoever it is");
    assert!(sign_in(repository, &first, ("0", "7"), "masuk-1", at(5)).await);
    let used = Passkey { state: "7".to_owned(), used: Some(at(5)), ..first.clone() };
    assert_eq!(repository.passkey("kredensial-1").await.expect("read"), Some(used));
    let removed = line(AuditAction::PasskeyRemoved, user);
    let by_other = repository.remove_passkey(other, first.id, &removed).await;
    assert!(matches!(by_other, Err(RepositoryError::NotFound("passkey"))), "{by_other:?}");
    repository.remove_passkey(user, first.id, &removed).await.expect("removed");
    assert_eq!(repository.passkey("kredensial-1").await.expect("read"), None);
    assert!(repository.remove_passkey(user, first.id, &removed).await.is_err(), "once");
    assert_eq!(repository.sessions(user, at(6)).await.expect("read").len(), 1, "who signed in with it stays so");
    let mine = AuditQuery { actor: Some(user), ..AuditQuery::default() };
    let lines = repository.audit(&mine, 10).await.expect("read");
    let count = |action| lines.iter().filter(|line| line.action == action).count();
    assert_eq!((count(AuditAction::PasskeyAdded), count(AuditAction::PasskeyRemoved)), (2, 1));
}

async fn a_challenge_is_answered_once(repository: &dyn Repository) {
    let user = made(repository, "kunci-tantangan@example.test").await;
    let (one, two) = (passkey(user, "jawab-1", at(0)), passkey(user, "jawab-2", at(1)));
    assert_eq!(add(repository, &one, "sekali").await, PasskeyAdded::Done);
    assert_eq!(add(repository, &two, "sekali").await, PasskeyAdded::Answered);
    assert!(!sign_in(repository, &one, ("0", "0"), "sekali", at(2)).await, "not for something else either");
    // Without a counter, the state is as before.
    let both = tokio::join!(
        sign_in(repository, &one, ("0", "0"), "masuk-sekali", at(3)),
        sign_in(repository, &one, ("0", "0"), "masuk-sekali", at(4)),
    );
    assert!(both == (true, false) || both == (false, true), "{both:?}");
    repository.forget_old(at(CHALLENGE_MS)).await.expect("forgotten");
    assert!(!sign_in(repository, &one, ("0", "0"), "masuk-sekali", at(CHALLENGE_MS)).await, "clocks differ");
    repository.forget_old(at(CHALLENGE_MS + 3_600_001)).await.expect("forgotten");
    assert!(sign_in(repository, &one, ("0", "0"), "masuk-sekali", at(CHALLENGE_MS + 3_600_001)).await, "not for ever");
}

async fn the_passkeys_of_one_person_are_bounded(repository: &dyn Repository) {
    let user = made(repository, "kunci-banyak@example.test").await;
    for n in 1..PASSKEYS_MAX {
        let challenge = format!("banyak-{n}");
        assert_eq!(add(repository, &passkey(user, &challenge, at(n)), &challenge).await, PasskeyAdded::Done);
    }
    let (a, b) = (passkey(user, "banyak-a", at(50)), passkey(user, "banyak-b", at(51)));
    let (a, b) = tokio::join!(add(repository, &a, "banyak-a"), add(repository, &b, "banyak-b"));
    let at_once = [a, b];
    assert!(at_once.contains(&PasskeyAdded::Done) && at_once.contains(&PasskeyAdded::Full), "{at_once:?}");
    assert_eq!(repository.passkeys(user).await.expect("read").len() as i64, PASSKEYS_MAX);
}

async fn what_is_removed_stale_or_suspended_signs_nobody_in(repository: &dyn Repository) {
    let (user, other) =
        (made(repository, "kunci-basi@example.test").await, made(repository, "kunci-basi2@example.test").await);
    let (kept, removed) = (passkey(user, "basi-1", at(0)), passkey(user, "basi-2", at(1)));
    assert_eq!(add(repository, &kept, "basi-1").await, PasskeyAdded::Done);
    assert_eq!(add(repository, &removed, "basi-2").await, PasskeyAdded::Done);
    repository.remove_passkey(user, removed.id, &line(AuditAction::PasskeyRemoved, user)).await.expect("removed");
    assert!(!sign_in(repository, &removed, ("0", "1"), "basi-3", at(2)).await, "removed meanwhile");
    assert!(sign_in(repository, &kept, ("0", "5"), "basi-4", at(3)).await);
    assert!(!sign_in(repository, &kept, ("0", "4"), "basi-5", at(4)).await, "verified before the last use");
    let theirs = Passkey { user: other, ..kept.clone() };
    assert!(!sign_in(repository, &theirs, ("5", "6"), "basi-6", at(5)).await, "another's");
    let suspend = UserChange { suspended: Some(true), ..UserChange::default() };
    repository.change_user(user, None, &suspend, None, at(6)).await.expect("suspended");
    assert!(!sign_in(repository, &kept, ("5", "6"), "basi-7", at(7)).await, "suspended meanwhile");
    assert_eq!(repository.passkey("basi-1").await.expect("read").map(|kept| kept.state), Some("5".to_owned()));
}
