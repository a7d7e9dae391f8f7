//! How fast PINs may be tried.

/// Wrong PINs that cost nothing yet: people mistype.
const FREE: u32 = 3;
/// The first wait, in milliseconds; doubles up to [`LONGEST_MS`].
const FIRST_MS: u64 = 5_000;
/// The longest wait, in milliseconds. At one try in so long, 5,000 PINs take 52 days.
const LONGEST_MS: u64 = 15 * 60_000;

/// Counts wrong PINs and says how long to wait. The count outlives a restart, and a restart waits anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gate {
    failures: u32,
    until_ms: u64,
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
        Self { failures, until_ms: now_ms.saturating_add(cost(failures)) }
    }

    /// How long the next PIN has to wait, in milliseconds.
    pub fn wait_ms(&self, now_ms: u64) -> u64 {
        self.until_ms.saturating_sub(now_ms)
    }

    /// A wrong PIN.
    pub fn failed(&mut self, now_ms: u64) {
        *self = Self::start(self.failures.saturating_add(1), now_ms);
    }

    /// A right one.
    pub fn passed(&mut self) {
        *self = Self { failures: 0, until_ms: 0 };
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
        gate.passed();
        assert_eq!((gate.wait_ms(0), gate.failures()), (0, 0));
        assert_eq!(Gate::start(u32::MAX, 5).wait_ms(5), LONGEST_MS);
    }
}
