//! A home as one member sees it: the chain, verified from its first op on and held against what was seen before; the
//! hubs' reports, each checked against the key that the chain gives its hub; and the home keys that the member has.

use crate::api::{HubSeen, Snapshot};
use crate::chain::{Body, ChainError, ChainState, Op, Signature, SignedOp, Touched};
use crate::compose::Composer;
use crate::error::{Coded, coded_error};
use crate::explain::{Code, Facts, HubContact, Place, Seen as Reported};
use crate::grant::Grant;
use crate::id::{GrantId, Hash32, HomeId, HubId, KeyId, LockId};
use crate::keys::{HomeKey, Keys};
use crate::report::Report;
use crate::schedule::Style;
use crate::time::Timestamp;
use crate::trouble::{Trouble, TroubleInput, troubles};
use crate::wire::cbor::Blob;
use crate::zone::Zone;
use alloc::rc::Rc;
use core::fmt;
use litemap::LiteMap;

coded_error! {
    /// Why what the server shows must not be trusted.
    pub enum Alarm {
        Rollback = "home.rollback", "The server shows an older history of this home than was seen here before. Change nothing and share no codes. Compare with another device before you go on.";
        Fork = "home.fork", "The server shows another history of this home than was seen here before. Change nothing and share no codes. Compare with another device before you go on.";
    }
}

/// Why there is no home to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ViewError {
    /// It contradicts what was seen before.
    Alarm(Alarm),
    /// It does not verify.
    Chain(ChainError),
}

impl ViewError {
    fn coded(&self) -> &dyn Coded {
        match self {
            Self::Alarm(e) => e,
            Self::Chain(e) => e,
        }
    }
}

impl Coded for ViewError {
    fn code(&self) -> &'static str {
        self.coded().code()
    }

    fn hint(&self) -> &'static str {
        self.coded().hint()
    }
}

impl From<ChainError> for ViewError {
    fn from(e: ChainError) -> Self {
        match e {
            ChainError::Fork => Self::Alarm(Alarm::Fork),
            e => Self::Chain(e),
        }
    }
}

/// What was seen of a home: to be kept, and given back the next time. As text `<genesis> <seq> <hash>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The first op's hash.
    pub genesis: Hash32,
    /// The newest op's number.
    pub seq: u64,
    /// The newest op's hash.
    pub hash: Hash32,
}

impl Seen {
    /// Of this chain.
    pub fn of(chain: &ChainState) -> Self {
        Self { genesis: chain.genesis_hash(), seq: chain.seq(), hash: chain.hash() }
    }

    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_whitespace();
        let genesis = Hash32::parse(parts.next()?).ok()?;
        let seq = parts.next()?.parse().ok()?;
        let hash = Hash32::parse(parts.next()?).ok()?;
        parts.next().is_none().then_some(Self { genesis, seq, hash })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.genesis, self.seq, self.hash)
    }
}

/// A grant that was put, with what the chain says about its signing.
#[derive(Clone, Debug)]
pub struct Put {
    /// The newest revision.
    pub grant: Grant,
    /// Who signed it.
    pub signer: KeyId,
    /// The op that put it.
    pub put: Place,
    /// The op that revoked it, if one did.
    pub revoked: Option<Place>,
}

/// A home, verified. Cheap to clone: what grows with the home's age is shared.
#[derive(Clone, Debug)]
pub struct HomeView {
    /// The chain.
    pub chain: ChainState,
    /// Every grant that ever was, revoked ones too.
    pub grants: LiteMap<GrantId, Rc<Put>>,
    /// The newest report of each lock.
    pub reports: LiteMap<LockId, Report>,
    /// The hubs as the server sees them.
    pub hubs: LiteMap<HubId, HubSeen>,
    /// The hash of every op, by its number.
    hashes: Rc<Vec<Hash32>>,
    /// Every op as it was signed, by its number.
    ops: Rc<Vec<Rc<Blob>>>,
    /// The reports as the hubs signed them.
    signed_reports: LiteMap<LockId, Rc<Blob>>,
}

/// A home that is verified op by op, while it arrives.
#[derive(Clone, Debug)]
pub struct Opening {
    id: HomeId,
    view: Option<HomeView>,
}

impl Opening {
    /// Nothing has arrived.
    pub fn new(id: HomeId) -> Self {
        Self { id, view: None }
    }

    /// Verifies the next op.
    pub fn take(&mut self, op: &Blob) -> Result<(), ViewError> {
        self.take_op(op, Signature::Verify).map_err(ViewError::from)
    }

    fn take_op(&mut self, op: &Blob, signature: Signature) -> Result<(), ChainError> {
        match &mut self.view {
            Some(view) => view.take_op(op, signature),
            none => {
                *none = Some(HomeView::begin(&self.id, op)?);
                Ok(())
            }
        }
    }

    /// All has arrived: verifies what was not taken yet, and that it is the home that was seen before.
    pub fn finish(mut self, snapshot: &Snapshot, seen: Option<&Seen>) -> Result<HomeView, ViewError> {
        let taken = self.view.as_ref().map_or(0, |view| view.ops.len());
        let same = self.view.iter().flat_map(|view| &*view.ops).zip(&snapshot.ops).all(|(a, b)| **a == *b);
        if !same || taken > snapshot.ops.len() {
            return Err(ChainError::Malformed.into());
        }
        for op in snapshot.ops.iter().skip(taken) {
            self.take(op)?;
        }
        let mut view = self.view.ok_or(match seen {
            Some(_) => ViewError::Alarm(Alarm::Rollback),
            None => ViewError::Chain(ChainError::BadGenesis),
        })?;
        view.compare(seen)?;
        view.take_rest(snapshot);
        Ok(view)
    }
}

impl HomeView {
    /// Verifies a whole home from its first op on. `seen` is what was seen of it before.
    pub fn open(id: &HomeId, snapshot: &Snapshot, seen: Option<&Seen>) -> Result<Self, ViewError> {
        Opening::new(*id).finish(snapshot, seen)
    }

    /// Goes on from what [`HomeView::snapshot`] gave, without verifying the ops' signatures again: only for what this
    /// same program has verified and kept encrypted and authenticated under a key of its own. All else is checked.
    pub fn resume(id: &HomeId, kept: &Snapshot) -> Result<Self, ViewError> {
        let mut opening = Opening::new(*id);
        for op in &kept.ops {
            opening.take_op(op, Signature::Verified)?;
        }
        let mut view = opening.view.ok_or(ChainError::BadGenesis)?;
        view.take_rest(kept);
        Ok(view)
    }

    fn begin(id: &HomeId, genesis: &Blob) -> Result<Self, ChainError> {
        let chain = ChainState::genesis(genesis)?;
        if chain.home() != id {
            return Err(ChainError::WrongHome);
        }
        Ok(Self {
            hashes: Rc::new(vec![chain.hash()]),
            ops: Rc::new(vec![Rc::new(genesis.clone())]),
            chain,
            grants: LiteMap::new(),
            reports: LiteMap::new(),
            signed_reports: LiteMap::new(),
            hubs: LiteMap::new(),
        })
    }

    /// Refuses a home that is not the one that was seen before.
    fn compare(&self, seen: Option<&Seen>) -> Result<(), ViewError> {
        match seen {
            Some(seen) if seen.genesis != self.chain.genesis_hash() => Err(ViewError::Alarm(Alarm::Fork)),
            Some(seen) if seen.seq > self.chain.seq() => Err(ViewError::Alarm(Alarm::Rollback)),
            Some(seen) if self.op_hash(seen.seq) != Some(seen.hash) => Err(ViewError::Alarm(Alarm::Fork)),
            _ => Ok(()),
        }
    }

    /// After which op to ask, so that the answer shows that the server has the same home: its newest op comes once more.
    /// `None`: all of it is to be fetched.
    pub fn overlap(&self) -> Option<u64> {
        self.chain.seq().checked_sub(1)
    }

    /// Takes the answer to a question after [`HomeView::overlap`]: the newest op that is known, and what came since.
    /// `seen` is what was seen of the home before, here or elsewhere in this browser.
    pub fn catch_up(&mut self, snapshot: &Snapshot, seen: Option<&Seen>) -> Result<(), ViewError> {
        let (known, new) = snapshot.ops.split_first().ok_or(ViewError::Alarm(Alarm::Rollback))?;
        let known = SignedOp::parse(known).map_err(|_| ChainError::Malformed)?;
        if known.hash() != self.chain.hash() {
            return Err(ViewError::Alarm(Alarm::Fork));
        }
        let mut next = self.clone();
        next.take_new(new, snapshot)?;
        next.compare(seen)?;
        *self = next;
        Ok(())
    }

    /// Takes what came since.
    pub fn update(&mut self, snapshot: &Snapshot) -> Result<(), ViewError> {
        let mut next = self.clone();
        next.take_new(&snapshot.ops, snapshot)?;
        *self = next;
        Ok(())
    }

    fn take_new(&mut self, ops: &[Blob], snapshot: &Snapshot) -> Result<(), ChainError> {
        for op in ops {
            self.take_op(op, Signature::Verify)?;
        }
        self.take_rest(snapshot);
        Ok(())
    }

    fn take_op(&mut self, bytes: &Blob, signature: Signature) -> Result<(), ChainError> {
        let taken = self.chain.take(bytes, signature)?;
        Rc::make_mut(&mut self.hashes).push(self.chain.hash());
        Rc::make_mut(&mut self.ops).push(Rc::new(bytes.clone()));
        let place = Place { at: taken.iat, seq: self.chain.seq() };
        match taken.grants {
            Touched::Put(id) => {
                let grant = self.chain.grants().get(&id).ok_or(ChainError::Unknown)?.grant.clone();
                let put = Put { grant, signer: taken.signer, put: place, revoked: None };
                self.grants.insert(id, Rc::new(put));
            }
            Touched::Revoked => {
                for (id, put) in self.grants.iter_mut() {
                    if put.revoked.is_none() && self.chain.revoked().contains_key(id) {
                        Rc::make_mut(put).revoked = Some(place);
                    }
                }
            }
            Touched::None => {}
        }
        Ok(())
    }

    fn take_rest(&mut self, snapshot: &Snapshot) {
        for hub in &snapshot.hubs {
            self.hubs.insert(hub.hub, hub.clone());
        }
        for report in &snapshot.reports {
            self.take_report(report);
        }
    }

    /// Takes a report, if it is signed by the hub that it names and newer than what is known. Whether it was taken.
    pub fn take_report(&mut self, bytes: &[u8]) -> bool {
        let Some((_, hub)) = Report::claimed_source(bytes) else { return false };
        let Some(entry) = self.chain.hubs().get(&hub) else { return false };
        let Ok(report) = Report::verify(bytes, self.chain.home(), &hub, &entry.key.sign) else {
            return false;
        };
        let newer = |old: &Report| old.hub != report.hub || old.number < report.number;
        if !self.reports.get(&report.lock.id).is_none_or(newer) {
            return false;
        }
        if report.gone {
            self.reports.remove(&report.lock.id);
            self.signed_reports.remove(&report.lock.id);
        } else {
            self.signed_reports.insert(report.lock.id, Rc::new(Blob(bytes.to_vec())));
            self.reports.insert(report.lock.id, report);
        }
        true
    }

    /// The hash of the op of that number, if there is one.
    pub fn op_hash(&self, seq: u64) -> Option<Hash32> {
        self.hashes.get(usize::try_from(seq).ok()?).copied()
    }

    /// All that was fetched, to be verified again when it is read from where it was kept. PINs are in it as they are in
    /// the chain: sealed.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot {
            now,
            ops: self.ops.iter().map(|op| (**op).clone()).collect(),
            reports: self.signed_reports.values().map(|report| (**report).clone()).collect(),
            hubs: self.hubs.values().cloned().collect(),
        }
    }

    /// Every op that the chain took, oldest first, with who signed it.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = (KeyId, Op)> + '_ {
        self.ops.iter().filter_map(|bytes| {
            let signed = SignedOp::parse(bytes).ok()?;
            Some((signed.kid(), signed.claimed().clone()))
        })
    }

    /// Every revision of every grant, oldest first.
    pub fn revisions(&self) -> impl Iterator<Item = Grant> + '_ {
        self.history().filter_map(|(_, op)| match op.body {
            Body::PutGrant(grant) => Some(grant),
            _ => None,
        })
    }

    /// The home keys that these keys open.
    pub fn home_keys(&self, keys: &Keys) -> Vec<HomeKey> {
        let wraps = self.chain.wraps_for(keys.id());
        wraps
            .filter_map(|wrap| {
                let public = self.chain.epoch_public(wrap.epoch)?;
                HomeKey::unwrap(self.chain.home(), &wrap, public, keys).ok()
            })
            .collect()
    }

    /// What composes changes to this home.
    pub fn composer<'a>(&'a self, keys: &'a Keys, home_keys: &'a [HomeKey], now: Timestamp) -> Composer<'a> {
        Composer { chain: &self.chain, keys, home_keys, now }
    }

    /// What is wrong with a lock, the most pressing first, each in a sentence.
    pub fn troubles(
        &self,
        report: &Report,
        now: Timestamp,
        zone: &dyn Zone,
        style: Style,
    ) -> Vec<(Trouble, String)> {
        let input = TroubleInput { report, hub: self.contact(&report.hub, now), now, zone, style };
        let all = troubles(&input);
        all.into_iter().map(|trouble| (trouble.clone(), trouble.what(&input))).collect()
    }

    /// How well a hub is in touch.
    pub fn contact(&self, hub: &HubId, now: Timestamp) -> HubContact {
        match self.hubs.get(hub) {
            Some(seen) if seen.online => HubContact::online(now),
            Some(seen) => HubContact::away(seen.last_seen),
            None => HubContact::away(None),
        }
    }

    /// What is known of a code on a lock.
    pub fn facts<'a>(
        &'a self,
        put: &'a Put,
        lock: LockId,
        now: Timestamp,
        zone: &'a dyn Zone,
        style: Style,
    ) -> Facts<'a> {
        let report = self.reports.get(&lock);
        Facts {
            code: Some(Code { grant: &put.grant, put: put.put, revoked: put.revoked }),
            lock,
            policy: self.chain.policy(),
            seen: report.map(|report| Reported::in_report(report, &put.grant.id)),
            hub: report.map_or(HubContact::online(now), |report| self.contact(&report.hub, now)),
            now,
            zone,
            style,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Arriving;
    use crate::testing::TestHome;
    use crate::wire::cbor;

    const LOCK: LockId = LockId([1; 16]);

    fn home() -> TestHome {
        let mut home = TestHome::new(90);
        let grant = home.guest("483920", &[LOCK]);
        let again = Grant { rev: 2, ..grant.clone() };
        home.push(Body::PutGrant(grant.clone())).unwrap();
        home.push(Body::PutGrant(again)).unwrap();
        home.push(Body::RevokeGrant(grant.id)).unwrap();
        home
    }

    fn snapshot(home: &TestHome, ops: core::ops::Range<usize>) -> Snapshot {
        let ops = home.ops[ops].iter().cloned().map(Blob).collect();
        Snapshot { now: TestHome::BEGINNING, ops, reports: vec![], hubs: vec![] }
    }

    #[test]
    fn what_was_seen_must_be_there_again() {
        let home = home();
        let id = home.state.home();
        let whole = snapshot(&home, 0..home.ops.len());
        let view = HomeView::open(id, &whole, None).unwrap();
        assert_eq!((view.revisions().count(), view.grants.len()), (2, 1));
        assert!(view.grants.values().all(|put| put.revoked.is_some()));
        assert_eq!(view.snapshot(whole.now), whole, "what is kept is what was fetched");
        assert_eq!(view.home_keys(&home.owner).len(), 1);

        let seen = Seen::of(&view.chain);
        assert_eq!(Seen::parse(&seen.to_string()), Some(seen));
        assert!(HomeView::open(id, &whole, Some(&seen)).is_ok());
        let open = |snapshot: &Snapshot, seen: &Seen| HomeView::open(id, snapshot, Some(seen)).err();
        let shorter = snapshot(&home, 0..3);
        assert_eq!(open(&shorter, &seen), Some(ViewError::Alarm(Alarm::Rollback)));
        assert_eq!(open(&snapshot(&home, 0..0), &seen), Some(ViewError::Alarm(Alarm::Rollback)));
        let early = Seen { seq: 2, hash: Hash32([7; 32]), ..seen };
        assert_eq!(open(&whole, &early), Some(ViewError::Alarm(Alarm::Fork)));
        let other = Seen { genesis: Hash32([7; 32]), ..seen };
        assert_eq!(open(&whole, &other), Some(ViewError::Alarm(Alarm::Fork)));
        assert!(HomeView::open(&HomeId([0; 16]), &whole, None).is_err());
    }

    #[test]
    fn an_update_that_does_not_follow_changes_nothing() {
        let home = home();
        let mut view = HomeView::open(home.state.home(), &snapshot(&home, 0..3), None).unwrap();
        let gap = snapshot(&home, 4..5);
        assert_eq!(view.update(&gap), Err(ViewError::Chain(ChainError::Gap)));
        assert_eq!(view.chain.seq(), 2);
        view.update(&snapshot(&home, 3..5)).unwrap();
        assert_eq!(view.chain, home.state);
    }

    #[test]
    fn it_is_verified_while_it_arrives() {
        let home = home();
        let id = *home.state.home();
        let whole = snapshot(&home, 0..home.ops.len());
        let bytes = cbor::to_vec(&whole);
        for step in [1, 100, 10_000] {
            let (mut opening, mut arriving, mut found) = (Opening::new(id), Arriving::default(), 0);
            for end in (0..bytes.len()).step_by(step).chain([bytes.len()]) {
                while let Some(op) = arriving.next(&bytes[..end]) {
                    assert_eq!(op, &**whole.ops.get(found).unwrap());
                    found += 1;
                    opening.take(&Blob(op.to_vec())).unwrap();
                }
            }
            assert_eq!(found, whole.ops.len());
            assert_eq!(opening.finish(&whole, None).unwrap().chain, home.state);
        }
        let mut opening = Opening::new(id);
        for op in &whole.ops[..3] {
            opening.take(op).unwrap();
        }
        assert!(opening.take(&whole.ops[4]).is_err(), "not the next one");
        assert_eq!(opening.clone().finish(&whole, None).unwrap().chain, home.state);
        // What is there in the end must be what was verified.
        let mut other = whole.clone();
        other.ops[1].0.push(0);
        assert!(opening.clone().finish(&other, None).is_err());
        assert!(opening.finish(&snapshot(&home, 0..2), None).is_err());
    }

    #[test]
    fn what_was_kept_goes_on_where_the_server_does() {
        let home = home();
        let id = home.state.home();
        let whole = snapshot(&home, 0..home.ops.len());
        let end = home.ops.len();
        let seen = Seen::of(&home.state);
        let kept = snapshot(&home, 0..4);
        let view = HomeView::resume(id, &kept).unwrap();
        assert_eq!(view.overlap(), Some(2));
        let catch_up = |snapshot: &Snapshot, seen: Option<&Seen>| {
            let mut view = view.clone();
            view.catch_up(snapshot, seen).map(|()| view)
        };
        let now = catch_up(&snapshot(&home, 3..end), Some(&seen)).unwrap();
        assert_eq!((&now.chain, now.snapshot(whole.now)), (&home.state, whole.clone()));
        assert_eq!(now.grants.values().filter(|put| put.revoked.is_some()).count(), 1);
        assert!(catch_up(&snapshot(&home, 3..4), Some(&Seen::of(&view.chain))).is_ok(), "nothing is new");

        let refused = |snapshot: Snapshot, seen| catch_up(&snapshot, seen).err();
        let alarm = |alarm| Some(ViewError::Alarm(alarm));
        assert_eq!(refused(snapshot(&home, 0..0), None), alarm(Alarm::Rollback), "the server has less");
        assert_eq!(refused(snapshot(&home, 4..end), None), alarm(Alarm::Fork), "the overlap is missing");
        assert_eq!(refused(snapshot(&home, 3..4), Some(&seen)), alarm(Alarm::Rollback), "less than was seen");
        let mut forged = snapshot(&home, 3..end);
        *forged.ops[1].0.last_mut().unwrap() ^= 1;
        assert_eq!(refused(forged, None), Some(ViewError::Chain(ChainError::BadSignature)));

        // What is kept is not trusted to fit together, nor what reaches it by another way to be signed.
        let mut changed = kept.clone();
        *changed.ops[3].0.last_mut().unwrap() ^= 1;
        assert!(HomeView::resume(id, &changed).is_ok());
        assert_eq!(
            HomeView::open(id, &changed, None).err(),
            Some(ViewError::Chain(ChainError::BadSignature))
        );
        changed.ops.remove(2);
        assert!(HomeView::resume(id, &changed).is_err());
        assert!(HomeView::resume(&HomeId([0; 16]), &kept).is_err());
    }
}
