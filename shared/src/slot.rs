//! Numbered positions on a lock: what a lock can do, what it was seen to hold, and whose it is.

use crate::pin::{Digits, LockPinCaps, Pin};
use crate::wire::derive::{Decode, Encode};

/// A position on a lock, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct SlotNo(#[n(0)] pub u16);

/// What a lock lets one read of its slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Readback {
    /// The PIN.
    #[n(0)]
    Full,
    /// Whether there is one.
    #[n(1)]
    Masked,
    /// Nothing.
    #[n(2)]
    None,
}

/// What a lock keeps to by itself, with no hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum OwnSchedules {
    /// Nothing.
    #[n(0)]
    None,
    /// When a code's term ends. The hours within are the hub's to keep.
    #[n(1)]
    Term,
    /// Term and hours.
    #[n(2)]
    Hours,
}

/// How sure it is that a lock ends a code by itself, were the hub dead. Where it keeps hours, they are meant too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum OwnEnd {
    /// It was told, and that is all that is known.
    #[n(0)]
    Told,
    /// What it was told was read back from it.
    #[n(1)]
    ReadBack,
}

/// What a lock reports that it can do.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LockAbilities {
    /// How many slots: they are numbered from 1 to this.
    #[n(1)]
    pub slots: u16,
    /// Slots that are never touched, such as the lock's own master code.
    #[n(2)]
    pub reserved: Vec<u16>,
    /// The fewest digits.
    #[n(3)]
    pub pin_min: u8,
    /// The most digits.
    #[n(4)]
    pub pin_max: u8,
    /// What can be read.
    #[n(5)]
    pub readback: Readback,
    /// What the lock itself keeps to.
    #[n(6)]
    pub own_schedules: OwnSchedules,
    /// Every PIN has this length.
    #[n(7)]
    pub one_length: Option<u8>,
    /// Two digits share each key.
    #[n(8)]
    pub paired_digits: bool,
    /// Whether a slot can be disabled and enabled without writing its PIN again.
    #[n(9)]
    pub toggles: bool,
    /// Whether it tells which slot's PIN opened it. Where it does not, uses cannot be counted.
    #[n(10)]
    pub tells_uses: bool,
    /// The digits that its keypad has; absent: all ten.
    #[n(11)]
    pub digits: Option<Digits>,
}

impl LockAbilities {
    /// The most slots accepted.
    pub const MAX_SLOTS: u16 = 1_000;

    /// Refuses abilities that no lock has. The error is a stable code.
    pub fn validate(&self) -> Result<(), &'static str> {
        let lengths_ok = self.pin_min <= self.pin_max
            && self.one_length.is_none_or(|n| (self.pin_min..=self.pin_max).contains(&n));
        if self.slots > Self::MAX_SLOTS || self.reserved.len() > usize::from(Self::MAX_SLOTS) {
            Err("lock.slots")
        } else if !lengths_ok {
            Err("lock.pin_length")
        } else if self.digits == Some(Digits::ALL) {
            // All ten have one spelling.
            Err("lock.digits")
        } else {
            Ok(())
        }
    }

    /// Whether a code on it opens only within its hours, with no hub: then it may be there ahead of time.
    pub fn keeps_hours(&self) -> bool {
        self.own_schedules == OwnSchedules::Hours
    }

    /// What they mean for PINs.
    pub fn pin_caps(&self) -> LockPinCaps {
        LockPinCaps {
            min_len: self.pin_min,
            max_len: self.pin_max,
            paired_digits: self.paired_digits,
            one_length: self.one_length,
            digits: self.digits.unwrap_or(Digits::ALL),
        }
    }

    /// How many slots Latchkey may use.
    pub fn usable_slots(&self) -> u16 {
        let reserved = self.reserved.iter().filter(|no| (1..=self.slots).contains(*no)).count();
        self.slots.saturating_sub(u16::try_from(reserved).unwrap_or(u16::MAX))
    }

    /// Whether Latchkey may use the slot at all.
    pub fn usable(&self, slot: SlotNo) -> bool {
        (1..=self.slots).contains(&slot.0) && !self.reserved.contains(&slot.0)
    }
}

/// What a driver last read from a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SlotContent {
    /// No PIN.
    Empty,
    /// This PIN.
    Pin(Pin),
    /// A PIN that the lock does not show.
    Occupied,
    /// Not read, or not readable.
    Unknown,
}

impl SlotContent {
    /// How it compares with the PIN that was written, so that the planner needs to see neither.
    pub fn compare(&self, written: Option<&Pin>) -> Seen {
        match self {
            Self::Empty => Seen::Empty,
            Self::Pin(pin) if written == Some(pin) => Seen::AsWritten,
            Self::Pin(_) => Seen::Different,
            Self::Occupied => Seen::Occupied,
            Self::Unknown => Seen::Unknown,
        }
    }
}

/// What a slot was seen to hold, without the PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// No PIN; on a lock that cannot be read: it acknowledged the clear.
    Empty,
    /// The PIN of the grant and revision that own the slot.
    AsWritten,
    /// Another PIN.
    Different,
    /// A PIN that the lock does not show.
    Occupied,
    /// Not read, or not readable.
    Unknown,
}

/// Whose a slot is, by the hub's ledger. `G` names a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner<G> {
    /// A write was begun and never acknowledged: anything may be in it.
    Claimed {
        /// For this grant.
        grant: G,
        /// And this revision.
        rev: u32,
    },
    /// The lock acknowledged the write.
    Managed {
        /// Of this grant.
        grant: G,
        /// And this revision.
        rev: u32,
    },
    /// Not Latchkey's.
    Unmanaged,
    /// Nobody's. Only set once a clear is confirmed, or acknowledged by a lock that cannot be read.
    Free,
}

impl<G: Copy> Owner<G> {
    /// The grant whose PIN may be in the slot.
    pub fn grant(&self) -> Option<G> {
        match self {
            Self::Claimed { grant, .. } | Self::Managed { grant, .. } => Some(*grant),
            Self::Unmanaged | Self::Free => None,
        }
    }
}
