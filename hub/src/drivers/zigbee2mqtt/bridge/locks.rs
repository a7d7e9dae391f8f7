//! Locks come and go.

use super::super::lock::Known;
use super::super::mqtt::Connection;
use super::super::port::LockPort;
use super::super::published::{Devices, Listed, Response};
use super::{Bridge, PACE_MS};
use crate::core::{Numbering, Presented};
use crate::drivers::Attached;
use latchkey_shared::grant::name_from;

impl Bridge {
    pub(super) fn devices(&mut self, devices: Devices, to: &Connection) {
        self.listed = devices.all.into_iter().collect();
        self.left.retain(|ieee| !self.listed.contains(ieee));
        for lock in self.locks.values_mut() {
            lock.is_listed = devices.locks.iter().any(|listed| listed.ieee == lock.listed.ieee);
        }
        for listed in devices.locks {
            self.found(listed, to);
        }
        self.settle(to);
        self.set_up_all(to);
        self.tell_who_is_here();
    }

    fn found(&mut self, listed: Listed, to: &Connection) {
        let ieee = listed.ieee.clone();
        match self.locks.get_mut(&ieee) {
            Some(known) if known.listed == listed => return,
            Some(known) => {
                let before = known.listed.name.clone();
                known.relist(listed.clone());
                if before != listed.name {
                    to.unsubscribe(&format!("{}/{before}", self.settings.base_topic));
                    to.unsubscribe(&format!("{}/{before}/availability", self.settings.base_topic));
                    self.listen(&listed.name, to);
                }
            }
            None => {
                self.listen(&listed.name, to);
                self.locks.insert(ieee.clone(), Known::new(listed, self.settings.expose_pin));
            }
        }
        self.present(&ieee);
    }

    pub(super) fn present(&self, ieee: &str) {
        let Some(known) = self.locks.get(ieee) else { return };
        let name = &known.listed.name;
        let presented = Presented {
            key: self.key(ieee),
            name: name_from(name, "").unwrap_or_else(|| ieee.to_owned()),
            driver: super::super::NAME.to_owned(),
            pace_ms: PACE_MS,
            numbering: Numbering::default(),
        };
        let (asks, shared) = (self.to_ask.clone(), known.shared.clone());
        let port = Box::new(LockPort { ieee: ieee.to_owned(), shared, asks, after: None });
        self.hub.found(Attached { presented, port });
    }

    /// Somebody had a device removed, by its name or address.
    pub(super) fn was_removed(&mut self, payload: &[u8], to: &Connection) {
        let response: Option<Response> = serde_json::from_slice(payload).ok();
        let Some(id) = response.filter(|r| r.status == "ok").and_then(|r| r.data.id) else { return };
        let lock = self.locks.values().find(|lock| lock.listed.ieee == id || lock.listed.name == id);
        self.left.extend(lock.map(|lock| lock.listed.ieee.clone()));
        self.settle(to);
    }

    /// A lock is gone when it was said to have left and a list of zigbee2mqtt's agrees. A list alone proves nothing:
    /// it may be empty, or of a zigbee2mqtt that starts with nothing.
    pub(super) fn settle(&mut self, to: &Connection) {
        if self.online != Some(true) || self.listed.is_empty() {
            return;
        }
        for ieee in std::mem::take(&mut self.left) {
            if self.listed.contains(&ieee) {
                continue;
            }
            if let Some(known) = self.locks.remove(&ieee) {
                to.unsubscribe(&format!("{}/{}", self.settings.base_topic, known.listed.name));
                to.unsubscribe(&format!("{}/{}/availability", self.settings.base_topic, known.listed.name));
                self.hub.removed(&self.key(&ieee));
            }
        }
    }
}
