//! `hub.toml`: what a person decides about this hub. `hub/packaging/hub.toml.example` documents every key.

mod locks;
mod log;
mod problem;
mod reader;
mod section;
mod source;
#[cfg(test)]
mod tests;

pub use log::{Format, Level, Log};
pub use problem::{Problem, Problems};
pub use source::{Environment, Source};

use crate::core::reconcile::Hands;
use crate::drivers::sim::model::SimLock;
use crate::drivers::websocket;
use crate::drivers::{matter, zigbee2mqtt, zwave_js};
use crate::machine::secret::Secrets;
use latchkey_shared::origin::Origin;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the panel listens unless told otherwise.
pub const PANEL: &str = "127.0.0.1:8790";
/// What was decided.
#[derive(Clone, Debug)]
pub struct Config {
    /// The state directory.
    pub dir: PathBuf,
    /// Where secrets are looked for.
    pub secrets: Secrets,
    /// The key under which secrets rest in the state directory, if a file is named.
    pub state_key_file: Option<PathBuf>,
    /// The cloud; none before pairing was begun.
    pub origin: Option<Origin>,
    /// What people call the hub.
    pub name: String,
    /// Where the panel listens: a loopback address.
    pub panel: SocketAddr,
    /// The file that reads `1` while the hub's button is held, if it has one.
    pub button: Option<PathBuf>,
    /// What becomes of changes that somebody makes at a lock.
    pub hands: Hands,
    /// What is logged.
    pub log: Log,
    /// The simulated locks.
    pub sim: Vec<SimLock>,
    /// The Z-Wave JS servers.
    pub zwave_js: Vec<zwave_js::Settings>,
    /// The Zigbee2MQTTs.
    pub zigbee2mqtt: Vec<zigbee2mqtt::Settings>,
    /// The Matter servers.
    pub matter: Vec<matter::Settings>,
}

impl Config {
    /// What was decided, for diagnostics: no secret, no name of a file that holds one, no name for a broker.
    pub fn summary(&self) -> serde_json::Value {
        let zigbee = self.zigbee2mqtt.iter().map(|b| {
            let (user, password) = (b.username.is_some(), b.password_file.is_some());
            serde_json::json!({
                "url": b.url, "base_topic": b.base_topic, "insecure": b.insecure, "username": user,
                "password_file": password, "ca_file": b.ca_file.is_some(), "expose_pin": b.expose_pin,
            })
        });
        let socket = |b: &websocket::Settings| {
            serde_json::json!({
                "url": b.url, "insecure": b.insecure, "ca_file": b.ca_file.is_some(), "answer_seconds": b.answer_seconds,
            })
        };
        let (zwave, matter) = (self.zwave_js.iter().map(socket), self.matter.iter().map(socket));
        serde_json::json!({
            "origin": self.origin.as_ref().map(ToString::to_string),
            "name": self.name,
            "panel": self.panel.to_string(),
            "button": self.button.is_some(),
            "hands": format!("{:?}", self.hands),
            "state_key_file": self.state_key_file.is_some(),
            "log": { "level": format!("{:?}", self.log.level), "format": format!("{:?}", self.log.format) },
            "sim": self.sim.iter().map(|lock| lock.name.as_str()).collect::<Vec<_>>(),
            "zwave_js": zwave.collect::<Vec<_>>(),
            "zigbee2mqtt": zigbee.collect::<Vec<_>>(),
            "matter": matter.collect::<Vec<_>>(),
        })
    }
}
