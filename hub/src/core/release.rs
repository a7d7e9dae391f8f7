//! The last resort: somebody who stands at the hub takes it out of its home, because nobody is left who could. All codes
//! go off its locks, confirmed; then the log says so; then the hub is nobody's.

use super::change::{Change, Release};
use super::clock::Now;
use super::hub::{Effect, HubCore};
use latchkey_shared::event::EventBody;
use serde::Serialize;

/// How long the cloud is waited for to take the last events, in milliseconds.
const FAREWELL_MS: u64 = 60_000;

/// How far the hub is on its way out.
#[derive(Clone, Debug, Serialize)]
pub struct Leaving {
    /// Locks on which codes of the home may still be.
    pub holding: Vec<String>,
}

impl HubCore {
    /// Begins it. `leave_behind`: locks that do not answer are given up.
    pub fn start_over(&mut self, leave_behind: bool, now: &Now) {
        self.clock.observe(now);
        if matches!(self.release, Release::Parting | Release::Gone) {
            return;
        }
        self.release = if leave_behind { Release::LeavingBehind } else { Release::Leaving };
        self.change(Change::Release(self.release));
        self.trust.release();
        self.version += 1;
        self.run(now);
    }

    /// How far it is; `None` while the hub stays.
    pub fn leaving(&self) -> Option<Leaving> {
        (self.release != Release::Staying).then(|| Leaving { holding: self.holding() })
    }

    /// How far a hub is that was removed from its home; `None` while it belongs to it.
    pub fn removed_from(&self) -> Option<Leaving> {
        self.removed().then(|| Leaving { holding: self.holding() })
    }

    fn holding(&self) -> Vec<String> {
        let held = self.locks.values().filter(|lock| lock.slots.values().any(|slot| slot.may_hold_ours()));
        let giving_up = matches!(self.release, Release::LeavingBehind | Release::Parting);
        let held = held.filter(|lock| lock.breaker.reachable() || !giving_up).map(|lock| lock.name.clone());
        // Locks out of the configuration are never asked: their codes stay unless they come back.
        let lost = self.former.values().filter(|lock| !giving_up && lock.may_hold_ours());
        held.chain(lost.map(|lock| lock.record.name.clone())).collect()
    }

    /// Ends it once nothing is on any lock.
    pub(super) fn go(&mut self, now: &Now) {
        if matches!(self.release, Release::Staying | Release::Gone) || !self.holding().is_empty() {
            return;
        }
        let since = match self.left_ms {
            Some(since) => since,
            None => {
                self.left_ms = Some(now.boot_ms);
                // A restart in this minute waits anew, and says it no second time.
                if self.release != Release::Parting {
                    self.log(EventBody::StartedOver, now);
                    self.release = Release::Parting;
                    self.change(Change::Release(self.release));
                }
                now.boot_ms
            }
        };
        if self.log.first_unsent().is_none() || now.boot_ms >= since + FAREWELL_MS {
            self.release = Release::Gone;
            self.change(Change::Release(Release::Gone));
            self.emit(Effect::Gone);
        } else {
            self.wake_at(since + FAREWELL_MS);
        }
    }
}
