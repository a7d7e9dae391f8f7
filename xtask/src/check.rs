//! `test`: everything that has to hold, in the order in which it fails soonest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::stamp::files;
use crate::{build, cli, demo, prepare, sh, size, tools};

/// Runs all checks and tests; stops at the first that fails.
///
/// # Errors
/// When one fails.
pub fn test(paths: &Paths) -> Result<()> {
    let started = Instant::now();
    drop(prepare(paths)?);
    let chromium = tools::chromium()?;
    tools::python()?;
    tools::dev_secrets(paths)?;
    heading("formatting");
    cargo(paths, &["fmt", "--all", "--check"])?;
    cargo(paths, &["fmt", "--manifest-path", "xtask/Cargo.toml", "--check"])?;
    heading("lints");
    let deny = ["--", "-D", "warnings"];
    cargo(paths, &[&["clippy", "--locked", "--workspace", "--all-targets"][..], &deny].concat())?;
    let wasm = ["clippy", "--locked", "--target", "wasm32-unknown-unknown"];
    let packages = ["-p", "latchkey-shared", "-p", "latchkey-worker", "-p", "latchkey-portal"];
    cargo(paths, &[&wasm[..], &packages, &deny].concat())?;
    cargo(paths, &[&["clippy", "--locked", "--manifest-path", "xtask/Cargo.toml"][..], &deny].concat())?;
    heading("unit and integration tests");
    cargo(paths, &["test", "--locked", "--workspace"])?;
    heading("builds");
    build(paths)?;
    cli(paths)?;
    heading("guest page in Chromium, and the live Worker");
    node_tests(paths, &chromium)?;
    heading("the story");
    demo::script(paths)?;
    heading("sizes");
    size::size(paths, size::Gate::Ceilings)?;
    println!("\nxtask test: all passed in {:.0} s", started.elapsed().as_secs_f32());
    Ok(())
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn cargo(paths: &Paths, arguments: &[&str]) -> Result<()> {
    sh::run(Command::new("cargo").args(arguments).current_dir(&paths.root))
}

/// `node --test` over everything in `tests/` that is called `*.test.mjs`.
fn node_tests(paths: &Paths, chromium: &std::path::Path) -> Result<()> {
    let mut node = tools::node(paths)?;
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    for file in files(&paths.root.join("tests"))? {
        if file.to_string_lossy().ends_with(".test.mjs") {
            node.arg(file);
        }
    }
    node.env("CHROMIUM", chromium).env("HUB", paths.hub()).env("CLI", paths.cli());
    node.env("RUN_DIR", paths.target.join("live"));
    sh::run(&mut node).context("node --test")
}
