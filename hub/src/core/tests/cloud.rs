//! What the cloud says that is old, or less than it said before.

use super::world::World;
use crate::core::Input;
use latchkey_shared::event::EventTip;

#[test]
fn what_was_announced_is_fetched_until_it_is_there() {
    let mut w = World::new(50);
    w.input(Input::Socket(true));
    w.run(30);
    let grant = w.guest("483920", &["front"]);
    w.net = false;
    w.put(&grant);
    w.net = true;
    let before = w.fetches.len();
    // A cache on the way still has the answer from before.
    w.answers_later(Input::NotModified);
    w.tell();
    assert!(w.pins_on("front").is_empty());
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert!(w.fetches[before..].iter().all(|(_, nonce)| *nonce), "no old answer will do");
    let calm = w.fetches.len();
    w.run(600);
    assert_eq!(w.fetches.len(), calm, "and that is all");
}

#[test]
fn what_never_comes_is_asked_for_less_and_less() {
    let mut w = World::new(51);
    w.input(Input::Socket(true));
    w.run(30);
    let before = w.fetches.len();
    // Announced, and in no bundle.
    w.input(Input::ChainGrew(w.home.state.seq() + 3));
    w.run(3_600);
    let asked = w.fetches.len() - before;
    assert!((8..25).contains(&asked), "{asked} times in an hour");
}

#[test]
fn a_cloud_that_was_set_back_is_told_again() {
    let mut w = World::new(52);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(5);
    let all = w.cloud_events.len();
    w.cloud_events.clear();
    w.cloud_tip = EventTip::default();
    assert!(!w.types("front", "111111"));
    w.run(5);
    assert_eq!(w.cloud_events.len(), all + 1);
    assert_eq!(w.cloud_tip.number, w.stored.tip.number);
}

#[test]
fn a_cloud_that_takes_nothing_is_not_pestered() {
    let mut w = World::new(53);
    w.takes_no_events = true;
    assert!(!w.types("front", "111111"));
    let before = w.pushes;
    w.run(3_600);
    assert!((4..40).contains(&(w.pushes - before)), "{} times in an hour", w.pushes - before);
    w.takes_no_events = false;
    w.run(1_200);
    assert_eq!(w.cloud_tip.number, w.stored.tip.number);
}
