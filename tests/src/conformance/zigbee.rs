//! A lock of the real zigbee2mqtt as a rig: `tests/peers/zigbee/`.

use super::{Case, Fault, Hand, Held, Rig, RigError};
use crate::peers::Peer;
use latchkey_hub::core::lock::Bolt;
use latchkey_hub::drivers::{Driver, zigbee2mqtt};
use latchkey_hub::machine::secret::Secrets;
use latchkey_shared::slot::{Readback, SlotNo};
use serde_json::{Value, json};
use std::path::Path;

/// What no case ever puts on a lock.
const WRONG: &str = "550217";

/// What of it is stopped when what stands between is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// zigbee2mqtt.
    Bridge,
    /// Its broker, which forgets everything.
    Broker,
}

/// One lock behind a zigbee2mqtt.
pub struct ZigbeeRig {
    /// The program.
    pub peer: Peer,
    lock: &'static str,
    readback: Readback,
    toggles: bool,
    between: Between,
}

impl ZigbeeRig {
    /// Starts everything, and takes the lock of this name into the network.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(
        lock: &'static str,
        readback: Readback,
        toggles: bool,
        between: Between,
    ) -> Result<Self, RigError> {
        let mut peer = Peer::start("zigbee/serve.mjs", &[]).await?;
        peer.order(json!({ "do": "join", "lock": lock })).await?;
        Ok(Self { peer, lock, readback, toggles, between })
    }

    /// The settings with which the hub finds it.
    pub fn settings(&self) -> zigbee2mqtt::Settings {
        zigbee2mqtt::Settings {
            url: self.peer.about("url").to_owned(),
            base_topic: "zigbee2mqtt".to_owned(),
            username: None,
            password_file: None,
            ca_file: None,
            expose_pin: self.readback == Readback::Full,
            insecure: false,
        }
    }

    /// Gives an order about the lock.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn order(&mut self, mut order: Value) -> Result<Value, RigError> {
        order["lock"] = self.lock.into();
        self.peer.order(order).await
    }

    async fn state(&mut self) -> Result<Value, RigError> {
        self.order(json!({ "do": "state" })).await
    }
}

impl Rig for ZigbeeRig {
    fn name(&self) -> String {
        format!("zigbee2mqtt {}", self.lock)
    }

    fn key(&self) -> String {
        format!("zigbee2mqtt/zigbee2mqtt/{}", self.peer.about(self.lock))
    }

    fn driver(&mut self) -> Box<dyn Driver> {
        zigbee2mqtt::driver(self.settings(), Secrets::of(Path::new("")))
    }

    fn spared(&self, case: Case) -> Option<&'static str> {
        let blind = self.readback == Readback::None;
        match case {
            Case::Masked if blind => Some("it shows nothing"),
            Case::Rejected | Case::Duplicate | Case::Full if blind => {
                Some("zigbee2mqtt keeps to itself what the lock answers, and the lock cannot be read")
            }
            // zigbee2mqtt waits ten seconds for each answer; the first lock is of the same kind.
            Case::NoAnswer | Case::LateAnswer if matches!(self.lock, "garden" | "shed") => {
                Some("it takes long, and another lock of its kind goes through it")
            }
            Case::Switched if !self.toggles => Some("it cannot switch a user off"),
            _ => None,
        }
    }

    async fn requests(&mut self) -> Result<u64, RigError> {
        let state = self.state().await?;
        let count = |what: &str| state["frames"][what].as_u64().unwrap_or_default();
        Ok(count("read") + count("write"))
    }

    async fn held(&mut self, slot: SlotNo) -> Result<Held, RigError> {
        let state = self.state().await?;
        let user = &state["users"][slot.0.to_string()];
        let pin = user["pin"].as_str().map(str::to_owned);
        Ok(Held { pin, enabled: user["enabled"].as_bool().unwrap_or_default() })
    }

    async fn fault(&mut self, fault: Fault) -> Result<(), RigError> {
        let order = match fault {
            Fault::DropsWrites => json!({ "do": "fault", "fault": "drop" }),
            Fault::Silent => json!({ "do": "fault", "fault": "silent" }),
            // Just after zigbee2mqtt has given up.
            Fault::AnswersLate => json!({ "do": "fault", "fault": "delay", "value": 10_500 }),
            Fault::Rejects => json!({ "do": "fault", "fault": "fail" }),
            Fault::Masks => json!({ "do": "fault", "fault": "mask" }),
            Fault::Full => json!({ "do": "fault", "fault": "full" }),
            Fault::Dead => json!({ "do": "online", "value": false }),
        };
        self.order(order).await.map(drop)
    }

    async fn heal(&mut self) -> Result<(), RigError> {
        self.order(json!({ "do": "heal" })).await.map(drop)
    }

    async fn hand(&mut self, hand: Hand) -> Result<(), RigError> {
        let order = match hand {
            Hand::Types(slot) => {
                let pin = self.held(slot).await?.pin.ok_or("there is no PIN in this slot")?;
                json!({ "do": "keypad", "pin": pin })
            }
            Hand::TypesWrong => json!({ "do": "keypad", "pin": WRONG }),
            Hand::Programs(slot, pin) => json!({ "do": "program", "user": slot.0, "pin": pin }),
            Hand::Battery(percent) => json!({ "do": "battery", "percent": percent }),
            Hand::Jams => json!({ "do": "bolt", "value": 0 }),
            Hand::Turns(Bolt::Locked) => json!({ "do": "bolt", "value": 1 }),
            Hand::Turns(_) => json!({ "do": "bolt", "value": 2 }),
        };
        self.order(order).await.map(drop)
    }

    async fn bridge(&mut self, up: bool) -> Result<(), RigError> {
        let (verb, what) = (if up { "start" } else { "stop" }, self.between);
        let what = if what == Between::Bridge { "bridge" } else { "broker" };
        self.peer.order(json!({ "do": format!("{verb}_{what}") })).await.map(drop)
    }
}
