//! A hub's ledger: what `Effect::Persist` wrote, whole batches, in order. What the real one refuses, this one refuses.
//!
//! That a crash in the middle of a write leaves whole batches is shown with the real file and the real database, in
//! `hub/src/shell/ledger/crash_tests.rs`. Disks that lie are simulated here.

use super::oracle::LastRead;
use super::rng::Rng;
use super::world::World;
use latchkey_hub::core::change::{Change, Stored};
use std::collections::{BTreeMap, VecDeque};

/// How many batches a disk may have said were written and lose when the power goes.
const MOST_LOST: usize = 8;

/// A ledger's content at a time, with what its hub had read at the locks by then, and when it last heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) disk: Disk,
    pub(super) read: LastRead,
    pub(super) heard: u64,
}

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

impl World {
    /// A copy of a hub's ledger as it is now.
    pub(super) fn snapshot(&self, h: usize) -> Snapshot {
        let read = self.oracle.read.iter().filter(|((hub, ..), _)| *hub == h);
        let read = read.map(|(slot, reading)| (*slot, reading.clone())).collect();
        Snapshot { disk: self.hubs[h].disk.clone(), read, heard: self.hubs[h].heard }
    }

    /// Before a write, where the disk may lose it: how things were.
    pub(super) fn keep_for_loss(&mut self, h: usize) {
        if self.swarm.writes_lost + self.swarm.torn == 0 {
            return;
        }
        let now = self.snapshot(h);
        let kept: &mut VecDeque<Snapshot> = &mut self.hubs[h].kept;
        if kept.len() == MOST_LOST {
            kept.pop_front();
        }
        kept.push_back(now);
    }

    /// The power is gone: what is on the disk of what was written?
    pub(super) fn disk_after_cut(&mut self, h: usize) {
        if self.healed || self.hubs[h].kept.is_empty() {
            return;
        }
        if self.swarm.torn > 0 && self.rng.permille(self.swarm.torn) {
            self.hubs[h].torn = true;
        } else if self.swarm.writes_lost > 0 && self.rng.permille(self.swarm.writes_lost) {
            let lost = 1 + self.rng.below(self.hubs[h].kept.len() as u64);
            self.trace.step(self.t, "the disk of hub # lost its newest writes, #", [h as u64, lost, 0]);
            self.lose(h, lost as usize);
        }
    }

    /// The newest batches were never written.
    fn lose(&mut self, h: usize, batches: usize) {
        let kept = &mut self.hubs[h].kept;
        let at = kept.len().saturating_sub(batches);
        if let Some(snapshot) = kept.get(at).cloned() {
            self.set_back(h, snapshot);
        }
    }

    /// The ledger cannot be read as a whole. A hub that starts with it anyway runs on garbage; one that refuses is set
    /// back to a copy by somebody.
    pub(super) fn torn_ledger(&mut self, h: usize) -> Option<Stored> {
        if !std::mem::take(&mut self.hubs[h].torn) {
            return None;
        }
        tear(&self.hubs[h].disk.stored, &mut self.rng)
    }

    /// Somebody puts back the last copy of a ledger that cannot be read.
    pub(super) fn put_copy_back(&mut self, h: usize) {
        self.trace.step(self.t, "hub # refuses its damaged ledger, a copy is put back", [h as u64, 0, 0]);
        self.lose(h, 1);
    }
}

/// A ledger of which a part is missing or other than it was written, if it has any ops.
fn tear(whole: &Stored, rng: &mut Rng) -> Option<Stored> {
    let mut torn = whole.clone();
    let last = whole.ops.len().checked_sub(1)?;
    let any = rng.below(whole.ops.len() as u64) as usize;
    match rng.below(5) {
        0 => {
            let op = torn.ops.last_mut()?;
            op.truncate(rng.below(op.len() as u64) as usize);
        }
        1 => {
            let op = torn.ops.get_mut(any)?;
            let at = rng.below(op.len() as u64) as usize;
            *op.get_mut(at)? ^= 1 << rng.below(8);
        }
        // The last one is not there at all, or one in the middle.
        2 => drop(torn.ops.remove(last)),
        3 => drop(torn.ops.remove(any)),
        _ => {
            let head = torn.head.as_mut()?;
            let at = rng.below(head.len() as u64) as usize;
            *head.get_mut(at)? ^= 1 << rng.below(8);
        }
    }
    Some(torn)
}
