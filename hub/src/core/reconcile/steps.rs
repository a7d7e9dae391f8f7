//! One step at one slot: what is recorded before it is sent, and what its answer comes to.

use super::{Context, Outcome};
use crate::core::lock::{Command, Refusal};
use crate::core::retry::SlotRetry;
use crate::core::slot_state::Slot;
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::plan::SlotOp;
use latchkey_shared::slot::{Owner, Readback, Seen, SlotContent, SlotNo};

/// A reading older than this is taken again before a write relies on it, in milliseconds.
const FRESH_MS: u64 = 60_000;

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
    ctx: &Context<'_>,
    readback: Readback,
) -> Option<Result<(Outcome, Command), Outcome>> {
    let (newest, pin) = (ctx.pin)(grant)?;
    let fresh = slot.read_ms.is_some_and(|t| ctx.now_ms.saturating_sub(t) <= FRESH_MS);
    if readback != Readback::None && !fresh {
        return Some(Ok((Outcome::default(), Command::Read { slot: no })));
    }
    let mut outcome = Outcome::default();
    let managed_now = matches!(slot.owner, Owner::Managed { rev, .. } if rev == newest);
    if slot.owner.grant() != Some(grant) || !managed_now {
        if slot.owner.grant() != Some(grant) {
            slot.schedule = None;
        }
        slot.owner = Owner::Claimed { grant, rev: newest };
        outcome.slots.insert(no);
    }
    let command = match op {
        SlotOp::SetSchedule { slot, .. } => {
            Command::SetSchedule { slot, validity: (ctx.validity)(grant)?, zone: ctx.zone.clone() }
        }
        // What is wanted is there already, as after a crash between the write and its record.
        _ if slot.content == SlotContent::Pin(pin.clone()) && slot.enabled => {
            slot.owner = Owner::Managed { grant, rev: newest };
            slot.seen = Seen::AsWritten;
            slot.retry = SlotRetry::Ready;
            outcome.slots.insert(no);
            outcome.events.push(EventBody::CodePut(lock, grant, true));
            return Some(Err(outcome));
        }
        _ => {
            // The hub may not live to hear the answer: from here on the PIN may be in the slot, and may open.
            slot.owner = Owner::Claimed { grant, rev: newest };
            slot.seen = Seen::Unknown;
            slot.enabled = true;
            outcome.slots.insert(no);
            Command::Write { slot: no, pin }
        }
    };
    Some(Ok((outcome, command)))
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

/// What was read before no longer counts.
pub(super) fn forget(slot: &mut Slot) {
    slot.seen = Seen::Unknown;
    slot.content = SlotContent::Unknown;
    slot.read_ms = None;
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
    slot.retry = SlotRetry::Ready;
    slot.retry_of_removal = false;
    match command {
        Command::Write { .. } => {
            if let Some(grant) = slot.owner.grant()
                && let Owner::Claimed { rev, .. } | Owner::Managed { rev, .. } = slot.owner
            {
                slot.owner = Owner::Managed { grant, rev };
                outcome.events.push(EventBody::CodePut(lock, grant, slot.seen == Seen::AsWritten));
            }
        }
        Command::Clear { .. } => {
            slot.schedule = None;
            let Some(grant) = before.owner.grant() else { return };
            let why = if gave_way { TakenWhy::GaveWay } else { (ctx.taken_why)(grant) };
            // What a lock only acknowledged was not seen.
            let read_back = slot.content == SlotContent::Empty;
            if before.seen != Seen::Empty {
                outcome.events.push(EventBody::CodeTaken(lock, grant, why, read_back));
            }
            // A grant that will be wanted again keeps its number.
            if gave_way || !ctx.desired.iter().any(|d| d.grant() == grant) {
                slot.owner = Owner::Free;
            } else if matches!(before.retry, SlotRetry::Parked { .. }) {
                slot.retry = before.retry;
            }
        }
        Command::SetSchedule { validity, zone, .. } => slot.schedule = Some(validity.tag(zone)),
        Command::SetEnabled { enabled: true, .. } => {
            if let Owner::Claimed { grant, rev } = slot.owner {
                slot.owner = Owner::Managed { grant, rev };
            }
        }
        Command::Read { .. } | Command::SetEnabled { .. } | Command::Observe | Command::Operate { .. } => {}
    }
    outcome.slots.insert(no);
}

pub(super) fn fail(command: &Command, slot: &mut Slot, why: Option<Refusal>, ctx: &Context<'_>) {
    let rev = match slot.owner {
        Owner::Claimed { rev, .. } | Owner::Managed { rev, .. } => rev,
        Owner::Free | Owner::Unmanaged => 0,
    };
    let writing = matches!(command, Command::Write { .. } | Command::SetSchedule { .. });
    slot.retry_of_removal = command.is_removal();
    slot.retry = match why {
        Some(Refusal::Duplicate) if writing => SlotRetry::Parked { why: FailWhy::Duplicate, rev },
        Some(Refusal::Full) if writing => SlotRetry::Parked { why: FailWhy::Full, rev },
        Some(Refusal::BadPin | Refusal::Unsupported) if writing => {
            SlotRetry::Parked { why: FailWhy::RejectedByLock, rev }
        }
        Some(_) => slot.retry.failed(FailWhy::RejectedByLock, ctx.now_ms, ctx.jitter),
        None if matches!(command, Command::SetSchedule { .. }) => {
            // The hours may be there or not. The PIN is as it was: one that is not there must not pass for unknown.
            slot.schedule = None;
            slot.retry.failed(FailWhy::Unreachable, ctx.now_ms, ctx.jitter)
        }
        None => {
            // Anything may have happened.
            forget(slot);
            slot.retry.failed(FailWhy::Unreachable, ctx.now_ms, ctx.jitter)
        }
    };
}
