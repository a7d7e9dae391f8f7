//! Schedules and instants in plain English: deterministic, with no locale.

use super::{Date, Days, NextTimes, Schedule, Validity, WeeklyWindow};
use crate::time::{Local, Seconds, Timestamp, Weekday};
use crate::zone::Zone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How hours are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HourStyle {
    /// 21:00.
    #[default]
    H24,
    /// 9 pm.
    H12,
}

/// How sentences are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Style {
    /// How hours are written.
    pub hours: HourStyle,
}

impl Style {
    fn time(self, minutes: u16) -> String {
        let (h, m) = (minutes / 60 % 24, minutes % 60);
        match self.hours {
            HourStyle::H24 => format!("{h:02}:{m:02}"),
            HourStyle::H12 => {
                let half = if h < 12 { "am" } else { "pm" };
                let h = (h + 11) % 12 + 1;
                if m == 0 { format!("{h} {half}") } else { format!("{h}:{m:02} {half}") }
            }
        }
    }
}

/// When a code works, such as `Tuesdays 09:00–12:00, from 3 Dec to 31 Dec 2026`.
pub fn describe(validity: &Validity, zone: &dyn Zone, style: &Style) -> String {
    let term = describe_term(validity, zone, *style);
    let mut text = match &validity.schedule {
        Schedule::Always => capitalised(&term),
        Schedule::Weekly(windows) => format!("{}, {term}", capitalised(&describe_weekly(windows, *style))),
    };
    if let Some(days) = days_off(validity, zone) {
        text += &format!(", not on {days}");
    }
    text += match (validity.buffers.before, validity.buffers.after) {
        (0, 0) => String::new(),
        (before, 0) => format!(", from {before} min before"),
        (0, after) => format!(", until {after} min after"),
        (before, after) => format!(", from {before} min before until {after} min after"),
    }
    .as_str();
    if let Some(stay) = validity.stay {
        text += &format!("; {} from the first use on", duration(stay));
    }
    if validity.suspended {
        text += "; paused";
    }
    text
}

/// How often a code opens, such as `once` or `up to 3 times`; `None` for any number.
pub fn describe_uses(uses: Option<u32>) -> Option<String> {
    uses.map(|most| match most {
        1 => "once".to_owned(),
        2 => "up to twice".to_owned(),
        most => format!("up to {most} times"),
    })
}

/// When a code next opens and closes, such as `opens Thu 3 Dec 2026 at 09:00, closes Thu 3 Dec 2026 at 12:00`; `None`
/// if it never opens again.
pub fn describe_next(next: &NextTimes, zone: &dyn Zone, style: &Style) -> Option<String> {
    let at = |t: Timestamp| format_instant(t, zone, style);
    Some(match (next.opens, next.closes) {
        (None, None) if !next.open => return None,
        (None, None) => "open without an end".to_owned(),
        (None, Some(closes)) => format!("closes {} for good", at(closes)),
        (Some(opens), None) => format!("opens {}", at(opens)),
        (Some(opens), Some(closes)) if opens < closes => {
            format!("opens {}, closes {}", at(opens), at(closes))
        }
        (Some(opens), Some(closes)) => format!("closes {}, opens {}", at(closes), at(opens)),
    })
}

/// `3 hours`, `2 days`, `90 minutes`.
pub fn duration(length: Seconds) -> String {
    let unit = |n: u64, name: &str| if n == 1 { format!("1 {name}") } else { format!("{n} {name}s") };
    match length.0 {
        s if s >= 172_800 && s % 86_400 == 0 => unit(s / 86_400, "day"),
        s if s >= 3_600 && s % 3_600 == 0 => unit(s / 3_600, "hour"),
        s => unit(s / 60, "minute"),
    }
}

/// More stretches of days than this are counted, not named.
const NAMED_DAYS: usize = 8;

/// `24 to 26 Dec and 31 Dec 2026`: those of the days off that fall in the term; neighbours are said as one stretch.
fn days_off(validity: &Validity, zone: &dyn Zone) -> Option<String> {
    let (start, end) = validity.term();
    let (first, last) =
        (Date::at(start, zone), end.map(|end| Date::at(end.saturating_sub(Seconds(1)), zone)));
    let mut stretches: Vec<(Date, Date)> = vec![];
    for day in validity.days_off.iter().filter(|day| **day >= first && last.is_none_or(|last| **day <= last))
    {
        match stretches.last_mut() {
            Some((_, to)) if to.0 + 1 == day.0 => *to = *day,
            _ => stretches.push((*day, *day)),
        }
    }
    if stretches.len() > NAMED_DAYS {
        let days: u32 = stretches.iter().map(|(from, to)| to.0 - from.0 + 1).sum();
        let (from, _) = stretches.first()?;
        return Some(format!("{days} days from {} on", day_in_words(*from, None)));
    }
    let items: Vec<String> = stretches
        .iter()
        .enumerate()
        .map(|(i, (from, to))| {
            let next = stretches.get(i + 1).map(|(next, _)| *next);
            let to_words = day_in_words(*to, next);
            if from == to { to_words } else { format!("{} to {to_words}", day_in_words(*from, Some(*to))) }
        })
        .collect();
    (!items.is_empty()).then(|| and_list(&items))
}

/// A day, without the month or the year if those of `next`, which is said after it, are the same.
fn day_in_words(day: Date, next: Option<Date>) -> String {
    let (year, month, number) = day.civil();
    let name = MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or("?");
    match next.map(Date::civil) {
        Some((y, m, _)) if (y, m) == (year, month) => number.to_string(),
        Some((y, ..)) if y == year => format!("{number} {name}"),
        _ => format!("{number} {name} {year}"),
    }
}

/// An instant such as `Thu 3 Dec 2026 at 09:00`, in the zone's time.
pub fn format_instant(t: Timestamp, zone: &dyn Zone, style: &Style) -> String {
    let local = zone.to_local(t);
    let day: String = local.weekday().name().chars().take(3).collect();
    format!("{day} {} at {}", date(local, true), style.time(minute_of(local)))
}

fn date(local: Local, with_year: bool) -> String {
    let month = MONTHS.get(usize::from(local.month).wrapping_sub(1)).copied().unwrap_or("?");
    if with_year { format!("{} {month} {}", local.day, local.year) } else { format!("{} {month}", local.day) }
}

fn minute_of(local: Local) -> u16 {
    u16::from(local.hour) * 60 + u16::from(local.minute)
}

fn same_day(a: Local, b: Local) -> bool {
    (a.year, a.month, a.day) == (b.year, b.month, b.day)
}

/// `from … to …`; whole days are written as dates alone, the last one inclusive.
fn describe_term(validity: &Validity, zone: &dyn Zone, style: Style) -> String {
    let from = zone.to_local(validity.not_before);
    let Some(expires) = validity.expires else {
        let time =
            if minute_of(from) == 0 { String::new() } else { format!(", {}", style.time(minute_of(from))) };
        return format!("from {}{time}", date(from, true));
    };
    let to = zone.to_local(expires);
    if minute_of(from) == 0 && minute_of(to) == 0 {
        let last = zone.to_local(expires.saturating_sub(Seconds(1)));
        if same_day(from, last) {
            return format!("on {}", date(last, true));
        }
        return format!("from {} to {}", date(from, from.year != last.year), date(last, true));
    }
    let (a, b) = (style.time(minute_of(from)), style.time(minute_of(to)));
    if same_day(from, to) {
        format!("on {}, {a}–{b}", date(to, true))
    } else {
        format!("from {}, {a}, to {}, {b}", date(from, from.year != to.year), date(to, true))
    }
}

fn describe_weekly(windows: &[WeeklyWindow], style: Style) -> String {
    // Rows with the same hours become one, then rows on the same days are listed together.
    let mut rows: Vec<WeeklyWindow> = Vec::new();
    for window in windows {
        match rows.iter_mut().find(|row| (row.from, row.to) == (window.from, window.to)) {
            Some(row) => row.days = row.days.union(window.days),
            None => rows.push(*window),
        }
    }
    // By insertion: there are 16 at most, and `sort` is large in WebAssembly.
    let key = |row: &WeeklyWindow| (row.days.bits().trailing_zeros(), row.days.bits(), row.from);
    for end in 1..rows.len() {
        for at in (1..=end).rev() {
            let Some([before, row]) = rows.get_mut(at - 1..=at) else { break };
            if key(before) <= key(row) {
                break;
            }
            core::mem::swap(before, row);
        }
    }
    let mut groups: Vec<(Days, Vec<String>)> = Vec::new();
    for row in rows {
        let hours = hours(&row, style);
        match groups.last_mut() {
            Some((days, list)) if *days == row.days => list.push(hours),
            _ => groups.push((row.days, vec![hours])),
        }
    }
    let parts: Vec<String> =
        groups.iter().map(|(days, list)| format!("{} {}", days_in_words(*days), and_list(list))).collect();
    if parts.is_empty() { "never".into() } else { parts.join("; ") }
}

fn hours(window: &WeeklyWindow, style: Style) -> String {
    let (from, to) = (window.from.minutes(), window.to.minutes());
    match (from, to) {
        (0, 0) => "all day".into(),
        _ if to == 0 => format!("{}–midnight", style.time(from)),
        _ if to <= from => format!("{}–{} the next day", style.time(from), style.time(to)),
        _ => format!("{}–{}", style.time(from), style.time(to)),
    }
}

fn days_in_words(days: Days) -> String {
    match days {
        Days::ALL => "every day".into(),
        Days::WORKDAYS => "Monday to Friday".into(),
        Days::WEEKEND => "weekends".into(),
        _ => {
            let list: Vec<Weekday> = days.iter().collect();
            match list.as_slice() {
                [first, .., last]
                    if list.len() > 2 && last.index() - first.index() == list.len() as u8 - 1 =>
                {
                    format!("{} to {}", first.name(), last.name())
                }
                _ => and_list(&list.iter().map(|day| format!("{}s", day.name())).collect::<Vec<_>>()),
            }
        }
    }
}

fn and_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn capitalised(s: &str) -> String {
    let mut chars = s.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
