//! What somebody changes at a lock.

use super::world::World;
use crate::core::lock::Happening;
use crate::core::reconcile::Hands;
use crate::drivers::sim::model::Fault;
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::Readback;

fn world(seed: u64, hands: Hands) -> (World, Grant) {
    let mut w = World::new(seed);
    w.core.as_mut().unwrap().set_hands(hands);
    w.hands = hands;
    let grant = w.guest("483920", &["front", "back"]);
    w.put(&grant);
    w.run(5);
    (w, grant)
}

fn changes(w: &World, key: &str) -> usize {
    let lock = w.id(key);
    w.logged(|e| matches!(e, EventBody::ChangedByHand(of, _) if *of == lock))
}

#[test]
fn restored_a_slot_gets_its_code_back() {
    for key in ["front", "back"] {
        for pin in [Some("602943"), None] {
            let (mut w, _) = world(221, Hands::Restore);
            w.by_hand(key, 1, pin);
            w.run(5);
            assert_eq!(w.pins_on(key), ["483920"], "{key} {pin:?}");
            assert_eq!(changes(&w, key), 1);
        }
    }
}

#[test]
fn what_is_set_in_a_slot_that_is_held_for_a_code_outside_its_hours_is_never_touched() {
    let nine_to_ten = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(9 * 60).unwrap(),
        to: MinuteOfDay::new(10 * 60).unwrap(),
    };
    for hands in [Hands::Restore, Hands::Leave] {
        let mut w = World::new(224);
        w.core.as_mut().unwrap().set_hands(hands);
        w.hands = hands;
        // A lock that cannot switch a slot off: outside its hours the code is off it, and its place is kept.
        let grant = Grant { schedule: Schedule::Weekly(vec![nine_to_ten]), ..w.guest("483920", &["back"]) };
        w.put(&grant);
        w.run(3_700);
        assert!(w.pins_on("back").is_empty());
        w.by_hand("back", 1, Some("602943"));
        w.run(24 * 3_600 - 3_600);
        assert_eq!(w.pins_on("back"), ["602943", "483920"], "{hands:?}");
        w.revoke(grant.id);
        w.run(30);
        assert_eq!(w.pins_on("back"), ["602943"], "{hands:?}");
    }
}

#[test]
fn what_is_set_in_a_held_slot_is_left_alone_also_when_it_could_not_be_read_at_first() {
    let first_hour = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(9 * 60).unwrap(),
        to: MinuteOfDay::new(10 * 60).unwrap(),
    };
    for unread in [false, true] {
        let mut w = World::new(226);
        let grant = Grant { schedule: Schedule::Weekly(vec![first_hour]), ..w.guest("483920", &["back"]) };
        w.put(&grant);
        w.run(3_700);
        assert!(w.pins_on("back").is_empty());
        w.unnoticed("back", 1, Some("602943"));
        let before = w.commands.len();
        if unread {
            w.fault("back", Fault::Dead);
        }
        let (id, now) = (w.id("back"), w.now);
        w.core.as_mut().unwrap().locks.get_mut(&id).unwrap().resync(None, now.boot_ms).unwrap();
        w.run(120);
        w.fault("back", Fault::Heal);
        w.run(6 * 3_600);
        assert_eq!(w.pins_on("back"), ["602943"], "{unread}");
        assert!(!w.sent("back", before).contains(&"clear"), "{unread}");
    }
}

#[test]
fn left_what_was_set_at_the_lock_stays_and_the_code_moves() {
    for hands in [Hands::Leave, Hands::Adopt] {
        for key in ["front", "back"] {
            let (mut w, grant) = world(222, hands);
            w.by_hand(key, 1, Some("602943"));
            w.run(5);
            assert_eq!(w.pins_on(key), ["602943", "483920"], "{key}");
            assert_eq!(changes(&w, key), 1);
            w.crash();
            w.run(60);
            w.revoke(grant.id);
            w.run(5);
            assert_eq!(w.pins_on(key), ["602943"], "and is never touched");
        }
    }
}

#[test]
fn left_what_was_taken_off_stays_off_until_the_code_is_saved_again() {
    let (mut w, grant) = world(223, Hands::Leave);
    w.by_hand("front", 1, None);
    w.run(60);
    assert!(w.pins_on("front").is_empty());
    let gone = CodeState::Failed { why: FailWhy::RemovedByHand, next_try: None };
    assert_eq!(w.state("front", grant.id), Some(gone));
    w.crash();
    w.run(3_600);
    assert!(w.pins_on("front").is_empty(), "a restart forgets nothing");
    assert_eq!(w.state("front", grant.id), Some(gone));
    let mut again = Grant { rev: 2, ..grant.clone() };
    w.home.seal(&mut again, "483920");
    w.put(&again);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert_eq!(changes(&w, "front"), 1);
}

#[test]
fn when_everything_may_have_changed_only_our_own_slots_are_read_and_each_change_is_told_once() {
    let (mut w, _) = world(224, Hands::Restore);
    let more: Vec<Grant> = ["715306", "602847", "826413"].map(|pin| w.guest(pin, &["front"])).into();
    more.iter().for_each(|grant| w.put(grant));
    w.by_hand("front", 6, Some("590274"));
    w.run(5);
    let told = changes(&w, "front");
    for slot in [2, 6] {
        w.unnoticed("front", slot, None);
    }
    w.unnoticed("front", 3, Some("111999"));
    let before = w.commands.len();
    w.says("front", Happening::ChangedAll);
    w.run(60);
    let sent = w.sent("front", before);
    assert_eq!(sent.iter().filter(|name| **name == "read").count(), 4, "{sent:?}");
    assert_eq!(sent.iter().filter(|name| **name == "write").count(), 2, "{sent:?}");
    let mut on = w.pins_on("front");
    on.sort();
    assert_eq!(on, ["483920", "602847", "715306", "826413"]);
    assert_eq!(changes(&w, "front"), told + 2);
    w.run(86_400);
    assert_eq!(changes(&w, "front"), told + 2);
}

#[test]
fn a_change_that_nobody_told_of_is_found_and_told_once() {
    let (mut w, _) = world(225, Hands::Restore);
    w.unnoticed("front", 1, Some("602943"));
    w.crash();
    w.run(60);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert_eq!(changes(&w, "front"), 1);
}

#[test]
fn a_slot_is_not_fought_over_for_ever() {
    let (mut w, grant) = world(229, Hands::Restore);
    for _ in 0..3 {
        w.by_hand("front", 1, Some("602943"));
        w.run(5);
        assert_eq!(w.pins_on("front"), ["483920"], "it gets its code back");
    }
    w.by_hand("front", 1, Some("602943"));
    w.run(5);
    assert_eq!(w.pins_on("front"), ["602943", "483920"], "whoever it is may have it");
    assert_eq!(changes(&w, "front"), 4);
    w.revoke(grant.id);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["602943"]);
}

#[test]
fn a_slot_that_does_not_show_its_pin_is_given_up_empty() {
    let mut w = World::new(230);
    w.install("hidden", Readback::Masked, 9);
    w.says("hidden", Happening::Back);
    let grant = w.guest("483920", &["hidden"]);
    w.put(&grant);
    w.run(5);
    for _ in 0..4 {
        w.by_hand("hidden", 1, Some("602943"));
        w.run(10);
    }
    assert_eq!(w.pins_on("hidden"), ["483920"], "its own PIN may have been in it");
    w.by_hand("hidden", 1, Some("602943"));
    w.run(10);
    assert_eq!(w.pins_on("hidden"), ["602943", "483920"], "and it has another one");
    w.revoke(grant.id);
    w.run(5);
    assert_eq!(w.pins_on("hidden"), ["602943"]);
}
