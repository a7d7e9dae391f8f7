//! What the hub believes, and the PINs that follow from it. PINs live in memory only and are wiped when dropped.

use super::change::UseRecord;
use super::slot_state::{Slot, Standing};
use super::used_pins::UsedPins;
use latchkey_shared::chain::staged::{Conflict, StagedChange};
use latchkey_shared::chain::verify::{Checked, HubChain, Now as Known, VerifiedGrant, VerifyError};
use latchkey_shared::chain::{Body, ChainState, SignedOp};
use latchkey_shared::explain::FailWhy;
use latchkey_shared::grant::Grant;
use latchkey_shared::head::Bundle;
use latchkey_shared::id::{GrantId, Hash32, HomeId, HubId, HubMark, LockId, Nonce};
use latchkey_shared::keys::{HomeKey, Keys};
use latchkey_shared::pin::{Digits, Pin};
use latchkey_shared::plan::{DesiredSlot, End, Timing};
use latchkey_shared::schedule::{Moment, Validity};
use latchkey_shared::sealed::{Binding, SealedPin};
use latchkey_shared::slot::{LockAbilities, Owner, SlotContent};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{FixedZone, TzZone, Zone, ZoneName};
use rand_core::CryptoRng;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// To which home the hub belongs: what pairing brought, for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Belonging {
    /// The home.
    pub home: HomeId,
    /// This hub.
    pub hub: HubId,
    /// The hash of the home's first op.
    pub genesis: Hash32,
}

/// The chain, the keys, and what they open.
pub struct Trust {
    chain: HubChain,
    keys: Keys,
    home_keys: BTreeMap<u32, HomeKey>,
    /// By grant: the revision and its PIN, or why there is none.
    pins: BTreeMap<GrantId, (u32, Result<Pin, FailWhy>)>,
    used: UsedPins,
    /// What people call or called a code, also once it is revoked.
    labels: BTreeMap<GrantId, String>,
    zone: Option<TzZone>,
    /// Nothing counts any more: the hub leaves its home.
    released: bool,
}

impl Trust {
    /// From what the ledger holds, verified again. `process_key` is random, made anew by each process.
    pub fn restore(
        belonging: &Belonging,
        keys: Keys,
        ops: &[Vec<u8>],
        head: Option<&[u8]>,
        process_key: [u8; 32],
    ) -> Result<Self, VerifyError> {
        let Belonging { home, hub, genesis } = *belonging;
        let chain = match head {
            Some(head) => match HubChain::restore(home, hub, genesis, ops, head) {
                Err(_) if latchkey_shared::defect!(DamageAccepted) => HubChain::pinned(home, hub, genesis),
                chain => chain?,
            },
            None => HubChain::pinned(home, hub, genesis),
        };
        let used = UsedPins {
            key: Zeroizing::new(process_key),
            first: BTreeMap::new(),
            again: BTreeSet::new(),
            staged: BTreeMap::new(),
        };
        let mut trust = Self {
            chain,
            keys,
            home_keys: BTreeMap::new(),
            pins: BTreeMap::new(),
            used,
            labels: BTreeMap::new(),
            zone: None,
            released: false,
        };
        trust.refresh(ops);
        Ok(trust)
    }

    /// Decides about a bundle. Changes nothing.
    pub fn check(&self, bundle: &Bundle, time: Known, nonce: Option<&Nonce>) -> Result<Checked, VerifyError> {
        self.chain.check(bundle, time, nonce)
    }

    /// Makes a checked bundle count, once it is on disk.
    pub fn commit(&mut self, checked: Checked, ops: &[Vec<u8>]) -> Result<(), VerifyError> {
        self.chain.commit(checked)?;
        self.refresh(ops);
        Ok(())
    }

    /// Opens what the new ops brought.
    fn refresh(&mut self, new_ops: &[Vec<u8>]) {
        let Some(state) = self.chain.state() else { return };
        self.zone = TzZone::by_name(&state.policy().zone);
        for wrap in state.wraps_for(self.keys.id()) {
            let Some(public) = state.epoch_public(wrap.epoch) else { continue };
            if !self.home_keys.contains_key(&wrap.epoch)
                && let Ok(key) = HomeKey::unwrap(state.home(), &wrap, public, &self.keys)
            {
                self.home_keys.insert(wrap.epoch, key);
            }
        }
        let home = *state.home();
        let mut opened: BTreeMap<GrantId, (Grant, Pin)> = BTreeMap::new();
        for op in new_ops.iter().filter_map(|bytes| SignedOp::parse(bytes).ok()) {
            let Body::PutGrant(grant) = &op.claimed().body else { continue };
            self.labels.insert(grant.id, grant.label.clone());
            if let Some(pin) = open(&self.home_keys, &home, grant) {
                self.used.note(&pin, grant.id, grant.rev, &grant.locks);
                opened.insert(grant.id, (grant.clone(), pin));
            }
        }
        self.used.staged.clear();
        for change in self.chain.staged() {
            let Body::PutGrant(grant) = &change.body else { continue };
            self.labels.insert(grant.id, grant.label.clone());
            if let Some(pin) = open(&self.home_keys, &home, grant) {
                self.used.note_staged(&pin, grant.id);
            }
        }
        let mut pins = BTreeMap::new();
        for verified in self.chain.grants() {
            let (id, rev) = (verified.grant().id, verified.grant().rev);
            let pin = match self.pins.remove(&id) {
                Some((known, Ok(pin))) if known == rev && self.used.first_user(&pin) == Some(id) => Ok(pin),
                _ => self.admit(&verified, opened.remove(&id)),
            };
            pins.insert(id, (rev, pin));
        }
        self.pins = pins;
    }

    /// A grant's PIN, unless another grant used it before. `opened` is what was just opened for it: opening is what takes
    /// most of a start.
    fn admit(&self, verified: &VerifiedGrant<'_>, opened: Option<(Grant, Pin)>) -> Result<Pin, FailWhy> {
        let pin = match opened.filter(|(grant, _)| grant == verified.grant()) {
            Some((_, pin)) => pin,
            None => {
                let key = self.home_keys.get(&verified.grant().pin.epoch).ok_or(FailWhy::NotSealedForHub)?;
                verified.open_pin(key).map_err(|_| FailWhy::NotSealedForHub)?
            }
        };
        let Grant { id, rev, .. } = verified.grant();
        match self.used.first_user(&pin) {
            Some(first) if first != *id && !latchkey_shared::defect!(DuplicateAccepted) => {
                Err(self.taken_by(first))
            }
            _ if self.used.again.contains(&(*id, *rev)) && !latchkey_shared::defect!(DuplicateAccepted) => {
                Err(FailWhy::UsedBefore)
            }
            _ => Ok(pin),
        }
    }

    /// Why a PIN that this grant used first is refused to another.
    fn taken_by(&self, first: GrantId) -> FailWhy {
        let heard = self.chain.head().map(|head| head.issued_at);
        let live = self.grant(first).is_some_and(|grant| grant.end().is_none_or(|end| Some(end) > heard));
        if live { FailWhy::Duplicate } else { FailWhy::UsedBefore }
    }

    /// The grant that used a PIN first, and the newest of its revisions that has it: if this hub, or one that the home
    /// has no more, may have put it on a lock. What only other hubs of the home were to put is theirs.
    pub fn left_to_us(&self, pin: &Pin) -> Option<(GrantId, u32)> {
        let tag = self.used.tag(pin)?;
        let hubs = self.state()?.hubs();
        let others = |mark: &HubMark| hubs.keys().any(|hub| hub.mark() == *mark && hub != self.chain.hub());
        let first = self.used.first.get(&tag)?;
        first.hubs.iter().any(|mark| !others(mark)).then_some((first.grant, first.newest))
    }

    /// Whether the home had another hub once.
    pub fn lost_a_hub(&self) -> bool {
        self.state().is_some_and(ChainState::lost_a_hub)
    }

    /// Whether this hub was removed from its home.
    pub fn removed(&self) -> bool {
        self.state().is_some_and(|state| !state.hubs().contains_key(self.chain.hub()))
    }

    /// Whether a PIN is, or was, one of the home's, be it only at the panel.
    pub fn is_ours(&self, pin: &Pin) -> bool {
        self.used.first_user(pin).is_some()
    }

    /// Whether a PIN is, or was, this grant's.
    pub fn is_of(&self, pin: &Pin, grant: GrantId) -> bool {
        self.used.first_user(pin) == Some(grant)
    }

    /// Whether every PIN that a grant ever had is known: of one that only the panel knew, none may be left.
    pub fn knows_pins_of(&self, grant: GrantId) -> bool {
        self.used.first.values().any(|first| first.grant == grant)
    }

    /// Whether the home has another hub.
    pub fn company(&self) -> bool {
        self.state().is_some_and(|state| state.hubs().keys().any(|hub| hub != self.chain.hub()))
    }

    /// From which end of a lock this hub takes slots: the home's first from the lowest on, its second from the highest. So
    /// two that look after one lock do not get in each other's way.
    pub fn end(&self) -> End {
        let Some(state) = self.state() else { return End::Low };
        let me = state.hubs().get(self.chain.hub()).map(|hub| hub.seq);
        let before = state.hubs().values().filter(|hub| me.is_some_and(|me| hub.seq < me)).count();
        if before % 2 == 0 { End::Low } else { End::High }
    }

    /// Every PIN that there ever was in the home, as far as this hub could read, and which grant used it first.
    pub fn all_pins(&self) -> impl Iterator<Item = (&Pin, GrantId)> {
        let staged = self.used.staged.values().map(|(pin, grant)| (pin, *grant));
        self.used.first.values().map(|first| (&first.pin, first.grant)).chain(staged)
    }

    /// Whether a grant has had the PIN that it has now since this revision.
    pub fn same_pin_since(&self, grant: GrantId, rev: u32) -> bool {
        let Some(pin) = self.pins.get(&grant).and_then(|(_, pin)| pin.as_ref().ok()) else { return false };
        let Some(tag) = self.used.tag(pin) else { return false };
        match self.used.first.get(&tag) {
            Some(first) => first.grant == grant && (first.since..=first.newest).contains(&rev),
            // At the panel no PIN is changed.
            None => self.used.staged.get(&tag).is_some_and(|(_, theirs)| *theirs == grant),
        }
    }

    /// What people call or called each code.
    pub fn labels(&self) -> &BTreeMap<GrantId, String> {
        &self.labels
    }

    /// The home keys that this hub has.
    pub fn home_keys(&self) -> Vec<HomeKey> {
        self.home_keys.values().cloned().collect()
    }

    /// Changes made at the panel that the chain does not have yet.
    pub fn staged(&self) -> &[StagedChange] {
        self.chain.staged()
    }

    /// The same as signed ops, in order.
    pub fn staged_ops(&self) -> &[Vec<u8>] {
        self.chain.staged_ops()
    }

    /// Puts changes made at the panel on top of the chain, in place of what was staged. PINs are sealed anew where the
    /// home key changed meanwhile. What does not fit comes back.
    pub fn stage(&mut self, mut changes: Vec<StagedChange>, rng: &mut impl CryptoRng) -> Vec<Conflict> {
        let Some(state) = self.chain.state() else { return vec![] };
        let (home, epoch) = (*state.home(), state.epoch());
        for change in &mut changes {
            let Body::PutGrant(grant) = &mut change.body else { continue };
            if grant.pin.epoch == epoch.number {
                continue;
            }
            let Some(pin) = open(&self.home_keys, &home, grant) else { continue };
            let binding = Binding { home: &home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
            if let Ok(sealed) = SealedPin::seal(&pin, &binding, epoch.number, &epoch.public, rng) {
                grant.pin = sealed;
            }
        }
        let conflicts = self.chain.stage(changes, &self.keys);
        self.refresh(&[]);
        conflicts
    }

    /// The changes made at the panel without those that these new ops are: the cloud has sequenced them.
    pub fn not_in(&self, ops: &[Vec<u8>]) -> Vec<StagedChange> {
        let mut staged = self.staged().to_vec();
        for op in ops.iter().filter_map(|bytes| SignedOp::parse(bytes).ok()) {
            let said = op.claimed();
            if op.kid() == self.keys.id()
                && let Some(at) =
                    staged.iter().position(|change| change.body == said.body && change.iat == said.iat)
            {
                staged.remove(at);
            }
        }
        staged
    }

    /// The chain with what was changed at the panel on top.
    pub fn effective(&self) -> Option<&ChainState> {
        self.chain.effective()
    }

    /// The chain as accepted.
    pub fn state(&self) -> Option<&ChainState> {
        self.chain.state()
    }

    /// The chain with its head.
    pub fn chain(&self) -> &HubChain {
        &self.chain
    }

    /// This hub's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The home's zone; `None` before the first bundle, or if its name is not known here.
    pub fn zone(&self) -> Option<&TzZone> {
        self.zone.as_ref()
    }

    /// A grant's PIN and revision.
    pub fn pin(&self, grant: GrantId) -> Option<(u32, Pin)> {
        self.pins.get(&grant).and_then(|(rev, pin)| pin.as_ref().ok().map(|pin| (*rev, pin.clone())))
    }

    /// A grant as it is now, with what was changed at the panel.
    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.effective().and_then(|s| s.grants().get(&id)).map(|entry| &entry.grant)
    }

    /// The validity to give to a lock that keeps hours by itself.
    pub fn lock_validity(&self, id: GrantId, first_used: Option<Timestamp>) -> Option<Validity> {
        self.chain.grant(&id).map(|verified| verified.own_validity(first_used))
    }

    /// How a grant stands at `t`; `noticed` is when its end was noticed, for those that say no time themselves.
    pub fn standing(
        &self,
        id: GrantId,
        uses: Option<UseRecord>,
        t: Timestamp,
        noticed: Timestamp,
    ) -> Standing {
        let verified = self.chain.grant(&id).filter(|_| !self.released);
        let Some(verified) = verified else { return Standing::Revoked(noticed) };
        if verified.grant().uses.is_some_and(|most| uses.is_some_and(|uses| used_up(uses.count, most))) {
            return Standing::Over(noticed);
        }
        match verified.state_at(t, uses.map(|uses| uses.first), self.rules()) {
            Moment::Over { since } => Standing::Over(since),
            // Its hours cannot be told without the zone's rules.
            Moment::Suspended => Standing::Live(Moment::Suspended),
            _ if self.lacks_zone(&verified) => Standing::Live(Moment::NotYet { opens: None }),
            moment => Standing::Live(moment),
        }
    }

    /// From now on no grant counts.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// The zone's rules. Without them UTC, which is as good for whatever does not go by the clock on the wall.
    fn rules(&self) -> &dyn Zone {
        self.zone.as_ref().map_or(&FixedZone::UTC, |zone| zone)
    }

    /// Whether a grant goes by the clock on the wall, of a zone whose rules this hub does not have.
    fn lacks_zone(&self, verified: &VerifiedGrant<'_>) -> bool {
        let local = || verified.own_validity(None).needs_zone();
        self.zone.is_none() && local()
    }

    /// The name of the home's zone, if this hub does not have its rules.
    pub fn unknown_zone(&self) -> Option<&ZoneName> {
        self.state().map(|state| &state.policy().zone).filter(|_| self.zone.is_none())
    }

    /// What belongs on a lock at `t`.
    pub fn desired(
        &self,
        lock: LockId,
        t: Timestamp,
        uses: &dyn Fn(GrantId) -> Option<UseRecord>,
        facts: &LockFacts<'_>,
    ) -> Desired {
        let mut desired = Desired::default();
        if self.released {
            return desired;
        }
        let zone = self.rules();
        for verified in self.chain.grants().filter(|v| v.grant().locks.binary_search(&lock).is_ok()) {
            let grant = verified.grant();
            let uses = uses(grant.id);
            let first_used = uses.map(|uses| uses.first);
            let next = verified.next_transition(t, first_used, zone);
            desired.change = [desired.change, next].into_iter().flatten().min();
            if grant.uses.is_some_and(|most| uses.is_some_and(|uses| used_up(uses.count, most))) {
                continue;
            }
            let slot = DesiredSlot::from_verified(&verified, t, first_used, zone);
            match (self.obstacle(grant.id, lock, facts), slot) {
                (None, slot) => desired.slots.extend(slot),
                (Some(FailWhy::DuplicateByHand), Some(slot)) if slot.timing() == Timing::Now => {
                    desired.kept_off.push(grant.id);
                }
                (Some(_), _) => {}
            }
        }
        desired
    }

    /// What keeps a grant off a lock for good, as far as can be told without asking the lock.
    pub fn obstacle(&self, id: GrantId, lock: LockId, facts: &LockFacts<'_>) -> Option<FailWhy> {
        let (_, pin) = self.pins.get(&id)?;
        let pin = match pin {
            Ok(pin) => pin,
            Err(why) => return Some(*why),
        };
        if self.chain.grant(&id).is_some_and(|verified| self.lacks_zone(&verified)) {
            return Some(FailWhy::ZoneUnknown);
        }
        let abilities = facts.abilities?;
        let length = pin.digit_count();
        let fits = (abilities.pin_min..=abilities.pin_max).contains(&length)
            && abilities.one_length.is_none_or(|only| only == length)
            && pin.typed_with(abilities.digits.unwrap_or(Digits::ALL));
        if !fits {
            return Some(FailWhy::RejectedByLock);
        }
        if !abilities.tells_uses && self.grant(id).is_some_and(Grant::counts_uses) {
            return Some(FailWhy::Uncounted);
        }
        let clash = |other: &Pin| other == pin || (abilities.paired_digits && other.same_on_paired_keys(pin));
        if !facts.holds.contains(&id) && facts.foreign.iter().any(|other| clash(other)) {
            return Some(FailWhy::DuplicateByHand);
        }
        let twin = abilities.paired_digits && self.has_earlier_twin(id, pin, lock);
        twin.then_some(FailWhy::Duplicate)
    }

    /// Of two PINs that are the same on a keypad with two digits on each key, the one that was first stays.
    fn has_earlier_twin(&self, id: GrantId, pin: &Pin, lock: LockId) -> bool {
        // Not by the grants' own ops: each edit is a new one.
        let seq = |id: &GrantId| self.effective().and_then(|s| s.grants().get(id)).map(|e| e.seq);
        let place = |id: &GrantId, pin: &Pin| (self.used.place(pin).unwrap_or(usize::MAX), seq(id), *id);
        let here = |id: &GrantId| self.grant(*id).is_some_and(|g| g.locks.binary_search(&lock).is_ok());
        self.pins.iter().any(|(other, (_, theirs))| {
            *other != id
                && theirs.as_ref().is_ok_and(|theirs| theirs.same_on_paired_keys(pin))
                && here(other)
                && theirs.as_ref().is_ok_and(|theirs| place(other, theirs) < place(&id, pin))
        })
    }
}

/// What belongs on a lock.
#[derive(Debug, Default)]
pub struct Desired {
    /// The codes.
    pub slots: Vec<DesiredSlot<GrantId>>,
    /// Codes that would be on it now, but for a PIN that was seen in a slot that is not Latchkey's.
    pub kept_off: Vec<GrantId>,
    /// When any of it may next change.
    pub change: Option<Timestamp>,
}

/// What was seen at a lock, as far as it decides which grants can be on it.
pub struct LockFacts<'a> {
    /// What it can do, once observed.
    pub abilities: Option<&'a LockAbilities>,
    /// PINs in slots that are not Latchkey's, where they can be read.
    pub foreign: Vec<&'a Pin>,
    /// Grants whose PIN may be on it now.
    pub holds: BTreeSet<GrantId>,
}

impl<'a> LockFacts<'a> {
    /// Of a lock with these slots.
    pub fn of(abilities: Option<&'a LockAbilities>, slots: impl Iterator<Item = &'a Slot> + Clone) -> Self {
        let foreign =
            slots.clone().filter(|s| s.owner == Owner::Unmanaged).filter_map(|s| match &s.content {
                SlotContent::Pin(pin) => Some(pin),
                _ => None,
            });
        let holds = slots.clone().filter(|s| s.may_hold_ours()).filter_map(|s| s.owner.grant());
        Self { abilities, foreign: foreign.collect(), holds: holds.collect() }
    }
}

/// Whether a code was used as often as it may be.
fn used_up(count: u32, most: u32) -> bool {
    if latchkey_shared::defect!(UsesOffByOne) { count > most } else { count >= most }
}

fn open(keys: &BTreeMap<u32, HomeKey>, home: &HomeId, grant: &Grant) -> Option<Pin> {
    let binding = Binding { home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
    grant.pin.open(&binding, keys.get(&grant.pin.epoch)?).ok()
}
