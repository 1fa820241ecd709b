//! What the changes of an edit keep: how lessons were and how they are with it, as either may be changed again before
//! anybody is told.

use control::teaching::Lesson;
use control::teaching::lessons::Times;
use control::{ChangeKind, NewChange, keys};
use media::UnixMillis;
use serde_json::{Value, json};

use super::lessons::told;

fn times(lesson: &Lesson) -> Value {
    json!({ "starts_ms": lesson.starts.0, "ends_ms": lesson.ends.0 })
}

/// What one edit moved together: under one name, by which people are told of it once, and each of them, as any may be moved
/// again before. They are of one series, which bounds them.
fn together(moved: &[&(Lesson, Lesson)], now: UnixMillis) -> Option<Value> {
    let (before, after) = moved.first()?;
    let starts: Vec<i64> = moved.iter().map(|(_, after)| after.starts.0).collect();
    let before_each: Vec<Value> = moved.iter().map(|(before, _)| times(before)).collect();
    let lessons: Vec<String> = moved.iter().map(|(_, after)| after.id.to_string()).collect();
    (moved.len() > 1).then(|| {
        json!({
            "id": keys::ordered_id(now).to_string(), "before": times(before), "after": times(after), "starts_ms": starts,
            "lessons": lessons, "before_each": before_each,
        })
    })
}

/// A change for each lesson that an edit changed, given before and after.
pub(super) fn changes_of(all: &[(Lesson, Lesson)], now: UnixMillis) -> Vec<NewChange> {
    let is_moved = |(before, after): &(Lesson, Lesson)| Times::of(before) != Times::of(after);
    let moved: Vec<&(Lesson, Lesson)> = all.iter().filter(|both| is_moved(both)).collect();
    let edit = together(&moved, now);
    let change = |both: &(Lesson, Lesson)| {
        let (before, after) = both;
        let mut payload = json!({ "before": times(before), "after": times(after), "title": after.title });
        if before.title != after.title {
            payload["title_before"] = json!(before.title);
        }
        if let Some(edit) = edit.as_ref().filter(|_| is_moved(both)) {
            payload["edit"] = edit.clone();
        }
        let mut changed = told(ChangeKind::LessonChanged, after);
        changed.payload = payload.to_string();
        changed
    };
    all.iter().map(change).collect()
}

/// What the change keeps that put so many chapters: its times are as they were.
pub(super) fn payload_of_chapters(lesson: &Lesson, chapters: usize) -> String {
    json!({ "before": times(lesson), "after": times(lesson), "title": lesson.title, "chapters": chapters }).to_string()
}
