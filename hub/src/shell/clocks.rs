//! The machine's clocks.

use crate::core::clock::{Boot, BootId, Now, WallClock};
use latchkey_shared::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};

/// Both clocks now.
pub fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let wall = clock_gettime(ClockId::Realtime);
    let millis = |t: &rustix::time::Timespec| (u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000).min(999);
    Now {
        wall: Timestamp(u64::try_from(wall.tv_sec).unwrap_or(0)).min(Timestamp::MAX),
        wall_ms: u16::try_from(millis(&wall)).unwrap_or(0),
        boot_ms: u64::try_from(boot.tv_sec).unwrap_or(0) * 1_000 + millis(&boot),
    }
}

/// This boot, and what its wall clock is worth.
pub fn boot() -> Boot {
    // The kernel says so of the clock from which it set the system's time at boot.
    let kept = std::fs::read_dir("/sys/class/rtc").is_ok_and(|clocks| {
        let set_by = |rtc: std::fs::DirEntry| std::fs::read(rtc.path().join("hctosys"));
        clocks.flatten().any(|rtc| set_by(rtc).is_ok_and(|text| text.starts_with(b"1")))
    });
    Boot { id: boot_id(), wall: if kept { WallClock::Kept } else { WallClock::MayStop } }
}

/// What names this boot. Where the system does not say, every start counts as a new one.
fn boot_id() -> BootId {
    let named = std::fs::read("/proc/sys/kernel/random/boot_id");
    let bytes =
        named.unwrap_or_else(|_| crate::machine::files::random::<16>().map(Vec::from).unwrap_or_default());
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}
