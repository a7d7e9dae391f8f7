//! What an answer comes to.

use super::steps::{acknowledge, fail, reached, succeed, written_pin};
use super::{Context, Hands, LockCore, Outcome};
use crate::core::lock::{Answer, Command, Observation, Refusal};
use crate::core::retry::SlotRetry;
use crate::core::slot_state::{Hand, Slot};
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::FailWhy;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, OwnEnd, Owner, Readback, Seen, SlotContent, SlotNo};

impl LockCore {
    /// Takes in the answer to the command in flight.
    pub fn answer(&mut self, answer: Answer, ctx: &Context<'_>) -> Outcome {
        let Some(command) = self.in_flight.take() else { return Outcome::default() };
        self.stirs += 1;
        let mut outcome = Outcome::default();
        match answer {
            Answer::Unknown => {
                self.deaf |= command == Command::Observe;
                self.breaker.silent(ctx.now_ms, ctx.jitter);
            }
            _ => self.breaker.answered(),
        }
        self.note_reachable(self.breaker.reachable(), ctx.at, &mut outcome);
        if answer != Answer::Unknown {
            self.health.seen(ctx.at);
        }
        match (command.slot(), answer) {
            (None, Answer::Observed(observation)) => self.observed(observation, ctx, &mut outcome),
            (None, answer) => self.operated(&command, &answer, &mut outcome),
            (Some(no), answer) => self.slot_answered(no, &command, answer, ctx, &mut outcome),
        }
        outcome
    }

    fn observed(&mut self, observation: Observation, ctx: &Context<'_>, outcome: &mut Outcome) {
        if observation.abilities.validate().is_err() {
            return self.breaker.silent(ctx.now_ms, ctx.jitter);
        }
        self.observe_again = false;
        if self.abilities.is_none() {
            outcome.events.push(EventBody::LockFound(self.id, self.name.clone()));
            self.begin_to_look();
        }
        if self.abilities.as_ref().is_some_and(|known| refusals_may_pass(known, &observation.abilities)) {
            for slot in self.slots.values_mut() {
                if slot.retry.why() == Some(FailWhy::RejectedByLock) {
                    slot.retry = SlotRetry::Ready;
                }
            }
        }
        let may_tell = !self.tells_changes && observation.tells_changes;
        self.tells_changes = observation.tells_changes;
        if may_tell {
            self.lapse();
        }
        // That nothing can be read takes nothing back from what the lock acknowledged.
        if observation.abilities.readback != Readback::None {
            for (no, reading) in observation.slots {
                self.hint(no, reading.content, &observation.abilities, ctx, outcome);
            }
        }
        outcome.lock = true;
        let vitals = observation.vitals;
        self.abilities = Some(observation.abilities);
        self.note_vitals(&vitals, ctx.at, outcome);
    }

    /// What a bridge remembers of a slot. It was not read from the lock just now: where it says something new it is
    /// looked at, and nothing is written because of it.
    fn hint(
        &mut self,
        no: SlotNo,
        content: SlotContent,
        abilities: &LockAbilities,
        ctx: &Context<'_>,
        outcome: &mut Outcome,
    ) {
        if no.0 == 0 || no.0 > abilities.slots || content == SlotContent::Unknown {
            return;
        }
        let Some(slot) = self.slots.get(&no).filter(|slot| slot.owner.grant().is_some()) else {
            let foreign = content != SlotContent::Empty;
            let slot = self.slots.entry(no).or_insert_with(Slot::unread);
            if foreign && slot.read_ms.is_none() {
                slot.owner = Owner::Unmanaged;
                slot.seen = content.compare(None);
                slot.content = content;
                outcome.slots.insert(no);
            }
            return;
        };
        if slot.read_ms.is_none() && content.compare(written_pin(slot, ctx).as_ref()) != slot.seen {
            if let Some(slot) = self.slots.get_mut(&no) {
                slot.doubted = true;
            }
            self.look_at_once(no);
        }
    }

    /// Where the bolt is. It is not moved a second time by itself, whatever came of the first.
    fn operated(&mut self, command: &Command, answer: &Answer, outcome: &mut Outcome) {
        let Command::Operate { to } = command else { return };
        if let Answer::Operated(bolt) = answer {
            self.note_bolt(*bolt, outcome);
        }
        if let Some(asked) = self.operating.take_if(|asked| asked.to == *to) {
            let done = *answer == Answer::Operated(*to);
            outcome.events.push(EventBody::Operated(self.id, *to, asked.by, done));
        }
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
        let sure = if answer == Answer::Kept { OwnEnd::ReadBack } else { OwnEnd::Told };
        let refused = match answer {
            // It answered, and said nothing.
            Answer::Verified(reading) if readable && reading.content == SlotContent::Unknown => Err(None),
            Answer::Verified(reading) => {
                slot.take(reading, written.as_ref(), ctx.at, ctx.now_ms);
                if reached(command, slot) { Ok(()) } else { Err(Some(Refusal::NotDone)) }
            }
            Answer::Kept if matches!(command, Command::SetSchedule { .. }) => Ok(()),
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
            Answer::Unknown
                if latchkey_shared::defect!(ClearAssumed) && matches!(command, Command::Clear { .. }) =>
            {
                acknowledge(command, slot, ctx);
                Ok(())
            }
            Answer::Rejected { why, reading } => {
                match reading {
                    Some(reading) => slot.take(reading, written.as_ref(), ctx.at, ctx.now_ms),
                    // It said no, and nobody looked whether it meant it.
                    None if readable && why != Refusal::Unsupported => slot.forget_content(),
                    None => {}
                }
                Err(Some(why))
            }
            Answer::Unknown | Answer::Kept | Answer::Observed(_) | Answer::Operated(_) => Err(None),
        };
        match refused {
            Ok(()) => {
                let gave_way = before.owner.grant().is_some_and(|g| self.unplaced.contains(&g));
                succeed(self.id, no, command, slot, &before, gave_way, ctx, outcome);
                if let (Command::SetSchedule { .. }, Some(given)) = (command, &mut slot.schedule) {
                    given.sure = sure;
                }
            }
            Err(why) => {
                fail(command, slot, why, readable, ctx);
                let counts = !matches!(command, Command::Read { .. });
                outcome.lock |= counts && self.health.failed(ctx.at);
            }
        }
        if matches!(command, Command::Read { .. }) && refused.is_ok() {
            self.seen_by_hand(no, &before, ctx, outcome);
        }
        let in_vain = before.owner == Owner::Free
            && self.slots.get(&no).is_some_and(|slot| slot.owner == Owner::Unmanaged);
        outcome.lock |= self.looked(no, refused.is_ok(), in_vain, ctx.now_ms);
        let Some(slot) = self.slots.get(&no) else { return };
        if before.seen == Seen::Empty && before.owner != Owner::Unmanaged && slot.owner == Owner::Unmanaged {
            outcome.events.push(EventBody::ChangedByHand(self.id, no));
        }
        if slot.record() != before.record() {
            outcome.slots.insert(no);
        }
        if refused.is_ok() && slot.owner == Owner::Free && before.owner != Owner::Free {
            self.unpark_duplicates();
        }
    }

    /// A slot of ours was read: whether somebody changed it at the lock, and what becomes of it.
    fn seen_by_hand(&mut self, no: SlotNo, before: &Slot, ctx: &Context<'_>, outcome: &mut Outcome) {
        let Some(slot) = self.slots.get_mut(&no) else { return };
        let owners = |pin: &Pin| slot.owner.grant().is_some_and(|grant| (ctx.is_of)(pin, grant));
        // With another hub in the home, what is some other code of it that hub has put. If this one was removed, nothing but
        // the slot's own code is for it to take off.
        let not_ours = |pin: &Pin| ctx.removed || ctx.company && (ctx.ours)(pin);
        let others = matches!(&slot.content, SlotContent::Pin(pin) if not_ours(pin) && !owners(pin));
        let others = others && !latchkey_shared::defect!(HeldTaken);
        let theirs = match &slot.content {
            SlotContent::Pin(pin) => others || !(ctx.ours)(pin),
            SlotContent::Occupied => !before.unsure,
            SlotContent::Empty | SlotContent::Unknown => false,
        };
        let held = before.seen == Seen::Empty && slot.owner.grant().is_some();
        // A write to it went unanswered, perhaps in an earlier run: whose PIN this is the lock shows.
        let unanswered = before.seen == Seen::Unknown
            && matches!(slot.content, SlotContent::Pin(_))
            && matches!(slot.owner, Owner::Claimed { grant, .. } if (ctx.knows_pins_of)(grant));
        let managed = matches!(slot.owner, Owner::Managed { .. });
        if theirs && (held || unanswered) || others && managed {
            if !held && before.hand < Hand::Told {
                outcome.events.push(EventBody::ChangedByHand(self.id, no));
            }
            slot.set_theirs();
            return;
        }
        let Owner::Managed { rev, .. } = slot.owner else { return };
        let known = matches!(before.seen, Seen::AsWritten | Seen::Occupied);
        let changed = match slot.seen {
            Seen::AsWritten | Seen::Unknown => false,
            // A masked slot shows no other PIN: only who was told of a change knows.
            Seen::Occupied => slot.hand >= Hand::Suspected,
            Seen::Different | Seen::Empty => known || matches!(slot.hand, Hand::Suspected | Hand::Told),
        };
        if !changed {
            if slot.hand >= Hand::Suspected && slot.schedule.is_some() && slot.insists(ctx.now_ms) {
                // Its hours may have been changed.
                slot.schedule = None;
            }
            if slot.seen != Seen::Unknown && slot.hand != Hand::Removed {
                slot.hand = Hand::Off;
            }
            return;
        }
        // Its hours may have gone with it.
        slot.schedule = None;
        if slot.hand < Hand::Told {
            outcome.events.push(EventBody::ChangedByHand(self.id, no));
        }
        match (ctx.hands, slot.seen) {
            (Hands::Leave | Hands::Adopt, Seen::Empty) => {
                slot.hand = Hand::Removed;
                slot.retry = SlotRetry::Parked { why: FailWhy::RemovedByHand, rev };
            }
            (Hands::Leave | Hands::Adopt, _) => slot.set_theirs(),
            (Hands::Restore, _) => put_back(slot, ctx),
        }
    }

    /// A slot became empty: a PIN that was refused as a duplicate may be taken now.
    fn unpark_duplicates(&mut self) {
        for slot in self.slots.values_mut() {
            if matches!(slot.retry.why(), Some(FailWhy::Duplicate | FailWhy::Full)) {
                slot.retry = SlotRetry::Ready;
            }
        }
    }
}

/// A slot of ours was changed at the lock and gets its code back, but not for ever.
fn put_back(slot: &mut Slot, ctx: &Context<'_>) {
    let Owner::Managed { grant, rev } = slot.owner else { return };
    slot.hand = Hand::Off;
    let ours = match &slot.content {
        SlotContent::Pin(pin) => (ctx.is_of)(pin, grant),
        SlotContent::Occupied | SlotContent::Unknown => true,
        SlotContent::Empty => false,
    };
    let insists = slot.insists(ctx.now_ms);
    if !insists && !ours {
        return slot.set_theirs();
    }
    slot.yields = !insists;
    if slot.seen == Seen::Occupied {
        // Whose PIN is in it nobody knows: it is written anew.
        slot.owner = Owner::Claimed { grant, rev };
    }
}

/// Whether what a lock refused before it may take now.
fn refusals_may_pass(known: &LockAbilities, now: &LockAbilities) -> bool {
    let rules = |a: &LockAbilities| (a.pin_min, a.pin_max, a.one_length, a.own_schedules);
    rules(known) != rules(now)
}
