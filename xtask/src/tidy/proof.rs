//! Proof: enough tests beside the source, and a fuzz target with a seeded corpus for every parser.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::facts::{EQUIPMENT, PURE};
use super::{Finding, Text};
use crate::source::Source;

/// Test lines per hundred source lines over all crates.
const RATIO_ALL: usize = 80;
/// Test lines per hundred source lines in each pure crate.
const RATIO_PURE: usize = 100;
/// Where the contracts of ports lie, which any implementation is held to, and the crate that declares those ports: most of its
/// source are their declarations and types, and a trait is shown to be right nowhere else.
const CONTRACTS: (&str, &str) = ("crates/store/tests/repository/", "control");
/// Crates whose public functions parse what a peer or a disk hands them.
const PARSE_CRATES: &[&str] = &["formats", "rtmp", "packager", "control", "recorder", "gateway"];
/// A public function whose name opens with one of these and that takes bytes or text is a parser.
const PARSER_NAMES: &[&str] = &["parse", "decode", "describe", "verify", "read_"];
/// Types of the input of a parser.
const INPUT_TYPES: &[&str] = &["&[u8]", "&Bytes", "&str", "Bytes", "Option<&str>"];
/// Opens the line of a fuzz target that names the modules it covers.
const COVERS: &str = "//! Covers: ";

pub fn check(sources: &[Source], texts: &[Text]) -> Vec<Finding> {
    let mut findings = ratio(sources);
    findings.extend(fuzzing(sources, texts));
    findings
}

/// (source, test) lines by crate.
fn lines_by_crate(sources: &[Source]) -> BTreeMap<&str, (usize, usize)> {
    let mut crates: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for source in sources.iter().filter(|source| !EQUIPMENT.contains(&source.package())) {
        let (code, tests) = source.count_lines();
        let is_contract = source.path.starts_with(CONTRACTS.0);
        let sum = crates.entry(if is_contract { CONTRACTS.1 } else { source.package() }).or_default();
        *sum = (sum.0 + code, sum.1 + tests);
    }
    crates
}

fn total(crates: &BTreeMap<&str, (usize, usize)>) -> (usize, usize) {
    crates.values().fold((0, 0), |sum, lines| (sum.0 + lines.0, sum.1 + lines.1))
}

fn ratio(sources: &[Source]) -> Vec<Finding> {
    const RULE: &str = "test-ratio";
    let crates = lines_by_crate(sources);
    let too_few = |(source, tests): (usize, usize), limit| tests * 100 < source * limit;
    let message = |(source, tests): (usize, usize), limit: usize| {
        format!("{tests} lines of tests beside {source} of source: fewer than {limit} in a hundred")
    };
    let mut findings: Vec<Finding> = PURE
        .iter()
        .filter_map(|name| crates.get(name).map(|lines| (name, *lines)))
        .filter(|(_, lines)| too_few(*lines, RATIO_PURE))
        .map(|(name, lines)| Finding::new(&format!("crates/{name}"), 0, RULE, message(lines, RATIO_PURE)))
        .collect();
    let all = total(&crates);
    if too_few(all, RATIO_ALL) {
        findings.push(Finding::new("crates", 0, RULE, message(all, RATIO_ALL)));
    }
    findings
}

/// Source and test lines of every crate, as text.
pub fn ratio_table(sources: &[Source]) -> String {
    let crates = lines_by_crate(sources);
    let all = total(&crates);
    let mut out = format!("{:12} {:>8} {:>8} {:>6}\n", "crate", "source", "tests", "ratio");
    for (name, (source, tests)) in crates.iter().map(|(name, lines)| (*name, *lines)).chain([("all", all)]) {
        let ratio = if source == 0 { "-".to_owned() } else { format!("{:.2}", tests as f64 / source as f64) };
        let _ = writeln!(out, "{name:12} {source:>8} {tests:>8} {ratio:>6}");
    }
    out
}

fn fuzzing(sources: &[Source], texts: &[Text]) -> Vec<Finding> {
    const RULE: &str = "fuzz-target";
    let mut findings = Vec::new();
    let targets: Vec<&Source> = sources.iter().filter(|source| source.path.starts_with("fuzz/src/bin/")).collect();
    let covered: Vec<&str> = targets
        .iter()
        .flat_map(|target| target.text.lines().filter_map(|line| line.strip_prefix(COVERS)))
        .flat_map(|list| list.trim_end_matches('.').split(','))
        .map(str::trim)
        .collect();
    for source in sources.iter().filter(|source| PARSE_CRATES.contains(&source.package()) && !source.is_test_file()) {
        let module = module_path(source);
        for at in parsers(source) {
            if !is_covered(&module, &covered) && source.waiver(RULE, at).is_none() {
                let line = source.line(at);
                let message = format!("`{module}` parses foreign bytes and no fuzz target says `{COVERS}{module}`");
                findings.push(Finding::new(&source.path, line, RULE, message));
                break;
            }
        }
    }
    for target in targets {
        let name = target.path.trim_start_matches("fuzz/src/bin/").trim_end_matches(".rs");
        let folder = format!("fuzz/corpus/{name}/");
        let seeded = texts.iter().any(|text| text.path.starts_with(&folder));
        if !seeded {
            let message = format!("has no seeds in {folder}: the fuzzer starts from nothing");
            findings.push(Finding::new(&target.path, 0, RULE, message));
        }
    }
    findings
}

/// A target that covers a module covers those inside it; a whole crate is too much for one target.
fn is_covered(module: &str, covered: &[&str]) -> bool {
    let inside =
        |outer: &&str| module.strip_prefix(*outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    covered.iter().filter(|outer| outer.contains("::")).any(inside)
}

/// `crates/formats/src/container/flv.rs` is `formats::container::flv`.
fn module_path(source: &Source) -> String {
    let inner = source.path.split_once("/src/").map_or("", |(_, inner)| inner).trim_end_matches(".rs");
    let parts = std::iter::once(source.package()).chain(inner.split('/')).filter(|part| *part != "lib");
    parts.collect::<Vec<_>>().join("::")
}

/// Offsets of public parser functions.
fn parsers(source: &Source) -> Vec<usize> {
    source
        .find("pub fn")
        .into_iter()
        .filter(|at| !source.in_test(*at))
        .filter(|at| {
            let signature = source.code[*at + 6..].split('{').next().unwrap_or_default().trim_start();
            let arguments = signature.split("->").next().unwrap_or_default();
            PARSER_NAMES.iter().any(|name| signature.starts_with(name))
                && INPUT_TYPES.iter().any(|input| arguments.contains(&format!(": {input}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(sources: &[(&str, &str)], texts: &[&str]) -> Vec<String> {
        let sources: Vec<Source> = sources.iter().map(|(path, text)| Source::new(*path, *text)).collect();
        let texts: Vec<Text> = texts.iter().map(|path| Text { path: (*path).into(), text: String::new() }).collect();
        check(&sources, &texts).into_iter().map(|finding| format!("{}: {}", finding.path, finding.rule)).collect()
    }

    const PARSER: &str = "pub fn parse_tag(body: &[u8]) -> Tag { x }\n#[cfg(test)]\nmod tests {}\n";

    #[test]
    fn a_parser_without_a_fuzz_target_is_found() {
        let parser = ("crates/formats/src/container/flv.rs", PARSER);
        assert_eq!(rules(&[parser], &[]), ["crates/formats/src/container/flv.rs: fuzz-target"]);
        let target = ("fuzz/src/bin/flv.rs", "//! Tags.\n//! Covers: formats::amf, formats::container::flv.\n");
        assert_eq!(rules(&[parser, target], &["fuzz/corpus/flv/a"]), Vec::<String>::new());
        assert_eq!(rules(&[parser, target], &[]), ["fuzz/src/bin/flv.rs: fuzz-target"], "a corpus is part of it");
    }

    #[test]
    fn a_target_covers_what_lies_inside_its_module_but_never_a_whole_crate() {
        assert!(is_covered("formats::amf::amf0", &["formats::amf"]));
        assert!(!is_covered("formats::amfibian", &["formats::amf"]));
        assert!(!is_covered("formats::amf", &["formats"]));
    }

    #[test]
    fn what_takes_no_foreign_bytes_is_no_parser() {
        let text = "pub fn parse(count: u8) {}\nfn parse_tag(body: &[u8]) {}\npub fn write(body: &[u8]) {}\n#[cfg(test)]\nmod tests {\n1;\n2; }\n";
        assert_eq!(rules(&[("crates/formats/src/flv.rs", text)], &[]), Vec::<String>::new());
    }

    #[test]
    fn too_few_tests_are_found_in_a_pure_crate_and_over_all() {
        let untested = "fn a() {}\nfn b() {}\n";
        assert_eq!(
            rules(&[("crates/hub/src/log.rs", untested)], &[]),
            ["crates/hub: test-ratio", "crates: test-ratio"]
        );
        assert_eq!(rules(&[("crates/gateway/src/http.rs", untested)], &[]), ["crates: test-ratio"]);
        let tests = ("crates/hub/src/log/tests.rs", untested);
        assert_eq!(rules(&[("crates/hub/src/log.rs", untested), tests], &[]), Vec::<String>::new());
        assert_eq!(rules(&[("crates/testkit/src/lib.rs", untested)], &[]), Vec::<String>::new());
    }

    #[test]
    fn the_table_has_a_row_for_each_crate_and_a_sum() {
        let table = ratio_table(&[Source::new("crates/hub/src/log.rs", "fn a() {}\n#[cfg(test)]\nmod tests;\n")]);
        assert!(table.contains("hub                 1        2   2.00"), "{table}");
        assert!(table.lines().last().is_some_and(|line| line.starts_with("all")));
    }
}
