//! A code's life, without faults.

use super::world::{BEGIN, World};
use crate::core::change::Stored;
use crate::core::lock::{Happening, Notice};
use crate::core::{Input, slot_state::OwnerRecord};
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Seconds;

const ALL: [&str; 4] = ["front", "back", "garage", "gate"];

#[test]
fn a_code_reaches_every_lock_and_each_says_what_it_can() {
    let mut w = World::new(1);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(3);
    for key in ALL {
        assert_eq!(w.pins_on(key), ["483920"], "{key}");
        assert!(w.types(key, "483920"), "{key}");
        assert!(!w.types(key, "483921"), "{key}");
    }
    assert!(matches!(w.state("front", grant.id), Some(CodeState::OnLock { .. })));
    assert!(matches!(w.state("gate", grant.id), Some(CodeState::OnLock { .. })));
    assert!(
        matches!(w.state("back", grant.id), Some(CodeState::WrittenUnconfirmed { .. })),
        "masked is no proof"
    );
    assert!(matches!(w.state("garage", grant.id), Some(CodeState::WrittenUnconfirmed { .. })));
    w.run(2);
    let report = &w.reports[&w.id("front")];
    assert_eq!(report.codes[0].state, w.state("front", grant.id).unwrap());
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeUsed(_, g) if *g == grant.id)), 4);
    assert_eq!(w.logged(|e| matches!(e, EventBody::EntryRefused(_))), 4);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodePut(_, g, _) if *g == grant.id)), 4);
}

#[test]
fn a_hub_at_rest_leaves_the_locks_alone() {
    let mut w = World::new(2);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    let before = w.commands.len();
    w.run(6 * 3_600);
    assert_eq!(w.commands.len(), before, "{:?}", &w.commands[before..]);
}

#[test]
fn a_new_revision_with_the_same_pin_is_not_written_again() {
    let mut w = World::new(32);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    let before = w.commands.len();
    let mut next = Grant { rev: 2, label: "Zoë B.".into(), ..grant.clone() };
    w.home.seal(&mut next, "483920");
    w.put(&next);
    w.run(5);
    assert_eq!(w.commands.len(), before, "{:?}", &w.commands[before..]);
    assert!(matches!(w.state("front", grant.id), Some(CodeState::OnLock { .. })));
    // Another end is told only to the lock that keeps hours itself, another PIN to all.
    let mut next = Grant { rev: 3, expires: Some(BEGIN.saturating_add(Seconds::days(9))), ..next };
    w.home.seal(&mut next, "483920");
    w.put(&next);
    w.run(5);
    assert_eq!(w.commands[before..], [("gate".to_owned(), "schedule")]);
    let mut next = Grant { rev: 4, ..next };
    w.home.seal(&mut next, "602847");
    w.put(&next);
    w.run(5);
    assert!(ALL.iter().all(|key| w.pins_on(key) == ["602847"]));
    // After a restart it is still known which revision is on the lock.
    w.crash();
    w.run(5);
    assert!(ALL.iter().all(|key| w.types(key, "602847")));
}

#[test]
fn a_restart_writes_and_clears_nothing() {
    let mut w = World::new(3);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    let before = w.commands.len();
    w.crash();
    w.run(60);
    let writes = w.commands[before..].iter().filter(|(_, name)| !matches!(*name, "read" | "observe")).count();
    assert_eq!(writes, 0, "{:?}", &w.commands[before..]);
    assert!(w.types("front", "483920"));
}

#[test]
fn it_ends_on_time_without_a_network() {
    let mut w = World::new(4);
    let end = w.real_time().saturating_add(Seconds(600));
    let grant = Grant { expires: Some(end), ..w.guest("483920", &ALL) };
    w.put(&grant);
    w.run(5);
    w.net = false;
    w.run(500);
    assert!(ALL.iter().all(|key| w.types(key, "483920")));
    w.run(end.since(w.real_time()).0 + 1);
    assert!(ALL.iter().all(|key| !w.types(key, "483920")));
    w.run(2);
    for key in ALL {
        assert!(w.pins_on(key).is_empty(), "{key}");
        assert_eq!(w.state(key, grant.id), Some(CodeState::Expired));
    }
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeTaken(_, _, TakenWhy::Expired, _))), 4);
    assert_eq!(w.logged(|e| matches!(e, EventBody::Online(_))), 2, "gone and back");
}

#[test]
fn it_starts_on_time_without_a_network_even_after_a_restart() {
    let mut w = World::new(5);
    let start = w.real_time().saturating_add(Seconds(3_000));
    let grant = Grant { not_before: start, ..w.guest("483920", &ALL) };
    w.put(&grant);
    w.run(5);
    assert!(w.pins_on("front").is_empty() && w.pins_on("garage").is_empty());
    assert_eq!(w.pins_on("gate"), ["483920"], "this lock waits by itself");
    assert!(!w.types("gate", "483920"));
    w.net = false;
    w.crash();
    w.run(2_990);
    assert!(ALL.iter().all(|key| !w.types(key, "483920")));
    w.run(15);
    for key in ALL {
        assert!(w.types(key, "483920"), "{key}");
    }
}

#[test]
fn weekly_hours_switch_it_and_its_slot_is_kept() {
    let mut w = World::new(6);
    // 2027-01-15 is a Friday; tests begin at 09:00 in Berlin.
    let window = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(9 * 60).unwrap(),
        to: MinuteOfDay::new(10 * 60).unwrap(),
    };
    let grant = Grant { schedule: Schedule::Weekly(vec![window]), ..w.guest("483920", &ALL) };
    w.put(&grant);
    w.run(5);
    let slot = |w: &World, key: &str| {
        let id = w.id(key);
        let mut owned =
            w.stored.slots.iter().filter(|((l, _), r)| {
                *l == id && matches!(r.owner, OwnerRecord::Managed(g, _) if g == grant.id)
            });
        let ((_, no), _) = owned.next().unwrap();
        assert!(owned.next().is_none());
        *no
    };
    let slots = ALL.map(|key| slot(&w, key));
    for day in 0..3 {
        assert!(ALL.iter().all(|key| w.types(key, "483920")), "day {day}");
        w.run(3_700);
        for key in ALL {
            assert!(!w.types(key, "483920"), "{key} day {day}");
        }
        assert!(matches!(w.state("front", grant.id), Some(CodeState::OutsideHours { .. })));
        assert!(matches!(w.state("garage", grant.id), Some(CodeState::OutsideHours { .. })));
        assert_eq!(ALL.map(|key| slot(&w, key)), slots);
        // Another code comes meanwhile and does not get the slot.
        let other = w.guest(["7391", "8264", "5937"][day], &ALL);
        w.put(&other);
        w.run(86_400 - 3_700);
        assert_eq!(ALL.map(|key| slot(&w, key)), slots);
    }
}

#[test]
fn a_revoked_code_goes_at_once_and_never_returns() {
    let mut w = World::new(7);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    w.revoke(grant.id);
    w.run(1);
    for key in ALL {
        assert!(w.pins_on(key).is_empty(), "{key}");
        assert_eq!(w.state(key, grant.id), Some(CodeState::Revoked));
    }
    w.run(5);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeTaken(_, _, TakenWhy::Revoked, _))), 4);
}

#[test]
fn a_pin_that_was_used_before_is_not_written() {
    let mut w = World::new(8);
    let first = w.guest("483920", &["front"]);
    let second = w.guest("483920", &["gate", "front"]);
    w.put(&first);
    w.put(&second);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert!(w.pins_on("gate").is_empty());
    let failed = |s: Option<CodeState>| matches!(s, Some(CodeState::Failed { why: FailWhy::Duplicate, .. }));
    assert!(failed(w.state("front", second.id)) && failed(w.state("gate", second.id)));
    w.revoke(first.id);
    w.run(5);
    assert!(w.pins_on("front").is_empty() && w.pins_on("gate").is_empty(), "used before is used before");
    w.crash();
    w.run(5);
    assert!(w.pins_on("front").is_empty());
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeFailed(_, _, FailWhy::Duplicate))), 2);
}

#[test]
fn a_changed_code_replaces_its_pin_and_an_extension_does_not() {
    let mut w = World::new(9);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    let mut longer =
        Grant { rev: 2, expires: grant.expires.map(|t| t.saturating_add(Seconds(60))), ..grant.clone() };
    w.home.seal(&mut longer, "483920");
    w.put(&longer);
    w.run(5);
    assert!(ALL.iter().all(|key| w.types(key, "483920")));
    let mut other = Grant { rev: 3, ..longer.clone() };
    w.home.seal(&mut other, "715306");
    w.put(&other);
    w.run(5);
    for key in ALL {
        assert_eq!(w.pins_on(key), ["715306"], "{key}");
    }
    let mut fewer = Grant { rev: 4, locks: vec![w.id("gate")], ..other };
    w.home.seal(&mut fewer, "715306");
    w.put(&fewer);
    w.run(5);
    assert!(w.pins_on("front").is_empty() && !w.pins_on("gate").is_empty());
    assert_eq!(w.state("front", grant.id), Some(CodeState::Revoked));
}

#[test]
fn uses_are_counted_and_survive_a_restart() {
    let mut w = World::new(10);
    let grant = Grant { uses: Some(2), ..w.guest("483920", &ALL) };
    w.put(&grant);
    w.run(5);
    assert!(w.types("front", "483920"));
    w.crash();
    w.run(5);
    assert!(w.types("garage", "483920"));
    w.run(2);
    for key in ALL {
        assert!(w.pins_on(key).is_empty(), "{key}");
    }
    assert_eq!(w.state("front", grant.id), Some(CodeState::Expired));
}

#[test]
fn an_entry_is_logged_once_though_the_lock_tells_it_again() {
    let mut w = World::new(11);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    for _ in 0..3 {
        assert!(w.types("front", "483920"));
        w.crash();
        w.run(3);
    }
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeUsed(..))), 3);
    assert_eq!(w.logged(|e| matches!(e, EventBody::Started(_))), 4);
}

#[test]
fn foreign_codes_are_never_touched_and_changes_by_hand_are_put_right() {
    let mut w = World::new(12);
    let foreign = Pin::parse("602943").unwrap();
    w.sims.get_mut("front").unwrap().changed_by_hand(SlotNo(1), Some(foreign), BEGIN);
    w.input(Input::LockSays(
        w.id("front"),
        Notice { journal: None, at: None, what: Happening::Changed { slot: SlotNo(1) } },
    ));
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["602943", "483920"]);
    // The same PIN as the foreign one would open for two people.
    let same = w.guest("602943", &["front"]);
    w.put(&same);
    w.run(5);
    assert!(matches!(
        w.state("front", same.id),
        Some(CodeState::Failed { why: FailWhy::DuplicateByHand, .. })
    ));
    // Somebody wipes our slot at the lock.
    w.sims.get_mut("front").unwrap().changed_by_hand(SlotNo(2), None, BEGIN);
    w.input(Input::LockSays(
        w.id("front"),
        Notice { journal: None, at: None, what: Happening::Changed { slot: SlotNo(2) } },
    ));
    w.run(5);
    assert_eq!(w.pins_on("front"), ["602943", "483920"]);
    w.revoke(grant.id);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["602943"]);
    assert!(w.logged(|e| matches!(e, EventBody::ChangedByHand(..))) >= 2);
}

#[test]
fn a_full_lock_serves_the_nearest_and_says_so() {
    let mut w = World::new(13);
    let pins = ["4839", "7153", "6029", "8264", "5937", "7391", "2846"];
    let grants: Vec<Grant> = pins.iter().map(|pin| w.guest(pin, &["gate"])).collect();
    let soon = |n: usize| BEGIN.saturating_add(Seconds(7_200 * (n as u64 + 1)));
    for (n, grant) in grants.iter().enumerate().rev() {
        w.put(&Grant { not_before: soon(n), ..grant.clone() });
    }
    w.run(10);
    assert_eq!(w.pins_on("gate").len(), 6);
    assert!(!w.pins_on("gate").contains(&"2846".to_owned()), "the farthest waits");
    let before = w.commands.len();
    w.run(600);
    assert_eq!(w.commands.len(), before, "and nobody is moved around for it");
    // Whoever goes without is told, and when there will be room: when the first of the others ends.
    let first = grants.iter().take(6).filter_map(|grant| grant.expires).min();
    let told = CodeState::Failed { why: FailWhy::Full, next_try: None };
    let late = w.state("gate", grants[6].id);
    assert!(
        late == Some(told)
            || matches!(late, Some(CodeState::Failed { why: FailWhy::Full, next_try }) if next_try == first),
        "{late:?}"
    );
    assert_eq!(
        w.logged(|e| matches!(e, EventBody::CodeFailed(_, g, FailWhy::Full) if *g == grants[6].id)),
        1
    );
}

#[test]
fn a_far_booking_gives_way_and_comes_back_when_there_is_room() {
    let mut w = World::new(16);
    let hours = |n: u64| BEGIN.saturating_add(Seconds(3_600 * n));
    let far: Vec<Grant> = ["4839", "7153", "6029", "8264", "5937", "7391"]
        .map(|pin| Grant { not_before: hours(48), ..w.guest(pin, &["gate"]) })
        .into();
    far.iter().for_each(|grant| w.put(grant));
    w.run(10);
    assert_eq!(w.pins_on("gate").len(), 6);
    let near = Grant { not_before: hours(2), expires: Some(hours(5)), ..w.guest("2846", &["gate"]) };
    w.put(&near);
    w.run(10);
    assert!(w.pins_on("gate").contains(&"2846".to_owned()));
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeTaken(_, _, TakenWhy::GaveWay, _))), 1);
    let lost: Vec<_> = far.iter().filter_map(|grant| w.state("gate", grant.id)).collect();
    let fits = CodeState::Failed { why: FailWhy::Full, next_try: Some(hours(5)) };
    assert_eq!(lost.iter().filter(|state| **state == fits).count(), 1, "{lost:?}");
    // The near one is over long before the far one begins.
    w.run(3_600 * 5 + 60);
    assert_eq!(w.pins_on("gate").len(), 6);
    assert!(!w.pins_on("gate").contains(&"2846".to_owned()));
    assert!(far.iter().all(|grant| matches!(w.state("gate", grant.id), Some(CodeState::OnLock { .. }))));
}

#[test]
fn guests_do_not_outlive_the_offline_grace() {
    let mut w = World::new(14);
    let mut policy = w.home.state.policy().clone();
    policy.offline_grace = Seconds::hours(2);
    w.home.push(latchkey_shared::chain::Body::SetPolicy(policy)).unwrap();
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    w.net = false;
    w.run(7_000);
    assert!(w.types("front", "483920"));
    w.run(300);
    assert!(ALL.iter().all(|key| !w.types(key, "483920")));
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    assert!(ALL.iter().all(|key| w.types(key, "483920")));
    assert!(w.logged(|e| matches!(e, EventBody::CodeTaken(_, _, TakenWhy::OfflineGrace, _))) >= 3);
}

#[test]
fn nothing_secret_is_in_what_is_stored() {
    let mut w = World::new(15);
    let grant = w.guest("483920", &ALL);
    w.put(&grant);
    w.run(5);
    let Stored { slots, codes, locks, .. } = &w.stored;
    let text = format!("{slots:?}{codes:?}{locks:?}{:?}{:?}", w.reports, w.cloud_events);
    assert!(!text.contains("483920"));
}
