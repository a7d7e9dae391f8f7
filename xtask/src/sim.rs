//! `sim`: homes in virtual time.

use std::process::Command;

use anyhow::Result;

use crate::paths::Paths;
use crate::{sh, tools};

/// Builds the simulator and runs it with these options.
///
/// # Errors
/// When it cannot be built, or a promise is not kept.
pub fn sim(paths: &Paths, options: &[&str]) -> Result<()> {
    tools::rust(paths)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked", "--profile", "sim", "-p", "latchkey-tests", "--bin", "sim"]);
    if options.contains(&"--defects") {
        cargo.args(["--features", "defects"]);
    }
    sh::run(cargo.arg("--").args(options).current_dir(&paths.root))
}
