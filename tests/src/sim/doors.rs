//! Locks in their doors: which there are, what commands do to them, and the people who use and program them.

use super::bounds::{AGAIN, RECOVERY, SECOND, UNTOLD};
use super::lock::{Lock, Luck, Said};
use super::oracle::Check;
use super::rng::Rng;
use super::world::{Event, World};
use latchkey_hub::core::Input;
use latchkey_hub::core::lock::{Answer, Command, Happening, Reading, Refusal};
use latchkey_shared::id::LockId;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback, SlotContent, SlotNo};

/// The locks of a home.
pub(super) fn locks(rng: &mut Rng) -> Vec<Lock> {
    use OwnSchedules::{Hours, None, Term};
    (0..rng.within(1, 3))
        .map(|n| {
            let readback = *rng.pick(&[Readback::Full, Readback::Full, Readback::Masked, Readback::None]);
            let keeps_journal = rng.permille(600);
            let can = LockAbilities {
                slots: rng.within(4, 14) as u16,
                reserved: if rng.permille(300) { vec![1] } else { vec![] },
                pin_min: 4,
                pin_max: 8,
                readback,
                own_schedules: *rng.pick(&[None, None, None, Term, Hours]),
                one_length: rng.permille(200).then_some(6),
                paired_digits: false,
                toggles: rng.permille(400),
                tells_uses: keeps_journal,
                digits: Option::None,
            };
            let flags = [keeps_journal, rng.permille(500), rng.permille(500), rng.permille(800)];
            Lock::new(format!("sim/{n}"), can, flags)
        })
        .collect()
}

impl World {
    pub(super) fn send_command(&mut self, h: usize, id: LockId, command: Command) {
        let Some((lock, _)) = self.names.get(&id).copied() else {
            return self.fails(Check::Ledger, "a command to a lock that is not in the ledger".into());
        };
        let slot = command.slot().map_or(0, |slot| u64::from(slot.0));
        self.trace.step(self.t, what(&command), [h as u64, lock as u64, slot]);
        if let Err(text) = self.oracle.sent(lock, self.t) {
            return self.fails(Check::Rest, text);
        }
        if let (Command::Write { slot, pin }, Readback::Masked) = (&command, self.locks[lock].can.readback) {
            let grant = self.truth.pins.get(pin.expose()).copied();
            self.oracle.indistinct(lock, slot.0, grant);
        }
        let (wait, run) = (self.rng.within(50, 2 * SECOND), self.hubs[h].run);
        self.after(wait, Event::ToLock { hub: h, run, id, lock, command });
    }

    fn luck(&mut self) -> Luck {
        if self.healed {
            return Luck::Fine;
        }
        let rates = [
            (self.swarm.lost, Luck::Lost),
            (self.swarm.late, Luck::Late),
            (self.swarm.lie, Luck::Lie),
            (self.swarm.busy, Luck::Busy),
        ];
        let drawn = rates.into_iter().find(|(rate, _)| self.rng.permille(*rate));
        drawn.map_or(Luck::Fine, |(_, luck)| luck)
    }

    /// A command reaches a lock.
    pub(super) fn reach_lock(&mut self, h: usize, run: u32, id: LockId, lock: usize, command: &Command) {
        if run != self.hubs[h].run && self.rng.permille(500) {
            return;
        }
        let blind = self.locks[lock].can.readback == Readback::None;
        let mut luck = self.luck();
        let unseen = blind || matches!(command, Command::SetSchedule { .. });
        if luck == Luck::Lie && unseen {
            // Nobody can find out about a lock that lies of what cannot be read.
            luck = Luck::Fine;
        }
        let looks = matches!(command, Command::Observe | Command::Read { .. } | Command::Operate { .. });
        let unanswered = looks && matches!(luck, Luck::Lost | Luck::Late);
        let reads = !self.locks[lock].dead && !unanswered;
        let answer = if looks {
            self.oracle.asked(id, command.slot().map(|slot| slot.0));
            let lock = &self.locks[lock];
            match command {
                _ if !reads => Answer::Unknown,
                Command::Read { .. } if blind => Answer::Unverifiable,
                Command::Read { slot } => Answer::Verified(lock.read(slot.0)),
                Command::Operate { to } => Answer::Operated(*to),
                _ => Answer::Observed(lock.observe()),
            }
        } else {
            self.change(h, id, lock, command, luck)
        };
        let silent = answer == Answer::Unknown;
        if silent || luck != Luck::Fine {
            self.trace.step(
                self.t,
                "lock # has trouble with slot #",
                [lock as u64, command.slot().map_or(0, |s| u64::from(s.0)), 0],
            );
            self.oracle.excuse_lock(lock, self.t + RECOVERY);
        }
        let wait = if silent { self.rng.within(5 * SECOND, 20 * SECOND) } else { self.rng.within(20, 1_500) };
        self.after(wait, Event::ToHub { hub: h, run, input: Input::LockAnswered(id, answer) });
    }

    fn change(&mut self, h: usize, id: LockId, lock: usize, command: &Command, luck: Luck) -> Answer {
        let Some(slot) = command.slot() else { return Answer::Unknown };
        let arrives = matches!(luck, Luck::Fine | Luck::Late) && !self.locks[lock].dead;
        if arrives {
            self.before_change(h, lock, command);
        }
        let horizon = self.end / 1_000 + 40 * 86_400;
        let there = self.locks[lock].held.get(&slot.0);
        let leaves = there.filter(|held| held.by == Some(h) && matches!(command, Command::Clear { .. }));
        let leaves = leaves.and_then(|held| self.truth.pins.get(&held.pin)).copied();
        let theirs = there.filter(|held| held.before == Some(h));
        let taken = theirs.and_then(|held| self.truth.pins.get(&held.pin)).copied();
        let said = self.locks[lock].change(h, command, luck, horizon);
        if arrives && self.hubs.len() > 1 && self.locks[lock].tells_changes {
            self.tell_others(h, lock, Happening::Changed { slot });
        } else if let Some(grant) = leaves.filter(|_| arrives && !self.hubs[h].removed) {
            self.hands_on(h, lock, grant);
        } else if self.hubs[h].removed {
            self.oracle.excuse_lock(lock, self.t + AGAIN);
            if self.t > self.hubs[h].removed_at + UNTOLD {
                self.oracle.unseen.extend(taken.map(|grant| (lock, grant)));
            }
        }
        self.oracle.dirty = true;
        let blind = self.locks[lock].can.readback == Readback::None;
        let reading = (!self.locks[lock].dead && !blind).then(|| self.locks[lock].read(slot.0));
        self.oracle.asked(id, Some(slot.0));
        answer(command, said, reading, blind)
    }

    /// Somebody types a PIN: a good one, an old one, or any.
    pub(super) fn somebody_at_a_door(&mut self) {
        if self.healed {
            return;
        }
        let wait = self.around(self.swarm.door_every);
        self.after(wait, Event::Door);
        let lock = self.rng.below(self.locks.len() as u64) as usize;
        let held: Vec<String> = self.locks[lock].held.values().map(|held| held.pin.clone()).collect();
        let all: Vec<&String> = self.truth.pins.keys().collect();
        let pin = match self.rng.below(10) {
            0..=5 if !held.is_empty() => self.rng.pick(&held).clone(),
            6..=8 if !all.is_empty() => (*self.rng.pick(&all)).clone(),
            _ => "987654".to_owned(),
        };
        let opened = self.locks[lock].types(&pin, self.t / 1_000);
        self.trace.step(
            self.t,
            "somebody types at lock #, slot # opens",
            [lock as u64, u64::from(opened.unwrap_or(0)), 0],
        );
        let what = opened.map_or(Happening::Refused, |no| Happening::Opened { slot: SlotNo(no) });
        self.tell(lock, what);
    }

    /// Somebody programs the lock itself: their own code into a free place, another into it, or a place emptied.
    pub(super) fn program_by_hand(&mut self, lock: usize) {
        let t = self.t;
        let hears = self.names.values().any(|(l, hub)| *l == lock && self.hubs[*hub].core.is_some());
        let told = self.locks[lock].tells_changes
            && (self.locks[lock].keeps_journal || hears && !self.locks[lock].dead);
        let can = self.locks[lock].can.clone();
        if can.readback == Readback::None && !told {
            // What a lock that cannot be read was given before the hub came, the hub cannot know.
            return;
        }
        let no = self.rng.within(1, u64::from(can.slots)) as u16;
        let ours = self.locks[lock].held.get(&no).is_some_and(|held| self.truth.pins.contains_key(&held.pin));
        if ours && (!told || self.rng.permille(700)) {
            return;
        }
        let empties = ours || self.rng.permille(300);
        let length = can.one_length.unwrap_or(6);
        let pin = if empties { None } else { Self::fresh_pin(&mut self.rng, &mut self.pins_made, length) };
        let pin = pin.map(|pin| pin.expose().to_owned());
        self.trace.step(
            t,
            "somebody programs lock #, slot #, pin #",
            [lock as u64, u64::from(no), u64::from(pin.is_some())],
        );
        self.locks[lock].by_hand(no, pin, t);
        self.oracle.by_hand(lock, no, t);
        if ours {
            self.oracle.indistinct(lock, no, None);
        }
        self.oracle.dirty = true;
        if self.locks[lock].tells_changes {
            self.tell(lock, Happening::Changed { slot: SlotNo(no) });
        }
    }
}

/// What a driver makes of a change: what was read counts, and the lock's word only where nothing can be read.
fn answer(command: &Command, said: Said, reading: Option<Reading>, blind: bool) -> Answer {
    let schedule = matches!(command, Command::SetSchedule { .. });
    match (said, reading) {
        (Said::Yes, None) if blind => Answer::Unverifiable,
        (Said::No(why), None) => Answer::Rejected { why, reading: None },
        (Said::Yes, Some(reading)) if schedule => Answer::Verified(reading),
        (Said::No(why), reading) if schedule => Answer::Rejected { why, reading },
        (Said::Nothing, _) if schedule => Answer::Unknown,
        (said, Some(reading)) if is_done(command, &reading, said == Said::Yes) => Answer::Verified(reading),
        (Said::No(why), reading) => Answer::Rejected { why, reading },
        (Said::Yes, Some(reading)) => Answer::Rejected { why: Refusal::NotDone, reading: Some(reading) },
        (Said::Nothing | Said::Yes, _) => Answer::Unknown,
    }
}

fn is_done(command: &Command, reading: &Reading, acknowledged: bool) -> bool {
    match command {
        Command::Clear { .. } => reading.content == SlotContent::Empty,
        Command::SetEnabled { enabled, .. } => reading.enabled == *enabled,
        Command::Write { pin, .. } => match &reading.content {
            SlotContent::Pin(found) => found.expose() == pin.expose() && reading.enabled,
            SlotContent::Occupied => acknowledged && reading.enabled,
            _ => false,
        },
        _ => true,
    }
}

fn what(command: &Command) -> &'static str {
    match command {
        Command::Observe => "hub # looks at lock #",
        Command::Clear { .. } => "hub # clears, lock #, slot #",
        Command::SetEnabled { enabled: true, .. } => "hub # enables, lock #, slot #",
        Command::SetEnabled { enabled: false, .. } => "hub # disables, lock #, slot #",
        Command::SetSchedule { .. } => "hub # gives hours, lock #, slot #",
        Command::Write { .. } => "hub # writes, lock #, slot #",
        Command::Read { .. } => "hub # reads, lock #, slot #",
        Command::Operate { .. } => "hub # moves the bolt of lock #",
    }
}
