//! The parts of [`HubCore`] that tell: how codes stand, reports about locks, and when to push.

use super::change::{Change, CodeRecord, LockRecord, Presence};
use super::clock::Now;
use super::hub::{Effect, HubCore};
use super::presented::GoneLock;
use super::reconcile::LockCore;
use super::slot_state::{Slot, Standing, StateInput, code_state};
use latchkey_shared::api::HubAck;
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, LockId, Nonce};
use latchkey_shared::limits;
use latchkey_shared::report::{CodeReport, LockInfo, Report, Resync};
use latchkey_shared::schedule::Moment;
use latchkey_shared::slot::{LockAbilities, OwnEnd, Owner, Seen};
use latchkey_shared::time::{Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long a code that has ended is still reported.
const KEEP_ENDED: Seconds = Seconds::days(30);
/// How many changes made at the panel are submitted at once.
const SUBMIT_OPS: usize = 16;
/// A lock that is busy is reported at the latest so long after something changed, in milliseconds.
const SETTLE_MS: u64 = 400;
/// Codes are looked through so often though nothing has happened: what has ended long ago is forgotten.
const NOTE_EVERY: Seconds = Seconds::minutes(10);
/// How a lock is, apart from its codes and its bolt, is reported at most so often, in milliseconds.
const VITALS_EVERY_MS: u64 = 15 * 60_000;

/// What the cloud was told of a lock.
#[derive(Debug, Default)]
pub(super) struct Told {
    taken: Option<Content>,
    underway: Option<Content>,
    changed_ms: Option<u64>,
    /// When the last report was made, in milliseconds since boot.
    said_ms: u64,
}

/// What was known of a lock when its codes were last looked through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    version: u64,
    stirs: u64,
    trusted: bool,
    /// When something changes by itself.
    change: Option<Timestamp>,
    at: Timestamp,
}

impl Noted {
    /// Whether nothing has happened since that could have changed how a code stands.
    fn still_holds(&self, now: &Self) -> bool {
        (self.version, self.stirs, self.trusted) == (now.version, now.stirs, now.trusted)
            && self.at <= now.at
            && now.at.since(self.at) < NOTE_EVERY
            && self.change.is_none_or(|change| now.at < change)
    }
}

/// What a report says, apart from its number and time.
#[derive(Clone, PartialEq, Debug)]
struct Content {
    lock: LockInfo,
    generation: u64,
    /// Shared with what was told before, so that the same again is found to be the same at a glance.
    codes: Arc<Vec<CodeReport>>,
    gone: bool,
}

/// Who goes without a slot on a lock.
struct Room {
    /// Those for whom there is none, and none is on its way to being free.
    missed: BTreeSet<GrantId>,
    /// When there will be one, where that is known.
    fits: BTreeMap<GrantId, Timestamp>,
}

impl Content {
    /// The same but for what changes by itself: such reports can wait.
    fn like(&self, other: &Self) -> bool {
        let apart = |lock: &LockInfo| LockInfo {
            battery: None,
            days_left: None,
            link: None,
            last_seen: None,
            ..lock.clone()
        };
        (self.generation, &self.codes, self.gone) == (other.generation, &other.codes, other.gone)
            && apart(&self.lock) == apart(&other.lock)
    }
}

/// Progress in tenths, so that not every slot is a report.
fn coarse(resync: Resync) -> Resync {
    let step = (resync.total / 10).max(1);
    Resync { done: resync.done / step * step, ..resync }
}

impl Told {
    /// The push failed: say it again.
    pub(super) fn not_taken(&mut self) {
        self.underway = None;
    }
}

impl HubCore {
    /// Works out how every code stands, and records and logs what changed.
    pub(super) fn note_codes(&mut self, now: &Now) {
        for id in self.locks.keys().copied().collect::<Vec<_>>() {
            let wanted = self.desired(id, now);
            let view = self.clock.view(now);
            let noted = Noted {
                version: self.version,
                stirs: self.locks.get(&id).map_or(0, |lock| lock.stirs),
                trusted: view.trusted,
                change: wanted.change,
                at: view.latest,
            };
            if self.noted.get(&id).is_some_and(|before| before.still_holds(&noted)) {
                continue;
            }
            for (grant, state, own_end) in self.code_states(id, now) {
                self.note_code(id, grant, state, own_end, now);
            }
            self.noted.insert(id, noted);
        }
    }

    fn code_states(&self, id: LockId, now: &Now) -> Vec<(GrantId, CodeState, Option<OwnEnd>)> {
        let Some(lock) = self.locks.get(&id) else { return vec![] };
        let of_it = self.codes.range((id, GrantId([0; 16]))..).take_while(|((l, _), _)| *l == id);
        let mut known: BTreeSet<GrantId> = of_it.map(|((_, grant), _)| *grant).collect();
        if let Some(state) = self.trust.effective() {
            let here = |locks: &[LockId]| locks.binary_search(&id).is_ok();
            known.extend(state.grants().values().filter(|e| here(&e.grant.locks)).map(|e| e.grant.id));
        }
        // Of several slots the one that may still open counts.
        let mut slots: BTreeMap<GrantId, &Slot> = BTreeMap::new();
        for (grant, slot) in lock.slots.values().filter_map(|slot| Some((slot.owner.grant()?, slot))) {
            let known = slots.entry(grant).or_insert(slot);
            if slot.may_hold_ours() || !known.may_hold_ours() {
                *known = slot;
            }
        }
        known.extend(slots.keys().copied());
        let obstacles = self.obstacles(id, &known);
        let room = Room {
            missed: if freeing(lock) { BTreeSet::new() } else { lock.unplaced.iter().copied().collect() },
            fits: self.fits(lock, slots.keys(), now),
        };
        let stands = |grant: &GrantId| {
            let (obstacle, slot) = (obstacles.get(grant).copied(), slots.get(grant).copied());
            let state = self.code_state(lock, *grant, slot, obstacle, &room, now);
            (*grant, state, slot.filter(|_| state.may_open()).and_then(|slot| self.own_end(*grant, slot)))
        };
        known.iter().map(stands).collect()
    }

    /// Whether the lock itself ends the code in a slot: not if it was given another end than the code has.
    fn own_end(&self, grant: GrantId, slot: &Slot) -> Option<OwnEnd> {
        let first_used = self.uses.get(&grant).map(|uses| uses.first);
        let given = slot.schedule?;
        let zone = &self.trust.state()?.policy().zone;
        let meant = self.trust.lock_validity(grant, first_used).map(|validity| validity.tag(zone));
        meant.is_none_or(|tag| tag == given.tag).then_some(given.sure)
    }

    /// When those for whom a lock has no slot will have one, as far as that is known: when somebody else's code ends.
    fn fits<'g>(
        &self,
        lock: &LockCore,
        placed: impl Iterator<Item = &'g GrantId>,
        now: &Now,
    ) -> BTreeMap<GrantId, Timestamp> {
        if lock.unplaced.is_empty() {
            return BTreeMap::new();
        }
        let latest = self.clock.view(now).latest;
        if let Some(probed) = lock.probes_again_at(now.boot_ms) {
            let at = to_time(latest, now, probed);
            return lock.unplaced.iter().map(|grant| (*grant, at)).collect();
        }
        let end = |grant: &GrantId| self.trust.grant(*grant).and_then(Grant::end);
        let mut ends: Vec<Timestamp> = placed.filter_map(end).filter(|end| *end > latest).collect();
        ends.sort_unstable();
        let each = lock.unplaced.iter().zip(ends);
        each.filter(|(grant, at)| end(grant).is_none_or(|own| own > *at))
            .map(|(grant, at)| (*grant, at))
            .collect()
    }

    fn note_code(
        &mut self,
        id: LockId,
        grant: GrantId,
        state: CodeState,
        own_end: Option<OwnEnd>,
        now: &Now,
    ) {
        let view = self.clock.view(now);
        let old = self.codes.get(&(id, grant)).copied();
        let rev = self.trust.grant(grant).map(|g| g.rev).or(old.map(|o| o.rev)).unwrap_or(0);
        let since = match (&old, &state) {
            (_, CodeState::StillOnLock { since, .. }) => *since,
            (Some(old), state) if same_kind(&old.state, state) => old.since,
            _ => view.latest,
        };
        let over = matches!(state, CodeState::Expired | CodeState::Revoked);
        if over && (old.is_none() || view.latest.since(since) > KEEP_ENDED) {
            // It ended before this hub had anything to do with it, or long ago.
            if self.codes.remove(&(id, grant)).is_some() {
                self.listed.remove(&id);
                self.change(Change::Code(id, grant, None));
            }
            return;
        }
        let state = match &old {
            Some(old) if nearly_same(&old.state, &state) => old.state,
            _ => state,
        };
        let record = CodeRecord { rev, state, since, own_end };
        if old == Some(record) {
            return;
        }
        self.codes.insert((id, grant), record);
        self.listed.remove(&id);
        self.change(Change::Code(id, grant, Some(record)));
        if let CodeState::Failed { why, .. } = state
            && !old.is_some_and(|o| same_kind(&o.state, &state))
        {
            self.log(EventBody::CodeFailed(id, grant, why), now);
        }
    }

    fn code_state(
        &self,
        lock: &LockCore,
        grant: GrantId,
        slot: Option<&Slot>,
        obstacle: Option<FailWhy>,
        room: &Room,
        now: &Now,
    ) -> CodeState {
        let view = self.clock.view(now);
        let standing = self.standing(lock.id, grant, now);
        let obstacle = obstacle.or_else(|| {
            let open = matches!(standing, Standing::Live(Moment::Open { .. }));
            let due = open || lock.abilities.as_ref().is_some_and(LockAbilities::keeps_hours);
            let full = due && room.missed.contains(&grant);
            match view.trusted {
                false => open.then_some(FailWhy::ClockUnknown),
                true => full.then_some(FailWhy::Full),
            }
        });
        let silent_until = lock.breaker.holds_until(now.boot_ms).map(|ms| to_time(view.latest, now, ms));
        code_state(&StateInput {
            standing,
            slot,
            rev: self.trust.grant(grant).map_or(0, |g| g.rev),
            obstacle,
            fits: room.fits.get(&grant).copied(),
            abilities: lock.abilities.as_ref(),
            silent_until,
            silent: !lock.breaker.reachable(),
            to_time: &|ms| to_time(view.latest, now, ms),
        })
    }

    /// Fetches and pushes what is due.
    pub(super) fn talk(&mut self, now: &Now) {
        if self.trust.removed() {
            self.sync.ask_no_more();
        }
        // With a nonce no answer from before will do.
        let proof =
            self.proof_wanted || self.behind() || self.clock.wants_proof(now) || self.trust.state().is_none();
        if let Some(with_nonce) = self.sync.fetch_due(now.boot_ms, proof) {
            let nonce = with_nonce.then(|| {
                let mut nonce = [0; 16];
                nonce.iter_mut().zip(self.entropy.draw()).for_each(|(to, from)| *to = from);
                Nonce(nonce)
            });
            self.sync.fetch_started(nonce);
            let after = self.trust.state().map(|s| s.seq());
            self.emit(Effect::Fetch { after, nonce });
        }
        // Before the first bundle the cloud may not know this hub yet.
        if self.trust.state().is_some() {
            self.push(now);
        }
        if !self.trust.staged().is_empty() && !self.behind() && !self.sync.rests() {
            match self.sync.submit_from() {
                Some(from) if from <= now.boot_ms => {
                    self.sync.submit_started();
                    let ops = self.trust.staged_ops().iter().take(SUBMIT_OPS).cloned().collect();
                    self.emit(Effect::Submit(ops));
                }
                Some(from) => self.wake_at(from),
                None => {}
            }
        }
        if let Some(at) = self.sync.wake() {
            self.wake_at(at.max(now.boot_ms + 1));
        }
    }

    fn push(&mut self, now: &Now) {
        let mut due = vec![];
        let removed = self.sync.rests();
        // Of a hub that was removed nobody takes anything but the rest of its log.
        let locks = self.locks.keys().chain(self.gone.keys()).copied().filter(|_| !removed);
        for id in locks.collect::<Vec<_>>() {
            let Some(content) = self.content(id, now).or_else(|| self.last_content(id)) else { continue };
            let busy = self.locks.get(&id).is_some_and(|l| l.in_flight().is_some());
            let told = self.told.entry(id).or_default();
            if told.underway.as_ref().or(told.taken.as_ref()) == Some(&content) {
                told.changed_ms = None;
                continue;
            }
            let changed = *told.changed_ms.get_or_insert(now.boot_ms);
            let quiet =
                told.underway.as_ref().or(told.taken.as_ref()).is_some_and(|told| told.like(&content));
            let vitals_from = told.said_ms.saturating_add(VITALS_EVERY_MS);
            if quiet && now.boot_ms < vitals_from {
                self.wake_at(vitals_from);
            } else if busy && now.boot_ms < changed + SETTLE_MS {
                self.wake_at(changed + SETTLE_MS);
            } else {
                due.push((id, content));
            }
        }
        let seq = self.trust.state().map(|s| s.seq());
        let events_from = self.log.first_unsent();
        let nothing = due.is_empty() && events_from.is_none() && (removed || seq == self.seq_told);
        if nothing {
            self.sync.push_idle();
            return;
        }
        if !self.sync.may_push(now.boot_ms) {
            return;
        }
        due.truncate(limits::MAX_PUSH_REPORTS);
        let reports = due.into_iter().map(|(id, content)| self.report(id, content, now)).collect();
        self.sync.push_started();
        self.seq_underway = seq;
        self.events_underway = events_from;
        self.tip_underway = self.log.last();
        self.emit(Effect::Push { seq, reports, events_from });
    }

    fn report(&mut self, id: LockId, content: Content, now: &Now) -> Vec<u8> {
        self.report_number += 1;
        self.change(Change::ReportNumber(self.report_number));
        let report = Report {
            home: self.belonging.home,
            hub: self.belonging.hub,
            number: self.report_number,
            at: self.clock.view(now).latest.min(Timestamp::MAX),
            lock: content.lock.clone(),
            seq: self.trust.state().map_or(0, |s| s.seq()),
            generation: content.generation,
            codes: content.codes.to_vec(),
            gone: content.gone,
        };
        if let Some(told) = self.told.get_mut(&id) {
            told.underway = Some(content);
            told.changed_ms = None;
            told.said_ms = now.boot_ms;
        }
        report.sign(self.trust.keys().signing())
    }

    fn content(&mut self, id: LockId, now: &Now) -> Option<Content> {
        let codes = self.list_codes(id);
        let lock = self.locks.get(&id)?;
        let abilities = lock.abilities.clone()?;
        let latest = self.clock.view(now).latest;
        let taken = lock.slots.iter().filter(|(no, slot)| {
            abilities.usable(**no)
                && !(slot.owner == Owner::Free && matches!(slot.seen, Seen::Empty | Seen::Unknown))
        });
        // What was never read counts as free until a look at it shows otherwise.
        let free = usize::from(abilities.usable_slots()).saturating_sub(taken.count());
        let info = LockInfo {
            id,
            name: lock.name.clone(),
            driver: lock.driver.clone(),
            abilities,
            unreachable_since: lock.silent_since,
            battery: lock.vitals.battery,
            free_slots: u16::try_from(free).unwrap_or(u16::MAX),
            bolt: lock.vitals.bolt,
            battery_low: lock.battery_low(),
            days_left: lock.health.days_left(latest),
            link: lock.vitals.link,
            last_seen: lock.health.last_seen(),
            failed_writes: lock.health.failures(latest),
            tampered_at: lock.health.tampered_at(),
            resync: lock.resyncing().map(coarse),
        };
        Some(Content { lock: info, generation: lock.generation, codes, gone: false })
    }

    /// What is said of a lock's codes, made anew only when one of them has changed.
    fn list_codes(&mut self, id: LockId) -> Arc<Vec<CodeReport>> {
        if let Some(known) = self.listed.get(&id) {
            return known.clone();
        }
        let of_it = self.codes.range((id, GrantId([0; 16]))..).take_while(|((l, _), _)| *l == id);
        let reports = of_it.map(|((_, grant), record)| self.code_report(*grant, record));
        let list = Arc::new(reports.take(limits::MAX_REPORT_CODES).collect());
        self.listed.insert(id, Arc::clone(&list));
        list
    }

    /// What is said last of a lock that was taken away: what may still be on it.
    fn last_content(&self, id: LockId) -> Option<Content> {
        let GoneLock { record, held, since } = self.gone.get(&id)?;
        let state = CodeState::StillOnLock { since: *since, why: Some(FailWhy::Unreachable) };
        let codes = held.iter().map(|grant| {
            let rev = self.trust.grant(*grant).map_or(0, |grant| grant.rev);
            self.code_report(*grant, &CodeRecord { rev, state, since: *since, own_end: None })
        });
        let (name, driver) = (record.name.clone(), record.driver.clone());
        let silent = LockInfo::silent(id, name, driver, record.abilities.clone()?);
        let lock = LockInfo { unreachable_since: Some(*since), ..silent };
        Some(Content { lock, generation: record.generation, codes: Arc::new(codes.collect()), gone: true })
    }

    /// What is said of a code on a lock.
    pub(super) fn code_report(&self, grant: GrantId, record: &CodeRecord) -> CodeReport {
        let uses = self.uses.get(&grant);
        CodeReport {
            grant,
            rev: record.rev,
            state: record.state,
            since: record.since,
            uses: uses.map_or(0, |uses| uses.count),
            first_used: uses.map(|uses| uses.first),
            last_used: uses.map(|uses| uses.last),
            own_end: record.own_end,
        }
    }

    pub(super) fn push_taken(&mut self, ack: &HubAck, now: &Now) {
        // None of what was sent is there: sending it again at once would not help.
        let from = self.events_underway.take();
        let stuck = from.is_some_and(|from| ack.events_through < from);
        if stuck {
            let jitter = self.entropy.number();
            self.sync.push_failed(now.boot_ms, jitter);
        } else {
            self.sync.pushed(now.boot_ms);
        }
        let mut gone = vec![];
        for (id, told) in &mut self.told {
            if let Some(content) = told.underway.take() {
                gone.extend(content.gone.then_some(*id));
                told.taken = Some(content);
            }
        }
        for id in gone {
            if let Some(lock) = self.gone.remove(&id) {
                self.change(Change::Lock(id, LockRecord { presence: Presence::GoneTold, ..lock.record }));
            }
        }
        // What was not sent is not there, whatever the cloud has under the same numbers.
        let most = limits::MAX_PUSH_EVENTS as u64 - 1;
        let sent = from.map_or(self.tip_underway, |from| self.tip_underway.min(from.saturating_add(most)));
        if ack.events_through > self.tip_underway && !self.asks_last {
            // It has events of this hub of which the hub knows nothing.
            self.asks_last = true;
            self.emit(Effect::LastEvent);
        }
        let through = ack.events_through.min(sent);
        let through = if latchkey_shared::defect!(AckLosesEvents) { self.log.last() } else { through };
        if let Some(change) = self.log.acknowledge(through) {
            self.change(change);
        }
        self.seq_told = self.seq_underway;
        if self.announced < Some(ack.seq) {
            self.announced = Some(ack.seq);
            if self.behind() {
                self.sync.fetch_soon(now.boot_ms);
            }
        }
    }
}

/// Whether slots of the lock are on their way to being free, or to being found so.
fn freeing(lock: &LockCore) -> bool {
    use super::lock::Command as C;
    lock.seeking || matches!(lock.in_flight(), Some(C::Clear { .. } | C::Observe | C::Read { .. }))
}

fn to_time(latest: Timestamp, now: &Now, ms: u64) -> Timestamp {
    latest.saturating_add(Seconds(ms.saturating_sub(now.boot_ms).div_ceil(1_000)))
}

/// Whether two states differ only by the rounding of the next try, so that nobody needs to be told.
fn nearly_same(a: &CodeState, b: &CodeState) -> bool {
    match (a, b) {
        (
            CodeState::Failed { why: x, next_try: Some(a) },
            CodeState::Failed { why: y, next_try: Some(b) },
        ) => x == y && a.0.abs_diff(b.0) <= 2,
        _ => false,
    }
}

/// Whether two states differ only in when.
fn same_kind(a: &CodeState, b: &CodeState) -> bool {
    match (a, b) {
        (CodeState::Failed { why: a, .. }, CodeState::Failed { why: b, .. }) => a == b,
        (CodeState::StillOnLock { .. }, CodeState::StillOnLock { .. }) => true,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
