//! `tayang channel`.

use control::teaching::lessons::LESSON_APP;
use control::{ChannelOptions, Repository, StreamKey, Uuid, sign};
use media::{ChannelPath, UnixMillis};
use serde::Serialize;
use serde_json::json;

use super::{answer, answer_json, now, open, remark, table};
use crate::addresses::{Origins, PlayUrls, PublishUrls, recordings_url};
use crate::cli::{Channel as Command, Target};
use crate::config::Config;
use crate::failure::{Code, Failure};

/// Does one of them.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { target, no_record, private, legacy_md5, label, json, .. } => {
            let options = ChannelOptions { record: !no_record, public: !private, legacy_md5 };
            create(config, &path(&target)?, &options, &label, json.json).await
        }
        Command::List(json) => list(config, json.json).await,
        Command::AddKey { target, label, json } => new_key(config, &path(&target)?, &label, false, json.json).await,
        Command::RotateKey { target, label, json } => new_key(config, &path(&target)?, &label, true, json.json).await,
        Command::RevokeKey { target, key_id, json } => revoke(config, &path(&target)?, &key_id, json.json).await,
        Command::SignUrl { target, publish, expires_in_s, legacy_md5, json } => {
            let expires_s = now().seconds() + i64::from(expires_in_s);
            sign_url(config, &path(&target)?, publish, legacy_md5, expires_s, json.json).await
        }
        Command::Secrets { target, json } => secrets(config, &path(&target)?, json.json).await,
        Command::Delete { target, json } => delete(config, &path(&target)?, json.json).await,
    }
}

fn path(target: &Target) -> Result<ChannelPath, Failure> {
    let path = target.path().map_err(|message| Failure::new(Code::Usage, message))?;
    if path.app.as_str() == LESSON_APP {
        let message = format!("{path} is a lesson's: its mentor opens and closes it, and gives its key");
        return Err(Failure::new(Code::Usage, message));
    }
    Ok(path)
}

async fn existing(store: &dyn Repository, path: &ChannelPath) -> Result<control::Channel, Failure> {
    store.channel(path).await?.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("there is no channel {path}; `tayang channel list` shows all"))
    })
}

/// The stable answer of `channel create`, and of what makes keys.
#[derive(Serialize)]
struct Created<'a> {
    id: Uuid,
    app: &'a str,
    name: &'a str,
    key: &'a str,
    key_id: Uuid,
    record: bool,
    public: bool,
    publish: PublishUrls,
    play: PlayUrls,
    recordings: String,
}

impl<'a> Created<'a> {
    fn new(config: &Config, channel: &'a control::Channel, key: &'a str, key_id: Uuid) -> Self {
        let origins = Origins::of(config);
        let path = &channel.path;
        Self {
            id: channel.id,
            app: path.app.as_str(),
            name: path.name.as_str(),
            key,
            key_id,
            record: channel.record,
            public: channel.public,
            publish: PublishUrls::with_key(&origins, path, key),
            play: PlayUrls::new(&origins, path, None),
            recordings: recordings_url(&origins, path),
        }
    }

    fn show(&self, headline: &str) -> Result<(), Failure> {
        // OBS wants the address in two pieces.
        let server = self.publish.rtmp.strip_suffix(self.key).unwrap_or_default().trim_end_matches('/');
        let play = &self.play;
        answer(&format!(
            "{headline}\n\n\
             publish with OBS   server {server}\n\
             \x20                  stream key {}\n\
             publish by URL     {}\n\n\
             watch              {}\n\
             HLS                {}\n\
             HLS in MPEG-TS     {}\n\
             DASH               {}\n\
             FLV                {}\n\
             FLV, WebSocket     {}\n\
             RTMP               {}\n\
             recordings         {}\n\n\
             The key is shown this once. If it is lost: tayang channel rotate-key {}/{}\n",
            self.key,
            self.publish.rtmp,
            play.page,
            play.hls,
            play.ts,
            play.dash,
            play.flv,
            play.ws_flv,
            play.rtmp,
            self.recordings,
            self.app,
            self.name
        ))
    }
}

async fn create(
    config: &Config,
    path: &ChannelPath,
    options: &ChannelOptions,
    label: &str,
    json: bool,
) -> Result<(), Failure> {
    if let Some(why) = gateway::routes::target::refusal(path) {
        return Err(Failure::new(Code::Usage, format!("{why}; choose another name")));
    }
    let store = open(config).await?;
    let channel = control::Channel::create(path.clone(), options, now());
    let (kept, key) = StreamKey::create(channel.id, label, now());
    match store.create_channel(&channel, &kept).await {
        Err(control::RepositoryError::Exists(_)) => {
            let advice = format!("there is a channel {path} already; for a new key: tayang channel rotate-key {path}");
            return Err(Failure::new(Code::Exists, advice));
        }
        other => other?,
    }
    let created = Created::new(config, &channel, &key.0, kept.id);
    if json {
        answer_json(&created)?;
    } else {
        created.show(&format!("Channel {path} is ready."))?;
    }
    if !options.public {
        remark(&format!("It is private: make links to play it with `tayang channel sign-url {path}`."));
    }
    if options.legacy_md5 {
        remark("MD5 signatures are accepted: whoever has such a signature to play can publish with it as well.");
    }
    Ok(())
}

async fn new_key(
    config: &Config,
    path: &ChannelPath,
    label: &str,
    revoke_others: bool,
    json: bool,
) -> Result<(), Failure> {
    let store = open(config).await?;
    let channel = existing(store.as_ref(), path).await?;
    let (kept, key) = StreamKey::create(channel.id, label, now());
    if revoke_others {
        store.rotate_key(&kept, None).await?;
    } else {
        store.add_key(&kept, None).await?;
    }
    let created = Created::new(config, &channel, &key.0, kept.id);
    if json {
        return answer_json(&created);
    }
    created.show(&if revoke_others {
        format!("Channel {path} has a new key; all others are revoked.")
    } else {
        format!("Channel {path} has one more key.")
    })
}

async fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let snapshot = open(config).await?.snapshot().await?;
    let origins = Origins::of(config);
    let mut channels: Vec<_> = snapshot.channels().collect();
    channels.sort_by(|a, b| a.path.cmp(&b.path));
    let keys_of = |id: Uuid| {
        let mut keys: Vec<_> = snapshot.keys().filter(|key| key.channel == id).collect();
        keys.sort_by_key(|key| (key.created, key.id));
        keys
    };
    if json {
        let key = |key: &&std::sync::Arc<StreamKey>| {
            let revoked = key.revoked_at.map(|at| at.to_string());
            json!({ "id": key.id, "label": key.label, "created": key.created.to_string(), "revoked": revoked })
        };
        let entry = |channel: &&std::sync::Arc<control::Channel>| {
            json!({
                "id": channel.id,
                "app": channel.path.app.as_str(),
                "name": channel.path.name.as_str(),
                "record": channel.record,
                "public": channel.public,
                "legacy_md5": channel.legacy_md5_secret.is_some(),
                "created": channel.created.to_string(),
                "keys": keys_of(channel.id).iter().map(key).collect::<Vec<_>>(),
                "play": PlayUrls::new(&origins, &channel.path, None),
                "recordings": recordings_url(&origins, &channel.path),
            })
        };
        return answer_json(&channels.iter().map(entry).collect::<Vec<_>>());
    }
    if channels.is_empty() {
        remark("There is no channel yet. Make one: tayang channel create NAME");
        return Ok(());
    }
    let mut rows = Vec::new();
    for channel in channels {
        let word = |truth: bool, yes: &str, no: &str| (if truth { yes } else { no }).to_owned();
        let mut first = [
            channel.path.to_string(),
            word(channel.public, "public", "private"),
            word(channel.record, "recorded", "not recorded"),
        ];
        for key in keys_of(channel.id) {
            let state = key.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {at}"));
            let mut row = std::mem::take(&mut first).to_vec();
            row.extend([key.id.to_string(), state, key.label.clone()]);
            rows.push(row);
        }
    }
    answer(&table(&["CHANNEL", "ACCESS", "RECORDING", "KEY ID", "STATE", "LABEL"], &rows))
}

async fn revoke(config: &Config, path: &ChannelPath, key_id: &str, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let channel = existing(store.as_ref(), path).await?;
    let keys = store.keys(channel.id).await?;
    let Some(key) = keys.iter().find(|key| key.id.to_string() == key_id) else {
        // Not repeated: people paste keys where their ids belong.
        let advice = format!("channel {path} has no key of that id; `tayang channel list` shows the ids");
        return Err(Failure::new(Code::NotFound, advice));
    };
    store.revoke_key(key.id, None, now()).await?;
    let valid = keys.iter().filter(|other| other.id != key.id && other.revoked_at.is_none()).count();
    if json {
        answer_json(&json!({ "key_id": key.id, "revoked": true, "valid_keys": valid }))?;
    } else {
        answer(&format!("Key {key_id} of {path} is revoked; {valid} valid left.\n"))?;
    }
    if valid == 0 {
        remark(&format!("No key is left. For a new one: tayang channel add-key {path}"));
    }
    Ok(())
}

async fn sign_url(
    config: &Config,
    path: &ChannelPath,
    publish: bool,
    legacy_md5: bool,
    expires_s: i64,
    json: bool,
) -> Result<(), Failure> {
    let store = open(config).await?;
    let channel = existing(store.as_ref(), path).await?;
    let origins = Origins::of(config);
    let expires = UnixMillis(expires_s.saturating_mul(1_000)).to_string();
    if publish {
        let text = if legacy_md5 {
            sign::issue_legacy_md5(&channel, expires_s).ok_or_else(|| {
                let message = format!("channel {path} does not accept MD5: it was made without --legacy-md5");
                Failure::new(Code::Usage, message)
            })?
        } else {
            sign::issue(&channel, sign::Purpose::Publish, expires_s)
        };
        let urls = PublishUrls::with_sign(&origins, path, &text);
        return if json {
            answer_json(&json!({ "sign": text, "expires": expires, "publish": urls }))
        } else {
            answer(&format!("publish until {expires}\n{}\n", urls.rtmp))
        };
    }
    let text = sign::issue(&channel, sign::Purpose::Play, expires_s);
    let urls = PlayUrls::new(&origins, path, Some(&text));
    if json {
        answer_json(&json!({ "sign": text, "expires": expires, "play": urls }))
    } else {
        answer(&format!("watch until {expires}\n{}\n{}\n", urls.page, urls.hls))
    }
}

async fn secrets(config: &Config, path: &ChannelPath, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let channel = existing(store.as_ref(), path).await?;
    let legacy = channel.legacy_md5_secret.as_ref().map(|secret| secret.0.as_str());
    if json {
        return answer_json(&json!({ "sign_secret": channel.sign_secret.0, "legacy_md5_secret": legacy }));
    }
    let legacy = legacy.unwrap_or("not accepted");
    answer(&format!("HMAC-SHA-256  {}\nMD5           {legacy}\n", channel.sign_secret.0))
}

async fn delete(config: &Config, path: &ChannelPath, json: bool) -> Result<(), Failure> {
    let store = open(config).await?;
    let channel = existing(store.as_ref(), path).await?;
    store.delete_channel(channel.id, None, now()).await?;
    if json {
        answer_json(&json!({ "id": channel.id, "deleted": true }))
    } else {
        answer(&format!("Channel {path} is deleted. Its recordings are kept: tayang recording list\n"))
    }
}
