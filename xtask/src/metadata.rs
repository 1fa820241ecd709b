//! What cargo knows of the workspace's packages and of everything they depend on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::cargo;
use crate::tree::Tree;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The resolved dependency graph, for Linux on x86-64.
pub struct Metadata {
    /// All packages by id.
    pub packages: BTreeMap<String, Package>,
    /// Ids of the workspace's own.
    pub members: BTreeSet<String>,
}

/// One package.
pub struct Package {
    /// Name in the registry or workspace.
    pub name: String,
    /// Version.
    pub version: String,
    /// Licence expression as its author wrote it.
    pub licence: Option<String>,
    /// Registry or repository; `None` for a path.
    pub source: Option<String>,
    /// Ids of packages that its library or program is built with (normal and build dependencies).
    pub built_with: Vec<String>,
    /// Names it depends on in tests only.
    pub tested_with: Vec<String>,
    /// Path of its manifest.
    pub manifest: String,
}

impl Metadata {
    /// Asks cargo.
    pub fn read(tree: &Tree) -> Result<Self> {
        let graph = ask(tree, &["metadata", "--format-version", "1", "--filter-platform", TARGET, "--locked"])?;
        let mut metadata = Self::parse(&serde_json::from_slice(&graph)?)?;
        // `metadata` lists optional dependencies that a weak feature (`ring?/std`) names but nothing enables; `tree` knows.
        let built = ask(tree, &["tree", "--workspace", "--prefix", "none", "--target", TARGET, "--locked"])?;
        let built: BTreeSet<String> = String::from_utf8_lossy(&built).lines().filter_map(name_and_version).collect();
        metadata.packages.retain(|_, package| built.contains(&format!("{} {}", package.name, package.version)));
        let there: BTreeSet<String> = metadata.packages.keys().cloned().collect();
        for package in metadata.packages.values_mut() {
            package.built_with.retain(|id| there.contains(id));
        }
        Ok(metadata)
    }

    fn parse(value: &Value) -> Result<Self> {
        let mut packages = BTreeMap::new();
        for package in array(value, "packages")? {
            packages.insert(text(package, "id")?, parse_package(package)?);
        }
        for node in array(&value["resolve"], "nodes")? {
            let id = text(node, "id")?;
            let package = packages.get_mut(&id).with_context(|| format!("package {id} is resolved but not listed"))?;
            for dependency in array(node, "deps")? {
                let kinds = array(dependency, "dep_kinds")?;
                if kinds.iter().any(|kind| kind["kind"] != "dev") {
                    package.built_with.push(text(dependency, "pkg")?);
                }
            }
        }
        let members =
            array(value, "workspace_members")?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
        Ok(Self { packages, members })
    }

    /// The workspace's own packages with their ids.
    pub fn own(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages.iter().filter(|(id, _)| self.members.contains(*id)).map(|(id, package)| (id.as_str(), package))
    }

    /// Everything that goes into `id`, itself left out.
    pub fn closure(&self, id: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![id];
        while let Some(package) = todo.pop().and_then(|id| self.packages.get(id)) {
            for next in &package.built_with {
                if seen.insert(next.as_str()) {
                    todo.push(next);
                }
            }
        }
        seen
    }
}

fn ask(tree: &Tree, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = cargo(arguments, &tree.root).output().context("cargo does not start")?;
    ensure!(output.status.success(), "cargo {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

/// `ring v0.17.14 (path)` is `ring 0.17.14`.
fn name_and_version(line: &str) -> Option<String> {
    let (name, rest) = line.split_once(" v")?;
    Some(format!("{name} {}", rest.split(' ').next()?))
}

fn parse_package(package: &Value) -> Result<Package> {
    let tested_with = array(package, "dependencies")?
        .iter()
        .filter(|dependency| dependency["kind"] == "dev")
        .map(|dependency| text(dependency, "name"))
        .collect::<Result<_>>()?;
    Ok(Package {
        name: text(package, "name")?,
        version: text(package, "version")?,
        licence: package["license"].as_str().map(str::to_owned),
        source: package["source"].as_str().map(str::to_owned),
        built_with: Vec::new(),
        tested_with,
        manifest: text(package, "manifest_path")?,
    })
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("cargo metadata has no list `{key}`"))
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("cargo metadata has no text `{key}`"))
}
