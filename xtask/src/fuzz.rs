//! `fuzz`: the targets of `tests/src/fuzz.rs` over their corpus and changes of it.
//!
//! `fuzz/` links the same targets with libFuzzer, for `cargo fuzz run -s none NAME`, which is guided by coverage. That
//! compiles everything once more; this does not, so that it can be part of every test.

use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::{prepare, sh};

/// For how long each target runs in the short run, in seconds; two run at once.
const SHORT: &str = "3";
/// And in a run of one.
const LONG: &str = "31536000";

/// Runs every target for a few seconds; a table.
///
/// # Errors
/// When one finds something.
pub fn smoke(paths: &Paths) -> Result<()> {
    fuzz(paths, &[SHORT])
}

/// Runs one target until it finds something or is stopped.
///
/// # Errors
/// When it finds something, or there is no such target.
pub fn one(paths: &Paths, target: &str) -> Result<()> {
    fuzz(paths, &[LONG, target])
}

fn fuzz(paths: &Paths, arguments: &[&str]) -> Result<()> {
    drop(prepare(paths)?);
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked", "-p", "latchkey-tests", "--bin", "fuzz", "--"]).args(arguments);
    sh::run(cargo.current_dir(&paths.root)).context("fuzzing")
}
