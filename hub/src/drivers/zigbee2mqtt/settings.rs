//! `[[zigbee2mqtt]]` in `hub.toml`.

use crate::machine::endpoint::{Endpoint, MQTT};
use crate::machine::section::{Fault, Section};
use serde::Deserialize;
use std::path::PathBuf;

/// One Zigbee2MQTT behind its broker.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the broker listens, such as `mqtt://127.0.0.1:1883` or `mqtts://broker.example`.
    pub url: String,
    /// What its topics begin with.
    #[serde(default = "base_topic")]
    pub base_topic: String,
    /// The broker's name for the hub.
    pub username: Option<String>,
    /// A file with the password; without it the environment's `LATCHKEY_ZIGBEE2MQTT_PASSWORD`.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) that the broker's is checked against instead of the public ones; with `mqtts`.
    pub ca_file: Option<PathBuf>,
    /// Whether Zigbee2MQTT is to say the PINs that it reads from locks (its option `expose_pin`), so that the hub can
    /// compare them. They are then in its messages, and in its log. Without, a lock only tells that there is a PIN.
    #[serde(default)]
    pub expose_pin: bool,
    /// Allows a broker on another machine in the clear.
    #[serde(default)]
    pub insecure: bool,
}

fn base_topic() -> String {
    "zigbee2mqtt".to_owned()
}

impl Section for Settings {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = vec![];
        match Endpoint::parse(&self.url, MQTT, self.insecure) {
            Ok(endpoint) => faults.extend(endpoint.needs_no(self.ca_file.as_deref(), MQTT)),
            Err(fault) => faults.push(fault),
        }
        let topic = &self.base_topic;
        let odd = |c: char| matches!(c, '+' | '#' | '$') || c.is_control();
        if topic.is_empty()
            || topic.len() > 128
            || topic.contains(odd)
            || topic.starts_with('/')
            || topic.ends_with('/')
        {
            let text = "`base_topic` is the one in Zigbee2MQTT's configuration, without +, # and $";
            faults.push(Fault::new("base_topic", "config.value", text));
        }
        faults
    }
}
