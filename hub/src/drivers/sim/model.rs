//! What one simulated lock does. Pure: time comes in.

use crate::core::lock::{Bolt, Command, Happening, Notice, Observation, Reading, Refusal, Vitals};
use crate::drivers::Applied;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Moment, Validity};
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{TzZone, ZoneName};
use std::collections::{BTreeMap, VecDeque};

/// How many entries a lock's journal keeps.
const JOURNAL: usize = 64;

/// A simulated lock.
#[derive(Clone, Debug)]
pub struct SimLock {
    /// Names it for the hub.
    pub key: String,
    /// Names it for people.
    pub name: String,
    /// What it reports that it can do.
    pub abilities: LockAbilities,
    pub(crate) slots: BTreeMap<u16, SimSlot>,
    pub(super) journal: VecDeque<(u64, Timestamp, Happening)>,
    pub(super) journal_next: u64,
    faults: VecDeque<Fault>,
    dead: bool,
    pub(crate) vitals: Vitals,
    /// Whether it tells when somebody changes a slot at it.
    pub(crate) tells_changes: bool,
    pub(super) requests: u64,
}

/// What is in a slot.
#[derive(Clone, Debug)]
pub(crate) struct SimSlot {
    pub(crate) pin: Option<Pin>,
    pub(crate) enabled: bool,
    pub(crate) schedule: Option<(Validity, ZoneName)>,
}

/// A way to fail. All but the first two are for one command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// From now on it answers nothing and does nothing.
    Dead,
    /// It is well again.
    Heal,
    /// It neither does it nor answers.
    Timeout,
    /// It does it and its answer is lost.
    LateAnswer,
    /// It acknowledges and does nothing.
    DroppedWrite,
    /// It refuses, as a duplicate.
    Duplicate,
    /// It refuses the PIN.
    Reject,
}

impl Fault {
    /// By the name that the panel's interface uses.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "dead" => Self::Dead,
            "heal" => Self::Heal,
            "timeout" => Self::Timeout,
            "late_answer" => Self::LateAnswer,
            "dropped_write" => Self::DroppedWrite,
            "duplicate" => Self::Duplicate,
            "reject" => Self::Reject,
            _ => return None,
        })
    }
}

/// What the door did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// It opened.
    Opened,
    /// It stayed shut, and why.
    Refused(&'static str),
}

impl SimLock {
    /// A lock as it comes out of its box.
    pub fn new(key: &str, name: &str, abilities: LockAbilities) -> Self {
        Self {
            key: key.to_owned(),
            name: name.to_owned(),
            abilities,
            slots: BTreeMap::new(),
            journal: VecDeque::new(),
            journal_next: 1,
            faults: VecDeque::new(),
            dead: false,
            vitals: Vitals { bolt: Some(Bolt::Locked), ..Vitals::default() },
            tells_changes: true,
            requests: 0,
        }
    }

    /// Name and abilities come from the configuration, the rest from the store.
    pub(super) fn take_config(&mut self, config: &Self) {
        self.name.clone_from(&config.name);
        self.abilities = config.abilities.clone();
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Dead => self.dead = true,
            Fault::Heal => {
                self.dead = false;
                self.faults.clear();
            }
            fault => self.faults.push_back(fault),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(crate) fn journal(&self) -> impl DoubleEndedIterator<Item = Notice> {
        self.journal.iter().map(|(number, at, what)| Notice {
            journal: Some(*number),
            at: Some(*at),
            what: *what,
        })
    }

    fn note(&mut self, what: Happening, now: Timestamp) {
        self.journal.push_back((self.journal_next, now, what));
        self.journal_next += 1;
        while self.journal.len() > JOURNAL {
            self.journal.pop_front();
        }
    }

    pub(crate) fn observe(&mut self) -> Option<Observation> {
        if self.dead {
            return None;
        }
        // Like a lock behind a radio: what is in a slot it tells when it is asked for that slot.
        Some(Observation {
            abilities: self.abilities.clone(),
            slots: BTreeMap::new(),
            tells_changes: self.tells_changes,
            vitals: self.vitals,
        })
    }

    pub(crate) fn read(&mut self, slot: SlotNo) -> Option<Reading> {
        if self.dead {
            return None;
        }
        let held = self.slots.get(&slot.0).filter(|s| s.pin.is_some());
        let content = match (self.abilities.readback, held.and_then(|s| s.pin.as_ref())) {
            (Readback::None, _) => SlotContent::Unknown,
            (_, None) => SlotContent::Empty,
            (Readback::Full, Some(pin)) => SlotContent::Pin(pin.clone()),
            (Readback::Masked, Some(_)) => SlotContent::Occupied,
        };
        Some(Reading { content, enabled: held.is_some_and(|s| s.enabled) })
    }

    pub(crate) fn bolt(&mut self) -> Option<Bolt> {
        self.vitals.bolt.filter(|_| !self.dead)
    }

    pub(super) fn happens(&mut self, what: Happening) {
        match what {
            Happening::Bolt(bolt) => self.vitals.bolt = Some(bolt),
            Happening::Battery(percent) => self.vitals.battery = Some(percent),
            Happening::BatteryLow => self.vitals.battery_low = true,
            Happening::Link(link) => self.vitals.link = Some(link),
            _ => {}
        }
    }

    /// A command over the air; what the lock cannot have in any slot it is not asked for.
    pub(super) fn request(&mut self, command: &Command) -> Option<Applied> {
        match command.slot() {
            Some(slot) if !self.abilities.usable(slot) => {
                return Some(Applied::Refused(Refusal::Unsupported));
            }
            Some(_) => self.requests += 1,
            None => {}
        }
        self.apply(command)
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Option<Applied> {
        if self.dead {
            return None;
        }
        match self.faults.pop_front() {
            Some(Fault::Timeout) => None,
            Some(Fault::LateAnswer) => {
                self.change(command);
                None
            }
            Some(Fault::DroppedWrite) => Some(Applied::Acknowledged),
            Some(Fault::Duplicate) => Some(Applied::Refused(Refusal::Duplicate)),
            Some(Fault::Reject) => Some(Applied::Refused(Refusal::BadPin)),
            Some(Fault::Dead | Fault::Heal) | None => Some(self.change(command)),
        }
    }

    /// What its driver makes of that: hours and terms show in no slot, and are read back where anything is.
    pub(crate) fn read_back(&self, command: &Command, applied: Applied) -> Applied {
        let Command::SetSchedule { slot, validity, zone, .. } = command else { return applied };
        if applied != Applied::Acknowledged || self.abilities.readback == Readback::None {
            return applied;
        }
        let kept = self.slots.get(&slot.0).and_then(|slot| slot.schedule.as_ref());
        match kept {
            Some(kept) if *kept == (validity.clone(), zone.clone()) => Applied::Kept,
            _ => Applied::Refused(Refusal::NotDone),
        }
    }

    fn change(&mut self, command: &Command) -> Applied {
        if let Command::Operate { to } = command {
            self.vitals.bolt = Some(*to);
            return Applied::Acknowledged;
        }
        let Some(no) = command.slot().map(|slot| slot.0).filter(|no| (1..=self.abilities.slots).contains(no))
        else {
            return Applied::Refused(Refusal::Unsupported);
        };
        match command {
            Command::Write { pin, .. } => return self.write(no, pin),
            Command::Clear { .. } => {
                self.slots.remove(&no);
            }
            Command::SetEnabled { enabled, .. } if self.abilities.toggles => match self.slots.get_mut(&no) {
                Some(slot) => slot.enabled = *enabled,
                None => return Applied::Refused(Refusal::NotDone),
            },
            Command::SetSchedule { validity, zone, .. }
                if self.abilities.own_schedules != OwnSchedules::None =>
            {
                let empty = SimSlot { pin: None, enabled: true, schedule: None };
                let slot = self.slots.entry(no).or_insert(empty);
                slot.schedule = Some((validity.clone(), zone.clone()));
            }
            _ => return Applied::Refused(Refusal::Unsupported),
        }
        Applied::Acknowledged
    }

    fn write(&mut self, no: u16, pin: &Pin) -> Applied {
        let length = pin.digit_count();
        if !(self.abilities.pin_min..=self.abilities.pin_max).contains(&length)
            || self.abilities.one_length.is_some_and(|only| only != length)
        {
            return Applied::Refused(Refusal::BadPin);
        }
        if self.slots.iter().any(|(other, slot)| *other != no && slot.pin.as_ref() == Some(pin)) {
            return Applied::Refused(Refusal::Duplicate);
        }
        let schedule = self.slots.remove(&no).and_then(|slot| slot.schedule);
        self.slots.insert(no, SimSlot { pin: Some(pin.clone()), enabled: true, schedule });
        Applied::Acknowledged
    }

    pub(crate) fn changed_by_hand(&mut self, slot: SlotNo, pin: Option<Pin>, now: Timestamp) {
        self.changed_unnoticed(slot, pin);
        self.note(Happening::Changed { slot }, now);
    }

    /// Somebody changes a slot, and the lock does not tell.
    pub(crate) fn changed_unnoticed(&mut self, slot: SlotNo, pin: Option<Pin>) {
        match pin {
            Some(pin) => {
                self.slots.insert(slot.0, SimSlot { pin: Some(pin), enabled: true, schedule: None });
            }
            None => {
                self.slots.remove(&slot.0);
            }
        }
    }

    pub(crate) fn typed(&mut self, pin: &Pin, now: Timestamp) -> Entry {
        let found = self.slots.iter().find(|(_, slot)| slot.pin.as_ref() == Some(pin));
        let entry = match found {
            None => Err("The lock does not know this PIN."),
            Some((_, slot)) if !slot.enabled => Err("The lock has this PIN switched off."),
            Some((_, slot)) if !in_hours(slot, now) => Err("The lock does not take this PIN at this time."),
            Some((no, _)) => Ok(SlotNo(*no)),
        };
        match entry {
            Ok(slot) => {
                self.note(Happening::Opened { slot }, now);
                Entry::Opened
            }
            Err(why) => {
                self.note(Happening::Refused, now);
                Entry::Refused(why)
            }
        }
    }
}

/// Whether the lock's own schedule lets the slot open. A schedule that it cannot keep lets nothing open.
fn in_hours(slot: &SimSlot, now: Timestamp) -> bool {
    match &slot.schedule {
        None => true,
        Some((validity, zone)) => TzZone::by_name(zone)
            .is_some_and(|zone| matches!(validity.state_at(now, &zone), Moment::Open { .. })),
    }
}
