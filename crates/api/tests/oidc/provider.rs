//! A provider of OpenID Connect as a process: npm `oidc-provider`, through `provider.mjs` beside this file.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The name by which it knows us, and the secret of that.
pub const CLIENT: (&str, &str) = ("tayang", "rahasia & lain");

/// Where the provider is installed, once for all runs. `None`: there is no npm.
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let install = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder").join("tools/oidc");
        std::fs::create_dir_all(&folder).expect("made");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg("oidc-provider@9.13.3");
            match npm.output() {
                Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
                Err(error) => {
                    assert!(std::env::var_os("CI").is_none(), "npm is not installed: {error}");
                    eprintln!("npm is not installed: nothing is shown");
                    return None;
                }
            }
        }
        std::fs::write(folder.join("provider.mjs"), include_str!("provider.mjs")).expect("written");
        Some(folder)
    };
    FOLDER.get_or_init(install).as_deref()
}

/// Runs until it is dropped.
pub struct Provider {
    process: Child,
    /// Its issuer.
    pub origin: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Provider {
    /// `None`: there is no npm to install it with.
    pub fn start() -> Option<Self> {
        let mut process = Command::new("node")
            .arg(installed()?.join("provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs where npm does");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let origin = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
        Some(Self { process, origin: origin.expect("it starts") })
    }
}
