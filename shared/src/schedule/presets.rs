//! Terms that people choose by name.

use crate::time::{DAY, Local, Timestamp, Weekday};
use crate::zone::Zone;

/// A term with a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// Until 11:00 in the morning. After midnight it is still the same night.
    Tonight,
    /// Friday 16:00 to Sunday 20:00: this one while it lasts.
    Weekend,
    /// From now on for so many days, to the same time of day.
    Days(u16),
}

fn days_later(local: Local, days: i64) -> Local {
    Local::from_seconds(local.to_seconds() + days * DAY)
}

fn at(day: Local, hour: u8) -> Local {
    Local { hour, minute: 0, second: 0, ..day }
}

impl Preset {
    /// The longest number of days.
    pub const MAX_DAYS: u16 = 365;

    /// Start and end. What began in the past begins at `now`.
    pub fn term(self, now: Timestamp, zone: &dyn Zone) -> (Timestamp, Timestamp) {
        let local = zone.to_local(now);
        match self {
            Self::Tonight => {
                let morning = if local.hour < 5 { local } else { days_later(local, 1) };
                (now, zone.resolve(at(morning, 11)).end())
            }
            Self::Weekend => {
                let to_friday = match local.weekday() {
                    Weekday::Sat => -1,
                    Weekday::Sun => -2,
                    day => i64::from(Weekday::Fri.index()) - i64::from(day.index()),
                };
                let friday = days_later(local, to_friday);
                let (start, end) = (at(friday, 16), at(days_later(friday, 2), 20));
                let next = if zone.resolve(end).end() <= now { 7 } else { 0 };
                let start = zone.resolve(days_later(start, next)).start();
                (start.max(now), zone.resolve(days_later(end, next)).end())
            }
            Self::Days(days) => {
                let end = days_later(local, i64::from(days.clamp(1, Self::MAX_DAYS)));
                (now, zone.resolve(Local { second: 0, ..end }).end())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::FixedZone;

    fn local(day: u8, hour: u8, minute: u8) -> Local {
        Local::new(2026, 11, day, hour, minute, 0).unwrap()
    }

    fn term(preset: Preset, now: Local) -> (Local, Local) {
        let zone = FixedZone(3_600);
        let (from, to) = preset.term(zone.resolve(now).start(), &zone);
        (zone.to_local(from), zone.to_local(to))
    }

    #[test]
    fn named_terms() {
        // 2026-11-24 is a Tuesday.
        assert_eq!(term(Preset::Tonight, local(24, 18, 30)), (local(24, 18, 30), local(25, 11, 0)));
        assert_eq!(term(Preset::Tonight, local(25, 1, 30)), (local(25, 1, 30), local(25, 11, 0)));
        assert_eq!(term(Preset::Weekend, local(24, 10, 0)), (local(27, 16, 0), local(29, 20, 0)));
        assert_eq!(term(Preset::Weekend, local(28, 10, 0)), (local(28, 10, 0), local(29, 20, 0)));
        assert_eq!(term(Preset::Weekend, local(22, 21, 0)), (local(27, 16, 0), local(29, 20, 0)));
        assert_eq!(term(Preset::Days(3), local(24, 18, 30)), (local(24, 18, 30), local(27, 18, 30)));
        assert_eq!(term(Preset::Days(0), local(24, 18, 30)).1, local(25, 18, 30), "at least one");
    }
}
