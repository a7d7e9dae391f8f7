//! What the ledger is told to write. All changes of one batch are written in one transaction or not at all.

use super::clock::FloorRecord;
use super::health::HealthRecord;
use super::slot_state::SlotRecord;
use latchkey_shared::chain::staged::StagedChange;
use latchkey_shared::event::EventTip;
use latchkey_shared::explain::CodeState;
use latchkey_shared::id::{GrantId, Hash32, LockId};
use latchkey_shared::slot::{LockAbilities, OwnEnd, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::derive::{Decode, Encode};
use std::collections::BTreeMap;

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Accepted ops from this number on, and the head that covers them.
    Chain {
        /// The number of the first of `ops`.
        from: u64,
        /// Signed ops in order.
        ops: Vec<Vec<u8>>,
        /// The signed head.
        head: Vec<u8>,
    },
    /// The clock's floor.
    Floor(FloorRecord),
    /// A lock's own record.
    Lock(LockId, LockRecord),
    /// A slot.
    Slot(LockId, SlotNo, SlotRecord),
    /// How a code stands on a lock; `None`: no longer of interest.
    Code(LockId, GrantId, Option<CodeRecord>),
    /// How often a code was used.
    Uses(GrantId, UseRecord),
    /// A signed event and the log's end with it.
    Event(EventTip, Vec<u8>),
    /// Every event up to this number is stored by the cloud.
    Acked(u64),
    /// The log goes on after this event of this hub, which the cloud has: events here that it does not have are dropped.
    LogMoved(EventTip),
    /// The number of the newest report.
    ReportNumber(u64),
    /// The changes made at the panel that the chain does not have yet, in order: all of them.
    Staged(Vec<StagedChange>),
    /// How many PINs in a row the panel has refused.
    PanelFailures(u32),
    /// Whether the hub is being taken out of its home.
    Release(Release),
}

/// Whether the hub is being taken out of its home by somebody who stands at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Release {
    /// It is not.
    #[default]
    #[n(0)]
    Staying,
    /// It is: codes go off the locks.
    #[n(1)]
    Leaving,
    /// It is, and locks that do not answer are given up.
    #[n(2)]
    LeavingBehind,
    /// Its codes are off the locks, or given up, and its log says so: the cloud is waited for to take that.
    #[n(4)]
    Parting,
    /// It has left: its keys are to be wiped and its ledger put aside.
    #[n(3)]
    Gone,
}

/// How a code was used on this hub's locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct UseRecord {
    /// How often.
    #[n(1)]
    pub count: u32,
    /// First when.
    #[n(2)]
    pub first: Timestamp,
    /// Last when.
    #[n(3)]
    pub last: Timestamp,
}

/// A lock in the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LockRecord {
    /// What its driver calls it.
    #[n(1)]
    pub key: String,
    /// What it can do, once observed.
    #[n(2)]
    pub abilities: Option<LockAbilities>,
    /// The newest entry of its journal that was taken in.
    #[n(3)]
    pub journal: Option<u64>,
    /// Counts changes of what is desired.
    #[n(4)]
    pub generation: u64,
    /// What people call it.
    #[n(5)]
    pub name: String,
    /// The driver that speaks to it.
    #[n(6)]
    pub driver: String,
    /// Whether it is still there.
    #[n(7)]
    pub presence: Presence,
    /// How it was over the last weeks.
    #[n(8)]
    pub health: Option<HealthRecord>,
    /// The next step of the search for codes of the home of which nothing is known here: those that were put after a backup
    /// that was put back, or by a hub that was removed.
    #[n(9)]
    pub search: Option<u16>,
}

/// Whether a lock is still in the hub's configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Presence {
    /// It is.
    #[n(0)]
    Here,
    /// It was taken out, and the cloud has not been told.
    #[n(1)]
    Gone,
    /// It was taken out, and the cloud knows.
    #[n(2)]
    GoneTold,
}

/// A code on a lock, as last reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct CodeRecord {
    /// The revision.
    #[n(1)]
    pub rev: u32,
    /// How it stands.
    #[n(2)]
    pub state: CodeState,
    /// Since when.
    #[n(3)]
    pub since: Timestamp,
    /// Whether the lock itself ends it.
    #[n(4)]
    pub own_end: Option<OwnEnd>,
}

/// The end of the event log in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct TipRecord {
    /// The last event's number.
    #[n(1)]
    pub number: u64,
    /// Its hash.
    #[n(2)]
    pub hash: Option<Hash32>,
}

/// What the core starts from: the ledger's content.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Signed ops from 0 on.
    pub ops: Vec<Vec<u8>>,
    /// The last accepted head.
    pub head: Option<Vec<u8>>,
    /// The clock's floor.
    pub floor: Option<FloorRecord>,
    /// The locks.
    pub locks: BTreeMap<LockId, LockRecord>,
    /// Their slots.
    pub slots: BTreeMap<(LockId, SlotNo), SlotRecord>,
    /// The codes on them.
    pub codes: BTreeMap<(LockId, GrantId), CodeRecord>,
    /// How often codes were used.
    pub uses: BTreeMap<GrantId, UseRecord>,
    /// The event log's end.
    pub tip: EventTip,
    /// Up to which number the cloud has the events.
    pub acked: u64,
    /// The newest report's number.
    pub report_number: u64,
    /// The changes made at the panel that the chain does not have yet.
    pub staged: Vec<StagedChange>,
    /// How many PINs in a row the panel has refused.
    pub panel_failures: u32,
    /// Whether the hub is being taken out of its home.
    pub release: Release,
}
