//! Two hubs of one home: each minds its own locks.

use super::world::World;
use crate::core::change::Stored;
use crate::core::lock::Happening;
use crate::core::slot_state::OwnerRecord;
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::AddHub;
use latchkey_shared::event::{EventBody, EventTip};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{HubId, LockId};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::Readback;

/// Passes the home on to the other hub's world.
pub(super) fn hand_over(from: &mut World, to: &mut World) {
    let me = (to.home.hub, to.home.hub_keys.clone());
    let them = (from.home.hub, from.home.hub_keys.clone());
    std::mem::swap(&mut from.home, &mut to.home);
    (to.home.hub, to.home.hub_keys) = me;
    (from.home.hub, from.home.hub_keys) = them;
    to.now = from.now;
}

/// A second hub in the home of the first.
pub(super) fn second(first: &mut World, seed: u64) -> World {
    let mut second = World::new(seed);
    second.core = None;
    (second.stored, second.cloud_tip) = (Stored::default(), EventTip::default());
    second.ledger_events.clear();
    second.cloud_events.clear();
    second.reports.clear();
    second.commands.clear();
    second.home.hub = HubId([0x22; 16]);
    second.home.hub_keys = Keys::hub(&Seed::from_slice(&[0x22; 32]).unwrap());
    hand_over(first, &mut second);
    let body = second.home.add_hub_body();
    let Body::AddHub(add) = body else { panic!() };
    second.home.push(Body::AddHub(AddHub { key: second.home.hub_keys.record("Shed"), ..add })).unwrap();
    second.start();
    second.run(3);
    second
}

#[test]
fn each_hub_minds_its_own_locks_and_keeps_its_own_log() {
    let mut hall = World::new(91);
    let front = hall.id("front");
    let mut shed = second(&mut hall, 92);
    let gate = shed.id("gate");
    let mut locks: Vec<LockId> = vec![front, gate];
    locks.sort();
    let both = shed.home.guest("483920", &locks);
    let only_hall = shed.home.guest("602847", &[front]);
    shed.put(&both);
    shed.put(&only_hall);
    shed.run(5);
    assert_eq!(shed.pins_on("gate"), ["483920"]);
    assert!(shed.pins_on("front").is_empty(), "a lock of the same name is another lock");
    assert_eq!(shed.state("gate", both.id).map(|s| matches!(s, CodeState::OnLock { .. })), Some(true));
    assert_eq!(shed.logged(|e| matches!(e, EventBody::CodeFailed(..))), 0, "without noise");
    assert!(shed.stored.codes.keys().all(|(lock, grant)| *lock == gate && *grant == both.id));
    let told = shed.reports.values().flat_map(|report| &report.codes).map(|code| code.grant);
    assert!(told.eq([both.id]), "it reports on its own locks alone");

    hand_over(&mut shed, &mut hall);
    hall.tell();
    hall.run(5);
    assert_eq!(hall.pins_on("front"), ["483920", "602847"]);
    assert!(hall.pins_on("gate").is_empty());
    assert!(hall.types("front", "483920"));
    hall.run(2);
    assert_eq!(hall.logged(|e| matches!(e, EventBody::CodeUsed(..))), 1);
    assert_eq!(shed.logged(|e| matches!(e, EventBody::CodeUsed(..))), 0);
    let numbers = |w: &World| w.cloud_events.iter().map(|e| e.number).collect::<Vec<_>>();
    for world in [&hall, &shed] {
        assert!(numbers(world).into_iter().eq(1..=world.cloud_tip.number), "each log counts by itself");
    }

    // One hub is removed: it clears its locks, the other's are as they were.
    let shed_id = HubId([0x22; 16]);
    hall.home.push(Body::RemoveHub(shed_id)).unwrap();
    let holders = [hall.home.owner.record("Ada"), hall.home.hub_keys.record("Hall")];
    let body = hall.home.new_epoch_body(&holders);
    hall.home.push(body).unwrap();
    hall.tell();
    hall.run(5);
    assert!(hall.types("front", "483920"));
    hand_over(&mut hall, &mut shed);
    shed.tell();
    shed.run(5);
    assert!(shed.pins_on("gate").is_empty());
}

#[test]
fn what_the_other_hub_of_the_home_puts_at_the_same_lock_is_left_to_it() {
    let mut hall = World::new(93);
    hall.install("cellar", Readback::Full, 9);
    hall.says("cellar", Happening::Back);
    hall.run(5);
    let mut shed = second(&mut hall, 94);
    let gate = shed.id("gate");
    for pin in ["602847", "715930"] {
        let theirs = shed.home.guest(pin, &[gate]);
        shed.put(&theirs);
    }
    hand_over(&mut shed, &mut hall);
    hall.tell();
    hall.run(5);
    let nine_to_ten = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(9 * 60).unwrap(),
        to: MinuteOfDay::new(10 * 60).unwrap(),
    };
    let held = Grant { schedule: Schedule::Weekly(vec![nine_to_ten]), ..hall.guest("483920", &["back"]) };
    hall.put(&held);
    hall.run(3_700);
    assert!(hall.pins_on("back").is_empty());
    // The place looks free to the other hub, which fills it.
    hall.by_hand("back", 1, Some("602847"));
    hall.run(23 * 3_600);
    assert_eq!(hall.pins_on("back"), ["602847", "483920"], "the code has another place");
    // So does one that somebody emptied before this hub had looked.
    let open = hall.guest("226491", &["cellar"]);
    hall.put(&open);
    hall.run(5);
    assert_eq!(hall.pins_on("cellar"), ["226491"]);
    hall.by_hand("cellar", 1, Some("715930"));
    hall.run(5);
    assert_eq!(hall.pins_on("cellar"), ["715930", "226491"]);
    hall.revoke(held.id);
    hall.revoke(open.id);
    hall.run(30);
    assert_eq!(hall.pins_on("back"), ["602847"], "neither is touched");
    assert_eq!(hall.pins_on("cellar"), ["715930"]);
}

#[test]
fn the_second_hub_begins_at_the_other_end() {
    let mut hall = World::new(95);
    let front = hall.id("front");
    let mut shed = second(&mut hall, 96);
    let gate = shed.id("gate");
    let code = shed.home.guest("483920", &[front, gate]);
    shed.put(&code);
    shed.run(5);
    let place = |w: &World, key: &str| {
        let of_it = w.stored.slots.iter().find(|((lock, _), record)| {
            *lock == w.id(key) && matches!(record.owner, OwnerRecord::Managed(grant, _) if grant == code.id)
        });
        of_it.map(|((_, no), _)| no.0)
    };
    let high = place(&shed, "gate");
    hand_over(&mut shed, &mut hall);
    hall.tell();
    hall.run(5);
    assert_eq!(place(&hall, "front"), Some(1));
    assert!(high > Some(5), "{high:?}");
}
