//! What is known of other PINs, and the rules for a new one.

use super::Home;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::{self, LockPinCaps, Pin, PinRules};

/// Judges and makes PINs for one code.
pub struct PinDesk(pub pin::PinDesk);

impl PinDesk {
    /// For a code on these locks; an edited one may keep its own PIN.
    pub fn new(home: &Home, locks: &[LockId], edited: Option<GrantId>) -> Result<Self, Problem> {
        let abilities = locks.iter().filter_map(|lock| home.reports.get(lock));
        let caps: Vec<LockPinCaps> = abilities.map(|report| report.lock.abilities.pin_caps()).collect();
        let rules = PinRules::new(&home.chain.policy().pin, &caps)
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))?;
        let mut desk = pin::PinDesk::new(rules);
        let history = home.revisions().map(Box::new);
        desk.note_home(&home.chain, history, |grant| home.open_pin(grant), locks, edited, home.now());
        Ok(Self(desk))
    }

    /// A new PIN, uniform over what is allowed.
    pub fn generate(&self) -> Result<Pin, Problem> {
        self.0
            .generate(&mut js::rng())
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))
    }

    /// What is wrong with a typed PIN: one sentence for each broken rule. While it is too short to judge, only that.
    pub fn check(&self, text: &str) -> Result<Pin, Vec<String>> {
        self.0.judge(text).map_err(|broken| broken.into_iter().map(|rule| rule.hint()).collect())
    }

    /// The fewest and the most digits.
    pub fn lengths(&self) -> (u8, u8) {
        let (min, max, _) = self.0.rules().lengths();
        (min, max)
    }

    /// How many PINs are left, in a sentence.
    pub fn left(&self) -> String {
        self.0.left().sentence()
    }
}
