//! What a hub believes and what it does not.

use super::verify::{BundleError, HubChain, Now, VerifyError};
use super::*;
use crate::grant::GrantKind;
use crate::head::{Bundle, Head, HeadError};
use crate::id::{Hash32, HomeId, HubId, LockId, Nonce};
use crate::keys::HomeKey;
use crate::schedule::Moment;
use crate::testing::TestHome;
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor::Blob;
use crate::zone::FixedZone;

const FRONT: LockId = LockId([1; 16]);
const T: Timestamp = TestHome::BEGINNING;
const NONCE: Nonce = Nonce([4; 16]);

fn later(hours: u32) -> Timestamp {
    T.saturating_add(Seconds::hours(hours))
}

/// A home with one code, and its hub up to date at `T`.
fn up_to_date(seed: u64) -> (TestHome, HubChain) {
    let mut home = TestHome::new(seed);
    let grant = home.guest("483920", &[FRONT]);
    home.push(Body::PutGrant(grant)).unwrap();
    let mut hub = home.hub_chain();
    take(&mut hub, &home.bundle(0, T, None), T).unwrap();
    (home, hub)
}

fn take(hub: &mut HubChain, bundle: &Bundle, now: Timestamp) -> Result<(), VerifyError> {
    let checked = hub.check(bundle, Now::Known(now), None)?;
    hub.commit(checked)
}

fn with_head(home: &TestHome, change: impl FnOnce(&mut Head)) -> Bundle {
    let mut head = home.head(T, None);
    change(&mut head);
    Bundle { head: Blob(head.sign(&home.issuer)), ops: vec![] }
}

#[test]
fn a_code_goes_from_the_owner_to_the_hub() {
    let (home, hub) = up_to_date(1);
    let grants: Vec<_> = hub.grants().collect();
    let [grant] = grants.as_slice() else { panic!("one grant") };
    let wrap = hub.state().unwrap().wraps_for(home.hub_keys.id()).next().unwrap();
    let public = hub.state().unwrap().epoch_public(wrap.epoch).unwrap();
    let key = HomeKey::unwrap(home.state.home(), &wrap, public, &home.hub_keys).unwrap();
    assert_eq!(grant.open_pin(&key).unwrap().expose(), "483920");
    assert!(matches!(grant.state_at(T, None, &FixedZone::UTC), Moment::Open { .. }));
}

#[test]
fn heads_that_do_not_count() {
    let (home, hub) = up_to_date(2);
    let refuse = |bundle: &Bundle, now: Timestamp, why: VerifyError| {
        assert_eq!(hub.check(bundle, Now::Known(now), None).err(), Some(why));
    };
    for (change, why) in [
        ((|h: &mut Head| h.home = HomeId([0; 16])) as fn(&mut Head), HeadError::WrongHome.into()),
        (|h| h.hub = HubId([0; 16]), HeadError::WrongHub.into()),
        (|h| h.expires = h.issued_at.saturating_add(Seconds(72 * 3600 + 1)), HeadError::TooLong.into()),
        (|h| h.expires = h.issued_at, HeadError::TooLong.into()),
        (|h| h.seq += 1, BundleError::Incomplete.into()),
        (|h| h.seq -= 1, BundleError::Rollback.into()),
        (|h| h.head_hash = Hash32([0; 32]), BundleError::Fork.into()),
        (|h| h.issued_at = T.saturating_sub(Seconds(1)), HeadError::Rollback.into()),
        (|h| h.nonce = Some(NONCE), HeadError::WrongNonce.into()),
    ] {
        refuse(&with_head(&home, change), T, why);
    }
    let good = with_head(&home, |_| {});
    refuse(&good, later(24), HeadError::Expired.into());
    refuse(&good, T.saturating_sub(Seconds(301)), HeadError::FromTheFuture.into());
    assert!(hub.check(&good, Now::Known(T.saturating_sub(Seconds(300))), None).is_ok());
    let forged = Bundle { head: Blob(home.head(T, None).sign(home.owner.signing())), ops: vec![] };
    refuse(&forged, T, HeadError::BadSignature.into());
    let not_a_head = Bundle { head: Blob(vec![0xa0]), ops: vec![] };
    refuse(&not_a_head, T, HeadError::Malformed.into());
    assert!(VerifyError::from(BundleError::Fork).is_alarm());
}

#[test]
fn a_head_over_the_nonce_stands_in_for_a_clock() {
    let (home, hub) = up_to_date(3);
    let ask = |nonce: Option<Nonce>, answer: Option<Nonce>| {
        hub.check(&home.bundle(3, later(5), answer), Now::Unknown, nonce.as_ref()).map(|c| c.proves_fresh())
    };
    assert_eq!(ask(Some(NONCE), Some(NONCE)), Ok(true));
    assert_eq!(ask(None, None), Err(BundleError::NoFreshness.into()));
    assert_eq!(ask(Some(NONCE), None), Err(HeadError::WrongNonce.into()));
    assert_eq!(ask(Some(NONCE), Some(Nonce([5; 16]))), Err(HeadError::WrongNonce.into()));
}

#[test]
fn history_only_grows() {
    let (mut home, mut hub) = up_to_date(4);
    let old = home.bundle(0, T, None);
    let grant = home.guest("483921", &[FRONT]);
    let id = grant.id;
    home.push(Body::PutGrant(grant)).unwrap();
    home.push(Body::RevokeGrant(id)).unwrap();
    let check = |hub: &HubChain, bundle: &Bundle| hub.check(bundle, Now::Known(T), None).err();
    assert_eq!(check(&hub, &home.bundle(2, T, None)), Some(BundleError::Overlap.into()));
    assert_eq!(check(&hub, &home.bundle(4, T, None)), Some(BundleError::Overlap.into()));
    let mut short = home.bundle(3, T, None);
    short.ops.pop();
    assert_eq!(check(&hub, &short), Some(BundleError::Incomplete.into()));
    let mut swapped = home.bundle(3, T, None);
    swapped.ops.swap(0, 1);
    assert!(check(&hub, &swapped).is_some());
    take(&mut hub, &home.bundle(3, T, None), T).unwrap();
    assert_eq!(hub.grants().count(), 1);
    assert_eq!(check(&hub, &Bundle { ops: vec![], ..old }), Some(BundleError::Rollback.into()));
    // Two bundles over the same base: the second must not undo the first.
    let first = hub.check(&home.bundle(5, T, None), Now::Known(T), None).unwrap();
    let policy = home.state.policy().clone();
    home.push(Body::SetPolicy(policy)).unwrap();
    let second = hub.check(&home.bundle(5, T, None), Now::Known(T), None).unwrap();
    hub.commit(second).unwrap();
    assert_eq!(hub.commit(first), Err(BundleError::Outdated.into()));
}

#[test]
fn another_history_is_an_alarm() {
    let (_, hub) = up_to_date(5);
    // The same keys begin again and write another history of the same length.
    let mut other = TestHome::new(5);
    let grant = other.guest("900000", &[FRONT]);
    other.push(Body::PutGrant(grant)).unwrap();
    let end = Bundle { head: Blob(other.head(T, None).sign(&other.issuer)), ops: vec![] };
    let e = hub.check(&end, Now::Known(T), None).unwrap_err();
    assert_eq!(e, BundleError::Fork.into());
    let policy = other.state.policy().clone();
    other.push(Body::SetPolicy(policy)).unwrap();
    let e = hub.check(&other.bundle(3, T, None), Now::Known(T), None).unwrap_err();
    assert_eq!(e, ChainError::Fork.into());
    assert!(e.is_alarm());
    let stranger = TestHome::new(6);
    let fresh = HubChain::pinned(*stranger.state.home(), stranger.hub, Hash32([0; 32]));
    let e = fresh.check(&stranger.bundle(0, T, None), Now::Known(T), None).unwrap_err();
    assert_eq!(e, BundleError::WrongGenesis.into());
}

#[test]
fn a_restart_believes_what_it_believed() {
    let (mut home, mut hub) = up_to_date(7);
    let head = home.head(T, None).sign(&home.issuer);
    let restore = |ops: &[Vec<u8>], head: &[u8]| {
        HubChain::restore(*home.state.home(), home.hub, home.state.genesis_hash(), ops, head)
    };
    let again = restore(&home.ops, &head).unwrap();
    assert_eq!(again.state(), hub.state());
    assert!(restore(&home.ops[..2], &head).is_err());
    let mut flipped = home.ops.clone();
    flipped[2][40] ^= 1;
    assert!(restore(&flipped, &head).is_err());
    let body = Body::RemoveHub(home.hub);
    home.push(body).unwrap();
    take(&mut hub, &home.bundle(3, T, None), T).unwrap();
    assert_eq!(hub.grants().count(), 0, "a removed hub has nothing to put");
}

#[test]
fn guests_keep_their_word_offline_only_so_long() {
    let mut home = TestHome::new(8);
    let mut guest = home.guest("483920", &[FRONT]);
    guest.expires = Some(T.saturating_add(Seconds::days(365)));
    let mut family = home.guest("483921", &[FRONT]);
    family.kind = GrantKind::Standard;
    family.expires = None;
    home.push(Body::PutGrant(guest)).unwrap();
    home.push(Body::PutGrant(family)).unwrap();
    let mut hub = home.hub_chain();
    take(&mut hub, &home.bundle(0, T, None), T).unwrap();
    let open_at = |hub: &HubChain, t| {
        hub.grants()
            .filter(|g| matches!(g.state_at(t, None, &FixedZone::UTC), Moment::Open { .. }))
            .map(|g| g.grant().kind)
            .collect::<Vec<_>>()
    };
    let end = T.saturating_add(Seconds::days(14));
    assert_eq!(open_at(&hub, end.saturating_sub(Seconds(1))).len(), 2);
    assert_eq!(open_at(&hub, end), [GrantKind::Standard]);
    for grant in hub.grants().filter(|g| g.grant().kind == GrantKind::Guest) {
        assert_eq!(grant.next_transition(T, None, &FixedZone::UTC), Some(end));
    }
    take(&mut hub, &home.bundle(4, later(24), None), later(24)).unwrap();
    assert_eq!(open_at(&hub, end).len(), 2, "a fresh head renews the word");
}

#[test]
fn the_panel_works_offline_and_gives_way() {
    let mut home = TestHome::genesis(10);
    let scope =
        super::op::Scope { locks: None, max_length: Some(Seconds::days(7)), kinds: vec![GrantKind::Guest] };
    let Body::AddHub(add) = home.add_hub_body() else { panic!("adds the hub") };
    home.push(Body::AddHub(super::op::AddHub { panel: Some(scope), ..add })).unwrap();
    let mut hub = home.hub_chain();
    let keys = home.hub_keys.clone();
    let change = |body| super::staged::StagedChange { body, iat: T };
    let early = home.guest("483920", &[FRONT]);
    assert!(hub.stage(vec![change(Body::PutGrant(early.clone()))], &keys).is_empty());
    assert_eq!(hub.grants().count(), 0, "nothing counts before the first bundle");
    take(&mut hub, &home.bundle(0, T, None), T).unwrap();

    let (mine, too_long) = (home.guest("483921", &[FRONT]), home.guest("483922", &[FRONT]));
    let too_long = crate::grant::Grant { expires: Some(T.saturating_add(Seconds::days(8))), ..too_long };
    let changes = vec![change(Body::PutGrant(mine.clone())), change(Body::PutGrant(too_long))];
    let conflicts = hub.stage(changes, &keys);
    assert_eq!(conflicts.iter().map(|c| c.why).collect::<Vec<_>>(), [ChainError::NotAllowed]);
    assert_eq!(hub.grants().map(|g| g.grant().id).collect::<Vec<_>>(), [mine.id]);
    assert_eq!(hub.state().unwrap().grants().len(), 0, "the chain itself is as it was");

    // Somebody else writes first: the change moves on top of theirs.
    let other = home.guest("483923", &[FRONT]);
    home.push(Body::PutGrant(other)).unwrap();
    let staged = hub.staged().to_vec();
    take(&mut hub, &home.bundle(2, T, None), T).unwrap();
    assert!(hub.stage(staged.clone(), &keys).is_empty());
    assert_eq!(hub.grants().count(), 2);
    // The cloud sequences it: it is no longer staged, and counts once.
    for op in hub.staged_ops().to_vec() {
        home.state.extend(&op).unwrap();
        home.ops.push(op);
    }
    take(&mut hub, &home.bundle(3, T, None), T).unwrap();
    assert!(hub.stage(staged.clone(), &keys).is_empty() && hub.staged().is_empty());
    assert_eq!(hub.grants().count(), 2);
    // Revoked by an owner meanwhile: an old change does not bring it back.
    home.push(Body::RevokeGrant(mine.id)).unwrap();
    take(&mut hub, &home.bundle(4, T, None), T).unwrap();
    let conflicts = hub.stage(staged, &keys);
    assert_eq!(conflicts.first().map(|c| c.why), Some(ChainError::Revoked));
    assert_eq!(hub.grants().count(), 1);
    let govern = change(Body::RemoveHub(home.hub));
    assert_eq!(hub.stage(vec![govern], &keys).len(), 1, "a panel governs nothing");
}

proptest::proptest! {
    #[test]
    fn no_bundle_panics(at in 0usize..100_000, bit in 0u8..8, cut in 0usize..100_000) {
        let (mut home, hub) = up_to_date(9);
        let grant = home.guest("483921", &[FRONT]);
        home.push(Body::PutGrant(grant)).unwrap();
        let mut bytes = crate::wire::cbor::to_vec(&home.bundle(3, T, None));
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let cut = cut % bytes.len();
        for bytes in [&bytes[..], &bytes[..cut]] {
            if let Ok(bundle) = crate::wire::cbor::from_slice::<Bundle>(bytes, 100_000) {
                proptest::prop_assert!(hub.check(&bundle, Now::Known(T), None).is_err());
            }
        }
    }
}
