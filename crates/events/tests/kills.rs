//! Kills at random moments: nothing is lost, and nobody is told twice.
//!
//! The child half plans and sends until it is killed; the parent half is the push service and the webhook's server, does all
//! that is told with lessons meanwhile, kills, and counts: on SQLite and on PostgreSQL. What is killed between sending and saying so is sent again: the parent shows each id
//! once, as receivers do, and counts how often it came.

#[path = "../../store/tests/repository/postgres.rs"]
mod postgres;
#[path = "../../store/tests/repository/school.rs"]
mod school;
#[path = "stand_in"]
mod stand_in {
    pub mod push_service;
    pub mod receiver;
}

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use control::notices::{NoticeKind, Subscription, TOMORROW_MS};
use control::teaching::lessons::{LessonChange, LessonEdit, Scope};
use control::webhooks::{self, Webhook, signature};
use control::{LessonId, Recording, RecordingState, Repository, Seq, SubscriptionId, WebhookId, keys};
use events::delivery::Limits;
use events::egress::Policy;
use events::email::Route;
use events::{Config, Service, vapid};
use media::{Redacted, StreamId, UnixMillis};
use school::School;
use stand_in::push_service::PushService;
use stand_in::receiver::{self, status};
use store::db::postgres::PgStore;
use store::db::sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A lesson may be begun this long before its time: these are days away.
const MARGIN_MS: i64 = 400 * 86_400_000;
/// Set in the process that is started to be killed: the folder of mails, and of the database if that is a file.
const CHILD: &str = "TAYANG_EVENTS_TEST_FOLDER";
/// Set there too if the database is no file.
const DATABASE: &str = "TAYANG_EVENTS_TEST_DATABASE";
/// Seed of the moments; printed when it is not given.
const SEED: &str = "TAYANG_EVENTS_TEST_SEED";

/// What is done with a lesson of its own in each round, one after the other.
const DEEDS: [Deed; 8] =
    [Deed::Set, Deed::Cancel, Deed::Move, Deed::MoveSeries, Deed::Tomorrow, Deed::Soon, Deed::Start, Deed::Record];
const MENTEES: usize = 12;
/// Deliveries that a child has under way at most: so many can come twice at each kill.
const SLOTS: u32 = 8;

fn now() -> UnixMillis {
    UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
fn a_kill_at_any_moment_loses_no_notice_and_repeats_none() {
    if let Some(folder) = std::env::var_os(CHILD) {
        runtime().block_on(run_until_killed(Path::new(&folder)));
    }
    runtime().block_on(async {
        let folder = tempfile::tempdir().expect("temporary directory");
        let file = folder.path().join("tayang.db");
        kill_and_count(Arc::new(SqliteStore::open(&file).await.expect("open")), folder.path(), None, 4).await;
    });
}

#[test]
fn a_kill_at_any_moment_loses_no_notice_and_repeats_none_on_postgresql() {
    let Some(cluster) = postgres::Cluster::shared() else { return };
    runtime().block_on(async {
        let folder = tempfile::tempdir().expect("temporary directory");
        let url = cluster.database().await;
        let repository = Arc::new(PgStore::open(&url, None).await.expect("open"));
        kill_and_count(repository, folder.path(), Some(&url), 2).await;
    });
}

async fn run_until_killed(folder: &Path) {
    let repository: Arc<dyn Repository> = match std::env::var(DATABASE) {
        Ok(url) => Arc::new(PgStore::open(&url, None).await.expect("open")),
        Err(_) => Arc::new(SqliteStore::open(&folder.join("tayang.db")).await.expect("open")),
    };
    let config = Config {
        base_url: Some("https://tayang.test".to_owned()),
        mail: Route::Folder(folder.join("mails")),
        mail_from: "tayang@example.test".to_owned(),
        egress: Policy { allow_local: true },
        // Short, so that what a killed child had is taken over within the test.
        limits: Limits { slots: SLOTS, lease_ms: 2_000 },
    };
    let service = Service::open(repository, config).expect("opens");
    service.start(&CancellationToken::new(), &TaskTracker::new());
    writeln!(std::io::stdout(), "running").expect("the parent reads");
    std::future::pending().await
}

fn start_child(folder: &Path, url: Option<&str>) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .envs(url.map(|url| (DATABASE, url)))
        .args(["a_kill_at_any_moment_loses_no_notice_and_repeats_none", "--exact", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("child");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let running = lines.find(|line| line.as_ref().is_ok_and(|line| line.ends_with("running")));
    assert!(running.is_some(), "the child does not run");
    child
}

/// xorshift64*: enough for moments.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

struct Told {
    push: PushService,
    /// Of the mentees and, last, of the mentor.
    endpoints: Vec<String>,
    /// By `Tayang-Id`, how often it came.
    hooked: Arc<Mutex<HashMap<String, u32>>>,
}

async fn peers(repository: &dyn Repository, school: &School) -> Told {
    let push = PushService::start(vapid::public_key(repository, now()).await.expect("a key")).await;
    let mut endpoints = Vec::new();
    for person in school.mentees.iter().chain([&school.mentor]) {
        let session = school::signed_in(repository, *person, now()).await;
        let browser = push.subscribe();
        let device = Subscription {
            id: SubscriptionId::new(now()),
            user: *person,
            session,
            endpoint: Redacted(browser.endpoint.clone()),
            p256dh: browser.p256dh,
            auth: Redacted(browser.auth),
            created: now(),
        };
        repository.subscribe(&device).await.expect("kept").expect("room");
        endpoints.push(browser.endpoint);
    }
    let (hooked, secret) = (Arc::new(Mutex::new(HashMap::new())), keys::generate());
    let address = receiver::start({
        let (hooked, secret) = (hooked.clone(), secret.0.clone());
        move |request| {
            let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
            let timestamp = header("tayang-timestamp").parse().expect("a number");
            assert_eq!(header("tayang-signature"), signature(&secret, timestamp, request.body()));
            *hooked.lock().expect("no panic").entry(header("tayang-id")).or_insert(0) += 1;
            status(200)
        }
    })
    .await;
    let webhook = Webhook {
        id: WebhookId::new(now()),
        owner: school.mentor,
        url: Redacted(format!("http://{address}/")),
        secret,
        kinds: Vec::new(),
        created: now(),
        disabled: None,
        version: 1,
    };
    repository.create_webhook(&webhook).await.expect("made");
    Told { push, endpoints, hooked }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Set,
    Cancel,
    Move,
    MoveSeries,
    Tomorrow,
    Soon,
    Start,
    Record,
}

impl Deed {
    /// Does it with lessons that are set for it, and what is told of it besides that they were set.
    async fn done(self, repository: &dyn Repository, school: &School) -> Option<NoticeKind> {
        let starts = now().plus_millis(7 * TOMORROW_MS);
        let new = school.planned(starts, now());
        let (id, channel) = (new.lesson.id, new.channel.clone());
        if self == Self::MoveSeries {
            let id = school.series(repository, starts, 3, now()).await[0].id;
            moved(repository, id, starts, Scope::Following).await;
            return Some(NoticeKind::LessonChanged);
        }
        repository.create_lessons(&[new], true).await.expect("set");
        let remind = async |kind| {
            assert!(repository.remind(kind, id, starts, now()).await.expect("written"));
            Some(kind)
        };
        match self {
            Self::Set | Self::MoveSeries => None,
            Self::Cancel => {
                repository.cancel_lesson(id, "", now()).await.expect("cancelled");
                Some(NoticeKind::LessonCancelled)
            }
            Self::Move => {
                moved(repository, id, starts, Scope::One).await;
                Some(NoticeKind::LessonChanged)
            }
            Self::Tomorrow => remind(NoticeKind::LessonTomorrow).await,
            Self::Soon => remind(NoticeKind::LessonSoon).await,
            Self::Start => {
                repository.start_lesson(id, MARGIN_MS, now()).await.expect("started").expect("it was not on");
                Some(NoticeKind::LessonStarted)
            }
            Self::Record => {
                repository.start_lesson(id, MARGIN_MS, now()).await.expect("started").expect("it was not on");
                repository.end_lesson(id, now()).await.expect("ended").expect("it was not over");
                let recording = Recording {
                    id: StreamId(1),
                    channel: channel.id,
                    path: channel.path,
                    started: now(),
                    duration_ms: 200,
                    bytes: 3_000,
                    next_msn: 2,
                    state: RecordingState::Ready,
                };
                repository.put_recording(&recording).await.expect("kept");
                repository.announce_recordings(now().plus_millis(-TOMORROW_MS), now()).await.expect("announced");
                Some(NoticeKind::RecordingReady)
            }
        }
    }
}

async fn moved(repository: &dyn Repository, id: LessonId, starts: UnixMillis, scope: Scope) {
    let change = LessonChange { starts: Some(starts.plus_millis(TOMORROW_MS)), ..LessonChange::default() };
    let edit = LessonEdit { change, scope, version: None, may_overlap: true };
    repository.change_lessons(id, &edit, now()).await.expect("moved");
}

/// Every change that machines are told of. What people are told of is among them.
async fn called(repository: &dyn Repository) -> usize {
    let all = repository.changes(Seq(0), 100_000).await.expect("read");
    all.iter().filter(|change| webhooks::KINDS.contains(&change.what.kind)).count()
}

async fn kill_and_count(repository: Arc<dyn Repository>, folder: &Path, url: Option<&str>, times: usize) {
    let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| now().0 as u64 | 1);
    eprintln!("{SEED}={seed}");
    let mut random = Random(seed);
    let school = School::with(&*repository, MENTEES, now()).await;
    let told = peers(&*repository, &school).await;
    let mut done = Vec::new();
    for deed in [DEEDS; 8].into_iter().take(times).flatten() {
        // While it starts and runs: so that it has something to do at whichever moment it is killed.
        let mut child = start_child(folder, url);
        done.push(deed.done(&*repository, &school).await);
        // tidy: sleep: the moment of the kill is what is random here
        tokio::time::sleep(Duration::from_millis(random.below(900))).await;
        child.kill().expect("kill -9");
        child.wait().expect("reaped");
    }
    let mut child = start_child(folder, url);
    let all_told = async || {
        let planned = repository.planned().await.expect("read").seq;
        let told = repository.changes(planned, 100).await.expect("read");
        let open = told.iter().any(|change| webhooks::KINDS.contains(&change.what.kind));
        let waiting: u64 = repository.backlog(now()).await.expect("read").iter().map(|of| of.waiting).sum();
        !open && waiting == 0
    };
    for round in 0.. {
        assert!(round < 2_400, "not all was told within 60 s: {:?}", repository.backlog(now()).await);
        if all_told().await {
            break;
        }
        // tidy: sleep: the condition is in another process
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    child.kill().expect("killed");
    child.wait().expect("reaped");
    count(&told, &*repository, &school, folder, &done).await;
}

async fn count(told: &Told, repository: &dyn Repository, school: &School, folder: &Path, done: &[Option<NoticeKind>]) {
    let (mut twice, mut listed_all, mut outdated_all) = (0, 0, 0);
    let times = |kind| done.iter().filter(|done| **done == Some(kind)).count();
    for (endpoint, person) in told.endpoints.iter().zip(school.mentees.iter().chain([&school.mentor])) {
        let is_mentor = *person == school.mentor;
        let listed = repository.notices(*person, None, 1_000).await.expect("read");
        let shown = told.push.shown(endpoint);
        twice += told.push.received(endpoint).len() - shown.len();
        for kind in NoticeKind::ALL {
            let expected = match kind {
                NoticeKind::RecordingReady if is_mentor => times(*kind),
                NoticeKind::RecordingReady => 0,
                _ if is_mentor => 0,
                NoticeKind::LessonScheduled => done.len(),
                NoticeKind::LessonStarted => times(*kind) + times(NoticeKind::RecordingReady),
                _ => times(*kind),
            };
            let mut ids: Vec<String> =
                listed.iter().filter(|notice| notice.kind == *kind).map(|notice| notice.id.to_string()).collect();
            // A lesson that was called off before it was told of is not told of; that it was called off is. Nor that one
            // began which is over.
            let outdated_by = match kind {
                NoticeKind::LessonScheduled if !is_mentor => Some(NoticeKind::LessonCancelled),
                NoticeKind::LessonStarted if !is_mentor => Some(NoticeKind::RecordingReady),
                _ => None,
            };
            let all = expected - outdated_by.map_or(0, times)..=expected;
            assert!(all.contains(&ids.len()), "{kind:?}: each event once, a series that moved as one: {}", ids.len());
            let of_kind = shown.iter().filter(|message| message["kind"] == kind.as_str());
            let mut came: Vec<String> = of_kind.map(|message| message["id"].as_str().expect("id").to_owned()).collect();
            if outdated_by.is_some() {
                ids.retain(|id| came.contains(id));
                outdated_all += expected - ids.len();
                assert!(all.contains(&ids.len()), "{kind:?}: what is so still is told: {}", ids.len());
            }
            ids.sort();
            came.sort();
            assert_eq!(came, ids, "{kind:?}: every notice came, and none under two ids");
        }
        listed_all += listed.len();
    }
    let mails = std::fs::read_dir(folder.join("mails")).expect("mails").flatten().map(|file| file.file_name());
    let mails = mails.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".eml")).count();
    let called_off = MENTEES * (times(NoticeKind::LessonCancelled) + times(NoticeKind::RecordingReady));
    assert!(
        (listed_all.saturating_sub(called_off)..=listed_all).contains(&mails),
        "{mails} mails of {listed_all} notices"
    );
    let called = called(repository).await;
    let hooked = told.hooked.lock().expect("no panic");
    assert_eq!(hooked.len(), called, "each change once");
    let hooked_twice: u32 = hooked.values().map(|times| times - 1).sum();
    eprintln!(
        "{} kills, {listed_all} notices, {outdated_all} were outdated, {twice} pushes came twice; webhooks: {} taken, \
         {hooked_twice} came twice",
        done.len(),
        hooked.len()
    );
    let window = done.len() * SLOTS as usize;
    assert!(twice + hooked_twice as usize <= window, "only what was between sending and saying so comes twice");
}
