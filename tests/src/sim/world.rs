//! The world: one queue of what happens when, and one thread that lets it happen.

use super::Options;
use super::attack::Attacker;
use super::bounds::{DAY, HOUR, MINUTE, SECOND, WAKES_A_MINUTE};
use super::cloud::{Ask, Cloud, Submission};
use super::faults::Fault;
use super::household::Step;
use super::hub::Hub;
use super::lock::Lock;
use super::oracle::{Check, Oracle, Violation};
use super::people::{self, Person};
use super::rng::Rng;
use super::swarm::{Household, Swarm};
use super::trace::Trace;
use super::truth::Truth;
use ed25519_dalek::SigningKey;
use latchkey_hub::core::lock::{Answer, Command, Happening};
use latchkey_hub::core::slot_state::OwnerRecord;
use latchkey_hub::core::{HubCore, Input};
use latchkey_shared::api::CreateHome;
use latchkey_shared::chain::op::{AddHub, Genesis, Role};
use latchkey_shared::chain::{Body, ChainState, Op, SignedOp};
use latchkey_shared::id::{HomeId, HubId, LockId};
use latchkey_shared::keys::{HomeKey, Keys, Seed};
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_worker::core::home::{Home, HubRequest};
use latchkey_worker::store::memory::MemoryStore;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is to happen.
pub(super) enum Event {
    /// Something reaches a hub, if it is still the same run of its program.
    ToHub { hub: usize, run: u32, input: Input },
    /// A hub's question reaches the cloud.
    ToCloud { hub: usize, run: u32, ask: Ask, signed: Option<Box<HubRequest>> },
    /// A command reaches a lock.
    ToLock { hub: usize, run: u32, id: LockId, lock: usize, command: Command },
    /// A hub's program starts, after a reboot of its machine or without.
    Start { hub: usize, cut: Option<Option<u64>> },
    /// A hub's socket opens or is found to be dead.
    Socket { hub: usize, up: bool },
    /// Somebody looks at their portal and does something.
    Act(usize),
    /// Their ops reach the cloud.
    Submit(Box<Submission>),
    /// Somebody stands at a door.
    Door,
    /// Something goes wrong, or right again.
    Fault(Fault),
    /// A day has passed: the oracle looks at everything.
    Day,
    /// Somebody stands at the hub's panel.
    Panel,
    /// Something is done about the hubs.
    Hubs(Step),
}

/// Everything there is.
pub(super) struct World {
    pub(super) t: u64,
    pub(super) end: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    pub(super) swarm: Swarm,
    /// No more faults, nobody does anything.
    pub(super) healed: bool,
    pub(super) rng: Rng,
    pub(super) people_rng: Rng,
    pub(super) trace: Trace,
    pub(super) cloud: Cloud,
    /// Whether the home can reach the cloud.
    pub(super) net: bool,
    pub(super) hubs: Vec<Hub>,
    pub(super) locks: Vec<Lock>,
    /// Which lock a hub means, and which hub means it.
    pub(super) names: BTreeMap<LockId, (usize, usize)>,
    pub(super) people: Vec<Person>,
    pub(super) truth: Truth,
    pub(super) oracle: Oracle,
    pub(super) attacker: Attacker,
    pub(super) broken: Option<Violation>,
    pub(super) pins_made: BTreeSet<String>,
    /// Numbers codes for the trace.
    pub(super) code_numbers: BTreeMap<latchkey_shared::id::GrantId, u64>,
}

impl World {
    pub(super) fn new(seed: u64, length: u64, options: Options, tune: fn(&mut Swarm)) -> Self {
        let mut rng = Rng::new(seed);
        let mut swarm = Swarm::draw(&mut rng.split("swarm"), options);
        tune(&mut swarm);
        let t = swarm.begin;
        let horizon = (t + length) / 1_000 + 40 * 86_400;
        let owner = people::keys(&mut rng);
        let issuer = SigningKey::from_bytes(&rng.bytes());
        let hub =
            Hub::new(HubId::generate(&mut rng), Keys::hub(&Seed::generate(&mut rng)), t, swarm.keeps_time);
        let (chain, ops) = begin(&swarm, &owner, &issuer, &hub, &mut rng);
        let mut home = Home::load(MemoryStore::default()).expect("an empty store");
        let create = to_vec(&CreateHome { genesis: Blob(ops[0].clone()) });
        let public = issuer.verifying_key().into();
        home.create(chain.home(), &owner.id(), &public, &create, t / 1_000).expect("a good genesis");
        let submit = latchkey_shared::api::SubmitOps { ops: vec![Blob(ops[1].clone())], links: vec![] };
        home.submit(&owner.id(), true, &public, &to_vec(&submit), t / 1_000).expect("a good hub");
        let grace = chain.policy().offline_grace.0;
        let truth = Truth::new(swarm.zone, grace, horizon);
        let mut locks = super::doors::locks(&mut rng.split("locks"));
        if swarm.household != Household::One {
            super::household::readable(&mut locks);
        }
        let mut world = Self {
            t,
            end: t + length,
            queue: BTreeMap::new(),
            queued: 0,
            healed: false,
            people_rng: rng.split("people"),
            trace: Trace::new(t, options.loud),
            cloud: Cloud::new(home, issuer),
            net: true,
            hubs: vec![hub],
            oracle: Oracle::new(locks.len()),
            attacker: Attacker::default(),
            locks,
            names: BTreeMap::new(),
            people: vec![Person::new(owner, Role::Owner, chain)],
            truth,
            broken: None,
            pins_made: BTreeSet::new(),
            code_numbers: BTreeMap::new(),
            rng: rng.split("world"),
            swarm,
        };
        world.cloud.kv_stale = world.swarm.kv_stale;
        world.people[0].fancy = world.swarm.fancy;
        world.hubs[0].pair(&world.people[0].chain);
        world.furnish();
        world
    }

    /// What is there from the beginning: codes that people had set by hand, and the first of everything that recurs.
    fn furnish(&mut self) {
        for lock in 0..self.locks.len() {
            for _ in 0..self.rng.below(3) {
                self.program_by_hand(lock);
            }
        }
        self.after(0, Event::Start { hub: 0, cut: None });
        self.after(MINUTE, Event::Act(0));
        self.after(2 * MINUTE, Event::Door);
        self.after(DAY, Event::Day);
        self.plan_faults();
        self.plan_household();
        if self.swarm.panel_every > 0 {
            self.after(2 * HOUR, Event::Panel);
        }
    }

    /// So long from now.
    pub(super) fn after(&mut self, wait: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.t + wait, self.queued), event);
    }

    /// A time around this mean.
    pub(super) fn around(&mut self, mean: u64) -> u64 {
        self.rng.within(mean / 4, mean * 7 / 4)
    }

    /// Lets everything happen until the end.
    pub(super) fn run(&mut self) {
        while self.broken.is_none() {
            let next = self.queue.keys().next().map(|(t, _)| *t);
            let wake = self.hubs.iter().enumerate().filter_map(|(i, hub)| Some((hub.wake()?, i))).min();
            let (at, hub) = match (next, wake) {
                (Some(t), Some((w, hub))) if w < t => (w, Some(hub)),
                (Some(t), _) => (t, None),
                (None, Some((w, hub))) => (w, Some(hub)),
                (None, None) => return,
            };
            if at > self.end {
                self.t = self.end;
                return;
            }
            self.t = at.max(self.t);
            match hub {
                Some(hub) => {
                    self.count_wake(hub);
                    self.wake(hub);
                }
                None => {
                    if let Some((_, event)) = self.queue.pop_first() {
                        self.happen(event);
                    }
                }
            }
            self.look();
        }
    }

    /// A program that wants to be woken all the time never sleeps.
    fn count_wake(&mut self, hub: usize) {
        let (since, count) = self.oracle.wakes;
        self.oracle.wakes = if self.t > since + MINUTE { (self.t, 1) } else { (since, count + 1) };
        if count > WAKES_A_MINUTE {
            self.trace.step(self.t, "hub # is woken again and again", [hub as u64, 0, 0]);
            self.fails(Check::Rest, format!("hub {hub} wants to be woken {count} times a minute"));
        }
    }

    fn wake(&mut self, hub: usize) {
        let now = self.hubs[hub].machine.now(self.t);
        if let Some(core) = &mut self.hubs[hub].core {
            core.handle_timeout(&now);
        }
        self.carry_out(hub);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::ToHub { hub, run, input } => self.reach_hub(hub, run, input),
            Event::ToCloud { hub, run, ask, signed } => self.reach_cloud(hub, run, &ask, signed.as_deref()),
            Event::ToLock { hub, run, id, lock, command } => self.reach_lock(hub, run, id, lock, &command),
            Event::Start { hub, cut } => self.start(hub, cut),
            Event::Socket { hub, up } => self.socket(hub, up),
            Event::Act(person) => self.act(person),
            Event::Submit(submission) => self.submit(*submission),
            Event::Door => self.somebody_at_a_door(),
            Event::Fault(fault) => self.fault(fault),
            Event::Panel => self.somebody_at_the_panel(),
            Event::Hubs(step) => self.household(step),
            Event::Day => {
                self.look_closely();
                self.after(DAY, Event::Day);
            }
        }
    }

    /// Gives something to a hub's core and carries out what follows.
    pub(super) fn reach_hub(&mut self, hub: usize, run: u32, input: Input) {
        if self.hubs[hub].run != run || self.hubs[hub].core.is_none() {
            return;
        }
        let mut input = input;
        self.oracle.unwritten.clear();
        self.before_input(hub, &mut input);
        let now = self.hubs[hub].machine.now(self.t);
        if let Some(core) = &mut self.hubs[hub].core {
            core.handle_input(input, &now);
        }
        self.carry_out(hub);
    }

    fn before_input(&mut self, hub: usize, input: &mut Input) {
        match input {
            Input::LogForked { unsent, .. } => {
                let hub = &self.hubs[hub];
                let from = hub.core.as_ref().and_then(HubCore::first_unsent);
                *unsent = from.map_or_else(Vec::new, |from| hub.disk.events_from(from, 20_000));
            }
            Input::LockAnswered(id, answer) => self.note_reading(*id, answer),
            _ => {}
        }
    }

    fn note_reading(&mut self, id: LockId, answer: &Answer) {
        let Some((lock, h)) = self.names.get(&id).copied() else { return };
        let held = self.locks[lock].held.iter();
        let theirs = held.filter(|(_, held)| held.by.is_some_and(|by| by != h && !self.gone_for(by, h)));
        let theirs: Vec<u16> = theirs.map(|(no, _)| *no).collect();
        self.oracle.answered(h, id, lock, answer, &theirs);
    }

    /// A PIN that nobody had, which fits all of these doors.
    pub(super) fn fresh_pin(rng: &mut Rng, made: &mut BTreeSet<String>, length: u8) -> Option<Pin> {
        for _ in 0..50 {
            let text: String = (0..length).map(|_| char::from(b'0' + rng.below(10) as u8)).collect();
            if made.insert(text.clone()) {
                return Pin::parse(&text).ok();
            }
        }
        None
    }

    pub(super) fn break_promise(&mut self, violation: Violation) {
        if self.broken.is_none() {
            self.broken = Some(violation);
        }
    }

    /// What a lock tells by itself goes to the hubs that look after it.
    pub(super) fn tell(&mut self, lock: usize, what: Happening) {
        let t = self.t;
        let notice = self.locks[lock].note(what, t);
        let (dead, keeps) = (self.locks[lock].dead, self.locks[lock].keeps_journal);
        let ids: Vec<(LockId, usize)> =
            self.names.iter().filter(|(_, (l, _))| *l == lock).map(|(id, (_, hub))| (*id, *hub)).collect();
        for (id, hub) in ids {
            let up = self.hubs[hub].core.is_some() && !dead;
            if up || keeps {
                self.used(hub, id, lock, what);
            }
            if up {
                let wait = self.rng.within(20, SECOND);
                let run = self.hubs[hub].run;
                let input = Input::LockSays(id, notice.clone());
                self.after(wait, Event::ToHub { hub, run, input });
            }
        }
    }

    /// A hub is told, or will be, that a code was used.
    fn used(&mut self, hub: usize, id: LockId, lock: usize, what: Happening) {
        let Happening::Opened { slot } = what else { return };
        let Some(held) = self.locks[lock].held.get(&slot.0) else { return };
        if held.by.is_some_and(|by| by != hub) {
            // To this hub it is a code of somebody else.
            return;
        }
        let Some(grant) = self.truth.pins.get(&held.pin).copied() else { return };
        *self.oracle.opened.entry((id, grant)).or_default() += 1;
        self.truth.used(&grant, self.t / 1_000);
        self.oracle.dirty = true;
    }

    /// How things stand, for whoever looks for what went wrong. Without PINs.
    pub(super) fn state(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        let number =
            |grant: &latchkey_shared::id::GrantId| self.code_numbers.get(grant).copied().unwrap_or(0);
        for (id, (lock, hub)) in &self.names {
            let can = &self.locks[*lock].can;
            let _ = writeln!(
                text,
                "lock {lock} of hub {hub}: {:?}, {:?}, {} slots",
                can.readback, can.own_schedules, can.slots
            );
            let of_it = self.hubs[*hub].disk.stored.slots.iter().filter(|((of, _), _)| of == id);
            for ((_, no), record) in of_it {
                let held = self.locks[*lock].held.get(&no.0);
                let code = held.and_then(|held| self.truth.pins.get(&held.pin)).map_or(0, number);
                let there =
                    held.map_or("empty".to_owned(), |held| format!("code {code}, enabled {}", held.enabled));
                let owner = match record.owner {
                    OwnerRecord::Claimed(grant, rev) => format!("claimed for {} rev {rev}", number(&grant)),
                    OwnerRecord::Managed(grant, rev) => format!("managed for {} rev {rev}", number(&grant)),
                    ref other => format!("{other:?}"),
                };
                if there != "empty" || owner != "Free" {
                    let _ = writeln!(text, "  slot {}: {owner}, seen {:?}; holds {there}", no.0, record.seen);
                }
            }
        }
        for (grant, code) in self.truth.codes.iter().filter(|(_, code)| !code.revoked) {
            let (meant, begin) = (&code.meant, self.swarm.begin / 1_000);
            let hours = &meant.hours;
            let until = hours.until.map(|t| t as i64 - begin as i64);
            let _ = writeln!(
                text,
                "code {}: from {} to {until:?} s, weekly {:?}, off {:?}, buffers {:?}, stay {:?}, paused {}, {:?} uses of {}, op {}",
                number(grant),
                hours.from as i64 - begin as i64,
                hours.weekly,
                hours.off,
                hours.buffers,
                hours.stay,
                meant.suspended,
                meant.uses,
                code.opened,
                code.seq
            );
        }
        text
    }

    pub(super) fn code_number(&mut self, grant: latchkey_shared::id::GrantId) -> u64 {
        let next = self.code_numbers.len() as u64 + 1;
        *self.code_numbers.entry(grant).or_insert(next)
    }

    /// A mean time between acts of one person, longer by night.
    pub(super) fn next_act(&mut self, person: usize) {
        let wait = self.around(self.swarm.act_every * self.people.len() as u64).clamp(HOUR / 60, 3 * DAY);
        self.after(wait, Event::Act(person));
    }
}

/// A home with its first owner and its first hub.
fn begin(
    swarm: &Swarm,
    owner: &Keys,
    issuer: &SigningKey,
    hub: &Hub,
    rng: &mut Rng,
) -> (ChainState, Vec<Vec<u8>>) {
    let second = Timestamp(swarm.begin / 1_000);
    let home = HomeId::generate(rng);
    let home_key = HomeKey::from_seed(1, Seed::generate(rng));
    let wraps = |to: &Keys, name: &str, rng: &mut Rng| {
        vec![home_key.wrap(&home, &to.record(name), rng).expect("a good key")]
    };
    let mut policy = Policy::new("Lake house", people::zone_name(swarm.zone).expect("a zone"));
    policy.offline_grace = Seconds(rng.within(1, swarm.grace_most) * 86_400);
    let epoch = people::first_epoch(&home_key, wraps(owner, "Ada", rng));
    let genesis =
        Genesis { policy, owner: owner.record("Ada"), issuer: issuer.verifying_key().into(), epoch };
    let op = Op { home, seq: 0, prev: None, iat: second, body: Body::Genesis(genesis) };
    let first = SignedOp::sign(&op, owner.signing());
    let mut chain = ChainState::genesis(&first).expect("a good genesis");
    let key = hub.keys.record("Hall");
    let wraps = wraps(&hub.keys, "Hall", rng);
    let panel = (swarm.panel_every > 0).then(super::panel::scope);
    let body = Body::AddHub(AddHub { hub: hub.id, key, panel, wraps });
    let next = SignedOp::sign(&chain.next_op(body, second), owner.signing());
    chain.extend(&next).expect("a good hub");
    (chain, vec![first, next])
}
