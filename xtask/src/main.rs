//! `cargo xtask <task>`: everything that is done with this repository, with
//! every tool installed by the task that needs it.

use std::fs::File;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

mod attack;
mod bench;
mod check;
mod demo;
mod fuzz;
mod official;
mod package;
mod paths;
mod portal;
mod sh;
mod sim;
mod size;
mod stack;
mod stamp;
mod tools;
mod worker;

use paths::Paths;

const HELP: &str = "\
cargo xtask <task>

  demo            build what changed and run Latchkey here: Worker, portal, hub, simulated locks
  demo --script   run the whole story in headless Chromium, on fresh state, and say how long each step took
  dev             like demo, and rebuild when a source file changes
  build [web]     build Worker, portal and hub; with `web`, the first two
  test            formatting, lints, all tests, the story and the size budgets
  test --peers    also the tests against lock ecosystems that need special rights
  peers [zwave]   only the tests against real lock ecosystems, or one of them
  attack          try every attack, and say with which code each is refused and which test shows it
  fuzz --smoke    every fuzz target for a few seconds, and how much of the code each reached
  fuzz TARGET     one fuzz target, until it finds something or is stopped
  vectors         published test vectors and our own, natively and in WebAssembly
  package         the hub as a Debian package and a Home Assistant add-on, below target/package/
  size            build and compare sizes with their budgets
  hub             run a hub with simulated locks against an origin: hub [--origin URL]
  sim             simulate homes in virtual time and check every promise after every step:
                  sim [--seed S] [--seeds N] [--weeks W] [--hours H] [--trace] [--unmended]
                  [--defects] [--defect NAME]
  bench [NAME]    run the benchmarks, or one: worker, homes, latency, pages, hub
";

fn main() -> ExitCode {
    if let Some(ended) = fuzz::as_rustc() {
        return ended.map_or(ExitCode::FAILURE, |status| {
            if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        });
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match sh::catch_signals().and_then(|()| task(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if sh::interrupted() => ExitCode::from(130),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn task(arguments: &[&str]) -> Result<()> {
    let paths = Paths::find();
    match arguments {
        ["build"] => build(&paths),
        ["build", "web" | "worker" | "portal"] => prepare(&paths).and_then(|_lock| web(&paths)),
        ["demo"] => demo::demo(&paths, false),
        ["demo", "--script"] => demo::script(&paths),
        ["dev"] => demo::demo(&paths, true),
        ["hub"] => demo::hub(&paths, "http://localhost:8787"),
        ["hub", "--origin", origin] => demo::hub(&paths, origin),
        ["sim", options @ ..] => sim::sim(&paths, options),
        ["package"] => package::package(&paths),
        ["size"] => size::size(&paths),
        ["test"] => check::test(&paths, check::Peers::Unprivileged),
        ["test", "--peers"] => check::test(&paths, check::Peers::All),
        ["fuzz", "--smoke"] => fuzz::smoke(&paths),
        ["fuzz", target] => fuzz::one(&paths, target),
        ["vectors"] => prepare(&paths).and_then(|_lock| official::vectors(&paths)),
        ["attack"] => attack::attack(&paths),
        ["peers"] => check::peers(&paths, check::Peers::All, None),
        ["peers", ecosystem] => check::peers(&paths, check::Peers::All, Some(ecosystem)),
        ["bench"] => bench::bench(&paths, None),
        ["bench", name] => bench::bench(&paths, Some(name)),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("no such task: `{}`\n\n{HELP}", other.join(" ")),
    }
}

/// Builds Worker, portal and hub; what is fresh is left alone.
pub(crate) fn build(paths: &Paths) -> Result<()> {
    let _lock = prepare(paths)?;
    // Their long last steps, each on one core, run side by side.
    std::thread::scope(|scope| {
        let hub = scope.spawn(|| hub(paths));
        let web = web(paths);
        let hub = hub.join().unwrap_or_else(|_| bail!("building the hub panicked"));
        web.and(hub)
    })
}

/// Builds Worker and portal.
fn web(paths: &Paths) -> Result<()> {
    let compiled = worker::compile(paths)?;
    worker::build(paths, &compiled)?;
    portal::build(paths, &compiled)
}

pub(crate) fn hub(paths: &Paths) -> Result<()> {
    println!("  latchkey-hub: cargo build --release");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--release", "-p", "latchkey-hub"]);
    sh::run(cargo.current_dir(&paths.root))
}

/// Builds the command line.
pub(crate) fn cli(paths: &Paths) -> Result<()> {
    println!("  latchkey: cargo build --release");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--release", "-p", "latchkey-cli"]);
    sh::run(cargo.current_dir(&paths.root))
}

/// Tools that every build needs. Two builds never write `dist/` at once: the file returned is locked.
pub(crate) fn prepare(paths: &Paths) -> Result<File> {
    tools::rust(paths)?;
    tools::npm(paths)?;
    std::fs::create_dir_all(&paths.dist)?;
    let lock = File::create(paths.dist.join(".lock")).context("cannot write to dist/")?;
    lock.lock().context("cannot lock dist/")?;
    Ok(lock)
}
