//! A lock, as simple as it can be: numbered places for PINs, and moods. It shares no code with the hub's own simulated
//! lock, so that a mistake there is not made twice.

use super::hours::{Hours, Spans};
use chrono_tz::Tz;
use latchkey_hub::core::lock::{Command, Happening, Notice, Observation, Reading, Refusal, Vitals};
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// How many entries its journal keeps.
const JOURNAL: usize = 64;

/// What is in a place.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) pin: String,
    pub(super) enabled: bool,
    /// When somebody programmed it at the lock, if nobody else did.
    pub(super) by_hand: Option<u64>,
    /// The hub whose it is, if it is one's.
    pub(super) by: Option<usize>,
    /// The hub that put it and was removed, if another has taken it over.
    pub(super) before: Option<usize>,
}

/// What a lock says to a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Yes,
    No(Refusal),
    Nothing,
}

/// How the next command goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Luck {
    /// As it should.
    Fine,
    /// It does not arrive.
    Lost,
    /// It is done, and the answer does not arrive.
    Late,
    /// It is acknowledged, and not done.
    Lie,
    /// It is refused as not done.
    Busy,
}

/// The lock.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    /// What its driver calls it.
    pub(super) key: String,
    pub(super) can: LockAbilities,
    /// Whether it keeps what happened until it is told.
    pub(super) keeps_journal: bool,
    /// Whether it has to be woken for every slot that is read.
    pub(super) sleeps: bool,
    /// Whether it tells when somebody programs it by hand.
    pub(super) tells_changes: bool,
    /// Whether it says that it is back after silence.
    pub(super) says_back: bool,
    pub(super) held: BTreeMap<u16, Held>,
    /// Hours that it keeps by itself, given before or after the PIN.
    hours: BTreeMap<u16, Spans>,
    /// It neither hears nor answers its radio. The keypad works.
    pub(super) dead: bool,
    journal: VecDeque<(u64, u64, Happening)>,
    next_entry: u64,
}

impl Lock {
    pub(super) fn new(key: String, can: LockAbilities, flags: [bool; 4]) -> Self {
        let [keeps_journal, says_back, sleeps, tells_changes] = flags;
        Self {
            key,
            can,
            keeps_journal,
            says_back,
            sleeps,
            tells_changes,
            held: BTreeMap::new(),
            hours: BTreeMap::new(),
            dead: false,
            journal: VecDeque::new(),
            next_entry: 1,
        }
    }

    /// Whether what is in a place opens the door at this second.
    pub(super) fn opens(&self, no: u16, second: u64) -> bool {
        let hours = self.hours.get(&no);
        self.held.get(&no).is_some_and(|held| held.enabled) && hours.is_none_or(|hours| hours.open_at(second))
    }

    /// Somebody types a PIN: the place that opens.
    pub(super) fn types(&self, pin: &str, second: u64) -> Option<u16> {
        self.held.iter().find(|(no, held)| held.pin == pin && self.opens(**no, second)).map(|(no, _)| *no)
    }

    /// What it tells of by itself, with its number where it keeps a journal.
    pub(super) fn note(&mut self, what: Happening, t: u64) -> Notice {
        if !self.keeps_journal {
            return Notice { journal: None, at: None, what };
        }
        let number = self.next_entry;
        self.next_entry += 1;
        self.journal.push_back((number, t, what));
        if self.journal.len() > JOURNAL {
            self.journal.pop_front();
        }
        Notice { journal: Some(number), at: Some(Timestamp(t / 1_000)), what }
    }

    /// Its journal once more, as a driver reads it when it starts.
    pub(super) fn journal(&self) -> Vec<Notice> {
        let entry = |(number, t, what): &(u64, u64, Happening)| Notice {
            journal: Some(*number),
            at: Some(Timestamp(t / 1_000)),
            what: *what,
        };
        self.journal.iter().map(entry).collect()
    }

    /// What it tells when it is looked at: of its slots all or, where it sleeps, none.
    pub(super) fn observe(&self) -> Observation {
        let listed = if self.sleeps { 0 } else { self.can.slots };
        let slots = (1..=listed).map(|no| (SlotNo(no), self.read(no))).collect();
        Observation {
            abilities: self.can.clone(),
            slots,
            tells_changes: self.tells_changes,
            vitals: Vitals::default(),
        }
    }

    pub(super) fn read(&self, no: u16) -> Reading {
        let held = self.held.get(&no);
        let content = match (self.can.readback, held) {
            (Readback::None, _) => SlotContent::Unknown,
            (_, None) => SlotContent::Empty,
            (Readback::Masked, Some(_)) => SlotContent::Occupied,
            (Readback::Full, Some(held)) => {
                Pin::parse(&held.pin).map_or(SlotContent::Unknown, SlotContent::Pin)
            }
        };
        Reading { content, enabled: held.is_some_and(|held| held.enabled) }
    }

    /// Carries out a change that this hub asks for. `horizon` is for hours.
    pub(super) fn change(&mut self, by: usize, command: &Command, luck: Luck, horizon: u64) -> Said {
        match luck {
            _ if self.dead => return Said::Nothing,
            Luck::Lost => return Said::Nothing,
            Luck::Lie => return Said::Yes,
            Luck::Busy => return Said::No(Refusal::NotDone),
            Luck::Fine | Luck::Late => {}
        }
        let said = self.obey(by, command, horizon);
        if luck == Luck::Late { Said::Nothing } else { said }
    }

    fn obey(&mut self, by: usize, command: &Command, horizon: u64) -> Said {
        let Some(no) = command.slot().map(|slot| slot.0).filter(|no| (1..=self.can.slots).contains(no))
        else {
            return Said::No(Refusal::Unsupported);
        };
        match command {
            Command::Write { pin, .. } => return self.write(by, no, pin.expose()),
            Command::Clear { .. } => {
                self.held.remove(&no);
                self.hours.remove(&no);
            }
            Command::SetEnabled { enabled, .. } if self.can.toggles => match self.held.get_mut(&no) {
                Some(held) => held.enabled = *enabled,
                None => return Said::No(Refusal::NotDone),
            },
            Command::SetSchedule { validity, zone, .. } if self.can.own_schedules != OwnSchedules::None => {
                let Ok(zone) = zone.as_str().parse::<Tz>() else { return Said::No(Refusal::Unsupported) };
                let mut hours = hours_of(validity);
                if self.can.own_schedules == OwnSchedules::Term {
                    hours = Hours { weekly: vec![], off: vec![], ..hours };
                }
                self.hours.insert(no, hours.spans(zone, horizon, None, &[]));
            }
            _ => return Said::No(Refusal::Unsupported),
        }
        Said::Yes
    }

    fn write(&mut self, by: usize, no: u16, pin: &str) -> Said {
        let length = pin.len() as u8;
        let fits = (self.can.pin_min..=self.can.pin_max).contains(&length);
        if !fits || self.can.one_length.is_some_and(|only| only != length) {
            return Said::No(Refusal::BadPin);
        }
        if self.held.iter().any(|(other, held)| *other != no && held.pin == pin) {
            return Said::No(Refusal::Duplicate);
        }
        let pin = pin.to_owned();
        self.held.insert(no, Held { pin, enabled: true, by_hand: None, by: Some(by), before: None });
        Said::Yes
    }

    /// Somebody programs a place at the lock itself, or empties it.
    pub(super) fn by_hand(&mut self, no: u16, pin: Option<String>, t: u64) {
        self.hours.remove(&no);
        match pin {
            Some(pin) => {
                let held = Held { pin, enabled: true, by_hand: Some(t), by: None, before: None };
                self.held.insert(no, held);
            }
            None => drop(self.held.remove(&no)),
        }
    }
}

/// What a lock that keeps hours makes of what it is given. A stay it cannot keep: its hub gives it another end.
fn hours_of(validity: &Validity) -> Hours {
    Hours { stay: None, ..super::people::hours(validity) }
}
