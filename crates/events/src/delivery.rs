//! From what is owed to what was sent: takes due deliveries under a lease, sends each, and says how it went.
//!
//! However often it is killed, a delivery is sent until the receiver took it or it is given up. A kill between sending and
//! saying so sends it again, with the same id: that window is the only one, and receivers know the id.

use std::sync::Arc;
use std::time::Duration;

use control::deliveries::{Delivery, Medium, Room, Verdict, next_attempt};
use control::notices::{Letter, Notice, NoticeKind, OtherMove, Reader, Standing, due, lasts_ms};
use control::{Repository, RepositoryError, keys};
use http::StatusCode;
use media::UnixMillis;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::egress::{Answer, Egress, SendError};
use crate::email::{Draft, MailError, Post};
use crate::mail::KeptMail;
use crate::push;
use crate::text::{mail_foot, quiet_end, wording};
use crate::told::Told;
use crate::vapid::Vapid;
use crate::webhook;

/// How often due deliveries are looked for when nobody says that there are some.
const POLL: Duration = Duration::from_millis(500);

/// How often is looked whether a paused webhook is on again.
const PAUSED_LOOK_MS: i64 = 60_000;
/// How often what waits is counted.
const COUNT_EVERY_MS: i64 = 10_000;

/// Pause of what found too many requests to its host under way.
const BUSY_MS: i64 = 1_000;

/// What bounds the work.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deliveries under way at once. Each waits for a peer, most for tens of milliseconds: a thousand a second.
    pub slots: u32,
    /// How long somebody who took a delivery may work on it before another takes it, in milliseconds. More than thrice what
    /// a request or a mail may take.
    pub lease_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { slots: 64, lease_ms: 90_000 }
    }
}

/// See the module.
pub struct Courier {
    /// Where deliveries are.
    pub repository: Arc<dyn Repository>,
    /// Requests to addresses of strangers.
    pub egress: Egress,
    /// Mails.
    pub post: Post,
    /// Who we are to push services: read at the first push, as a server starts also where no new secret can be kept.
    pub vapid: OnceCell<Vapid>,
    /// Whom push services write to when we do them harm.
    pub contact: String,
    /// Where people reach this server, without a slash at the end; mails have no links where it is not known.
    pub base_url: Option<String>,
    /// Bounds.
    pub limits: Limits,
    /// Told when something is owed.
    pub wake: Arc<Notify>,
}

/// Mails at once: two for each line to the mail server, so that none of them waits for the next to be read.
const MAILS_MAX: u32 = 8;

/// Deliveries that are being sent.
#[derive(Clone, Copy)]
struct UnderWay {
    all: u32,
    webhooks: u32,
    mails: u32,
}

impl Courier {
    /// Sends until `stop`; then finishes what is under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut sending: JoinSet<()> = JoinSet::new();
        // Each request to a webhook, and each mail, holds a share as long as it is under way, however it ends.
        let (calls, mails, mut count_next) = (Arc::new(()), Arc::new(()), UnixMillis(0));
        while !stop.is_cancelled() {
            let now = clock::now();
            if now >= count_next {
                count_next = now.plus_millis(COUNT_EVERY_MS);
                self.count(now).await;
            }
            let count = |n| u32::try_from(n).unwrap_or(u32::MAX);
            let shares = |of: &Arc<()>| count(Arc::strong_count(of).saturating_sub(1));
            let under_way = UnderWay { all: count(sending.len()), webhooks: shares(&calls), mails: shares(&mails) };
            let taken = match self.take(under_way, now).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(%error, "deliveries cannot be read and are tried again");
                    Vec::new()
                }
            };
            for delivery in taken {
                let courier = self.clone();
                let share = match delivery.what.medium {
                    Medium::Webhook => Some(calls.clone()),
                    Medium::Email => Some(mails.clone()),
                    Medium::Push => None,
                };
                sending.spawn(async move {
                    courier.deliver(delivery).await;
                    drop(share);
                });
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                Some(_) = sending.join_next() => {
                    // All that are done at once, so that as many are taken at once.
                    while sending.try_join_next().is_some() {}
                }
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Takes as many as there is room for. Half of it is never webhooks', and mails have as much as keeps the mail server's
    /// lines busy: strangers' servers and the mail server may be slow as they like, and pushes go on.
    async fn take(&self, under_way: UnderWay, now: UnixMillis) -> Result<Vec<Delivery>, RepositoryError> {
        let slots = self.limits.slots;
        let room = Room {
            all: slots.saturating_sub(under_way.all),
            webhooks: (slots / 2).saturating_sub(under_way.webhooks),
            mails: MAILS_MAX.saturating_sub(under_way.mails),
        };
        if room.all == 0 || !self.repository.any_due(now).await? {
            return Ok(Vec::new());
        }
        self.repository.claim(keys::random_id(), now, now.plus_millis(self.limits.lease_ms), room).await
    }

    /// Sends one that was taken, and says how it went.
    pub async fn deliver(&self, delivery: Delivery) {
        let (id, Some(lease)) = (delivery.what.id, delivery.lease) else { return };
        let verdict = match self.attempt(&delivery).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::warn!(%error, "a delivery cannot be read; it is tried again when its lease is over");
                return;
            }
        };
        let outcome = match &verdict {
            Verdict::Sent => "sent",
            Verdict::Again(..) => "again",
            Verdict::Postponed(_) => "postponed",
            Verdict::Held(..) => "held",
            Verdict::Dead(_) => "dead",
        };
        match self.repository.settle(id, lease, &verdict, clock::now()).await {
            Ok(true) => {
                let medium = delivery.what.medium.as_str();
                metrics::counter!("tayang_deliveries_total", "medium" => medium, "outcome" => outcome).increment(1);
                if let Verdict::Dead(error) = verdict {
                    tracing::info!(%id, medium, error, "a delivery is given up");
                }
            }
            Ok(false) => {
                metrics::counter!("tayang_deliveries_fenced_total").increment(1);
                tracing::warn!(%id, "a delivery took longer than its lease");
            }
            Err(error) => tracing::warn!(%error, %id, "a delivery cannot be marked; it is sent again"),
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<Verdict, RepositoryError> {
        let now = clock::now();
        if now >= delivery.what.expires {
            let last = if delivery.error.is_empty() { "it was not sent in time" } else { &delivery.error };
            return Ok(Verdict::Dead(last.to_owned()));
        }
        let mut letter = self.repository.letter(delivery.what.id.0, now).await?;
        if let Some(verdict) = self.held_back(delivery, &mut letter, now).await? {
            return Ok(verdict);
        }
        match delivery.what.medium {
            Medium::Push => self.push(delivery, &letter, now).await,
            Medium::Email => self.mail(delivery, &letter, now).await,
            Medium::Webhook => Ok(self.call(delivery, &letter, now).await),
        }
    }

    /// Why a notice is not sent, or not now: planned is long ago, and people and lessons have changed.
    async fn held_back(
        &self,
        delivery: &Delivery,
        letter: &mut Letter,
        now: UnixMillis,
    ) -> Result<Option<Verdict>, RepositoryError> {
        let dead = |why: &str| Ok(Some(Verdict::Dead(why.to_owned())));
        let Some(mut reader) = letter.reader.clone() else { return Ok(None) };
        if reader.suspended {
            return dead("the account is suspended");
        }
        let Some((notice, lesson)) = letter.notice.clone().zip(letter.lesson.clone()) else { return Ok(None) };
        let mut said = told(&notice)?;
        let (kind, medium, starts) = (notice.kind, delivery.what.medium, UnixMillis(said.starts_ms));
        // Who was sent out of the first of several lessons is told of the others, and led to one of them.
        let of_several = said.is_of_several(kind);
        reader.is_told = if of_several { !letter.series.is_empty() } else { reader.is_told };
        if let Some(why) = reader.refuses(kind, medium, &delivery.what.target) {
            return dead(why);
        }
        let about = if of_several { letter.series.clone() } else { vec![Standing::from(&lesson)] };
        let so = about.into_iter().filter(|lesson| said.is_so(kind, *lesson));
        let stand: Vec<_> = so.map(|lesson| lesson.lesson).collect();
        let first = stand.iter().copied().min_by_key(|lesson| *lesson != notice.lesson);
        let Some(first) = first else { return dead(OUTDATED) };
        letter.notice = Some(Notice { lesson: first, ..notice.clone() });
        if kind == NoticeKind::LessonChanged {
            let mut earlier = earlier(&said, &letter.others)?;
            if let Some(at) = earlier.iter().find_map(|(_, other)| other.waits.filter(|at| *at <= now)) {
                // One after another, so that the last that is heard is the last that happened.
                return Ok(Some(Verdict::Postponed(at.max(now.plus_millis(BUSY_MS)))));
            }
            // What moved several, and waits, is sent by itself as long as any of them stands: then this one is to be told too.
            let is_to_come = |told: &Told, other: &OtherMove| {
                let stands = || !of_several || letter.series.iter().any(|lesson| told.is_so(kind, *lesson));
                told.together.is_some() && other.waits.is_some() && stands()
            };
            let heard = earlier.iter().position(|(told, other)| !other.is_unheard || is_to_come(told, other));
            earlier.truncate(heard.unwrap_or(earlier.len()));
            let before: Vec<Told> = earlier.into_iter().map(|(told, _)| told).collect();
            said.take_in_unheard(&before);
            let Some(first) = said.leave_out_all_but(&stand) else {
                return dead("it was undone before it was told");
            };
            if first != notice.lesson {
                // What the first was called is no name of this one.
                let event = self.repository.lesson_event(first).await?;
                said.title = event.map_or(said.title, |event| event.lesson.title);
                said.title_before = None;
            }
            letter.notice = Some(Notice { payload: said.to_json(), lesson: first, ..notice });
        }
        let until = due(kind, now, starts, quiet_end(reader.settings.quiet, now, &reader.zone));
        Ok((until > now).then(|| Verdict::Held(until, until.plus_millis(lasts_ms(kind, medium)))))
    }

    async fn push(&self, delivery: &Delivery, letter: &Letter, now: UnixMillis) -> Result<Verdict, RepositoryError> {
        let (Some(notice), Some(reader)) = (&letter.notice, &letter.reader) else {
            return Ok(Verdict::Dead("the notice is gone".to_owned()));
        };
        // The browser may be somebody else's by now: what was owed to one person is not shown to another.
        let own = letter.subscription.as_ref().filter(|device| delivery.what.user == Some(device.user));
        let Some(subscription) = own else {
            return Ok(Verdict::Dead("the device is signed out".to_owned()));
        };
        let wording = wording(notice.kind, &told(notice)?, reader.locale, &reader.zone);
        let link = path(notice, letter);
        let policy = self.egress.policy();
        let vapid = self.vapid.get_or_try_init(|| Vapid::open(&*self.repository, self.contact.clone(), now)).await?;
        let request = match push::request(subscription, notice, &wording, &link, vapid, policy, now) {
            Ok(request) => request,
            Err(error) => return Ok(Verdict::Dead(error.to_string())),
        };
        let sent = self.egress.post(&subscription.endpoint.0, request.headers, request.body, now).await;
        Ok(match sent {
            Ok(Answer { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. }) => {
                self.repository.subscription_gone(subscription.id, now).await?;
                Verdict::Dead("the push service knows the device no more".to_owned())
            }
            // Who we are is refused while a clock is wrong or a key unknown: that passes.
            Ok(answer) if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                again(delivery, now, None, format!("the push service answered {}", answer.status.as_u16()))
            }
            Ok(answer) if answer.status.is_client_error() && !is_temporary(answer.status) => {
                Verdict::Dead(format!("the push service answered {}", answer.status.as_u16()))
            }
            sent => verdict(delivery, sent),
        })
    }

    async fn mail(&self, delivery: &Delivery, letter: &Letter, now: UnixMillis) -> Result<Verdict, RepositoryError> {
        let what = &delivery.what;
        let (mail, language) = match (&letter.notice, &letter.reader) {
            (Some(notice), Some(reader)) => (self.notice_mail(notice, letter, reader)?, Some(reader.locale.as_str())),
            _ if what.notice.is_some() => return Ok(Verdict::Dead("the notice is gone".to_owned())),
            _ => (serde_json::from_str(&what.payload).map_err(|_| corrupt("payload"))?, None),
        };
        let draft = Draft {
            id: what.id,
            to: &what.target,
            subject: &mail.subject,
            body: &mail.body,
            created: what.created,
            language,
        };
        Ok(match self.post.send(&draft).await {
            Ok(()) => Verdict::Sent,
            Err(MailError::Never(error)) => Verdict::Dead(error),
            Err(MailError::NotNow(error)) => again(delivery, now, None, error),
        })
    }

    async fn call(&self, delivery: &Delivery, letter: &Letter, now: UnixMillis) -> Verdict {
        let Some(hook) = &letter.webhook else {
            return Verdict::Dead("the webhook is gone, or its owner may have none any more".to_owned());
        };
        if hook.disabled.is_some() {
            // Until its time is over, or it is turned on.
            return Verdict::Postponed(now.plus_millis(PAUSED_LOOK_MS));
        }
        let body = delivery.what.payload.clone().into_bytes();
        let headers = webhook::headers(hook, delivery.what.id, &body, now);
        verdict(delivery, self.egress.post(&hook.url.0, headers, body, now).await)
    }

    fn notice_mail(&self, notice: &Notice, letter: &Letter, reader: &Reader) -> Result<KeptMail, RepositoryError> {
        let told = told(notice)?;
        let wording = wording(notice.kind, &told, reader.locale, &reader.zone);
        let links = self
            .base_url
            .as_ref()
            .map(|base| (format!("{base}{}", path(notice, letter)), format!("{base}/{}/settings", app(letter))));
        let foot = mail_foot(reader.locale, links.as_ref());
        Ok(KeptMail {
            subject: format!("{}: {}", wording.title, told.title),
            body: format!("{}\n\n{foot}", wording.body),
        })
    }

    async fn count(&self, now: UnixMillis) {
        match self.repository.backlog(now).await {
            Ok(backlog) => {
                for of in backlog {
                    let medium = of.medium.as_str();
                    let oldest_ms = of.due_since.map_or(0, |since| (now.0 - since.0).max(0));
                    metrics::gauge!("tayang_deliveries_waiting", "medium" => medium).set(of.waiting as f64);
                    metrics::gauge!("tayang_deliveries_dead", "medium" => medium).set(of.dead as f64);
                    metrics::gauge!("tayang_deliveries_oldest_due_seconds", "medium" => medium)
                        .set(oldest_ms as f64 / 1_000.0);
                }
            }
            Err(error) => tracing::warn!(%error, "deliveries cannot be counted"),
        }
    }
}

/// The app in which somebody is told: mentors have their own.
fn app(letter: &Letter) -> &'static str {
    match (&letter.lesson, &letter.reader) {
        (Some(lesson), Some(reader)) if lesson.mentor == reader.user => "mymentee",
        _ => "mymentor",
    }
}

/// The page of the lesson, without scheme and host.
fn path(notice: &Notice, letter: &Letter) -> String {
    format!("/{}/lessons/{}", app(letter), notice.lesson)
}

fn corrupt(what: &str) -> RepositoryError {
    RepositoryError::Corrupt { what: format!("a value of {what}") }
}

fn told(notice: &Notice) -> Result<Told, RepositoryError> {
    told_of(&notice.payload)
}

fn told_of(payload: &str) -> Result<Told, RepositoryError> {
    serde_json::from_str(payload).map_err(|_| corrupt("payload"))
}

/// What happened before, the last first.
fn earlier<'a>(said: &Told, others: &'a [OtherMove]) -> Result<Vec<(Told, &'a OtherMove)>, RepositoryError> {
    let read = others.iter().map(|other| Ok((told_of(&other.payload)?, other)));
    let mut earlier: Vec<_> = read.collect::<Result<_, RepositoryError>>()?;
    earlier.retain(|(told, _)| told.seq < said.seq);
    earlier.sort_unstable_by_key(|(told, _)| std::cmp::Reverse(told.seq));
    Ok(earlier)
}

/// Why a notice is given up that says what is so no more.
const OUTDATED: &str = "it is so no more";

/// What an error begins with that is an answer.
const ANSWERED: &str = "it answered ";

fn answered(status: StatusCode) -> String {
    format!("{ANSWERED}{}", status.as_u16())
}

/// The status in the error of a delivery. `None`: there was no answer.
#[must_use]
pub fn status_of(error: &str) -> Option<u16> {
    error.strip_prefix(ANSWERED)?.parse().ok()
}

/// Client errors that pass.
fn is_temporary(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}

/// Taken, or tried again.
fn verdict(delivery: &Delivery, sent: Result<Answer, SendError>) -> Verdict {
    let now = clock::now();
    match sent {
        Ok(answer) if answer.status.is_success() => Verdict::Sent,
        Ok(answer) => again(delivery, now, answer.retry_after_ms, answered(answer.status)),
        Err(SendError::Busy) => {
            let spread = i64::try_from(clock::chance() % 1_000).unwrap_or(0);
            Verdict::Postponed(now.plus_millis(BUSY_MS + spread))
        }
        Err(error @ SendError::Refused(_)) => Verdict::Dead(error.to_string()),
        Err(error) => again(delivery, now, None, error.to_string()),
    }
}

fn again(delivery: &Delivery, now: UnixMillis, asked_ms: Option<i64>, error: String) -> Verdict {
    match next_attempt(now, delivery.attempts, clock::chance(), asked_ms, delivery.what.expires) {
        Some(next) => Verdict::Again(next, error),
        None => Verdict::Dead(error),
    }
}
