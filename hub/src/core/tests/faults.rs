//! Faults: of locks, of the clock, of the cloud, of the power.

use super::world::{BEGIN, World};
use crate::core::Input;
use crate::drivers::sim::model::Fault;
use latchkey_shared::chain::Body;
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::head::{Bundle, Head};
use latchkey_shared::id::Nonce;
use latchkey_shared::testing::rng;
use latchkey_shared::time::{Seconds, Timestamp};
use rand_core::Rng;

const ALL: [&str; 4] = ["front", "back", "garage", "gate"];

#[test]
fn each_way_to_fail_heals_and_none_is_called_done() {
    for fault in [Fault::Timeout, Fault::LateAnswer, Fault::DroppedWrite] {
        for key in ["front", "gate"] {
            let mut w = World::new(20);
            w.fault(key, fault);
            let grant = w.guest("483920", &[key]);
            w.put(&grant);
            w.run(60);
            assert_eq!(w.pins_on(key), ["483920"], "{key} {fault:?}");
            assert!(matches!(w.state(key, grant.id), Some(CodeState::OnLock { .. })));
            w.fault(key, fault);
            w.revoke(grant.id);
            w.run(60);
            assert!(w.pins_on(key).is_empty(), "{key} {fault:?}");
            assert_eq!(w.state(key, grant.id), Some(CodeState::Revoked));
        }
    }
}

#[test]
fn a_refused_pin_is_not_tried_for_ever() {
    for (fault, why) in [(Fault::Duplicate, FailWhy::Duplicate), (Fault::Reject, FailWhy::RejectedByLock)] {
        let mut w = World::new(21);
        w.fault("front", fault);
        let grant = w.guest("483920", &["front"]);
        w.put(&grant);
        w.run(5);
        let is = |s: Option<CodeState>| matches!(s, Some(CodeState::Failed { why: is, .. }) if is == why);
        assert!(is(w.state("front", grant.id)), "{:?}", w.state("front", grant.id));
        let before = w.commands.len();
        w.run(86_400);
        assert_eq!(w.commands.len(), before);
        let mut again = Grant { rev: 2, ..grant.clone() };
        w.home.seal(&mut again, "715306");
        w.put(&again);
        w.run(5);
        assert_eq!(w.pins_on("front"), ["715306"]);
    }
}

#[test]
fn a_refused_new_pin_does_not_leave_the_old_one_open() {
    let mut w = World::new(22);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    w.fault("front", Fault::Reject);
    let mut changed = Grant { rev: 2, ..grant.clone() };
    w.home.seal(&mut changed, "715306");
    w.put(&changed);
    w.run(5);
    assert!(w.pins_on("front").is_empty());
    assert!(matches!(
        w.state("front", grant.id),
        Some(CodeState::Failed { why: FailWhy::RejectedByLock, .. })
    ));
}

#[test]
fn a_failed_schedule_keeps_the_pin_off() {
    let mut w = World::new(23);
    let start = w.real_time().saturating_add(Seconds(3_600));
    let grant = Grant { not_before: start, ..w.guest("483920", &["gate"]) };
    w.fault("gate", Fault::Reject);
    w.put(&grant);
    w.run(30);
    assert!(w.pins_on("gate").is_empty(), "no PIN without its hours");
}

#[test]
fn a_dead_lock_is_left_in_peace_and_shown() {
    let mut w = World::new(24);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    let others: Vec<Grant> = ["7153", "6029", "8264", "5937"].map(|pin| w.guest(pin, &["front"])).into();
    others.iter().for_each(|other| w.put(other));
    w.run(5);
    w.fault("front", Fault::Dead);
    w.revoke(grant.id);
    others.iter().for_each(|other| w.revoke(other.id));
    let before = w.commands.len();
    w.run(3_600);
    let tries = w.commands[before..].iter().filter(|(key, _)| key == "front").count();
    assert!((3..25).contains(&tries), "{tries} tries in an hour");
    assert!(matches!(
        w.state("front", grant.id),
        Some(CodeState::StillOnLock { why: Some(FailWhy::Unreachable), .. })
    ));
    assert_eq!(w.state("gate", grant.id), Some(CodeState::Revoked), "one lock does not hold up another");
    assert!(w.reports[&w.id("front")].lock.unreachable_since.is_some());
    w.fault("front", Fault::Heal);
    w.run(1_200);
    assert_eq!(w.state("front", grant.id), Some(CodeState::Revoked));
    assert!(w.reports[&w.id("front")].lock.unreachable_since.is_none());
    assert_eq!(w.logged(|e| matches!(e, EventBody::LockReachable(..))), 2);
}

#[test]
fn without_the_time_codes_come_off_and_none_goes_on() {
    let mut w = World::new(25);
    let end = w.real_time().saturating_add(Seconds(3_600));
    let short = Grant { expires: Some(end), ..w.guest("483920", &["front"]) };
    let later = Grant { not_before: end, ..w.guest("715306", &["front"]) };
    w.put(&short);
    w.put(&later);
    w.run(5);
    // The power is off for a day; the machine comes back without the network, its clock at the epoch.
    w.net = false;
    w.boot.id = [2; 16];
    w.now.wall = Timestamp(0);
    w.crash();
    w.run(2 * 3_600);
    assert_eq!(w.pins_on("front"), Vec::<String>::new(), "by its own count the hour is over");
    assert!(matches!(w.state("front", later.id), Some(CodeState::Failed { why: FailWhy::ClockUnknown, .. })));
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["715306"], "a head over a fresh nonce is proof enough");
}

#[test]
fn a_clock_set_back_does_not_bring_a_code_back() {
    let mut w = World::new(26);
    let end = w.real_time().saturating_add(Seconds(600));
    let grant = Grant { expires: Some(end), ..w.guest("483920", &ALL) };
    w.put(&grant);
    w.run(700);
    w.net = false;
    w.now.wall = BEGIN;
    w.run(60);
    w.crash();
    w.run(60);
    assert!(ALL.iter().all(|key| w.pins_on(key).is_empty()));
}

#[test]
fn a_clock_far_ahead_does_not_end_codes() {
    let mut w = World::new(27);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    w.net = false;
    w.now.wall = w.now.wall.saturating_add(Seconds::days(400));
    w.run(600);
    assert!(ALL[..3].iter().all(|key| w.types(key, "483920")));
}

#[test]
fn bad_bundles_change_nothing() {
    let bends: [fn(&mut Vec<u8>); 4] = [
        |b| b.truncate(b.len() / 2),
        |b| b.clear(),
        |b| {
            let middle = b.len() / 2;
            b[middle] ^= 1;
        },
        |b| b.push(0),
    ];
    for bend in bends {
        let mut w = World::new(28);
        let grant = w.guest("483920", &["front"]);
        w.bend_bundle = Some(bend);
        w.put(&grant);
        w.run(30);
        assert!(w.pins_on("front").is_empty());
        assert!(!w.refused.is_empty());
        w.bend_bundle = None;
        w.run(60);
        assert_eq!(w.pins_on("front"), ["483920"], "and a good one is taken afterwards");
    }
}

/// Bundles that are well formed and signed, and still not for this hub, or not for now.
#[test]
fn other_peoples_and_old_bundles_are_refused() {
    type Bend = fn(&mut Head);
    let bends: [(Bend, &str); 8] = [
        (|h| h.hub.0[0] ^= 1, "head.wrong_hub"),
        (|h| h.home.0[0] ^= 1, "head.wrong_home"),
        (|h| h.expires = h.issued_at.saturating_add(Seconds::days(30)), "head.too_long"),
        (|h| h.issued_at = h.issued_at.saturating_sub(Seconds::hours(1)), "head.rollback"),
        (|h| h.seq += 1, "bundle.incomplete"),
        (|h| h.seq -= 1, "bundle.rollback"),
        (|h| h.head_hash.0[0] ^= 1, "bundle.fork"),
        (|h| h.nonce = Some(Nonce([7; 16])), "head.wrong_nonce"),
    ];
    let mut w = World::new(31);
    let before = w.stored.ops.len();
    w.net = false;
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    let good = w.home.bundle(before, w.real_time(), None);
    for (bend, code) in bends {
        let mut head = w.home.head(w.real_time(), None);
        bend(&mut head);
        let bundle = Bundle { head: head.sign(&w.home.issuer).into(), ops: good.ops.clone() };
        assert_eq!(w.refuses(&bundle), [code]);
    }
    let others = World::new(32).home;
    assert_eq!(w.refuses(&others.bundle(before, w.real_time(), None)), ["head.bad_signature"]);
    assert_eq!(w.refuses(&others.bundle(1, w.real_time(), None)), ["chain.wrong_home"]);
    assert_eq!(
        w.refuses(&w.home.bundle(0, w.real_time(), None)),
        ["bundle.overlap"],
        "what is known already"
    );
    assert_eq!(w.refuses(&w.home.bundle(before + 1, w.real_time(), None)), ["bundle.incomplete"], "a gap");
    let forged = Bundle { head: w.home.head(w.real_time(), None).sign(&others.issuer).into(), ops: good.ops };
    assert_eq!(w.refuses(&forged), ["head.bad_signature"]);
    assert_eq!(w.stored.ops.len(), before, "nothing was written down");
    assert!(w.pins_on("front").is_empty());
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(3);
    assert_eq!(w.pins_on("front"), ["483920"]);
}

#[test]
fn a_fork_is_an_alarm_and_changes_nothing() {
    let mut w = World::new(29);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    // The cloud shows another history of the same length.
    let (state, ops) = (w.home.state.clone(), w.home.ops.clone());
    w.home.ops.pop();
    w.home.state = latchkey_shared::chain::ChainState::from_ops(&w.home.ops).unwrap();
    let other = w.guest("715306", &["front"]);
    w.home.push(Body::PutGrant(other)).unwrap();
    let third = w.guest("602943", &["front"]);
    w.home.push(Body::PutGrant(third)).unwrap();
    w.tell();
    w.run(60);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert_eq!(w.logged(|e| matches!(e, EventBody::ChainAlarm(_))), 1, "told once");
    w.home.state = state;
    w.home.ops = ops;
    w.revoke(grant.id);
    w.run(60);
    assert!(w.pins_on("front").is_empty());
}

#[test]
fn a_cloud_that_was_set_back_is_an_alarm_and_changes_nothing() {
    let mut w = World::new(33);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    for _ in 0..3 {
        w.answers_next(Input::CloudBehind);
    }
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert_eq!(w.logged(|e| matches!(e, EventBody::ChainAlarm(_))), 1);
}

#[test]
fn a_removed_hub_takes_its_codes_off() {
    let mut w = World::new(30);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    w.home.push(Body::RemoveHub(w.home.hub)).unwrap();
    w.tell();
    w.run(5);
    assert!(ALL.iter().all(|key| w.pins_on(key).is_empty()));
}

/// Everything at once, from a seed: faults, crashes, a network that comes and goes; then all heals, and the world
/// must be as if nothing had happened.
#[test]
fn whatever_happens_it_converges() {
    for seed in 0..12 {
        chaos(seed);
    }
}

fn chaos(seed: u64) {
    let mut w = World::new(100 + seed);
    let mut dice = rng(seed);
    let mut roll = |n: u64| dice.next_u64() % n;
    let mut live: Vec<Grant> = vec![];
    let mut pins = 0;
    for _ in 0..40 {
        match roll(9) {
            0 | 1 if live.len() < 5 => {
                pins += 1;
                let keys: Vec<&str> = ALL.into_iter().filter(|_| roll(2) == 0).collect();
                if !keys.is_empty() {
                    let grant = w.guest(&format!("{}", 480_613 + pins * 7_919), &keys);
                    w.put(&grant);
                    live.push(grant);
                }
            }
            2 if !live.is_empty() => {
                let grant = live.swap_remove(roll(live.len() as u64) as usize);
                w.revoke(grant.id);
            }
            3 => w.net = !w.net,
            4 => w.crash_in = Some(roll(12) as u32),
            5 => w.crash(),
            _ => {
                let fault =
                    [Fault::Timeout, Fault::LateAnswer, Fault::DroppedWrite, Fault::Dead, Fault::Heal]
                        [roll(5) as usize];
                let key = ALL[roll(4) as usize];
                // Nobody can know that a lock lied that cannot be read.
                if (key, fault) != ("garage", Fault::DroppedWrite) {
                    w.fault(key, fault);
                }
            }
        }
        w.run(roll(40));
    }
    w.crash_in = None;
    for key in ALL {
        w.fault(key, Fault::Heal);
    }
    w.net = true;
    w.input(Input::NetworkUp);
    w.tell();
    w.run(1_900);
    for key in ALL {
        let id = w.id(key);
        let mut wanted: Vec<String> = vec![];
        for grant in live.iter().filter(|g| g.locks.contains(&id)) {
            let binding = latchkey_shared::sealed::Binding {
                home: w.home.state.home(),
                grant: &grant.id,
                rev: 1,
                locks: &grant.locks,
            };
            wanted.push(grant.pin.open(&binding, &w.home.home_key).unwrap().expose().to_owned());
        }
        let mut on = w.pins_on(key);
        wanted.sort();
        on.sort();
        assert_eq!(on, wanted, "seed {seed}, {key}, after {} crashes", w.crashes);
    }
    assert_eq!(w.cloud_tip.number, w.stored.tip.number, "seed {seed}: every event arrived");
    assert_eq!(w.cloud_events.len() as u64, w.stored.tip.number);
}

#[test]
fn a_lock_that_does_not_tell_who_came_in_gets_no_code_whose_uses_count() {
    let mut w = World::new(31);
    w.sims.get_mut("front").unwrap().abilities.tells_uses = false;
    w.start();
    w.run(5);
    let once = Grant { uses: Some(1), ..w.guest("483920", &["front", "gate"]) };
    w.put(&once);
    w.run(5);
    let why = Some(CodeState::Failed { why: FailWhy::Uncounted, next_try: None });
    assert_eq!(w.state("front", once.id), why);
    assert!(w.pins_on("front").is_empty());
    assert_eq!(w.pins_on("gate"), ["483920"], "where it can be counted it works");
}
