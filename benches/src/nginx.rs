//! The peer: nginx with `libnginx-mod-rtmp` as Debian ships it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::process::Server;

/// A running nginx-rtmp.
pub struct Nginx {
    /// The process.
    pub server: Server,
    /// `127.0.0.1:port` of RTMP.
    pub rtmp: String,
    /// `127.0.0.1:port` of HTTP, which serves the files under [`Self::files`].
    pub http: String,
    directory: tempfile::TempDir,
}

/// True if it is installed.
#[must_use]
pub fn available() -> bool {
    Path::new("/usr/sbin/nginx").exists() && Path::new("/usr/lib/nginx/modules/ngx_rtmp_module.so").exists()
}

impl Nginx {
    /// Starts it with one worker: its RTMP module keeps a stream's players in the publisher's worker.
    pub fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (port, http_port) = (free_port()?, free_port()?);
        let root = directory.path().display();
        let configuration = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
             daemon off; master_process on; worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log;\n\
             user root; worker_rlimit_nofile 65536;\n\
             events {{ worker_connections 20000; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 65536; \
             application live {{ live on; wait_key on; interleave on; }} }} }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; \
             open_file_cache max=1000; server {{ listen 127.0.0.1:{http_port} backlog=4096; root {root}/files; }} }}\n"
        );
        fs::create_dir(directory.path().join("files"))?;
        // Its workers may run as another user.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration)?;
        let server = Server::start("nginx-rtmp", Command::new("/usr/sbin/nginx").arg("-c").arg(&file))?;
        let rtmp = format!("127.0.0.1:{port}");
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(&rtmp).is_err() {
            ensure!(
                Instant::now() < deadline,
                "nginx did not start: {:?}",
                fs::read_to_string(directory.path().join("error.log"))
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { server, rtmp, http: format!("127.0.0.1:{http_port}"), directory })
    }

    /// The folder whose files it serves.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
