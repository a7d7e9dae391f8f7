//! The search for codes of the home on a lock of which this hub knows nothing: what it put there itself before it was set
//! back to a backup of itself, and what another put that was removed from the home.

use super::LockCore;
use crate::core::retry::SlotRetry;
use latchkey_shared::slot::{LockAbilities, Owner, Readback, Seen, SlotNo};

/// Empty slots in a row after which the search for codes of which nothing is known goes on gently: it begins at both ends
/// of the lock, as hubs do.
const SEARCH_SLOWS: u8 = 32;
/// Every slot was looked into; what was read there counts until the chain is known to be the newest.
const SEARCHED: u16 = u16::MAX;

impl LockCore {
    /// What this hub put on the lock before it was set back to a backup, or another before it was removed, is looked for.
    /// Only what is read from now on counts.
    pub fn search_for_ours(&mut self, from: u16) {
        self.looks.search = Some((from, 0));
        for slot in self.slots.values_mut().filter(|slot| slot.owner == Owner::Unmanaged) {
            slot.read_ms = None;
        }
    }

    /// The next step of the search for codes of which nothing is known.
    pub fn searches_from(&self) -> Option<u16> {
        self.looks.search.map(|(next, _)| next)
    }

    /// The chain is known to be the newest: a search that has come to its end is over or, if the chain has ops that the
    /// hub did not know while it looked, begins once more. Whether anything changed.
    pub fn search_again(&mut self, news: bool) -> bool {
        let searched = self.searches_from() == Some(SEARCHED);
        if searched {
            self.looks.search = news.then_some((1, 0));
        }
        searched
    }

    /// The next slot in the search for codes of which nothing is known, and whether it can wait: it is far from all others.
    /// Where PINs are not shown nothing is found.
    pub(super) fn search(&mut self, abilities: &LockAbilities) -> Option<(SlotNo, bool)> {
        let (from, empties) = self.looks.search?;
        let last = if abilities.readback == Readback::Full { abilities.slots } else { 0 };
        let steps = (from..=last).filter_map(|step| Some((step, searched_at(step, last)?)));
        let next = steps.into_iter().find(|(_, slot)| {
            let ours = self.slots.get(slot).is_some_and(|slot| slot.owner.grant().is_some());
            abilities.usable(*slot) && !ours
        });
        self.looks.search = Some((next.map_or(SEARCHED, |(step, _)| step), empties));
        next.map(|(_, slot)| (slot, empties >= SEARCH_SLOWS))
    }

    /// A slot was read, or could not be. Whether the search went on.
    pub(super) fn searched(&mut self, no: SlotNo, read: bool) -> bool {
        let slot = self.slots.get(&no);
        let later = !read && slot.is_some_and(|slot| matches!(slot.retry, SlotRetry::Waiting { .. }));
        let slots = self.abilities.as_ref().map_or(0, |abilities| abilities.slots);
        let is_next = |next: u16| searched_at(next, slots) == Some(no);
        let Some((next, empties)) = self.looks.search.filter(|(next, _)| is_next(*next) && !later) else {
            return false;
        };
        let empty = slot.is_some_and(|slot| slot.seen == Seen::Empty);
        let empties = if empty { empties.saturating_add(1) } else { 0 };
        self.looks.search = Some((next + 1, empties));
        true
    }
}

/// The slot of a step of the search: the lowest, the highest, the second, the last but one, and so on.
fn searched_at(step: u16, slots: u16) -> Option<SlotNo> {
    let half = step / 2;
    (1..=slots).contains(&step).then(|| SlotNo(if step % 2 == 1 { half + 1 } else { slots - half + 1 }))
}
