//! Lists, a page at a time. A cursor is the key of the last item given: what is added or removed meanwhile neither repeats
//! nor skips anything that was there all the time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Wrong};

/// Items of a page if not asked for otherwise.
pub const LIMIT: u32 = 20;
/// Most items of a page.
pub const LIMIT_MAX: u32 = 100;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Items to give.
    ///
    /// # Errors
    /// 422 outside of 1 to 100.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            _ => Err(Problem::field("limit", Wrong::OutOfRange, "must be 1 to 100")),
        }
    }

    /// The key behind which the page begins.
    ///
    /// # Errors
    /// 422 for a text that no page gave.
    pub fn after(&self) -> Result<Option<String>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        bytes
            .map(Some)
            .ok_or_else(|| Problem::field("cursor", Wrong::Malformed, "must be next_cursor of an earlier answer"))
    }

    /// The same where the key is an id.
    ///
    /// # Errors
    /// 422 for a text that no page gave.
    pub fn after_id<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let wrong = |_| Problem::field("cursor", Wrong::Malformed, "must be next_cursor of an earlier answer");
        self.after()?.map(|text| text.parse().map_err(wrong)).transpose()
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// For the page behind this one; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of `items`, of which one more was asked for to know whether there are more.
    pub fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
        Self { items, next_cursor }
    }

    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let page = Page::of(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!(page.items, [1, 2]);
        let query = PageQuery { limit: Some(2), cursor: page.next_cursor };
        assert_eq!(query.after().expect("ours"), Some("2".to_owned()));
        assert_eq!(Page::of(vec![1, 2], 2, ToString::to_string).next_cursor, None);
    }

    #[test]
    fn what_is_no_page_is_said_so() {
        for limit in [0, 101] {
            assert!(PageQuery { limit: Some(limit), cursor: None }.limit().is_err());
        }
        assert!(PageQuery { limit: None, cursor: Some("*".to_owned()) }.after().is_err());
    }
}
