//! `tayang user import`: a class, or the people of another system, from a CSV file.
//!
//! All lines are read before anything is kept, so a mistake in the last one leaves nothing half done. Who has an account
//! already keeps it as it is. Passwords come as hashes only (PHC strings of argon2id): no file of ours asks for them in clear.

use std::collections::HashSet;
use std::path::Path;

use control::audit::{AuditAction, AuditEntry};
use control::{CourseId, RepositoryError, User};
use media::Redacted;
use serde::Deserialize;

use super::{answer, answer_json, described, now, open, remark, usage};
use crate::config::Config;
use crate::failure::Failure;

/// More in one file are several files: 100,000 lines are a country's worth of classes, and some 100 MB while they are read.
const LINES_MAX: usize = 100_000;
/// What a hash of a password begins with.
const HASH_PREFIX: &str = "$argon2id$v=19$";
/// Longest hash.
const HASH_LENGTH_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    email: String,
    name: Option<String>,
    /// With commas or spaces between.
    roles: Option<String>,
    locale: Option<String>,
    zone: Option<String>,
    password_hash: Option<String>,
}

/// Reads the file, then makes the accounts.
pub(super) async fn run(config: &Config, file: &Path, course: Option<CourseId>, json: bool) -> Result<(), Failure> {
    let users = read(file)?;
    let store = open(config).await?;
    let (mut created, mut existing, mut enrolled) = (0_u32, 0_u32, 0_u32);
    for user in &users {
        let id = match store.create_user(user).await {
            Ok(()) => {
                created += 1;
                let how = "on the command line, from a file";
                store.note(&AuditEntry::about(user.created, None, AuditAction::AccountCreated, user.id, how)).await?;
                user.id
            }
            Err(RepositoryError::Exists(_)) => {
                existing += 1;
                store.user_by_email(&user.email).await?.map_or(user.id, |known| known.id)
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(course) = course {
            store.enrol(course, id, None, now()).await.map_err(|error| usage(format!("{}: {error}", user.email)))?;
            enrolled += 1;
        }
    }
    if json {
        return answer_json(&serde_json::json!({ "created": created, "existing": existing, "enrolled": enrolled }));
    }
    answer(&format!("{created} accounts were made, {existing} were there, {enrolled} were enrolled.\n"))?;
    remark("To let them in: their password, `tayang user link EMAIL`, or \"forgotten password\" on the sign-in page");
    Ok(())
}

fn read(file: &Path) -> Result<Vec<User>, Failure> {
    let wrong = |line: u64, why: &str| usage(format!("{} line {line}: {why}", file.display()));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let mut users: Vec<User> = Vec::new();
    let mut seen = HashSet::new();
    for record in reader.deserialize::<Line>() {
        let line = users.len() as u64 + 2;
        let record = record.map_err(|error| wrong(line, &error.to_string()))?;
        if users.len() >= LINES_MAX {
            return Err(wrong(line, "is one too many: split the file"));
        }
        let mut user = user_of(&record).map_err(|error| wrong(line, error.message()))?;
        user.password = hash_of(record.password_hash).map_err(|why| wrong(line, why))?;
        if !seen.insert(user.email.clone()) {
            return Err(wrong(line, "has an address that an earlier line has"));
        }
        users.push(user);
    }
    Ok(users)
}

fn user_of(line: &Line) -> Result<User, Failure> {
    let given = |text: &Option<String>, preset: &str| match text.as_deref() {
        None | Some("") => preset.to_owned(),
        Some(text) => text.to_owned(),
    };
    let roles = given(&line.roles, "mentee");
    let roles: Vec<String> = roles.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let name = line.name.as_deref().filter(|name| !name.is_empty());
    described(&line.email, name, &roles, &given(&line.locale, "id"), given(&line.zone, "Asia/Jakarta"), now())
}

fn hash_of(text: Option<String>) -> Result<Option<Redacted<String>>, &'static str> {
    let Some(hash) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_hash = hash.starts_with(HASH_PREFIX) && hash.len() <= HASH_LENGTH_MAX && hash.split('$').count() == 6;
    if is_hash { Ok(Some(Redacted(hash))) } else { Err("password_hash must be a PHC string of argon2id, or empty") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Result<Vec<User>, String> {
        let folder = tempfile::tempdir().expect("temporary directory");
        let file = folder.path().join("class.csv");
        std::fs::write(&file, text).expect("written");
        read(&file).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn lines_become_accounts_with_what_they_leave_out_filled_in() {
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
        let text = format!(
            "email,name,roles,password_hash\nSatu@School.test,Mentee Satu,,\"{hash}\"\ndua@school.test,,\"mentor,mentee\",\n"
        );
        let users = from(&text).expect("right");
        assert_eq!(users[0].email, "satu@school.test");
        assert_eq!(users[0].password, Some(Redacted(hash.to_owned())));
        assert!(users[0].roles.mentee && !users[0].roles.mentor);
        assert_eq!((users[1].name.as_str(), users[1].zone.as_str()), ("dua", "Asia/Jakarta"));
        assert!(users[1].roles.mentor && users[1].password.is_none());
    }

    #[test]
    fn a_wrong_line_is_named_and_a_hash_is_not_repeated() {
        for (text, part) in [
            ("email\nsatu@school.test\nno address\n", "line 3"),
            ("email,nama\nsatu@school.test,x\n", "nama"),
            ("email\nsatu@school.test\nSATU@school.test\n", "line 3"),
            ("email,roles\nsatu@school.test,teacher\n", "line 2"),
            ("email,password_hash\nsatu@school.test,rahasia-sekali\n", "PHC string"),
        ] {
            let error = from(text).expect_err(text);
            assert!(error.contains(part) && !error.contains("rahasia-sekali"), "{error}");
        }
    }
}
