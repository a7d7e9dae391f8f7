//! From what should be on a lock and what was seen there to the steps between, without any PIN.
//!
//! Removals come ahead of everything, then toggles, then writes with the nearest booking first. Slots that are
//! reserved, unmanaged or not known to be free are never named in a step that changes them. A slot is used again
//! only in a later plan, once it was seen empty. Survivors keep their slots.

use crate::chain::verify::VerifiedGrant;
use crate::id::GrantId;
use crate::schedule::Moment;
use crate::slot::{LockAbilities, OwnSchedules, Owner, Readback, Seen, SlotNo};
use crate::time::Timestamp;
use crate::zone::Zone;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the code may open at the moment of planning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timing {
    /// It opens now.
    Now,
    /// It opens later, first at this instant.
    Later(Timestamp),
}

/// A grant that belongs on the lock. Only this crate makes one, from a verified grant. `G` names a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DesiredSlot<G> {
    grant: G,
    rev: u32,
    schedule: u32,
    timing: Timing,
}

impl<G: Copy> DesiredSlot<G> {
    /// To be called with the parts of a verified grant alone.
    pub(crate) fn from_verified_parts(grant: G, rev: u32, schedule: u32, timing: Timing) -> Self {
        Self { grant, rev, schedule, timing }
    }

    /// The grant.
    pub fn grant(&self) -> G {
        self.grant
    }

    /// Its revision.
    pub fn rev(&self) -> u32 {
        self.rev
    }

    /// Whether it opens at the moment of planning.
    pub fn timing(&self) -> Timing {
        self.timing
    }
}

impl DesiredSlot<GrantId> {
    /// What a verified grant asks of each of its locks at `t`; `None` while it is paused and once it never opens
    /// again. `first_used` is when it was first used, if it was.
    pub fn from_verified(
        grant: &VerifiedGrant<'_>,
        t: Timestamp,
        first_used: Option<Timestamp>,
        zone: &dyn Zone,
    ) -> Option<Self> {
        let timing = match grant.state_at(t, first_used, zone) {
            Moment::Open { .. } => Timing::Now,
            Moment::NotYet { opens } | Moment::OutsideHours { opens } => Timing::Later(opens?),
            Moment::Suspended | Moment::Over { .. } => return None,
        };
        let schedule = grant.schedule_tag(first_used);
        Some(Self::from_verified_parts(grant.grant().id, grant.grant().rev, schedule, timing))
    }
}

/// One slot as the hub knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotView<G> {
    /// Whose it is.
    pub owner: Owner<G>,
    /// What was last seen in it.
    pub seen: Seen,
    /// Whether the lock takes its PIN.
    pub enabled: bool,
    /// The tag of the validity that the lock has acknowledged.
    pub schedule: Option<u32>,
}

/// A lock as the hub knows it. A slot that is not listed was never read and is nobody's to write, unless the lock
/// cannot be read at all.
pub type LockView<G> = BTreeMap<SlotNo, SlotView<G>>;

/// From which end of a lock slots are taken. Two hubs at one lock begin at different ends, so that they meet only when it
/// is full: they cannot ask each other, and some locks do not show what is in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum End {
    /// The lowest slots first.
    #[default]
    Low,
    /// The highest slots first.
    High,
}

/// Where room is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Room {
    /// From which end.
    pub from: End,
    /// Whether what is free in the other half may be held by another hub for a code outside its hours: then one looks
    /// into one's own half first.
    pub shared: bool,
}

impl End {
    /// Every slot that Latchkey may use, in this order.
    pub fn slots(self, abilities: &LockAbilities) -> impl Iterator<Item = SlotNo> {
        let last = abilities.slots;
        let slot = move |n: u16| match self {
            Self::Low => SlotNo(n),
            Self::High => SlotNo(last - n + 1),
        };
        (1..=last).map(slot).filter(|slot| abilities.usable(*slot))
    }

    /// Whether a slot is in the half of the lock at this end.
    fn has(self, slot: SlotNo, abilities: &LockAbilities) -> bool {
        let half = abilities.slots.div_ceil(2);
        match self {
            Self::Low => slot.0 <= half,
            Self::High => slot.0 > abilities.slots - half,
        }
    }
}

/// Foreign codes up to which a free slot is looked for one slot after the other.
const PROBE_IN_TURN: usize = 4;
/// How often the step is doubled beyond them.
const PROBE_LEAPS: usize = 8;

/// The slot in which to look next for room: the first from this end that was never read, and in ever longer leaps where
/// many are taken by others. So a lock full of foreign codes is not read from end to end to find that out.
pub fn probe<G: Copy + Eq>(view: &LockView<G>, abilities: &LockAbilities, from: End) -> Option<SlotNo> {
    if abilities.readback == Readback::None {
        return None;
    }
    let usable = || from.slots(abilities);
    let is = |slot: &SlotNo, owner: Owner<G>| {
        view.get(slot).is_some_and(|v| v.owner == owner && v.seen == Seen::Unknown)
    };
    let unread: Vec<SlotNo> =
        usable().filter(|slot| !view.contains_key(slot) || is(slot, Owner::Free)).collect();
    let foreign = usable().filter(|slot| view.get(slot).is_some_and(|v| v.owner == Owner::Unmanaged)).count();
    let at = match foreign.checked_sub(PROBE_IN_TURN) {
        Some(leaps) if leaps < PROBE_LEAPS => (1 << leaps) - 1,
        _ => 0,
    };
    // Last those that were somebody else's when everything at the lock may have changed.
    unread.get(at).or(unread.last()).copied().or_else(|| usable().find(|slot| is(slot, Owner::Unmanaged)))
}

/// One step. The hub adds the PIN when it applies a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum SlotOp<G> {
    /// Empty the slot.
    Clear { slot: SlotNo },
    /// Let the lock take the slot's PIN, or not.
    SetEnabled { slot: SlotNo, enabled: bool },
    /// Give the lock the grant's schedule.
    SetSchedule { slot: SlotNo, grant: G, schedule: u32 },
    /// Put the grant's PIN into the slot.
    Write { slot: SlotNo, grant: G, rev: u32 },
    /// Find out what is in the slot.
    ReadBack { slot: SlotNo },
}

/// A grant for which there is no slot now: the lock is full, or waits for a clear or a reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unplaced<G>(
    /// The grant.
    pub G,
);

/// The steps, in order, and who goes without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan<G> {
    /// To be applied in this order.
    pub ops: Vec<SlotOp<G>>,
    /// Reported to the admin.
    pub unplaced: Vec<Unplaced<G>>,
}

/// The steps from what was seen to what is desired.
pub fn plan<G: Copy + Ord>(
    desired: &[DesiredSlot<G>],
    view: &LockView<G>,
    abilities: &LockAbilities,
    room: Room,
) -> Plan<G> {
    let mut wanted: BTreeMap<G, DesiredSlot<G>> = BTreeMap::new();
    for d in desired {
        let newest = wanted.entry(d.grant).or_insert(*d);
        if d.rev > newest.rev {
            *newest = *d;
        }
    }
    let usable: Vec<(SlotNo, SlotView<G>)> =
        view.iter().filter(|(slot, _)| abilities.usable(**slot)).map(|(s, v)| (*s, *v)).collect();
    let mut steps = Steps::default();
    let homes = homes(&usable, &wanted);
    for (slot, seen) in &usable {
        let Some(grant) = seen.owner.grant() else { continue };
        match wanted.get(&grant).filter(|_| homes.get(&grant) == Some(slot)) {
            Some(d) => keep(d, *slot, seen, abilities, &mut steps),
            None if seen.seen != Seen::Empty => steps.clears.push(*slot),
            None => {}
        }
    }
    place(&wanted, &homes, view, (abilities, room), &mut steps);
    steps.into_plan()
}

/// Steps by kind, so that their order does not depend on the order of thought.
struct Steps<G> {
    clears: Vec<SlotNo>,
    toggles: Vec<(bool, SlotNo)>,
    writes: Vec<(Timing, G, Vec<SlotOp<G>>)>,
    reads: Vec<SlotNo>,
    unplaced: Vec<Unplaced<G>>,
}

impl<G> Default for Steps<G> {
    fn default() -> Self {
        Self { clears: vec![], toggles: vec![], writes: vec![], reads: vec![], unplaced: vec![] }
    }
}

impl<G: Copy + Ord> Steps<G> {
    fn write(&mut self, d: &DesiredSlot<G>, slot: SlotNo, view: &SlotView<G>, abilities: &LockAbilities) {
        let write = SlotOp::Write { slot, grant: d.grant, rev: d.rev };
        let schedule = SlotOp::SetSchedule { slot, grant: d.grant, schedule: d.schedule };
        let acknowledged = view.owner.grant() == Some(d.grant) && view.schedule == Some(d.schedule);
        // The schedule goes first: the PIN must not open outside its hours, not even for a moment.
        let ops = if schedules(abilities) && !acknowledged { vec![schedule, write] } else { vec![write] };
        self.writes.push((d.timing, d.grant, ops));
    }

    fn into_plan(mut self) -> Plan<G> {
        self.clears.sort_unstable();
        self.toggles.sort_unstable();
        self.writes.sort_by_key(|(timing, grant, _)| (*timing, *grant));
        let clears = self.clears.into_iter().map(|slot| SlotOp::Clear { slot });
        let toggles = self.toggles.into_iter().map(|(enabled, slot)| SlotOp::SetEnabled { slot, enabled });
        let writes = self.writes.into_iter().flat_map(|(_, _, ops)| ops);
        let reads = self.reads.into_iter().map(|slot| SlotOp::ReadBack { slot });
        Plan { ops: clears.chain(toggles).chain(writes).chain(reads).collect(), unplaced: self.unplaced }
    }
}

/// The one slot that each wanted grant keeps: the one that is surest to be right, then the lowest.
fn homes<G: Copy + Ord>(
    usable: &[(SlotNo, SlotView<G>)],
    wanted: &BTreeMap<G, DesiredSlot<G>>,
) -> BTreeMap<G, SlotNo> {
    let mut best: BTreeMap<G, (bool, bool, SlotNo)> = BTreeMap::new();
    for (slot, view) in usable {
        let Some(d) = view.owner.grant().and_then(|grant| wanted.get(&grant)) else { continue };
        if crate::defect!(Renumbered) && view.seen == Seen::Empty {
            continue;
        }
        let current = view.owner == Owner::Managed { grant: d.grant, rev: d.rev };
        let rank = (!current, view.seen != Seen::AsWritten, *slot);
        let entry = best.entry(d.grant).or_insert(rank);
        *entry = rank.min(*entry);
    }
    best.into_iter().map(|(grant, (_, _, slot))| (grant, slot)).collect()
}

/// Whether the grant's PIN belongs on the lock at all at this moment.
fn present(d: &DesiredSlot<impl Copy>, abilities: &LockAbilities) -> bool {
    abilities.keeps_hours() || d.timing == Timing::Now
}

/// Whether the lock is to be told when a code ends.
fn schedules(abilities: &LockAbilities) -> bool {
    abilities.own_schedules != OwnSchedules::None
}

fn keep<G: Copy + Ord>(
    d: &DesiredSlot<G>,
    slot: SlotNo,
    view: &SlotView<G>,
    abilities: &LockAbilities,
    steps: &mut Steps<G>,
) {
    let current = view.owner == Owner::Managed { grant: d.grant, rev: d.rev };
    if !present(d, abilities) {
        // Outside its hours: switched off where the lock can, else taken off. The ledger still holds the slot.
        let readable = abilities.readback != Readback::None;
        match view.seen {
            Seen::Empty => {}
            // A PIN that the code has no more, or that it may never have had, does not wait there for its hours.
            _ if !abilities.toggles || !current || view.seen == Seen::Different => steps.clears.push(slot),
            // That it is off counts only where it was read, or cannot be.
            Seen::Unknown if readable => steps.toggles.push((false, slot)),
            _ if view.enabled => steps.toggles.push((false, slot)),
            _ => {}
        }
        return;
    }
    let unreadable = abilities.readback == Readback::None;
    match view.seen {
        Seen::Empty | Seen::Different => return steps.write(d, slot, view, abilities),

        _ if !current => return steps.write(d, slot, view, abilities),
        // What is in it decides about the rest.
        Seen::Unknown if !unreadable => return steps.reads.push(slot),
        // A lock that cannot switch it on takes it again.
        _ if !abilities.toggles && !view.enabled => return steps.write(d, slot, view, abilities),
        _ => {}
    }
    if schedules(abilities) && view.schedule != Some(d.schedule) {
        let op = SlotOp::SetSchedule { slot, grant: d.grant, schedule: d.schedule };
        steps.writes.push((d.timing, d.grant, vec![op]));
    }
    if abilities.toggles && !view.enabled {
        steps.toggles.push((true, slot));
    }
}

/// Finds slots for grants that have none, the nearest booking first.
fn place<G: Copy + Ord>(
    wanted: &BTreeMap<G, DesiredSlot<G>>,
    homes: &BTreeMap<G, SlotNo>,
    view: &LockView<G>,
    (abilities, room): (&LockAbilities, Room),
    steps: &mut Steps<G>,
) {
    let mut homeless: Vec<&DesiredSlot<G>> =
        wanted.values().filter(|d| !homes.contains_key(&d.grant) && present(d, abilities)).collect();
    homeless.sort_by_key(|d| (d.timing, d.grant));
    let taken: BTreeSet<SlotNo> = homes.values().copied().collect();
    if homeless.is_empty() {
        return;
    }
    let unreadable = abilities.readback == Readback::None;
    let unread = SlotView { owner: Owner::Free, seen: Seen::Unknown, enabled: false, schedule: None };
    let free =
        room.from.slots(abilities).map(|slot| (slot, view.get(&slot).copied().unwrap_or(unread))).filter(
            |(slot, v)| {
                let assumed = unreadable && v.owner == Owner::Free && v.seen == Seen::Unknown;
                let nobodys = v.owner != Owner::Unmanaged && !taken.contains(slot);
                let foreign = crate::defect!(ForeignTaken) && v.owner == Owner::Unmanaged;
                nobodys && (v.seen == Seen::Empty || assumed) || foreign
            },
        );
    // One look at a time: what it shows decides about the next. Nobody is evicted while there is where to look.
    let mut look = probe(view, abilities, room.from);
    let looking = look.is_some();
    let never = |slot: &SlotNo| view.get(slot).is_none_or(|v| v.owner == Owner::Free);
    let near = |slot: &SlotNo| room.from.has(*slot, abilities);
    let looks_here = room.shared && look.filter(never).is_some_and(|slot| near(&slot));
    let mut free = free.filter(|(slot, _)| !looks_here || near(slot));
    // Slots on their way to being free will serve the first of those who wait; nobody is evicted for them.
    let mut coming = steps.clears.iter().filter(|slot| !taken.contains(slot)).count();
    // The farthest booking gives way first, and only to a nearer one; a code that opens now never does.
    let mut placed: Vec<(Timing, G, SlotNo)> = homes
        .iter()
        .filter_map(|(grant, slot)| wanted.get(grant).map(|d| (d.timing, *grant, *slot)))
        .filter(|(timing, ..)| *timing != Timing::Now)
        .collect();
    placed.sort_unstable();
    for d in homeless {
        if let Some((slot, view)) = free.next() {
            steps.write(d, slot, &view, abilities);
            continue;
        }
        steps.unplaced.push(Unplaced(d.grant));
        if looking {
            steps.reads.extend(look.take());
        } else if coming > 0 {
            coming -= 1;
        } else if let Some((_, loser, slot)) = placed.pop_if(|(timing, ..)| *timing > d.timing) {
            evict(loser, slot, steps);
        }
    }
}

fn evict<G: Copy + Ord>(loser: G, slot: SlotNo, steps: &mut Steps<G>) {
    steps.toggles.retain(|(_, s)| *s != slot);
    steps.reads.retain(|s| *s != slot);
    steps.writes.retain(|(_, grant, _)| *grant != loser);
    if !steps.clears.contains(&slot) {
        steps.clears.push(slot);
    }
    steps.unplaced.push(Unplaced(loser));
}

#[cfg(test)]
mod tests;
