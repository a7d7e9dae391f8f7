//! Builds the portal into `dist/portal`: WASM, glue, styles and static files.
//!
//! Files below `portal/static/` are copied. In `*.html`, `*.js`, `*.css`, `*.json` and
//! `*.webmanifest` these placeholders become paths (a slash before one is taken with it):
//! `{{app.js}}`, `{{app_bg.wasm}}`, `{{app.css}}`, `{{boot.js}}` under `/assets/` with the content's
//! hash in the name, `{{version}}`, which changes whenever any of these does, and `{{all.parts}}`, the
//! files that load later, separated by blanks. The parts of a home's pages are many and small, so they are packed: one
//! after another in one file, `{{home.pack}}`, whose parts and their sizes are `{{home.index}}`; what the list of codes
//! needs beyond them is in `{{codes.pack}}`.
//! `css/main.css`, `boot.js` and `sw.js` are bundled and minified; `sw.js` keeps its name.
//! `worker/guest/*.{js,css}` is bundled to `guest/`, names kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

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

    let mut inputs = Inputs::new("portal app 6");
    inputs.path(wasm)?;
    inputs.path(&lock)?;
    step("portal: split, wasm-bindgen, wasm-opt", &app.join(".stamp"), inputs, || divide(paths, wasm, &app))?;

    let mut inputs = Inputs::new("portal site 3");
    inputs.text(HEADERS);
    let api = paths.root.join("worker/api/openapi.json");
    for path in [&app, &statics, &guest, &lock, &api] {
        inputs.path(path)?;
    }
    step("portal: static files", &paths.dist.join(".stamps/portal"), inputs, || {
        Site::new(paths, &app)?.write(&statics, &guest)
    })
}

/// Divides the compiled module at the marks that `portal/src/part.rs` sets: into `app_bg.wasm`, which starts the app,
/// and one file for each part that loads later, named by `app.js`.
fn divide(paths: &Paths, wasm: &Path, app: &Path) -> Result<()> {
    let split = fresh(paths.work("portal-split"))?;
    let glue = fresh(paths.work("portal-glue"))?;
    fresh(app.to_path_buf())?;
    let module = fs::read(wasm)?;
    let main = split.join("main.wasm");
    let mut options = wasm_split_cli_support::Options::new(&module);
    options.output_dir = &split;
    options.main_out_path = &main;
    options.link_name = "./parts.js";
    options.main_module = "./app.js";
    let parts =
        wasm_split_cli_support::transform(options).map_err(|e| anyhow!("splitting the portal: {e:?}"))?;
    bindgen(&[
        "--target=web",
        "--omit-default-module-path",
        // The parts take from the first module what the linker named.
        "--keep-lld-exports",
        "--out-name=app",
        &format!("--out-dir={}", glue.display()),
        &main.to_string_lossy(),
    ])?;
    optimize(paths, &glue.join("app_bg.wasm"), &app.join("app_bg.wasm"))?;
    let loader = fs::read_to_string(split.join("parts.js"))?;
    // `boot.js` fetches and compiles the parts, most of them before the app asks.
    let mut loader = loader.replace("fetch(new URL(", "globalThis.latchkey.part(new URL(").replace(
        "WebAssembly.instantiateStreaming(src, imports)",
        "WebAssembly.instantiate(await src, imports)",
    );
    let mut names = BTreeMap::new();
    for part in &parts.split_modules {
        let stem = part.file_stem().context("a part's file name")?.to_string_lossy().into_owned();
        let small = split.join("small.wasm");
        optimize(paths, part, &small)?;
        let bytes = fs::read(&small)?;
        let hashed = format!("part-{}.wasm", short_hash(&bytes));
        fs::write(app.join(&hashed), bytes)?;
        loader = loader.replace(&format!("\"./{stem}.wasm\""), &format!("\"./{hashed}\""));
        names.insert(stem, hashed);
    }
    fs::write(glue.join("parts.js"), loader)?;
    for (part, stems) in &parts.prefetch_map {
        let files: Vec<&str> = stems.iter().filter_map(|stem| names.get(stem)).map(String::as_str).collect();
        fs::write(app.join(format!("{part}.parts")), files.join(" "))?;
    }
    esbuild(paths, &glue.join("app.js"), &app.join("app.js"))
}

/// The files that a first visit loads before the app runs, and those that a home's first page adds.
///
/// # Errors
/// When the portal is not built.
pub fn critical(paths: &Paths) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let portal = paths.dist.join("portal");
    let mut first = vec![portal.join("index.html")];
    let starts =
        |file: &PathBuf| !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-"));
    first.extend(files(&portal.join("assets"))?.into_iter().filter(starts));
    let home = |file: &PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-home-"))
    };
    Ok((first, files(&portal.join("assets"))?.into_iter().filter(home).collect()))
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

/// The files that a part's pages need beyond the first visit's.
fn parts_of(app: &Path, part: &str) -> Result<Vec<String>> {
    let list = fs::read_to_string(app.join(format!("{part}.parts")))
        .with_context(|| format!("the portal has no part `{part}`"))?;
    Ok(list.split_whitespace().map(str::to_owned).collect())
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
        let home = parts_of(app, "home")?;
        let mut codes = parts_of(app, "codes")?;
        codes.retain(|part| !home.contains(part));
        let mut all = vec![
            site.pack(app, "part-home.wasm", ["home.pack", "home.index"], &home)?,
            site.pack(app, "part-codes.wasm", ["codes.pack", "codes.index"], &codes)?,
        ];
        for file in files(app)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("part-") && !home.contains(&name) && !codes.contains(&name) {
                fs::copy(&file, site.out.join("assets").join(&name))?;
                all.push(format!("/assets/{name}"));
            }
        }
        site.names.insert("all.parts", all.join(" "));
        Ok(site)
    }

    /// Writes parts one after another into one file: where it is served. `.wasm`, so that an edge compresses it.
    fn pack(
        &mut self,
        app: &Path,
        name: &'static str,
        [pack, index]: [&'static str; 2],
        parts: &[String],
    ) -> Result<String> {
        let (mut bytes, mut sizes) = (Vec::new(), Vec::new());
        for part in parts {
            let module = fs::read(app.join(part))?;
            sizes.push(format!("{part}:{}", module.len()));
            bytes.extend(module);
        }
        self.hashed(name, bytes)?;
        let path = self.names.remove(name).context("a file that was written")?;
        self.names.insert(pack, path.clone());
        self.names.insert(index, sizes.join(" "));
        Ok(path)
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
        let api = self.paths.root.join("worker/api/openapi.json");
        write(&self.out.join("api/openapi.json"), &fs::read(api)?)?;
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
