//! A hub: its program, which may die at any effect, its ledger, its machine, and its way to the cloud.

use super::bounds::{MINUTE, RECOVERY, SECOND, UNTOLD};
use super::cloud::Ask;
use super::disk::{Disk, Snapshot};
use super::machine::Machine;
use super::oracle::Check;
use super::world::{Event, World};
use latchkey_hub::core::change::Change;
use latchkey_hub::core::slot_state::OwnerRecord;
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::core::{Effect, HubCore, Input, Numbering, Presented};
use latchkey_shared::chain::ChainState;
use latchkey_shared::id::HubId;
use latchkey_shared::keys::Keys;
use latchkey_shared::limits::MAX_PUSH_EVENTS;
use latchkey_worker::core::home::HubRequest;
use std::collections::VecDeque;

/// A hub.
pub(super) struct Hub {
    pub(super) id: HubId,
    pub(super) keys: Keys,
    pub(super) core: Option<HubCore>,
    pub(super) disk: Disk,
    pub(super) machine: Machine,
    /// Counts runs of its program: what was meant for an earlier one is lost.
    pub(super) run: u32,
    belonging: Option<Belonging>,
    /// The entity tag of the newest bundle, with the op up to which it went.
    tag: Option<(u64, String)>,
    pub(super) socket: bool,
    /// Requests in a row that failed.
    pub(super) failures: u32,
    /// Until when the way to the cloud excuses that it does not know of something.
    pub(super) excused_net: u64,
    /// Until when it is excused whatever it knows.
    pub(super) excused: u64,
    /// Its machine does not know the time.
    pub(super) clock_bad: bool,
    /// When that was last so.
    pub(super) clock_was_bad: u64,
    /// Until when its time may be unknown to it, or ahead, if it can ask an honest cloud.
    pub(super) unproven: u64,
    /// When the offline grace was last over.
    pub(super) lapsed: u64,
    /// When it last took ops.
    pub(super) learned: u64,
    /// When it last took a head.
    pub(super) heard: u64,
    /// It was taken out of the home.
    pub(super) removed: bool,
    /// When that was.
    pub(super) removed_at: u64,
    /// The op with which it was.
    pub(super) removed_with: Option<u64>,
    /// It never starts again.
    pub(super) broken: bool,
    /// A copy of the ledger, and what had been read at the locks by then.
    pub(super) backup: Option<Snapshot>,
    /// How the ledger was before each of the newest writes, where the disk may lose them.
    pub(super) kept: VecDeque<Snapshot>,
    /// Its ledger was damaged when the power went.
    pub(super) torn: bool,
    /// What its program adds to the wall clock to get a time with which the cloud takes a signature.
    pub(super) skew: i64,
    /// It was set back to a backup: its log began anew.
    pub(super) set_back: bool,
}

impl Hub {
    pub(super) fn new(id: HubId, keys: Keys, t: u64, keeps_time: bool) -> Self {
        Self {
            id,
            keys,
            core: None,
            disk: Disk::default(),
            machine: Machine::new(t, keeps_time),
            run: 0,
            belonging: None,
            tag: None,
            socket: false,
            failures: 0,
            excused_net: t,
            excused: t,
            clock_bad: false,
            clock_was_bad: t,
            unproven: t,
            lapsed: 0,
            learned: t,
            heard: t,
            removed: false,
            removed_at: 0,
            removed_with: None,
            broken: false,
            backup: None,
            kept: VecDeque::new(),
            torn: false,
            skew: 0,
            set_back: false,
        }
    }

    pub(super) fn pair(&mut self, chain: &ChainState) {
        let (home, genesis) = (*chain.home(), chain.genesis_hash());
        self.belonging = Some(Belonging { home, hub: self.id, genesis });
    }

    /// When its program wants to be woken, in true time.
    pub(super) fn wake(&self) -> Option<u64> {
        self.core.as_ref().and_then(HubCore::poll_timeout).map(|ms| self.machine.at(ms))
    }

    /// The ops that it has on disk.
    pub(super) fn knows(&self, seq: u64) -> bool {
        (self.disk.stored.ops.len() as u64) > seq
    }
}

impl World {
    /// The program starts; `cut`: after a reboot, and since when there was no power, if there was none.
    pub(super) fn start(&mut self, h: usize, cut: Option<Option<u64>>) {
        if self.hubs[h].core.is_some() || self.hubs[h].broken {
            return;
        }
        let t = self.t;
        let seed = self.rng.bytes();
        let torn = self.torn_ledger(h);
        let hub = &mut self.hubs[h];
        if let Some(cut) = cut {
            hub.machine.reboot(t, cut);
        }
        hub.run += 1;
        let Some(belonging) = hub.belonging else { return };
        let (keys, stored, now) = (hub.keys.clone(), hub.disk.stored.clone(), hub.machine.now(t));
        if let Some(torn) = torn {
            let (keys, boot) = (keys.clone(), hub.machine.boot());
            if HubCore::start(belonging, keys, torn, &|_, _| true, boot, seed, &now).is_ok() {
                return self.fails(Check::Ledger, format!("hub {h} starts with a damaged ledger"));
            }
            self.put_copy_back(h);
            return self.after(MINUTE, Event::Start { hub: h, cut: None });
        }
        let core = HubCore::start(belonging, keys, stored, &|_, _| true, hub.machine.boot(), seed, &now);
        self.trace.step(
            t,
            "hub # starts, reboot #, run #",
            [h as u64, u64::from(cut.is_some()), u64::from(self.hubs[h].run)],
        );
        match core {
            Ok(core) => self.hubs[h].core = Some(core),
            Err(e) => return self.fails(Check::Ledger, format!("hub {h} does not start: {}", e.code())),
        }
        self.hubs[h].excused = self.hubs[h].excused.max(t + MINUTE);
        self.carry_out(h);
        self.find_locks(h);
        self.read_journals(h);
        let wait = self.rng.within(100, 2 * SECOND);
        self.after(wait, Event::Socket { hub: h, up: true });
    }

    /// Drivers find the locks of the home.
    fn find_locks(&mut self, h: usize) {
        for lock in 0..self.locks.len() {
            let (key, run) = (self.locks[lock].key.clone(), self.hubs[h].run);
            let presented = Presented {
                name: key.clone(),
                key,
                driver: "sim".into(),
                pace_ms: 20,
                numbering: Numbering::default(),
            };
            self.reach_hub(h, run, Input::LockFound(presented));
        }
    }

    /// Drivers read the journals of their locks when they start.
    fn read_journals(&mut self, h: usize) {
        let ids: Vec<_> =
            self.names.iter().filter(|(_, (_, hub))| *hub == h).map(|(id, (l, _))| (*id, *l)).collect();
        for (id, lock) in ids {
            if self.locks[lock].dead {
                continue;
            }
            for notice in self.locks[lock].journal() {
                let run = self.hubs[h].run;
                self.reach_hub(h, run, Input::LockSays(id, notice));
            }
        }
    }

    /// The program dies; memory is lost.
    pub(super) fn crash(&mut self, h: usize) {
        let wait = self.rng.within(4 * SECOND, 30 * SECOND);
        self.kill(h);
        self.trace.step(self.t, "hub # dies", [h as u64, 0, 0]);
        self.oracle.forget_unwritten();
        let hub = &mut self.hubs[h];
        hub.excused = hub.excused.max(self.t + wait + MINUTE);
        hub.excused_net = hub.excused_net.max(self.t + wait + MINUTE);
        self.after(wait, Event::Start { hub: h, cut: None });
    }

    pub(super) fn kill(&mut self, h: usize) {
        let hub = &mut self.hubs[h];
        hub.core = None;
        hub.run += 1;
        hub.socket = false;
        hub.tag = None;
        hub.failures = 0;
    }

    /// Carries out what the core wants, strictly in order, until there is nothing, or the program dies.
    pub(super) fn carry_out(&mut self, h: usize) {
        for _ in 0..50_000 {
            let Some(effect) = self.hubs[h].core.as_mut().and_then(HubCore::poll_effect) else { return };
            let dies = self.swarm.crash_one_in;
            if !self.healed && dies > 0 && self.rng.once_in(dies) {
                return self.crash(h);
            }
            if !self.one_effect(h, effect) {
                return;
            }
        }
        self.fails(Check::Rest, format!("hub {h} does not come to rest"));
    }

    /// Whether the program lives on.
    fn one_effect(&mut self, h: usize, effect: Effect) -> bool {
        if let Effect::Lock(..) = effect {
            self.no_pin_in(&format!("{effect:?}"), "the debug form of a command");
        }
        match effect {
            Effect::Persist(changes) => return self.persist(h, &changes),
            Effect::Lock(id, command) => self.send_command(h, id, command),
            Effect::Fetch { after, nonce } => {
                let known = self.hubs[h].tag.clone();
                let tag = known.filter(|(seq, _)| nonce.is_none() && after == Some(*seq)).map(|(_, tag)| tag);
                self.ask(h, Ask::Fetch { after, nonce, tag });
            }
            Effect::Push { seq, reports, events_from } => {
                self.reported(h, &reports);
                let events = events_from
                    .map_or_else(Vec::new, |from| self.hubs[h].disk.events_from(from, MAX_PUSH_EVENTS));
                self.ask(h, Ask::Push { seq, reports, events });
            }
            Effect::LastEvent => self.ask(h, Ask::LastEvent),
            Effect::Submit(ops) => self.ask(h, Ask::Submit(ops)),
            Effect::Gone => self.kill(h),
            Effect::Refused(what, code) => {
                self.no_pin_in(&format!("{what} {code}"), "a log line");
                self.trace.step(self.t, "hub # refuses a bundle", [h as u64, 0, 0]);
                self.oracle.refused(code);
            }
        }
        true
    }

    fn persist(&mut self, h: usize, changes: &[Change]) -> bool {
        let t = self.t;
        if !self.healed && self.rng.permille(self.swarm.disk_fails) {
            // The disk says no; whether it was written after all is anybody's guess.
            if self.rng.permille(500) {
                self.written(h, changes);
            }
            self.trace.step(t, "the disk of hub # fails", [h as u64, 0, 0]);
            self.crash(h);
            return false;
        }
        self.written(h, changes);
        true
    }

    fn written(&mut self, h: usize, changes: &[Change]) {
        let t = self.t;
        self.oracle.unwritten.clear();
        self.keep_for_loss(h);
        for change in changes {
            match change {
                Change::Chain { ops, head, .. } => {
                    self.check_head(head);
                    self.hubs[h].heard = t;
                    if !ops.is_empty() {
                        self.hubs[h].learned = t;
                        self.trace.step(t, "hub # takes # ops", [h as u64, ops.len() as u64, 0]);
                    }
                }
                Change::Lock(id, record) => {
                    if let Some(lock) = self.locks.iter().position(|lock| lock.key == record.key) {
                        self.names.insert(*id, (lock, h));
                    }
                }
                Change::Slot(id, no, record) => {
                    if let OwnerRecord::Managed(grant, _) | OwnerRecord::Claimed(grant, _) = record.owner {
                        self.takes_over(h, *id, no.0, grant);
                    }
                }
                _ => {}
            }
        }
        if let Err(why) = self.hubs[h].disk.write(changes) {
            self.fails(Check::Ledger, format!("hub {h}: {why}"));
        }
    }

    /// Sends a question to the cloud, or loses it.
    fn ask(&mut self, h: usize, ask: Ask) {
        let run = self.hubs[h].run;
        if !self.net || self.drops() {
            return self.unanswered(h, run, &ask);
        }
        let signed = self.signed(h, &ask);
        if !self.healed && self.rng.permille(self.swarm.duplicate) {
            let wait = self.rng.within(20, self.swarm.slow * 2);
            // Nobody waits for the answer to the copy.
            let signed = signed.clone();
            self.after(wait, Event::ToCloud { hub: h, run: 0, ask: ask.clone(), signed });
        }
        let wait = self.rng.within(20, self.swarm.slow);
        self.after(wait, Event::ToCloud { hub: h, run, ask, signed });
    }

    pub(super) fn drops(&mut self) -> bool {
        !self.healed && self.rng.permille(self.swarm.drop)
    }

    /// The hub waits in vain.
    pub(super) fn unanswered(&mut self, h: usize, run: u32, ask: &Ask) {
        let wait = self.rng.within(SECOND, 15 * SECOND);
        let t = self.t;
        let hub = &mut self.hubs[h];
        hub.failures += 1;
        let back_off = ((40 * SECOND) << hub.failures.min(10)).min(RECOVERY);
        hub.excused_net = hub.excused_net.max(t + wait + back_off);
        self.after(wait, Event::ToHub { hub: h, run, input: ask.unanswered() });
    }

    /// A question reaches the cloud.
    pub(super) fn reach_cloud(&mut self, h: usize, run: u32, ask: &Ask, signed: Option<&HubRequest>) {
        let t = self.t;
        if !self.net {
            return self.unanswered(h, run, ask);
        }
        if let Some(signed) = signed {
            self.meddle(h, ask, signed);
        }
        let before = (!self.healed && self.rng.permille(self.swarm.cloud_fails))
            .then(|| self.cloud.home.store().clone());
        let id = self.hubs[h].id;
        let answer = match self.tampered(h, ask) {
            Some(reply) => Ok(reply),
            None => self.cloud.answer(&id, ask, signed, t, &mut self.rng),
        };
        if self.cloud.repeated {
            self.fails(Check::Attack, "the cloud takes the same request twice".into());
        }
        if let Ok(reply) = &answer {
            self.remember(&reply.input);
        }
        if let Some(before) = before {
            // Its storage failed, or it was there and the answer was not.
            if self.rng.permille(500) && self.cloud.roll_back(before).is_err() {
                self.fails(Check::Ledger, "the cloud does not wake".into());
            }
            return self.unanswered(h, run, ask);
        }
        if let Ok(Input::Submitted(seq)) = answer.as_ref().map(|reply| &reply.input) {
            self.panel_sequenced(*seq);
        }
        match answer {
            Ok(reply) if run == self.hubs[h].run && !self.drops() => {
                let hub = &mut self.hubs[h];
                if matches!(ask, Ask::Fetch { .. }) && !self.attacker.on {
                    hub.failures = 0;
                }
                if reply.cached {
                    // A copy may be stale for so long after a change, and no longer.
                    let until = self.cloud.changed + self.cloud.kv_stale + MINUTE;
                    hub.excused_net = hub.excused_net.max(until);
                }
                if let Some(tag) = reply.tag {
                    let seq = tag.trim_matches('"').split('-').next().and_then(|seq| seq.parse().ok());
                    hub.tag = seq.map(|seq| (seq, tag));
                }
                let wait = self.rng.within(20, self.swarm.slow);
                self.after(wait, Event::ToHub { hub: h, run, input: reply.input });
            }
            Ok(_) => self.unanswered(h, run, ask),
            Err(problem) => {
                self.no_pin_in(&format!("{problem:?}"), "an answer of the cloud");
                if run == self.hubs[h].run && self.learns(h, &problem) {
                    return self.ask(h, ask.clone());
                }
                self.trace.step(
                    t,
                    "the cloud refuses hub #, status #",
                    [h as u64, u64::from(problem.status), 0],
                );
                self.unanswered(h, run, ask);
            }
        }
    }

    /// A socket opens, or is found to be dead.
    pub(super) fn socket(&mut self, h: usize, up: bool) {
        let hub = &self.hubs[h];
        let may = self.net && self.swarm.sockets && !hub.removed;
        if up == hub.socket || hub.core.is_none() || (up && !may) {
            return;
        }
        let run = hub.run;
        self.hubs[h].socket = up;
        self.reach_hub(h, run, Input::Socket(up));
        if !up && self.net {
            let wait = self.rng.within(SECOND / 2, 30 * SECOND);
            self.after(wait, Event::Socket { hub: h, up: true });
        }
    }

    /// The chain has grown: hubs with a socket are told.
    pub(super) fn tell_hubs(&mut self, seq: u64) {
        for h in 0..self.hubs.len() {
            if !self.hubs[h].socket || !self.net {
                continue;
            }
            if !self.healed && self.rng.permille(self.swarm.untold) {
                self.hubs[h].excused_net = self.hubs[h].excused_net.max(self.t + UNTOLD);
                continue;
            }
            let (wait, run) = (self.rng.within(20, self.swarm.slow), self.hubs[h].run);
            self.after(wait, Event::ToHub { hub: h, run, input: Input::ChainGrew(seq) });
        }
    }
}
