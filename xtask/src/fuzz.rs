//! `fuzz`: the targets of `tests/src/fuzz.rs` with libFuzzer, guided by coverage of this repository's own crates.
//!
//! The stable toolchain can do it: cargo hands every workspace crate to a wrapper instead of to rustc, and this program
//! is the wrapper. What others wrote is taken as it was built for the tests.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{prepare, sh, tools};

/// For how long each target runs in the short run, in seconds; two run at once.
const SHORT: u32 = 4;
/// Set for the wrapper.
const WRAPPER: &str = "LATCHKEY_FUZZ_WRAPPER";
/// Counters and comparisons, as libFuzzer reads them.
const COVERAGE: [&str; 6] = [
    // Building takes a little longer, and the hub goes many times as fast.
    "-Copt-level=1",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Whether cargo called this program in place of rustc; then how that ended.
pub fn as_rustc() -> Option<std::io::Result<ExitStatus>> {
    std::env::var_os(WRAPPER)?;
    let mut given = std::env::args_os().skip(1);
    let mut rustc = Command::new(given.next()?);
    let given: Vec<_> = given.collect();
    let has = |what: &str| given.iter().any(|argument| argument == what);
    let runs_at_build = has("proc-macro") || has("build_script_build");
    if has("--crate-name") && !runs_at_build {
        rustc.args(COVERAGE);
    }
    Some(rustc.args(given).status())
}

/// How one target went.
struct Row {
    name: String,
    runs: u64,
    edges: u64,
    inputs: u64,
    found: bool,
}

/// Runs every target for a few seconds; a table.
///
/// # Errors
/// When it cannot be built, or one finds something.
pub fn smoke(paths: &Paths) -> Result<()> {
    let program = build(paths)?;
    let corpus = paths.root.join("fuzz/corpus");
    let mut names: Vec<String> = fs::read_dir(&corpus)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let queue = Mutex::new(names.into_iter().rev());
    let rows = Mutex::new(vec![]);
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let work = || -> Result<()> {
        while let Some(name) = next() {
            let row = short(paths, &program, name)?;
            rows.lock().map_err(|_| anyhow::anyhow!("a run panicked"))?.push(row);
        }
        Ok(())
    };
    scope(|scope| {
        let other = scope.spawn(work);
        work().and(other.join().unwrap_or_else(|_| bail!("a run panicked")))
    })?;
    report(rows.into_inner().unwrap_or_default())
}

/// Runs one target until it finds something or is stopped. New inputs are kept below `target/fuzz-corpus/`.
///
/// # Errors
/// When it finds something, or there is no such target.
pub fn one(paths: &Paths, target: &str) -> Result<()> {
    if !paths.root.join("fuzz/corpus").join(target).is_dir() {
        bail!("there is no target {target}: see fuzz/corpus/");
    }
    let program = build(paths)?;
    let mut fuzz = fuzz(paths, &program, target, &paths.target.join("fuzz-corpus"))?;
    sh::run(&mut fuzz).context("fuzzing")
}

/// Links all targets with libFuzzer, once.
fn build(paths: &Paths) -> Result<PathBuf> {
    drop(prepare(paths)?);
    tools::cxx()?;
    println!("  latchkey-fuzz: cargo build, with coverage");
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "latchkey-fuzz",
        "--features",
        "libfuzzer",
        "--bin",
        "all",
    ]);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", std::env::current_exe()?).env(WRAPPER, "1");
    sh::run(cargo.current_dir(&paths.root))?;
    Ok(paths.target.join("debug/all"))
}

/// A target over its corpus; what it makes of that goes below `kept`.
fn fuzz(paths: &Paths, program: &Path, target: &str, kept: &Path) -> Result<Command> {
    let (kept, found) = (kept.join(target), paths.target.join("fuzz-found"));
    fs::create_dir_all(&kept)?;
    fs::create_dir_all(&found)?;
    let mut fuzz = Command::new(program);
    fuzz.env("FUZZ_TARGET", target).args(["-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    fuzz.arg(format!("-artifact_prefix={}/{target}-", found.display()));
    fuzz.arg(kept).arg(paths.root.join("fuzz/corpus").join(target));
    Ok(fuzz)
}

fn short(paths: &Paths, program: &Path, name: String) -> Result<Row> {
    let dir = paths.target.join("fuzz-short");
    let _ = fs::remove_dir_all(dir.join(&name));
    let mut fuzz = fuzz(paths, program, &name, &dir)?;
    let said = dir.join(format!("{name}.log"));
    fuzz.arg(format!("-max_total_time={SHORT}")).arg("-seed=1");
    let log = File::create(&said)?;
    let mut child = fuzz.stdout(Stdio::null()).stderr(log).spawn().context("cannot start the fuzzer")?;
    let latest = Instant::now() + Duration::from_secs(120);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if sh::interrupted() || Instant::now() > latest {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{name} did not end");
        }
        sleep(Duration::from_millis(40));
    };
    let said = fs::read_to_string(said)?;
    if !status.success() {
        let last: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
        eprintln!("{name}:\n{}", last[last.len().saturating_sub(40)..].join("\n"));
    }
    // "#4096 DONE cov: 812 ft: 2301 corp: 120/4Kb ..."
    let last = said.lines().rev().find(|line| line.contains(" cov: ")).unwrap_or_default();
    let after = |text: &str, key: &str| {
        let rest = text.split(key).nth(1).unwrap_or_default().trim_start();
        rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let (edges, inputs) = (after(last, "cov:"), after(last, "corp:"));
    Ok(Row {
        name,
        runs: after(&said, "stat::number_of_executed_units:"),
        edges,
        inputs,
        found: !status.success(),
    })
}

fn report(mut rows: Vec<Row>) -> Result<()> {
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    println!("{:<10} {:>12} {:>8} {:>8}  found", "target", "executions", "edges", "inputs");
    for Row { name, runs, edges, inputs, found } in &rows {
        let found = if *found { "SOMETHING" } else { "nothing" };
        println!("{name:<10} {runs:>12} {edges:>8} {inputs:>8}  {found}");
    }
    let silent = rows.iter().filter(|row| !row.found && (row.edges == 0 || row.runs == 0)).count();
    match rows.iter().filter(|row| row.found).count() {
        0 if silent == 0 => Ok(()),
        0 => bail!("{silent} targets reached nothing: they were built without coverage"),
        found => bail!(
            "{found} targets found something: mend it, and put the file in target/fuzz-found/ into fuzz/corpus/"
        ),
    }
}
