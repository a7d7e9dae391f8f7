//! What is built in that others wrote: under which licences, from where, whether it is used, and cryptography once.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Licences that let Latchkey be what it is (Apache-2.0), by their SPDX names.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BlueOak-1.0.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    // libFuzzer, in no product.
    "NCSA",
    "Unicode-3.0",
    "Zlib",
];

/// Declared for a feature that they turn on, or named by a file of another package that is included.
const NOT_NAMED: [(&str, &str); 3] =
    [("latchkey-tests", "axum"), ("latchkey-worker", "getrandom"), ("latchkey-worker", "worker-sys")];

/// Cryptography that must be there in one version: two of one would be two to watch.
const ONCE: [&str; 13] = [
    "aes-gcm",
    "argon2",
    "chacha20poly1305",
    "curve25519-dalek",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "hpke",
    "p256",
    "ring",
    "rustls",
    "subtle",
    "zeroize",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Of what is built on this machine: the rest was never fetched.
fn metadata(manifest: &str) -> Value {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version=1", "--locked", "--offline", "--manifest-path"];
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).arg(root().join(manifest)).arg(format!("--filter-platform={host}"));
    // What the Worker and the portal are built of.
    let cargo = cargo.arg("--filter-platform=wasm32-unknown-unknown").output().unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    serde_json::from_slice(&cargo.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether an SPDX expression leaves a choice that is allowed. `/` is an old way to say `OR`.
fn licence_ok(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    if let Some(inner) = expression.strip_prefix('(')
        && let Some((inner, rest)) = inner.split_once(')')
    {
        let rest = rest.trim();
        return match (rest.strip_prefix("AND "), rest.strip_prefix("OR ")) {
            (Some(rest), _) => licence_ok(inner) && licence_ok(rest),
            (_, Some(rest)) => licence_ok(inner) || licence_ok(rest),
            _ => rest.is_empty() && licence_ok(inner),
        };
    }
    let every = |part: &str| part.split(" AND ").all(|name| ALLOWED.contains(&name.trim()));
    expression.split(" OR ").any(every)
}

#[test]
fn expressions_are_read() {
    for good in
        ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0", "Apache-2.0 AND ISC"]
    {
        assert!(licence_ok(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-2.0", "MPL-2.0"] {
        assert!(!licence_ok(bad), "{bad}");
    }
}

#[test]
fn licences_and_sources() {
    for manifest in ["Cargo.toml", "xtask/Cargo.toml"] {
        let metadata = metadata(manifest);
        for package in metadata["packages"].as_array().unwrap() {
            let (name, version) = (text(package, "name"), text(package, "version"));
            let licence = text(package, "license");
            // What only the task runner has goes into nothing.
            let tool = manifest != "Cargo.toml" && licence.contains("MPL-2.0");
            assert!(licence_ok(licence) || tool, "{manifest}: {name} {version}: `{licence}`");
            let source = text(package, "source");
            assert!(source.is_empty() || source.starts_with("registry+"), "{name} comes from {source}");
        }
    }
}

/// All Rust sources of a package, in one text.
fn sources(dir: &Path, out: &mut String) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && !path.join("Cargo.toml").exists() {
            sources(&path, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            out.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn what_is_declared_is_used() {
    let metadata = metadata("Cargo.toml");
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let (mut seen, mut unused) = (0, vec![]);
    for package in metadata["packages"].as_array().unwrap() {
        if !members.contains(text(package, "id")) {
            continue;
        }
        let mut code = String::new();
        sources(Path::new(text(package, "manifest_path")).parent().unwrap(), &mut code);
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["rename"].as_str().unwrap_or(text(dependency, "name"));
            let known = NOT_NAMED.contains(&(text(package, "name"), name));
            let word = name.replace('-', "_");
            let named =
                ["::", " ", ";", "!", "}", ","].iter().any(|end| code.contains(&format!("{word}{end}")));
            unused.extend((!named && !known).then(|| format!("{} of {}", name, text(package, "name"))));
            seen += 1;
        }
    }
    assert!(unused.is_empty(), "declared and not named: {unused:?}");
    assert!(seen > 60, "{seen}");
}

#[test]
fn what_the_workspace_names_some_package_takes() {
    let read = |dir: &Path| fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    let metadata = metadata("Cargo.toml");
    let manifests = metadata["packages"].as_array().unwrap().iter().filter(|p| text(p, "source").is_empty());
    let members: String =
        manifests.map(|p| read(Path::new(text(p, "manifest_path")).parent().unwrap())).collect();
    let whole = read(&root());
    let named = whole.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<&str> =
        named.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let taken = |name: &str| {
        let ways = [format!("\n{name}.workspace = true"), format!("\n{name} = {{ workspace = true")];
        ways.iter().any(|way| members.contains(way))
    };
    let idle: Vec<&&str> = names.iter().filter(|name| !taken(name)).collect();
    assert!(idle.is_empty(), "no package takes {idle:?}");
    assert!(names.len() > 20, "{}", names.len());
}

#[test]
fn cryptography_is_there_once() {
    let metadata = metadata("Cargo.toml");
    let mut named: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut depends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        named.insert(text(package, "id"), (text(package, "name"), text(package, "version")));
    }
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let normal = node["deps"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dep| dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null()));
        depends.insert(text(node, "id"), normal.map(|dep| text(dep, "pkg")).collect());
    }
    for product in ["latchkey-hub", "latchkey-worker", "latchkey-portal", "latchkey-cli"] {
        let start = named.iter().find(|(_, (name, _))| *name == product).map(|(id, _)| *id).unwrap();
        let (mut queue, mut reached) = (vec![start], BTreeSet::new());
        while let Some(id) = queue.pop() {
            if reached.insert(id) {
                queue.extend(depends.get(id).into_iter().flatten());
            }
        }
        for name in ONCE {
            let versions: BTreeSet<&str> =
                reached.iter().filter(|id| named[**id].0 == name).map(|id| named[*id].1).collect();
            assert!(versions.len() < 2, "{product} has {name} {versions:?}");
        }
    }
}
