//! What the routes of mentors, courses and lessons have in common: names, the checks of what people write, and how a rule's
//! no is answered.

use control::UserId;
use control::teaching::TeachingError;
use control::teaching::lessons::TimesError;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem, Wrong};
use crate::visit::Visit;

/// Longest title, in characters: what a phone shows in three lines.
pub(crate) const TITLE_LENGTH_MAX: usize = 120;
/// Longest description, in characters: two pages.
pub(crate) const SUMMARY_LENGTH_MAX: usize = 4_000;
/// Longest search, in characters.
pub(crate) const QUERY_LENGTH_MAX: usize = 100;
/// Most people of a course, or at a lesson: ten times what one server is planned for.
pub(crate) const CAPACITY_MAX: u32 = 100_000;

/// Somebody, by name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Named)]
pub(crate) struct Named {
    id: uuid::Uuid,
    name: String,
}

impl Named {
    pub(crate) fn new(id: UserId, name: &str) -> Self {
        Self { id: id.0, name: name.to_owned() }
    }
}

/// A course by title.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Titled {
    pub(crate) id: uuid::Uuid,
    pub(crate) title: String,
}

/// A field that may be missing, null, or have a value: for changes, where missing means that it stays.
#[allow(clippy::option_option, reason = "three cases")]
pub(crate) fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Gathers what is wrong with the fields of a request.
#[derive(Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes that a field must be otherwise.
    pub(crate) fn that(&mut self, holds: bool, field: &str, wrong: Wrong, detail: &str) {
        if !holds {
            self.0.push(FieldError::new(field, wrong, detail));
        }
    }

    /// A text of one line, without blanks at its ends.
    pub(crate) fn line(&mut self, field: &str, text: &str, min: usize, max: usize) -> String {
        let text = text.trim().to_owned();
        self.length(field, &text, min, max);
        self.that(
            !text.chars().any(char::is_control),
            field,
            Wrong::Characters,
            "must be one line without control characters",
        );
        text
    }

    /// A text of many lines, without blanks at its ends.
    pub(crate) fn lines(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = text.trim().replace("\r\n", "\n");
        self.length(field, &text, 0, max);
        let odd = text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t');
        self.that(!odd, field, Wrong::Characters, "must not hold control characters");
        text
    }

    fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let length = text.chars().count();
        if !(min..=max).contains(&length) {
            let wrong = match length {
                0 => Wrong::Required,
                length if length < min => Wrong::TooShort,
                _ => Wrong::TooLong,
            };
            self.0.push(FieldError::new(field, wrong, format!("must have {min} to {max} characters")));
        }
    }

    /// A number of places.
    pub(crate) fn capacity(&mut self, capacity: Option<u32>) -> Option<u32> {
        let fits = capacity.is_none_or(|capacity| (1..=CAPACITY_MAX).contains(&capacity));
        self.that(fits, "capacity", Wrong::OutOfRange, "must be 1 to 100000, or null for any number");
        capacity
    }

    /// Nothing is wrong, or a problem that names all that is.
    pub(crate) fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::fields(self.0)) }
    }
}

/// What somebody looks for.
pub(crate) fn query(text: Option<&str>) -> Result<Option<&str>, Problem> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > QUERY_LENGTH_MAX) {
        return Err(Problem::field("query", Wrong::TooLong, "must have at most 100 characters"));
    }
    Ok(text)
}

/// A word of a query that must be one of a few.
pub(crate) fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|error: T::Err| Problem::field(field, Wrong::Unknown, error.to_string())))
        .transpose()
}

/// Where people reach this server, without a slash at the end: for who asks, even by a request that names no host.
pub(crate) fn origin(visit: &Visit) -> &str {
    visit.base().unwrap_or("http://localhost")
}

impl From<TeachingError> for Problem {
    fn from(error: TeachingError) -> Self {
        let no = |code, detail: &str| Self::new(StatusCode::FORBIDDEN, code, "not allowed", detail);
        match error {
            TeachingError::Repository(error) => error.into(),
            TeachingError::ChangedMeanwhile => Self::changed_meanwhile(),
            TeachingError::CourseFull => Self::conflict(
                "course-full",
                "the course has no place left: ask its mentor for one, or try again later",
            ),
            TeachingError::Archived => Self::conflict("archived", "the course is over: look for another one"),
            TeachingError::NotInvited => {
                no("not-invited", "this course takes an invitation: ask its mentor for one that holds")
            }
            TeachingError::PutOut => {
                no("put-out", "the mentor put you out of this course: ask them to let you in again")
            }
            TeachingError::OwnCourse => Self::conflict("own-course", "this is your own course: you are in it anyway"),
            TeachingError::Overlaps(lesson) => Self::conflict(
                "overlaps",
                format!("your lesson {lesson} is at that time: choose another, or send allow_overlap: true"),
            ),
            TeachingError::NotNow(state) => Self::conflict(
                "not-now",
                format!("the lesson is {}: what you want is not possible any more or not yet", state.as_str()),
            ),
            TeachingError::Times(error) => {
                let (field, wrong) = match error {
                    TimesError::Past => ("starts_at", Wrong::InThePast),
                    TimesError::TooFar => ("starts_at", Wrong::TooFar),
                    TimesError::Over => ("ends_at", Wrong::InThePast),
                    TimesError::TooShort => ("ends_at", Wrong::TooShort),
                    TimesError::TooLong => ("ends_at", Wrong::TooLong),
                };
                Self::field(field, wrong, error.to_string())
            }
            TeachingError::Zone(error) => Self::field("zone", Wrong::Unknown, error.to_string()),
            TeachingError::TooMany(max) => Self::conflict(
                "too-many",
                format!("there are {max} already, which is as many as may be: delete one first"),
            ),
            other => {
                tracing::error!(error = %other, "an error that has no answer");
                Self::conflict("not-possible", "this is not possible now: read it again and repeat")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_of_all_fields_at_once() {
        let mut checks = Checks::default();
        assert_eq!(checks.line("title", "  Gerak lurus ", 1, 120), "Gerak lurus");
        assert_eq!(checks.lines("summary", "a\r\nb\n", 10), "a\nb");
        assert_eq!(checks.capacity(Some(5)), Some(5));
        assert!(checks.done().is_ok());
        let mut checks = Checks::default();
        checks.line("title", " \n ", 1, 120);
        checks.line("line", "a\nb", 1, 120);
        checks.lines("summary", "\u{7}", 10);
        checks.lines("long", "aaaa", 3);
        checks.capacity(Some(0));
        let problem = checks.done().expect_err("five are wrong");
        let text = format!("{problem:?}");
        for field in ["title", "line", "summary", "long", "capacity"] {
            assert!(text.contains(&format!("field: \"{field}\"")), "{field}: {text}");
        }
    }

    #[test]
    fn a_field_is_missing_null_or_there() {
        #[derive(Deserialize)]
        struct Change {
            #[serde(default, deserialize_with = "named")]
            capacity: Option<Option<u32>>,
        }
        let read = |text| serde_json::from_str::<Change>(text).map(|change| change.capacity).expect("read");
        assert_eq!(
            (read("{}"), read("{\"capacity\":null}"), read("{\"capacity\":3}")),
            (None, Some(None), Some(Some(3)))
        );
    }
}
