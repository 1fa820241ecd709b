//! Times on people's clocks, and the sentences.

use super::*;

fn at(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().expect("a time").as_millisecond())
}

fn night() -> Option<Quiet> {
    Quiet::new(22 * 60, 6 * 60)
}

#[test]
fn quiet_hours_end_on_the_wall_clock_of_the_reader() {
    for (zone, now, end) in [
        ("Asia/Jakarta", "2026-11-28T15:00:00Z", Some("2026-11-28T23:00:00Z")),
        ("Asia/Jakarta", "2026-11-28T14:59:59Z", None),
        ("Asia/Jakarta", "2026-11-28T18:30:00Z", Some("2026-11-28T23:00:00Z")),
        ("Asia/Jakarta", "2026-11-28T23:00:00Z", None),
        // An hour earlier in Jayapura's clock is two hours later.
        ("Asia/Jayapura", "2026-11-28T13:00:00Z", Some("2026-11-28T21:00:00Z")),
        ("Nowhere/Land", "2026-11-28T22:30:00Z", Some("2026-11-29T06:00:00Z")),
    ] {
        assert_eq!(quiet_end(night(), at(now), zone), end.map(at), "{zone} {now}");
    }
    assert_eq!(quiet_end(None, at("2026-11-28T15:00:00Z"), "Asia/Jakarta"), None);
}

#[test]
fn quiet_hours_end_by_the_wall_where_clocks_change_in_the_night() {
    // 2026-10-25 Berlin: 03:00 becomes 02:00. The night is an hour longer.
    let longer = quiet_end(night(), at("2026-10-24T20:00:00Z"), "Europe/Berlin");
    assert_eq!(longer, Some(at("2026-10-25T05:00:00Z")));
    // 2026-03-29: 02:00 becomes 03:00. The night is an hour shorter.
    let shorter = quiet_end(night(), at("2026-03-28T21:00:00Z"), "Europe/Berlin");
    assert_eq!(shorter, Some(at("2026-03-29T04:00:00Z")));
    // An end that the clocks skip is the moment after the gap.
    let skipped = quiet_end(Quiet::new(22 * 60, 150), at("2026-03-28T22:00:00Z"), "Europe/Berlin");
    assert_eq!(skipped, Some(at("2026-03-29T01:30:00Z")));
    // One that comes twice is over the first time, and in between it is quiet no more.
    let twice = quiet_end(Quiet::new(22 * 60, 150), at("2026-10-24T22:00:00Z"), "Europe/Berlin");
    assert_eq!(twice, Some(at("2026-10-25T00:30:00Z")));
    assert_eq!(quiet_end(Quiet::new(22 * 60, 150), at("2026-10-25T01:15:00Z"), "Europe/Berlin"), None);
}

#[test]
fn moments_are_written_as_people_write_them() {
    let moment = |locale, zone| moment(at("2026-11-28T12:00:00Z"), locale, zone);
    assert_eq!(moment(Locale::Id, "Asia/Jakarta"), "Sabtu, 28 November 2026 pukul 19.00 WIB");
    assert_eq!(moment(Locale::Id, "Asia/Makassar"), "Sabtu, 28 November 2026 pukul 20.00 WITA");
    assert_eq!(moment(Locale::En, "Asia/Jakarta"), "Saturday, 28 November 2026 at 19:00 WIB");
    assert_eq!(moment(Locale::En, "Nowhere/Land"), "Saturday, 28 November 2026 at 12:00 UTC");
}

fn told() -> Told {
    Told {
        title: "Gerak lurus".to_owned(),
        course: "Fisika X".to_owned(),
        mentor: "Ibu Sari".to_owned(),
        starts_ms: at("2026-11-28T12:00:00Z").0,
        before_ms: Some(at("2026-11-28T11:00:00Z").0),
        reason: Some("sakit".to_owned()),
        series: false,
    }
}

#[test]
fn each_kind_says_what_happened_to_which_lesson_in_both_languages() {
    for kind in NoticeKind::ALL {
        let wordings = [Locale::Id, Locale::En].map(|locale| wording(*kind, &told(), locale, "Asia/Jakarta"));
        assert_ne!(wordings[0], wordings[1], "{kind:?}");
        for said in &wordings {
            assert!(said.body.contains("Gerak lurus") && said.title.len() < 40, "{said:?}");
            let has_time = said.body.contains("19.00") || said.body.contains("19:00");
            let about_now = matches!(kind, NoticeKind::LessonStarted | NoticeKind::RecordingReady);
            assert_ne!(has_time, about_now, "{said:?}");
        }
    }
    let changed = wording(NoticeKind::LessonChanged, &told(), Locale::Id, "Asia/Jakarta").body;
    assert!(changed.contains("19.00 WIB, bukan lagi") && changed.contains("18.00 WIB"), "{changed}");
    let cancelled = wording(NoticeKind::LessonCancelled, &told(), Locale::En, "Asia/Jakarta").body;
    assert!(cancelled.ends_with("Reason: sakit"), "{cancelled}");
    let series = Told { series: true, ..told() };
    assert!(wording(NoticeKind::LessonScheduled, &series, Locale::En, "UTC").body.ends_with("then every week."));
}
