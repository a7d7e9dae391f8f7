//! The simulator itself: the same seed is the same world, to the last step; and it finds mistakes that are made on purpose.

use latchkey_tests::sim::{Options, run};

#[test]
fn a_seed_replays_exactly() {
    let options = Options { weeks: 1, ..Options::default() };
    let (one, two) = (run(3, options), run(3, options));
    assert_eq!((one.hash, one.steps), (two.hash, two.steps));
    assert!(one.steps > 50);
    assert_ne!(one.hash, run(4, options).hash);
}

/// With deliberate mistakes: `cargo xtask test` builds this with them.
#[cfg(feature = "defects")]
mod defects {
    use latchkey_shared::defects::{Defect, switch};
    use latchkey_tests::sim::table::hunt_all;
    use latchkey_tests::sim::{Options, run};

    /// Seeds that one mistake gets to be found.
    const MOST_SEEDS: u64 = 40;

    #[test]
    fn a_failure_replays_exactly_from_what_is_printed() {
        switch(Some(Defect::EndsLate));
        let failed =
            (1..20).map(|seed| run(seed, Options::default())).find(|o| o.violation.is_some()).unwrap();
        let again = failed.again(Options::default());
        let numbers: Vec<u64> = again.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [seed, weeks] = numbers[..] else { panic!("{again}") };
        let replayed = run(seed, Options { weeks, ..Options::default() });
        switch(None);
        assert_eq!((replayed.hash, replayed.steps), (failed.hash, failed.steps));
        assert_eq!(replayed.trace, failed.trace);
        let text = |outcome: &latchkey_tests::sim::Outcome| outcome.violation.clone().unwrap().text;
        assert_eq!(text(&replayed), text(&failed));
    }

    #[test]
    fn every_mistake_is_found_by_the_check_that_is_there_for_it() {
        let found = hunt_all("", MOST_SEEDS, &|_| {});
        let missed: Vec<_> = found.iter().filter(|found| found.by.is_none()).collect();
        assert!(missed.is_empty(), "{missed:?}");
        assert_eq!(found.len(), Defect::ALL.len());
    }
}
