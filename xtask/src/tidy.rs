//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy knows, with the reason in every message.
//!
//! A rule that the code must break in one place is waived there, with a reason: `// tidy: RULE: reason` on the line or
//! in the comment above it. Rules about whole crates have no waiver; they are changed here, in review.

mod facts;
mod law;
mod layout;
mod licences;
mod proof;
mod purity;
mod words;

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::metadata::Metadata;
use crate::source::Source;
use crate::tree::Tree;

/// One place that breaks one rule.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// Path relative to the root.
    pub path: String,
    /// Line from 1; 0 for the file as a whole.
    pub line: usize,
    /// Name of the rule, as waivers write it.
    pub rule: &'static str,
    /// What is wrong, why it matters, what to do instead.
    pub message: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}: {}", self.path, self.rule, self.message),
            line => write!(f, "{}:{line}: {}: {}", self.path, self.rule, self.message),
        }
    }
}

/// A text file that is not Rust.
pub struct Text {
    /// Path relative to the root.
    pub path: String,
    /// Its contents; empty where they are not UTF-8: no rule about text applies to an image or a recorded sample.
    pub text: String,
}

/// Runs all rules and prints what they find.
pub fn run(tree: &Tree) -> Result<ExitCode> {
    let findings = check(tree)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    eprintln!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let (sources, texts) = read(tree)?;
    let metadata = Metadata::read(tree)?;
    let deny = std::fs::read_to_string(tree.path("deny.toml")).context("deny.toml")?;
    let mut findings = Vec::new();
    findings.extend(law::check(&metadata));
    findings.extend(licences::check(&metadata, &licences::Policy::parse(&deny)?));
    findings.extend(layout::check(&sources, &texts));
    findings.extend(words::check(&sources, &texts, &tree.root));
    findings.extend(purity::check(&sources));
    findings.extend(proof::check(&sources, &texts));
    eprint!("{}", proof::ratio_table(&sources));
    eprint!("{}", layout::length_report(&sources));
    findings.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    Ok(findings)
}

fn read(tree: &Tree) -> Result<(Vec<Source>, Vec<Text>)> {
    let (mut sources, mut texts) = (Vec::new(), Vec::new());
    for path in tree.files()? {
        let bytes = std::fs::read(tree.path(&path)).with_context(|| path.clone())?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        match path.ends_with(".rs") {
            true => sources.push(Source::new(path, text)),
            false => texts.push(Text { path, text }),
        }
    }
    let for_tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    sources.iter_mut().filter(|source| for_tests.contains(&source.path)).for_each(Source::declare_test);
    Ok((sources, texts))
}
