//! Why a code opens the door, or does not, as a value.

use super::FailWhy;
use crate::time::Timestamp;

/// Why a code does or does not open the door at the moment asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It is on the lock, which was read back.
    Opens {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
        /// When it was read back.
        verified_at: Timestamp,
    },
    /// It was written to a lock that cannot be read back.
    OpensUnconfirmed {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
        /// When it was written.
        at: Timestamp,
    },
    /// Of a moment to come: its times let it open.
    WillOpen {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
    },
    /// Of a moment past: its times let it open; what was on the lock is not in the facts.
    Unrecorded,
    /// Of a moment past: it was changed since.
    ChangedSince {
        /// When.
        at: Timestamp,
    },
    /// Of a moment past: it did not exist.
    NotMade {
        /// When it was made.
        at: Timestamp,
    },
    /// Wanted off, not confirmed off: it may still open.
    StillOnLock {
        /// Since when it is wanted off.
        since: Timestamp,
        /// What is known to stand in the way.
        why: Option<FailWhy>,
    },
    /// Its term has not begun.
    NotYet {
        /// When it first opens.
        opens: Timestamp,
    },
    /// Between its hours.
    OutsideHours {
        /// When it opens next.
        opens: Timestamp,
    },
    /// On one of its days off.
    DayOff {
        /// When it opens next; `None`: never again.
        opens: Option<Timestamp>,
    },
    /// On one of the home's quiet days.
    QuietDay {
        /// When it opens next; `None`: never again.
        opens: Option<Timestamp>,
    },
    /// Its term is not over, and its hours do not come again in it.
    NeverAgain,
    /// Its term, or its stay from the first use on, is over.
    Over {
        /// Since when.
        since: Timestamp,
        /// Whether the hub has said that it is off the lock.
        confirmed: bool,
    },
    /// A guest's code of a hub that had no word from the cloud for longer than the home allows.
    GraceOver {
        /// Since when.
        since: Timestamp,
    },
    /// Used as often as it may be.
    UsedUp,
    /// Paused by a member.
    Suspended,
    /// Withdrawn.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
    /// The hub has not taken it up yet.
    WaitingForHub {
        /// When it opens, if not at once.
        opens: Option<Timestamp>,
    },
    /// The hub has it, and its time has come; that it is on the lock was not seen yet.
    Due,
    /// On its way to the lock.
    Writing,
    /// Not on the lock.
    Failed {
        /// Why not.
        why: FailWhy,
        /// When the hub tries again.
        next_try: Option<Timestamp>,
    },
}

impl Reason {
    /// Every name.
    pub const NAMES: [&str; 32] = [
        "opens",
        "opens_unconfirmed",
        "still_on_lock",
        "not_yet",
        "outside_hours",
        "day_off",
        "quiet_day",
        "never_again",
        "over",
        "grace_over",
        "used_up",
        "suspended",
        "revoked",
        "waiting_for_hub",
        "due",
        "writing",
        "lock_unreachable",
        "lock_full",
        "duplicate",
        "duplicate_by_hand",
        "used_before",
        "refused_by_lock",
        "clock_unknown",
        "not_sealed",
        "zone_unknown",
        "uncounted",
        "not_kept",
        "removed_by_hand",
        "will_open",
        "unrecorded",
        "changed_since",
        "not_made",
    ];

    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opens { .. } => "opens",
            Self::OpensUnconfirmed { .. } => "opens_unconfirmed",
            Self::WillOpen { .. } => "will_open",
            Self::Unrecorded => "unrecorded",
            Self::ChangedSince { .. } => "changed_since",
            Self::NotMade { .. } => "not_made",
            Self::StillOnLock { .. } => "still_on_lock",
            Self::NotYet { .. } => "not_yet",
            Self::OutsideHours { .. } => "outside_hours",
            Self::DayOff { .. } => "day_off",
            Self::QuietDay { .. } => "quiet_day",
            Self::NeverAgain => "never_again",
            Self::Over { .. } => "over",
            Self::GraceOver { .. } => "grace_over",
            Self::UsedUp => "used_up",
            Self::Suspended => "suspended",
            Self::Revoked { .. } => "revoked",
            Self::WaitingForHub { .. } => "waiting_for_hub",
            Self::Due => "due",
            Self::Writing => "writing",
            Self::Failed { why, .. } => why.name(),
        }
    }

    /// Whether the code is expected to open the door. A code that is still on the lock is not, though it may.
    pub fn opens(&self) -> bool {
        matches!(self, Self::Opens { .. } | Self::OpensUnconfirmed { .. } | Self::WillOpen { .. })
    }
}
