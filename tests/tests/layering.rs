//! The layers of Latchkey, as absences: what must not be named where. A scan of the sources, with comments,
//! strings and test modules left out. Each rule is shown to catch an offender.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Ways to reach a clock, randomness, a runtime or the outside world.
const OUTSIDE: [&str; 20] = [
    "tokio::",
    "async_std::",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "Date::now",
    "Date::new_0",
    "Math::random",
    "OsRng",
    "SysRng",
    "getrandom::",
    "thread_rng",
    "rand::rng",
    "println!",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Rust sources below a directory, without files that hold tests only.
fn sources(dir: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let (root, mut found) = (root(), Vec::new());
    walk(&root.join(dir), &mut found);
    if root.join(dir).is_file() {
        found.push(root.join(dir));
    }
    found.sort();
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(&path).unwrap_or_default())
    });
    named.filter(|(name, _)| !is_test(name)).map(|(name, text)| (name, code(&text))).collect()
}

fn is_test(name: &str) -> bool {
    let tests = ["/tests.rs", "_tests.rs", "/testing.rs", "/defects.rs"];
    name.contains("/tests/") || name.contains("/testing/") || tests.iter().any(|end| name.ends_with(end))
}

/// Code alone: comments and what stands in quotes are blanked, an inline test module ends the file.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next_is_module = lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if line == "#[cfg(test)]" && next_is_module {
            break;
        }
        let mut quoted = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if quoted => drop(characters.next()),
                '"' => quoted = !quoted,
                '/' if !quoted && characters.peek() == Some(&'/') => break,
                _ if quoted => {}
                _ => out.push(character),
            }
        }
        out.push('\n');
    }
    out
}

/// Lines that name one of `words` as a whole path segment, as `file:line: word`.
fn naming(files: &[(String, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files {
        for (number, line) in text.lines().enumerate() {
            for word in words {
                let hit = line.match_indices(word).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| {
                        c.is_alphanumeric() || c == '_' || (c == ':' && word.ends_with("::"))
                    })
                });
                if hit {
                    found.push(format!("{name}:{}: {word}", number + 1));
                }
            }
        }
    }
    found
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn several(files: &[(String, String)], dir: &str) {
    assert!(files.len() > 2, "{dir} moved: the layering test looks at {} files there", files.len());
}

fn sample(text: &str) -> Vec<(String, String)> {
    vec![("sample.rs".to_owned(), code(text))]
}

#[test]
fn pure_layers_reach_nothing_outside() {
    for dir in ["shared/src", "worker/src/core", "hub/src/core"] {
        let files = sources(dir);
        several(&files, dir);
        none(naming(&files, &OUTSIDE), "no clock, randomness, runtime or I/O in a pure layer");
    }
    assert_eq!(naming(&sample("let t = std::time::SystemTime::now();"), &OUTSIDE).len(), 1);
    assert_eq!(naming(&sample("use tokio::time;\nlet x = OsRng;"), &OUTSIDE).len(), 2);
    assert_eq!(naming(&sample("// tokio::time\nlet x = \"OsRng\"; let my_OsRng = 1;"), &OUTSIDE).len(), 0);
}

#[test]
fn workers_rs_stays_in_the_shell() {
    let traits = "worker/src/store.rs";
    for dir in
        ["shared/src", "hub/src", "portal/src", "cli/src", "worker/src/core", "worker/src/core.rs", traits]
    {
        let files = sources(dir);
        assert!(!files.is_empty(), "{dir} moved");
        none(naming(&files, &["worker::", "worker_sys::"]), "only the Worker's shell knows workers-rs");
    }
    assert_eq!(naming(&sample("use worker::Env;"), &["worker::"]).len(), 1);
    assert_eq!(naming(&sample("use latchkey_worker::core; use crate::worker::x;"), &["worker::"]).len(), 0);
}

/// Who builds on whom in the hub: `config` on `drivers`, both on `machine`, and none of the three the other way.
#[test]
fn the_hubs_modules_build_on_each_other_one_way() {
    let above = ["crate::panel", "crate::config", "crate::shell", "crate::drivers", "crate::core"];
    for (dir, below) in [("hub/src/machine", 5), ("hub/src/drivers", 2)] {
        let files = sources(dir);
        several(&files, dir);
        none(naming(&files, &above[..below]), "what is below names nothing above it");
    }
    none(
        naming(&sources("hub/src/config"), &["crate::panel", "crate::shell"]),
        "the configuration does no more",
    );
    assert_eq!(naming(&sample("use crate::config::Secrets;"), &above[..2]).len(), 1);
}

/// Struct literals of `name`: the name, a brace, and not a definition, an implementation or a return type.
fn literals(files: &[(String, String)], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in files {
        for (number, line) in text.lines().enumerate() {
            let literal = line.match_indices(name).any(|(at, _)| {
                let (before, after) = (&line[..at], line[at + name.len()..].trim_start());
                let after =
                    after.strip_prefix("::<").and_then(|rest| rest.split_once('>')).map_or(after, |x| x.1);
                let word_ends = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let declares =
                    ["struct ", "impl ", "for ", "-> ", "enum "].iter().any(|w| before.ends_with(w));
                word_ends && !declares && after.trim_start().starts_with('{')
            });
            if literal {
                found.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

fn everything_but(exempt: &str) -> Vec<(String, String)> {
    let all = ["shared/src", "worker/src", "hub/src", "portal/src"].into_iter().flat_map(sources);
    all.filter(|(name, _)| name != exempt).collect()
}

/// The text between the braces of a struct's definition.
fn fields(text: &str, definition: &str) -> String {
    let at = text.find(definition).unwrap_or_else(|| panic!("`{definition}` is gone"));
    let body = &text[at..];
    let (open, close) = (body.find('{').unwrap_or(0), body.find('}').unwrap_or(0));
    body[open..close].to_owned()
}

#[test]
fn only_verification_makes_a_verified_grant() {
    let verify = "shared/src/chain/verify.rs";
    let text = code(&fs::read_to_string(root().join(verify)).unwrap_or_default());
    assert!(!fields(&text, "pub struct VerifiedGrant").contains("pub"), "its fields are private");
    none(literals(&everything_but(verify), "VerifiedGrant"), "only chain::verify constructs a VerifiedGrant");
    assert_eq!(literals(&sample("let g = VerifiedGrant { entry };"), "VerifiedGrant").len(), 1);
    assert_eq!(
        literals(&sample("impl VerifiedGrant {\nfn f() -> VerifiedGrant {"), "VerifiedGrant").len(),
        0
    );
}

#[test]
fn the_planner_accepts_verified_grants_alone() {
    let plan = "shared/src/plan.rs";
    let text = code(&fs::read_to_string(root().join(plan)).unwrap_or_default());
    assert!(!fields(&text, "pub struct DesiredSlot").contains("pub"), "its fields are private");
    let signature = &text[text.find("pub fn plan<").expect("the planner is gone")..];
    let signature = &signature[..signature.find('{').unwrap_or(signature.len())];
    assert!(signature.contains("desired: &[DesiredSlot<"), "the planner takes something else: {signature}");
    let makers: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("pub fn") && !line.contains("&self"))
        .filter(|line| {
            line.contains("-> Self") || line.contains("Option<Self>") || line.contains("DesiredSlot<")
        })
        .collect();
    assert!(
        makers.iter().all(|line| line.contains("&VerifiedGrant<")),
        "a desired slot from elsewhere: {makers:?}"
    );
    none(
        literals(&everything_but(plan), "DesiredSlot"),
        "only the planner's module constructs a DesiredSlot",
    );
    let parts = naming(&everything_but(plan), &["from_verified_parts", "DesiredSlot::from_verified_parts"]);
    none(parts, "a desired slot is made from a verified grant");
}

#[test]
fn no_shipped_build_has_deliberate_mistakes() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_default();
    for package in ["shared", "worker", "portal", "hub", "cli"] {
        let manifest = read(&format!("{package}/Cargo.toml"));
        assert!(!manifest.is_empty(), "{package} moved");
        let named: Vec<&str> = manifest.lines().filter(|line| line.contains("defects")).collect();
        let declared = if package == "shared" { vec!["defects = []"] } else { vec![] };
        assert_eq!(named, declared, "{package} has the feature, and no package but the tests switches it on");
        assert!(!manifest.contains("default = [\"defects"), "{package}");
    }
    // The one task that builds with it builds the tests' package.
    let tasks: Vec<String> = ["main", "check", "demo", "worker", "portal", "package", "size", "bench"]
        .iter()
        .map(|task| read(&format!("xtask/src/{task}.rs")))
        .filter(|text| text.contains("defects") && !text.contains("[--defects]"))
        .collect();
    assert!(tasks.is_empty(), "only `xtask sim --defects` builds with deliberate mistakes");
    assert!(read("xtask/src/sim.rs").contains("latchkey-tests"));
    let without = read("shared/src/lib.rs");
    assert!(
        without.contains("#[cfg(not(feature = \"defects\"))]"),
        "without the feature a defect is `false`"
    );
}

#[test]
fn nothing_of_this_machine_is_committed() {
    // In pieces, so that this file does not find itself.
    let words: Vec<String> = [
        ["/work", "/main"],
        ["/work", "/shared"],
        ["/work", "/tgt"],
        ["/roo", "t/."],
        ["/hom", "e/runner"],
        ["registry.npmj", "s.org"],
        ["registry.yarnpk", "g.com"],
        ["static.crate", "s.io"],
        ["index.crate", "s.io"],
        ["files.pythonhoste", "d.org"],
        ["pyp", "i.org"],
        ["deb.debia", "n.org"],
    ]
    .iter()
    .map(|pieces| pieces.concat())
    .collect();
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let files: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    assert!(files.len() > 50, "git lists {} files", files.len());
    let mut found = Vec::new();
    for name in files {
        let text = String::from_utf8_lossy(&fs::read(root().join(name)).unwrap_or_default()).into_owned();
        found.extend(words.iter().filter(|word| text.contains(*word)).map(|word| format!("{name}: {word}")));
    }
    none(found, "no path of a machine and no registry's host name in a tracked file");
}

/// The Worker answers and asks nobody but its own objects and assets: so no address that somebody names is visited.
#[test]
fn the_worker_asks_nobody() {
    const WAYS: [&str; 7] = [
        "Fetch::",
        "worker::Fetch",
        "global_fetch",
        "fetch_with_str",
        "connect(",
        "Socket::builder",
        "WebSocket::connect",
    ];
    let sources = sources("worker/src");
    for (name, text) in &sources {
        for way in WAYS {
            assert!(!text.contains(way), "{name} names {way}");
        }
    }
    let asking: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| text.contains("host::ask("))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(asking, ["worker/src/http.rs"], "an object, by its class and name");
    for (script, whom) in [
        ("worker/shim.mjs", &["glue.", "inner.", "this.env.ASSETS."][..]),
        ("worker/host.mjs", &["objectOf(env, space, name)."]),
        ("worker/hot.mjs", &["account.", "home."]),
    ] {
        let text = fs::read_to_string(root().join(script)).unwrap_or_default();
        for way in ["WebSocket(", "connect(", "EventSource("] {
            assert!(!text.contains(way), "{script} names {way}");
        }
        for (at, _) in text.match_indices("fetch(") {
            let before = text[..at].trim_end_matches("async ");
            let defined = before.trim_end().ends_with(['{', '}', ';', ',']);
            let own = defined || whom.iter().any(|whom| before.ends_with(whom));
            assert!(own, "{script} asks somebody: {}", before.lines().last().unwrap_or_default());
        }
    }
}
