//! A bucket of an S3-compatible store: moto's server, which keeps objects in memory and speaks S3 over HTTP.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::Child;
use crate::{http, poll, tools};

/// Python imports a lot.
const START: Duration = Duration::from_secs(30);

/// Whom the store takes us for.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-store"), ("AWS_REGION", "us-east-1")];

/// A bucket named `kelas` in a store of its own.
#[derive(Debug)]
pub struct Bucket {
    child: Child,
    address: SocketAddr,
}

impl Bucket {
    /// Starts the store and makes the bucket.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(folder: &Path) -> Self {
        // The store takes no port 0: this one was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", tools::folder("moto")).args(["-m", "moto.server", "--host", "127.0.0.1", "--port"]);
        command.arg(address.port().to_string());
        let mut child = Child::start("the object store", command, &folder.join("object-store.log"));
        let made = poll::try_until(START, || {
            assert!(child.ended().is_none(), "{}", child.last_words());
            http::request(address, "PUT", "/kelas", &[("Content-Length", "0")]).ok()
        });
        let made = made.unwrap_or_else(|| panic!("no object store: {}", child.last_words()));
        assert_eq!(made.status, 200, "{}", made.text());
        Self { child, address }
    }

    /// What a server that keeps recordings here has in its configuration, behind `[recording]`.
    #[must_use]
    pub fn config(&self) -> String {
        format!("objects = \"s3://kelas/rekaman\"\ns3_endpoint = \"http://{}\"\n", self.address)
    }

    /// Keys of the objects.
    ///
    /// # Panics
    /// When the store does not answer.
    #[must_use]
    #[track_caller]
    pub fn keys(&self) -> Vec<String> {
        let listed = http::get(self.address, "/kelas?list-type=2").expect("the store answers").text();
        let between = |rest: &str| rest.split_once("</Key>").map(|(key, _)| key.to_owned());
        listed.split("<Key>").skip(1).filter_map(between).collect()
    }

    /// It answers nothing until [`Bucket::goes_on`], as a network that hangs.
    pub fn hangs(&mut self) {
        self.child.signal(Signal::STOP);
    }

    /// It answers again, what it was asked meanwhile too.
    pub fn goes_on(&mut self) {
        self.child.signal(Signal::CONT);
    }
}
