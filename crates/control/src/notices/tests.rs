//! Who is told of what, when, and what makes two events one.

use proptest::prelude::*;

use super::*;
use crate::{CourseId, keys};

const HOUR_MS: i64 = 3_600_000;

fn lesson(series: bool) -> Lesson {
    let made = UnixMillis(1_700_000_000_000);
    Lesson {
        id: LessonId::new(made),
        course: CourseId::new(made),
        mentor: UserId::new(made),
        channel: keys::random_id(),
        series: series.then(keys::random_id),
        title: "Gerak lurus".to_owned(),
        summary: String::new(),
        starts: UnixMillis(100 * HOUR_MS),
        ends: UnixMillis(101 * HOUR_MS),
        zone: "Asia/Jakarta".to_owned(),
        state: LessonState::Scheduled,
        started: None,
        ended: None,
        capacity: None,
        slow_ms: 0,
        comments_on: true,
        review_on: false,
        word_filter: Vec::new(),
        created: made,
        version: 1,
    }
}

fn recipient() -> Recipient {
    Recipient {
        user: UserId::new(UnixMillis(1)),
        zone: "Asia/Jakarta".to_owned(),
        email: Some("satu@example.test".to_owned()),
        settings: NoticeSettings::default(),
        subscriptions: vec![SubscriptionId::new(UnixMillis(2)), SubscriptionId::new(UnixMillis(3))],
    }
}

#[test]
fn kinds_survive_their_text_and_are_changes() {
    for kind in NoticeKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert_eq!(NoticeKind::of(kind.change()), Some(*kind));
        assert!(kind.lasts_ms() >= HOUR_MS / 2);
    }
    assert_eq!("lesson_ended".parse::<NoticeKind>(), Err(NoticeKindError));
    assert_eq!(NoticeKind::of(ChangeKind::Revoked), None);
}

#[test]
fn recordings_are_told_to_who_was_there_and_all_else_to_who_is_enrolled() {
    let told = |kind: &NoticeKind| kind.audience() == Audience::Attended;
    let kinds: Vec<NoticeKind> = NoticeKind::ALL.iter().copied().filter(told).collect();
    assert_eq!(kinds, [NoticeKind::RecordingReady]);
}

#[test]
fn an_event_is_one_however_often_its_change_is_read_and_a_moved_lesson_reminds_again() {
    let one = lesson(false);
    for kind in NoticeKind::ALL {
        let key = |seq, starts| event_key(*kind, &one, UnixMillis(starts), Seq(seq), None);
        assert_eq!(key(1, 5), key(1, 5));
        let by_start = matches!(kind, NoticeKind::LessonTomorrow | NoticeKind::LessonSoon);
        assert_eq!(key(1, 5) != key(1, 6), by_start, "{kind:?}");
        assert_eq!(key(1, 5) != key(2, 5), *kind == NoticeKind::LessonChanged, "{kind:?}");
        assert_ne!(
            key(1, 5),
            event_key(*kind, &lesson(false), UnixMillis(5), Seq(1), None),
            "another lesson is another event"
        );
    }
}

#[test]
fn lessons_that_were_set_or_moved_together_are_told_of_once_and_remind_each() {
    let first = lesson(true);
    let second = Lesson { id: LessonId::new(UnixMillis(9)), ..first.clone() };
    let shared = |edit| {
        let key = |kind, lesson: &Lesson, seq| event_key(kind, lesson, lesson.starts, Seq(seq), edit);
        let same = |kind: &NoticeKind| key(*kind, &first, 1) == key(*kind, &second, 2);
        NoticeKind::ALL.iter().copied().filter(same).collect::<Vec<_>>()
    };
    assert_eq!(shared(None), [NoticeKind::LessonScheduled]);
    let moved_together = shared(Some(keys::random_id()));
    assert_eq!(moved_together, [NoticeKind::LessonScheduled, NoticeKind::LessonChanged]);
}

#[test]
fn a_delivery_is_one_for_each_person_way_and_target() {
    let (one, two) = (UserId::new(UnixMillis(1)), UserId::new(UnixMillis(2)));
    let keys = [
        once_key("e", one, Medium::Push, "a"),
        once_key("e", one, Medium::Push, "b"),
        once_key("e", one, Medium::Email, "a"),
        once_key("e", two, Medium::Push, "a"),
        once_key("f", one, Medium::Push, "a"),
    ];
    let distinct: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    assert_eq!(keys[0], once_key("e", one, Medium::Push, "a"));
}

#[test]
fn what_is_so_no_more_is_not_told() {
    let with = |state| Lesson { state, ..lesson(false) };
    let row = |kind, state| is_outdated(kind, lesson(false).starts, &with(state));
    let states = [LessonState::Scheduled, LessonState::Live, LessonState::Ended, LessonState::Cancelled];
    for (kind, expected) in [
        (NoticeKind::LessonScheduled, [false, false, false, true]),
        (NoticeKind::LessonChanged, [false, false, false, true]),
        (NoticeKind::LessonCancelled, [false; 4]),
        (NoticeKind::LessonTomorrow, [false, true, true, true]),
        (NoticeKind::LessonSoon, [false, false, true, true]),
        (NoticeKind::LessonStarted, [false, false, true, true]),
        (NoticeKind::RecordingReady, [false; 4]),
    ] {
        assert_eq!(states.map(|state| row(kind, state)), expected, "{kind:?}");
    }
    let moved = with(LessonState::Scheduled);
    assert!(is_outdated(NoticeKind::LessonTomorrow, UnixMillis(1), &moved));
    assert!(is_outdated(NoticeKind::LessonSoon, UnixMillis(1), &moved));
    assert!(!is_outdated(NoticeKind::LessonScheduled, UnixMillis(1), &moved));
}

#[test]
fn quiet_hours_hold_over_midnight() {
    let night = Quiet::new(22 * 60, 6 * 60).expect("a stretch");
    let end = |tomorrow| Some(QuietEnd { tomorrow, minute: 6 * 60 });
    for (minute, expected) in [
        (22 * 60 - 1, None),
        (22 * 60, end(true)),
        (DAY_MIN - 1, end(true)),
        (0, end(false)),
        (6 * 60 - 1, end(false)),
        (6 * 60, None),
        (12 * 60, None),
    ] {
        assert_eq!(night.end(minute), expected, "{minute}");
    }
    let noon = Quiet::new(12 * 60, 13 * 60).expect("a stretch");
    assert_eq!(noon.end(12 * 60 + 5), Some(QuietEnd { tomorrow: false, minute: 13 * 60 }));
    assert_eq!((noon.end(11 * 60), noon.end(13 * 60), noon.end(0)), (None, None, None));
}

#[test]
fn quiet_hours_that_are_none_are_refused() {
    for (from, until) in [(0, 0), (600, 600), (DAY_MIN, 5), (5, DAY_MIN), (u16::MAX, 0)] {
        assert_eq!(Quiet::new(from, until), None, "{from} {until}");
    }
}

proptest! {
    #[test]
    fn a_minute_is_quiet_if_and_only_if_walking_from_it_meets_the_end_before_the_beginning(
        from in 0..DAY_MIN, until in 0..DAY_MIN, minute in 0..DAY_MIN,
    ) {
        prop_assume!(from != until);
        let quiet = Quiet::new(from, until).expect("a stretch");
        let ahead = |to: u16| (to + DAY_MIN - minute - 1) % DAY_MIN;
        let expected = ahead(until) < ahead(from);
        prop_assert_eq!(quiet.end(minute).is_some(), expected);
        if let Some(end) = quiet.end(minute) {
            prop_assert_eq!(end.minute, until);
            prop_assert_eq!(end.tomorrow, until <= minute);
        }
    }

    #[test]
    fn nothing_is_sent_before_now_nor_behind_the_end_of_quiet_hours(
        now in 0i64..1_000_000, ahead in -1_000_000i64..100_000_000, quiet in proptest::option::of(0i64..2_000_000),
    ) {
        for kind in NoticeKind::ALL {
            let end = quiet.map(UnixMillis);
            let at = due(*kind, UnixMillis(now), UnixMillis(now + ahead), end);
            prop_assert!(at.0 == now || Some(at) == end && at.0 > now);
        }
    }
}

#[test]
fn quiet_hours_hold_back_what_can_wait_and_nothing_that_is_about_now() {
    let (now, end) = (UnixMillis(0), UnixMillis(8 * HOUR_MS));
    let waits = |kind, starts_h: i64| due(kind, now, UnixMillis(starts_h * HOUR_MS), Some(end)) == end;
    for kind in NoticeKind::ALL {
        let (far, just, near, past) = (waits(*kind, 24), waits(*kind, 10), waits(*kind, 9), waits(*kind, -1));
        let expected = match kind {
            NoticeKind::LessonSoon | NoticeKind::LessonStarted => (false, false, false, false),
            NoticeKind::RecordingReady => (true, true, true, true),
            NoticeKind::LessonScheduled
            | NoticeKind::LessonChanged
            | NoticeKind::LessonCancelled
            | NoticeKind::LessonTomorrow => (true, true, false, true),
        };
        assert_eq!((far, just, near, past), expected, "{kind:?}");
        assert_eq!(due(*kind, now, UnixMillis(24 * HOUR_MS), None), now);
        assert_eq!(due(*kind, now, UnixMillis(24 * HOUR_MS), Some(UnixMillis(-5))), now, "they are over");
    }
}

#[test]
fn people_are_told_by_the_ways_they_want() {
    let media =
        |person: &Recipient, kind| person.ways(kind).into_iter().map(|(medium, _)| medium).collect::<Vec<Medium>>();
    let kind = NoticeKind::LessonSoon;
    let all = recipient();
    assert_eq!(media(&all, kind), [Medium::Push, Medium::Push, Medium::Email]);
    assert_eq!(all.ways(kind)[0].1, all.subscriptions[0].to_string());
    let with = |settings| Recipient { settings, ..all.clone() };
    let defaults = NoticeSettings::default;
    assert_eq!(media(&with(NoticeSettings { push_on: false, ..defaults() }), kind), [Medium::Email]);
    assert_eq!(media(&with(NoticeSettings { email_on: false, ..defaults() }), kind), [Medium::Push, Medium::Push]);
    let muted = with(NoticeSettings { muted: vec![kind], ..defaults() });
    assert!(media(&muted, kind).is_empty());
    assert_eq!(media(&muted, NoticeKind::LessonStarted).len(), 3, "other kinds are told");
    let unconfirmed = Recipient { email: None, subscriptions: Vec::new(), ..all };
    assert!(media(&unconfirmed, kind).is_empty());
}

fn upcoming(set: i64) -> Upcoming {
    Upcoming {
        lesson: LessonId::new(UnixMillis(1)),
        starts: UnixMillis(100 * HOUR_MS),
        set: UnixMillis(set),
        told_tomorrow: false,
        told_soon: false,
    }
}

#[test]
fn reminders_come_a_day_and_a_quarter_of_an_hour_before() {
    let starts = 100 * HOUR_MS;
    let (tomorrow, soon) = (Some(NoticeKind::LessonTomorrow), Some(NoticeKind::LessonSoon));
    for (before_ms, expected) in [
        (TOMORROW_MS + 1, None),
        (TOMORROW_MS, tomorrow),
        (TOMORROW_MS - TOMORROW_LATE_MS, tomorrow),
        (TOMORROW_MS - TOMORROW_LATE_MS - 1, None),
        (SOON_MS + 1, None),
        (SOON_MS, soon),
        (1, soon),
        (0, None),
        (-1, None),
    ] {
        assert_eq!(upcoming(0).reminder(UnixMillis(starts - before_ms)), expected, "{before_ms}");
    }
}

#[test]
fn a_reminder_comes_once_and_none_of_tomorrow_for_what_was_set_today() {
    let (day_before, just_before) = (UnixMillis(100 * HOUR_MS - TOMORROW_MS), UnixMillis(100 * HOUR_MS - SOON_MS));
    let told = Upcoming { told_tomorrow: true, told_soon: true, ..upcoming(0) };
    assert_eq!((told.reminder(day_before), told.reminder(just_before)), (None, None));
    let late = upcoming(100 * HOUR_MS - TOMORROW_MS + 1);
    assert_eq!(late.reminder(UnixMillis(day_before.0 + 2)), None);
    assert_eq!(late.reminder(just_before), Some(NoticeKind::LessonSoon), "it still reminds shortly before");
    assert_eq!(upcoming(day_before.0).reminder(day_before), Some(NoticeKind::LessonTomorrow));
}

#[test]
fn what_wakes_a_phone_is_about_now() {
    let wakes: Vec<NoticeKind> = NoticeKind::ALL.iter().copied().filter(|kind| kind.wakes()).collect();
    assert_eq!(wakes, [NoticeKind::LessonCancelled, NoticeKind::LessonSoon, NoticeKind::LessonStarted]);
}
