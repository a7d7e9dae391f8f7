//! What a hub believes. The only place where a [`VerifiedGrant`] comes from.
//!
//! A hub acts on a grant only if the op is authorised by the chain *and* a head from the current issuer covers it.
//! [`HubChain::check`] decides about a bundle without changing anything; the hub then writes the bundle down; only
//! then does [`HubChain::commit`] make it count. What was accepted keeps its word without a network until the
//! policy's grace is over.

use super::staged::{self, Conflict, StagedChange};
use super::state::{ChainError, ChainState, GrantEntry};
use crate::error::{Coded, coded_error};
use crate::grant::{Grant, GrantKind};
use crate::head::{Bundle, Head, HeadError};
use crate::id::{GrantId, Hash32, HomeId, HubId, Nonce};
use crate::keys::{HomeKey, Keys};
use crate::limits;
use crate::pin::Pin;
use crate::policy::Policy;
use crate::schedule::{Moment, Validity};
use crate::sealed::{Binding, SealedError};
use crate::time::Timestamp;
use crate::zone::Zone;
use core::fmt;

/// What a hub knows of the time when it looks at a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Now {
    /// Its clock can be trusted.
    Known(Timestamp),
    /// It cannot: only a head over the hub's own nonce counts.
    Unknown,
}

coded_error! {
    /// Why a bundle as a whole is refused.
    pub enum BundleError {
        TooMany = "bundle.too_many", "The server sent more changes than a home can have.";
        Fork = "bundle.fork", "The server shows this hub another history than before. Do not trust it; see the guide.";
        Rollback = "bundle.rollback", "The server shows this hub an older history than before.";
        Incomplete = "bundle.incomplete", "The changes do not reach to where the server says they do.";
        Overlap = "bundle.overlap", "The changes do not begin where this hub's history ends.";
        WrongGenesis = "bundle.wrong_genesis", "This is not the home with which the hub was paired.";
        NoFreshness = "bundle.no_freshness", "The hub does not know the time and the answer does not prove it is fresh.";
        Outdated = "bundle.outdated", "Another bundle was taken in the meantime.";
    }
}

/// Why a bundle is refused. Nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VerifyError {
    /// The bundle as a whole.
    Bundle(BundleError),
    /// One of its ops.
    Op(ChainError),
    /// Its head.
    Head(HeadError),
}

impl VerifyError {
    fn coded(&self) -> &dyn Coded {
        match self {
            Self::Bundle(e) => e,
            Self::Op(e) => e,
            Self::Head(e) => e,
        }
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.coded().code()
    }

    /// What it means and what to do.
    pub fn hint(&self) -> &'static str {
        self.coded().hint()
    }

    /// Whether this is not an accident: somebody shows the hub a history that contradicts the one it has.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::Bundle(BundleError::Fork | BundleError::WrongGenesis) | Self::Op(ChainError::Fork)
        )
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for VerifyError {}

impl From<BundleError> for VerifyError {
    fn from(e: BundleError) -> Self {
        Self::Bundle(e)
    }
}

impl From<ChainError> for VerifyError {
    fn from(e: ChainError) -> Self {
        Self::Op(e)
    }
}

impl From<HeadError> for VerifyError {
    fn from(e: HeadError) -> Self {
        Self::Head(e)
    }
}

/// A hub's view of its home: pinned by the genesis hash that pairing brought, grown only through [`HubChain::check`]
/// and [`HubChain::commit`].
#[derive(Clone, Debug)]
pub struct HubChain {
    home: HomeId,
    hub: HubId,
    genesis: Hash32,
    accepted: Option<Accepted>,
    staged: Option<Staged>,
}

/// What the hub's panel added and the cloud has not sequenced.
#[derive(Clone, Debug)]
struct Staged {
    state: ChainState,
    ops: Vec<Vec<u8>>,
    changes: Vec<StagedChange>,
}

#[derive(Clone, Debug)]
struct Accepted {
    state: ChainState,
    head: Head,
}

/// A bundle that was found good and does not count yet: first write it down.
#[derive(Clone, Debug)]
pub struct Checked {
    base: Option<u64>,
    accepted: Accepted,
    proves_fresh: bool,
}

impl Checked {
    /// The chain's end with this bundle.
    pub fn seq(&self) -> u64 {
        self.accepted.head.seq
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.accepted.head
    }

    /// Whether the head answers the hub's nonce, so that its `iat` is a trustworthy lower bound of now.
    pub fn proves_fresh(&self) -> bool {
        self.proves_fresh
    }
}

impl HubChain {
    /// A hub that was just paired and has seen nothing yet.
    pub fn pinned(home: HomeId, hub: HubId, genesis: Hash32) -> Self {
        Self { home, hub, genesis, accepted: None, staged: None }
    }

    /// What the hub had written down, verified once more but for the head's time.
    pub fn restore<B: AsRef<[u8]>>(
        home: HomeId,
        hub: HubId,
        genesis: Hash32,
        ops: impl IntoIterator<Item = B>,
        head: &[u8],
    ) -> Result<Self, VerifyError> {
        let mut chain = Self::pinned(home, hub, genesis);
        let state = chain.grow(ops)?;
        let head = chain.head_covering(&state, head)?;
        chain.accepted = Some(Accepted { state, head });
        Ok(chain)
    }

    /// The chain as accepted; `None` before the first bundle.
    pub fn state(&self) -> Option<&ChainState> {
        self.accepted.as_ref().map(|a| &a.state)
    }

    /// The newest accepted head.
    pub fn head(&self) -> Option<&Head> {
        self.accepted.as_ref().map(|a| &a.head)
    }

    /// The home.
    pub fn home(&self) -> &HomeId {
        &self.home
    }

    /// The hub itself.
    pub fn hub(&self) -> &HubId {
        &self.hub
    }

    /// The state with these ops on top.
    fn grow<B: AsRef<[u8]>>(&self, ops: impl IntoIterator<Item = B>) -> Result<ChainState, VerifyError> {
        let mut ops = ops.into_iter();
        let mut state = match &self.accepted {
            Some(accepted) => accepted.state.clone(),
            None => {
                let first = ops.next().ok_or(BundleError::Incomplete)?;
                let state = ChainState::genesis(first.as_ref())?;
                if state.genesis_hash() != self.genesis || state.home() != &self.home {
                    return Err(BundleError::WrongGenesis.into());
                }
                state
            }
        };
        for op in ops {
            state.extend(op.as_ref())?;
        }
        Ok(state)
    }

    /// The head, if the state's own issuer signed it for this hub and it names exactly the state's end.
    fn head_covering(&self, state: &ChainState, bytes: &[u8]) -> Result<Head, VerifyError> {
        let head = Head::verify(bytes, state.issuer())?;
        if crate::defect!(SkipHeadCheck) {
            return Ok(head);
        }
        head.check_audience(&self.home, &self.hub)?;
        if head.seq > state.seq() {
            return Err(BundleError::Incomplete.into());
        }
        if crate::defect!(AcceptRollback) && head.seq < state.seq() {
            return Ok(head);
        }
        if head.seq < state.seq() {
            return Err(BundleError::Rollback.into());
        }
        if head.head_hash != state.hash() {
            return Err(BundleError::Fork.into());
        }
        Ok(head)
    }

    /// Decides about a bundle. `nonce` is what the hub sent with its question, if anything.
    pub fn check(&self, bundle: &Bundle, now: Now, nonce: Option<&Nonce>) -> Result<Checked, VerifyError> {
        if bundle.ops.len() > limits::MAX_BUNDLE_OPS {
            return Err(BundleError::TooMany.into());
        }
        let ops = bundle.ops.iter().map(|op| &op.0);
        let state = self.grow(ops).map_err(|e| self.explain_gap(e, bundle))?;
        let head = self.head_covering(&state, &bundle.head)?;
        // An answer to our own nonce is newer than anything before, even if an earlier one was dated ahead.
        if !crate::defect!(AcceptRollback)
            && head.nonce.is_none()
            && self.head().is_some_and(|last| head.issued_at < last.issued_at)
        {
            return Err(HeadError::Rollback.into());
        }
        let proves_fresh = match (nonce, head.nonce) {
            (Some(asked), Some(answered)) if *asked == answered => true,
            _ if crate::defect!(AcceptRollback) => false,
            (Some(_), _) | (None, Some(_)) => return Err(HeadError::WrongNonce.into()),
            (None, None) => false,
        };
        match now {
            Now::Known(now) => head.check_time(now)?,
            Now::Unknown if proves_fresh => {}
            Now::Unknown => return Err(BundleError::NoFreshness.into()),
        }
        let base = self.state().map(ChainState::seq);
        Ok(Checked { base, accepted: Accepted { state, head }, proves_fresh })
    }

    /// An op that does not follow is an accident if it merely repeats what is known, and an alarm if it contradicts it.
    fn explain_gap(&self, e: VerifyError, bundle: &Bundle) -> VerifyError {
        let first = bundle.ops.first().and_then(|op| super::SignedOp::parse(op).ok());
        match (self.state(), first) {
            (Some(state), Some(first))
                if e == VerifyError::Op(ChainError::Gap) && first.claimed().seq != state.seq() + 1 =>
            {
                BundleError::Overlap.into()
            }
            _ => e,
        }
    }

    /// Makes a checked bundle count. To be called once it is written down.
    pub fn commit(&mut self, checked: Checked) -> Result<(), VerifyError> {
        if checked.base != self.state().map(ChainState::seq) {
            return Err(BundleError::Outdated.into());
        }
        self.accepted = Some(checked.accepted);
        // What was staged lay on the old end; the hub stages it again.
        self.staged = None;
        Ok(())
    }

    /// Puts changes that were made at this hub's own panel on top of the chain: newly made ones, those from the
    /// ledger after a restart, and all of them again after each [`HubChain::commit`]. Replaces what was staged;
    /// [`HubChain::staged`] then says what is to be kept, and the answer what was dropped and why.
    pub fn stage(&mut self, changes: Vec<StagedChange>, keys: &Keys) -> Vec<Conflict> {
        let Some(accepted) = &self.accepted else { return vec![] };
        let overlay = staged::overlay(&accepted.state, changes, keys);
        self.staged = (!overlay.kept.is_empty()).then_some(Staged {
            state: overlay.state,
            ops: overlay.ops,
            changes: overlay.kept,
        });
        overlay.conflicts
    }

    /// The changes that wait to be sequenced.
    pub fn staged(&self) -> &[StagedChange] {
        self.staged.as_ref().map_or(&[], |staged| &staged.changes)
    }

    /// The same as signed ops, to be submitted in this order.
    pub fn staged_ops(&self) -> &[Vec<u8>] {
        self.staged.as_ref().map_or(&[], |staged| &staged.ops)
    }

    /// The chain with what is staged on top; `None` before the first bundle.
    pub fn effective(&self) -> Option<&ChainState> {
        self.staged.as_ref().map(|staged| &staged.state).or(self.state())
    }

    /// Every grant that counts for this hub: covered by a head, or staged by the hub itself. None before the first
    /// bundle, and none once the hub was removed.
    pub fn grants(&self) -> impl Iterator<Item = VerifiedGrant<'_>> {
        let in_force = self.in_force();
        in_force.into_iter().flat_map(|f| f.state.grants().values().map(move |entry| f.verified(entry)))
    }

    /// The grant of this id, if it counts for this hub.
    pub fn grant(&self, id: &GrantId) -> Option<VerifiedGrant<'_>> {
        let in_force = self.in_force()?;
        in_force.state.grants().get(id).map(|entry| in_force.verified(entry))
    }

    fn in_force(&self) -> Option<InForce<'_>> {
        let is_in = |a: &&Accepted| a.state.hubs().contains_key(&self.hub) || crate::defect!(RemovalIgnored);
        let accepted = self.accepted.as_ref().filter(is_in)?;
        Some(InForce { head: &accepted.head, state: self.effective()? })
    }
}

/// What counts now: the chain with what is staged, under the newest accepted head.
#[derive(Clone, Copy)]
struct InForce<'a> {
    head: &'a Head,
    state: &'a ChainState,
}

impl<'a> InForce<'a> {
    fn verified(&self, entry: &'a GrantEntry) -> VerifiedGrant<'a> {
        let policy = self.state.policy();
        let grace_ends = self.head.issued_at.saturating_add(policy.offline_grace);
        let holds_until =
            (entry.grant.kind == GrantKind::Guest && !crate::defect!(GraceForgotten)).then_some(grace_ends);
        VerifiedGrant { entry, home: self.state.home(), policy, holds_until }
    }
}

/// A grant that is authorised by the chain, covered by a head and not revoked. Nothing else may lead to a PIN on a
/// lock. Its fields are private: only this module makes one.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedGrant<'a> {
    entry: &'a GrantEntry,
    home: &'a HomeId,
    policy: &'a Policy,
    holds_until: Option<Timestamp>,
}

impl<'a> VerifiedGrant<'a> {
    /// The grant.
    pub fn grant(&self) -> &'a Grant {
        &self.entry.grant
    }

    /// The op that put it.
    pub fn seq(&self) -> u64 {
        self.entry.seq
    }

    /// Until when it counts without a fresher head; `None` for no limit.
    pub fn holds_until(&self) -> Option<Timestamp> {
        self.holds_until
    }

    /// When it opens by its own terms and the home's: what a lock that keeps hours by itself is told.
    pub fn own_validity(&self, first_used: Option<Timestamp>) -> Validity {
        let validity = self.policy.validity(self.grant());
        match first_used {
            Some(at) => validity.first_used(at),
            None => validity,
        }
    }

    /// When it opens: the home's quiet days, its first use if there was one, and the offline grace included.
    pub fn validity(&self, first_used: Option<Timestamp>) -> Validity {
        let validity = self.own_validity(first_used);
        match self.holds_until {
            Some(until) => validity.ending(until),
            None => validity,
        }
    }

    /// How it stands at `t`. `first_used` is when it was first used, if it was.
    pub fn state_at(&self, t: Timestamp, first_used: Option<Timestamp>, zone: &dyn Zone) -> Moment {
        match self.validity(first_used).state_at(t, zone) {
            // The next head prolongs the grace: that it opens only after its present end makes it no less wanted.
            Moment::NotYet { opens: None } | Moment::OutsideHours { opens: None } => {
                self.own_validity(first_used).state_at(t, zone)
            }
            moment => moment,
        }
    }

    /// The next instant after `t` at which [`VerifiedGrant::state_at`] may answer otherwise.
    pub fn next_transition(
        &self,
        t: Timestamp,
        first_used: Option<Timestamp>,
        zone: &dyn Zone,
    ) -> Option<Timestamp> {
        self.validity(first_used).next_transition(t, zone)
    }

    /// What tells the validity that a lock is given from another.
    pub(crate) fn schedule_tag(&self, first_used: Option<Timestamp>) -> u32 {
        self.own_validity(first_used).tag(&self.policy.zone)
    }

    /// Opens its PIN.
    pub fn open_pin(&self, key: &HomeKey) -> Result<Pin, SealedError> {
        let grant = self.grant();
        let binding = Binding { home: self.home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        grant.pin.open(&binding, key)
    }
}
