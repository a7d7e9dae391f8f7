//! A Worker that means harm. It has the issuer's key and everything that the cloud stores, and a removed member's key:
//! it signs heads as it likes, and ops with keys that the chain does not trust.

use super::bounds::{DAY, HOUR, RECOVERY};
use super::cloud::{Ask, Reply};
use super::faults::Fault;
use super::oracle::Check;
use super::swarm::Evil;
use super::world::{Event, World};
use ed25519_dalek::SigningKey;
use latchkey_hub::core::Input;
use latchkey_shared::chain::{Body, ChainState, Op, SignedOp};
use latchkey_shared::compose::{Composer, Draft, LinkWish};
use latchkey_shared::head::{Bundle, Head};
use latchkey_shared::id::{Hash32, HomeId, Nonce};
use latchkey_shared::schedule::{Schedule, Validity};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};
use std::collections::BTreeSet;

/// What the attacker keeps.
#[derive(Debug, Default)]
pub(super) struct Attacker {
    /// Now is its time.
    pub(super) on: bool,
    /// The chain's end when it began.
    frozen: Option<(u64, Hash32)>,
    /// Bundles that were good once, with the op up to which they go.
    old: Vec<(u64, Vec<u8>)>,
    /// Heads that no hub may ever accept.
    pub(super) forged: BTreeSet<Vec<u8>>,
    pub(super) sent: u64,
    /// It may have moved hubs' time on.
    pub(super) predates: bool,
}

impl World {
    pub(super) fn evil_begins(&mut self) {
        let Ok(chain) = self.cloud.home.chain() else { return };
        self.attacker.frozen = Some((chain.seq(), chain.hash()));
        self.attacker.on = true;
        self.trace.step(self.t, "the cloud turns evil", [0; 3]);
        if self.swarm.evil == Some(Evil::Predates) {
            // With its own signature alone the cloud may move a hub's time on, by a day at most.
            for hub in &mut self.hubs {
                hub.excused = u64::MAX / 2;
            }
            self.attacker.predates = true;
        }
        let wait = self.rng.within(HOUR / 2, 20 * HOUR);
        self.after(wait, Event::Fault(Fault::EvilEnds));
    }

    pub(super) fn evil_ends(&mut self) {
        if !std::mem::take(&mut self.attacker.on) {
            return;
        }
        self.trace.step(self.t, "the cloud is honest again", [self.attacker.sent, 0, 0]);
        for hub in &mut self.hubs {
            hub.excused_net = hub.excused_net.max(self.t + RECOVERY);
            // What it refused made it wait as long as what it did not get.
            hub.failures = 10;
        }
        if !self.healed {
            let wait = self.around(self.swarm.evil_every);
            self.after(wait, Event::Fault(Fault::EvilBegins));
        }
    }

    /// An honest answer, for later.
    pub(super) fn remember(&mut self, input: &Input) {
        let (Input::Bundle(bytes), true) = (input, self.swarm.evil.is_some() && !self.attacker.on) else {
            return;
        };
        let seq = self.cloud.home.chain().map_or(0, ChainState::seq);
        self.attacker.old.push((seq, bytes.clone()));
        if self.attacker.old.len() > 12 {
            self.attacker.old.remove(0);
        }
    }

    /// What it answers a hub instead of the truth.
    pub(super) fn tampered(&mut self, h: usize, ask: &Ask) -> Option<Reply> {
        let (Ask::Fetch { after, nonce, .. }, true, Some(evil)) = (ask, self.attacker.on, self.swarm.evil)
        else {
            return None;
        };
        let after = *after;
        let bundle = match evil {
            Evil::Withholds => return self.withheld(h, after, *nonce),
            Evil::Replays => return self.replayed(after),
            Evil::Forges => self.forged(h, after, *nonce)?,
            Evil::Forks => self.forked(h, after, *nonce)?,
            Evil::Predates | Evil::Stretches => self.bent_head(h, after, *nonce, evil)?,
            Evil::Mixes => self.mixed(h, after, *nonce)?,
        };
        self.attacker.sent += 1;
        Some(Reply { input: Input::Bundle(to_vec(&bundle)), tag: None, cached: false })
    }

    fn head(&self, h: usize, seq: u64, hash: Hash32, nonce: Option<Nonce>) -> Option<Head> {
        let now = self.t / 1_000;
        Some(Head {
            home: *self.cloud.home.chain().ok()?.home(),
            hub: self.hubs[h].id,
            expires: Timestamp(now + 24 * 3_600),
            issued_at: Timestamp(now),
            nonce,
            seq,
            head_hash: hash,
        })
    }

    /// A head that must be refused, over these ops.
    fn lie(&mut self, head: &Head, ops: Vec<Vec<u8>>) -> Bundle {
        let head = head.sign(&self.cloud.issuer);
        self.attacker.forged.insert(head.clone());
        Bundle { head: Blob(head), ops: ops.into_iter().map(Blob).collect() }
    }

    /// The chain as it was when this began, under a fresh head: nobody can see what is kept back.
    fn withheld(&mut self, h: usize, after: Option<u64>, nonce: Option<Nonce>) -> Option<Reply> {
        let (seq, hash) = self.attacker.frozen?;
        let from = after.map_or(0, |after| after + 1);
        if from > seq + 1 {
            return Some(Reply { input: Input::FetchFailed, tag: None, cached: false });
        }
        let ops = self.ops_between(from, seq);
        let head = self.head(h, seq, hash, nonce)?.sign(&self.cloud.issuer);
        let bundle = Bundle { head: Blob(head), ops: ops.into_iter().map(Blob).collect() };
        self.attacker.sent += 1;
        Some(Reply { input: Input::Bundle(to_vec(&bundle)), tag: None, cached: false })
    }

    fn ops_between(&self, from: u64, to: u64) -> Vec<Vec<u8>> {
        use latchkey_worker::store::HomeStore;
        let ops = self.cloud.home.store().ops_from(from).unwrap_or_default();
        ops.into_iter().take((to + 1).saturating_sub(from) as usize).collect()
    }

    fn replayed(&mut self, after: Option<u64>) -> Option<Reply> {
        let older: Vec<Vec<u8>> = self
            .attacker
            .old
            .iter()
            .filter(|(seq, _)| Some(*seq) < after)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        if older.is_empty() {
            return None;
        }
        let bytes = self.rng.pick(&older).clone();
        let mut bundle: Bundle = from_slice(&bytes, usize::MAX >> 1).ok()?;
        self.attacker.forged.insert(bundle.head.0.clone());
        if self.rng.permille(500) {
            bundle.ops.clear();
        }
        self.attacker.sent += 1;
        Some(Reply { input: Input::Bundle(to_vec(&bundle)), tag: None, cached: false })
    }

    /// A grant that nobody made, signed by the issuer or by somebody who was removed.
    fn forged(&mut self, h: usize, after: Option<u64>, nonce: Option<Nonce>) -> Option<Bundle> {
        let chain = self.cloud.home.chain().ok()?.clone();
        let op = self.grant_nobody_made(&chain)?;
        let hash = SignedOp::parse(&op).ok()?.hash();
        let mut ops = self.ops_between(after.map_or(0, |after| after + 1), chain.seq());
        ops.push(op);
        let head = self.head(h, chain.seq() + 1, hash, nonce)?;
        Some(self.lie(&head, ops))
    }

    fn grant_nobody_made(&mut self, chain: &ChainState) -> Option<Vec<u8>> {
        let key = self.attackers_key();
        let pin = Self::fresh_pin(&mut self.rng, &mut self.pins_made, 6)?;
        let keys = latchkey_shared::keys::Keys::issuer(key.clone());
        let now = Timestamp(self.t / 1_000);
        let composer = Composer { chain, keys: &keys, home_keys: &[], now };
        let locks = (0..self.locks.len()).flat_map(|lock| self.names_of(lock)).collect();
        let validity = Validity::new(now, Some(Timestamp(now.0 + 7 * 86_400)), Schedule::Always);
        let draft = Draft::guest("Guest", locks, validity);
        let made = composer.make(&draft, &pin, LinkWish::Keep, &mut self.rng).ok()?;
        Some(SignedOp::sign(&chain.next_op(Body::PutGrant(made.grant), now), &key))
    }

    /// The issuer's key, or that of somebody who was removed.
    fn attackers_key(&mut self) -> SigningKey {
        let removed = self.people.iter().find(|person| self.oracle.removed.contains_key(&person.id()));
        match removed.filter(|_| self.t.is_multiple_of(2)) {
            Some(person) => person.keys.signing().clone(),
            None => self.cloud.issuer.clone(),
        }
    }

    /// Another history than the hub has: its last op is another one.
    fn forked(&mut self, h: usize, after: Option<u64>, nonce: Option<Nonce>) -> Option<Bundle> {
        let after = after.filter(|after| *after > 2)?;
        let ops = self.ops_between(0, after - 1);
        let mut chain = ChainState::genesis(ops.first()?).ok()?;
        for op in ops.iter().skip(1) {
            chain.extend(op).ok()?;
        }
        let op = self.grant_nobody_made(&chain)?;
        let hash = SignedOp::parse(&op).ok()?.hash();
        let head = self.head(h, after, hash, nonce)?;
        let ops = if self.rng.permille(500) { vec![] } else { vec![op] };
        Some(self.lie(&head, ops))
    }

    fn bent_head(
        &mut self,
        h: usize,
        after: Option<u64>,
        nonce: Option<Nonce>,
        evil: Evil,
    ) -> Option<Bundle> {
        let chain = self.cloud.home.chain().ok()?.clone();
        let ops = self.ops_between(after.map_or(0, |after| after + 1), chain.seq());
        let mut head = self.head(h, chain.seq(), chain.hash(), nonce)?;
        let now = self.t / 1_000;
        if evil == Evil::Predates {
            let ahead = if self.rng.permille(500) { 280 } else { 3 * 86_400 };
            head.issued_at = Timestamp(now + ahead);
            head.expires = Timestamp(now + ahead + 24 * 3_600);
            // Whoever does not know the time cannot tell, and puts nothing on a lock either.
            let bytes = head.sign(&self.cloud.issuer);
            if ahead > 1_000 && nonce.is_none() && !self.hubs[h].clock_bad {
                return Some(self.lie(&head, ops));
            }
            return Some(Bundle { head: Blob(bytes), ops: ops.into_iter().map(Blob).collect() });
        }
        head.expires = Timestamp(now + 100 * DAY / 1_000);
        Some(self.lie(&head, ops))
    }

    /// Ops of another home, under a head for this one.
    fn mixed(&mut self, h: usize, after: Option<u64>, nonce: Option<Nonce>) -> Option<Bundle> {
        let chain = self.cloud.home.chain().ok()?.clone();
        let stranger = self.attackers_key();
        let other = HomeId::generate(&mut self.rng);
        let body = Body::Checkpoint(Hash32::of(b"another home"));
        let op = Op {
            home: other,
            seq: chain.seq() + 1,
            prev: Some(chain.hash()),
            iat: Timestamp(self.t / 1_000),
            body,
        };
        let op = SignedOp::sign(&op, &stranger);
        let hash = SignedOp::parse(&op).ok()?.hash();
        let mut ops = self.ops_between(after.map_or(0, |after| after + 1), chain.seq());
        ops.push(op);
        let head = self.head(h, chain.seq() + 1, hash, nonce)?;
        Some(self.lie(&head, ops))
    }

    /// A hub wrote a head down: was it one that it had to refuse?
    pub(super) fn check_head(&mut self, head: &[u8]) {
        if self.attacker.forged.contains(head) {
            self.fails(Check::Attack, format!("a hub accepts what {:?} means harm with", self.swarm.evil));
        }
    }
}
