//! The one way in which a chain grows.

use super::op::{AddHub, AddKey, Body, NewEpoch, RemoveKey, Role, Scope, SignedOp};
use super::state::{ChainError, ChainState, Epoch, GrantEntry, HubEntry, Member, Signer};
use crate::grant::Grant;
use crate::id::{GrantId, HubId, KeyId, SignPublic};
use crate::keys::Wrap;
use crate::limits;
use crate::order::sorted;
use crate::time::Timestamp;
use alloc::sync::Arc;

/// What an op that the chain took did, for whoever keeps track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    /// Who signed it.
    pub(crate) signer: KeyId,
    /// When, as the signer says.
    pub(crate) iat: Timestamp,
    /// What became of grants.
    pub(crate) grants: Touched,
}

/// Which grants an op touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touched {
    /// None.
    None,
    /// This one was put or changed.
    Put(GrantId),
    /// Some were revoked.
    Revoked,
}

impl Touched {
    fn by(body: &Body) -> Self {
        match body {
            Body::PutGrant(grant) => Self::Put(grant.id),
            Body::RevokeGrant(_) | Body::RemoveKey(_) => Self::Revoked,
            _ => Self::None,
        }
    }
}

/// Whether an op's signature is still to be verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signature {
    /// It is.
    Verify,
    /// It was, by this same program, which kept the op where nobody else can write.
    Verified,
}

/// Who signed, as far as the rules care.
struct Author {
    key: KeyId,
    /// `None` for owners: everything is allowed.
    scope: Option<Scope>,
}

impl Author {
    fn demand_owner(&self) -> Result<(), ChainError> {
        if self.scope.is_none() { Ok(()) } else { Err(ChainError::NotAllowed) }
    }

    fn demand_cover(&self, grant: &Grant) -> Result<(), ChainError> {
        match &self.scope {
            Some(scope) if !scope.covers(grant) => Err(ChainError::NotAllowed),
            _ => Ok(()),
        }
    }
}

impl ChainState {
    /// Takes the next signed op, or refuses it and stays as before.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), ChainError> {
        self.take(bytes, Signature::Verify).map(|_| ())
    }

    /// The same, and says what the op did.
    pub(crate) fn take(&mut self, bytes: &[u8], signature: Signature) -> Result<Taken, ChainError> {
        let signed = SignedOp::parse(bytes).map_err(|_| ChainError::Malformed)?;
        let op = signed.claimed();
        if op.home != self.home {
            return Err(ChainError::WrongHome);
        }
        if op.seq != self.seq + 1 {
            return Err(ChainError::Gap);
        }
        if op.prev != Some(self.hash) {
            return Err(ChainError::Fork);
        }
        let author = match self.author(&signed, signature) {
            Err(ChainError::NotTrusted) if crate::defect!(RemovedMaySign) => {
                Author { key: signed.kid(), scope: None }
            }
            author => author?,
        };
        op.iat.validate().map_err(|_| ChainError::BadOp)?;
        op.body.validate().map_err(|_| ChainError::BadOp)?;
        let hash = signed.hash();
        let op = signed.into_op();
        let taken = Taken { signer: author.key, iat: op.iat, grants: Touched::by(&op.body) };
        self.apply(op.body, op.seq, op.iat, &author)?;
        self.seq = op.seq;
        self.hash = hash;
        Ok(taken)
    }

    fn author(&self, signed: &SignedOp, signature: Signature) -> Result<Author, ChainError> {
        let key = signed.kid();
        let (record, scope) = match self.signer(key).ok_or(ChainError::NotTrusted)? {
            Signer::Member(member) => match &member.role {
                Role::Owner => (&member.key, None),
                Role::Manager(manager) => (&member.key, Some(manager.scope.clone())),
                Role::Issuer(scope) => (&member.key, Some(scope.clone())),
                Role::Resident => return Err(ChainError::NotAllowed),
            },
            Signer::Hub(hub) => (&hub.key, Some(hub.panel.clone().ok_or(ChainError::NotAllowed)?)),
        };
        if signature == Signature::Verify {
            signed.verify(&record.sign).map_err(|_| ChainError::BadSignature)?;
        }
        Ok(Author { key, scope })
    }

    /// Every arm checks first and changes then, so that a refusal changes nothing.
    fn apply(&mut self, body: Body, seq: u64, iat: Timestamp, author: &Author) -> Result<(), ChainError> {
        match body {
            Body::PutGrant(grant) => self.put_grant(grant, seq, iat, author),
            Body::RevokeGrant(id) => self.revoke_grant(id, seq, author),
            body => {
                author.demand_owner()?;
                self.govern(body, seq)
            }
        }
    }

    /// What only owners do.
    fn govern(&mut self, body: Body, seq: u64) -> Result<(), ChainError> {
        match body {
            Body::AddKey(add) => self.add_key(add, seq),
            Body::RemoveKey(remove) => self.remove_key(&remove, seq),
            Body::AddHub(add) => self.add_hub(add, seq),
            Body::RemoveHub(hub) => self.remove_hub(hub),
            Body::NewEpoch(new) => self.new_epoch(new),
            Body::RotateIssuer(issuer) => self.rotate_issuer(issuer),
            Body::SetPolicy(policy) => {
                self.policy = policy;
                Ok(())
            }
            Body::Checkpoint(digest) if digest == self.digest() => Ok(()),
            Body::Checkpoint(_) => Err(ChainError::Checkpoint),
            Body::Genesis(_) | Body::PutGrant(_) | Body::RevokeGrant(_) => Err(ChainError::BadGenesis),
        }
    }

    fn key_is_new(&self, key: KeyId) -> bool {
        self.signer(key).is_none() && !self.removed.contains_key(&key)
    }

    /// Wraps that come with a new holder: its own, of the current epoch at least, of epochs that exist.
    fn check_wraps(&self, wraps: &[Wrap], to: KeyId, wanted: bool) -> Result<(), ChainError> {
        let all_known = wraps.iter().all(|w| w.to == to && self.epochs.contains_key(&w.epoch));
        let has_current = wraps.iter().any(|w| w.epoch == self.epoch.number);
        if all_known && has_current == wanted && (wanted || wraps.is_empty()) {
            Ok(())
        } else {
            Err(ChainError::Wraps)
        }
    }

    fn keep_wraps(&mut self, wraps: Vec<Wrap>) {
        // One by one: the map's own `extend` brings a sort along.
        for wrap in wraps {
            self.wraps.insert((wrap.epoch, wrap.to), wrap.sealed);
        }
    }

    fn add_key(&mut self, add: AddKey, seq: u64) -> Result<(), ChainError> {
        let id = add.key.id();
        // The head's signer may be given a scope as a member; nobody else may be called an issuer.
        let is_issuer = add.key.sign == self.issuer;
        if matches!(add.role, Role::Issuer(_)) != is_issuer {
            return Err(ChainError::NotAllowed);
        }
        if let Some(known) = self.members.get(&id)
            && (known.key.sign, known.key.seal) == (add.key.sign, add.key.seal)
            && (&known.key.name, &known.role) != (&add.key.name, &add.role)
        {
            return self.change_key(add);
        }
        if !self.key_is_new(id) {
            return Err(ChainError::Exists);
        }
        if self.members.len() >= limits::MAX_MEMBERS {
            return Err(ChainError::Full);
        }
        self.check_wraps(&add.wraps, id, add.role.has_home_key())?;
        if let Some(invite) = add.invite {
            if self.invites.contains_key(&invite) {
                return Err(ChainError::InviteUsed);
            }
            self.invites.insert(invite, ());
        }
        self.keep_wraps(add.wraps);
        self.members.insert(id, Member { key: add.key, role: add.role, seq });
        Ok(())
    }

    /// The same member once more: only name and role change. Whoever loses sight of the PINs leaves the home key behind
    /// as somebody removed does.
    fn change_key(&mut self, add: AddKey) -> Result<(), ChainError> {
        if add.invite.is_some() {
            return Err(ChainError::BadOp);
        }
        let id = add.key.id();
        let before = self.members.get(&id).ok_or(ChainError::Unknown)?.role.clone();
        if add.role != Role::Owner {
            self.demand_another_owner(&before)?;
        }
        let (had, has) = (before.has_home_key(), add.role.has_home_key());
        self.check_wraps(&add.wraps, id, has && !had)?;
        if had && !has {
            self.wraps.retain(|(_, to), _| *to != id);
            self.epoch.stale = true;
        }
        self.keep_wraps(add.wraps);
        if let Some(member) = self.members.get_mut(&id) {
            (member.key, member.role) = (add.key, add.role);
        }
        Ok(())
    }

    /// Refuses to take the last owner's role away.
    fn demand_another_owner(&self, role: &Role) -> Result<(), ChainError> {
        let owners = self.members.values().filter(|m| m.role == Role::Owner).count();
        if *role == Role::Owner && owners == 1 { Err(ChainError::LastOwner) } else { Ok(()) }
    }

    fn remove_key(&mut self, remove: &RemoveKey, seq: u64) -> Result<(), ChainError> {
        let role = self.members.get(&remove.key).ok_or(ChainError::Unknown)?.role.clone();
        self.demand_another_owner(&role)?;
        self.epoch.stale |= role.has_home_key();
        // The issuer goes on signing heads: only its scope ends, and it can be given one again.
        if !matches!(role, Role::Issuer(_)) {
            self.forget_key(remove.key);
        }
        self.members.remove(&remove.key);
        if let Some(since) = remove.distrusted_since {
            let distrusted = |entry: &GrantEntry| entry.signer == remove.key && entry.seq >= since;
            for (id, _) in self.grants.iter().filter(|(_, entry)| distrusted(entry)) {
                self.revoked.insert(*id, seq);
            }
            self.grants.retain(|_, entry| !distrusted(entry));
        }
        Ok(())
    }

    fn forget_key(&mut self, key: KeyId) {
        self.wraps.retain(|(_, to), _| *to != key);
        self.removed.insert(key, ());
    }

    fn add_hub(&mut self, add: AddHub, seq: u64) -> Result<(), ChainError> {
        let id = add.key.id();
        if let Some(known) = self.hubs.get_mut(&add.hub)
            && (known.key.sign, known.key.seal) == (add.key.sign, add.key.seal)
        {
            // The same hub once more: only its name and what its panel may do change.
            if !add.wraps.is_empty() {
                return Err(ChainError::Wraps);
            }
            (known.key, known.panel) = (add.key, add.panel);
            return Ok(());
        }
        if !self.key_is_new(id) || self.hub_key(&add.hub).is_some() {
            return Err(ChainError::Exists);
        }
        if self.hubs.len() >= limits::MAX_HUBS {
            return Err(ChainError::Full);
        }
        self.check_wraps(&add.wraps, id, true)?;
        self.keep_wraps(add.wraps);
        self.hubs.insert(add.hub, HubEntry { key: add.key, panel: add.panel, seq });
        Ok(())
    }

    fn remove_hub(&mut self, hub: HubId) -> Result<(), ChainError> {
        let entry = self.hubs.remove(&hub).ok_or(ChainError::Unknown)?;
        self.former_hubs.insert(hub, entry.key.sign);
        self.forget_key(entry.key.id());
        self.epoch.stale = true;
        Ok(())
    }

    fn new_epoch(&mut self, new: NewEpoch) -> Result<(), ChainError> {
        if new.epoch != self.epoch.number + 1 {
            return Err(ChainError::StaleEpoch);
        }
        let members = self.members.values().filter(|m| m.role.has_home_key()).map(|m| m.key.id());
        let holders: Vec<KeyId> = members.chain(self.hubs.values().map(|h| h.key.id())).collect();
        let holders = sorted(holders);
        // Wraps are in ascending order, each once: the body was validated.
        let wrapped = new.wraps.iter().map(|w| w.to);
        if !wrapped.eq(holders) || new.wraps.iter().any(|w| w.epoch != new.epoch) {
            return Err(ChainError::Wraps);
        }
        // A second epoch with the first one's key would rotate nothing.
        if self.epochs.values().any(|public| *public == new.public) {
            return Err(ChainError::Wraps);
        }
        self.epochs.insert(new.epoch, new.public);
        self.epoch = Epoch { number: new.epoch, public: new.public, stale: false };
        self.keep_wraps(new.wraps);
        Ok(())
    }

    fn rotate_issuer(&mut self, issuer: SignPublic) -> Result<(), ChainError> {
        if !self.key_is_new(issuer.id()) || issuer == self.issuer {
            return Err(ChainError::Exists);
        }
        // The old key's scope, if it had one, ends with it.
        let old = self.issuer.id();
        if self.members.remove(&old).is_some() {
            self.forget_key(old);
        }
        self.removed.insert(old, ());
        self.issuer = issuer;
        Ok(())
    }

    fn put_grant(
        &mut self,
        grant: Grant,
        seq: u64,
        iat: Timestamp,
        author: &Author,
    ) -> Result<(), ChainError> {
        if self.revoked.contains_key(&grant.id) && !crate::defect!(ForgetTombstone) {
            return Err(ChainError::Revoked);
        }
        let before = self.grants.get(&grant.id);
        if let Some(before) = before {
            author.demand_cover(&before.grant)?;
        } else if self.grants.len() >= limits::MAX_GRANTS {
            return Err(ChainError::Full);
        }
        author.demand_cover(&grant)?;
        if grant.rev != before.map_or(0, |b| b.grant.rev).saturating_add(1)
            && !crate::defect!(ForgetTombstone)
        {
            return Err(ChainError::Revision);
        }
        let link_epoch_ok = grant.link.as_ref().is_none_or(|l| self.epochs.contains_key(&l.secret.epoch));
        if self.epoch.stale || grant.pin.epoch != self.epoch.number || !link_epoch_ok {
            return Err(ChainError::StaleEpoch);
        }
        if grant.holder.is_some_and(|holder| !self.members.contains_key(&holder)) {
            return Err(ChainError::Unknown);
        }
        self.grants.insert(grant.id, Arc::new(GrantEntry { grant, seq, signer: author.key, iat }));
        Ok(())
    }

    fn revoke_grant(&mut self, id: GrantId, seq: u64, author: &Author) -> Result<(), ChainError> {
        let entry = self.grants.get(&id).ok_or_else(|| match self.revoked.contains_key(&id) {
            true => ChainError::Revoked,
            false => ChainError::Unknown,
        })?;
        author.demand_cover(&entry.grant)?;
        self.grants.remove(&id);
        self.revoked.insert(id, seq);
        Ok(())
    }
}
