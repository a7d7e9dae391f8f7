//! `[[zwave_js]]` and `[[matter]]` in `hub.toml`: bridges behind a WebSocket.

use crate::machine::endpoint::{Endpoint, WEBSOCKET};
use crate::machine::secret::Secrets;
use crate::machine::section::{Fault, Section};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// One such bridge.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where its WebSocket listens, such as `ws://127.0.0.1:3000` or `wss://hub.example:5580/ws`.
    pub url: String,
    /// Allows an address on another machine in the clear.
    #[serde(default)]
    pub insecure: bool,
    /// Certificates (PEM) that the bridge's is checked against instead of the public ones; with `wss`.
    pub ca_file: Option<PathBuf>,
    /// How many seconds a lock may take to answer one request, 1 to 60. A lock that sleeps behind several others in its
    /// mesh can need more than it gets unless told.
    pub answer_seconds: Option<u8>,
}

impl Settings {
    /// For a bridge at this address; the rest as usual.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), insecure: false, ca_file: None, answer_seconds: None }
    }

    /// With files where they are, however they are named in the configuration.
    #[must_use]
    pub fn located(self, secrets: &Secrets) -> Self {
        Self { ca_file: self.ca_file.map(|file| secrets.locate(&file)), ..self }
    }

    /// How long a lock may take to answer one request, if not as long as `usual`.
    pub(super) fn answer_within(&self, usual: Duration) -> Duration {
        self.answer_seconds.map_or(usual, |seconds| Duration::from_secs(seconds.clamp(1, 60).into()))
    }
}

impl Section for Settings {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = vec![];
        match Endpoint::parse(&self.url, WEBSOCKET, self.insecure) {
            Ok(endpoint) => faults.extend(endpoint.needs_no(self.ca_file.as_deref(), WEBSOCKET)),
            Err(fault) => faults.push(fault),
        }
        if self.answer_seconds.is_some_and(|seconds| !(1..=60).contains(&seconds)) {
            faults.push(Fault::new("answer_seconds", "config.value", "`answer_seconds` is 1 to 60"));
        }
        faults
    }
}
