//! Who was lately known by which session, so that requests do not ask the database each time.
//!
//! What is changed here is forgotten at once; what another process changed is noticed after [`HOLDS`]. What outlasts a request,
//! a playback or a seat in a room, does not rest on that: [`crate::auth::stands`] reads anew, and then it goes by the changes of
//! kind `revoked`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use control::identity::SEEN_MS;
use control::{KeyHash, PeopleRepository, Principal, RepositoryError, Session, SessionId, UserId};
use media::UnixMillis;
use parking_lot::Mutex;

/// How long one is known: half of what signing out on another server may take to hold (5 s), and less.
const HOLDS: Duration = Duration::from_secs(2);
/// Sessions that are known at once, of some 1 kB each: more than ask within [`HOLDS`].
const KNOWN_MAX: usize = 20_000;
/// Uses that wait to be noted. What does not fit is noted with the next use.
const SEEN_MAX: usize = 100_000;

/// See the module.
#[derive(Default)]
pub struct Known(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Rises with each that is forgotten, so that what was read before is not put in after.
    forgotten: u64,
    sessions: HashMap<KeyHash, (Instant, Principal)>,
    seen: HashMap<SessionId, UnixMillis>,
}

impl Known {
    /// Whose session that is, if it stands at `now` and its person may do anything.
    ///
    /// # Errors
    /// What the repository says.
    pub async fn principal<R: PeopleRepository + ?Sized>(
        &self,
        repository: &R,
        secret: KeyHash,
        now: UnixMillis,
    ) -> Result<Option<Principal>, RepositoryError> {
        let (lately, forgotten) = {
            let inner = self.0.lock();
            let fresh = inner.sessions.get(&secret).filter(|(since, _)| since.elapsed() < HOLDS);
            (fresh.map(|(_, principal)| principal.clone()), inner.forgotten)
        };
        let principal = match lately {
            Some(principal) => Some(principal),
            None => {
                let read = Instant::now();
                let found = repository.principal(secret).await?;
                if let Some(principal) = &found {
                    self.remember(secret, read, principal, forgotten);
                }
                found
            }
        };
        let stands = principal.filter(|it| it.session.holds(now) && it.user.suspended.is_none());
        if let Some(principal) = &stands {
            self.note(&principal.session, now);
        }
        Ok(stands)
    }

    fn remember(&self, secret: KeyHash, read: Instant, principal: &Principal, forgotten: u64) {
        let mut inner = self.0.lock();
        if inner.forgotten != forgotten {
            return;
        }
        if inner.sessions.len() >= KNOWN_MAX {
            inner.sessions.retain(|_, (since, _)| since.elapsed() < HOLDS);
        }
        if inner.sessions.len() < KNOWN_MAX {
            inner.sessions.insert(secret, (read, principal.clone()));
        }
    }

    /// To be noted, once a minute.
    fn note(&self, session: &Session, now: UnixMillis) {
        if now.0 - session.seen.0 < SEEN_MS {
            return;
        }
        let mut inner = self.0.lock();
        if inner.seen.len() < SEEN_MAX {
            inner.seen.insert(session.id, now);
        }
    }

    /// The uses that wait to be noted; they wait no more.
    pub fn take_seen(&self) -> Vec<(SessionId, UnixMillis)> {
        std::mem::take(&mut self.0.lock().seen).into_iter().collect()
    }

    /// That session was ended.
    pub fn forget_session(&self, session: SessionId) {
        self.forget(|principal| principal.session.id == session);
    }

    /// Something about that person was changed.
    pub fn forget_person(&self, person: UserId) {
        self.forget(|principal| principal.user.id == person);
    }

    fn forget(&self, of: impl Fn(&Principal) -> bool) {
        let mut inner = self.0.lock();
        inner.forgotten += 1;
        inner.sessions.retain(|_, (_, principal)| !of(principal));
    }
}

#[cfg(test)]
mod tests {
    use control::{BoxFuture, Locale, Roles, SessionKind, User};

    use super::*;

    /// One session, and how often it was asked for.
    struct Counting(Mutex<(u32, Principal)>);

    impl Counting {
        fn new() -> Self {
            let user = User {
                id: UserId::new(UnixMillis(1)),
                email: "a@example.test".to_owned(),
                name: "A".to_owned(),
                locale: Locale::Id,
                zone: "Asia/Jakarta".to_owned(),
                roles: Roles::default(),
                password: None,
                verified: None,
                suspended: None,
                created: UnixMillis(1),
                version: 1,
            };
            let session = Session {
                id: SessionId::new(UnixMillis(1)),
                user: user.id,
                kind: SessionKind::Browser,
                secret: KeyHash::of("s"),
                label: String::new(),
                created: UnixMillis(0),
                seen: UnixMillis(0),
                expires: UnixMillis(1_000_000),
                revoked: None,
            };
            Self(Mutex::new((0, Principal { user, session })))
        }

        fn asked(&self) -> u32 {
            self.0.lock().0
        }
    }

    impl PeopleRepository for Counting {
        fn create_user<'a>(&'a self, _: &'a User) -> BoxFuture<'a, Result<(), RepositoryError>> {
            unreachable!("nobody is made")
        }
        fn user(&self, _: UserId) -> BoxFuture<'_, Result<Option<User>, RepositoryError>> {
            unreachable!("nobody is asked for by id")
        }
        fn user_by_email<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<User>, RepositoryError>> {
            unreachable!("nobody is asked for by address")
        }
        fn create_session<'a>(&'a self, _: &'a Session) -> BoxFuture<'a, Result<(), RepositoryError>> {
            unreachable!("nobody signs in")
        }
        fn principal(&self, secret: KeyHash) -> BoxFuture<'_, Result<Option<Principal>, RepositoryError>> {
            let mut inner = self.0.lock();
            inner.0 += 1;
            let found = (secret == inner.1.session.secret).then(|| inner.1.clone());
            Box::pin(std::future::ready(Ok(found)))
        }
    }

    #[tokio::test]
    async fn a_session_is_read_once_until_it_is_forgotten() {
        let (known, repository) = (Known::default(), Counting::new());
        let ask = || known.principal(&repository, KeyHash::of("s"), UnixMillis(10));
        for _ in 0..100 {
            assert!(ask().await.expect("read").is_some());
        }
        assert_eq!(repository.asked(), 1);
        let id = repository.0.lock().1.session.id;
        known.forget_session(SessionId::new(UnixMillis(9)));
        ask().await.expect("read");
        assert_eq!(repository.asked(), 1, "another's");
        known.forget_session(id);
        repository.0.lock().1.session.revoked = Some(UnixMillis(5));
        assert!(ask().await.expect("read").is_none());
        assert_eq!(repository.asked(), 2);
    }

    #[tokio::test]
    async fn what_was_read_before_something_was_forgotten_is_not_kept() {
        let (known, repository) = (Known::default(), Counting::new());
        let principal = repository.0.lock().1.clone();
        let before = known.0.lock().forgotten;
        known.forget_person(principal.user.id);
        known.remember(KeyHash::of("s"), Instant::now(), &principal, before);
        assert!(known.0.lock().sessions.is_empty());
    }

    #[tokio::test]
    async fn a_session_ends_and_a_suspended_person_is_nobody_even_while_known() {
        let (known, repository) = (Known::default(), Counting::new());
        let ask = |now| known.principal(&repository, KeyHash::of("s"), UnixMillis(now));
        assert!(ask(999_999).await.expect("read").is_some());
        assert!(ask(1_000_000).await.expect("read").is_none());
        let person = repository.0.lock().1.user.id;
        known.forget_person(person);
        repository.0.lock().1.user.suspended = Some(UnixMillis(1));
        assert!(ask(1).await.expect("read").is_none());
    }

    #[tokio::test]
    async fn uses_are_noted_once_a_minute_and_secrets_of_nobody_are_not_kept() {
        let (known, repository) = (Known::default(), Counting::new());
        known.principal(&repository, KeyHash::of("s"), UnixMillis(59_999)).await.expect("read");
        assert!(known.take_seen().is_empty());
        for now in [60_000, 60_001] {
            known.principal(&repository, KeyHash::of("s"), UnixMillis(now)).await.expect("read");
        }
        let id = repository.0.lock().1.session.id;
        assert_eq!(known.take_seen(), [(id, UnixMillis(60_001))]);
        assert!(known.take_seen().is_empty());
        for n in 0..100 {
            let secret = KeyHash::of(&n.to_string());
            assert!(known.principal(&repository, secret, UnixMillis(1)).await.expect("read").is_none());
        }
        assert_eq!(known.0.lock().sessions.len(), 1);
    }
}
