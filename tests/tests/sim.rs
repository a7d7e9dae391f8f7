//! The simulator itself: the same seed is the same world, to the last step.

use latchkey_tests::sim::{Options, run};

#[test]
fn a_seed_replays_exactly() {
    let options = Options { weeks: 1, ..Options::default() };
    let (one, two) = (run(3, options), run(3, options));
    assert_eq!((one.hash, one.steps), (two.hash, two.steps));
    assert!(one.steps > 50);
    assert_ne!(one.hash, run(4, options).hash);
}
