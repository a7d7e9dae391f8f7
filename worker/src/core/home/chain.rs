//! Beginning a home, appending ops, reading them.

use latchkey_shared::api::{CreateHome, HubSeen, SubmitOps, Submitted};
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, ChainError, ChainState, SignedOp};
use latchkey_shared::id::{GrantId, HomeId, HubId, KeyId, SignPublic};
use latchkey_shared::limits::{MAX_BUNDLE_BYTES, MAX_BUNDLE_OPS, MAX_SUBMIT_OPS};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{self, Blob};

use super::Home;
use crate::core::limits::{MAX_CREATE_BYTES, MAX_OPS_BYTES};
use crate::error::{HOME_TAKEN, ISSUER, NOT_SIGNER, Result, STEP_UP, WIRE};
use crate::store::{HomeStore, Shelf};

/// What a submission did, for whoever tells others about it.
#[derive(Debug)]
pub struct Taken {
    /// The chain's end.
    pub submitted: Submitted,
    /// Grants that were put, changed or revoked: their metadata is to be written again.
    pub grants: Vec<GrantId>,
    /// Links that were put or ended.
    pub links: Vec<latchkey_shared::id::LinkId>,
    /// Hubs that were removed.
    pub removed_hubs: Vec<HubId>,
    /// Members that were removed.
    pub removed_keys: Vec<KeyId>,
    /// Members that were added.
    pub added_keys: Vec<KeyId>,
    /// Whether a guest's link may end at another time than before.
    pub ends: bool,
}

impl<S: HomeStore> Home<S> {
    /// Begins the home with its genesis, signed by the member who asks.
    pub fn create(
        &mut self,
        home: &HomeId,
        by: &KeyId,
        issuer: &SignPublic,
        body: &[u8],
        now: u64,
    ) -> Result<Submitted> {
        let create: CreateHome = cbor::from_slice(body, MAX_CREATE_BYTES).map_err(|_| WIRE)?;
        if let Some(chain) = &self.chain {
            // The same genesis again is a retry whose first answer was lost.
            let first = self.store.ops_from(0)?.into_iter().next();
            let same = first.as_deref() == Some(&*create.genesis);
            return if same && chain.seq() == 0 { Ok(end_of(chain)) } else { Err(HOME_TAKEN) };
        }
        let chain = ChainState::genesis(&create.genesis)?;
        if chain.home() != home {
            return Err(ChainError::WrongHome.into());
        }
        if !chain.members().contains_key(by) {
            return Err(NOT_SIGNER);
        }
        if chain.issuer() != issuer {
            return Err(ISSUER);
        }
        let genesis = [create.genesis.0];
        self.store.append_ops(0, &genesis, now)?;
        self.ops_bytes = genesis.iter().map(|op| op.len() as u64).sum();
        let submitted = end_of(&chain);
        self.chain = Some(chain);
        Ok(submitted)
    }

    /// Appends all of the ops or none. `fresh` is whether the member has just confirmed with a passkey.
    pub fn submit(
        &mut self,
        by: &KeyId,
        fresh: bool,
        issuer: &SignPublic,
        body: &[u8],
        now: u64,
    ) -> Result<Taken> {
        self.manager(by)?;
        let submit: SubmitOps = cbor::from_slice(body, MAX_OPS_BYTES).map_err(|_| WIRE)?;
        self.append(by, fresh, issuer, submit, now)
    }

    /// Appends ops that a hub of this home signed: changes made at its panel. It uploads no links.
    pub fn submit_hub(&mut self, hub: &HubId, issuer: &SignPublic, body: &[u8], now: u64) -> Result<Taken> {
        let by = self.hub_of_home(hub)?.key.id();
        let submit: SubmitOps = cbor::from_slice(body, MAX_OPS_BYTES).map_err(|_| WIRE)?;
        if !submit.links.is_empty() {
            return Err(WIRE);
        }
        self.append(&by, false, issuer, submit, now)
    }

    pub(super) fn append(
        &mut self,
        by: &KeyId,
        fresh: bool,
        issuer: &SignPublic,
        submit: SubmitOps,
        now: u64,
    ) -> Result<Taken> {
        let mut chain = self.chain()?.clone();
        if submit.ops.len() > MAX_SUBMIT_OPS || submit.ops.is_empty() && submit.links.is_empty() {
            return Err(WIRE);
        }
        let first = chain.seq() + 1;
        let mut taken = Taken {
            submitted: end_of(&chain),
            grants: Vec::new(),
            links: Vec::new(),
            removed_hubs: Vec::new(),
            removed_keys: Vec::new(),
            added_keys: Vec::new(),
            ends: false,
        };
        let mut puts = Vec::new();
        for bytes in &submit.ops {
            let op = SignedOp::parse(bytes).map_err(|_| ChainError::Malformed)?;
            if op.kid() != *by {
                return Err(NOT_SIGNER);
            }
            let (body, seq) = (&op.claimed().body, op.claimed().seq);
            note(body, fresh, issuer, &mut taken)?;
            if let Body::PutGrant(grant) = body {
                puts.push((grant.id, seq, grant.holder));
            }
            chain.extend(bytes)?;
        }
        self.check_size(&chain, by, &submit)?;
        if !taken.removed_keys.is_empty() {
            // A member's removal may take grants along.
            let gone = self.chain()?.grants().keys().filter(|id| !chain.grants().contains_key(*id));
            let more: Vec<GrantId> = gone.filter(|id| !taken.grants.contains(id)).copied().collect();
            taken.grants.extend(more);
        }
        let links = self.plan_links(&chain, by, submit.links, now)?;
        // Everything is decided: from here on only writes.
        taken.submitted = end_of(&chain);
        let ops: Vec<Vec<u8>> = submit.ops.into_iter().map(|op| op.0).collect();
        self.store.append_ops(first, &ops, now)?;
        self.ops_bytes += ops.iter().map(|op| op.len() as u64).sum::<u64>();
        self.written.extend(&ops);
        for (id, row) in links {
            self.store.put_link(&id, &row)?;
            taken.links.push(id);
        }
        for (grant, seq, holder) in puts {
            self.note_put(&grant, seq, holder)?;
        }
        for hub in &taken.removed_hubs {
            self.store.drop_reports(hub)?;
            self.take_leave(hub, now)?;
        }
        let linked = |id| chain.grants().get(id).is_some_and(|entry| entry.grant.link.is_some());
        taken.ends = !taken.links.is_empty() || taken.grants.iter().any(linked);
        self.chain = Some(chain);
        if !taken.removed_keys.is_empty() || !taken.added_keys.is_empty() {
            self.forget_former_owners()?;
        }
        Ok(taken)
    }

    /// What owners made outside the chain ends when they are owners no more: invitations and tokens.
    fn forget_former_owners(&self) -> Result<()> {
        let members = self.chain()?.members();
        let owner = |by: &KeyId| members.get(by).is_some_and(|member| member.role == Role::Owner);
        for entry in self.all_invites()?.iter().filter(|entry| !owner(&entry.by)) {
            self.store.drop_item(Shelf::Invite, &entry.invite.id.0)?;
        }
        for row in self.all_tokens()?.iter().filter(|row| !owner(&row.by)) {
            self.store.drop_item(Shelf::Token, &row.id.0)?;
        }
        Ok(())
    }

    /// A chain must fit into one bundle, or no new hub could ever take it.
    /// The last part of it is kept for taking access away, so that a full home can still be secured.
    fn check_size(&self, chain: &ChainState, by: &KeyId, submit: &SubmitOps) -> Result<()> {
        // Each op has a few bytes of framing, and the head comes on top.
        let new: u64 = submit.ops.iter().map(|op| op.len() as u64).sum();
        let bytes = self.ops_bytes + new + 8 * chain.seq() + 4096;
        let securing = |op: &Blob| SignedOp::parse(op).is_ok_and(|op| takes_away(&op.claimed().body));
        let owner = chain.members().get(by).is_some_and(|member| member.role == Role::Owner);
        let eighths = match (submit.ops.iter().all(securing), owner) {
            (true, _) => 8,
            (false, true) => 7,
            (false, false) => 6,
        };
        let part = |most: usize| most as u64 / 8 * eighths;
        let fits = chain.seq() < part(MAX_BUNDLE_OPS) && bytes < part(MAX_BUNDLE_BYTES);
        if fits { Ok(()) } else { Err(ChainError::Full.into()) }
    }

    /// A hub as others see it.
    pub fn hub_seen(&self, hub: &HubId, online: bool) -> Result<HubSeen> {
        let row = self.store.hub(hub)?;
        Ok(HubSeen {
            hub: *hub,
            online,
            last_seen: row.map(|row| Timestamp(row.last_seen)),
            seq: row.and_then(|row| row.seq),
        })
    }
}

fn end_of(chain: &ChainState) -> Submitted {
    Submitted { seq: chain.seq(), head_hash: chain.hash() }
}

/// Whether an op takes access away, or is needed for it.
fn takes_away(body: &Body) -> bool {
    matches!(
        body,
        Body::RevokeGrant(_)
            | Body::RemoveKey(_)
            | Body::RemoveHub(_)
            | Body::NewEpoch(_)
            | Body::RotateIssuer(_)
    )
}

/// Notes what an op touches, and refuses what needs a confirmation or another Worker.
fn note(body: &Body, fresh: bool, issuer: &SignPublic, taken: &mut Taken) -> Result<()> {
    match body {
        Body::PutGrant(grant) => taken.grants.push(grant.id),
        Body::RevokeGrant(grant) => taken.grants.push(*grant),
        _ if !fresh => return Err(STEP_UP),
        Body::RemoveHub(hub) => taken.removed_hubs.push(*hub),
        Body::RemoveKey(remove) => taken.removed_keys.push(remove.key),
        Body::AddKey(add) => taken.added_keys.push(add.key.id()),
        // A home whose issuer this Worker cannot sign for would never get a head again.
        Body::RotateIssuer(new) if new != issuer => return Err(ISSUER),
        _ => {}
    }
    Ok(())
}
