//! What a lock did and the hub never heard of.

use super::world::{BEGIN, World};
use crate::core::Input;
use crate::core::lock::{Answer, Happening, Notice, Refusal};
use crate::drivers::sim::model::Fault;
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Seconds;

const ALL: [&str; 4] = ["front", "back", "garage", "gate"];

/// Every day from 9 to 10; tests begin at 9.
fn mornings(grant: Grant) -> Grant {
    let window = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(9 * 60).unwrap(),
        to: MinuteOfDay::new(10 * 60).unwrap(),
    };
    Grant { schedule: Schedule::Weekly(vec![window]), ..grant }
}

#[test]
fn a_write_that_the_hub_did_not_live_to_record_is_taken_off_when_the_grant_ends_meanwhile() {
    for key in ALL {
        for revoked in [false, true] {
            let mut w = World::new(40);
            let end = w.real_time().saturating_add(Seconds(600));
            let grant = Grant { expires: Some(end), ..w.guest("483920", &[key]) };
            w.dies_at = Some("write");
            w.put(&grant);
            w.run(5);
            assert!(w.core.is_none(), "{key}: the hub is dead");
            assert_eq!(w.pins_on(key), ["483920"], "{key}");
            if revoked {
                w.revoke(grant.id);
            }
            w.run(if revoked { 60 } else { 700 });
            w.fault(key, Fault::Dead);
            w.start();
            w.run(5);
            assert!(
                matches!(w.state(key, grant.id), Some(CodeState::StillOnLock { .. })),
                "{key} {revoked}: {:?}",
                w.state(key, grant.id)
            );
            w.fault(key, Fault::Heal);
            w.run(1_900);
            assert!(w.pins_on(key).is_empty(), "{key} {revoked}");
            let want = if revoked { CodeState::Revoked } else { CodeState::Expired };
            assert_eq!(w.state(key, grant.id), Some(want), "{key}");
        }
    }
}

#[test]
fn a_write_that_the_hub_did_not_live_to_record_does_not_open_outside_its_hours() {
    for key in ["front", "back", "garage"] {
        let mut w = World::new(41);
        let grant = mornings(w.guest("483920", &[key]));
        w.dies_at = Some("write");
        w.put(&grant);
        w.run(3_700);
        assert!(w.types(key, "483920"), "{key}: it is on the lock and nobody takes it off");
        w.fault(key, Fault::Dead);
        w.start();
        w.run(5);
        let state = w.state(key, grant.id);
        assert!(
            !matches!(state, Some(CodeState::OutsideHours { .. } | CodeState::Scheduled { .. })),
            "{key}"
        );
        w.fault(key, Fault::Heal);
        w.run(900);
        assert!(!w.types(key, "483920"), "{key}");
        assert!(matches!(w.state(key, grant.id), Some(CodeState::OutsideHours { .. })), "{key}");
        w.run(86_400 - 4_000);
        assert!(w.types(key, "483920"), "{key}: and opens the next morning");
    }
}

#[test]
fn a_changed_pin_that_the_hub_did_not_live_to_record_goes_with_its_grant() {
    for key in ALL {
        let mut w = World::new(42);
        let grant = w.guest("483920", &[key]);
        w.put(&grant);
        w.run(5);
        w.dies_at = Some("write");
        let mut changed = Grant { rev: 2, ..grant.clone() };
        w.home.seal(&mut changed, "715306");
        w.put(&changed);
        w.run(2);
        assert!(w.core.is_none() && w.pins_on(key) == ["715306"], "{key}");
        w.revoke(grant.id);
        w.start();
        w.run(5);
        assert!(w.pins_on(key).is_empty(), "{key}");
    }
}

#[test]
fn switched_on_without_an_answer_is_switched_off_all_the_same() {
    for dies in [false, true] {
        let mut w = World::new(43);
        let grant = mornings(w.guest("483920", &["front"]));
        w.put(&grant);
        w.run(3_700);
        assert!(!w.types("front", "483920"));
        if dies {
            w.dies_at = Some("enable");
        } else {
            w.silent_at = Some("enable");
        }
        w.run(86_400 - 3_600);
        assert!(dies == w.core.is_none());
        // The hour passes while nobody can do anything about it.
        w.run(3_600);
        w.fault("front", Fault::Dead);
        if dies {
            w.start();
        }
        w.run(30);
        let state = w.state("front", grant.id);
        assert!(
            !matches!(state, Some(CodeState::OutsideHours { .. } | CodeState::Scheduled { .. })),
            "{dies}: {state:?}"
        );
        w.fault("front", Fault::Heal);
        assert!(w.types("front", "483920"), "{dies}: it is on");
        w.run(1_900);
        assert!(!w.types("front", "483920"), "{dies}");
        assert!(matches!(w.state("front", grant.id), Some(CodeState::OutsideHours { .. })));
    }
}

#[test]
fn what_changed_at_a_lock_while_the_hub_was_off_is_seen_at_its_start() {
    let mut w = World::new(44);
    let id = w.id("front");
    w.core = None;
    let sim = w.sims.get_mut("front").unwrap();
    sim.abilities.reserved = vec![1];
    sim.changed_by_hand(SlotNo(2), Some(Pin::parse("602943").unwrap()), BEGIN);
    w.start();
    w.run(5);
    assert_eq!(w.stored.locks[&id].abilities.as_ref().unwrap().reserved, [1]);
    let same = w.guest("602943", &["front"]);
    w.put(&same);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    assert!(matches!(w.state("front", same.id), Some(CodeState::Failed { .. })));
    assert!(!w.sims["front"].slots.contains_key(&1) && w.types("front", "483920"));
}

#[test]
fn looking_at_a_lock_that_shows_nothing_forgets_nothing() {
    let mut w = World::new(45);
    let grant = w.guest("483920", &["garage"]);
    w.put(&grant);
    w.run(5);
    w.revoke(grant.id);
    w.run(5);
    let (slots, id) = (w.stored.slots.clone(), w.id("garage"));
    w.crash();
    w.run(5);
    for ((lock, no), record) in slots.iter().filter(|((lock, _), _)| *lock == id) {
        assert_eq!(w.stored.slots[&(*lock, *no)], *record);
    }
}

#[test]
fn a_code_set_by_hand_on_a_lock_that_shows_nothing_is_left_alone() {
    let mut w = World::new(46);
    let foreign = Pin::parse("602943").unwrap();
    w.sims.get_mut("garage").unwrap().changed_by_hand(SlotNo(1), Some(foreign), BEGIN);
    let what = Happening::Changed { slot: SlotNo(1) };
    w.input(Input::LockSays(w.id("garage"), Notice { journal: None, at: None, what }));
    w.crash();
    let grant = w.guest("483920", &["garage"]);
    w.put(&grant);
    w.run(5);
    assert_eq!(w.pins_on("garage"), ["602943", "483920"]);
}

#[test]
fn a_refusal_that_nobody_checked_proves_nothing() {
    let mut w = World::new(47);
    let grant = w.guest("483920", &["front"]);
    w.answers_at = Some(("write", Answer::Rejected { why: Refusal::NotDone, reading: None }));
    w.put(&grant);
    w.settle();
    assert_eq!(w.pins_on("front"), ["483920"], "it did it all the same");
    w.core = None;
    w.revoke(grant.id);
    w.start();
    w.run(5);
    assert!(w.pins_on("front").is_empty());
}
