//! The publisher against a server session, over a real socket.

use rtmp::{Event, Output, Reject, ServerConfig, ServerSession};
use tokio::net::TcpListener;

use super::*;

fn path() -> ChannelPath {
    ChannelPath { app: "live".parse().expect("app"), name: "kelas".parse().expect("name") }
}

/// Accepts one connection and answers it with `decide`; ends with the events up to the connection's end.
async fn serve(listener: TcpListener, decide: fn(&mut ServerSession, u32)) -> Vec<Event> {
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let mut session = ServerSession::new(ServerConfig::default(), [1; 1_536], Instant::now());
    let (mut events, mut input) = (Vec::new(), vec![0; 4_096]);
    loop {
        match session.poll_output() {
            Output::Transmit(bytes) => socket.write_all(&bytes).await.expect("written"),
            Output::Event(event) => {
                if let Event::Publish { stream_id, .. } = event {
                    decide(&mut session, stream_id);
                }
                events.push(event);
            }
            Output::Closed => return events,
            Output::WaitUntil(_) => match socket.read(&mut input).await.expect("read") {
                0 => return events,
                count => session.handle_input(Instant::now(), &input[..count]).expect("well-formed"),
            },
        }
    }
}

#[tokio::test]
async fn a_signal_arrives_under_its_signature_and_ends_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(serve(listener, ServerSession::accept_publish));
    let mut publisher = Publisher::connect(address, &path(), "1700000000-ab").await.expect("connected");
    publisher.wait_accepted().await.expect("accepted");
    // A file of one tag stands for ffmpeg.
    let mut file = formats::container::flv::file_header(true, false).to_vec();
    file.extend_from_slice(&formats::container::flv::tag_header(TagKind::Video, 3, 40));
    file.extend_from_slice(&[0x17, 1, 0, 0, 0, 0, 14]);
    let mut ffmpeg = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat");
    let mut stdin = ffmpeg.stdin.take().expect("piped");
    stdin.write_all(&file).await.expect("written");
    drop(stdin);
    assert_eq!(
        publisher.send_all(&mut ffmpeg, None).await.map_err(|failure| format!("{failure:?}")),
        Ok(End::SignalEnded)
    );
    publisher.goodbye().await.expect("said");
    let events = server.await.expect("served");
    let name = events.iter().find_map(|event| match event {
        Event::Publish { name, .. } => Some(name.0.clone()),
        _ => None,
    });
    assert_eq!(name.as_deref(), Some("kelas?sign=1700000000-ab"));
    assert!(
        events.iter().any(|event| matches!(event, Event::Video { timestamp: 40, body } if body[..] == [0x17, 1, 0]))
    );
    assert!(events.iter().any(|event| matches!(event, Event::Unpublish { .. })), "{events:?}");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words_and_without_the_signature() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(serve(listener, |session, stream_id| session.reject_publish(stream_id, Reject::Denied)));
    let mut publisher = Publisher::connect(address, &path(), "1700000000-secret").await.expect("connected");
    let failure = format!("{:?}", publisher.wait_accepted().await.expect_err("refused"));
    assert!(failure.contains("NetStream.Publish") && !failure.contains("secret"), "{failure}");
    drop(publisher);
    server.await.expect("served");
}

#[tokio::test]
async fn ffmpeg_makes_the_signal_as_it_is_asked_to() {
    let arguments = signal::arguments("320x180".parse().expect("a size"), 15, signal::font());
    let mut ffmpeg = Command::new("ffmpeg")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is installed");
    let mut output = ffmpeg.stdout.take().expect("piped");
    let (mut reader, mut piece, mut kinds) = (TagReader::new(), vec![0; 4_096], Vec::new());
    while kinds.len() < 30 {
        let count = output.read(&mut piece).await.expect("readable");
        assert!(count > 0, "{}", stop_ffmpeg(ffmpeg).await);
        reader.push(&piece[..count]);
        while let Some(tag) = reader.next_tag().expect("an FLV file") {
            kinds.push(tag.kind);
        }
    }
    for kind in [TagKind::Script, TagKind::Video, TagKind::Audio] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(stop_ffmpeg(ffmpeg).await, "");
}

#[test]
fn a_server_on_all_addresses_is_reached_on_this_machine() {
    let shown = |bound: &str| reachable(bound.parse().expect("address")).to_string();
    assert_eq!(shown("0.0.0.0:1935"), "127.0.0.1:1935");
    assert_eq!(shown("[::]:1935"), "[::1]:1935");
    assert_eq!(shown("10.1.2.3:1935"), "10.1.2.3:1935");
}
