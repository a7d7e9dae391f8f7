//! Locks that come and go while the hub runs.

use super::world::World;
use crate::core::Input;
use crate::core::lock::Happening;
use latchkey_shared::event::EventBody;
use latchkey_shared::explain::CodeState;

#[test]
fn a_lock_that_its_driver_has_not_found_yet_is_awaited_not_forgotten() {
    let mut w = World::new(71);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    let before = w.state("front", grant.id);
    assert!(matches!(before, Some(CodeState::OnLock { .. })));

    w.unfound = Some("front");
    w.crash();
    w.commands.clear();
    w.run(30);
    let front = w.id("front");
    assert_eq!(w.state("front", grant.id), before, "its bridge starts up");
    assert_eq!(w.reports[&front].lock.unreachable_since, None);
    w.run(60);
    assert!(w.reports[&front].lock.unreachable_since.is_some());
    assert!(!w.reports[&front].gone && w.reports[&front].codes.len() == 1);
    assert_eq!(w.logged(|e| *e == EventBody::LockGone(front)), 0);
    assert!(!w.commands.iter().any(|(key, _)| key == "front"), "there is no way to it");

    w.unfound = None;
    w.find("front");
    w.run(5);
    assert_eq!(w.reports[&front].lock.unreachable_since, None);
    assert_eq!(w.pins_on("front"), ["483920"], "the same PIN in the same slot");
    assert_eq!(w.logged(|e| *e == EventBody::LockReachable(front, true)), 1);
}

#[test]
fn what_was_revoked_meanwhile_goes_when_the_lock_is_found() {
    let mut w = World::new(72);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    w.unfound = Some("front");
    w.crash();
    w.run(90);
    w.revoke(grant.id);
    w.run(90);
    assert!(matches!(w.state("front", grant.id), Some(CodeState::StillOnLock { .. })));
    w.find("front");
    w.run(5);
    assert!(w.pins_on("front").is_empty());
}

#[test]
fn a_lock_that_was_removed_is_gone_and_takes_its_place_again_when_found() {
    let mut w = World::new(73);
    let grant = w.guest("483920", &["front", "gate"]);
    w.put(&grant);
    w.run(5);
    let front = w.id("front");
    w.input(Input::LockRemoved("front".into()));
    w.run(5);
    assert!(w.reports[&front].gone, "said with what may still be on it");
    assert!(matches!(w.reports[&front].codes[0].state, CodeState::StillOnLock { .. }));
    w.revoke(grant.id);
    w.run(30);
    assert_eq!(w.pins_on("front"), ["483920"], "nothing is sent to a lock that is gone");
    assert!(w.pins_on("gate").is_empty());
    w.find("front");
    w.run(5);
    assert_eq!(w.id("front"), front);
    assert!(!w.reports[&front].gone && w.pins_on("front").is_empty());
}

#[test]
fn a_driver_that_says_away_is_believed_and_one_that_says_back_ends_the_wait() {
    let mut w = World::new(74);
    w.says("front", Happening::Away);
    w.run(2);
    let front = w.id("front");
    assert!(w.reports[&front].lock.unreachable_since.is_some());
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.commands.clear();
    w.run(5);
    assert!(!w.commands.iter().any(|(key, _)| key == "front"));
    w.says("front", Happening::Back);
    w.run(3);
    assert_eq!(w.reports[&front].lock.unreachable_since, None);
    assert_eq!(w.pins_on("front"), ["483920"]);
}

#[test]
fn locks_are_listed_by_name_before_and_after_a_restart() {
    let mut w = World::new(79);
    let names = |w: &World| -> Vec<String> {
        w.core.as_ref().unwrap().view(&w.now).locks.into_iter().map(|lock| lock.name).collect()
    };
    let mut sorted = names(&w);
    sorted.sort_by_key(|name| name.to_lowercase());
    assert!(sorted.len() > 2);
    assert_eq!(names(&w), sorted);
    w.crash();
    w.run(5);
    assert_eq!(names(&w), sorted);
}
