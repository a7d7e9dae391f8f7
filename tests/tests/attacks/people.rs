//! People who are not who they should be: guessers of links, names that are more than names.

use latchkey_shared::api::LinkUpload;
use latchkey_shared::chain::op::{AddKey, Role};
use latchkey_shared::chain::{Body, ChainError};
use latchkey_shared::grant::{Grant, LinkRef};
use latchkey_shared::id::LinkId;
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::policy::Policy;
use latchkey_shared::sealed::SealedSecret;
use latchkey_shared::testing::rng;
use latchkey_shared::wire::cbor::Blob;
use latchkey_shared::zone::{FixedZone, Zone};
use latchkey_tests::stage::{BEGIN, FRONT, Stage};
use latchkey_worker::error::NO_LINK;
use std::time::{Duration, Instant};

/// A home with a shared code; its link.
fn shared(seed: u64) -> (Stage, Grant, LinkSecret) {
    let mut stage = Stage::new(seed);
    let secret = LinkSecret::generate(&mut stage.author.rng);
    let mut grant = stage.guest("483920", FRONT);
    let (home, key) = (*stage.author.state.home(), stage.author.home_key.public());
    let sealed = SealedSecret::seal(&secret, &home, &grant.id, 1, &key, &mut stage.author.rng).unwrap();
    grant.link = Some(LinkRef { id: secret.id(), secret: sealed });
    stage.signs(Body::PutGrant(grant.clone()));
    let content = Blob(vec![7; 64]);
    let link = LinkUpload { id: secret.id(), grant: grant.id, auth_hash: secret.auth_hash(), content };
    stage.submit(vec![link]).unwrap();
    (stage, grant, secret)
}

#[test]
fn a_wrong_proof_and_an_unknown_link_get_the_same_answer() {
    let (stage, _, secret) = shared(160);
    let zone = Some(&FixedZone::UTC as &dyn Zone);
    let ask = |id: &LinkId, auth: &[u8; 32]| {
        let status = stage.cloud.link_status(id, auth, zone, BEGIN.0).map(|_| ());
        let reveal = stage.cloud.reveal(id, auth, zone, BEGIN.0).map(|_| ());
        assert_eq!(status, reveal);
        status
    };
    assert_eq!(ask(&secret.id(), &secret.auth()), Ok(()));
    for bit in 0..256 {
        let mut auth = *secret.auth();
        auth[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(ask(&secret.id(), &auth), Err(NO_LINK), "bit {bit}");
    }
    for wrong in [[0; 32], [0xff; 32], secret.auth_hash().0] {
        assert_eq!(ask(&secret.id(), &wrong), Err(NO_LINK));
        assert_eq!(ask(&LinkId([9; 16]), &wrong), Err(NO_LINK));
    }
    assert_eq!(ask(&LinkId([9; 16]), &secret.auth()), Err(NO_LINK));
}

#[test]
fn a_wrong_proof_and_an_unknown_link_take_the_same_time() {
    let (stage, _, secret) = shared(161);
    let zone = Some(&FixedZone::UTC as &dyn Zone);
    let (known, unknown) = (secret.id(), LinkId([9; 16]));
    let mut near = *secret.auth();
    near[31] ^= 1;
    let time = |id: &LinkId, auth: &[u8; 32]| {
        let begun = Instant::now();
        for _ in 0..200 {
            assert!(stage.cloud.link_status(id, auth, zone, BEGIN.0).is_err());
        }
        begun.elapsed()
    };
    // The best of many, taken in turns, so that a busy machine does not decide.
    let mut best = [Duration::MAX; 3];
    for _ in 0..40 {
        for (best, (id, auth)) in
            best.iter_mut().zip([(&known, &[0; 32]), (&known, &near), (&unknown, &[0; 32])])
        {
            *best = (*best).min(time(id, auth));
        }
    }
    let most = best.iter().max().unwrap().as_secs_f64() / best.iter().min().unwrap().as_secs_f64();
    assert!(most < 2.0, "{best:?}");
}

#[test]
fn names_that_steer_what_shows_them_are_refused_everywhere() {
    const BAD: [&str; 9] = [
        "Anna\u{202e}gnp.exe",
        "Anna\u{2066}x",
        "Anna\u{200f}",
        "Anna\u{2028}forged line",
        "Anna\nINFO forged log line",
        "Anna\r\nSet-Cookie: x=y",
        "Anna\u{1b}[2J",
        "Anna\u{0}",
        "Anna\u{85}x",
    ];
    let mut stage = Stage::new(162);
    let good = stage.guest("483920", FRONT);
    let (zone, key) =
        (stage.author.state.policy().zone.clone(), Keys::member(&Seed::generate(&mut rng(163))));
    for bad in BAD {
        let label = Grant { label: bad.into(), ..good.clone() };
        let person = AddKey { invite: None, key: key.record(bad), role: Role::Resident, wraps: vec![] };
        for body in
            [Body::PutGrant(label), Body::AddKey(person), Body::SetPolicy(Policy::new(bad, zone.clone()))]
        {
            assert_eq!(stage.author.push(body), Err(ChainError::BadOp), "{bad:?}");
        }
        let lock = latchkey_shared::testing::lock(stage.lock(FRONT), bad);
        let report = stage.author.report(lock, vec![]).sign(stage.author.hub_keys.signing());
        let push = latchkey_shared::api::HubPush { seq: None, reports: vec![Blob(report)], events: vec![] };
        let body = latchkey_shared::wire::cbor::to_vec(&push);
        let refused = stage.cloud.push(&stage.author.hub, &body, BEGIN.0).map(|_| ()).unwrap_err();
        assert_eq!(refused.code, "report.malformed", "{bad:?}");
        let token = serde_json::json!({ "name": bad, "scopes": ["home:read"] }).to_string();
        let owner = stage.author.owner.id();
        let refused = stage.cloud.make_token(&owner, true, token.as_bytes(), &mut rng(164), BEGIN.0);
        assert!(refused.is_err(), "{bad:?}");
    }
    assert!(
        stage
            .author
            .push(Body::PutGrant(Grant { label: "<script>alert(1)</script>".into(), ..good }))
            .is_ok()
    );
}

#[test]
fn a_name_that_is_a_formula_is_none_in_a_table() {
    use latchkey_shared::exchange::csv;
    let mut stage = Stage::new(165);
    let doors = [(stage.lock(FRONT), "=HYPERLINK(\"//evil.example\",1)".to_owned())];
    for start in ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"] {
        let grant = Grant { label: start.into(), ..stage.guest("483920", FRONT) };
        let table = csv::export([&grant], &doors, &FixedZone::UTC);
        for cell in table.trim_start_matches('\u{feff}').split(['\n', ',', ';', '\t']) {
            let begins = cell.trim_start_matches('"').chars().next().unwrap_or('x');
            assert!(!"=+-@".contains(begins), "{start}: {cell}");
        }
        let context = csv::Context { doors: &doors, zone: &FixedZone::UTC, now: BEGIN };
        let back = csv::import(&table, &context).unwrap();
        assert_eq!(back[0].draft.label, start, "and it is itself again when read");
    }
}
