//! Time zones, as the one thing the domain needs to know of them: the offset at an instant.
//!
//! The hub gets it from chrono-tz (feature `tz`), the portal from the browser's `Intl`. From offsets alone the
//! provided [`Zone::resolve`] finds what a local time means, so both give the same answers.

use crate::error::coded_error;
use crate::time::{Local, Timestamp};
use crate::wire::cbor::{Decode, Encode, Reader, Writer};
use core::fmt;

/// No zone has been further than 16 hours from UTC since 1970.
const MAX_OFFSET: i64 = 16 * 3600;

/// What a local time means in a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalResult {
    /// The clocks skip it.
    Gap {
        /// The instant at which the clocks jumped.
        first_instant_after: Timestamp,
    },
    /// It comes once.
    Single(Timestamp),
    /// It comes twice, when the clocks are set back.
    Ambiguous(Timestamp, Timestamp),
}

impl LocalResult {
    /// When a window that starts at this local time opens: the first instant that is not before it.
    pub fn start(self) -> Timestamp {
        match self {
            Self::Gap { first_instant_after: t } | Self::Single(t) | Self::Ambiguous(t, _) => t,
        }
    }

    /// When a window that ends at this local time closes: after the clocks have left it for good.
    pub fn end(self) -> Timestamp {
        match self {
            Self::Gap { first_instant_after: t } | Self::Single(t) | Self::Ambiguous(_, t) => t,
        }
    }
}

/// A place's rules of time.
pub trait Zone {
    /// Seconds to add to UTC at `t` to get local time.
    fn offset_at(&self, t: Timestamp) -> i32;

    /// The instant or instants at which clocks show `local`.
    ///
    /// Finds the change of offset near `local`, if there is one, by bisection. Two changes within 32 hours
    /// have never happened since 1970.
    fn resolve(&self, local: Local) -> LocalResult {
        resolve_from_offsets(|t| self.offset_at(t), local.to_seconds())
    }

    /// The clock on the wall at `t`.
    fn to_local(&self, t: Timestamp) -> Local {
        t.to_local(self.offset_at(t))
    }
}

fn resolve_from_offsets(offset_at: impl Fn(Timestamp) -> i32, local: i64) -> LocalResult {
    let at = |s: i64| i64::from(offset_at(Timestamp::from_signed(s)));
    let single = |offset: i64| LocalResult::Single(Timestamp::from_signed(local - offset));
    let (mut low, mut high) = (local - MAX_OFFSET, local + MAX_OFFSET);
    let (before, after) = (at(low), at(high));
    if before == after {
        return single(before);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if at(middle) == before { low = middle } else { high = middle }
    }
    // `high` is the first instant with the new offset; the clocks went from `last` to `first` there.
    let (last, first) = (high + before, high + after);
    if local < last.min(first) {
        single(before)
    } else if local >= last.max(first) {
        single(after)
    } else if first > last {
        LocalResult::Gap { first_instant_after: Timestamp::from_signed(high) }
    } else {
        let t = |offset: i64| Timestamp::from_signed(local - offset);
        LocalResult::Ambiguous(t(before), t(after))
    }
}

/// A zone that never changes its offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedZone(
    /// Seconds to add to UTC to get local time.
    pub i32,
);

impl FixedZone {
    /// UTC itself.
    pub const UTC: Self = Self(0);
}

impl Zone for FixedZone {
    fn offset_at(&self, _: Timestamp) -> i32 {
        self.0
    }
}

/// A zone with chrono-tz's rules.
#[cfg(feature = "tz")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TzZone(
    /// The zone in chrono-tz's table.
    pub chrono_tz::Tz,
);

#[cfg(feature = "tz")]
impl TzZone {
    /// The zone of this name, if the table has it.
    pub fn by_name(name: &ZoneName) -> Option<Self> {
        name.as_str().parse().ok().map(Self)
    }
}

#[cfg(feature = "tz")]
impl Zone for TzZone {
    fn offset_at(&self, t: Timestamp) -> i32 {
        use chrono::{DateTime, Offset, TimeZone};
        let late = if crate::defect!(ClockChangeLate) { 3_600 } else { 0 };
        match DateTime::from_timestamp(t.signed() - late, 0) {
            Some(utc) => self.0.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc(),
            None => 0,
        }
    }
}

/// The syntax of an IANA zone name, such as `Europe/Berlin`. Whether the zone exists is for a table to say.
///
/// A value of this type is always well formed: decoding checks it too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(String);

impl ZoneName {
    /// The longest name accepted, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks the syntax: one to three parts of letters, digits, `_`, `+` and `-`, each starting with a letter.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        let part_ok = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
        };
        let good =
            name.len() <= Self::MAX_LEN && name.split('/').count() <= 3 && name.split('/').all(part_ok);
        if good { Ok(Self(name.into())) } else { Err(ZoneError::BadName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZoneName({})", self.0)
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Encode for ZoneName {
    fn encode(&self, w: &mut Writer) {
        w.text(&self.0);
    }
}

impl Decode for ZoneName {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Self::parse(r.text()?).ok()
    }
}

coded_error! {
    /// Why a zone is refused.
    pub enum ZoneError {
        BadName = "zone.name", "Choose a time zone by its IANA name, such as Europe/Berlin.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cbor::{from_slice, to_vec};

    #[test]
    fn names() {
        for good in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"] {
            assert_eq!(ZoneName::parse(good).unwrap().as_str(), good);
        }
        let long = format!("Europe/{}", "a".repeat(60));
        for bad in ["", "/", "Europe/", "Europe//Berlin", "../etc", "A/B/C/D", "Europe/Bérlin", "1/2", &long]
        {
            assert_eq!(ZoneName::parse(bad), Err(ZoneError::BadName), "{bad}");
        }
    }

    #[test]
    fn names_are_checked_when_decoded() {
        let name = ZoneName::parse("Europe/Berlin").unwrap();
        let bytes = to_vec(&name);
        assert_eq!(from_slice::<ZoneName>(&bytes, 64).unwrap(), name);
        let bad = to_vec("../../etc/passwd");
        assert!(from_slice::<ZoneName>(&bad, 64).is_err());
    }

    #[test]
    fn a_fixed_zone_has_neither_gaps_nor_overlaps() {
        let zone = FixedZone(-3600);
        let local = Local::new(2026, 3, 29, 2, 30, 0).unwrap();
        assert_eq!(zone.resolve(local), LocalResult::Single(Timestamp(1_774_755_000)));
        assert_eq!(zone.to_local(Timestamp(1_774_755_000)), local);
    }

    #[cfg(feature = "tz")]
    mod tz {
        use super::*;
        use chrono::offset::MappedLocalTime;
        use chrono::{DateTime, TimeZone};
        use proptest::prelude::*;

        const ZONES: [&str; 8] = [
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Africa/Casablanca",
            "Pacific/Kwajalein",
            "Asia/Kathmandu",
            "America/Caracas",
        ];

        fn zone(name: &str) -> TzZone {
            TzZone::by_name(&ZoneName::parse(name).unwrap()).unwrap()
        }

        fn assert_agrees_with_chrono(zone: TzZone, seconds: i64) {
            let naive = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let ours = zone.resolve(Local::from_seconds(seconds));
            match (zone.0.from_local_datetime(&naive), ours) {
                (MappedLocalTime::Single(t), LocalResult::Single(u)) => assert_eq!(t.timestamp(), u.0 as i64),
                (MappedLocalTime::Ambiguous(a, b), LocalResult::Ambiguous(c, d)) => {
                    let mut theirs = [a.timestamp(), b.timestamp()];
                    theirs.sort_unstable();
                    assert_eq!(theirs, [c.0 as i64, d.0 as i64]);
                }
                (MappedLocalTime::None, LocalResult::Gap { first_instant_after: t }) => {
                    let after = zone.to_local(t);
                    let before = zone.to_local(Timestamp(t.0 - 1));
                    assert!(before < Local::from_seconds(seconds) && Local::from_seconds(seconds) < after);
                }
                (theirs, ours) => panic!("{}: {naive}: {theirs:?} is not {ours:?}", zone.0),
            }
        }

        proptest! {
            #[test]
            fn resolve_agrees_with_chrono(which in 0..ZONES.len(), seconds in 86_400i64 * 400..4_000_000_000) {
                assert_agrees_with_chrono(zone(ZONES[which]), seconds);
            }
        }

        #[test]
        fn every_half_hour_near_each_change_agrees_with_chrono() {
            for name in ZONES {
                let zone = zone(name);
                let mut last = zone.offset_at(Timestamp(86_400 * 400));
                for hour in 24 * 400..24 * 365 * 70u64 {
                    let t = Timestamp(hour * 3600);
                    let offset = zone.offset_at(t);
                    if offset != last {
                        last = offset;
                        for step in -60..=60 {
                            assert_agrees_with_chrono(zone, t.0 as i64 + i64::from(offset) + step * 1800 - 1);
                        }
                    }
                }
            }
        }

        #[test]
        fn known_nights() {
            let at = |y, m, d, h, min| Local::new(y, m, d, h, min, 0).unwrap();
            let berlin = zone("Europe/Berlin");
            let gap = berlin.resolve(at(2026, 3, 29, 2, 30));
            assert_eq!(gap, LocalResult::Gap { first_instant_after: Timestamp(1_774_746_000) });
            let twice = berlin.resolve(at(2026, 10, 25, 2, 30));
            assert_eq!(twice, LocalResult::Ambiguous(Timestamp(1_792_888_200), Timestamp(1_792_891_800)));
            // The day that Samoa skipped.
            let apia = zone("Pacific/Apia");
            for hour in [0, 12, 23] {
                let gap = apia.resolve(at(2011, 12, 30, hour, 0));
                assert_eq!(gap, LocalResult::Gap { first_instant_after: Timestamp(1_325_239_200) });
            }
        }
    }
}
