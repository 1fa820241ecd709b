//! `tayang doctor`: looks at what a server needs from its machine, and says what to do about what is missing.

mod machine;
mod ours;

use std::fmt;

use serde::Serialize;

use crate::commands::{answer, answer_json};
use crate::config::Config;
use crate::failure::{Code, Failure};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// It works, and not as well or not as long as it could.
    Warning,
    /// It does not work.
    Problem,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        })
    }
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub finding: String,
    /// What to do about it. There is something for everything that is not ok.
    pub advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, finding: finding.into(), advice: None }
    }

    fn warning(check: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, finding: finding.into(), advice: Some(advice.into()) }
    }

    fn problem(check: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Problem, finding: finding.into(), advice: Some(advice.into()) }
    }
}

/// Looks at everything and reports it.
///
/// # Errors
/// [`Code::Problem`] if anything does not work.
pub async fn run(config: &Config, json: bool) -> Result<(), Failure> {
    let mut findings = machine::ports(config);
    findings.push(machine::file_limit(config));
    findings.push(machine::clock());
    findings.push(machine::ffmpeg());
    findings.extend(ours::data_directory(config));
    findings.push(ours::disk(config));
    findings.push(ours::database(config).await);
    findings.push(ours::objects(config).await);
    findings.extend(ours::certificate(config));
    if json {
        answer_json(&findings)?;
    } else {
        answer(&findings.iter().map(line).collect::<String>())?;
    }
    match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Problem) => Err(Failure::silent(Code::Problem)),
        _ => Ok(()),
    }
}

fn line(finding: &Finding) -> String {
    let advice = finding.advice.as_ref().map_or_else(String::new, |advice| format!("{:20}-> {advice}\n", ""));
    // A level is padded as text: `Display` by hand knows no width.
    format!("{:<8} {:<10} {}\n{advice}", finding.level.to_string(), finding.check, finding.finding)
}

#[cfg(test)]
mod tests;
