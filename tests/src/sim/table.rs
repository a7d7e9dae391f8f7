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

/// Runs seeds with this mistake until one fails that does not fail without it, at most `most`.
pub fn hunt(defect: Defect, most: u64, options: Options) -> Found {
    let by = (1..=most).find_map(|seed| {
        switch(Some(defect));
        let violation = run(seed, options).violation;
        switch(None);
        let violation = violation?;
        // A seed that fails anyway shows nothing of the mistake.
        run(seed, options).violation.is_none().then_some((violation.check, violation.text, seed))
    });
    Found { defect, by }
}
