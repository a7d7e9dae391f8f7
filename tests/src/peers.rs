//! The lock ecosystems of `tests/peers/`, each started by a program of its own that says where it is and obeys orders.

use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long an ecosystem may take to start, or to do what it is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running ecosystem. It ends with this value, or with the process that has it.
pub struct Peer {
    // The program ends when its standard input does, and takes along what it has started.
    _program: Child,
    control: BufReader<TcpStream>,
    about: Value,
}

impl Peer {
    /// Starts a script of `tests/peers/` with these arguments.
    ///
    /// # Errors
    /// When it does not start within a minute.
    pub async fn start(script: &str, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        Self::begin(Self::node(), script, arguments).await
    }

    /// The same, with a clock that moves on by an hour once there is a file at `signal`: see `tests/peers/hour.mjs`.
    ///
    /// # Errors
    /// When it does not start within a minute.
    pub async fn start_with_an_hour(
        script: &str,
        arguments: &[&str],
        signal: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let mut node = Self::node();
        node.arg("--import").arg(Self::root().join("peers/hour.mjs")).env("PEERS_HOUR", signal);
        Self::begin(node, script, arguments).await
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn node() -> Command {
        let named = std::env::var_os("PEERS_NODE").map(PathBuf::from);
        Command::new(named.unwrap_or_else(|| Self::root().join("../node_modules/.bin/node")))
    }

    async fn begin(mut node: Command, script: &str, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut program = node
            .arg(Self::root().join("peers").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(program.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        timeout(PATIENCE, said.read_line(&mut line)).await??;
        let about: Value = serde_json::from_str(&line).map_err(|_| format!("{script} does not start"))?;
        let port = about.get("control").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let control = TcpStream::connect(("127.0.0.1", port.ok_or("no control port")?)).await?;
        Ok(Self { _program: program, control: BufReader::new(control), about })
    }

    /// What it said of itself when it had started.
    pub fn about(&self, key: &str) -> &str {
        self.about.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Gives it an order and waits until it is done.
    ///
    /// # Errors
    /// What it says is in the way.
    pub async fn order(&mut self, order: Value) -> Result<Value, Box<dyn Error>> {
        self.control.write_all(format!("{order}\n").as_bytes()).await?;
        let mut line = String::new();
        timeout(PATIENCE, self.control.read_line(&mut line)).await??;
        let answer: Value = serde_json::from_str(&line)?;
        match answer.get("ok").and_then(Value::as_bool) {
            Some(true) => Ok(answer),
            _ => {
                Err(format!("{order}: {}", answer.get("error").and_then(Value::as_str).unwrap_or("no"))
                    .into())
            }
        }
    }
}
