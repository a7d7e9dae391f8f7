//! What an answer that did not come, or cannot be believed, leads to; and what comes first.

use super::world::World;
use crate::core::lock::Answer;
use crate::drivers::sim::model::Fault;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::slot::{OwnEnd, Readback};

#[test]
fn after_silence_the_slot_is_read_and_written_again_only_if_need_be() {
    for key in ["front", "back", "gate"] {
        for (arrives, next) in [(true, &["read"][..]), (false, &["read", "write"])] {
            let mut w = World::new(211);
            let grant = w.guest("483920", &[key]);
            match arrives {
                true => w.answers_at = Some(("write", Answer::Unknown)),
                // The schedule that is sent before would be lost instead.
                false if key == "gate" => continue,
                false => w.fault(key, Fault::Timeout),
            }
            let before = w.commands.len();
            w.put(&grant);
            w.run(3_600);
            let sent = w.sent(key, before);
            let sent = sent.strip_prefix(&["schedule"]).unwrap_or(&sent);
            assert_eq!(sent[0], "write");
            assert_eq!(&sent[1..], next, "{key} {arrives}");
            assert_eq!(w.pins_on(key), ["483920"]);
        }
    }
}

#[test]
fn a_lock_that_drops_every_write_is_not_written_for_ever() {
    for key in ["front", "back"] {
        let mut w = World::new(212);
        w.never_answers = Some((key, "write"));
        let grant = w.guest("483920", &[key]);
        w.put(&grant);
        w.run(2 * 86_400);
        let writes = w.sent(key, 0).iter().filter(|name| **name == "write").count();
        assert!((4..=9).contains(&writes), "{key}: {writes} writes");
        let state = w.state(key, grant.id);
        assert!(
            matches!(state, Some(CodeState::Failed { why: FailWhy::NotKept, next_try: None })),
            "{key}: {state:?}"
        );
        // It is well again, and the code is saved again.
        w.never_answers = None;
        let mut again = Grant { rev: 2, ..grant.clone() };
        w.home.seal(&mut again, "715306");
        w.put(&again);
        w.run(5);
        assert_eq!(w.pins_on(key), ["715306"]);
    }
}

#[test]
fn a_lock_that_keeps_another_pin_is_left_alone_and_its_slot_is_emptied() {
    let mut w = World::new(213);
    w.garbles = Some("front");
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(3_600);
    let sent = w.sent("front", 0);
    let writes = sent.iter().filter(|name| **name == "write").count();
    assert!((4..=8).contains(&writes), "{writes} writes");
    assert!(w.pins_on("front").is_empty(), "nobody knows who could use it");
    let state = w.state("front", grant.id);
    assert!(matches!(state, Some(CodeState::Failed { why: FailWhy::NotKept, next_try: None })), "{state:?}");
    w.run(3 * 86_400);
    assert_eq!(w.sent("front", 0).len(), sent.len(), "and then there is peace");
    w.garbles = None;
    let (front, now) = (w.id("front"), w.now);
    w.core.as_mut().unwrap().resync(front, Some(grant.id), &now).unwrap();
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"], "somebody asked for it to be tried again");
}

#[test]
fn where_nothing_can_be_read_the_same_is_sent_again_a_few_times_and_nothing_is_claimed() {
    let mut w = World::new(214);
    w.never_answers = Some(("garage", "write"));
    let grant = w.guest("483920", &["garage"]);
    w.put(&grant);
    w.run(1);
    assert!(
        matches!(w.state("garage", grant.id), Some(CodeState::WrittenUnconfirmed { .. })),
        "{:?}",
        w.state("garage", grant.id)
    );
    w.run(86_400);
    let writes = w.sent("garage", 0).iter().filter(|name| **name == "write").count();
    assert!((12..=20).contains(&writes), "{writes} in a day");
    let state = w.state("garage", grant.id);
    assert!(
        matches!(state, Some(CodeState::WrittenUnconfirmed { .. })),
        "it answers everything else: {state:?}"
    );
    w.never_answers = None;
    w.run(6 * 3_600);
    assert_eq!(w.pins_on("garage"), ["483920"]);
    assert!(matches!(w.state("garage", grant.id), Some(CodeState::WrittenUnconfirmed { .. })));
}

#[test]
fn a_refused_duplicate_waits_until_something_changes() {
    let mut w = World::new(215);
    w.unnoticed("back", 5, Some("483920"));
    let grant = w.guest("483920", &["back"]);
    let before = w.commands.len();
    w.put(&grant);
    w.run(86_400);
    assert_eq!(w.sent("back", before), ["write"]);
    assert!(matches!(
        w.state("back", grant.id),
        Some(CodeState::Failed { why: FailWhy::Duplicate, next_try: None })
    ));
    w.by_hand("back", 5, None);
    w.run(5);
    assert_eq!(w.pins_on("back"), ["483920"]);
}

#[test]
fn masked_slots_are_not_read_over_and_over() {
    let mut w = World::new(216);
    let grant = w.guest("483920", &["back"]);
    w.put(&grant);
    w.run(5);
    w.crash();
    let before = w.commands.len();
    w.run(3 * 86_400);
    assert!(w.sent("back", before).len() <= 3, "{:?}", w.sent("back", before));
}

#[test]
fn a_removal_goes_ahead_of_a_refill() {
    let mut w = World::new(217);
    w.install("big", Readback::Full, 250);
    let pin = |n: u32| format!("{}", 310_000 + n * 7);
    let first = w.guest(&pin(999), &["big"]);
    let ending = Grant {
        expires: Some(w.real_time().saturating_add(latchkey_shared::time::Seconds(6))),
        ..w.guest(&pin(998), &["big"])
    };
    w.put(&first);
    w.put(&ending);
    w.run(2);
    let grants: Vec<Grant> = (0..240).map(|n| w.guest(&pin(n), &["big"])).collect();
    w.net = false;
    grants.iter().for_each(|grant| w.put(grant));
    w.net = true;
    w.tell();
    let before = w.commands.len();
    w.run(1);
    assert!(w.sent("big", before).contains(&"write") && w.pins_on("big").len() < 100, "it goes on");
    let before = w.commands.len();
    w.revoke(first.id);
    w.run(1);
    assert_eq!(w.sent("big", before)[0], "clear", "nothing else is sent before");
    assert!(w.pins_on("big").len() < 150 && !w.pins_on("big").contains(&pin(999)));
    // One that ends by itself does not wait either.
    let end = ending.expires.unwrap();
    w.run(end.since(w.real_time()).0);
    w.run(1);
    assert!(!w.pins_on("big").contains(&pin(998)) && w.pins_on("big").len() < 240);
    w.run(30);
    assert_eq!(w.pins_on("big").len(), 240);
}

#[test]
fn an_end_counts_as_the_locks_only_once_it_was_read_back() {
    let own_end = |readback, fault: Option<Fault>| {
        let mut w = World::new(219);
        w.sims.get_mut("gate").unwrap().abilities.readback = readback;
        w.find("gate");
        w.settle();
        let grant = w.guest("483920", &["gate"]);
        fault.iter().for_each(|fault| w.fault("gate", *fault));
        w.put(&grant);
        w.run(60);
        assert_eq!(w.pins_on("gate"), ["483920"]);
        let given = w.sims["gate"].slots.values().filter(|slot| slot.schedule.is_some()).count();
        assert_eq!(given, 1, "it has the hours");
        w.stored.codes[&(w.id("gate"), grant.id)].own_end
    };
    assert_eq!(own_end(Readback::Full, None), Some(OwnEnd::ReadBack));
    assert_eq!(own_end(Readback::Full, Some(Fault::DroppedWrite)), Some(OwnEnd::ReadBack), "said, not done");
    assert_eq!(own_end(Readback::None, None), Some(OwnEnd::Told));
}
