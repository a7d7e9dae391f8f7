//! How fast PINs may be tried.

use latchkey_shared::pin::Pin;

/// Wrong PINs that cost nothing yet: people mistype.
const FREE: u32 = 3;
/// The first wait, in milliseconds; doubles up to [`LONGEST_MS`].
const FIRST_MS: u64 = 5_000;
/// The longest wait, in milliseconds. At one try in so long, 5,000 PINs take 52 days.
const LONGEST_MS: u64 = 15 * 60_000;
/// How long a PIN that was found taken counts, even if a right one is typed: whoever searches can open the panel.
const UNFORGIVEN_MS: u64 = 60 * MINUTE_MS;
/// How many PINs are answered in a minute. Somebody who picks one asks for each digit after the fourth.
const MOST_A_MINUTE: u32 = 30;
const MINUTE_MS: u64 = 60_000;

/// Counts wrong PINs and says how long to wait. The count outlives a restart, and a restart waits anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gate {
    failures: u32,
    until_ms: u64,
    /// Until then a right PIN forgives nothing.
    unforgiven_ms: u64,
}

/// PINs asked about at the open panel. It tells which are taken, so only so many are answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last: Option<Pin>,
    count: u32,
    since_ms: u64,
}

impl Asked {
    /// Whether this PIN may be asked about. The one that was asked about last tells nothing new.
    pub(super) fn admits(&mut self, pin: &Pin, now_ms: u64) -> bool {
        if self.is_last(pin) {
            return true;
        }
        if now_ms.saturating_sub(self.since_ms) >= MINUTE_MS {
            (self.count, self.since_ms) = (0, now_ms);
        }
        self.count = self.count.saturating_add(1);
        self.count <= MOST_A_MINUTE
    }

    /// Whether it was asked about last.
    pub(super) fn is_last(&self, pin: &Pin) -> bool {
        self.last.as_ref() == Some(pin)
    }

    /// It was answered.
    pub(super) fn answered(&mut self, pin: Pin) {
        self.last = Some(pin);
    }
}

fn cost(failures: u32) -> u64 {
    match failures.checked_sub(FREE) {
        None | Some(0) => 0,
        Some(n) => {
            FIRST_MS.saturating_mul(1u64.checked_shl((n - 1).min(20)).unwrap_or(u64::MAX)).min(LONGEST_MS)
        }
    }
}

impl Gate {
    /// At program start, after so many wrong PINs in a row.
    pub fn start(failures: u32, now_ms: u64) -> Self {
        Self { failures, until_ms: now_ms.saturating_add(cost(failures)), unforgiven_ms: 0 }
    }

    /// How long the next PIN has to wait, in milliseconds.
    pub fn wait_ms(&self, now_ms: u64) -> u64 {
        self.until_ms.saturating_sub(now_ms)
    }

    /// A wrong PIN.
    pub fn failed(&mut self, now_ms: u64) {
        let unforgiven_ms = self.unforgiven_ms;
        *self = Self { unforgiven_ms, ..Self::start(self.failures.saturating_add(1), now_ms) };
    }

    /// Somebody was told that a PIN is taken.
    pub fn told(&mut self, now_ms: u64) {
        self.failed(now_ms);
        self.unforgiven_ms = now_ms.saturating_add(UNFORGIVEN_MS);
    }

    /// A right one.
    pub fn passed(&mut self, now_ms: u64) {
        if now_ms >= self.unforgiven_ms {
            *self = Self { failures: 0, until_ms: 0, unforgiven_ms: 0 };
        }
    }

    /// Wrong PINs in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_pin_costs_more() {
        let mut gate = Gate::start(0, 0);
        let mut waits = vec![];
        for _ in 0..14 {
            gate.failed(1_000);
            waits.push(gate.wait_ms(1_000));
        }
        assert_eq!(&waits[..6], [0, 0, 0, 5_000, 10_000, 20_000]);
        assert_eq!(*waits.last().unwrap(), LONGEST_MS);
        assert!(waits.is_sorted());
        let again = Gate::start(gate.failures(), 77);
        assert_eq!(again.wait_ms(77), LONGEST_MS, "a restart does not help");
        gate.passed(1_000);
        assert_eq!((gate.wait_ms(0), gate.failures()), (0, 0));
        assert_eq!(Gate::start(u32::MAX, 5).wait_ms(5), LONGEST_MS);
        gate.told(1_000);
        gate.passed(2_000);
        assert_eq!(gate.failures(), 1, "opening the panel does not pay for the search");
        gate.passed(1_000 + UNFORGIVEN_MS);
        assert_eq!(gate.failures(), 0);
    }

    #[test]
    fn only_so_many_pins_are_answered() {
        let mut asked = Asked::default();
        let pin = |n: u32| Pin::parse(&format!("{n:06}")).unwrap();
        assert!((0..30).all(|n| asked.admits(&pin(n), MINUTE_MS)));
        assert!(!asked.admits(&pin(30), 2 * MINUTE_MS - 1));
        assert!(asked.admits(&pin(30), 2 * MINUTE_MS));
        asked.answered(pin(30));
        assert!((0..99).all(|_| asked.admits(&pin(30), 2 * MINUTE_MS + 1)));
    }
}
