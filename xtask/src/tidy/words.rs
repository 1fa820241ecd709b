//! Words that do not belong: names that say nothing, unfinished work, paths of one machine.

use std::path::Path;

use super::{Finding, Text};
use crate::source::Source;

/// Names that fit everything and therefore tell nothing.
const EMPTY_NAMES: &[&str] = &["data", "info", "manager", "utils", "util", "helper", "helpers", "misc", "common"];

/// Of these, the ones that standards use with a word before them: `STREAMINFO`, `colorInfo`, `ScriptData`.
const EMPTY_ALONE: &[&str] = &["data", "info", "common"];

/// Marks of work left for later, spelled apart so that this list does not find itself.
const LATER: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

/// Folders that exist on somebody's machine and nowhere else.
const MACHINE_FOLDERS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/work", "space/"),
];

/// Files whose text others wrote.
const FOREIGN: &[&str] = &["Cargo.lock", "package-lock.json", "LICENSE-APACHE"];

pub fn check(sources: &[Source], texts: &[Text], root: &Path) -> Vec<Finding> {
    let root = format!("{}/", root.display());
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(prose(&source.path, &source.text, &root));
        findings.extend(file_name(&source.path));
        findings.extend(type_names(source));
        findings.extend(unfinished(source));
    }
    for text in texts {
        if !FOREIGN.iter().any(|name| text.path.ends_with(name)) {
            findings.extend(prose(&text.path, &text.text, &root));
            findings.extend(skipped(text));
        }
    }
    findings
}

fn prose(path: &str, text: &str, root: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(mark) = LATER.iter().find(|mark| whole_word(line, mark)) {
            let message = format!("`{mark}`: do it now, or open an issue and name what is missing in the docs");
            findings.push(Finding::new(path, number + 1, "later", message));
        }
        let folder = MACHINE_FOLDERS.iter().copied().chain([root]).find(|folder| starts_path(line, folder));
        if let Some(folder) = folder.filter(|_| !line.contains("tidy: machine-path: ")) {
            let message = format!("`{folder}` exists on one machine: write a relative path");
            findings.push(Finding::new(path, number + 1, "machine-path", message));
        }
    }
    findings
}

fn whole_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn starts_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '/' | '*'))
    })
}

fn file_name(path: &str) -> Option<Finding> {
    let stem = path.rsplit('/').next()?.strip_suffix(".rs")?;
    EMPTY_NAMES.contains(&stem).then(|| {
        Finding::new(
            path,
            0,
            "empty-name",
            format!("a module named `{stem}` attracts everything: name what it is about"),
        )
    })
}

fn type_names(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for keyword in ["struct", "enum", "trait", "mod"] {
        for at in source.find(keyword) {
            let name: String = source.code[at + keyword.len()..]
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let last = last_word(&name).to_lowercase();
            let alone = last.len() == name.len();
            let empty = EMPTY_NAMES.contains(&last.as_str()) && (alone || !EMPTY_ALONE.contains(&last.as_str()));
            if empty && source.waiver("empty-name", at).is_none() {
                let message = format!("`{name}` says nothing with `{last}`: use the standards' or the glossary's word");
                findings.push(Finding::new(&source.path, source.line(at), "empty-name", message));
            }
        }
    }
    findings
}

/// `StreamManager` ends in `Manager`; `stream_utils` in `utils`.
fn last_word(name: &str) -> &str {
    let at = name.char_indices().rev().find(|(at, c)| *at > 0 && c.is_uppercase()).map_or(0, |(at, _)| at);
    let name = &name[at..];
    name.rsplit('_').next().unwrap_or(name)
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in ["todo!", "unimplemented!"] {
        for at in source.find(call) {
            let message = format!("`{call}`: leave the feature out until it is there");
            findings.push(Finding::new(&source.path, source.line(at), "unfinished", message));
        }
    }
    for at in source.find("#[ignore]") {
        let message = "an ignored test proves nothing: mend it, drop it, or write `#[ignore = \"reason\"]`";
        findings.push(Finding::new(&source.path, source.line(at), "ignored-test", message));
    }
    findings
}

fn skipped(text: &Text) -> Vec<Finding> {
    if !text.path.ends_with(".ts") && !text.path.ends_with(".mjs") {
        return Vec::new();
    }
    let calls = [concat!(".sk", "ip("), concat!(".on", "ly("), concat!(".fix", "me(")];
    let lines = text.text.lines().enumerate();
    lines
        .filter(|(_, line)| {
            calls.iter().any(|call| ["it", "test", "describe"].iter().any(|f| line.contains(&format!("{f}{call}"))))
        })
        .map(|(number, _)| {
            Finding::new(
                &text.path,
                number + 1,
                "ignored-test",
                "a skipped or lone test hides the others: run them all",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let root = Path::new("/srv/checkout");
        let findings = match path.ends_with(".rs") {
            true => check(&[Source::new(path, text)], &[], root),
            false => check(&[], &[Text { path: path.into(), text: text.into() }], root),
        };
        findings.into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn ordinary_text_passes() {
        let text = "// The network writes data; info.\nstruct StreamLog; mod tests { }\nfn a() { \"todo!()\"; }\n";
        assert_eq!(rules("crates/hub/src/log.rs", text), Vec::<&str>::new());
        assert_eq!(rules("docs/ops.md", "see https://example.org/home/page and /var/lib/tayang\n"), Vec::<&str>::new());
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        assert_eq!(rules("crates/hub/src/utils.rs", ""), ["empty-name"]);
        assert_eq!(rules("crates/hub/src/log.rs", "struct StreamManager;"), ["empty-name"]);
        assert_eq!(rules("crates/hub/src/log.rs", "mod time_helpers {}"), ["empty-name"]);
        assert_eq!(rules("crates/hub/src/log.rs", "struct Info;"), ["empty-name"]);
        assert_eq!(rules("crates/hub/src/log.rs", "struct Database; struct StreamInfo;"), Vec::<&str>::new());
    }

    #[test]
    fn unfinished_work_is_found() {
        assert_eq!(rules("crates/hub/src/log.rs", "fn a() { todo!() }"), ["unfinished"]);
        assert_eq!(rules("crates/hub/src/log.rs", "fn a() { unimplemented!(\"x\") }"), ["unfinished"]);
        assert_eq!(rules("crates/hub/src/log.rs", "#[ignore]\nfn a() {}"), ["ignored-test"]);
        assert_eq!(rules("crates/hub/src/log.rs", "#[ignore = \"needs a GPU\"]\nfn a() {}"), Vec::<&str>::new());
        for mark in LATER {
            assert_eq!(rules("crates/hub/src/log.rs", &format!("// {mark}: x")), ["later"]);
        }
        assert_eq!(rules("web/a.test.ts", concat!("test.sk", "ip('x', () => {})")), ["ignored-test"]);
        assert_eq!(rules("web/a.ts", "stream.skip(5)"), Vec::<&str>::new());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        assert_eq!(rules("README.md", "run /srv/checkout/target/x"), ["machine-path"]);
        for folder in MACHINE_FOLDERS {
            assert_eq!(rules("README.md", &format!("see {folder}x")), ["machine-path"]);
        }
        assert_eq!(rules("README.md", "see {root}/work/x or target/work/x"), Vec::<&str>::new());
    }
}
