//! Ops that should not count: by whom, of what, in which order. All come under a head of the right issuer, so that
//! nothing but the chain's own rules is in their way.

use ed25519_dalek::SigningKey;
use latchkey_shared::chain::op::{AddKey, Manager, RemoveKey, Role, Scope};
use latchkey_shared::chain::{Body, Op, SignedOp};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, Hash32, HomeId, LockId};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::sealed::{Binding, SealedPin, SelfSeal};
use latchkey_shared::testing::{TestHome, rng};
use latchkey_shared::time::Seconds;
use latchkey_tests::stage::{BACK, BEGIN, FRONT, Stage, covered};

fn somebody(n: u64) -> Keys {
    Keys::member(&Seed::generate(&mut rng(90_000 + n)))
}

fn manages(keys: &Keys, locks: &[LockId]) -> Body {
    let scope = Scope {
        locks: Some(locks.to_vec()),
        max_length: Some(Seconds::days(7)),
        kinds: vec![GrantKind::Guest],
    };
    let role = Role::Manager(Manager { scope, sees_pins: false });
    Body::AddKey(AddKey { invite: None, key: keys.record("Max"), role, wraps: vec![] })
}

/// The op that would follow.
fn next(stage: &Stage, body: Body) -> Op {
    stage.author.state.next_op(body, BEGIN)
}

/// Offers an op that this key signed, and demands this refusal and that nothing came of it.
fn refuses(stage: &mut Stage, op: &Op, key: &SigningKey, code: &str) {
    let (seq, held) = (stage.hub_seq(), stage.held().len());
    assert_eq!(stage.offer(vec![SignedOp::sign(op, key)]), [code], "{:?}", op.body.kind());
    stage.run(60);
    assert_eq!((stage.hub_seq(), stage.held().len()), (seq, held));
}

#[test]
fn ops_of_another_home() {
    let mut stage = Stage::new(1);
    let grant = stage.guest("483920", FRONT);
    let mut op = next(&stage, Body::PutGrant(grant));
    op.home = HomeId([9; 16]);
    let owner = stage.author.owner.signing().clone();
    refuses(&mut stage, &op, &owner, "chain.wrong_home");
    // A whole home of the same people.
    let other = TestHome::new(2);
    let whole = covered(&other, &other.ops, BEGIN, None);
    assert_eq!(stage.forge(|_, _| whole), ["chain.wrong_home"]);
    let mut fresh = Stage::new(1);
    (fresh.disk, fresh.hub) = (Default::default(), None);
    fresh.net = false;
    fresh.start();
    let seq = fresh.hub_seq();
    let codes = fresh.forge(move |_, asked| covered(&other, &other.ops, BEGIN, asked.nonce));
    assert_eq!((codes, fresh.hub_seq()), (vec!["bundle.wrong_genesis"], seq));
    assert_eq!(fresh.alarm(), Some("bundle.wrong_genesis"));
}

#[test]
fn ops_that_the_issuer_alone_signed() {
    let mut stage = Stage::new(3);
    let issuer = stage.author.issuer.clone();
    let mine = somebody(1);
    let wraps = vec![stage.author.wrap_for(&mine.record("Mallory"))];
    for body in [
        Body::PutGrant(stage.guest("483920", FRONT)),
        Body::AddKey(AddKey { invite: None, key: mine.record("Mallory"), role: Role::Owner, wraps }),
        Body::RemoveKey(RemoveKey { key: stage.author.owner.id(), distrusted_since: Some(0) }),
        Body::RemoveHub(stage.author.hub),
        Body::RotateIssuer(mine.sign_public()),
        Body::SetPolicy(stage.author.state.policy().clone()),
        Body::RevokeGrant(GrantId([1; 16])),
    ] {
        let op = next(&stage, body);
        refuses(&mut stage, &op, &issuer, "chain.not_trusted");
    }
}

#[test]
fn ops_of_unknown_keys_under_known_names() {
    let mut stage = Stage::new(4);
    let grant = stage.guest("483920", FRONT);
    let op = next(&stage, Body::PutGrant(grant));
    refuses(&mut stage, &op, somebody(2).signing(), "chain.not_trusted");
    let hub = stage.author.hub_keys.clone();
    refuses(&mut stage, &op, hub.signing(), "chain.not_allowed");
    // The owner's kid over another key's signature.
    let (good, theirs) =
        (SignedOp::sign(&op, stage.author.owner.signing()), SignedOp::sign(&op, somebody(2).signing()));
    let graft = [&good[..good.len() - 64], &theirs[theirs.len() - 64..]].concat();
    assert_eq!(stage.offer(vec![graft]), ["chain.bad_signature"]);
    assert!(stage.held().is_empty());
}

#[test]
fn ops_of_keys_beyond_their_scope_or_removed() {
    let mut stage = Stage::new(5);
    let max = somebody(3);
    let (front, back) = (stage.lock(FRONT), stage.lock(BACK));
    stage.does(manages(&max, &[front]));
    let honest = stage.guest("483920", FRONT);
    let beyond = [
        stage.guest("602847", BACK),
        stage.author.guest("602847", &[front, back]),
        Grant { kind: GrantKind::Primary, ..stage.guest("602847", FRONT) },
        Grant {
            expires: honest.expires.map(|t| t.saturating_add(Seconds(1))),
            ..stage.guest("602847", FRONT)
        },
    ];
    for grant in beyond {
        let op = next(&stage, Body::PutGrant(grant));
        refuses(&mut stage, &op, max.signing(), "chain.not_allowed");
    }
    let policy = stage.author.state.policy().clone();
    for body in [Body::SetPolicy(policy), manages(&somebody(4), &[front])] {
        let op = next(&stage, body);
        refuses(&mut stage, &op, max.signing(), "chain.not_allowed");
    }
    stage.does(Body::RemoveKey(RemoveKey { key: max.id(), distrusted_since: None }));
    let op = next(&stage, Body::PutGrant(honest));
    refuses(&mut stage, &op, max.signing(), "chain.not_trusted");
}

#[test]
fn a_revoked_code_comes_back_in_no_form() {
    let mut stage = Stage::new(6);
    let grant = stage.live("483920", FRONT);
    stage.does(Body::RevokeGrant(grant.id));
    assert!(stage.held().is_empty());
    let owner = stage.author.owner.signing().clone();
    for rev in [1, 2, 3] {
        let mut again = Grant { rev, ..grant.clone() };
        stage.author.seal(&mut again, "602847");
        let op = next(&stage, Body::PutGrant(again));
        refuses(&mut stage, &op, &owner, "chain.revoked");
    }
    // The very op that put it, once more, and the whole chain before the revocation.
    let put = stage.author.ops[2].clone();
    assert_eq!(stage.offer(vec![put]), ["bundle.overlap"]);
    stage.power_cut();
    let before = stage.author.ops[..3].to_vec();
    assert_eq!(stage.offer(before), ["bundle.overlap"]);
    stage.run(600);
    assert!(stage.held().is_empty());
}

#[test]
fn gaps_forks_and_mixed_histories() {
    let mut stage = Stage::new(7);
    let owner = stage.author.owner.signing().clone();
    let grants: Vec<Grant> = ["483920", "602847", "715306"].map(|pin| stage.guest(pin, FRONT)).into();
    let base = stage.author.state.clone();
    for grant in &grants {
        stage.signs(Body::PutGrant(grant.clone()));
    }
    let [a, b, c] = [2, 3, 4].map(|at| stage.author.ops[at].clone());
    let held = |stage: &Stage| (stage.hub_seq(), stage.held().len());
    for (ops, code) in [
        (vec![b.clone()], "bundle.overlap"),
        (vec![a.clone(), c.clone()], "chain.gap"),
        (vec![b.clone(), a.clone()], "bundle.overlap"),
        (vec![a.clone(), a.clone()], "chain.gap"),
        (vec![a.clone(), vec![]], "chain.malformed"),
    ] {
        assert_eq!(stage.offer(ops), [code]);
        assert_eq!(held(&stage), (1, 0));
    }
    // A head that names another end than the ops have.
    let now = stage.real();
    let short = stage.forge({
        let a = a.clone();
        move |author, asked| {
            latchkey_tests::stage::bundle(author.head(now, asked.nonce).sign(&author.issuer), &[a])
        }
    });
    assert_eq!(short, ["bundle.incomplete"]);
    // Another op of the owner in the place of the one that others saw.
    let other = SignedOp::sign(&base.next_op(Body::PutGrant(grants[2].clone()), BEGIN), &owner);
    assert_eq!(stage.offer(vec![a.clone()]), [""; 0]);
    stage.run(3);
    assert_eq!(stage.opens(FRONT), ["483920"]);
    let mut fork = stage.author.state.next_op(Body::PutGrant(grants[1].clone()), BEGIN);
    (fork.seq, fork.prev) = (3, Some(SignedOp::parse(&other).unwrap().hash()));
    assert_eq!(stage.offer(vec![SignedOp::sign(&fork, &owner)]), ["chain.fork"]);
    assert_eq!(stage.alarm(), Some("chain.fork"));
    // The same end under another name.
    let lie = stage.forge(move |author, asked| {
        let mut head = author.head(now, asked.nonce);
        (head.seq, head.head_hash) = (2, Hash32([3; 32]));
        latchkey_tests::stage::bundle(head.sign(&author.issuer), &[])
    });
    assert_eq!(lie, ["bundle.fork"]);
    assert_eq!(held(&stage), (2, 1));
}

#[test]
fn sealed_pins_open_nowhere_else() {
    let mut stage = Stage::new(8);
    let max = somebody(5);
    let front = stage.lock(FRONT);
    stage.does(manages(&max, &[front]));
    let owners = stage.live("483920", BACK);
    // A manager who may not read PINs puts the owner's ciphertext into a code of theirs; others graft as an owner could.
    let honest = stage.guest("602847", FRONT);
    let mut tries = vec![
        (Grant { pin: owners.pin.clone(), ..honest.clone() }, max.clone()),
        (Grant { pin: honest.pin.clone(), ..stage.guest("715306", FRONT) }, max.clone()),
        (
            Grant { pin: honest.pin.clone(), locks: vec![stage.lock(BACK)], ..honest.clone() },
            stage.author.owner.clone(),
        ),
        (Grant { pin: owners.pin.clone(), rev: 2, ..owners.clone() }, stage.author.owner.clone()),
    ];
    // Sealed under another home's name, to the right key.
    let (id, home) = (honest.id, HomeId([8; 16]));
    let elsewhere = Binding { home: &home, grant: &id, rev: 1, locks: &honest.locks };
    let pin = latchkey_shared::pin::Pin::parse("602847").unwrap();
    let key = stage.author.home_key.public();
    let moved = SealedPin::seal(&pin, &elsewhere, 1, &key, &mut rng(1)).unwrap();
    tries.push((Grant { pin: moved, ..honest.clone() }, max.clone()));
    // A member's own seal in the home's place.
    let here = Binding { home: stage.author.state.home(), grant: &id, rev: 1, locks: &honest.locks };
    let own = SelfSeal::seal_to(&pin, &here, &stage.author.hub_keys.record("Hall"), &mut rng(2)).unwrap();
    tries.push((Grant { pin: SealedPin { epoch: 1, sealed: own.sealed }, ..honest.clone() }, max));
    for (grant, signer) in tries {
        let mut twin = Stage::new(8);
        twin.does(manages(&somebody(5), &[front]));
        twin.does(Body::PutGrant(owners.clone()));
        let (before, op) = (twin.held().join(" "), next(&twin, Body::PutGrant(grant)));
        assert_eq!(twin.offer(vec![SignedOp::sign(&op, signer.signing())]), [""; 0], "its form is good");
        twin.run(60);
        assert!(twin.held().is_empty() || twin.held().join(" ") == before, "{:?}", twin.held());
    }
}

#[test]
fn a_pin_sealed_to_an_old_home_key_counts_no_more() {
    let mut stage = Stage::new(9);
    let early = stage.guest("483920", FRONT);
    let (ada, hall) = (stage.author.owner.record("Ada"), stage.author.hub_keys.record("Hall"));
    let old = stage.author.home_key.clone();
    let body = stage.author.new_epoch_body(&[ada, hall]);
    stage.does(body);
    let owner = stage.author.owner.signing().clone();
    let op = next(&stage, Body::PutGrant(early.clone()));
    refuses(&mut stage, &op, &owner, "chain.stale_epoch");
    // Relabelled as the new epoch's it is one by its form; it opens with neither key.
    let moved = Grant { pin: SealedPin { epoch: 2, ..early.pin }, ..stage.guest("602847", FRONT) };
    stage.does(Body::PutGrant(moved));
    let home = *stage.author.state.home();
    let id = GrantId([4; 16]);
    let locks = [stage.lock(FRONT)];
    let binding = Binding { home: &home, grant: &id, rev: 1, locks: &locks };
    let pin = latchkey_shared::pin::Pin::parse("715306").unwrap();
    let sealed = SealedPin::seal(&pin, &binding, 2, &old.public(), &mut rng(3)).unwrap();
    let old = Grant { id, pin: sealed, ..stage.guest("715306", FRONT) };
    stage.does(Body::PutGrant(old));
    assert!(stage.held().is_empty(), "{:?}", stage.held());
    assert_eq!(stage.live("840362", FRONT).rev, 1, "the new key works");
}
