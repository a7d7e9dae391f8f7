//! Skips a step whose inputs have not changed since it last succeeded.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// A SHA-256 over files (name and content) and strings.
pub struct Inputs(Sha256);

impl Inputs {
    /// An empty set. `recipe` changes whenever the step itself changes.
    pub fn new(recipe: &str) -> Self {
        let mut inputs = Self(Sha256::new());
        inputs.text(recipe);
        inputs
    }

    /// Adds a string.
    pub fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// Adds a file, or all files below a directory in the order of their names.
    ///
    /// # Errors
    /// When something cannot be read. What does not exist counts as empty.
    pub fn path(&mut self, path: &Path) -> Result<()> {
        for file in files(path)? {
            self.text(&file.to_string_lossy());
            let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(&bytes);
        }
        Ok(())
    }

    /// The hash in hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// All files below `path` (or `path` itself), sorted; empty when it does not exist. What npm installed in a
/// `node_modules` below `path` is left out: its lockfile says what that is.
///
/// # Errors
/// When a directory cannot be listed.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
            let entry = entry?;
            if entry.file_name() != "node_modules" {
                found.extend(files(&entry.path())?);
            }
        }
        found.sort();
    } else if path.is_file() {
        found.push(path.to_path_buf());
    }
    Ok(found)
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first ten hex digits of a content's SHA-256: enough to tell two builds apart in a file name.
pub fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..5])
}

/// Runs `work` unless `stamp` holds the hash of `inputs`; says so and how long it took.
///
/// # Errors
/// Those of `work`, or when the stamp cannot be written.
pub fn step(name: &str, stamp: &Path, inputs: Inputs, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let hash = inputs.finish();
    if fs::read_to_string(stamp).is_ok_and(|old| old == hash) {
        println!("  {name}: unchanged");
        return Ok(());
    }
    let started = Instant::now();
    let _ = fs::remove_file(stamp);
    work().with_context(|| name.to_owned())?;
    if let Some(dir) = stamp.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(stamp, hash)?;
    println!("  {name}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}
