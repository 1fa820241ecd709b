//! The dependency law: which crate may name which. Runtimes and sockets are looked for through the whole resolved graph:
//! a dependency's dependency makes a pure crate impure too.

use super::Finding;
use super::facts::PURE;
use crate::metadata::Metadata;

/// One crate's place.
struct Place {
    name: &'static str,
    /// Crates of ours it may be built with.
    knows: &'static [&'static str],
    why: &'static str,
}

const LAW: &[Place] = &[
    Place { name: "media", knows: &[], why: "the vocabulary depends on `bytes` only, or everything depends on more" },
    Place { name: "formats", knows: &["media"], why: "bytes to values and back, stateless" },
    Place { name: "rtmp", knows: &["media", "formats"], why: "a protocol knows no other protocol and no way out" },
    Place {
        name: "packager",
        knows: &["media", "formats"],
        why: "the only segmenter sees frames, never who sent them",
    },
    Place { name: "hub", knows: &["media"], why: "live fan-out is neutral of protocols, containers and runtimes" },
    Place { name: "control", knows: &["media"], why: "the domain sees neither formats nor storage nor the web" },
    Place {
        name: "store",
        knows: &["media", "control"],
        why: "storage implements control's ports and knows no media bytes",
    },
    Place {
        name: "recorder",
        knows: &["media", "formats", "packager", "control", "store"],
        why: "recordings are the packager's bytes; protocols and live fan-out are none of their business",
    },
    Place {
        name: "gateway",
        knows: &["media", "formats", "rtmp", "packager", "hub", "control", "recorder"],
        why: "the edge of media asks control's access port; it sees neither storage nor the API",
    },
    Place {
        name: "events",
        knows: &["media", "control"],
        why: "notices follow what control says changed; where it is kept is storage's business",
    },
    Place {
        name: "api",
        knows: &["media", "control", "events"],
        why: "control over HTTP: it sees neither storage nor media's bytes, and the gateway never sees it",
    },
    Place {
        name: "server",
        knows: &[
            "media", "formats", "rtmp", "packager", "hub", "control", "store", "recorder", "gateway", "events", "api",
        ],
        why: "only the program wires everything",
    },
    Place { name: "testkit", knows: &["media"], why: "any crate can be tested with it only if it knows none of them" },
    Place {
        name: "e2e",
        knows: &["media", "formats", "rtmp", "packager", "testkit"],
        why: "end-to-end tests stand outside: they start the program and speak its protocols",
    },
    Place {
        name: "benches",
        knows: &["media", "formats", "rtmp", "packager", "testkit", "e2e"],
        why: "benchmarks stand outside: they start the program and speak its protocols",
    },
    Place { name: "xtask", knows: &[], why: "the tools build when the crates do not" },
];

/// Crates that no pure crate may reach, however indirectly.
const IMPURE: &[&str] = &["tokio", "mio", "socket2", "hyper", "async-std", "smol", "rustix", "object_store", "sqlx"];

/// What `media` may be built with.
const MEDIA_NEEDS: &[&str] = &["bytes"];

/// Crates of ours that are tools: nothing that ships is built with them.
const NEVER_SHIPS: &[&str] = &["testkit", "e2e", "benches", "xtask"];

pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, package) in metadata.own() {
        let name = package.name.as_str();
        let manifest =
            format!("{}/Cargo.toml", if name == "xtask" { "xtask".into() } else { format!("crates/{name}") });
        let mut say = |message: String| findings.push(Finding::new(&manifest, 0, "dependency-law", message));
        let Some(place) = LAW.iter().find(|place| place.name == name) else {
            say(format!("crate `{name}` has no place in the dependency law: give it one in xtask/src/tidy/law.rs"));
            continue;
        };
        let closure = metadata.closure(id);
        let reaches = |wanted: &str| closure.iter().any(|id| metadata.packages[*id].name == wanted);
        let direct: Vec<&str> = package.built_with.iter().map(|id| metadata.packages[id].name.as_str()).collect();
        for (_, other) in metadata.own() {
            let other = other.name.as_str();
            if other == name || !direct.contains(&other) {
                continue;
            }
            if NEVER_SHIPS.contains(&other) && !NEVER_SHIPS.contains(&name) {
                say(format!("`{name}` is built with `{other}`, which never ships: make it a dev-dependency"));
            } else if !place.knows.contains(&other) {
                say(format!("`{name}` must not know `{other}`: {}", place.why));
            }
        }
        if PURE.contains(&name) {
            for impure in IMPURE.iter().filter(|impure| reaches(impure)) {
                say(format!("`{name}` is pure and reaches `{impure}`: pass time and bytes in, do the I/O in gateway"));
            }
        }
        if name == "media" {
            for other in direct.iter().filter(|other| !MEDIA_NEEDS.contains(other)) {
                say(format!("`media` depends on `{other}`: {}", place.why));
            }
        }
        if package.tested_with.iter().any(|other| other == "server") {
            say(format!("`{name}` tests with `server`: nothing depends on the program; start it in crate e2e"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::metadata::Package;

    /// A graph of `name: built with …`; names of ours are members.
    fn graph(edges: &[(&str, &[&str])]) -> Metadata {
        let mut names: BTreeSet<&str> = edges.iter().map(|(name, _)| *name).collect();
        names.extend(edges.iter().flat_map(|(_, with)| with.iter()));
        let packages = names.iter().map(|name| {
            let built_with = edges.iter().find(|(edge, _)| edge == name).map_or(&[][..], |(_, with)| with);
            let package = Package {
                name: (*name).to_owned(),
                version: "1.0.0".to_owned(),
                licence: None,
                source: None,
                built_with: built_with.iter().map(|with| (*with).to_owned()).collect(),
                tested_with: Vec::new(),
                manifest: String::new(),
            };
            ((*name).to_owned(), package)
        });
        let members = edges.iter().map(|(name, _)| (*name).to_owned()).collect();
        Metadata { packages: packages.collect(), members }
    }

    fn messages(edges: &[(&str, &[&str])]) -> Vec<String> {
        check(&graph(edges)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn the_law_holds_for_the_drawn_graph() {
        let lawful: &[(&str, &[&str])] = &[
            ("media", &["bytes"]),
            ("formats", &["media", "smallvec"]),
            ("packager", &["formats", "media"]),
            ("gateway", &["packager", "tokio"]),
        ];
        assert_eq!(messages(lawful), Vec::<String>::new());
    }

    #[test]
    fn a_pure_crate_that_reaches_a_runtime_through_another_is_found() {
        let found = messages(&[("media", &["bytes"]), ("formats", &["media", "boxes"]), ("x", &[])]);
        assert!(found.iter().any(|message| message.contains("`x` has no place")), "{found:?}");
        let mut edges: Vec<(&str, &[&str])> = vec![("formats", &["boxes"])];
        edges.push(("boxes", &["tokio"]));
        let found = messages(&edges);
        assert!(found.iter().any(|message| message.contains("`formats` is pure and reaches `tokio`")), "{found:?}");
    }

    #[test]
    fn knowledge_against_the_law_is_found_with_its_reason() {
        let found = messages(&[("hub", &["formats"]), ("formats", &[])]);
        assert_eq!(
            found,
            ["`hub` must not know `formats`: live fan-out is neutral of protocols, containers and runtimes"]
        );
        let found = messages(&[("server", &["testkit"]), ("testkit", &[])]);
        assert!(found[0].contains("make it a dev-dependency"), "{found:?}");
        let found = messages(&[("media", &["serde"])]);
        assert!(found[0].contains("`media` depends on `serde`"), "{found:?}");
    }
}
