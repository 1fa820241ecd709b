//! What hostile and broken peers do is their own trouble.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use e2e::flv_viewer::{FlvViewer, Via};
use e2e::sender::Sender;
use e2e::server::Options;
use e2e::{Publisher, Server, metrics, poll};
use testkit::{EncoderConfig, Random, VideoSpec};

fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect_timeout(&to, Duration::from_secs(5)).expect("the server accepts");
    socket.set_nonblocking(true).expect("a socket option");
    socket
}

/// The server has closed this connection.
fn is_closed(mut socket: &TcpStream) -> bool {
    let mut buffer = [0; 4_096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn silent_connections_are_cut_while_others_are_served() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let descriptors = server.descriptors();
    let start = Instant::now();
    let mut silent: Vec<TcpStream> = Vec::new();
    for _ in 0..100 {
        silent.extend([connect(server.address("rtmp")), connect(server.address("http"))]);
    }
    // A head that never ends is as silent.
    let mut slow = connect(server.address("http"));
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-A").expect("written");
    silent.push(slow);
    let asked = Instant::now();
    assert_eq!(server.get("/readyz").status, 200);
    let path = format!("/{}.flv", channel.path);
    let viewer = FlvViewer::join(server.address("http"), &path, Via::Http, server.folder()).expect("accepted");
    poll::until_true("a picture", Duration::from_secs(5), || viewer.pictures() > 0);
    assert!(asked.elapsed() < Duration::from_secs(1), "a fresh client waited {:?}", asked.elapsed());
    poll::until_true("all are cut", Duration::from_secs(20), || {
        silent.retain(|socket| !is_closed(socket));
        silent.is_empty()
    });
    let took = start.elapsed();
    assert!((8.0..13.0).contains(&took.as_secs_f64()), "they were cut after {took:?}");
    let waited = viewer.longest_wait(asked);
    assert!(waited < Duration::from_millis(1_500), "a viewer waited {waited:?}");
    // The viewer's own connection stays.
    poll::until_true("their descriptors are free", Duration::from_secs(5), || server.descriptors() <= descriptors + 4);
}

#[test]
fn garbage_on_every_port_is_nobody_elses_trouble() {
    let server = Server::start();
    let channel = server.channel("kelas", &["--no-record"]);
    let _publisher = Publisher::ordinary(&server, &channel);
    let path = format!("/{}.flv", channel.path);
    let viewer = FlvViewer::join(server.address("http"), &path, Via::Http, server.folder()).expect("accepted");
    poll::until_true("pictures", Duration::from_secs(20), || viewer.pictures() > 30);
    let (memory, descriptors) = (server.memory_bytes(), server.descriptors());
    let from = Instant::now();
    let mut random = Random::new(7);
    let mut noise = vec![0; 256 << 10];
    random.fill(&mut noise);
    let mut handshake = vec![3];
    handshake.extend_from_slice(&noise[..3_072]);
    let mut huge = handshake.clone();
    // A chunk that declares 16 MB and a chunk size of 2^31 - 1, then nothing like it.
    huge.extend([
        0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0x03, 0, 0, 0, 0xFF, 0xFF, 0xFF, 20, 0, 0, 0, 0,
    ]);
    huge.extend_from_slice(&noise[..4_096]);
    let mut handshake_and_noise = handshake.clone();
    handshake_and_noise.extend_from_slice(&noise);
    let long_head = [b"GET /".as_slice(), &[b'a'; 100_000], b" HTTP/1.1\r\n\r\n"].concat();
    let inputs: [&[u8]; 10] = [
        &noise,
        &handshake_and_noise,
        &huge,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /live/kelas HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        &long_head,
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\nGET /live/%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\0\0\0\0\0",
    ];
    for _ in 0..5 {
        for input in inputs {
            for port in ["rtmp", "http"] {
                let mut socket = TcpStream::connect(server.address(port)).expect("the server accepts");
                // A server that has seen enough may close at any byte.
                let _ = socket.set_write_timeout(Some(Duration::from_secs(5)));
                let _ = socket.write_all(input);
            }
        }
    }
    let on = viewer.pictures();
    poll::until_true("three more seconds of pictures", Duration::from_secs(10), || viewer.pictures() > on + 90);
    let waited = viewer.longest_wait(from);
    assert!(waited < Duration::from_millis(1_500), "a viewer waited {waited:?}");
    poll::until_true("descriptors are back", Duration::from_secs(15), || server.descriptors() <= descriptors + 2);
    let grown = server.memory_bytes().saturating_sub(memory);
    assert!(grown < 32 << 20, "garbage cost {grown} bytes");
    let file = viewer.leave();
    e2e::capture::whole(server.folder(), &file.display().to_string()).assert_whole("meanwhile", 4.0);
}

#[test]
fn readers_that_never_read_cost_little_and_are_cut() {
    // The least window: it is full, and grows no more, before the readers come.
    let config = "[live]\nwindow_segments = 6\nsegment_target_ms = 1000\n".to_owned();
    let server = Server::start_with(Options { config, ..Options::default() });
    let channel = server.channel("kelas", &["--no-record"]);
    // 8 Mbit/s, so that sockets fill within the time.
    let video = VideoSpec { frame_bytes: 28_000, ..VideoSpec::default() };
    let config = EncoderConfig { video: Some(video), ..EncoderConfig::default() };
    let mut sender = Sender::start(server.address("rtmp"), "live", &channel.key, config);
    let live = sender.run_until(Duration::from_secs(20), |_| (server.state(&channel)["state"] == "live").then_some(()));
    assert!(live.is_some(), "it is live");
    // One who reads: what all viewers of a form share is there before the others come.
    let path = format!("/{}.flv", channel.path);
    let reader = FlvViewer::join(server.address("http"), &path, Via::Http, server.folder()).expect("accepted");
    // Windows and start points fill first: what grows after that is the others'.
    let mut memory = server.memory_bytes();
    for _ in 0..12 {
        sender.run_until(Duration::from_secs(4), |_| None::<()>);
        let now = server.memory_bytes();
        if now < memory + (1 << 20) {
            break;
        }
        memory = now;
    }
    memory = server.memory_bytes();
    let start = Instant::now();
    let readers: Vec<TcpStream> = (0..30)
        .map(|_| {
            let mut socket = connect(server.address("http"));
            rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 16 << 10).expect("a socket option");
            socket
                .write_all(format!("GET /{}.flv HTTP/1.1\r\nHost: x\r\n\r\n", channel.path).as_bytes())
                .expect("written");
            socket
        })
        .collect();
    let viewers = || server.get_json("/healthz")["viewers"].as_u64().expect("a number");
    let joined = sender.run_until(Duration::from_secs(5), |_| (viewers() == 31).then_some(()));
    assert!(joined.is_some(), "{} of 31 play", viewers());
    let mut most = 0;
    let cut = sender.run_until(Duration::from_secs(25), |_| {
        most = most.max(server.memory_bytes().saturating_sub(memory));
        (viewers() == 1).then_some(())
    });
    assert!(cut.is_some(), "{} of 31 still play after {:?}", viewers(), start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(21), "they were cut after {:?}", start.elapsed());
    assert!(most < 32 << 20, "30 readers cost {most} bytes");
    assert_eq!(readers.len(), 30);
    assert!(
        reader.seen().ended.is_none() && reader.longest_wait(start) < Duration::from_millis(1_500),
        "one who reads"
    );
    assert!(metrics::sum(&server.get("/metrics").text(), "tayang_publishers_total", "") >= 1.0);
}
