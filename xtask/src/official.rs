//! `vectors`: the published test vectors, and our own, of `tests/official/`, natively and compiled to WebAssembly in Node.

use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::worker::{bindgen, fresh};
use crate::{sh, tools};

/// Runs them both ways.
///
/// # Errors
/// When one goes otherwise than published.
pub fn vectors(paths: &Paths) -> Result<()> {
    let cargo = |arguments: &[&str]| sh::run(Command::new("cargo").args(arguments).current_dir(&paths.root));
    cargo(&["test", "--quiet", "--locked", "-p", "latchkey-official"])?;
    in_wasm(paths)
}

/// Runs them in Node, and prints the table.
///
/// # Errors
/// When one goes otherwise than published.
pub fn in_wasm(paths: &Paths) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "-p", "latchkey-official", "--lib"]);
    sh::run(cargo.args(["--target", "wasm32-unknown-unknown"]).current_dir(&paths.root))?;
    let out = fresh(paths.work("official"))?;
    let wasm = paths.target.join("wasm32-unknown-unknown/debug/latchkey_official.wasm");
    bindgen(&[
        "--target=nodejs",
        "--out-name=official",
        &format!("--out-dir={}", out.display()),
        &wasm.to_string_lossy(),
    ])?;
    let mut node = tools::node(paths)?;
    // The glue is CommonJS; the checkout's own package is not.
    std::fs::write(out.join("package.json"), "{ \"type\": \"commonjs\" }")?;
    node.args(["-e", "console.log(require('./official.js').table())"]).current_dir(&out);
    println!("{}", sh::quiet(&mut node).context("vectors in WebAssembly")?.trim_end());
    Ok(())
}
