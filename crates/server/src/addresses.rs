//! Where this server is reached: what it listens on, what a running server says it listens on, and the URLs made of that.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use media::{ChannelPath, StreamId};
use serde::{Deserialize, Serialize};

use crate::config::{Config, PublicUrl, server_file};

/// Largest address file that is read. One is under 500 bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What a running server listens on: the content of the ready file and of `server.json` in the data directory. Ports are
/// the real ones, also where 0 was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundAddresses {
    /// Process id of the server.
    pub pid: u32,
    /// HTTP.
    pub http: SocketAddr,
    /// HTTPS, if on.
    pub https: Option<SocketAddr>,
    /// RTMP.
    pub rtmp: SocketAddr,
    /// RTMPS, if on.
    pub rtmps: Option<SocketAddr>,
    /// livego's HTTP-FLV port, if on.
    pub flv: Option<SocketAddr>,
    /// livego's HLS port, if on.
    pub hls: Option<SocketAddr>,
    /// The old LHLS platform's port, if on.
    pub lhls: Option<SocketAddr>,
}

impl BoundAddresses {
    /// What a server with this configuration would listen on, on behalf of process `pid`.
    #[must_use]
    pub fn configured(config: &Config, pid: u32) -> Self {
        Self {
            pid,
            http: config.http_addr,
            https: config.https_addr,
            rtmp: config.rtmp_addr,
            rtmps: config.rtmps_addr,
            flv: config.legacy.flv_addr,
            hls: config.legacy.hls_addr,
            lhls: config.legacy.lhls_addr,
        }
    }

    /// Writes the file at once or not at all: whoever waits for it never reads half of it.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", self.pid));
        let unfinished = path.with_file_name(name);
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let mut file = fs::File::create(&unfinished)?;
        let written = file.write_all(&text).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Removes a file that [`write`](Self::write) wrote, and leaves one that another server has put there since.
    pub fn remove(&self, path: &Path) {
        if Self::read(path).is_some_and(|found| found.pid == self.pid) {
            let _ = fs::remove_file(path);
        }
    }

    /// What the server that runs on this data directory listens on; `None` if none runs.
    #[must_use]
    pub fn of_running(data_dir: &Path) -> Option<Self> {
        Self::read(&server_file(data_dir)).filter(|bound| is_running(bound.pid))
    }

    /// Whether a server that runs, another than this process, says in that file what it listens on. In a container a killed
    /// server and the next often have the same id.
    pub fn is_of_another(path: &Path) -> bool {
        Self::read(path).is_some_and(|bound| bound.pid != std::process::id() && is_running(bound.pid))
    }

    fn read(path: &Path) -> Option<Self> {
        use io::Read as _;
        let mut text = String::new();
        fs::File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// Whether a process of that id runs and is of this program: ids are used again.
fn is_running(pid: u32) -> bool {
    let Some(id) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    let exists = match rustix::process::test_kill_process(id) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    };
    let name = |pid: &str| fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    exists && (name(&pid.to_string()) == name("self") || pid == std::process::id())
}

/// The beginnings of all URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// `http://host:port`
    pub http: String,
    /// `ws://host:port`
    pub ws: String,
    /// `rtmp://host:port`
    pub rtmp: String,
    /// `rtmps://host:port`, if on.
    pub rtmps: Option<String>,
}

impl Origins {
    /// From `public_url` where it is set, else from the addresses of the running server, else from the configured ones. An
    /// address that stands for all interfaces is shown as 127.0.0.1.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let bound = BoundAddresses::of_running(&config.data_dir);
        Self::new(config.public_url.as_ref(), &bound.unwrap_or_else(|| BoundAddresses::configured(config, 0)))
    }

    /// From a public URL, or from addresses.
    #[must_use]
    pub fn new(public: Option<&PublicUrl>, bound: &BoundAddresses) -> Self {
        let host = |address: SocketAddr| public.map_or_else(|| shown_host(address.ip()), |url| url.host.clone());
        let with_port = |scheme: &str, address: SocketAddr| format!("{scheme}://{}:{}", host(address), address.port());
        let (http, ws) = match public {
            Some(url) => (url.to_string(), url.to_string().replacen("http", "ws", 1)),
            None => (with_port("http", bound.http), with_port("ws", bound.http)),
        };
        let rtmps = bound.rtmps.map(|address| with_port("rtmps", address));
        Self { http, ws, rtmp: with_port("rtmp", bound.rtmp), rtmps }
    }
}

fn shown_host(ip: IpAddr) -> String {
    match ip {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Where to publish, with the secret that lets one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishUrls {
    /// Over RTMP.
    pub rtmp: String,
    /// Over RTMPS, if on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmps: Option<String>,
}

impl PublishUrls {
    /// For a stream key.
    #[must_use]
    pub fn with_key(origins: &Origins, path: &ChannelPath, key: &str) -> Self {
        Self::new(origins, &format!("{}/{key}", path.app))
    }

    /// For a signature.
    #[must_use]
    pub fn with_sign(origins: &Origins, path: &ChannelPath, sign: &str) -> Self {
        Self::new(origins, &format!("{path}?sign={sign}"))
    }

    fn new(origins: &Origins, tail: &str) -> Self {
        let rtmps = origins.rtmps.as_ref().map(|origin| format!("{origin}/{tail}"));
        Self { rtmp: format!("{}/{tail}", origins.rtmp), rtmps }
    }
}

/// Where to play a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlayUrls {
    /// The watch page.
    pub page: String,
    /// Low-latency HLS.
    pub hls: String,
    /// HLS in MPEG-TS.
    pub ts: String,
    /// DASH.
    pub dash: String,
    /// HTTP-FLV.
    pub flv: String,
    /// FLV over WebSocket.
    pub ws_flv: String,
    /// RTMP.
    pub rtmp: String,
}

impl PlayUrls {
    /// With a signature for a private channel.
    #[must_use]
    pub fn new(origins: &Origins, path: &ChannelPath, sign: Option<&str>) -> Self {
        let signed = sign.map_or_else(String::new, |sign| format!("/s/{sign}"));
        let http = format!("{}{signed}", origins.http);
        Self {
            page: format!("{http}/watch/{path}"),
            hls: format!("{http}/{path}/master.m3u8"),
            ts: format!("{http}/{path}/live.m3u8"),
            dash: format!("{http}/{path}/manifest.mpd"),
            flv: format!("{http}/{path}.flv"),
            ws_flv: format!("{}{signed}/{path}.flv", origins.ws),
            rtmp: format!("{}/{path}{}", origins.rtmp, sign.map_or_else(String::new, |sign| format!("?sign={sign}"))),
        }
    }
}

/// Where the recordings of a channel are listed.
#[must_use]
pub fn recordings_url(origins: &Origins, path: &ChannelPath) -> String {
    format!("{}/{path}/recordings", origins.http)
}

/// Playlist and MP4 of one recording.
#[must_use]
pub fn recording_urls(origins: &Origins, path: &ChannelPath, stream: StreamId) -> (String, String) {
    let base = format!("{}/{path}/{stream}", origins.http);
    (format!("{base}/master.m3u8"), format!("{base}/recording.mp4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> ChannelPath {
        ChannelPath { app: "live".parse().expect("app"), name: "kelas".parse().expect("name") }
    }

    fn bound(http: &str, rtmps: Option<&str>) -> BoundAddresses {
        let address = |text: &str| text.parse().expect("address");
        BoundAddresses {
            pid: std::process::id(),
            http: address(http),
            https: None,
            rtmp: address("0.0.0.0:1935"),
            rtmps: rtmps.map(address),
            flv: None,
            hls: None,
            lhls: None,
        }
    }

    #[test]
    fn all_interfaces_are_shown_as_this_machine() {
        for (http, shown) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://127.0.0.1:8080"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            assert_eq!(Origins::new(None, &bound(http, None)).http, shown);
        }
    }

    #[test]
    fn a_public_url_gives_the_host_of_every_url() {
        let public: PublicUrl = "https://live.example.id".parse().expect("url");
        let origins = Origins::new(Some(&public), &bound("0.0.0.0:8080", Some("0.0.0.0:1936")));
        let play = PlayUrls::new(&origins, &path(), None);
        assert_eq!(play.page, "https://live.example.id/watch/live/kelas");
        assert_eq!(play.ws_flv, "wss://live.example.id/live/kelas.flv");
        assert_eq!(play.rtmp, "rtmp://live.example.id:1935/live/kelas");
        let publish = PublishUrls::with_key(&origins, &path(), "KEY");
        assert_eq!(publish.rtmp, "rtmp://live.example.id:1935/live/KEY");
        assert_eq!(publish.rtmps.as_deref(), Some("rtmps://live.example.id:1936/live/KEY"));
    }

    #[test]
    fn a_signature_stands_in_the_path_of_http_and_in_the_query_of_rtmp() {
        let play = PlayUrls::new(&Origins::new(None, &bound("127.0.0.1:8080", None)), &path(), Some("17-ab"));
        assert_eq!(play.hls, "http://127.0.0.1:8080/s/17-ab/live/kelas/master.m3u8");
        assert_eq!(play.ws_flv, "ws://127.0.0.1:8080/s/17-ab/live/kelas.flv");
        assert_eq!(play.rtmp, "rtmp://127.0.0.1:1935/live/kelas?sign=17-ab");
    }

    #[test]
    fn a_running_server_is_believed_and_a_dead_one_is_not() {
        let directory = tempfile::tempdir().expect("temporary directory");
        assert_eq!(BoundAddresses::of_running(directory.path()), None);
        let mut bound = bound("127.0.0.1:41234", None);
        let file = server_file(directory.path());
        bound.write(&file).expect("written");
        assert_eq!(BoundAddresses::of_running(directory.path()), Some(bound.clone()));
        for pid in [0, 4_194_304, u32::MAX] {
            bound.pid = pid;
            bound.write(&file).expect("written");
            assert_eq!(BoundAddresses::of_running(directory.path()), None, "pid {pid}");
        }
        // Process 1 runs, but it is another program: the id was used again.
        bound.pid = 1;
        bound.write(&file).expect("written");
        assert_eq!(BoundAddresses::of_running(directory.path()), None);
        fs::write(&file, "{\"pid\":").expect("written");
        assert_eq!(BoundAddresses::of_running(directory.path()), None, "damaged");
        assert_eq!(fs::read_dir(directory.path()).expect("directory").count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn a_server_removes_its_own_file_only() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("ready.json");
        let ours = bound("127.0.0.1:41234", None);
        let theirs = BoundAddresses { pid: 1, ..ours.clone() };
        theirs.write(&file).expect("written");
        ours.remove(&file);
        assert!(file.exists(), "another server's");
        theirs.remove(&file);
        assert!(!file.exists());
    }
}
