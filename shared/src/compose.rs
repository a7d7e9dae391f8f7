//! What a member does to a home, as the ops that do it: made here once, for the portal and the command line alike.
//!
//! A [`Composer`] reads the verified chain and the member's keys and answers with a [`Change`]: bodies of ops in order
//! and what the cloud keeps beside them. [`Change::sign`] puts it on top of the chain and refuses what the chain would
//! refuse, so that nothing is sent in vain. Nothing here asks a clock or makes its own randomness.

mod codes;
mod people;
#[cfg(test)]
mod tests;

pub use codes::{Draft, ForGuest, LinkWish, Made, NewEnd, PinWish};
pub use people::{Removal, genesis};

use crate::api::{LinkUpload, SubmitOps};
use crate::chain::op::Role;
use crate::chain::{Body, ChainError, ChainState, SignedOp};
use crate::error::{Coded, coded_error};
use crate::grant::{Grant, GrantError};
use crate::id::GrantId;
use crate::invite::InviteError;
use crate::keys::{HomeKey, Keys};
use crate::limits::MAX_SUBMIT_OPS;
use crate::link::LinkSecret;
use crate::pin::Pin;
use crate::sealed::Binding;
use crate::time::Timestamp;
use crate::wire::cbor::Blob;
use crate::wire::hpke::SealError;
use core::fmt;

/// A member at work on a home.
#[derive(Clone, Copy)]
pub struct Composer<'a> {
    /// The home, verified.
    pub chain: &'a ChainState,
    /// The member's keys.
    pub keys: &'a Keys,
    /// The home keys that the member has, of any epoch.
    pub home_keys: &'a [HomeKey],
    /// Now, by the best clock there is.
    pub now: Timestamp,
}

/// Ops to be signed and appended together, and links that go with them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// What the ops do, in order.
    pub bodies: Vec<Body>,
    /// Guest links to grants that these ops put, or that exist.
    pub links: Vec<LinkUpload>,
}

/// A change that is signed, and the chain as it will be.
#[derive(Clone, Debug)]
pub struct SignedChange {
    /// To be sent to `POST /homes/{home}/ops`.
    pub submit: SubmitOps,
    /// The chain with these ops on top: once the cloud took them, this is the home.
    pub chain: ChainState,
}

impl Change {
    /// One op and nothing else.
    pub fn of(body: Body) -> Self {
        Self { bodies: vec![body], links: Vec::new() }
    }

    /// Signs every op on top of `chain`, and refuses what the chain would refuse.
    pub fn sign(&self, chain: &ChainState, keys: &Keys, now: Timestamp) -> Result<SignedChange, ChainError> {
        let mut chain = chain.clone();
        let mut ops = Vec::with_capacity(self.bodies.len());
        for body in &self.bodies {
            let bytes = SignedOp::sign(&chain.next_op(body.clone(), now), keys.signing());
            chain.extend(&bytes)?;
            ops.push(Blob(bytes));
        }
        Ok(SignedChange { submit: SubmitOps { ops, links: self.links.clone() }, chain })
    }
}

coded_error! {
    /// Why a change cannot be made by this member.
    pub enum Refusal {
        NoHomeKey = "compose.no_home_key", "Your keys do not open this home's PINs. Ask an owner to do this.";
        NoPin = "compose.no_pin", "Your keys do not open this code's PIN. Choose a new PIN for it.";
        Gone = "compose.gone", "The code was revoked. Make a new one.";
        Over = "compose.over", "The code has ended. Choose a later end first.";
        Unchanged = "compose.unchanged", "Nothing would change.";
        StaleLink = "compose.stale_link", "The guest's link would show what is no longer true. Say what it is to show.";
        Uncounted = "compose.uncounted",
            "One of these locks does not tell who came in, so that uses cannot be counted. Give the code an end instead.";
        TooMuch = "compose.too_much", "That is more than can be changed at once. End some codes first.";
    }
}

/// Why there is no change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ComposeError {
    /// The member cannot do it.
    Refused(Refusal),
    /// The code would not be well formed.
    Grant(GrantError),
    /// The chain would not take it.
    Chain(ChainError),
    /// The invitation or its answer is not good.
    Invite(InviteError),
    /// Nothing can be sealed to a recipient's key.
    Seal(SealError),
}

impl Coded for ComposeError {
    fn code(&self) -> &'static str {
        self.inner().code()
    }

    fn hint(&self) -> &'static str {
        self.inner().hint()
    }
}

impl ComposeError {
    fn inner(&self) -> &dyn Coded {
        match self {
            Self::Refused(e) => e,
            Self::Grant(e) => e,
            Self::Chain(e) => e,
            Self::Invite(e) => e,
            Self::Seal(e) => e,
        }
    }
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for ComposeError {}

macro_rules! from {
    ($($variant:ident($error:ty),)+) => {
        $(impl From<$error> for ComposeError {
            fn from(e: $error) -> Self {
                Self::$variant(e)
            }
        })+
    };
}

from! {
    Refused(Refusal),
    Grant(GrantError),
    Chain(ChainError),
    Invite(InviteError),
    Seal(SealError),
}

impl Composer<'_> {
    /// The home key of an epoch, if the member has it.
    pub fn home_key(&self, epoch: u32) -> Option<&HomeKey> {
        self.home_keys.iter().find(|key| key.epoch() == epoch)
    }

    /// A code's PIN, if the member's keys open it: by the home key or by a seal to the member alone.
    pub fn open_pin(&self, grant: &Grant) -> Option<Pin> {
        let binding =
            Binding { home: self.chain.home(), grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        let by_home = self.home_key(grant.pin.epoch).and_then(|key| grant.pin.open(&binding, key).ok());
        by_home.or_else(|| {
            let mine = grant.self_seals.iter().find(|seal| seal.to == self.keys.id())?;
            mine.open(&binding, self.keys).ok()
        })
    }

    /// A code's link secret, if there is a link and the member has the home key.
    pub fn open_link(&self, grant: &Grant) -> Option<LinkSecret> {
        let link = grant.link.as_ref()?;
        let key = self.home_key(link.secret.epoch)?;
        link.secret.open(self.chain.home(), &grant.id, &link.id, key).ok()
    }

    /// A live grant.
    fn grant(&self, id: &GrantId) -> Result<&Grant, Refusal> {
        self.chain.grants().get(id).map(|entry| &entry.grant).ok_or(Refusal::Gone)
    }

    /// Ends codes for good. Their ids never return.
    pub fn revoke(&self, ids: &[GrantId]) -> Result<Change, ComposeError> {
        for id in ids {
            self.grant(id)?;
        }
        let bodies = ids.iter().map(|id| Body::RevokeGrant(*id)).collect();
        within_one_submission(Change { bodies, links: Vec::new() })
    }

    /// The member's role, if they still are one.
    pub fn role(&self) -> Option<&Role> {
        self.chain.members().get(&self.keys.id()).map(|member| &member.role)
    }
}

/// The cloud takes all of a change or nothing, up to this many ops.
fn within_one_submission(change: Change) -> Result<Change, ComposeError> {
    if change.bodies.len() > MAX_SUBMIT_OPS { Err(Refusal::TooMuch.into()) } else { Ok(change) }
}
