//! `bench`: figures, each beside a peer in the same run. Nothing here passes or fails.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{build, cli, prepare, sh, tools};

/// What carries out a benchmark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// A script for Node, on built programs.
    Script(&'static str),
    /// An example of the hub, which needs nothing else of the workspace.
    Hub,
}

/// The benchmarks: name, what it measures, and what carries it out.
const BENCHES: [(&str, &str, By); 5] = [
    ("worker", "the Worker's routes beside the same with Hono", By::Script("tests/bench/worker.bench.mjs")),
    ("homes", "many homes in one process: polls, sockets, memory", By::Script("tests/bench/homes.bench.mjs")),
    ("latency", "from saving and revoking to the lock", By::Script("tests/bench/latency.bench.mjs")),
    (
        "pages",
        "portal and guest page beside React and static pages",
        By::Script("tests/bench/pages.bench.mjs"),
    ),
    ("hub", "20 locks with 250 codes each: start, plans, memory, revoking", By::Hub),
];

/// Runs one benchmark, or all.
///
/// # Errors
/// When there is none of this name, or one cannot be run.
pub fn bench(paths: &Paths, only: Option<&str>) -> Result<()> {
    let known = || BENCHES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    let chosen: Vec<_> = BENCHES.iter().filter(|(name, ..)| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        bail!("no such benchmark; there are {}", known());
    }
    let scripts = chosen.iter().any(|(.., by)| *by != By::Hub);
    let chromium = if scripts { Some(built(paths)?) } else { None };
    for (name, what, by) in chosen {
        println!("\n== {name}: {what}\n");
        let mut command = match by {
            By::Script(script) => {
                let mut node = tools::node(paths)?;
                node.arg(paths.root.join(script));
                node.env("HUB", paths.hub()).env("CLI", paths.cli());
                node.env("RUN_DIR", paths.target.join("bench"));
                node.envs(chromium.iter().map(|chromium| ("CHROMIUM", chromium)));
                node
            }
            By::Hub => hub(paths)?,
        };
        sh::run(&mut command).with_context(|| format!("the benchmark {name}"))?;
    }
    Ok(())
}

/// Builds what the scripts measure. Where Chromium is.
fn built(paths: &Paths) -> Result<std::path::PathBuf> {
    drop(prepare(paths)?);
    tools::bench(paths)?;
    tools::dev_secrets(paths)?;
    let chromium = tools::chromium()?;
    build(paths)?;
    cli(paths)?;
    Ok(chromium)
}

/// The hub's core, optimised as the daemon is, beside the packages of `tests/peers`.
fn hub(paths: &Paths) -> Result<Command> {
    tools::peers(paths)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--release", "--quiet", "--locked", "-p", "latchkey-hub", "--example", "bench"]);
    cargo.env("PEERS_NODE", tools::node(paths)?.get_program()).current_dir(&paths.root);
    Ok(cargo)
}
