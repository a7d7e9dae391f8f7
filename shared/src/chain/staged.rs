//! Changes that a hub made at its own panel and that the cloud has not sequenced yet. They lie on top of the chain as
//! if they were its next ops, under the same rules: signed by the hub's key, within the scope that an owner gave it.

use super::op::{Body, SignedOp};
use super::state::{ChainError, ChainState};
use crate::keys::Keys;
use crate::time::Timestamp;
use crate::wire::derive::{Decode, Encode};

/// A change as the hub keeps it until it is sequenced.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct StagedChange {
    /// What it does: `PutGrant` or `RevokeGrant`.
    #[n(1)]
    pub body: Body,
    /// When it was made.
    #[n(6)]
    pub iat: Timestamp,
}

/// A change that no longer fits what others did meanwhile. It was dropped; the person who made it is told why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// The change.
    pub change: StagedChange,
    /// Why it does not fit.
    pub why: ChainError,
}

impl StagedChange {
    /// Whether the chain already says so.
    fn done_in(&self, state: &ChainState) -> bool {
        match &self.body {
            Body::PutGrant(grant) => state.grants().get(&grant.id).is_some_and(|entry| entry.grant == *grant),
            Body::RevokeGrant(id) => state.revoked().contains_key(id),
            _ => false,
        }
    }
}

/// The state with these changes on top, the ops that would make it so, and the changes that stay staged.
pub(super) struct Overlay {
    pub(super) state: ChainState,
    pub(super) ops: Vec<Vec<u8>>,
    pub(super) kept: Vec<StagedChange>,
    pub(super) conflicts: Vec<Conflict>,
}

/// Puts changes on top of a state. Those that are already in it go silently; those that do not fit are conflicts.
pub(super) fn overlay(state: &ChainState, changes: Vec<StagedChange>, keys: &Keys) -> Overlay {
    let mut out = Overlay { state: state.clone(), ops: vec![], kept: vec![], conflicts: vec![] };
    for change in changes {
        if change.done_in(state) {
            continue;
        }
        if !matches!(change.body, Body::PutGrant(_) | Body::RevokeGrant(_)) {
            out.conflicts.push(Conflict { change, why: ChainError::NotAllowed });
            continue;
        }
        let op = SignedOp::sign(&out.state.next_op(change.body.clone(), change.iat), keys.signing());
        match out.state.extend(&op) {
            Ok(()) => {
                out.ops.push(op);
                out.kept.push(change);
            }
            Err(why) => out.conflicts.push(Conflict { change, why }),
        }
    }
    out
}
