//! Counts what goes to the locks and comes back, for metrics. Numbers only: no slot, no code, no PIN.

use super::clocks;
use crate::core::lock::{Answer, Command, Happening, Link, Notice};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What was counted of one lock.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    /// Commands, by what they are and how they ended.
    pub commands: BTreeMap<(&'static str, &'static str), u64>,
    /// Commands that were given again because they had not gone through.
    pub retries: u64,
    /// When it last answered or said something.
    pub last_seen: Option<Timestamp>,
    /// What is left of its battery, in percent.
    pub battery: Option<u8>,
    /// Whether it says itself that its battery is low.
    pub battery_low: bool,
    /// How well it is heard.
    pub link: Option<Link>,
    /// What has not gone through yet.
    failed: BTreeSet<(&'static str, Option<SlotNo>)>,
}

/// Counts by the locks' keys. Cheap to clone.
#[derive(Clone)]
pub struct Meter {
    locks: Arc<Mutex<BTreeMap<String, Tally>>>,
    started: Instant,
}

impl Default for Meter {
    fn default() -> Self {
        Self { locks: Arc::default(), started: Instant::now() }
    }
}

impl Meter {
    fn with(&self, key: &str, act: impl FnOnce(&mut Tally)) {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if !locks.contains_key(key) {
            locks.insert(key.to_owned(), Tally::default());
        }
        locks.get_mut(key).map(act);
    }

    /// A command goes to a lock.
    pub(super) fn sent(&self, key: &str, command: &Command) {
        let what = (command.name(), command.slot());
        self.with(key, |tally| tally.retries += u64::from(tally.failed.remove(&what)));
    }

    /// A command came back.
    pub(super) fn answered(&self, key: &str, command: &Command, answer: &Answer) {
        let outcome = match answer {
            Answer::Observed(_) | Answer::Verified(_) | Answer::Kept | Answer::Operated(_) => "verified",
            Answer::Unverifiable => "unverifiable",
            Answer::Rejected { .. } => "rejected",
            Answer::Unknown => "unknown",
        };
        self.with(key, |tally| {
            *tally.commands.entry((command.name(), outcome)).or_default() += 1;
            if matches!(outcome, "rejected" | "unknown") {
                tally.failed.insert((command.name(), command.slot()));
            }
            if outcome != "unknown" {
                tally.last_seen = Some(clocks::now().wall);
            }
            if let Answer::Observed(observed) = answer {
                let vitals = &observed.vitals;
                tally.battery = vitals.battery.or(tally.battery);
                tally.battery_low = vitals.battery_low;
                tally.link = vitals.link.or(tally.link);
            }
        });
    }

    /// A lock says something by itself.
    pub(super) fn told(&self, key: &str, notice: &Notice) {
        self.with(key, |tally| {
            // What a journal kept says nothing of now, and being away is no sign of life.
            if notice.at.is_none() && notice.what != Happening::Away {
                tally.last_seen = Some(clocks::now().wall);
            }
            match notice.what {
                Happening::Battery(percent) => {
                    tally.battery = Some(percent);
                    tally.battery_low &= percent < 20;
                }
                Happening::BatteryLow => tally.battery_low = true,
                Happening::Link(link) => tally.link = Some(link),
                _ => {}
            }
        });
    }

    /// Everything that was counted.
    pub fn read(&self) -> BTreeMap<String, Tally> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long this process runs, in seconds.
    pub fn uptime(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// The memory that this process has in RAM, in bytes.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_outcomes_and_retries() {
        let meter = Meter::default();
        let (clear, read) = (Command::Clear { slot: SlotNo(3) }, Command::Read { slot: SlotNo(3) });
        for answer in [Answer::Unknown, Answer::Unknown, Answer::Unverifiable] {
            meter.sent("a", &clear);
            meter.answered("a", &clear, &answer);
        }
        meter.sent("a", &read);
        meter.sent("b", &clear);
        let all = meter.read();
        let a = &all["a"];
        assert_eq!(
            (a.retries, a.commands[&("clear", "unknown")], a.commands[&("clear", "unverifiable")]),
            (2, 2, 1)
        );
        assert!(a.last_seen.is_some());
        assert_eq!((all["b"].retries, all["b"].last_seen), (0, None));
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
