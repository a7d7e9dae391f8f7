//! Shows that the simulator finds mistakes: each deliberate one is switched on, and seeds are run until the check that is
//! there for it fails, and says what is wrong.

use super::aims::{self, Aim};
use super::{Check, Options, Outcome, run_tuned};
use latchkey_shared::defects::{Defect, switch};

/// How a mistake was found.
#[derive(Debug)]
pub struct Found {
    /// Which mistake.
    pub defect: Defect,
    /// The check that failed and what it said, with the number of seeds that it took.
    pub by: Option<(Check, String, u64)>,
    /// Other checks that failed in the seeds before.
    pub beside: Vec<Check>,
}

/// Runs seeds with this mistake, at most `most`, until the check fails that is there for it, in a seed in which nothing
/// fails without it.
pub fn hunt(defect: Defect, most: u64) -> Found {
    let aim = aims::of(defect);
    let options = Options { weeks: aim.weeks, ..Options::default() };
    let seed = |seed: u64, on: Option<Defect>| {
        switch(on);
        let outcome: Outcome = run_tuned(seed, options, aim.tune);
        switch(None);
        outcome.violation
    };
    let mut beside = vec![];
    let Aim { check, says, first, .. } = aim;
    for n in first..first + most {
        let Some(violation) = seed(n, Some(defect)) else { continue };
        if violation.check != check || !violation.text.contains(says) {
            beside.push(violation.check);
        } else if seed(n, None).is_none() {
            let by = Some((violation.check, violation.text, n + 1 - first));
            return Found { defect, by, beside };
        }
    }
    Found { defect, by: None, beside }
}

/// Hunts mistakes, those whose name has `named` in it, on all cores; `tell` hears of each.
pub fn hunt_all(named: &str, most: u64, tell: &(dyn Fn(&Found) + Sync)) -> Vec<Found> {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let wanted: Vec<Defect> =
        Defect::ALL.iter().copied().filter(|defect| format!("{defect:?}").contains(named)).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(defect) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let hunted = hunt(*defect, most);
                    tell(&hunted);
                    if let Ok(mut found) = found.lock() {
                        found.push(hunted);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap_or_default()
}
