//! Says what the hub's time zone rules make of every change of clocks from 2020 to 2037, and of weekly windows and days
//! off around each, one statement a line. `tests/python/zones.py` checks every line with other rules and another program.

use chrono_tz::{IANA_TZDB_VERSION, TZ_VARIANTS};
use latchkey_shared::schedule::{Date, Days, MinuteOfDay, Schedule, Span, Validity, WeeklyWindow};
use latchkey_shared::time::{Local, Seconds, Timestamp};
use latchkey_shared::zone::{TzZone, Zone};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

/// 2020-01-01 and 2038-01-01, in UTC.
const FROM: u64 = 1_577_836_800;
const TO: u64 = 2_145_916_800;
const DAY: u64 = 86_400;

/// A change of clocks: when, and the offsets before and after.
type Change = (u64, i32, i32);

fn changes(zone: &TzZone) -> Vec<Change> {
    let at = |t: u64| zone.offset_at(Timestamp(t));
    let mut found = vec![];
    for day in (FROM..TO).step_by(DAY as usize) {
        let (mut low, mut high) = (day, day + DAY);
        let (before, after) = (at(low), at(high));
        if before == after {
            continue;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if at(middle) == before { low = middle } else { high = middle }
        }
        found.push((high, before, after));
    }
    found
}

/// Windows that touch the change at their start, their end or both, end after midnight or vanish in it.
fn windows(change: Change) -> Vec<WeeklyWindow> {
    let (t, before, after) = change;
    let (a, b) = (t as i64 + i64::from(before), t as i64 + i64::from(after));
    let (low, high) = (a.min(b), a.max(b));
    let middle = low + (high - low) / 2;
    let points = [low - 5_400, low, low + (high - low) / 3, middle, high, high + 5_400];
    let window = |from: i64, to: i64| {
        let (from, to) = (Local::from_seconds(from), Local::from_seconds(to));
        let minute = |local: Local| MinuteOfDay::hm(local.hour, local.minute).unwrap_or_default();
        WeeklyWindow { days: Days::of(&[from.weekday()]), from: minute(from), to: minute(to) }
    };
    let mut all: Vec<_> = (0..points.len())
        .flat_map(|i| (i + 1..points.len()).map(move |j| (i, j)))
        .map(|(i, j)| window(points[i], points[j]))
        .collect();
    let night = |from, to| WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::hm(from, 0).unwrap_or_default(),
        to: MinuteOfDay::hm(to, 0).unwrap_or_default(),
    };
    // Backwards: from after the change to before it a day later. And every night, cut at the change's own hours.
    all.extend([window(high, low), window(middle, middle), night(22, 6), night(2, 2), night(0, 3)]);
    all
}

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "version {IANA_TZDB_VERSION}")?;
    // Zones that change alike are alike: windows are told for the first of them.
    let mut told: BTreeMap<Vec<Change>, &str> = BTreeMap::new();
    for tz in TZ_VARIANTS {
        let zone = TzZone(tz);
        let changes = changes(&zone);
        write!(out, "zone {} {}", tz.name(), zone.offset_at(Timestamp(FROM)))?;
        for (t, _, after) in &changes {
            write!(out, " {t}:{after}")?;
        }
        writeln!(out)?;
        if *told.entry(changes.clone()).or_insert(tz.name()) != tz.name() {
            continue;
        }
        for change in changes {
            let around = Timestamp(change.0).saturating_sub(Seconds::days(2));
            for window in windows(change) {
                let WeeklyWindow { days, from, to } = window;
                let schedule = Schedule::Weekly(vec![window]);
                let days = days.bits();
                write!(out, "window {} {} {days} {} {}", tz.name(), change.0, from.minutes(), to.minutes())?;
                for span in schedule.spans(around, around.saturating_add(Seconds::days(4)), &zone) {
                    write!(out, " {}-{}", span.start.0, span.end.map_or(0, |end| end.0))?;
                }
                writeln!(out)?;
            }
            for day in [Date::at(around, &zone).0 + 1, Date::at(around, &zone).0 + 2] {
                let off = Validity::new(Timestamp(0), None, Schedule::Always).without(&[Date(day)]);
                let open: Vec<Span> = off.openings(around, &zone).take(2).collect();
                let from = open.first().and_then(|span| span.end).map_or(0, |end| end.0);
                let to = open.last().map_or(0, |span| span.start.0);
                writeln!(out, "off {} {day} {from} {to}", tz.name())?;
            }
        }
    }
    out.flush()
}
