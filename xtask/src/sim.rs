//! `sim`: homes in virtual time.

use std::process::Command;

use anyhow::Result;

use crate::paths::Paths;
use crate::{sh, tools};

/// Builds the simulator and runs it with these options. It can make deliberate mistakes; unless it is told to, it makes
/// none.
///
/// # Errors
/// When it cannot be built, or a promise is not kept.
pub fn sim(paths: &Paths, options: &[&str]) -> Result<()> {
    tools::rust(paths)?;
    let run = ["run", "--quiet", "--locked", "--profile", "sim", "-p", "latchkey-tests", "--bin", "sim"];
    let mut cargo = Command::new("cargo");
    cargo.args(run).args(["--features", "defects", "--"]).args(options);
    sh::run(cargo.current_dir(&paths.root))
}

/// Shows that the simulator replays exactly, and that each deliberate mistake is found by the check that is there for it.
///
/// # Errors
/// When it is not so.
pub fn self_test(paths: &Paths) -> Result<()> {
    let test = ["test", "--quiet", "--locked", "--profile", "sim", "-p", "latchkey-tests", "--test", "sim"];
    let mut cargo = Command::new("cargo");
    sh::run(cargo.args(test).args(["--features", "defects"]).current_dir(&paths.root))
}
