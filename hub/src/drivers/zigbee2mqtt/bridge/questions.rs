//! Questions to locks, and their answers.

use super::super::ask::{self, Ask, Failed, Reply, What};
use super::super::lock::{Pending, Setup};
use super::super::message::{self, State};
use super::super::mqtt::Connection;
use super::Bridge;
use crate::core::lock::{Bolt, Refusal};
use crate::drivers::Applied;
use tokio::time::Instant;

impl Bridge {
    pub(super) fn ask(&mut self, ask: Ask, to: &Connection) {
        let ieee = ask.ieee.clone();
        let Some(known) = self.locks.get_mut(&ieee).filter(|_| self.online != Some(false)) else { return };
        self.marks = self.marks.wrapping_add(1);
        let mark = format!("{}-{:08x}", self.name, self.marks);
        known.give_up();
        known.pending = Some(Pending {
            ask,
            mark,
            sent: false,
            doubted: false,
            applied: Applied::Acknowledged,
            reading: None,
        });
        if known.setup == Setup::Done {
            self.send_pending(&ieee, to);
        }
    }

    pub(super) fn send_pending(&mut self, ieee: &str, to: &Connection) {
        let Some(known) = self.locks.get_mut(ieee) else { return };
        let Some(pending) = known.pending.as_mut().filter(|pending| !pending.sent) else { return };
        (pending.sent, pending.doubted) = (true, known.doubt);
        let message = pending.ask.what.message(&pending.mark, known.doubt);
        let changes = pending.ask.what.changes();
        if let Some(slot) = changes {
            known.will_change(slot, Instant::now());
        }
        if !to.publish(&format!("{}/{ieee}/set", self.settings.base_topic), message.as_bytes().to_vec()) {
            known.pending = None;
        }
    }

    /// Whether a message of the lock answers what was asked. Of slots zigbee2mqtt says only what it has just read.
    pub(super) fn answer(&mut self, ieee: &str, state: &State) {
        let Some(known) = self.locks.get_mut(ieee) else { return };
        let fresh = known.freshen();
        let Some(pending) = known.pending.as_mut().filter(|pending| pending.sent) else { return };
        let read =
            pending.ask.what.reads().filter(|_| fresh).and_then(|slot| state.users.get(&slot.0.to_string()));
        let read = read.map(message::User::reading);
        if read.is_some() {
            pending.reading = read;
        }
        let attributes = state.answers.get(&ask::property(&pending.mark)).copied();
        let at_end = attributes.is_some() || !pending.doubted;
        let reading = pending.reading.clone().filter(|_| at_end);
        let reply = match &pending.ask.what {
            What::Attributes { .. } => attributes.map(Reply::Attributes),
            What::Read(_) => reading.clone().map(Reply::Reading),
            What::Change { .. } if attributes.is_some() || reading.is_some() => {
                Some(Reply::Changed(pending.applied, reading.clone()))
            }
            What::Operate(to) if state.bolt().is_some_and(|bolt| bolt == *to || bolt == Bolt::Jammed) => {
                Some(Reply::Moved)
            }
            What::Change { .. } | What::Operate(_) => None,
        };
        if attributes.is_some() {
            known.doubt = false;
        } else if reply.is_none() {
            return;
        }
        if let (Some(pending), Some(reply)) = (known.pending.take(), reply) {
            let _ = pending.ask.reply.send(reply);
        }
        if let Some(reading) = reading {
            known.was_read(&reading);
        }
        self.present_if_other(ieee);
    }

    /// zigbee2mqtt logs an error. Its text is looked at and goes nowhere.
    pub(super) fn failed(&mut self, text: &str) {
        let Some(failed) = Failed::of(text) else { return };
        let about = |pending: &Pending| pending.sent && text.contains(&pending.mark);
        let lock = self.locks.values_mut().find(|lock| lock.pending.as_ref().is_some_and(about));
        let Some(known) = lock else { return };
        let Some(mut pending) = known.pending.take() else { return };
        if let (What::Change { .. }, Failed::Command { unsupported }) = (&pending.ask.what, failed) {
            // What comes after the command in the same message is still to come.
            let cannot = Applied::Refused(Refusal::Unsupported);
            pending.applied = if unsupported { cannot } else { Applied::Silent };
            known.pending = Some(pending);
            return;
        }
        known.doubt |= pending.ask.what.reads().is_some();
        let reply = match (&pending.ask.what, failed) {
            // What was read meanwhile is none: it may be an older answer.
            (What::Change { .. }, _) => Reply::Changed(pending.applied, None),
            (What::Attributes { .. }, Failed::Attributes { lacking: true }) => Reply::Lacking,
            // Nobody answers: that is what a dropped question says.
            _ => return,
        };
        let _ = pending.ask.reply.send(reply);
    }
}
