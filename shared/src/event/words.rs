//! Events in words for people, the same in the portal and on the command line.

use super::{Event, EventBody, PanelChange, TakenWhy};
use crate::chain::ChainError;
use crate::id::{GrantId, HubId, LockId};
use crate::report::Bolt;
use crate::time::Seconds;

/// What things are called.
pub trait EventNames {
    /// A lock, also one that is gone.
    fn lock(&self, id: &LockId) -> String;
    /// Whether the home still has it.
    fn has_lock(&self, id: &LockId) -> bool;
    /// A code, also one that was revoked.
    fn code(&self, id: &GrantId) -> String;
    /// A hub, also one that was removed.
    fn hub(&self, id: &HubId) -> String;
}

fn why_taken(why: TakenWhy) -> &'static str {
    match why {
        TakenWhy::Expired => "it ended",
        TakenWhy::Revoked => "it was revoked",
        TakenWhy::OutsideHours => "its hours are over",
        TakenWhy::Suspended => "it was suspended",
        TakenWhy::Changed => "it was changed",
        TakenWhy::OfflineGrace => "the hub was offline for too long",
        TakenWhy::GaveWay => "a nearer code needed the slot",
    }
}

impl Event {
    /// What happened, in a sentence.
    pub fn sentence(&self, names: &dyn EventNames) -> String {
        let lock = |id| names.lock(id);
        let code = |id| names.code(id);
        match &self.body {
            EventBody::Started(version) => format!("{} started (version {version}).", names.hub(&self.hub)),
            // Somebody may be looking over a shoulder: a duress code reads like any other.
            EventBody::CodeUsed(l, g) | EventBody::Duress(l, g) => format!("{} opened {}.", code(g), lock(l)),
            EventBody::EntryRefused(l) => format!("Somebody typed a wrong PIN at {}.", lock(l)),
            EventBody::UnmanagedUsed(l, slot) => {
                format!("A code that Latchkey does not manage (slot {}) opened {}.", slot.0, lock(l))
            }
            EventBody::CodePut(l, g, true) => format!("{} is on {}, read back.", code(g), lock(l)),
            EventBody::CodePut(l, g, false) => {
                format!("{} was written to {}; the lock cannot confirm it.", code(g), lock(l))
            }
            EventBody::CodeTaken(l, g, why, read_back) => {
                let (code, lock, why) = (code(g), lock(l), why_taken(*why));
                match read_back {
                    true => format!("{code} is off {lock}, read back: {why}."),
                    false => format!("{code} was cleared from {lock}, which cannot confirm it: {why}."),
                }
            }
            EventBody::CodeFailed(l, g, why) => {
                format!("{} could not be put on {}: {}.", code(g), lock(l), why.wrong())
            }
            EventBody::LockFound(l, name) => {
                if names.has_lock(l) {
                    format!("{name} was found.")
                } else {
                    format!("{name} was found; it is gone now.")
                }
            }
            EventBody::LockReachable(l, true) => format!("{} answers again.", lock(l)),
            EventBody::LockReachable(l, false) => format!("{} stopped answering.", lock(l)),
            EventBody::ChangedByHand(l, slot) => {
                format!("Somebody changed slot {} at {} by hand.", slot.0, lock(l))
            }
            EventBody::ClockMoved(by) => {
                let way = if *by < 0 { "back" } else { "forward" };
                format!("The hub's clock went {way} by {}.", span_words(Seconds(by.unsigned_abs())))
            }
            EventBody::ChainAlarm(code) => {
                format!("The server showed the hub another history of this home ({code}).")
            }
            EventBody::Online(true) => format!("{} is online.", names.hub(&self.hub)),
            EventBody::Online(false) => {
                format!("{} lost its connection. Codes keep working.", names.hub(&self.hub))
            }
            EventBody::LockGone(_) => "A lock was taken away.".into(),
            EventBody::PanelOpened(g) | EventBody::PanelDuress(g) => {
                format!("{} opened the panel of {}.", code(g), names.hub(&self.hub))
            }
            EventBody::PanelRefused => format!("The panel of {} refused a PIN.", names.hub(&self.hub)),
            EventBody::PanelChanged(g, what, by) => {
                format!("{} {} at the hub's panel, opened with {}.", code(g), panel_change(*what), code(by))
            }
            EventBody::PanelDropped(g, what, why) => {
                let why = ChainError::ALL.iter().find(|e| e.code() == why).map_or(why.as_str(), |e| e.hint());
                let what = panel_change(*what);
                format!(
                    "{} {what} at the hub's panel, but that was dropped: it did not fit any more. {why}",
                    code(g)
                )
            }
            EventBody::EntriesLost(l, count) => {
                format!("{} forgot {count} entries of its log before the hub could read them.", lock(l))
            }
            EventBody::ZoneUnknown(zone) => {
                format!(
                    "The hub does not know the time zone {zone}: codes with hours do not open. Update the hub."
                )
            }
            EventBody::Restored(last) => {
                format!("{} was set back to a backup that ends with its event {last}.", names.hub(&self.hub))
            }
            EventBody::StartedOver => format!(
                "Somebody at {} took it out of this home. Its codes are off its locks.",
                names.hub(&self.hub)
            ),
            EventBody::Jammed(l) => format!("The bolt of {} is stuck.", lock(l)),
            EventBody::Tampered(l) => format!("Somebody tampered with {}.", lock(l)),
            EventBody::BatteryLow(l) => format!("The battery of {} is low.", lock(l)),
            EventBody::Operated(l, to, by, done) => {
                let what = if *to == Bolt::Locked { "locked" } else { "unlocked" };
                let (lock, by) = (lock(l), code(by));
                match done {
                    true => format!("{lock} was {what} at the hub's panel, opened with {by}."),
                    false => {
                        format!("{lock} was to be {what} at the hub's panel, opened with {by}, and was not.")
                    }
                }
            }
        }
    }
}

fn panel_change(what: PanelChange) -> &'static str {
    match what {
        PanelChange::Added => "was made",
        PanelChange::Edited => "was changed",
        PanelChange::Suspended => "was paused",
        PanelChange::Resumed => "was resumed",
        PanelChange::Ended => "was ended",
    }
}

/// `4 minutes`.
pub fn span_words(span: Seconds) -> String {
    let unit = |n: u64, name: &str| format!("{n} {name}{}", if n == 1 { "" } else { "s" });
    match span.0 {
        s @ 0..60 => unit(s, "second"),
        s @ 60..3_600 => unit(s / 60, "minute"),
        s @ 3_600..86_400 => unit(s / 3_600, "hour"),
        s => unit(s / 86_400, "day"),
    }
}
