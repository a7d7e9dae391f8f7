//! A matter.js lock behind the real Matter server as a rig: `tests/peers/matter/`.

use super::{Case, Fault, Hand, Held, Rig, RigError};
use crate::peers::Peer;
use latchkey_hub::core::lock::Bolt;
use latchkey_hub::drivers::{Driver, matter};
use latchkey_shared::slot::SlotNo;
use serde_json::{Value, json};

/// What no case ever puts on a lock.
const WRONG: &str = "550217";
/// How many commands a fault is for: more than any case sends.
const OFTEN: u32 = 1_000;

/// One lock in a Matter server's fabric.
pub struct MatterRig {
    /// The program.
    pub peer: Peer,
    lock: &'static str,
}

impl MatterRig {
    /// Starts everything. `lock` is `front`, which has 20 slots, a clock and schedules, or `shed`, which has 5 slots
    /// and nothing more.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(lock: &'static str) -> Result<Self, RigError> {
        Ok(Self { peer: Peer::start("matter/serve.mjs", &[]).await?, lock })
    }

    /// The settings with which the hub finds it.
    pub fn settings(&self) -> matter::Settings {
        // The locks here answer within milliseconds; what waits for silence need not wait long.
        matter::Settings { answer_seconds: Some(2), ..matter::Settings::at(self.peer.about("url")) }
    }

    /// Gives an order about the lock.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn order(&mut self, mut order: Value) -> Result<Value, RigError> {
        order["lock"] = self.lock.into();
        Ok(self.peer.order(order).await?["result"].take())
    }

    /// What is in the lock's memory.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn state(&mut self) -> Result<Value, RigError> {
        self.order(json!({ "do": "state" })).await
    }
}

impl Rig for MatterRig {
    fn name(&self) -> String {
        format!("matter {}", self.lock)
    }

    fn key(&self) -> String {
        format!("matter/{}/{}/1", self.peer.about("fabric"), self.peer.about(self.lock))
    }

    fn driver(&mut self) -> Box<dyn Driver> {
        matter::driver(self.settings())
    }

    fn spared(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::OneWriteOneRead if self.lock == "shed" => {
                Some("it wants its record of a user before the PIN and once more after it")
            }
            _ => None,
        }
    }

    async fn requests(&mut self) -> Result<u64, RigError> {
        let count = self.order(json!({ "do": "requests" })).await?;
        count.as_u64().ok_or_else(|| "no count".into())
    }

    async fn held(&mut self, slot: SlotNo) -> Result<Held, RigError> {
        let state = self.state().await?;
        let pin = state["pins"][slot.0.to_string()].as_str().map(str::to_owned);
        let has =
            |user: &&Value| user["credentials"].as_array().is_some_and(|all| all.contains(&slot.0.into()));
        let user = state["users"].as_array().and_then(|users| users.iter().find(has));
        Ok(Held { pin, enabled: user.is_some_and(|user| user["enabled"] == true) })
    }

    async fn fault(&mut self, fault: Fault) -> Result<(), RigError> {
        let fault = match fault {
            Fault::DropsWrites => json!({
                "kind": "drop", "times": OFTEN, "on": ["setCredential", "clearCredential", "setUser", "clearUser"],
            }),
            Fault::Silent => json!({ "kind": "silent", "times": OFTEN }),
            Fault::AnswersLate => json!({ "kind": "late", "times": OFTEN, "on": ["setCredential"] }),
            Fault::Rejects => {
                json!({ "kind": "reject", "times": OFTEN, "status": 0x87, "on": ["setCredential"] })
            }
            Fault::Full => {
                json!({ "kind": "reject", "times": OFTEN, "status": 0x89, "on": ["setCredential"] })
            }
            // It always does.
            Fault::Masks => return Ok(()),
            Fault::Dead => return self.order(json!({ "do": "freeze" })).await.map(drop),
        };
        self.order(json!({ "do": "fault", "fault": fault })).await.map(drop)
    }

    async fn heal(&mut self) -> Result<(), RigError> {
        self.order(json!({ "do": "thaw" })).await?;
        self.order(json!({ "do": "heal" })).await.map(drop)
    }

    async fn hand(&mut self, hand: Hand) -> Result<(), RigError> {
        let order = match hand {
            Hand::Types(slot) => {
                let pin = self.held(slot).await?.pin.ok_or("there is no PIN in this slot")?;
                json!({ "do": "keypad", "pin": pin })
            }
            Hand::TypesWrong => json!({ "do": "keypad", "pin": WRONG }),
            Hand::Programs(slot, pin) => json!({ "do": "program", "slot": slot.0, "pin": pin }),
            Hand::Battery(percent) => json!({ "do": "battery", "percent": percent }),
            Hand::Jams => json!({ "do": "jam" }),
            Hand::Turns(bolt) => {
                let bolt = if bolt == Bolt::Locked { "Locked" } else { "Unlocked" };
                json!({ "do": "turn", "bolt": bolt })
            }
        };
        self.order(order).await.map(drop)
    }

    async fn bridge(&mut self, up: bool) -> Result<(), RigError> {
        let order = if up { "server_up" } else { "server_down" };
        self.order(json!({ "do": order })).await.map(drop)
    }
}
