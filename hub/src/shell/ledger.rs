//! The ledger: what the hub must not lose, in one crash-safe file. Each batch of changes is one durable transaction
//! with the next generation number, so that after a crash the ledger is exactly as after some batch.
//!
//! It holds no PIN and no key, and nothing from which one could be guessed.

mod format;
mod info;

pub use format::FORMAT;
pub use info::LedgerInfo;

use crate::core::change::{Change, CodeRecord, LockRecord, Stored, TipRecord, UseRecord};
use crate::core::clock::FloorRecord;
use crate::core::slot_state::SlotRecord;
use crate::core::trust::Belonging;
use crate::machine::files;
use latchkey_shared::event::EventTip;
use latchkey_shared::id::{GrantId, Hash32, HomeId, HubId, LockId};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::wire::cbor::{from_slice, to_vec};
use latchkey_shared::wire::derive::{Decode, Encode};
use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

type Bytes = &'static [u8];
const META: TableDefinition<'_, &str, Bytes> = TableDefinition::new("meta");
const OPS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("ops");
const LOCKS: TableDefinition<'_, [u8; 16], Bytes> = TableDefinition::new("locks");
const SLOTS: TableDefinition<'_, ([u8; 16], u16), Bytes> = TableDefinition::new("slots");
const CODES: TableDefinition<'_, ([u8; 16], [u8; 16]), Bytes> = TableDefinition::new("codes");
const USES: TableDefinition<'_, [u8; 16], &[u8]> = TableDefinition::new("uses");
const EVENTS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("events");

/// How many events that the cloud has are kept for the local panel.
const KEEP_ACKED: u64 = 200;
/// Pages that redb may hold in memory, in bytes.
const CACHE: usize = 512 * 1024;

/// Why the ledger cannot be used.
#[derive(Debug)]
pub enum LedgerError {
    /// The file or the disk.
    Io(redb::Error),
    /// It holds something that this program does not understand: the table.
    Damaged(&'static str),
    /// Another hub process has it open.
    InUse,
    /// A newer program has written it. Nothing was changed.
    Newer {
        /// The version of its tables.
        format: u64,
        /// The oldest program that reads it.
        needs: String,
        /// The newest copy that this program can read or upgrade, if one was kept.
        kept: Option<PathBuf>,
    },
}

impl LedgerError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "ledger.io",
            Self::Damaged(_) => "ledger.damaged",
            Self::InUse => "ledger.in_use",
            Self::Newer { .. } => "ledger.newer",
        }
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "{}: the ledger cannot be read or written: {e}", self.code()),
            Self::Damaged(what) => {
                write!(f, "{}: the ledger's {what} cannot be read; restore it from a backup", self.code())
            }
            Self::InUse => write!(f, "{}: another hub is running with this state directory", self.code()),
            Self::Newer { format, needs, kept } => {
                write!(
                    f,
                    "{}: the ledger has format {format} and this is latchkey-hub {}, which knows {FORMAT}; install {needs} \
                     or newer",
                    self.code(),
                    env!("CARGO_PKG_VERSION")
                )?;
                match kept {
                    Some(kept) => {
                        write!(f, ", or put {} in its place and lose what happened since", kept.display())
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for LedgerError {}

impl<E: Into<redb::Error>> From<E> for LedgerError {
    fn from(e: E) -> Self {
        match e.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            e => Self::Io(e),
        }
    }
}

#[derive(Encode, Decode)]
struct BelongingRecord(#[n(0)] HomeId, #[n(1)] HubId, #[n(2)] Hash32);

/// The open ledger.
pub struct Ledger {
    db: Database,
    path: PathBuf,
}

fn decode<T: Encode + Decode>(bytes: &[u8], what: &'static str) -> Result<T, LedgerError> {
    from_slice(bytes, bytes.len()).map_err(|_| LedgerError::Damaged(what))
}

fn counter(bytes: &[u8], what: &'static str) -> Result<u64, LedgerError> {
    bytes.try_into().map(u64::from_le_bytes).map_err(|_| LedgerError::Damaged(what))
}

impl Ledger {
    /// Opens it, or makes an empty one. An older version is upgraded, and a copy of it kept.
    ///
    /// # Errors
    /// Another process has it open, a newer program has written it, or it cannot be read. Nothing is changed then.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        files::private_file(path).map_err(redb::Error::Io)?;
        format::prepare(path)?;
        // A file that a disk has altered is refused: else it would be taken at its word wherever it still makes sense.
        let db = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).create(path)?;
        Self::with(db, path)
    }

    fn with(db: Database, path: &Path) -> Result<Self, LedgerError> {
        let ledger = Self { db, path: path.to_owned() };
        ledger.write(|tx| {
            for table in [OPS, EVENTS] {
                tx.open_table(table)?;
            }
            tx.open_table(LOCKS)?;
            tx.open_table(SLOTS)?;
            tx.open_table(CODES)?;
            tx.open_table(USES)?;
            format::upgrade(tx)
        })?;
        Ok(ledger)
    }

    fn write<T>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let tx = self.db.begin_write()?;
        let result = act(&tx)?;
        tx.commit()?;
        Ok(result)
    }

    /// To which home the hub belongs; `None` while unpaired.
    pub fn belonging(&self) -> Result<Option<Belonging>, LedgerError> {
        let meta = self.db.begin_read()?.open_table(META)?;
        let Some(bytes) = meta.get("belonging")? else { return Ok(None) };
        let BelongingRecord(home, hub, genesis) = decode(bytes.value(), "belonging")?;
        Ok(Some(Belonging { home, hub, genesis }))
    }

    /// Writes down to which home the hub belongs, for good.
    pub fn belong(&self, to: &Belonging) -> Result<(), LedgerError> {
        let record = to_vec(&BelongingRecord(to.home, to.hub, to.genesis));
        self.write(|tx| {
            tx.open_table(META)?.insert("belonging", record.as_slice())?;
            Ok(())
        })
    }

    /// Writes a batch: all of it or, on error, nothing.
    pub fn persist(&self, changes: &[Change]) -> Result<(), LedgerError> {
        self.write(|tx| {
            for change in changes {
                persist_one(tx, change)?;
            }
            let mut meta = tx.open_table(META)?;
            let generation = meta.get("generation")?.map(|v| counter(v.value(), "generation")).transpose()?;
            meta.insert("generation", (generation.unwrap_or(0) + 1).to_le_bytes().as_slice())?;
            Ok(())
        })
    }

    /// How many batches were written.
    pub fn generation(&self) -> Result<u64, LedgerError> {
        let meta = self.db.begin_read()?.open_table(META)?;
        let value = meta.get("generation")?;
        value.map_or(Ok(0), |v| counter(v.value(), "generation"))
    }

    /// Everything the core starts from.
    pub fn load(&self) -> Result<Stored, LedgerError> {
        let tx = self.db.begin_read()?;
        let meta = tx.open_table(META)?;
        let mut stored = Stored::default();
        for entry in tx.open_table(OPS)?.iter()? {
            stored.ops.push(entry?.1.value().to_vec());
        }
        stored.head = meta.get("head")?.map(|v| v.value().to_vec());
        stored.floor = meta.get("floor")?.map(|v| decode::<FloorRecord>(v.value(), "floor")).transpose()?;
        if let Some(tip) = meta.get("tip")? {
            let tip: TipRecord = decode(tip.value(), "tip")?;
            stored.tip = EventTip { number: tip.number, hash: tip.hash };
        }
        let number = |key| meta.get(key)?.map_or(Ok(0), |v| counter(v.value(), "counters"));
        stored.acked = number("acked")?;
        stored.report_number = number("report")?;
        stored.panel_failures = u32::try_from(number("panel_failures")?).unwrap_or(u32::MAX);
        if let Some(release) = meta.get("release")? {
            stored.release = decode(release.value(), "release")?;
        }
        if let Some(staged) = meta.get("staged")? {
            stored.staged = decode(staged.value(), "staged")?;
        }
        for entry in tx.open_table(LOCKS)?.iter()? {
            let (id, record) = entry?;
            stored.locks.insert(LockId(id.value()), decode::<LockRecord>(record.value(), "locks")?);
        }
        for entry in tx.open_table(SLOTS)?.iter()? {
            let (key, record) = entry?;
            let (lock, no) = key.value();
            let key = (LockId(lock), SlotNo(no));
            stored.slots.insert(key, decode::<SlotRecord>(record.value(), "slots")?);
        }
        stored.codes = self.codes()?;
        for entry in tx.open_table(USES)?.iter()? {
            let (grant, uses) = entry?;
            stored.uses.insert(GrantId(grant.value()), decode::<UseRecord>(uses.value(), "uses")?);
        }
        Ok(stored)
    }

    fn codes(&self) -> Result<BTreeMap<(LockId, GrantId), CodeRecord>, LedgerError> {
        let mut codes = BTreeMap::new();
        for entry in self.db.begin_read()?.open_table(CODES)?.iter()? {
            let (key, record) = entry?;
            let (lock, grant) = key.value();
            codes.insert((LockId(lock), GrantId(grant)), decode(record.value(), "codes")?);
        }
        Ok(codes)
    }

    /// Signed events from a number on, at most so many.
    pub fn events(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, LedgerError> {
        let events = self.db.begin_read()?.open_table(EVENTS)?;
        let range = events.range(from..)?.take(most);
        range.map(|entry| Ok(entry?.1.value().to_vec())).collect()
    }

    /// The newest signed events, newest first, at most so many.
    pub fn newest_events(&self, most: usize) -> Result<Vec<Vec<u8>>, LedgerError> {
        let events = self.db.begin_read()?.open_table(EVENTS)?;
        let range = events.iter()?.rev().take(most);
        range.map(|entry| Ok(entry?.1.value().to_vec())).collect()
    }

    /// The last head and all ops, as a bundle from genesis.
    pub fn bundle(&self) -> Result<Option<latchkey_shared::head::Bundle>, LedgerError> {
        let stored = self.load()?;
        Ok(stored.head.map(|head| latchkey_shared::head::Bundle {
            head: head.into(),
            ops: stored.ops.into_iter().map(Into::into).collect(),
        }))
    }
}

fn persist_one(tx: &WriteTransaction, change: &Change) -> Result<(), LedgerError> {
    let meta = |key: &str, value: &[u8]| -> Result<(), LedgerError> {
        tx.open_table(META)?.insert(key, value)?;
        Ok(())
    };
    match change {
        Change::Chain { from, ops, head } => {
            let mut table = tx.open_table(OPS)?;
            for (seq, op) in (*from..).zip(ops) {
                // What was accepted is never written over.
                if table.insert(seq, op.as_slice())?.is_some_and(|old| old.value() != op.as_slice()) {
                    return Err(LedgerError::Damaged("ops"));
                }
            }
            meta("head", head)
        }
        Change::Floor(record) => meta("floor", &to_vec(record)),
        Change::Lock(id, record) => {
            tx.open_table(LOCKS)?.insert(id.0, to_vec(record).as_slice())?;
            Ok(())
        }
        Change::Slot(id, no, record) => {
            tx.open_table(SLOTS)?.insert((id.0, no.0), to_vec(record).as_slice())?;
            Ok(())
        }
        Change::Code(lock, grant, record) => {
            let mut table = tx.open_table(CODES)?;
            match record {
                Some(record) => table.insert((lock.0, grant.0), to_vec(record).as_slice())?,
                None => table.remove((lock.0, grant.0))?,
            };
            Ok(())
        }
        Change::Uses(grant, uses) => {
            tx.open_table(USES)?.insert(grant.0, to_vec(uses).as_slice())?;
            Ok(())
        }
        Change::Event(tip, bytes) => {
            let mut table = tx.open_table(EVENTS)?;
            if table.insert(tip.number, bytes.as_slice())?.is_some() {
                return Err(LedgerError::Damaged("events"));
            }
            meta("tip", &to_vec(&TipRecord { number: tip.number, hash: tip.hash }))
        }
        Change::LogMoved(tip) => {
            let acked =
                tx.open_table(META)?.get("acked")?.map(|v| counter(v.value(), "counters")).transpose()?;
            tx.open_table(EVENTS)?.retain_in(acked.unwrap_or(0).saturating_add(1).., |_, _| false)?;
            meta("acked", &tip.number.to_le_bytes())?;
            meta("tip", &to_vec(&TipRecord { number: tip.number, hash: tip.hash }))
        }
        Change::Acked(through) => {
            let mut table = tx.open_table(EVENTS)?;
            table.retain_in(..through.saturating_sub(KEEP_ACKED), |_, _| false)?;
            meta("acked", &through.to_le_bytes())
        }
        Change::ReportNumber(number) => meta("report", &number.to_le_bytes()),
        Change::Release(release) => meta("release", &to_vec(release)),
        Change::Staged(changes) => meta("staged", &to_vec(changes)),
        Change::PanelFailures(count) => meta("panel_failures", &u64::from(*count).to_le_bytes()),
    }
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::slot_state::{Hand, OwnerRecord, SeenRecord};
    use latchkey_shared::time::Timestamp;

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&dir.path().join("ledger")).unwrap();
        (dir, ledger)
    }

    fn event(number: u64) -> Change {
        Change::Event(EventTip { number, hash: Some(Hash32([1; 32])) }, vec![number as u8])
    }

    #[test]
    fn what_is_written_comes_back() {
        let (dir, ledger) = ledger();
        assert_eq!(ledger.load().unwrap().ops.len(), 0);
        let slot = SlotRecord {
            owner: OwnerRecord::Claimed(GrantId([3; 16]), 7),
            seen: SeenRecord::Unknown,
            enabled: true,
            schedule: None,
            at: Some(Timestamp(5)),
            hand: Some(Hand::Told),
        };
        let lock = LockId([2; 16]);
        let changes = [
            Change::Chain { from: 0, ops: vec![vec![1], vec![2]], head: vec![9] },
            Change::Slot(lock, SlotNo(4), slot),
            Change::Uses(GrantId([3; 16]), UseRecord { count: 2, first: Timestamp(5), last: Timestamp(9) }),
            Change::ReportNumber(8),
            event(1),
        ];
        ledger.persist(&changes).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&dir.path().join("ledger")).unwrap();
        let stored = ledger.load().unwrap();
        assert_eq!((stored.ops, stored.head), (vec![vec![1], vec![2]], Some(vec![9])));
        assert_eq!(stored.slots[&(lock, SlotNo(4))], slot);
        assert_eq!((stored.report_number, stored.tip.number), (8, 1));
        assert_eq!(ledger.generation().unwrap(), 1);
    }

    #[test]
    fn a_batch_is_written_whole_or_not_at_all() {
        let (_dir, ledger) = ledger();
        ledger.persist(&[event(1)]).unwrap();
        // The second change cannot be: an event with this number is there.
        assert!(ledger.persist(&[Change::ReportNumber(5), event(1)]).is_err());
        assert_eq!(ledger.load().unwrap().report_number, 0);
        assert_eq!(ledger.generation().unwrap(), 1);
    }

    #[test]
    fn an_accepted_op_is_never_written_over() {
        let (_dir, ledger) = ledger();
        let chain = |op: u8| Change::Chain { from: 0, ops: vec![vec![op]], head: vec![0] };
        ledger.persist(&[chain(1)]).unwrap();
        ledger.persist(&[chain(1)]).unwrap();
        assert!(ledger.persist(&[chain(2)]).is_err());
    }

    #[test]
    fn one_process_at_a_time() {
        let (dir, _ledger) = ledger();
        assert!(matches!(Ledger::open(&dir.path().join("ledger")), Err(LedgerError::InUse)));
    }

    #[test]
    fn acknowledged_events_are_pruned() {
        let (_dir, ledger) = ledger();
        let events: Vec<Change> = (1..=KEEP_ACKED + 50).map(event).collect();
        ledger.persist(&events).unwrap();
        ledger.persist(&[Change::Acked(KEEP_ACKED + 20)]).unwrap();
        assert_eq!(ledger.events(0, 1).unwrap(), [vec![20]]);
        assert_eq!(ledger.newest_events(1).unwrap(), [vec![(KEEP_ACKED + 50) as u8]]);
    }
}
