//! Planner and courier, running on each database that there is.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use control::notices::Subscription;
use control::{Repository, SubscriptionId, UserId};
use events::delivery::Limits;
use events::egress::Policy;
use events::email::Route;
use events::{Config, Service, vapid};
use media::{Redacted, UnixMillis};
use store::db::sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::push_service::PushService;
use crate::{postgres, school};

/// Now.
pub fn now() -> UnixMillis {
    UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64)
}

/// Waits until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    for _ in 0..1_200 {
        if so().await {
            return;
        }
        // tidy: sleep: the condition is in another process or database, which cannot be awaited
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not within 30 s: {what}");
}

/// Planner and courier, running.
pub struct Running {
    pub service: Service,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Running {
    pub fn start(repository: &Arc<dyn Repository>, mail: Route) -> Self {
        let config = Config {
            base_url: Some("https://tayang.test".to_owned()),
            mail,
            mail_from: "Tayang <tayang@example.test>".to_owned(),
            egress: Policy { allow_local: true },
            limits: Limits::default(),
        };
        let service = Service::open(repository.clone(), config).expect("opens");
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        service.start(&stop, &tracker);
        tracker.close();
        Self { service, stop, tracker }
    }

    pub async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.tracker.wait()).await.expect("it stops");
    }
}

/// A database in a file.
pub async fn sqlite(folder: &Path) -> Arc<dyn Repository> {
    Arc::new(SqliteStore::open(&folder.join("tayang.db")).await.expect("open"))
}

/// Each database that there is.
pub async fn databases(folder: &Path) -> Vec<Arc<dyn Repository>> {
    let mut all = vec![sqlite(folder).await];
    if let Some(cluster) = postgres::Cluster::shared() {
        all.push(Arc::new(cluster.store().await));
    }
    all
}

/// A browser of somebody: its endpoint.
pub async fn with_device(repository: &dyn Repository, push: &PushService, user: UserId) -> String {
    let session = school::signed_in(repository, user, now()).await;
    let browser = push.subscribe();
    let device = Subscription {
        id: SubscriptionId::new(now()),
        user,
        session,
        endpoint: Redacted(browser.endpoint.clone()),
        p256dh: browser.p256dh,
        auth: Redacted(browser.auth),
        created: now(),
    };
    repository.subscribe(&device).await.expect("kept").expect("room");
    browser.endpoint
}

/// The service of all browsers.
pub async fn push_service(repository: &dyn Repository) -> PushService {
    PushService::start(vapid::public_key(repository, now()).await.expect("a key")).await
}

/// Nothing waits to be sent.
pub async fn is_empty(repository: &dyn Repository) -> bool {
    repository.backlog(now()).await.expect("read").iter().all(|of| of.waiting == 0)
}
