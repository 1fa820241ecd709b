//! Accounts: made, confirmed, changed, suspended, tied to an identity provider.

use control::audit::{AuditAction, AuditEntry};
use control::identity::provider::{Assertion, is_less};
use control::identity::{
    Changed, LinkPurpose, NewPassword, OneTimeLink, Proof, SIGN_UPS_MAX, SignUp, SignedUp, UserChange, entries,
};
use control::search::folded;
use control::{ChangeKind, KeyHash, NewChange, RepositoryError, Roles, User, UserId};
use media::{Redacted, UnixMillis};

use super::search::{holding, pattern};
use super::{Store, Write, audit, changes, identity, people, rows, sessions};

const SUBJECT: &str = "account";

/// The account that `condition` on `u` and $1 finds.
async fn find(transaction: &mut Write, condition: &str, value: &str) -> Result<Option<User>, RepositoryError> {
    sqlx::query(sqlx::AssertSqlSafe(format!("{} WHERE {condition}", people::USERS)))
        .bind(value)
        .fetch_optional(transaction.connection())
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?
        .map(|row| people::user(&row))
        .transpose()
}

/// Writes an account over what is kept of it.
async fn update(transaction: &mut Write, user: &User, at: UnixMillis) -> Result<(), RepositoryError> {
    sqlx::query(
        "UPDATE users SET email = $1, name = $2, locale = $3, zone = $4, is_mentee = $5, is_mentor = $6,
             is_operator = $7, password = $8, verified_ms = $9, suspended_ms = $10, version = $11,
             search = $13
         WHERE id = $12",
    )
    .bind(&user.email)
    .bind(&user.name)
    .bind(user.locale.as_str())
    .bind(&user.zone)
    .bind(i64::from(user.roles.mentee))
    .bind(i64::from(user.roles.mentor))
    .bind(i64::from(user.roles.operator))
    .bind(user.password.as_ref().map(|password| &password.0))
    .bind(user.verified.map(|at| at.0))
    .bind(user.suspended.map(|at| at.0))
    .bind(user.version)
    .bind(user.id.to_string())
    .bind(folded(&user.name))
    .execute(transaction.connection())
    .await
    .map_err(|error| rows::failed(SUBJECT, error))?;
    changed(transaction, user.id, at).await
}

async fn changed(transaction: &mut Write, user: UserId, at: UnixMillis) -> Result<(), RepositoryError> {
    changes::append(transaction, at, &NewChange::new(ChangeKind::User).user(user)).await.map(|_| ())
}

async fn insert(transaction: &mut Write, user: &User, how: &str) -> Result<(), RepositoryError> {
    people::insert(transaction, user).await?;
    let entry = AuditEntry::about(user.created, Some(user.id), AuditAction::AccountCreated, user.id, how);
    audit::append(transaction, &entry).await?;
    changed(transaction, user.id, user.created).await
}

/// Takes turns with whoever else changes accounts, so that what is read stays so until the end.
async fn begin(store: &Store) -> Result<Write, RepositoryError> {
    let mut transaction = store.begin().await?;
    transaction.take_turn().await.map_err(|error| rows::failed(SUBJECT, error))?;
    Ok(transaction)
}

async fn commit<T>(transaction: Write, done: T) -> Result<T, RepositoryError> {
    transaction.commit().await.map(|()| done).map_err(|error| rows::failed(SUBJECT, error))
}

/// Ends a transaction that did nothing. Not left to its end by itself, which may cost the connection.
pub(super) async fn refuse<T>(transaction: Write, answer: T) -> Result<T, RepositoryError> {
    transaction.rollback().await.map(|()| answer).map_err(|error| rows::failed(SUBJECT, error))
}

/// The account, if its owner may sign in by this proof.
pub(super) async fn may_sign_in(
    transaction: &mut Write,
    user: UserId,
    proof: &Proof<'_>,
) -> Result<bool, RepositoryError> {
    let Some(user) = find(transaction, "u.id = $1", &user.to_string()).await? else { return Ok(false) };
    let proven = match proof {
        // It may have been changed since it was compared: then whoever knows the one before is out.
        Proof::Password(password) => user.password.as_ref() == Some(*password),
        Proof::Link { .. } | Proof::Passkey(_) | Proof::Provider => true,
    };
    Ok(proven && user.suspended.is_none())
}

/// The address is theirs, as they have used the link that went to it. What was asked for with this link becomes so; the
/// password only if this is the browser in which it was typed, and none that was there before.
pub(super) async fn confirm(
    transaction: &mut Write,
    user: UserId,
    link: KeyHash,
    browser: Option<KeyHash>,
    at: UnixMillis,
) -> Result<(), RepositoryError> {
    let found = find(transaction, "u.id = $1", &user.to_string()).await?;
    let Some(found) = found.filter(|user| user.verified.is_none()) else { return Ok(()) };
    let row = sqlx::query("SELECT password, name, locale, zone, browser FROM one_time_links WHERE hash = $1")
        .bind(link.to_string())
        .fetch_one(transaction.connection())
        .await
        .map_err(|error| rows::failed("link", error))?;
    let typed_here = browser.is_some() && rows::parsed_if::<KeyHash>(&row, "browser")? == browser;
    let password = rows::column::<Option<String>>(&row, "password")?.filter(|_| typed_here).map(Redacted);
    let confirmed = User {
        name: rows::column::<Option<String>>(&row, "name")?.unwrap_or(found.name),
        locale: rows::parsed_if(&row, "locale")?.unwrap_or(found.locale),
        zone: rows::column::<Option<String>>(&row, "zone")?.unwrap_or(found.zone),
        password,
        verified: Some(at),
        version: found.version + 1,
        ..found
    };
    update(transaction, &confirmed, at).await?;
    identity::void_sign_ups(transaction, user).await
}

pub(super) async fn sign_up(store: &Store, sign_up: &SignUp<'_>) -> Result<SignedUp, RepositoryError> {
    let (mut transaction, asked) = (begin(store).await?, sign_up.user);
    let id = match find(&mut transaction, "u.email = $1", &asked.email).await? {
        None => {
            insert(&mut transaction, &User { password: None, ..asked.clone() }, "signed up").await?;
            asked.id
        }
        Some(waiting) if may_be_asked_for(&waiting) => waiting.id,
        Some(_) => return refuse(transaction, SignedUp::Exists).await,
    };
    keep_sign_up(&mut transaction, id, sign_up).await?;
    commit(transaction, SignedUp::Waiting).await
}

/// Whoever signed up with the address has not shown that it is theirs, so others may, too. What an operator or the first
/// start made is not asked for like this.
fn may_be_asked_for(user: &User) -> bool {
    let strangers = Roles { mentee: true, ..Roles::default() };
    user.verified.is_none() && user.suspended.is_none() && user.roles == strangers && user.password.is_none()
}

/// Keeps what was asked for, beside what others asked for with the same address.
async fn keep_sign_up(transaction: &mut Write, id: UserId, sign_up: &SignUp<'_>) -> Result<(), RepositoryError> {
    let SignUp { user, link, browser } = sign_up;
    identity::insert_link(transaction, &OneTimeLink { user: id, ..(*link).clone() }).await?;
    sqlx::query(
        "UPDATE one_time_links SET password = $1, name = $2, locale = $3, zone = $4, browser = $5 WHERE hash = $6",
    )
    .bind(user.password.as_ref().map(|password| &password.0))
    .bind(&user.name)
    .bind(user.locale.as_str())
    .bind(&user.zone)
    .bind(browser.to_string())
    .bind(link.hash.to_string())
    .execute(transaction.connection())
    .await
    .map_err(|error| rows::failed("link", error))?;
    sqlx::query(
        "DELETE FROM one_time_links WHERE hash IN (
             SELECT hash FROM one_time_links WHERE user_id = $1 AND purpose = 'verify' AND used_ms IS NULL
             ORDER BY created_ms DESC, hash LIMIT 1000 OFFSET $2)",
    )
    .bind(id.to_string())
    .bind(SIGN_UPS_MAX)
    .execute(transaction.connection())
    .await
    .map(|_| ())
    .map_err(|error| rows::failed("link", error))
}

pub(super) async fn set_password(store: &Store, new: &NewPassword<'_>) -> Result<bool, RepositoryError> {
    let mut transaction = begin(store).await?;
    let found = find(&mut transaction, "u.id = $1", &new.user.to_string()).await?;
    let user = found.ok_or(RepositoryError::NotFound(SUBJECT))?;
    if user.suspended.is_some() {
        return refuse(transaction, false).await;
    }
    let mut verified = user.verified;
    if let Some(hash) = new.link {
        if !identity::use_up(&mut transaction, hash, new.user, &[LinkPurpose::Reset], new.at).await? {
            return refuse(transaction, false).await;
        }
        verified = verified.or(Some(new.at));
        // Who gets their account back leaves no key in it that somebody else may have made.
        sqlx::query("DELETE FROM passkeys WHERE user_id = $1")
            .bind(new.user.to_string())
            .execute(transaction.connection())
            .await
            .map_err(|error| rows::failed("passkey", error))?;
    }
    let version = user.version + 1;
    let user = User { password: Some(new.password.clone()), verified, version, ..user };
    update(&mut transaction, &user, new.at).await?;
    identity::void_links(&mut transaction, new.user).await?;
    match new.keep {
        Some(keep) => sessions::end_others(&mut transaction, new.user, keep, new.at).await?,
        None => sessions::end_all(&mut transaction, new.user, new.at).await?,
    }
    audit::append(&mut transaction, new.entry).await?;
    commit(transaction, true).await
}

pub(super) async fn assert_identity(
    store: &Store,
    assertion: &Assertion,
    fresh: UserId,
    now: UnixMillis,
) -> Result<Option<User>, RepositoryError> {
    let mut transaction = begin(store).await?;
    let known: Option<String> = sqlx::query_scalar("SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2")
        .bind(&assertion.issuer)
        .bind(&assertion.subject)
        .fetch_optional(transaction.connection())
        .await
        .map_err(|error| rows::failed("identity", error))?;
    let user = match (known, &assertion.email) {
        (Some(id), _) => find(&mut transaction, "u.id = $1", &id).await?.ok_or(RepositoryError::NotFound(SUBJECT))?,
        (None, None) => return refuse(transaction, None).await,
        (None, Some(email)) => {
            let user = match find(&mut transaction, "u.email = $1", email.as_str()).await? {
                Some(user) => take_over(&mut transaction, user, now).await?,
                None => {
                    let user = newcomer(assertion, email.as_str(), fresh, now);
                    insert(&mut transaction, &user, "first sign-in by the identity provider").await?;
                    user
                }
            };
            tie(&mut transaction, assertion, user.id, now).await?;
            user
        }
    };
    let mut roles = assertion.rule.roles(user.roles, &assertion.groups);
    let loses = user.roles.operator && !roles.operator && user.suspended.is_none();
    if loses && other_operators(&mut transaction, user.id).await? == 0 {
        roles.operator = true;
        let why = "stays operator, as nobody else is: groups of the identity provider say otherwise";
        let entry = AuditEntry::about(now, None, AuditAction::RolesChanged, user.id, why);
        audit::append(&mut transaction, &entry).await?;
    }
    if roles == user.roles || user.suspended.is_some() {
        return commit(transaction, Some(user)).await;
    }
    let after = User { roles, version: user.version + 1, ..user.clone() };
    replace(&mut transaction, &user, &after, None, "by groups of the identity provider", now).await?;
    commit(transaction, Some(after)).await
}

fn newcomer(assertion: &Assertion, email: &str, id: UserId, now: UnixMillis) -> User {
    User {
        id,
        email: email.to_owned(),
        name: assertion.name.clone(),
        locale: assertion.locale,
        zone: assertion.zone.clone(),
        roles: Roles { mentee: true, ..Roles::default() },
        password: None,
        verified: Some(now),
        suspended: None,
        created: now,
        version: 1,
    }
}

/// An account whose address the provider has confirmed. If nobody had confirmed it before, its password is of somebody who
/// never showed that the address is theirs, and goes.
async fn take_over(transaction: &mut Write, user: User, now: UnixMillis) -> Result<User, RepositoryError> {
    if user.verified.is_some() {
        return Ok(user);
    }
    let user = User { password: None, verified: Some(now), version: user.version + 1, ..user };
    update(transaction, &user, now).await?;
    identity::void_links(transaction, user.id).await?;
    Ok(user)
}

async fn tie(transaction: &mut Write, said: &Assertion, user: UserId, now: UnixMillis) -> Result<(), RepositoryError> {
    sqlx::query("INSERT INTO identities (issuer, subject, user_id, created_ms) VALUES ($1, $2, $3, $4)")
        .bind(&said.issuer)
        .bind(&said.subject)
        .bind(user.to_string())
        .bind(now.0)
        .execute(transaction.connection())
        .await
        .map_err(|error| rows::failed("identity", error))?;
    let entry = AuditEntry::about(now, Some(user), AuditAction::IdentityLinked, user, &said.issuer);
    audit::append(transaction, &entry).await
}

pub(super) async fn users(
    store: &Store,
    text: &str,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<User>, RepositoryError> {
    let query = format!(
        "{} WHERE (u.email LIKE $1 ESCAPE '!' OR u.search LIKE $4 ESCAPE '!') AND u.email NOT LIKE 'erased:%'
             AND (CAST($2 AS TEXT) IS NULL OR u.id > CAST($2 AS TEXT))
         ORDER BY u.id LIMIT $3",
        people::USERS
    );
    let found = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(holding(&text.to_lowercase()))
        .bind(after.map(|id| id.to_string()))
        .bind(i64::from(limit))
        .bind(pattern(text))
        .fetch_all(&store.readers)
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?;
    rows::each(&found, people::user)
}

pub(super) async fn change(
    store: &Store,
    id: UserId,
    expected: Option<i64>,
    change: &UserChange,
    by: Option<UserId>,
    now: UnixMillis,
) -> Result<Changed, RepositoryError> {
    let mut transaction = begin(store).await?;
    let found = find(&mut transaction, "u.id = $1", &id.to_string()).await?;
    let before = found.ok_or(RepositoryError::NotFound(SUBJECT))?;
    if expected.is_some_and(|expected| expected != before.version) {
        return refuse(transaction, Changed::Stale).await;
    }
    let after = change.of(&before, now);
    if after == (User { version: after.version, ..before.clone() }) {
        return refuse(transaction, Changed::Done(Box::new(before))).await;
    }
    let runs = |user: &User| user.roles.operator && user.suspended.is_none();
    if runs(&before) && !runs(&after) && other_operators(&mut transaction, id).await? == 0 {
        return refuse(transaction, Changed::LastOperator).await;
    }
    let how = if by.is_some() { "by an operator" } else { "on the command line" };
    replace(&mut transaction, &before, &after, by, how, now).await?;
    commit(transaction, Changed::Done(Box::new(after))).await
}

async fn other_operators(transaction: &mut Write, id: UserId) -> Result<i64, RepositoryError> {
    sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE is_operator = 1 AND suspended_ms IS NULL AND id <> $1")
        .bind(id.to_string())
        .fetch_one(transaction.connection())
        .await
        .map_err(|error| rows::failed(SUBJECT, error))
}

/// Writes `after` over `before`, with what follows: the journal, and the end of what was granted.
async fn replace(
    transaction: &mut Write,
    before: &User,
    after: &User,
    by: Option<UserId>,
    how: &str,
    now: UnixMillis,
) -> Result<(), RepositoryError> {
    update(transaction, after, now).await?;
    for entry in entries(before, after, by, how, now) {
        audit::append(transaction, &entry).await?;
    }
    if before.suspended.is_none() && after.suspended.is_some() {
        identity::void_links(transaction, after.id).await?;
        sessions::end_all(transaction, after.id, now).await?;
    } else if is_less(before.roles, after.roles) {
        changes::append(transaction, now, &NewChange::new(ChangeKind::Revoked).user(after.id)).await?;
    }
    Ok(())
}

pub(super) async fn bootstrap(
    store: &Store,
    first: &User,
    token: KeyHash,
    now: UnixMillis,
) -> Result<Option<OneTimeLink>, RepositoryError> {
    let mut transaction = begin(store).await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users")
        .fetch_one(transaction.connection())
        .await
        .map_err(|error| rows::failed(SUBJECT, error))?;
    let user = match find(&mut transaction, "u.email = $1", &first.email).await? {
        None if count == 0 => {
            insert(&mut transaction, first, "first start").await?;
            first.id
        }
        // Confirmed by the first use of a link.
        Some(waiting) if waiting.verified.is_none() && waiting.suspended.is_none() => waiting.id,
        None | Some(_) => return refuse(transaction, None).await,
    };
    let purpose = LinkPurpose::SignIn;
    let expires = UnixMillis(now.0 + purpose.lifetime_ms());
    let link = OneTimeLink { hash: token, user, purpose, created: now, expires };
    identity::keep_link(&mut transaction, &link).await?;
    let entry = AuditEntry::about(now, None, AuditAction::LinkMade, user, "at the start of the server");
    audit::append(&mut transaction, &entry).await?;
    commit(transaction, Some(link)).await
}
