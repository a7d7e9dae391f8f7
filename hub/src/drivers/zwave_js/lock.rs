//! One lock as the driver knows it: what it is, what was learned of it, and what is to be expected of it.

use super::abilities::{Interview, one_length};
use super::wire::{Node, cc};
use crate::core::lock::{Happening, Reading, Vitals};
use latchkey_shared::grant::name_from;
use latchkey_shared::slot::{SlotContent, SlotNo};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long after a change the lock's own word of it is taken as an echo.
const ECHO: Duration = Duration::from_secs(10);

/// How a lock keeps PINs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One PIN to a user.
    Code { version: u8 },
    /// Users with credentials; the PIN of slot n is credential n of user n.
    Credential,
}

/// With which command class the bolt is moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoltBy {
    DoorLock,
    Lock,
}

/// What a list of nodes says of a lock.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) node: u32,
    pub(super) endpoint: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The version of User Code, where it has that beside User Credential.
    pub(super) or_code: Option<u8>,
    pub(super) bolt: BoltBy,
    /// It may keep schedules.
    pub(super) schedules: bool,
    /// It says whether it has done what it was told.
    pub(super) supervised: bool,
    pub(super) one_length: Option<u8>,
}

impl Facts {
    /// `None`: it is not a lock that takes PINs.
    pub(super) fn of(node: &Node) -> Option<Self> {
        node.endpoints.iter().find_map(|endpoint| {
            let version =
                |id| endpoint.command_classes.iter().find(|class| class.id == id).map(|class| class.version);
            let has = |id| version(id).is_some();
            let bolt = match (has(cc::DOOR_LOCK), has(cc::LOCK)) {
                (true, _) => BoltBy::DoorLock,
                (false, true) => BoltBy::Lock,
                (false, false) => return None,
            };
            let kind = match version(cc::USER_CODE) {
                _ if has(cc::USER_CREDENTIAL) => Kind::Credential,
                Some(version) => Kind::Code { version },
                None => return None,
            };
            Some(Self {
                node: node.node_id,
                endpoint: endpoint.index,
                name: name(node),
                kind,
                or_code: version(cc::USER_CODE).filter(|_| kind == Kind::Credential),
                bolt,
                schedules: has(cc::SCHEDULE_ENTRY_LOCK),
                supervised: has(cc::SUPERVISION),
                one_length: one_length(node),
            })
        })
    }
}

/// What people call it, else its model, else its number. Fit for a name in Latchkey.
fn name(node: &Node) -> String {
    let named = node.name.as_deref().and_then(|name| name_from(name, ""));
    let label = node.device_config.as_ref().and_then(|model| model.label.as_deref());
    let model = || name_from(label?, &format!(" ({})", node.node_id));
    named.or_else(model).unwrap_or_else(|| format!("Lock {}", node.node_id))
}

/// What only use shows.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Learned {
    /// It does not show PINs.
    pub(super) masks: bool,
    /// It has told whose PIN opened it.
    pub(super) told_uses: bool,
}

/// What a lock says by itself to a write under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// The slot was changed.
    Changed,
    /// Another slot has the PIN.
    Duplicate,
}

/// Whether a slot was filled or emptied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Filled,
    Emptied,
}

/// What changes while the lock is in use.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) interview: Interview,
    pub(super) learned: Learned,
    pub(super) vitals: Vitals,
    /// The server says that it does not answer, or is itself not there.
    pub(super) away: bool,
    pub(super) told: BTreeMap<&'static str, Instant>,
    /// What was last read from slots, or is being written.
    last: BTreeMap<SlotNo, Reading>,
    /// The slot of the command under way.
    busy: Option<SlotNo>,
    /// Whether that slot was known to be empty when the command began.
    was_empty: bool,
    word: Option<Word>,
    echoes: Vec<Echo>,
}

/// What the lock will probably say of a change that came from here.
struct Echo {
    slot: SlotNo,
    change: Change,
    until: Instant,
    /// Reading the slot showed that it was made.
    seen: bool,
}

/// A lock, shared between its port and what listens to the server.
pub(super) struct Lock {
    pub(super) key: String,
    facts: Mutex<Facts>,
    memory: Mutex<Memory>,
    spoke: Notify,
    /// Held during a command: a lock that was found again has two ports for a moment.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Lock {
    pub(super) fn new(key: String, facts: Facts, interview: Interview) -> Arc<Self> {
        let memory = Memory { interview, ..Memory::default() };
        let (spoke, turn) = (Notify::new(), tokio::sync::Mutex::new(()));
        Arc::new(Self { key, facts: Mutex::new(facts), memory: Mutex::new(memory), spoke, turn })
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether they are others than before.
    pub(super) fn set_facts(&self, facts: Facts) -> bool {
        let mut known = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != facts;
        *known = facts;
        changed
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock's word on the write under way, if it comes within this time.
    pub(super) async fn word_within(&self, time: Duration) -> Option<Word> {
        let end = Instant::now() + time;
        loop {
            let spoke = self.spoke.notified();
            if let Some(word) = self.memory().word {
                return Some(word);
            }
            if tokio::time::timeout_at(end, spoke).await.is_err() {
                return self.memory().word;
            }
        }
    }

    /// The lock says something about a write, by itself.
    pub(super) fn says(&self, word: Word) {
        self.memory().word = Some(word);
        self.spoke.notify_waiters();
    }

    /// A change of a slot begins: what follows from it is no news until the guard is dropped.
    pub(super) fn changing(self: &Arc<Self>, slot: SlotNo, to: Reading) -> Attending {
        let mut memory = self.memory();
        let change = if to.content == SlotContent::Empty { Change::Emptied } else { Change::Filled };
        memory.busy = Some(slot);
        memory.was_empty = memory.last.get(&slot).is_some_and(|was| was.content == SlotContent::Empty);
        memory.word = None;
        memory.last.insert(slot, to);
        let now = Instant::now();
        memory.echoes.retain(|echo| echo.until > now && (echo.slot != slot || echo.seen));
        memory.echoes.push(Echo { slot, change, until: now + ECHO * 10, seen: false });
        Attending { lock: self.clone(), slot }
    }

    /// A slot is being read: what the server tells of it until the guard is dropped is the answer.
    pub(super) fn attending(self: &Arc<Self>, slot: SlotNo) -> Attending {
        self.memory().busy = Some(slot);
        Attending { lock: self.clone(), slot }
    }
}

/// A slot that a command is about.
pub(super) struct Attending {
    lock: Arc<Lock>,
    slot: SlotNo,
}

impl Drop for Attending {
    fn drop(&mut self) {
        let mut memory = self.lock.memory();
        memory.busy = None;
        let until = Instant::now() + ECHO;
        for echo in memory.echoes.iter_mut().filter(|echo| echo.slot == self.slot) {
            echo.until = echo.until.min(until);
        }
    }
}

impl Memory {
    /// What was read; whether it shows anew that the lock hides PINs, or that it shows them.
    pub(super) fn read(&mut self, slot: SlotNo, reading: &Reading, veiled: bool) -> bool {
        self.last.insert(slot, reading.clone());
        // What was not done has no echo.
        let now = if reading.content == SlotContent::Empty { Change::Emptied } else { Change::Filled };
        self.echoes.retain(|echo| echo.slot != slot || echo.seen || echo.change == now);
        self.echoes.iter_mut().filter(|echo| echo.slot == slot).for_each(|echo| echo.seen = true);
        let masks = match reading.content {
            SlotContent::Pin(_) => false,
            SlotContent::Occupied if veiled => true,
            _ => self.learned.masks,
        };
        std::mem::replace(&mut self.learned.masks, masks) != masks
    }

    /// Whether the slot is the one that a command is about now.
    pub(super) fn is_busy(&self, slot: SlotNo) -> bool {
        self.busy == Some(slot)
    }

    /// Whether what is in the slot of the command under way came with it.
    pub(super) fn was_empty(&self) -> bool {
        self.was_empty
    }

    /// What was last read from a slot, or written.
    pub(super) fn last(&self, slot: SlotNo) -> Option<&Reading> {
        self.last.get(&slot)
    }

    /// The lock tells a change: whether it is the echo of one that came from here. Each echo is taken once.
    pub(super) fn take_echo(&mut self, slot: Option<SlotNo>, change: Change) -> bool {
        let now = Instant::now();
        let is = |echo: &Echo| {
            echo.change == change && echo.until > now && slot.is_none_or(|slot| slot == echo.slot)
        };
        match self.echoes.iter().position(is) {
            Some(at) => {
                self.echoes.remove(at);
                true
            }
            None => {
                // Somebody else was at it: nothing is to be expected of it any more.
                self.echoes.retain(|echo| slot.is_some_and(|slot| slot != echo.slot));
                false
            }
        }
    }

    /// Nothing is known of any slot any more.
    pub(super) fn forget_slots(&mut self) {
        self.last.clear();
    }

    /// Takes in what is told of its state; `None`: the hub knows it already.
    pub(super) fn news(&mut self, what: Happening) -> Option<Happening> {
        let vitals = &mut self.vitals;
        let news = match what {
            Happening::Bolt(bolt) => vitals.bolt.replace(bolt) != Some(bolt),
            Happening::Battery(level) => vitals.battery.replace(level) != Some(level),
            Happening::BatteryLow => !std::mem::replace(&mut vitals.battery_low, true),
            Happening::Link(link) => vitals.link.replace(link) != Some(link),
            _ => true,
        };
        news.then_some(what)
    }
}
