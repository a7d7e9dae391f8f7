//! Somebody has everything that the Worker has: all of KV, all of every Durable Object, every secret. They read no PIN
//! from it and put none on a lock. The one exception is stated: where an owner lets the Worker issue guest codes, its key
//! makes such codes, within that scope.

use crate::loot::{PINS, Victim, candidates};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use latchkey_shared::chain::op::{AddHub, AddKey, Genesis, Role, Scope};
use latchkey_shared::chain::{Body, Op, SignedOp};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::keys::{HomeKey, KeyRecord, Keys, Seed, WrapKey};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::sealed::Binding;
use latchkey_shared::testing::{TestHome, rng};
use latchkey_shared::time::Seconds;
use latchkey_shared::token::open_answer;
use latchkey_shared::wire::cbor::Blob;
use latchkey_shared::zone::FixedZone;
use latchkey_tests::stage::{BACK, BEGIN, FRONT, Stage, bundle, issuer};
use latchkey_worker::core::api::{ApiContext, ApiRequest, Caller};
use latchkey_worker::store::{HomeStore, Shelf};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

#[test]
fn no_pin_and_no_trace_of_one_is_in_it() {
    let victim = Victim::new(100);
    let loot = victim.loot();
    let keys: Vec<[u8; 32]> = candidates::<32>(&loot).into_iter().collect();
    let all = loot.concat();
    let holds = |needle: &[u8]| all.windows(needle.len()).any(|window| window == needle);
    for pin in PINS {
        let number: u32 = pin.parse().unwrap();
        let bcd: Vec<u8> =
            pin.as_bytes().chunks(2).map(|two| (two[0] - b'0') << 4 | (two[1] - b'0')).collect();
        let digits: Vec<u8> = pin.bytes().map(|digit| digit - b'0').collect();
        assert!(!holds(pin.as_bytes()) && !holds(&digits) && !holds(&bcd));
        assert!(!holds(&number.to_be_bytes()) && !holds(&number.to_le_bytes()));
        // A tag of a PIN would fall to trying all of them: so there is none, under any key that is there.
        let home = victim.stage.author.state.home().0;
        let mut tags =
            vec![Sha256::digest(pin).to_vec(), Sha256::digest([&home, pin.as_bytes()].concat()).to_vec()];
        tags.extend(
            victim
                .stage
                .author
                .state
                .grants()
                .keys()
                .map(|id| Sha256::digest([&id.0, pin.as_bytes()].concat()).to_vec()),
        );
        for key in &keys {
            let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
            tags.push(mac.chain_update(pin).finalize().into_bytes().to_vec());
            tags.push(Sha256::digest([&key[..], pin.as_bytes()].concat()).to_vec());
        }
        for tag in tags {
            assert!(!holds(&tag) && !holds(&tag[..8]), "a tag of a PIN is stored");
        }
    }
    assert!(!holds(victim.link.expose()) && !holds(&*victim.link.auth()));
    assert!(!holds(b"under the pot"), "the note is as secret as the PIN");
    assert!(keys.len() > 50, "{} keys were tried", keys.len());
}

#[test]
fn no_key_that_is_in_it_opens_anything_that_is_in_it() {
    let victim = Victim::new(101);
    let loot = victim.loot();
    let state = &victim.stage.author.state;
    let home = *state.home();
    let hub = victim.stage.author.hub_keys.id();
    let wraps: Vec<_> = state.wraps_for(hub).chain(state.wraps_for(victim.stage.author.owner.id())).collect();
    assert_eq!(wraps.len(), 2);
    let tries = candidates::<32>(&loot);
    for key in &tries {
        let seed = Seed::from_slice(key).unwrap();
        let as_home = HomeKey::from_seed(1, seed.clone());
        for entry in state.grants().values() {
            let grant = &entry.grant;
            let binding = Binding { home: &home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
            assert!(grant.pin.open(&binding, &as_home).is_err());
            if let Some(link) = &grant.link {
                assert!(link.secret.open(&home, &grant.id, &link.id, &as_home).is_err());
            }
        }
        for keys in [Keys::member(&seed), Keys::hub(&seed)] {
            for wrap in &wraps {
                assert!(HomeKey::unwrap(&home, wrap, state.epoch_public(1).unwrap(), &keys).is_err());
            }
        }
        for wrapped in &victim.wraps {
            for key in [WrapKey::from_prf(key), WrapKey::from_stretched(key)] {
                assert!(key.unwrap(&victim.account, wrapped).is_err());
            }
        }
    }
    for bytes in candidates::<16>(&loot) {
        let secret = LinkSecret::from_slice(&bytes).unwrap();
        assert!(loot.iter().all(|piece| secret.decrypt(piece).is_err()));
    }
    assert!(tries.len() > 50);
    // The lookout is not blind: with the owner's key the same loop opens all of it.
    let own = HomeKey::unwrap(&home, &wraps[1], state.epoch_public(1).unwrap(), &victim.stage.author.owner);
    let opened = state.grants().values().map(|entry| {
        let grant = &entry.grant;
        let binding = Binding { home: &home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        grant.pin.open(&binding, own.as_ref().unwrap()).unwrap().expose().to_owned()
    });
    assert_eq!(opened.collect::<BTreeSet<_>>(), PINS.map(str::to_owned).into());
}

/// The locks as they were with the owner's codes, and nothing of the attacker's.
fn untouched(stage: &Stage, seq: u64) {
    let held: BTreeSet<&str> = stage.held().into_iter().collect();
    assert_eq!(held, PINS.into());
    assert_eq!(stage.hub_seq(), seq);
}

#[test]
fn no_op_signed_with_any_key_that_is_in_it_reaches_a_lock() {
    let mut victim = Victim::new(102);
    let loot = victim.loot();
    let stage = &mut victim.stage;
    let seq = stage.hub_seq();
    let (front, mine) = (stage.lock(FRONT), Keys::member(&Seed::generate(&mut rng(103))));
    let grant = stage.author.guest("999111", &[front]);
    let next = |stage: &Stage, body: Body| stage.author.state.next_op(body, BEGIN);
    let owner_wraps = vec![stage.author.wrap_for(&mine.record("M"))];
    let bodies = [
        Body::PutGrant(grant.clone()),
        Body::AddKey(AddKey {
            invite: None,
            key: mine.record("M"),
            role: Role::Owner,
            wraps: owner_wraps.clone(),
        }),
        Body::AddHub(AddHub {
            hub: stage.author.hub,
            key: mine.record("M"),
            panel: None,
            wraps: owner_wraps,
        }),
        Body::RotateIssuer(mine.sign_public()),
    ];
    let mut codes = BTreeSet::new();
    for key in candidates::<32>(&loot) {
        let seed = Seed::from_slice(&key).unwrap();
        for signer in [
            SigningKey::from_bytes(&key),
            Keys::member(&seed).signing().clone(),
            Keys::hub(&seed).signing().clone(),
        ] {
            let op = SignedOp::sign(&next(stage, bodies[0].clone()), &signer);
            codes.extend(stage.offer(vec![op]));
        }
    }
    for body in bodies {
        let op = next(stage, body);
        for signer in [stage.author.issuer.clone(), mine.signing().clone()] {
            let good = SignedOp::sign(&op, &signer);
            codes.extend(stage.offer(vec![good.clone()]));
            // In the owner's name.
            let mut theirs = good;
            let kid = stage.author.owner.id().0;
            theirs[7..23].copy_from_slice(&kid);
            codes.extend(stage.offer(vec![theirs]));
        }
    }
    // Every op that was ever signed, again and in any place.
    for op in stage.author.ops.clone() {
        codes.extend(stage.offer(vec![op]));
    }
    stage.run(3_600);
    untouched(stage, seq);
    assert!(codes.contains("chain.not_trusted") && codes.contains("chain.bad_signature"), "{codes:?}");
    assert!(!codes.contains("head.malformed"), "the forgeries are well made: {codes:?}");
}

#[test]
fn no_other_home_can_be_put_in_its_place() {
    let mut victim = Victim::new(104);
    let stage = &mut victim.stage;
    let seq = stage.hub_seq();
    // The same home id and issuer, begun anew by an owner of the attacker's: they can open what is sealed to it.
    let mine = Keys::member(&Seed::generate(&mut rng(105)));
    let key = HomeKey::from_seed(1, Seed::generate(&mut rng(106)));
    let home = *stage.author.state.home();
    let record = mine.record("Ada");
    let genesis = Genesis {
        policy: stage.author.state.policy().clone(),
        owner: record.clone(),
        issuer: issuer(&stage.author),
        epoch: latchkey_shared::chain::op::NewEpoch {
            epoch: 1,
            public: key.public(),
            wraps: vec![key.wrap(&home, &record, &mut rng(107)).unwrap()],
        },
    };
    let op = Op { home, seq: 0, prev: None, iat: BEGIN, body: Body::Genesis(genesis) };
    let forged = vec![SignedOp::sign(&op, mine.signing())];
    let codes = stage.offer(forged.clone());
    assert_eq!(codes, ["bundle.overlap"]);
    stage.run(600);
    untouched(stage, seq);
    // Not to a hub either that has lost all but what pairing left it.
    (stage.disk, stage.hub, stage.net) = (Default::default(), None, false);
    stage.start();
    let codes = stage.offer(forged);
    assert_eq!((codes, stage.alarm()), (vec!["bundle.wrong_genesis"], Some("bundle.wrong_genesis")));
    let before: Vec<String> = stage.held().into_iter().map(str::to_owned).collect();
    stage.run(600);
    assert_eq!(stage.held(), before, "what it does not know it leaves alone");
    // Another home's whole chain under this home's issuer.
    let other = TestHome::new(108);
    let now = stage.real();
    let swapped = stage.forge(move |author, asked| {
        let mut head = author.head(now, asked.nonce);
        (head.seq, head.head_hash) = (other.state.seq(), other.state.hash());
        bundle(head.sign(&author.issuer), &other.ops)
    });
    assert_eq!(swapped, ["bundle.wrong_genesis"]);
}

/// Lets the Worker issue guest codes at the front door, for two days at most.
fn lets_issue(stage: &mut Stage) {
    let key = KeyRecord {
        sign: issuer(&stage.author),
        seal: stage.author.owner.seal_public(),
        name: "Latchkey".into(),
    };
    let scope = Scope {
        locks: Some(vec![stage.lock(FRONT)]),
        max_length: Some(Seconds::days(2)),
        kinds: vec![GrantKind::Guest],
    };
    stage.does(Body::AddKey(AddKey { invite: None, key, role: Role::Issuer(scope), wraps: vec![] }));
}

#[test]
fn where_an_owner_lets_it_issue_it_issues_that_and_nothing_else() {
    let mut victim = Victim::new(109);
    lets_issue(&mut victim.stage);
    let stage = &mut victim.stage;
    let key = stage.author.issuer.clone();
    let front = stage.lock(FRONT);
    let days = |stage: &Stage, days: u32| Some(stage.real().saturating_add(Seconds::days(days)));
    let mut within =
        Grant { not_before: stage.real(), expires: days(stage, 2), ..stage.guest("999111", FRONT) };
    stage.author.seal(&mut within, "999111");
    let next = |stage: &Stage, grant: &Grant| {
        SignedOp::sign(&stage.author.state.next_op(Body::PutGrant(grant.clone()), BEGIN), &key)
    };
    let beyond = [
        Grant { kind: GrantKind::Primary, ..within.clone() },
        Grant { kind: GrantKind::Duress, ..within.clone() },
        Grant { expires: within.expires.map(|t| t.saturating_add(Seconds(1))), ..within.clone() },
        Grant { locks: vec![stage.lock(BACK)], ..within.clone() },
        Grant {
            locks: {
                let mut both = vec![front, stage.lock(BACK)];
                both.sort();
                both
            },
            ..within.clone()
        },
    ];
    for grant in beyond {
        let op = next(stage, &grant);
        assert_eq!(stage.offer(vec![op]), ["chain.not_allowed"], "{:?} {:?}", grant.kind, grant.locks);
    }
    // Nor does it touch what members made: not even to end it, where that is not within its scope.
    for entry in stage.author.state.grants().values().map(|entry| entry.grant.clone()).collect::<Vec<_>>() {
        let op = stage.author.state.next_op(Body::RevokeGrant(entry.id), BEGIN);
        assert_eq!(stage.offer(vec![SignedOp::sign(&op, &key)]), ["chain.not_allowed"]);
    }
    untouched(stage, stage.hub_seq());
    // The stated exception.
    let op = next(stage, &within);
    assert_eq!(stage.offer(vec![op]), [""; 0]);
    stage.run(5);
    assert!(stage.opens(FRONT).contains(&"999111"));
    stage.net = false;
    stage.run(2 * 86_400);
    assert!(!stage.held().contains(&"999111"), "and it ends by itself");
}

#[test]
fn a_pin_that_the_worker_made_is_forgotten() {
    let mut victim = Victim::new(110);
    lets_issue(&mut victim.stage);
    let stage = &mut victim.stage;
    let body = r#"{"name":"Booking","scopes":["codes:write","codes:read"]}"#;
    let (owner, now) = (stage.author.owner.id(), stage.real().0);
    let made = stage.cloud.make_token(&owner, true, body.as_bytes(), &mut rng(111), now).unwrap();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let token = latchkey_shared::token::ApiToken::parse(made["token"].as_str().unwrap()).unwrap();
    let once = token.derive(b"booking-1");
    let issuers = [stage.author.issuer.clone()];
    let request = ApiRequest {
        method: "POST".into(),
        path: "codes".into(),
        query: String::new(),
        body: serde_json::json!({
            "label": "Anna", "locks": [stage.lock(FRONT).to_string()], "note": "The lamp is broken.",
            "expires": "2027-01-16T10:00:00Z",
        })
        .to_string()
        .into_bytes(),
        caller: Caller::Token(token.hash()),
        if_match: None,
        once: Some(Zeroizing::new(*once)),
    };
    let hubs = [stage.author.hub];
    let mut ctx = ApiContext {
        now,
        zone: Some(&FixedZone::UTC),
        online: &hubs,
        issuers: &issuers,
        origin: "https://latchkey.example",
        rng: rng(112),
    };
    let reply = stage.cloud.api(&mut ctx, &request).unwrap();
    let link =
        serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["link"].as_str().unwrap().to_owned();
    stage.run(60);
    let pin = stage.opens(FRONT).into_iter().find(|pin| !PINS.contains(pin)).unwrap().to_owned();
    // The author follows, so that the loot is complete.
    for op in stage.cloud.store().ops_from(stage.author.ops.len() as u64).unwrap() {
        stage.author.state.extend(&op).unwrap();
        stage.author.ops.push(op);
    }
    let loot = victim.loot();
    let all = loot.concat();
    let holds = |needle: &[u8]| all.windows(needle.len()).any(|window| window == needle);
    let fragment = link.split('#').nth(1).unwrap();
    assert!(
        !holds(pin.as_bytes()) && !holds(fragment.as_bytes()) && !holds(b"The lamp"),
        "PIN, link and note"
    );
    let answers = victim.stage.cloud.store().items(Shelf::Answer).unwrap();
    assert_eq!(answers.len(), 1);
    let (_, _, sealed): (latchkey_shared::id::Hash32, u64, Blob) =
        latchkey_shared::wire::cbor::from_slice(&answers[0], 65_536).unwrap();
    assert!(candidates::<32>(&loot).iter().all(|key| open_answer(key, &sealed).is_none()));
    assert!(open_answer(&once, &sealed).is_some(), "whoever has the token and asks again gets it");
}

#[test]
fn a_forged_hub_is_told_nothing_that_it_could_open() {
    // Whoever runs the Worker can make up a hub of their own and serve it the chain: it is no hub of the chain.
    let victim = Victim::new(113);
    let author = &victim.stage.author;
    let mine = Keys::hub(&Seed::generate(&mut rng(114)));
    assert_eq!(author.state.wraps_for(mine.id()).count(), 0);
    for wrap in author.state.wraps_for(author.hub_keys.id()) {
        assert!(
            HomeKey::unwrap(author.state.home(), &wrap, author.state.epoch_public(1).unwrap(), &mine)
                .is_err()
        );
        let renamed = latchkey_shared::keys::Wrap { to: mine.id(), ..wrap };
        assert!(
            HomeKey::unwrap(author.state.home(), &renamed, author.state.epoch_public(1).unwrap(), &mine)
                .is_err()
        );
    }
}
