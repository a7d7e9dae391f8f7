//! A code's term: when it may open at all, the hours within, and the days on which it does not.

use super::{Schedule, ScheduleError, Span, weekly};
use crate::id::Hash32;
use crate::order::sorted;
use crate::time::{Local, Seconds, Timestamp, civil_from_days, days_from_civil};
use crate::wire::cbor::to_vec;
use crate::wire::derive::{Decode, Encode};
use crate::zone::{Zone, ZoneName};
use core::fmt;

/// A day of the calendar, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Date(#[n(0)] pub u32);

impl Date {
    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day of this date; `None` if there is none, or if it is before 1970 or after 9999.
    pub fn from_civil(year: i32, month: u8, day: u8) -> Option<Self> {
        Local::new(year, month, day, 0, 0, 0).ok()?;
        u32::try_from(days_from_civil(year, month, day)).ok().map(Self).filter(|date| *date <= Self::MAX)
    }

    /// The day on the calendar at `t`.
    pub fn at(t: Timestamp, zone: &dyn Zone) -> Self {
        let days = zone.to_local(t).to_seconds().div_euclid(crate::time::DAY);
        Self(u32::try_from(days).unwrap_or(0))
    }

    /// Year, month and day.
    pub fn civil(self) -> (i32, u8, u8) {
        civil_from_days(i64::from(self.0))
    }

    /// From its first instant to the first instant of the next day. Empty for a day that the zone skipped.
    fn span(self, zone: &dyn Zone) -> (Timestamp, Timestamp) {
        let midnight =
            |days: u32| zone.resolve(Local::from_seconds(i64::from(days) * crate::time::DAY)).start();
        (midnight(self.0), midnight(self.0.saturating_add(1)))
    }
}

/// ISO 8601: `2026-12-24`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Time added before every start and after every end, in minutes of the clock on the wall.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Buffers {
    /// So much earlier.
    #[n(1)]
    pub before: u16,
    /// So much later.
    #[n(2)]
    pub after: u16,
}

impl Buffers {
    /// None at all.
    pub const NONE: Self = Self { before: 0, after: 0 };
    /// The longest, in minutes.
    pub const MAX: u16 = 240;
}

/// When a code opens.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Validity {
    /// The first instant of the term, without buffer.
    #[n(1)]
    pub not_before: Timestamp,
    /// The first instant after it, without buffer; `None` for no end.
    #[n(2)]
    pub expires: Option<Timestamp>,
    /// The hours within the term.
    #[n(3)]
    pub schedule: Schedule,
    /// Days on which it does not open at all, ascending.
    #[n(4)]
    pub days_off: Vec<Date>,
    /// Added to the term and to every window.
    #[n(5)]
    pub buffers: Buffers,
    /// From its first use on it works only so long.
    #[n(6)]
    pub stay: Option<Seconds>,
    /// Whether somebody paused it.
    #[n(7)]
    pub suspended: bool,
}

/// How a code's validity stands at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// The term has not begun.
    NotYet {
        /// When the code first opens; `None` if its hours never fall in its term.
        opens: Option<Timestamp>,
    },
    /// It opens.
    Open {
        /// Until when; `None` for no end.
        closes: Option<Timestamp>,
    },
    /// Within the term, outside the hours.
    OutsideHours {
        /// When it opens next; `None` if never again.
        opens: Option<Timestamp>,
    },
    /// Paused; not over.
    Suspended,
    /// The term has ended.
    Over {
        /// When.
        since: Timestamp,
    },
}

/// What changes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NextTimes {
    /// Whether it is open.
    pub open: bool,
    /// When it opens next; `None`: never again.
    pub opens: Option<Timestamp>,
    /// When it closes next; `None`: never again.
    pub closes: Option<Timestamp>,
}

impl Validity {
    /// The most days off.
    pub const MAX_DAYS_OFF: usize = 64;
    /// The longest stay.
    pub const MAX_STAY: Seconds = Seconds::days(365);

    /// A term with these hours and nothing else.
    pub fn new(not_before: Timestamp, expires: Option<Timestamp>, schedule: Schedule) -> Self {
        Self {
            not_before,
            expires,
            schedule,
            days_off: vec![],
            buffers: Buffers::NONE,
            stay: None,
            suspended: false,
        }
    }

    /// Refuses terms that are empty or out of range and schedules that are not valid.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let end_ok = self.expires.is_none_or(|end| end.validate().is_ok());
        if self.not_before.validate().is_err() || !end_ok {
            return Err(ScheduleError::OutOfRange);
        }
        if self.expires.is_some_and(|end| end <= self.not_before) {
            return Err(ScheduleError::EndsBeforeStart);
        }
        let days_ok = self.days_off.len() <= Self::MAX_DAYS_OFF
            && self.days_off.is_sorted_by(|a, b| a < b)
            && self.days_off.iter().all(|day| *day <= Date::MAX);
        if !days_ok {
            return Err(ScheduleError::BadDaysOff);
        }
        if self.buffers.before.max(self.buffers.after) > Buffers::MAX {
            return Err(ScheduleError::BadBuffers);
        }
        if self.stay.is_some_and(|stay| stay < Seconds::hours(1) || stay > Self::MAX_STAY) {
            return Err(ScheduleError::BadStay);
        }
        self.schedule.validate()
    }

    /// For a code that is made or changed at `now`: refuses, beside what [`Validity::validate`] does, what is over
    /// already or can never open again.
    pub fn check_from(&self, now: Timestamp, zone: &dyn Zone) -> Result<(), ScheduleError> {
        if self.term().1.is_some_and(|end| end <= now) {
            return Err(ScheduleError::Past);
        }
        self.validate()?;
        if self.openings(now, zone).next().is_none() { Err(ScheduleError::Never) } else { Ok(()) }
    }

    /// For a new code: a start in the past means now. Refuses what [`Validity::check_from`] does.
    pub fn from_now(mut self, now: Timestamp, zone: &dyn Zone) -> Result<Self, ScheduleError> {
        if self.not_before < now && self.expires.is_none_or(|end| end > now) {
            self.not_before = now;
        }
        self.check_from(now, zone).map(|()| self)
    }

    /// With more days off, in any order.
    pub fn without(mut self, days: &[Date]) -> Self {
        self.days_off.extend_from_slice(days);
        self.days_off = sorted(self.days_off);
        self.days_off.dedup();
        self
    }

    /// After it was first used: a stay ends the term that long after.
    pub fn first_used(self, at: Timestamp) -> Self {
        match self.stay {
            Some(stay) if !crate::defect!(StayForgotten) => self.ending(at.saturating_add(stay)),
            _ => self,
        }
    }

    /// Ending at `end` at the latest, all buffers included. The buffers of its hours stay as they are.
    pub fn ending(mut self, end: Timestamp) -> Self {
        if self.term().1.is_none_or(|booked| end < booked) {
            self.expires = Some(end.saturating_sub(Seconds::minutes(u32::from(self.buffers.after))));
        }
        self
    }

    /// Whether it goes by the clock on the wall, so that the zone's rules must be known.
    pub fn needs_zone(&self) -> bool {
        matches!(self.schedule, Schedule::Weekly(_)) || !self.days_off.is_empty()
    }

    /// Tells one validity in one zone from another, for a hub to remember which one a lock was given.
    pub fn tag(&self, zone: &ZoneName) -> u32 {
        let [a, b, c, d, ..] = Hash32::of(&to_vec(&(self, zone))).0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// First instant and first instant after, buffers included.
    pub fn term(&self) -> (Timestamp, Option<Timestamp>) {
        let minutes = |n: u16| Seconds::minutes(u32::from(n));
        let start = self.not_before.saturating_sub(minutes(self.buffers.before));
        let after = self.buffers.after * if crate::defect!(BufferTwice) { 2 } else { 1 };
        (start, self.expires.map(|end| end.saturating_add(minutes(after))))
    }

    /// How long it lasts, buffers included; `None` without an end.
    pub fn length(&self) -> Option<Seconds> {
        let (start, end) = self.term();
        end.map(|end| end.since(start))
    }

    /// The stretches in which it opens and that end after `t`, in order, as if it were not suspended.
    pub fn openings<'a>(&'a self, t: Timestamp, zone: &'a dyn Zone) -> impl Iterator<Item = Span> + 'a {
        let (start, end) = self.term();
        let from = t.max(start);
        let days = self.days_off.iter().map(|day| day.span(zone)).filter(|(a, b)| a < b).collect();
        Openings { spans: weekly::spans(&self.schedule, self.buffers, from, zone), days, rest: None }
            .map(move |span| Span { start: span.start.max(start), end: earlier(span.end, end) })
            .take_while(move |span| end.is_none_or(|end| span.start < end))
            .filter(move |span| span.end.is_none_or(|e| e > from && e > span.start))
    }

    /// How it stands at `t`.
    pub fn state_at(&self, t: Timestamp, zone: &dyn Zone) -> Moment {
        let (start, end) = self.term();
        let late = Seconds(if crate::defect!(EndsLate) { 300 } else { 0 });
        if let Some(since) = end.filter(|end| end.saturating_add(late) <= t) {
            return Moment::Over { since };
        }
        if late > Seconds(0) && end.is_some_and(|end| end <= t) && !self.suspended {
            return Moment::Open { closes: end.map(|end| end.saturating_add(late)) };
        }
        if self.suspended && !crate::defect!(SuspendIgnored) {
            return Moment::Suspended;
        }
        let next = self.openings(t, zone).next();
        let opens = next.map(|span| span.start);
        match next {
            _ if t < start => Moment::NotYet { opens },
            Some(span) if span.start <= t => Moment::Open { closes: span.end },
            _ => Moment::OutsideHours { opens },
        }
    }

    /// When it opens and closes next after `t`. A code that is paused does neither.
    pub fn next_times(&self, t: Timestamp, zone: &dyn Zone) -> NextTimes {
        let mut spans = self.openings(t, zone).filter(|_| !self.suspended);
        match spans.next() {
            None => NextTimes { open: false, opens: None, closes: None },
            Some(span) if span.start > t => {
                NextTimes { open: false, opens: Some(span.start), closes: span.end }
            }
            Some(span) => {
                let opens = spans.next().map(|next| next.start);
                NextTimes { open: true, opens, closes: span.end }
            }
        }
    }

    /// The next instant after `t` at which [`Validity::state_at`] gives another kind of answer.
    pub fn next_transition(&self, t: Timestamp, zone: &dyn Zone) -> Option<Timestamp> {
        let (start, end) = self.term();
        match self.state_at(t, zone) {
            Moment::NotYet { .. } => Some(start),
            Moment::Open { closes } => closes,
            Moment::OutsideHours { opens } => opens.or(end),
            Moment::Suspended => end,
            Moment::Over { .. } => None,
        }
    }
}

/// The earlier of two ends, of which `None` never comes.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Stretches with the days off cut out.
struct Openings<'z> {
    spans: weekly::Spans<'z>,
    /// In ascending order.
    days: Vec<(Timestamp, Timestamp)>,
    /// What is left of a stretch behind a day off.
    rest: Option<Span>,
}

impl Iterator for Openings<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let span = self.rest.take().or_else(|| self.spans.next())?;
            let ends_after = |t: Timestamp| span.end.is_none_or(|end| end > t);
            let Some((from, to)) =
                self.days.iter().copied().find(|(from, to)| *to > span.start && ends_after(*from))
            else {
                return Some(span);
            };
            if ends_after(to) {
                self.rest = Some(Span { start: to, end: span.end });
            }
            if span.start < from {
                return Some(Span { start: span.start, end: Some(from) });
            }
        }
    }
}
