//! The oracle: after every step it holds what it sees at the locks against what people meant. It knows the bounds of
//! [`super::bounds`] and what was in the way, and nothing of how the product works.

use super::bounds::{AGAIN, COMMANDS_AN_HOUR, HAND_RACE, HOUR, MINUTE, PROMPT, RECOVERY, SECOND, UNTOLD};
use super::truth::Unwanted;
use super::world::World;
use latchkey_hub::core::lock::{Answer, Command, Reading};
use latchkey_shared::id::{GrantId, KeyId, LockId};
use latchkey_shared::slot::{Readback, SlotContent};
use std::collections::{BTreeMap, BTreeSet};

/// Which promise was checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// No PIN opens a lock without a grant, beyond the bounds.
    Door,
    /// Codes begin to open in time.
    Timing,
    /// What is reported was seen.
    Report,
    /// Slots that are not Latchkey's are left alone, and nobody is renumbered.
    Slots,
    /// Every event reaches the log once, in order.
    Events,
    /// No PIN or key where it does not belong.
    Secrets,
    /// The hub's ledger is kept by its own rules, and what is in it starts again.
    Ledger,
    /// Nothing is repeated for ever.
    Rest,
    /// After the faults everything is as it should be.
    Convergence,
    /// What an attacker sends is refused.
    Attack,
    /// Nothing panics.
    Panic,
}

impl Check {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::Door,
        Self::Timing,
        Self::Report,
        Self::Slots,
        Self::Events,
        Self::Secrets,
        Self::Ledger,
        Self::Rest,
        Self::Convergence,
        Self::Attack,
        Self::Panic,
    ];
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub check: Check,
    /// How it shows.
    pub text: String,
}

/// What each hub last read, by hub, lock and slot.
pub(super) type LastRead = BTreeMap<(usize, usize, u16), Reading>;

/// What the oracle remembers.
#[derive(Debug)]
pub(super) struct Oracle {
    /// Until when a lock excuses anything.
    excused: Vec<u64>,
    /// PINs that open and should not, by lock and slot, and since when.
    bad: BTreeMap<(usize, u16), (String, Unwanted, u64)>,
    /// Codes that a hub should have on a lock and that do not open it, since when.
    missing: BTreeMap<(usize, usize, GrantId), u64>,
    /// What each hub last read from a slot of a lock, by its own questions.
    pub(super) read: LastRead,
    /// What was in `read` before the answer that is being taken in: a hub that dies before it writes anything down
    /// has not heard it.
    pub(super) unwritten: Vec<((usize, usize, u16), Option<Reading>)>,
    asked: BTreeMap<LockId, Option<u16>>,
    /// When somebody last programmed a slot.
    hands: BTreeMap<(usize, u16), u64>,
    /// Slots in which a hub cannot tell what somebody puts there from a code of the home: one was taken off there at the
    /// lock, or a write to one that masks PINs has not been answered; and the code that was written.
    indistinct: BTreeMap<(usize, u16), Option<GrantId>>,
    /// When a hub last changed a slot, and which.
    changed: BTreeMap<(usize, u16), (usize, u64)>,
    /// Where each code that a hub put on a lock is, and since when.
    places: BTreeMap<(usize, usize, GrantId), (u16, u64)>,
    /// Codes that a removed hub, which was away and came back, took off where another had taken them over, at a lock that
    /// does not tell.
    pub(super) unseen: BTreeSet<(usize, GrantId)>,
    /// Codes that a hub took off where another is to have them, at a lock that does not tell; and until when that one need
    /// not have looked.
    handed_on: BTreeMap<(usize, GrantId), u64>,
    /// Openings that hubs are told of.
    pub(super) opened: BTreeMap<(LockId, GrantId), u64>,
    /// When a lock was last all but full.
    crowded: BTreeMap<usize, u64>,
    /// Commands in this hour.
    commands: BTreeMap<usize, (u64, u32)>,
    /// Members who were removed, and by which op.
    pub(super) removed: BTreeMap<KeyId, u64>,
    pub(super) refusals: BTreeMap<&'static str, u32>,
    /// How often a hub was woken since when.
    pub(super) wakes: (u64, u32),
    pub(super) dirty: bool,
    looked: u64,
    pub(super) looks: u64,
}

impl Oracle {
    pub(super) fn new(locks: usize) -> Self {
        Self {
            excused: vec![0; locks],
            bad: BTreeMap::new(),
            missing: BTreeMap::new(),
            read: BTreeMap::new(),
            unwritten: vec![],
            asked: BTreeMap::new(),
            hands: BTreeMap::new(),
            indistinct: BTreeMap::new(),
            changed: BTreeMap::new(),
            places: BTreeMap::new(),
            unseen: BTreeSet::new(),
            handed_on: BTreeMap::new(),
            opened: BTreeMap::new(),
            crowded: BTreeMap::new(),
            commands: BTreeMap::new(),
            removed: BTreeMap::new(),
            refusals: BTreeMap::new(),
            wakes: (0, 0),
            dirty: false,
            looked: 0,
            looks: 0,
        }
    }

    pub(super) fn excuse_lock(&mut self, lock: usize, until: u64) {
        self.excused[lock] = self.excused[lock].max(until);
    }

    pub(super) fn asked(&mut self, id: LockId, slot: Option<u16>) {
        self.asked.insert(id, slot);
    }

    pub(super) fn by_hand(&mut self, lock: usize, no: u16, t: u64) {
        self.hands.insert((lock, no), t);
    }

    pub(super) fn refused(&mut self, code: &'static str) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// A hub carried out a change.
    pub(super) fn by_hub(&mut self, h: usize, lock: usize, no: u16, t: u64) {
        self.changed.insert((lock, no), (h, t));
    }

    /// An answer reached a hub: from now on it knows what was read. `theirs` are slots that another hub filled.
    pub(super) fn answered(&mut self, h: usize, id: LockId, lock: usize, answer: &Answer, theirs: &[u16]) {
        match (answer, self.asked.get(&id).copied().flatten()) {
            (Answer::Observed(observation), _) => {
                for (no, reading) in observation.slots.iter().filter(|(no, _)| !theirs.contains(&no.0)) {
                    self.hear((h, lock, no.0), reading);
                }
            }
            (Answer::Verified(reading) | Answer::Rejected { reading: Some(reading), .. }, Some(no))
                if !theirs.contains(&no) =>
            {
                self.hear((h, lock, no), reading);
            }
            _ => {}
        }
    }

    /// Until the hub reads it to be empty, or changes it.
    pub(super) fn indistinct(&mut self, lock: usize, no: u16, written: Option<GrantId>) {
        self.indistinct.insert((lock, no), written);
    }

    fn hear(&mut self, slot: (usize, usize, u16), reading: &Reading) {
        if reading.content == SlotContent::Empty {
            self.indistinct.remove(&(slot.1, slot.2));
        }
        let before = self.read.insert(slot, reading.clone());
        self.unwritten.push((slot, before));
    }

    /// The hub died before it wrote down what it had just heard.
    pub(super) fn forget_unwritten(&mut self) {
        for (slot, before) in std::mem::take(&mut self.unwritten).into_iter().rev() {
            match before {
                Some(reading) => drop(self.read.insert(slot, reading)),
                None => drop(self.read.remove(&slot)),
            }
        }
    }

    /// A command goes out: too many in one hour are a loop.
    pub(super) fn sent(&mut self, lock: usize, t: u64) -> Result<(), String> {
        let entry = self.commands.entry(lock).or_insert((t, 0));
        if t > entry.0 + HOUR {
            *entry = (t, 0);
        }
        entry.1 += 1;
        if entry.1 > COMMANDS_AN_HOUR {
            Err(format!("{} commands to lock {lock} in an hour", entry.1))
        } else {
            Ok(())
        }
    }

    /// Whether a reading that this hub got shows this PIN, switched on.
    pub(super) fn was_read(&self, h: usize, lock: usize, pin: &str) -> bool {
        let of_lock = self.read.range((h, lock, 0)..=(h, lock, u16::MAX));
        of_lock.into_iter().any(|(_, reading)| {
            matches!(&reading.content, SlotContent::Pin(found) if found.expose() == pin) && reading.enabled
        })
    }
}

impl World {
    pub(super) fn fails(&mut self, check: Check, text: String) {
        self.break_promise(Violation { check, text });
    }

    /// How long is prompt in this world.
    fn prompt(&self) -> u64 {
        PROMPT + 8 * self.swarm.slow
    }

    /// The names of a lock at hubs that are in the home.
    pub(super) fn names_of(&self, lock: usize) -> Vec<LockId> {
        let ours = |hub: &usize| !self.hubs[*hub].removed;
        self.names.iter().filter(|(_, (l, hub))| *l == lock && ours(hub)).map(|(id, _)| *id).collect()
    }

    /// The names of a lock at one hub.
    pub(super) fn names_at(&self, lock: usize, h: usize) -> Vec<LockId> {
        self.names.iter().filter(|(_, at)| **at == (lock, h)).map(|(id, _)| *id).collect()
    }

    /// The hub that looks after a lock, or after what is in one of its slots. What a hub put that broke is for those that
    /// are left, once it was removed and where they can see it.
    pub(super) fn keeper(&self, lock: usize, put_by: Option<usize>) -> Option<usize> {
        let keepers = self.names.values().filter(|(l, hub)| *l == lock && !self.hubs[*hub].removed);
        let shown = self.locks[lock].can.readback == Readback::Full;
        let there = |h: &usize| !(self.hubs[*h].broken && self.hubs[*h].removed && shown);
        put_by.filter(there).or_else(|| keepers.map(|(_, hub)| *hub).max())
    }

    /// Whether a hub was removed from the home, and another knows of it.
    pub(super) fn gone_for(&self, former: usize, h: usize) -> bool {
        self.hubs[former].removed_with.is_some_and(|seq| self.hubs[h].knows(seq))
    }

    /// A hub has written down whose a slot is: of what a removed hub had put there, that it is its own now.
    pub(super) fn takes_over(&mut self, h: usize, id: LockId, no: u16, grant: GrantId) {
        let Some((lock, _)) = self.names.get(&id).copied() else { return };
        let Some((by, pin)) = self.locks[lock].held.get(&no).map(|held| (held.by, held.pin.clone())) else {
            return;
        };
        let Some(former) = by.filter(|by| *by != h && self.gone_for(*by, h)) else { return };
        if self.truth.pins.get(&pin) == Some(&grant)
            && let Some(held) = self.locks[lock].held.get_mut(&no)
        {
            (held.by, held.before) = (Some(h), Some(former));
        }
    }

    /// After every step.
    pub(super) fn look(&mut self) {
        if !std::mem::take(&mut self.oracle.dirty) && self.t < self.oracle.looked + 15 * SECOND {
            return;
        }
        self.oracle.looked = self.t;
        for hub in &mut self.hubs {
            if self.t / 1_000 > hub.heard / 1_000 + self.truth.grace(|seq| seq == 0 || hub.knows(seq)) {
                hub.lapsed = self.t;
            }
            if hub.unproven >= self.t && (!self.net || self.attacker.on) {
                hub.unproven = self.t + UNTOLD + RECOVERY;
            }
        }
        self.oracle.looks += 1;
        for lock in 0..self.locks.len() {
            self.look_at_slots(lock);
            for hub in 0..self.hubs.len() {
                let names = self.names_at(lock, hub);
                if !self.hubs[hub].removed && !names.is_empty() {
                    self.look_for_codes(lock, &names, hub);
                }
            }
        }
    }

    fn look_at_slots(&mut self, lock: usize) {
        let (names, second) = (self.names_of(lock), self.t / 1_000);
        let mut now_bad = vec![];
        for (no, held) in &self.locks[lock].held {
            if !self.truth.pins.contains_key(&held.pin) || !self.locks[lock].opens(*no, second) {
                continue;
            }
            let Some(hub) = self.keeper(lock, held.by) else { continue };
            // What was for one that broke is for this one since that was removed.
            let theirs = held.by.filter(|by| *by != hub).map_or(0, |by| self.hubs[by].removed_at);
            let why = match self.truth.may_open(&held.pin, &names, second) {
                _ if self.forgot_uses(hub, &held.pin) => continue,
                Ok(grant) if self.grace_over(hub, &grant, second) => Unwanted::GraceOver,
                Ok(_) => continue,
                Err(why) => why,
            };
            now_bad.push((*no, held.pin.clone(), why, hub, theirs));
        }
        let t = self.t;
        self.oracle
            .bad
            .retain(|(l, no), (pin, ..)| *l != lock || now_bad.iter().any(|(n, p, ..)| n == no && p == pin));
        for (no, pin, why, hub, theirs) in now_bad {
            let grant = self.truth.pins.get(&pin).copied();
            let entry = self.oracle.bad.entry((lock, no)).or_insert_with(|| (pin, why, t));
            entry.1 = why;
            let since = entry.2.max(theirs);
            let timed = matches!(why, Unwanted::OutsideHours | Unwanted::UsedUp | Unwanted::GraceOver);
            let mut until = self.excused_until(lock, hub, grant, since, timed);
            if why == Unwanted::UsedUp {
                until = until.max(self.untold_uses());
            }
            if t > until {
                let late = (t - since) / SECOND;
                let code = grant.map_or(0, |grant| self.code_number(grant));
                self.fails(
                    Check::Door,
                    format!("code {code} opens lock {lock} from slot {no} for {late} s although {why:?}"),
                );
            }
        }
    }

    /// After a backup was put back, what a lock does not show is not known to be Latchkey's.
    pub(super) fn forgotten(&self, lock: usize, put_by: Option<usize>) -> bool {
        let keeper = self.keeper(lock, put_by);
        let forgot = keeper.is_some_and(|hub| self.hubs[hub].set_back || self.hubs[hub].broken);
        forgot && self.locks[lock].can.readback != Readback::Full
    }

    /// Until when a lock that is, or was, out of reach may not have told of a use.
    fn untold_uses(&self) -> u64 {
        let told = |lock: usize| if self.locks[lock].dead { u64::MAX } else { self.oracle.excused[lock] };
        (0..self.locks.len()).map(told).max().unwrap_or(0).saturating_add(self.prompt())
    }

    /// How often and when a code was first used a hub that was set back does not know.
    pub(super) fn forgot_uses(&self, h: usize, pin: &str) -> bool {
        let code = self.truth.pins.get(pin).and_then(|grant| self.truth.codes.get(grant));
        let counts = |meant: &super::truth::Meant| meant.uses.is_some() || meant.hours.stay.is_some();
        // Nor does one that came later know what was counted before it.
        let not_told = self.hubs[h].set_back || h > 0;
        not_told && code.is_some_and(|code| code.opened > 0 && counts(&code.meant))
    }

    fn grace_over(&self, hub: usize, grant: &GrantId, second: u64) -> bool {
        let guest = self.truth.codes.get(grant).is_some_and(|code| code.meant.guest);
        let hub = &self.hubs[hub];
        guest && second > hub.heard / 1_000 + self.truth.grace(|seq| seq == 0 || hub.knows(seq))
    }

    /// Until when it is nobody's fault that something at a lock is not as meant.
    fn excused_until(&self, lock: usize, h: usize, grant: Option<GrantId>, since: u64, timed: bool) -> u64 {
        let hub = &self.hubs[h];
        if hub.core.is_none() || hub.clock_bad || self.locks[lock].dead || self.forgotten(lock, Some(h)) {
            return u64::MAX;
        }
        let mut until =
            since.max(self.oracle.excused[lock]).max(hub.excused).max(hub.unproven).max(hub.learned);
        let seq = grant.and_then(|grant| self.truth.codes.get(&grant)).map_or(0, |code| code.seq);
        let behind = match hub.removed_with {
            Some(seq) => !hub.knows(seq),
            None => !hub.knows(seq) || !timed && !hub.knows(self.truth.seq),
        };
        if behind {
            until = until.max(if self.net && !self.attacker.on {
                hub.excused_net
            } else {
                u64::MAX - self.prompt()
            });
        }
        until.saturating_add(self.prompt())
    }

    fn look_for_codes(&mut self, lock: usize, names: &[LockId], hub: usize) {
        let t = self.t;
        let second = t / 1_000;
        let can = &self.locks[lock].can;
        let room = usize::from(can.slots) - can.reserved.len();
        let theirs = |held: &&super::lock::Held| {
            !self.truth.pins.contains_key(&held.pin) || held.by.is_some_and(|by| by != hub)
        };
        // A place that was programmed at a lock that cannot be read, or does not tell, counts as taken when it is empty again.
        let unseen = can.readback == Readback::None || !self.locks[lock].tells_changes;
        let hands = self.oracle.hands.range((lock, 0)..=(lock, u16::MAX)).count();
        let foreign = self.locks[lock].held.values().filter(theirs).count();
        let foreign = if unseen { foreign.max(hands) } else { foreign };
        // Codes that begin soon may have their slots already where the lock keeps hours itself.
        let live = self.truth.codes.values().filter(|code| {
            !code.revoked && code.meant.locks.iter().any(|l| names.contains(l)) && code.spans.end() > second
        });
        let taken = live.count() + foreign;
        if taken + 2 >= room {
            self.oracle.crowded.insert(lock, t);
        }
        let crowded = taken + 1 >= room;
        let mut missing = vec![];
        for (grant, code) in self.truth.open_on(names, second) {
            let there = self.locks[lock].types(&code.meant.pin, second).is_some();
            let soon_over = self.grace_over(hub, grant, second + 600);
            let fits = can.one_length.is_none_or(|only| usize::from(only) == code.meant.pin.len());
            // What somebody put where it was written to counts as the code.
            let mistaken = self.locks[lock].held.iter().any(|(no, held)| {
                held.by_hand.is_some() && self.oracle.indistinct.get(&(lock, *no)) == Some(&Some(*grant))
            });
            // Where what a broken hub left is not shown it stays, and a lock has no PIN twice.
            let left = self.locks[lock]
                .held
                .values()
                .any(|held| held.pin == code.meant.pin && held.by.is_some() && self.forgotten(lock, held.by));
            let mistaken = mistaken || left || self.oracle.unseen.contains(&(lock, *grant));
            if !there && !crowded && !soon_over && fits && !mistaken {
                missing.push((*grant, code.at));
            }
        }
        self.oracle
            .missing
            .retain(|(l, h, grant), _| (*l, *h) != (lock, hub) || missing.iter().any(|(g, _)| g == grant));
        for (grant, at) in missing {
            let since = (*self.oracle.missing.entry((lock, hub, grant)).or_insert(t)).max(at);
            let since = since.max(self.oracle.handed_on.get(&(lock, grant)).copied().unwrap_or(0));
            if t > self.excused_until(lock, hub, Some(grant), since, true) {
                let (late, code) = ((t - since) / SECOND, self.code_number(grant));
                self.fails(Check::Timing, format!("code {code} does not open lock {lock}, for {late} s"));
            }
        }
    }

    /// Before a command changes a lock: whose slot is it?
    pub(super) fn before_change(&mut self, h: usize, lock: usize, command: &Command) {
        let Some(no) = command.slot().map(|slot| slot.0) else { return };
        let t = self.t;
        let can = &self.locks[lock].can;
        if can.reserved.contains(&no) {
            return self.fails(Check::Slots, format!("reserved slot {no} of lock {lock} is touched"));
        }
        let raced = self.oracle.hands.get(&(lock, no)).is_some_and(|at| t < at + HAND_RACE);
        let held = self.locks[lock].held.get(&no);
        let foreign =
            held.is_some_and(|held| held.by_hand.is_some() && !self.truth.pins.contains_key(&held.pin));
        // What became somebody else's after the backup counts as it did then.
        let set_back = self.hubs.iter().any(|hub| hub.set_back);
        let indistinct = self.oracle.indistinct.contains_key(&(lock, no));
        if foreign && !raced && !set_back && !indistinct {
            return self
                .fails(Check::Slots, format!("slot {no} of lock {lock} is somebody else's and is touched"));
        }
        let raced = self.oracle.changed.get(&(lock, no)).is_some_and(|(_, at)| t < at + HAND_RACE);
        let others = |held: &super::lock::Held| held.by.is_some_and(|by| by != h) && held.before != Some(h);
        let unknown = self.hubs[h].set_back && self.locks[lock].can.readback != Readback::Full;
        if held.is_some_and(others) && !raced && !unknown {
            let text = format!("slot {no} of lock {lock} is another hub's and is touched by hub {h}");
            return self.fails(Check::Slots, text);
        }
        self.oracle.by_hub(h, lock, no, t);
        self.oracle.indistinct.remove(&(lock, no));
        let Command::Write { pin, .. } = command else { return };
        let Some(grant) = self.truth.pins.get(pin.expose()).copied() else {
            return self.fails(Check::Attack, format!("a PIN that nobody made is written to lock {lock}"));
        };
        self.check_write(h, lock, &grant, pin.expose());
        self.check_place(h, lock, grant, no);
    }

    /// This hub takes a code off where another is to have it, which looks again after as long as it was in the way.
    pub(super) fn hands_on(&mut self, h: usize, lock: usize, grant: GrantId) {
        let Some(code) = self.truth.codes.get(&grant) else { return };
        let others = |id: &LockId| self.names.get(id).is_some_and(|(l, hub)| *l == lock && *hub != h);
        if code.meant.locks.iter().any(others) {
            let wait = (self.t - code.at).clamp(MINUTE, AGAIN);
            self.oracle.handed_on.insert((lock, grant), self.t + wait);
        }
    }

    /// Whatever the clocks say, nothing is put on that is known to be withdrawn or that was over long ago.
    fn check_write(&mut self, h: usize, lock: usize, grant: &GrantId, pin: &str) {
        let names = self.names_at(lock, h);
        let Some(code) = self.truth.codes.get(grant) else { return };
        // The command was some time on its way.
        let known = self.hubs[h].knows(code.seq) && self.t > self.hubs[h].learned + MINUTE / 6;
        let here = code.meant.locks.iter().any(|l| names.contains(l));
        let withdrawn = code.revoked || code.meant.pin != pin || !here || code.meant.suspended;
        let over = code.spans.end() + 20 * 60 < self.t / 1_000 && !self.forgot_uses(h, pin);
        if known && (withdrawn || over) {
            let number = self.code_number(*grant);
            let text = format!("code {number} is put on lock {lock}: withdrawn {withdrawn}, over {over}");
            self.fails(Check::Door, text);
        }
    }

    /// A code keeps its slot for as long as it is wanted.
    fn check_place(&mut self, h: usize, lock: usize, grant: GrantId, no: u16) {
        let t = self.t;
        let Some((before, at)) = self.oracle.places.insert((lock, h, grant), (no, t)) else { return };
        // In a full lock a booking that is farther off gives way.
        let crowded = self.oracle.crowded.get(&lock).is_some_and(|crowded| *crowded >= at);
        let changed = self.truth.codes.get(&grant).is_none_or(|code| code.at > at);
        let by_hand = self.oracle.hands.get(&(lock, before)).is_some_and(|hand| *hand >= at);
        let set_back = self.hubs.iter().any(|hub| hub.set_back);
        // By a clock that was ahead the code was over, and its slot another's.
        let hub = &self.hubs[h];
        let wrong_time = hub.clock_bad || hub.clock_was_bad > at || hub.unproven >= t;
        // Another hub has taken it over, since this one was removed and does not know that yet; or has taken what was held for
        // a code outside its hours.
        let replaced =
            self.oracle.changed.get(&(lock, before)).is_some_and(|(who, when)| *who != h && *when >= at);
        let excused = wrong_time || hub.lapsed >= at || replaced;
        if before != no && !changed && !by_hand && !crowded && !set_back && !excused {
            let code = self.code_number(grant);
            self.fails(
                Check::Slots,
                format!("code {code} moves on lock {lock} from slot {before} to slot {no}"),
            );
        }
    }

    /// A hub signs reports: nothing is said to be on a lock that was not read there.
    pub(super) fn reported(&mut self, h: usize, reports: &[Vec<u8>]) {
        use latchkey_shared::explain::CodeState;
        let home = *self.people[0].chain.home();
        for bytes in reports {
            let (id, key) = (self.hubs[h].id, self.hubs[h].keys.sign_public());
            let Ok(report) = latchkey_shared::report::Report::verify(bytes, &home, &id, &key) else {
                return self.fails(Check::Report, "a report does not verify".into());
            };
            let Some((lock, _)) = self.names.get(&report.lock.id).copied() else { continue };
            for code in &report.codes {
                let pins = self.pins_of(&code.grant);
                let on =
                    matches!(code.state, CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. });
                let newest = self.truth.codes.get(&code.grant).map(|code| &code.meant.pin);
                if on && newest.and_then(|pin| self.truth.pins.get(pin)).is_some_and(|of| *of != code.grant) {
                    let number = self.code_number(code.grant);
                    let text =
                        format!("code {number} is put on lock {lock} with a PIN that another code had first");
                    self.fails(Check::Door, text);
                }
                let full = self.locks[lock].can.readback == Readback::Full;
                let seen = pins.iter().any(|pin| self.oracle.was_read(h, lock, pin));
                if matches!(code.state, CodeState::OnLock { .. }) && !(full && seen) {
                    let number = self.code_number(code.grant);
                    self.fails(Check::Report, format!("code {number} is said to be verified on lock {lock}"));
                }
                let off = matches!(code.state, CodeState::Revoked | CodeState::Expired);
                let unseen = off && full && pins.iter().any(|pin| self.oracle.was_read(h, lock, pin));
                // Another that was removed, and does not know it yet, may have put it there again.
                let again = self.locks[lock].held.values().any(|held| {
                    pins.contains(&held.pin) && held.by.is_some_and(|by| by != h && self.hubs[by].removed)
                });
                if unseen && !self.hubs[h].set_back && !again {
                    let number = self.code_number(code.grant);
                    self.fails(
                        Check::Report,
                        format!("code {number} is said to be off lock {lock} and was read there"),
                    );
                }
            }
        }
    }

    /// Every PIN that a grant ever had.
    fn pins_of(&self, grant: &GrantId) -> Vec<String> {
        self.truth.pins.iter().filter(|(_, of)| *of == grant).map(|(pin, _)| pin.clone()).collect()
    }
}
