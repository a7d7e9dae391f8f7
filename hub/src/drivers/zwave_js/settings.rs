//! `[[zwave_js]]` in `hub.toml`.

use crate::config::{Endpoint, Fault, Section, WEBSOCKET};
use serde::Deserialize;

/// One Z-Wave JS server.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where its WebSocket listens, such as `ws://127.0.0.1:3000`.
    pub url: String,
    /// Allows an address on another machine in the clear.
    #[serde(default)]
    pub insecure: bool,
}

impl Section for Settings {
    fn faults(&self) -> Vec<Fault> {
        Endpoint::parse(&self.url, WEBSOCKET, self.insecure).err().into_iter().collect()
    }
}
