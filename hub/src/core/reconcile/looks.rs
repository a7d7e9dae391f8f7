//! Which slots are read, and how sparingly. Nothing is ever scanned: each look at a lock behind a radio costs battery.
//!
//! A slot is read when a write needs to know what is in it, and when somebody changed it at the lock. Beyond that the
//! lowest free slot is read once ahead of need, and what was read before the connection was interrupted is read
//! again, both a few at a time and then one every ten minutes. A lock full of foreign codes is probed as sparingly.

use super::{Context, Hands, LockCore};
use crate::core::lock::Command;
use crate::core::retry::SlotRetry;
use crate::core::slot_state::{Hand, Slot};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::GrantId;
use latchkey_shared::plan::{LockView, probe};
use latchkey_shared::report::Resync;
use latchkey_shared::slot::{LockAbilities, Owner, Readback, Seen, SlotContent, SlotNo};
use std::collections::BTreeSet;

/// A reading older than this is taken again before a write relies on it, in milliseconds. One of a lock that tells of
/// changes stays good.
const FRESH_MS: u64 = 60_000;
/// After a burst, one look in so long, in milliseconds.
const EVERY_MS: u64 = 10 * 60_000;
/// Looks at once that nobody waits for.
const GENTLE: u64 = 8;
/// Looks in vain, at once, for a code that waits for a free slot.
const PROBES: u64 = 16;
/// The shortest and the longest wait between two looks at what keeps a code off, in milliseconds.
const AGAIN_MS: (u64, u64) = (60_000, 6 * 60 * 60_000);
/// After another hub was removed it empties its slots as soon as it hears of that, or asks by itself. So long after what
/// is known of a lock that does not tell of changes is read again, in milliseconds.
const REVISITS_MS: [u64; 2] = [20 * 60_000, 75 * 60_000];
/// The least time between two requests to read a lock anew, in milliseconds.
const RESYNC_EVERY_MS: u64 = 10 * 60_000;

/// So many at once, then one in [`EVERY_MS`].
#[derive(Clone, Copy, Debug, Default)]
struct Allowance {
    /// When all of it will be there again, in milliseconds since boot.
    full_ms: u64,
}

impl Allowance {
    /// When there will be one, if there is none now.
    fn waits_until(&self, burst: u64, now_ms: u64) -> Option<u64> {
        let at = self.full_ms.saturating_sub((burst - 1) * EVERY_MS);
        (at > now_ms).then_some(at)
    }

    fn take(&mut self, now_ms: u64) {
        self.full_ms = self.full_ms.max(now_ms) + EVERY_MS;
    }
}

/// What is to be read without a plan asking for it.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Slots that somebody changed at the lock, or may have: at once.
    changed: BTreeSet<SlotNo>,
    /// A slot that somebody changed at the lock while a command to it was under way: its answer may be older than that.
    overtaken: Option<SlotNo>,
    /// Slots with codes of ours that were last read before the connection was interrupted.
    verify: BTreeSet<SlotNo>,
    /// Whether the lowest free slot is to be read ahead of need.
    scout: bool,
    /// While codes of the home are searched of which nothing is known: the next step, from 1, and how many slots in a row
    /// were empty.
    pub(super) search: Option<(u16, u8)>,
    /// What something seen in a slot that is not ours keeps off.
    blocked: Option<Blocked>,
    /// When everything of ours is read again, in milliseconds since boot: the last one first.
    revisits: Vec<u64>,
    resync: Option<Sweep>,
    /// Before this instant no further request to read everything anew is taken, in milliseconds since boot.
    resync_from_ms: u64,
    gentle: Allowance,
    probes: Allowance,
}

/// Codes that are kept off, and since when the newest of them is, in milliseconds since boot.
#[derive(Debug)]
struct Blocked {
    codes: BTreeSet<GrantId>,
    since_ms: u64,
}

/// Slots that are read anew because somebody asked for it.
#[derive(Debug)]
struct Sweep {
    left: BTreeSet<SlotNo>,
    total: u16,
}

/// Why a request to read a lock anew is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoResync {
    /// It was done not long ago; again in so many milliseconds.
    Wait(u64),
    /// The lock cannot be read, or nothing of the home is on it.
    Nothing,
}

impl LockCore {
    /// Whether a write may rely on what was last read from a slot.
    pub(super) fn is_fresh(&self, slot: SlotNo, now_ms: u64) -> bool {
        let read = self.slots.get(&slot).and_then(|slot| slot.read_ms);
        read.is_some_and(|at| self.tells_changes || now_ms.saturating_sub(at) <= FRESH_MS)
    }

    /// What was read so far may be out of date: nobody told what happened meanwhile.
    pub(super) fn lapse(&mut self) {
        for (no, slot) in &mut self.slots {
            slot.read_ms = None;
            if slot.owner.grant().is_some() && !matches!(slot.seen, Seen::Empty | Seen::Unknown) {
                self.looks.verify.insert(*no);
            }
        }
        self.looks.scout |= self.tells_changes;
    }

    /// It was observed for the first time.
    pub(super) fn begin_to_look(&mut self) {
        self.looks.scout = true;
    }

    /// To be read as soon as nothing more urgent is to be done.
    pub(super) fn look_at_once(&mut self, slot: SlotNo) {
        self.looks.changed.insert(slot);
    }

    /// Another hub, which may have had this lock too, was removed and will empty its slots.
    pub fn expect_changes(&mut self, now_ms: u64) {
        if !self.tells_changes {
            self.looks.revisits = REVISITS_MS.iter().rev().map(|wait| now_ms + wait).collect();
        }
    }

    /// When the next free slot may be looked for, if not now.
    pub fn probes_again_at(&self, now_ms: u64) -> Option<u64> {
        self.looks.probes.waits_until(PROBES, now_ms)
    }

    /// Reads one code, or every slot with a code of the home, anew. Foreign slots are left alone.
    ///
    /// # Errors
    /// There is nothing to read, or it was done not long ago.
    pub fn resync(&mut self, grant: Option<GrantId>, now_ms: u64) -> Result<(), NoResync> {
        let readable = self.abilities.as_ref().is_some_and(|a| a.readback != Readback::None);
        let wait = self.looks.resync_from_ms.saturating_sub(now_ms);
        if wait > 0 {
            return Err(NoResync::Wait(wait));
        }
        let mut left = BTreeSet::new();
        for (no, slot) in &mut self.slots {
            if slot.owner.grant().is_some_and(|of| grant.is_none_or(|grant| grant == of)) {
                // Somebody looks into it: what was given up is tried again.
                slot.retry = SlotRetry::Ready;
                slot.unkept = 0;
                left.insert(*no);
            }
        }
        if !readable || left.is_empty() {
            return Err(NoResync::Nothing);
        }
        self.looks.resync_from_ms = now_ms + RESYNC_EVERY_MS;
        let total = u16::try_from(left.len()).unwrap_or(u16::MAX);
        self.looks.resync = Some(Sweep { left, total });
        self.stirs += 1;
        Ok(())
    }

    /// How far the lock is being read anew on request.
    pub fn resyncing(&self) -> Option<Resync> {
        let sweep = self.looks.resync.as_ref()?;
        let left = u16::try_from(sweep.left.len()).unwrap_or(u16::MAX);
        Some(Resync { done: sweep.total.saturating_sub(left), total: sweep.total })
    }

    /// A slot was read, or could not be; `in_vain` if it turned out to be somebody else's. Whether the search for codes
    /// of which nothing is known went on.
    pub(super) fn looked(&mut self, no: SlotNo, read: bool, in_vain: bool, now_ms: u64) -> bool {
        if in_vain {
            self.looks.probes.take(now_ms);
        }
        self.looks.changed.remove(&no);
        self.looks.verify.remove(&no);
        if self.looks.overtaken.take() == Some(no) {
            // Nothing is written because of what was read before.
            self.looks.changed.insert(no);
            if let Some(slot) = self.slots.get_mut(&no) {
                slot.read_ms = None;
            }
        }
        if let Some(sweep) = &mut self.looks.resync
            && sweep.left.remove(&no)
            && sweep.left.is_empty()
        {
            self.looks.resync = None;
        }
        self.searched(no, read)
    }

    /// A slot to read now, or when there will be one.
    pub(super) fn next_look(
        &mut self,
        view: &LockView<GrantId>,
        abilities: &LockAbilities,
        ctx: &Context<'_>,
    ) -> Result<Command, Option<u64>> {
        if abilities.readback == Readback::None {
            self.looks = Looks::default();
            return Err(None);
        }
        let held_until =
            |slot: Option<&Slot>| slot.and_then(|slot| slot.retry.next_try()).filter(|at| *at > ctx.now_ms);
        let held = |slot: Option<&Slot>| held_until(slot).is_some();
        if let Some(slot) = self.looks.changed.pop_first() {
            return Ok(Command::Read { slot });
        }
        let asked = self.looks.resync.as_ref().and_then(|sweep| sweep.left.first().copied());
        if let Some(slot) = asked {
            return Ok(Command::Read { slot });
        }
        let mut wake = match self.looked_again(ctx) {
            Ok(slot) => return Ok(Command::Read { slot }),
            Err(until) => until,
        };
        wake = [wake, self.revisit(ctx.now_ms)].into_iter().flatten().min();
        let searched = self.search(abilities);
        if let Some((slot, false)) = searched {
            let at = held_until(self.slots.get(&slot));
            return at.map_or(Ok(Command::Read { slot }), |at| Err(Some(wake.map_or(at, |w| w.min(at)))));
        }
        let searched = searched.map(|(slot, _)| slot).filter(|slot| !held(self.slots.get(slot)));
        let verify = self.looks.verify.iter().find(|no| !held(self.slots.get(no))).copied();
        let Some(slot) = verify.or(searched).or_else(|| self.scouted(view, abilities, ctx)) else {
            return Err(wake);
        };
        if let Some(at) = self.looks.gentle.waits_until(GENTLE, ctx.now_ms) {
            return Err(Some(wake.map_or(at, |w| w.min(at))));
        }
        self.looks.gentle.take(ctx.now_ms);
        self.looks.verify.remove(&slot);
        Ok(Command::Read { slot })
    }

    /// What is known of a lock that another hub has had is read again when the time has come; when that is.
    fn revisit(&mut self, now_ms: u64) -> Option<u64> {
        if self.looks.revisits.pop_if(|at| *at <= now_ms).is_some() {
            let ours = self.slots.iter().filter(|(_, slot)| slot.may_hold_ours());
            self.looks.verify.extend(ours.map(|(no, _)| *no));
        }
        self.looks.revisits.last().copied()
    }

    /// A slot that is not ours and keeps a code off by what was once seen in it, which nobody would tell that it changed:
    /// at first after a minute, then later and later. Or when there will be one.
    fn looked_again(&mut self, ctx: &Context<'_>) -> Result<SlotNo, Option<u64>> {
        let refused = |slot: &Slot| {
            matches!(slot.retry, SlotRetry::Parked { why: FailWhy::Duplicate | FailWhy::Full, .. })
        };
        // A lock that refuses a PIN as another's, or is full, does not say because of which slot.
        let any = !self.tells_changes
            && (!self.unplaced.is_empty() && !self.seeking || self.slots.values().any(refused));
        let clashes = |slot: &Slot| {
            let SlotContent::Pin(seen) = &slot.content else { return false };
            let kept_off = ctx.kept_off.iter().filter_map(|grant| (ctx.pin)(*grant));
            kept_off.into_iter().any(|(_, pin)| pin.same_on_paired_keys(seen))
        };
        let told = |slot: &Slot| self.tells_changes && slot.read_ms.is_some();
        let in_the_way = self.slots.iter().filter(|(_, slot)| {
            let foreign = slot.owner == Owner::Unmanaged && !told(slot);
            foreign && (any || clashes(slot)) && slot.retry.ready(ctx.now_ms)
        });
        let Some((no, read)) = in_the_way.map(|(no, slot)| (*no, slot.read_ms)).min_by_key(|(_, read)| *read)
        else {
            self.looks.blocked = None;
            return Err(None);
        };
        let codes: BTreeSet<GrantId> = ctx
            .kept_off
            .iter()
            .chain(&self.unplaced)
            .copied()
            .chain(self.slots.values().filter(|s| refused(s)).filter_map(|s| s.owner.grant()))
            .collect();
        // Another one does not wait as long as those that have been in vain for hours.
        let before = self.looks.blocked.take().filter(|before| codes.is_subset(&before.codes));
        let since_ms = before.map_or(ctx.now_ms, |before| before.since_ms);
        self.looks.blocked = Some(Blocked { codes, since_ms });
        let wait = ctx.now_ms.saturating_sub(since_ms).clamp(AGAIN_MS.0, AGAIN_MS.1);
        let at = read.map_or(ctx.now_ms, |read| read + wait);
        let at =
            if any { self.looks.gentle.waits_until(GENTLE, ctx.now_ms).unwrap_or(0).max(at) } else { at };
        if at > ctx.now_ms {
            return Err(Some(at));
        }
        if any {
            self.looks.gentle.take(ctx.now_ms);
        }
        Ok(no)
    }

    /// The free slot to read ahead of need, if none is known to be good.
    fn scouted(
        &mut self,
        view: &LockView<GrantId>,
        abilities: &LockAbilities,
        ctx: &Context<'_>,
    ) -> Option<SlotNo> {
        if !self.looks.scout {
            return None;
        }
        let empty = |no: &&SlotNo| {
            let slot = self.slots.get(no);
            abilities.usable(**no)
                && slot.is_some_and(|slot| slot.owner == Owner::Free && slot.seen == Seen::Empty)
        };
        let known = ctx.from.slots(abilities).find(|no| empty(&no));
        let wanted = match known {
            Some(slot) if self.is_fresh(slot, ctx.now_ms) => None,
            Some(slot) => Some(slot),
            None => probe(view, abilities, ctx.from),
        };
        self.looks.scout = wanted.is_some();
        wanted.filter(|slot| self.slots.get(slot).is_none_or(|slot| slot.retry == SlotRetry::Ready))
    }

    /// Whether its slots can be read, as far as is known.
    pub fn readable(&self) -> bool {
        self.abilities.as_ref().is_none_or(|a| a.readback != Readback::None)
    }

    /// Somebody changed a slot at the lock, or may have: what was read there no longer counts. Where it cannot be read, a
    /// slot that was nobody's is now somebody else's.
    pub fn forget_reading(&mut self, no: SlotNo, hand: Hand, hands: Hands, now_ms: u64) {
        let readable = self.readable();
        if readable {
            self.look_at_once(no);
        }
        if self.in_flight.as_ref().is_some_and(|command| command.slot() == Some(no)) {
            self.looks.overtaken = Some(no);
        }
        // Somebody else's until it is seen to be empty.
        let foreign = || Slot { owner: Owner::Unmanaged, ..Slot::unread() };
        let slot = self.slots.entry(no).or_insert_with(foreign);
        let held = slot.is_only_held();
        slot.forget_content();
        if held && hand == Hand::Told {
            slot.set_theirs();
            return;
        }
        if held && readable && slot.hand != Hand::Removed {
            // Nothing of ours was in it that could have been changed.
            (slot.seen, slot.retry, slot.unkept) = (Seen::Empty, SlotRetry::Ready, 0);
            return;
        }
        if slot.owner.grant().is_some() {
            slot.hand = if slot.hand == Hand::Removed { hand } else { slot.hand.max(hand) };
            slot.retry = SlotRetry::Ready;
            slot.unkept = 0;
            if let (false, Hands::Restore, Owner::Managed { grant, rev }) = (readable, hands, slot.owner) {
                // What is in it now nobody can see: it is written anew.
                slot.owner = Owner::Claimed { grant, rev };
                slot.schedule = None;
                slot.hand = Hand::Off;
                slot.yields = !slot.insists(now_ms);
            }
        } else if !readable && slot.owner == Owner::Free {
            slot.owner = Owner::Unmanaged;
        }
    }
}
