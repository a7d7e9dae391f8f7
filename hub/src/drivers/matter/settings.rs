//! `[[matter]]` in `hub.toml`.

use crate::config::{Endpoint, Fault, Section, WEBSOCKET};
use serde::Deserialize;
use std::time::Duration;

/// One Matter server.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where its WebSocket listens, such as `ws://127.0.0.1:5580/ws`.
    pub url: String,
    /// Allows an address on another machine in the clear.
    #[serde(default)]
    pub insecure: bool,
    /// How many seconds a lock may take to answer one request, 1 to 60. A lock that sleeps behind several Thread
    /// routers can need more than the 10 that it gets by default.
    #[serde(default = "ten")]
    pub answer_seconds: u8,
}

fn ten() -> u8 {
    10
}

impl Settings {
    /// How long a lock may take to answer one request.
    pub(super) fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_seconds.clamp(1, 60).into())
    }
}

impl Section for Settings {
    fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> =
            Endpoint::parse(&self.url, WEBSOCKET, self.insecure).err().into_iter().collect();
        if !(1..=60).contains(&self.answer_seconds) {
            faults.push(Fault::new("answer_seconds", "config.value", "`answer_seconds` is 1 to 60"));
        }
        faults
    }
}
