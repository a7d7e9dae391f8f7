//! One lock: observe, plan, apply one step, confirm, record. One command at a time; the plan is made anew after
//! every answer, so that each step is taken on the newest knowledge.

mod answers;
mod looks;
mod search;
mod steps;

use self::looks::Looks;
use self::steps::{enable_command, install_command};
use super::health::Health;
use super::hub::Numbering;
use super::lock::{Bolt, Command, Vitals};
use super::retry::{BLIND_TRIES, Breaker, SlotRetry};
use super::slot_state::{Hand, Slot};
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::plan::{DesiredSlot, End, LockView, Plan, Room, SlotOp, SlotView, plan};
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, Owner, Readback, Seen, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use std::collections::{BTreeMap, BTreeSet};

pub use looks::NoResync;

/// How long somebody at the panel waits for a lock to move before that is given up, in milliseconds.
const OPERATE_WITHIN_MS: u64 = 30_000;

/// Failures in a row, fewer than those after which a lock is left alone, after which a slot is emptied unseen.
const LOOKS_FIRST: u32 = 2;

/// What becomes of a code that somebody changed at the lock. Foreign codes in slots that are not Latchkey's are left
/// alone whatever this says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hands {
    /// The slot gets its code back.
    #[default]
    Restore,
    /// What was set at the lock stays: the slot is no longer Latchkey's, and the code goes into another. What was taken
    /// off stays off until the code is saved again.
    Leave,
    /// The same, and codes set at the lock are listed under that name. None of them gets a grant.
    Adopt,
}

/// What the rest of the hub knows that one lock's reconciler needs.
pub struct Context<'a> {
    /// What belongs on the lock, in the order of the grants, each once.
    pub desired: &'a [DesiredSlot<GrantId>],
    /// Grants that would be on the lock now, but for a PIN that was seen in a slot that is not Latchkey's.
    pub kept_off: &'a [GrantId],
    /// Whether this hub was removed from its home. Another may have its locks by now.
    pub removed: bool,
    /// Whether a PIN is, or was, a grant's.
    pub is_of: &'a dyn Fn(&Pin, GrantId) -> bool,
    /// The PIN of a grant in its newest revision, with that revision.
    pub pin: &'a dyn Fn(GrantId) -> Option<(u32, Pin)>,
    /// Whether a PIN is, or was, one of the home's.
    pub ours: &'a dyn Fn(&Pin) -> bool,
    /// Whether every PIN that a grant ever had is known.
    pub knows_pins_of: &'a dyn Fn(GrantId) -> bool,
    /// Whether a grant has had its PIN since this revision.
    pub same_pin_since: &'a dyn Fn(GrantId, u32) -> bool,
    /// A grant's term and hours.
    pub validity: &'a dyn Fn(GrantId) -> Option<Validity>,
    /// Why a grant is not, or not now, wanted on this lock.
    pub taken_why: &'a dyn Fn(GrantId) -> TakenWhy,
    /// The home's zone.
    pub zone: &'a ZoneName,
    /// What becomes of changes at the lock.
    pub hands: Hands,
    /// Whether the home has another hub, which may look after the same lock.
    pub company: bool,
    /// From which end of the lock slots are taken.
    pub from: End,
    /// Whether codes may be put on locks: the time is known.
    pub may_install: bool,
    /// The time to record.
    pub at: Timestamp,
    /// Milliseconds since boot.
    pub now_ms: u64,
    /// Any number.
    pub jitter: u64,
}

/// A lock as the core holds it.
#[derive(Debug)]
pub struct LockCore {
    /// Its id.
    pub id: LockId,
    /// Its name.
    pub name: String,
    /// The driver that speaks to it.
    pub driver: String,
    /// The least time between two commands, in milliseconds.
    pub pace_ms: u64,
    /// Whether there is a way to it.
    pub way: Way,
    /// How it is, as far as it told in this run of the program.
    pub vitals: Vitals,
    /// How it was over the last weeks.
    pub health: Health,
    /// Whether it tells when somebody changes a slot at it.
    pub tells_changes: bool,
    /// What it can do; unknown until it was first observed.
    pub abilities: Option<LockAbilities>,
    /// Its slots, as far as anything is known of them.
    pub slots: BTreeMap<SlotNo, Slot>,
    /// Whether it answers.
    pub breaker: Breaker,
    /// Since when it does not.
    pub silent_since: Option<Timestamp>,
    /// Grants for which it has no slot, the nearest booking first.
    pub unplaced: Vec<GrantId>,
    /// Whether slots are being looked into for them, so that it is not known yet whether the lock is full.
    pub seeking: bool,
    /// The newest entry of its journal that was taken in.
    pub journal: Option<u64>,
    /// How they are numbered.
    pub numbering: Numbering,
    /// When it was found for the first time, if that was in this run of the program.
    pub new_at: Option<Timestamp>,
    /// Counts changes of what is desired.
    pub generation: u64,
    /// Counts what happened to it in this run of the program: while it is the same, so is what can be said of it.
    pub stirs: u64,
    in_flight: Option<Command>,
    not_before_ms: u64,
    observe_again: bool,
    /// It did not even answer when it was looked at.
    deaf: bool,
    looks: Looks,
    operating: Option<Operating>,
}

/// Somebody at the panel wants the door locked or unlocked.
#[derive(Clone, Copy, Debug)]
struct Operating {
    to: Bolt,
    by: GrantId,
    until_ms: u64,
}

/// Whether there is a way to a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Its driver has found it.
    Open,
    /// It was here before the program started, and its driver has not found it yet.
    Awaited {
        /// Until when that counts as starting up, in milliseconds since boot.
        until_ms: u64,
    },
}

/// What is to be recorded, in one transaction, and told.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Slots whose record changed.
    pub slots: BTreeSet<SlotNo>,
    /// Whether the lock's own record changed.
    pub lock: bool,
    /// What to log.
    pub events: Vec<EventBody>,
}

/// What comes next for a lock.
#[derive(Debug)]
pub enum Next {
    /// Record this, then send the command.
    Do(Outcome, Command),
    /// Only record this.
    Record(Outcome),
    /// Nothing before this instant, in milliseconds since boot; `None`: nothing at all.
    Wait(Option<u64>),
}

/// What a step of the plan comes to.
enum Step {
    Do(Outcome, Command),
    Record(Outcome),
    /// Not before this instant, in milliseconds since boot, if that is known.
    Held(Option<u64>),
}

impl LockCore {
    /// A lock that was never observed.
    pub fn new(id: LockId, name: &str, driver: &str, way: Way) -> Self {
        Self {
            id,
            name: name.to_owned(),
            driver: driver.to_owned(),
            pace_ms: 0,
            way,
            vitals: Vitals::default(),
            health: Health::default(),
            tells_changes: false,
            abilities: None,
            slots: BTreeMap::new(),
            breaker: Breaker::default(),
            silent_since: None,
            unplaced: vec![],
            seeking: false,
            journal: None,
            numbering: Numbering::Gapless,
            new_at: None,
            generation: 0,
            stirs: 0,
            in_flight: None,
            not_before_ms: 0,
            observe_again: true,
            deaf: false,
            looks: Looks::default(),
            operating: None,
        }
    }

    /// The command that the lock is busy with.
    pub fn in_flight(&self) -> Option<&Command> {
        self.in_flight.as_ref()
    }

    /// Whether somebody waits for its bolt to move.
    pub fn operating(&self) -> bool {
        self.operating.is_some()
    }

    /// Its driver has found it, or found it changed: it is looked at again.
    pub fn found(&mut self, name: &str, driver: &str, pace_ms: u64) {
        name.clone_into(&mut self.name);
        driver.clone_into(&mut self.driver);
        self.pace_ms = pace_ms;
        self.way = Way::Open;
        self.observe_again = true;
        self.lapse();
        self.wake(true);
    }

    /// Its driver says that it does not answer.
    pub fn away(&mut self, ctx: &Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        self.breaker.trip(ctx.now_ms, ctx.jitter);
        self.note_reachable(false, ctx.at, &mut outcome);
        outcome
    }

    /// Its driver says that it answers again. What happened meanwhile nobody told.
    pub fn back(&mut self, ctx: &Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        self.observe_again = true;
        self.deaf = true;
        if self.silent_since.is_none() {
            self.lapse();
            self.wake(true);
        }
        self.note_reachable(true, ctx.at, &mut outcome);
        outcome
    }

    /// It said something, so it can be spoken to.
    pub fn alive(&mut self, ctx: &Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        self.note_reachable(true, ctx.at, &mut outcome);
        outcome
    }

    fn note_reachable(&mut self, is: bool, at: Timestamp, outcome: &mut Outcome) {
        if self.silent_since.is_none() == is {
            return;
        }
        self.stirs += 1;
        if is {
            self.lapse();
            self.wake(self.deaf);
        }
        self.silent_since = (!is).then_some(at);
        outcome.events.push(EventBody::LockReachable(self.id, is));
    }

    /// It may be spoken to at once. `all`: it heard nothing at all before.
    fn wake(&mut self, all: bool) {
        self.stirs += 1;
        self.breaker.answered();
        self.deaf = false;
        let blind = !self.readable() && !all;
        for retry in self.slots.values_mut().flat_map(|slot| [&mut slot.retry, &mut slot.off]) {
            match retry {
                // Once more, but not as often as at first: perhaps it answers everything but this.
                SlotRetry::Waiting { why: FailWhy::Unreachable, at_ms, .. } if blind => *at_ms = 0,
                SlotRetry::Waiting { why: FailWhy::Unreachable, .. } => *retry = SlotRetry::Ready,
                _ => {}
            }
        }
    }

    /// Where nothing can be read and no more is written for hours, only a look tells that a silent lock is back.
    fn look_for_life(&mut self, now_ms: u64) {
        let waits = |slot: &Slot| slot.retry.failures() >= BLIND_TRIES && !slot.retry.ready(now_ms);
        self.observe_again |= !self.breaker.reachable() && !self.readable() && self.slots.values().any(waits);
    }

    /// Somebody at the panel, which was opened with this code, wants it locked or unlocked.
    pub fn operate(&mut self, to: Bolt, by: GrantId, now_ms: u64) {
        self.operating = Some(Operating { to, by, until_ms: now_ms + OPERATE_WITHIN_MS });
    }

    /// What to do next.
    pub fn next(&mut self, ctx: &Context<'_>) -> Next {
        if let Some(given_up) = self.give_up_operating(ctx) {
            return Next::Record(given_up);
        }
        if let Way::Awaited { until_ms } = self.way {
            return match (self.silent_since, until_ms > ctx.now_ms) {
                (None, false) => Next::Record(self.away(ctx)),
                (None, true) => Next::Wait(Some(until_ms)),
                (Some(_), _) => Next::Wait(None),
            };
        }
        let patience = self.operating.map(|asked| asked.until_ms);
        if self.in_flight.is_some() {
            return Next::Wait(patience);
        }
        let held = self.breaker.holds_until(ctx.now_ms).unwrap_or(0).max(self.not_before_ms);
        if held > ctx.now_ms {
            return Next::Wait(Some(patience.map_or(held, |until| until.min(held))));
        }
        let Some(abilities) = self.abilities.clone() else {
            return self.send(ctx, Outcome::default(), Command::Observe);
        };
        self.unpark(ctx.desired);
        let mut noted = self.release(ctx.desired);
        self.carry_over(ctx, &mut noted);
        if !noted.slots.is_empty() {
            self.stirs += 1;
            return Next::Record(noted);
        }
        self.look_for_life(ctx.now_ms);
        self.follow_plan(&abilities, ctx)
    }

    /// What takes access away comes first, also before a lock is looked at that has not said yet what is on it. Then
    /// whoever stands at the panel, then everything else.
    fn follow_plan(&mut self, abilities: &LockAbilities, ctx: &Context<'_>) -> Next {
        let view = self.view(abilities);
        let may_look = self.probes_again_at(ctx.now_ms).is_none();
        let room = Room { from: ctx.from, shared: ctx.company && may_look };
        let Plan { ops, unplaced } = plan(ctx.desired, &view, abilities, room);
        let unplaced: Vec<GrantId> = unplaced.into_iter().map(|u| u.0).collect();
        let seeking = ops.iter().any(|op| self.seeks(op, ctx.now_ms));
        self.stirs += u64::from((&unplaced, seeking) != (&self.unplaced, self.seeking));
        (self.unplaced, self.seeking) = (unplaced, seeking);
        let mut wake: Option<u64> = None;
        let (removals, others): (Vec<_>, Vec<_>) = ops.into_iter().partition(is_removal);
        for op in removals.into_iter().map(Some).chain([None]).chain(others.into_iter().map(Some)) {
            let Some(op) = op else {
                if let Some(Operating { to, .. }) = self.operating {
                    return self.send(ctx, Outcome::default(), Command::Operate { to });
                }
                if self.observe_again {
                    return self.send(ctx, Outcome::default(), Command::Observe);
                }
                continue;
            };
            match self.consider(op, ctx, abilities.readback) {
                Step::Do(outcome, command) => return self.send(ctx, outcome, command),
                Step::Record(outcome) => {
                    self.stirs += 1;
                    return Next::Record(outcome);
                }
                Step::Held(until) => wake = [wake, until].into_iter().flatten().min(),
            }
        }
        match self.next_look(&view, abilities, ctx) {
            Ok(command) => self.send(ctx, Outcome::default(), command),
            Err(until) => Next::Wait([wake, until].into_iter().flatten().min()),
        }
    }

    /// The lock for the planner. One slot that cannot be read does not keep others from being looked into.
    fn view(&self, abilities: &LockAbilities) -> LockView<GrantId> {
        let readable = abilities.readback != Readback::None;
        let view = |slot: &Slot| {
            let unread = slot.owner == Owner::Free && slot.seen == Seen::Unknown;
            let owner = if readable && unread && slot.retry != SlotRetry::Ready {
                Owner::Unmanaged
            } else {
                slot.owner
            };
            SlotView { owner, ..slot.view() }
        };
        self.slots.iter().map(|(no, slot)| (*no, view(slot))).collect()
    }

    /// Whether a step looks, now or as soon as the lock is ready for it, for a slot that may be free.
    fn seeks(&self, op: &SlotOp<GrantId>, now_ms: u64) -> bool {
        let SlotOp::ReadBack { slot } = op else { return false };
        let slot = self.slots.get(slot);
        self.probes_again_at(now_ms).is_none()
            && slot.is_none_or(|slot| slot.owner.grant().is_none() && slot.retry.ready(now_ms))
    }

    fn send(&mut self, ctx: &Context<'_>, outcome: Outcome, command: Command) -> Next {
        if let Some(no) = command.slot() {
            self.slots.entry(no).or_insert_with(Slot::unread);
        }
        self.stirs += 1;
        self.in_flight = Some(command.clone());
        self.not_before_ms = ctx.now_ms + self.pace_ms;
        Next::Do(outcome, command)
    }

    /// The door is not moved long after somebody asked for it.
    fn give_up_operating(&mut self, ctx: &Context<'_>) -> Option<Outcome> {
        let underway = matches!(self.in_flight, Some(Command::Operate { .. }));
        let late = self.operating.filter(|asked| asked.until_ms <= ctx.now_ms && !underway)?;
        self.operating = None;
        let event = EventBody::Operated(self.id, late.to, late.by, false);
        Some(Outcome { events: vec![event], ..Outcome::default() })
    }

    /// A refused revision is tried again when there is another one.
    fn unpark(&mut self, desired: &[DesiredSlot<GrantId>]) {
        for slot in self.slots.values_mut() {
            let SlotRetry::Parked { rev, .. } = slot.retry else { continue };
            let wanted = slot.owner.grant().and_then(|grant| wanted(desired, grant));
            let same = wanted.is_some_and(|d| d.rev() == rev);
            if !same {
                self.stirs += 1;
                slot.retry = SlotRetry::Ready;
                slot.unkept = 0;
                slot.hand = Hand::Off;
            }
        }
    }

    /// Slots that are held for a grant that is no longer wanted, or has another place, and that are empty, are nobody's
    /// again.
    fn release(&mut self, desired: &[DesiredSlot<GrantId>]) -> Outcome {
        let mut outcome = Outcome::default();
        let full = self.slots.values().filter(|slot| slot.may_hold_ours());
        let placed: BTreeSet<GrantId> = full.filter_map(|slot| slot.owner.grant()).collect();
        for (no, slot) in &mut self.slots {
            let Some(grant) = slot.owner.grant() else { continue };
            let idle = wanted(desired, grant).is_none() || placed.contains(&grant);
            if slot.seen == Seen::Empty && idle {
                slot.set_free();
                outcome.slots.insert(*no);
            }
        }
        outcome
    }

    /// A new revision with the same PIN, such as a new name or another end, is on the lock already.
    fn carry_over(&mut self, ctx: &Context<'_>, outcome: &mut Outcome) {
        for (no, slot) in &mut self.slots {
            let Owner::Managed { grant, rev } = slot.owner else { continue };
            let newer = wanted(ctx.desired, grant).map(DesiredSlot::rev);
            if let Some(newer) = newer.filter(|newer| *newer > rev && (ctx.same_pin_since)(grant, rev)) {
                slot.owner = Owner::Managed { grant, rev: newer };
                outcome.slots.insert(*no);
            }
        }
    }

    /// Turns a step into a command, or into a record alone, or into nothing for now.
    fn consider(&mut self, op: SlotOp<GrantId>, ctx: &Context<'_>, readback: Readback) -> Step {
        let no = op_slot(&op);
        let fresh = self.is_fresh(no, ctx.now_ms);
        let lock = self.id;
        let reachable = self.breaker.reachable();
        let slot = self.slots.entry(no).or_insert_with(Slot::unread);
        if is_removal(&op) && readback == Readback::Full && looks_first(slot, fresh, ctx) {
            if !reachable {
                // Whether it is back a look tells as well.
                self.observe_again = true;
                return Step::Held(None);
            }
            if slot.retry.failures() < LOOKS_FIRST {
                return Step::Do(Outcome::default(), Command::Read { slot: no });
            }
        }
        // A removal does not wait for what went wrong while putting something on.
        let retry = if is_removal(&op) { slot.off } else { slot.retry };
        let refused = slot.retry.is_refused() && matches!(op, SlotOp::Write { .. });
        if refused && slot.seen != Seen::Empty && readback != Readback::None && slot.off.ready(ctx.now_ms) {
            // The lock refused the new PIN and still has the one before it, which is no longer good.
            return Step::Do(Outcome::default(), Command::Clear { slot: no });
        }
        let install = !is_removal(&op) && !matches!(op, SlotOp::ReadBack { .. });
        let outdated = matches!(op, SlotOp::Write { rev, .. } if slot.may_hold_ours() && slot.rev() < rev);
        if !ctx.may_install && outdated && slot.off.ready(ctx.now_ms) {
            // The time is not known, so the new PIN has to wait. The one before it is no longer good whatever the time.
            return Step::Do(Outcome::default(), Command::Clear { slot: no });
        }
        if !retry.ready(ctx.now_ms) || (install && !ctx.may_install) {
            let off = slot.off.next_try().filter(|_| refused);
            let next = [off, retry.next_try()].into_iter().flatten().filter(|at| *at > ctx.now_ms).min();
            return Step::Held(next);
        }
        match op {
            SlotOp::Clear { .. } if slot.seen == Seen::Empty => {
                // It was only held. What somebody may have put there meanwhile is theirs.
                slot.set_free();
                Step::Record(Outcome { slots: [no].into(), ..Outcome::default() })
            }
            SlotOp::Clear { slot } => Step::Do(Outcome::default(), Command::Clear { slot }),
            SlotOp::SetEnabled { enabled: true, .. } => {
                let (outcome, command) = enable_command(no, slot, readback);
                Step::Do(outcome, command)
            }
            SlotOp::SetEnabled { slot, enabled } => {
                Step::Do(Outcome::default(), Command::SetEnabled { slot, enabled })
            }
            SlotOp::ReadBack { slot: no } => {
                let looking = slot.owner.grant().is_none();
                match self.probes_again_at(ctx.now_ms).filter(|_| looking) {
                    Some(until) => Step::Held(Some(until)),
                    None => Step::Do(Outcome::default(), Command::Read { slot: no }),
                }
            }
            SlotOp::SetSchedule { grant, .. } | SlotOp::Write { grant, .. } => {
                install_command(lock, op, grant, no, slot, (readback, fresh), ctx)
            }
        }
    }
}

/// What is wanted of a grant, if it belongs on the lock.
fn wanted(desired: &[DesiredSlot<GrantId>], grant: GrantId) -> Option<&DesiredSlot<GrantId>> {
    let at = desired.binary_search_by_key(&grant, DesiredSlot::grant).ok()?;
    desired.get(at)
}

/// Whether a slot is read before it is emptied: a write to it went unanswered, and what is in it may be what somebody
/// put there meanwhile. Or this hub was removed, and another may have put it. If the lock does not say what it is, it
/// goes all the same.
fn looks_first(slot: &Slot, fresh: bool, ctx: &Context<'_>) -> bool {
    if let (true, Some(grant)) = (ctx.removed, slot.owner.grant()) {
        // What was read before the hub knew the newest codes is held against them once more.
        let others = matches!(&slot.content, SlotContent::Pin(pin) if !(ctx.is_of)(pin, grant));
        if !fresh || others {
            return true;
        }
    }
    let Owner::Claimed { grant, .. } = slot.owner else { return false };
    slot.seen == Seen::Unknown && (ctx.knows_pins_of)(grant)
}

fn is_removal(op: &SlotOp<GrantId>) -> bool {
    matches!(op, SlotOp::Clear { .. } | SlotOp::SetEnabled { enabled: false, .. })
}

fn op_slot(op: &SlotOp<GrantId>) -> SlotNo {
    match op {
        SlotOp::Clear { slot }
        | SlotOp::SetEnabled { slot, .. }
        | SlotOp::SetSchedule { slot, .. }
        | SlotOp::Write { slot, .. }
        | SlotOp::ReadBack { slot } => *slot,
    }
}
