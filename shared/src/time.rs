//! Points in time and civil dates, as plain arithmetic.
//!
//! No clock is read here: every instant comes in from a shell. Years run from 1970 to 9999; instants beyond
//! that are clamped before any calendar arithmetic, so no input can overflow it.

use crate::error::coded_error;
use crate::wire::derive::{Decode, Encode};

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// A length of time in seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Seconds(#[n(0)] pub u64);

impl Seconds {
    /// So many minutes.
    pub const fn minutes(n: u32) -> Self {
        Self(n as u64 * 60)
    }

    /// So many hours.
    pub const fn hours(n: u32) -> Self {
        Self(n as u64 * 3_600)
    }

    /// So many days of 24 hours.
    pub const fn days(n: u32) -> Self {
        Self(n as u64 * DAY as u64)
    }
}

/// A point in time: seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub u64);

impl Timestamp {
    /// 9999-12-31T23:59:59Z, the last instant that is ever valid.
    pub const MAX: Self = Self(253_402_300_799);

    /// Refuses instants after [`Timestamp::MAX`].
    pub fn validate(self) -> Result<(), TimeError> {
        if self > Self::MAX { Err(TimeError::OutOfRange) } else { Ok(()) }
    }

    /// Later by `by`; `None` past [`Timestamp::MAX`].
    pub fn checked_add(self, by: Seconds) -> Option<Self> {
        self.0.checked_add(by.0).map(Self).filter(|t| *t <= Self::MAX)
    }

    /// Earlier by `by`; `None` before the epoch.
    pub fn checked_sub(self, by: Seconds) -> Option<Self> {
        self.0.checked_sub(by.0).map(Self)
    }

    /// Later by `by`, but never after [`Timestamp::MAX`].
    pub fn saturating_add(self, by: Seconds) -> Self {
        Self(self.0.saturating_add(by.0).min(Self::MAX.0))
    }

    /// Earlier by `by`, but never before the epoch.
    pub fn saturating_sub(self, by: Seconds) -> Self {
        Self(self.0.saturating_sub(by.0))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }

    /// As programs write it: `2026-12-24T15:00:00Z` (RFC 3339).
    pub fn to_utc_text(self) -> String {
        let Local { year, month, day, hour, minute, second } = self.to_local(0);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The clock on the wall at this instant where the offset from UTC is `offset` seconds.
    pub fn to_local(self, offset: i32) -> Local {
        Local::from_seconds(self.signed() + i64::from(offset))
    }

    /// The value for signed arithmetic, clamped to the valid range.
    pub(crate) fn signed(self) -> i64 {
        self.0.min(Self::MAX.0) as i64
    }

    /// The inverse of [`Timestamp::signed`]: out of range is clamped.
    pub(crate) fn from_signed(s: i64) -> Self {
        Self(s.clamp(0, Self::MAX.0 as i64) as u64)
    }
}

coded_error! {
    /// Why an instant or a civil time is refused.
    pub enum TimeError {
        OutOfRange = "time.range", "Choose a date between 1970 and 9999.";
        NoSuchTime = "time.no_such_time", "Choose a date and time that exist.";
    }
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// All of them, Monday first.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// Days since Monday.
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The weekday `n` days after a Monday.
    pub fn from_index(n: u8) -> Self {
        match n % 7 {
            0 => Self::Mon,
            1 => Self::Tue,
            2 => Self::Wed,
            3 => Self::Thu,
            4 => Self::Fri,
            5 => Self::Sat,
            _ => Self::Sun,
        }
    }

    /// English name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        }
    }
}

/// What a calendar and a clock on the wall show. Field order makes `Ord` chronological.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub struct Local {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Local {
    /// A civil time that exists in the calendar, in 1970 to 9999.
    pub fn new(year: i32, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Result<Self, TimeError> {
        if !(1970..=9999).contains(&year) {
            return Err(TimeError::OutOfRange);
        }
        let date = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        if !date || hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError::NoSuchTime);
        }
        Ok(Self { year, month, day, hour, minute, second })
    }

    /// From `YYYY-MM-DDTHH:MM`, as browsers give it; seconds after that are dropped.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let (date, time) = text.split_once('T').ok_or(TimeError::NoSuchTime)?;
        let number = |part: Option<&str>| -> Result<u16, TimeError> {
            let digits = part.filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|part| part.parse().ok()).ok_or(TimeError::NoSuchTime)
        };
        let small = |n: u16| u8::try_from(n).map_err(|_| TimeError::NoSuchTime);
        let (mut date, mut time) = (date.split('-'), time.split(':'));
        let year = number(date.next())?;
        let (month, day) = (small(number(date.next())?)?, small(number(date.next())?)?);
        let (hour, minute) = (small(number(time.next())?)?, small(number(time.next())?)?);
        if date.next().is_some() {
            return Err(TimeError::NoSuchTime);
        }
        Self::new(i32::from(year), month, day, hour, minute, 0)
    }

    /// Seconds from 1970-01-01T00:00:00 on the same clock, as if every day had 24 hours.
    pub fn to_seconds(self) -> i64 {
        let time = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        days_from_civil(self.year, self.month, self.day) * DAY + time
    }

    /// The inverse of [`Local::to_seconds`]. Clamped to a little beyond the valid range.
    pub fn from_seconds(s: i64) -> Self {
        let s = s.clamp(-DAY * 366, Timestamp::MAX.0 as i64 + 366 * DAY);
        let (year, month, day) = civil_from_days(s.div_euclid(DAY));
        let r = s.rem_euclid(DAY);
        Self { year, month, day, hour: (r / 3600) as u8, minute: (r / 60 % 60) as u8, second: (r % 60) as u8 }
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        weekday_of_days(days_from_civil(self.year, self.month, self.day))
    }
}

/// The weekday of a day counted from 1970-01-01, which was a Thursday.
pub(crate) fn weekday_of_days(days: i64) -> Weekday {
    Weekday::from_index((days + 3).rem_euclid(7) as u8)
}

/// Days in a month of the Gregorian calendar; 0 for a month that does not exist.
pub fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days from 1970-01-01 to a date. Counted in years that begin in March, so that the leap day comes last.
pub fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    let (m, d) = (i64::from(month), i64::from(day));
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date `days` days after 1970-01-01: (year, month, day).
pub fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u8;
    let month = (if mp < 10 { mp + 3 } else { mp - 9 }) as u8;
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        let mut expected = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(civil_from_days(days), expected);
            assert_eq!(days_from_civil(expected.0, expected.1, expected.2), days);
            let (y, m, d) = expected;
            expected = match (m, d == days_in_month(y, m)) {
                (12, true) => (y + 1, 1, 1),
                (_, true) => (y, m + 1, 1),
                _ => (y, m, d + 1),
            };
        }
    }

    #[test]
    fn known_instants() {
        let t = Timestamp(1_796_257_800);
        let local = t.to_local(3600);
        assert_eq!(local, Local::new(2026, 12, 3, 1, 30, 0).unwrap());
        assert_eq!(local.weekday(), Weekday::Thu);
        assert_eq!(Timestamp(0).to_local(0).weekday(), Weekday::Thu);
        assert_eq!(Timestamp::MAX.to_local(0), Local::new(9999, 12, 31, 23, 59, 59).unwrap());
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        assert_eq!(Local::new(2026, 2, 29, 0, 0, 0), Err(TimeError::NoSuchTime));
        assert!(Local::new(2028, 2, 29, 23, 59, 59).is_ok());
        assert_eq!(Local::new(2026, 13, 1, 0, 0, 0), Err(TimeError::NoSuchTime));
        assert_eq!(Local::new(2026, 1, 1, 24, 0, 0), Err(TimeError::NoSuchTime));
        assert_eq!(Local::new(1969, 1, 1, 0, 0, 0), Err(TimeError::OutOfRange));
    }

    #[test]
    fn what_a_browser_gives_is_read() {
        let read = Local::parse("2026-12-03T01:30");
        assert_eq!(read, Local::new(2026, 12, 3, 1, 30, 0));
        assert_eq!(Local::parse("2026-12-03T01:30:59"), read);
        for bad in [
            "",
            "2026-12-03",
            "2026-12-03 01:30",
            "2026-13-03T01:30",
            "2026-12-03T24:00",
            "2026-12-03-1T1:1",
            "x-1-1T1:1",
            "2026-12-+3T01:30",
        ] {
            assert!(Local::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arithmetic_never_leaves_the_range() {
        assert_eq!(Timestamp(5).checked_sub(Seconds(6)), None);
        assert_eq!(Timestamp::MAX.checked_add(Seconds(1)), None);
        assert_eq!(Timestamp(u64::MAX).saturating_add(Seconds(u64::MAX)), Timestamp::MAX);
        assert_eq!(Timestamp(u64::MAX).to_local(i32::MAX).year, 10_000);
        assert_eq!(Timestamp(0).to_local(i32::MIN).year, 1968);
        assert_eq!(Timestamp(u64::MAX).validate(), Err(TimeError::OutOfRange));
    }
}
