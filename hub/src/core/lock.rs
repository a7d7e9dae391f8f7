//! What the core says to a lock and what it hears back. Drivers translate; nothing here knows a radio.

use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use std::collections::BTreeMap;

/// One thing to do at a lock. `Debug` shows no PIN: [`Pin`] sees to that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Report abilities and read every slot once.
    Observe,
    /// Empty the slot, then read it back.
    Clear {
        /// Which.
        slot: SlotNo,
    },
    /// Let the lock take the slot's PIN or not, then read back.
    SetEnabled {
        /// Which.
        slot: SlotNo,
        /// Whether it opens.
        enabled: bool,
    },
    /// Have the lock itself keep to these hours.
    SetSchedule {
        /// Which.
        slot: SlotNo,
        /// Term and hours.
        validity: Validity,
        /// Where the hours are meant.
        zone: ZoneName,
    },
    /// Put a PIN into the slot, then read it back.
    Write {
        /// Which.
        slot: SlotNo,
        /// What.
        pin: Pin,
    },
    /// Read the slot.
    Read {
        /// Which.
        slot: SlotNo,
    },
}

impl Command {
    /// For logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Clear { .. } => "clear",
            Self::SetEnabled { enabled: true, .. } => "enable",
            Self::SetEnabled { enabled: false, .. } => "disable",
            Self::SetSchedule { .. } => "schedule",
            Self::Write { .. } => "write",
            Self::Read { .. } => "read",
        }
    }

    /// The slot it is about.
    pub fn slot(&self) -> Option<SlotNo> {
        match self {
            Self::Observe => None,
            Self::Clear { slot }
            | Self::SetEnabled { slot, .. }
            | Self::SetSchedule { slot, .. }
            | Self::Write { slot, .. }
            | Self::Read { slot } => Some(*slot),
        }
    }

    /// Whether it takes access away or only looks. Such commands are never held back for want of the time.
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Clear { .. } | Self::SetEnabled { enabled: false, .. })
    }
}

/// What was read from one slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// What is in it.
    pub content: SlotContent,
    /// Whether the lock takes it.
    pub enabled: bool,
}

/// What a lock told of itself and its slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// What it can do.
    pub abilities: LockAbilities,
    /// Every slot that could be read.
    pub slots: BTreeMap<SlotNo, Reading>,
}

/// Why a lock refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Another of its slots has the PIN.
    Duplicate,
    /// It does not take such a PIN.
    BadPin,
    /// It answered, but what was read back is not what was asked for.
    NotDone,
    /// It cannot do this at all.
    Unsupported,
}

/// How a command ended. There is no plain "ok": either it was read back or it was not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To [`Command::Observe`].
    Observed(Observation),
    /// Done, and this was read from the slot afterwards. Also the answer to [`Command::Read`].
    Verified(Reading),
    /// The lock acknowledged; it cannot be read.
    Unverifiable,
    /// Refused or not done.
    Rejected {
        /// Why.
        why: Refusal,
        /// What was read from the slot afterwards, if it could be.
        reading: Option<Reading>,
    },
    /// No answer. Anything may have happened.
    Unknown,
}

/// Something that a lock says by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its number in the lock's own journal, where the lock keeps one: what was taken in before is not taken again.
    pub journal: Option<u64>,
    /// When it happened, where the lock keeps the time; absent: just now.
    pub at: Option<Timestamp>,
    /// What happened.
    pub what: Happening,
}

/// What happened at a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happening {
    /// A PIN opened the door.
    Opened {
        /// The slot whose PIN it was.
        slot: SlotNo,
    },
    /// A PIN was refused.
    Refused,
    /// Somebody changed a slot at the lock.
    Changed {
        /// Which.
        slot: SlotNo,
    },
    /// The lock is back after silence.
    Back,
}
