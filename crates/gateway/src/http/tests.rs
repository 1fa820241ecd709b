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
