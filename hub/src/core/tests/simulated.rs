//! What the simulator found, each as small as it can be.

use super::world::{World, abilities};
use crate::core::Input;
use crate::core::change::Stored;
use crate::core::clock::{Boot, WallClock};
use crate::core::slot_state::OwnerRecord;
use crate::drivers::sim::model::{Fault, SimLock};
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::{Readback, SlotNo};
use latchkey_shared::time::Seconds;
use std::collections::BTreeMap;

/// Opens from nine to ten; the tests begin at nine.
fn mornings(grant: Grant) -> Grant {
    let at = |hour: u16| MinuteOfDay::new(hour * 60).unwrap();
    let window = WeeklyWindow { days: Days::ALL, from: at(9), to: at(10) };
    Grant { schedule: Schedule::Weekly(vec![window]), ..grant }
}

fn with_pin(w: &mut World, grant: &Grant, pin: &str) -> Grant {
    let mut changed = Grant { rev: grant.rev + 1, ..grant.clone() };
    w.home.seal(&mut changed, pin);
    changed
}

/// A code of the back door that is outside its hours, so that its slot is only held, and what somebody puts there.
fn held(seed: u64) -> (World, Grant) {
    let mut w = World::new(seed);
    let grant = mornings(w.guest("483920", &["back"]));
    w.put(&grant);
    w.run(3_700);
    w.unnoticed("back", 1, Some("602943"));
    (w, grant)
}

/// A code of the front door whose write goes unanswered, and what somebody puts into its slot meanwhile.
fn unanswered(seed: u64) -> (World, Grant) {
    let mut w = World::new(seed);
    let grant = w.guest("483920", &["front"]);
    w.run(5);
    w.fault("front", Fault::Dead);
    w.put(&grant);
    w.run(10);
    w.unnoticed("front", 1, Some("602943"));
    (w, grant)
}

/// The front door answers again.
fn front_is_back(w: &mut World, killed: bool) {
    if killed {
        w.crash();
    }
    w.fault("front", Fault::Heal);
    w.run(3_600);
}

/// The hub's disk is put back, and it starts.
fn set_back(w: &mut World, (stored, events): (Stored, BTreeMap<u64, Vec<u8>>)) {
    w.core = None;
    (w.stored, w.ledger_events) = (stored, events);
    w.set_back = true;
    w.start();
}

#[test]
fn set_back_and_killed_anywhere_it_still_finds_what_it_put_on_after_the_backup() {
    for dies_after in 0..40 {
        let mut w = World::new(301);
        let backup = (w.stored.clone(), w.ledger_events.clone());
        let first = w.guest("483920", &["front"]);
        let second = w.guest("602847", &["front"]);
        w.put(&first);
        w.put(&second);
        w.run(5);
        w.revoke(first.id);
        w.run(5);
        // Revoked while it was set back: it does not even want them.
        w.core = None;
        w.revoke(second.id);
        set_back(&mut w, backup);
        w.crash_in = Some(dies_after);
        w.input(Input::NetworkUp);
        w.run(120);
        assert!(w.pins_on("front").is_empty(), "killed after {dies_after} effects");
    }
}

#[test]
fn a_place_that_was_tried_in_vain_after_a_backup_is_free_again() {
    let mut w = World::new(302);
    let backup = (w.stored.clone(), w.ledger_events.clone());
    let first = w.guest("483920", &["gate"]);
    let second = w.guest("602847", &["gate"]);
    w.put(&first);
    w.put(&second);
    w.run(5);
    w.revoke(first.id);
    w.run(5);
    assert_eq!(w.pins_on("gate"), ["602847"]);
    // It gives the second code the first place, where the lock refuses it: it has it in the second.
    set_back(&mut w, backup);
    w.run(60);
    let third = w.guest("715306", &["gate"]);
    w.put(&third);
    w.run(60);
    assert_eq!(w.pins_on("gate"), ["715306", "602847"]);
}

#[test]
fn a_pin_that_was_changed_does_not_wait_switched_off_for_its_hours() {
    let mut w = World::new(303);
    let grant = mornings(w.guest("483920", &["front"]));
    w.put(&grant);
    w.run(3_700);
    assert_eq!(w.pins_on("front"), ["483920"], "it is switched off");
    assert!(!w.types("front", "483920"));
    let changed = with_pin(&mut w, &grant, "715306");
    w.put(&changed);
    w.run(5);
    assert!(w.pins_on("front").is_empty());
    w.run(24 * 3_600 - 3_600);
    assert!(w.types("front", "715306"));
}

#[test]
fn a_masked_slot_is_seen_to_be_empty_between_two_pins() {
    let mut w = World::new(304);
    let grant = w.guest("483920", &["back", "front"]);
    w.put(&grant);
    w.run(5);
    let before = w.commands.len();
    let changed = with_pin(&mut w, &grant, "715306");
    w.put(&changed);
    w.run(5);
    let changes = |key| w.sent(key, before).into_iter().filter(|name| *name != "read").collect::<Vec<_>>();
    assert_eq!(changes("back"), ["clear", "write"]);
    assert_eq!(changes("front"), ["write"], "where the PIN is read back one write does it");
    assert_eq!(w.pins_on("back"), ["715306"]);
}

#[test]
fn what_was_changed_at_a_lock_that_cannot_be_read_gets_code_and_hours_anew() {
    let mut w = World::new(305);
    let own = abilities(Readback::None, true, false, 6);
    w.sims.insert("shed".into(), SimLock::new("shed", "shed", own));
    w.find("shed");
    w.run(2);
    for key in ["garage", "shed"] {
        let grant = mornings(w.guest(if key == "shed" { "483920" } else { "602847" }, &[key]));
        w.put(&grant);
        w.run(5);
        let on = w.pins_on(key);
        let before = w.commands.len();
        w.by_hand(key, 1, None);
        w.run(5);
        assert_eq!(w.pins_on(key), on, "{key}");
        assert_eq!(w.sent(key, before).contains(&"schedule"), key == "shed", "{:?}", w.sent(key, before));
    }
}

#[test]
fn what_was_put_unnoticed_into_a_slot_that_is_held_is_never_touched() {
    let (mut w, grant) = held(306);
    w.crash();
    w.run(24 * 3_600 - 3_600);
    assert_eq!(w.pins_on("back"), ["602943", "483920"]);
    w.revoke(grant.id);
    w.run(30);
    assert_eq!(w.pins_on("back"), ["602943"]);
}

#[test]
fn a_silent_lock_that_cannot_be_read_gets_its_codes_soon_after_it_is_back() {
    let mut w = World::new(307);
    w.fault("garage", Fault::Dead);
    let grant = w.guest("483920", &["garage"]);
    w.put(&grant);
    w.run(8 * 3_600);
    w.fault("garage", Fault::Heal);
    w.run(20 * 60);
    assert_eq!(w.pins_on("garage"), ["483920"]);
}

#[test]
fn a_code_that_opens_next_after_the_offline_grace_keeps_its_slot() {
    let mut w = World::new(308);
    let opens = w.real_time().saturating_add(Seconds::days(40));
    let grant = Grant {
        not_before: opens,
        expires: Some(opens.saturating_add(Seconds::days(2))),
        ..w.guest("483920", &["front", "gate"])
    };
    w.put(&grant);
    w.run(10);
    assert_eq!(w.state("front", grant.id), Some(CodeState::Scheduled { opens: Some(opens) }));
    let slot = w.stored.slots[&(w.id("gate"), SlotNo(1))];
    assert!(matches!(slot.owner, OwnerRecord::Managed(of, _) if of == grant.id), "it keeps hours itself");
}

#[test]
fn a_pin_that_was_changed_goes_although_the_time_is_not_known() {
    for key in ["front", "back", "garage", "gate"] {
        let mut w = World::new(309);
        let grant = w.guest("483920", &[key]);
        w.put(&grant);
        w.run(5);
        // Off for two days, with a clock that stood still.
        w.boot = Boot { id: [9; 16], wall: WallClock::MayStop };
        w.core = None;
        w.now.boot_ms += 2 * 86_400_000;
        w.start();
        w.run(5);
        assert_eq!(w.pins_on(key), ["483920"], "{key}");
        let changed = with_pin(&mut w, &grant, "715306");
        w.put(&changed);
        w.run(60);
        assert!(w.pins_on(key).is_empty(), "{key}");
        w.now.wall = w.real_time();
        w.run(2 * 3_600);
        assert_eq!(w.pins_on(key), ["715306"], "{key}");
    }
}

#[test]
fn what_somebody_put_while_a_write_went_unanswered_is_theirs() {
    for killed in [false, true] {
        let (mut w, _) = unanswered(310);
        front_is_back(&mut w, killed);
        assert_eq!(w.pins_on("front"), ["602943", "483920"], "killed: {killed}");
    }
}

#[test]
fn the_old_pin_in_a_slot_whose_write_went_unanswered_is_written_over() {
    for killed in [false, true] {
        let mut w = World::new(311);
        let grant = w.guest("483920", &["front"]);
        w.put(&grant);
        w.run(5);
        w.fault("front", Fault::Dead);
        let changed = with_pin(&mut w, &grant, "715306");
        w.put(&changed);
        w.run(10);
        front_is_back(&mut w, killed);
        assert_eq!(w.pins_on("front"), ["715306"], "killed: {killed}");
    }
}

#[test]
fn what_somebody_put_while_a_write_went_unanswered_stays_when_the_code_goes() {
    for killed in [false, true] {
        let (mut w, grant) = unanswered(312);
        w.revoke(grant.id);
        w.run(3_600);
        front_is_back(&mut w, killed);
        assert_eq!(w.pins_on("front"), ["602943"], "killed: {killed}");
        assert_eq!(w.state("front", grant.id), Some(CodeState::Revoked));
    }
}

#[test]
fn a_code_whose_write_went_unanswered_goes_also_from_a_lock_that_does_not_say_what_is_on_it() {
    let mut w = World::new(313);
    let grant = w.guest("483920", &["front"]);
    w.run(5);
    w.silent_at = Some("write");
    w.put(&grant);
    w.run(10);
    assert_eq!(w.pins_on("front"), ["483920"]);
    w.never_answers = Some(("front", "read"));
    w.revoke(grant.id);
    w.run(600);
    w.fault("front", Fault::Heal);
    w.run(3_600);
    assert!(w.pins_on("front").is_empty());
}

#[test]
fn a_use_of_what_was_put_unnoticed_into_a_slot_that_is_held_is_not_the_codes() {
    let (mut w, _) = held(314);
    assert!(w.types("back", "602943"));
    w.run(30);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeUsed(..))), 0);
    assert_eq!(w.logged(|e| matches!(e, EventBody::UnmanagedUsed(..))), 1);
    w.run(24 * 3_600 - 3_600);
    assert_eq!(w.pins_on("back"), ["602943", "483920"]);
}
