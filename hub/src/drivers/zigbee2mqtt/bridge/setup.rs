//! zigbee2mqtt is set up for locks.

use super::super::lock::{Known, Setup};
use super::super::mqtt::Connection;
use super::super::published::Response;
use super::Bridge;

impl Bridge {
    pub(super) fn set_up_all(&mut self, to: &Connection) {
        for ieee in self.locks.keys().cloned().collect::<Vec<_>>() {
            self.set_up(&ieee, false, to);
        }
    }

    fn set_up(&mut self, ieee: &str, last_word: bool, to: &Connection) {
        let (Some(info), Some(known)) = (&self.info, self.locks.get_mut(ieee)) else { return };
        let options = info.options(ieee);
        let expose = self.settings.expose_pin;
        if known.set_up(&options, expose, last_word) || last_word {
            known.setup = Setup::Done;
            if last_word && known.is_repeating() {
                tracing::warn!(
                    lock = ieee,
                    "zigbee2mqtt: cannot set filtered_cache; the lock counts as unreadable"
                );
            }
            self.send_pending(ieee, to);
            self.present_if_other(ieee);
            return;
        }
        if known.setup == Setup::Asked {
            return;
        }
        known.setup = Setup::Asked;
        let mut filter = options.filtered_cache.unwrap_or_default();
        filter.extend(known.never_repeated().iter().map(|one| (*one).to_owned()));
        filter.sort();
        filter.dedup();
        let wanted = match expose {
            true => serde_json::json!({ "filtered_cache": filter, "expose_pin": true }),
            false => serde_json::json!({ "filtered_cache": filter }),
        };
        let request =
            serde_json::json!({ "id": ieee, "options": wanted, "transaction": self.transaction(ieee) });
        let topic = format!("{}/bridge/request/device/options", self.settings.base_topic);
        to.publish(&topic, request.to_string().into_bytes());
    }

    fn transaction(&self, ieee: &str) -> String {
        format!("{}/{ieee}", self.name)
    }

    /// zigbee2mqtt has published its options before it answers, so they are what they will be.
    pub(super) fn was_set_up(&mut self, payload: &[u8], to: &Connection) {
        let response: Option<Response> = serde_json::from_slice(payload).ok();
        let transaction = response.and_then(|response| response.transaction);
        let Some(transaction) = transaction.as_ref().and_then(|value| value.as_str()) else { return };
        let lock = self.locks.keys().find(|ieee| self.transaction(ieee) == transaction).cloned();
        if let Some(ieee) = lock {
            self.set_up(&ieee, true, to);
        }
    }

    /// What can be read of the lock is not what was said of it.
    pub(super) fn present_if_other(&mut self, ieee: &str) {
        if self.locks.get_mut(ieee).is_some_and(Known::is_other_than_said) {
            self.present(ieee);
        }
    }
}
