//! How locks are, what is told of it and how often; reading anew on request; moving the bolt.

use super::world::World;
use crate::core::Input;
use crate::core::lock::{Answer, Bolt, Happening, Link};
use crate::core::reconcile::NoResync;
use crate::drivers::sim::model::Fault;
use latchkey_shared::event::EventBody;
use latchkey_shared::grant::Grant;
use latchkey_shared::report::Resync;

#[test]
fn what_a_lock_says_of_itself_is_reported_and_told_once() {
    let mut w = World::new(231);
    let front = w.id("front");
    w.says("front", Happening::Battery(14));
    w.says("front", Happening::BatteryLow);
    w.says("front", Happening::Bolt(Bolt::Jammed));
    w.says("front", Happening::Bolt(Bolt::Jammed));
    w.says("front", Happening::Tampered);
    w.says("front", Happening::Tampered);
    w.says("front", Happening::Link(Link::Dbm(-71)));
    w.run(2);
    let lock = &w.reports[&front].lock;
    assert_eq!((lock.battery, lock.battery_low, lock.bolt), (Some(14), true, Some(Bolt::Jammed)));
    assert!(lock.tampered_at.is_some() && lock.last_seen.is_some());
    for event in [EventBody::BatteryLow(front), EventBody::Jammed(front), EventBody::Tampered(front)] {
        assert_eq!(w.logged(|e| *e == event), 1, "{event:?}");
    }
    // A restart tells nothing twice.
    w.sims.get_mut("front").unwrap().vitals.bolt = Some(Bolt::Jammed);
    w.crash();
    w.run(5);
    w.says("front", Happening::Battery(13));
    w.run(2);
    assert_eq!(w.logged(|e| matches!(e, EventBody::BatteryLow(_) | EventBody::Jammed(_))), 2);
    // A new battery, and the bolt is free: then it may happen again.
    w.says("front", Happening::Battery(100));
    w.says("front", Happening::Bolt(Bolt::Locked));
    w.run(1_000);
    let lock = &w.reports[&front].lock;
    assert!(!lock.battery_low && lock.bolt == Some(Bolt::Locked));
    w.says("front", Happening::Battery(12));
    w.run(2);
    assert_eq!(w.logged(|e| *e == EventBody::BatteryLow(front)), 2);
}

#[test]
fn signs_of_life_do_not_flood_the_cloud() {
    let mut w = World::new(232);
    w.run(1_000);
    let before = w.pushes;
    for minute in 0..60 {
        w.says("front", Happening::Seen);
        w.says("front", Happening::Link(Link::Lqi(100 + minute)));
        w.run(60);
    }
    assert!((3..=6).contains(&(w.pushes - before)), "{} pushes in an hour", w.pushes - before);
    let seen = w.reports[&w.id("front")].lock.last_seen.unwrap();
    assert!(seen.0.is_multiple_of(60) && w.real_time().since(seen).0 < 1_000);
    let before = w.pushes;
    w.says("front", Happening::Bolt(Bolt::Unlocked));
    w.run(2);
    assert_eq!(w.pushes, before + 1, "what matters is told at once");
}

#[test]
fn a_batterys_course_outlives_restarts_and_says_how_long_it_lasts() {
    let mut w = World::new(233);
    for day in 0..20u8 {
        w.says("front", Happening::Battery(90 - day));
        w.run(86_400);
        if day == 10 {
            w.crash();
        }
    }
    let left = w.reports[&w.id("front")].lock.days_left.unwrap();
    assert!((65..=75).contains(&left), "{left} days at 1 % a day from 71 %");
}

#[test]
fn failed_writes_are_counted_for_a_week() {
    let mut w = World::new(234);
    w.fault("front", Fault::Reject);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    assert_eq!(w.reports[&w.id("front")].lock.failed_writes, 1);
    w.crash();
    w.run(86_400);
    assert_eq!(w.reports[&w.id("front")].lock.failed_writes, 1);
    w.run(7 * 86_400);
    assert_eq!(w.reports[&w.id("front")].lock.failed_writes, 0);
}

#[test]
fn a_resync_reads_our_own_slots_and_tells_how_far_it_is() {
    let mut w = World::new(235);
    let grants: Vec<Grant> =
        ["483920", "715306", "602847"].map(|pin| w.guest(pin, &["front", "garage"])).into();
    grants.iter().for_each(|grant| w.put(grant));
    w.by_hand("front", 6, Some("590274"));
    w.run(5);
    let front = w.id("front");
    w.unnoticed("front", 2, None);
    let before = w.commands.len();
    w.input(Input::Resync { lock: front, grant: None });
    let progress = w.core.as_ref().unwrap().locks[&front].resyncing();
    assert!(matches!(progress, Some(Resync { total: 3, .. })), "{progress:?}");
    w.run(5);
    let sent = w.sent("front", before);
    assert_eq!(sent.iter().filter(|name| **name == "read").count(), 3, "{sent:?}");
    assert_eq!(w.pins_on("front").len(), 4, "what was missing is back");
    assert_eq!(w.reports[&front].lock.resync, None, "and it says that it is done");
    // Not again at once, and not where nothing can be read.
    let now = w.now;
    let core = w.core.as_mut().unwrap();
    assert!(matches!(core.resync(front, None, &now), Err(NoResync::Wait(_))));
    let garage = w.id("garage");
    assert_eq!(w.core.as_mut().unwrap().resync(garage, None, &now), Err(NoResync::Nothing));
    w.run(600);
    let before = w.commands.len();
    w.input(Input::Resync { lock: front, grant: Some(grants[1].id) });
    w.run(5);
    assert_eq!(w.sent("front", before), ["read"], "one code alone");
}

#[test]
fn the_bolt_is_moved_once_and_the_log_says_what_came_of_it() {
    let mut w = World::new(236);
    let (front, by) = (w.id("front"), w.guest("483920", &["front"]).id);
    let operate = |w: &mut World, to| {
        let now = w.now;
        assert!(w.core.as_mut().unwrap().operate(front, to, by, &now));
        w.run(60);
    };
    operate(&mut w, Bolt::Unlocked);
    assert_eq!(w.reports[&front].lock.bolt, Some(Bolt::Unlocked));
    assert_eq!(w.logged(|e| *e == EventBody::Operated(front, Bolt::Unlocked, by, true)), 1);
    // No answer: nobody knows, and it is not tried again behind anybody's back.
    let before = w.commands.len();
    w.answers_at = Some(("lock", Answer::Unknown));
    operate(&mut w, Bolt::Locked);
    assert_eq!(w.sent("front", before).iter().filter(|name| **name == "lock").count(), 1);
    assert_eq!(w.logged(|e| *e == EventBody::Operated(front, Bolt::Locked, by, false)), 1);
    // It gets stuck.
    w.answers_at = Some(("lock", Answer::Operated(Bolt::Jammed)));
    operate(&mut w, Bolt::Locked);
    assert_eq!(w.logged(|e| *e == EventBody::Jammed(front)), 1);
    // The lock is away: whoever asked is told soon, and the door does not move an hour later.
    w.fault("front", Fault::Dead);
    w.says("front", Happening::Away);
    let before = w.commands.len();
    operate(&mut w, Bolt::Unlocked);
    assert_eq!(w.logged(|e| *e == EventBody::Operated(front, Bolt::Unlocked, by, false)), 1);
    w.fault("front", Fault::Heal);
    w.says("front", Happening::Back);
    w.run(60);
    assert_eq!(w.sent("front", before).iter().filter(|name| **name == "unlock").count(), 1);
    assert_eq!(w.sims["front"].vitals.bolt, Some(Bolt::Locked));
}
