//! From changes to notices: follows what changed and writes, a bounded step at a time, what is owed to whom.
//!
//! A step is one transaction: notices, deliveries, and how far the planner has come. So a kill between two steps repeats
//! nothing and leaves nothing out, and of two servers that take the same step one finds that it was taken. A lesson with
//! many mentees is many steps, between which others write.

use std::sync::Arc;
use std::time::Duration;

use control::deliveries::{Medium, NewDelivery};
use control::notices::{self, LessonEvent, NewNotice, NoticeKind, Place, Plan, Recipient};
use control::{Change, DeliveryId, NoticeId, Repository, RepositoryError, Seq, webhooks};
use media::UnixMillis;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::text::quiet_end;
use crate::told::{self, Told};

/// How often changes are looked for: short beside what a push takes, and one look-up of an index.
const POLL: Duration = Duration::from_millis(250);

/// How often lessons are looked for whose reminder is due.
const REMIND_EVERY_MS: i64 = 5_000;

/// Changes read at once.
const CHANGES_MAX: u32 = 256;

/// People in one step. With their deliveries some 600 rows, 20 to 40 ms of the one writer.
pub const STEP_MAX: u32 = 200;

/// Reminders written before changes are looked at again.
const REMINDERS_MAX: u32 = 100;

/// Changes that nobody is told of before the planner's place is written all the same: at most so many are read again after
/// a start.
const UNWRITTEN_MAX: i64 = 1_000;

/// See the module.
pub struct Planner {
    repository: Arc<dyn Repository>,
    /// Told when something is owed.
    wake: Arc<Notify>,
    /// Nothing up to here is to be planned any more.
    seen: Seq,
}

impl Planner {
    /// One that plans what changes in `repository`.
    #[must_use]
    pub fn new(repository: Arc<dyn Repository>, wake: Arc<Notify>) -> Self {
        Self { repository, wake, seen: Seq::default() }
    }

    /// Plans until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut remind_next = UnixMillis(0);
        while !stop.is_cancelled() {
            let now = clock::now();
            let mut done = self.step(now).await;
            if done.is_ok() && now >= remind_next {
                remind_next = now.plus_millis(REMIND_EVERY_MS);
                done = self.remind(now).await.map(|reminders| reminders > 0);
            }
            if let Err(error) = &done {
                metrics::counter!("tayang_notices_failed_total").increment(1);
                tracing::warn!(%error, "notices cannot be planned and are tried again");
            }
            if !matches!(done, Ok(true)) {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }

    /// Takes the next step. `false`: there was none to take.
    ///
    /// # Errors
    /// [`RepositoryError`]; the step was not taken.
    pub async fn step(&mut self, now: UnixMillis) -> Result<bool, RepositoryError> {
        let place = self.repository.planned().await?;
        self.seen = self.seen.max(place.seq);
        let changes = self.repository.changes(self.seen, CHANGES_MAX).await?;
        for change in &changes {
            if is_told(change) {
                return self.plan(change, place, now).await;
            }
            self.seen = change.seq;
        }
        if self.seen.0 - place.seq.0 >= UNWRITTEN_MAX {
            let to = Place { seq: self.seen, within: None };
            self.repository.plan(&Plan { from: place, to, notices: Vec::new(), calls: Vec::new() }).await?;
        }
        Ok(!changes.is_empty())
    }

    /// One step of one change. That somebody else took it is no error: the next one begins where they are.
    async fn plan(&self, change: &Change, place: Place, now: UnixMillis) -> Result<bool, RepositoryError> {
        let before = Seq(change.seq.0 - 1);
        let after = place.within.filter(|_| place.seq == before);
        let mut plan =
            Plan { from: place, to: Place { seq: change.seq, within: None }, notices: Vec::new(), calls: Vec::new() };
        let event = match change.what.lesson {
            Some(lesson) => self.repository.lesson_event(lesson).await?,
            None => None,
        };
        if let Some(event) = event {
            let kind = NoticeKind::of(change.what.kind);
            let starts = told::starts(change, &event);
            let so = |kind: &NoticeKind| !notices::is_outdated(*kind, starts, &event.lesson);
            if let Some(kind) = kind.filter(so).filter(|_| told::is_for_people(change)) {
                let people = self.repository.recipients(event.lesson.id, kind.audience(), after, now, STEP_MAX).await?;
                if people.len() >= STEP_MAX as usize {
                    plan.to = Place { seq: before, within: people.last().map(|last| last.user) };
                }
                let told = Told::of(change, &event);
                plan.notices = people.iter().map(|person| notice(kind, change, &event, &told, person, now)).collect();
            }
            if after.is_none() {
                plan.calls = self.calls(change, &event, now).await?;
            }
        }
        let taken = self.repository.plan(&plan).await?;
        if taken && (!plan.notices.is_empty() || !plan.calls.is_empty()) {
            metrics::counter!("tayang_notices_total", "kind" => change.what.kind.as_str())
                .increment(plan.notices.len() as u64);
            self.wake.notify_one();
        }
        Ok(true)
    }

    async fn calls(
        &self,
        change: &Change,
        event: &LessonEvent,
        now: UnixMillis,
    ) -> Result<Vec<NewDelivery>, RepositoryError> {
        let hooks = self.repository.webhooks_for(event.lesson.mentor).await?;
        let wanted = hooks.iter().filter(|hook| hook.wants(change.what.kind));
        Ok(wanted
            .map(|hook| {
                let id = DeliveryId::new(now);
                NewDelivery {
                    id,
                    once_key: format!("change:{}:webhook:{}", change.seq.0, hook.id),
                    medium: Medium::Webhook,
                    notice: None,
                    webhook: Some(hook.id),
                    user: None,
                    target: hook.id.to_string(),
                    payload: told::call(id, change, event),
                    next: now,
                    created: now,
                    expires: now.plus_millis(Medium::Webhook.tries_ms()),
                }
            })
            .collect())
    }

    /// Writes the changes of reminders that are due. How many.
    ///
    /// # Errors
    /// [`RepositoryError`].
    pub async fn remind(&self, now: UnixMillis) -> Result<usize, RepositoryError> {
        let mut written = 0;
        for upcoming in self.repository.upcoming(now, REMINDERS_MAX).await? {
            let Some(kind) = upcoming.reminder(now) else { continue };
            written += usize::from(self.repository.remind(kind, upcoming.lesson, upcoming.starts, now).await?);
        }
        Ok(written)
    }
}

/// Whether anybody, person or machine, may be told of a change.
fn is_told(change: &Change) -> bool {
    webhooks::KINDS.contains(&change.what.kind) || NoticeKind::of(change.what.kind).is_some()
}

fn notice(
    kind: NoticeKind,
    change: &Change,
    event: &LessonEvent,
    told: &Told,
    person: &Recipient,
    now: UnixMillis,
) -> (NewNotice, Vec<NewDelivery>) {
    let starts = UnixMillis(told.starts_ms);
    let notice = NewNotice {
        id: NoticeId::new(now),
        user: person.user,
        event_key: notices::event_key(kind, &event.lesson, starts, change.seq, told::edit(change)),
        kind,
        lesson: event.lesson.id,
        payload: told.to_json(),
        created: now,
    };
    let next = notices::due(kind, now, starts, quiet_end(person.settings.quiet, now, &person.zone));
    let ways = person.ways(kind).into_iter().map(|(medium, target)| NewDelivery {
        id: DeliveryId::new(now),
        once_key: notices::once_key(&notice.event_key, person.user, medium, &target),
        medium,
        notice: Some(notice.id),
        webhook: None,
        user: Some(person.user),
        target,
        payload: "{}".to_owned(),
        next,
        created: now,
        expires: next.plus_millis(notices::lasts_ms(kind, medium)),
    });
    let ways = ways.collect();
    (notice, ways)
}
