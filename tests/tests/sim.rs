//! The simulator itself: the same seed is the same world, to the last step.

use latchkey_tests::sim::{Options, run};

#[test]
fn a_seed_replays_exactly() {
    let options = Options { weeks: 1, ..Options::default() };
    for seed in [3, 19] {
        let (one, two) = (run(seed, options), run(seed, options));
        assert_eq!((one.hash, one.steps), (two.hash, two.steps), "seed {seed}");
        assert!(one.steps > 50);
    }
    assert_ne!(run(3, options).hash, run(19, options).hash);
}

#[test]
fn a_few_homes_keep_every_promise() {
    for seed in 1..=6 {
        let outcome = run(seed, Options { weeks: 1, ..Options::default() });
        assert!(outcome.violation.is_none(), "seed {seed}: {:?}\n{}", outcome.violation, outcome.trace);
    }
}
