//! When a code's term begins and ends on the lock's own clock.

use latchkey_shared::schedule::Validity;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{LocalResult, Zone};

/// Seconds from 1970 to 2000, where Matter's clock begins.
pub(super) const EPOCH: i64 = 946_684_800;

/// A term in seconds since 2000 by the clock on the wall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Term {
    /// The first second.
    pub(super) start: u32,
    /// The first second after it.
    pub(super) end: u32,
}

impl Term {
    /// Of a code; `None`: it has no end that a lock could keep.
    ///
    /// The hub keeps the hours and ends a code to the second. The lock's term is there for when the hub is not, and so
    /// must never be the shorter one: an end in the hour that comes twice is put behind that hour.
    pub(super) fn of(validity: &Validity, zone: &dyn Zone) -> Option<Self> {
        let (start, end) = validity.term();
        let end = end?;
        let wall = |t: Timestamp| zone.to_local(t).to_seconds();
        let twice = match zone.resolve(zone.to_local(end)) {
            LocalResult::Ambiguous(first, second) => i64::try_from(second.since(first).0).unwrap_or(0),
            LocalResult::Gap { .. } | LocalResult::Single(_) => 0,
        };
        let start = u32::try_from((wall(start) - EPOCH).max(0)).ok()?;
        let end = u32::try_from(wall(end) + twice - EPOCH).ok()?;
        Some(Self { start: start.min(end.saturating_sub(1)), end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::schedule::Schedule;
    use latchkey_shared::zone::{TzZone, ZoneName};

    fn berlin() -> TzZone {
        TzZone::by_name(&ZoneName::parse("Europe/Berlin").unwrap()).unwrap()
    }

    fn term(from: u64, to: Option<u64>) -> Option<Term> {
        let validity = Validity::new(Timestamp(from), to.map(Timestamp), Schedule::Always);
        Term::of(&validity, &berlin())
    }

    #[test]
    fn wall_time_since_2000() {
        // 2026-11-23T10:00Z to 2026-11-26T06:20Z; Berlin is an hour ahead.
        let (from, to) = (1_795_428_000, 1_795_674_000);
        let expected = Term { start: 848_743_200 + 3_600, end: 848_989_200 + 3_600 };
        assert_eq!(term(from, Some(to)), Some(expected));
        assert_eq!(term(from, None), None);
    }

    #[test]
    fn an_end_in_the_hour_that_comes_twice_is_not_early() {
        // 2026-10-25: 03:00 becomes 02:00 at 01:00Z.
        let first = term(1_790_000_000, Some(1_792_888_200)).unwrap();
        let second = term(1_790_000_000, Some(1_792_891_800)).unwrap();
        assert_eq!(first.end, second.end, "02:30 both times");
        assert_eq!(i64::from(second.end) + EPOCH, 1_792_891_800 + 3_600 + 3_600);
    }
}
