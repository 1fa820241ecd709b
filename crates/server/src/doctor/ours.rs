//! What is ours on the machine: data directory, disk, database, objects, certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use object_store::ObjectStoreExt as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use store::objects;

use super::Finding;
use crate::config::{Config, TlsFiles};

/// An hour of 3 Mbit/s.
const HOUR_BYTES: u64 = 1_350_000_000;

/// How long a distant object store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether we may write where we must.
pub(super) fn data_directory(config: &Config) -> Vec<Finding> {
    [("data_dir", &config.data_dir), ("recording.journal_dir", &config.recording.journal_dir)]
        .into_iter()
        .map(|(key, path)| writable(key, path))
        .collect()
}

pub(super) fn writable(key: &str, path: &Path) -> Finding {
    let Some(existing) = existing(path) else {
        return Finding::problem("directory", format!("{key} {} is nowhere", path.display()), format!("set {key}"));
    };
    match tempfile_in(existing) {
        Ok(()) if existing == path => Finding::ok("directory", format!("{key} {} is writable", path.display())),
        Ok(()) => Finding::ok("directory", format!("{key} {} will be made", path.display())),
        Err(error) => Finding::problem(
            "directory",
            format!("cannot write in {} for {key}: {error}", existing.display()),
            format!("`chown` it to the user that runs tayang, or set {key}"),
        ),
    }
}

/// The nearest directory on the way to `path` that exists.
fn existing(path: &Path) -> Option<&Path> {
    path.ancestors()
        .map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path })
        .find(|path| path.exists())
}

fn tempfile_in(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".tayang-doctor-{}", std::process::id()));
    fs::File::create_new(&path)?;
    fs::remove_file(&path)
}

/// How much recording the journal's disk has room for.
pub(super) fn disk(config: &Config) -> Finding {
    let journal = &config.recording.journal_dir;
    let room = existing(journal).and_then(|path| rustix::fs::statvfs(path).ok());
    let Some(room) = room else {
        let found = format!("the disk of {} cannot be examined", journal.display());
        return Finding::warning("disk", found, "see that recording.journal_dir is on a local disk");
    };
    free_space(room.f_bavail.saturating_mul(room.f_frsize), config.recording.disk_reserve_bytes)
}

pub(super) fn free_space(free: u64, reserve: u64) -> Finding {
    let hours = free.saturating_sub(reserve) / HOUR_BYTES;
    let found = format!("{} MB free: room for {hours} h of one recording at 3 Mbit/s", free / 1_000_000);
    let advice = "free some, or set recording.journal_dir to a larger disk";
    match hours {
        _ if free <= reserve => {
            let found = format!(
                "{} MB free, not more than recording.disk_reserve_bytes: nothing is recorded",
                free / 1_000_000
            );
            Finding::problem("disk", found, advice)
        }
        0..10 => Finding::warning("disk", found, advice),
        _ => Finding::ok("disk", found),
    }
}

/// Whether the database opens and reads. Makes none.
pub(super) async fn database(config: &Config) -> Finding {
    let path = config.database_file();
    if config.database_url.is_none() && !path.exists() {
        return Finding::ok("database", format!("{} will be made", path.display()));
    }
    let opened = async {
        let store = store::db::open(&config.database()).await.map_err(|error| error.to_string())?;
        store.snapshot().await.map_err(|error| error.to_string())
    };
    match opened.await {
        Ok(snapshot) => Finding::ok("database", format!("{} channels", snapshot.channels().count())),
        Err(error) => Finding::problem(
            "database",
            error,
            match config.database_url {
                Some(_) => "see that the PostgreSQL server of database_url runs and lets this user in".to_owned(),
                None => format!(
                    "see that {} belongs to the user that runs tayang; or restore it from a backup",
                    path.display()
                ),
            },
        ),
    }
}

/// Whether the object store answers.
pub(super) async fn objects(config: &Config) -> Finding {
    let location = &config.recording.objects;
    if let objects::Location::Directory(path) = location {
        return writable("recording.objects", path);
    }
    let advice =
        "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, recording.objects and recording.s3_endpoint";
    let store = match objects::open(location, config.recording.s3_endpoint.as_deref()) {
        Ok(store) => store,
        Err(error) => return Finding::problem("objects", error.to_string(), advice),
    };
    let key = object_store::path::Path::from("tayang-doctor");
    match tokio::time::timeout(STORE_TIMEOUT, store.head(&key)).await {
        Ok(Ok(_) | Err(object_store::Error::NotFound { .. })) => Finding::ok("objects", "the object store answers"),
        Ok(Err(error)) => Finding::problem("objects", format!("the object store refuses: {error}"), advice),
        Err(_) => {
            let found = format!("the object store does not answer within {} s", STORE_TIMEOUT.as_secs());
            Finding::problem("objects", found, advice)
        }
    }
}

/// Whether certificate and key can be read, and by whom.
pub(super) fn certificate(config: &Config) -> Option<Finding> {
    let served = config.https_addr.is_some() || config.rtmps_addr.is_some();
    match &config.tls {
        Some(files) => Some(tls_files(files)),
        None if served => Some(Finding::warning(
            "tls",
            "no certificate is set: a self-signed one is made, which browsers and OBS refuse",
            "set tls_cert_file and tls_key_file (for instance from certbot)",
        )),
        None => None,
    }
}

pub(super) fn tls_files(files: &TlsFiles) -> Finding {
    let cert = files.cert_file.display();
    let key = files.key_file.display();
    let certificates = CertificateDer::pem_file_iter(&files.cert_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Err(error) => {
            return Finding::problem("tls", format!("cannot read {cert}: {error}"), "set tls_cert_file to a PEM file");
        }
        Ok(certificates) if certificates.is_empty() => {
            return Finding::problem("tls", format!("{cert} holds no certificate"), "set tls_cert_file to a PEM file");
        }
        Ok(_) => {}
    }
    if let Err(error) = PrivateKeyDer::from_pem_file(&files.key_file) {
        return Finding::problem("tls", format!("cannot read {key}: {error}"), "set tls_key_file to a PEM file");
    }
    let open = fs::metadata(&files.key_file).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
    if open {
        return Finding::warning(
            "tls",
            format!("{key} may be read by everybody on this machine"),
            format!("`chmod o= {key}`"),
        );
    }
    Finding::ok("tls", "certificate and key can be read")
}
