//! `test`: everything that has to hold, in the order in which it fails soonest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::stamp::files;
use crate::worker::fresh;
use crate::{attack, build, cli, demo, fuzz, official, package, prepare, sh, sim, size, tools};

/// Which of the tests against real lock ecosystems are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Those that start without special rights: `tests/tests/peers_*.rs`.
    Unprivileged,
    /// Also those that need, say, a network namespace: `tests/tests/privileged_*.rs`.
    All,
}

/// Runs all checks and tests; stops at the first that fails.
///
/// # Errors
/// When one fails.
pub fn test(paths: &Paths, which: Peers) -> Result<()> {
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
    let own = ["--locked", "--manifest-path", "xtask/Cargo.toml"];
    cargo(paths, &[&["clippy", "--all-targets"][..], &own, &deny].concat())?;
    heading("unit and integration tests");
    cargo(paths, &["test", "--locked", "--workspace"])?;
    cargo(paths, &[&["test"][..], &own].concat())?;
    heading("simulation");
    sim::sim(paths, &["--seeds", "1000", "--weeks", "1"])?;
    heading("documentation");
    let mut doc = Command::new("cargo");
    doc.args(["doc", "--quiet", "--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings");
    sh::run(doc.current_dir(&paths.root))?;
    heading("the simulator finds deliberate mistakes");
    sim::self_test(paths)?;
    heading("fuzzing");
    fuzz::smoke(paths)?;
    heading("vectors in WebAssembly");
    official::in_wasm(paths)?;
    heading("real lock ecosystems");
    peers(paths, which, None)?;
    heading("builds");
    build(paths)?;
    cli(paths)?;
    heading("the hub's package");
    package::package_if_possible(paths)?;
    heading("guest page in Chromium, and the live Worker");
    let told = fresh(paths.work("told"))?.join("node.tap");
    node_tests(paths, &chromium, &told)?;
    heading("attacks");
    attack::summary(paths, &told)?;
    heading("the story");
    demo::script(paths)?;
    heading("sizes");
    size::size(paths)?;
    println!("\nxtask test: all passed in {:.0} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// Runs the drivers against the software that people run: installs it once, then the tests of `tests/tests/` that
/// `cargo test` leaves out. `only` is one ecosystem, as in `peers_<only>.rs`.
///
/// # Errors
/// When something cannot be installed, there is no such ecosystem, or a test fails.
pub fn peers(paths: &Paths, which: Peers, only: Option<&str>) -> Result<()> {
    let mut tests = peer_tests(paths, which, only)?;
    if let (true, Some(name)) = (tests.is_empty(), only) {
        bail!("there is no tests/tests/peers_{name}.rs");
    }
    tools::npm(paths)?;
    tools::peers(paths)?;
    if which == Peers::Unprivileged && !tools::namespaces() {
        println!(
            "  Matter: not run: this machine gives nobody a network namespace with a card (/dev/net/tun)"
        );
        tests.retain(|name| !name.ends_with("matter"));
    }
    if tests.is_empty() {
        return Ok(());
    }
    // The hub's own program has a part in them.
    sh::run(
        Command::new("cargo").args(["build", "--locked", "-p", "latchkey-hub"]).current_dir(&paths.root),
    )?;
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "-p", "latchkey-tests"]);
    cargo.args(tests.iter().flat_map(|name| ["--test", name]));
    cargo.args(["--", "--ignored", "--test-threads=3"]);
    cargo.env("PEERS_NODE", tools::node(paths)?.get_program());
    if tests.iter().any(|name| name.ends_with("matter")) {
        cargo.env("PEERS_PYTHON", tools::matter_server(paths)?);
    }
    if tests.iter().any(|name| name.ends_with("zigbee")) {
        cargo.env("MOSQUITTO", tools::mosquitto()?);
    }
    sh::run(cargo.current_dir(&paths.root)).context("tests against real lock ecosystems")
}

/// The names of the test programs, from the files in `tests/tests/`.
fn peer_tests(paths: &Paths, which: Peers, only: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in files(&paths.root.join("tests/tests"))? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let ecosystem = match which {
            Peers::All => name.strip_prefix("peers_").or_else(|| name.strip_prefix("privileged_")),
            Peers::Unprivileged => name.strip_prefix("peers_"),
        };
        if ecosystem.is_some_and(|found| only.is_none_or(|only| only == found)) {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn cargo(paths: &Paths, arguments: &[&str]) -> Result<()> {
    sh::run(Command::new("cargo").args(arguments).current_dir(&paths.root))
}

/// `node --test` over everything in `tests/` that is called `*.test.mjs`. What they said is also written to a file, in TAP.
fn node_tests(paths: &Paths, chromium: &std::path::Path, told: &std::path::Path) -> Result<()> {
    let mut node = tools::node(paths)?;
    node.args([
        "--test",
        "--test-concurrency=1",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
    ]);
    node.arg("--test-reporter=tap").arg(format!("--test-reporter-destination={}", told.display()));
    for file in files(&paths.root.join("tests"))? {
        if file.to_string_lossy().ends_with(".test.mjs") {
            node.arg(file);
        }
    }
    tools::test_environment(paths, chromium, &mut node);
    sh::run(&mut node).context("node --test")
}
