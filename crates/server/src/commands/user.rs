//! `tayang user`.

mod import;

use control::audit::{AuditAction, AuditEntry};
use control::identity::{Changed, Email, LinkPurpose, OneTimeLink, UserChange, link_path, person_name};
use control::teaching::series::Zone;
use control::{CourseId, Repository, RepositoryError, Roles, User, UserId};
use media::UnixMillis;
use serde_json::{Value, json};

use super::{answer, answer_json, now, open, remark, table};
use crate::addresses::Origins;
use crate::cli::User as Command;
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Accounts that are read at once when all are listed.
const PAGE: u32 = 500;

/// Does one of them.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { email, name, roles, locale, zone, json } => {
            let user = described(&email, name.as_deref(), &roles, &locale, zone, now())?;
            create(config, &user, json.json).await
        }
        Command::Link { email, app, json } => link(config, &address(&email)?, app.as_deref(), json.json).await,
        Command::Import { file, course, json } => import::run(config, &file, course.map(CourseId), json.json).await,
        Command::List { query, json } => list(config, &query, json.json).await,
        Command::Suspend { email, json } => suspend(config, &address(&email)?, true, json.json).await,
        Command::Restore { email, json } => suspend(config, &address(&email)?, false, json.json).await,
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Code::Usage, message)
}

fn address(text: &str) -> Result<Email, Failure> {
    Email::of(text).map_err(|error| usage(format!("EMAIL {error}")))
}

async fn existing(store: &dyn Repository, email: &Email) -> Result<User, Failure> {
    store.user_by_email(email.as_str()).await?.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("nobody has the address {email}; `tayang user list` shows all"))
    })
}

/// The account of these words.
fn described(
    email: &str,
    name: Option<&str>,
    roles: &[String],
    locale: &str,
    zone: String,
    now: UnixMillis,
) -> Result<User, Failure> {
    let email = address(email)?;
    let before_at = email.as_str().split('@').next().unwrap_or_default();
    let name = person_name(name.unwrap_or(before_at)).map_err(|error| usage(format!("--name {error}")))?;
    let roles = Roles::of_words(roles.iter().map(|word| word.trim()))
        .filter(|roles| *roles != Roles::default())
        .ok_or_else(|| usage("--roles must be of mentee, mentor, operator, with commas between"))?;
    let zone: Zone = zone.parse().map_err(|_| usage("--zone must be the name of a time zone such as Asia/Jakarta"))?;
    Ok(User {
        id: UserId::new(now),
        email: email.as_str().to_owned(),
        name,
        locale: locale.parse().map_err(|_| usage("--locale must be id or en"))?,
        zone: zone.name().to_owned(),
        roles,
        password: None,
        verified: Some(now),
        suspended: None,
        created: now,
        version: 1,
    })
}

/// The stable answer about an account.
fn shown(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email,
        "name": user.name,
        "roles": user.roles.words(),
        "verified": user.verified.map(|at| at.to_string()),
        "suspended": user.suspended.map(|at| at.to_string()),
        "created": user.created.to_string(),
    })
}

async fn create(config: &Config, user: &User, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    match store.create_user(user).await {
        Err(RepositoryError::Exists(_)) => {
            let advice = format!("{} has an account already; for a link: tayang user link {0}", user.email);
            return Err(Failure::new(Code::Exists, advice));
        }
        other => other?,
    }
    let entry = AuditEntry::about(user.created, None, AuditAction::AccountCreated, user.id, "on the command line");
    store.note(&entry).await?;
    if json {
        return answer_json(&shown(user));
    }
    answer(&format!("{} has an account as {}.\n", user.email, user.roles.words().join(", ")))?;
    remark(&format!("To let them in: tayang user link {}", user.email));
    Ok(())
}

async fn link(config: &Config, email: &Email, app: Option<&str>, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let user = existing(store.as_ref(), email).await?;
    if user.suspended.is_some() {
        return Err(Failure::new(Code::Failed, format!("{email} is suspended; first: tayang user restore {email}")));
    }
    let (link, token) = OneTimeLink::create(user.id, LinkPurpose::SignIn, now());
    let entry = AuditEntry::about(link.created, None, AuditAction::LinkMade, user.id, "on the command line");
    store.create_link(&link, &entry).await?;
    let roles = match app {
        Some("mymentee") => Roles { mentor: true, ..Roles::default() },
        Some(_) => Roles { mentee: true, ..Roles::default() },
        None => user.roles,
    };
    let url = format!("{}{}", Origins::of(config).http, link_path(roles, link.purpose, &token).0);
    if json {
        return answer_json(&json!({ "email": user.email, "url": url, "expires": link.expires.to_string() }));
    }
    answer(&format!("{url}\n"))?;
    remark(&format!("Signs {email} in, once, until {}. Links made before are void.", link.expires));
    Ok(())
}

async fn list(config: &Config, query: &str, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let mut users: Vec<User> = Vec::new();
    loop {
        let more = store.users(query, users.last().map(|user| user.id), PAGE).await?;
        let last = more.len() < PAGE as usize;
        users.extend(more);
        if last {
            break;
        }
    }
    if json {
        return answer_json(&users.iter().map(shown).collect::<Vec<_>>());
    }
    if users.is_empty() {
        remark("There is nobody. Make an account: tayang user create EMAIL");
        return Ok(());
    }
    let row = |user: &User| {
        let state = match (user.suspended, user.verified) {
            (Some(at), _) => format!("suspended {at}"),
            (None, None) => "not confirmed".to_owned(),
            (None, Some(_)) => "active".to_owned(),
        };
        vec![user.email.clone(), user.name.clone(), user.roles.words().join(","), state, user.id.to_string()]
    };
    answer(&table(&["EMAIL", "NAME", "ROLES", "STATE", "ID"], &users.iter().map(row).collect::<Vec<_>>()))
}

async fn suspend(config: &Config, email: &Email, suspended: bool, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let user = existing(store.as_ref(), email).await?;
    let change = UserChange { suspended: Some(suspended), ..UserChange::default() };
    let user = match store.change_user(user.id, None, &change, None, now()).await? {
        Changed::Done(user) => user,
        Changed::Stale => return Err(Failure::new(Code::Failed, "somebody else changed the account: try again")),
        Changed::LastOperator => {
            let advice = "nobody would be left to run this server; make another operator first: \
                          tayang user create EMAIL --roles operator";
            return Err(Failure::new(Code::Failed, advice));
        }
    };
    if json {
        return answer_json(&shown(&user));
    }
    answer(&if suspended {
        format!("{email} is suspended and signed out everywhere. To undo it: tayang user restore {email}\n")
    } else {
        format!("{email} may sign in again.\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(email: &str, name: Option<&str>, roles: &str, locale: &str, zone: &str) -> Result<User, Failure> {
        let roles: Vec<String> = roles.split(',').map(str::to_owned).collect();
        described(email, name, &roles, locale, zone.to_owned(), UnixMillis(5))
    }

    #[test]
    fn an_account_is_described_or_refused_before_anything_is_opened() {
        let user = told("Siti@Example.com", None, "mentee, mentor", "en", "Asia/Makassar").expect("good");
        assert_eq!((user.email.as_str(), user.name.as_str()), ("siti@example.com", "siti"));
        assert_eq!(user.roles, Roles { mentee: true, mentor: true, operator: false });
        assert_eq!((user.verified, user.password), (Some(UnixMillis(5)), None));
        assert_eq!(told("a@x.com", Some("Siti A."), "operator", "id", "UTC").expect("good").name, "Siti A.");
        for (email, name, roles, locale, zone) in [
            ("siti", None, "mentee", "id", "UTC"),
            ("a@x.com", Some(""), "mentee", "id", "UTC"),
            ("a@x.com", None, "admin", "id", "UTC"),
            ("a@x.com", None, "", "id", "UTC"),
            ("a@x.com", None, "mentee", "fr", "UTC"),
            ("a@x.com", None, "mentee", "id", ""),
            ("a@x.com", None, "mentee", "id", "a b"),
        ] {
            assert!(told(email, name, roles, locale, zone).is_err(), "{email} {name:?} {roles} {locale} {zone}");
        }
    }

    #[test]
    fn an_account_is_shown_without_its_password() {
        let user = User {
            password: Some(media::Redacted("rahasia".to_owned())),
            ..told("a@x.com", None, "mentee", "id", "UTC").expect("good")
        };
        let text = shown(&user).to_string();
        assert!(!text.contains("rahasia") && text.contains("\"roles\":[\"mentee\"]"), "{text}");
    }
}
