//! A home with an owner, an issuer and a hub, whose chain tests can grow.

use super::{SeededRng, rng};
use crate::chain::op::{AddHub, Genesis, NewEpoch};
use crate::chain::verify::HubChain;
use crate::chain::{Body, ChainError, ChainState, Op, SignedOp};
use crate::grant::{Grant, GrantKind};
use crate::head::{Bundle, Head};
use crate::id::{GrantId, HomeId, HubId, LockId, Nonce, SignPublic};
use crate::keys::{HomeKey, KeyRecord, Keys, Seed};
use crate::pin::Pin;
use crate::policy::Policy;
use crate::schedule::Schedule;
use crate::sealed::{Binding, SealedPin};
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor::Blob;
use crate::zone::ZoneName;
use ed25519_dalek::SigningKey;

/// A home under test. Everything comes from the seed.
pub struct TestHome {
    /// Randomness.
    pub rng: SeededRng,
    /// The first owner.
    pub owner: Keys,
    /// Signs heads.
    pub issuer: SigningKey,
    /// The hub's id.
    pub hub: HubId,
    /// The hub's keys.
    pub hub_keys: Keys,
    /// The current home key.
    pub home_key: HomeKey,
    /// The verified chain.
    pub state: ChainState,
    /// Every signed op.
    pub ops: Vec<Vec<u8>>,
}

/// When test homes begin: 2027-01-15T08:00:00Z.
const BEGINNING: Timestamp = Timestamp(1_800_000_000);

impl TestHome {
    /// When test homes begin.
    pub const BEGINNING: Timestamp = BEGINNING;

    /// A home at its genesis, without the hub.
    pub fn genesis(seed: u64) -> Self {
        let mut rng = rng(seed);
        let owner = Keys::member(&Seed::generate(&mut rng));
        let hub_keys = Keys::hub(&Seed::generate(&mut rng));
        let issuer = SigningKey::from_bytes(Seed::generate(&mut rng).expose());
        let home = HomeId::generate(&mut rng);
        let hub = HubId::generate(&mut rng);
        let home_key = HomeKey::from_seed(1, Seed::generate(&mut rng));
        let record = owner.record("Ada");
        let wrap = home_key.wrap(&home, &record, &mut rng).expect("a good key");
        let zone = ZoneName::parse("Europe/Berlin").expect("a zone");
        let genesis = Genesis {
            policy: Policy::new("Lake house", zone),
            owner: record,
            issuer: SignPublic::from(issuer.verifying_key()),
            epoch: NewEpoch { epoch: 1, public: home_key.public(), wraps: vec![wrap] },
        };
        let op = Op { home, seq: 0, prev: None, iat: BEGINNING, body: Body::Genesis(genesis) };
        let bytes = SignedOp::sign(&op, owner.signing());
        let state = ChainState::genesis(&bytes).expect("a good genesis");
        Self { rng, owner, issuer, hub, hub_keys, home_key, state, ops: vec![bytes] }
    }

    /// A home with its hub.
    pub fn new(seed: u64) -> Self {
        let mut home = Self::genesis(seed);
        let body = home.add_hub_body();
        home.push(body).expect("the hub is new");
        home
    }

    /// The op that adds the hub.
    pub fn add_hub_body(&mut self) -> Body {
        let key = self.hub_keys.record("Hall");
        let wraps = vec![self.wrap_for(&key)];
        Body::AddHub(AddHub { hub: self.hub, key, panel: None, wraps })
    }

    /// The current home key for somebody.
    pub fn wrap_for(&mut self, to: &KeyRecord) -> crate::keys::Wrap {
        let home = *self.state.home();
        self.home_key.wrap(&home, to, &mut self.rng).expect("a good key")
    }

    /// A new epoch for these holders, to be pushed; `self.home_key` is then the new one.
    pub fn new_epoch_body(&mut self, holders: &[KeyRecord]) -> Body {
        let epoch = self.state.epoch().number + 1;
        self.home_key = HomeKey::from_seed(epoch, Seed::generate(&mut self.rng));
        let mut wraps: Vec<_> = holders.iter().map(|to| self.wrap_for(to)).collect();
        wraps.sort_by_key(|w| (w.epoch, w.to));
        Body::NewEpoch(NewEpoch { epoch, public: self.home_key.public(), wraps })
    }

    /// Signs the next op as the owner and takes it.
    pub fn push(&mut self, body: Body) -> Result<(), ChainError> {
        let signer = self.owner.signing().clone();
        self.push_as(body, &signer)
    }

    /// Signs the next op with any key and takes it.
    pub fn push_as(&mut self, body: Body, signer: &SigningKey) -> Result<(), ChainError> {
        let op = self.state.next_op(body, BEGINNING.saturating_add(Seconds(self.state.seq())));
        let bytes = SignedOp::sign(&op, signer);
        self.state.extend(&bytes)?;
        self.ops.push(bytes);
        Ok(())
    }

    /// A guest's code for a week from the beginning, not yet pushed.
    pub fn guest(&mut self, pin: &str, locks: &[LockId]) -> Grant {
        let id = GrantId::generate(&mut self.rng);
        let mut locks = locks.to_vec();
        locks.sort();
        let mut grant = Grant {
            id,
            rev: 1,
            kind: GrantKind::Guest,
            expires: Some(BEGINNING.saturating_add(Seconds::days(7))),
            not_before: BEGINNING,
            label: "Zoë".to_owned(),
            locks,
            schedule: Schedule::Always,
            uses: None,
            may_disarm: false,
            pin: SealedPin { epoch: self.home_key.epoch(), sealed: Blob::default() },
            holder: None,
            link: None,
            self_seals: vec![],
            days_off: vec![],
            buffers: None,
            stay: None,
            suspended: false,
            pin_set: BEGINNING,
        };
        self.seal(&mut grant, pin);
        grant
    }

    /// Seals a PIN into a grant as it now is.
    pub fn seal(&mut self, grant: &mut Grant, pin: &str) {
        let pin = Pin::parse(pin).expect("a PIN");
        let home = *self.state.home();
        let binding = Binding { home: &home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        let epoch = self.home_key.epoch();
        grant.pin = SealedPin::seal(&pin, &binding, epoch, &self.home_key.public(), &mut self.rng)
            .expect("a good key");
    }

    /// A head over the chain's end for the hub.
    pub fn head(&self, now: Timestamp, nonce: Option<Nonce>) -> Head {
        Head {
            home: *self.state.home(),
            hub: self.hub,
            expires: now.saturating_add(Seconds::hours(24)),
            issued_at: now,
            nonce,
            seq: self.state.seq(),
            head_hash: self.state.hash(),
        }
    }

    /// What the hub fetches when it has everything before op `from`.
    pub fn bundle(&self, from: usize, now: Timestamp, nonce: Option<Nonce>) -> Bundle {
        Bundle {
            head: Blob(self.head(now, nonce).sign(&self.issuer)),
            ops: self.ops.iter().skip(from).map(|op| Blob(op.clone())).collect(),
        }
    }

    /// The hub's chain before its first bundle.
    pub fn hub_chain(&self) -> HubChain {
        HubChain::pinned(*self.state.home(), self.hub, self.state.genesis_hash())
    }
}
