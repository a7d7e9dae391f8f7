//! When a code is open, worked out a second time and in another way than the product does: day by day on the wall's
//! clock, minute by minute where the clocks change. Slow, short, and shares nothing with `latchkey_shared::schedule`.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The same hours on some days of every week.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    /// Monday is bit 0.
    pub(super) days: u8,
    /// Minutes after midnight.
    pub(super) from: u16,
    /// At or before `from`: on the next day.
    pub(super) to: u16,
}

/// What a person asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hours {
    /// Seconds since 1970.
    pub(super) from: u64,
    pub(super) until: Option<u64>,
    /// None: always.
    pub(super) weekly: Vec<Window>,
}

/// Stretches in seconds since 1970, ascending, each `[from, to)`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Spans(Vec<(u64, u64)>);

impl Hours {
    /// All stretches that begin before `horizon`.
    pub(super) fn spans(&self, zone: Tz, horizon: u64) -> Spans {
        let end = self.until.unwrap_or(u64::MAX).min(horizon);
        if self.weekly.is_empty() {
            return Spans(if self.from < end { vec![(self.from, end)] } else { vec![] });
        }
        let mut spans = vec![];
        let Some(begin) = DateTime::<Utc>::from_timestamp(self.from as i64, 0) else { return Spans(vec![]) };
        let mut day = begin.with_timezone(&zone).date_naive() - Duration::days(2);
        loop {
            if first(zone, day, 0) >= end {
                break;
            }
            let weekday = day.weekday().num_days_from_monday();
            for window in self.weekly.iter().filter(|w| w.days & (1 << weekday) != 0) {
                let closes = if window.to > window.from { day } else { day + Duration::days(1) };
                let (a, b) = (first(zone, day, window.from), last(zone, closes, window.to));
                let (a, b) = (a.max(self.from), b.min(end));
                if a < b {
                    spans.push((a, b));
                }
            }
            day += Duration::days(1);
        }
        spans.sort_unstable();
        Spans(spans)
    }
}

impl Spans {
    pub(super) fn open_at(&self, t: u64) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&t))
    }

    /// When it is over for good.
    pub(super) fn end(&self) -> u64 {
        self.0.iter().map(|(_, to)| *to).max().unwrap_or(0)
    }
}

fn wall(day: NaiveDate, minute: u16) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN) + Duration::minutes(i64::from(minute))
}

fn seconds(t: DateTime<Tz>) -> u64 {
    u64::try_from(t.timestamp()).unwrap_or(0)
}

/// The first instant at which the wall's clock shows this or, where it never does, something later.
fn first(zone: Tz, day: NaiveDate, minute: u16) -> u64 {
    let mut at = wall(day, minute);
    loop {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => return seconds(t),
            LocalResult::None => at += Duration::minutes(1),
        }
    }
}

/// The last instant at which it shows this or, where it never does, the first after the gap.
fn last(zone: Tz, day: NaiveDate, minute: u16) -> u64 {
    match zone.from_local_datetime(&wall(day, minute)) {
        LocalResult::Single(t) | LocalResult::Ambiguous(_, t) => seconds(t),
        LocalResult::None => first(zone, day, minute),
    }
}
