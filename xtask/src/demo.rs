//! `demo`, `demo --script`, `dev` and `hub`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::stack::{self, Place};
use crate::stamp::files;
use crate::worker::fresh;
use crate::{build, sh, tools};

/// Runs Latchkey here until Ctrl-C.
///
/// # Errors
/// When something cannot be built or started, or ends by itself.
pub fn demo(paths: &Paths, watch: bool) -> Result<()> {
    let started = Instant::now();
    build(paths)?;
    let place = Place::new(paths.target.join("demo"), 8787, 8790)?;
    if place.port != 8787 {
        bail!("port 8787 is taken: passkeys of the demo belong to http://localhost:8787. Stop what uses it");
    }
    let mut worker = stack::worker(paths, &place)?;
    let mut hub = stack::hub(paths, &place)?;
    println!("\nLatchkey is up after {:.1} s.\n", started.elapsed().as_secs_f32());
    println!("  Portal          {}   sign up, make a home, pair the hub", place.origin());
    println!("  Hub's panel     {}   pairing code, locks, keypad", place.panel());
    println!("  State, logs     {}", place.dir.display());
    println!("\nCtrl-C stops both.");
    let mut seen = newest(paths)?;
    loop {
        sh::pause(Duration::from_millis(500))?;
        worker.check().with_context(|| stack::tail(&place.log("worker.log")))?;
        hub.check().with_context(|| stack::tail(&place.log("hub.log")))?;
        if watch && newest(paths)? > seen {
            seen = newest(paths)?;
            let old = modified(&paths.hub());
            match build(paths) {
                // wrangler notices a new Worker or portal by itself.
                Ok(()) if modified(&paths.hub()) != old => {
                    drop(hub);
                    hub = stack::hub(paths, &place)?;
                    println!("  hub restarted");
                }
                Ok(()) => println!("  ready"),
                Err(error) if sh::interrupted() => return Err(error),
                Err(error) => eprintln!("{error:#}\n  still running what was built before"),
            }
        }
    }
}

/// Runs a hub with simulated locks against an origin, until Ctrl-C.
///
/// # Errors
/// When it cannot be built or started.
pub fn hub(paths: &Paths, origin: &str) -> Result<()> {
    crate::hub(paths)?;
    let dir = paths.target.join("hub");
    fs::create_dir_all(dir.join("hub"))?;
    fs::write(dir.join("hub/hub.toml"), format!("origin = \"{origin}\"\nname = \"Simulated hub\"\n"))?;
    let place = Place::new(dir, 0, 8790)?;
    let mut hub = stack::hub(paths, &place)?;
    println!("  Hub's panel {} for {origin}; Ctrl-C stops it", place.panel());
    loop {
        sh::pause(Duration::from_millis(500))?;
        hub.check().with_context(|| stack::tail(&place.log("hub.log")))?;
    }
}

/// Runs the story on fresh state.
///
/// # Errors
/// When anything in it fails.
pub fn script(paths: &Paths) -> Result<()> {
    let chromium = tools::chromium()?;
    build(paths)?;
    let place = Place::new(fresh(paths.target.join("story"))?, 8787, 8790)?;
    let mut worker = stack::worker(paths, &place)?;
    let mut hub = stack::hub(paths, &place)?;
    let mut node = tools::node(paths)?;
    node.arg("tests/browser/story.mjs")
        .env("ORIGIN", place.origin())
        .env("PANEL", place.panel())
        .env("CHROMIUM", chromium)
        .env("HUB", paths.hub())
        .env("RUN_DIR", &place.dir);
    let story = sh::run(&mut node);
    if story.is_err() && !sh::interrupted() {
        eprintln!("{}\n{}", stack::tail(&place.log("worker.log")), stack::tail(&place.log("hub.log")));
    }
    story?;
    worker.check()?;
    hub.check()
}

/// When the newest source file was changed.
fn newest(paths: &Paths) -> Result<Option<SystemTime>> {
    let mut latest = None;
    for part in ["shared/src", "worker", "portal", "hub/src", "Cargo.toml"] {
        for file in files(&paths.root.join(part))? {
            // Bundling leaves a hidden copy beside a script for a moment.
            if !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                latest = latest.max(modified(&file));
            }
        }
    }
    Ok(latest)
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|data| data.modified()).ok()
}
