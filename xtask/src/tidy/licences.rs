//! Licences, sources and banned crates, by the policy in `deny.toml`.
//!
//! cargo-deny reads the same file and knows more (advisories); it is not installed by the test command because building
//! it costs more than the rest of the check. Where it is installed, `cargo xtask test` runs it as well.

use anyhow::{Context, Result};
use toml::Table;

use super::Finding;
use crate::metadata::Metadata;

/// What `deny.toml` allows.
pub struct Policy {
    allowed: Vec<String>,
    banned: Vec<(String, String)>,
    registries: Vec<String>,
}

impl Policy {
    /// Reads the parts of cargo-deny's configuration that are checked here.
    pub fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse().context("deny.toml is no TOML")?;
        let list = |section: &str, key: &str| {
            table.get(section).and_then(|section| section.get(key)).and_then(|list| list.as_array()).cloned()
        };
        let texts = |section: &str, key: &str| -> Result<Vec<String>> {
            let list = list(section, key).with_context(|| format!("deny.toml has no {section}.{key}"))?;
            Ok(list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
        };
        let banned = list("bans", "deny").context("deny.toml has no bans.deny")?;
        let field = |item: &toml::Value, key: &str| item.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        Ok(Self {
            allowed: texts("licenses", "allow")?,
            banned: banned
                .iter()
                .filter_map(|item| Some((field(item, "crate")?, field(item, "reason").unwrap_or_default())))
                .collect(),
            registries: texts("sources", "allow-registry")?,
        })
    }
}

pub fn check(metadata: &Metadata, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, package) in &metadata.packages {
        let mut say = |rule, message| findings.push(Finding::new("Cargo.lock", 0, rule, message));
        let named = format!("{} {}", package.name, package.version);
        match &package.licence {
            None => {
                say("licence", format!("{named} states no licence expression: leave it out, or argue in deny.toml"))
            }
            Some(licence) if !allows(licence, &policy.allowed) => {
                say("licence", format!("{named} is under `{licence}`, which deny.toml does not allow"));
            }
            Some(_) => {}
        }
        if let Some((_, reason)) = policy.banned.iter().find(|(banned, _)| *banned == package.name) {
            say("banned-crate", format!("{named} is banned: {reason}"));
        }
        match &package.source {
            Some(source) if !policy.registries.iter().any(|registry| source.ends_with(registry.as_str())) => {
                say("source", format!("{named} comes from {source}, which deny.toml does not allow"));
            }
            None if !metadata.members.contains(id) => {
                say("source", format!("{named} comes from a path outside the workspace: {}", package.manifest));
            }
            _ => {}
        }
    }
    findings
}

/// An SPDX expression holds with only the allowed licences. `/` is the old spelling of OR.
fn allows(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&tokens, &mut at, allowed) && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut holds = both(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= both(tokens, at, allowed);
    }
    holds
}

fn both(tokens: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut holds = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(tokens, at, allowed);
    }
    holds
}

fn one(tokens: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let Some(token) = tokens.get(*at) else {
        return false;
    };
    *at += 1;
    if *token == "(" {
        let holds = either(tokens, at, allowed);
        *at += 1;
        return holds;
    }
    let mut licence = (*token).to_owned();
    if tokens.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&licence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Package;

    fn policy() -> Policy {
        Policy::parse(
            r#"
            [licenses]
            allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]
            [bans]
            deny = [{ crate = "openssl", reason = "one crypto library" }]
            [sources]
            allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            "#,
        )
        .expect("a policy")
    }

    fn messages(name: &str, licence: Option<&str>, source: Option<&str>) -> Vec<String> {
        let package = Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.map(str::to_owned),
            source: source.map(str::to_owned),
            built_with: Vec::new(),
            tested_with: Vec::new(),
            manifest: "there/Cargo.toml".to_owned(),
        };
        let metadata = Metadata { packages: [(name.to_owned(), package)].into(), members: Default::default() };
        check(&metadata, &policy()).into_iter().map(|finding| finding.message).collect()
    }

    const CRATES_IO: Option<&str> = Some("registry+https://github.com/rust-lang/crates.io-index");

    #[test]
    fn expressions_hold_when_one_way_through_them_is_allowed() {
        let allowed = policy().allowed;
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(allows(good, &allowed), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Other-exception", "", "(MIT", "MIT Apache-2.0", "()"]
        {
            assert!(!allows(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn a_foreign_licence_a_banned_crate_and_a_foreign_source_are_found() {
        assert_eq!(messages("good", Some("MIT"), CRATES_IO), Vec::<String>::new());
        assert!(messages("x", Some("AGPL-3.0"), CRATES_IO)[0].contains("does not allow"));
        assert!(messages("x", None, CRATES_IO)[0].contains("states no licence"));
        assert!(messages("openssl", Some("MIT"), CRATES_IO)[0].contains("one crypto library"));
        assert!(messages("x", Some("MIT"), Some("git+https://example.org/x"))[0].contains("comes from git+"));
        assert!(messages("x", Some("MIT"), None)[0].contains("outside the workspace"));
    }
}
