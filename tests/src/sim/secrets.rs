//! No PIN and no key where it does not belong: text is searched as it is made, storage once a day.

use super::oracle::Check;
use super::world::World;
use latchkey_worker::store::{HomeStore, Shelf};

impl World {
    /// Searches text for PINs that people made. Digits on either side make another number of it.
    pub(super) fn no_pin_in(&mut self, text: &str, place: &'static str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let from = at;
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                at += 1;
            }
            // Times and names in hexadecimal are longer, counts shorter.
            let alone = |i: Option<&u8>| !i.is_some_and(u8::is_ascii_alphanumeric);
            let word = alone(from.checked_sub(1).and_then(|i| bytes.get(i))) && alone(bytes.get(at));
            if (4..=10).contains(&(at - from)) && word && self.truth.pins.contains_key(&text[from..at]) {
                return self.fails(Check::Secrets, format!("a PIN in {place}"));
            }
        }
    }

    /// Searches everything that the cloud stores.
    pub(super) fn search_the_cloud(&mut self) {
        let store = self.cloud.home.store();
        let mut stored: Vec<Vec<u8>> = store.ops_from(0).unwrap_or_default();
        stored.extend(store.reports().unwrap_or_default().into_iter().map(|(_, bytes)| bytes));
        stored.extend(
            store.events_after(0, usize::MAX).unwrap_or_default().into_iter().map(|(_, bytes)| bytes),
        );
        stored.extend(store.links().into_iter().filter_map(|(_, row)| row.content.map(|c| c.0)));
        for shelf in [Shelf::Invite, Shelf::Code, Shelf::Token, Shelf::Answer] {
            stored.extend(store.items(shelf).unwrap_or_default());
        }
        stored.extend(self.cloud.kv_values().map(<[u8]>::to_vec));
        let kv: Vec<String> =
            self.cloud.kv_values().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
        if self.find_pin(&stored) {
            self.fails(Check::Secrets, "a PIN in what the cloud stores".into());
        }
        for text in kv {
            self.no_pin_in(&text, "KV");
        }
        let ledgers: Vec<Vec<u8>> =
            self.hubs.iter().flat_map(|hub| hub.disk.stored.ops.iter().cloned()).collect();
        let events: Vec<Vec<u8>> =
            self.hubs.iter().flat_map(|hub| hub.disk.events.values().cloned()).collect();
        if self.find_pin(&ledgers) || self.find_pin(&events) {
            self.fails(Check::Secrets, "a PIN in a ledger".into());
        }
    }

    /// Whether any of these has the digits of a PIN in a row, not as part of a longer number.
    pub(super) fn find_pin(&self, stored: &[Vec<u8>]) -> bool {
        stored.iter().any(|bytes| {
            let runs = bytes.split(|b| !b.is_ascii_digit()).filter(|run| (4..=10).contains(&run.len()));
            runs.into_iter().any(|run| {
                std::str::from_utf8(run).is_ok_and(|run| run.len() > 4 && self.truth.pins.contains_key(run))
            })
        })
    }
}
