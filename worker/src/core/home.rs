//! A home: the one place where its ops get their order.
//!
//! The object that holds a [`Home`] runs one request at a time. [`Home::submit`] is the compare-and-swap on
//! (seq, prev): an op that does not follow the newest one is refused, so of two admins at once one wins.

mod chain;
mod events;
mod export;
mod hubs;
mod invites;
mod issue;
mod links;
mod mine;
mod snapshot;
mod status;
#[cfg(test)]
mod tests;
mod tokens;
mod views;

pub use chain::Taken;
pub use events::Ingested;
pub use hubs::{BundleReply, CachedHead, HubRequest, head_from_cache};
pub use links::CodeMeta;
pub use status::{DoorStatus, LinkStatus, Revealed};
pub use views::STATES;

use self::snapshot::Written;
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{ChainState, Member};
use latchkey_shared::id::KeyId;

use crate::error::{INTERNAL, NO_HOME, NOT_OWNER, RESIDENT, Result};
use crate::store::HomeStore;

/// A home with its storage. The chain is verified once, when the object wakes, and kept.
pub struct Home<S> {
    store: S,
    chain: Option<ChainState>,
    /// How many bytes all ops have together.
    ops_bytes: u64,
    written: Written,
}

impl<S: HomeStore> Home<S> {
    /// Wakes a home: verifies the ops that are stored, if there are any.
    pub fn load(store: S) -> Result<Self> {
        let ops = store.ops_from(0)?;
        let chain = if ops.is_empty() {
            None
        } else {
            // What was taken once verifies again; if it does not, the storage is damaged and nothing is served.
            Some(ChainState::from_ops(&ops).map_err(|_| INTERNAL)?)
        };
        let ops_bytes = ops.iter().map(|op| op.len() as u64).sum();
        Ok(Home { store, chain, ops_bytes, written: Written::default() })
    }

    /// The storage.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The chain, if the home was begun.
    pub fn chain(&self) -> Result<&ChainState> {
        self.chain.as_ref().ok_or(NO_HOME)
    }

    /// The member whose key this is. Issuers have a key but are nobody.
    pub fn member(&self, key: &KeyId) -> Result<&Member> {
        let member = self.chain()?.members().get(key).ok_or(NO_HOME)?;
        if matches!(member.role, Role::Issuer(_)) { Err(NO_HOME) } else { Ok(member) }
    }

    /// The member whose key this is, who must be an owner or a manager: residents see their own codes only.
    pub fn manager(&self, key: &KeyId) -> Result<&Member> {
        let member = self.member(key)?;
        if member.role == Role::Resident { Err(RESIDENT) } else { Ok(member) }
    }

    /// The member whose key this is, who must be an owner.
    pub fn owner(&self, key: &KeyId) -> Result<&Member> {
        let member = self.manager(key)?;
        if member.role == Role::Owner { Ok(member) } else { Err(NOT_OWNER) }
    }
}
