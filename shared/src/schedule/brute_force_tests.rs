//! Schedules against a scan of every minute.

use super::*;
use crate::time::{Local, Seconds};
use crate::zone::{TzZone, Zone, ZoneName};
use proptest::prelude::*;

fn zone(name: &str) -> TzZone {
    TzZone::by_name(&ZoneName::parse(name).unwrap()).unwrap()
}

fn utc(y: i32, m: u8, d: u8, h: u8, min: u8) -> Timestamp {
    Timestamp(Local::new(y, m, d, h, min, 0).unwrap().to_seconds() as u64)
}

/// Openness of every minute, from a definition that shares nothing with the implementation: a window is open
/// once the clocks have first reached its start, and until they have last left its end.
fn oracle(
    windows: &[WeeklyWindow],
    buffers: Buffers,
    z: &dyn Zone,
    from: Timestamp,
    minutes: usize,
) -> Vec<bool> {
    const MARGIN: usize = 3 * 1440;
    let total = minutes + 2 * MARGIN;
    let first = from.0 - MARGIN as u64 * 60;
    let clocks: Vec<i64> =
        (0..total).map(|i| z.to_local(Timestamp(first + i as u64 * 60)).to_seconds()).collect();
    let mut reached = clocks.clone();
    let mut left = clocks.clone();
    for i in 1..total {
        reached[i] = reached[i].max(reached[i - 1]);
        left[total - 1 - i] = left[total - 1 - i].min(left[total - i]);
    }
    let mut open = vec![false; total];
    let (low, high) = (clocks[0].div_euclid(86_400) - 2, clocks[total - 1].div_euclid(86_400) + 2);
    for day in low..=high {
        let weekday = Local::from_seconds(day * 86_400).weekday();
        for w in windows.iter().filter(|w| w.days.contains(weekday)) {
            let start = day * 86_400 + i64::from(w.from.minutes()) * 60;
            let end = start + (i64::from(w.minutes()) + i64::from(buffers.after)) * 60;
            let start = start - i64::from(buffers.before) * 60;
            for i in 0..total {
                // The clocks may jump back to the very end: it then comes a second time.
                let again = left.get(i + 1).is_some_and(|next| *next <= end);
                open[i] |= reached[i] >= start && (left[i] < end || again);
            }
        }
    }
    open[MARGIN..MARGIN + minutes].to_vec()
}

/// Nights on which clocks change, two days before, and one without.
fn a_night() -> impl Strategy<Value = (&'static str, Timestamp)> {
    prop::sample::select(vec![
        ("Europe/Berlin", utc(2026, 3, 27, 0, 0)),
        ("Europe/Berlin", utc(2026, 10, 23, 0, 0)),
        ("America/New_York", utc(2026, 3, 6, 0, 0)),
        ("Australia/Lord_Howe", utc(2026, 4, 3, 0, 0)),
        ("Africa/Cairo", utc(2026, 4, 22, 0, 0)),
        ("Asia/Kathmandu", utc(2026, 6, 1, 0, 0)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Everything that a code can say of its times, together, against a scan of every minute.
    #[test]
    fn all_rules_together_agree_with_brute_force(
        night in a_night(),
        rows in prop::collection::vec((1u8..128, 0u16..96, 0u16..96), 0..4),
        off in prop::collection::btree_set(0u32..6, 0..3),
        buffers in (0u16..16, 0u16..16),
        (start, length) in (0u64..200, 1u64..500),
        stay in prop::option::of((4u64..100, 0u64..400)),
        suspended in prop::bool::weighted(0.1),
    ) {
        const MINUTES: usize = 5 * 1440;
        let (z, from) = (zone(night.0), night.1);
        let quarter = |n: u64| Timestamp(from.0 + n * 900);
        let windows: Vec<_> = rows.iter().map(|(days, from, to)| WeeklyWindow {
            days: Days::from_bits(*days).unwrap(),
            from: MinuteOfDay::new(from * 15).unwrap(),
            to: MinuteOfDay::new(to * 15).unwrap(),
        }).collect();
        let buffers = Buffers { before: buffers.0 * 15, after: buffers.1 * 15 };
        let days_off: Vec<Date> = off.iter().map(|n| Date(Date::at(from, &z).0 + n)).collect();
        let v = Validity {
            not_before: quarter(start),
            expires: Some(quarter(start + length)),
            schedule: if windows.is_empty() { Schedule::Always } else { Schedule::Weekly(windows.clone()) },
            days_off: days_off.clone(),
            buffers,
            stay: stay.map(|(length, _)| Seconds(length * 900)),
            suspended,
        };
        prop_assert_eq!(v.validate(), Ok(()));
        // By the words of the rules: buffers widen term and windows, a stay ends the term if that is earlier.
        let wide = |n: u16| u64::from(n) * 60;
        let (begin, booked) = (v.not_before.0 - wide(buffers.before), v.expires.unwrap().0 + wide(buffers.after));
        let used = stay.map(|(_, at)| quarter(start + at));
        let end = match (stay, used) {
            (Some((length, _)), Some(used)) => booked.min(used.0 + length * 900),
            _ => booked,
        };
        let v = used.map_or(v.clone(), |at| v.first_used(at));
        let hours = if windows.is_empty() { vec![true; MINUTES] } else { oracle(&windows, buffers, &z, from, MINUTES) };
        let open: Vec<bool> = (0..MINUTES).map(|i| {
            let t = from.0 + i as u64 * 60;
            let day_off = days_off.contains(&Date::at(Timestamp(t), &z));
            hours[i] && !day_off && !suspended && t >= begin && t < end
        }).collect();
        for i in (0..MINUTES).step_by(15) {
            let t = Timestamp(from.0 + i as u64 * 60);
            let moment = v.state_at(t, &z);
            prop_assert_eq!(matches!(moment, Moment::Open { .. }), open[i], "{:?} at {:?}", moment, z.to_local(t));
            prop_assert_eq!(matches!(moment, Moment::Over { .. }), t.0 >= end);
            let next = v.next_times(t, &z);
            prop_assert_eq!(next.open, open[i]);
            let turns = |to: bool| {
                (i + 1..MINUTES).find(|j| open[*j] == to && open[j - 1] != to)
                    .map(|j| Timestamp(from.0 + j as u64 * 60))
            };
            let last = Timestamp(from.0 + MINUTES as u64 * 60);
            let within = |t: Option<Timestamp>| t.filter(|t| *t < last);
            prop_assert_eq!(within(next.opens), turns(true), "opens after {:?}", z.to_local(t));
            prop_assert_eq!(within(next.closes), turns(false), "closes after {:?}", z.to_local(t));
            if let Some(change) = v.next_transition(t, &z).filter(|change| *change < last) {
                prop_assert!(change > t);
                let unchanged = (i..(change.0 - from.0) as usize / 60).all(|j| open[j] == open[i]);
                prop_assert!(unchanged, "a change before {:?}", z.to_local(change));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn agrees_with_brute_force(
        case in prop::sample::select(vec![
            ("Europe/Berlin", utc(2026, 3, 27, 0, 0)), ("Europe/Berlin", utc(2026, 10, 23, 0, 0)),
            ("America/New_York", utc(2026, 3, 6, 0, 0)), ("America/New_York", utc(2026, 10, 30, 0, 0)),
            ("Australia/Lord_Howe", utc(2026, 10, 2, 0, 0)), ("Australia/Lord_Howe", utc(2026, 4, 3, 0, 0)),
            ("Pacific/Apia", utc(2011, 12, 28, 0, 0)), ("Asia/Kathmandu", utc(2026, 6, 1, 0, 0)),
        ]),
        rows in prop::collection::vec((1u8..128, 0u16..96, 0u16..96), 1..5),
        off in prop::collection::btree_set(0u32..6, 0..3),
    ) {
        let z = zone(case.0);
        let windows: Vec<_> = rows.iter().map(|(days, from, to)| WeeklyWindow {
            days: Days::from_bits(*days).unwrap(),
            from: MinuteOfDay::new(from * 15).unwrap(),
            to: MinuteOfDay::new(to * 15).unwrap(),
        }).collect();
        let expected = oracle(&windows, Buffers::NONE, &z, case.1, 5 * 1440);
        let s = Schedule::Weekly(windows);
        let mut v = Validity::new(Timestamp(0), None, s.clone());
        v.days_off = off.iter().map(|n| Date(Date::at(case.1, &z).0 + n)).collect();
        for (i, open) in expected.iter().enumerate().step_by(5) {
            let t = Timestamp(case.1.0 + i as u64 * 60);
            let on_day_off = v.days_off.contains(&Date::at(t, &z));
            let opens = matches!(v.state_at(t, &z), Moment::Open { .. });
            prop_assert_eq!(opens, *open && !on_day_off, "day off at {:?}", z.to_local(t));
            prop_assert_eq!(s.is_open(t, &z), *open, "at {:?}", z.to_local(t));
            let change = expected[i..].iter().position(|o| o != open);
            if let Some(n) = change {
                prop_assert_eq!(s.next_change(t, &z), Some((Timestamp(t.0 + n as u64 * 60), !open)));
            }
        }
    }
}
