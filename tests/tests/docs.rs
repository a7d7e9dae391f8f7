//! What the pages in `docs/` name exists: files, stable codes, tasks of xtask, commands of the hub.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The pages, by name.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), read(&root().join("README.md")))];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        pages.push((path.file_name().unwrap().to_string_lossy().into_owned(), read(&path)));
    }
    assert!(pages.len() > 4);
    pages
}

/// What stands in single backticks on one line, outside of fenced blocks.
fn quoted(page: &str) -> Vec<String> {
    let outside: Vec<&str> = page.split("\n```").step_by(2).collect();
    let lines = outside.iter().flat_map(|part| part.lines());
    lines.flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// All sources in one text.
fn sources(dir: &Path, out: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|end| ["rs", "toml", "mjs", "js"].iter().any(|e| end == *e)) {
            out.push_str(&read(&path));
        }
    }
}

#[test]
fn files_that_are_named_exist() {
    let roots = ["shared/", "worker/", "portal/", "hub/", "tests/", "docs/", "xtask/"];
    let mut seen = 0;
    for (page, text) in pages() {
        for token in quoted(&text) {
            let word = token.split_whitespace().next().unwrap_or_default();
            if roots.iter().any(|r| word.starts_with(r)) && !word.contains('*') {
                assert!(root().join(word).exists(), "{page} names {word}");
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn codes_that_are_named_exist() {
    let mut code = String::new();
    for dir in ["shared/src", "worker/src", "hub/src", "portal/src"] {
        sources(&root().join(dir), &mut code);
    }
    let ends = ["md", "rs", "toml", "hex", "json", "key", "py", "mjs", "js", "cbor", "html", "css", "redb"];
    let mut seen = 0;
    for (page, text) in pages() {
        for token in quoted(&text) {
            let Some((area, reason)) = token.split_once('.') else { continue };
            let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if plain(area) && plain(reason) && !ends.contains(&reason) {
                assert!(code.contains(&format!("\"{token}")), "{page} names the code {token}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "{seen}");
    // So do those in the table of attacks.
    let table = read(&root().join("xtask/src/attack/table.rs"));
    let named = table.split('"').skip(1).step_by(2).filter(|text| {
        text.split_once('.').is_some_and(|(area, reason)| {
            let plain = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            plain(area) && plain(reason)
        })
    });
    let named: Vec<&str> = named.collect();
    assert!(named.len() > 30, "{}", named.len());
    for token in named {
        assert!(code.contains(&format!("\"{token}")), "the table of attacks names the code {token}");
    }
}

#[test]
fn commands_that_are_named_exist() {
    let (tasks, verbs) = (read(&root().join("xtask/src/main.rs")), read(&root().join("hub/src/cli.rs")));
    let mut seen = 0;
    for (page, text) in pages() {
        for (start, known, what) in [("cargo xtask ", &tasks, "task"), ("latchkey-hub ", &verbs, "command")] {
            for (at, _) in text.match_indices(start) {
                let rest = &text[at + start.len()..];
                let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '-')).unwrap_or(rest.len());
                let word = rest[..end].trim_end_matches('-');
                if !word.is_empty() {
                    assert!(known.contains(&format!("\"{word}\"")), "{page} names the {what} {word}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 8, "{seen}");
}
