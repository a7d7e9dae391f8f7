//! What attacks are tried on: the Worker's real core over the store in memory, the hub's real core, and two locks that do
//! what they are told and say what they hold.

use latchkey_hub::core::change::{Change, Stored};
use latchkey_hub::core::clock::{Boot, Now, WallClock};
use latchkey_hub::core::lock::{Answer, Command, Observation, Reading, Vitals};
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::core::{Effect, HubCore, Input, Numbering, Presented};
use latchkey_shared::api::{CreateHome, HubPush, LinkUpload, SubmitOps};
use latchkey_shared::chain::Body;
use latchkey_shared::grant::Grant;
use latchkey_shared::head::Bundle;
use latchkey_shared::id::{LockId, Nonce, SignPublic};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{SlotContent, SlotNo};
use latchkey_shared::testing::{TestHome, abilities};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_worker::core::home::{Home, Ingested, Taken};
use latchkey_worker::error::Problem;
use latchkey_worker::store::memory::MemoryStore;
use std::collections::{BTreeMap, VecDeque};

/// When it begins.
pub const BEGIN: Timestamp = TestHome::BEGINNING;
/// One of the two locks.
pub const FRONT: &str = "front";
/// See [`FRONT`].
pub const BACK: &str = "back";

/// What a lock holds: by slot, the PIN and whether it opens.
pub type Slots = BTreeMap<SlotNo, (Pin, bool)>;

/// What the attacker in the cloud's place was asked.
#[derive(Clone, Copy)]
pub struct Question {
    /// What the hub sent along.
    pub nonce: Option<Nonce>,
}

type Forger = Box<dyn FnOnce(&TestHome, Question) -> Vec<u8>>;

/// A home at the Worker, its hub, its locks, and somebody in between.
pub struct Stage {
    /// The owner, who signs.
    pub author: TestHome,
    /// The Worker.
    pub cloud: Home<MemoryStore>,
    /// The hub; `None` while its power is cut.
    pub hub: Option<HubCore>,
    /// The hub's ledger.
    pub disk: Stored,
    /// The hub's events, as signed.
    pub log: BTreeMap<u64, Vec<u8>>,
    /// The locks, by name.
    pub doors: BTreeMap<String, Slots>,
    /// The hub's clocks.
    pub now: Now,
    /// The boot of the hub's machine.
    pub boot: Boot,
    /// Stable codes of what the hub refused.
    pub refused: Vec<&'static str>,
    /// Stable codes of what the Worker refused of the hub.
    pub bounced: Vec<&'static str>,
    /// Whether the hub reaches the Worker.
    pub net: bool,
    forger: Option<Forger>,
    answers: VecDeque<(LockId, Answer)>,
}

impl Stage {
    /// A home whose hub is up to date and has found its locks.
    pub fn new(seed: u64) -> Self {
        let author = TestHome::new(seed);
        let cloud = at_the_worker(&author);
        let mut stage = Self {
            author,
            cloud,
            hub: None,
            disk: Stored::default(),
            log: BTreeMap::new(),
            doors: [FRONT, BACK].map(|name| (name.to_owned(), Slots::new())).into(),
            now: Now { wall: BEGIN, wall_ms: 0, boot_ms: 50_000 },
            boot: Boot { id: [1; 16], wall: WallClock::Kept },
            refused: vec![],
            bounced: vec![],
            net: true,
            forger: None,
            answers: VecDeque::new(),
        };
        stage.start();
        stage.run(3);
        stage
    }

    /// The hub starts from its disk.
    pub fn start(&mut self) {
        let state = &self.author.state;
        let belonging =
            Belonging { home: *state.home(), hub: self.author.hub, genesis: state.genesis_hash() };
        let (keys, disk, doors) = (self.author.hub_keys.clone(), self.disk.clone(), &self.doors);
        let there = |_: &str, key: &str| doors.contains_key(key);
        let core = HubCore::start(belonging, keys, disk, &there, self.boot, [7; 32], &self.now);
        self.hub = Some(core.expect("what the ledger holds verifies"));
        for key in self.doors.keys().cloned().collect::<Vec<_>>() {
            let found = Presented {
                name: key.clone(),
                key,
                driver: "sim".into(),
                pace_ms: 20,
                numbering: Numbering::default(),
            };
            self.tell(Input::LockFound(found));
        }
        self.settle();
    }

    /// Memory is lost, the disk is not.
    pub fn power_cut(&mut self) {
        self.answers.clear();
        self.start();
    }

    fn tell(&mut self, input: Input) {
        if let Some(hub) = &mut self.hub {
            hub.handle_input(input, &self.now);
        }
    }

    /// Something happens.
    pub fn input(&mut self, input: Input) {
        self.tell(input);
        self.settle();
    }

    /// Lets time pass.
    pub fn run(&mut self, seconds: u64) {
        let end = self.now.boot_ms + seconds * 1_000;
        loop {
            self.settle();
            let wake = self.hub.as_ref().and_then(HubCore::poll_timeout).filter(|wake| *wake <= end);
            self.pass(wake.unwrap_or(end).saturating_sub(self.now.boot_ms).max(u64::from(wake.is_some())));
            if wake.is_none() {
                return;
            }
            if let Some(hub) = &mut self.hub {
                hub.handle_timeout(&self.now);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now.boot_ms += ms;
        let wall = self.now.wall.0 * 1_000 + u64::from(self.now.wall_ms) + ms;
        self.now.wall = Timestamp(wall / 1_000);
        self.now.wall_ms = u16::try_from(wall % 1_000).unwrap_or_default();
    }

    /// The time that the Worker has.
    pub fn real(&self) -> Timestamp {
        BEGIN.saturating_add(Seconds((self.now.boot_ms - 50_000) / 1_000))
    }

    fn settle(&mut self) {
        loop {
            while let Some(effect) = self.hub.as_mut().and_then(HubCore::poll_effect) {
                self.carry_out(effect);
            }
            let Some((id, answer)) = self.answers.pop_front() else { return };
            self.tell(Input::LockAnswered(id, answer));
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Persist(changes) => changes.into_iter().for_each(|change| self.persist(change)),
            Effect::Lock(id, command) => {
                let key = self.disk.locks.get(&id).map(|lock| lock.key.clone()).unwrap_or_default();
                let answer = self.doors.get_mut(&key).map_or(Answer::Unknown, |slots| obey(slots, &command));
                self.answers.push_back((id, answer));
            }
            Effect::Fetch { after, nonce } => {
                let answer = match self.forger.take() {
                    Some(forge) => Input::Bundle(forge(&self.author, Question { nonce })),
                    None if self.net => self.fetch(after, nonce),
                    None => Input::FetchFailed,
                };
                self.tell(answer);
            }
            Effect::Push { seq, reports, events_from } => {
                let answer = if self.net { self.push(seq, reports, events_from) } else { Input::PushFailed };
                self.tell(answer);
            }
            Effect::Submit(_) => self.tell(Input::SubmitFailed(None)),
            Effect::LastEvent => self.tell(Input::LogForked { newest: vec![], unsent: vec![] }),
            Effect::Refused(_, code) => self.refused.push(code),
            Effect::Gone => {}
        }
    }

    fn fetch(&mut self, after: Option<u64>, nonce: Option<Nonce>) -> Input {
        let issuers = [self.author.issuer.clone()];
        match self.cloud.bundle(&self.author.hub, after, nonce, &issuers, self.real().0) {
            Ok(reply) => Input::Bundle(reply.body),
            Err(problem) => {
                self.bounced.push(problem.code);
                Input::FetchFailed
            }
        }
    }

    fn push(&mut self, seq: Option<u64>, reports: Vec<Vec<u8>>, from: Option<u64>) -> Input {
        let events = from.into_iter().flat_map(|from| self.log.range(from..)).map(|(_, e)| Blob(e.clone()));
        let push =
            HubPush { seq, reports: reports.into_iter().map(Blob).collect(), events: events.collect() };
        match self.cloud.push(&self.author.hub, &to_vec(&push), self.real().0) {
            Ok(Ingested { ack, .. }) => Input::PushTaken(ack),
            Err(problem) => {
                self.bounced.push(problem.code);
                Input::PushFailed
            }
        }
    }

    fn persist(&mut self, change: Change) {
        let disk = &mut self.disk;
        match change {
            Change::Chain { ops, head, .. } => {
                disk.ops.extend(ops);
                disk.head = Some(head);
            }
            Change::Floor(record) => disk.floor = Some(record),
            Change::Lock(id, record) => drop(disk.locks.insert(id, record)),
            Change::Slot(id, no, record) => drop(disk.slots.insert((id, no), record)),
            Change::Code(id, grant, Some(record)) => drop(disk.codes.insert((id, grant), record)),
            Change::Code(id, grant, None) => drop(disk.codes.remove(&(id, grant))),
            Change::Uses(grant, uses) => drop(disk.uses.insert(grant, uses)),
            Change::Event(tip, bytes) => {
                disk.tip = tip;
                self.log.insert(tip.number, bytes);
            }
            Change::Acked(through) => disk.acked = through,
            Change::ReportNumber(number) => disk.report_number = number,
            Change::Staged(changes) => disk.staged = changes,
            Change::PanelFailures(count) => disk.panel_failures = count,
            Change::Release(release) => disk.release = release,
            Change::LogMoved(tip) => (disk.tip, disk.acked) = (tip, tip.number),
        }
    }

    /// The hub asks the cloud, and this is the answer; the codes of what it refused.
    pub fn forge(
        &mut self,
        forge: impl FnOnce(&TestHome, Question) -> Vec<u8> + 'static,
    ) -> Vec<&'static str> {
        self.refused.clear();
        self.forger = Some(Box::new(forge));
        self.input(Input::NetworkUp);
        assert!(self.forger.is_none(), "the hub has asked");
        std::mem::take(&mut self.refused)
    }

    /// The hub is offered a bundle of these ops under a head that is as good as it can be for them.
    pub fn offer(&mut self, ops: Vec<Vec<u8>>) -> Vec<&'static str> {
        let now = self.real();
        self.forge(move |author, asked| covered(author, &ops, now, asked.nonce))
    }

    /// The owner signs an op, the Worker takes it, the hub is told.
    pub fn does(&mut self, body: Body) {
        self.signs(body);
        self.submit(vec![]).expect("the Worker takes what the chain takes");
        self.input(Input::ChainGrew(self.author.state.seq()));
        self.run(3);
    }

    /// The owner signs an op; nobody has it yet.
    pub fn signs(&mut self, body: Body) {
        self.author.push(body).expect("the op follows");
    }

    /// Everything that the owner has signed goes to the Worker.
    pub fn submit(&mut self, links: Vec<LinkUpload>) -> Result<Taken, Problem> {
        let known = self.cloud.chain()?.seq() as usize + 1;
        let ops = self.author.ops.iter().skip(known).map(|op| Blob(op.clone())).collect();
        let (by, issuer) = (self.author.owner.id(), issuer(&self.author));
        self.cloud.submit(&by, true, &issuer, &to_vec(&SubmitOps { ops, links }), self.real().0)
    }

    /// A guest's code on this door, a week from the beginning.
    pub fn guest(&mut self, pin: &str, door: &str) -> Grant {
        let lock = self.lock(door);
        self.author.guest(pin, &[lock])
    }

    /// The same, put and on the lock.
    pub fn live(&mut self, pin: &str, door: &str) -> Grant {
        let grant = self.guest(pin, door);
        self.does(Body::PutGrant(grant.clone()));
        assert_eq!(self.opens(door), [pin], "an honest code is on the lock");
        grant
    }

    /// The id of a door.
    pub fn lock(&self, door: &str) -> LockId {
        let known = self.disk.locks.iter().find(|(_, record)| record.key == door);
        *known.expect("the hub has found the lock").0
    }

    /// The PINs that open a door now.
    pub fn opens(&self, door: &str) -> Vec<&str> {
        let slots = self.doors.get(door).into_iter().flat_map(BTreeMap::values);
        slots.filter(|(_, enabled)| *enabled).map(|(pin, _)| pin.expose()).collect()
    }

    /// Every PIN in any lock, whether it opens or not.
    pub fn held(&self) -> Vec<&str> {
        self.doors.values().flat_map(BTreeMap::values).map(|(pin, _)| pin.expose()).collect()
    }

    /// What the hub believes: the chain's end.
    pub fn hub_seq(&self) -> u64 {
        self.hub.as_ref().and_then(|hub| hub.chain().state()).map_or(0, |state| state.seq())
    }

    /// The alarm that the hub raised, if any.
    pub fn alarm(&self) -> Option<&'static str> {
        self.hub.as_ref().and_then(|hub| hub.view(&self.now).alarm)
    }
}

/// The home as the Worker has it.
pub fn at_the_worker(author: &TestHome) -> Home<MemoryStore> {
    let mut cloud = Home::load(MemoryStore::default()).expect("an empty store");
    let mut ops = author.ops.iter().map(|op| Blob(op.clone()));
    let genesis = ops.next().expect("a genesis");
    let (home, by, key) = (*author.state.home(), author.owner.id(), issuer(author));
    cloud.create(&home, &by, &key, &to_vec(&CreateHome { genesis }), BEGIN.0).expect("a new home");
    let rest = to_vec(&SubmitOps { ops: ops.collect(), links: vec![] });
    cloud.submit(&by, true, &key, &rest, BEGIN.0).expect("the Worker takes the chain");
    cloud
}

/// The Worker's public key.
pub fn issuer(author: &TestHome) -> SignPublic {
    SignPublic::from(author.issuer.verifying_key())
}

/// These ops under a head of the right issuer that names their end, if they have one.
pub fn covered(author: &TestHome, ops: &[Vec<u8>], now: Timestamp, nonce: Option<Nonce>) -> Vec<u8> {
    let mut head = author.head(now, nonce);
    if let Some(last) = ops.last().and_then(|op| latchkey_shared::chain::SignedOp::parse(op).ok()) {
        (head.seq, head.head_hash) = (last.claimed().seq, last.hash());
    }
    bundle(head.sign(&author.issuer), ops)
}

/// A bundle as it is sent.
pub fn bundle(head: Vec<u8>, ops: &[Vec<u8>]) -> Vec<u8> {
    to_vec(&Bundle { head: Blob(head), ops: ops.iter().map(|op| Blob(op.clone())).collect() })
}

fn obey(slots: &mut Slots, command: &Command) -> Answer {
    let read = |slots: &Slots, slot: &SlotNo| match slots.get(slot) {
        Some((pin, enabled)) => Reading { content: SlotContent::Pin(pin.clone()), enabled: *enabled },
        None => Reading { content: SlotContent::Empty, enabled: false },
    };
    match command {
        Command::Observe => {
            let known = (1..=abilities().slots).map(SlotNo).map(|slot| (slot, read(slots, &slot)));
            return Answer::Observed(Observation {
                abilities: latchkey_shared::slot::LockAbilities { toggles: true, ..abilities() },
                slots: known.collect(),
                tells_changes: true,
                vitals: Vitals::default(),
            });
        }
        Command::Write { slot, pin } => drop(slots.insert(*slot, (pin.clone(), true))),
        Command::Clear { slot } => drop(slots.remove(slot)),
        Command::SetEnabled { slot, enabled } => {
            if let Some(held) = slots.get_mut(slot) {
                held.1 = *enabled;
            }
        }
        Command::Read { .. } | Command::SetSchedule { .. } | Command::Operate { .. } => {}
    }
    command.slot().map_or(Answer::Unknown, |slot| Answer::Verified(read(slots, &slot)))
}
