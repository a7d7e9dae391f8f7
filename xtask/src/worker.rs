//! Builds the Worker: cargo, wasm-bindgen, wasm-opt, then esbuild around `worker/shim.mjs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::sh::{quiet, run};
use crate::stamp::{Inputs, step};
use crate::tools;

/// Builds `dist/worker/index.js` and `dist/worker/index_bg.wasm`.
///
/// # Errors
/// When any step fails.
pub fn build(paths: &Paths, compiled: &Compiled) -> Result<()> {
    let wasm = &compiled.worker;
    let scripts = ["worker/shim.mjs", "worker/hot.mjs", "worker/host.mjs", "worker/guest/page.html"]
        .map(|file| paths.root.join(file));
    let out = paths.dist.join("worker");
    let mut inputs = Inputs::new("worker 4");
    inputs.path(wasm)?;
    for script in &scripts {
        inputs.path(script)?;
    }
    inputs.path(&paths.root.join("package-lock.json"))?;
    step("worker: wasm-bindgen, wasm-opt, esbuild", &paths.dist.join(".stamps/worker"), inputs, || {
        let work = fresh(paths.work("worker"))?;
        bindgen(&[
            "--target=module",
            "--experimental-reset-state-function",
            "--force-enable-abort-handler",
            "--out-name=index",
            &format!("--out-dir={}", work.display()),
            &wasm.to_string_lossy(),
        ])?;
        // esbuild does not know source-phase imports; workerd gives the compiled module for a plain one.
        let glue = work.join("index.js");
        fs::write(&glue, fs::read_to_string(&glue)?.replace("import source ", "import "))?;
        for script in &scripts {
            fs::copy(script, work.join(script.file_name().unwrap_or_default()))?;
        }
        fs::create_dir_all(&out)?;
        optimize(paths, &work.join("index_bg.wasm"), &out.join("index_bg.wasm"))?;
        let mut esbuild = tools::npm_bin(paths, "esbuild")?;
        esbuild.arg(work.join("shim.mjs")).args([
            "--bundle",
            "--minify",
            "--format=esm",
            "--target=es2024",
            "--log-level=warning",
            "--loader:.html=text",
            "--external:./index_bg.wasm",
            "--external:cloudflare:*",
            "--external:node:*",
        ]);
        quiet(esbuild.arg(format!("--outfile={}", out.join("index.js").display()))).map(drop)
    })
}

/// What cargo makes for the edge and for the browser.
pub struct Compiled {
    /// The Worker's module.
    pub worker: PathBuf,
    /// The portal's module.
    pub portal: PathBuf,
}

/// Compiles Worker and portal; cargo knows what is fresh. The Worker as a `cdylib` alone: beside a Rust library of the
/// same package, which its tests link, cargo leaves link-time optimisation out, and that is a twentieth of its size.
///
/// # Errors
/// When cargo fails or leaves no WASM.
pub fn compile(paths: &Paths) -> Result<Compiled> {
    println!("  latchkey-worker, latchkey-portal: cargo build --profile edge");
    let edge = ["--quiet", "--locked", "--profile", "edge", "--target", "wasm32-unknown-unknown"];
    let cargo = |first: &[&str], last: &[&str]| {
        run(Command::new("cargo").args(first).args(edge).args(last).current_dir(&paths.root))
    };
    // Verifying the signature is much of what an op costs. The portal has other things to spend its bytes on.
    let verify = "profile.edge.package.curve25519-dalek.opt-level=3";
    cargo(
        &["rustc", "-p", "latchkey-worker", "--lib", "--crate-type", "cdylib", "--config", verify],
        // Even at `opt-level = "z"` LLVM inlines more than pays off once the module is compressed.
        &["--", "-Cllvm-args=-inline-threshold=-10"],
    )?;
    cargo(&["build", "-p", "latchkey-portal"], &[])?;
    let find = |name: &str| {
        let path = paths.target.join("wasm32-unknown-unknown/edge").join(name);
        path.is_file().then_some(path).with_context(|| format!("cargo left no {name}"))
    };
    // A library's file has underscores, a binary's keeps its hyphens.
    Ok(Compiled { worker: find("latchkey_worker.wasm")?, portal: find("latchkey-portal.wasm")? })
}

/// Runs wasm-bindgen in this process: its version is the one in our lockfile, always. [`optimize`] takes the functions'
/// names off.
///
/// # Errors
/// When wasm-bindgen fails.
pub fn bindgen(arguments: &[&str]) -> Result<()> {
    let all = ["wasm-bindgen", "--no-typescript", "--remove-producers-section"];
    wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(all.iter().chain(arguments).copied())
        .context("wasm-bindgen")
}

/// Shrinks a module with npm's wasm-opt.
///
/// Nothing is inlined: that saves raw bytes but makes the compressed module larger, and compressed is how it travels
/// and is counted. Functions are put in the order of their names, so that those from the same source, which are alike,
/// are compressed together.
///
/// # Errors
/// When wasm-opt fails.
pub fn optimize(paths: &Paths, from: &Path, to: &Path) -> Result<()> {
    let mut command = tools::npm_bin(paths, "wasm-opt")?;
    let passes = ["-Oz", "--reorder-functions-by-name", "--strip-debug", "--strip-producers"];
    command.args(passes).args([
        "--always-inline-max-function-size=0",
        "--one-caller-inline-max-function-size=0",
        "--flexible-inline-max-function-size=0",
        "--enable-mutable-globals",
        "--enable-sign-ext",
        "--enable-nontrapping-float-to-int",
        "--enable-bulk-memory",
        "--enable-multivalue",
        "--enable-reference-types",
        "--enable-exception-handling",
    ]);
    quiet(command.arg(from).arg("-o").arg(to)).map(drop)
}

/// An empty directory.
///
/// # Errors
/// When it cannot be emptied or made.
pub fn fresh(dir: PathBuf) -> Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
