//! Ops: the links of the chain.

use crate::error::coded_error;
use crate::grant::{Grant, GrantKind, name_ok};
use crate::id::{GrantId, Hash32, HomeId, HubId, InviteId, KeyId, LockId, SealPublic, SignPublic};
use crate::keys::{KeyRecord, Wrap};
use crate::limits;
use crate::policy::Policy;
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor;
use crate::wire::cose::{self, CoseError, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};
use ed25519_dalek::SigningKey;

/// One link of a home's chain.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Op {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// Its number, from 0 for `Genesis`.
    #[n(2)]
    pub seq: u64,
    /// The hash of the op before; absent in `Genesis`.
    #[n(3)]
    pub prev: Option<Hash32>,
    /// When its signer says it was signed. For the log: nothing is decided by it.
    #[n(6)]
    pub iat: Timestamp,
    /// What it does.
    #[n(7)]
    pub body: Body,
}

/// What an op does. On the wire `[kind, fields]`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(flat)]
pub enum Body {
    /// Begins a home.
    #[n(0)]
    Genesis(#[n(0)] Genesis),
    /// Adds a member, changes the name and the role of one that is there, or gives the Worker's issuer a scope.
    #[n(1)]
    AddKey(#[n(0)] AddKey),
    /// Removes a member.
    #[n(2)]
    RemoveKey(#[n(0)] RemoveKey),
    /// Replaces the policy.
    #[n(3)]
    SetPolicy(#[n(0)] Policy),
    /// Adds a hub, or changes the name and the panel's scope of one that is there.
    #[n(4)]
    AddHub(#[n(0)] AddHub),
    /// Removes a hub.
    #[n(5)]
    RemoveHub(#[n(0)] HubId),
    /// Replaces the key that signs heads.
    #[n(6)]
    RotateIssuer(#[n(0)] SignPublic),
    /// Replaces the home key.
    #[n(7)]
    NewEpoch(#[n(0)] NewEpoch),
    /// Makes or changes a grant.
    #[n(8)]
    PutGrant(#[n(0)] Grant),
    /// Ends a grant for good.
    #[n(9)]
    RevokeGrant(#[n(0)] GrantId),
    /// States the hash of the chain's state before this op ([`super::ChainState::digest`]).
    #[n(10)]
    Checkpoint(#[n(0)] Hash32),
}

impl Body {
    /// The op's kind, for the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "Genesis",
            Self::AddKey(_) => "AddKey",
            Self::RemoveKey(_) => "RemoveKey",
            Self::SetPolicy(_) => "SetPolicy",
            Self::AddHub(_) => "AddHub",
            Self::RemoveHub(_) => "RemoveHub",
            Self::RotateIssuer(_) => "RotateIssuer",
            Self::NewEpoch(_) => "NewEpoch",
            Self::PutGrant(_) => "PutGrant",
            Self::RevokeGrant(_) => "RevokeGrant",
            Self::Checkpoint(_) => "Checkpoint",
        }
    }
}

/// The first op's content.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Genesis {
    /// The home's rules.
    #[n(1)]
    pub policy: Policy,
    /// The first owner, who signs.
    #[n(2)]
    pub owner: KeyRecord,
    /// The key that signs heads.
    #[n(3)]
    pub issuer: SignPublic,
    /// The first home key; its epoch is 1.
    #[n(4)]
    pub epoch: NewEpoch,
}

/// A new member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AddKey {
    /// Keys and name.
    #[n(1)]
    pub key: KeyRecord,
    /// What the member may do.
    #[n(2)]
    pub role: Role,
    /// The home keys, for owners and for managers who see every PIN; none for a member who has them.
    #[n(3)]
    pub wraps: Vec<Wrap>,
    /// The invitation that brought the person; it counts once.
    #[n(4)]
    pub invite: Option<InviteId>,
}

/// A member's removal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RemoveKey {
    /// The member.
    #[n(1)]
    pub key: KeyId,
    /// Grants that the key put at this seq or later are revoked; absent: all stand.
    #[n(2)]
    pub distrusted_since: Option<u64>,
}

/// A new hub.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AddHub {
    /// Its id.
    #[n(1)]
    pub hub: HubId,
    /// Keys and name.
    #[n(2)]
    pub key: KeyRecord,
    /// What codes may be made at its panel; absent: none.
    #[n(3)]
    pub panel: Option<Scope>,
    /// The home keys; none for a hub that is there.
    #[n(4)]
    pub wraps: Vec<Wrap>,
}

/// A home key's public half, and its seed sealed to those who may have it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct NewEpoch {
    /// Counts up by one from 1.
    #[n(1)]
    pub epoch: u32,
    /// PINs are sealed to it.
    #[n(2)]
    pub public: SealPublic,
    /// The seed for each owner and hub.
    #[n(3)]
    pub wraps: Vec<Wrap>,
}

/// What a member may do. On the wire `[role, fields]`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(flat)]
pub enum Role {
    /// Everything.
    #[n(0)]
    Owner,
    /// Codes within a scope.
    #[n(1)]
    Manager(#[n(0)] Manager),
    /// The Worker's issuer, which may sign guest codes within a scope.
    #[n(2)]
    Issuer(#[n(0)] Scope),
    /// Sees their own code and entries; signs nothing.
    #[n(3)]
    Resident,
}

/// A manager's limits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Manager {
    /// Which codes.
    #[n(1)]
    pub scope: Scope,
    /// Whether the manager has the home key and so sees every PIN.
    #[n(2)]
    pub sees_pins: bool,
}

/// Which grants a key may put and revoke.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Scope {
    /// The locks, ascending; absent: every lock of the home.
    #[n(1)]
    pub locks: Option<Vec<LockId>>,
    /// The longest term; absent: any, and without an end.
    #[n(2)]
    pub max_length: Option<Seconds>,
    /// The kinds, ascending.
    #[n(3)]
    pub kinds: Vec<GrantKind>,
}

impl Scope {
    /// Whether it is well formed.
    pub fn valid(&self) -> bool {
        let locks_ok = self.locks.as_ref().is_none_or(|locks| {
            !locks.is_empty() && locks.len() <= limits::MAX_GRANT_LOCKS && locks.is_sorted_by(|a, b| a < b)
        });
        locks_ok && !self.kinds.is_empty() && self.kinds.is_sorted_by(|a, b| a < b)
    }

    /// Whether a grant lies within it.
    pub fn covers(&self, grant: &Grant) -> bool {
        let locks_ok = match &self.locks {
            None => true,
            Some(locks) => grant.locks.iter().all(|lock| locks.binary_search(lock).is_ok()),
        };
        let length_ok = match self.max_length {
            None => true,
            Some(max) => grant.length().is_some_and(|length| length <= max),
        };
        locks_ok && length_ok && self.kinds.contains(&grant.kind)
    }
}

impl Role {
    /// Whether its holder has the home key.
    pub fn has_home_key(&self) -> bool {
        match self {
            Self::Owner => true,
            Self::Manager(manager) => manager.sees_pins,
            Self::Issuer(_) | Self::Resident => false,
        }
    }

    /// Its name in the log and on screen.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager(_) => "manager",
            Self::Issuer(_) => "issuer",
            Self::Resident => "resident",
        }
    }
}

coded_error! {
    /// Why a body is not well formed, whoever signs it.
    pub enum BodyError {
        Name = "op.name", "Names are 1 to 64 characters, without line breaks.";
        Key = "op.key", "A key is not usable. Make the invitation or the pairing again.";
        Policy = "op.policy", "The home's rules are not valid.";
        Wraps = "op.wraps", "The home key is not wrapped as it should be. Try again.";
        Scope = "op.scope", "The role's limits are not valid.";
        Grant = "op.grant", "The code is not well formed. Make it again.";
    }
}

fn wraps_ok(wraps: &[Wrap]) -> bool {
    wraps.len() <= limits::MAX_WRAPS
        && wraps.is_sorted_by(|a, b| (a.epoch, a.to) < (b.epoch, b.to))
        && wraps.iter().all(|wrap| wrap.sealed.len() <= limits::MAX_SEALED)
}

fn key_ok(key: &KeyRecord) -> Result<(), BodyError> {
    if !name_ok(&key.name) {
        return Err(BodyError::Name);
    }
    // A weak key would let one signature fit many messages.
    match key.sign.key() {
        Some(point) if !point.is_weak() => Ok(()),
        _ => Err(BodyError::Key),
    }
}

impl Body {
    /// Refuses what no op can be, whoever signs it.
    pub fn validate(&self) -> Result<(), BodyError> {
        match self {
            Self::Genesis(genesis) => {
                key_ok(&genesis.owner)?;
                issuer_ok(&genesis.issuer)?;
                genesis.policy.validate().map_err(|_| BodyError::Policy)?;
                if genesis.epoch.epoch == 1 && wraps_ok(&genesis.epoch.wraps) {
                    Ok(())
                } else {
                    Err(BodyError::Wraps)
                }
            }
            Self::AddKey(add) => {
                key_ok(&add.key)?;
                let scope_ok = match &add.role {
                    Role::Manager(manager) => manager.scope.valid(),
                    // The cloud's own signature never goes beyond guests with an end.
                    Role::Issuer(scope) => {
                        scope.valid() && scope.kinds == [GrantKind::Guest] && scope.max_length.is_some()
                    }
                    Role::Owner | Role::Resident => true,
                };
                if !scope_ok {
                    return Err(BodyError::Scope);
                }
                wraps_ok(&add.wraps).then_some(()).ok_or(BodyError::Wraps)
            }
            Self::AddHub(add) => {
                key_ok(&add.key)?;
                if !add.panel.as_ref().is_none_or(Scope::valid) {
                    return Err(BodyError::Scope);
                }
                wraps_ok(&add.wraps).then_some(()).ok_or(BodyError::Wraps)
            }
            Self::NewEpoch(new) => wraps_ok(&new.wraps).then_some(()).ok_or(BodyError::Wraps),
            Self::SetPolicy(policy) => policy.validate().map_err(|_| BodyError::Policy),
            Self::RotateIssuer(issuer) => issuer_ok(issuer),
            Self::PutGrant(grant) => grant.validate().map_err(|_| BodyError::Grant),
            Self::RemoveKey(_) | Self::RemoveHub(_) | Self::RevokeGrant(_) | Self::Checkpoint(_) => Ok(()),
        }
    }
}

fn issuer_ok(key: &SignPublic) -> Result<(), BodyError> {
    match key.key() {
        Some(point) if !point.is_weak() => Ok(()),
        _ => Err(BodyError::Key),
    }
}

/// A signed op that is well formed; nothing in it counts yet.
#[derive(Clone, Debug)]
pub struct SignedOp {
    message: Unverified,
    op: Op,
}

impl SignedOp {
    /// Signs an op.
    pub fn sign(op: &Op, key: &SigningKey) -> Vec<u8> {
        cose::sign(Kind::Op, cbor::to_vec(op), key)
    }

    /// Reads one, strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, CoseError> {
        let message = Unverified::parse(Kind::Op, bytes, limits::MAX_OP_BYTES)?;
        let op = cbor::from_slice(message.claimed_payload(), limits::MAX_OP_BYTES)
            .map_err(|_| CoseError::Malformed)?;
        Ok(Self { message, op })
    }

    /// What it says. A claim until the chain takes it.
    pub fn claimed(&self) -> &Op {
        &self.op
    }

    /// Its name in the chain.
    pub fn hash(&self) -> Hash32 {
        self.message.hash()
    }

    /// Who is said to have signed.
    pub fn kid(&self) -> KeyId {
        self.message.kid()
    }

    /// Whether `key` signed it.
    pub fn verify(&self, key: &SignPublic) -> Result<(), CoseError> {
        self.message.verify(key).map(|_| ())
    }

    /// The op itself.
    pub(super) fn into_op(self) -> Op {
        self.op
    }
}
