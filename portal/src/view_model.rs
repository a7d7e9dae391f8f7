//! A home as the portal sees it: the chain, verified here; the hubs' reports, each checked against the key that the
//! chain gives its hub; and the PINs that this member's keys open.

pub mod activity;
pub mod batch;
pub mod care;
mod codes;
mod describe;
pub mod exchange;
pub mod form;
pub mod listing;
pub mod log;
pub mod mend;
pub mod mine;
pub mod ops;
pub mod people;
pub mod pin_desk;
pub mod week;
pub mod when;

pub use codes::{CodeView, Phase, Standing};
pub use describe::{clock_time, event_sentence, event_tone, grouped, short_instant, short_time, since_words};

use crate::problem::Problem;
use crate::{js, state::Signed};
use latchkey_shared::api::{HubSeen, Snapshot};
use latchkey_shared::chain::{Body, ChainState, Op, SignedOp};
use latchkey_shared::compose::Composer;
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, Hash32, HomeId, HubId, KeyId, LockId};
use latchkey_shared::keys::{HomeKey, Wrap};
use latchkey_shared::pin::Pin;
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{HourStyle, Style};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::Blob;
use latchkey_shared::zone::ZoneName;
use latchkey_shared::zone_intl::IntlZone;

use litemap::LiteMap;
use std::rc::Rc;

/// Why this home must not be trusted right now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// The server showed less than before.
    Rollback,
    /// The server showed something else than before.
    Fork,
}

impl Alarm {
    /// What to tell the person.
    pub fn problem(self) -> Problem {
        Problem::of(match self {
            Self::Rollback => "home.rollback",
            Self::Fork => "home.fork",
        })
    }
}

/// A grant that was put, with what the chain says about its signing.
#[derive(Clone)]
pub struct Put {
    /// The newest revision.
    pub grant: Grant,
    /// Who signed it.
    pub signer: KeyId,
    /// When it was signed.
    pub at: Timestamp,
    /// The op that put it.
    pub seq: u64,
    /// Since when it is revoked, and by which op.
    pub revoked: Option<(Timestamp, u64)>,
}

/// A home, verified.
#[derive(Clone)]
pub struct Home {
    /// Its id.
    pub id: HomeId,
    /// The chain.
    pub chain: ChainState,
    /// The hash of every op, by its number.
    hashes: Rc<Vec<Hash32>>,
    /// Every op as it was signed, by its number.
    ops: Rc<Vec<Rc<Blob>>>,
    /// Every grant that ever was, revoked ones too.
    pub grants: LiteMap<GrantId, Rc<Put>>,
    /// The newest report of each lock.
    pub reports: LiteMap<LockId, Report>,
    /// The same as the hubs signed them.
    signed_reports: LiteMap<LockId, Rc<Blob>>,
    /// The hubs as the server sees them.
    pub hubs: LiteMap<HubId, HubSeen>,
    /// The home's zone.
    pub zone: Rc<IntlZone>,
    /// How times are written.
    pub style: Style,
    /// The home keys that this member has.
    keys: Rc<Vec<HomeKey>>,
    /// The member.
    pub me: KeyId,
    signed: Rc<Signed>,
    /// Server clock minus ours, in seconds.
    clock_offset: i64,
}

/// `<genesis> <seq> <hash>`: what this browser has seen of a home.
fn pin_name(home: &HomeId) -> String {
    format!("home.{home}")
}

struct Pinned {
    genesis: Hash32,
    seq: u64,
    hash: Hash32,
}

impl Pinned {
    fn load(home: &HomeId) -> Option<Self> {
        let text = js::remembered(&pin_name(home))?;
        let mut parts = text.split(' ');
        let genesis = Hash32::parse(parts.next()?).ok()?;
        let seq = parts.next()?.parse().ok()?;
        Some(Self { genesis, seq, hash: Hash32::parse(parts.next()?).ok()? })
    }

    fn store(home: &HomeId, chain: &ChainState) {
        js::remember(&pin_name(home), &format!("{} {} {}", chain.genesis_hash(), chain.seq(), chain.hash()));
    }
}

/// What was fetched is no home that this browser knows.
pub enum LoadError {
    /// It did not verify.
    Problem(Problem),
    /// It contradicts what was seen before.
    Alarm(Alarm),
}

impl From<Problem> for LoadError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn zone_of(name: &ZoneName) -> Result<Rc<IntlZone>, Problem> {
    IntlZone::new(name)
        .map(Rc::new)
        .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))
}

impl Home {
    /// Verifies a whole home from its first op on, and that it is the one that this browser has seen.
    pub fn load(id: HomeId, snapshot: &Snapshot, signed: &Rc<Signed>) -> Result<Self, LoadError> {
        let home = Self::verify(id, snapshot, signed, Pinned::load(&id))?;
        Pinned::store(&id, &home.chain);
        Ok(home)
    }

    /// Verifies what this browser kept. It may be older than what it has seen since.
    pub fn recall(id: HomeId, snapshot: &Snapshot, signed: &Rc<Signed>) -> Result<Self, LoadError> {
        Self::verify(id, snapshot, signed, None)
    }

    fn verify(
        id: HomeId,
        snapshot: &Snapshot,
        signed: &Rc<Signed>,
        pinned: Option<Pinned>,
    ) -> Result<Self, LoadError> {
        let first = snapshot.ops.first().ok_or_else(Problem::answer)?;
        let chain = ChainState::genesis(&first.0).map_err(|e| Problem::coded(&e))?;
        if *chain.home() != id {
            return Err(Problem::of("chain.wrong_home").into());
        }
        if pinned.as_ref().is_some_and(|pin| pin.genesis != chain.genesis_hash()) {
            return Err(LoadError::Alarm(Alarm::Fork));
        }
        let zone = zone_of(&chain.policy().zone)?;
        let hours = if js::twelve_hours() { HourStyle::H12 } else { HourStyle::H24 };
        let mut home = Self {
            id,
            hashes: Rc::new(vec![chain.hash()]),
            ops: Rc::new(vec![Rc::new(first.clone())]),
            chain,
            grants: LiteMap::new(),
            reports: LiteMap::new(),
            signed_reports: LiteMap::new(),
            hubs: LiteMap::new(),
            zone,
            style: Style { hours },
            keys: Rc::default(),
            me: signed.keys.id(),
            signed: signed.clone(),
            clock_offset: 0,
        };
        home.check_pin(pinned.as_ref())?;
        for op in snapshot.ops.iter().skip(1) {
            home.take_op(&op.0)?;
            home.check_pin(pinned.as_ref())?;
        }
        if pinned.is_some_and(|pin| pin.seq > home.chain.seq()) {
            return Err(LoadError::Alarm(Alarm::Rollback));
        }
        home.finish(snapshot)?;
        Ok(home)
    }

    /// The same home with what came since.
    pub fn updated(&self, snapshot: &Snapshot) -> Result<Self, LoadError> {
        let mut home = self.clone();
        for op in &snapshot.ops {
            home.take_op(&op.0)?;
        }
        home.finish(snapshot)?;
        Pinned::store(&home.id, &home.chain);
        Ok(home)
    }

    fn check_pin(&self, pinned: Option<&Pinned>) -> Result<(), LoadError> {
        match pinned {
            Some(pin) if pin.seq == self.chain.seq() && pin.hash != self.chain.hash() => {
                Err(LoadError::Alarm(Alarm::Fork))
            }
            _ => Ok(()),
        }
    }

    fn take_op(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.chain.extend(bytes).map_err(|e| match e.code() {
            "chain.fork" => LoadError::Alarm(Alarm::Fork),
            _ => LoadError::Problem(Problem::coded(&e)),
        })?;
        Rc::make_mut(&mut self.hashes).push(self.chain.hash());
        Rc::make_mut(&mut self.ops).push(Rc::new(Blob(bytes.to_vec())));
        // The chain took it, so what it claims is true.
        let signed = SignedOp::parse(bytes).map_err(|e| Problem::coded(&e))?;
        let op = signed.claimed();
        match &op.body {
            Body::PutGrant(grant) => {
                let put = Put {
                    grant: grant.clone(),
                    signer: signed.kid(),
                    at: op.iat,
                    seq: op.seq,
                    revoked: None,
                };
                self.grants.insert(grant.id, Rc::new(put));
            }
            Body::RevokeGrant(_) | Body::RemoveKey(_) | Body::RemoveHub(_) => {
                let gone = |id: &GrantId| self.chain.revoked().contains_key(id);
                for (id, put) in self.grants.iter_mut() {
                    if put.revoked.is_none() && gone(id) {
                        Rc::make_mut(put).revoked = Some((op.iat, op.seq));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Everything but the ops.
    fn finish(&mut self, snapshot: &Snapshot) -> Result<(), LoadError> {
        self.clock_offset = snapshot.now.0 as i64 - js::now().0 as i64;
        if self.zone.name() != &self.chain.policy().zone {
            self.zone = zone_of(&self.chain.policy().zone)?;
        }
        let known = self.keys.len();
        if self.chain.wraps_for(self.me).count() != known {
            let open = |wrap: Wrap| {
                let public = self.chain.epoch_public(wrap.epoch)?;
                HomeKey::unwrap(&self.id, &wrap, public, &self.signed.keys).ok()
            };
            self.keys = Rc::new(self.chain.wraps_for(self.me).filter_map(open).collect());
        }
        for hub in &snapshot.hubs {
            self.hubs.insert(hub.hub, hub.clone());
        }
        for report in &snapshot.reports {
            self.take_report(&report.0);
        }
        Ok(())
    }

    /// Takes a report, if it is signed by the hub that it names and newer than what is known. Whether it was taken.
    pub fn take_report(&mut self, bytes: &[u8]) -> bool {
        let Some((_, hub)) = Report::claimed_source(bytes) else { return false };
        let Some(entry) = self.chain.hubs().get(&hub) else { return false };
        let Ok(report) = Report::verify(bytes, &self.id, &hub, &entry.key.sign) else { return false };
        let newer = |old: &Report| old.hub != report.hub || old.number < report.number;
        if !self.reports.get(&report.lock.id).is_none_or(newer) {
            return false;
        }
        if report.gone {
            self.reports.remove(&report.lock.id);
            self.signed_reports.remove(&report.lock.id);
        } else {
            self.signed_reports.insert(report.lock.id, Rc::new(Blob(bytes.to_vec())));
            self.reports.insert(report.lock.id, report);
        }
        true
    }

    /// All that was fetched, to be verified again when it is read from where it was kept. PINs are in it as they are in
    /// the chain: sealed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now(),
            ops: self.ops.iter().map(|op| (**op).clone()).collect(),
            reports: self.signed_reports.values().map(|report| (**report).clone()).collect(),
            hubs: self.hubs.values().cloned().collect(),
        }
    }

    /// Every op that the chain took, oldest first, with who signed it.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = (KeyId, Op)> + '_ {
        self.ops.iter().filter_map(|bytes| {
            let signed = SignedOp::parse(bytes).ok()?;
            Some((signed.kid(), signed.claimed().clone()))
        })
    }

    /// The hash of the op of that number, if there is one.
    pub fn op_hash(&self, seq: u64) -> Option<Hash32> {
        self.hashes.get(usize::try_from(seq).ok()?).copied()
    }

    /// The server's clock now.
    pub fn now(&self) -> Timestamp {
        let ours = js::now().0 as i64;
        Timestamp((ours + self.clock_offset).max(0) as u64)
    }

    /// The home's name.
    pub fn name(&self) -> &str {
        &self.chain.policy().name
    }

    /// What composes changes to this home as the member.
    pub fn composer(&self) -> Composer<'_> {
        Composer { chain: &self.chain, keys: &self.signed.keys, home_keys: &self.keys, now: self.now() }
    }

    /// A code's PIN, if this member's keys open it.
    pub fn open_pin(&self, grant: &Grant) -> Option<Pin> {
        self.composer().open_pin(grant)
    }

    /// A code's guest link, if there is one and this member's keys open it.
    pub fn link_url(&self, grant: &Grant) -> Option<zeroize::Zeroizing<String>> {
        Some(self.composer().open_link(grant)?.url(&js::origin()))
    }

    /// What a lock is called.
    pub fn lock_name(&self, lock: &LockId) -> String {
        self.reports.get(lock).map_or_else(|| "A lock that is gone".into(), |report| report.lock.name.clone())
    }

    /// What a member or a hub is called.
    pub fn key_name(&self, key: &KeyId) -> String {
        if *key == self.me {
            return "You".into();
        }
        let member = self.chain.members().get(key).map(|member| member.key.name.clone());
        let hub =
            || self.chain.hubs().values().find(|hub| hub.key.id() == *key).map(|hub| hub.key.name.clone());
        member.or_else(hub).unwrap_or_else(|| "Somebody who left".into())
    }

    /// What a hub is called.
    pub fn hub_name(&self, hub: &HubId) -> String {
        self.chain
            .hubs()
            .get(hub)
            .map_or_else(|| "A hub that was removed".into(), |entry| entry.key.name.clone())
    }

    /// Whether no hub was heard of and one should have been: since when.
    pub fn hub_offline(&self, hub: &HubId) -> Option<Option<Timestamp>> {
        match self.hubs.get(hub) {
            Some(seen) if seen.online => None,
            Some(seen) => Some(seen.last_seen),
            None => Some(None),
        }
    }
}
