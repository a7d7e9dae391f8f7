//! Heads that should not count, and what a Worker can do that keeps what it knows to itself.

use latchkey_hub::core::clock::WallClock;
use latchkey_shared::chain::Body;
use latchkey_shared::explain::CodeState;
use latchkey_shared::head::Head;
use latchkey_shared::id::{HomeId, HubId, Nonce};
use latchkey_shared::report::Report;
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_tests::stage::{BEGIN, FRONT, Question, Stage, bundle, issuer};
use latchkey_worker::store::HomeStore;

/// The Worker's answer without ops, under a head that was changed so.
fn answer(
    now: Timestamp,
    change: impl FnOnce(&mut Head) + 'static,
) -> impl FnOnce(&TestHome, Question) -> Vec<u8> {
    move |author, asked| {
        let mut head = author.head(now, asked.nonce);
        change(&mut head);
        bundle(head.sign(&author.issuer), &[])
    }
}

#[test]
fn heads_for_others_or_for_too_long_or_of_other_keys() {
    let mut stage = Stage::new(20);
    let now = stage.real();
    let far = |head: &mut Head, seconds: u64| head.expires = head.issued_at.saturating_add(Seconds(seconds));
    assert_eq!(stage.forge(answer(now, |h| h.home = HomeId([1; 16]))), ["head.wrong_home"]);
    assert_eq!(stage.forge(answer(now, |h| h.hub = HubId([1; 16]))), ["head.wrong_hub"]);
    assert_eq!(stage.forge(answer(now, move |h| far(h, 72 * 3_600 + 1))), ["head.too_long"]);
    assert_eq!(stage.forge(answer(now, move |h| far(h, 0))), ["head.too_long"]);
    assert_eq!(stage.forge(answer(now, |h| h.nonce = Some(Nonce([1; 16])))), ["head.wrong_nonce"]);
    let owner = move |author: &TestHome, asked: Question| {
        bundle(author.head(now, asked.nonce).sign(author.owner.signing()), &[])
    };
    assert_eq!(stage.forge(owner), ["head.bad_signature"]);
    // 72 hours to the second are good.
    assert_eq!(stage.forge(answer(now, move |h| far(h, 72 * 3_600))), [""; 0]);
}

#[test]
fn heads_of_an_issuer_that_was_replaced() {
    let mut stage = Stage::new(21);
    let grant = stage.live("483920", FRONT);
    let old = stage.author.issuer.clone();
    let new = ed25519_dalek::SigningKey::from_bytes(&[77; 32]);
    stage.signs(Body::RotateIssuer(new.verifying_key().into()));
    stage.author.issuer = new.clone();
    assert_eq!(issuer(&stage.author), new.verifying_key().into());
    let rotation = stage.author.ops.last().cloned().unwrap();
    assert_eq!(stage.offer(vec![rotation]), [""; 0]);
    let now = stage.real();
    let stolen =
        move |author: &TestHome, asked: Question| bundle(author.head(now, asked.nonce).sign(&old), &[]);
    assert_eq!(stage.forge(stolen), ["head.bad_signature"]);
    assert_eq!(stage.opens(FRONT).len(), 1, "{}", grant.id);
}

#[test]
fn an_old_bundle_also_after_a_power_cut() {
    let mut stage = Stage::new(22);
    let before = stage.live("483920", FRONT);
    let now = stage.real();
    let old_end = stage.author.head(now, None);
    stage.does(Body::RevokeGrant(before.id));
    assert!(stage.held().is_empty());
    for cut in [false, true, true] {
        if cut {
            stage.power_cut();
        }
        let end = old_end.clone();
        let replay = stage.forge(move |author, _| bundle(end.sign(&author.issuer), &[]));
        assert_eq!(replay.len(), 1, "{replay:?}");
        assert!(["bundle.rollback", "head.wrong_nonce"].contains(&replay[0]), "{replay:?}");
        // The issuer's key lets the Worker date it anew and answer the nonce; it is older history all the same.
        let (end, now) = (old_end.clone(), stage.real());
        let renewed = stage.forge(move |author, asked| {
            let life = now.saturating_add(Seconds::hours(24));
            let head = Head { issued_at: now, expires: life, nonce: asked.nonce, ..end };
            bundle(head.sign(&author.issuer), &[])
        });
        assert_eq!(renewed, ["bundle.rollback"]);
        stage.run(300);
        assert!(stage.held().is_empty() && stage.hub_seq() == 3);
    }
}

#[test]
fn a_frozen_head_keeps_guests_only_for_the_offline_grace() {
    let mut stage = Stage::new(23);
    let mut long = stage.guest("483920", FRONT);
    long.expires = Some(BEGIN.saturating_add(Seconds::days(60)));
    stage.does(Body::PutGrant(long.clone()));
    assert_eq!(stage.opens(FRONT), ["483920"]);
    // The attacker has no key: it repeats what it has, for as long as the head says, and then is refused.
    let now = stage.real();
    let frozen = bundle(stage.author.head(now, None).sign(&stage.author.issuer), &[]);
    stage.net = false;
    let grace = Seconds::days(14);
    let mut codes = std::collections::BTreeSet::new();
    while stage.real() < now.saturating_add(grace).saturating_sub(Seconds(120)) {
        let again = frozen.clone();
        codes.extend(stage.forge(move |_, _| again));
        stage.run(6 * 3_600);
    }
    assert!(codes.iter().all(|code| ["head.expired", "head.wrong_nonce"].contains(code)), "{codes:?}");
    stage.run(24 * 3_600);
    assert!(stage.opens(FRONT).is_empty(), "the grace is over");
}

#[test]
fn a_revocation_that_is_kept_from_the_hub_shows() {
    let mut stage = Stage::new(24);
    let grant = stage.live("483920", FRONT);
    // The owner revokes and the Worker takes it, and goes on telling the hub that nothing is new.
    let old_end = stage.author.head(BEGIN, None);
    stage.signs(Body::RevokeGrant(grant.id));
    stage.submit(vec![]).unwrap();
    for _ in 0..8 {
        let (end, now) = (old_end.clone(), stage.real());
        let held_back = stage.forge(move |author, asked| {
            let life = now.saturating_add(Seconds::hours(24));
            let head = Head { issued_at: now, expires: life, nonce: asked.nonce, ..end };
            bundle(head.sign(&author.issuer), &[])
        });
        assert_eq!(held_back, [""; 0], "the hub cannot know");
    }
    let signed = stage.cloud.store().reports().unwrap();
    let (home, hub) = (*stage.author.state.home(), stage.author.hub);
    let key = stage.author.hub_keys.sign_public();
    let front = stage.lock(FRONT);
    let report = signed
        .iter()
        .map(|(_, bytes)| Report::verify(bytes, &home, &hub, &key).unwrap())
        .find(|report| report.lock.id == front)
        .unwrap();
    assert!(report.seq < stage.author.state.seq(), "the hub signs that it has not heard of the revocation");
    let code = report.codes.iter().find(|code| code.grant == grant.id).unwrap();
    assert!(matches!(code.state, CodeState::OnLock { .. }), "and that the code is on the lock");
    assert_eq!(stage.opens(FRONT), ["483920"]);
}

#[test]
fn a_head_dated_ahead_opens_nothing_early() {
    let mut stage = Stage::new(25);
    let mut soon = stage.guest("483920", FRONT);
    soon.not_before = BEGIN.saturating_add(Seconds::days(3));
    stage.does(Body::PutGrant(soon));
    let now = stage.real();
    for ahead in [301, 3_600, 3 * 86_400, 3_650 * 86_400] {
        let at = now.saturating_add(Seconds(ahead));
        let codes = stage.forge(answer(at, |_| {}));
        assert!(codes == ["head.from_the_future"] || codes == ["head.wrong_nonce"], "{ahead}: {codes:?}");
        stage.run(60);
        assert!(stage.held().is_empty(), "{ahead}");
    }
    // To a hub that does not know the time, over its own nonce: at most a day ahead, in all.
    stage.boot.id = [2; 16];
    stage.boot.wall = WallClock::MayStop;
    stage.now.wall = Timestamp(0);
    stage.power_cut();
    for step in 0..40 {
        let at = now.saturating_add(Seconds(step * 12 * 3_600));
        stage.forge(answer(at, |_| {}));
        stage.run(60);
        assert!(stage.held().is_empty(), "step {step}");
    }
}
