//! `tayang secret`: what the server itself signs with. No value is ever shown.

use control::playback::SIGNS_AFTER_MS;
use control::secrets::{Older, SecretName, SecretSeen};
use control::{RepositoryError, keys};
use serde_json::{Value, json};

use super::{answer, answer_json, now, open, remark, table};
use crate::cli::Secret as Command;
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Does one of them.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::List(json) => list(config, json.json).await,
        Command::Rotate { name, all: _, json } => rotate(config, name, json.json).await,
        Command::Retire { name, all_older, json } => {
            retire(config, name, if all_older { Older::All } else { Older::Oldest }, json.json).await
        }
    }
}

/// What a key made that is retired, and what becomes of it.
fn ends(name: SecretName) -> &'static str {
    match name {
        SecretName::Playback => {
            "playback tokens that it signed are refused within three seconds, and what plays by one is closed: players that \
             were renewed since the newer key signs (70 s after it was made, then within two minutes) go on with their newer \
             token, others ask for one; downloads and addresses with a token in them begin anew"
        }
        SecretName::Calendar => {
            "addresses of calendars that it signed answer 404: each person copies theirs anew into their calendar program"
        }
        SecretName::Oidc => {
            "sign-ins that were begun at the identity provider before the newer key was made begin anew"
        }
        SecretName::Passkey => {
            "whoever began to sign in by passkey, or to add one, before the newer key was made begins anew; passkeys themselves stay"
        }
        SecretName::Livego => {
            "/control/get answers another key for rooms whose key it made; the keys that were answered publish until \
             /control/reset"
        }
        SecretName::Vapid => "all devices subscribe to pushes again",
    }
}

/// From when on a new key signs.
fn signs(name: SecretName) -> String {
    match name {
        SecretName::Playback => {
            let seconds = SIGNS_AFTER_MS / 1_000;
            format!("signs in {seconds} s, when all servers know it, or as soon as the older ones are retired")
        }
        SecretName::Calendar | SecretName::Oidc | SecretName::Passkey | SecretName::Livego | SecretName::Vapid => {
            "signs from now on".to_owned()
        }
    }
}

fn require_rotated(name: SecretName) -> Result<(), Failure> {
    if name.is_rotated() {
        return Ok(());
    }
    let why =
        "vapid keeps its one key: devices subscribed to pushes for it, and with another one none of them is reached";
    Err(Failure::new(Code::Failed, why))
}

fn shown(secret: &SecretSeen) -> Value {
    json!({
        "name": secret.name,
        "kid": secret.kid,
        "created": secret.created.to_string(),
        "retired": secret.retired.map(|at| at.to_string()),
    })
}

async fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let secrets = open(config).await?.secrets_seen().await?;
    if json {
        return answer_json(&secrets.iter().map(shown).collect::<Vec<_>>());
    }
    if secrets.is_empty() {
        remark("There are none: each is made when it is first needed.");
        return Ok(());
    }
    let row = |secret: &SecretSeen| {
        let state = secret.retired.map_or_else(|| "stands".to_owned(), |at| format!("retired {at}"));
        vec![secret.name.clone(), secret.kid.to_string(), secret.created.to_string(), state]
    };
    answer(&table(&["NAME", "KEY", "CREATED", "STATE"], &secrets.iter().map(row).collect::<Vec<_>>()))
}

/// That of `name`, or of all that have a key and take another. If one fails, those before it are made, and said.
async fn rotate(config: &Config, name: Option<SecretName>, json: bool) -> Result<(), Failure> {
    name.map_or(Ok(()), require_rotated)?;
    let (store, at) = (open(config).await?, now());
    let (mut made, mut ended) = (Vec::new(), Ok(()));
    for one in SecretName::ALL.iter().copied().filter(|one| one.is_rotated() && name.is_none_or(|name| name == *one)) {
        match store.rotate_secret(one, &keys::generate(), at).await {
            Ok(kid) => made.push((one, kid)),
            Err(RepositoryError::NotFound(_)) if name.is_none() => {}
            Err(error) => {
                ended = Err(not_rotated(one, error));
                break;
            }
        }
    }
    if json && (ended.is_ok() || !made.is_empty()) {
        let shown =
            |&(name, kid): &(SecretName, i64)| json!({ "name": name.as_str(), "kid": kid, "created": at.to_string() });
        answer_json(&made.iter().map(shown).collect::<Vec<_>>())?;
    }
    if json {
        return ended;
    }
    for (name, kid) in &made {
        answer(&format!("{}: key {kid} {}; the older ones still verify.\n", name.as_str(), signs(*name)))?;
    }
    ended?;
    if name.is_none() {
        remark("vapid keeps its one key: devices subscribed to pushes for it.");
    }
    remark("To end what the older ones signed: tayang secret retire NAME --all-older");
    Ok(())
}

fn not_rotated(name: SecretName, error: RepositoryError) -> Failure {
    let name = name.as_str();
    match error {
        RepositoryError::NotFound(_) => {
            Failure::new(Code::NotFound, format!("{name} has no key yet: its first is made when it is needed"))
        }
        RepositoryError::Exists(_) => {
            Failure::new(Code::Failed, format!("somebody else made a key of {name} in the same moment"))
        }
        error => error.into(),
    }
}

async fn retire(config: &Config, name: SecretName, which: Older, json: bool) -> Result<(), Failure> {
    require_rotated(name)?;
    let (store, at, word) = (open(config).await?, now(), name.as_str());
    let retired = store.retire_secrets(name, which, at).await?;
    if retired.is_empty() {
        let advice = format!("{word} has no older key; a new one: tayang secret rotate {word}");
        return Err(Failure::new(Code::NotFound, advice));
    }
    if json {
        return answer_json(&json!({ "name": word, "retired": retired, "ends": ends(name) }));
    }
    for kid in &retired {
        answer(&format!("{word}: key {kid} is retired.\n"))?;
    }
    remark(&format!("What it means: {}.", ends(name)));
    Ok(())
}
