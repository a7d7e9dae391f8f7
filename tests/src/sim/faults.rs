//! What goes wrong by itself: networks, power, clocks, locks, the cloud. Attacks are in [`super::attack`].

use super::bounds::{DAY, HOUR, MINUTE, RECOVERY, SECOND, UNTOLD};
use super::disk::Snapshot;
use super::oracle::{Check, LastRead};
use super::world::{Event, World};
use latchkey_hub::core::lock::Happening;

/// Something that goes wrong, or right again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Partition,
    Mended,
    PowerCut,
    ClockJump,
    /// The machine asks the network for the time, and gets it if there is one.
    AskTime(usize),
    LockDies,
    LockHeals(usize),
    Hand,
    CloudRestarts,
    Backup,
    Restore,
    EvilBegins,
    EvilEnds,
}

impl World {
    /// The first of each.
    pub(super) fn plan_faults(&mut self) {
        let s = self.swarm.clone();
        let evil = if s.evil.is_some() { s.evil_every } else { 0 };
        for (every, fault) in [
            (s.partition_every, Fault::Partition),
            (s.cut_every, Fault::PowerCut),
            (s.jump_every, Fault::ClockJump),
            (s.dead_every, Fault::LockDies),
            (s.hand_every, Fault::Hand),
            (s.cloud_restart_every, Fault::CloudRestarts),
            (s.restore_every / 2, Fault::Backup),
            (s.restore_every, Fault::Restore),
            (evil, Fault::EvilBegins),
        ] {
            self.again(every, fault);
        }
    }

    fn again(&mut self, every: u64, fault: Fault) {
        if every > 0 && !self.healed {
            let wait = self.around(every);
            self.after(wait, Event::Fault(fault));
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        let s = self.swarm.clone();
        match fault {
            Fault::Mended => self.mended(),
            Fault::LockHeals(lock) => self.lock_heals(lock),
            Fault::AskTime(hub) => self.ask_time(hub),
            Fault::EvilEnds => self.evil_ends(),
            _ if self.healed => (),
            Fault::Partition => {
                self.partition();
                self.again(s.partition_every, fault);
            }
            Fault::PowerCut => {
                self.power_cut();
                self.again(s.cut_every, fault);
            }
            Fault::ClockJump => {
                self.clock_jumps();
                self.again(s.jump_every, fault);
            }
            Fault::LockDies => {
                self.lock_dies();
                self.again(s.dead_every, fault);
            }
            Fault::Hand => {
                let lock = self.rng.below(self.locks.len() as u64) as usize;
                self.program_by_hand(lock);
                self.again(s.hand_every, fault);
            }
            Fault::CloudRestarts => {
                self.cloud_restarts();
                self.again(s.cloud_restart_every, fault);
            }
            Fault::Backup => self.hubs[0].backup = Some(self.snapshot(0)),
            Fault::Restore => self.restore(),
            Fault::EvilBegins => self.evil_begins(),
        }
    }

    fn partition(&mut self) {
        if !self.net {
            return;
        }
        let long = self.rng.within(MINUTE, self.swarm.partition_most);
        self.net = false;
        self.trace.step(self.t, "the network is gone for # s", [long / SECOND, 0, 0]);
        for h in 0..self.hubs.len() {
            let wait = self.rng.within(SECOND, 70 * SECOND);
            self.after(wait, Event::Socket { hub: h, up: false });
        }
        self.after(long, Event::Fault(Fault::Mended));
    }

    fn mended(&mut self) {
        self.net = true;
        self.trace.step(self.t, "the network is back", [0; 3]);
        for h in 0..self.hubs.len() {
            self.hubs[h].excused_net = self.hubs[h].excused_net.max(self.t + RECOVERY);
            self.socket(h, false);
            let wait = self.rng.within(SECOND, 30 * SECOND);
            self.after(wait, Event::Socket { hub: h, up: true });
            if self.hubs[h].clock_bad {
                let wait = self.rng.within(5 * SECOND, 2 * MINUTE);
                self.after(wait, Event::Fault(Fault::AskTime(h)));
            }
        }
    }

    fn power_cut(&mut self) {
        let h = self.rng.below(self.hubs.len() as u64) as usize;
        if self.hubs[h].core.is_none() {
            return;
        }
        let long = self.rng.within(20 * SECOND, self.swarm.cut_most);
        let power = self.rng.permille(700);
        let wait = if power { long } else { self.rng.within(20 * SECOND, 2 * MINUTE) };
        self.trace.step(self.t, "hub # loses power # for # s", [h as u64, u64::from(power), wait / SECOND]);
        self.kill(h);
        self.disk_after_cut(h);
        let (t, hub) = (self.t, &mut self.hubs[h]);
        hub.excused = hub.excused.max(t + wait + 2 * MINUTE);
        hub.excused_net = hub.excused_net.max(t + wait + 2 * MINUTE);
        if !hub.machine.kept {
            hub.unproven = hub.unproven.max(t + wait + 2 * MINUTE);
        }
        self.after(wait, Event::Start { hub: h, cut: Some(power.then_some(t)) });
        if power && !self.hubs[h].machine.kept {
            // Its clock stood still, and until the network says otherwise it does not know how long.
            self.hubs[h].clock_bad = true;
            let ask = wait + self.rng.within(15 * SECOND, 3 * MINUTE);
            self.after(ask, Event::Fault(Fault::AskTime(h)));
        }
    }

    fn clock_jumps(&mut self) {
        let h = self.rng.below(self.hubs.len() as u64) as usize;
        let far = match self.rng.below(6) {
            0 => 400 * DAY,
            1 => 30 * HOUR,
            2 | 3 => self.rng.within(MINUTE, 20 * HOUR),
            _ => self.rng.within(SECOND, 10 * MINUTE),
        } as i64;
        let off = match self.rng.below(8) {
            // 1970.
            0 => -(self.t as i64),
            1..=4 => far,
            _ => -far,
        };
        self.hubs[h].machine.wall_off = off;
        self.hubs[h].clock_bad = true;
        self.trace.step(
            self.t,
            "the clock of hub # jumps, ahead #, by # s",
            [h as u64, u64::from(off > 0), off.unsigned_abs() / 1_000],
        );
        let wait = self.rng.within(MINUTE, 5 * HOUR);
        self.after(wait, Event::Fault(Fault::AskTime(h)));
    }

    /// The network's time sets the machine's clock.
    fn ask_time(&mut self, h: usize) {
        if !self.net || self.hubs[h].removed {
            // It asks again when the network is back.
            return;
        }
        if self.hubs[h].core.is_none() {
            // It is off.
            return self.after(MINUTE, Event::Fault(Fault::AskTime(h)));
        }
        let hub = &mut self.hubs[h];
        hub.machine.wall_off = 0;
        hub.clock_bad = false;
        hub.clock_was_bad = self.t;
        // What its wall clock alone had added is taken back with the next proof.
        hub.unproven = self.t + UNTOLD + RECOVERY;
        self.trace.step(self.t, "the clock of hub # is right", [h as u64, 0, 0]);
    }

    fn lock_dies(&mut self) {
        let lock = self.rng.below(self.locks.len() as u64) as usize;
        if std::mem::replace(&mut self.locks[lock].dead, true) {
            return;
        }
        let long = self.rng.within(10 * SECOND, self.swarm.dead_most);
        self.trace.step(self.t, "lock # is dead for # s", [lock as u64, long / SECOND, 0]);
        self.after(long, Event::Fault(Fault::LockHeals(lock)));
    }

    fn lock_heals(&mut self, lock: usize) {
        if !std::mem::replace(&mut self.locks[lock].dead, false) {
            return;
        }
        self.trace.step(self.t, "lock # is back", [lock as u64, 0, 0]);
        self.oracle.excuse_lock(lock, self.t + RECOVERY);
        let hubs: Vec<_> =
            self.names.iter().filter(|(_, (l, _))| *l == lock).map(|(id, (_, h))| (*id, *h)).collect();
        for (id, h) in hubs {
            // Its driver hears it again: first what it kept, then that it is back.
            for notice in self.locks[lock].journal() {
                let run = self.hubs[h].run;
                self.reach_hub(h, run, latchkey_hub::core::Input::LockSays(id, notice));
            }
        }
        if self.locks[lock].says_back {
            self.announce(lock, Happening::Back, None);
        }
    }

    /// What one hub does at a lock is told to the others, as what somebody does there.
    pub(super) fn tell_others(&mut self, h: usize, lock: usize, what: Happening) {
        self.announce(lock, what, Some(h));
    }

    /// Something that a driver notices, which no journal keeps.
    fn announce(&mut self, lock: usize, what: Happening, but: Option<usize>) {
        let named = self.names.iter().filter(|(_, (l, h))| *l == lock && Some(*h) != but);
        let ids: Vec<_> = named.map(|(id, (_, h))| (*id, *h)).collect();
        for (id, hub) in ids {
            let (run, wait) = (self.hubs[hub].run, self.rng.within(20, SECOND));
            let notice = latchkey_hub::core::lock::Notice { journal: None, at: None, what };
            self.after(
                wait,
                Event::ToHub { hub, run, input: latchkey_hub::core::Input::LockSays(id, notice) },
            );
        }
    }

    fn cloud_restarts(&mut self) {
        if self.cloud.restart().is_err() {
            return self.fails(Check::Ledger, "the cloud does not wake".into());
        }
        self.trace.step(self.t, "the cloud restarts", [0; 3]);
        for h in 0..self.hubs.len() {
            self.socket(h, false);
        }
    }

    /// The hub's state directory is set back to a copy of a while ago.
    fn restore(&mut self) {
        let Some(backup) = self.hubs[0].backup.take() else { return };
        if self.hubs[0].broken || self.hubs[0].removed {
            return;
        }
        self.trace.step(self.t, "hub # is set back to a backup", [0; 3]);
        self.kill(0);
        self.set_back(0, backup);
        self.after(30 * SECOND, Event::Start { hub: 0, cut: Some(None) });
    }

    /// A hub's ledger is what it was a while ago.
    pub(super) fn set_back(&mut self, h: usize, to: Snapshot) {
        let of_others = self.oracle.read.iter().filter(|((hub, ..), _)| *hub != h);
        let mut read: LastRead = of_others.map(|(slot, reading)| (*slot, reading.clone())).collect();
        read.extend(to.read);
        self.oracle.read = read;
        let hub = &mut self.hubs[h];
        (hub.disk, hub.heard, hub.set_back) = (to.disk, to.heard, true);
        hub.kept.clear();
        hub.excused = hub.excused.max(self.t + RECOVERY);
        hub.excused_net = hub.excused_net.max(self.t + RECOVERY);
    }

    /// No more faults: what is broken is mended, and nobody does anything.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.trace.step(self.t, "everything is healed", [0; 3]);
        self.cloud.kv_stale = 0;
        self.evil_ends();
        self.mended();
        for lock in 0..self.locks.len() {
            self.lock_heals(lock);
        }
        for h in 0..self.hubs.len() {
            self.ask_time(h);
            if self.hubs[h].core.is_none() && !self.hubs[h].broken {
                self.start(h, None);
            }
        }
    }
}
