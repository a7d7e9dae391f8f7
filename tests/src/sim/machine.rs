//! The computer on which a hub runs: its two clocks, and what happens to them.

use latchkey_hub::core::clock::{Boot, Now, WallClock};
use latchkey_shared::time::Timestamp;

/// A machine's clocks against true time, which is in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    booted: u64,
    boots: u8,
    /// What the wall clock shows beyond the true time, in milliseconds.
    pub(super) wall_off: i64,
    /// Whether the wall clock runs on without power.
    pub(super) kept: bool,
}

impl Machine {
    pub(super) fn new(t: u64, kept: bool) -> Self {
        Self { booted: t - 50_000, boots: 1, wall_off: 0, kept }
    }

    pub(super) fn now(&self, t: u64) -> Now {
        let wall =
            u64::try_from(i64::try_from(t).unwrap_or(i64::MAX).saturating_add(self.wall_off)).unwrap_or(0);
        Now {
            wall: Timestamp(wall / 1_000).min(Timestamp::MAX),
            wall_ms: (wall % 1_000) as u16,
            boot_ms: t.saturating_sub(self.booted),
        }
    }

    pub(super) fn boot(&self) -> Boot {
        let wall = if self.kept { WallClock::Kept } else { WallClock::MayStop };
        Boot { id: [self.boots; 16], wall }
    }

    /// True time at so many milliseconds since boot.
    pub(super) fn at(&self, boot_ms: u64) -> u64 {
        self.booted.saturating_add(boot_ms)
    }

    /// The machine starts again at `t`; it was without power since `cut`, if it was.
    pub(super) fn reboot(&mut self, t: u64, cut: Option<u64>) {
        self.booted = t.saturating_sub(8_000);
        self.boots = self.boots.wrapping_add(1);
        if let Some(cut) = cut.filter(|_| !self.kept) {
            // It stood still meanwhile.
            self.wall_off -= i64::try_from(t - cut).unwrap_or(0);
        }
    }
}
