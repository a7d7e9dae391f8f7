//! Shows that the simulator finds mistakes: each deliberate one is switched on, and seeds are run until a check fails.

use super::{Check, Options, run};
use latchkey_shared::defects::{Defect, switch};

/// How a mistake was found.
#[derive(Debug)]
pub struct Found {
    /// Which mistake.
    pub defect: Defect,
    /// The check that failed and what it said, with the number of seeds that it took.
    pub by: Option<(Check, String, u64)>,
}

/// Runs seeds with this mistake until one fails, at most `most`.
pub fn hunt(defect: Defect, most: u64, options: Options) -> Found {
    switch(Some(defect));
    let by = (1..=most).find_map(|seed| {
        let violation = run(seed, options).violation?;
        Some((violation.check, violation.text, seed))
    });
    switch(None);
    Found { defect, by }
}
