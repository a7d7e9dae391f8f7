//! The hub as one state machine: what comes in, what is to be done, when to be woken.
//!
//! Effects are to be carried out strictly in order. A `Persist` that cannot be carried out ends the program: what
//! comes after it must not happen. So everything that leaves the hub is on its disk first.

use super::change::{Change, CodeRecord, Release, Stored, UseRecord};
use super::clock::{Boot, Clock, Now};
use super::events::EventLog;
use super::lock::{Answer, Bolt, Command, Notice};
use super::panel::Panel;
use super::presented::{FormerLock, GoneLock};
use super::reconcile::{Hands, LockCore, NoResync, Outcome};
use super::reporting::{Noted, Told};
use super::restored::Restored;
use super::sync::Sync;
use super::trust::{Belonging, Trust};
use super::work::Wanted;
use latchkey_shared::api::HubAck;
use latchkey_shared::chain::verify::VerifyError;
use latchkey_shared::event::EventBody;
use latchkey_shared::id::{GrantId, LockId, Nonce};
use latchkey_shared::keys::Keys;
use latchkey_shared::report::CodeReport;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A lock answered the command in flight.
    LockAnswered(LockId, Answer),
    /// A driver found a lock, or found it again with another name or other abilities.
    LockFound(Presented),
    /// A driver says that the lock of this key was taken out of its network for good, or the configuration says so.
    LockRemoved(String),
    /// A lock says something by itself.
    LockSays(LockId, Notice),
    /// A bundle was fetched.
    Bundle(Vec<u8>),
    /// Nothing has changed since the last bundle.
    NotModified,
    /// No bundle could be fetched.
    FetchFailed,
    /// The cloud says that this hub has changes which it does not know: it lost some, or forgot them on purpose.
    CloudBehind,
    /// The cloud took a push.
    PushTaken(HubAck),
    /// It did not, or could not be reached.
    PushFailed,
    /// The cloud says that this hub was removed and takes nothing of it any more. It is believed if the chain says so too.
    PushEnded,
    /// The cloud has another event where this hub's log goes on.
    LogForked {
        /// Its newest event of this hub.
        newest: Vec<u8>,
        /// The events here that it did not acknowledge, in order.
        unsent: Vec<Vec<u8>>,
    },
    /// The cloud took the panel's changes: the chain now ends with this op.
    Submitted(u64),
    /// Others changed the home first.
    SubmitConflict,
    /// The cloud does not take the panel's changes, with its stable code, or could not be reached.
    SubmitFailed(Option<String>),
    /// The socket to the cloud is open, or not any more.
    Socket(bool),
    /// Over the socket: the chain has grown to this op.
    ChainGrew(u64),
    /// The machine's network is there again.
    NetworkUp,
    /// Somebody wants a lock's codes, or one of them, to be read anew. At most once in ten minutes for each lock.
    Resync {
        /// The lock.
        lock: LockId,
        /// The code; `None`: all of the home's.
        grant: Option<GrantId>,
    },
}

/// Something to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write these durably, all or none, before anything that follows.
    Persist(Vec<Change>),
    /// Send a command to a lock; [`Input::LockAnswered`] must follow.
    Lock(LockId, Command),
    /// Fetch a bundle; [`Input::Bundle`], [`Input::NotModified`] or [`Input::FetchFailed`] must follow.
    Fetch {
        /// The newest op already here; `None`: none is.
        after: Option<u64>,
        /// To be sent along. Without one, an entity tag may be.
        nonce: Option<Nonce>,
    },
    /// Send reports and the events from this number on; [`Input::PushTaken`] or [`Input::PushFailed`] must follow.
    Push {
        /// The newest op here.
        seq: Option<u64>,
        /// Signed reports.
        reports: Vec<Vec<u8>>,
        /// The first event to send; `None`: none.
        events_from: Option<u64>,
    },
    /// Fetch the newest event of this hub that the cloud has; [`Input::LogForked`] must follow, empty if there is none.
    LastEvent,
    /// Submit signed ops that were made at the panel; [`Input::Submitted`], [`Input::SubmitConflict`] or
    /// [`Input::SubmitFailed`] must follow.
    Submit(Vec<Vec<u8>>),
    /// The hub has left its home: wipe its keys, put its ledger aside, and end.
    Gone,
    /// To be logged: what was refused and its stable code.
    Refused(&'static str, &'static str),
}

/// A lock as its driver presents it.
#[derive(Clone, Debug)]
pub struct Presented {
    /// What its driver calls it, stable over restarts.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The driver.
    pub driver: String,
    /// The least time between two commands, in milliseconds.
    pub pace_ms: u64,
    /// How the entries of its journal are numbered, if it keeps one.
    pub numbering: Numbering,
}

/// How the entries of a lock's journal are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Numbering {
    /// One after the other: a number that is missing is an entry that is lost. The journal begins with the lock.
    #[default]
    Gapless,
    /// Ascending, among the numbers of other things. What happened before the lock was found is nobody's business here.
    Sparse,
}

/// Randomness drawn at program start and stretched, so that the core stays deterministic.
pub(crate) struct Entropy {
    seed: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Entropy {
    pub(super) fn draw(&mut self) -> [u8; 32] {
        self.counter += 1;
        Sha256::new().chain_update(*self.seed).chain_update(self.counter.to_le_bytes()).finalize().into()
    }

    pub(super) fn number(&mut self) -> u64 {
        self.draw().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

impl TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.number() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.number())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            chunk.iter_mut().zip(self.draw()).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}

/// The hub.
pub struct HubCore {
    pub(super) belonging: Belonging,
    pub(super) trust: Trust,
    pub(super) clock: Clock,
    pub(super) locks: BTreeMap<LockId, LockCore>,
    pub(super) keys: BTreeMap<LockId, String>,
    /// Locks that were taken out, until the cloud knows.
    pub(super) gone: BTreeMap<LockId, GoneLock>,
    /// Locks that were here once, with their slots: one that comes back takes its place again.
    pub(super) former: BTreeMap<LockId, FormerLock>,
    pub(super) codes: BTreeMap<(LockId, GrantId), CodeRecord>,
    /// What is said of each lock's codes, until a code or its use changes.
    pub(super) listed: BTreeMap<LockId, Arc<Vec<CodeReport>>>,
    pub(super) uses: BTreeMap<GrantId, UseRecord>,
    pub(super) log: EventLog,
    /// Whether this run found the hub to be set back to a backup of itself, and where that ended.
    pub(super) restored: Restored,
    pub(super) hands: Hands,
    pub(super) sync: Sync,
    pub(super) told: BTreeMap<LockId, Told>,
    pub(super) report_number: u64,
    pub(super) entropy: Entropy,
    /// What belonged on each lock when that was last counted as a change.
    pub(super) desired: BTreeMap<LockId, Arc<Wanted>>,
    pub(super) wanted: BTreeMap<LockId, Arc<Wanted>>,
    /// What was known of each lock when its codes were last looked through.
    pub(super) noted: BTreeMap<LockId, Noted>,
    /// Counts changes of anything that decides what belongs on a lock, but for the time.
    pub(super) version: u64,
    pub(super) proof_wanted: bool,
    pub(super) seq_told: Option<u64>,
    pub(super) seq_underway: Option<u64>,
    /// The first event of the push that is on its way.
    pub(super) events_underway: Option<u64>,
    /// The log's end when the push went out.
    pub(super) tip_underway: u64,
    /// The cloud was asked for the newest event that it has.
    pub(super) asks_last: bool,
    /// The highest op that the cloud said there is.
    pub(super) announced: Option<u64>,
    pub(super) alarm: Option<&'static str>,
    pub(super) panel: Panel,
    pub(super) release: Release,
    /// Since when no code of the home is on a lock, while the hub leaves.
    pub(super) left_ms: Option<u64>,
    zone_told: Option<ZoneName>,
    pub(super) batch: Vec<Change>,
    effects: VecDeque<Effect>,
    pub(super) wake_ms: Option<u64>,
}

impl HubCore {
    /// At program start. Verifies what the ledger holds; `seed` is 32 random bytes. `expected` says of a lock in the
    /// ledger, by its driver and key, whether the configuration still has it: its driver will find it.
    pub fn start(
        belonging: Belonging,
        keys: Keys,
        stored: Stored,
        expected: &dyn Fn(&str, &str) -> bool,
        boot: Boot,
        seed: [u8; 32],
        now: &Now,
    ) -> Result<Self, VerifyError> {
        let mut entropy = Entropy { seed: Zeroizing::new(seed), counter: 0 };
        let trust = Trust::restore(&belonging, keys, &stored.ops, stored.head.as_deref(), entropy.draw())?;
        let mut core = Self {
            belonging,
            trust,
            clock: Clock::start(stored.floor, boot, now),
            locks: BTreeMap::new(),
            keys: BTreeMap::new(),
            gone: BTreeMap::new(),
            former: BTreeMap::new(),
            codes: stored.codes,
            listed: BTreeMap::new(),
            uses: stored.uses,
            log: EventLog::new(stored.tip, stored.acked),
            restored: Restored::No { began_at: stored.tip.number },
            hands: Hands::default(),
            sync: Sync::start(now.boot_ms),
            told: BTreeMap::new(),
            report_number: stored.report_number,
            entropy,
            desired: BTreeMap::new(),
            wanted: BTreeMap::new(),
            noted: BTreeMap::new(),
            version: 0,
            proof_wanted: false,
            seq_told: None,
            seq_underway: None,
            events_underway: None,
            tip_underway: 0,
            asks_last: false,
            announced: None,
            alarm: None,
            panel: Panel::start(stored.panel_failures, now.boot_ms),
            release: stored.release,
            left_ms: None,
            zone_told: None,
            batch: vec![],
            effects: VecDeque::new(),
            wake_ms: None,
        };
        core.log(EventBody::Started(env!("CARGO_PKG_VERSION").to_owned()), now);
        core.remember_locks(expected, stored.locks, &stored.slots, now);
        core.restage(&stored.staged.clone(), stored.staged, now);
        if core.release != Release::Staying {
            core.trust.release();
        }
        core.run(now);
        Ok(core)
    }

    /// What becomes of changes that somebody makes at a lock; [`Hands::Restore`] unless told.
    pub fn set_hands(&mut self, hands: Hands) {
        self.hands = hands;
    }

    /// Locks or unlocks a door for somebody who opened the panel with this code. It is tried once, and the log says what
    /// came of it. `false`: there is no such lock.
    pub fn operate(&mut self, lock: LockId, to: Bolt, by: GrantId, now: &Now) -> bool {
        let Some(lock) = self.locks.get_mut(&lock).filter(|_| to != Bolt::Jammed) else { return false };
        lock.operate(to, by, now.boot_ms);
        self.run(now);
        true
    }

    /// Reads a lock's codes, or one of them, anew.
    ///
    /// # Errors
    /// There is nothing to read, or it was done not long ago.
    pub fn resync(&mut self, lock: LockId, grant: Option<GrantId>, now: &Now) -> Result<(), NoResync> {
        self.resync_lock(lock, grant, now)?;
        self.run(now);
        Ok(())
    }

    fn resync_lock(&mut self, lock: LockId, grant: Option<GrantId>, now: &Now) -> Result<(), NoResync> {
        let lock = self.locks.get_mut(&lock).ok_or(NoResync::Nothing)?;
        lock.resync(grant, now.boot_ms)
    }

    /// Takes in what happened.
    pub fn handle_input(&mut self, input: Input, now: &Now) {
        self.clock.observe(now);
        match input {
            Input::LockAnswered(id, answer) => self.lock_answered(id, answer, now),
            Input::LockFound(presented) => self.lock_found(&presented, now),
            Input::LockRemoved(key) => self.lock_removed(&key, now),
            Input::LockSays(id, notice) => self.lock_says(id, &notice, now),
            Input::Bundle(bytes) => self.bundle(&bytes, now),
            Input::NotModified => {
                if self.sync.fetch_ended().is_some() {
                    let jitter = self.entropy.number();
                    match self.behind() {
                        true => self.sync.fetch_missed(now.boot_ms, false, jitter),
                        false => self.sync.fetched(now.boot_ms, false, jitter),
                    }
                }
            }
            Input::FetchFailed => self.fetch_failed(now),
            Input::CloudBehind => {
                self.raise_alarm("hub.ahead", now);
                self.fetch_failed(now);
            }
            Input::PushTaken(ack) => self.push_taken(&ack, now),
            Input::PushEnded if self.trust.removed() => self.sync.tell_no_more(),
            Input::PushFailed | Input::PushEnded => {
                for told in self.told.values_mut() {
                    told.not_taken();
                }
                let jitter = self.entropy.number();
                self.sync.push_failed(now.boot_ms, jitter);
            }
            Input::LogForked { newest, unsent } => {
                if !self.asks_last {
                    let jitter = self.entropy.number();
                    self.sync.push_failed(now.boot_ms, jitter);
                }
                self.log_forked(&newest, &unsent, now);
            }
            Input::Submitted(seq) => {
                self.announced = self.announced.max(Some(seq));
                self.panel.refused = None;
                self.sync.submit_answered(now.boot_ms);
            }
            Input::SubmitConflict => self.sync.submit_answered(now.boot_ms),
            Input::SubmitFailed(code) => {
                let jitter = self.entropy.number();
                self.sync.submit_failed(code.is_some(), now.boot_ms, jitter);
                self.panel.refused = code.or(self.panel.refused.take());
            }
            Input::Socket(up) => {
                let jitter = self.entropy.number();
                self.sync.socket(up, now.boot_ms, jitter);
            }
            Input::ChainGrew(seq) => {
                self.announced = self.announced.max(Some(seq));
                if self.behind() {
                    self.sync.fetch_soon(now.boot_ms);
                }
            }
            Input::NetworkUp => self.sync.network_up(now.boot_ms),
            Input::Resync { lock, grant } => {
                // Whoever asked sees by the report whether it goes on.
                let _ = self.resync_lock(lock, grant, now);
            }
        }
        self.run(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: &Now) {
        self.clock.observe(now);
        self.run(now);
    }

    /// The next thing to be done.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`HubCore::handle_timeout`], in milliseconds since boot.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.wake_ms
    }

    /// Whether this hub was removed from its home, by a signed op of its chain.
    pub fn removed(&self) -> bool {
        self.trust.removed()
    }

    /// Everything that can be done now.
    pub(super) fn run(&mut self, now: &Now) {
        self.wake_ms = None;
        if let Some(record) = self.clock.due_record(now) {
            self.change(Change::Floor(record));
        }
        // The floor is due again in nine minutes; wall clocks are looked at every minute.
        self.wake_at(now.boot_ms + 60_000);
        self.tell_zone(now);
        self.step_locks(now);
        self.note_codes(now);
        if let Some(online) = self.sync.online_changed(now.boot_ms) {
            self.log(EventBody::Online(online), now);
        }
        self.go(now);
        self.talk(now);
        self.flush();
    }

    /// That the zone's rules are missing is said once for each zone.
    fn tell_zone(&mut self, now: &Now) {
        let unknown = self.trust.unknown_zone().cloned();
        if unknown != self.zone_told {
            if let Some(zone) = &unknown {
                self.log(EventBody::ZoneUnknown(zone.as_str().to_owned()), now);
            }
            self.zone_told = unknown;
        }
    }

    fn lock_answered(&mut self, id: LockId, answer: Answer, now: &Now) {
        let outcome = self.with_lock(id, now, |lock, ctx| lock.answer(answer, ctx));
        if let Some(outcome) = outcome {
            self.apply(id, outcome, now);
        }
    }

    /// Writes down what a lock's reconciler found.
    pub(super) fn apply(&mut self, id: LockId, outcome: Outcome, now: &Now) {
        let Some(lock) = self.locks.get(&id) else { return };
        let slots: Vec<Change> = outcome
            .slots
            .iter()
            .filter_map(|no| lock.slots.get(no).map(|slot| Change::Slot(id, *no, slot.record())))
            .collect();
        self.batch.extend(slots);
        if outcome.lock {
            self.record_lock(id);
        }
        if !outcome.slots.is_empty() {
            self.adopt(id);
        }
        for event in outcome.events {
            self.log(event, now);
        }
    }

    pub(super) fn log(&mut self, event: EventBody, now: &Now) {
        self.log_at(event, None, now);
    }

    pub(super) fn log_at(&mut self, event: EventBody, at: Option<Timestamp>, now: &Now) {
        let view = self.clock.view(now);
        let at = self.happened(at, now);
        let change = self.log.append(event, &self.belonging, at, !view.trusted, self.trust.keys().signing());
        self.change(change);
    }

    pub(super) fn change(&mut self, change: Change) {
        self.batch.push(change);
    }

    /// Everything recorded so far goes to disk before `effect`.
    pub(super) fn emit(&mut self, effect: Effect) {
        if latchkey_shared::defect!(ActBeforePersist) {
            self.effects.push_back(effect);
            return self.flush();
        }
        self.flush();
        self.effects.push_back(effect);
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.effects.push_back(Effect::Persist(std::mem::take(&mut self.batch)));
        }
    }

    pub(super) fn wake_at(&mut self, at_ms: u64) {
        self.wake_ms = Some(self.wake_ms.map_or(at_ms, |w| w.min(at_ms)));
    }

    /// Milliseconds since boot at an instant.
    pub(super) fn ms_of(&self, t: Timestamp, now: &Now) -> u64 {
        // Where the floor leads and not the wall clock this may be early by a part of a second; then it is asked again.
        let wait = t.since(self.clock.view(now).latest).0.saturating_mul(1_000);
        now.boot_ms.saturating_add(wait.saturating_sub(u64::from(now.wall_ms))).max(now.boot_ms + 20)
    }
}
