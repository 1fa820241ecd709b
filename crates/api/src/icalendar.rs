//! Lessons as iCalendar (RFC 5545): text out, nothing in.
//!
//! Times are given in UTC, so no VTIMEZONE is needed and no reader can read them otherwise. SEQUENCE is the lesson's
//! version, so that a reader that has an event takes the later one; an event is a lesson for ever (UID).

use control::teaching::lessons::LessonSeen;
use control::teaching::{Lesson, LessonState};
use media::UnixMillis;

/// Longest line, in bytes, without its end (section 3.1).
const LINE_BYTES_MAX: usize = 75;

/// A calendar of these lessons, at `origin`, written at `now`.
pub(crate) fn calendar(name: &str, lessons: &[LessonSeen], origin: &str, now: UnixMillis) -> String {
    let mut text = String::new();
    line(&mut text, "BEGIN", "VCALENDAR");
    line(&mut text, "VERSION", "2.0");
    line(&mut text, "PRODID", "-//Tayang//Lessons//EN");
    line(&mut text, "CALSCALE", "GREGORIAN");
    // No METHOD: this is a calendar to read, and no invitation, which would name its ORGANIZER (RFC 5546 §3.2.1).
    // RFC 7986 sections 5.1 and 5.7, and what readers before it look for.
    line(&mut text, "NAME", &escaped(name));
    line(&mut text, "X-WR-CALNAME", &escaped(name));
    line(&mut text, "REFRESH-INTERVAL;VALUE=DURATION", "PT15M");
    for seen in lessons {
        event(&mut text, seen, origin, now);
    }
    line(&mut text, "END", "VCALENDAR");
    text
}

fn event(text: &mut String, seen: &LessonSeen, origin: &str, now: UnixMillis) {
    let lesson = &seen.standing.lesson;
    line(text, "BEGIN", "VEVENT");
    line(text, "UID", &format!("{}@lesson.tayang", lesson.id));
    line(text, "DTSTAMP", &utc(now));
    line(text, "SEQUENCE", &lesson.version.to_string());
    line(text, "CREATED", &utc(lesson.created));
    line(text, "DTSTART", &utc(lesson.starts));
    line(text, "DTEND", &utc(lesson.ends));
    line(text, "SUMMARY", &escaped(&lesson.title));
    let url = format!("{origin}/mymentor/lessons/{}", lesson.id);
    let mut description = format!("{} · {}\n", seen.course_title, seen.mentor_name);
    if !lesson.summary.is_empty() {
        description.push_str(&lesson.summary);
        description.push('\n');
    }
    description.push_str(&url);
    line(text, "DESCRIPTION", &escaped(&description));
    line(text, "URL", &url);
    line(text, "STATUS", status(lesson));
    // What was called off takes no time of the day.
    line(text, "TRANSP", if lesson.state == LessonState::Cancelled { "TRANSPARENT" } else { "OPAQUE" });
    if lesson.state == LessonState::Scheduled {
        line(text, "BEGIN", "VALARM");
        line(text, "ACTION", "DISPLAY");
        line(text, "DESCRIPTION", &escaped(&lesson.title));
        line(text, "TRIGGER", "-PT15M");
        line(text, "END", "VALARM");
    }
    line(text, "END", "VEVENT");
}

fn status(lesson: &Lesson) -> &'static str {
    match lesson.state {
        LessonState::Cancelled => "CANCELLED",
        LessonState::Scheduled | LessonState::Live | LessonState::Ended => "CONFIRMED",
    }
}

/// `19970714T173000Z`, section 3.3.5 form 2; whole seconds are all it has.
fn utc(at: UnixMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Section 3.3.11: no control character is in a text but the escaped end of a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => escaped.push_str("\\\\"),
            ';' => escaped.push_str("\\;"),
            ',' => escaped.push_str("\\,"),
            '\n' => escaped.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A content line, folded between characters (section 3.1).
fn line(text: &mut String, name: &str, value: &str) {
    let mut length = 0;
    for letter in name.chars().chain(":".chars()).chain(value.chars()) {
        if length + letter.len_utf8() > LINE_BYTES_MAX {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(letter);
        length += letter.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_characters_and_unfold_to_what_they_were() {
        for value in ["é".repeat(200), "a".repeat(69), "a".repeat(70), "❤".repeat(60), String::new()] {
            let mut text = String::new();
            line(&mut text, "NAME", &value);
            assert!(text.ends_with("\r\n"));
            for physical in text.trim_end_matches("\r\n").split("\r\n") {
                assert!(physical.len() <= LINE_BYTES_MAX, "{}: {physical}", physical.len());
            }
            assert_eq!(text.replace("\r\n ", ""), format!("NAME:{value}\r\n"));
        }
    }

    #[test]
    fn a_text_cannot_become_a_line_of_its_own() {
        assert_eq!(escaped("a;b,c\\d\ne\rBEGIN:VEVENT\u{0}"), "a\\;b\\,c\\\\d\\neBEGIN:VEVENT");
    }

    #[test]
    fn times_are_in_utc_to_the_second() {
        assert_eq!(utc(UnixMillis(1_795_867_200_999)), "20261128T120000Z");
    }
}
