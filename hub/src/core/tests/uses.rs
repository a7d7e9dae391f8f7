//! Codes that are good for so many uses, or for so long from the first use on.

use super::world::World;
use crate::core::lock::{Happening, Notice};
use crate::core::{Input, Numbering};
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::slot::Readback;
use latchkey_shared::time::{Seconds, Timestamp};

#[test]
fn a_one_time_code_opens_once_also_over_restarts_and_offline() {
    let mut w = World::new(81);
    let grant = Grant { uses: Some(1), ..w.guest("483920", &["front", "gate"]) };
    w.put(&grant);
    w.run(3);
    w.net = false;
    w.crash();
    w.run(3);
    assert!(w.types("front", "483920"));
    w.run(3);
    assert!(!w.types("front", "483920") && !w.types("gate", "483920"), "used up on every lock of this hub");
    w.crash();
    w.run(30);
    assert!(w.pins_on("front").is_empty() && w.pins_on("gate").is_empty());
    assert_eq!(w.state("front", grant.id), Some(CodeState::Expired));
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeTaken(_, _, TakenWhy::Expired, _))), 2);
    let report = &w.reports[&w.id("front")];
    assert_eq!((report.codes[0].uses, report.codes[0].first_used.is_some()), (1, true));
    // Allowed twice more by its owner.
    let mut more = Grant { rev: 2, uses: Some(3), ..grant.clone() };
    w.home.seal(&mut more, "483920");
    w.put(&more);
    w.run(5);
    assert!(w.types("gate", "483920"));
    w.run(3);
    assert!(w.types("front", "483920"));
    w.run(3);
    assert!(!w.types("front", "483920"));
}

#[test]
fn uses_while_the_hub_was_dead_count_when_it_is_back() {
    let mut w = World::new(82);
    let grant = Grant { uses: Some(2), ..w.guest("483920", &["front"]) };
    w.put(&grant);
    w.run(3);
    w.core = None;
    for _ in 0..3 {
        assert!(w.types("front", "483920"), "nobody is there to count");
    }
    w.crash();
    w.run(5);
    assert!(w.pins_on("front").is_empty());
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeUsed(..))), 3, "and it is told how often it was");
}

#[test]
fn a_stay_begins_with_the_first_use_and_ends_on_time_without_a_network() {
    let mut w = World::new(83);
    let grant = Grant { stay: Some(Seconds::hours(1)), ..w.guest("483920", &["front", "gate"]) };
    w.put(&grant);
    w.run(3_600 * 5);
    w.net = false;
    assert!(w.types("front", "483920"));
    w.crash();
    w.run(3_590);
    assert!(w.types("gate", "483920"));
    w.run(15);
    assert!(!w.types("front", "483920") && !w.types("gate", "483920"));
    assert_eq!(w.state("gate", grant.id), Some(CodeState::Expired));
}

#[test]
fn a_stay_counts_from_when_the_door_opened_not_from_when_the_hub_heard() {
    let mut w = World::new(84);
    let grant = Grant { stay: Some(Seconds::hours(1)), ..w.guest("483920", &["front"]) };
    w.put(&grant);
    w.run(3);
    w.core = None;
    assert!(w.types("front", "483920"));
    w.run(3_000);
    w.crash();
    w.run(590);
    assert!(w.types("front", "483920"));
    w.run(30);
    assert!(!w.types("front", "483920"));
}

/// A lock whose entries carry the numbers of other things too, as a Matter node's do.
#[test]
fn entries_with_gaps_in_their_numbers_are_told_once_and_none_from_before_the_lock_was_found() {
    let mut w = World::new(99);
    w.numbering = Numbering::Sparse;
    w.install("attic", Readback::Masked, 5);
    w.settle();
    let found = w.real_time();
    let says = |w: &mut World, number: u64, at: u64| {
        let what = Happening::Refused;
        let id = w.id("attic");
        w.input(Input::LockSays(id, Notice { journal: Some(number), at: Some(Timestamp(at)), what }));
        w.settle();
        w.logged(|e| matches!(e, EventBody::EntryRefused(_)))
    };
    assert_eq!(says(&mut w, 40, found.0 - 3_600), 0, "before anybody here had to do with it");
    w.run(600);
    assert_eq!(says(&mut w, 47, found.0 + 500), 1);
    // All of it once more, as after a restart, and one that came meanwhile.
    w.crash();
    w.run(60);
    for (number, at, told) in [(40, found.0 - 3_600, 1), (47, found.0 + 500, 1), (60, found.0 + 610, 2)] {
        assert_eq!(says(&mut w, number, at), told, "{number}");
    }
    assert_eq!(w.logged(|e| matches!(e, EventBody::EntriesLost(..))), 0);
}
