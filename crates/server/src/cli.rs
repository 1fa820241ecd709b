//! The command line: what may be typed. What it does is in [`crate::commands`]. An interface: `docs/cli.md`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use control::secrets::SecretName;
use media::{ChannelPath, Name};

use crate::commands::PublishTest;
use crate::config::Sources;

/// Live streaming server: RTMP in; low-latency HLS, DASH, FLV and RTMP out; recordings that survive.
#[derive(Debug, Parser)]
#[command(name = "tayang", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// Where everything lies: database, journals, recordings [default: tayang-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file [default: tayang.toml in the data directory, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Serve),
    /// Channels and their keys; works whether the server runs or not
    #[command(subcommand)]
    Channel(Channel),
    /// Recordings
    #[command(subcommand)]
    Recording(Recording),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// People: their accounts, roles and sign-in links; works whether the server runs or not
    #[command(subcommand)]
    User(User),
    /// What the server itself signs with; works whether the server runs or not
    #[command(subcommand)]
    Secret(Secret),
    /// Publish a test signal made by ffmpeg to a channel of the server that runs on this data directory
    PublishTest(PublishTest),
    /// Copy the database, as of one moment, into a new folder; works while the server runs
    Backup(Backup),
    /// Put a backup in the place of the database; the server must not run
    Restore(Restore),
    /// Look at ports, disk, ffmpeg, clock and limits, and say what to do
    Doctor(Json),
    /// Describe the API of this version, as OpenAPI 3.1 in JSON
    Openapi,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Listen here for HTTP; port 0 takes any free one
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Listen here for HTTPS
    #[arg(long, value_name = "ADDR")]
    https: Option<SocketAddr>,
    /// Listen here for RTMP
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<SocketAddr>,
    /// Listen here for RTMPS
    #[arg(long, value_name = "ADDR")]
    rtmps: Option<SocketAddr>,
    /// Write the bound addresses and the pid here, as JSON, once every listener accepts
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The new folder
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
    /// Copy the recordings too, where they lie in a directory
    #[arg(long)]
    pub recordings: bool,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder that `tayang backup` made
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Replace the database that is there; SQLite's is kept beside it
    #[arg(long)]
    pub replace: bool,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Answer for programs.
#[derive(Clone, Copy, Debug, Args)]
pub struct Json {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Which channel.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Name of the channel, or APP/NAME
    name: String,
    /// Application of the channel [default: live]
    #[arg(long)]
    app: Option<Name>,
}

impl Target {
    /// The channel's path.
    ///
    /// # Errors
    /// A sentence, if it is none.
    pub fn path(&self) -> Result<ChannelPath, String> {
        let (app, name) = match (self.name.split_once('/'), &self.app) {
            (None, app) => (app.as_ref().map_or("live", Name::as_str), self.name.as_str()),
            (Some((app, name)), None) => (app, name),
            (Some((app, name)), Some(given)) if given.as_str() == app => (app, name),
            (Some(_), Some(given)) => return Err(format!("{} is not in the application {given}", self.name)),
        };
        let parse = |text: &str| text.parse::<Name>().map_err(|error| format!("{text:?} cannot be a name: {error}"));
        Ok(ChannelPath { app: parse(app)?, name: parse(name)? })
    }
}

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub enum Channel {
    /// Make a channel and its first key, which is shown this once
    Create {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// Record its streams (the default)
        #[arg(long, overrides_with = "no_record")]
        record: bool,
        /// Record nothing
        #[arg(long)]
        no_record: bool,
        /// Let anyone play it (the default)
        #[arg(long, overrides_with = "private")]
        public: bool,
        /// Let it be played with a signature only
        #[arg(long)]
        private: bool,
        /// Accept signatures in the MD5 form of Node-Media-Server too. A link to play then also lets one publish
        #[arg(long)]
        legacy_md5: bool,
        /// What to call the key
        #[arg(long, default_value = "")]
        label: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// List channels and their keys (never the keys themselves)
    List(Json),
    /// Make a key more, which is shown this once
    AddKey {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// What to call the key
        #[arg(long, default_value = "")]
        label: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Make a new key and revoke all others of the channel at once
    RotateKey {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// What to call the key
        #[arg(long, default_value = "")]
        label: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Revoke one key at once; whoever publishes with it is cut
    RevokeKey {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// Id of the key, from `channel list`
        key_id: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Make links that carry a signature and end by themselves
    SignUrl {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// For publishing, not for playing
        #[arg(long)]
        publish: bool,
        /// Until when, in seconds from now
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32))]
        expires_in_s: u32,
        /// In the MD5 form of Node-Media-Server, for publishing
        #[arg(long, requires = "publish")]
        legacy_md5: bool,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Show the secrets that other programs need to sign for this channel
    Secrets {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Delete a channel; its recordings are kept
    Delete {
        /// Which.
        #[command(flatten)]
        target: Target,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
}

/// What to do with recordings.
#[derive(Debug, Subcommand)]
pub enum Recording {
    /// List recordings, oldest first
    List {
        /// Of this channel only: NAME or APP/NAME
        #[arg(long)]
        channel: Option<String>,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Prove recordings: every segment and the MP4, with ffprobe's opinion where it is installed
    Verify {
        /// Which: ID or APP/NAME/ID, from `recording list`
        #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ID")]
        ids: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Write the MP4 of a recording to a file
    Export {
        /// Which: ID or APP/NAME/ID, from `recording list`
        id: String,
        /// Where to
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
}

/// What to do with people.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account, without a password; its address counts as confirmed
    Create {
        /// E-mail address
        email: String,
        /// As others see them [default: what stands before the @]
        #[arg(long)]
        name: Option<String>,
        /// Of mentee, mentor, operator, with commas between
        #[arg(long, value_delimiter = ',', default_value = "mentee")]
        roles: Vec<String>,
        /// Language of what the server says to them: id or en
        #[arg(long, default_value = "id")]
        locale: String,
        /// Their time zone
        #[arg(long, default_value = "Asia/Jakarta")]
        zone: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Make a link that signs somebody in, once, within 24 hours; the one before is void
    Link {
        /// E-mail address
        email: String,
        /// Open it in mymentor or mymentee [default: by their roles]
        #[arg(long, value_parser = ["mymentor", "mymentee"])]
        app: Option<String>,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Make the accounts of a CSV file with a heading: email, and if wanted name, roles, locale, zone, password_hash
    Import {
        /// The file
        file: PathBuf,
        /// Enrol them all in this course
        #[arg(long, value_name = "ID")]
        course: Option<control::Uuid>,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// List accounts
    List {
        /// Whose address or name has this in it
        #[arg(long, default_value = "")]
        query: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Let somebody do nothing any more, and sign out all their devices
    Suspend {
        /// E-mail address
        email: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Let somebody in again who was suspended
    Restore {
        /// E-mail address
        email: String,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
}

/// What to do with what the server signs with.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// List the keys (never the keys themselves): name, number, when each was made and retired
    List(Json),
    /// Make a new key, which signs from now on; the older ones still verify
    Rotate {
        /// Of playback, calendar, oidc, passkey, livego
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<SecretName>,
        /// Of all that have one, but vapid
        #[arg(long)]
        all: bool,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
    /// Let the oldest key verify no more: what it signed ends
    Retire {
        /// Of playback, calendar, oidc, passkey, livego
        name: SecretName,
        /// All but the newest
        #[arg(long)]
        all_older: bool,
        /// How to answer.
        #[command(flatten)]
        json: Json,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show each setting: value, source, unit and range
    Explain(Json),
}

impl Target {
    /// A channel written as NAME or APP/NAME.
    #[must_use]
    pub fn written(text: &str) -> Self {
        Self { name: text.to_owned(), app: None }
    }
}

/// Reads the command line.
///
/// # Errors
/// The code to end with, when help was asked for or the line is wrong; it has been said then.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(arguments).map_err(|error| {
        // Help goes to standard output, errors to standard error; nobody is left to tell if that is closed.
        let _ = error.print();
        u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
    })
}

impl Cli {
    /// Where this run takes its settings from.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with("TAYANG_"))
            .collect();
        let file = self.config.clone().or_else(|| environment.get("TAYANG_CONFIG").map(PathBuf::from));
        let mut flags = Vec::new();
        if let Some(data_dir) = &self.data_dir {
            flags.push(("data_dir", data_dir.to_string_lossy().into_owned()));
        }
        if let Command::Serve(serve) = &self.command {
            let addresses = [
                ("http_addr", serve.http),
                ("https_addr", serve.https),
                ("rtmp_addr", serve.rtmp),
                ("rtmps_addr", serve.rtmps),
            ];
            flags.extend(addresses.into_iter().filter_map(|(key, address)| Some((key, address?.to_string()))));
        }
        Sources { file, environment, flags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_data_directory_may_stand_before_and_after_the_command() {
        for line in
            ["tayang --data-dir D channel list", "tayang channel list --data-dir D", "tayang channel --data-dir D list"]
        {
            let cli = Cli::try_parse_from(line.split(' ')).expect(line);
            assert_eq!(cli.sources().flags, vec![("data_dir", "D".to_owned())], "{line}");
        }
    }

    #[test]
    fn a_channel_is_named_with_or_without_its_application() {
        let target = |name: &str, app: Option<&str>| {
            let target = Target { name: name.to_owned(), app: app.map(|app| app.parse().expect("name")) };
            target.path().map(|path| path.to_string())
        };
        assert_eq!(target("kelas", None).as_deref(), Ok("live/kelas"));
        assert_eq!(target("kelas", Some("video")).as_deref(), Ok("video/kelas"));
        assert_eq!(target("video/kelas", None).as_deref(), Ok("video/kelas"));
        assert_eq!(target("video/kelas", Some("video")).as_deref(), Ok("video/kelas"));
        for (name, app) in [("video/kelas", Some("live")), ("a/b/c", None), ("../x", None), ("", None), ("a b", None)] {
            assert!(target(name, app).is_err(), "{name}");
        }
    }

    #[test]
    fn the_last_of_record_and_no_record_counts() {
        let parse = |line: &str| match Cli::try_parse_from(line.split(' ')).expect(line).command {
            Command::Channel(Channel::Create { no_record, private, .. }) => (no_record, private),
            other => panic!("{other:?}"),
        };
        assert_eq!(parse("tayang channel create a"), (false, false));
        assert_eq!(parse("tayang channel create a --no-record --private"), (true, true));
        assert_eq!(parse("tayang channel create a --no-record --record --private --public"), (false, false));
    }
}
