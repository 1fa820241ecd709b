//! Pure crates are given time, entropy and bytes: they take none. And tests do not wait by sleeping.

use super::Finding;
use super::facts::PURE;
use crate::source::Source;

/// What a pure crate must not call, and what it does instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("Instant::now", "take `now: Instant` as an argument"),
    ("SystemTime::now", "take `now: UnixMillis` as an argument"),
    ("std::thread", "return what is to be done; gateway and server own threads"),
    ("thread::spawn", "return what is to be done; gateway and server own threads"),
    ("thread::sleep", "return `WaitUntil(instant)`"),
    ("tokio::", "pure crates know no runtime"),
    ("std::net", "take and return bytes; sockets are gateway's"),
    ("std::fs", "take and return bytes; files are recorder's and store's"),
    ("std::process", "processes are server's"),
    ("std::env", "configuration is read once, in server, and passed"),
    ("std::sync::mpsc", "return outputs from a poll; queues without a limit are memory leaks"),
];

/// Entropy is named by its crate; `control` alone makes keys.
const ENTROPY: &[&str] = &["rand::", "getrandom::"];

/// Calls that wait.
const SLEEPS: &[&str] = &["thread::sleep", "time::sleep", "sleep_ms", "sleep("];

pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(|source| clock(source).into_iter().chain(sleep(source))).collect()
}

fn clock(source: &Source) -> Vec<Finding> {
    const RULE: &str = "purity";
    if !PURE.contains(&source.package()) {
        return Vec::new();
    }
    let entropy = ENTROPY.iter().filter(|_| source.package() != "control");
    let entropy = entropy.map(|word| (*word, "take random bytes as an argument"));
    let forbidden = FORBIDDEN.iter().copied().chain(entropy);
    let mut findings = Vec::new();
    for (word, instead) in forbidden {
        for at in source.find(word).into_iter().filter(|at| !source.in_test(*at)) {
            if source.waiver(RULE, at).is_none() {
                let message = format!("`{word}` in pure crate `{}`: {instead}", source.package());
                findings.push(Finding::new(&source.path, source.line(at), RULE, message));
            }
        }
    }
    findings
}

fn sleep(source: &Source) -> Vec<Finding> {
    const RULE: &str = "sleep";
    let mut lines: Vec<usize> = SLEEPS
        .iter()
        .flat_map(|word| source.find(word))
        .filter(|at| source.in_test(*at) && source.waiver(RULE, *at).is_none())
        .map(|at| source.line(at))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    let message = "a test that sleeps is slow when it passes and wrong when the machine is: wait for the event, advance a \
                   simulated clock, or waive with `// tidy: sleep: reason`";
    lines.into_iter().map(|line| Finding::new(&source.path, line, RULE, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(&[Source::new(path, text)]).into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_clock_in_a_pure_crate_is_found_and_in_gateway_is_not() {
        let text = "fn a() {\n    let now = std::time::Instant::now();\n}\n";
        assert_eq!(found("crates/rtmp/src/session.rs", text), [(2, "purity")]);
        assert_eq!(found("crates/gateway/src/rtmp.rs", text), []);
        assert_eq!(found("crates/rtmp/src/session/tests.rs", text), [], "tests may start from a real instant");
    }

    #[test]
    fn every_forbidden_call_is_found() {
        for (word, _) in FORBIDDEN {
            let text = format!("fn a() {{ {word}x() }}\n").replace("nowx", "now").replace("x()", "()");
            assert!(!found("crates/hub/src/log.rs", &text).is_empty(), "{word}");
        }
        assert_eq!(found("crates/hub/src/log.rs", "fn a() { rand::random() }\n").len(), 1);
        assert_eq!(found("crates/control/src/keys.rs", "fn a() { rand::random() }\n"), []);
    }

    #[test]
    fn a_waived_call_and_a_comment_are_not_found() {
        let waived = "// tidy: purity: only a type, no clock is read\nuse std::thread;\n// std::fs\n";
        assert_eq!(found("crates/hub/src/log.rs", waived), []);
    }

    #[test]
    fn a_sleeping_test_is_found_once_a_line() {
        let text =
            "#[cfg(test)]\nmod tests {\n    fn a() { std::thread::sleep(x) }\n}\nfn b() { std::thread::sleep(x) }\n";
        assert_eq!(found("crates/gateway/src/http.rs", text), [(3, "sleep")]);
    }
}
