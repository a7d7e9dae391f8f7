//! Codes that are good for so many uses, or for so long from the first use on.

use super::world::World;
use crate::core::Input;
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::time::Seconds;

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
