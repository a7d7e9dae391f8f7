//! What a hub could say: ordinary values, of which a test changes what it is about.

use super::TestHome;
use crate::explain::CodeState;
use crate::grant::Grant;
use crate::id::{GrantId, LockId};
use crate::report::{CodeReport, LockInfo, Report};
use crate::slot::{LockAbilities, OwnSchedules, Readback};
use crate::time::Timestamp;

/// A lock with ten slots that takes 4 to 8 digits and can be read.
pub fn abilities() -> LockAbilities {
    LockAbilities {
        slots: 10,
        reserved: vec![],
        pin_min: 4,
        pin_max: 8,
        readback: Readback::Full,
        own_schedules: OwnSchedules::None,
        one_length: None,
        paired_digits: false,
        toggles: false,
        tells_uses: true,
        digits: None,
    }
}

/// A lock that answers.
pub fn lock(id: LockId, name: &str) -> LockInfo {
    LockInfo { free_slots: 9, ..LockInfo::silent(id, name.to_owned(), "sim".to_owned(), abilities()) }
}

/// A code that was never used.
pub fn code(grant: &Grant, state: CodeState, since: Timestamp) -> CodeReport {
    CodeReport { rev: grant.rev, ..code_of(grant.id, state, since) }
}

/// The first revision of a code that was never used.
pub fn code_of(grant: GrantId, state: CodeState, since: Timestamp) -> CodeReport {
    CodeReport { grant, rev: 1, state, since, uses: 0, first_used: None, last_used: None, own_end: None }
}

impl TestHome {
    /// What the hub says of a lock when it has taken the whole chain; the codes in any order.
    pub fn report(&self, lock: LockInfo, mut codes: Vec<CodeReport>) -> Report {
        codes.sort_by_key(|code| code.grant);
        Report {
            home: *self.state.home(),
            hub: self.hub,
            number: 1,
            at: Self::BEGINNING,
            lock,
            seq: self.state.seq(),
            generation: 1,
            codes,
            gone: false,
        }
    }
}
