//! When a code opens: always or in weekly windows of local time, within the grant's `[not_before, expires)`.
//!
//! A window belongs to the day on which it starts. At a change of the clocks a start that does not exist moves
//! to the first instant that does; where a time comes twice, a window opens at the first and closes at the second.

#[cfg(all(test, feature = "tz"))]
mod brute_force_tests;
mod describe;
mod extend;
mod presets;
mod shown;
#[cfg(test)]
mod tests;
mod validity;
mod weekly;

pub use describe::{HourStyle, Style, describe, describe_next, describe_uses, duration, format_instant};
pub use presets::Preset;
pub use validity::{Buffers, Date, Moment, NextTimes, Validity};
pub use weekly::{Days, MinuteOfDay, WeeklyWindow};

use crate::time::Timestamp;
use crate::wire::derive::{Decode, Encode};
use crate::zone::Zone;
use core::fmt;

/// When a code may open the door, within its validity.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Schedule {
    /// At any time.
    #[n(0)]
    Always,
    /// In these windows of every week. At most [`Schedule::MAX_WINDOWS`].
    #[n(1)]
    Weekly(#[n(0)] Vec<WeeklyWindow>),
}

/// An uninterrupted stretch of time in which the code opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it; `None` if it never ends.
    pub end: Option<Timestamp>,
}

impl Schedule {
    /// The most windows that a schedule may have.
    pub const MAX_WINDOWS: usize = 16;

    /// Refuses schedules that are too long or can never open.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let Self::Weekly(windows) = self else { return Ok(()) };
        if windows.is_empty() {
            Err(ScheduleError::Empty)
        } else if windows.len() > Self::MAX_WINDOWS {
            Err(ScheduleError::TooManyWindows)
        } else if windows.iter().any(|w| w.days.is_empty()) {
            Err(ScheduleError::NoDays)
        } else {
            Ok(())
        }
    }

    /// Whether the code opens at `t`.
    pub fn is_open(&self, t: Timestamp, zone: &dyn Zone) -> bool {
        self.current_window(t, zone).is_some()
    }

    /// The stretch around `t` in which the code opens, with adjoining windows joined.
    pub fn current_window(&self, t: Timestamp, zone: &dyn Zone) -> Option<Span> {
        self.span_ending_after(t, zone).filter(|span| span.start <= t)
    }

    /// The next instant after `t` at which opening or closing changes, and whether it then opens.
    pub fn next_change(&self, t: Timestamp, zone: &dyn Zone) -> Option<(Timestamp, bool)> {
        let span = self.span_ending_after(t, zone)?;
        if span.start > t { Some((span.start, true)) } else { span.end.map(|end| (end, false)) }
    }

    /// All stretches that touch `[from, to)`, in order, not cut at its ends.
    pub fn spans(&self, from: Timestamp, to: Timestamp, zone: &dyn Zone) -> Vec<Span> {
        weekly::spans(self, Buffers::NONE, from, zone).take_while(|span| span.start < to).collect()
    }

    /// The stretch that `t` is in, or else the next one.
    fn span_ending_after(&self, t: Timestamp, zone: &dyn Zone) -> Option<Span> {
        weekly::spans(self, Buffers::NONE, t, zone).next()
    }
}

/// Why a schedule or a term is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScheduleError {
    /// Weekly, with no window.
    Empty,
    /// More than [`Schedule::MAX_WINDOWS`] windows.
    TooManyWindows,
    /// A window on no day.
    NoDays,
    /// A time of day after 23:59.
    BadTime,
    /// Bits that are no weekday.
    BadDays,
    /// The end is not after the start.
    EndsBeforeStart,
    /// A date after the year 9999.
    OutOfRange,
    /// Days off out of order, twice, or too many.
    BadDaysOff,
    /// Buffers longer than four hours.
    BadBuffers,
    /// A stay from first use on that is empty or longer than the term could be.
    BadStay,
    /// Of a new code: its end has passed.
    Past,
    /// Of a new code: its hours never fall in its term.
    Never,
}

impl ScheduleError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "schedule.empty",
            Self::TooManyWindows => "schedule.too_many_windows",
            Self::NoDays => "schedule.no_days",
            Self::BadTime => "schedule.time",
            Self::BadDays => "schedule.days",
            Self::EndsBeforeStart => "schedule.ends_before_start",
            Self::OutOfRange => "schedule.range",
            Self::BadDaysOff => "schedule.days_off",
            Self::BadBuffers => "schedule.buffers",
            Self::BadStay => "schedule.stay",
            Self::Past => "schedule.past",
            Self::Never => "schedule.never",
        }
    }

    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Empty => "Add at least one time, or let the code work at any time.",
            Self::TooManyWindows => "Use at most 16 rows of times.",
            Self::NoDays => "Choose at least one day in every row.",
            Self::BadTime => "Choose times between 00:00 and 23:59.",
            Self::BadDays => "Choose days from Monday to Sunday.",
            Self::EndsBeforeStart => "Choose an end that is after the start.",
            Self::OutOfRange => "Choose dates before the year 10000.",
            Self::BadDaysOff => "Name at most 64 days off, each once.",
            Self::BadBuffers => "Buffers before and after can be up to 4 hours.",
            Self::BadStay => "A stay from first use on lasts 1 hour to 365 days.",
            Self::Past => "Choose an end that is still to come.",
            Self::Never => "These hours never fall between the start and the end.",
        }
    }
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for ScheduleError {}
