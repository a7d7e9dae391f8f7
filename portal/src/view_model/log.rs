//! The hubs' signed events, each verified here, and each one's place in its log.

use super::Home;
use latchkey_shared::event::{Event, EventTip};
use latchkey_shared::id::{Hash32, HubId};
use latchkey_shared::wire::cbor::Blob;
use litemap::LiteMap;
use std::rc::Rc;

/// What was fetched of the hubs' logs.
#[derive(Clone)]
pub struct Log {
    /// By hub and number, so that nothing shows twice.
    pub events: LiteMap<(HubId, u64), Rc<(Event, Hash32)>>,
    /// Events that did not verify.
    pub refused: usize,
    /// Where the next page begins.
    pub next: Option<u64>,
}

impl Default for Log {
    fn default() -> Self {
        Self { events: LiteMap::new(), refused: 0, next: None }
    }
}

impl Log {
    /// Takes in what verifies.
    pub fn take(&mut self, home: &Home, events: &[Blob]) {
        for bytes in events {
            // What a hub said before it was removed stands.
            let known =
                Event::claimed_source(&bytes.0).and_then(|(_, hub)| Some((hub, home.chain.hub_key(&hub)?)));
            let verified = known.and_then(|(hub, key)| Event::verify(&bytes.0, &home.id, &hub, key).ok());
            match verified {
                Some((event, hash)) => {
                    self.events.insert((event.hub, event.number), Rc::new((event, hash)));
                }
                None => self.refused += 1,
            }
        }
    }

    /// Whether both have an event in common.
    pub fn touches(&self, other: &Self) -> bool {
        self.events.keys().any(|place| other.events.contains_key(place))
    }

    /// The first event that does not follow from the one before it.
    pub fn broken(&self) -> Option<(HubId, u64)> {
        let mut pairs = self.events.values().zip(self.events.values().skip(1));
        let found = pairs.find(|(before, after)| {
            let tip = EventTip { number: before.0.number, hash: Some(before.1) };
            before.0.hub == after.0.hub && after.0.follows(&tip).is_err()
        });
        found.map(|(_, after)| (after.0.hub, after.0.number))
    }

    /// The newest event first.
    pub fn newest_first(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.values().map(|entry| &entry.0).collect();
        events.sort_unstable_by_key(|event| core::cmp::Reverse((event.at, event.number)));
        events
    }
}
