//! What hubs say: reports, of which the newest per lock is kept, and events, which are kept in order, once each.

use latchkey_shared::api::{EventsPage, HubAck, HubPush};
use latchkey_shared::chain::HubEntry;
use latchkey_shared::event::{Event, EventError, EventTip};
use latchkey_shared::id::{HubId, KeyId, LockId, SignPublic};
use latchkey_shared::limits::{MAX_PUSH_BYTES, MAX_PUSH_EVENTS, MAX_PUSH_REPORTS};
use latchkey_shared::report::Report;
use latchkey_shared::wire::cbor;

use super::Home;
use super::mine::{page, page_limit};
use crate::core::limits::{FAREWELL_EVENTS, FAREWELL_SECS, MAX_EVENTS, MAX_LOCKS_PER_HUB};
use crate::error::{EVENT_FORK, HUB_REMOVED, INTERNAL, NO_HUB, REPORT, Result, WIRE};
use crate::store::{HomeStore, HubRow, NewEvent, Shelf};

/// What a push brought that was new.
#[derive(Debug)]
pub struct Ingested {
    /// The answer to the hub.
    pub ack: HubAck,
    /// New reports, as signed.
    pub reports: Vec<Vec<u8>>,
    /// New events, as signed.
    pub events: Vec<Vec<u8>>,
}

/// Who signs a push.
struct Speaker {
    key: SignPublic,
    /// The last event that is taken, if there is one.
    most: Option<u64>,
}

impl<S: HomeStore> Home<S> {
    /// Takes a hub's reports and events. Everything is verified before anything is stored.
    pub fn push(&mut self, hub: &HubId, body: &[u8], now: u64) -> Result<Ingested> {
        let push: HubPush = cbor::from_slice(body, MAX_PUSH_BYTES).map_err(|_| WIRE)?;
        if push.reports.len() > MAX_PUSH_REPORTS || push.events.len() > MAX_PUSH_EVENTS {
            return Err(WIRE);
        }
        let end = self.chain()?.seq();
        if push.seq.is_some_and(|seq| seq > end) {
            return Err(REPORT);
        }
        let speaker = self.speaker(hub, now)?;
        let reports =
            if speaker.most.is_some() { vec![] } else { self.new_reports(hub, &speaker.key, &push)? };
        let (events, tip) = self.new_events(hub, &speaker, &push)?;
        for (lock, number, bytes) in &reports {
            self.store.put_report(hub, lock, *number, bytes)?;
        }
        for event in &events {
            self.store.append_event(hub, event)?;
        }
        if !events.is_empty() {
            self.store.trim_events(MAX_EVENTS)?;
        }
        let seq = push.seq.or(self.store.hub(hub)?.and_then(|row| row.seq));
        self.store.put_hub(hub, HubRow { last_seen: now, seq })?;
        Ok(Ingested {
            ack: HubAck { events_through: tip, seq: end },
            reports: reports.into_iter().map(|(_, _, bytes)| bytes).collect(),
            events: events.into_iter().map(|event| event.bytes).collect(),
        })
    }

    /// Who speaks as this hub: it itself or, for a while, one that was removed and has something left to say.
    fn speaker(&self, hub: &HubId, now: u64) -> Result<Speaker> {
        let chain = self.chain()?;
        if let Some(entry) = chain.hubs().get(hub) {
            return Ok(Speaker { key: entry.key.sign, most: None });
        }
        let key = *chain.hub_key(hub).ok_or(NO_HUB)?;
        let farewell = self.store.item(Shelf::Farewell, &hub.0)?.ok_or(HUB_REMOVED)?;
        let (most, until): (u64, u64) = cbor::from_slice(&farewell, 32).map_err(|_| INTERNAL)?;
        if now <= until { Ok(Speaker { key, most: Some(most) }) } else { Err(HUB_REMOVED) }
    }

    /// From now on no more is taken from a hub than the rest of its log.
    pub(super) fn take_leave(&self, hub: &HubId, now: u64) -> Result<()> {
        let tip = self.store.event_tip(hub)?.map_or(0, |(number, _)| number);
        let (most, until) = (tip.saturating_add(FAREWELL_EVENTS), now.saturating_add(FAREWELL_SECS));
        self.store.put_item(Shelf::Farewell, &hub.0, &cbor::to_vec(&(most, until)), Some(until))
    }

    /// A hub of the home.
    pub fn hub_of_home(&self, hub: &HubId) -> Result<&HubEntry> {
        let chain = self.chain()?;
        let gone = if chain.hub_key(hub).is_some() { HUB_REMOVED } else { NO_HUB };
        chain.hubs().get(hub).ok_or(gone)
    }

    /// The reports that are newer than what is stored.
    fn new_reports(
        &self,
        hub: &HubId,
        key: &SignPublic,
        push: &HubPush,
    ) -> Result<Vec<(LockId, u64, Vec<u8>)>> {
        let chain = self.chain()?;
        let mut new: Vec<(LockId, u64, Vec<u8>)> = Vec::new();
        let mut locks = self.store.count_reports(hub)?;
        for bytes in &push.reports {
            let report = Report::verify(bytes, chain.home(), hub, key)?;
            let lock = report.lock.id;
            // Storage has no integers beyond 2^53.
            if report.number >= 1 << 53 {
                return Err(REPORT);
            }
            let stored = self.store.report_number(hub, &lock)?;
            let queued = new.iter().position(|(l, _, _)| *l == lock);
            let known = queued.and_then(|at| new.get(at)).map(|(_, number, _)| *number).max(stored);
            if known.is_some_and(|number| report.number <= number) {
                continue;
            }
            match queued {
                Some(at) => drop(new.remove(at)),
                None if stored.is_none() => locks += 1,
                None => {}
            }
            new.push((lock, report.number, bytes.0.clone()));
        }
        if locks > MAX_LOCKS_PER_HUB { Err(REPORT) } else { Ok(new) }
    }

    /// The events that follow what is stored, and the number through which the log then reaches. A gap is not
    /// an error: the answer says from where on the hub must send again.
    fn new_events(&self, hub: &HubId, by: &Speaker, push: &HubPush) -> Result<(Vec<NewEvent>, u64)> {
        let chain = self.chain()?;
        let stored = self.store.event_tip(hub)?;
        let mut tip =
            stored.map_or_else(EventTip::default, |(number, hash)| EventTip { number, hash: Some(hash) });
        let mut new = Vec::new();
        for bytes in &push.events {
            let (event, hash) = Event::verify(bytes, chain.home(), hub, &by.key)?;
            if event.number <= tip.number {
                let known = self.store.event_hash(hub, event.number)?;
                let queued = || new.iter().find(|e: &&NewEvent| e.number == event.number).map(|e| e.hash);
                if known.or_else(queued).is_some_and(|known| known != hash) {
                    return Err(EVENT_FORK);
                }
                continue;
            }
            if by.most.is_some_and(|most| event.number > most) {
                return if new.is_empty() { Err(HUB_REMOVED) } else { Ok((new, tip.number)) };
            }
            match event.follows(&tip) {
                Ok(()) => {}
                Err(EventError::Gap) => break,
                Err(_) => return Err(EVENT_FORK),
            }
            tip = EventTip { number: event.number, hash: Some(hash) };
            let holder = self.holder_of(&event)?;
            new.push(NewEvent { number: event.number, hash, bytes: bytes.0.clone(), holder });
        }
        Ok((new, tip.number))
    }

    /// The newest event of a hub as it was signed, for a hub whose own log says otherwise.
    pub fn newest_event(&self, hub: &HubId) -> Result<Vec<u8>> {
        self.store.newest_event(hub)?.ok_or(NO_HUB)
    }

    /// A page of the log, newest first.
    pub fn events(&self, by: &KeyId, before: Option<u64>, limit: Option<usize>) -> Result<EventsPage> {
        self.manager(by)?;
        let limit = page_limit(limit);
        let (events, next) = page(self.store.events_before(before, limit + 1)?, limit);
        Ok(EventsPage { events, next })
    }
}
