//! How it is said that lessons moved: from when to when, and of several which.

use super::*;
use crate::told::Times;

/// Dates that are named of several lessons; of the others how many they are. A push has room for 300 characters.
const DATES_MAX: usize = 4;

/// `19.00 WIB`, `19:00 WIB`.
fn clock(at: i64, locale: Locale, zone_name: &str) -> String {
    let format = match locale {
        Locale::Id => "%H.%M %Z",
        Locale::En => "%H:%M %Z",
    };
    on_the_wall(UnixMillis(at), zone_name).strftime(format).to_string()
}

/// `Rabu pukul 19.00 WIB`, `Wednesday at 19:00 WIB`.
fn day_and_clock(at: i64, locale: Locale, zone_name: &str) -> String {
    let wall = on_the_wall(UnixMillis(at), zone_name);
    let clock = clock(at, locale, zone_name);
    match locale {
        Locale::Id => format!("{} pukul {clock}", day_id(&wall)),
        Locale::En => format!("{} at {clock}", wall.strftime("%A")),
    }
}

/// Whether all are on one weekday at one time of the reader's clock.
fn is_weekly(starts_ms: &[i64], zone_name: &str) -> bool {
    let shown = |at: &i64| {
        let wall = on_the_wall(UnixMillis(*at), zone_name);
        (wall.weekday(), wall.time())
    };
    starts_ms.windows(2).all(|two| shown(&two[0]) == shown(&two[1]))
}

/// `2 Des, 9 Des`; with the time of each where they differ.
fn dates(starts_ms: &[i64], locale: Locale, zone_name: &str) -> String {
    let with_time = !is_weekly(starts_ms, zone_name);
    let date = |at: &i64| {
        let wall = on_the_wall(UnixMillis(*at), zone_name);
        let (day, time) = match locale {
            Locale::Id => (format!("{} {}", wall.day(), &month_id(&wall)[..3]), wall.strftime(" %H.%M").to_string()),
            Locale::En => (wall.strftime("%-d %b").to_string(), wall.strftime(" %H:%M").to_string()),
        };
        if with_time { day + &time } else { day }
    };
    let named: Vec<String> = starts_ms.iter().take(DATES_MAX).map(date).collect();
    let (named, more) = (named.join(", "), starts_ms.len().saturating_sub(DATES_MAX));
    match (more, locale) {
        (0, _) => named,
        (_, Locale::Id) => format!("{named}, dan {more} lagi"),
        (_, Locale::En) => format!("{named} and {more} more"),
    }
}

/// What a move says.
pub(super) fn moved(told: &Told, when: &str, locale: Locale, zone_name: &str) -> String {
    use Locale::{En, Id};
    let Told { title, course, .. } = told;
    let said = match (told.moved, &told.together) {
        (Some(moved), _) if moved.before.starts_ms == moved.after.starts_ms => {
            let [ends, before] = [moved.after, moved.before].map(|times| clock(times.ends_ms, locale, zone_name));
            match locale {
                Id => format!("“{title}” di {course} ({when}) sekarang selesai pukul {ends}, bukan lagi {before}."),
                En => format!("“{title}” in {course} ({when}) now ends at {ends}, no longer at {before}."),
            }
        }
        (Some(moved), Some(all)) if is_weekly(&all.starts_ms, zone_name) => {
            let weekly = |times: Times| day_and_clock(times.starts_ms, locale, zone_name);
            let [after, before] = [moved.after, moved.before].map(weekly);
            match locale {
                Id => format!("“{title}” di {course} sekarang setiap {after}, mulai {when}, bukan lagi {before}."),
                En => format!("“{title}” in {course} is now every {after}, from {when}, no longer {before}."),
            }
        }
        (Some(moved), _) => {
            let before = moment(UnixMillis(moved.before.starts_ms), locale, zone_name);
            match locale {
                Id => format!("“{title}” di {course} sekarang {when}, bukan lagi {before}."),
                En => format!("“{title}” in {course} is now on {when}, no longer on {before}."),
            }
        }
        (None, _) => match locale {
            Id => format!("“{title}” di {course} berubah. Waktunya {when}."),
            En => format!("“{title}” in {course} changed. It is on {when}."),
        },
    };
    let of_all = told.together.as_ref().map_or_else(String::new, |all| {
        let lessons = match locale {
            Id => "pelajaran",
            En => "lessons",
        };
        format!(" {} {lessons}: {}.", all.starts_ms.len(), dates(&all.starts_ms, locale, zone_name))
    });
    let renamed = told.title_before.as_ref().map_or_else(String::new, |name| match locale {
        Id => format!(" Judul sebelumnya: “{name}”."),
        En => format!(" It was called “{name}”."),
    });
    said + &of_all + &renamed
}
