//! A hub core with everything around it simulated: ledger, locks, cloud, time.

use crate::core::change::{Change, Stored};
use crate::core::clock::{Boot, Now, WallClock};
use crate::core::lock::{Answer, Command, Happening, Notice, Reading, Refusal};
use crate::core::reconcile::Hands;
use crate::core::trust::Belonging;
use crate::core::{Effect, HubCore, Input, Numbering, Presented};
use crate::drivers::sim::model::{Entry, Fault, SimLock};
use crate::drivers::{Applied, classify, word};
use latchkey_shared::api::HubAck;
use latchkey_shared::chain::{Body, ChainError};
use latchkey_shared::event::{Event, EventBody, EventTip};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::report::Report;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback, SlotContent, SlotNo};
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor;
use std::collections::{BTreeMap, VecDeque};

pub(super) const BEGIN: Timestamp = TestHome::BEGINNING;

pub(super) struct World {
    pub(super) home: TestHome,
    pub(super) core: Option<HubCore>,
    pub(super) stored: Stored,
    pub(super) ledger_events: BTreeMap<u64, Vec<u8>>,
    pub(super) sims: BTreeMap<String, SimLock>,
    /// How the locks' entries are numbered.
    pub(super) numbering: Numbering,
    pub(super) now: Now,
    pub(super) boot: Boot,
    /// Whether the cloud can be reached, and what it has.
    pub(super) net: bool,
    pub(super) cloud_events: Vec<Event>,
    pub(super) cloud_tip: EventTip,
    pub(super) reports: BTreeMap<LockId, Report>,
    pub(super) refused: Vec<&'static str>,
    pub(super) commands: Vec<(String, &'static str)>,
    pub(super) bend_bundle: Option<fn(&mut Vec<u8>)>,
    /// Counts effects down to a crash.
    pub(super) crash_in: Option<u32>,
    pub(super) crashes: u32,
    /// The hub dies, and stays dead, when a lock has done the next such command, before it hears of it.
    pub(super) dies_at: Option<&'static str>,
    /// The lock does the next such command, answers nothing and is silent from then on.
    pub(super) silent_at: Option<&'static str>,
    /// The answer to the next such command, whatever the lock says.
    pub(super) answers_at: Option<(&'static str, Answer)>,
    /// This lock never answers such a command.
    pub(super) never_answers: Option<(&'static str, &'static str)>,
    /// This lock keeps another PIN than the one written to it.
    pub(super) garbles: Option<&'static str>,
    /// What becomes of changes at the locks, over restarts.
    pub(super) hands: Hands,
    canned: Option<Input>,
    /// What was asked of the cloud: from where, and whether with a nonce.
    pub(super) fetches: Vec<(Option<u64>, bool)>,
    pub(super) pushes: u32,
    pub(super) submits: u32,
    /// The cloud takes the next submission, and its answer is lost.
    pub(super) loses_answer: bool,
    /// The cloud answers pushes and keeps no events.
    pub(super) takes_no_events: bool,
    /// The hub was set back to a backup: its reports may be old until it notices.
    pub(super) set_back: bool,
    /// The hub has left its home.
    pub(super) gone: bool,
    /// The driver does not find this lock when the program starts.
    pub(super) unfound: Option<&'static str>,
    answers: VecDeque<(LockId, Answer)>,
    starts: u8,
}

pub(super) fn abilities(readback: Readback, own_schedules: bool, toggles: bool, slots: u16) -> LockAbilities {
    let own_schedules = if own_schedules { OwnSchedules::Hours } else { OwnSchedules::None };
    LockAbilities { slots, readback, own_schedules, toggles, ..latchkey_shared::testing::abilities() }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let locks = [
            ("front", abilities(Readback::Full, false, true, 6)),
            ("back", abilities(Readback::Masked, false, false, 6)),
            ("garage", abilities(Readback::None, false, false, 6)),
            ("gate", abilities(Readback::Full, true, false, 6)),
        ];
        let sims = locks.map(|(key, a)| (key.to_owned(), SimLock::new(key, key, a))).into();
        let mut world = Self {
            home: TestHome::new(seed),
            core: None,
            stored: Stored::default(),
            ledger_events: BTreeMap::new(),
            sims,
            numbering: Numbering::default(),
            now: Now { wall: BEGIN, wall_ms: 0, boot_ms: 50_000 },
            boot: Boot { id: [1; 16], wall: WallClock::Kept },
            net: true,
            cloud_events: vec![],
            cloud_tip: EventTip::default(),
            reports: BTreeMap::new(),
            refused: vec![],
            commands: vec![],
            bend_bundle: None,
            crash_in: None,
            crashes: 0,
            dies_at: None,
            silent_at: None,
            answers_at: None,
            never_answers: None,
            garbles: None,
            hands: Hands::default(),
            canned: None,
            fetches: vec![],
            pushes: 0,
            submits: 0,
            loses_answer: false,
            takes_no_events: false,
            set_back: false,
            gone: false,
            unfound: None,
            answers: VecDeque::new(),
            starts: 0,
        };
        world.start();
        world.run(2);
        world
    }

    pub(super) fn start(&mut self) {
        self.answers.clear();
        self.starts += 1;
        let belonging = Belonging {
            home: *self.home.state.home(),
            hub: self.home.hub,
            genesis: self.home.state.genesis_hash(),
        };
        let keys = self.home.hub_keys.clone();
        let seed = [self.starts; 32];
        let stored = self.stored.clone();
        let core = HubCore::start(
            belonging,
            keys,
            stored,
            &|_, key| self.sims.contains_key(key),
            self.boot,
            seed,
            &self.now,
        );
        let mut core = core.unwrap();
        core.set_hands(self.hands);
        self.core = Some(core);
        for key in self.sims.keys().cloned().collect::<Vec<_>>() {
            if self.unfound != Some(key.as_str()) {
                self.find(&key);
            }
        }
        // A lock's journal is told again at each start.
        for (key, sim) in self.sims.clone() {
            for notice in sim.journal() {
                self.input_for(&key, |id| Input::LockSays(id, notice.clone()));
            }
        }
    }

    /// The power fails: memory is lost, disk and locks are not.
    pub(super) fn crash(&mut self) {
        self.core = None;
        self.crashes += 1;
        self.start();
    }

    /// The driver finds a lock.
    pub(super) fn find(&mut self, key: &str) {
        let (key, name) = (key.to_owned(), key.to_owned());
        let found = Presented { key, name, driver: "sim".into(), pace_ms: 20, numbering: self.numbering };
        if let Some(core) = &mut self.core {
            core.handle_input(Input::LockFound(found), &self.now);
        }
    }

    pub(super) fn id(&self, key: &str) -> LockId {
        *self.stored.locks.iter().find(|(_, r)| r.key == key).expect("known lock").0
    }

    /// Another lock, with so many slots.
    pub(super) fn install(&mut self, key: &'static str, readback: Readback, slots: u16) {
        self.sims.insert(key.to_owned(), SimLock::new(key, key, abilities(readback, false, true, slots)));
        self.find(key);
        self.run(2);
    }

    /// Somebody sets or deletes a slot at the lock, which tells of it.
    pub(super) fn by_hand(&mut self, key: &str, slot: u16, pin: Option<&str>) {
        let pin = pin.map(|pin| Pin::parse(pin).unwrap());
        let now = self.real_time();
        let sim = self.sims.get_mut(key).unwrap();
        sim.changed_by_hand(SlotNo(slot), pin, now);
        let notice = sim.journal().last().unwrap();
        self.input_for(key, |id| Input::LockSays(id, notice));
        self.settle();
    }

    /// The same, and the lock does not tell.
    pub(super) fn unnoticed(&mut self, key: &str, slot: u16, pin: Option<&str>) {
        let pin = pin.map(|pin| Pin::parse(pin).unwrap());
        self.sims.get_mut(key).unwrap().changed_unnoticed(SlotNo(slot), pin);
    }

    /// The names of the commands that a lock got from the n-th on.
    pub(super) fn sent(&self, key: &str, from: usize) -> Vec<&'static str> {
        self.commands[from..].iter().filter(|(to, _)| to == key).map(|(_, name)| *name).collect()
    }

    /// The lock's driver says something of it.
    pub(super) fn says(&mut self, key: &str, what: Happening) {
        self.input_for(key, |id| Input::LockSays(id, Notice { journal: None, at: None, what }));
        self.settle();
    }

    fn input_for(&mut self, key: &str, input: impl FnOnce(LockId) -> Input) {
        let Some((id, _)) = self.stored.locks.iter().find(|(_, r)| r.key == key) else { return };
        let input = input(*id);
        if let Some(core) = &mut self.core {
            core.handle_input(input, &self.now);
        }
    }

    /// Answers the next question to the cloud with this; the codes of what was refused.
    pub(super) fn refuses(&mut self, bundle: &latchkey_shared::head::Bundle) -> Vec<&'static str> {
        self.refused.clear();
        self.answers_next(Input::Bundle(cbor::to_vec(bundle)));
        std::mem::take(&mut self.refused)
    }

    /// Answers the next question to the cloud with this, whenever it comes.
    pub(super) fn answers_later(&mut self, answer: Input) {
        self.canned = Some(answer);
    }

    /// Answers the next question to the cloud with this.
    pub(super) fn answers_next(&mut self, answer: Input) {
        self.canned = Some(answer);
        self.input(Input::NetworkUp);
    }

    pub(super) fn input(&mut self, input: Input) {
        if let Some(core) = &mut self.core {
            core.handle_input(input, &self.now);
        }
        self.settle();
    }

    /// Carries effects out until there are none.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(effect) = self.core.as_mut().and_then(HubCore::poll_effect) {
                if let Some(left) = &mut self.crash_in {
                    if *left == 0 {
                        self.crash_in = None;
                        self.crash();
                        continue;
                    }
                    *left -= 1;
                }
                self.carry_out(effect);
            }
            let Some((id, answer)) = self.answers.pop_front() else { return };
            if let Some(core) = &mut self.core {
                core.handle_input(Input::LockAnswered(id, answer), &self.now);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Persist(changes) => changes.into_iter().for_each(|c| self.persist(c)),
            Effect::Lock(id, command) => {
                let key = self.stored.locks[&id].key.clone();
                self.commands.push((key.clone(), command.name()));
                let sim = self.sims.get_mut(&key).unwrap();
                if self.never_answers == Some((&key, command.name())) {
                    self.answers.push_back((id, Answer::Unknown));
                    return;
                }
                let mut answer = ask(sim, &command);
                if let (true, Command::Write { slot, .. }) = (self.garbles == Some(&key), &command) {
                    let other = Pin::parse("999001").unwrap();
                    sim.slots.get_mut(&slot.0).unwrap().pin = Some(other.clone());
                    let reading = Some(Reading { content: SlotContent::Pin(other), enabled: true });
                    answer = Answer::Rejected { why: Refusal::NotDone, reading };
                }
                if let Some((_, other)) = self.answers_at.take_if(|(name, _)| *name == command.name()) {
                    answer = other;
                }
                if self.silent_at == Some(command.name()) {
                    self.silent_at = None;
                    sim.inject(Fault::Dead);
                    answer = Answer::Unknown;
                }
                self.answers.push_back((id, answer));
                if self.dies_at == Some(command.name()) {
                    self.dies_at = None;
                    self.core = None;
                    self.answers.clear();
                    self.crashes += 1;
                }
            }
            Effect::Fetch { after, nonce } => {
                self.fetches.push((after, nonce.is_some()));
                let input = if let Some(canned) = self.canned.take() {
                    canned
                } else if self.net {
                    let from = after.map_or(0, |seq| seq as usize + 1);
                    let mut bytes = cbor::to_vec(&self.home.bundle(from, self.real_time(), nonce));
                    if let Some(bend) = self.bend_bundle {
                        bend(&mut bytes);
                    }
                    Input::Bundle(bytes)
                } else {
                    Input::FetchFailed
                };
                self.core.as_mut().unwrap().handle_input(input, &self.now);
            }
            Effect::Push { reports, events_from, .. } => {
                self.pushes += 1;
                let unsent = events_from;
                let events_from = events_from.filter(|_| !self.takes_no_events);
                let mut input =
                    if self.net { self.take_push(&reports, events_from) } else { Input::PushFailed };
                if let Input::LogForked { unsent: to, .. } = &mut input {
                    to.extend(
                        unsent
                            .into_iter()
                            .flat_map(|from| self.ledger_events.range(from..))
                            .map(|(_, b)| b.clone()),
                    );
                }
                self.core.as_mut().unwrap().handle_input(input, &self.now);
            }
            Effect::Submit(ops) => {
                self.submits += 1;
                let mut input = if self.net { self.take_ops(&ops) } else { Input::SubmitFailed(None) };
                if std::mem::take(&mut self.loses_answer) {
                    input = Input::SubmitFailed(None);
                }
                self.core.as_mut().unwrap().handle_input(input, &self.now);
            }
            Effect::LastEvent => {
                let newest = self.cloud_events.last().filter(|_| self.net);
                let newest =
                    newest.map(|event| event.sign(self.home.hub_keys.signing()).0).unwrap_or_default();
                let from = self.core.as_ref().unwrap().first_unsent();
                let unsent = from.into_iter().flat_map(|from| self.ledger_events.range(from..));
                let unsent = unsent.map(|(_, bytes)| bytes.clone()).collect();
                let input = Input::LogForked { newest, unsent };
                self.core.as_mut().unwrap().handle_input(input, &self.now);
            }
            Effect::Gone => self.gone = true,
            Effect::Refused(_, code) => self.refused.push(code),
        }
    }

    /// The cloud's clock is right whatever the hub's wall clock says.
    pub(super) fn real_time(&self) -> Timestamp {
        BEGIN.saturating_add(Seconds(self.elapsed_ms() / 1_000))
    }

    fn elapsed_ms(&self) -> u64 {
        self.now.boot_ms - 50_000
    }

    fn take_push(&mut self, reports: &[Vec<u8>], events_from: Option<u64>) -> Input {
        let (home, hub) = (*self.home.state.home(), self.home.hub);
        let key = self.home.hub_keys.sign_public();
        for bytes in reports {
            let report = Report::verify(bytes, &home, &hub, &key).unwrap();
            let newest = self.reports.get(&report.lock.id).map_or(0, |r| r.number);
            if self.set_back && report.number <= newest {
                continue;
            }
            assert!(report.number > newest, "report numbers grow, over restarts too");
            self.reports.insert(report.lock.id, report);
        }
        for bytes in events_from.iter().flat_map(|from| self.ledger_events.range(*from..)).map(|(_, b)| b) {
            let (event, hash) = Event::verify(bytes, &home, &hub, &key).unwrap();
            if event.number <= self.cloud_tip.number {
                let known = &self.cloud_events[event.number as usize - 1];
                if *known != event {
                    let newest = self.cloud_events.last().unwrap();
                    let newest = newest.sign(self.home.hub_keys.signing()).0;
                    return Input::LogForked { newest, unsent: vec![] };
                }
                continue;
            }
            if event.number > self.cloud_tip.number + 1 {
                break;
            }
            event.follows(&self.cloud_tip).unwrap();
            self.cloud_tip = EventTip { number: event.number, hash: Some(hash) };
            self.cloud_events.push(event);
        }
        Input::PushTaken(HubAck { events_through: self.cloud_tip.number, seq: self.home.state.seq() })
    }

    /// Ops that the hub signed at its panel: all or none.
    fn take_ops(&mut self, ops: &[Vec<u8>]) -> Input {
        let mut state = self.home.state.clone();
        for op in ops {
            match state.extend(op) {
                Ok(()) => {}
                Err(ChainError::Gap | ChainError::Fork) => return Input::SubmitConflict,
                Err(e) => return Input::SubmitFailed(Some(e.code().to_owned())),
            }
        }
        self.home.state = state;
        self.home.ops.extend_from_slice(ops);
        Input::Submitted(self.home.state.seq())
    }

    fn persist(&mut self, change: Change) {
        let stored = &mut self.stored;
        match change {
            Change::Chain { from, ops, head } => {
                assert_eq!(from as usize, stored.ops.len(), "ops are appended");
                stored.ops.extend(ops);
                stored.head = Some(head);
            }
            Change::Floor(record) => stored.floor = Some(record),
            Change::Lock(id, record) => drop(stored.locks.insert(id, record)),
            Change::Slot(id, no, record) => drop(stored.slots.insert((id, no), record)),
            Change::Code(id, grant, Some(record)) => drop(stored.codes.insert((id, grant), record)),
            Change::Code(id, grant, None) => drop(stored.codes.remove(&(id, grant))),
            Change::Uses(grant, uses) => drop(stored.uses.insert(grant, uses)),
            Change::Event(tip, bytes) => {
                assert_eq!(tip.number, stored.tip.number + 1, "numbered once, without a gap");
                stored.tip = tip;
                self.ledger_events.insert(tip.number, bytes);
            }
            Change::Acked(through) => stored.acked = through,
            Change::ReportNumber(number) => stored.report_number = number,
            Change::LogMoved(tip) => {
                let acked = stored.acked;
                self.ledger_events.retain(|number, _| *number <= acked);
                (stored.tip, stored.acked) = (tip, tip.number);
            }
            Change::Staged(changes) => stored.staged = changes,
            Change::Release(release) => stored.release = release,
            Change::PanelFailures(count) => stored.panel_failures = count,
        }
    }

    /// Lets so many seconds pass.
    pub(super) fn run(&mut self, seconds: u64) {
        let end = self.now.boot_ms + seconds * 1_000;
        let mut turns = 0;
        loop {
            self.settle();
            turns += 1;
            assert!(
                turns < 50_000,
                "the hub does not come to rest: {:?}",
                self.commands.iter().rev().take(8).collect::<Vec<_>>()
            );
            let wake = self.core.as_ref().and_then(HubCore::poll_timeout).unwrap_or(end);
            if wake > end || self.core.is_none() {
                self.pass(end - self.now.boot_ms);
                return;
            }
            self.pass(wake.saturating_sub(self.now.boot_ms).max(1));
            if let Some(core) = &mut self.core {
                core.handle_timeout(&self.now);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now.boot_ms += ms;
        let wall = self.now.wall.0 * 1_000 + u64::from(self.now.wall_ms) + ms;
        self.now.wall = Timestamp(wall / 1_000);
        self.now.wall_ms = (wall % 1_000) as u16;
    }

    pub(super) fn guest(&mut self, pin: &str, keys: &[&str]) -> Grant {
        let locks: Vec<LockId> = keys.iter().map(|key| self.id(key)).collect();
        self.home.guest(pin, &locks)
    }

    /// Signs the op and tells the hub, as the cloud would.
    pub(super) fn put(&mut self, grant: &Grant) {
        self.home.push(Body::PutGrant(grant.clone())).unwrap();
        self.tell();
    }

    pub(super) fn revoke(&mut self, grant: GrantId) {
        self.home.push(Body::RevokeGrant(grant)).unwrap();
        self.tell();
    }

    pub(super) fn tell(&mut self) {
        if self.net {
            self.input(Input::ChainGrew(self.home.state.seq()));
        }
    }

    pub(super) fn fault(&mut self, key: &str, fault: Fault) {
        self.sims.get_mut(key).unwrap().inject(fault);
    }

    /// Somebody types a PIN; true if the door opens.
    pub(super) fn types(&mut self, key: &str, pin: &str) -> bool {
        let real = self.real_time();
        let sim = self.sims.get_mut(key).unwrap();
        let opened = sim.typed(&Pin::parse(pin).unwrap(), real) == Entry::Opened;
        let notice = sim.journal().last().unwrap();
        self.input_for(key, |id| Input::LockSays(id, notice));
        self.settle();
        opened
    }

    pub(super) fn state(&self, key: &str, grant: GrantId) -> Option<CodeState> {
        self.stored.codes.get(&(self.id(key), grant)).map(|r| r.state)
    }

    pub(super) fn logged(&self, wanted: impl Fn(&EventBody) -> bool) -> usize {
        self.cloud_events.iter().filter(|e| wanted(&e.body)).count()
    }

    /// Which PINs are in a lock, switched on or not.
    pub(super) fn pins_on(&self, key: &str) -> Vec<String> {
        self.sims[key].slots.values().filter_map(|s| s.pin.as_ref().map(|p| p.expose().to_owned())).collect()
    }
}

fn ask(sim: &mut SimLock, command: &Command) -> Answer {
    match command {
        Command::Observe => sim.observe().map_or(Answer::Unknown, Answer::Observed),
        Command::Read { slot } => match sim.abilities.readback {
            Readback::None => Answer::Unverifiable,
            _ => sim.read(*slot).map_or(Answer::Unknown, Answer::Verified),
        },
        Command::Operate { .. } => match sim.apply(command).and_then(|_| sim.bolt()) {
            Some(bolt) => Answer::Operated(bolt),
            None => Answer::Unknown,
        },
        command => {
            let applied = sim.apply(command).unwrap_or(Applied::Silent);
            let applied = sim.read_back(command, applied);
            match (sim.abilities.readback, command) {
                (Readback::None, _) | (_, Command::SetSchedule { .. }) => word(applied),
                _ => classify(command, applied, command.slot().and_then(|slot| sim.read(slot))),
            }
        }
    }
}
