//! Kills at random moments: nothing is lost, and nobody is told twice.
//!
//! The child half plans and sends until it is killed; the parent half is the push service and the webhook's server, changes
//! lessons meanwhile, kills, and counts. What is killed between sending and saying so is sent again: the parent shows each id
//! once, as receivers do, and counts how often it came.

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

use control::notices::{Subscription, TOMORROW_MS};
use control::webhooks::{Webhook, signature};
use control::{Repository, SubscriptionId, WebhookId, keys};
use events::delivery::Limits;
use events::egress::Policy;
use events::email::Route;
use events::{Config, Service, vapid};
use media::{Redacted, UnixMillis};
use school::School;
use stand_in::push_service::PushService;
use stand_in::receiver::{self, status};
use store::db::sqlite::SqliteStore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Set in the process that is started to be killed: the folder of database and mails.
const CHILD: &str = "TAYANG_EVENTS_TEST_FOLDER";
/// Seed of the moments; printed when it is not given.
const SEED: &str = "TAYANG_EVENTS_TEST_SEED";

const KILLS: usize = 32;
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
    runtime().block_on(kill_and_count());
}

async fn run_until_killed(folder: &Path) {
    let repository = Arc::new(SqliteStore::open(&folder.join("tayang.db")).await.expect("open"));
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

fn start_child(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
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
    endpoints: Vec<String>,
    /// By `Tayang-Id`, how often it came.
    hooked: Arc<Mutex<HashMap<String, u32>>>,
}

async fn peers(repository: &dyn Repository, school: &School) -> Told {
    let push = PushService::start(vapid::public_key(repository, now()).await.expect("a key")).await;
    let mut endpoints = Vec::new();
    for mentee in &school.mentees {
        let session = school::signed_in(repository, *mentee, now()).await;
        let browser = push.subscribe();
        let device = Subscription {
            id: SubscriptionId::new(now()),
            user: *mentee,
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

async fn kill_and_count() {
    let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| now().0 as u64 | 1);
    eprintln!("{SEED}={seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().expect("temporary directory");
    let repository: Arc<dyn Repository> =
        Arc::new(SqliteStore::open(&folder.path().join("tayang.db")).await.expect("open"));
    let school = School::with(&*repository, MENTEES, now()).await;
    let told = peers(&*repository, &school).await;
    let (mut events, mut lesson) = (0, None);
    for _ in 0..KILLS {
        // Before it starts and while it runs: so that it has something to do at whichever moment it is killed.
        let mut child = start_child(folder.path());
        match lesson.take() {
            None => lesson = Some(school.lesson(&*repository, now().plus_millis(7 * TOMORROW_MS), now()).await.id),
            Some(id) => drop(repository.cancel_lesson(id, "", now()).await.expect("cancelled")),
        }
        events += 1;
        // tidy: sleep: the moment of the kill is what is random here
        tokio::time::sleep(Duration::from_millis(random.below(900))).await;
        child.kill().expect("kill -9");
        child.wait().expect("reaped");
    }
    let mut child = start_child(folder.path());
    let all_told = async || {
        let last = repository.last_seq().await.expect("read");
        let planned = repository.planned().await.expect("read").seq;
        let told = repository.changes(planned, 100).await.expect("read");
        let open = told.iter().any(|change| control::notices::NoticeKind::of(change.what.kind).is_some());
        let waiting: u64 = repository.backlog(now()).await.expect("read").iter().map(|of| of.waiting).sum();
        last.0 > 0 && !open && waiting == 0
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
    count(&told, &*repository, &school, folder.path(), events).await;
}

async fn count(told: &Told, repository: &dyn Repository, school: &School, folder: &Path, events: usize) {
    let (mut twice, mut outdated) = (0, 0);
    for (endpoint, mentee) in told.endpoints.iter().zip(&school.mentees) {
        let listed = repository.notices(*mentee, None, 1_000).await.expect("read");
        let mut expected: Vec<String> = listed.iter().map(|notice| notice.id.to_string()).collect();
        let shown = told.push.shown(endpoint);
        let mut ids: Vec<String> = shown.iter().map(|message| message["id"].as_str().expect("id").to_owned()).collect();
        twice += told.push.received(endpoint).len() - shown.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), shown.len(), "a device shows each id once");
        // A lesson that was called off before it was told of is not told of; that it was called off is.
        expected.retain(|id| ids.contains(id) || !is_scheduled(&listed, id));
        outdated += listed.len() - expected.len();
        expected.sort();
        assert_eq!(ids, expected, "every notice came");
        let mut cancelled: Vec<_> = shown.iter().filter(|message| message["kind"] == "lesson_cancelled").collect();
        assert_eq!(cancelled.len(), events / 2, "each event once");
        cancelled.sort_by_key(|message| message["lesson"].to_string());
        cancelled.dedup_by_key(|message| message["lesson"].to_string());
        assert_eq!(cancelled.len(), events / 2, "no event twice under two ids");
    }
    let mails = std::fs::read_dir(folder.join("mails")).expect("mails").flatten().map(|file| file.file_name());
    let mails: Vec<String> =
        mails.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".eml")).collect();
    assert!(mails.len() >= MENTEES * events / 2 && mails.len() <= MENTEES * events, "{}", mails.len());
    let hooked = told.hooked.lock().expect("no panic");
    assert_eq!(hooked.len(), events, "each event once");
    let hooked_twice: u32 = hooked.values().map(|times| times - 1).sum();
    eprintln!(
        "{KILLS} kills, {events} events, {} pushes shown, {twice} came twice, {outdated} were outdated; webhooks: {} taken, \
         {hooked_twice} came twice",
        told.endpoints.iter().map(|endpoint| told.push.shown(endpoint).len()).sum::<usize>(),
        hooked.len()
    );
    let window = KILLS * SLOTS as usize;
    assert!(twice + hooked_twice as usize <= window, "only what was between sending and saying so comes twice");
}

fn is_scheduled(listed: &[control::notices::Notice], id: &str) -> bool {
    listed
        .iter()
        .any(|notice| notice.id.to_string() == id && notice.kind == control::notices::NoticeKind::LessonScheduled)
}
