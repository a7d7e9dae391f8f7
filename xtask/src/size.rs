//! `size`: what is shipped, against its budgets and the goals behind them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::stack::{self, Place};
use crate::worker::fresh;
use crate::{build, sh, tools};

struct Row {
    what: &'static str,
    unit: &'static str,
    bytes: u64,
    budget: u64,
    goal: u64,
}

/// Builds, measures, prints a table.
///
/// # Errors
/// When anything is above its budget or cannot be measured.
pub fn size(paths: &Paths) -> Result<()> {
    build(paths)?;
    let worker = paths.dist.join("worker");
    let portal = paths.dist.join("portal");
    let (first, home) = crate::portal::critical(paths)?;
    let first_visit = packed(paths, "brotli", &first)?;
    let rows = [
        Row {
            what: "Worker: index.js + index_bg.wasm",
            unit: "kB gzip",
            bytes: packed(paths, "gzip", &[worker.join("index.js"), worker.join("index_bg.wasm")])?,
            budget: 300_000,
            goal: 180_000,
        },
        Row {
            what: "Portal, first visit: html, js, wasm, css",
            unit: "kB brotli",
            bytes: first_visit,
            budget: 220_000,
            goal: 150_000,
        },
        Row {
            what: "Portal, a home's first page, all in all",
            unit: "kB brotli",
            bytes: first_visit + packed(paths, "brotli", &home)?,
            budget: 260_000,
            goal: 220_000,
        },
        Row {
            what: "Guest page: html, script, styles",
            unit: "kB brotli",
            bytes: packed(
                paths,
                "brotli",
                &[
                    paths.root.join("worker/guest/page.html"),
                    portal.join("guest/guest.js"),
                    portal.join("guest/guest.css"),
                ],
            )?,
            budget: 14_000,
            goal: 12_000,
        },
        Row {
            what: "Hub with 4 simulated locks",
            unit: "MB RSS",
            bytes: hub_memory(paths)?,
            budget: 15_000_000,
            goal: 10_000_000,
        },
    ];
    report(&rows)
}

fn report(rows: &[Row]) -> Result<()> {
    println!("\n{:<40} {:>9} {:>8} {:>8}", "what is shipped", "size", "goal", "budget");
    let mut over = 0;
    for row in rows {
        let scale = if row.unit.starts_with("MB") { 1e6 } else { 1e3 };
        let shown = |bytes: u64| format!("{:.1}", bytes as f64 / scale);
        let verdict = match row.bytes {
            size if size <= row.goal => "",
            size if size <= row.budget => "  above the goal",
            _ => "  ABOVE THE BUDGET",
        };
        over += usize::from(row.bytes > row.budget);
        let (size, goal, budget) = (shown(row.bytes), shown(row.goal), shown(row.budget));
        println!("{:<40} {size:>9} {goal:>8} {budget:>8}  {}{verdict}", row.what, row.unit);
    }
    if over > 0 {
        bail!("{over} of {} sizes above their budget", rows.len());
    }
    println!("size: all {} within their budgets", rows.len());
    Ok(())
}

/// The sum of the files' sizes, each compressed by Node's zlib at its best.
fn packed(paths: &Paths, method: &str, files: &[std::path::PathBuf]) -> Result<u64> {
    const SCRIPT: &str = "const zlib = require('zlib'), fs = require('fs'); const [how, ...files] = \
        process.argv.slice(1); let sum = 0; for (const file of files) { const bytes = fs.readFileSync(file); sum += \
        (how === 'gzip' ? zlib.gzipSync(bytes, { level: 9 }) : zlib.brotliCompressSync(bytes)).length; } \
        console.log(sum);";
    let mut node = tools::node(paths)?;
    node.args(["-e", SCRIPT, method]).args(files);
    sh::quiet(&mut node)?.trim().parse().context("node printed no number")
}

/// The resident set of a hub that has just started, after it has settled.
fn hub_memory(paths: &Paths) -> Result<u64> {
    let place = Place::new(fresh(paths.target.join("size"))?, 0, 0)?;
    let mut hub = stack::hub(paths, &place)?;
    sh::pause(Duration::from_secs(2))?;
    hub.check()?;
    let status = fs::read_to_string(format!("/proc/{}/status", hub.pid()))
        .context("the hub's memory is measured on Linux only")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.split_whitespace().nth(1).context("no VmRSS")?.parse()?;
    Ok(kibibytes * 1024)
}
