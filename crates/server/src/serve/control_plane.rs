//! Between the gateway's port and the API, which do not know each other.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use control::playback::Claims;
use gateway::http::{Api, ApiAnswer, ApiPeer, ForeignBody};
use gateway::routes::Listener;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The API, as the gateway wants it.
pub(super) struct ControlPlane(pub api::Api);

impl Api for ControlPlane {
    fn answers(&self, listener: Listener, path: &str) -> bool {
        listener == Listener::Main && self.0.answers(path)
    }

    fn answer(&self, request: Request<Incoming>, peer: ApiPeer) -> Pin<Box<dyn Future<Output = ApiAnswer> + Send>> {
        let api = self.0.clone();
        Box::pin(async move {
            let peer = api::Peer { address: peer.address, secure: peer.secure };
            let response = api.answer(request, peer).await;
            let then = response.extensions().get::<api::upgrade::Upgrade>().and_then(api::upgrade::Upgrade::take);
            match then {
                Some(then) => {
                    let then = Box::new(move |socket| then(Box::new(socket)));
                    ApiAnswer::Upgrade { head: head_of(&response), then }
                }
                None => ApiAnswer::Response(response.map(foreign)),
            }
        })
    }

    fn renew(&self, claims: Arc<Claims>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let api = self.0.clone();
        Box::pin(async move { api.renew(&claims).await })
    }
}

fn foreign<B>(body: B) -> ForeignBody
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    body.map_err(io::Error::other).boxed_unsync()
}

/// The response up to its empty line (RFC 9112 section 4).
fn head_of<B>(response: &Response<B>) -> Bytes {
    let status = response.status();
    let mut head = BytesMut::new();
    head.put_slice(
        format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default()).as_bytes(),
    );
    for (name, value) in response.headers() {
        head.put_slice(name.as_str().as_bytes());
        head.put_slice(b": ");
        head.put_slice(value.as_bytes());
        head.put_slice(b"\r\n");
    }
    head.put_slice(b"\r\n");
    head.freeze()
}

#[cfg(test)]
mod tests {
    use control::air::Silence;
    use control::mail::{Mail, Mailer};
    use control::playback::Kind;
    use control::playbacks::{Carry, Terms};
    use control::{
        BoxFuture, CourseId, Directory, LessonId, PlaybackId, RepositoryError, Seq, SessionId, UserId, keys,
    };
    use store::db::sqlite::SqliteStore;

    use super::*;

    struct NoMail;

    impl Mailer for NoMail {
        fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), RepositoryError>> {
            unreachable!("nobody is written to")
        }
    }

    fn settings() -> api::Settings {
        api::Settings {
            public_url: None,
            trusted_proxies: Vec::new(),
            sign_up: false,
            slot_margin_ms: 0,
            attendance_ms: 0,
            one_stream_each: false,
            addresses: Arc::default(),
            hook_secret: None,
            refuses_path: |_| None,
            egress: events::egress::Policy::default(),
            oidc: None,
        }
    }

    #[tokio::test]
    async fn the_api_is_asked_whether_a_download_may_go_on() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let store = SqliteStore::open(&folder.path().join("tayang.db")).await.expect("open");
        let directory = Arc::new(Directory::default());
        let state = api::State::new(api::state::Parts {
            repository: Arc::new(store),
            air: Arc::new(Silence),
            directory: Arc::clone(&directory),
            mailer: Arc::new(NoMail),
            settings: settings(),
            stop: tokio_util::sync::CancellationToken::new(),
            tasks: tokio_util::task::TaskTracker::new(),
        });
        let now = state.now();
        let claims = Arc::new(Claims {
            user: UserId::new(now),
            session: SessionId::new(now),
            lesson: LessonId::new(now),
            course: CourseId::new(now),
            channel: keys::random_id(),
            playback: PlaybackId::new(now),
            kind: Kind::Download,
            seq: Seq(0),
            issued: now,
            expires: now.plus_millis(60_000),
            kid: 0,
        });
        directory.playbacks().open(&claims, Carry::Path, Terms::default(), now).expect("room");
        assert!(directory.playbacks().get(claims.playback, now).is_some());
        ControlPlane(api::Api::new(state)).renew(Arc::clone(&claims)).await;
        assert!(directory.playbacks().get(claims.playback, now).is_none(), "there is no such lesson, as the API knows");
    }
}
