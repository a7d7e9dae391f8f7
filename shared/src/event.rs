//! Events: what a hub saw happen. Numbered without a gap, each naming the one before by its hash, signed: a missing
//! or an edited one shows.

mod words;

pub use words::{EventNames, span_words};

use crate::error::coded_error;
use crate::explain::FailWhy;
use crate::id::{GrantId, Hash32, HomeId, HubId, LockId, SignPublic};
use crate::limits;
use crate::report::Bolt;
use crate::slot::SlotNo;
use crate::time::Timestamp;
use crate::wire::cbor;
use crate::wire::cose::{self, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};
use ed25519_dalek::SigningKey;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// The hub.
    #[n(2)]
    pub hub: HubId,
    /// Its number, from 1.
    #[n(3)]
    pub number: u64,
    /// When, by the hub's clock; of what a lock did while the hub was away, by the lock's.
    #[n(6)]
    pub at: Timestamp,
    /// What happened.
    #[n(7)]
    pub body: EventBody,
    /// The hash of the event before; absent in the first.
    #[n(8)]
    pub prev: Option<Hash32>,
    /// Whether the hub did not know the time, so that `at` is only a lower bound.
    #[n(9)]
    pub clock_unsure: bool,
}

/// What happened. On the wire `[kind, fields…]`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(flat)]
pub enum EventBody {
    /// The hub started; its version.
    #[n(0)]
    Started(#[n(0)] String),
    /// A code opened a lock.
    #[n(1)]
    CodeUsed(#[n(0)] LockId, #[n(1)] GrantId),
    /// A lock refused what was typed.
    #[n(2)]
    EntryRefused(#[n(0)] LockId),
    /// A code that Latchkey does not manage opened a lock.
    #[n(3)]
    UnmanagedUsed(#[n(0)] LockId, #[n(1)] SlotNo),
    /// A code was put on a lock; whether it was read back.
    #[n(4)]
    CodePut(#[n(0)] LockId, #[n(1)] GrantId, #[n(2)] bool),
    /// A code was taken off a lock, why, and whether that was read back.
    #[n(5)]
    CodeTaken(#[n(0)] LockId, #[n(1)] GrantId, #[n(2)] TakenWhy, #[n(3)] bool),
    /// A code could not be put on a lock.
    #[n(6)]
    CodeFailed(#[n(0)] LockId, #[n(1)] GrantId, #[n(2)] FailWhy),
    /// A lock was found; its name.
    #[n(7)]
    LockFound(#[n(0)] LockId, #[n(1)] String),
    /// A lock stopped answering, or answers again.
    #[n(8)]
    LockReachable(#[n(0)] LockId, #[n(1)] bool),
    /// Somebody changed a slot at the lock.
    #[n(9)]
    ChangedByHand(#[n(0)] LockId, #[n(1)] SlotNo),
    /// The hub's clock was set: seconds by which it moved.
    #[n(10)]
    ClockMoved(#[n(0)] i64),
    /// The server showed the hub a history that contradicts the one it has; the stable code.
    #[n(11)]
    ChainAlarm(#[n(0)] String),
    /// The connection to the cloud was lost, or is there again.
    #[n(12)]
    Online(#[n(0)] bool),
    /// A lock was taken away.
    #[n(13)]
    LockGone(#[n(0)] LockId),
    /// The hub's panel was opened with this code.
    #[n(14)]
    PanelOpened(#[n(0)] GrantId),
    /// The hub's panel refused a PIN.
    #[n(15)]
    PanelRefused,
    /// A code was changed at the hub's panel, and with which code the panel was opened.
    #[n(16)]
    PanelChanged(#[n(0)] GrantId, #[n(1)] PanelChange, #[n(2)] GrantId),
    /// A change made at the hub's panel did not fit what others did meanwhile and was dropped: the stable code says why.
    #[n(17)]
    PanelDropped(#[n(0)] GrantId, #[n(1)] PanelChange, #[n(2)] String),
    /// A duress code opened a lock: the silent alarm. It stands in place of `CodeUsed`, and is shown as that wherever
    /// somebody might look over a shoulder.
    #[n(18)]
    Duress(#[n(0)] LockId, #[n(1)] GrantId),
    /// A lock's own journal had no room for so many entries before the hub read them.
    #[n(19)]
    EntriesLost(#[n(0)] LockId, #[n(1)] u64),
    /// The hub has no rules for the home's time zone of this name: codes with hours do not open.
    #[n(20)]
    ZoneUnknown(#[n(0)] String),
    /// The hub was set back to a backup of itself, in which this was the last event.
    #[n(21)]
    Restored(#[n(0)] u64),
    /// Somebody at the hub took it out of the home: its codes are off its locks.
    #[n(22)]
    StartedOver,
    /// The hub's panel was opened with a duress code: the silent alarm, in place of `PanelOpened`.
    #[n(23)]
    PanelDuress(#[n(0)] GrantId),
    /// A lock's bolt got stuck.
    #[n(24)]
    Jammed(#[n(0)] LockId),
    /// Somebody tampered with a lock.
    #[n(25)]
    Tampered(#[n(0)] LockId),
    /// A lock's battery is low.
    #[n(26)]
    BatteryLow(#[n(0)] LockId),
    /// A lock was locked or unlocked from the hub's panel: how it was to be, with which code the panel was opened, and
    /// whether the bolt was read to be there afterwards.
    #[n(27)]
    Operated(#[n(0)] LockId, #[n(1)] Bolt, #[n(2)] GrantId, #[n(3)] bool),
}

/// What was done to a code at a hub's panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum PanelChange {
    /// Made.
    #[n(0)]
    Added,
    /// Renamed, extended or shortened.
    #[n(1)]
    Edited,
    /// Paused.
    #[n(2)]
    Suspended,
    /// No longer paused.
    #[n(3)]
    Resumed,
    /// Ended for good.
    #[n(4)]
    Ended,
}

impl EventBody {
    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::CodeUsed(..) => "code_used",
            Self::EntryRefused(_) => "entry_refused",
            Self::UnmanagedUsed(..) => "unmanaged_used",
            Self::CodePut(..) => "code_put",
            Self::CodeTaken(..) => "code_taken",
            Self::CodeFailed(..) => "code_failed",
            Self::LockFound(..) => "lock_found",
            Self::LockReachable(_, true) => "lock_reachable",
            Self::LockReachable(_, false) => "lock_unreachable",
            Self::ChangedByHand(..) => "changed_by_hand",
            Self::ClockMoved(_) => "clock_moved",
            Self::ChainAlarm(_) => "chain_alarm",
            Self::Online(true) => "online",
            Self::Online(false) => "offline",
            Self::LockGone(_) => "lock_gone",
            Self::PanelOpened(_) => "panel_opened",
            Self::PanelRefused => "panel_refused",
            Self::PanelChanged(..) => "panel_changed",
            Self::PanelDropped(..) => "panel_dropped",
            Self::Duress(..) => "duress",
            Self::EntriesLost(..) => "entries_lost",
            Self::ZoneUnknown(_) => "zone_unknown",
            Self::Restored(_) => "restored",
            Self::StartedOver => "started_over",
            Self::PanelDuress(_) => "panel_duress",
            Self::Jammed(_) => "jammed",
            Self::Tampered(_) => "tampered",
            Self::BatteryLow(_) => "battery_low",
            Self::Operated(..) => "operated",
        }
    }

    /// The lock that it is about.
    pub fn lock(&self) -> Option<LockId> {
        match self {
            Self::CodeUsed(lock, _)
            | Self::EntryRefused(lock)
            | Self::UnmanagedUsed(lock, _)
            | Self::CodePut(lock, ..)
            | Self::CodeTaken(lock, ..)
            | Self::CodeFailed(lock, ..)
            | Self::LockFound(lock, _)
            | Self::LockReachable(lock, _)
            | Self::ChangedByHand(lock, _)
            | Self::LockGone(lock)
            | Self::Duress(lock, _)
            | Self::EntriesLost(lock, _)
            | Self::Jammed(lock)
            | Self::Tampered(lock)
            | Self::BatteryLow(lock)
            | Self::Operated(lock, ..) => Some(*lock),
            _ => None,
        }
    }

    /// The code that it is about.
    pub fn grant(&self) -> Option<GrantId> {
        match self {
            Self::CodeUsed(_, grant)
            | Self::CodePut(_, grant, _)
            | Self::CodeTaken(_, grant, ..)
            | Self::CodeFailed(_, grant, _)
            | Self::PanelOpened(grant)
            | Self::PanelChanged(grant, ..)
            | Self::PanelDropped(grant, ..)
            | Self::Duress(_, grant)
            | Self::PanelDuress(grant)
            | Self::Operated(_, _, grant, _) => Some(*grant),
            _ => None,
        }
    }

    /// Which code opened which lock, if that is what happened; of a duress code the same as of any other.
    pub fn entry(&self) -> Option<(LockId, GrantId)> {
        match self {
            Self::CodeUsed(lock, grant) | Self::Duress(lock, grant) => Some((*lock, *grant)),
            _ => None,
        }
    }
}

/// Why a code was taken off a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum TakenWhy {
    /// Its term ended.
    #[n(0)]
    Expired,
    /// It was revoked.
    #[n(1)]
    Revoked,
    /// It is outside its hours.
    #[n(2)]
    OutsideHours,
    /// It changed and no longer names this lock, or its PIN was replaced.
    #[n(3)]
    Changed,
    /// No fresh word from the server within the offline grace.
    #[n(4)]
    OfflineGrace,
    /// A nearer booking needed the slot.
    #[n(5)]
    GaveWay,
    /// It was paused.
    #[n(6)]
    Suspended,
}

impl TakenWhy {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::OutsideHours => "outside_hours",
            Self::Changed => "changed",
            Self::OfflineGrace => "offline_grace",
            Self::GaveWay => "gave_way",
            Self::Suspended => "suspended",
        }
    }
}

coded_error! {
    /// Why an event is refused.
    pub enum EventError {
        Malformed = "event.malformed", "The hub's event is damaged, or from a newer version.";
        BadSignature = "event.bad_signature", "The event is not signed by the hub of which it speaks.";
        WrongHub = "event.wrong_hub", "The event is another hub's or another home's.";
        Gap = "event.gap", "An event is missing: the numbers do not follow.";
        Broken = "event.broken", "The event does not follow from the one before: somebody changed the log.";
    }
}

/// Where a log of events stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventTip {
    /// The last event's number; 0 before the first.
    pub number: u64,
    /// The last event's hash.
    pub hash: Option<Hash32>,
}

impl Event {
    /// Signs it. The hash of the result is the next event's `prev`.
    pub fn sign(&self, hub: &SigningKey) -> (Vec<u8>, Hash32) {
        let bytes = cose::sign(Kind::Event, cbor::to_vec(self), hub);
        let hash = match Unverified::parse(Kind::Event, &bytes, limits::MAX_EVENT_BYTES) {
            Ok(message) => message.hash(),
            // Too long to be read again, so nobody will: the log stops there and shows it.
            Err(_) => Hash32::of(&bytes),
        };
        (bytes, hash)
    }

    /// Reads an event that this hub of this home signed, and its hash. Says nothing of its place in the log.
    pub fn verify(
        bytes: &[u8],
        home: &HomeId,
        hub: &HubId,
        key: &SignPublic,
    ) -> Result<(Self, Hash32), EventError> {
        let message = Unverified::parse(Kind::Event, bytes, limits::MAX_EVENT_BYTES)
            .map_err(|_| EventError::Malformed)?;
        let payload = message.verify(key).map_err(|_| EventError::BadSignature)?;
        let event: Self =
            cbor::from_slice(payload, limits::MAX_EVENT_BYTES).map_err(|_| EventError::Malformed)?;
        if event.home != *home || event.hub != *hub {
            return Err(EventError::WrongHub);
        }
        event.at.validate().map_err(|_| EventError::Malformed)?;
        Ok((event, message.hash()))
    }

    /// What an event says. Only a claim.
    pub fn claimed(bytes: &[u8]) -> Option<Self> {
        let message = Unverified::parse(Kind::Event, bytes, limits::MAX_EVENT_BYTES).ok()?;
        cbor::from_slice(message.claimed_payload(), limits::MAX_EVENT_BYTES).ok()
    }

    /// Which hub and home an event is said to be of, to find the key. Only a claim.
    pub fn claimed_source(bytes: &[u8]) -> Option<(HomeId, HubId)> {
        Self::claimed(bytes).map(|event| (event.home, event.hub))
    }

    /// Whether it comes right after `tip`.
    pub fn follows(&self, tip: &EventTip) -> Result<(), EventError> {
        if self.number != tip.number + 1 {
            Err(EventError::Gap)
        } else if self.prev != tip.hash {
            Err(EventError::Broken)
        } else {
            Ok(())
        }
    }
}
