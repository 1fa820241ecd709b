//! The way in when nobody is there yet: the first operator and their one-time link.

use std::io::Write as _;

use control::identity::link_path;
use control::{KeyHash, Locale, Repository, Roles, User, UserId, keys};
use media::{Redacted, UnixMillis};

use crate::addresses::{BoundAddresses, Origins};
use crate::config::Config;

/// The address of the first operator. No mail reaches it; nobody can sign up with it.
pub const OPERATOR: &str = "operator@localhost";

/// Makes the first operator if there is nobody, and a link for them until they have signed in once; one made before is void.
/// It goes to standard error by itself, and not into the log, which others may read or collect.
pub async fn greet(repository: &dyn Repository, config: &Config, bound: &BoundAddresses, now: UnixMillis) {
    let token = keys::generate();
    let first = operator(now);
    let link = match repository.bootstrap(&first, KeyHash::of(&token.0), now).await {
        Ok(Some(link)) => link,
        Ok(None) => return,
        // A full disk keeps nobody from watching.
        Err(error) => {
            tracing::warn!(%error, "the link for the first operator could not be made: the next start makes one");
            return;
        }
    };
    let origins = Origins::new(config.public_url.as_ref(), bound);
    let url = Redacted(format!("{}{}", origins.http, link_path(first.roles, link.purpose, &token).0));
    tracing::info!(user = %link.user, "nobody has signed in yet: the link to do so stands on standard error");
    // Nobody is left to tell if standard error is closed: the next start makes another.
    let _ = writeln!(std::io::stderr(), "\n{}\n", greeting(&url));
}

fn greeting(url: &Redacted<String>) -> String {
    format!(
        "Sign in as the operator of this server, once and within 24 hours:\n\n    {}\n\nFor another link, start it again, or: \
         tayang user link {OPERATOR}",
        url.0
    )
}

fn operator(now: UnixMillis) -> User {
    User {
        id: UserId::new(now),
        email: OPERATOR.to_owned(),
        name: "Operator".to_owned(),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles: Roles { mentee: true, mentor: true, operator: true },
        password: None,
        verified: None,
        suspended: None,
        created: now,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_operator_may_everything_and_has_no_password() {
        let first = operator(UnixMillis(1));
        assert_eq!(first.roles, Roles { mentee: true, mentor: true, operator: true });
        assert_eq!((first.password, first.verified, first.version), (None, None, 1));
        assert!(
            control::identity::Email::of(OPERATOR).is_ok_and(|email| email.is_local()),
            "nobody can sign up with it"
        );
    }

    #[test]
    fn the_greeting_holds_the_link_on_a_line_of_its_own() {
        let url = Redacted("http://127.0.0.1:8080/mymentee/link#T".to_owned());
        let text = greeting(&url);
        assert!(text.lines().any(|line| line.trim() == url.0), "{text}");
    }
}
