//! A hub that is replaced, or breaks for good: what it left on the locks.

use super::hubs::{hand_over, second};
use super::world::World;
use crate::core::Input;
use crate::core::clock::{Boot, WallClock};
use crate::core::lock::Happening;
use crate::drivers::sim::model::Fault;
use latchkey_shared::chain::Body;
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::HubId;

/// A second hub at the same locks; the first one is off from now on.
fn takes_over(hall: &mut World) -> World {
    let mut attic = second(hall, 92);
    std::mem::swap(&mut hall.sims, &mut attic.sims);
    hall.core = None;
    attic.crash();
    attic.run(5);
    attic
}

/// The home removes the first hub, and the second one hears of it.
fn remove_first(attic: &mut World, first: HubId) {
    attic.home.push(Body::RemoveHub(first)).unwrap();
    let holders = [attic.home.owner.record("Ada"), attic.home.hub_keys.record("Attic")];
    let body = attic.home.new_epoch_body(&holders);
    attic.home.push(body).unwrap();
    attic.tell();
}

/// The same code for the door as the second hub calls it.
fn moved(attic: &mut World, grant: &Grant, pin: &str, key: &str) -> Grant {
    let mut moved = grant.clone();
    (moved.rev, moved.locks) = (grant.rev + 1, vec![attic.id(key)]);
    attic.home.seal(&mut moved, pin);
    moved
}

#[test]
fn codes_of_a_hub_that_broke_are_known_to_the_next_kept_where_moved_and_taken_off_where_not() {
    let mut hall = World::new(91);
    let first = hall.home.hub;
    let (stays, goes, old) = (
        hall.guest("483920", &["front"]),
        hall.guest("602847", &["front"]),
        hall.guest("715306", &["front"]),
    );
    for grant in [&stays, &goes, &old] {
        hall.put(grant);
    }
    hall.run(5);
    hall.by_hand("front", 6, Some("270391"));
    let mut attic = takes_over(&mut hall);
    attic.revoke(old.id);
    let again = moved(&mut attic, &stays, "483920", "front");
    attic.put(&again);
    attic.run(60);
    // As long as the home has the first hub, its slots are its own.
    assert_eq!(attic.pins_on("front").len(), 4);
    let refused = [FailWhy::Duplicate, FailWhy::DuplicateByHand];
    let state = attic.state("front", stays.id);
    assert!(matches!(state, Some(CodeState::Failed { why, .. }) if refused.contains(&why)), "{state:?}");

    let before = attic.commands.len();
    remove_first(&mut attic, first);
    attic.run(30);
    assert_eq!(attic.pins_on("front"), ["483920", "270391"]);
    assert!(matches!(attic.state("front", stays.id), Some(CodeState::OnLock { .. })));
    assert!(!attic.sent("front", before).contains(&"write"), "the guest notices nothing");
    let front = attic.id("front");
    for grant in [goes.id, old.id] {
        let taken = |e: &EventBody| matches!(e, EventBody::CodeTaken(lock, of, _, true) if (*lock, *of) == (front, grant));
        assert_eq!(attic.logged(taken), 1, "the log says that it went");
    }
    let revoked = |e: &EventBody| *e == EventBody::CodeTaken(front, old.id, TakenWhy::Revoked, true);
    assert_eq!(attic.logged(revoked), 1);
    attic.revoke(stays.id);
    attic.run(5);
    assert_eq!(attic.pins_on("front"), ["270391"], "what was set by hand is nobody else's");
}

#[test]
fn what_is_left_is_found_by_a_hub_that_comes_after_the_removal_and_dies_while_it_looks() {
    for dies_after in [1, 6, 12] {
        let mut hall = World::new(91);
        let first = hall.home.hub;
        let grants: Vec<Grant> = ["483920", "602847", "715306"].map(|pin| hall.guest(pin, &["front"])).into();
        grants.iter().for_each(|grant| hall.put(grant));
        hall.run(5);
        let front = hall.sims["front"].clone();
        let mut attic = second(&mut hall, 92);
        remove_first(&mut attic, first);
        attic.run(5);
        attic.sims.insert("cellar".to_owned(), front);
        attic.find("cellar");
        attic.crash_in = Some(dies_after);
        attic.run(30);
        assert!(attic.crash_in.is_none());
        assert!(attic.pins_on("cellar").is_empty(), "dies after {dies_after} effects");
    }
}

#[test]
fn a_hub_that_hears_late_that_it_was_replaced_leaves_what_the_next_has_put() {
    let mut hall = World::new(91);
    let first = hall.home.hub;
    let grant = hall.guest("483920", &["front"]);
    hall.put(&grant);
    hall.run(5);
    let mut attic = takes_over(&mut hall);
    remove_first(&mut attic, first);
    attic.run(30);
    let new = attic.guest("602847", &["front"]);
    attic.put(&new);
    attic.run(5);
    assert_eq!(attic.pins_on("front"), ["602847"], "in the slot that was the other's");
    std::mem::swap(&mut hall.sims, &mut attic.sims);
    hand_over(&mut attic, &mut hall);
    // It looks at the lock before it hears of the new code, and does not know the time: so it puts nothing back.
    hall.net = false;
    hall.boot = Boot { id: [2; 16], wall: WallClock::MayStop };
    hall.crash();
    hall.run(30);
    assert!(hall.commands.iter().any(|(key, name)| key == "front" && *name == "read"));
    hall.net = true;
    hall.input(Input::NetworkUp);
    hall.run(60);
    assert!(hall.core.as_ref().unwrap().removed());
    assert_eq!(hall.pins_on("front"), ["602847"]);
}

#[test]
fn a_pin_that_kept_a_code_off_is_looked_at_again_where_the_lock_does_not_tell() {
    let mut w = World::new(93);
    w.sims.get_mut("front").unwrap().tells_changes = false;
    w.unnoticed("front", 1, Some("483920"));
    w.crash();
    w.run(5);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(600);
    assert!(matches!(w.state("front", grant.id), Some(CodeState::Failed { .. })));
    let before = w.commands.len();
    w.run(86_400);
    let looks = w.sent("front", before).len();
    assert!((4..=14).contains(&looks), "{looks} looks in a day");
    w.unnoticed("front", 1, None);
    w.run(7 * 3_600);
    assert!(matches!(w.state("front", grant.id), Some(CodeState::OnLock { .. })));
    let before = w.commands.len();
    w.run(86_400);
    assert!(w.sent("front", before).is_empty(), "and then no more");
}

#[test]
fn a_removed_hub_clears_its_locks_tells_it_and_rests() {
    let mut w = World::new(94);
    let grant = w.guest("483920", &["front", "garage"]);
    w.put(&grant);
    w.run(5);
    w.fault("garage", Fault::Dead);
    w.home.push(Body::RemoveHub(w.home.hub)).unwrap();
    w.tell();
    w.run(60);
    assert!(w.pins_on("front").is_empty() && !w.pins_on("garage").is_empty());
    let removed = |w: &World| w.core.as_ref().unwrap().view(&w.now).removed.map(|removed| removed.holding);
    assert_eq!(removed(&w), Some(vec!["garage".to_owned()]), "its panel says what is left");
    let (fetches, reports) = (w.fetches.len(), w.reports.clone());
    w.net = false;
    w.input(Input::Socket(false));
    w.run(7_200);
    w.fault("garage", Fault::Heal);
    w.says("garage", Happening::Back);
    w.run(60);
    assert!(w.pins_on("garage").is_empty(), "also long after");
    assert_eq!(removed(&w), Some(vec![]));
    w.net = true;
    w.run(1_800);
    assert_eq!(w.stored.acked, w.stored.tip.number, "the log is complete");
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeTaken(..))), 2);
    assert_eq!(w.fetches.len(), fetches, "nothing that could come concerns it");
    assert!(w.reports.iter().all(|(lock, report)| reports[lock].number == report.number));
    let pushes = w.pushes;
    w.run(86_400);
    assert_eq!(w.pushes, pushes);
}

#[test]
fn that_it_was_removed_a_hub_believes_the_chain_and_not_the_cloud() {
    let mut w = World::new(95);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    w.input(Input::PushEnded);
    w.run(3_600);
    assert_eq!(w.pins_on("front"), ["483920"]);
    let (fetches, tip) = (w.fetches.len(), w.cloud_tip.number);
    assert!(w.types("front", "483920"));
    w.run(7_200);
    assert!(w.fetches.len() > fetches && w.cloud_tip.number > tip, "it goes on asking and telling");

    w.home.push(Body::RemoveHub(w.home.hub)).unwrap();
    w.tell();
    w.run(5);
    assert!(w.pins_on("front").is_empty());
    w.input(Input::PushEnded);
    let pushes = w.pushes;
    w.run(86_400);
    assert_eq!(w.pushes, pushes, "both say so: nobody listens any more");
}
