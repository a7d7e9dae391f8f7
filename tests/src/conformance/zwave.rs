//! A lock of the real zwave-js and its server as a rig: `tests/peers/zwave/`.

use super::{Case, Fault, Hand, Held, Rig, RigError};
use crate::peers::Peer;
use latchkey_hub::core::lock::Bolt;
use latchkey_hub::drivers::{Driver, zwave_js};
use latchkey_shared::slot::SlotNo;
use serde_json::{Value, json};

/// What no case ever puts on a lock.
const WRONG: &str = "550217";
/// The number of the network that the peer makes up.
const HOME: &str = "7e570001";

/// The locks of the peer, by their numbers there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ZwaveLock {
    /// Secure, supervised, User Code version 2, keeps terms.
    Secure = 2,
    /// User Code version 1, which only acknowledges by radio.
    Plain = 3,
    /// User Credential.
    Credential = 4,
    /// User Code version 1 that shows asterisks.
    Masking = 5,
    /// A model where all PINs have one length.
    OneLength = 6,
}

/// One lock behind a Z-Wave JS server of its own.
pub struct ZwaveRig {
    /// The program.
    pub peer: Peer,
    lock: ZwaveLock,
}

impl ZwaveRig {
    /// Starts everything and waits until the server knows the lock.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(lock: ZwaveLock) -> Result<Self, RigError> {
        let peer = Peer::start("zwave/main.mjs", &[&(lock as u8).to_string()]).await?;
        Ok(Self { peer, lock })
    }

    /// The settings with which the hub finds it.
    pub fn settings(&self) -> zwave_js::Settings {
        zwave_js::Settings::at(self.peer.about("url"))
    }

    /// Gives an order about the lock.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn order(&mut self, act: &str, mut more: Value) -> Result<Value, RigError> {
        if let Some(map) = more.as_object_mut() {
            map.insert("do".into(), act.into());
            map.insert("node".into(), (self.lock as u8).into());
        }
        self.peer.order(more).await
    }

    /// How often the lock was sent each command.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn commands(&mut self) -> Result<Vec<(String, u64)>, RigError> {
        let frames = self.order("frames", json!({})).await?;
        let counted = frames.get("commands").and_then(Value::as_object).ok_or("no counters")?;
        Ok(counted.iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap_or(0))).collect())
    }

    async fn pin(&mut self, slot: SlotNo) -> Result<String, RigError> {
        self.held(slot).await?.pin.ok_or_else(|| "there is no PIN in this slot".into())
    }
}

impl Rig for ZwaveRig {
    fn name(&self) -> String {
        format!("zwave-js {:?}", self.lock)
    }

    fn key(&self) -> String {
        format!("{}/{HOME}/{}", zwave_js::NAME, self.lock as u8)
    }

    fn driver(&mut self) -> Box<dyn Driver> {
        zwave_js::driver(&self.settings())
    }

    fn spared(&self, case: Case) -> Option<&'static str> {
        let switches = matches!(self.lock, ZwaveLock::Secure | ZwaveLock::Credential);
        match case {
            Case::OneWriteOneRead if self.lock == ZwaveLock::Credential => {
                Some("a User Credential lock has users and credentials: two writes, two reads")
            }
            Case::Switched if !switches => Some("User Code version 1 cannot switch a slot off"),
            _ => None,
        }
    }

    async fn requests(&mut self) -> Result<u64, RigError> {
        let about_codes = ["UserCode", "UserCredential", "ScheduleEntryLock"];
        let counted = self.commands().await?;
        let codes =
            counted.iter().filter(|(name, _)| about_codes.iter().any(|class| name.starts_with(class)));
        Ok(codes.map(|(_, n)| n).sum())
    }

    async fn held(&mut self, slot: SlotNo) -> Result<Held, RigError> {
        let state = self.order("state", json!({ "slot": slot.0 })).await?;
        let pin = state.get("pin").and_then(Value::as_str).map(str::to_owned);
        let enabled = state.get("enabled").and_then(Value::as_bool).unwrap_or(false);
        Ok(Held { pin, enabled })
    }

    async fn fault(&mut self, fault: Fault) -> Result<(), RigError> {
        let set = match fault {
            Fault::DropsWrites => json!({ "drop": true }),
            Fault::Silent => json!({ "silent": true }),
            // zwave-js waits for about a second.
            Fault::AnswersLate => json!({ "delayMs": 2500 }),
            Fault::Rejects => json!({ "fail": true }),
            Fault::Masks => json!({ "mask": true }),
            Fault::Full => json!({ "full": true }),
            Fault::Dead => return self.order("dead", json!({})).await.map(drop),
        };
        self.order("fault", json!({ "set": set })).await.map(drop)
    }

    async fn heal(&mut self) -> Result<(), RigError> {
        self.order("heal", json!({})).await.map(drop)
    }

    async fn settle(&mut self) -> Result<(), RigError> {
        self.order("settle", json!({})).await.map(drop)
    }

    async fn hand(&mut self, hand: Hand) -> Result<(), RigError> {
        let order = match hand {
            Hand::Types(slot) => ("keypad", json!({ "pin": self.pin(slot).await? })),
            Hand::TypesWrong => ("keypad", json!({ "pin": WRONG })),
            Hand::Programs(slot, pin) => ("program", json!({ "slot": slot.0, "pin": pin })),
            Hand::Battery(level) => ("battery", json!({ "level": level })),
            Hand::Jams => ("jam", json!({})),
            Hand::Turns(bolt) => ("turn", json!({ "locked": bolt == Bolt::Locked })),
        };
        self.order(order.0, order.1).await.map(drop)
    }

    async fn bridge(&mut self, up: bool) -> Result<(), RigError> {
        self.peer.order(json!({ "do": if up { "up" } else { "down" } })).await.map(drop)
    }
}
