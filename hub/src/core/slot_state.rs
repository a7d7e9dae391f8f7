//! One slot as the hub knows it, its record in the ledger, and how a code's state is read off it.

use super::lock::Reading;
use super::retry::SlotRetry;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use latchkey_shared::plan::SlotView;
use latchkey_shared::schedule::Moment;
use latchkey_shared::slot::{LockAbilities, OwnEnd, Owner, Readback, Seen, SlotContent};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::derive::{Decode, Encode};

/// How often a code is put back into a slot that somebody else changes again and again.
const INSISTS: u8 = 3;
/// Changes of a slot that are farther apart, in milliseconds, are not the same quarrel.
const INSISTS_WITHIN_MS: u64 = 24 * 3_600_000;

/// A slot in memory.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Whose it is.
    pub owner: Owner<GrantId>,
    /// What was seen, compared with what the owner should have in it.
    pub seen: Seen,
    /// Whether the lock takes its PIN.
    pub enabled: bool,
    /// The validity that the lock was given.
    pub schedule: Option<Given>,
    /// When `seen` was read, or acknowledged by a lock that cannot be read.
    pub at: Option<Timestamp>,
    /// The reading itself, wiped when dropped; never in the ledger.
    pub content: SlotContent,
    /// When it was read in this run of the program, in milliseconds since boot.
    pub read_ms: Option<u64>,
    /// What stands in the way of putting something on, or of reading.
    pub retry: SlotRetry,
    /// What stands in the way of taking something off. Neither waits for the other.
    pub off: SlotRetry,
    /// Whether somebody changed it at the lock.
    pub hand: Hand,
    /// How often in a row a write was read not to be there.
    pub unkept: u8,
    /// A write went unanswered, and the slot was not read since.
    pub unsure: bool,
    /// Whether the slot was read to be empty right before the last write.
    pub was_empty: bool,
    /// How often its code was put back after somebody had changed it, and last when, in milliseconds since boot.
    pub insisted: (u8, u64),
    /// Its code was put back too often: it is emptied, and left to whoever wants it.
    pub yields: bool,
    /// The lock's bridge remembers something else than what was read last: that counts for nothing until it is read.
    pub doubted: bool,
}

/// What is known of changes at the lock itself, of which the slot's owner knows nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Hand {
    /// Nothing.
    #[default]
    #[n(0)]
    Off,
    /// It may have been changed: reading it will show.
    #[n(1)]
    Suspected,
    /// It was changed, and the log says so.
    #[n(2)]
    Told,
    /// The code was taken off at the lock, and that is to stay.
    #[n(3)]
    Removed,
}

/// A validity that a lock keeps by itself, as far as it said so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Given {
    /// The validity's tag.
    #[n(1)]
    pub tag: u32,
    /// Whether it was read back.
    #[n(2)]
    pub sure: OwnEnd,
}

/// A slot in the ledger: no PIN and nothing from which one could be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SlotRecord {
    /// Whose it is.
    #[n(1)]
    pub owner: OwnerRecord,
    /// What was seen last.
    #[n(2)]
    pub seen: SeenRecord,
    /// Whether the lock takes its PIN.
    #[n(3)]
    pub enabled: bool,
    /// The validity that the lock was given.
    #[n(4)]
    pub schedule: Option<Given>,
    /// When it was seen.
    #[n(5)]
    pub at: Option<Timestamp>,
    /// Whether somebody changed it at the lock; absent: not that anybody knows.
    #[n(6)]
    pub hand: Option<Hand>,
}

/// [`Owner`] on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(missing_docs)]
pub enum OwnerRecord {
    #[n(0)]
    Free,
    #[n(1)]
    Unmanaged,
    #[n(2)]
    Claimed(#[n(0)] GrantId, #[n(1)] u32),
    #[n(3)]
    Managed(#[n(0)] GrantId, #[n(1)] u32),
}

/// [`Seen`] on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
#[allow(missing_docs)]
pub enum SeenRecord {
    #[n(0)]
    Empty,
    #[n(1)]
    AsWritten,
    #[n(2)]
    Different,
    #[n(3)]
    Occupied,
    #[n(4)]
    Unknown,
}

impl Slot {
    /// A slot that was never read.
    pub fn unread() -> Self {
        Self {
            owner: Owner::Free,
            seen: Seen::Unknown,
            enabled: false,
            schedule: None,
            at: None,
            content: SlotContent::Unknown,
            read_ms: None,
            retry: SlotRetry::Ready,
            off: SlotRetry::Ready,
            hand: Hand::Off,
            unkept: 0,
            unsure: false,
            was_empty: false,
            insisted: (0, 0),
            yields: false,
            doubted: false,
        }
    }

    /// From the ledger.
    pub fn from_record(record: &SlotRecord) -> Self {
        let mut slot = Self {
            owner: match record.owner {
                OwnerRecord::Free => Owner::Free,
                OwnerRecord::Unmanaged => Owner::Unmanaged,
                OwnerRecord::Claimed(grant, rev) => Owner::Claimed { grant, rev },
                OwnerRecord::Managed(grant, rev) => Owner::Managed { grant, rev },
            },
            seen: match record.seen {
                SeenRecord::Empty => Seen::Empty,
                SeenRecord::AsWritten => Seen::AsWritten,
                SeenRecord::Different => Seen::Different,
                SeenRecord::Occupied => Seen::Occupied,
                SeenRecord::Unknown => Seen::Unknown,
            },
            enabled: record.enabled,
            schedule: record.schedule,
            at: record.at,
            hand: record.hand.unwrap_or_default(),
            ..Self::unread()
        };
        if slot.hand == Hand::Removed {
            slot.retry = SlotRetry::Parked { why: FailWhy::RemovedByHand, rev: slot.rev() };
        }
        slot
    }

    /// The revision of its owner; 0: it has none.
    pub fn rev(&self) -> u32 {
        match self.owner {
            Owner::Claimed { rev, .. } | Owner::Managed { rev, .. } => rev,
            Owner::Free | Owner::Unmanaged => 0,
        }
    }

    /// It is nobody's from now on.
    pub fn set_free(&mut self) {
        self.owner = Owner::Free;
        self.schedule = None;
        (self.retry, self.off, self.hand) = (SlotRetry::Ready, SlotRetry::Ready, Hand::Off);
        (self.unkept, self.unsure) = (0, false);
        (self.insisted, self.yields) = ((0, 0), false);
    }

    /// Whether what somebody changed here is to be changed back once more. Two hubs, or a hub and somebody at the lock, that
    /// each want the slot would else go on for ever.
    pub fn insists(&mut self, now_ms: u64) -> bool {
        if latchkey_shared::defect!(HeldTaken) {
            return true;
        }
        let (times, last) = self.insisted;
        let times = if now_ms.saturating_sub(last) > INSISTS_WITHIN_MS { 0 } else { times };
        self.insisted = (times.saturating_add(1), now_ms);
        times < INSISTS
    }

    /// Whether it is held for a code that is off the lock at present: what somebody puts there is not that code.
    pub fn is_only_held(&self) -> bool {
        self.seen == Seen::Empty && self.owner.grant().is_some()
    }

    /// What is in it somebody else has put there.
    pub fn set_theirs(&mut self) {
        self.set_free();
        self.owner = Owner::Unmanaged;
    }

    /// For the ledger.
    pub fn record(&self) -> SlotRecord {
        SlotRecord {
            owner: match self.owner {
                Owner::Free => OwnerRecord::Free,
                Owner::Unmanaged => OwnerRecord::Unmanaged,
                Owner::Claimed { grant, rev } => OwnerRecord::Claimed(grant, rev),
                Owner::Managed { grant, rev } => OwnerRecord::Managed(grant, rev),
            },
            seen: match self.seen {
                Seen::Empty => SeenRecord::Empty,
                Seen::AsWritten => SeenRecord::AsWritten,
                Seen::Different => SeenRecord::Different,
                Seen::Occupied => SeenRecord::Occupied,
                Seen::Unknown => SeenRecord::Unknown,
            },
            enabled: self.enabled,
            schedule: self.schedule,
            at: self.at,
            hand: Some(self.hand).filter(|hand| *hand != Hand::Off),
        }
    }

    /// For the planner.
    pub fn view(&self) -> SlotView<GrantId> {
        SlotView {
            owner: self.owner,
            seen: self.seen,
            enabled: self.enabled,
            schedule: self.schedule.map(|given| given.tag),
        }
    }

    /// Takes in a reading. `written` is the PIN that the owner should have in the slot.
    pub fn take(&mut self, reading: Reading, written: Option<&Pin>, at: Timestamp, now_ms: u64) {
        self.seen = reading.content.compare(written);
        self.enabled = reading.enabled;
        self.content = reading.content;
        self.at = Some(at);
        self.read_ms = Some(now_ms);
        self.doubted = false;
        if self.seen == Seen::Empty {
            // Whoever emptied it may have taken the hours too: they are set anew before a PIN is.
            self.schedule = None;
        }
        match (self.owner, self.seen) {
            // Nothing of ours was ever put here: what is in it is somebody else's.
            (Owner::Free, seen) if !matches!(seen, Seen::Empty | Seen::Unknown) => {
                self.owner = Owner::Unmanaged
            }
            (Owner::Unmanaged, Seen::Empty) => self.owner = Owner::Free,
            _ => {}
        }
    }

    /// What was read no longer counts.
    pub fn forget_content(&mut self) {
        self.seen = Seen::Unknown;
        self.content = SlotContent::Unknown;
        self.read_ms = None;
    }

    /// Whether a PIN of ours may be in the slot.
    pub fn may_hold_ours(&self) -> bool {
        self.owner.grant().is_some() && self.seen != Seen::Empty
    }
}

/// How a grant stands, apart from any lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In force.
    Live(Moment),
    /// Ended by itself, at this instant.
    Over(Timestamp),
    /// Withdrawn, or no longer vouched for; noticed at this instant.
    Revoked(Timestamp),
}

/// What decides a code's state on one lock.
pub struct StateInput<'a> {
    /// How the grant stands.
    pub standing: Standing,
    /// The slot that is the grant's, if it has one, and the grant's revision.
    pub slot: Option<&'a Slot>,
    /// The newest revision.
    pub rev: u32,
    /// What keeps it off every slot of this lock.
    pub obstacle: Option<FailWhy>,
    /// When the lock will have a slot for it, if it has none and that is known.
    pub fits: Option<Timestamp>,
    /// What the lock can do, once it was observed.
    pub abilities: Option<&'a LockAbilities>,
    /// When the lock is tried again, if it does not answer.
    pub silent_until: Option<Timestamp>,
    /// Whether the lock has stopped answering.
    pub silent: bool,
    /// Milliseconds since boot to an instant.
    pub to_time: &'a dyn Fn(u64) -> Timestamp,
}

/// The state to report: only what was observed.
pub fn code_state(input: &StateInput<'_>) -> CodeState {
    let on = input.slot.filter(|slot| slot.may_hold_ours());
    match (input.standing, on) {
        (Standing::Over(since) | Standing::Revoked(since), Some(slot)) => {
            CodeState::StillOnLock { since, why: in_the_way(input, slot) }
        }
        (Standing::Over(_), None) => CodeState::Expired,
        (Standing::Revoked(_), None) => CodeState::Revoked,
        (Standing::Live(moment), Some(slot)) => on_lock(input, moment, slot),
        (Standing::Live(moment), None) => off_lock(input, moment),
    }
}

fn on_lock(input: &StateInput<'_>, moment: Moment, slot: &Slot) -> CodeState {
    let current = matches!(slot.owner, Owner::Managed { rev, .. } if rev == input.rev);
    let readable = input.abilities.is_some_and(|a| a.readback != Readback::None);
    let keeps_hours = input.abilities.is_some_and(LockAbilities::keeps_hours);
    // That it is off the lock, or switched off, is said only of what was read, or cannot be.
    let may_open = slot.enabled || (readable && slot.seen == Seen::Unknown);
    let closed = matches!(moment, Moment::NotYet { .. } | Moment::OutsideHours { .. }) && !keeps_hours;
    if closed && may_open && (!current || slot.seen == Seen::Unknown) {
        return CodeState::WrittenUnconfirmed { at: slot.at.unwrap_or_default() };
    }
    let switched_off = closed && !may_open;
    if !switched_off && (!current || slot.seen == Seen::Different) {
        let sent = matches!(slot.owner, Owner::Claimed { rev, .. } if rev == input.rev) && slot.enabled;
        if sent && slot.unsure && !readable && !input.silent && matches!(moment, Moment::Open { .. }) {
            // Nothing will ever tell whether it arrived.
            return CodeState::WrittenUnconfirmed { at: slot.at.unwrap_or_default() };
        }
        return underway(input, Some(slot));
    }
    let at = slot.at.unwrap_or_default();
    let there = match slot.seen {
        Seen::AsWritten if !slot.doubted => CodeState::OnLock { verified_at: at },
        _ => CodeState::WrittenUnconfirmed { at },
    };
    match moment {
        Moment::Open { .. } if slot.enabled => there,
        Moment::Open { .. } => underway(input, Some(slot)),
        // It is on the lock, whether the lock keeps its hours by itself or it is on the way off.
        Moment::Suspended if may_open => CodeState::StillOnLock { since: at, why: in_the_way(input, slot) },
        _ if slot.enabled => there,
        Moment::Suspended => CodeState::Suspended,
        Moment::NotYet { opens } => CodeState::Scheduled { opens },
        Moment::OutsideHours { opens } => CodeState::OutsideHours { opens },
        Moment::Over { .. } => CodeState::Expired,
    }
}

/// What is known to hold up a removal; nothing while it is merely under way.
fn in_the_way(input: &StateInput<'_>, slot: &Slot) -> Option<FailWhy> {
    slot.off.why().or(slot.retry.why()).or(input.silent.then_some(FailWhy::Unreachable))
}

fn off_lock(input: &StateInput<'_>, moment: Moment) -> CodeState {
    match (moment, input.obstacle) {
        (
            _,
            Some(
                why @ (FailWhy::Duplicate
                | FailWhy::DuplicateByHand
                | FailWhy::UsedBefore
                | FailWhy::NotSealedForHub
                | FailWhy::RejectedByLock
                | FailWhy::ZoneUnknown
                | FailWhy::Uncounted),
            ),
        ) => CodeState::Failed { why, next_try: None },
        (Moment::Suspended, _) => CodeState::Suspended,
        (_, Some(why @ FailWhy::Full)) => CodeState::Failed { why, next_try: input.fits },
        (Moment::NotYet { opens }, _) => CodeState::Scheduled { opens },
        (Moment::OutsideHours { opens }, _) => CodeState::OutsideHours { opens },
        (_, Some(why)) => CodeState::Failed { why, next_try: None },
        _ => underway(input, input.slot),
    }
}

/// On its way, or stuck on it.
fn underway(input: &StateInput<'_>, slot: Option<&Slot>) -> CodeState {
    if input.silent {
        return CodeState::Failed { why: FailWhy::Unreachable, next_try: input.silent_until };
    }
    match slot.map(|slot| slot.retry) {
        Some(retry @ (SlotRetry::Waiting { .. } | SlotRetry::Parked { .. })) => CodeState::Failed {
            why: retry.why().unwrap_or(FailWhy::Unreachable),
            next_try: retry.next_try().map(input.to_time),
        },
        _ => CodeState::Writing,
    }
}
