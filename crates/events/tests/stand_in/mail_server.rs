//! A mail server: aiosmtpd, which speaks SMTP as real ones do. What it takes lies in a folder, a file each.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Says its port, keeps each mail under a name of its own, and ends with its standard input. Recipients whose address begins
/// with `nobody` it refuses for ever, the first mail to one that begins with `later` for now.
const SERVER: &str = r#"
import asyncio, sys, uuid
from aiosmtpd.smtp import SMTP
class Keep:
    seen = set()
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later") and address not in self.seen:
            self.seen.add(address)
            return "451 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1] + "/" + uuid.uuid4().hex, "wb") as file:
            file.write(envelope.content)
        return "250 taken"
async def serve():
    loop, keep = asyncio.get_running_loop(), Keep()
    # Left to itself it asks the name service for its own name at each connection, and everybody waits for that.
    server = await loop.create_server(lambda: SMTP(keep, hostname="mail.test"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
asyncio.run(serve())
"#;

/// See the module.
pub struct MailServer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl MailServer {
    /// Starts it. `None`, and said so, where it is not installed: `cargo xtask test --only setup` installs it.
    pub fn start(folder: &Path) -> Option<Self> {
        let test = std::env::current_exe().expect("a test is a program");
        let tool = test.ancestors().nth(3).expect("tests lie in target/PROFILE/deps").join("tools/aiosmtpd");
        if !tool.is_dir() {
            assert!(std::env::var_os("CI").is_none(), "aiosmtpd is not installed");
            eprintln!("aiosmtpd is not installed: nothing is shown");
            return None;
        }
        let mut child = Command::new("python3")
            .env("PYTHONPATH", tool)
            .args(["-c", SERVER])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("no port: {line:?}"));
        Some(Self { child, folder: folder.to_owned(), port })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What it took, in no order.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.folder).expect("a folder").flatten();
        files.map(|file| std::fs::read_to_string(file.path()).expect("text")).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
