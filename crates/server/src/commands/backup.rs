//! `tayang backup` and `tayang restore`.
//!
//! A backup is a folder: `tayang.db` (or `database.dump` of PostgreSQL), `backup.json`, and with `--recordings` the objects of
//! recordings, which never change once they exist. It has its name only once it is whole.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::db::{self, backup};
use store::objects;

use super::{answer, answer_json, now, remark};
use crate::addresses::BoundAddresses;
use crate::cli::{Backup, Restore};
use crate::config::{Config, server_file};
use crate::failure::{Code, Failure};

const ABOUT: &str = "backup.json";

/// `backup.json`.
#[derive(Debug, Deserialize, Serialize)]
struct About {
    /// Version of the program that made it.
    version: String,
    /// RFC 3339: what was committed before is in it.
    made: String,
    /// Name of the database's copy in the folder.
    database: String,
    /// Of that copy.
    sha256: String,
    bytes: u64,
    /// Objects of recordings beside it; none: they were not asked for.
    objects: Option<u64>,
}

/// Copies the database, and recordings if asked for.
pub(super) async fn run(config: &Config, options: &Backup) -> Result<(), Failure> {
    let to = &options.to;
    if to.exists() {
        return Err(Failure::new(Code::Exists, format!("{} is there: name a new folder", to.display())));
    }
    let objects_dir = match (&config.recording.objects, options.recordings) {
        (_, false) => None,
        (objects::Location::Directory(path), true) => Some(path),
        (_, true) => {
            let text = "recordings lie in a bucket: copy that with its own tools, and leave out --recordings";
            return Err(Failure::new(Code::Usage, text));
        }
    };
    let partial = PathBuf::from(format!("{}.partial", to.display()));
    fs::remove_dir_all(&partial).ok();
    fs::create_dir_all(&partial)?;
    let location = config.database();
    let database = match location {
        db::Location::File(_) => "tayang.db",
        db::Location::Postgres { .. } => "database.dump",
    };
    let (made, copy) = (now().to_string(), partial.join(database));
    backup::copy(&location, &copy).await?;
    // Behind the database: whatever that tells of was there before.
    let objects = objects_dir.map(|from| copy_tree(from, &partial.join("objects"))).transpose()?;
    let (sha256, bytes) = digest(&copy)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let about = About { version, made, database: database.to_owned(), sha256, bytes, objects };
    let file = partial.join(ABOUT);
    fs::write(&file, serde_json::to_vec_pretty(&about)?)?;
    fs::File::open(&file)?.sync_all()?;
    fs::File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
    if options.json {
        return answer_json(&serde_json::json!({ "backup": to, "about": about }));
    }
    answer(&format!("{}\n", to.display()))?;
    if objects_dir.is_none() {
        remark("recordings are not in it; their files never change, so any tool copies them (or --recordings)");
    }
    Ok(())
}

/// Puts a backup in the place of what is there.
pub(super) async fn restore(config: &Config, options: &Restore) -> Result<(), Failure> {
    if BoundAddresses::is_of_another(&server_file(&config.data_dir)) {
        let text = format!("a server runs on {}: stop it first", config.data_dir.display());
        return Err(Failure::new(Code::Failed, text));
    }
    let from = &options.from;
    let about = fs::read(from.join(ABOUT)).map_err(|error| {
        Failure::new(Code::NotFound, format!("{} is no backup: {ABOUT} cannot be read: {error}", from.display()))
    })?;
    let about: About = serde_json::from_slice(&about)?;
    let name = Path::new(&about.database).file_name().unwrap_or_default();
    let copy = from.join(name);
    if digest(&copy)?.0 != about.sha256 {
        let text = format!("{} is not what was backed up: its checksum differs", copy.display());
        return Err(Failure::new(Code::Problem, text));
    }
    let location = config.database();
    let fits = match location {
        db::Location::File(_) => about.database == "tayang.db",
        db::Location::Postgres { .. } => about.database == "database.dump",
    };
    if !fits {
        let text = format!("the backup holds {}, which is not of the configured kind of database", about.database);
        return Err(Failure::new(Code::Usage, text));
    }
    let kept = backup::restore(&location, &copy, options.replace).await.map_err(|error| match error {
        backup::BackupError::Exists(_) => Failure::new(Code::Exists, format!("{error} (--replace)")),
        other => other.into(),
    })?;
    let objects = match (&config.recording.objects, from.join("objects")) {
        (objects::Location::Directory(to), objects) if objects.is_dir() => copy_tree(&objects, to)?,
        _ => 0,
    };
    if options.json {
        return answer_json(
            &serde_json::json!({ "restored": from, "made": about.made, "kept": kept, "objects": objects }),
        );
    }
    answer(&format!("restored what was committed before {}\n", about.made))?;
    if let Some(kept) = kept {
        remark(&format!("the database that was there is {}", kept.display()));
    }
    Ok(())
}

/// SHA-256 in hexadecimal, and length.
fn digest(path: &Path) -> Result<(String, u64), Failure> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        length += read as u64;
    }
    let text = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text, length))
}

/// Copies the files that are not there yet; answers how many there are then. What is being written (`#` in its name, as the
/// object store's temporary files have it) is left.
fn copy_tree(from: &Path, to: &Path) -> Result<u64, Failure> {
    let mut files = 0;
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), target));
                continue;
            }
            if entry.file_name().to_string_lossy().contains('#') {
                continue;
            }
            if target.metadata().is_ok_and(|there| entry.metadata().is_ok_and(|here| here.len() == there.len())) {
                files += 1;
                continue;
            }
            let partial = target.with_extension("partial");
            fs::copy(entry.path(), &partial)?;
            fs::File::open(&partial)?.sync_all()?;
            fs::rename(&partial, &target)?;
            files += 1;
        }
    }
    Ok(files)
}
