//! One step at one slot: what is recorded before it is sent, and what its answer comes to.

use super::{Context, Outcome, Step, wanted};
use crate::core::lock::{Command, Refusal};
use crate::core::retry::{BLIND_TRIES, BLIND_WAIT_MS, FIRST_MS, SlotRetry, TRIES, wait_ms};
use crate::core::slot_state::{Given, Hand, Slot};
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::plan::SlotOp;
use latchkey_shared::slot::{OwnEnd, Owner, Readback, Seen, SlotContent, SlotNo};

/// The PIN that should be in a slot by its owner.
pub(super) fn written_pin(slot: &Slot, ctx: &Context<'_>) -> Option<Pin> {
    let (Owner::Claimed { grant, rev } | Owner::Managed { grant, rev }) = slot.owner else { return None };
    (ctx.pin)(grant).filter(|(newest, _)| *newest == rev).map(|(_, pin)| pin)
}

/// A command that puts something on. The slot is claimed, on disk, before anything is sent.
pub(super) fn install_command(
    lock: LockId,
    op: SlotOp<GrantId>,
    grant: GrantId,
    no: SlotNo,
    slot: &mut Slot,
    (readback, fresh): (Readback, bool),
    ctx: &Context<'_>,
) -> Step {
    let Some((newest, pin)) = (ctx.pin)(grant) else { return Step::Held(None) };
    if readback != Readback::None && !fresh {
        return Step::Do(Outcome::default(), Command::Read { slot: no });
    }
    let mut outcome = Outcome::default();
    if slot.yields {
        if slot.seen == Seen::Empty {
            slot.set_theirs();
            outcome.slots.insert(no);
            return Step::Record(outcome);
        }
        return emptied(no, slot, ctx);
    }
    let managed_now = matches!(slot.owner, Owner::Managed { rev, .. } if rev == newest);
    let masked = readback == Readback::Masked && slot.seen == Seen::Occupied;
    let masked = masked && !latchkey_shared::defect!(MaskedOverwritten);
    if masked && !managed_now && !(slot.enabled && arrived(slot, &pin)) {
        // Written over, nobody would see whether the old PIN is still in it: so it is seen to be empty in between.
        return emptied(no, slot, ctx);
    }
    if slot.owner.grant() != Some(grant) || !managed_now {
        if slot.owner.grant() != Some(grant) {
            slot.schedule = None;
        }
        if slot.owner.grant() != Some(grant) || slot.rev() != newest {
            (slot.unkept, slot.unsure) = (0, false);
        }
        slot.owner = Owner::Claimed { grant, rev: newest };
        outcome.slots.insert(no);
    }
    let command = match op {
        SlotOp::SetSchedule { slot, .. } => {
            let Some(validity) = (ctx.validity)(grant) else { return Step::Held(None) };
            Command::SetSchedule { slot, validity, zone: ctx.zone.clone(), now: ctx.at }
        }
        _ if slot.enabled && arrived(slot, &pin) => {
            let read = slot.content == SlotContent::Pin(pin);
            slot.owner = Owner::Managed { grant, rev: newest };
            slot.seen = if read { Seen::AsWritten } else { Seen::Occupied };
            slot.retry = SlotRetry::Ready;
            (slot.unkept, slot.unsure) = (0, false);
            outcome.slots.insert(no);
            outcome.events.push(EventBody::CodePut(lock, grant, read));
            return Step::Record(outcome);
        }
        _ => {
            // The hub may not live to hear the answer: from here on the PIN may be in the slot, and may open.
            slot.was_empty = slot.seen == Seen::Empty;
            slot.owner = Owner::Claimed { grant, rev: newest };
            slot.seen = Seen::Unknown;
            slot.enabled = true;
            outcome.slots.insert(no);
            Command::Write { slot: no, pin }
        }
    };
    Step::Do(outcome, command)
}

/// The slot is emptied before anything else becomes of it.
fn emptied(no: SlotNo, slot: &Slot, ctx: &Context<'_>) -> Step {
    match slot.off.ready(ctx.now_ms) {
        true => Step::Do(Outcome::default(), Command::Clear { slot: no }),
        false => Step::Held(slot.off.next_try()),
    }
}

/// Whether what is wanted is there already, as after a crash between the write and its record, or after an answer that
/// was lost. A masked slot says so only if it was empty before.
fn arrived(slot: &Slot, pin: &Pin) -> bool {
    let masked = slot.content == SlotContent::Occupied && slot.unsure && slot.was_empty;
    masked || slot.content == SlotContent::Pin(pin.clone())
}

/// Switches a slot on. That it may be on is on disk before anything is sent. Where it cannot be read, only an
/// answer makes the slot the grant's again: without one the PIN is written anew.
pub(super) fn enable_command(no: SlotNo, slot: &mut Slot, readback: Readback) -> (Outcome, Command) {
    slot.enabled = true;
    slot.seen = Seen::Unknown;
    if let (Readback::None, Owner::Managed { grant, rev }) = (readback, slot.owner) {
        slot.owner = Owner::Claimed { grant, rev };
    }
    let outcome = Outcome { slots: [no].into(), ..Outcome::default() };
    (outcome, Command::SetEnabled { slot: no, enabled: true })
}

/// Whether what was read is what the command was for.
pub(super) fn reached(command: &Command, slot: &Slot) -> bool {
    match command {
        Command::Clear { .. } => slot.seen == Seen::Empty,
        Command::Write { .. } => matches!(slot.seen, Seen::AsWritten | Seen::Occupied) && slot.enabled,
        Command::SetEnabled { enabled, .. } => slot.enabled == *enabled,
        Command::SetSchedule { .. } | Command::Read { .. } | Command::Observe | Command::Operate { .. } => {
            true
        }
    }
}

/// What an acknowledgement alone amounts to on a lock that cannot be read.
pub(super) fn acknowledge(command: &Command, slot: &mut Slot, ctx: &Context<'_>) {
    match command {
        Command::Clear { .. } => {
            slot.seen = Seen::Empty;
            slot.enabled = false;
        }
        Command::Write { .. } => {
            slot.seen = Seen::Unknown;
            slot.enabled = true;
        }
        Command::SetEnabled { enabled, .. } => slot.enabled = *enabled,
        Command::SetSchedule { .. } | Command::Read { .. } | Command::Observe | Command::Operate { .. } => {
            return;
        }
    }
    slot.at = Some(ctx.at);
    slot.read_ms = Some(ctx.now_ms);
}

#[allow(clippy::too_many_arguments)]
pub(super) fn succeed(
    lock: LockId,
    no: SlotNo,
    command: &Command,
    slot: &mut Slot,
    before: &Slot,
    gave_way: bool,
    ctx: &Context<'_>,
    outcome: &mut Outcome,
) {
    match command {
        Command::Write { .. } => {
            slot.retry = SlotRetry::Ready;
            (slot.unkept, slot.unsure, slot.hand) = (0, false, Hand::Off);
            if let Some(grant) = slot.owner.grant() {
                slot.owner = Owner::Managed { grant, rev: slot.rev() };
                outcome.events.push(EventBody::CodePut(lock, grant, slot.seen == Seen::AsWritten));
            }
        }
        Command::Clear { .. } => {
            slot.off = SlotRetry::Ready;
            slot.schedule = None;
            slot.unsure = false;
            let Some(grant) = before.owner.grant() else { return };
            let why = if gave_way { TakenWhy::GaveWay } else { (ctx.taken_why)(grant) };
            // What a lock only acknowledged was not seen.
            let read_back = slot.content == SlotContent::Empty;
            if before.seen != Seen::Empty {
                outcome.events.push(EventBody::CodeTaken(lock, grant, why, read_back));
            }
            // A grant that will be wanted again keeps its number.
            if slot.yields {
                slot.set_theirs();
            } else if gave_way || wanted(ctx.desired, grant).is_none() {
                slot.set_free();
            }
        }
        Command::SetSchedule { validity, zone, .. } => {
            slot.retry = SlotRetry::Ready;
            slot.schedule = Some(Given { tag: validity.tag(zone), sure: OwnEnd::Told });
        }
        Command::SetEnabled { enabled: true, .. } => {
            slot.retry = SlotRetry::Ready;
            if let Owner::Claimed { grant, rev } = slot.owner {
                slot.owner = Owner::Managed { grant, rev };
            }
        }
        Command::SetEnabled { enabled: false, .. } => {
            slot.off = SlotRetry::Ready;
            // When its hours begin again it gets another chance.
            if slot.retry.why() == Some(FailWhy::RejectedByLock) {
                slot.retry = SlotRetry::Ready;
            }
        }
        Command::Read { .. } => was_read(slot, ctx),
        Command::Observe | Command::Operate { .. } => {}
    }
    outcome.slots.insert(no);
}

/// A slot was read: whether a write that went unanswered had arrived.
fn was_read(slot: &mut Slot, ctx: &Context<'_>) {
    let arrived =
        slot.seen == Seen::AsWritten || (slot.seen == Seen::Occupied && slot.unsure && slot.was_empty);
    if slot.unsure && !arrived {
        slot.unsure = false;
        not_kept(slot, ctx);
    } else if slot.unkept == 0 && !slot.retry.is_refused() {
        slot.retry = SlotRetry::Ready;
    }
}

/// A write was read not to be there. It is made again, later and later, and then no more until something changes.
fn not_kept(slot: &mut Slot, ctx: &Context<'_>) {
    slot.unkept = slot.unkept.saturating_add(1);
    let (why, failures) = (FailWhy::NotKept, u32::from(slot.unkept));
    slot.retry = match failures >= TRIES {
        true => SlotRetry::Parked { why, rev: slot.rev() },
        false => {
            let at_ms = ctx.now_ms + wait_ms(FIRST_MS, failures - 1, ctx.jitter);
            SlotRetry::Waiting { why, failures, at_ms }
        }
    };
}

pub(super) fn fail(
    command: &Command,
    slot: &mut Slot,
    why: Option<Refusal>,
    readable: bool,
    ctx: &Context<'_>,
) {
    let (rev, now_ms, jitter) = (slot.rev(), ctx.now_ms, ctx.jitter);
    if why.is_none() && matches!(command, Command::Read { .. }) && slot.is_only_held() {
        // Looking puts nothing in. What somebody may have put there meanwhile is not taken for ours.
        slot.read_ms = None;
    } else if why.is_none() {
        // Anything may have happened.
        slot.forget_content();
    }
    if command.is_removal() {
        let why = if why.is_some() { FailWhy::RejectedByLock } else { FailWhy::Unreachable };
        slot.off = slot.off.failed(why, now_ms, jitter);
        return;
    }
    let write = matches!(command, Command::Write { .. });
    let writing = write || matches!(command, Command::SetSchedule { .. });
    let parked = |why| SlotRetry::Parked { why, rev };
    match why {
        Some(Refusal::Duplicate) if writing => {
            // Another hub of the home may be about to take it off.
            let soon = slot.retry.failed(FailWhy::Duplicate, now_ms, jitter);
            let again = ctx.company && soon.failures() < TRIES;
            slot.retry = if again { soon } else { parked(FailWhy::Duplicate) };
        }
        Some(Refusal::Full) if writing => slot.retry = parked(FailWhy::Full),
        Some(Refusal::BadPin | Refusal::Unsupported) if writing => {
            slot.retry = parked(FailWhy::RejectedByLock)
        }
        Some(_) if write && slot.seen != Seen::Unknown => not_kept(slot, ctx),
        Some(_) => {
            slot.retry = slot.retry.failed(FailWhy::RejectedByLock, now_ms, jitter);
            if slot.retry.failures() >= TRIES {
                slot.retry = parked(FailWhy::RejectedByLock);
            }
        }
        None => {
            slot.retry = slot.retry.failed(FailWhy::Unreachable, now_ms, jitter);
            if write {
                slot.unsure = true;
                slot.at = if readable { slot.at } else { Some(ctx.at) };
            }
            // Without a way to read it the same PIN into the same slot is all that can be done; a few times, then rarely.
            if let SlotRetry::Waiting { failures: BLIND_TRIES.., at_ms, .. } = &mut slot.retry
                && !readable
            {
                *at_ms = now_ms + BLIND_WAIT_MS;
            }
        }
    }
}
