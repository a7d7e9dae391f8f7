//! `package`: the hub as a Debian package, and the Home Assistant add-on around it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::sh;
use crate::stamp::files;
use crate::worker::fresh;

/// Builds `target/package/latchkey-hub_<version>_<architecture>.deb` and `target/package/home-assistant/`, and installs
/// the package into a root of its own to see that it can be.
///
/// # Errors
/// When something is missing, or the package does not install.
pub fn package(paths: &Paths) -> Result<()> {
    crate::hub(paths)?;
    let out = fresh(paths.target.join("package"))?;
    let (version, architecture) = (version(paths)?, said("dpkg", &["--print-architecture"])?);
    let tree = fresh(out.join("tree"))?;
    let epoch = said("git", &["-C", &paths.root.to_string_lossy(), "log", "-1", "--format=%ct"])?;
    fill(paths, &tree, &version, &epoch)?;
    control(paths, &tree, &version, &architecture)?;
    let deb = out.join(format!("latchkey-hub_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.args(["--build", "--root-owner-group", "-Zxz"]).arg(&tree).arg(&deb);
    sh::run(build.env("SOURCE_DATE_EPOCH", &epoch).stdout(Stdio::null()))?;
    fs::remove_dir_all(&tree)?;
    add_on(paths, &out, &deb, &version, &architecture)?;
    install(&deb, &fresh(out.join("root"))?)?;
    println!("  {} ({} kB)", deb.display(), fs::metadata(&deb)?.len() / 1024);
    println!("  {}", out.join("home-assistant").display());
    Ok(())
}

/// Whether a program is there.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// As [`package`], where Debian's tools are; elsewhere it says that they are not.
///
/// # Errors
/// As [`package`].
pub fn package_if_possible(paths: &Paths) -> Result<()> {
    if has("dpkg-deb") {
        return package(paths);
    }
    println!("  left out: there is no dpkg-deb here");
    Ok(())
}

/// The workspace's version.
fn version(paths: &Paths) -> Result<String> {
    let manifest = fs::read_to_string(paths.root.join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    line.map(str::to_owned).context("Cargo.toml has no version")
}

/// What a program prints.
fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("`{program}` is needed; on Debian it is there"))?;
    if !output.status.success() {
        bail!("`{program} {}` failed", arguments.join(" "));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Puts a file into the tree.
fn put(tree: &Path, to: &str, content: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let path = tree.join(to);
    fs::create_dir_all(path.parent().unwrap_or(tree))?;
    fs::write(&path, content)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// As `put`, compressed as Debian wants it.
fn put_compressed(tree: &Path, to: &str, content: &str) -> Result<()> {
    put(tree, to, content, 0o644)?;
    sh::run(Command::new("gzip").args(["-9n", "--force"]).arg(tree.join(to)))
}

fn fill(paths: &Paths, tree: &Path, version: &str, epoch: &str) -> Result<()> {
    let packaging = paths.root.join("hub/packaging");
    let read = |name: &str| fs::read_to_string(packaging.join(name)).with_context(|| name.to_owned());
    put(tree, "usr/bin/latchkey-hub", fs::read(paths.hub())?, 0o755)?;
    sh::run(
        Command::new("strip")
            .args(["--remove-section=.comment", "--remove-section=.note"])
            .arg(tree.join("usr/bin/latchkey-hub")),
    )?;
    put(tree, "usr/lib/systemd/system/latchkey-hub.service", read("systemd/latchkey-hub.service")?, 0o644)?;
    put(tree, "usr/lib/sysusers.d/latchkey-hub.conf", read("debian/sysusers.conf")?, 0o644)?;
    put(tree, "etc/latchkey/hub.toml", packaged_config(&read("hub.toml.example")?)?, 0o644)?;
    put(tree, "usr/share/doc/latchkey-hub/copyright", read("debian/copyright")?, 0o644)?;
    put_compressed(tree, "usr/share/man/man8/latchkey-hub.8", &read("debian/latchkey-hub.8")?)?;
    let date = said("date", &["-u", "-R", "-d", &format!("@{epoch}")])?;
    let changelog = format!(
        "latchkey-hub ({version}) unstable; urgency=medium\n\n  * Version {version}.\n\n -- Latchkey <hub@latchkey.example>  {date}\n"
    );
    put_compressed(tree, "usr/share/doc/latchkey-hub/changelog", &changelog)
}

/// The example, with the places where a package keeps things.
fn packaged_config(example: &str) -> Result<String> {
    let mut text = example.to_owned();
    for key in ["state = \"/var/lib/latchkey/state\"", "state_key_file = \"/etc/latchkey/state.key\""] {
        let off = format!("\n#{key}\n");
        if !text.contains(&off) {
            bail!("hub.toml.example has no line #{key}");
        }
        text = text.replace(&off, &format!("\n{key}\n"));
    }
    Ok(text)
}

fn control(paths: &Paths, tree: &Path, version: &str, architecture: &str) -> Result<()> {
    let debian = paths.root.join("hub/packaging/debian");
    let mut size = 0;
    let mut sums = String::new();
    for file in files(tree)? {
        size += fs::metadata(&file)?.len().div_ceil(1024);
        let name = file.strip_prefix(tree)?.to_string_lossy().into_owned();
        if !name.starts_with("etc/") {
            let sum = said("md5sum", &[&file.to_string_lossy()])?;
            sums += &format!("{}  {name}\n", sum.split(' ').next().unwrap_or_default());
        }
    }
    let control = fs::read_to_string(debian.join("control.in"))?
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", &size.to_string())
        .replace("@GLIBC@", &glibc(&fs::read(tree.join("usr/bin/latchkey-hub"))?)?);
    put(tree, "DEBIAN/control", control, 0o644)?;
    put(tree, "DEBIAN/md5sums", sums, 0o644)?;
    put(tree, "DEBIAN/conffiles", "/etc/latchkey/hub.toml\n", 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        put(tree, &format!("DEBIAN/{script}"), fs::read(debian.join(script))?, 0o755)?;
    }
    // Directories as every system has them, whatever this shell's mask is.
    for dir in said("find", &[&tree.to_string_lossy(), "-type", "d"])?.lines() {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The newest version of glibc's symbols that a program asks for.
fn glibc(program: &[u8]) -> Result<String> {
    let mark = b"GLIBC_2.";
    let found = program.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    let minor = found.filter_map(|(at, _)| {
        let digits = program.get(at + mark.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
        String::from_utf8(digits.copied().collect()).ok()?.parse::<u32>().ok()
    });
    minor.max().map(|minor| format!("2.{minor}")).context("the hub is not linked to glibc")
}

fn add_on(paths: &Paths, out: &Path, deb: &Path, version: &str, architecture: &str) -> Result<()> {
    let source = paths.root.join("hub/packaging/home-assistant");
    let target = out.join("home-assistant");
    for file in files(&source)? {
        let text = fs::read_to_string(&file)?.replace("@VERSION@", version);
        let name = if architecture == "arm64" { "aarch64" } else { architecture };
        let to = file.strip_prefix(&source)?.to_string_lossy().into_owned();
        put(&target, &to, text.replace("@ARCH@", name), if to.ends_with(".sh") { 0o755 } else { 0o644 })?;
    }
    fs::copy(deb, target.join("latchkey_hub/latchkey-hub.deb"))?;
    Ok(())
}

/// Installs it below `root`, where nothing of this machine is touched, and takes it off again.
fn install(deb: &Path, root: &Path) -> Result<()> {
    if said("id", &["-u"])? != "0" || !has("systemd-sysusers") {
        println!("  not installed to try it: that takes root and systemd-sysusers");
        return Ok(());
    }
    let dpkg = |arguments: &[&str]| {
        let mut command = Command::new("dpkg");
        command
            .arg(format!("--root={}", root.display()))
            .args(["--force-script-chrootless", "--force-depends"]);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        sh::run(&mut command)
    };
    for file in ["var/lib/dpkg/status", "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"] {
        put(root, file, "", 0o600)?;
    }
    fs::create_dir_all(root.join("var/lib/dpkg/info"))?;
    fs::create_dir_all(root.join("var/lib/dpkg/updates"))?;
    dpkg(&["--install", &deb.to_string_lossy()])?;
    let mode = |file: &str| fs::metadata(root.join(file)).map(|meta| meta.permissions().mode() & 0o7777);
    let (key, config) = (mode("etc/latchkey/state.key")?, mode("etc/latchkey/hub.toml")?);
    if (key, config, mode("etc/latchkey")?) != (0o640, 0o640, 0o750) {
        bail!("the package leaves /etc/latchkey readable by others");
    }
    let before = fs::read(root.join("etc/latchkey/state.key"))?;
    dpkg(&["--install", &deb.to_string_lossy()])?;
    if before.len() != 32 || fs::read(root.join("etc/latchkey/state.key"))? != before {
        bail!("the package made another state key when it was installed again");
    }
    if !fs::read_to_string(root.join("etc/passwd"))?.contains("latchkey:") {
        bail!("the package has made no user");
    }
    let hub: PathBuf = root.join("usr/bin/latchkey-hub");
    sh::quiet(Command::new(&hub).arg("check-config").arg(root.join("etc/latchkey/hub.toml")))?;
    dpkg(&["--purge", "latchkey-hub"])?;
    for left in ["etc/latchkey", "etc/systemd/system/multi-user.target.wants/latchkey-hub.service"] {
        if root.join(left).symlink_metadata().is_ok() {
            bail!("the package leaves /{left} behind when it is purged");
        }
    }
    fs::remove_dir_all(root)?;
    Ok(())
}
