//! One lock: observe, plan, apply one step, confirm, record. One command at a time; the plan is made anew after
//! every answer, so that each step is taken on the newest knowledge.

mod steps;

use self::steps::{
    acknowledge, enable_command, fail, forget, install_command, reached, succeed, written_pin,
};
use super::lock::{Answer, Command, Observation, Refusal, Vitals};
use super::retry::{Breaker, SlotRetry};
use super::slot_state::Slot;
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::plan::{DesiredSlot, LockView, Plan, SlotOp, plan};
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, Owner, Readback, Seen, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use std::collections::{BTreeMap, BTreeSet};

/// What the rest of the hub knows that one lock's reconciler needs.
pub struct Context<'a> {
    /// What belongs on the lock.
    pub desired: &'a [DesiredSlot<GrantId>],
    /// The PIN of a grant in its newest revision, with that revision.
    pub pin: &'a dyn Fn(GrantId) -> Option<(u32, Pin)>,
    /// Whether a grant has had its PIN since this revision.
    pub same_pin_since: &'a dyn Fn(GrantId, u32) -> bool,
    /// A grant's term and hours.
    pub validity: &'a dyn Fn(GrantId) -> Option<Validity>,
    /// Why a grant is not, or not now, wanted on this lock.
    pub taken_why: &'a dyn Fn(GrantId) -> TakenWhy,
    /// The home's zone.
    pub zone: &'a ZoneName,
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
    /// Whether it tells when somebody changes a slot at it.
    pub tells_changes: bool,
    /// What it can do; unknown until it was first observed.
    pub abilities: Option<LockAbilities>,
    /// Its slots.
    pub slots: BTreeMap<SlotNo, Slot>,
    /// Whether it answers.
    pub breaker: Breaker,
    /// Since when it does not.
    pub silent_since: Option<Timestamp>,
    /// Grants for which it has no slot.
    pub unplaced: BTreeSet<GrantId>,
    /// The newest entry of its journal that was taken in.
    pub journal: Option<u64>,
    /// Counts changes of what is desired.
    pub generation: u64,
    in_flight: Option<Command>,
    not_before_ms: u64,
    observe_again: bool,
    /// Slots that somebody changed at the lock, to be looked at once.
    to_read: BTreeSet<SlotNo>,
    /// The last observation went unanswered: before the next one a removal is tried.
    observed_in_vain: bool,
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
            tells_changes: false,
            abilities: None,
            slots: BTreeMap::new(),
            breaker: Breaker::default(),
            silent_since: None,
            unplaced: BTreeSet::new(),
            journal: None,
            generation: 0,
            in_flight: None,
            not_before_ms: 0,
            observe_again: true,
            to_read: BTreeSet::new(),
            observed_in_vain: false,
        }
    }

    /// The command that the lock is busy with.
    pub fn in_flight(&self) -> Option<&Command> {
        self.in_flight.as_ref()
    }

    /// Nothing that is known of the slots counts any more: each is looked at once.
    pub fn read_everything(&mut self) {
        let readable = self.abilities.as_ref().filter(|a| a.readback != Readback::None);
        self.to_read.extend((1..=readable.map_or(0, |a| a.slots)).map(SlotNo));
    }

    /// Somebody changed a slot at the lock: what was read there no longer counts. Where it cannot be read, a slot
    /// that was nobody's is now somebody else's.
    pub fn forget_reading(&mut self, slot: SlotNo) {
        let readable = self.abilities.as_ref().is_none_or(|a| a.readback != Readback::None);
        if readable {
            self.to_read.insert(slot);
        }
        match self.slots.get_mut(&slot) {
            Some(slot) => {
                slot.read_ms = None;
                if !latchkey_shared::defect!(HoursAssumed) {
                    slot.schedule = None;
                }
                // That it was empty is kept: if it is not any more, it is somebody else's.
                if !readable || slot.seen != Seen::Empty {
                    slot.seen = Seen::Unknown;
                }
                slot.content = SlotContent::Unknown;
                match slot.owner {
                    Owner::Free if !readable => slot.owner = Owner::Unmanaged,
                    // Whether the PIN is still there cannot be seen: it is written again.
                    Owner::Managed { grant, rev } if !readable => slot.owner = Owner::Claimed { grant, rev },
                    _ => {}
                }
            }
            None => {
                // Somebody else's until it is seen to be empty.
                self.slots.insert(slot, Slot { owner: Owner::Unmanaged, ..Slot::unread() });
                self.observe_again = true;
            }
        }
    }

    /// Its driver has found it, or found it changed: it is looked at again.
    pub fn found(&mut self, name: &str, driver: &str, pace_ms: u64) {
        name.clone_into(&mut self.name);
        driver.clone_into(&mut self.driver);
        self.pace_ms = pace_ms;
        self.way = Way::Open;
        self.observe_again = true;
        self.wake();
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
        self.wake();
        self.observe_again = true;
        for slot in self.slots.values_mut() {
            slot.read_ms = None;
        }
        self.note_reachable(true, ctx.at, &mut outcome);
        outcome
    }

    /// It may be spoken to at once.
    fn wake(&mut self) {
        self.breaker.answered();
        for slot in self.slots.values_mut() {
            if slot.retry.why() == Some(FailWhy::Unreachable) {
                slot.retry = SlotRetry::Ready;
            }
        }
    }

    /// What to do next.
    pub fn next(&mut self, ctx: &Context<'_>) -> Next {
        if let Way::Awaited { until_ms } = self.way {
            return match (self.silent_since, until_ms > ctx.now_ms) {
                (None, false) => Next::Record(self.away(ctx)),
                (None, true) => Next::Wait(Some(until_ms)),
                (Some(_), _) => Next::Wait(None),
            };
        }
        if self.in_flight.is_some() {
            return Next::Wait(None);
        }
        let held = self.breaker.holds_until(ctx.now_ms).unwrap_or(0).max(self.not_before_ms);
        if held > ctx.now_ms {
            return Next::Wait(Some(held));
        }
        // A lock that does not say what is on it may still hear that something is to go.
        let unseen = self.observe_again;
        let Some(abilities) = self.abilities.clone().filter(|_| !unseen || self.observed_in_vain) else {
            return self.send(ctx, Outcome::default(), Command::Observe);
        };
        let readback = abilities.readback;
        self.unpark(ctx.desired);
        let mut noted = self.release(ctx.desired);
        self.carry_over(ctx, &mut noted);
        if !noted.slots.is_empty() {
            return Next::Record(noted);
        }
        let view: LockView<GrantId> = self.slots.iter().map(|(no, s)| (*no, s.view(readback))).collect();
        let Plan { ops, unplaced } = plan(ctx.desired, &view, &abilities);
        self.unplaced = unplaced.into_iter().map(|u| u.0).collect();
        let mut wake: Option<u64> = None;
        for op in ops {
            let removal = matches!(op, SlotOp::Clear { .. } | SlotOp::SetEnabled { enabled: false, .. });
            if unseen && !removal {
                continue;
            }
            match self.consider(op, ctx, readback) {
                Some(Ok((outcome, command))) => {
                    self.observed_in_vain = false;
                    return self.send(ctx, outcome, command);
                }
                Some(Err(outcome)) => return Next::Record(outcome),
                None => {
                    let next =
                        op_slot(&op).and_then(|no| self.slots.get(&no)).and_then(|s| s.retry.next_try());
                    wake = [wake, next].into_iter().flatten().min();
                }
            }
        }
        if unseen {
            return self.send(ctx, Outcome::default(), Command::Observe);
        }
        match self.to_read.pop_first() {
            Some(slot) => self.send(ctx, Outcome::default(), Command::Read { slot }),
            None => Next::Wait(wake),
        }
    }

    fn send(&mut self, ctx: &Context<'_>, outcome: Outcome, command: Command) -> Next {
        self.in_flight = Some(command.clone());
        self.not_before_ms = ctx.now_ms + self.pace_ms;
        Next::Do(outcome, command)
    }

    /// A refused revision is tried again when there is another one.
    fn unpark(&mut self, desired: &[DesiredSlot<GrantId>]) {
        for slot in self.slots.values_mut() {
            let SlotRetry::Parked { rev, .. } = slot.retry else { continue };
            let same =
                slot.owner.grant().is_some_and(|g| desired.iter().any(|d| d.grant() == g && d.rev() == rev));
            if !same {
                slot.retry = SlotRetry::Ready;
            }
        }
    }

    /// Slots that are held for a grant that is no longer wanted, and that are empty, are nobody's again.
    fn release(&mut self, desired: &[DesiredSlot<GrantId>]) -> Outcome {
        let mut outcome = Outcome::default();
        for (no, slot) in &mut self.slots {
            let Some(grant) = slot.owner.grant() else { continue };
            if slot.seen == Seen::Empty && !desired.iter().any(|d| d.grant() == grant) {
                slot.owner = Owner::Free;
                slot.schedule = None;
                slot.retry = SlotRetry::Ready;
                outcome.slots.insert(*no);
            }
        }
        outcome
    }

    /// A new revision with the same PIN, such as a new name or another end, is on the lock already.
    fn carry_over(&mut self, ctx: &Context<'_>, outcome: &mut Outcome) {
        for (no, slot) in &mut self.slots {
            let Owner::Managed { grant, rev } = slot.owner else { continue };
            let newer = ctx.desired.iter().filter(|d| d.grant() == grant).map(DesiredSlot::rev).max();
            if let Some(newer) = newer.filter(|newer| *newer > rev && (ctx.same_pin_since)(grant, rev)) {
                slot.owner = Owner::Managed { grant, rev: newer };
                outcome.slots.insert(*no);
            }
        }
    }

    /// Turns a step into a command, or into a record alone, or into nothing for now.
    fn consider(
        &mut self,
        op: SlotOp<GrantId>,
        ctx: &Context<'_>,
        readback: Readback,
    ) -> Option<Result<(Outcome, Command), Outcome>> {
        let no = op_slot(&op)?;
        let slot = self.slots.get_mut(&no)?;
        let removal = matches!(op, SlotOp::Clear { .. } | SlotOp::SetEnabled { enabled: false, .. });
        // A removal does not wait for what went wrong while putting something on.
        let held = !slot.retry.ready(ctx.now_ms) && (!removal || slot.retry_of_removal);
        let refused = matches!(slot.retry, SlotRetry::Parked { .. });
        let install = !removal && !matches!(op, SlotOp::ReadBack { .. });
        if refused
            && matches!(op, SlotOp::Write { .. })
            && slot.seen != Seen::Empty
            && readback != Readback::None
        {
            // The lock refused the new PIN and still has the one before it, which is no longer good.
            return Some(Ok((Outcome::default(), Command::Clear { slot: no })));
        }
        if held || (install && !ctx.may_install) {
            return None;
        }
        let command = match op {
            SlotOp::Clear { slot } => Command::Clear { slot },
            SlotOp::SetEnabled { enabled: true, .. } => return Some(Ok(enable_command(no, slot, readback))),
            SlotOp::SetEnabled { slot, enabled } => Command::SetEnabled { slot, enabled },
            SlotOp::ReadBack { slot } => Command::Read { slot },
            SlotOp::SetSchedule { grant, .. } | SlotOp::Write { grant, .. } => {
                return install_command(self.id, op, grant, no, slot, ctx, readback);
            }
        };
        Some(Ok((Outcome::default(), command)))
    }

    /// Takes in the answer to the command in flight.
    pub fn answer(&mut self, answer: Answer, ctx: &Context<'_>) -> Outcome {
        let Some(command) = self.in_flight.take() else { return Outcome::default() };
        let mut outcome = Outcome::default();
        self.note_reachability(&answer, ctx, &mut outcome);
        match (command.slot(), answer) {
            (None, Answer::Observed(observation)) => self.observed(observation, ctx, &mut outcome),
            (None, Answer::Operated(bolt)) => self.vitals.bolt = Some(bolt),
            (None, _) => self.observed_in_vain = command == Command::Observe,
            (Some(no), answer) => self.slot_answered(no, &command, answer, ctx, &mut outcome),
        }
        outcome
    }

    fn note_reachability(&mut self, answer: &Answer, ctx: &Context<'_>, outcome: &mut Outcome) {
        match answer {
            Answer::Unknown => self.breaker.silent(ctx.now_ms, ctx.jitter),
            _ => self.breaker.answered(),
        }
        self.note_reachable(self.breaker.reachable(), ctx.at, outcome);
    }

    fn note_reachable(&mut self, is: bool, at: Timestamp, outcome: &mut Outcome) {
        if self.silent_since.is_none() == is {
            return;
        }
        if is {
            self.wake();
        }
        self.silent_since = (!is).then_some(at);
        outcome.events.push(EventBody::LockReachable(self.id, is));
    }

    fn observed(&mut self, observation: Observation, ctx: &Context<'_>, outcome: &mut Outcome) {
        if observation.abilities.validate().is_err() {
            return self.breaker.silent(ctx.now_ms, ctx.jitter);
        }
        self.observe_again = false;
        if self.abilities.is_none() {
            outcome.events.push(EventBody::LockFound(self.id, self.name.clone()));
        }
        for no in (1..=observation.abilities.slots).map(SlotNo) {
            let slot = self.slots.entry(no).or_insert_with(Slot::unread);
            // That nothing can be read takes nothing back from what the lock acknowledged.
            let blind = observation.abilities.readback == Readback::None;
            if let Some(reading) = observation.slots.get(&no).filter(|_| !blind) {
                let written = written_pin(slot, ctx);
                slot.take(reading.clone(), written.as_ref(), ctx.at, ctx.now_ms);
            }
            outcome.slots.insert(no);
        }
        outcome.lock = true;
        self.tells_changes = observation.tells_changes;
        self.vitals = observation.vitals;
        self.abilities = Some(observation.abilities);
    }

    fn slot_answered(
        &mut self,
        no: SlotNo,
        command: &Command,
        answer: Answer,
        ctx: &Context<'_>,
        outcome: &mut Outcome,
    ) {
        let readable = self.abilities.as_ref().is_some_and(|a| a.readback != Readback::None);
        let Some(slot) = self.slots.get_mut(&no) else { return };
        let before = slot.clone();
        let written = written_pin(slot, ctx);
        let refused = match answer {
            Answer::Verified(reading) => {
                slot.take(reading, written.as_ref(), ctx.at, ctx.now_ms);
                if reached(command, slot) { Ok(()) } else { Err(Some(Refusal::NotDone)) }
            }
            // A lock that can be read but was not has confirmed nothing.
            Answer::Unverifiable if readable && !matches!(command, Command::SetSchedule { .. }) => Err(None),
            Answer::Unverifiable => {
                acknowledge(command, slot, ctx);
                Ok(())
            }
            Answer::Rejected { why: Refusal::NotDone, .. } if latchkey_shared::defect!(TrustWriteStatus) => {
                acknowledge(command, slot, ctx);
                if matches!(command, Command::Write { .. }) {
                    slot.seen = Seen::AsWritten;
                }
                Ok(())
            }
            Answer::Unknown if latchkey_shared::defect!(ClearAssumed) && matches!(command, Command::Clear { .. }) => {
                acknowledge(command, slot, ctx);
                Ok(())
            }
            Answer::Rejected { why, reading } => {
                match reading {
                    Some(reading) => slot.take(reading, written.as_ref(), ctx.at, ctx.now_ms),
                    // It said no, and nobody looked whether it meant it.
                    None if readable && why != Refusal::Unsupported => forget(slot),
                    None => {}
                }
                Err(Some(why))
            }
            Answer::Unknown | Answer::Observed(_) | Answer::Operated(_) => Err(None),
        };
        match refused {
            Ok(()) => {
                let gave_way = before.owner.grant().is_some_and(|g| self.unplaced.contains(&g));
                succeed(self.id, no, command, slot, &before, gave_way, ctx, outcome);
            }
            Err(why) => fail(command, slot, why, ctx),
        }
        if before.owner != Owner::Unmanaged && slot.owner == Owner::Unmanaged && before.read_ms.is_some() {
            outcome.events.push(EventBody::ChangedByHand(self.id, no));
        }
        if slot.record() != before.record() {
            outcome.slots.insert(no);
        }
        if refused.is_ok() && slot.owner == Owner::Free && before.owner != Owner::Free {
            self.unpark_duplicates();
        }
    }

    /// A slot became empty: a PIN that was refused as a duplicate may be taken now.
    fn unpark_duplicates(&mut self) {
        for slot in self.slots.values_mut() {
            if matches!(slot.retry, SlotRetry::Parked { why: FailWhy::Duplicate | FailWhy::Full, .. }) {
                slot.retry = SlotRetry::Ready;
            }
        }
    }
}

fn op_slot(op: &SlotOp<GrantId>) -> Option<SlotNo> {
    match op {
        SlotOp::Clear { slot }
        | SlotOp::SetEnabled { slot, .. }
        | SlotOp::SetSchedule { slot, .. }
        | SlotOp::Write { slot, .. }
        | SlotOp::ReadBack { slot } => Some(*slot),
    }
}
