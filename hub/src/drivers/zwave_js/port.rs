//! One lock's port: what the hub wants, put into calls.

use super::abilities::Interview;
use super::happenings::door_lock_bolt;
use super::lock::{BoltBy, Facts, Kind, Lock};
use super::talk::Talk;
use super::wire::{cc, number};
use super::{credential, schedule, user_code};
use crate::core::lock::{Bolt, Command, Observation, Reading, Refusal};
use crate::drivers::{Applied, Port};
use futures_util::future::BoxFuture;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, Readback, SlotContent, SlotNo};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The longest that a bolt is awaited between two looks at it, and how often it is looked at.
const BOLT: (Duration, u32) = (Duration::from_secs(5), 4);

pub(super) struct ZwavePort {
    pub(super) lock: Arc<Lock>,
    pub(super) talk: Talk,
    /// Called when use showed an ability to be another.
    pub(super) again: Arc<dyn Fn() + Send + Sync>,
}

impl Port for ZwavePort {
    fn readback(&self) -> Readback {
        self.abilities().readback
    }

    fn observe(&mut self) -> BoxFuture<'_, Option<Observation>> {
        Box::pin(async move {
            let facts = self.lock.facts();
            if self.lock.memory().away {
                return None;
            }
            let interview = Interview::of(&self.talk, &facts).await?;
            let battery = self.talk.remembered(cc::BATTERY, "level", None).await?;
            let bolt = self.remembered_bolt(&facts).await;
            let mut memory = self.lock.memory();
            memory.interview = interview;
            memory.vitals.battery = number(&battery).filter(|level| *level <= 100).or(memory.vitals.battery);
            memory.vitals.bolt = bolt.or(memory.vitals.bolt);
            Some(Observation {
                abilities: memory.interview.abilities(&facts, &memory.learned),
                slots: Default::default(),
                tells_changes: memory.interview.tells_changes(&facts),
                vitals: memory.vitals,
            })
        })
    }

    fn read(&mut self, slot: SlotNo) -> BoxFuture<'_, Option<Reading>> {
        Box::pin(async move {
            if !self.abilities().usable(slot) {
                return None;
            }
            let _turn = self.lock.turn.lock().await;
            self.look(slot).await
        })
    }

    fn apply<'a>(&'a mut self, command: &'a Command) -> BoxFuture<'a, Applied> {
        Box::pin(async move {
            let _turn = self.lock.turn.lock().await;
            self.change(command).await
        })
    }

    fn bolt(&mut self) -> BoxFuture<'_, Option<Bolt>> {
        Box::pin(async move {
            let facts = self.lock.facts();
            for _ in 0..BOLT.1 {
                let (bolt, moving) = self.look_at_bolt(&facts).await?;
                if moving.is_zero() {
                    return bolt;
                }
                tokio::time::sleep(moving.min(BOLT.0)).await;
            }
            None
        })
    }
}

impl ZwavePort {
    fn abilities(&self) -> LockAbilities {
        let facts = self.lock.facts();
        let memory = self.lock.memory();
        memory.interview.abilities(&facts, &memory.learned)
    }

    async fn look(&self, slot: SlotNo) -> Option<Reading> {
        let _attending = self.lock.attending(slot);
        let looked = match self.lock.facts().kind {
            kind @ Kind::Code { .. } => user_code::read(&self.talk, kind, slot).await?,
            Kind::Credential => credential::read(&self.talk, slot).await?,
        };
        let news = self.lock.memory().read(slot, &looked.reading, looked.veiled);
        if news {
            (self.again)();
        }
        Some(looked.reading)
    }

    async fn change(&self, command: &Command) -> Applied {
        let facts = self.lock.facts();
        let abilities = self.abilities();
        if let Some(slot) = command.slot().filter(|slot| !abilities.usable(*slot)) {
            tracing::warn!(lock = %self.lock.key, slot = slot.0, "not a slot for codes: nothing was sent");
            return Applied::Refused(Refusal::Unsupported);
        }
        match command {
            Command::Write { slot, pin } => self.write(&facts, &abilities, *slot, pin).await,
            Command::Clear { slot } => {
                let empty = Reading { content: SlotContent::Empty, enabled: false };
                let _changing = self.lock.changing(*slot, empty);
                match facts.kind {
                    Kind::Code { .. } => user_code::clear(&self.talk, &self.lock, *slot).await,
                    Kind::Credential => credential::clear(&self.talk, *slot).await,
                }
            }
            Command::SetEnabled { slot, enabled } if abilities.toggles => {
                self.set_enabled(&facts, *slot, *enabled).await
            }
            Command::SetSchedule { slot, validity, zone, .. }
                if self.lock.memory().interview.year_days > 0 =>
            {
                schedule::set(&self.talk, *slot, validity, zone).await
            }
            Command::Operate { to } => self.operate(&facts, *to).await,
            Command::SetEnabled { .. }
            | Command::SetSchedule { .. }
            | Command::Read { .. }
            | Command::Observe => Applied::Refused(Refusal::Unsupported),
        }
    }

    async fn write(&self, facts: &Facts, abilities: &LockAbilities, slot: SlotNo, pin: &Pin) -> Applied {
        let length = pin.digit_count();
        let fits = (abilities.pin_min..=abilities.pin_max).contains(&length)
            && abilities.one_length.is_none_or(|only| only == length)
            && abilities.digits.is_none_or(|has| pin.expose().bytes().all(|b| has.contains(b - b'0')));
        if !fits {
            return Applied::Refused(Refusal::BadPin);
        }
        let full = Reading { content: SlotContent::Pin(pin.clone()), enabled: true };
        let _changing = self.lock.changing(slot, full);
        match facts.kind {
            Kind::Code { .. } => user_code::write(&self.talk, &self.lock, slot, pin, true).await,
            Kind::Credential => credential::write(&self.talk, slot, pin).await,
        }
    }

    async fn set_enabled(&self, facts: &Facts, slot: SlotNo, enabled: bool) -> Applied {
        if facts.kind == Kind::Credential {
            return credential::set_enabled(&self.talk, slot, enabled).await;
        }
        // The status goes with the PIN. The lock's own is sent back, not one that is remembered.
        match self.look(slot).await.map(|there| there.content) {
            Some(SlotContent::Pin(pin)) => {
                let to = Reading { content: SlotContent::Pin(pin.clone()), enabled };
                let _changing = self.lock.changing(slot, to);
                user_code::write(&self.talk, &self.lock, slot, &pin, enabled).await
            }
            Some(_) => Applied::Refused(Refusal::NotDone),
            None => Applied::Silent,
        }
    }

    async fn operate(&self, facts: &Facts, to: Bolt) -> Applied {
        let locked = to == Bolt::Locked;
        let answer = match facts.bolt {
            BoltBy::DoorLock => {
                let mode = if locked { 0xff } else { 0 };
                self.talk.invoke(cc::DOOR_LOCK, "set", json!([mode])).await
            }
            BoltBy::Lock => self.talk.invoke(cc::LOCK, "set", json!([locked])).await,
        };
        match answer.map(|answer| answer.get("status").and_then(Value::as_u64)) {
            Ok(Some(2)) => Applied::Refused(Refusal::NotDone),
            Ok(Some(0xff | 1)) => Applied::Acknowledged,
            Ok(None) if !facts.supervised => Applied::Acknowledged,
            Ok(_) => Applied::Silent,
            Err(why) => user_code::failed(why),
        }
    }

    /// Where the bolt is, and how long it will still move. `None`: no answer.
    async fn look_at_bolt(&self, facts: &Facts) -> Option<(Option<Bolt>, Duration)> {
        if facts.bolt == BoltBy::Lock {
            let locked = self.talk.invoke(cc::LOCK, "get", json!([])).await.ok()?.as_bool()?;
            return Some((Some(if locked { Bolt::Locked } else { Bolt::Unlocked }), Duration::ZERO));
        }
        let state = self.talk.invoke(cc::DOOR_LOCK, "get", json!([])).await.ok()?;
        let mode = state.get("currentMode")?;
        let arrived = state.get("targetMode").is_none_or(|target| target == mode);
        let left = state.get("duration").and_then(|d| d.get("value")).and_then(Value::as_u64).unwrap_or(0);
        let moving = if arrived { Duration::ZERO } else { Duration::from_secs(left) };
        Some((door_lock_bolt(mode), moving))
    }

    async fn remembered_bolt(&self, facts: &Facts) -> Option<Bolt> {
        match facts.bolt {
            BoltBy::DoorLock => {
                door_lock_bolt(&self.talk.remembered(cc::DOOR_LOCK, "currentMode", None).await?)
            }
            BoltBy::Lock => {
                let locked = self.talk.remembered(cc::LOCK, "locked", None).await?.as_bool()?;
                Some(if locked { Bolt::Locked } else { Bolt::Unlocked })
            }
        }
    }
}
