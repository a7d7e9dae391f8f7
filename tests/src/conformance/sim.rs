//! The simulated locks as a rig.

use super::{Case, Fault, Hand, Held, Rig, RigError};
use latchkey_hub::core::lock::{Bolt, Happening};
use latchkey_hub::drivers::Driver;
use latchkey_hub::drivers::sim::model::{self, SimLock};
use latchkey_hub::drivers::sim::{SimHome, lock_clock};
use latchkey_hub::shell::state_key::StateKey;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, Readback, SlotNo};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How often a fault that is for one command is set up.
const OFTEN: usize = 16;
/// What no case ever puts on a lock.
const WRONG: &str = "550217";

/// One simulated lock.
pub struct SimRig {
    name: String,
    abilities: LockAbilities,
    home: SimHome,
    _dir: TempDir,
}

impl SimRig {
    /// A new lock.
    ///
    /// # Errors
    /// When there is no place for its store.
    pub fn new(name: &str, abilities: LockAbilities) -> std::io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let lock = SimLock::new(&format!("sim/{name}"), name, abilities.clone());
        let key = StateKey::from_bytes(&[7; 32]).map_err(std::io::Error::other)?;
        let home = SimHome::open(dir.path(), Arc::new(key), &[lock])?;
        Ok(Self { name: name.to_owned(), abilities, home, _dir: dir })
    }
}

fn pin(text: &str) -> Result<Pin, RigError> {
    Pin::parse(text).map_err(|e| e.code().into())
}

impl Rig for SimRig {
    fn name(&self) -> String {
        format!("sim {}", self.name)
    }

    fn key(&self) -> String {
        format!("sim/{}", self.name)
    }

    fn driver(&mut self) -> Box<dyn Driver> {
        self.home.driver()
    }

    fn spared(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::Masked => Some("what it shows is part of what it is: another simulated lock masks"),
            Case::Full => Some("it has as many PINs as slots"),
            Case::Switched if !self.abilities.toggles => Some("it cannot switch a slot off"),
            Case::Reserved if self.abilities.readback == Readback::None => None,
            Case::BridgeRestarted | Case::BridgeGone => Some("nothing stands between"),
            Case::ChangedByHand if self.abilities.readback == Readback::None => Some("it cannot be read"),
            _ => None,
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn requests(&mut self) -> Result<u64, RigError> {
        Ok(self.home.requests(&self.key()))
    }

    async fn held(&mut self, slot: SlotNo) -> Result<Held, RigError> {
        let held = self.home.held(&self.key(), slot);
        let enabled = held.as_ref().is_some_and(|(_, enabled)| *enabled);
        Ok(Held { pin: held.map(|(pin, _)| pin.expose().to_owned()), enabled })
    }

    async fn fault(&mut self, fault: Fault) -> Result<(), RigError> {
        let (fault, times) = match fault {
            Fault::DropsWrites => (model::Fault::DroppedWrite, OFTEN),
            Fault::AnswersLate => (model::Fault::LateAnswer, OFTEN),
            Fault::Rejects => (model::Fault::Reject, OFTEN),
            Fault::Silent | Fault::Dead => (model::Fault::Dead, 1),
            Fault::Masks | Fault::Full => return Err("a simulated lock does not fail in this way".into()),
        };
        for _ in 0..times {
            self.home.inject(&self.key(), fault);
        }
        Ok(())
    }

    async fn heal(&mut self) -> Result<(), RigError> {
        self.home.inject(&self.key(), model::Fault::Heal);
        Ok(())
    }

    async fn hand(&mut self, hand: Hand) -> Result<(), RigError> {
        let key = self.key();
        let now = lock_clock();
        match hand {
            Hand::Types(slot) => {
                let (pin, _) = self.home.held(&key, slot).ok_or("there is no PIN in this slot")?;
                self.home.keypad(&key, &pin, now)?;
            }
            Hand::TypesWrong => drop(self.home.keypad(&key, &pin(WRONG)?, now)?),
            Hand::Programs(slot, digits) => {
                self.home.change_by_hand(&key, slot, digits.map(pin).transpose()?)?;
            }
            Hand::Battery(percent) => drop(self.home.happens(&key, Happening::Battery(percent))),
            Hand::Jams => drop(self.home.happens(&key, Happening::Bolt(Bolt::Jammed))),
            Hand::Turns(bolt) => drop(self.home.happens(&key, Happening::Bolt(bolt))),
        }
        Ok(())
    }

    async fn bridge(&mut self, _up: bool) -> Result<(), RigError> {
        Err("nothing stands between".into())
    }
}
