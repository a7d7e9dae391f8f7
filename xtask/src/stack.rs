//! The running product: the Worker under `wrangler dev` and a hub with
//! simulated locks, each with its own state directory and log.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::sh::{self, Service};
use crate::tools;

/// Where one run keeps its state and listens.
pub struct Place {
    /// Holds `worker/`, `hub/` and `logs/`.
    pub dir: PathBuf,
    /// Port of the Worker on the loopback interface.
    pub port: u16,
    /// Port of the hub's panel on the loopback interface.
    pub panel: u16,
}

impl Place {
    /// A place on the given ports, or on free ones where these are taken.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn new(dir: PathBuf, port: u16, panel: u16) -> Result<Self> {
        Ok(Self { dir, port: free_port(port)?, panel: free_port(panel)? })
    }

    /// The one origin. WebAuthn wants a name, not an address.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The panel's address.
    pub fn panel(&self) -> String {
        format!("http://127.0.0.1:{}", self.panel)
    }

    /// A log file of this run.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(name)
    }
}

fn free_port(wanted: u16) -> Result<u16> {
    let any = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).or_else(|_| any()).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Starts the Worker and waits until it answers.
///
/// # Errors
/// When it does not start; the log says why.
pub fn worker(paths: &Paths, place: &Place) -> Result<Service> {
    tools::dev_secrets(paths)?;
    let log = place.log("worker.log");
    let mut wrangler = tools::npm_bin(paths, "wrangler")?;
    wrangler
        .args(["dev", "--ip", "127.0.0.1", "--inspector-port", "0", "--show-interactive-dev-session=false"])
        .args(["--port", &place.port.to_string()])
        .args(["--var", &format!("ORIGIN:{}", place.origin()), "--var", "RP_ID:localhost"])
        .arg("--persist-to")
        .arg(place.dir.join("worker"))
        // Nothing is told to anybody.
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("WRANGLER_LOG_SANITIZE", "true")
        .env("NO_COLOR", "1");
    let mut service = Service::start("wrangler dev", &mut wrangler, &log)?;
    wait(&mut service, place.port, "/api/v1/health", &log)?;
    Ok(service)
}

/// Starts the hub and waits until its panel answers.
///
/// # Errors
/// When it does not start; the log says why.
pub fn hub(paths: &Paths, place: &Place) -> Result<Service> {
    let state = place.dir.join("hub");
    fs::create_dir_all(&state)?;
    let config = state.join("hub.toml");
    if !config.exists() {
        fs::write(&config, format!("origin = \"{}\"\nname = \"Hallway hub\"\n", place.origin()))?;
    }
    let log = place.log("hub.log");
    let mut command = Command::new(paths.hub());
    command.args(["run", "--state"]).arg(&state).env("LATCHKEY_PANEL", format!("127.0.0.1:{}", place.panel));
    // Who tries things in a container is often root.
    command.env("LATCHKEY_ALLOW_ROOT", "1");
    let mut service = Service::start("latchkey-hub", &mut command, &log)?;
    wait(&mut service, place.panel, "/api/state", &log)?;
    Ok(service)
}

fn wait(service: &mut Service, port: u16, path: &str, log: &Path) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while !answers(port, path) {
        if let Err(error) = service.check() {
            bail!("{error}\n{}", tail(log));
        }
        if Instant::now() > end {
            bail!("no answer on port {port} at {path} after 60 s\n{}", tail(log));
        }
        sh::pause(Duration::from_millis(50))?;
    }
    Ok(())
}

/// Whether a GET of `path` is answered with 200.
fn answers(port: u16, path: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ask = || -> std::io::Result<bool> {
        let limit = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
        let mut status = [0_u8; 12];
        stream.read_exact(&mut status)?;
        Ok(&status[9..] == b"200")
    };
    ask().unwrap_or(false)
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(25)..];
    format!("{}:\n{}", log.display(), last.join("\n"))
}
