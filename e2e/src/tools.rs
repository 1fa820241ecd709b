//! What `cargo xtask test` installs beside the system's programs.

use std::path::PathBuf;

/// A folder in `tools` of the target directory that this test was built in.
///
/// # Panics
/// When it is not there.
#[must_use]
#[track_caller]
pub fn folder(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let target = test.ancestors().nth(3).expect("tests lie in target/PROFILE/deps");
    let folder = target.join("tools").join(name);
    assert!(folder.is_dir(), "{} is not there: run `cargo xtask test --only setup` first", folder.display());
    folder
}
