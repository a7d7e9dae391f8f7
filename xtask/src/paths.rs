//! Where things are. Everything that is generated lies under `target/`,
//! `dist/` or `node_modules/`, all of them git-ignored.

use std::path::{Path, PathBuf};

/// The places this task runner reads and writes.
pub struct Paths {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target directory of the main workspace (`CARGO_TARGET_DIR`, else `<root>/target`).
    pub target: PathBuf,
    /// What is deployed: `worker/` and `portal/`.
    pub dist: PathBuf,
}

impl Paths {
    /// Finds the checkout from the place where this crate was compiled.
    pub fn find() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        let dist = root.join("dist");
        Self { root, target, dist }
    }

    /// A module of an npm package, run with [`crate::tools::node`].
    pub fn npm(&self, path: &str) -> PathBuf {
        self.root.join("node_modules").join(path)
    }

    /// Scratch files of one task, under `target/xtask/`.
    pub fn work(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// The native binary of the hub, release profile.
    pub fn hub(&self) -> PathBuf {
        self.target.join("release/latchkey-hub")
    }

    /// The command line, release profile.
    pub fn cli(&self) -> PathBuf {
        self.target.join("release/latchkey")
    }
}
