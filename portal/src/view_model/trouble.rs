//! What is wrong with locks, in this home's words and times.

use super::Home;
use latchkey_shared::report::Report;
use latchkey_shared::trouble::{Pressing, Trouble};

impl Home {
    /// What is wrong with a lock, the most pressing first, each in a sentence.
    pub fn troubles(&self, report: &Report) -> Vec<(Trouble, String)> {
        self.view.troubles(report, self.now(), &*self.zone, self.style)
    }

    /// The most pressing thing that is wrong with a lock, if there is one that somebody should do something about.
    pub fn trouble(&self, report: &Report) -> Option<(Trouble, String)> {
        self.troubles(report).into_iter().find(|(trouble, _)| trouble.pressing() != Pressing::Note)
    }
}
