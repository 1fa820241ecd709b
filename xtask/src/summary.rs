//! What a run of the test command came to: counts from the tools' own words, and the table at the end.

use std::fmt::Write as _;
use std::time::Duration;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl Count {
    /// A check that is one test.
    pub fn one(success: bool) -> Self {
        Self { passed: u64::from(success), failed: u64::from(!success) }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// Counts what a runner printed. A run that failed without naming a test, or that named none, is one test itself.
    pub fn from_output(text: &str, success: bool) -> Self {
        let count = text.lines().map(|line| from_line(&plain(line))).fold(Self::default(), Self::and);
        match (success, count.passed + count.failed, count.failed) {
            (false, _, 0) => Self { failed: 1, ..count },
            (true, 0, _) => Self::one(true),
            _ => count,
        }
    }
}

/// Failing tests whose words are said once more at the end; and lines of each.
const FAILURES_MAX: usize = 12;
const LINES_MAX: usize = 24;

/// What a runner said of the tests that failed, the beginning of each: it stands once more where a long output ends.
pub fn failures(text: &str) -> Vec<String> {
    let lines: Vec<String> = text.lines().map(plain).collect();
    let begins = |line: &String| {
        let line = line.trim_start();
        let cargo = line.strip_prefix("---- ").is_some_and(|rest| rest.ends_with(" stdout ----"));
        cargo
            || line.starts_with("not ok ")
            || line.starts_with("FAIL  ")
            || line.starts_with("error: could not compile")
    };
    let at = lines.iter().enumerate().filter(|(_, line)| begins(line)).map(|(at, _)| at);
    let block = |at: usize| {
        let rest = lines[at + 1..].iter().take(LINES_MAX);
        let said = rest.take_while(|line| !begins(line) && !is_over(line)).map(String::as_str);
        let block: Vec<&str> = std::iter::once(lines[at].as_str()).chain(said).collect();
        block.join("\n").trim_end().to_owned()
    };
    at.map(block).take(FAILURES_MAX).collect()
}

/// Where the words about one test end: its backtrace, or the runner's next list.
fn is_over(line: &str) -> bool {
    let line = line.trim();
    ["stack backtrace:", "failures:", "..."].contains(&line) || line.starts_with("test result: ")
}

/// One line of cargo test, vitest, node's runner or Playwright.
fn from_line(line: &str) -> Count {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test result: ") {
        return Count { passed: before(rest, " passed"), failed: before(rest, " failed") };
    }
    // vitest: `Tests  1 failed | 12 passed (13)`.
    if let Some(rest) = line.strip_prefix("Tests ") {
        return Count { passed: before(rest, " passed"), failed: before(rest, " failed") };
    }
    for mark in ["# ", "ℹ "] {
        let Some(rest) = line.strip_prefix(mark) else { continue };
        let number = |word: &str| rest.strip_prefix(word).and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        return Count { passed: number("pass "), failed: number("fail ") };
    }
    Count::default()
}

/// The number in front of `word`.
fn before(text: &str, word: &str) -> u64 {
    let digits = text.split(word).next().filter(|head| head.len() < text.len()).unwrap_or_default();
    let start = digits.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    digits[start..].parse().unwrap_or(0)
}

/// A line without terminal colours.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

/// One step, done.
pub struct Row {
    /// The step.
    pub name: &'static str,
    /// Its tests; `None` when it was left out.
    pub count: Option<Count>,
    /// Wall time.
    pub took: Duration,
    /// Why it was left out, or what failed.
    pub note: String,
    /// What the runner said of each test that failed.
    pub failures: Vec<String>,
}

/// The table and the closing line.
pub fn render(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        for failure in &row.failures {
            let _ = writeln!(out, "\n==== failed in {}\n{failure}", row.name);
        }
    }
    let _ = writeln!(out, "\n{:10} {:>8} {:>7} {:>8}  note", "step", "passed", "failed", "seconds");
    let mut all = Count::default();
    let mut took = Duration::ZERO;
    for row in rows {
        let (passed, failed) = match row.count {
            Some(count) => (count.passed.to_string(), count.failed.to_string()),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let line = format!("{:10} {passed:>8} {failed:>7} {:>8.1}  {}", row.name, row.took.as_secs_f64(), row.note);
        let _ = writeln!(out, "{}", line.trim_end());
        all = all.and(row.count.unwrap_or_default());
        took += row.took;
    }
    let _ = writeln!(out, "{:10} {:>8} {:>7} {:>8.1}\n", "all", all.passed, all.failed, took.as_secs_f64());
    let _ = writeln!(out, "{} passed, {} failed", all.passed, all.failed);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: u64, failed: u64) -> Count {
        Count { passed, failed }
    }

    #[test]
    fn runners_are_counted_by_their_own_words() {
        let cargo = "running 3 tests\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n\ntest result: FAILED. 12 passed; 2 failed; 0 ignored\n";
        assert_eq!(Count::from_output(cargo, false), count(15, 2));
        let vitest = " Test Files  2 passed (2)\n\u{1b}[2m      Tests \u{1b}[22m \u{1b}[32m1 failed\u{1b}[39m | 12 passed (13)\n";
        assert_eq!(Count::from_output(vitest, false), count(12, 1));
        assert_eq!(Count::from_output("# tests 5\n# pass 5\n# fail 0\n", true), count(5, 0));
        assert_eq!(Count::from_output("ℹ pass 7\nℹ fail 1\n", false), count(7, 1));
    }

    #[test]
    fn a_run_that_fails_without_a_failing_test_counts_as_one() {
        assert_eq!(Count::from_output("error: could not compile\n", false), count(0, 1));
        assert_eq!(Count::from_output("test result: ok. 3 passed; 0 failed\n", false), count(3, 1));
        assert_eq!(Count::from_output("all fine\n", true), count(1, 0));
    }

    #[test]
    fn what_failed_is_found_again_with_its_words() {
        let cargo = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\nthread 'a' panicked at x.rs:1:\nleft: 1\nstack backtrace:\n   0: main\n\n---- b stdout ----\nnot so\n\n\nfailures:\n    a\n    b\n\ntest result: FAILED. 3 passed; 2 failed\n";
        let said = ["---- a stdout ----\n\nthread 'a' panicked at x.rs:1:\nleft: 1", "---- b stdout ----\nnot so"];
        assert_eq!(failures(cargo), said);
        let node = "ok 1 - fine\n    not ok 2 - plays\n      ---\n      error: 'no picture'\n      ...\n# fail 1\n";
        assert_eq!(failures(node), ["    not ok 2 - plays\n      ---\n      error: 'no picture'"]);
        assert!(failures("all fine\ntest result: ok. 3 passed; 0 failed\n").is_empty());
        let many = "---- a stdout ----\nx\n".repeat(20);
        assert_eq!(failures(&many).len(), FAILURES_MAX);
    }

    #[test]
    fn the_closing_line_stands_alone_and_sums_up() {
        let rows = [
            Row {
                name: "unit",
                count: Some(count(20, 1)),
                took: Duration::from_millis(2_500),
                note: String::new(),
                failures: vec!["---- it stdout ----\nit was 1".to_owned()],
            },
            Row {
                name: "deny",
                count: None,
                took: Duration::ZERO,
                note: "cargo-deny is not installed".into(),
                failures: Vec::new(),
            },
            Row {
                name: "tidy",
                count: Some(Count::one(true)),
                took: Duration::from_secs(1),
                note: String::new(),
                failures: Vec::new(),
            },
        ];
        let text = render(&rows);
        assert_eq!(text.lines().last(), Some("21 passed, 1 failed"));
        assert!(text.starts_with("\n==== failed in unit\n---- it stdout ----\nit was 1\n\nstep "), "{text}");
        assert!(text.contains("unit             20       1      2.5\n"), "{text}");
        assert!(text.contains("deny              -       -      0.0  cargo-deny is not installed\n"), "{text}");
    }
}
