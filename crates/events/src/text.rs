//! What notices say: one title and one sentence, in the reader's language and with times on the reader's clock.

use control::Locale;
use control::notices::{NoticeKind, Quiet};
use control::teaching::series::Zone;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use media::UnixMillis;

use crate::told::Told;

mod moves;

/// A title and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// What happened.
    pub title: String,
    /// To what, and when.
    pub body: String,
}

/// Where somebody lives; where the zone is unknown, UTC.
fn zone(name: &str) -> TimeZone {
    name.parse::<Zone>().map_or(TimeZone::UTC, |zone| zone.clock().clone())
}

fn on_the_wall(at: UnixMillis, zone_name: &str) -> Zoned {
    Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone(zone_name))
}

/// When quiet hours that `now` lies in end. `None`: it does not. Where the clocks skip that minute it is the one after the
/// gap; where it comes twice, the first.
#[must_use]
pub fn quiet_end(quiet: Option<Quiet>, now: UnixMillis, zone_name: &str) -> Option<UnixMillis> {
    let wall = on_the_wall(now, zone_name);
    let minute = u16::try_from(i32::from(wall.hour()) * 60 + i32::from(wall.minute())).ok()?;
    let end = quiet?.end(minute)?;
    let day = if end.tomorrow { wall.date().checked_add(1.day()).ok()? } else { wall.date() };
    let time = Time::new(i8::try_from(end.minute / 60).ok()?, i8::try_from(end.minute % 60).ok()?, 0, 0).ok()?;
    let end = day.to_datetime(time).to_zoned(zone(zone_name)).ok()?;
    Some(UnixMillis(end.timestamp().as_millisecond())).filter(|end| *end > now)
}

const DAYS_ID: [&str; 7] = ["Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"];
const MONTHS_ID: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];

/// A moment as people of that language write it: `Sabtu, 28 November 2026 pukul 19.00 WIB`.
#[must_use]
pub fn moment(at: UnixMillis, locale: Locale, zone_name: &str) -> String {
    let wall = on_the_wall(at, zone_name);
    match locale {
        Locale::Id => {
            let (day, month) = (day_id(&wall), month_id(&wall));
            format!("{day}, {} {month} {} pukul {}", wall.day(), wall.year(), wall.strftime("%H.%M %Z"))
        }
        Locale::En => wall.strftime("%A, %-d %B %Y at %H:%M %Z").to_string(),
    }
}

fn day_id(wall: &Zoned) -> &'static str {
    DAYS_ID[usize::try_from(wall.weekday().to_monday_zero_offset()).unwrap_or(0) % 7]
}

fn month_id(wall: &Zoned) -> &'static str {
    MONTHS_ID[usize::try_from(wall.month() - 1).unwrap_or(0) % 12]
}

/// What a notice says.
#[must_use]
pub fn wording(kind: NoticeKind, told: &Told, locale: Locale, zone_name: &str) -> Wording {
    let when = moment(UnixMillis(told.starts_ms), locale, zone_name);
    let (title, body) = match locale {
        Locale::Id => indonesian(kind, told, &when, zone_name),
        Locale::En => english(kind, told, &when, zone_name),
    };
    Wording { title: title.to_owned(), body }
}

fn indonesian(kind: NoticeKind, told: &Told, when: &str, zone_name: &str) -> (&'static str, String) {
    let Told { title, course, mentor, .. } = told;
    match kind {
        NoticeKind::LessonScheduled if told.series => (
            "Pelajaran baru",
            format!("{mentor} menjadwalkan “{title}” di {course}, mulai {when}, lalu setiap minggu."),
        ),
        NoticeKind::LessonScheduled => {
            ("Pelajaran baru", format!("{mentor} menjadwalkan “{title}” di {course}: {when}."))
        }
        NoticeKind::LessonChanged => ("Jadwal berubah", moves::moved(told, when, Locale::Id, zone_name)),
        NoticeKind::LessonCancelled => {
            let reason = told.reason.as_ref().map_or_else(String::new, |reason| format!(" Alasan: {reason}"));
            ("Pelajaran dibatalkan", format!("“{title}” di {course} ({when}) dibatalkan oleh {mentor}.{reason}"))
        }
        NoticeKind::LessonTomorrow => ("Pelajaran besok", format!("“{title}” di {course} bersama {mentor}: {when}.")),
        NoticeKind::LessonSoon => ("Sebentar lagi mulai", format!("“{title}” bersama {mentor} mulai {when}.")),
        NoticeKind::LessonStarted => {
            ("Sedang berlangsung", format!("“{title}” bersama {mentor} sudah mulai. Buka sekarang."))
        }
        NoticeKind::RecordingReady => ("Rekaman siap", format!("Rekaman “{title}” di {course} bisa ditonton.")),
    }
}

fn english(kind: NoticeKind, told: &Told, when: &str, zone_name: &str) -> (&'static str, String) {
    let Told { title, course, mentor, .. } = told;
    match kind {
        NoticeKind::LessonScheduled if told.series => {
            ("New lessons", format!("{mentor} scheduled “{title}” in {course} from {when}, then every week."))
        }
        NoticeKind::LessonScheduled => ("New lesson", format!("{mentor} scheduled “{title}” in {course}: {when}.")),
        NoticeKind::LessonChanged => ("New time", moves::moved(told, when, Locale::En, zone_name)),
        NoticeKind::LessonCancelled => {
            let reason = told.reason.as_ref().map_or_else(String::new, |reason| format!(" Reason: {reason}"));
            ("Lesson cancelled", format!("{mentor} cancelled “{title}” in {course} ({when}).{reason}"))
        }
        NoticeKind::LessonTomorrow => ("Lesson tomorrow", format!("“{title}” in {course} with {mentor}: {when}.")),
        NoticeKind::LessonSoon => ("Starting soon", format!("“{title}” with {mentor} starts on {when}.")),
        NoticeKind::LessonStarted => ("Live now", format!("“{title}” with {mentor} has started. Open it now.")),
        NoticeKind::RecordingReady => {
            ("Recording ready", format!("The recording of “{title}” in {course} can be watched."))
        }
    }
}

/// The words under a mail.
#[must_use]
pub fn mail_foot(locale: Locale, links: Option<&(String, String)>) -> String {
    match (locale, links) {
        (Locale::Id, Some((lesson, settings))) => {
            format!("Buka pelajaran: {lesson}\n\nAtur pemberitahuan: {settings}\n")
        }
        (Locale::En, Some((lesson, settings))) => {
            format!("Open the lesson: {lesson}\n\nChange what you are told: {settings}\n")
        }
        (Locale::Id, None) => "Pelajarannya ada di aplikasi Anda; pemberitahuan diatur di halaman Akun.\n".to_owned(),
        (Locale::En, None) => {
            "You find the lesson in your app; what you are told is chosen on the page Account.\n".to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
