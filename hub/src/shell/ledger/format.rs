//! Versions of the ledger's tables: which this program reads, how older ones are brought up to it, and what becomes of
//! newer ones. Nothing is written before it is known that the file can be read; before an upgrade a copy is put aside,
//! with which the program before this one can go on.

use super::{CACHE, LOCKS, LedgerError, META, counter};
use latchkey_shared::wire::cbor::{Reader, Writer};
use redb::{Builder, ReadableDatabase, ReadableTable, TableError, WriteTransaction};
use std::fs;
use std::path::{Path, PathBuf};

/// The version that this program writes.
pub const FORMAT: u64 = 3;
/// The oldest program that reads it.
const NEEDS: &str = "0.1.0";

/// How deep a record's values are nested at most.
const MAX_DEPTH: usize = 8;

type Step = fn(&WriteTransaction) -> Result<(), LedgerError>;

/// How to get from a version to the next. What is not here cannot be upgraded.
const STEPS: [(u64, Step); 1] = [(2, observe_again)];

/// What a ledger says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Said {
    pub(super) format: Option<u64>,
    pub(super) needs: Option<String>,
    pub(super) written_by: Option<String>,
}

/// Looks at a ledger without writing to it. `None`: there is none yet.
pub(super) fn look(path: &Path) -> Result<Option<Said>, LedgerError> {
    if fs::metadata(path).map_or(true, |meta| meta.len() == 0) {
        return Ok(None);
    }
    let builder = || {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE);
        builder
    };
    match builder().open_read_only(path) {
        Ok(db) => say(&db).map(Some),
        // It was not closed in order, and reading would repair it: that is done to a copy.
        Err(redb::DatabaseError::RepairAborted) => {
            let copy = path.with_extension("look");
            fs::copy(path, &copy).map_err(redb::Error::Io)?;
            let said = builder().open(&copy).map_err(LedgerError::from).and_then(|db| say(&db));
            fs::remove_file(&copy).map_err(redb::Error::Io)?;
            said.map(Some)
        }
        Err(e) => Err(e.into()),
    }
}

fn say(db: &impl ReadableDatabase) -> Result<Said, LedgerError> {
    let meta = match db.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        // Stopped before its first word.
        Err(TableError::TableDoesNotExist(_)) => return Ok(Said::default()),
        Err(e) => return Err(e.into()),
    };
    let text = |key: &str| -> Result<Option<String>, LedgerError> {
        Ok(meta.get(key)?.and_then(|v| String::from_utf8(v.value().to_vec()).ok()))
    };
    Ok(Said {
        format: meta.get("format")?.map(|v| counter(v.value(), "format")).transpose()?,
        needs: text("needs")?,
        written_by: text("written_by")?,
    })
}

/// Before it is opened: refuses what cannot be read, and puts a copy aside of what will be upgraded.
pub(super) fn prepare(path: &Path) -> Result<(), LedgerError> {
    let Some(said) = look(path)? else { return Ok(()) };
    match said.format {
        None | Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(LedgerError::Newer {
            format: newer,
            needs: said.needs.unwrap_or_else(|| "a newer version".to_owned()),
            kept: kept_aside(path).pop(),
        }),
        Some(older) if STEPS.iter().any(|(from, _)| *from == older) => {
            let aside = aside(path, older);
            let next = aside.with_extension("new");
            let copied = fs::copy(path, &next)
                .and_then(|_| fs::File::open(&next)?.sync_all())
                .and_then(|()| fs::rename(&next, &aside))
                .and_then(|()| fs::File::open(aside.parent().unwrap_or(Path::new(".")))?.sync_all());
            copied.map_err(redb::Error::Io)?;
            tracing::info!(from = older, to = FORMAT, kept = %aside.display(), "the ledger is upgraded; its copy is kept");
            Ok(())
        }
        Some(_) => Err(LedgerError::Damaged("format")),
    }
}

/// Brings the tables up to this program's version, in the same transaction that makes them.
pub(super) fn upgrade(tx: &WriteTransaction) -> Result<(), LedgerError> {
    let mut format = {
        let meta = tx.open_table(META)?;
        let format = meta.get("format")?.map(|v| counter(v.value(), "format")).transpose()?;
        format.unwrap_or(FORMAT)
    };
    while format != FORMAT {
        let step = STEPS.iter().find(|(from, _)| *from == format).ok_or(LedgerError::Damaged("format"))?;
        (step.1)(tx)?;
        format += 1;
    }
    let mut meta = tx.open_table(META)?;
    meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
    meta.insert("needs", NEEDS.as_bytes())?;
    meta.insert("written_by", env!("CARGO_PKG_VERSION").as_bytes())?;
    Ok(())
}

/// Where the copy of an older version is kept.
fn aside(path: &Path, format: u64) -> PathBuf {
    path.with_file_name(format!("ledger-format-{format}.redb"))
}

/// Copies of older versions, oldest first.
pub(super) fn kept_aside(path: &Path) -> Vec<PathBuf> {
    (1..FORMAT).map(|format| aside(path, format)).filter(|copy| copy.exists()).collect()
}

/// 2 to 3: what a lock can do is written in another way. It is left out, and the lock asked again.
fn observe_again(tx: &WriteTransaction) -> Result<(), LedgerError> {
    let mut locks = tx.open_table(LOCKS)?;
    let mut changed: Vec<([u8; 16], Vec<u8>)> = vec![];
    for entry in locks.iter()? {
        let (id, record) = entry?;
        changed.push((id.value(), without(record.value(), 2).ok_or(LedgerError::Damaged("locks"))?));
    }
    for (id, record) in changed {
        locks.insert(id, record.as_slice())?;
    }
    Ok(())
}

/// A CBOR map with small numbers for keys, without one of them.
fn without(map: &[u8], key: u64) -> Option<Vec<u8>> {
    let mut r = Reader::new(map);
    let mut kept: Vec<(u64, &[u8])> = vec![];
    for _ in 0..r.map()? {
        let (found, before) = (r.uint()?, r.rest());
        r.skip(MAX_DEPTH)?;
        if found != key {
            kept.push((found, before.get(..before.len() - r.rest().len())?));
        }
    }
    let mut w = Writer::new();
    w.map(kept.len());
    for (key, value) in kept {
        w.uint(key);
        w.raw(value);
    }
    Some(w.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::change::{Change, Presence};
    use crate::core::slot_state::{OwnerRecord, SeenRecord};
    use crate::shell::ledger::{Ledger, OPS, SLOTS};
    use latchkey_shared::id::{GrantId, LockId};
    use latchkey_shared::slot::SlotNo;
    use latchkey_shared::time::Timestamp;
    use redb::Database;

    /// A lock and a slot as format 2 had them: what a lock can do says in another way what it keeps to.
    const LOCK: &str = "a6016573696d2f4102a106f50403056141066373696d0700";
    const SLOT: &str = "a401820382500303030303030303030303030303030307020103f50505";

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// A ledger as the program before this one left it.
    fn old(path: &Path) {
        let db = Database::create(path).unwrap();
        let tx = db.begin_write().unwrap();
        tx.open_table(META).unwrap().insert("format", 2u64.to_le_bytes().as_slice()).unwrap();
        tx.open_table(META).unwrap().insert("report", 8u64.to_le_bytes().as_slice()).unwrap();
        tx.open_table(OPS).unwrap().insert(0, [1u8, 2].as_slice()).unwrap();
        tx.open_table(LOCKS).unwrap().insert([5; 16], hex(LOCK).as_slice()).unwrap();
        tx.open_table(SLOTS).unwrap().insert(([5; 16], 4), hex(SLOT).as_slice()).unwrap();
        tx.commit().unwrap();
    }

    #[test]
    fn an_old_ledger_is_upgraded_and_its_copy_goes_on_working() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.redb");
        old(&path);
        let before = fs::read(&path).unwrap();
        let stored = Ledger::open(&path).unwrap().load().unwrap();
        assert_eq!((stored.ops, stored.report_number), (vec![vec![1, 2]], 8));
        let lock = &stored.locks[&LockId([5; 16])];
        assert_eq!((lock.key.as_str(), lock.name.as_str(), lock.generation), ("sim/A", "A", 3));
        let slot = stored.slots[&(LockId([5; 16]), SlotNo(4))];
        let owner = OwnerRecord::Managed(GrantId([3; 16]), 7);
        assert_eq!((slot.owner, slot.seen, slot.enabled), (owner, SeenRecord::AsWritten, true));
        assert_eq!((slot.schedule, slot.at), (None, Some(Timestamp(5))));
        assert_eq!((lock.abilities.as_ref(), lock.presence), (None, Presence::Here), "it is asked again");
        assert_eq!(look(&path).unwrap().unwrap().format, Some(FORMAT));
        let kept = kept_aside(&path);
        assert_eq!(kept, [dir.path().join("ledger-format-2.redb")]);
        assert_eq!(fs::read(&kept[0]).unwrap(), before);
        // Downgrade and upgrade again.
        fs::copy(&kept[0], &path).unwrap();
        assert_eq!(look(&path).unwrap().unwrap().format, Some(2));
        assert_eq!(Ledger::open(&path).unwrap().load().unwrap().report_number, 8);
    }

    #[test]
    fn a_newer_ledger_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.redb");
        Ledger::open(&path).unwrap().persist(&[Change::ReportNumber(5)]).unwrap();
        {
            let db = Database::open(&path).unwrap();
            let tx = db.begin_write().unwrap();
            tx.open_table(META).unwrap().insert("format", (FORMAT + 1).to_le_bytes().as_slice()).unwrap();
            tx.open_table(META).unwrap().insert("needs", b"0.9.0".as_slice()).unwrap();
            tx.commit().unwrap();
        }
        let before = fs::read(&path).unwrap();
        let refused = Ledger::open(&path).err().unwrap();
        assert_eq!(refused.code(), "ledger.newer");
        assert!(refused.to_string().contains("0.9.0"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before);
        // Also one that was not closed in order.
        let crashed = dir.path().join("crashed.redb");
        let db = Database::open(&path).unwrap();
        let tx = db.begin_write().unwrap();
        tx.open_table(META).unwrap().insert("report", 6u64.to_le_bytes().as_slice()).unwrap();
        tx.commit().unwrap();
        fs::copy(&path, &crashed).unwrap();
        drop(db);
        let before = fs::read(&crashed).unwrap();
        assert!(Builder::new().open_read_only(&crashed).is_err(), "it would have to be repaired");
        assert_eq!(Ledger::open(&crashed).err().unwrap().code(), "ledger.newer");
        assert_eq!(fs::read(&crashed).unwrap(), before);
    }

    #[test]
    fn a_version_without_a_way_up_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.redb");
        old(&path);
        let db = Database::open(&path).unwrap();
        let tx = db.begin_write().unwrap();
        tx.open_table(META).unwrap().insert("format", 1u64.to_le_bytes().as_slice()).unwrap();
        tx.commit().unwrap();
        drop(db);
        assert_eq!(Ledger::open(&path).err().unwrap().code(), "ledger.damaged");
    }
}
