//! Who may run at the same time. Two cores carry two ordinary scenarios, and one that needs the machine for itself.

use std::fs::File;
use std::path::PathBuf;

/// Held while a scenario runs; freed when dropped, also when the process dies.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

/// Waits for a turn beside others.
///
/// # Panics
/// When the lock file cannot be made.
#[must_use]
pub fn together() -> Turn {
    let file = open("machine");
    file.lock_shared().expect("a lock on a local file");
    Turn { _lock: file }
}

/// Waits until no other scenario of this kind runs: two browsers at once would starve each other.
///
/// # Panics
/// When the lock file cannot be made.
#[must_use]
pub fn one_of(kind: &str) -> Turn {
    let file = open(kind);
    file.lock().expect("a lock on a local file");
    Turn { _lock: file }
}

fn open(kind: &str) -> PathAndFile {
    let folder: PathBuf = std::env::temp_dir();
    let path = folder.join(format!("tayang-e2e-{kind}.lock"));
    File::options().create(true).truncate(false).write(true).open(&path).expect("a lock file in the temporary folder")
}

type PathAndFile = File;
