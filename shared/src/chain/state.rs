//! What a chain amounts to: members, hubs, rules, grants and revocations.

use super::op::{Body, Op, Role, Scope, SignedOp};
use crate::error::coded_error;
use crate::grant::Grant;
use crate::id::{GrantId, Hash32, HomeId, HubId, InviteId, KeyId, SealPublic, SignPublic};
use crate::keys::{KeyRecord, Wrap};
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::wire::cbor::{Blob, to_vec};
use crate::wire::derive::Encode;
use alloc::sync::Arc;
use litemap::LiteMap;

coded_error! {
    /// Why an op is refused. The chain is then as before.
    pub enum ChainError {
        Malformed = "chain.malformed", "The change is damaged, or from a newer version. Update and try again.";
        BadSignature = "chain.bad_signature", "The change is not signed by whom it says. Sign in again.";
        WrongHome = "chain.wrong_home", "The change belongs to another home.";
        Gap = "chain.gap", "Somebody changed the home in the meantime. Look again and retry.";
        Fork = "chain.fork", "The change builds on a history that this home does not have.";
        NotTrusted = "chain.not_trusted", "The signer is not, or no longer, a member of this home.";
        NotAllowed = "chain.not_allowed", "The signer's role does not allow this. Ask an owner.";
        BadOp = "chain.bad_op", "The change is not well formed. Check its fields.";
        BadGenesis = "chain.bad_genesis", "A home begins with exactly one genesis, signed by its first owner.";
        LastOwner = "chain.last_owner", "The last owner cannot be removed. Add another owner first.";
        InviteUsed = "chain.invite_used", "This invitation has brought somebody already. Invite again.";
        Exists = "chain.exists", "That was already added, or was removed and cannot return.";
        Unknown = "chain.unknown", "That is not, or no longer, part of the home.";
        Revoked = "chain.revoked", "The code was revoked, and a revoked code never returns. Make a new one.";
        Revision = "chain.revision", "Somebody changed the code in the meantime. Look at it again.";
        StaleEpoch = "chain.stale_epoch", "The home's key changed. Make the code again.";
        Wraps = "chain.wraps", "The home key must go to its owners and hubs, and to nobody else.";
        Full = "chain.full", "The home has as many of these as it can. Remove one first.";
        Checkpoint = "chain.checkpoint", "The checkpoint does not fit the history. Do not trust it.";
    }
}

/// A member of the home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Keys and name.
    pub key: KeyRecord,
    /// What the member may do.
    pub role: Role,
    /// The op that added the member.
    pub seq: u64,
}

/// A hub of the home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HubEntry {
    /// Keys and name.
    pub key: KeyRecord,
    /// What codes may be made at its panel.
    pub panel: Option<Scope>,
    /// The op that added the hub.
    pub seq: u64,
}

/// A grant that was put and not revoked. It may be over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantEntry {
    /// Its newest revision.
    pub grant: Grant,
    /// The op that put it.
    pub seq: u64,
    /// Who signed that op.
    pub signer: KeyId,
    /// When, by the signer's clock.
    pub iat: Timestamp,
}

/// The home key's public half now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u32,
    /// PINs are sealed to it.
    pub public: SealPublic,
    /// Somebody who had its seed has left: no grant may be put before the next epoch.
    pub stale: bool,
}

/// Who signs an op.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signer<'a> {
    /// A member.
    Member(&'a Member),
    /// A hub, at its panel.
    Hub(&'a HubEntry),
}

/// The chain up to some op. Only [`ChainState::genesis`] and [`ChainState::extend`] make and change one, so whoever
/// holds one holds a verified history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainState {
    pub(super) home: HomeId,
    pub(super) seq: u64,
    pub(super) genesis: Hash32,
    pub(super) hash: Hash32,
    pub(super) policy: Policy,
    pub(super) issuer: SignPublic,
    pub(super) epoch: Epoch,
    /// Public halves of every epoch.
    pub(super) epochs: LiteMap<u32, SealPublic>,
    pub(super) wraps: LiteMap<(u32, KeyId), Blob>,
    pub(super) members: LiteMap<KeyId, Member>,
    pub(super) hubs: LiteMap<HubId, HubEntry>,
    /// Hubs that were removed, so that they can be told.
    pub(super) former_hubs: LiteMap<HubId, SignPublic>,
    /// Invitations that brought somebody; none counts twice.
    pub(super) invites: LiteMap<InviteId, ()>,
    /// Keys that were removed; they never return.
    pub(super) removed: LiteMap<KeyId, ()>,
    /// Shared between copies of the state, so that one is cheap: whoever extends a copy changes few of them.
    pub(super) grants: LiteMap<GrantId, Arc<GrantEntry>>,
    /// Grants that were revoked, and by which op.
    pub(super) revoked: LiteMap<GrantId, u64>,
}

/// A map of one entry.
fn only<K: Ord, V>(key: K, value: V) -> LiteMap<K, V> {
    let mut map = LiteMap::new();
    map.insert(key, value);
    map
}

impl ChainState {
    /// Begins a chain with its signed `Genesis`.
    pub fn genesis(bytes: &[u8]) -> Result<Self, ChainError> {
        let signed = SignedOp::parse(bytes).map_err(|_| ChainError::Malformed)?;
        let op = signed.claimed();
        let Body::Genesis(genesis) = &op.body else { return Err(ChainError::BadGenesis) };
        if op.seq != 0 || op.prev.is_some() || signed.kid() != genesis.owner.id() {
            return Err(ChainError::BadGenesis);
        }
        op.iat.validate().map_err(|_| ChainError::BadOp)?;
        op.body.validate().map_err(|_| ChainError::BadOp)?;
        signed.verify(&genesis.owner.sign).map_err(|_| ChainError::BadSignature)?;
        let owner = genesis.owner.id();
        let [wrap] = genesis.epoch.wraps.as_slice() else { return Err(ChainError::Wraps) };
        if wrap.to != owner || wrap.epoch != 1 {
            return Err(ChainError::Wraps);
        }
        let member = Member { key: genesis.owner.clone(), role: Role::Owner, seq: 0 };
        Ok(Self {
            home: op.home,
            seq: 0,
            genesis: signed.hash(),
            hash: signed.hash(),
            policy: genesis.policy.clone(),
            issuer: genesis.issuer,
            epoch: Epoch { number: 1, public: genesis.epoch.public, stale: false },
            epochs: only(1, genesis.epoch.public),
            wraps: only((1, owner), wrap.sealed.clone()),
            members: only(owner, member),
            hubs: LiteMap::new(),
            former_hubs: LiteMap::new(),
            removed: LiteMap::new(),
            invites: LiteMap::new(),
            grants: LiteMap::new(),
            revoked: LiteMap::new(),
        })
    }

    /// Verifies a whole chain from its genesis on.
    pub fn from_ops<B: AsRef<[u8]>>(ops: impl IntoIterator<Item = B>) -> Result<Self, ChainError> {
        let mut ops = ops.into_iter();
        let first = ops.next().ok_or(ChainError::BadGenesis)?;
        let mut state = Self::genesis(first.as_ref())?;
        for op in ops {
            state.extend(op.as_ref())?;
        }
        Ok(state)
    }

    /// The op that would come next: to be signed and submitted.
    pub fn next_op(&self, body: Body, iat: Timestamp) -> Op {
        Op { home: self.home, seq: self.seq + 1, prev: Some(self.hash), iat, body }
    }

    /// The home.
    pub fn home(&self) -> &HomeId {
        &self.home
    }

    /// The newest op's number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The newest op's hash.
    pub fn hash(&self) -> Hash32 {
        self.hash
    }

    /// The first op's hash: the home's identity, to be pinned.
    pub fn genesis_hash(&self) -> Hash32 {
        self.genesis
    }

    /// The home's rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Who signs heads.
    pub fn issuer(&self) -> &SignPublic {
        &self.issuer
    }

    /// The home key's public half now.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The home key's public half of an epoch.
    pub fn epoch_public(&self, epoch: u32) -> Option<&SealPublic> {
        self.epochs.get(&epoch)
    }

    /// The home keys that were sealed to a key, by epoch.
    pub fn wraps_for(&self, key: KeyId) -> impl Iterator<Item = Wrap> {
        self.wraps.iter().filter(move |((_, to), _)| *to == key).map(|((epoch, to), sealed)| Wrap {
            epoch: *epoch,
            to: *to,
            sealed: sealed.clone(),
        })
    }

    /// The members.
    pub fn members(&self) -> &LiteMap<KeyId, Member> {
        &self.members
    }

    /// Whether the key was removed from the home: it never returns.
    pub fn was_removed(&self, key: &KeyId) -> bool {
        self.removed.contains_key(key)
    }

    /// The hubs.
    pub fn hubs(&self) -> &LiteMap<HubId, HubEntry> {
        &self.hubs
    }

    /// The key of a hub, be it one of the home or one that was removed and has yet to hear of it.
    pub fn hub_key(&self, hub: &HubId) -> Option<&SignPublic> {
        self.hubs.get(hub).map(|entry| &entry.key.sign).or(self.former_hubs.get(hub))
    }

    /// Whether the home had another hub once.
    pub fn lost_a_hub(&self) -> bool {
        !self.former_hubs.is_empty()
    }

    /// The grants that are not revoked, whether over or not. To act on one, see [`super::verify`].
    pub fn grants(&self) -> &LiteMap<GrantId, Arc<GrantEntry>> {
        &self.grants
    }

    /// The revoked grants and the ops that revoked them.
    pub fn revoked(&self) -> &LiteMap<GrantId, u64> {
        &self.revoked
    }

    /// The live key of this id.
    pub fn signer(&self, key: KeyId) -> Option<Signer<'_>> {
        if let Some(member) = self.members.get(&key) {
            return Some(Signer::Member(member));
        }
        self.hubs.values().find(|hub| hub.key.id() == key).map(Signer::Hub)
    }

    /// Keys and name of a live key of this id.
    pub fn key_record(&self, key: KeyId) -> Option<&KeyRecord> {
        self.signer(key).map(|signer| match signer {
            Signer::Member(member) => &member.key,
            Signer::Hub(hub) => &hub.key,
        })
    }

    /// SHA-256 of the state in CBOR, as `Checkpoint` names it: an array of home, seq, hash, policy, issuer, epoch and
    /// its public half, members `[key, role]`, hubs `[hub, key, panel scope or null]`, removed keys, grants
    /// `[grant, seq]`, revoked `[grant, seq]`, used invitations; every list in ascending order of ids.
    pub fn digest(&self) -> Hash32 {
        #[derive(Encode)]
        struct State<'a> {
            #[n(0)]
            home: &'a HomeId,
            #[n(1)]
            seq: u64,
            #[n(2)]
            hash: &'a Hash32,
            #[n(3)]
            policy: &'a Policy,
            #[n(4)]
            issuer: &'a SignPublic,
            #[n(5)]
            epoch: (u32, SealPublic, bool),
            #[n(6)]
            members: Vec<(&'a KeyRecord, &'a Role)>,
            #[n(7)]
            hubs: Vec<(&'a HubId, &'a KeyRecord, Option<&'a Scope>)>,
            #[n(8)]
            removed: Vec<&'a KeyId>,
            #[n(9)]
            grants: Vec<(&'a Grant, u64)>,
            #[n(10)]
            revoked: Vec<(&'a GrantId, u64)>,
            #[n(11)]
            invites: Vec<&'a InviteId>,
        }
        let state = State {
            home: &self.home,
            seq: self.seq,
            hash: &self.hash,
            policy: &self.policy,
            issuer: &self.issuer,
            epoch: (self.epoch.number, self.epoch.public, self.epoch.stale),
            members: self.members.values().map(|m| (&m.key, &m.role)).collect(),
            hubs: self.hubs.iter().map(|(id, hub)| (id, &hub.key, hub.panel.as_ref())).collect(),
            removed: self.removed.keys().collect(),
            grants: self.grants.values().map(|g| (&g.grant, g.seq)).collect(),
            revoked: self.revoked.iter().map(|(id, seq)| (id, *seq)).collect(),
            invites: self.invites.keys().collect(),
        };
        Hash32::of(&to_vec(&state))
    }
}
