//! Evolution rules, each broken once.

use super::op::{AddHub, AddKey, Manager, RemoveKey, Role, Scope};
use super::*;
use crate::grant::{Grant, GrantKind};
use crate::id::{GrantId, Hash32, HomeId, HubId, InviteId, LockId, SignPublic};
use crate::keys::{KeyRecord, Keys, Seed};
use crate::policy::Policy;
use crate::testing::{TestHome, rng};
use crate::time::Seconds;
use crate::zone::ZoneName;

const FRONT: LockId = LockId([1; 16]);
const BACK: LockId = LockId([2; 16]);

fn member(n: u64) -> Keys {
    Keys::member(&Seed::generate(&mut rng(1_000 + n)))
}

fn scope(locks: &[LockId], days: u32) -> Scope {
    Scope {
        locks: Some(locks.to_vec()),
        max_length: Some(Seconds::days(days)),
        kinds: vec![GrantKind::Guest],
    }
}

fn manager(keys: &Keys, scope: Scope) -> Body {
    let role = Role::Manager(Manager { scope, sees_pins: false });
    Body::AddKey(AddKey { invite: None, key: keys.record("Max"), role, wraps: vec![] })
}

fn owner(home: &mut TestHome, keys: &Keys) -> Body {
    let key = keys.record("Eve");
    let wraps = vec![home.wrap_for(&key)];
    Body::AddKey(AddKey { invite: None, key, role: Role::Owner, wraps })
}

fn remove(key: &Keys, distrusted_since: Option<u64>) -> Body {
    Body::RemoveKey(RemoveKey { key: key.id(), distrusted_since })
}

/// A refusal leaves no trace.
fn refused(home: &mut TestHome, body: Body, signer: &Keys, why: ChainError) {
    let before = home.state.clone();
    assert_eq!(home.push_as(body, signer.signing()), Err(why));
    assert_eq!(home.state, before);
}

#[test]
fn the_whole_chain_verifies_again_and_only_whole() {
    let mut home = TestHome::new(1);
    let grant = home.guest("483920", &[FRONT]);
    home.push(Body::PutGrant(grant.clone())).unwrap();
    let digest = home.state.digest();
    home.push(Body::Checkpoint(digest)).unwrap();
    home.push(Body::RevokeGrant(grant.id)).unwrap();
    let again = ChainState::from_ops(&home.ops).unwrap();
    assert_eq!(again, home.state);
    for skip in 0..home.ops.len() - 1 {
        let mut ops = home.ops.clone();
        ops.remove(skip);
        assert!(ChainState::from_ops(&ops).is_err(), "without op {skip}");
    }
    for (i, op) in home.ops.iter().enumerate() {
        for at in (0..op.len()).step_by(7) {
            let mut ops = home.ops.clone();
            ops[i][at] ^= 1;
            assert!(ChainState::from_ops(&ops).is_err(), "op {i} byte {at}");
        }
    }
    assert_eq!(ChainState::from_ops::<Vec<u8>>([]).unwrap_err(), ChainError::BadGenesis);
}

#[test]
fn place_in_the_chain() {
    let mut home = TestHome::new(2);
    let policy = Policy::new("Other", ZoneName::parse("Asia/Tokyo").unwrap());
    let body = Body::SetPolicy(policy);
    let good = home.state.next_op(body.clone(), TestHome::BEGINNING);
    for (bad, why) in [
        (Op { home: HomeId([0; 16]), ..good.clone() }, ChainError::WrongHome),
        (Op { seq: good.seq + 1, ..good.clone() }, ChainError::Gap),
        (Op { seq: 0, ..good.clone() }, ChainError::Gap),
        (Op { prev: None, ..good.clone() }, ChainError::Fork),
        (Op { prev: Some(Hash32([0; 32])), ..good.clone() }, ChainError::Fork),
        (Op { iat: crate::time::Timestamp(u64::MAX), ..good.clone() }, ChainError::BadOp),
    ] {
        let bytes = SignedOp::sign(&bad, home.owner.signing());
        assert_eq!(home.state.extend(&bytes), Err(why));
    }
    let stranger = member(1);
    refused(&mut home, body, &stranger, ChainError::NotTrusted);
    assert_eq!(home.state.extend(&[0xa0]), Err(ChainError::Malformed));
    let genesis = home.ops[0].clone();
    assert_eq!(home.state.extend(&genesis), Err(ChainError::Gap));
}

#[test]
fn managers_stay_within_their_scope() {
    let mut home = TestHome::new(3);
    let max = member(2);
    home.push(manager(&max, scope(&[FRONT], 7))).unwrap();
    let good = home.guest("483920", &[FRONT]);
    home.push_as(Body::PutGrant(good.clone()), max.signing()).unwrap();

    let other_lock = home.guest("483921", &[FRONT, BACK]);
    refused(&mut home, Body::PutGrant(other_lock), &max, ChainError::NotAllowed);
    let too_long = Grant {
        expires: good.expires.map(|t| t.saturating_add(Seconds(1))),
        ..home.guest("483922", &[FRONT])
    };
    refused(&mut home, Body::PutGrant(too_long), &max, ChainError::NotAllowed);
    let kind = Grant { kind: GrantKind::Standard, ..home.guest("483923", &[FRONT]) };
    refused(&mut home, Body::PutGrant(kind), &max, ChainError::NotAllowed);
    for body in [
        remove(&home.owner.clone(), None),
        Body::RemoveHub(home.hub),
        Body::RotateIssuer(SignPublic::from(member(3).signing().verifying_key())),
        Body::Checkpoint(home.state.digest()),
        manager(&member(4), scope(&[FRONT], 7)),
    ] {
        refused(&mut home, body, &max, ChainError::NotAllowed);
    }
    // An owner's code for another door is not the manager's to change or to end, not even by narrowing it.
    let owners = home.guest("483924", &[FRONT, BACK]);
    home.push(Body::PutGrant(owners.clone())).unwrap();
    refused(&mut home, Body::RevokeGrant(owners.id), &max, ChainError::NotAllowed);
    let narrowed = Grant { rev: 2, locks: vec![FRONT], ..owners };
    refused(&mut home, Body::PutGrant(narrowed), &max, ChainError::NotAllowed);
    home.push_as(Body::RevokeGrant(good.id), max.signing()).unwrap();
}

#[test]
fn an_invitation_brings_one_person_once() {
    let mut home = TestHome::new(41);
    let (first, second) = (member(61), member(62));
    let add = |keys: &Keys, name: &str, invite| {
        Body::AddKey(AddKey {
            invite: Some(InviteId([invite; 16])),
            key: keys.record(name),
            role: Role::Resident,
            wraps: vec![],
        })
    };
    home.push(add(&first, "Max", 1)).unwrap();
    assert_eq!(home.push(add(&second, "Kim", 1)), Err(ChainError::InviteUsed));
    // Nor after the person has left, nor to give a member another role.
    home.push(remove(&first, None)).unwrap();
    assert_eq!(home.push(add(&second, "Kim", 1)), Err(ChainError::InviteUsed));
    home.push(add(&second, "Kim", 2)).unwrap();
    assert_eq!(home.push(add(&second, "Kimmy", 3)), Err(ChainError::BadOp));
    let digest = home.state.digest();
    home.push(Body::Checkpoint(digest)).unwrap();
}

#[test]
fn residents_and_hubs_sign_nothing_unless_scoped() {
    let mut home = TestHome::new(4);
    let kid = member(5);
    let add = AddKey { invite: None, key: kid.record("Kid"), role: Role::Resident, wraps: vec![] };
    home.push(Body::AddKey(add)).unwrap();
    let grant = home.guest("483920", &[FRONT]);
    refused(&mut home, Body::PutGrant(grant.clone()), &kid, ChainError::NotAllowed);
    let hub = home.hub_keys.clone();
    refused(&mut home, Body::PutGrant(grant.clone()), &hub, ChainError::NotAllowed);

    let second = Keys::hub(&Seed::generate(&mut rng(77)));
    let key = second.record("Garage");
    let wraps = vec![home.wrap_for(&key)];
    let add = AddHub { hub: HubId([9; 16]), key, panel: Some(scope(&[FRONT], 7)), wraps };
    home.push(Body::AddHub(add)).unwrap();
    home.push_as(Body::PutGrant(grant), second.signing()).unwrap();
    let elsewhere = home.guest("483921", &[BACK]);
    refused(&mut home, Body::PutGrant(elsewhere.clone()), &second, ChainError::NotAllowed);

    // Its scope and name can be replaced, its keys cannot.
    let key = second.record("Shed");
    let again = AddHub { hub: HubId([9; 16]), key, panel: Some(scope(&[BACK], 7)), wraps: vec![] };
    home.push_as(Body::AddHub(again.clone()), second.signing()).unwrap_err();
    home.push(Body::AddHub(again.clone())).unwrap();
    assert_eq!(home.state.hubs()[&HubId([9; 16])].key.name, "Shed");
    home.push_as(Body::PutGrant(elsewhere), second.signing()).unwrap();
    let grant = home.guest("483922", &[FRONT]);
    refused(&mut home, Body::PutGrant(grant.clone()), &second, ChainError::NotAllowed);
    home.push(Body::AddHub(AddHub { panel: None, ..again.clone() })).unwrap();
    let grant = Grant { locks: vec![BACK], ..grant };
    refused(&mut home, Body::PutGrant(grant), &second, ChainError::NotAllowed);
    let stranger = Keys::hub(&Seed::generate(&mut rng(79))).record("Shed");
    assert_eq!(home.push(Body::AddHub(AddHub { key: stranger, ..again })), Err(ChainError::Exists));
}

#[test]
fn the_issuer_signs_only_what_it_was_given() {
    let mut home = TestHome::new(5);
    let issuer = home.issuer.clone();
    let grant = home.guest("483920", &[FRONT]);
    assert_eq!(home.push_as(Body::PutGrant(grant.clone()), &issuer), Err(ChainError::NotTrusted));
    let key = KeyRecord {
        sign: SignPublic::from(issuer.verifying_key()),
        seal: member(6).seal_public(),
        name: "Latchkey cloud".into(),
    };
    let add = |scope| {
        Body::AddKey(AddKey { invite: None, key: key.clone(), role: Role::Issuer(scope), wraps: vec![] })
    };
    let everything = Scope { locks: None, max_length: None, kinds: vec![GrantKind::Guest] };
    assert_eq!(home.push(add(everything)), Err(ChainError::BadOp), "without a longest term");
    let primary = Scope { kinds: vec![GrantKind::Primary], ..scope(&[FRONT], 7) };
    assert_eq!(home.push(add(primary)), Err(ChainError::BadOp), "beyond guests");
    home.push(add(scope(&[FRONT], 7))).unwrap();
    home.push_as(Body::PutGrant(grant), &issuer).unwrap();
    // Nobody else is an issuer, and the issuer is nothing else.
    let fake = member(7).record("Fake");
    let add = AddKey { invite: None, key: fake, role: Role::Issuer(scope(&[FRONT], 7)), wraps: vec![] };
    assert_eq!(home.push(Body::AddKey(add)), Err(ChainError::NotAllowed));
    // With rotation the old key loses its scope for good.
    let new = member(8);
    home.push(Body::RotateIssuer(new.sign_public())).unwrap();
    let late = home.guest("483921", &[FRONT]);
    assert_eq!(home.push_as(Body::PutGrant(late), &issuer), Err(ChainError::NotTrusted));
    let old = SignPublic::from(issuer.verifying_key());
    assert_eq!(home.push(Body::RotateIssuer(old)), Err(ChainError::Exists));
}

#[test]
fn owners_come_and_go_but_one_stays() {
    let mut home = TestHome::new(6);
    let ada = home.owner.clone();
    assert_eq!(home.push(remove(&ada, None)), Err(ChainError::LastOwner));
    let eve = member(9);
    let body = owner(&mut home, &eve);
    home.push(body).unwrap();
    let early = home.guest("483920", &[FRONT]);
    home.push_as(Body::PutGrant(early.clone()), eve.signing()).unwrap();
    let since = home.state.seq() + 1;
    let late = home.guest("483921", &[FRONT]);
    home.push_as(Body::PutGrant(late.clone()), eve.signing()).unwrap();
    let others = home.guest("483922", &[FRONT]);
    home.push(Body::PutGrant(others.clone())).unwrap();
    home.push(remove(&eve, Some(since))).unwrap();
    let kept: Vec<GrantId> = home.state.grants().keys().copied().collect();
    assert!(kept.contains(&early.id) && kept.contains(&others.id) && !kept.contains(&late.id));
    assert!(home.state.revoked().contains_key(&late.id));
    assert_eq!(home.state.wraps_for(eve.id()).count(), 0);
    let back = owner(&mut home, &eve);
    assert_eq!(home.push(back), Err(ChainError::Exists), "a removed key never returns");
    let policy = home.state.policy().clone();
    refused(&mut home, Body::SetPolicy(policy), &eve, ChainError::NotTrusted);
}

#[test]
fn after_a_key_holder_leaves_nothing_is_sealed_to_the_old_key() {
    let mut home = TestHome::new(7);
    let eve = member(10);
    let body = owner(&mut home, &eve);
    home.push(body).unwrap();
    home.push(remove(&eve, None)).unwrap();
    let grant = home.guest("483920", &[FRONT]);
    assert_eq!(home.push(Body::PutGrant(grant.clone())), Err(ChainError::StaleEpoch));
    let (ada, hub) = (home.owner.record("Ada"), home.hub_keys.record("Hall"));
    for holders in [vec![ada.clone()], vec![ada.clone(), hub.clone(), eve.record("Eve")]] {
        let key = home.home_key.clone();
        let body = home.new_epoch_body(&holders);
        assert_eq!(home.push(body), Err(ChainError::Wraps));
        home.home_key = key;
    }
    let same = match home.new_epoch_body(&[ada.clone(), hub.clone()]) {
        Body::NewEpoch(new) => {
            Body::NewEpoch(super::op::NewEpoch { public: *home.state.epoch_public(1).unwrap(), ..new })
        }
        other => other,
    };
    assert_eq!(home.push(same), Err(ChainError::Wraps), "the old key again");
    let body = home.new_epoch_body(&[ada, hub]);
    home.push(body).unwrap();
    assert_eq!(home.push(Body::PutGrant(grant)), Err(ChainError::StaleEpoch), "sealed before");
    let fresh = home.guest("483920", &[FRONT]);
    home.push(Body::PutGrant(fresh)).unwrap();
}

#[test]
fn home_keys_go_to_owners_and_hubs_alone() {
    let mut home = TestHome::new(8);
    let (eve, max) = (member(11), member(12));
    let add = |key, role, wraps| Body::AddKey(AddKey { invite: None, key, role, wraps });
    assert_eq!(home.push(add(eve.record("Eve"), Role::Owner, vec![])), Err(ChainError::Wraps));
    let for_max = home.wrap_for(&max.record("Max"));
    assert_eq!(home.push(add(eve.record("Eve"), Role::Owner, vec![for_max.clone()])), Err(ChainError::Wraps));
    assert_eq!(home.push(add(max.record("Max"), Role::Resident, vec![for_max])), Err(ChainError::Wraps));
    let hub = Keys::hub(&Seed::generate(&mut rng(78)));
    let body = AddHub { hub: HubId([9; 16]), key: hub.record("Two"), panel: None, wraps: vec![] };
    assert_eq!(home.push(Body::AddHub(body)), Err(ChainError::Wraps));
}

#[test]
fn grants_change_by_one_and_never_return() {
    let mut home = TestHome::new(9);
    let grant = home.guest("483920", &[FRONT]);
    for rev in [0, 2] {
        let why = if rev == 0 { ChainError::BadOp } else { ChainError::Revision };
        assert_eq!(home.push(Body::PutGrant(Grant { rev, ..grant.clone() })), Err(why));
    }
    home.push(Body::PutGrant(grant.clone())).unwrap();
    assert_eq!(home.push(Body::PutGrant(grant.clone())), Err(ChainError::Revision));
    assert_eq!(home.push(Body::PutGrant(Grant { rev: 3, ..grant.clone() })), Err(ChainError::Revision));
    home.push(Body::PutGrant(Grant { rev: 2, ..grant.clone() })).unwrap();
    home.push(Body::RevokeGrant(grant.id)).unwrap();
    for rev in [1, 3] {
        assert_eq!(home.push(Body::PutGrant(Grant { rev, ..grant.clone() })), Err(ChainError::Revoked));
    }
    assert_eq!(home.push(Body::RevokeGrant(grant.id)), Err(ChainError::Revoked));
    assert_eq!(home.push(Body::RevokeGrant(GrantId([0; 16]))), Err(ChainError::Unknown));
    let stray =
        Grant { holder: Some(member(13).id()), kind: GrantKind::Standard, ..home.guest("483925", &[FRONT]) };
    assert_eq!(home.push(Body::PutGrant(stray)), Err(ChainError::Unknown));
}

#[test]
fn malformed_bodies() {
    let mut home = TestHome::new(10);
    let good = home.guest("483920", &[FRONT, BACK]);
    let bad = [
        Grant { label: String::new(), ..good.clone() },
        Grant { label: "x".repeat(65), ..good.clone() },
        Grant { label: "two\nlines".into(), ..good.clone() },
        Grant { locks: vec![], ..good.clone() },
        Grant { locks: vec![BACK, FRONT], ..good.clone() },
        Grant { locks: vec![FRONT, FRONT], ..good.clone() },
        Grant { expires: None, ..good.clone() },
        Grant { expires: Some(good.not_before), ..good.clone() },
        Grant { may_disarm: true, ..good.clone() },
        Grant { uses: Some(0), ..good.clone() },
        Grant { schedule: crate::schedule::Schedule::Weekly(vec![]), ..good.clone() },
    ];
    for grant in bad {
        assert_eq!(home.push(Body::PutGrant(grant.clone())), Err(ChainError::BadOp), "{grant:?}");
    }
    // The neutral point verifies anything: such keys never get in.
    let weak = KeyRecord {
        sign: SignPublic([&[1u8][..], &[0; 31]].concat().try_into().unwrap()),
        ..member(14).record("Weak")
    };
    let add = AddKey { invite: None, key: weak, role: Role::Resident, wraps: vec![] };
    assert_eq!(home.push(Body::AddKey(add)), Err(ChainError::BadOp));
    assert_eq!(home.push(Body::Checkpoint(Hash32([0; 32]))), Err(ChainError::Checkpoint));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 0usize..4000, bit in 0u8..8) {
        let mut home = TestHome::new(11);
        let _ = home.state.extend(&bytes);
        let grant = home.guest("483920", &[FRONT]);
        let op = home.state.next_op(Body::PutGrant(grant), TestHome::BEGINNING);
        let mut signed = SignedOp::sign(&op, home.owner.signing());
        let at = at % signed.len();
        signed[at] ^= 1 << bit;
        let before = home.state.clone();
        proptest::prop_assert!(home.state.extend(&signed).is_err());
        proptest::prop_assert_eq!(home.state, before);
    }
}
