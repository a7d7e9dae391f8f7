//! Times as a guest is told them: with the buffers inside, so that nobody has to add them up.

use super::{Buffers, Date, Days, MinuteOfDay, Schedule, Validity, WeeklyWindow, weekly};
use crate::time::Weekday;
use crate::zone::Zone;

const DAY: i64 = 1440;

impl Validity {
    /// The stretches of every week in which it opens, buffers included and joined: minutes from Monday 00:00 on the
    /// clock on the wall. Empty where hours leave nothing out.
    pub fn week(&self) -> Vec<(u16, u16)> {
        let segments = match &self.schedule {
            Schedule::Always => None,
            Schedule::Weekly(windows) => weekly::week(windows, self.buffers),
        };
        let minutes = |n: i64| u16::try_from(n).ok();
        segments.into_iter().flatten().filter_map(|(a, b)| minutes(a).zip(minutes(b))).collect()
    }

    /// The same times with the buffers inside, and without days off that its term does not touch.
    pub fn as_shown(&self, zone: &dyn Zone) -> Self {
        let (start, end) = self.term();
        let last = end.map_or(Date::MAX, |end| Date::at(end, zone));
        let days = Date::at(start, zone)..=last;
        let mut shown = Self {
            days_off: self.days_off.iter().copied().filter(|day| days.contains(day)).collect(),
            ..self.clone()
        };
        if self.buffers == Buffers::NONE {
            return shown;
        }
        if let Schedule::Weekly(_) = self.schedule {
            // What lasts longer than a day has no row that says so: then the buffers are told apart.
            let rows: Option<Vec<WeeklyWindow>> = self.week().into_iter().map(row).collect();
            let Some(rows) = rows.filter(|rows| !rows.is_empty()) else { return shown };
            shown.schedule = Schedule::Weekly(rows);
        }
        (shown.not_before, shown.expires, shown.buffers) = (start, end, Buffers::NONE);
        shown
    }
}

/// A stretch of at most a day as a row.
fn row((from, to): (u16, u16)) -> Option<WeeklyWindow> {
    let (from, to) = (i64::from(from), i64::from(to));
    let time = |minutes: i64| MinuteOfDay::new((minutes % DAY) as u16).ok();
    let day = Weekday::from_index((from / DAY) as u8);
    let whole = to - from <= DAY;
    whole.then_some(WeeklyWindow { days: Days::of(&[day]), from: time(from)?, to: time(to)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Style, describe};
    use crate::time::{Local, Seconds, Timestamp};
    use crate::zone::FixedZone;

    fn window(days: Days, from: (u8, u8), to: (u8, u8)) -> WeeklyWindow {
        let time = |(h, m)| MinuteOfDay::hm(h, m).unwrap();
        WeeklyWindow { days, from: time(from), to: time(to) }
    }

    fn at(day: u8) -> Timestamp {
        FixedZone::UTC.resolve(Local::new(2026, 12, day, 0, 0, 0).unwrap()).start()
    }

    fn validity(windows: Vec<WeeklyWindow>, before: u16, after: u16) -> Validity {
        let term = Validity::new(at(1), Some(at(31)), Schedule::Weekly(windows));
        Validity { buffers: Buffers { before, after }, ..term }
    }

    #[test]
    fn buffers_go_into_the_rows_past_midnight_too() {
        let tue = Days::of(&[Weekday::Tue]);
        let plain = validity(vec![window(tue, (9, 0), (12, 0)), window(tue, (23, 50), (0, 10))], 15, 30);
        assert_eq!(plain.week(), [(1440 + 525, 1440 + 750), (1440 + 1415, 2880 + 40)]);
        let shown = plain.as_shown(&FixedZone::UTC);
        assert_eq!(
            shown.schedule,
            Schedule::Weekly(vec![window(tue, (8, 45), (12, 30)), window(tue, (23, 35), (0, 40))])
        );
        let early = validity(vec![window(Days::of(&[Weekday::Mon]), (0, 5), (6, 0))], 10, 0);
        let sunday = Days::of(&[Weekday::Sun]);
        assert_eq!(
            early.as_shown(&FixedZone::UTC).schedule,
            Schedule::Weekly(vec![window(sunday, (23, 55), (6, 0))])
        );
    }

    #[test]
    fn the_shown_times_open_when_the_real_ones_do() {
        let rows = vec![
            window(Days::WORKDAYS, (8, 0), (17, 30)),
            window(Days::WEEKEND, (22, 0), (3, 0)),
            window(Days::of(&[Weekday::Sun]), (23, 50), (0, 5)),
        ];
        for (before, after) in [(0, 0), (15, 0), (0, 240), (240, 240), (7, 11)] {
            let real = validity(rows.clone(), before, after).without(&[Date::at(at(9), &FixedZone::UTC)]);
            let shown = real.as_shown(&FixedZone::UTC);
            let mut t = Timestamp(at(1).0 - 86_400);
            while t < Timestamp(at(31).0 + 86_400) {
                let (a, b) = (real.state_at(t, &FixedZone::UTC), shown.state_at(t, &FixedZone::UTC));
                assert_eq!(a, b, "{t:?} {before} {after}");
                t = t.saturating_add(Seconds::minutes(13));
            }
        }
    }

    #[test]
    fn days_off_out_of_the_term_are_not_told() {
        let days = [at(9), Timestamp(at(9).0 + 40 * 86_400)].map(|t| Date::at(t, &FixedZone::UTC));
        let real = Validity::new(at(1), Some(at(31)), Schedule::Always).without(&days);
        let text = describe(&real.as_shown(&FixedZone::UTC), &FixedZone::UTC, &Style::default());
        assert_eq!(text, "From 1 Dec to 30 Dec 2026, not on 9 Dec 2026");
    }
}
