//! What the core says to a lock and what it hears back. Drivers translate; nothing here knows a radio.

use latchkey_shared::pin::Pin;
pub use latchkey_shared::report::{Bolt, Link};
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
        /// What time it is, as the hub trusts it: what the lock's own clock has to show.
        now: Timestamp,
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
    /// Lock or unlock the door, then read whether it is. Never with [`Bolt::Jammed`].
    Operate {
        /// How it is to be.
        to: Bolt,
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
            Self::Operate { to: Bolt::Locked | Bolt::Jammed } => "lock",
            Self::Operate { to: Bolt::Unlocked } => "unlock",
        }
    }

    /// The slot it is about.
    pub fn slot(&self) -> Option<SlotNo> {
        match self {
            Self::Observe | Self::Operate { .. } => None,
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

/// What a lock told of itself, and of those of its slots that cost nothing to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// What it can do.
    pub abilities: LockAbilities,
    /// Slots whose content is known. One that is not listed was not read: no lock is woken for it.
    pub slots: BTreeMap<SlotNo, Reading>,
    /// Whether the lock tells when somebody changes a slot at it, so that a reading stays good.
    pub tells_changes: bool,
    /// How it is.
    pub vitals: Vitals,
}

/// How a lock is, as far as it tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Vitals {
    /// What is left of its battery, in percent.
    pub battery: Option<u8>,
    /// Whether it says itself that its battery is low.
    pub battery_low: bool,
    /// Whether it is locked.
    pub bolt: Option<Bolt>,
    /// How well it is heard.
    pub link: Option<Link>,
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
    /// It has no room.
    Full,
}

/// How a command ended. There is no plain "ok": either it was read back or it was not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To [`Command::Observe`].
    Observed(Observation),
    /// Done, and this was read from the slot afterwards. Also the answer to [`Command::Read`].
    Verified(Reading),
    /// To [`Command::SetSchedule`]: what the lock was given was read back from it.
    Kept,
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
    /// To [`Command::Operate`]: where the bolt is, read afterwards.
    Operated(Bolt),
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
    /// Somebody changed a slot at the lock. Never the echo of a command.
    Changed {
        /// Which.
        slot: SlotNo,
    },
    /// Any slot may have been changed at the lock, as when all codes were deleted there.
    ChangedAll,
    /// It does not answer, or what stands between does not: its driver says so without having asked it.
    Away,
    /// It is back after silence.
    Back,
    /// The bolt moved, or got stuck.
    Bolt(Bolt),
    /// Somebody tampers with it.
    Tampered,
    /// What is left of its battery, in percent.
    Battery(u8),
    /// It says itself that its battery is low.
    BatteryLow,
    /// How well it is heard.
    Link(Link),
    /// A sign of life, and nothing more.
    Seen,
}
