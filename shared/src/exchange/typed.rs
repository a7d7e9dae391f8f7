//! Times as people type them into a cell or a terminal, and as they are written back: the same text means the same.

use crate::error::coded_error;
use crate::schedule::{Date, Days, MinuteOfDay, Schedule, WeeklyWindow};
use crate::time::{DAY, Local, Timestamp, Weekday};
use crate::zone::{LocalResult, Zone};

coded_error! {
    /// Why text is no time.
    pub enum TypedError {
        Instant = "typed.instant", "Write a date as 2026-12-24, or with a time as 2026-12-24 15:00.";
        Hours = "typed.hours", "Write hours as Mon-Fri 09:00-17:00; Sat 10:00-12:00, or leave them empty.";
        Days = "typed.days", "Write days off as 2026-12-24; 2026-12-25.";
    }
}

/// Which end of a term a time is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Its start: a date alone means its first instant.
    Start,
    /// Its end: a date alone means that the whole day still counts.
    End,
}

const SHORT: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn digits<T: core::str::FromStr>(text: &str, most: usize) -> Option<T> {
    let ok = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if ok { text.parse().ok() } else { None }
}

fn civil(text: &str) -> Option<Local> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Local::new(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?, 0, 0, 0).ok()
}

fn clock(text: &str) -> Option<(u8, u8, u8)> {
    let mut parts = text.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour, minute, second))
}

/// Seconds of `+01:00`, `-03:30` or `Z`.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hour, minute, _) = clock(rest)?;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

/// An instant: `2026-12-24`, `2026-12-24 15:00`, with `T` instead of the blank, with seconds; by the clock of `zone`,
/// or by UTC plus what follows it (` +01:00`, `Z`).
pub fn parse_instant(text: &str, zone: &dyn Zone, edge: Edge) -> Result<Timestamp, TypedError> {
    read_instant(text.trim(), zone, edge).ok_or(TypedError::Instant)
}

fn read_instant(text: &str, zone: &dyn Zone, edge: Edge) -> Option<Timestamp> {
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        let day = civil(text)?;
        let next = Local::from_seconds(day.to_seconds() + DAY);
        return Some(match edge {
            Edge::Start => zone.resolve(day).start(),
            Edge::End => zone.resolve(next).start(),
        });
    };
    let day = civil(date)?;
    let split = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (time, zoned) = time.split_at(split);
    let (hour, minute, second) = clock(time.trim())?;
    let local = Local { hour, minute, second, ..day };
    if !zoned.is_empty() {
        let seconds = u64::try_from(local.to_seconds() - offset(zoned)?).ok()?;
        return Some(Timestamp(seconds)).filter(|t| t.validate().is_ok());
    }
    let meant = zone.resolve(local);
    Some(match edge {
        Edge::Start => meant.start(),
        Edge::End => meant.end(),
    })
}

/// The text that [`parse_instant`] reads back as the same instant, at either edge. Where the clocks show a time twice it
/// says which one is meant.
pub fn write_instant(t: Timestamp, zone: &dyn Zone) -> String {
    let local = zone.to_local(t);
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        local.year, local.month, local.day, local.hour, local.minute
    );
    if local.second != 0 {
        text += &format!(":{:02}", local.second);
    }
    if zone.resolve(local) != LocalResult::Single(t) {
        let offset = zone.offset_at(t);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
        text += &format!(" {sign}{:02}:{:02}", minutes / 60, minutes % 60);
    }
    text
}

fn weekday(text: &str) -> Option<Weekday> {
    let found = |day: &Weekday| {
        text.len() >= 3 && day.name().get(..text.len()).is_some_and(|name| name.eq_ignore_ascii_case(text))
    };
    Weekday::ALL.into_iter().find(found)
}

/// `Mon`, `Mon-Fri`, `Sat,Sun`, `daily`. A range may run over the end of the week.
fn days(text: &str) -> Option<Days> {
    if text.eq_ignore_ascii_case("daily") {
        return Some(Days::ALL);
    }
    let mut all = Days::default();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first.trim())?, weekday(last.trim())?);
        let length = (last.index() + 7 - first.index()) % 7;
        let range: Vec<Weekday> = (0..=length).map(|n| Weekday::from_index(first.index() + n)).collect();
        all = all.union(Days::of(&range));
    }
    Some(all)
}

fn minute_of_day(text: &str) -> Option<MinuteOfDay> {
    match clock(text.trim())? {
        (hour, minute, 0) => MinuteOfDay::hm(hour, minute).ok(),
        _ => None,
    }
}

fn window(text: &str) -> Option<WeeklyWindow> {
    let text = text.trim();
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (on, hours) = text.split_at(start);
    let (from, to) = hours.split_once('-')?;
    // `24:00` is what people write for the end of a day.
    let to = if to.trim() == "24:00" { "00:00" } else { to };
    Some(WeeklyWindow { days: days(on.trim())?, from: minute_of_day(from)?, to: minute_of_day(to)? })
}

/// Weekly hours such as `Mon-Fri 09:00-17:00; Sat 22:00-02:00`. Empty or `always`: at any time.
pub fn parse_hours(text: &str) -> Result<Schedule, TypedError> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("always") {
        return Ok(Schedule::Always);
    }
    let windows: Option<Vec<WeeklyWindow>> = text.split(';').map(window).collect();
    let schedule = Schedule::Weekly(windows.ok_or(TypedError::Hours)?);
    schedule.validate().map_err(|_| TypedError::Hours)?;
    Ok(schedule)
}

/// The text that [`parse_hours`] reads back; empty for any time.
pub fn write_hours(schedule: &Schedule) -> String {
    let Schedule::Weekly(windows) = schedule else { return String::new() };
    let rows: Vec<String> = windows.iter().map(write_window).collect();
    rows.join("; ")
}

fn write_window(window: &WeeklyWindow) -> String {
    let list: Vec<Weekday> = window.days.iter().collect();
    let short = |day: &Weekday| SHORT.get(usize::from(day.index())).copied().unwrap_or("?");
    let days = match list.as_slice() {
        _ if window.days == Days::ALL => "daily".to_owned(),
        [first, .., last]
            if list.len() > 2 && usize::from(last.index() - first.index()) == list.len() - 1 =>
        {
            format!("{}-{}", short(first), short(last))
        }
        list => list.iter().map(short).collect::<Vec<_>>().join(","),
    };
    let time = |t: MinuteOfDay| format!("{:02}:{:02}", t.minutes() / 60, t.minutes() % 60);
    format!("{days} {}-{}", time(window.from), time(window.to))
}

/// Dates, with `;` or blanks between them, in any order.
pub fn parse_dates(text: &str) -> Result<Vec<Date>, TypedError> {
    let parts =
        text.split(|c: char| c == ';' || c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
    let date = |part: &str| civil(part).and_then(|day| Date::from_civil(day.year, day.month, day.day));
    let mut dates: Vec<Date> =
        parts.map(|part| date(part).ok_or(TypedError::Days)).collect::<Result<_, _>>()?;
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

/// The text that [`parse_dates`] reads back.
pub fn write_dates(dates: &[Date]) -> String {
    dates.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::FixedZone;

    const CET: FixedZone = FixedZone(3600);

    fn at(text: &str, edge: Edge) -> Option<Local> {
        parse_instant(text, &CET, edge).ok().map(|t| CET.to_local(t))
    }

    #[test]
    fn instants() {
        let day = |d, h, m| Local::new(2026, 12, d, h, m, 0).ok();
        assert_eq!(at("2026-12-24", Edge::Start), day(24, 0, 0));
        assert_eq!(at("2026-12-24", Edge::End), day(25, 0, 0), "the whole day counts");
        for text in
            [" 2026-12-24 15:05 ", "2026-12-24T15:05", "2026-12-24 15:05:00", "2026-12-24 16:05 +02:00"]
        {
            assert_eq!(at(text, Edge::End), day(24, 15, 5), "{text}");
        }
        assert_eq!(at("2026-12-24T14:05Z", Edge::Start), day(24, 15, 5));
        for bad in [
            "",
            "tomorrow",
            "24.12.2026",
            "2026-13-01",
            "2026-02-30",
            "26-12-24",
            "2026-12-24 25:00",
            "2026-12-24 15",
            "2026-12-24 15:00 CET",
            "2026-12-24 15:00 +1",
            "2026-12-24 15:00:61",
            "2026-12-24-01",
            "2026-12-24 ٣:00",
        ] {
            assert_eq!(parse_instant(bad, &CET, Edge::Start), Err(TypedError::Instant), "{bad}");
        }
    }

    #[test]
    fn hours() {
        for (text, back) in [
            ("Mon-Fri 09:00-17:00; Sat 10:00-12:00", "Mon-Fri 09:00-17:00; Sat 10:00-12:00"),
            ("monday, wed 9:00 - 12:30", "Mon,Wed 09:00-12:30"),
            ("daily 22:00-06:00", "daily 22:00-06:00"),
            ("Sat-Mon 18:00-24:00", "Mon,Sat,Sun 18:00-00:00"),
            ("always", ""),
            ("  ", ""),
        ] {
            let schedule = parse_hours(text).unwrap();
            assert_eq!(write_hours(&schedule), back);
            assert_eq!(parse_hours(back), Ok(schedule));
        }
        for bad in ["09:00-17:00", "Mon", "Mon 9-17", "Mo 09:00-17:00", "Mon 09:00-17:00;", "Mon 09:00-25:00"]
        {
            assert_eq!(parse_hours(bad), Err(TypedError::Hours), "{bad}");
        }
    }

    #[test]
    fn dates() {
        let text = "2026-12-25; 2026-12-24, 2026-12-25";
        assert_eq!(write_dates(&parse_dates(text).unwrap()), "2026-12-24; 2026-12-25");
        assert_eq!(parse_dates(" "), Ok(vec![]));
        assert_eq!(parse_dates("Christmas"), Err(TypedError::Days));
    }

    #[cfg(feature = "tz")]
    #[test]
    fn every_instant_comes_back_also_where_clocks_change() {
        use crate::zone::{TzZone, ZoneName};
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"] {
            let zone = TzZone::by_name(&ZoneName::parse(name).unwrap()).unwrap();
            // Two years in steps that hit every minute of the hour.
            for t in (1_767_225_600..1_830_000_000).step_by(60 * 37).map(Timestamp) {
                let text = write_instant(t, &zone);
                for edge in [Edge::Start, Edge::End] {
                    assert_eq!(parse_instant(&text, &zone, edge), Ok(t), "{name}: {text}");
                }
            }
        }
    }
}
