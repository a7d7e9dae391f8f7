//! The tools the tasks need: found, or installed once, each with a word about it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::sh::{quiet, run};
use crate::stamp::{Inputs, step};

/// The toolchain of `rust-toolchain.toml`, with its components and targets.
///
/// rustup may be told not to install anything by itself, so this asks for it.
///
/// # Errors
/// When rustup is missing or fails.
pub fn rust(paths: &Paths) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]).current_dir(&paths.root);
    if let Ok(sysroot) = quiet(&mut rustc) {
        let sysroot = Path::new(sysroot.trim());
        let has = |path: &str| sysroot.join(path).exists();
        if has("lib/rustlib/wasm32-unknown-unknown/lib") && has("bin/cargo-clippy") && has("bin/rustfmt") {
            return Ok(());
        }
    }
    println!("  installing the Rust toolchain of rust-toolchain.toml");
    run(Command::new("rustup").args(["toolchain", "install"]).current_dir(&paths.root))
        .context("rustup is needed: install it, then run this again")
}

/// The npm packages of `package-lock.json`, in `node_modules/`.
///
/// # Errors
/// When npm is missing or fails.
pub fn npm(paths: &Paths) -> Result<()> {
    npm_ci("npm ci", &paths.root)
}

/// The real lock ecosystems of `tests/peers/package-lock.json`, which only tests need.
///
/// # Errors
/// When npm is missing or fails.
pub fn peers(paths: &Paths) -> Result<()> {
    npm_ci("npm ci in tests/peers", &paths.root.join("tests/peers"))
}

/// Installs what benchmarks measure Latchkey beside, once.
///
/// # Errors
/// When npm is missing or fails.
pub fn bench(paths: &Paths) -> Result<()> {
    npm_ci("npm ci in tests/bench", &paths.root.join("tests/bench"))
}

fn npm_ci(name: &str, dir: &Path) -> Result<()> {
    let mut inputs = Inputs::new("npm ci 1");
    inputs.path(&dir.join("package-lock.json"))?;
    step(name, &dir.join("node_modules/.latchkey-stamp"), inputs, || {
        // No package needs its install script: the native parts are optional dependencies or prebuilt.
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        quiet(npm.current_dir(dir)).map(drop).context("npm is needed: install Node.js with npm")
    })
}

/// A command for Node 22: the one that npm installed, whatever PATH has.
///
/// # Errors
/// When npm has none for this platform and PATH's is too old.
pub fn node(paths: &Paths) -> Result<Command> {
    let local = paths.npm(".bin/node");
    if local.exists() {
        return Ok(in_root(local, paths));
    }
    // No npm package carries Node for this platform; the one on PATH has to do.
    let version = quiet(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    match major {
        Some(22_u32..) => Ok(in_root("node".into(), paths)),
        _ => bail!("Node.js 22 or newer is needed on PATH (found: `{}`)", version.trim()),
    }
}

fn in_root(program: PathBuf, paths: &Paths) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&paths.root);
    command
}

/// A program of an npm package. PATH gets npm's directory first, so that its `env node` is ours too.
///
/// # Errors
/// When there is no usable Node.js; see [`node`].
pub fn npm_bin(paths: &Paths, name: &str) -> Result<Command> {
    node(paths)?;
    let bin = paths.npm(".bin");
    let mut command = in_root(bin.join(name), paths);
    let old = env::var_os("PATH").unwrap_or_default();
    command.env("PATH", env::join_paths([bin].into_iter().chain(env::split_paths(&old)))?);
    Ok(command)
}

/// What the tests that Node runs are told: where browser, hub and command line are.
pub fn test_environment(paths: &Paths, chromium: &Path, node: &mut Command) {
    node.env("CHROMIUM", chromium).env("HUB", paths.hub()).env("CLI", paths.cli());
    // Who tests in a container is often root.
    node.env("LATCHKEY_ALLOW_ROOT", "1");
    node.env("RUN_DIR", paths.target.join("live"));
}

/// A Chromium: `$CHROMIUM`, an installed one, else Debian's when this is root on Debian.
///
/// # Errors
/// With what to install, when there is none.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").map(PathBuf::from) {
        return if path.exists() { Ok(path) } else { bail!("CHROMIUM={} does not exist", path.display()) };
    }
    if let Some(path) = installed_chromium() {
        return Ok(path);
    }
    apt_get("chromium")?;
    installed_chromium().context(
        "Chromium is needed for the browser story: install it (Debian: `sudo apt-get install chromium`) \
         or set CHROMIUM to the path of a Chromium or Chrome",
    )
}

/// Demands Python 3 with venv, which the independent verifier needs; installs Debian's when this is root on Debian.
///
/// # Errors
/// With what to install, when there is none.
pub fn python() -> Result<()> {
    let there = || quiet(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok();
    if !there() {
        apt_get("python3-venv")?;
    }
    if there() {
        return Ok(());
    }
    bail!(
        "Python 3 with venv is needed for the independent verifier: install it (Debian: `sudo apt-get install python3-venv`)"
    )
}

/// Demands a C++ compiler, of which libFuzzer is made; installs Debian's when this is root on Debian.
///
/// # Errors
/// With what to install, when there is none.
pub fn cxx() -> Result<()> {
    let there = || env::var_os("CXX").is_some() || on_path(&["c++", "g++", "clang++"], &[]).is_some();
    if !there() {
        apt_get("g++")?;
    }
    if there() {
        return Ok(());
    }
    bail!(
        "a C++ compiler is needed for libFuzzer: install one (Debian: `sudo apt-get install g++`) or set CXX"
    )
}

/// Installs a Debian package when this is root on Debian; else does nothing.
fn apt_get(package: &str) -> Result<()> {
    let root_on_debian = Path::new("/usr/bin/apt-get").exists()
        && quiet(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root_on_debian {
        return Ok(());
    }
    println!("  installing Debian's {package} with apt-get");
    quiet(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends", package]);
    quiet(apt.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

fn installed_chromium() -> Option<PathBuf> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
    const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    on_path(&NAMES, &[MAC])
}

/// A mosquitto broker: `$MOSQUITTO`, an installed one, else Debian's when this is root on Debian.
///
/// # Errors
/// With what to install, when there is none.
pub fn mosquitto() -> Result<PathBuf> {
    if let Some(path) = env::var_os("MOSQUITTO").map(PathBuf::from) {
        return if path.exists() { Ok(path) } else { bail!("MOSQUITTO={} does not exist", path.display()) };
    }
    // Debian puts it where only root's PATH looks.
    let installed = || on_path(&["mosquitto"], &["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]);
    if installed().is_none() {
        apt_get("mosquitto")?;
    }
    installed().context(
        "mosquitto is needed for the Zigbee tests: install it (Debian: `sudo apt-get install mosquitto`) \
         or set MOSQUITTO to its path",
    )
}

/// Whether this machine lets anybody have namespaces and a network card in them, which the Matter tests need.
pub fn namespaces() -> bool {
    let flags = ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork"];
    let card = "test -w /dev/net/tun && test -e /proc/net/if_inet6";
    quiet(Command::new("unshare").args(flags).args(["sh", "-c", card])).is_ok()
}

/// A Python with the Matter server of `tests/peers/matter/requirements.txt`, in an environment below target/.
///
/// # Errors
/// When something is missing that cannot be installed.
pub fn matter_server(paths: &Paths) -> Result<PathBuf> {
    python()?;
    let wanted = paths.root.join("tests/peers/matter/requirements.txt");
    let home = paths.target.join("python-matter");
    let program = home.join("bin/python");
    let mut inputs = Inputs::new("matter server 1");
    inputs.path(&wanted)?;
    step("Matter server", &home.join("stamp"), inputs, || {
        let _ = fs::remove_dir_all(&home);
        quiet(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        let mut pip = Command::new(&program);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
        quiet(&mut pip).map(drop)
    })?;
    let library = "import ctypes; ctypes.CDLL('libnl-route-3.so.200')";
    let loads = || quiet(Command::new(&program).args(["-c", library])).is_ok();
    if !loads() {
        apt_get("libnl-route-3-200")?;
    }
    if loads() {
        return Ok(program);
    }
    bail!(
        "libnl-route-3.so.200 is needed for the Matter tests: install it (Debian: `sudo apt-get install \
         libnl-route-3-200`)"
    )
}

/// The first of `names` in a directory of PATH, else the first of `places` that is there.
fn on_path(names: &[&str], places: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
        .chain(places.iter().map(PathBuf::from))
        .find(|path| path.is_file())
}

/// Writes random development secrets to `.dev.vars` unless it is there.
///
/// # Errors
/// When randomness or the file cannot be had.
pub fn dev_secrets(paths: &Paths) -> Result<()> {
    let file = paths.root.join(".dev.vars");
    if file.exists() {
        return Ok(());
    }
    let text = format!(
        "# Random secrets for development on this machine only. Delete this file to get new ones.\n\
         ISSUER_KEY=\"{}\"\nSESSION_KEY=\"{}\"\n",
        random_key()?,
        random_key()?
    );
    fs::write(&file, text)?;
    println!("  wrote random development secrets to .dev.vars (git-ignored)");
    Ok(())
}

/// 32 random bytes, base64url without padding.
fn random_key() -> Result<String> {
    use std::io::Read;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0_u8; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::with_capacity(43);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(ALPHABET[(group >> (18 - 6 * place)) as usize & 63] as char);
        }
    }
    Ok(text)
}
