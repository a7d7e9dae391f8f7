//! After the faults: within the stated time everything is as people meant it, and told.

use super::oracle::Check;
use super::world::World;
use latchkey_shared::event::{Event, EventBody, EventTip};
use latchkey_shared::explain::CodeState;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::report::Report;
use latchkey_shared::slot::Readback;
use latchkey_worker::store::HomeStore;
use std::collections::BTreeMap;

impl World {
    /// Once a day, and at the end.
    pub(super) fn look_closely(&mut self) {
        self.search_the_cloud();
        self.check_log();
        self.check_residents();
    }

    /// At the end, when everything had its time.
    pub(super) fn check_convergence(&mut self) {
        self.look_closely();
        for lock in 0..self.locks.len() {
            self.check_lock(lock);
        }
        for h in 0..self.hubs.len() {
            let hub = &self.hubs[h];
            if let Some(seq) = hub.removed_with.filter(|seq| !hub.broken && !hub.knows(*seq)) {
                let text = format!("hub {h} was never told that it was removed, with op {seq}");
                self.fails(Check::Convergence, text);
                continue;
            }
            if hub.core.is_none() {
                continue;
            }
            let (tip, acked) = (hub.disk.stored.tip.number, hub.disk.stored.acked);
            let there =
                self.cloud.home.store().event_tip(&hub.id).ok().flatten().map_or(0, |(number, _)| number);
            if there != tip {
                self.fails(Check::Events, format!("hub {h} has {tip} events, the cloud {there}"));
            }
            if tip != acked {
                self.fails(
                    Check::Convergence,
                    format!("hub {h} has {tip} events and {acked} are acknowledged"),
                );
            }
        }
        self.check_reports();
        self.check_counts();
    }

    /// Nothing of ours is on a lock that does not belong there.
    fn check_lock(&mut self, lock: usize) {
        let (names, second) = (self.names_of(lock), self.t / 1_000);
        let stray = self.locks[lock].held.iter().find(|(_, held)| {
            let forgot = held.by.is_some_and(|by| self.forgot_uses(by, &held.pin));
            if forgot || self.forgotten(lock, held.by) {
                return false;
            }
            let Some(grant) = self.truth.pins.get(&held.pin) else { return false };
            let Some(code) = self.truth.codes.get(grant) else { return true };
            let here = code.meant.locks.iter().any(|l| names.contains(l));
            let live = !code.revoked && here && code.meant.pin == held.pin && code.spans.end() + 300 > second;
            !live
        });
        if let Some((no, held)) = stray {
            let (no, grant) = (*no, self.truth.pins.get(&held.pin).copied());
            let code = grant.map_or(0, |grant| self.code_number(grant));
            self.fails(Check::Convergence, format!("code {code} is still in slot {no} of lock {lock}"));
        }
    }

    /// The cloud's log of each hub: numbered from 1, chained, signed.
    fn check_log(&mut self) {
        let Ok(rows) = self.cloud.home.store().events_after(0, usize::MAX) else { return };
        let home = *self.people[0].chain.home();
        for h in 0..self.hubs.len() {
            let hub = &self.hubs[h];
            let mut tip = EventTip::default();
            for (_, bytes) in &rows {
                let Ok((event, hash)) = Event::verify(bytes, &home, &hub.id, &hub.keys.sign_public()) else {
                    continue;
                };
                if event.number != tip.number + 1 || event.prev != tip.hash {
                    let text = format!("hub {h}: event {} follows {}", event.number, tip.number);
                    return self.fails(Check::Events, text);
                }
                tip = EventTip { number: event.number, hash: Some(hash) };
            }
        }
    }

    /// What the newest reports say is so.
    fn check_reports(&mut self) {
        let (home, second) = (*self.people[0].chain.home(), self.t / 1_000);
        let rows = self.cloud.home.store().reports().unwrap_or_default();
        for h in 0..self.hubs.len() {
            let (id, key) = (self.hubs[h].id, self.hubs[h].keys.sign_public());
            let reports = rows.iter().filter(|(of, _)| *of == id);
            let reports: Vec<Report> =
                reports.filter_map(|(_, bytes)| Report::verify(bytes, &home, &id, &key).ok()).collect();
            for report in &reports {
                if !self.hubs[h].removed {
                    self.check_report(report, second);
                }
            }
        }
    }

    fn check_report(&mut self, report: &Report, second: u64) {
        let Some((lock, h)) = self.names.get(&report.lock.id).copied() else { return };
        if self.forgotten(lock, Some(h)) {
            return;
        }
        let full = self.locks[lock].can.readback == Readback::Full;
        let names = vec![report.lock.id];
        let mut wrong = None;
        for (grant, code) in &self.truth.codes {
            // Not in the minutes around a change; and a PIN is its first owner's.
            if self.truth.pins.get(&code.meant.pin) != Some(grant) {
                continue;
            }
            if code.spans.open_at(second) != code.spans.open_at(second - 300) {
                continue;
            }
            let slot = self.locks[lock].types(&code.meant.pin, second);
            let opens = slot.is_some();
            if slot
                .and_then(|no| self.locks[lock].held.get(&no))
                .is_some_and(|held| self.forgotten(lock, held.by))
            {
                continue;
            }
            let said = report.codes.iter().find(|c| c.grant == *grant).map(|c| c.state);
            let on = matches!(said, Some(CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. }));
            let may = self.truth.may_open(&code.meant.pin, &names, second).is_ok();
            let lies = match said {
                Some(CodeState::OnLock { .. }) => {
                    may && !opens && !self.oracle.unseen.contains(&(lock, *grant))
                }
                Some(CodeState::StillOnLock { .. }) => full && !opens,
                _ => may && opens && !on && !self.forgotten(lock, None),
            };
            if lies {
                wrong = Some((*grant, said.map_or("nothing", |s| s.name()), opens));
            }
        }
        if let Some((grant, said, opens)) = wrong {
            let code = self.code_number(grant);
            self.fails(
                Check::Report,
                format!("code {code} on lock {lock}: the report says {said}, opens: {opens}"),
            );
        }
    }

    /// Every use that a hub was told of is in the log, once.
    fn check_counts(&mut self) {
        if self.hubs.iter().any(|hub| hub.set_back) {
            return;
        }
        let mut logged: BTreeMap<(LockId, GrantId), u64> = BTreeMap::new();
        let home = *self.people[0].chain.home();
        let mut lost = false;
        for (_, bytes) in self.cloud.home.store().events_after(0, usize::MAX).unwrap_or_default() {
            for hub in &self.hubs {
                let Ok((event, _)) = Event::verify(&bytes, &home, &hub.id, &hub.keys.sign_public()) else {
                    continue;
                };
                match event.body {
                    EventBody::CodeUsed(lock, grant) | EventBody::Duress(lock, grant) => {
                        *logged.entry((lock, grant)).or_default() += 1;
                    }
                    EventBody::EntriesLost(..) => lost = true,
                    _ => {}
                }
            }
        }
        for ((id, grant), count) in self.oracle.opened.clone() {
            let Some((lock, h)) = self.names.get(&id).copied() else { continue };
            let in_log = logged.remove(&(id, grant)).unwrap_or(0);
            // What a hub that broke was told it tells nobody.
            let keeps = self.locks[lock].keeps_journal && !lost && !self.hubs[h].broken;
            // What another hub has taken over both count.
            let twice = in_log > count && !self.hubs[h].removed;
            if twice || (keeps && in_log < count) {
                let code = self.code_number(grant);
                self.fails(
                    Check::Events,
                    format!("code {code} opened lock {lock} {count} times, the log says {in_log}"),
                );
            }
        }
        let removed = |id: &LockId| self.names.get(id).is_some_and(|(_, h)| self.hubs[*h].removed);
        if let Some(((_, grant), n)) = logged.into_iter().find(|((id, _), _)| !removed(id)) {
            let code = self.code_number(grant);
            self.fails(Check::Events, format!("the log has {n} uses of code {code} that nobody made"));
        }
    }
}
