//! When to try again: a back-off per slot, a breaker per lock. Pure; jitter comes in as a number.

use latchkey_shared::explain::FailWhy;

/// The first wait after a failure, in milliseconds.
pub(super) const FIRST_MS: u64 = 2_000;
/// How often a lock may answer that something is not so before it is left at that, until something changes.
pub(super) const TRIES: u32 = 8;
/// How often something is sent soon again to a lock that cannot be read and does not answer.
pub(super) const BLIND_TRIES: u32 = 12;
/// How long after that the next try is, in milliseconds.
pub(super) const BLIND_WAIT_MS: u64 = 6 * 3_600_000;
/// The longest wait between tries of one slot, in milliseconds.
const LONGEST_MS: u64 = 15 * 60_000;
/// Failures in a row, over all slots, after which a lock is left alone for a while.
const BREAKER_AFTER: u32 = 3;
/// How long a lock is first left alone, in milliseconds; doubles up to [`LONGEST_MS`].
const BREAKER_MS: u64 = 10_000;

/// `first` doubled `n` times, at most [`LONGEST_MS`], and up to a quarter more by `jitter` (any number).
fn doubled(first: u64, n: u32, jitter: u64) -> u64 {
    let base = first.saturating_mul(1u64.checked_shl(n.min(20)).unwrap_or(u64::MAX)).min(LONGEST_MS);
    base + jitter % (base / 4 + 1)
}

/// A wait of `first_ms` doubled `failures` times, at most a quarter of an hour, with jitter.
pub fn wait_ms(first_ms: u64, failures: u32, jitter: u64) -> u64 {
    doubled(first_ms, failures, jitter)
}

/// Why and until when one slot is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotRetry {
    /// Nothing stands in the way.
    Ready,
    /// Failed; to be tried again at `at_ms` since boot.
    Waiting {
        /// What went wrong.
        why: FailWhy,
        /// Failures in a row.
        failures: u32,
        /// Milliseconds since boot.
        at_ms: u64,
    },
    /// The lock refused this very revision: trying again changes nothing until something else does.
    Parked {
        /// What the lock objects to.
        why: FailWhy,
        /// The revision refused.
        rev: u32,
    },
}

impl SlotRetry {
    /// After an answer that did not come, or a refusal that may pass.
    pub fn failed(self, why: FailWhy, now_ms: u64, jitter: u64) -> Self {
        let failures = match self {
            Self::Waiting { failures, .. } => failures.saturating_add(1),
            Self::Ready | Self::Parked { .. } => 1,
        };
        Self::Waiting { why, failures, at_ms: now_ms + doubled(FIRST_MS, failures - 1, jitter) }
    }

    /// Whether the slot may be tried at `now_ms`.
    pub fn ready(&self, now_ms: u64) -> bool {
        match self {
            Self::Ready => true,
            Self::Waiting { at_ms, .. } => *at_ms <= now_ms,
            Self::Parked { .. } => false,
        }
    }

    /// Whether the lock refused what it was given: what was there before is still there.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Parked { .. } | Self::Waiting { why: FailWhy::Duplicate, .. })
    }

    /// What went wrong, if something did.
    pub fn why(&self) -> Option<FailWhy> {
        match self {
            Self::Ready => None,
            Self::Waiting { why, .. } | Self::Parked { why, .. } => Some(*why),
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        match self {
            Self::Waiting { failures, .. } => *failures,
            Self::Ready | Self::Parked { .. } => 0,
        }
    }

    /// When it is tried next, in milliseconds since boot.
    pub fn next_try(&self) -> Option<u64> {
        match self {
            Self::Waiting { at_ms, .. } => Some(*at_ms),
            Self::Ready | Self::Parked { .. } => None,
        }
    }
}

/// Leaves a lock alone that does not answer, so that its battery and the radio rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Breaker {
    /// Commands flow. Counts failures in a row.
    #[default]
    Untripped,
    /// Commands flow, after failures in a row.
    Shaky(u32),
    /// Left alone until `until_ms` since boot; then one command tries it.
    Open {
        /// How often in a row it opened.
        times: u32,
        /// Milliseconds since boot.
        until_ms: u64,
    },
}

impl Breaker {
    /// After any answer from the lock, be it a refusal.
    pub fn answered(&mut self) {
        *self = Self::Untripped;
    }

    /// After no answer.
    pub fn silent(&mut self, now_ms: u64, jitter: u64) {
        *self = match *self {
            Self::Untripped => Self::Shaky(1),
            Self::Shaky(n) if n + 1 < BREAKER_AFTER => Self::Shaky(n + 1),
            Self::Shaky(_) => Self::Open { times: 1, until_ms: now_ms + doubled(BREAKER_MS, 0, jitter) },
            Self::Open { times, .. } => {
                let times = times.saturating_add(1);
                Self::Open { times, until_ms: now_ms + doubled(BREAKER_MS, times - 1, jitter) }
            }
        };
    }

    /// Its driver says that it does not answer.
    pub fn trip(&mut self, now_ms: u64, jitter: u64) {
        if self.reachable() {
            *self = Self::Open { times: 1, until_ms: now_ms + doubled(BREAKER_MS, 0, jitter) };
        }
    }

    /// Until when the lock is left alone; `None` if commands may flow at `now_ms`.
    pub fn holds_until(&self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Open { until_ms, .. } if *until_ms > now_ms => Some(*until_ms),
            _ => None,
        }
    }

    /// Whether the lock is taken to be reachable.
    pub fn reachable(&self) -> bool {
        !matches!(self, Self::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut retry = SlotRetry::Ready;
        let mut waits = vec![];
        for _ in 0..14 {
            retry = retry.failed(FailWhy::Unreachable, 1_000, 0);
            waits.push(retry.next_try().unwrap() - 1_000);
        }
        assert_eq!(&waits[..3], [2_000, 4_000, 8_000]);
        assert_eq!(*waits.last().unwrap(), LONGEST_MS);
        assert!(waits.is_sorted());
        assert!(!retry.ready(1_000) && retry.ready(1_000 + LONGEST_MS));
    }

    #[test]
    fn jitter_adds_at_most_a_quarter() {
        for jitter in [0, 1, 77, u64::MAX] {
            let wait = wait_ms(1_000, 3, jitter);
            assert!((8_000..=10_000).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn the_breaker_opens_after_silence_and_closes_at_an_answer() {
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_AFTER {
            assert_eq!(breaker.holds_until(0), None);
            breaker.silent(0, 0);
        }
        assert_eq!(breaker.holds_until(0), Some(BREAKER_MS));
        assert_eq!(breaker.holds_until(BREAKER_MS), None, "one command may try");
        breaker.silent(BREAKER_MS, 0);
        assert_eq!(breaker.holds_until(BREAKER_MS), Some(3 * BREAKER_MS));
        breaker.answered();
        assert!(breaker.reachable() && breaker.holds_until(0).is_none());
    }
}
