//! A hub's ledger: what `Effect::Persist` wrote, whole batches, in order. What the real one refuses, this one refuses.

use latchkey_hub::core::change::{Change, Stored};
use std::collections::BTreeMap;

/// A ledger's content.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) stored: Stored,
    pub(super) events: BTreeMap<u64, Vec<u8>>,
}

impl Disk {
    /// Writes a batch; an error says which of the ledger's own rules it breaks.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), &'static str> {
        changes.iter().try_for_each(|change| self.write_one(change))
    }

    fn write_one(&mut self, change: &Change) -> Result<(), &'static str> {
        let stored = &mut self.stored;
        match change {
            Change::Chain { from, ops, head } => {
                for (seq, op) in (*from as usize..).zip(ops) {
                    match stored.ops.get(seq) {
                        Some(known) if known != op => return Err("an accepted op is written over"),
                        Some(_) => {}
                        None if seq == stored.ops.len() => stored.ops.push(op.clone()),
                        None => return Err("ops are written with a gap"),
                    }
                }
                stored.head = Some(head.clone());
            }
            Change::Floor(record) => stored.floor = Some(*record),
            Change::Lock(id, record) => drop(stored.locks.insert(*id, record.clone())),
            Change::Slot(id, no, record) => drop(stored.slots.insert((*id, *no), *record)),
            Change::Code(id, grant, Some(record)) => drop(stored.codes.insert((*id, *grant), *record)),
            Change::Code(id, grant, None) => drop(stored.codes.remove(&(*id, *grant))),
            Change::Uses(grant, uses) => drop(stored.uses.insert(*grant, *uses)),
            Change::Event(tip, bytes) => {
                if tip.number != stored.tip.number + 1 {
                    return Err("events are not numbered one by one");
                }
                stored.tip = *tip;
                self.events.insert(tip.number, bytes.clone());
            }
            Change::Acked(through) => stored.acked = *through,
            Change::ReportNumber(number) => stored.report_number = *number,
            Change::LogMoved(tip) => {
                let acked = stored.acked;
                self.events.retain(|number, _| *number <= acked);
                (stored.tip, stored.acked) = (*tip, tip.number);
            }
            Change::Staged(changes) => stored.staged.clone_from(changes),
            Change::Release(release) => stored.release = *release,
            Change::PanelFailures(count) => stored.panel_failures = *count,
        }
        Ok(())
    }

    /// Signed events from a number on.
    pub(super) fn events_from(&self, from: u64, most: usize) -> Vec<Vec<u8>> {
        self.events.range(from..).take(most).map(|(_, bytes)| bytes.clone()).collect()
    }
}
