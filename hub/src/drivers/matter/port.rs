//! One lock, through the server.
//!
//! A slot is the index of a PIN. The user record that Matter wants beside it comes with the PIN in one command, so that a
//! write that fails leaves none behind; a term needs the record first, and so do some locks. Nothing is ever cleared
//! without its index, and a record that keeps anything else beside the slot's PIN is left as it is.

use super::lock::{ADD, CredentialStatus, DISABLED, ENABLED, Lock, MODIFY, UNRESTRICTED, User, credential};
use super::memory::Place;
use super::node::{Node, bolt};
use super::wire::{Failure, status};
use crate::core::lock::{Bolt, Command, Observation, Reading, Refusal};
use crate::drivers::{Applied, Port};
use futures_util::future::BoxFuture;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{Readback, SlotContent, SlotNo};
use serde::de::IgnoredAny;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a bolt may take to move.
const MOVING: Duration = Duration::from_secs(6);

/// The way to one lock.
pub(super) struct MatterPort {
    pub(super) lock: Lock,
    /// Asks for the node to be looked at again.
    pub(super) again: mpsc::UnboundedSender<u64>,
}

pub(super) type Outcome = Result<Applied, Failure>;

pub(super) fn refused(why: Refusal) -> Outcome {
    Ok(Applied::Refused(why))
}

/// What an outcome is to the hub.
fn applied(outcome: Outcome) -> Applied {
    match outcome {
        Ok(applied) => applied,
        Err(Failure::Silent) => Applied::Silent,
        Err(failure) => Applied::Refused(match failure.status() {
            Some(status::EXHAUSTED) => Refusal::Full,
            _ => Refusal::NotDone,
        }),
    }
}

impl MatterPort {
    /// Reads a slot: by its user record where that is known, else by the PIN's own status.
    async fn look(&self, slot: SlotNo) -> Result<Reading, Failure> {
        let taken = |user: &User| Reading { content: SlotContent::Occupied, enabled: user.enabled() };
        if let Some(Some(index)) = self.lock.memory.user(slot) {
            let user = self.lock.get_user(index).await?;
            if user.has(slot) {
                return Ok(taken(&user));
            }
        }
        let status = self.lock.credential_status(slot).await?;
        if !status.credential_exists {
            if !self.lock.keeps_terms() && !self.lock.memory.wants_records() {
                self.lock.memory.goes_with(slot, None);
            }
            return Ok(Reading { content: SlotContent::Empty, enabled: false });
        }
        let Some(index) = status.user_index else {
            return Ok(Reading { content: SlotContent::Occupied, enabled: true });
        };
        self.lock.memory.goes_with(slot, Some(index));
        Ok(taken(&self.lock.get_user(index).await?))
    }

    async fn write(&self, slot: SlotNo, pin: &Pin) -> Outcome {
        let abilities = self.lock.memory.lock().abilities;
        if !(abilities.pin_min..=abilities.pin_max).contains(&pin.digit_count()) {
            return refused(Refusal::BadPin);
        }
        match self.lock.record(slot).await? {
            Some((index, user)) if user.has(slot) && self.made_here(user.creator_fabric_index) => {
                self.replace(slot, pin, index, &user).await
            }
            // Somebody else has put a PIN there since the slot was read.
            Some((_, user)) if user.has(slot) => refused(Refusal::NotDone),
            Some((index, user)) => self.add(slot, pin, index, user.enabled()).await,
            None => self.add_new(slot, pin).await,
        }
    }

    /// Puts a PIN into a slot that has no record yet. Most locks make one with the PIN; some want it first.
    async fn add_new(&self, slot: SlotNo, pin: &Pin) -> Outcome {
        if !self.lock.memory.wants_records() {
            let answer = self.lock.set_credential(ADD, slot, pin, None).await?;
            match answer.status {
                status::SUCCESS if answer.user_index.is_some() => {
                    self.lock.memory.goes_with(slot, answer.user_index)
                }
                status::SUCCESS => self.lock.memory.forget(slot),
                // The PIN's length is right: it is the missing record that it does not like.
                status::INVALID_COMMAND | status::CONSTRAINT => self.lock.memory.want_records(),
                refusal => return self.not_added(slot, pin, refusal).await,
            }
            if answer.status == status::SUCCESS {
                return Ok(Applied::Acknowledged);
            }
        }
        match self.lock.reserve(slot, UNRESTRICTED).await? {
            Some(index) => self.add(slot, pin, index, false).await,
            None => refused(Refusal::Full),
        }
    }

    /// Puts a PIN into a slot whose record waits for it.
    async fn add(&self, slot: SlotNo, pin: &Pin, index: u16, enabled: bool) -> Outcome {
        let answer = self.lock.set_credential(ADD, slot, pin, Some(index)).await?;
        if answer.status == status::SUCCESS {
            if !enabled {
                self.lock.modify_user(index, Some(ENABLED), None).await?;
            }
            return Ok(Applied::Acknowledged);
        }
        let outcome = self.not_added(slot, pin, answer.status).await?;
        if matches!(outcome, Applied::Refused(_)) && self.lock.memory.user(slot) == Some(Some(index)) {
            // The record was made for this PIN, which is not coming.
            let cleared =
                self.lock.change("ClearUser", json!({ "userIndex": index }), &[Place::User(index)]).await;
            self.lock.memory.goes_with(slot, None);
            cleared?;
        }
        Ok(outcome)
    }

    /// Why a PIN was refused; or, if the slot was ours and not empty after all, what came of replacing it.
    async fn not_added(&self, slot: SlotNo, pin: &Pin, refusal: u8) -> Outcome {
        if matches!(refusal, status::OCCUPIED | status::FAILURE) {
            // Some say no more than "failed": the slot tells which of the two it is.
            let there = self.lock.credential_status(slot).await?;
            if there.credential_exists {
                return self.take_over(slot, pin, &there).await;
            }
        }
        refused(match refusal {
            status::DUPLICATE | status::FAILURE => Refusal::Duplicate,
            status::INVALID_COMMAND | status::CONSTRAINT => Refusal::BadPin,
            status::EXHAUSTED => Refusal::Full,
            _ => Refusal::NotDone,
        })
    }

    /// The slot was thought to be empty and is not. What this fabric put there, the hub's command covers.
    async fn take_over(&self, slot: SlotNo, pin: &Pin, there: &CredentialStatus) -> Outcome {
        let ours = self.lock.memory.lock().fabric;
        let Some(index) = there.user_index.filter(|_| ours.is_some() && there.creator_fabric_index == ours)
        else {
            self.lock.memory.forget(slot);
            return refused(Refusal::NotDone);
        };
        self.lock.memory.goes_with(slot, Some(index));
        let user = self.lock.get_user(index).await?;
        self.replace(slot, pin, index, &user).await
    }

    /// Whether something on the lock was made through the same server.
    fn made_here(&self, creator: Option<u64>) -> bool {
        let ours = self.lock.memory.lock().fabric;
        ours.is_some() && creator == ours
    }

    async fn replace(&self, slot: SlotNo, pin: &Pin, index: u16, user: &User) -> Outcome {
        let answer = self.lock.set_credential(MODIFY, slot, pin, Some(index)).await?;
        match answer.status {
            status::SUCCESS => {}
            status::DUPLICATE | status::FAILURE => return refused(Refusal::Duplicate),
            status::CONSTRAINT => return refused(Refusal::BadPin),
            _ => return refused(Refusal::NotDone),
        }
        if !user.enabled() {
            self.lock.modify_user(index, Some(ENABLED), None).await?;
        }
        Ok(Applied::Acknowledged)
    }

    /// Empties a slot. The PIN goes first, then the record, if nothing else is in it.
    async fn clear(&self, slot: SlotNo) -> Outcome {
        let status = self.lock.credential_status(slot).await?;
        let index = match status.user_index {
            Some(index) => Some(index),
            // What was made for a PIN that never came.
            None => self.lock.record(slot).await?.map(|(index, _)| index),
        };
        if status.credential_exists {
            let user = index.map(Place::User);
            let places: Vec<Place> = [Place::Slot(slot.0)].into_iter().chain(user).collect();
            self.lock.change("ClearCredential", json!({ "credential": credential(slot) }), &places).await?;
        }
        if let Some(index) = index {
            let user = self.lock.get_user(index).await?;
            if user.is_there() && user.credentials().is_empty() {
                self.lock.change("ClearUser", json!({ "userIndex": index }), &[Place::User(index)]).await?;
            }
        }
        self.lock.memory.goes_with(slot, None);
        Ok(Applied::Acknowledged)
    }

    async fn set_enabled(&self, slot: SlotNo, enabled: bool) -> Outcome {
        match self.lock.record(slot).await? {
            Some((index, user)) if user.has(slot) => {
                self.lock.modify_user(index, Some(if enabled { ENABLED } else { DISABLED }), None).await?;
                Ok(Applied::Acknowledged)
            }
            _ => refused(Refusal::NotDone),
        }
    }

    async fn operate(&mut self, to: Bolt) -> Outcome {
        let name = match to {
            Bolt::Locked => "LockDoor",
            Bolt::Unlocked => "UnlockDoor",
            Bolt::Jammed => return refused(Refusal::Unsupported),
        };
        if self.lock.memory.lock().wants_pin {
            return refused(Refusal::Unsupported);
        }
        self.lock.wire.command::<IgnoredAny>(name, json!({}), true).await?;
        let end = Instant::now() + MOVING;
        while self.read_bolt().await? != Some(to) && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(Applied::Acknowledged)
    }

    async fn read_bolt(&self) -> Result<Option<Bolt>, Failure> {
        let path = format!("{}/257/0", self.lock.wire.endpoint);
        Ok(bolt(&self.lock.wire.attribute(&path).await?))
    }

    async fn observed(&self) -> Option<Observation> {
        let node: Node = self.lock.wire.node().await.ok()?;
        let endpoint = self.lock.wire.endpoint;
        if !node.reaches(endpoint) {
            return None;
        }
        Some(Observation {
            abilities: self.lock.memory.lock().abilities,
            slots: Default::default(),
            tells_changes: true,
            vitals: node.vitals(endpoint),
        })
    }
}

impl Port for MatterPort {
    fn readback(&self) -> Readback {
        Readback::Masked
    }

    fn observe(&mut self) -> BoxFuture<'_, Option<Observation>> {
        Box::pin(self.observed())
    }

    fn read(&mut self, slot: SlotNo) -> BoxFuture<'_, Option<Reading>> {
        Box::pin(async move { if self.lock.usable(slot) { self.look(slot).await.ok() } else { None } })
    }

    fn apply<'a>(&'a mut self, command: &'a Command) -> BoxFuture<'a, Applied> {
        Box::pin(async move {
            if command.slot().is_some_and(|slot| !self.lock.usable(slot)) {
                return Applied::Refused(Refusal::Unsupported);
            }
            applied(match command {
                Command::Write { slot, pin } => self.write(*slot, pin).await,
                Command::Clear { slot } => self.clear(*slot).await,
                Command::SetEnabled { slot, enabled } => self.set_enabled(*slot, *enabled).await,
                Command::SetSchedule { slot, validity, zone, now } => {
                    self.set_term(*slot, validity, zone, *now).await
                }
                Command::Operate { to } => self.operate(*to).await,
                Command::Observe | Command::Read { .. } => refused(Refusal::Unsupported),
            })
        })
    }

    fn bolt(&mut self) -> BoxFuture<'_, Option<Bolt>> {
        Box::pin(async move { self.read_bolt().await.ok().flatten() })
    }
}
