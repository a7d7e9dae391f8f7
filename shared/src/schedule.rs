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

use crate::error::coded_error;
use crate::time::Timestamp;
use crate::wire::derive::{Decode, Encode};
use crate::zone::Zone;

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

coded_error! {
    /// Why a schedule or a term is refused.
    pub enum ScheduleError {
        Empty = "schedule.empty", "Add at least one time, or let the code work at any time.";
        TooManyWindows = "schedule.too_many_windows", "Use at most 16 rows of times.";
        NoDays = "schedule.no_days", "Choose at least one day in every row.";
        BadTime = "schedule.time", "Choose times between 00:00 and 23:59.";
        BadDays = "schedule.days", "Choose days from Monday to Sunday.";
        EndsBeforeStart = "schedule.ends_before_start", "Choose an end that is after the start.";
        OutOfRange = "schedule.range", "Choose dates before the year 10000.";
        BadDaysOff = "schedule.days_off", "Name at most 64 days off, each once.";
        BadBuffers = "schedule.buffers", "Buffers before and after can be up to 4 hours.";
        BadStay = "schedule.stay", "A stay from first use on lasts 1 hour to 365 days.";
        Past = "schedule.past", "Choose an end that is still to come.";
        Never = "schedule.never", "These hours never fall between the start and the end.";
    }
}
