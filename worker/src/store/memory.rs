//! The store in memory: what native tests run on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use latchkey_shared::id::{Hash32, HubId, KeyId, LinkId, LockId, Nonce};

use super::{HomeStore, HubRow, LinkRow, NewEvent, OpenLink, Shelf};
use crate::error::Result;

type ItemKey = (Shelf, Vec<u8>);

#[derive(Clone, PartialEq, Debug, Default)]
struct Tables {
    ops: BTreeMap<u64, Vec<u8>>,
    reports: BTreeMap<(HubId, LockId), (u64, Vec<u8>)>,
    events: BTreeMap<u64, (HubId, NewEvent)>,
    hubs: BTreeMap<HubId, HubRow>,
    nonces: BTreeMap<(HubId, Nonce), u64>,
    links: BTreeMap<LinkId, LinkRow>,
    items: BTreeMap<ItemKey, (Vec<u8>, Option<u64>)>,
}

/// Everything in maps.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MemoryStore(RefCell<Tables>);

impl MemoryStore {
    /// Every link that has not ended, whole.
    pub fn links(&self) -> Vec<(LinkId, LinkRow)> {
        let tables = self.0.borrow();
        let live = tables.links.iter().filter(|(_, row)| row.ended.is_none());
        live.map(|(id, row)| (*id, row.clone())).collect()
    }
}

impl HomeStore for MemoryStore {
    fn ops_from(&self, seq: u64) -> Result<Vec<Vec<u8>>> {
        Ok(self.0.borrow().ops.range(seq..).map(|(_, op)| op.clone()).collect())
    }

    fn op(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().ops.get(&seq).cloned())
    }

    fn append_ops(&self, first: u64, ops: &[Vec<u8>], _: u64) -> Result<()> {
        self.0.borrow_mut().ops.extend((first..).zip(ops.iter().cloned()));
        Ok(())
    }

    fn report_number(&self, hub: &HubId, lock: &LockId) -> Result<Option<u64>> {
        Ok(self.0.borrow().reports.get(&(*hub, *lock)).map(|(number, _)| *number))
    }

    fn put_report(&self, hub: &HubId, lock: &LockId, number: u64, bytes: &[u8]) -> Result<()> {
        self.0.borrow_mut().reports.insert((*hub, *lock), (number, bytes.to_vec()));
        Ok(())
    }

    fn count_reports(&self, hub: &HubId) -> Result<usize> {
        Ok(self.0.borrow().reports.keys().filter(|(h, _)| h == hub).count())
    }

    fn reports(&self) -> Result<Vec<(HubId, Vec<u8>)>> {
        Ok(self.0.borrow().reports.iter().map(|((hub, _), (_, bytes))| (*hub, bytes.clone())).collect())
    }

    fn drop_reports(&self, hub: &HubId) -> Result<()> {
        self.0.borrow_mut().reports.retain(|(h, _), _| h != hub);
        Ok(())
    }

    fn event_tip(&self, hub: &HubId) -> Result<Option<(u64, Hash32)>> {
        let tables = self.0.borrow();
        Ok(tables.events.values().rev().find(|(h, _)| h == hub).map(|(_, e)| (e.number, e.hash)))
    }

    fn newest_event(&self, hub: &HubId) -> Result<Option<Vec<u8>>> {
        let tables = self.0.borrow();
        Ok(tables.events.values().rev().find(|(h, _)| h == hub).map(|(_, e)| e.bytes.clone()))
    }

    fn event_hash(&self, hub: &HubId, number: u64) -> Result<Option<Hash32>> {
        let tables = self.0.borrow();
        Ok(tables.events.values().find(|(h, e)| h == hub && e.number == number).map(|(_, e)| e.hash))
    }

    fn append_event(&self, hub: &HubId, event: &NewEvent) -> Result<()> {
        let mut tables = self.0.borrow_mut();
        let next = tables.events.last_key_value().map_or(1, |(cursor, _)| cursor + 1);
        tables.events.insert(next, (*hub, event.clone()));
        Ok(())
    }

    fn events_before(&self, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let tables = self.0.borrow();
        let older = tables.events.range(..cursor.unwrap_or(u64::MAX)).rev().take(limit);
        Ok(older.map(|(cursor, (_, event))| (*cursor, event.bytes.clone())).collect())
    }

    fn events_after(&self, cursor: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let tables = self.0.borrow();
        let newer = tables.events.range(cursor + 1..).take(limit);
        Ok(newer.map(|(cursor, (_, event))| (*cursor, event.bytes.clone())).collect())
    }

    fn events_of(&self, holder: &KeyId, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let tables = self.0.borrow();
        let own = tables.events.range(..cursor.unwrap_or(u64::MAX)).rev();
        let own = own.filter(|(_, (_, event))| event.holder == Some(*holder)).take(limit);
        Ok(own.map(|(cursor, (_, event))| (*cursor, event.bytes.clone())).collect())
    }

    fn trim_events(&self, keep: u64) -> Result<()> {
        let mut tables = self.0.borrow_mut();
        let excess = (tables.events.len() as u64).saturating_sub(keep);
        let mut newest: BTreeMap<HubId, u64> = BTreeMap::new();
        for (cursor, (hub, _)) in &tables.events {
            newest.insert(*hub, *cursor);
        }
        let old = tables.events.keys().take(excess as usize).copied().collect::<Vec<_>>();
        for cursor in old.into_iter().filter(|c| !newest.values().any(|n| n == c)) {
            tables.events.remove(&cursor);
        }
        Ok(())
    }

    fn hub(&self, hub: &HubId) -> Result<Option<HubRow>> {
        Ok(self.0.borrow().hubs.get(hub).copied())
    }

    fn put_hub(&self, hub: &HubId, row: HubRow) -> Result<()> {
        self.0.borrow_mut().hubs.insert(*hub, row);
        Ok(())
    }

    fn remember_nonce(&self, hub: &HubId, nonce: &Nonce, until: u64, now: u64) -> Result<bool> {
        let mut tables = self.0.borrow_mut();
        tables.nonces.retain(|_, until| now < *until);
        Ok(tables.nonces.insert((*hub, *nonce), until).is_none())
    }

    fn link(&self, id: &LinkId) -> Result<Option<LinkRow>> {
        Ok(self.0.borrow().links.get(id).cloned())
    }

    fn put_link(&self, id: &LinkId, row: &LinkRow) -> Result<()> {
        self.0.borrow_mut().links.insert(*id, row.clone());
        Ok(())
    }

    fn drop_link(&self, id: &LinkId) -> Result<()> {
        self.0.borrow_mut().links.remove(id);
        Ok(())
    }

    fn open_links(&self) -> Result<Vec<OpenLink>> {
        let live = |(id, row): (LinkId, LinkRow)| OpenLink { id, grant: row.grant, rev: row.rev };
        Ok(self.links().into_iter().map(live).collect())
    }

    fn ended_links(&self) -> Result<Vec<(LinkId, u64)>> {
        Ok(self.0.borrow().links.iter().filter_map(|(id, row)| Some((*id, row.ended?))).collect())
    }

    fn item(&self, shelf: Shelf, id: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().items.get(&(shelf, id.to_vec())).map(|(bytes, _)| bytes.clone()))
    }

    fn items(&self, shelf: Shelf) -> Result<Vec<Vec<u8>>> {
        let tables = self.0.borrow();
        Ok(tables.items.iter().filter(|((s, _), _)| *s == shelf).map(|(_, (b, _))| b.clone()).collect())
    }

    fn count_items(&self, shelf: Shelf) -> Result<usize> {
        self.items(shelf).map(|items| items.len())
    }

    fn put_item(&self, shelf: Shelf, id: &[u8], bytes: &[u8], until: Option<u64>) -> Result<()> {
        self.0.borrow_mut().items.insert((shelf, id.to_vec()), (bytes.to_vec(), until));
        Ok(())
    }

    fn drop_item(&self, shelf: Shelf, id: &[u8]) -> Result<()> {
        self.0.borrow_mut().items.remove(&(shelf, id.to_vec()));
        Ok(())
    }

    fn sweep_items(&self, now: u64) -> Result<Option<u64>> {
        let mut tables = self.0.borrow_mut();
        tables.items.retain(|_, (_, until)| until.is_none_or(|until| now < until));
        Ok(tables.items.values().filter_map(|(_, until)| *until).min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::id::GrantId;

    fn event(number: u64) -> NewEvent {
        NewEvent { number, hash: Hash32([number as u8; 32]), bytes: vec![number as u8], holder: None }
    }

    #[test]
    fn old_events_go_but_never_the_newest_of_a_hub() {
        let (store, quiet, busy) = (MemoryStore::default(), HubId([1; 16]), HubId([2; 16]));
        store.append_event(&quiet, &event(1)).unwrap();
        for number in 1..=9 {
            store.append_event(&busy, &event(number)).unwrap();
        }
        store.trim_events(3).unwrap();
        assert_eq!(store.event_tip(&quiet).unwrap(), Some((1, Hash32([1; 32]))));
        assert_eq!(store.event_tip(&busy).unwrap(), Some((9, Hash32([9; 32]))));
        assert_eq!(store.event_hash(&busy, 6).unwrap(), None);
        assert_eq!(store.event_hash(&busy, 7).unwrap(), Some(Hash32([7; 32])));
        let page = store.events_before(None, 9).unwrap();
        assert_eq!(page.iter().map(|(_, bytes)| bytes[0]).collect::<Vec<_>>(), [9, 8, 7, 1]);
    }

    #[test]
    fn a_nonce_counts_once_for_each_hub_until_its_end() {
        let (store, a, b, nonce) = (MemoryStore::default(), HubId([1; 16]), HubId([2; 16]), Nonce([3; 16]));
        assert!(store.remember_nonce(&a, &nonce, 10, 0).unwrap());
        assert!(store.remember_nonce(&b, &nonce, 10, 0).unwrap());
        assert!(!store.remember_nonce(&a, &nonce, 10, 9).unwrap());
        assert!(store.remember_nonce(&a, &nonce, 20, 10).unwrap());
    }

    #[test]
    fn links_that_have_ended_are_listed_apart() {
        let store = MemoryStore::default();
        let row = |ended| LinkRow {
            grant: GrantId([1; 16]),
            rev: 1,
            auth_hash: Hash32([2; 32]),
            content: None,
            ended,
        };
        store.put_link(&LinkId([1; 16]), &row(None)).unwrap();
        store.put_link(&LinkId([2; 16]), &row(Some(7))).unwrap();
        assert_eq!(store.links(), [(LinkId([1; 16]), row(None))]);
        assert_eq!(store.ended_links().unwrap(), [(LinkId([2; 16]), 7)]);
        store.drop_link(&LinkId([2; 16])).unwrap();
        assert_eq!(store.ended_links().unwrap(), []);
    }
}
