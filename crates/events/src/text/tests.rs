//! Times on people's clocks, and the sentences.

use super::*;
use crate::told::{Moved, Times, Together};

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

fn times(starts: &str, ends: &str) -> Times {
    Times { starts_ms: at(starts).0, ends_ms: at(ends).0 }
}

fn told() -> Told {
    Told {
        seq: 1,
        title: "Gerak lurus".to_owned(),
        course: "Fisika X".to_owned(),
        mentor: "Ibu Sari".to_owned(),
        starts_ms: at("2026-11-28T12:00:00Z").0,
        title_before: None,
        moved: Some(Moved {
            before: times("2026-11-28T11:00:00Z", "2026-11-28T12:00:00Z"),
            after: times("2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z"),
        }),
        together: None,
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

#[test]
fn a_move_says_from_when_to_when_and_by_which_names() {
    let body = |told: &Told, locale| wording(NoticeKind::LessonChanged, told, locale, "Asia/Jakarta").body;
    let longer = Told {
        title_before: Some("Gerak".to_owned()),
        moved: Some(Moved {
            before: times("2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z"),
            after: times("2026-11-28T12:00:00Z", "2026-11-28T13:30:00Z"),
        }),
        ..told()
    };
    assert_eq!(
        body(&longer, Locale::Id),
        "“Gerak lurus” di Fisika X (Sabtu, 28 November 2026 pukul 19.00 WIB) sekarang selesai pukul 20.30 WIB, bukan lagi \
         20.00 WIB. Judul sebelumnya: “Gerak”."
    );
    assert_eq!(
        body(&longer, Locale::En),
        "“Gerak lurus” in Fisika X (Saturday, 28 November 2026 at 19:00 WIB) now ends at 20:30 WIB, no longer at 20:00 WIB. \
         It was called “Gerak”."
    );
}

#[test]
fn a_series_that_moved_is_told_with_its_new_weekday_and_a_short_list_of_dates() {
    let week_ms = 7 * 86_400_000;
    let first = at("2026-12-02T12:00:00Z").0;
    let starts_ms: Vec<i64> = (0..12).map(|week| first + week * week_ms).collect();
    let together = Together { starts_ms, lessons: Vec::new(), before: Vec::new() };
    let moved = Moved {
        before: times("2026-11-30T11:00:00Z", "2026-11-30T12:00:00Z"),
        after: times("2026-12-02T12:00:00Z", "2026-12-02T13:00:00Z"),
    };
    let all = Told { starts_ms: first, moved: Some(moved), together: Some(together), ..told() };
    let body = |told: &Told, locale, zone| wording(NoticeKind::LessonChanged, told, locale, zone).body;
    assert_eq!(
        body(&all, Locale::Id, "Asia/Jakarta"),
        "“Gerak lurus” di Fisika X sekarang setiap Rabu pukul 19.00 WIB, mulai Rabu, 2 Desember 2026 pukul 19.00 WIB, bukan \
         lagi Senin pukul 18.00 WIB. 12 pelajaran: 2 Des, 9 Des, 16 Des, 23 Des, dan 8 lagi."
    );
    assert_eq!(
        body(&all, Locale::En, "Asia/Jakarta"),
        "“Gerak lurus” in Fisika X is now every Wednesday at 19:00 WIB, from Wednesday, 2 December 2026 at 19:00 WIB, no \
         longer Monday at 18:00 WIB. 12 lessons: 2 Dec, 9 Dec, 16 Dec, 23 Dec and 8 more."
    );
    // In a zone whose clocks change meanwhile it is not the same time every week: each says its own.
    let two = Together {
        starts_ms: vec![at("2026-10-21T12:00:00Z").0, at("2026-10-28T12:00:00Z").0],
        ..all.together.clone().expect("some")
    };
    let uneven = Told { starts_ms: two.starts_ms[0], together: Some(two), ..all };
    let said = body(&uneven, Locale::En, "Europe/Berlin");
    assert!(said.contains("2 lessons: 21 Oct 14:00, 28 Oct 13:00.") && !said.contains("every"), "{said}");
    let said = body(&uneven, Locale::Id, "Europe/Berlin");
    assert!(said.contains("2 pelajaran: 21 Okt 14.00, 28 Okt 13.00.") && !said.contains("setiap"), "{said}");
}
