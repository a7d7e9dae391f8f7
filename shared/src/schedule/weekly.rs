//! Weekly windows: joined on the calendar first, then placed on the time line one after the other.

use super::{Buffers, Schedule, ScheduleError, Span};
use crate::order::sorted;
use crate::time::{DAY, Local, Timestamp, Weekday};
use crate::wire::cbor::{Reader, Writer};
use crate::wire::derive::{Decode, Encode};
use crate::zone::Zone;

const WEEK_MINUTES: i64 = 7 * 1440;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday: weeks are counted from the Monday before.
const FIRST_MONDAY: i64 = -3 * DAY;

/// A set of weekdays; Monday is bit 0. Always well formed: decoding checks it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0x7f);
    /// Monday to Friday.
    pub const WORKDAYS: Self = Self(0x1f);
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0x60);

    /// From a bit mask.
    pub fn from_bits(bits: u8) -> Result<Self, ScheduleError> {
        if bits & 0x80 == 0 { Ok(Self(bits)) } else { Err(ScheduleError::BadDays) }
    }

    /// The set of these days.
    pub fn of(days: &[Weekday]) -> Self {
        Self(days.iter().fold(0, |bits, day| bits | 1 << day.index()))
    }

    /// The bit mask.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether no day is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `day` is in it.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.index() != 0
    }

    /// Its days from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL.into_iter().filter(move |day| self.contains(*day))
    }

    /// The days of both.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Encode for Days {
    fn encode(&self, w: &mut Writer) {
        w.uint(self.0.into());
    }
}

impl Decode for Days {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Self::from_bits(r.number()?).ok()
    }
}

/// A time of day in minutes after midnight, up to 23:59. Always well formed: decoding checks it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MinuteOfDay(u16);

impl MinuteOfDay {
    /// So many minutes after midnight.
    pub fn new(minutes: u16) -> Result<Self, ScheduleError> {
        if minutes < 1440 { Ok(Self(minutes)) } else { Err(ScheduleError::BadTime) }
    }

    /// From hour and minute.
    pub fn hm(hour: u8, minute: u8) -> Result<Self, ScheduleError> {
        if minute > 59 {
            return Err(ScheduleError::BadTime);
        }
        Self::new(u16::from(hour) * 60 + u16::from(minute))
    }

    /// Minutes after midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl Encode for MinuteOfDay {
    fn encode(&self, w: &mut Writer) {
        w.uint(self.0.into());
    }
}

impl Decode for MinuteOfDay {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Self::new(r.number()?).ok()
    }
}

/// The same hours on some days of every week.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(map)]
pub struct WeeklyWindow {
    /// The days on which it starts.
    #[n(1)]
    pub days: Days,
    /// When it starts.
    #[n(2)]
    pub from: MinuteOfDay,
    /// When it ends: on the next day if this is not after `from`.
    #[n(3)]
    pub to: MinuteOfDay,
}

impl WeeklyWindow {
    /// How many minutes it lasts on a day without a change of the clocks.
    pub fn minutes(&self) -> u16 {
        let (from, to) = (self.from.0, self.to.0);
        if to > from { to - from } else { to + 1440 - from }
    }
}

/// The joined windows of one week in minutes from Monday 00:00; `None` if they leave nothing out.
pub(super) fn week(windows: &[WeeklyWindow], buffers: Buffers) -> Option<Vec<(i64, i64)>> {
    let (before, after) = (i64::from(buffers.before), i64::from(buffers.after));
    let mut pieces = Vec::new();
    for window in windows {
        for day in window.days.iter() {
            let start = i64::from(day.index()) * 1440 + i64::from(window.from.0);
            // The weeks before and after, so that windows join across Sunday night too.
            for shift in [-WEEK_MINUTES, 0, WEEK_MINUTES] {
                let end = start + shift + i64::from(window.minutes());
                pieces.push((start + shift - before, end + after));
            }
        }
    }
    let pieces = sorted(pieces);
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (start, end) in pieces {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    if joined.iter().any(|(start, end)| end - start >= WEEK_MINUTES) {
        return None;
    }
    joined.retain(|(start, _)| (0..WEEK_MINUTES).contains(start));
    Some(joined)
}

/// The stretches that end after `t`, in order, without end.
pub(super) fn spans<'z>(
    schedule: &Schedule,
    buffers: Buffers,
    t: Timestamp,
    zone: &'z dyn Zone,
) -> Spans<'z> {
    let t = t.min(Timestamp::MAX);
    let segments = match schedule {
        Schedule::Always => None,
        Schedule::Weekly(windows) => week(windows, buffers),
    };
    // Windows that only a change of the clocks joins can begin weeks before `t`, though never three.
    let week = (t.signed() - FIRST_MONDAY).div_euclid(WEEK) - 3;
    Spans {
        zone,
        forever: segments.is_none(),
        segments: segments.unwrap_or_default(),
        week,
        next: 0,
        after: t,
        held: None,
    }
}

/// See [`spans`].
pub(super) struct Spans<'z> {
    zone: &'z dyn Zone,
    forever: bool,
    segments: Vec<(i64, i64)>,
    week: i64,
    next: usize,
    after: Timestamp,
    held: Option<(Timestamp, Timestamp)>,
}

impl Spans<'_> {
    /// The next window on the time line. Windows that a change of the clocks swallows whole are left out.
    fn next_placed(&mut self) -> Option<(Timestamp, Timestamp)> {
        if self.segments.is_empty() {
            return None;
        }
        loop {
            let Some((from, to)) = self.segments.get(self.next).copied() else {
                self.next = 0;
                self.week += 1;
                continue;
            };
            self.next += 1;
            let monday = FIRST_MONDAY + self.week * WEEK;
            if monday > Timestamp::MAX.signed() {
                return None;
            }
            let local = |minutes: i64| Local::from_seconds(monday + minutes * 60);
            let start = self.zone.resolve(local(from)).start();
            let end = self.zone.resolve(local(to)).end();
            if start < end {
                return Some((start, end));
            }
        }
    }
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        if self.forever {
            self.forever = false;
            return Some(Span { start: Timestamp(0), end: None });
        }
        loop {
            let (start, mut end) = self.held.take().or_else(|| self.next_placed())?;
            while let Some((next_start, next_end)) = self.next_placed() {
                if next_start > end {
                    self.held = Some((next_start, next_end));
                    break;
                }
                end = end.max(next_end);
            }
            if end > self.after {
                return Some(Span { start, end: Some(end) });
            }
        }
    }
}
