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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Hours {
    /// Seconds since 1970.
    pub(super) from: u64,
    pub(super) until: Option<u64>,
    /// None: always.
    pub(super) weekly: Vec<Window>,
    /// Minutes added before the term and every window, and after them.
    pub(super) buffers: (u16, u16),
    /// Days on which it does not open.
    pub(super) off: Vec<NaiveDate>,
    /// Seconds for which it works from its first use on.
    pub(super) stay: Option<u64>,
}

/// Stretches in seconds since 1970, ascending, each `[from, to)`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Spans(Vec<(u64, u64)>);

impl Hours {
    /// All stretches that begin before `horizon`. `used` is when it was first used, if it was; `quiet` are days off beside
    /// its own.
    pub(super) fn spans(&self, zone: Tz, horizon: u64, used: Option<u64>, quiet: &[NaiveDate]) -> Spans {
        let (before, after) = (u64::from(self.buffers.0), u64::from(self.buffers.1));
        let begin = self.from.saturating_sub(before * 60);
        let mut end = self.until.map_or(u64::MAX, |until| until + after * 60).min(horizon);
        if let (Some(stay), Some(used)) = (self.stay, used) {
            end = end.min(used + stay);
        }
        let open = if self.weekly.is_empty() { vec![(begin, end)] } else { self.windows(zone, begin, end) };
        let mut spans: Vec<(u64, u64)> = open.into_iter().filter(|(a, b)| a < b).collect();
        for day in self.off.iter().chain(quiet) {
            let (from, to) = (first(zone, *day, 0), first(zone, *day + Duration::days(1), 0));
            let cut = |(a, b): (u64, u64)| [(a, b.min(from)), (a.max(to), b)];
            spans = spans.into_iter().flat_map(cut).filter(|(a, b)| a < b).collect();
        }
        spans.sort_unstable();
        Spans(spans)
    }

    fn windows(&self, zone: Tz, begin: u64, end: u64) -> Vec<(u64, u64)> {
        let (before, after) = (i64::from(self.buffers.0), i64::from(self.buffers.1));
        let mut spans = vec![];
        let Some(at) = DateTime::<Utc>::from_timestamp(begin as i64, 0) else { return spans };
        let mut day = at.with_timezone(&zone).date_naive() - Duration::days(2);
        loop {
            // A window opens four hours before its day at the earliest.
            if first(zone, day, -240) >= end {
                return spans;
            }
            let weekday = day.weekday().num_days_from_monday();
            for window in self.weekly.iter().filter(|w| w.days & (1 << weekday) != 0) {
                let closes = if window.to > window.from { day } else { day + Duration::days(1) };
                let (from, to) = (i64::from(window.from) - before, i64::from(window.to) + after);
                spans.push((first(zone, day, from).max(begin), last(zone, closes, to).min(end)));
            }
            day += Duration::days(1);
        }
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

fn wall(day: NaiveDate, minute: i64) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN) + Duration::minutes(minute)
}

fn seconds(t: DateTime<Tz>) -> u64 {
    u64::try_from(t.timestamp()).unwrap_or(0)
}

/// The first instant at which the wall's clock shows this or, where it never does, something later.
fn first(zone: Tz, day: NaiveDate, minute: i64) -> u64 {
    let mut at = wall(day, minute);
    loop {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => return seconds(t),
            LocalResult::None => at += Duration::minutes(1),
        }
    }
}

/// The last instant at which it shows this or, where it never does, the first after the gap.
fn last(zone: Tz, day: NaiveDate, minute: i64) -> u64 {
    match zone.from_local_datetime(&wall(day, minute)) {
        LocalResult::Single(t) | LocalResult::Ambiguous(_, t) => seconds(t),
        LocalResult::None => first(zone, day, minute),
    }
}
