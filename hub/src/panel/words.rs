//! Events for the panel. They read as they do in the portal.

use crate::core::view::HubView;
use latchkey_shared::event::{Event, EventBody, EventNames};
use latchkey_shared::id::{GrantId, HubId, LockId};
use serde_json::{Value, json};

/// What things are called at this hub.
pub(super) struct Names<'a> {
    pub(super) view: &'a HubView,
    pub(super) hub: &'a str,
}

impl EventNames for Names<'_> {
    fn lock(&self, id: &LockId) -> String {
        let id = id.to_string();
        let lock = self.view.locks.iter().find(|lock| lock.id == id);
        lock.map_or_else(|| "A lock".to_owned(), |lock| lock.name.clone())
    }

    fn has_lock(&self, id: &LockId) -> bool {
        let id = id.to_string();
        self.view.locks.iter().any(|lock| lock.id == id)
    }

    fn code(&self, id: &GrantId) -> String {
        self.view.labels.get(id).cloned().unwrap_or_else(|| "A code".to_owned())
    }

    fn hub(&self, _: &HubId) -> String {
        self.hub.to_owned()
    }
}

/// One event as the page shows it.
pub(super) fn event(event: &Event, names: &Names<'_>) -> Value {
    json!({
        "number": event.number,
        "at": event.at.0,
        "unsure": event.clock_unsure,
        "kind": kind(&event.body),
        "text": event.sentence(names),
    })
}

/// How it looks. Somebody may be looking over a shoulder: a duress code looks like any other.
fn kind(body: &EventBody) -> &'static str {
    match body {
        EventBody::CodeUsed(..) | EventBody::Duress(..) | EventBody::UnmanagedUsed(..) => "used",
        EventBody::EntryRefused(_) | EventBody::PanelRefused => "refused",
        EventBody::CodePut(..) => "put",
        EventBody::CodeTaken(..) => "taken",
        EventBody::PanelOpened(_) | EventBody::PanelDuress(_) | EventBody::PanelChanged(..) => "panel",
        EventBody::CodeFailed(..)
        | EventBody::LockReachable(_, false)
        | EventBody::ChainAlarm(_)
        | EventBody::Online(false)
        | EventBody::PanelDropped(..)
        | EventBody::EntriesLost(..)
        | EventBody::ZoneUnknown(_)
        | EventBody::Restored(_)
        | EventBody::StartedOver
        | EventBody::Jammed(_)
        | EventBody::Tampered(_)
        | EventBody::BatteryLow(_)
        | EventBody::Operated(_, _, _, false) => "failed",
        EventBody::LockFound(..)
        | EventBody::LockReachable(_, true)
        | EventBody::ChangedByHand(..)
        | EventBody::LockGone(_)
        | EventBody::Operated(..) => "lock",
        EventBody::Started(_) | EventBody::ClockMoved(_) | EventBody::Online(true) => "hub",
    }
}
