//! Every PIN that there ever was in the home, and whose it was: none is used a second time.

use hmac::{Hmac, KeyInit, Mac};
use latchkey_shared::id::{GrantId, HubMark, LockId};
use latchkey_shared::pin::Pin;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Which grant used a PIN first. In memory only; found by a keyed hash, so that finding takes the same time for all.
pub(super) struct UsedPins {
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) first: BTreeMap<[u8; 32], FirstUse>,
    /// Revisions that went back to a PIN that was used before.
    pub(super) again: BTreeSet<(GrantId, u32)>,
    /// PINs that only changes made at the panel have.
    pub(super) staged: BTreeMap<[u8; 32], (Pin, GrantId)>,
}

/// A PIN, the grant that used it first, and its revisions with that PIN, without a break between them.
pub(super) struct FirstUse {
    pub(super) pin: Pin,
    /// How many PINs the chain had before.
    place: usize,
    pub(super) grant: GrantId,
    pub(super) since: u32,
    pub(super) newest: u32,
    /// The hubs at whose locks the grant was to be with it.
    pub(super) hubs: BTreeSet<HubMark>,
}

impl UsedPins {
    pub(super) fn tag(&self, pin: &Pin) -> Option<[u8; 32]> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.key).ok()?;
        mac.update(pin.expose().as_bytes());
        Some(mac.finalize().into_bytes().into())
    }

    /// A revision in the chain has this PIN, for these locks.
    pub(super) fn note(&mut self, pin: &Pin, grant: GrantId, rev: u32, locks: &[LockId]) {
        let Some(tag) = self.tag(pin) else { return };
        let place = self.first.len();
        let hubs = BTreeSet::new();
        let new = || FirstUse { pin: pin.clone(), place, grant, since: rev, newest: rev, hubs };
        let first = self.first.entry(tag).or_insert_with(new);
        if first.grant == grant && (first.newest == rev || first.newest.saturating_add(1) == rev) {
            first.newest = rev;
            first.hubs.extend(locks.iter().map(LockId::mark));
        } else {
            self.again.insert((grant, rev));
        }
    }

    /// A change made at the panel has this PIN.
    pub(super) fn note_staged(&mut self, pin: &Pin, grant: GrantId) {
        if let Some(tag) = self.tag(pin).filter(|tag| !self.first.contains_key(tag)) {
            self.staged.entry(tag).or_insert_with(|| (pin.clone(), grant));
        }
    }

    /// Tells which of two PINs the chain had first.
    pub(super) fn place(&self, pin: &Pin) -> Option<usize> {
        self.first.get(&self.tag(pin)?).map(|first| first.place)
    }

    pub(super) fn first_user(&self, pin: &Pin) -> Option<GrantId> {
        let tag = self.tag(pin)?;
        let first = self.first.get(&tag).map(|first| first.grant);
        first.or_else(|| self.staged.get(&tag).map(|(_, grant)| *grant))
    }
}
