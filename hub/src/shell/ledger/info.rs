//! What is in a ledger, in numbers.

use super::{CODES, EVENTS, LOCKS, Ledger, LedgerError, META, OPS, SLOTS, USES, counter, format};
use redb::{ReadableDatabase, ReadableTableMetadata};
use serde::Serialize;

/// A ledger in numbers. No name and no content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LedgerInfo {
    /// The version of its tables.
    pub format: u64,
    /// The oldest program that reads it.
    pub needs: String,
    /// The program that wrote it last.
    pub written_by: String,
    /// How many batches were written.
    pub generation: u64,
    /// Ops of the chain.
    pub ops: u64,
    /// Events that are kept.
    pub events: u64,
    /// The number of the newest event that the cloud has.
    pub acknowledged: u64,
    /// Locks, also such as are gone.
    pub locks: u64,
    /// Slots of which something is known.
    pub slots: u64,
    /// Codes on locks.
    pub codes: u64,
    /// Codes whose uses are counted.
    pub uses: u64,
    /// The file's size, in bytes.
    pub bytes: u64,
    /// Copies of older versions beside it, oldest first.
    pub kept_aside: Vec<String>,
}

impl Ledger {
    /// This ledger in numbers.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn info(&self) -> Result<LedgerInfo, LedgerError> {
        let tx = self.db.begin_read()?;
        let meta = tx.open_table(META)?;
        let text = |key: &str| -> Result<String, LedgerError> {
            let value = meta.get(key)?;
            Ok(value.map(|v| String::from_utf8_lossy(v.value()).into_owned()).unwrap_or_default())
        };
        let acknowledged = meta.get("acked")?.map_or(Ok(0), |v| counter(v.value(), "counters"))?;
        let kept = format::kept_aside(&self.path);
        let name =
            |copy: &std::path::PathBuf| copy.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(LedgerInfo {
            format: format::FORMAT,
            needs: text("needs")?,
            written_by: text("written_by")?,
            generation: self.generation()?,
            ops: tx.open_table(OPS)?.len()?,
            events: tx.open_table(EVENTS)?.len()?,
            acknowledged,
            locks: tx.open_table(LOCKS)?.len()?,
            slots: tx.open_table(SLOTS)?.len()?,
            codes: tx.open_table(CODES)?.len()?,
            uses: tx.open_table(USES)?.len()?,
            bytes: std::fs::metadata(&self.path).map_or(0, |meta| meta.len()),
            kept_aside: kept.iter().filter_map(name).collect(),
        })
    }
}
