//! Homes, members, hubs and the home key.

use super::{Change, ComposeError, Composer, Refusal, within_one_submission};
use crate::chain::op::{AddHub, AddKey, Genesis, NewEpoch, RemoveKey, Role, Scope};
use crate::chain::{Body, ChainError, ChainState, Op, SignedOp};
use crate::grant::Grant;
use crate::id::{GrantId, HomeId, HubId, KeyId, SignPublic};
use crate::invite::{Acceptance, Invite, InviteError, InviteSecret};
use crate::keys::{HomeKey, KeyRecord, Keys, Seed, Wrap};
use crate::pair::PairOffer;
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::wire::hpke::SealError;
use rand_core::CryptoRng;

/// A removal, of a member or of what they may do, and what is left to do after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// What does it. A removed member's own codes end; where they had the home key, it is replaced.
    pub change: Change,
    /// Codes that live on and whose PINs they, or it, could read and no longer may: their PINs should be changed.
    pub seen: Vec<GrantId>,
}

/// What the cloud's issuer is called in a home's chain.
const ISSUER_NAME: &str = "Latchkey’s server";

/// Begins a home: its id and the signed first op.
pub fn genesis(
    policy: Policy,
    owner: &Keys,
    owner_name: &str,
    issuer: SignPublic,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(HomeId, Vec<u8>), ComposeError> {
    let home = HomeId::generate(rng);
    let key = HomeKey::from_seed(1, Seed::generate(rng));
    let record = owner.record(owner_name);
    let wrap = key.wrap(&home, &record, rng)?;
    let epoch = NewEpoch { epoch: 1, public: key.public(), wraps: vec![wrap] };
    let body = Body::Genesis(Genesis { policy, owner: record, issuer, epoch });
    let op = Op { home, seq: 0, prev: None, iat: now, body };
    let bytes = SignedOp::sign(&op, owner.signing());
    ChainState::genesis(&bytes)?;
    Ok((home, bytes))
}

impl Composer<'_> {
    /// Every home key that the member has, for somebody new. The newest must be among them.
    fn wraps_for(&self, to: &KeyRecord, rng: &mut impl CryptoRng) -> Result<Vec<Wrap>, ComposeError> {
        self.home_key(self.chain.epoch().number).ok_or(Refusal::NoHomeKey)?;
        let wraps: Result<Vec<Wrap>, SealError> =
            self.home_keys.iter().map(|key| key.wrap(self.chain.home(), to, rng)).collect();
        let mut wraps = wraps?;
        wraps.sort_by_key(|wrap| (wrap.epoch, wrap.to));
        Ok(wraps)
    }

    /// Invites a person: what the cloud keeps, and the secret for the link to send.
    pub fn invite(
        &self,
        name: &str,
        role: Role,
        expires: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(Invite, InviteSecret), ComposeError> {
        let secret = InviteSecret::generate(rng);
        let epoch = self.chain.epoch();
        let home = self.chain.home();
        let to = (epoch.number, &epoch.public);
        let invite = Invite::new(&secret, home, name, role, expires, to, self.keys, rng)?;
        invite.validate()?;
        Ok((invite, secret))
    }

    /// Whether an owner made the invitation and it still counts, and the answer comes from somebody who got the link.
    pub fn check_acceptance(&self, invite: &Invite, acceptance: &Acceptance) -> Result<(), ComposeError> {
        invite.verify(self.chain, self.now)?;
        let key = self.home_key(invite.epoch).ok_or(InviteError::NoKey)?;
        let secret = invite.open(self.chain.home(), key)?;
        Ok(secret.check(self.chain.home(), acceptance)?)
    }

    /// Adds who answered an invitation, in the role that it named.
    pub fn add_member(
        &self,
        invite: &Invite,
        acceptance: &Acceptance,
        rng: &mut impl CryptoRng,
    ) -> Result<Change, ComposeError> {
        self.check_acceptance(invite, acceptance)?;
        let (key, role) = (acceptance.key.clone(), invite.role.clone());
        let wraps = if role.has_home_key() { self.wraps_for(&key, rng)? } else { Vec::new() };
        Ok(Change::of(Body::AddKey(AddKey { invite: Some(invite.id), key, role, wraps })))
    }

    /// Removes a member. Codes that are theirs end; if they had the home key it is replaced, so that they read no later
    /// PIN. With `distrusted_since`, codes that they made in that op or later end too. Whoever removes themselves
    /// leaves the replacing to another owner.
    pub fn remove_member(
        &self,
        key: KeyId,
        distrusted_since: Option<u64>,
        rng: &mut impl CryptoRng,
    ) -> Result<Removal, ComposeError> {
        let member = self.chain.members().get(&key).ok_or(ChainError::Unknown)?;
        let had_home_key = member.role.has_home_key();
        let distrusted =
            |signer: KeyId, seq: u64| signer == key && distrusted_since.is_some_and(|since| seq >= since);
        let stays: Vec<_> =
            self.chain.grants().iter().filter(|(_, e)| !distrusted(e.signer, e.seq)).collect();
        let theirs = stays.iter().filter(|(_, e)| e.grant.holder == Some(key)).map(|(id, _)| **id);
        let ends: Vec<Body> = theirs.map(Body::RevokeGrant).collect();
        let removal = Body::RemoveKey(RemoveKey { key, distrusted_since });
        let bodies = if key == self.keys.id() {
            ends.into_iter().chain([removal]).collect()
        } else {
            let mut bodies = vec![removal];
            bodies.extend(ends);
            if had_home_key || self.chain.epoch().stale {
                bodies.push(self.new_epoch_without(Some(key), rng)?);
            }
            bodies
        };
        let seen = stays
            .into_iter()
            .filter(|(_, e)| e.grant.holder != Some(key) && self.live(&e.grant))
            .filter(|(_, e)| had_home_key || e.grant.self_seals.iter().any(|seal| seal.to == key))
            .map(|(id, _)| *id)
            .collect();
        let change = within_one_submission(Change { bodies, links: Vec::new() })?;
        Ok(Removal { change, seen })
    }

    fn live(&self, grant: &Grant) -> bool {
        grant.end().is_none_or(|end| end > self.now)
    }

    /// Gives a member another role. Codes that they made stand. Who no longer sees every PIN leaves the home key behind,
    /// which is replaced; whoever does that to themselves leaves the replacing to another owner.
    pub fn change_role(
        &self,
        key: KeyId,
        role: Role,
        rng: &mut impl CryptoRng,
    ) -> Result<Removal, ComposeError> {
        let member = self.chain.members().get(&key).ok_or(ChainError::Unknown)?;
        if member.role == role {
            return Err(Refusal::Unchanged.into());
        }
        let (had, has) = (member.role.has_home_key(), role.has_home_key());
        let wraps = if has && !had { self.wraps_for(&member.key, rng)? } else { Vec::new() };
        let mut bodies = vec![Body::AddKey(AddKey { invite: None, key: member.key.clone(), role, wraps })];
        let mut seen = Vec::new();
        if had && !has {
            if key != self.keys.id() {
                bodies.push(self.new_epoch_without(Some(key), rng)?);
            }
            let others = |grant: &Grant| grant.holder != Some(key) && self.live(grant);
            let grants = self.chain.grants().iter().filter(|(_, entry)| others(&entry.grant));
            seen.extend(grants.map(|(id, _)| *id));
        }
        Ok(Removal { change: Change { bodies, links: Vec::new() }, seen })
    }

    /// Lets the cloud's issuer sign guest codes by itself within a scope, or no longer.
    pub fn issuing(&self, scope: Option<Scope>) -> Result<Change, ComposeError> {
        let issuer = *self.chain.issuer();
        let Some(scope) = scope else {
            let removal = RemoveKey { key: issuer.id(), distrusted_since: None };
            return Ok(Change::of(Body::RemoveKey(removal)));
        };
        // Nothing is ever sealed to an issuer; were it, only the home could open it.
        let known = self.chain.members().get(&issuer.id()).map(|member| member.key.clone());
        let key = known.unwrap_or_else(|| KeyRecord {
            sign: issuer,
            seal: self.chain.epoch().public,
            name: ISSUER_NAME.into(),
        });
        Ok(Change::of(Body::AddKey(AddKey {
            invite: None,
            key,
            role: Role::Issuer(scope),
            wraps: Vec::new(),
        })))
    }

    /// Changes a hub's name and what codes may be made at its panel.
    pub fn change_hub(&self, hub: HubId, name: &str, panel: Option<Scope>) -> Result<Change, ComposeError> {
        let entry = self.chain.hubs().get(&hub).ok_or(ChainError::Unknown)?;
        let key = KeyRecord { name: name.to_owned(), ..entry.key.clone() };
        if key == entry.key && panel == entry.panel {
            return Err(Refusal::Unchanged.into());
        }
        Ok(Change::of(Body::AddHub(AddHub { hub, key, panel, wraps: Vec::new() })))
    }

    /// Replaces the home key. PINs that are sealed from then on open for those who are in the home now.
    pub fn rotate_epoch(&self, rng: &mut impl CryptoRng) -> Result<Change, ComposeError> {
        Ok(Change::of(self.new_epoch_without(None, rng)?))
    }

    fn new_epoch_without(
        &self,
        leaving: Option<KeyId>,
        rng: &mut impl CryptoRng,
    ) -> Result<Body, ComposeError> {
        let epoch = self.chain.epoch().number + 1;
        let key = HomeKey::from_seed(epoch, Seed::generate(rng));
        let members = self.chain.members().values().filter(|m| m.role.has_home_key()).map(|m| &m.key);
        let holders = members.chain(self.chain.hubs().values().map(|hub| &hub.key));
        let mut wraps = Vec::new();
        for holder in holders.filter(|holder| Some(holder.id()) != leaving) {
            wraps.push(key.wrap(self.chain.home(), holder, rng)?);
        }
        wraps.sort_by_key(|wrap| (wrap.epoch, wrap.to));
        Ok(Body::NewEpoch(NewEpoch { epoch, public: key.public(), wraps }))
    }

    /// Takes in the hub whose offer was checked under its pairing code. `panel`: what codes may be made at its panel.
    pub fn add_hub(
        &self,
        offer: &PairOffer,
        panel: Option<Scope>,
        rng: &mut impl CryptoRng,
    ) -> Result<Change, ComposeError> {
        let wraps = self.wraps_for(&offer.key, rng)?;
        Ok(Change::of(Body::AddHub(AddHub { hub: offer.hub, key: offer.key.clone(), panel, wraps })))
    }

    /// Removes a hub and replaces the home key that it had. It could read every PIN.
    pub fn remove_hub(&self, hub: HubId, rng: &mut impl CryptoRng) -> Result<Removal, ComposeError> {
        let entry = self.chain.hubs().get(&hub).ok_or(ChainError::Unknown)?;
        let epoch = self.new_epoch_without(Some(entry.key.id()), rng)?;
        let change = Change { bodies: vec![Body::RemoveHub(hub), epoch], links: Vec::new() };
        let live = self.chain.grants().iter().filter(|(_, entry)| self.live(&entry.grant));
        Ok(Removal { change, seen: live.map(|(id, _)| *id).collect() })
    }
}
