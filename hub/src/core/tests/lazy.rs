//! Nothing is scanned: what each thing costs, in commands to the lock.

use super::world::World;
use crate::core::lock::Happening;
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::slot::Readback;

/// The n-th of many PINs.
fn pin(n: u32) -> String {
    format!("{}", 310_000 + n * 7)
}

#[test]
fn a_lock_that_is_found_is_looked_at_and_one_slot_is_read_ahead_of_need() {
    let mut w = World::new(201);
    w.run(3_600);
    for key in ["front", "back", "gate"] {
        assert_eq!(w.sent(key, 0), ["observe", "read"], "{key}");
    }
    assert_eq!(w.sent("garage", 0), ["observe"], "there is nothing to read");
    let before = w.commands.len();
    w.install("big", Readback::Full, 250);
    w.run(3_600);
    assert_eq!(w.sent("big", before), ["observe", "read"], "however many slots it has");
}

#[test]
fn one_new_code_costs_one_write_that_is_read_back() {
    let mut w = World::new(202);
    let keys = ["front", "back", "garage", "gate"];
    let first = w.guest("483920", &keys);
    let before = w.commands.len();
    w.put(&first);
    w.run(60);
    for key in ["front", "back", "garage"] {
        assert_eq!(w.sent(key, before), ["write"], "{key}");
    }
    assert_eq!(w.sent("gate", before), ["schedule", "write"], "the lock keeps its hours");
    // A day later its place is known to be empty, and the next code costs as much.
    w.revoke(first.id);
    w.run(86_400);
    let before = w.commands.len();
    let next = w.guest("715306", &keys);
    w.put(&next);
    w.run(60);
    assert_eq!(w.sent("front", before), ["write"]);
    assert_eq!(w.sent("back", before), ["write"]);
    // A slot that was never used is looked at once before.
    let before = w.commands.len();
    let other = w.guest("602847", &["front"]);
    w.put(&other);
    w.run(86_400);
    assert_eq!(w.sent("front", before), ["read", "write"]);
    assert_eq!(w.pins_on("front"), ["715306", "602847"]);
}

#[test]
fn a_lock_that_does_not_tell_of_changes_is_read_again_after_a_minute() {
    let mut w = World::new(203);
    w.sims.get_mut("front").unwrap().tells_changes = false;
    w.says("front", Happening::Back);
    w.run(120);
    let grant = w.guest("483920", &["front"]);
    let before = w.commands.len();
    w.put(&grant);
    w.run(60);
    assert_eq!(w.sent("front", before), ["read", "write"]);
}

#[test]
fn after_an_interruption_what_is_on_the_lock_is_read_again_a_few_at_a_time() {
    let mut w = World::new(204);
    w.install("big", Readback::Full, 250);
    let grants: Vec<Grant> = (0..30).map(|n| w.guest(&pin(n), &["big"])).collect();
    grants.iter().for_each(|grant| w.put(grant));
    w.run(60);
    assert_eq!(w.pins_on("big").len(), 30);
    for interrupted in [false, true] {
        let before = w.commands.len();
        match interrupted {
            true => {
                w.says("big", Happening::Away);
                w.says("big", Happening::Back);
            }
            false => w.crash(),
        }
        w.run(60);
        let sent = w.sent("big", before);
        assert!(sent.len() <= 9 && sent[0] == "observe", "{sent:?}");
        assert!(sent[1..].iter().all(|name| *name == "read"));
        // Meanwhile nothing is claimed to have been read that was not.
        let stale = grants.iter().filter(|grant| {
            matches!(w.state("big", grant.id), Some(CodeState::OnLock { verified_at }) if w.real_time().since(verified_at).0 > 50)
        });
        assert!(stale.count() >= 20);
        w.run(8 * 3_600);
        assert!(w.sent("big", before).len() <= 33, "each once");
        w.run(86_400);
        assert!(w.sent("big", before).len() <= 33, "and then no more");
    }
}

#[test]
fn while_a_lock_is_being_filled_nobody_is_told_that_it_is_full() {
    let mut w = World::new(206);
    w.install("big", Readback::Full, 250);
    let grants: Vec<Grant> = (0..30).map(|n| w.guest(&pin(n), &["big"])).collect();
    grants.iter().for_each(|grant| w.put(grant));
    w.run(60);
    assert_eq!(w.pins_on("big").len(), 30);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeFailed(..))), 0);
}

#[test]
fn a_lock_full_of_foreign_codes_is_probed_sparingly_and_each_slot_once() {
    let mut w = World::new(205);
    w.install("big", Readback::Full, 250);
    for no in 1..=250 {
        w.unnoticed("big", no, Some(&pin(u32::from(no))));
    }
    w.says("big", Happening::Back);
    w.run(5);
    let grant = w.guest("483920", &["big"]);
    w.put(&grant);
    w.run(1_800);
    let reads = w.sent("big", 0).iter().filter(|name| **name == "read").count();
    assert!((10..=32).contains(&reads), "{reads} reads in half an hour");
    assert!(!w.sent("big", 0).contains(&"write"));
    let Some(CodeState::Failed { why: FailWhy::Full, next_try: Some(_) }) = w.state("big", grant.id) else {
        panic!("{:?}", w.state("big", grant.id))
    };
    // What was found out is not asked again after a restart.
    let known = w.stored.slots.keys().filter(|(lock, _)| *lock == w.id("big")).count();
    assert!(known >= 10);
    w.crash();
    w.run(10);
    let before = w.stored.slots.keys().filter(|(lock, _)| *lock == w.id("big")).count();
    let again = w.sent("big", 0).iter().filter(|name| **name == "read").count();
    assert_eq!(before - known, again - reads, "each read after it was of another slot");
    // Somebody makes room.
    w.by_hand("big", 200, None);
    w.run(5);
    assert!(w.pins_on("big").contains(&"483920".to_owned()));
}

#[test]
fn with_many_foreign_codes_a_free_slot_is_soon_found() {
    let mut w = World::new(206);
    w.install("big", Readback::Masked, 250);
    for no in 1..=100 {
        w.unnoticed("big", no, Some(&pin(u32::from(no))));
    }
    w.crash();
    let grant = w.guest("483920", &["big"]);
    w.put(&grant);
    w.run(5);
    assert!(w.pins_on("big").contains(&"483920".to_owned()));
    assert!(w.sent("big", 0).len() < 24, "{:?}", w.sent("big", 0));
    assert_eq!(w.pins_on("big").len(), 101, "no foreign code was touched");
}
