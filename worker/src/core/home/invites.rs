//! Inviting people. The Worker keeps what owners and invited people say to each other; it can neither read an
//! invitation's secret nor answer in somebody's place (`latchkey_shared::invite`).

use latchkey_shared::api::{AcceptInvite, InviteEntry, InviteProof, InviteShown, Invites};
use latchkey_shared::chain::ChainState;
use latchkey_shared::chain::op::Role;
use latchkey_shared::grant::name_ok;
use latchkey_shared::id::{Hash32, InviteId, KeyId};
use latchkey_shared::invite::Invite;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::{from_slice, to_vec};
use subtle::ConstantTimeEq;

use super::Home;
use crate::core::limits::{MAX_INVITE_BYTES, MAX_INVITES};
use crate::error::{
    ALREADY_MEMBER, FULL, INTERNAL, INVITE_KEY, INVITE_TAKEN, INVITE_TERM, INVITE_USED, NO_INVITE, Result,
    WIRE,
};
use crate::store::{HomeStore, Shelf};

impl<S: HomeStore> Home<S> {
    /// Keeps an owner's new invitation. The same again is a retry whose first answer was lost.
    pub fn invite(&mut self, by: &KeyId, body: &[u8], now: u64) -> Result<InviteEntry> {
        self.owner(by)?;
        let invite: Invite = from_slice(body, MAX_INVITE_BYTES).map_err(|_| WIRE)?;
        invite.validate()?;
        let kept = self.all_invites()?;
        if let Some(known) = kept.iter().find(|entry| entry.invite.id == invite.id) {
            return if known.invite == invite && known.by == *by {
                Ok(known.clone())
            } else {
                Err(INVITE_TAKEN)
            };
        }
        let latest = Timestamp(now).saturating_add(Seconds::days(Invite::MAX_DAYS));
        if invite.expires.0 <= now || invite.expires > latest {
            return Err(INVITE_TERM);
        }
        invite.verify(self.chain()?, Timestamp(now))?;
        if kept.len() >= MAX_INVITES {
            return Err(FULL);
        }
        let entry = InviteEntry { invite, by: *by, at: Timestamp(now), acceptance: None, accepted_at: None };
        self.keep(&entry)?;
        Ok(entry)
    }

    /// The invitations whose keys are not added yet.
    pub fn invites(&self, by: &KeyId, now: u64) -> Result<Invites> {
        self.owner(by)?;
        let chain = self.chain()?;
        let mut list = self.all_invites()?;
        list.retain(|entry| now < entry.invite.expires.0 && !used(entry, chain));
        Ok(Invites { list })
    }

    /// Withdraws one.
    pub fn withdraw(&mut self, by: &KeyId, id: &InviteId) -> Result<()> {
        self.owner(by)?;
        self.store.item(Shelf::Invite, &id.0)?.ok_or(NO_INVITE)?;
        self.store.drop_item(Shelf::Invite, &id.0)
    }

    /// What one is invited to, for who proves to know the secret. Nobody else learns that the invitation exists.
    pub fn open_invite(&self, id: &InviteId, body: &[u8], now: u64) -> Result<InviteShown> {
        let proof: InviteProof = from_slice(body, MAX_INVITE_BYTES).map_err(|_| WIRE)?;
        self.shown(&self.proven(id, &proof.auth, now)?)
    }

    /// Takes the answer of somebody who is signed in with the key `by`.
    pub fn accept_invite(&mut self, id: &InviteId, by: &KeyId, body: &[u8], now: u64) -> Result<InviteShown> {
        let accept: AcceptInvite = from_slice(body, MAX_INVITE_BYTES).map_err(|_| WIRE)?;
        let mut entry = self.proven(id, &accept.auth, now)?;
        let (chain, key) = (self.chain()?, &accept.acceptance.key);
        if key.id() != *by || !name_ok(&key.name) {
            return Err(INVITE_KEY);
        }
        if chain.members().contains_key(by) || chain.was_removed(by) {
            return Err(ALREADY_MEMBER);
        }
        match &entry.acceptance {
            Some(before) if before.key.id() != *by => return Err(INVITE_TAKEN),
            Some(before) if *before == accept.acceptance => {}
            _ => {
                entry.acceptance = Some(accept.acceptance);
                entry.accepted_at = Some(Timestamp(now));
                self.keep(&entry)?;
            }
        }
        self.shown(&entry)
    }

    fn proven(&self, id: &InviteId, auth: &[u8], now: u64) -> Result<InviteEntry> {
        let chain = self.chain().map_err(|_| NO_INVITE)?;
        let bytes = self.store.item(Shelf::Invite, &id.0)?.ok_or(NO_INVITE)?;
        let entry = read(&bytes)?;
        let proof = Hash32::of(auth);
        let known = bool::from(entry.invite.auth_hash.0.ct_eq(&proof.0)) && now < entry.invite.expires.0;
        match known {
            true if used(&entry, chain) => Err(INVITE_USED),
            true => Ok(entry),
            false => Err(NO_INVITE),
        }
    }

    fn shown(&self, entry: &InviteEntry) -> Result<InviteShown> {
        let chain = self.chain()?;
        let by = chain.members().get(&entry.by).ok_or(NO_INVITE)?;
        Ok(InviteShown {
            home: *chain.home(),
            home_name: chain.policy().name.clone(),
            by: by.key.name.clone(),
            expires: entry.invite.expires,
            name: entry.invite.name.clone(),
            role: entry.invite.role.clone(),
            accepted: entry.acceptance.as_ref().map(|acceptance| acceptance.key.id()),
        })
    }

    pub(super) fn all_invites(&self) -> Result<Vec<InviteEntry>> {
        self.store.items(Shelf::Invite)?.iter().map(|bytes| read(bytes)).collect()
    }

    fn keep(&self, entry: &InviteEntry) -> Result<()> {
        let (id, until) = (entry.invite.id, entry.invite.expires.0);
        self.store.put_item(Shelf::Invite, &id.0, &to_vec(entry), Some(until))
    }
}

fn read(bytes: &[u8]) -> Result<InviteEntry> {
    from_slice(bytes, 2 * MAX_INVITE_BYTES).map_err(|_| INTERNAL)
}

/// Whether an owner has added the key that answered. It is kept until its end, so that the invited person learns it.
fn used(entry: &InviteEntry, chain: &ChainState) -> bool {
    let member = entry.acceptance.as_ref().and_then(|acceptance| chain.members().get(&acceptance.key.id()));
    member.is_some_and(|member| !matches!(member.role, Role::Issuer(_)))
}
