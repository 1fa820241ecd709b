//! What any repository must do with accounts, sign-ins, links, tries, the journal, and requests that are sent twice.

use control::audit::{AuditAction, AuditEntry, AuditQuery};
use control::idempotency::{Begun, KEYS_MAX, KeptAnswer, REMEMBERED_MS};
use control::identity::provider::{Assertion, GroupRule};
use control::identity::throttle::{Attempt, Share};
use control::identity::{
    Changed, Email, FORGET_AUDIT_MS, LinkPurpose, NewPassword, OneTimeLink, Proof, SESSION_MS, SESSIONS_MAX,
    SIGN_UPS_MAX, SignIn, SignUp, SignedUp, UserChange,
};
use control::{
    Change, ChangeKind, KeyHash, Locale, Repository, RepositoryError, Roles, Session, SessionId, SessionKind, User,
    UserId,
};
use media::{Redacted, UnixMillis};

use super::contract::person;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

/// Runs on a repository without people.
pub async fn identity_contract(repository: &dyn Repository) {
    the_first_start_makes_one_operator_and_a_link(repository).await;
    tries_are_shared_out_and_made_good(repository).await;
    tries_at_once_do_not_exceed_the_share(repository).await;
    who_signs_up_waits_for_the_link(repository).await;
    a_password_that_a_stranger_typed_is_not_kept(repository).await;
    sign_ups_that_wait_are_bounded(repository).await;
    a_password_that_was_changed_meanwhile_signs_nobody_in(repository).await;
    a_sign_in_replaces_evicts_and_is_noted(repository).await;
    a_link_signs_in_once(repository).await;
    a_new_password_ends_the_other_sessions(repository).await;
    sessions_are_listed_used_and_ended(repository).await;
    an_account_changes_by_version_and_suspension_takes_everything(repository).await;
    a_provider_ties_by_subject_then_by_confirmed_address(repository).await;
    groups_do_not_take_the_last_operator(repository).await;
    people_are_found_by_text(repository).await;
    the_journal_is_read_backwards(repository).await;
    a_request_is_begun_once(repository).await;
    the_keys_of_one_person_are_bounded(repository).await;
    what_is_old_is_forgotten(repository).await;
}

async fn made(repository: &dyn Repository, email: &str) -> User {
    let user = User { verified: Some(NOW), ..person(email) };
    repository.create_user(&user).await.expect("created");
    user
}

fn session_of(user: UserId, secret: &str, created: UnixMillis) -> Session {
    Session {
        id: SessionId::new(created),
        user,
        kind: SessionKind::Browser,
        secret: KeyHash::of(secret),
        label: "Firefox".to_owned(),
        created,
        seen: created,
        expires: UnixMillis(created.0 + SESSION_MS),
        revoked: None,
    }
}

fn line(action: AuditAction, user: UserId, when: UnixMillis) -> AuditEntry {
    AuditEntry::about(when, Some(user), action, user, "test")
}

fn by_link(hash: KeyHash) -> Proof<'static> {
    Proof::Link { hash, browser: None }
}

async fn sign_in(repository: &dyn Repository, user: UserId, secret: &str, when: UnixMillis) -> Session {
    let session = session_of(user, secret, when);
    let entry = line(AuditAction::SignedIn, user, when);
    let sign_in = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof: Proof::Provider };
    assert!(repository.sign_in(&sign_in).await.expect("kept"));
    session
}

async fn holds(repository: &dyn Repository, secret: &str, when: UnixMillis) -> bool {
    let found = repository.principal(KeyHash::of(secret)).await.expect("read");
    found.is_some_and(|principal| principal.session.holds(when))
}

/// The changes of kind `revoked` since `before`: of which person and which session.
async fn revoked(repository: &dyn Repository, before: control::Seq) -> Vec<(Option<UserId>, Option<SessionId>)> {
    let changes: Vec<Change> = repository.changes(before, 1_000).await.expect("read");
    let revoked = changes.into_iter().filter(|change| change.what.kind == ChangeKind::Revoked);
    revoked.map(|change| (change.what.user, change.what.session)).collect()
}

async fn the_first_start_makes_one_operator_and_a_link(repository: &dyn Repository) {
    let roles = Roles { mentee: true, mentor: true, operator: true };
    let first = User { roles, verified: None, password: None, ..person("operator@localhost") };
    let (one, two, three) = (KeyHash::of("satu"), KeyHash::of("dua"), KeyHash::of("tiga"));
    let link = repository.bootstrap(&first, one, NOW).await.expect("made").expect("a link");
    assert_eq!((link.user, link.purpose, link.expires), (first.id, LinkPurpose::SignIn, at(24 * 3_600_000)));
    let again = User { id: UserId::new(NOW), ..first.clone() };
    let link = repository.bootstrap(&again, two, at(1)).await.expect("made").expect("a link");
    assert_eq!(link.user, first.id, "the same person");
    let purposes = [LinkPurpose::SignIn];
    assert_eq!(repository.link(one, &purposes, at(2)).await.expect("read"), None, "the link before is void");
    assert_eq!(repository.link(two, &purposes, at(2)).await.expect("read"), Some(first.clone()));
    let stranger = User { password: Some(Redacted("$x".to_owned())), id: UserId::new(NOW), ..first.clone() };
    let (stolen, _) = OneTimeLink::create(stranger.id, LinkPurpose::Verify, NOW);
    let stranger = User { roles: Roles { mentee: true, ..Roles::default() }, ..stranger };
    let stolen = SignUp { user: &stranger, link: &stolen, browser: KeyHash::of("peramban") };
    assert_eq!(repository.sign_up(&stolen).await.expect("asked"), SignedUp::Exists);
    let session = session_of(first.id, "pertama", at(3));
    let entry = line(AuditAction::SignedIn, first.id, at(3));
    let used = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof: by_link(two) };
    assert!(repository.sign_in(&used).await.expect("signed in"));
    assert_eq!(repository.bootstrap(&again, three, at(4)).await.expect("asked"), None, "they have signed in");
}

async fn tries_are_shared_out_and_made_good(repository: &dyn Repository) {
    const SHARE: Share = Share { what: "uji", max: 3, window_ms: 900_000 };
    let account = Attempt::on_account(SHARE, "uji@example.test");
    let address = Attempt::from_address(SHARE, "192.0.2.7".parse().expect("address"));
    let both = [account.clone(), address.clone()];
    for ms in [0, 1_000, 2_000] {
        assert_eq!(repository.attempt(&both, at(ms)).await.expect("noted"), None);
    }
    assert_eq!(repository.wait(&both, at(2_000)).await.expect("asked"), Some(898_000), "asking is no try");
    assert_eq!(repository.attempt(&both, at(3_000)).await.expect("asked"), Some(897_000));
    let elsewhere = Attempt::from_address(SHARE, "192.0.2.8".parse().expect("address"));
    let other = [account.clone(), elsewhere];
    assert!(repository.attempt(&other, at(3_000)).await.expect("asked").is_some(), "the account waits everywhere");
    assert_eq!(repository.attempt(&both, at(900_001)).await.expect("noted"), None, "the oldest is over");
    let user = made(repository, "uji@example.test").await;
    let session = session_of(user.id, "uji", at(900_001));
    let entry = line(AuditAction::SignedIn, user.id, session.created);
    let good = SignIn { session: &session, replaces: None, entry: &entry, forgive: &both, proof: Proof::Provider };
    assert!(repository.sign_in(&good).await.expect("signed in"));
    let accounts = [account];
    for ms in [0, 1, 2] {
        let noted = repository.attempt(&accounts, at(900_002 + ms)).await.expect("noted");
        assert_eq!(noted, None, "all on the account were made good");
    }
    let addresses = [address];
    assert_eq!(repository.attempt(&addresses, at(900_003)).await.expect("noted"), None);
    assert!(repository.attempt(&addresses, at(900_004)).await.expect("asked").is_some(), "one from the address was");
}

async fn tries_at_once_do_not_exceed_the_share(repository: &dyn Repository) {
    const SHARE: Share = Share { what: "sekaligus", max: 3, window_ms: 900_000 };
    let attempts = [Attempt::on_account(SHARE, "sekaligus@example.test")];
    let tries = (0..8).map(|_| repository.attempt(&attempts, NOW));
    let (a, b, c, d, e, f, g, h) = {
        let mut tries = tries;
        let mut next = || tries.next().expect("eight");
        tokio::join!(next(), next(), next(), next(), next(), next(), next(), next())
    };
    let went: Vec<_> = [a, b, c, d, e, f, g, h].into_iter().map(|done| done.expect("asked")).collect();
    assert_eq!(went.iter().filter(|wait| wait.is_none()).count(), 3, "{went:?}");
}

/// A sign-up for that address, its link's hash, and the hash of what the browser shows in which it was.
async fn asked_for(repository: &dyn Repository, email: &str, name: &str, when: UnixMillis) -> (KeyHash, KeyHash) {
    let password = Some(Redacted(format!("$sandi {name}")));
    let user =
        User { id: UserId::new(when), name: name.to_owned(), password, verified: None, created: when, ..person(email) };
    let (link, token) = OneTimeLink::create(user.id, LinkPurpose::Verify, when);
    let browser = KeyHash::of(&format!("peramban {}", token.0));
    let sign_up = SignUp { user: &user, link: &link, browser };
    assert_eq!(repository.sign_up(&sign_up).await.expect("kept"), SignedUp::Waiting);
    (link.hash, browser)
}

/// Signs in by a link, in the browser that shows that; gives the account as it is then.
async fn confirmed(
    repository: &dyn Repository,
    hash: KeyHash,
    browser: Option<KeyHash>,
    when: UnixMillis,
) -> Option<User> {
    let purposes = [LinkPurpose::Verify, LinkPurpose::SignIn];
    let waiting = repository.link(hash, &purposes, when).await.expect("read")?;
    let session = session_of(waiting.id, &hash.to_string(), when);
    let entry = line(AuditAction::SignedIn, waiting.id, when);
    let proof = Proof::Link { hash, browser };
    let sign_in = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof };
    assert!(repository.sign_in(&sign_in).await.expect("signed in"));
    repository.user(waiting.id).await.expect("read")
}

async fn who_signs_up_waits_for_the_link(repository: &dyn Repository) {
    const EMAIL: &str = "daftar@example.test";
    let (mine, browser) = asked_for(repository, EMAIL, "Pertama", NOW).await;
    let (theirs, _) = asked_for(repository, EMAIL, "Kedua", at(1)).await;
    let waiting = repository.user_by_email(EMAIL).await.expect("read").expect("there");
    for (link, typed) in [(mine, true), (theirs, false)] {
        assert_eq!(repository.typed_here(link, browser).await.expect("read"), typed, "a password, in that browser");
    }
    assert_eq!(
        (waiting.name.as_str(), &waiting.password, waiting.version),
        ("Pertama", &None, 1),
        "nothing counts yet"
    );
    let user = confirmed(repository, mine, Some(browser), at(3)).await.expect("holds beside the later one");
    assert_eq!((user.id, user.name.as_str(), user.verified), (waiting.id, "Pertama", Some(at(3))));
    assert_eq!(user.password, Some(Redacted("$sandi Pertama".to_owned())));
    assert_eq!(confirmed(repository, theirs, None, at(4)).await, None, "the others are void");
    let third = User { id: UserId::new(at(4)), ..user.clone() };
    let (void, _) = OneTimeLink::create(third.id, LinkPurpose::Verify, at(4));
    let again = SignUp { user: &third, link: &void, browser };
    assert_eq!(repository.sign_up(&again).await.expect("asked"), SignedUp::Exists);
    assert_eq!(repository.user(waiting.id).await.expect("read"), Some(user), "untouched");
    assert_eq!(repository.link(void.hash, &[LinkPurpose::Verify], at(5)).await.expect("read"), None);
}

async fn a_password_that_a_stranger_typed_is_not_kept(repository: &dyn Repository) {
    let (_, mine) = asked_for(repository, "korban1@example.test", "Siti", NOW).await;
    let (theirs, _) = asked_for(repository, "korban1@example.test", "Penyerang", at(1)).await;
    let user = confirmed(repository, theirs, Some(mine), at(2)).await.expect("holds");
    assert_eq!(user.password, None, "of the link of another browser");
    let (theirs, _) = asked_for(repository, "korban2@example.test", "Penyerang", NOW).await;
    assert_eq!(confirmed(repository, theirs, None, at(2)).await.expect("holds").password, None, "of no browser");
    let (pending, browser) = asked_for(repository, "korban3@example.test", "Penyerang", NOW).await;
    let waiting = repository.user_by_email("korban3@example.test").await.expect("read").expect("there");
    let (link, _) = OneTimeLink::create(waiting.id, LinkPurpose::SignIn, at(1));
    repository.create_link(&link, &line(AuditAction::LinkMade, waiting.id, at(1))).await.expect("kept");
    let user = confirmed(repository, link.hash, Some(browser), at(2)).await.expect("holds");
    assert_eq!((user.verified, user.password), (Some(at(2)), None), "a link of the operator's confirms no password");
    assert_eq!(confirmed(repository, pending, Some(browser), at(3)).await, None);
}

async fn sign_ups_that_wait_are_bounded(repository: &dyn Repository) {
    let mut links = Vec::new();
    for n in 0..=SIGN_UPS_MAX {
        links.push(asked_for(repository, "banyak@example.test", "Banyak", at(n)).await.0);
    }
    let purposes = [LinkPurpose::Verify];
    let now = at(SIGN_UPS_MAX + 1);
    assert_eq!(repository.link(links[0], &purposes, now).await.expect("read"), None, "the oldest went");
    assert!(repository.link(links[1], &purposes, now).await.expect("read").is_some());
}

async fn a_password_that_was_changed_meanwhile_signs_nobody_in(repository: &dyn Repository) {
    let (old, new) = (Redacted("$lama".to_owned()), Redacted("$baru".to_owned()));
    let user = User { verified: Some(NOW), password: Some(new.clone()), ..person("berubah@example.test") };
    repository.create_user(&user).await.expect("created");
    let session = session_of(user.id, "berubah", at(1));
    let entry = line(AuditAction::SignedIn, user.id, at(1));
    for (password, good) in [(&old, false), (&new, true)] {
        let proof = Proof::Password(password);
        let sign_in = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof };
        assert_eq!(repository.sign_in(&sign_in).await.expect("asked"), good);
        assert_eq!(holds(repository, "berubah", at(2)).await, good);
    }
}

async fn a_sign_in_replaces_evicts_and_is_noted(repository: &dyn Repository) {
    let user = made(repository, "masuk@example.test").await;
    let old = sign_in(repository, user.id, "masuk-lama", at(0)).await;
    let before = repository.last_seq().await.expect("read");
    let new = session_of(user.id, "masuk-baru", at(1));
    let entry = line(AuditAction::SignedIn, user.id, at(1));
    let rotated = SignIn { session: &new, replaces: Some(old.id), entry: &entry, forgive: &[], proof: Proof::Provider };
    assert!(repository.sign_in(&rotated).await.expect("kept"));
    assert!(!holds(repository, "masuk-lama", at(2)).await && holds(repository, "masuk-baru", at(2)).await);
    assert_eq!(revoked(repository, before).await, [(None, Some(old.id))]);
    for n in 0..i64::from(SESSIONS_MAX) {
        sign_in(repository, user.id, &format!("masuk-{n}"), at(10 + n)).await;
    }
    let standing = repository.sessions(user.id, at(100)).await.expect("read");
    assert_eq!(standing.len(), SESSIONS_MAX as usize);
    assert!(!holds(repository, "masuk-baru", at(100)).await, "the one longest unused went");
    let query = AuditQuery { subject: Some(format!("user:{}", user.id)), ..AuditQuery::default() };
    assert_eq!(repository.audit(&query, 1_000).await.expect("read").len(), SESSIONS_MAX as usize + 2);
}

async fn a_link_signs_in_once(repository: &dyn Repository) {
    let user = made(repository, "tautan@example.test").await;
    let (link, _) = OneTimeLink::create(user.id, LinkPurpose::SignIn, NOW);
    let (reset, _) = OneTimeLink::create(user.id, LinkPurpose::Reset, NOW);
    for link in [&link, &reset] {
        repository.create_link(link, &line(AuditAction::LinkMade, user.id, NOW)).await.expect("kept");
    }
    let purposes = [LinkPurpose::SignIn, LinkPurpose::Verify];
    assert_eq!(repository.link(link.hash, &purposes, at(1)).await.expect("read"), Some(user.clone()));
    assert_eq!(repository.link(reset.hash, &purposes, at(1)).await.expect("read"), None, "of another purpose");
    assert_eq!(repository.link(link.hash, &purposes, link.expires).await.expect("read"), None, "over");
    let entry = line(AuditAction::SignedIn, user.id, at(1));
    let (a, b) = (session_of(user.id, "tautan-a", at(1)), session_of(user.id, "tautan-b", at(1)));
    let by = |session| SignIn { session, replaces: None, entry: &entry, forgive: &[], proof: by_link(link.hash) };
    assert!(repository.sign_in(&by(&a)).await.expect("signed in"));
    let entry = line(AuditAction::SignedIn, user.id, at(2));
    let by = |session| SignIn { session, replaces: None, entry: &entry, forgive: &[], proof: by_link(link.hash) };
    assert!(!repository.sign_in(&by(&b)).await.expect("asked"), "used");
    assert!(!holds(repository, "tautan-b", at(2)).await);
    let other = made(repository, "tautan2@example.test").await;
    let theirs = session_of(other.id, "tautan-c", at(2));
    let stolen = SignIn { session: &theirs, replaces: None, entry: &entry, forgive: &[], proof: by_link(reset.hash) };
    assert!(!repository.sign_in(&stolen).await.expect("asked"), "neither theirs nor for this");
}

async fn a_new_password_ends_the_other_sessions(repository: &dyn Repository) {
    let user = made(repository, "sandi@example.test").await;
    let (keep, other) =
        (sign_in(repository, user.id, "sandi-a", at(0)).await, sign_in(repository, user.id, "sandi-b", at(0)).await);
    let before = repository.last_seq().await.expect("read");
    let password = Redacted("$argon2id$baru".to_owned());
    let entry = line(AuditAction::PasswordChanged, user.id, at(1));
    let change =
        NewPassword { user: user.id, password: &password, at: at(1), keep: Some(keep.id), link: None, entry: &entry };
    assert!(repository.set_password(&change).await.expect("kept"));
    assert!(holds(repository, "sandi-a", at(2)).await && !holds(repository, "sandi-b", at(2)).await);
    assert_eq!(revoked(repository, before).await, [(None, Some(other.id))], "what the one was granted stays");
    let (link, _) = OneTimeLink::create(user.id, LinkPurpose::Reset, at(2));
    repository.create_link(&link, &line(AuditAction::LinkMade, user.id, at(2))).await.expect("kept");
    let before = repository.last_seq().await.expect("read");
    let password = Redacted("$argon2id$lagi".to_owned());
    let entry = line(AuditAction::PasswordChanged, user.id, at(3));
    let reset =
        NewPassword { user: user.id, password: &password, at: at(3), keep: None, link: Some(link.hash), entry: &entry };
    assert!(repository.set_password(&reset).await.expect("kept"));
    assert!(!holds(repository, "sandi-a", at(4)).await);
    assert_eq!(revoked(repository, before).await, [(Some(user.id), None)]);
    assert_eq!(repository.user(user.id).await.expect("read").and_then(|user| user.password).as_ref(), Some(&password));
    assert!(!repository.set_password(&reset).await.expect("asked"), "the link is used");
}

async fn sessions_are_listed_used_and_ended(repository: &dyn Repository) {
    let user = made(repository, "sesi@example.test").await;
    let a = sign_in(repository, user.id, "sesi-a", at(0)).await;
    let b = sign_in(repository, user.id, "sesi-b", at(1)).await;
    assert_eq!(repository.sessions(user.id, at(2)).await.expect("read"), [b.clone(), a.clone()]);
    repository.seen(&[(a.id, at(60_000)), (b.id, at(0))]).await.expect("noted");
    let listed = repository.sessions(user.id, at(60_001)).await.expect("read");
    let used = Session { seen: at(60_000), expires: at(60_000 + SESSION_MS), ..a.clone() };
    assert_eq!(listed, [used, b.clone()], "later is noted, earlier is not");
    assert_eq!(repository.sessions(user.id, at(1 + SESSION_MS)).await.expect("read").len(), 1, "b is over");
    let before = repository.last_seq().await.expect("read");
    let other = made(repository, "sesi2@example.test").await;
    let entry = line(AuditAction::SessionRevoked, other.id, at(3));
    let stolen = repository.end_session(other.id, a.id, &entry).await;
    assert!(matches!(stolen, Err(RepositoryError::NotFound("session"))), "{stolen:?}");
    repository.end_session(user.id, a.id, &line(AuditAction::SignedOut, user.id, at(3))).await.expect("ended");
    let again = repository.end_session(user.id, a.id, &line(AuditAction::SignedOut, user.id, at(4))).await;
    assert!(matches!(again, Err(RepositoryError::NotFound("session"))), "{again:?}");
    repository.seen(&[(a.id, at(120_000))]).await.expect("noted");
    assert!(!holds(repository, "sesi-a", at(5)).await && holds(repository, "sesi-b", at(5)).await);
    repository.end_sessions(user.id, &line(AuditAction::SessionsRevoked, user.id, at(6))).await.expect("ended");
    assert!(!holds(repository, "sesi-b", at(7)).await);
    assert_eq!(revoked(repository, before).await, [(None, Some(a.id)), (Some(user.id), None)]);
}

async fn an_account_changes_by_version_and_suspension_takes_everything(repository: &dyn Repository) {
    let by = made(repository, "pengelola@example.test").await;
    let user = made(repository, "ubah@example.test").await;
    let mentor = Roles { mentee: true, mentor: true, operator: false };
    let promote = UserChange { roles: Some(mentor), ..UserChange::default() };
    let before = repository.last_seq().await.expect("read");
    let stale = repository.change_user(user.id, Some(9), &promote, Some(by.id), at(1)).await.expect("asked");
    assert_eq!(stale, Changed::Stale);
    let Changed::Done(after) =
        repository.change_user(user.id, Some(1), &promote, Some(by.id), at(1)).await.expect("asked")
    else {
        panic!("not changed")
    };
    assert_eq!((after.roles, after.version), (mentor, 2));
    assert_eq!(repository.user(user.id).await.expect("read").as_ref(), Some(&*after));
    assert_eq!(revoked(repository, before).await, [], "nothing was taken");
    let last = repository.last_seq().await.expect("read");
    let same = repository.change_user(user.id, Some(2), &promote, None, at(1)).await.expect("asked");
    assert_eq!(same, Changed::Done(after), "as it is");
    assert_eq!(repository.last_seq().await.expect("read"), last, "and nothing is told of it");
    let demote = UserChange { roles: Some(user.roles), ..UserChange::default() };
    repository.change_user(user.id, None, &demote, None, at(2)).await.expect("changed");
    assert_eq!(revoked(repository, before).await, [(Some(user.id), None)]);
    sign_in(repository, user.id, "ubah", at(3)).await;
    let (link, _) = OneTimeLink::create(user.id, LinkPurpose::SignIn, at(4));
    repository.create_link(&link, &line(AuditAction::LinkMade, user.id, at(4))).await.expect("kept");
    let suspend = UserChange { suspended: Some(true), ..UserChange::default() };
    repository.change_user(user.id, None, &suspend, Some(by.id), at(5)).await.expect("changed");
    assert!(!holds(repository, "ubah", at(5)).await);
    assert_eq!(repository.link(link.hash, LinkPurpose::ALL, at(5)).await.expect("read"), None);
    assert_eq!(revoked(repository, before).await.len(), 2);
    let session = session_of(user.id, "ubah-lagi", at(5));
    let entry = line(AuditAction::SignedIn, user.id, at(5));
    let refused = SignIn { session: &session, replaces: None, entry: &entry, forgive: &[], proof: Proof::Provider };
    assert!(!repository.sign_in(&refused).await.expect("asked"), "suspended");
    let operator = repository.user_by_email("operator@localhost").await.expect("read").expect("there");
    let last = repository.change_user(operator.id, None, &suspend, None, at(6)).await.expect("asked");
    assert_eq!(last, Changed::LastOperator);
    let nobody = repository.change_user(UserId::new(NOW), None, &suspend, None, at(6)).await;
    assert!(matches!(nobody, Err(RepositoryError::NotFound("account"))), "{nobody:?}");
    let query = AuditQuery { subject: Some(format!("user:{}", user.id)), ..AuditQuery::default() };
    let said: Vec<_> =
        repository.audit(&query, 10).await.expect("read").into_iter().map(|e| (e.action, e.actor)).collect();
    assert_eq!(
        said,
        [
            (AuditAction::Suspended, Some(by.id)),
            (AuditAction::LinkMade, Some(user.id)),
            (AuditAction::SignedIn, Some(user.id)),
            (AuditAction::RolesChanged, None),
            (AuditAction::RolesChanged, Some(by.id)),
        ]
    );
}

async fn a_provider_ties_by_subject_then_by_confirmed_address(repository: &dyn Repository) {
    let assertion = |subject: &str, email: Option<&str>, groups: &[&str]| Assertion {
        issuer: "https://id.example".to_owned(),
        subject: subject.to_owned(),
        email: email.map(|email| Email::of(email).expect("address")),
        name: "Dari Luar".to_owned(),
        locale: Locale::En,
        zone: "Asia/Jakarta".to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        rule: GroupRule { mentor: Some("guru".to_owned()), operator: None },
        at: NOW,
    };
    let known = |assertion: Assertion| async move {
        repository.assert_identity(&assertion, UserId::new(NOW), NOW).await.expect("asked")
    };
    assert_eq!(known(assertion("1", None, &[])).await, None, "an address that is not confirmed proves nothing");
    let new = known(assertion("1", Some("luar@example.test"), &["guru"])).await.expect("made");
    assert_eq!((new.roles.mentor, new.locale, new.verified), (true, Locale::En, Some(NOW)));
    let before = repository.last_seq().await.expect("read");
    let again = known(assertion("1", Some("ganti@example.test"), &[])).await.expect("known by subject");
    assert_eq!((again.id, again.email.as_str(), again.roles.mentor), (new.id, "luar@example.test", false));
    assert_eq!(revoked(repository, before).await, [(Some(new.id), None)], "a group less is a right less");
    let local = made(repository, "lokal@example.test").await;
    let tied = known(assertion("2", Some("lokal@example.test"), &[])).await.expect("tied");
    assert_eq!((tied.id, tied.password.is_some()), (local.id, true));
    let squatter = User { verified: None, ..person("serobot@example.test") };
    repository.create_user(&squatter).await.expect("created");
    let owner = known(assertion("3", Some("serobot@example.test"), &[])).await.expect("tied");
    assert_eq!((owner.id, owner.password, owner.verified), (squatter.id, None, Some(NOW)), "their password is gone");
    let other = Assertion { issuer: "https://other.example".to_owned(), ..assertion("1", None, &[]) };
    assert_eq!(known(other).await, None, "a subject is its issuer's");
}

async fn groups_do_not_take_the_last_operator(repository: &dyn Repository) {
    let roles = Roles { mentee: true, mentor: false, operator: true };
    let mut operators = repository.users("", None, 1_000).await.expect("read");
    operators.retain(|user| user.roles.operator && user.suspended.is_none());
    assert!(!operators.is_empty(), "somebody runs it");
    let assertion = Assertion {
        issuer: "https://id.example".to_owned(),
        subject: "operator".to_owned(),
        email: Email::of("terakhir@example.test").ok(),
        name: "Terakhir".to_owned(),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        groups: Vec::new(),
        rule: GroupRule { mentor: None, operator: Some("pengelola".to_owned()) },
        at: NOW,
    };
    let user = User { verified: Some(NOW), roles, ..person("terakhir@example.test") };
    repository.create_user(&user).await.expect("created");
    let suspended = |suspended| UserChange { suspended: Some(suspended), ..UserChange::default() };
    for other in &operators {
        repository.change_user(other.id, None, &suspended(true), None, NOW).await.expect("changed");
    }
    let last = repository.assert_identity(&assertion, UserId::new(NOW), NOW).await.expect("asked").expect("tied");
    assert!(last.roles.operator, "nobody else runs the server");
    let query = AuditQuery { subject: Some(format!("user:{}", user.id)), ..AuditQuery::default() };
    let journal = repository.audit(&query, 10).await.expect("read");
    assert!(journal.iter().any(|line| line.action == AuditAction::RolesChanged), "{journal:?}");
    for other in &operators {
        repository.change_user(other.id, None, &suspended(false), None, NOW).await.expect("changed");
    }
    let one = repository.assert_identity(&assertion, UserId::new(NOW), NOW).await.expect("asked").expect("known");
    assert!(!one.roles.operator, "one of several");
}

async fn people_are_found_by_text(repository: &dyn Repository) {
    let mut made_here = Vec::new();
    for (email, name) in
        [("cari1@example.test", "Dewi Lestari"), ("cari2@example.test", "100%_Dewi"), ("x@cari.test", "X")]
    {
        let user = User { name: name.to_owned(), ..person(email) };
        repository.create_user(&user).await.expect("created");
        made_here.push(user);
    }
    made_here.sort_by_key(|user| user.id);
    let ids = |users: Vec<User>| users.into_iter().map(|user| user.id).collect::<Vec<_>>();
    let found = ids(repository.users("CARI", None, 10).await.expect("read"));
    assert_eq!(found, ids(made_here.clone()), "by address, in order");
    assert_eq!(ids(repository.users("dewi", None, 10).await.expect("read")).len(), 2, "by name");
    assert_eq!(repository.users("%_dewi", None, 10).await.expect("read").len(), 1, "signs are themselves");
    assert_eq!(ids(repository.users("cari", Some(found[0]), 1).await.expect("read")), [found[1]]);
    assert!(repository.users("tidak ada", None, 10).await.expect("read").is_empty());
    let mut user = made_here.pop().expect("made");
    for (name, texts) in [
        ("Élodie İnan Weiß", ["élodie", "ELODIE", "E\u{301}LODIE İNAN", "inan weiss", "WEISS", "weiß"]),
        ("ΣΊΣΥΦΟΣ ǅ", ["σίσυφος", "Σίσυφος", "σισυφο", "ǆ", "Ǆ", "dž"]),
    ] {
        let renamed = UserChange { name: Some(name.to_owned()), ..UserChange::default() };
        repository.change_user(user.id, None, &renamed, None, UnixMillis(9)).await.expect("renamed");
        user.name = name.to_owned();
        for text in texts {
            assert_eq!(ids(repository.users(text, None, 10).await.expect("read")), [user.id], "{text} in {name}");
        }
    }
    assert!(repository.users("élodie", None, 10).await.expect("read").is_empty(), "called otherwise now");
}

async fn the_journal_is_read_backwards(repository: &dyn Repository) {
    let user = made(repository, "jurnal@example.test").await;
    for ms in 0..5 {
        let action = if ms % 2 == 0 { AuditAction::SignInFailed } else { AuditAction::SignedIn };
        repository.note(&line(action, user.id, at(ms))).await.expect("noted");
    }
    let mine = AuditQuery { actor: Some(user.id), ..AuditQuery::default() };
    let first = repository.audit(&mine, 2).await.expect("read");
    assert_eq!(first.iter().map(|entry| entry.at).collect::<Vec<_>>(), [at(4), at(3)]);
    let next = AuditQuery { before: Some(first[1].id), ..mine.clone() };
    assert_eq!(repository.audit(&next, 10).await.expect("read").len(), 3);
    let failed = AuditQuery { action: Some(AuditAction::SignInFailed), ..mine };
    assert_eq!(repository.audit(&failed, 10).await.expect("read").len(), 3);
}

async fn a_request_is_begun_once(repository: &dyn Repository) {
    let user = made(repository, "ulang@example.test").await.id;
    let (one, two) = (KeyHash::of("permintaan"), KeyHash::of("permintaan lain"));
    let begin = |request, when| repository.begin_request(user, "kunci", request, when);
    let (a, b) = tokio::join!(begin(one, NOW), begin(one, NOW));
    let at_once = [a.expect("asked"), b.expect("asked")];
    assert!(at_once.contains(&Begun::Yours) && at_once.contains(&Begun::WorkedOn(NOW)), "{at_once:?}");
    assert_eq!(begin(two, at(1)).await.expect("asked"), Begun::Another);
    let other = made(repository, "ulang2@example.test").await.id;
    assert_eq!(repository.begin_request(other, "kunci", two, at(1)).await.expect("asked"), Begun::Yours);
    let answer = KeptAnswer { status: 201, body: Some("{\"id\":1}".to_owned()) };
    repository.end_request(user, "kunci", Some(&answer)).await.expect("kept");
    assert_eq!(begin(one, at(2)).await.expect("asked"), Begun::Done(answer));
    let secret = KeptAnswer { status: 201, body: None };
    repository.end_request(user, "kunci", Some(&secret)).await.expect("kept");
    assert_eq!(begin(one, at(2)).await.expect("asked"), Begun::Done(secret));
    assert_eq!(begin(two, at(REMEMBERED_MS)).await.expect("asked"), Begun::Yours, "a day later it is free");
    repository.end_request(user, "kunci", None).await.expect("forgotten");
    assert_eq!(begin(one, at(REMEMBERED_MS + 1)).await.expect("asked"), Begun::Yours);
    repository.forget_requests(at(3 * REMEMBERED_MS)).await.expect("forgotten");
    assert_eq!(begin(one, at(3 * REMEMBERED_MS)).await.expect("asked"), Begun::Yours);
}

async fn the_keys_of_one_person_are_bounded(repository: &dyn Repository) {
    let user = made(repository, "kunci@example.test").await.id;
    let request = KeyHash::of("permintaan");
    let answer = KeptAnswer { status: 204, body: Some(String::new()) };
    for n in 0..=KEYS_MAX {
        let key = format!("kunci-{n}");
        assert_eq!(repository.begin_request(user, &key, request, at(n)).await.expect("asked"), Begun::Yours);
        repository.end_request(user, &key, Some(&answer)).await.expect("kept");
    }
    let begin = |key: &'static str| repository.begin_request(user, key, request, at(KEYS_MAX + 1));
    assert_eq!(begin("kunci-1").await.expect("asked"), Begun::Done(answer), "the newest are remembered");
    assert_eq!(begin("kunci-0").await.expect("asked"), Begun::Yours, "the oldest was forgotten");
}

async fn what_is_old_is_forgotten(repository: &dyn Repository) {
    let user = made(repository, "lama@example.test").await;
    sign_in(repository, user.id, "lama", at(0)).await;
    let mine = AuditQuery { actor: Some(user.id), ..AuditQuery::default() };
    repository.forget_old(at(1)).await.expect("forgotten");
    assert!(holds(repository, "lama", at(1)).await);
    assert_eq!(repository.audit(&mine, 10).await.expect("read").len(), 1);
    repository.forget_old(at(2 * SESSION_MS + 1)).await.expect("forgotten");
    assert_eq!(repository.principal(KeyHash::of("lama")).await.expect("read"), None);
    assert_eq!(repository.audit(&mine, 10).await.expect("read").len(), 1, "the journal stays");
    repository.forget_old(at(FORGET_AUDIT_MS + 1)).await.expect("forgotten");
    assert!(repository.audit(&mine, 10).await.expect("read").is_empty());
}
