//! Bodies: what is sent is where it was.

use std::future::poll_fn;

use http_body::Body as _;

use super::*;

async fn sent(mut body: Body) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        pieces.push(frame.expect("no error").into_data().expect("data"));
    }
    pieces
}

#[tokio::test]
async fn joined_pieces_are_sent_in_order_and_never_copied() {
    let pieces = [Bytes::from(vec![1; 100]), Bytes::from(vec![2; 50]), Bytes::from(vec![3; 10])];
    let whole = pieces.concat();
    for (from, to) in [(0, 160), (0, 1), (99, 101), (100, 150), (149, 160), (159, 160), (20, 30)] {
        let body = Body::joined(&pieces, from..to);
        assert_eq!(body.length(), Some(to - from));
        let got = sent(body).await;
        assert_eq!(got.concat(), whole[from as usize..to as usize], "{from}..{to}");
        for piece in got {
            let within = |own: &Bytes| own.as_ptr_range().contains(&piece.as_ptr());
            assert!(pieces.iter().any(within), "a piece lies where it lay");
        }
    }
}

#[tokio::test]
async fn an_http2_peer_that_falls_silent_is_cut_within_ten_seconds() {
    use http_body_util::Empty;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (mut client, server) = tokio::io::duplex(64 << 10);
    let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) });
    let serving = tokio::spawn(http2_server().serve_connection(TokioIo::new(server), service));
    // The preface and an empty SETTINGS frame (RFC 9113 §3.4), and then nothing: no request and no answer to a PING.
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("it is taken");
    let silent_since = std::time::Instant::now();
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut said)).await;
    let waited = silent_since.elapsed();
    assert!(read.is_ok() && waited < Duration::from_secs(10), "{waited:?}");
    assert!(waited > Duration::from_secs(4), "it was asked first: {waited:?}");
    serving.await.expect("no panic").ok();
}
