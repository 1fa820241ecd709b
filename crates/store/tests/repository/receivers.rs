//! What any repository must do so that no receiver of what is owed holds back another.

use control::deliveries::{Delivery, Medium, NewDelivery, PER_OWNER_MAX, PER_WEBHOOK_MAX, Room, Verdict};
use control::webhooks::{WEBHOOKS_MAX, Webhook};
use control::{Repository, Roles, keys};
use futures_util::future::join_all;
use media::UnixMillis;

use super::notices::{delivery, hook};
use super::school::somebody;

const NOW: UnixMillis = UnixMillis(1_900_000_000_000);
const HOUR_MS: i64 = 3_600_000;
const LEASE_MS: i64 = 90_000;

/// Runs on a repository in which nothing else is due.
pub async fn receivers_contract(repository: &dyn Repository) {
    one_dead_receiver_holds_back_nobody_else(repository).await;
    an_owner_of_many_webhooks_has_a_share_and_others_have_the_rest(repository).await;
}

/// So many webhooks of somebody.
async fn owner(repository: &dyn Repository, webhooks: u32) -> Vec<Webhook> {
    let owner = somebody(repository, Roles { mentor: true, ..Roles::default() }, NOW).await;
    let hooks: Vec<Webhook> = (0..webhooks).map(|_| hook(owner)).collect();
    for webhook in &hooks {
        assert!(repository.create_webhook(webhook).await.expect("made"));
    }
    hooks
}

/// Calls that are owed to a webhook.
async fn owe(repository: &dyn Repository, to: &Webhook, calls: i64, next: UnixMillis) {
    for n in 0..calls {
        let once = format!("receiver:{}:{n}", to.id);
        let call =
            NewDelivery { medium: Medium::Webhook, webhook: Some(to.id), ..delivery(&once, next.plus_millis(-n)) };
        assert!(repository.enqueue(&call).await.expect("kept"));
    }
}

async fn take(repository: &dyn Repository, now: UnixMillis, room: Room) -> Vec<Delivery> {
    repository.claim(keys::random_id(), now, now.plus_millis(LEASE_MS), room).await.expect("claimed")
}

/// How many of them go to any of these.
fn to(taken: &[Delivery], hooks: &[Webhook]) -> u32 {
    let is_theirs = |one: &&Delivery| hooks.iter().any(|webhook| one.what.webhook == Some(webhook.id));
    u32::try_from(taken.iter().filter(is_theirs).count()).expect("few")
}

async fn forget(repository: &dyn Repository, hooks: &[Webhook]) {
    for webhook in hooks {
        repository.delete_webhook(webhook.owner, webhook.id, NOW).await.expect("forgotten");
    }
}

async fn one_dead_receiver_holds_back_nobody_else(repository: &dyn Repository) {
    let now = NOW.plus_millis(-100 * HOUR_MS);
    let (dead, theirs) = (owner(repository, 4).await, owner(repository, 1).await);
    // Those of the dead ones are due longest, twenty each.
    for webhook in &dead {
        owe(repository, webhook, 20, now).await;
    }
    owe(repository, &theirs[0], 1, now).await;
    let mail = delivery("receiver: a mail", now);
    assert!(repository.enqueue(&mail).await.expect("kept"));
    let few = take(repository, now, Room { all: 3, webhooks: 2, mails: 3 }).await;
    let mails = few.iter().filter(|one| one.what.id == mail.id).count();
    assert_eq!((few.len(), mails), (3, 1), "others are not waited out by webhooks");
    let room = Room { all: 64, webhooks: 32, mails: 64 };
    let both = [few, take(repository, now, room).await].concat();
    assert_eq!(to(&both, &theirs), 1);
    let of_dead: Vec<u32> = dead.iter().map(|webhook| to(&both, std::slice::from_ref(webhook))).collect();
    assert!(of_dead.iter().all(|n| *n <= PER_WEBHOOK_MAX), "{of_dead:?}");
    assert_eq!(of_dead.iter().sum::<u32>(), PER_OWNER_MAX, "of one person");
    assert!(take(repository, now, room).await.is_empty(), "the others wait until these are done");
    let done = both.iter().find(|one| one.what.webhook == Some(dead[0].id)).expect("one");
    let again = Verdict::Again(now.plus_millis(HOUR_MS), "no answer".to_owned());
    assert!(repository.settle(done.what.id, done.lease.expect("leased"), &again, now).await.expect("said"));
    assert_eq!(take(repository, now, room).await.len(), 1, "in place of the one that is done");
    let later = now.plus_millis(LEASE_MS);
    let taken = take(repository, later, Room { webhooks: 0, ..room }).await;
    assert_eq!(taken.len(), 1, "the mail, whose lease is over");
    forget(repository, &dead).await;
    forget(repository, &theirs).await;
    let taken = take(repository, later.plus_millis(LEASE_MS), room).await;
    assert_eq!(taken.len(), 1);
    assert!(repository.settle(mail.id, taken[0].lease.expect("leased"), &Verdict::Sent, NOW).await.expect("said"));
}

async fn an_owner_of_many_webhooks_has_a_share_and_others_have_the_rest(repository: &dyn Repository) {
    let now = NOW.plus_millis(-50 * HOUR_MS);
    let (many, one) = (owner(repository, WEBHOOKS_MAX).await, owner(repository, 1).await);
    for webhook in &many {
        owe(repository, webhook, 8, now).await;
    }
    owe(repository, &one[0], 2, now.plus_millis(1)).await;
    // Less room than the one has webhooks, of servers that take at one time.
    let room = Room { all: 16, webhooks: 16, mails: 0 };
    let (first, second) = (now.plus_millis(1), now.plus_millis(1 + LEASE_MS));
    for at in [first, second] {
        let taken = join_all((0..4).map(|_| take(repository, at, room))).await.concat();
        let of_many = to(&taken, &many);
        assert!((1..=PER_OWNER_MAX).contains(&of_many), "{of_many} under way to those of one person");
        // By the next that looks at the latest: those of the one have no share left.
        let then = take(repository, at, room).await;
        let of_many = of_many + to(&then, &many);
        assert!(of_many <= PER_OWNER_MAX, "{of_many} under way to those of one person");
        assert_eq!(to(&taken, &one) + to(&then, &one), 2, "the other's are taken");
    }
    forget(repository, &many).await;
    forget(repository, &one).await;
}
