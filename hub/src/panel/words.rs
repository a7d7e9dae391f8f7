//! Events in words, for the panel.

use crate::core::view::HubView;
use latchkey_shared::chain::ChainError;
use latchkey_shared::event::{Event, EventBody, PanelChange, TakenWhy};
use latchkey_shared::id::{GrantId, LockId};
use serde_json::{Value, json};

/// One event as the page shows it.
pub(super) fn event(event: &Event, view: &HubView) -> Value {
    let (kind, text) = sentence(&event.body, view);
    json!({ "number": event.number, "at": event.at.0, "unsure": event.clock_unsure, "kind": kind, "text": text })
}

fn sentence(body: &EventBody, view: &HubView) -> (&'static str, String) {
    let lock = |id: &LockId| {
        let id = id.to_string();
        view.locks.iter().find(|l| l.id == id).map_or_else(|| "A lock".to_owned(), |l| l.name.clone())
    };
    let code = |id: &GrantId| view.labels.get(id).cloned().unwrap_or_else(|| "A code".to_owned());
    match body {
        EventBody::Started(version) => ("started", format!("Hub started, version {version}.")),
        EventBody::CodeUsed(l, g) => ("used", format!("{} opened {}.", code(g), lock(l))),
        EventBody::EntryRefused(l) => ("refused", format!("{} refused a PIN.", lock(l))),
        EventBody::UnmanagedUsed(l, _) => ("used", format!("A code of its own opened {}.", lock(l))),
        EventBody::CodePut(l, g, true) => ("put", format!("{} is on {}, read back.", code(g), lock(l))),
        EventBody::CodePut(l, g, false) => {
            ("put", format!("{} was written to {}, which cannot confirm it.", code(g), lock(l)))
        }
        EventBody::CodeTaken(l, g, why, true) => {
            ("taken", format!("{} is off {}: {}.", code(g), lock(l), taken(*why)))
        }
        EventBody::CodeTaken(l, g, why, false) => {
            let text = format!(
                "{} was cleared from {}, which cannot confirm it: {}.",
                code(g),
                lock(l),
                taken(*why)
            );
            ("taken", text)
        }
        EventBody::CodeFailed(l, g, why) => {
            ("failed", format!("{} is not on {}: {}.", code(g), lock(l), why.wrong()))
        }
        EventBody::LockFound(_, name) => ("lock", format!("Found the lock {name}.")),
        EventBody::LockReachable(l, true) => ("lock", format!("{} answers again.", lock(l))),
        EventBody::LockReachable(l, false) => ("failed", format!("{} does not answer.", lock(l))),
        EventBody::ChangedByHand(l, slot) => {
            ("lock", format!("Somebody changed slot {} of {}.", slot.0, lock(l)))
        }
        EventBody::ClockMoved(seconds) => ("hub", format!("The clock was set by {seconds} s.")),
        EventBody::ChainAlarm(reason) => {
            ("failed", format!("The cloud showed another history than before ({reason})."))
        }
        EventBody::Online(true) => ("hub", "The cloud is reachable again.".to_owned()),
        EventBody::Online(false) => ("failed", "The cloud cannot be reached.".to_owned()),
        EventBody::LockGone(l) => ("lock", format!("{} was taken away.", lock(l))),
        // Somebody may be looking over a shoulder: a duress code reads like any other.
        EventBody::Duress(l, g) => ("used", format!("{} opened {}.", code(g), lock(l))),
        EventBody::PanelOpened(g) | EventBody::PanelDuress(g) => {
            ("panel", format!("{} opened the panel.", code(g)))
        }
        EventBody::PanelRefused => ("refused", "The panel refused a PIN.".to_owned()),
        EventBody::PanelChanged(g, what, _) => {
            ("panel", format!("{} {} at the panel.", code(g), changed(*what)))
        }
        EventBody::PanelDropped(g, what, why) => {
            let why = ChainError::ALL.iter().find(|e| e.code() == why).map_or(why.as_str(), |e| e.hint());
            let text = format!("{} {} at the panel, but that was dropped. {why}", code(g), changed(*what));
            ("failed", text)
        }
        EventBody::EntriesLost(l, count) => {
            ("failed", format!("{} forgot {count} entries before they were read.", lock(l)))
        }
        EventBody::ZoneUnknown(zone) => (
            "failed",
            format!("This hub has no rules for the time zone {zone}: codes with hours do not open."),
        ),
        EventBody::Restored(last) => {
            ("failed", format!("This hub was set back to a backup that ends with event {last}."))
        }
        EventBody::StartedOver => ("failed", "This hub was taken out of its home.".to_owned()),
    }
}

fn changed(what: PanelChange) -> &'static str {
    match what {
        PanelChange::Added => "was made",
        PanelChange::Edited => "was changed",
        PanelChange::Suspended => "was paused",
        PanelChange::Resumed => "was resumed",
        PanelChange::Ended => "was ended",
    }
}

fn taken(why: TakenWhy) -> &'static str {
    match why {
        TakenWhy::Expired => "it ended",
        TakenWhy::Revoked => "it was revoked",
        TakenWhy::OutsideHours => "outside its hours",
        TakenWhy::Suspended => "it was paused",
        TakenWhy::Changed => "it was changed",
        TakenWhy::OfflineGrace => "no word from the cloud for too long",
        TakenWhy::GaveWay => "a nearer booking needed the slot",
    }
}
