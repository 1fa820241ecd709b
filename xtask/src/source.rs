//! Just enough of Rust's grammar for the rules: where code is, where tests are, and where functions begin and end.

use std::ops::Range;

/// One Rust file.
pub struct Source {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// As written.
    pub text: String,
    /// As written, with comments and the contents of strings blanked. Same length and lines.
    pub code: String,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
    /// Another file declares this one under `#[cfg(test)]`.
    declared_test: bool,
}

/// One function with a body.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Byte offset of `fn`.
    pub start: usize,
    /// Line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
    /// Lies in test code.
    pub in_test: bool,
}

impl Source {
    /// Reads a file's text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = blank(&text);
        let tests = test_items(&code);
        Self { path, text, code, tests, declared_test: false }
    }

    /// The folder under `crates/` it lies in, or its first folder otherwise.
    pub fn package(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    /// Paths of the files that this one declares under `#[cfg(test)]`, as `mod name;`.
    pub fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => stem,
        };
        let items = self.tests.iter().filter_map(|range| self.code[range.clone()].strip_suffix(';'));
        let names = items.filter_map(|item| item.split_once("mod ").map(|(_, name)| name.trim()));
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// Takes the whole file for test code.
    pub fn declare_test(&mut self) {
        self.declared_test = true;
    }

    /// The whole file is test code.
    pub fn is_test_file(&self) -> bool {
        self.declared_test
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || matches!(self.package(), "e2e" | "fuzz")
    }

    /// The byte at `at` belongs to test code.
    pub fn in_test(&self, at: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Line of a byte offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// Lines of (source, test) code; blank lines and comments are neither.
    pub fn count_lines(&self) -> (usize, usize) {
        let (mut source, mut test, mut at) = (0, 0, 0);
        for line in self.code.split_inclusive('\n') {
            if !line.trim().is_empty() {
                if self.in_test(at) { test += 1 } else { source += 1 }
            }
            at += line.len();
        }
        (source, test)
    }

    /// Lines outside test code, blank ones included.
    pub fn length(&self) -> usize {
        let mut at = 0;
        let mut count = 0;
        for line in self.text.split_inclusive('\n') {
            count += usize::from(!self.in_test(at));
            at += line.len();
        }
        count
    }

    /// Offsets in code where `needle` stands as a whole path or word, not as part of a longer name.
    pub fn find(&self, needle: &str) -> Vec<usize> {
        let starts_in_word = needle.starts_with(is_word);
        let ends_in_word = needle.ends_with(is_word);
        self.code
            .match_indices(needle)
            .filter(|(at, _)| {
                let before = self.code[..*at].chars().next_back();
                let after = self.code[at + needle.len()..].chars().next();
                let part_of_longer =
                    starts_in_word && before.is_some_and(is_word) || ends_in_word && after.is_some_and(is_word);
                !part_of_longer
            })
            .map(|(at, _)| at)
            .collect()
    }

    /// The reason of a waiver `// tidy: RULE: reason` on the line of `at` or in the comment lines and attributes above it.
    pub fn waiver(&self, rule: &str, at: usize) -> Option<&str> {
        let mark = format!("// tidy: {rule}: ");
        let reason = |line: &'_ str| line.find(&mark).map(|found| found + mark.len());
        let lines: Vec<&str> = self.text.lines().collect();
        let here = self.line(at) - 1;
        let above = (0..here).rev().map(|n| lines[n]).take_while(|line| {
            let line = line.trim_start();
            line.starts_with("//") || line.starts_with('#')
        });
        std::iter::once(lines[here])
            .chain(above)
            .find_map(|line| reason(line).map(|from| line[from..].trim()))
            .filter(|reason| !reason.is_empty())
    }

    /// All functions with bodies.
    pub fn functions(&self) -> Vec<Function> {
        self.find("fn").into_iter().filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let after = self.code[at + 2..].trim_start();
        let name: String = after.chars().take_while(|c| is_word(*c)).collect();
        if name.is_empty() {
            return None;
        }
        let end = item_end(&self.code, at)?;
        if !self.code[..end].ends_with('}') {
            return None;
        }
        let line = self.line(at);
        Some(Function { name, start: at, line, lines: self.line(end - 1) - line + 1, in_test: self.in_test(at) })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// End of the item at `at`: after its `;` or the brace that closes its body.
fn item_end(code: &str, at: usize) -> Option<usize> {
    let (mut round, mut curly) = (0usize, 0usize);
    for (offset, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round = round.saturating_sub(1),
            b'{' => curly += 1,
            b'}' => {
                curly = curly.checked_sub(1)?;
                if curly == 0 && round == 0 {
                    return Some(offset + 1);
                }
            }
            b';' if round == 0 && curly == 0 => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    code.match_indices(ATTRIBUTE)
        .map(|(at, _)| at..item_end(code, at + ATTRIBUTE.len()).unwrap_or(code.len()))
        .collect()
}

/// Blanks comments and the contents of string and character literals.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'r' if !at.checked_sub(1).is_some_and(|before| is_word_byte(bytes[before]) && bytes[before] != b'b') => {
                raw_string_end(bytes, at).unwrap_or(at)
            }
            b'\'' => char_end(bytes, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut out[at..end.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |len| at + len)
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut here) = (0usize, at);
    while here < bytes.len() {
        match &bytes[here..bytes.len().min(here + 2)] {
            b"/*" => (depth, here) = (depth + 1, here + 2),
            b"*/" => {
                (depth, here) = (depth - 1, here + 2);
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut here = from;
    while here < bytes.len() {
        match bytes[here] {
            b'\\' => here += 2,
            b'"' => return here + 1,
            _ => here += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let length = bytes[open + 1..].windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + length + close.len())
}

/// End of a character literal; `None` for a lifetime.
fn char_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let close = bytes[at + 3..].iter().take(10).position(|byte| *byte == b'\'')?;
        return Some(at + 3 + close + 1);
    }
    let len = match bytes.get(at + 1)? {
        0x00..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    };
    (bytes.get(at + 1 + len) == Some(&b'\'')).then_some(at + 2 + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_no_code() {
        let text = "let a = \"todo!()\"; // todo!()\nlet b = r#\"x\"todo!()\"#; /* /* todo!() */ */ let c = '\"'; f::<'a>('\\'', 'é'); g(b\"todo!()\")";
        let source = Source::new("crates/x/src/lib.rs", text);
        assert_eq!(source.find("todo!"), Vec::<usize>::new());
        assert_eq!(source.code.len(), text.len());
        assert!(source.code.contains("f::<'a>("), "a lifetime is code: {}", source.code);
        assert!(source.code.contains("g(b"));
    }

    #[test]
    fn a_word_is_found_whole_only() {
        let source =
            Source::new("crates/x/src/lib.rs", "Instant::now(); MyInstant::now(); Instant::nowhere(); x.sleep(1)");
        assert_eq!(source.find("Instant::now").len(), 1);
        assert_eq!(source.find("sleep(").len(), 1);
    }

    #[test]
    fn test_items_are_told_from_source() {
        let source =
            Source::new("crates/x/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
        let functions = source.functions();
        assert_eq!(functions.iter().map(|f| f.in_test).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(source.count_lines(), (2, 4));
        assert_eq!(source.length(), 2);
        let outside = Source::new("crates/x/src/lib.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert_eq!(outside.count_lines(), (1, 2));
        assert_eq!(Source::new("crates/x/src/lib/tests.rs", "fn a() {}\n").count_lines(), (0, 1));
    }

    #[test]
    fn files_declared_for_tests_are_named_by_whoever_declares_them() {
        let text = "pub mod a;\n#[cfg(test)]\nmod fixtures;\n#[cfg(test)]\npub(crate) mod vectors;\n#[cfg(test)]\nmod tests {}\n";
        let of = |path| Source::new(path, text).test_modules();
        assert_eq!(of("crates/x/src/lib.rs"), ["crates/x/src/fixtures.rs", "crates/x/src/vectors.rs"]);
        assert_eq!(of("crates/x/src/y.rs")[0], "crates/x/src/y/fixtures.rs");
        let mut fixtures = Source::new("crates/x/src/fixtures.rs", "fn a() {}\n");
        assert!(!fixtures.is_test_file());
        fixtures.declare_test();
        assert_eq!(fixtures.count_lines(), (0, 1));
    }

    #[test]
    fn a_function_ends_at_its_own_brace() {
        let text = "impl X {\n    fn a<T>(x: [u8; 3]) -> T\n    where\n        T: Y,\n    {\n        if x { y } // }\n    }\n    fn none(&self);\n}\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        let functions = source.functions();
        assert_eq!(functions.len(), 1);
        assert_eq!((functions[0].name.as_str(), functions[0].line, functions[0].lines), ("a", 2, 6));
    }

    #[test]
    fn a_waiver_needs_its_rule_its_place_and_a_reason() {
        let text = "// tidy: sleep: the peer is a real process\n#[inline]\nsleep(1);\n\n// tidy: sleep: \nsleep(2);\nsleep(3); // tidy: clock: no\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        let at = source.find("sleep(");
        assert_eq!(source.waiver("sleep", at[0]), Some("the peer is a real process"));
        assert_eq!(source.waiver("sleep", at[1]), None);
        assert_eq!(source.waiver("sleep", at[2]), None);
        assert_eq!(source.waiver("clock", at[2]), Some("no"));
    }

    #[test]
    fn a_file_knows_its_package() {
        assert_eq!(Source::new("crates/rtmp/src/lib.rs", "").package(), "rtmp");
        assert_eq!(Source::new("xtask/src/main.rs", "").package(), "xtask");
    }
}
