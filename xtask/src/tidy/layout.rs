//! Size and shape: files, functions, module documents, where modules lie.

use std::fmt::Write as _;

use super::facts::PARSING;
use super::{Finding, Text};
use crate::source::Source;

/// Longest file, tests left out. Beyond it nobody reads it whole.
const FILE_LINES_MAX: usize = 800;
/// Half of the files are no longer than this.
const FILE_LINES_MEDIAN: usize = 200;
/// Nine in ten files are no longer than this.
const FILE_LINES_P90: usize = 500;
/// Longest function: one screen.
const FUNCTION_LINES_MAX: usize = 70;
/// Longest `lib.rs`: it is a doc, a list of modules and re-exports.
const LIB_LINES_MAX: usize = 150;
/// Kinds of files written by hand besides Rust.
const HAND_WRITTEN: &[&str] = &[".ts", ".svelte", ".css", ".html", ".sh", ".py", ".js", ".mjs"];

/// Lints that keep a parsing crate from panicking on a peer's bytes.
const PANIC_LINTS: &[&str] =
    &["clippy::unwrap_used", "clippy::expect_used", "clippy::panic", "clippy::indexing_slicing"];

pub fn check(sources: &[Source], texts: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(file(source));
        findings.extend(functions(source));
    }
    for text in texts.iter().filter(|text| HAND_WRITTEN.iter().any(|kind| text.path.ends_with(kind))) {
        let lines = text.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(Finding::new(&text.path, 0, "file-length", too_long(lines)));
        }
    }
    let lengths = lengths(sources);
    for (share, limit) in [(50, FILE_LINES_MEDIAN), (90, FILE_LINES_P90)] {
        let lines = percentile(&lengths, share);
        if lines > limit {
            let message =
                format!("{share} % of the files have up to {lines} lines, the limit is {limit}: split the long ones");
            findings.push(Finding::new("crates", 0, "file-length", message));
        }
    }
    for name in PARSING {
        let path = format!("crates/{name}/src/lib.rs");
        if let Some(source) = sources.iter().find(|source| source.path == path) {
            findings.extend(panic_lints(source));
        }
    }
    findings
}

fn too_long(lines: usize) -> String {
    format!(
        "{lines} lines without tests, the limit is {FILE_LINES_MAX}: find the second subject in it and give it a file"
    )
}

fn file(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    let mut findings = Vec::new();
    let mut say = |rule, message: String| findings.push(Finding::new(path, 0, rule, message));
    let lines = source.length();
    if lines > FILE_LINES_MAX {
        say("file-length", too_long(lines));
    }
    if path.ends_with("/lib.rs") && lines > LIB_LINES_MAX {
        say(
            "lib-length",
            format!("{lines} lines, the limit is {LIB_LINES_MAX}: lib.rs is doc, module list and re-exports"),
        );
    }
    if path.ends_with("/mod.rs") {
        say("module-file", "modules are `foo.rs` beside `foo/`, so that an editor's tabs can be told apart".to_owned());
    }
    let first = source.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!")).unwrap_or_default();
    if !first.starts_with("//!") && !source.is_test_file() {
        say("module-doc", "opens without `//!`: say what the module owns and what it does not".to_owned());
    }
    findings
}

fn functions(source: &Source) -> Vec<Finding> {
    const RULE: &str = "function-length";
    let long = source.functions().into_iter().filter(|f| f.lines > FUNCTION_LINES_MAX && !f.in_test);
    long.filter(|f| source.waiver(RULE, f.start).is_none())
        .map(|f| {
            let message = format!(
                "`{}` has {} lines, the limit is {FUNCTION_LINES_MAX}: split it, or waive with `// tidy: {RULE}: reason`",
                f.name, f.lines
            );
            Finding::new(&source.path, f.line, RULE, message)
        })
        .collect()
}

fn panic_lints(source: &Source) -> Option<Finding> {
    let missing: Vec<&str> = PANIC_LINTS.iter().copied().filter(|lint| source.find(lint).is_empty()).collect();
    (!missing.is_empty()).then(|| {
        let message =
            format!("a peer's bytes must not panic here: add `#![cfg_attr(not(test), warn({}))]`", missing.join(", "));
        Finding::new(&source.path, 0, "panic-lints", message)
    })
}

/// Lengths of the files that ship, ascending.
fn lengths(sources: &[Source]) -> Vec<usize> {
    let shipped = sources.iter().filter(|source| source.path.starts_with("crates/") && !source.is_test_file());
    let mut lengths: Vec<usize> = shipped.map(Source::length).collect();
    lengths.sort_unstable();
    lengths
}

/// The least length that `share` percent of the files do not exceed; 0 without files.
fn percentile(sorted: &[usize], share: usize) -> usize {
    let rank = (sorted.len() * share).div_ceil(100);
    rank.checked_sub(1).and_then(|at| sorted.get(at)).copied().unwrap_or(0)
}

/// One line on file lengths.
pub fn length_report(sources: &[Source]) -> String {
    let lengths = lengths(sources);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "files: {}, lines without tests: median {}, p90 {}, longest {}",
        lengths.len(),
        percentile(&lengths, 50),
        percentile(&lengths, 90),
        lengths.last().unwrap_or(&0)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&[Source::new(path, text)], &[]).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_short_documented_file_passes() {
        assert_eq!(rules("crates/hub/src/log.rs", "//! The log.\nfn a() {}\n"), Vec::<&str>::new());
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let long = format!("//! Doc.\n{}", "const A: u8 = 1;\n".repeat(800));
        assert!(rules("crates/hub/src/log.rs", &long).contains(&"file-length"));
        let tested = format!("//! Doc.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 1;\n".repeat(800));
        assert_eq!(rules("crates/hub/src/log.rs", &tested), Vec::<&str>::new());
        let script = Text { path: "web/app.ts".into(), text: "let a;\n".repeat(801) };
        assert_eq!(check(&[], &[script])[0].rule, "file-length");
    }

    #[test]
    fn too_many_long_files_are_found() {
        let long = format!("//! Doc.\n{}", "const A: u8 = 1;\n".repeat(300));
        assert_eq!(rules("crates/hub/src/log.rs", &long), ["file-length"]);
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
        assert_eq!(percentile(&[1, 2, 3, 4], 90), 4);
    }

    #[test]
    fn a_long_function_is_found_unless_waived_with_a_reason() {
        let body = "    call();\n".repeat(70);
        let long = format!("//! Doc.\nfn a() {{\n{body}}}\n");
        assert_eq!(rules("crates/hub/src/log.rs", &long), ["function-length"]);
        let waived = format!("//! Doc.\n// tidy: function-length: one table\nfn a() {{\n{body}}}\n");
        assert_eq!(rules("crates/hub/src/log.rs", &waived), Vec::<&str>::new());
    }

    #[test]
    fn a_missing_module_doc_a_mod_rs_and_a_long_lib_are_found() {
        assert_eq!(rules("crates/hub/src/log.rs", "fn a() {}\n"), ["module-doc"]);
        assert_eq!(rules("crates/hub/src/log/mod.rs", "//! Doc.\n"), ["module-file"]);
        let long = format!("//! Doc.\n{}", "pub mod a;\n".repeat(150));
        assert_eq!(rules("crates/hub/src/lib.rs", &long), ["lib-length"]);
    }

    #[test]
    fn a_parsing_crate_without_panic_lints_is_found() {
        assert_eq!(rules("crates/rtmp/src/lib.rs", "//! Doc.\n"), ["panic-lints"]);
        let guarded = format!("//! Doc.\n#![cfg_attr(not(test), warn({}))]\n", PANIC_LINTS.join(", "));
        assert_eq!(rules("crates/rtmp/src/lib.rs", &guarded), Vec::<&str>::new());
    }
}
