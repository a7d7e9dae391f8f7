//! Builds the portal into `dist/portal`: WASM, glue, styles and static files.
//!
//! Files below `portal/static/` are copied. In `*.html`, `*.js`, `*.css`, `*.json` and
//! `*.webmanifest` these placeholders become paths (a slash before one is taken with it):
//! `{{app.js}}`, `{{app_bg.wasm}}`, `{{app.css}}`, `{{boot.js}}` under `/assets/` with the content's
//! hash in the name, and `{{version}}`, which changes whenever any of these does.
//! `css/main.css`, `boot.js` and `sw.js` are bundled and minified; `sw.js` keeps its name.
//! `worker/guest/*.{js,css}` is bundled to `guest/`, names kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths::Paths;
use crate::sh::quiet;
use crate::stamp::{Inputs, files, short_hash, step};
use crate::tools;
use crate::worker::{Compiled, bindgen, fresh, optimize};

/// Headers of the static files. The Worker sets those of its own answers.
const HEADERS: &str = "\
/*
  Content-Security-Policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
frame-ancestors 'none'; base-uri 'none'; form-action 'none'
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin
  Permissions-Policy: camera=(self), geolocation=(), microphone=(), payment=(), usb=()
  Referrer-Policy: no-referrer
  Strict-Transport-Security: max-age=31536000
  X-Content-Type-Options: nosniff
/assets/*
  ! Cache-Control
  Cache-Control: public, max-age=31536000, immutable
/guest/*
  ! Cache-Control
  Cache-Control: public, max-age=300
/guest/sw.js
  Service-Worker-Allowed: /g/
";

/// Builds everything below `dist/portal`.
///
/// # Errors
/// When any step fails.
pub fn build(paths: &Paths, compiled: &Compiled) -> Result<()> {
    let wasm = &compiled.portal;
    let statics = paths.root.join("portal/static");
    let guest = paths.root.join("worker/guest");
    let lock = paths.root.join("package-lock.json");
    let app = paths.work("portal-app");

    let mut inputs = Inputs::new("portal app 2");
    inputs.path(wasm)?;
    inputs.path(&lock)?;
    step("portal: wasm-bindgen, wasm-opt", &app.join(".stamp"), inputs, || {
        let work = fresh(paths.work("portal-glue"))?;
        fresh(app.clone())?;
        bindgen(&[
            "--target=web",
            "--omit-default-module-path",
            "--out-name=app",
            &format!("--out-dir={}", work.display()),
            &wasm.to_string_lossy(),
        ])?;
        optimize(paths, &work.join("app_bg.wasm"), &app.join("app_bg.wasm"))?;
        esbuild(paths, &work.join("app.js"), &app.join("app.js"))
    })?;

    let mut inputs = Inputs::new("portal site 1");
    inputs.text(HEADERS);
    for path in [&app, &statics, &guest, &lock] {
        inputs.path(path)?;
    }
    step("portal: static files", &paths.dist.join(".stamps/portal"), inputs, || {
        Site::new(paths, &app)?.write(&statics, &guest)
    })
}

fn esbuild(paths: &Paths, from: &Path, to: &Path) -> Result<()> {
    let mut command = tools::npm_bin(paths, "esbuild")?;
    command.arg(from).args([
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2023",
        "--legal-comments=none",
        "--log-level=warning",
        // What is served beside it is not bundled.
        "--external:/assets/*",
    ]);
    quiet(command.arg(format!("--outfile={}", to.display()))).map(drop)
}

struct Site<'a> {
    paths: &'a Paths,
    out: PathBuf,
    work: PathBuf,
    names: BTreeMap<&'static str, String>,
}

impl<'a> Site<'a> {
    fn new(paths: &'a Paths, app: &Path) -> Result<Self> {
        let out = fresh(paths.dist.join("portal"))?;
        fs::create_dir_all(out.join("assets"))?;
        let work = fresh(paths.work("portal-site"))?;
        let mut site = Self { paths, out, work, names: BTreeMap::new() };
        site.hashed("app.js", fs::read(app.join("app.js"))?)?;
        site.hashed("app_bg.wasm", fs::read(app.join("app_bg.wasm"))?)?;
        Ok(site)
    }

    /// Writes a file whose name tells its content.
    fn hashed(&mut self, name: &'static str, bytes: Vec<u8>) -> Result<()> {
        let (stem, ending) = name.split_once('.').context("a name with an ending")?;
        let path = format!("assets/{stem}-{}.{ending}", short_hash(&bytes));
        fs::write(self.out.join(&path), bytes)?;
        self.names.insert(name, format!("/{path}"));
        Ok(())
    }

    fn write(mut self, statics: &Path, guest: &Path) -> Result<()> {
        let css = statics.join("css/main.css");
        if css.is_file() {
            let bundle = self.work.join("main.css");
            esbuild(self.paths, &css, &bundle)?;
            self.hashed("app.css", fs::read(bundle)?)?;
        }
        let boot = statics.join("boot.js");
        if boot.is_file() {
            let bundle = self.script(&boot)?;
            self.hashed("boot.js", bundle)?;
        }
        let version =
            short_hash(self.names.values().map(String::as_str).collect::<Vec<_>>().join(" ").as_bytes());
        self.names.insert("version", version);
        for file in files(statics)? {
            let relative = file.strip_prefix(statics)?;
            if relative.starts_with("css") || relative == Path::new("boot.js") {
                continue;
            }
            let to = self.out.join(relative);
            let bytes =
                if relative == Path::new("sw.js") { self.script(&file)? } else { self.filled(&file)? };
            write(&to, &bytes)?;
        }
        for file in files(guest)? {
            let ending = file.extension().unwrap_or_default();
            if file.parent() == Some(guest) && (ending == "js" || ending == "css") {
                esbuild(
                    self.paths,
                    &file,
                    &self.out.join("guest").join(file.file_name().unwrap_or_default()),
                )?;
            }
        }
        write(&self.out.join("_headers"), HEADERS.as_bytes())
    }

    /// A bundled script. Placeholders are filled in a copy, so that imports stay beside it.
    fn script(&self, file: &Path) -> Result<Vec<u8>> {
        let name = file.file_name().unwrap_or_default();
        let source = file.with_file_name(format!(".{}.filled.js", name.to_string_lossy()));
        fs::write(&source, self.filled(file)?)?;
        let bundle = self.work.join(name);
        let done = esbuild(self.paths, &source, &bundle);
        fs::remove_file(&source)?;
        done?;
        Ok(fs::read(bundle)?)
    }

    fn filled(&self, file: &Path) -> Result<Vec<u8>> {
        let bytes = fs::read(file)?;
        let ending = file.extension().and_then(|text| text.to_str()).unwrap_or_default();
        if !["html", "js", "css", "json", "webmanifest"].contains(&ending) {
            return Ok(bytes);
        }
        let mut text =
            String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", file.display()))?;
        for (name, path) in &self.names {
            let placeholder = format!("{{{{{name}}}}}");
            text = text.replace(&format!("/{placeholder}"), path).replace(&placeholder, path);
        }
        Ok(text.into_bytes())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
