//! `tayang config explain`.

use serde::Serialize;

use super::{answer, answer_json};
use crate::config::Explained;
use crate::failure::Failure;

#[derive(Serialize)]
struct Entry<'a> {
    key: &'a str,
    value: Option<&'a str>,
    source: String,
    allowed: &'a str,
    variable: &'a str,
    about: &'a str,
}

/// Shows each setting.
pub(super) fn run(explained: &[Explained], json: bool) -> Result<(), Failure> {
    if json {
        let entry = |setting: &Explained| -> serde_json::Value {
            let Explained { key, value, origin, allowed, variable, about } = setting;
            let value = value.as_deref();
            serde_json::json!(Entry { key, value, source: origin.to_string(), allowed, variable, about })
        };
        return answer_json(&explained.iter().map(entry).collect::<Vec<_>>());
    }
    let lines: String = explained
        .iter()
        .map(|setting| {
            let value = setting.value.as_deref().unwrap_or("off");
            format!(
                "{} = {value}    [{}]\n    {}\n    {}; environment {}\n\n",
                setting.key, setting.origin, setting.about, setting.allowed, setting.variable
            )
        })
        .collect();
    answer(lines.trim_end_matches('\n'))?;
    answer("\n")
}
