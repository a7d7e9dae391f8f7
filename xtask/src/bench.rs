//! `bench`: figures, each beside a peer in the same run. Nothing here passes or fails.

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{build, cli, prepare, sh, tools};

/// The benchmarks: name, what it measures, and its script.
const SCRIPTS: [(&str, &str, &str); 4] = [
    ("worker", "the Worker's routes beside the same with Hono", "tests/bench/worker.bench.mjs"),
    ("homes", "many homes in one process: polls, sockets, memory", "tests/bench/homes.bench.mjs"),
    ("latency", "from saving and revoking to the lock", "tests/bench/latency.bench.mjs"),
    ("pages", "portal and guest page beside React and static pages", "tests/bench/pages.bench.mjs"),
];

/// Runs one benchmark, or all.
///
/// # Errors
/// When there is none of this name, or one cannot be run.
pub fn bench(paths: &Paths, only: Option<&str>) -> Result<()> {
    let known = || SCRIPTS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    let chosen: Vec<_> = SCRIPTS.iter().filter(|(name, ..)| only.is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        bail!("no such benchmark; there are {}", known());
    }
    drop(prepare(paths)?);
    tools::bench(paths)?;
    tools::dev_secrets(paths)?;
    let chromium = tools::chromium()?;
    build(paths)?;
    cli(paths)?;
    for (name, what, script) in chosen {
        println!("\n== {name}: {what}\n");
        let mut node = tools::node(paths)?;
        node.arg(paths.root.join(script));
        node.env("CHROMIUM", &chromium).env("HUB", paths.hub()).env("CLI", paths.cli());
        node.env("RUN_DIR", paths.target.join("bench"));
        sh::run(&mut node).with_context(|| format!("the benchmark {name}"))?;
    }
    Ok(())
}
