//! Why a code does or does not open a door, at any moment, in a sentence.
//!
//! [`explain`] is the one place that says so: the portal, the guest page, the API, the hub's panel and the command
//! line fill in [`Facts`] with what they know and show what comes back. `docs/states.md` lists every answer.

mod decide;
mod facts;
mod guest;
mod reason;
#[cfg(test)]
mod tests;
mod words;

pub use facts::{Code, Facts, HubContact, Place, Seen};
pub use reason::Reason;
pub use words::{Audience, Explanation, explain};

use crate::time::Timestamp;
use crate::wire::derive::{Decode, Encode};

/// Where a code stands on one lock, as the hub last observed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum CodeState {
    /// Its term has not begun.
    #[n(0)] #[cbor(map)] Scheduled { #[n(1)] opens: Option<Timestamp> },
    /// The hub has not taken it up yet.
    #[n(1)] WaitingForHub,
    /// On its way to the lock.
    #[n(2)] Writing,
    /// Read back from the lock.
    #[n(3)] #[cbor(map)] OnLock { #[n(1)] verified_at: Timestamp },
    /// Written to a lock that cannot be read back.
    #[n(4)] #[cbor(map)] WrittenUnconfirmed { #[n(1)] at: Timestamp },
    /// In its term, outside its hours.
    #[n(5)] #[cbor(map)] OutsideHours { #[n(1)] opens: Option<Timestamp> },
    /// Suspended by a member.
    #[n(6)] Suspended,
    /// Not on the lock, and why.
    #[n(7)] #[cbor(map)] Failed { #[n(1)] why: FailWhy, #[n(2)] next_try: Option<Timestamp> },
    /// Its term has ended and it is off the lock.
    #[n(8)] Expired,
    /// Withdrawn and off the lock.
    #[n(9)] Revoked,
    /// Wanted off, not yet confirmed off; why not, if anything is known to stand in the way.
    #[n(10)] #[cbor(map)] StillOnLock { #[n(1)] since: Timestamp, #[n(2)] why: Option<FailWhy> },
}

/// What stood in the way at the lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum FailWhy {
    /// The lock does not answer.
    #[n(0)]
    Unreachable,
    /// No free slot.
    #[n(1)]
    Full,
    /// Another live code has the PIN.
    #[n(2)]
    Duplicate,
    /// The lock refused it.
    #[n(3)]
    RejectedByLock,
    /// The hub does not know the time.
    #[n(4)]
    ClockUnknown,
    /// The PIN is not sealed so that the hub can open it.
    #[n(5)]
    NotSealedForHub,
    /// A code that was set at the lock by hand has the PIN. Only the hub can see that.
    #[n(6)]
    DuplicateByHand,
    /// A code that is over had the PIN.
    #[n(7)]
    UsedBefore,
    /// The hub's table of time zones does not have the home's.
    #[n(8)]
    ZoneUnknown,
    /// It opens so many times or so long from its first use on, and the lock does not tell who came in.
    #[n(9)]
    Uncounted,
    /// Again and again the lock was read to hold something else than was written.
    #[n(10)]
    NotKept,
    /// Somebody took it off at the lock, and what is done there by hand is to stay.
    #[n(11)]
    RemovedByHand,
}

impl CodeState {
    /// Its name for programs: on the hub's panel, in the portal's hooks, in the guest page's interface.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::WaitingForHub => "waiting_for_hub",
            Self::Writing => "writing",
            Self::OnLock { .. } => "on_lock",
            Self::WrittenUnconfirmed { .. } => "written_unconfirmed",
            Self::OutsideHours { .. } => "outside_hours",
            Self::Suspended => "suspended",
            Self::Failed { .. } => "failed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::StillOnLock { .. } => "still_on_lock",
        }
    }

    /// Whether somebody who types the PIN may be let in.
    pub fn may_open(&self) -> bool {
        matches!(self, Self::OnLock { .. } | Self::WrittenUnconfirmed { .. } | Self::StillOnLock { .. })
    }

    /// Whether somebody should look at it.
    pub fn needs_attention(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::StillOnLock { .. })
    }
}

impl FailWhy {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::Full,
        Self::Duplicate,
        Self::RejectedByLock,
        Self::ClockUnknown,
        Self::NotSealedForHub,
        Self::DuplicateByHand,
        Self::UsedBefore,
        Self::ZoneUnknown,
        Self::Uncounted,
        Self::NotKept,
        Self::RemovedByHand,
    ];

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "lock_unreachable",
            Self::Full => "lock_full",
            Self::Duplicate => "duplicate",
            Self::RejectedByLock => "refused_by_lock",
            Self::ClockUnknown => "clock_unknown",
            Self::NotSealedForHub => "not_sealed",
            Self::DuplicateByHand => "duplicate_by_hand",
            Self::UsedBefore => "used_before",
            Self::ZoneUnknown => "zone_unknown",
            Self::Uncounted => "uncounted",
            Self::NotKept => "not_kept",
            Self::RemovedByHand => "removed_by_hand",
        }
    }

    /// What is wrong, to go into a sentence: `the lock does not answer`.
    pub fn wrong(self) -> &'static str {
        match self {
            Self::Unreachable => "the lock does not answer",
            Self::Full => "the lock has no free slot",
            Self::Duplicate => "another code has the same PIN",
            Self::RejectedByLock => "the lock refused the PIN",
            Self::ClockUnknown => "the hub does not know the time",
            Self::NotSealedForHub => "the hub cannot open the sealed PIN",
            Self::DuplicateByHand => "a code that was set at the lock by hand has the same PIN",
            Self::UsedBefore => "an earlier code had the same PIN",
            Self::ZoneUnknown => "the hub does not know the home's time zone",
            Self::Uncounted => "the lock does not tell who came in, so that uses cannot be counted",
            Self::NotKept => "the lock does not keep the PIN that is written to it",
            Self::RemovedByHand => "somebody took it off at the lock",
        }
    }

    /// What a member can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unreachable => "Check the lock's battery and its distance to the hub.",
            Self::Full => "Revoke a code that is no longer needed.",
            Self::Duplicate | Self::UsedBefore => "Choose another PIN.",
            Self::RejectedByLock => "Choose a PIN that this lock accepts.",
            Self::ClockUnknown => "Connect the hub to the internet.",
            Self::NotSealedForHub => "Save the code again.",
            Self::DuplicateByHand => "Choose another PIN, or clear that code at the lock.",
            Self::NotKept => {
                "Save the code again with another PIN. If that does not help, the lock may be broken."
            }
            Self::RemovedByHand => "Save the code again to put it back.",
            Self::Uncounted => "Give the code an end instead of a number of uses or a stay.",
            Self::ZoneUnknown => "Choose another time zone for the home, or update the hub.",
        }
    }
}
