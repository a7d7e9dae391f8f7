use super::*;
use crate::time::{Local, Seconds, Weekday};
use crate::wire::cbor::{from_slice, to_vec};
use crate::zone::FixedZone;

fn window(days: Days, from: (u8, u8), to: (u8, u8)) -> WeeklyWindow {
    WeeklyWindow {
        days,
        from: MinuteOfDay::hm(from.0, from.1).unwrap(),
        to: MinuteOfDay::hm(to.0, to.1).unwrap(),
    }
}

fn weekly(days: Days, from: (u8, u8), to: (u8, u8)) -> Schedule {
    Schedule::Weekly(vec![window(days, from, to)])
}

fn utc(y: i32, m: u8, d: u8, h: u8, min: u8) -> Timestamp {
    Timestamp(Local::new(y, m, d, h, min, 0).unwrap().to_seconds() as u64)
}

#[test]
fn overnight_window_opens_and_closes() {
    let s = weekly(Days::of(&[Weekday::Fri]), (22, 0), (6, 0));
    let z = &FixedZone::UTC;
    assert!(!s.is_open(utc(2026, 12, 4, 21, 59), z));
    assert!(s.is_open(utc(2026, 12, 4, 22, 0), z));
    assert!(s.is_open(utc(2026, 12, 5, 5, 59), z));
    assert!(!s.is_open(utc(2026, 12, 5, 6, 0), z));
    assert_eq!(s.next_change(utc(2026, 12, 5, 6, 0), z), Some((utc(2026, 12, 11, 22, 0), true)));
    assert_eq!(s.next_change(utc(2026, 12, 5, 0, 0), z), Some((utc(2026, 12, 5, 6, 0), false)));
}

#[test]
fn adjoining_windows_are_one() {
    let s = Schedule::Weekly(vec![
        window(Days::of(&[Weekday::Sun]), (20, 0), (0, 0)),
        window(Days::of(&[Weekday::Mon]), (0, 0), (8, 0)),
    ]);
    let span = s.current_window(utc(2026, 12, 6, 21, 0), &FixedZone::UTC).unwrap();
    assert_eq!(span, Span { start: utc(2026, 12, 6, 20, 0), end: Some(utc(2026, 12, 7, 8, 0)) });
    let always = weekly(Days::ALL, (7, 0), (7, 0));
    assert_eq!(always.next_change(utc(2026, 1, 1, 0, 0), &FixedZone::UTC), None);
    assert!(always.is_open(utc(2026, 1, 1, 0, 0), &FixedZone::UTC));
}

#[test]
fn extremes_are_answered() {
    let s = weekly(Days::of(&[Weekday::Fri]), (22, 0), (6, 0));
    for t in [Timestamp(0), Timestamp::MAX, Timestamp(u64::MAX)] {
        let _ = (s.is_open(t, &FixedZone(-43_200)), s.next_change(t, &FixedZone(50_400)));
    }
    assert!(!Schedule::Weekly(vec![]).is_open(Timestamp(0), &FixedZone::UTC));
}

#[test]
fn validation() {
    assert_eq!(Schedule::Weekly(vec![]).validate(), Err(ScheduleError::Empty));
    assert_eq!(weekly(Days::default(), (1, 0), (2, 0)).validate(), Err(ScheduleError::NoDays));
    let row = window(Days::ALL, (1, 0), (2, 0));
    assert_eq!(Schedule::Weekly(vec![row; 16]).validate(), Ok(()));
    assert_eq!(Schedule::Weekly(vec![row; 17]).validate(), Err(ScheduleError::TooManyWindows));
    let mut v = Validity::new(Timestamp(9), Some(Timestamp(9)), Schedule::Always);
    assert_eq!(v.validate(), Err(ScheduleError::EndsBeforeStart));
    v.expires = Some(Timestamp(u64::MAX));
    assert_eq!(v.validate(), Err(ScheduleError::OutOfRange));
    assert!(Days::from_bits(0x80).is_err() && MinuteOfDay::new(1440).is_err());
}

#[test]
fn wire_form() {
    let v = Validity::new(Timestamp(10), None, weekly(Days::WEEKEND, (22, 0), (6, 0)));
    let bytes = to_vec(&v.schedule);
    // [1, [[{1: 0x60, 2: 1320, 3: 360}]]]
    let expected = [0x82, 1, 0x81, 0x81, 0xa3, 1, 0x18, 0x60, 2, 0x19, 0x05, 0x28, 3, 0x19, 0x01, 0x68];
    assert_eq!(bytes, expected);
    assert_eq!(from_slice::<Schedule>(&bytes, 1024).unwrap(), v.schedule);
    assert!(from_slice::<Days>(&[0x18, 0x80], 8).is_err());
    assert!(from_slice::<MinuteOfDay>(&[0x19, 0x05, 0xa0], 8).is_err());
}

#[test]
fn validity_through_its_life() {
    let z = &FixedZone::UTC;
    let v = Validity::new(
        utc(2026, 12, 3, 0, 0),
        Some(utc(2026, 12, 15, 10, 0)),
        weekly(Days::of(&[Weekday::Tue]), (9, 0), (12, 0)),
    );
    let (first, second) = (utc(2026, 12, 8, 9, 0), utc(2026, 12, 15, 9, 0));
    assert_eq!(v.state_at(utc(2026, 12, 1, 10, 0), z), Moment::NotYet { opens: Some(first) });
    assert_eq!(v.next_transition(utc(2026, 12, 1, 10, 0), z), Some(v.not_before));
    assert_eq!(v.state_at(v.not_before, z), Moment::OutsideHours { opens: Some(first) });
    assert_eq!(v.state_at(first, z), Moment::Open { closes: Some(utc(2026, 12, 8, 12, 0)) });
    assert_eq!(v.state_at(utc(2026, 12, 8, 12, 0), z), Moment::OutsideHours { opens: Some(second) });
    assert_eq!(v.state_at(second, z), Moment::Open { closes: v.expires });
    assert_eq!(v.state_at(utc(2026, 12, 15, 10, 0), z), Moment::Over { since: utc(2026, 12, 15, 10, 0) });
    assert_eq!(v.next_transition(utc(2026, 12, 15, 10, 0), z), None);
}

#[test]
fn hours_that_never_come_are_said_so() {
    let z = &FixedZone::UTC;
    let v = Validity::new(
        utc(2026, 12, 3, 0, 0),
        Some(utc(2026, 12, 4, 0, 0)),
        weekly(Days::of(&[Weekday::Tue]), (9, 0), (12, 0)),
    );
    assert_eq!(v.state_at(Timestamp(0), z), Moment::NotYet { opens: None });
    assert_eq!(v.state_at(v.not_before, z), Moment::OutsideHours { opens: None });
    assert_eq!(v.next_transition(v.not_before, z), v.expires);
}

#[test]
fn sentences() {
    let z = &FixedZone::UTC;
    let style = &Style::default();
    let mut v = Validity::new(
        utc(2026, 12, 3, 0, 0),
        Some(utc(2027, 1, 1, 0, 0)),
        weekly(Days::of(&[Weekday::Tue]), (9, 0), (12, 0)),
    );
    assert_eq!(describe(&v, z, style), "Tuesdays 09:00–12:00, from 3 Dec to 31 Dec 2026");
    v.schedule = Schedule::Weekly(vec![
        window(Days::WORKDAYS, (22, 0), (6, 0)),
        window(Days::WEEKEND, (0, 0), (0, 0)),
    ]);
    let text = "Monday to Friday 22:00–06:00 the next day; weekends all day, from 3 Dec to 31 Dec 2026";
    assert_eq!(describe(&v, z, style), text);
    v.schedule = Schedule::Always;
    v.expires = Some(utc(2027, 1, 2, 11, 30));
    assert_eq!(describe(&v, z, style), "From 3 Dec 2026, 00:00, to 2 Jan 2027, 11:30");
    v.expires = Some(utc(2026, 12, 4, 0, 0));
    assert_eq!(describe(&v, z, style), "On 3 Dec 2026");
    v.not_before = utc(2026, 12, 3, 9, 0);
    v.expires = Some(utc(2026, 12, 3, 17, 30));
    assert_eq!(describe(&v, z, &Style { hours: HourStyle::H12 }), "On 3 Dec 2026, 9 am–5:30 pm");
    v.expires = None;
    assert_eq!(describe(&v, z, style), "From 3 Dec 2026, 09:00");
    assert_eq!(format_instant(v.not_before, z, style), "Thu 3 Dec 2026 at 09:00");
}

#[test]
fn days_off_are_said_as_far_as_they_matter() {
    let z = &FixedZone::UTC;
    let mut v = Validity::new(utc(2026, 12, 1, 0, 0), Some(utc(2027, 1, 8, 0, 0)), Schedule::Always);
    let said = |v: &Validity| {
        let text = describe(v, z, &Style::default());
        text.split_once(", not on ").map_or_else(String::new, |(_, days)| days.to_owned())
    };
    let days = |list: &[(i32, u8, u8)]| list.iter().map(|(y, m, d)| day(*y, *m, *d)).collect::<Vec<_>>();
    v.days_off = days(&[(2026, 11, 1), (2026, 12, 24), (2026, 12, 25), (2026, 12, 26), (2027, 3, 1)]);
    assert_eq!(said(&v), "24 to 26 Dec 2026", "what is outside of the term is not said");
    v.days_off = days(&[(2026, 12, 24), (2026, 12, 25), (2026, 12, 31), (2027, 1, 1), (2027, 1, 6)]);
    assert_eq!(said(&v), "24 to 25, 31 Dec 2026 to 1 and 6 Jan 2027");
    v.days_off = (0..20).map(|n| Date(day(2026, 12, 1).0 + 2 * n)).collect();
    assert_eq!(said(&v), "19 days from 1 Dec 2026 on");
    v.days_off = days(&[(2026, 11, 1)]);
    assert_eq!(said(&v), "");
}

#[test]
fn a_start_in_the_past_means_now() {
    let z = &FixedZone::UTC;
    let now = utc(2026, 12, 3, 9, 7);
    let v = |from, to| Validity::new(from, Some(to), Schedule::Always).from_now(now, z);
    assert_eq!(v(utc(2026, 12, 1, 0, 0), utc(2026, 12, 4, 0, 0)).unwrap().not_before, now);
    let later = utc(2026, 12, 3, 9, 8);
    assert_eq!(v(later, utc(2026, 12, 4, 0, 0)).unwrap().not_before, later, "minutes matter");
    assert_eq!(v(utc(2026, 12, 1, 0, 0), now), Err(ScheduleError::Past));
    assert_eq!(v(later, later), Err(ScheduleError::EndsBeforeStart));
    let mut never = Validity::new(now, Some(utc(2026, 12, 4, 0, 0)), weekly(Days::WEEKEND, (9, 0), (12, 0)));
    assert_eq!(never.clone().from_now(now, z), Err(ScheduleError::Never));
    never.schedule = Schedule::Always;
    never.days_off = vec![day(2026, 12, 3)];
    assert_eq!(never.from_now(now, z), Err(ScheduleError::Never), "its only day is a day off");
}

#[test]
fn what_comes_next_and_how_often() {
    let (z, style) = (&FixedZone::UTC, &Style::default());
    let term = Some(utc(2026, 12, 9, 0, 0));
    let mut v =
        Validity::new(utc(2026, 12, 1, 0, 0), term, weekly(Days::of(&[Weekday::Tue]), (9, 0), (12, 0)));
    let said = |v: &Validity, t| describe_next(&v.next_times(t, z), z, style);
    let some = |text: &str| Some(text.to_owned());
    let first = utc(2026, 12, 1, 8, 0);
    let opens = "opens Tue 1 Dec 2026 at 09:00, closes Tue 1 Dec 2026 at 12:00";
    assert_eq!(said(&v, first), some(opens));
    let closes = "closes Tue 1 Dec 2026 at 12:00, opens Tue 8 Dec 2026 at 09:00";
    assert_eq!(said(&v, utc(2026, 12, 1, 9, 0)), some(closes));
    assert_eq!(said(&v, utc(2026, 12, 8, 9, 0)), some("closes Tue 8 Dec 2026 at 12:00 for good"));
    assert_eq!(said(&v, utc(2026, 12, 8, 12, 0)), None);
    v.suspended = true;
    assert_eq!(said(&v, first), None);
    let always = Validity::new(utc(2026, 12, 1, 0, 0), None, Schedule::Always);
    assert_eq!(said(&always, first), some("open without an end"));
    assert_eq!(said(&always, Timestamp(0)), some("opens Tue 1 Dec 2026 at 00:00"));
    let uses: Vec<_> = [None, Some(1), Some(2), Some(9)].map(describe_uses).into_iter().flatten().collect();
    assert_eq!(uses, ["once", "up to twice", "up to 9 times"]);
}

fn day(y: i32, m: u8, d: u8) -> Date {
    Date::from_civil(y, m, d).unwrap()
}

#[test]
fn days_off_and_buffers() {
    let z = &FixedZone(3_600);
    let mut v = Validity::new(utc(2026, 12, 1, 14, 0), Some(utc(2026, 12, 31, 10, 0)), Schedule::Always);
    v.days_off = vec![day(2026, 12, 24), day(2026, 12, 25)];
    v.buffers = Buffers { before: 30, after: 15 };
    assert!(
        matches!(v.state_at(utc(2026, 12, 1, 13, 29), z), Moment::NotYet { opens: Some(t) } if t == utc(2026, 12, 1, 13, 30))
    );
    let closes = Some(utc(2026, 12, 23, 23, 0));
    assert_eq!(v.state_at(utc(2026, 12, 1, 13, 30), z), Moment::Open { closes });
    let again = utc(2026, 12, 25, 23, 0);
    assert_eq!(v.state_at(utc(2026, 12, 23, 23, 0), z), Moment::OutsideHours { opens: Some(again) });
    assert_eq!(v.state_at(again, z), Moment::Open { closes: Some(utc(2026, 12, 31, 10, 15)) });
    assert_eq!(v.state_at(utc(2026, 12, 31, 10, 15), z), Moment::Over { since: utc(2026, 12, 31, 10, 15) });
    assert_eq!(
        describe(&v, z, &Style::default()),
        "From 1 Dec, 15:00, to 31 Dec 2026, 11:00, not on 24 to 25 Dec 2026, from 30 min before until 15 min after"
    );
    // Buffers that join windows join them for good.
    v.days_off = vec![];
    v.expires = None;
    v.schedule = weekly(Days::ALL, (1, 0), (23, 0));
    v.buffers = Buffers { before: 60, after: 60 };
    assert_eq!(v.state_at(utc(2026, 12, 5, 0, 0), z), Moment::Open { closes: None });
    // A night is cut at midnight.
    v.buffers = Buffers::NONE;
    v.schedule = weekly(Days::ALL, (22, 0), (6, 0));
    v.days_off = vec![day(2026, 12, 6)];
    assert_eq!(
        v.state_at(utc(2026, 12, 5, 22, 0), z),
        Moment::Open { closes: Some(utc(2026, 12, 5, 23, 0)) }
    );
    let opens = Some(utc(2026, 12, 6, 23, 0));
    assert_eq!(v.state_at(utc(2026, 12, 6, 22, 0), z), Moment::OutsideHours { opens });
}

#[test]
fn a_stay_begins_with_the_first_use() {
    let z = &FixedZone::UTC;
    let mut v = Validity::new(utc(2026, 12, 1, 0, 0), Some(utc(2026, 12, 8, 0, 0)), Schedule::Always);
    v.stay = Some(Seconds::hours(3));
    let used = v.clone().first_used(utc(2026, 12, 2, 9, 0));
    assert_eq!(
        used.state_at(utc(2026, 12, 2, 10, 0), z),
        Moment::Open { closes: Some(utc(2026, 12, 2, 12, 0)) }
    );
    assert_eq!(used.state_at(utc(2026, 12, 2, 12, 0), z), Moment::Over { since: utc(2026, 12, 2, 12, 0) });
    let late = v.clone().first_used(utc(2026, 12, 7, 23, 0));
    assert_eq!(late.expires, v.expires);
    assert_eq!(
        describe(&v, z, &Style::default()),
        "From 1 to 7 Dec 2026; 3 hours from the first use on".replace("From 1 to", "From 1 Dec to")
    );
    v.suspended = true;
    assert_eq!(v.state_at(utc(2026, 12, 2, 0, 0), z), Moment::Suspended);
    assert_eq!(v.next_transition(utc(2026, 12, 2, 0, 0), z), v.expires);
    v.stay = Some(Seconds(0));
    assert_eq!(v.validate(), Err(ScheduleError::BadStay));
    v.stay = None;
    v.buffers.after = 241;
    assert_eq!(v.validate(), Err(ScheduleError::BadBuffers));
    v.buffers.after = 0;
    v.days_off = vec![day(2026, 12, 6), day(2026, 12, 6)];
    assert_eq!(v.validate(), Err(ScheduleError::BadDaysOff));
    assert_eq!(Date::from_civil(2026, 2, 29), None);
    assert_eq!(day(2026, 12, 24).to_string(), "2026-12-24");
}

#[cfg(feature = "tz")]
mod tz {
    use super::*;
    use crate::zone::{TzZone, Zone, ZoneName};

    fn zone(name: &str) -> TzZone {
        TzZone::by_name(&ZoneName::parse(name).unwrap()).unwrap()
    }

    fn span(s: &Schedule, t: Timestamp, z: &TzZone) -> Option<(Timestamp, Timestamp)> {
        s.current_window(t, z).map(|span| (span.start, span.end.unwrap()))
    }

    #[test]
    fn berlin_spring_night_is_an_hour_short() {
        let z = zone("Europe/Berlin");
        let night = weekly(Days::of(&[Weekday::Sat]), (22, 0), (6, 0));
        let inside = utc(2026, 3, 29, 1, 0);
        assert_eq!(span(&night, inside, &z), Some((utc(2026, 3, 28, 21, 0), utc(2026, 3, 29, 4, 0))));
        // 02:30 does not exist: the window opens at the first instant that does, 03:00.
        let early = weekly(Days::of(&[Weekday::Sun]), (2, 30), (5, 0));
        assert_eq!(span(&early, inside, &z), Some((inside, utc(2026, 3, 29, 3, 0))));
        let swallowed = weekly(Days::of(&[Weekday::Sun]), (2, 10), (2, 50));
        assert_eq!(span(&swallowed, inside, &z), None);
        assert!(!swallowed.is_open(utc(2026, 3, 29, 0, 30), &z));
    }

    #[test]
    fn berlin_autumn_opens_at_the_first_and_closes_at_the_second() {
        let z = zone("Europe/Berlin");
        let s = weekly(Days::of(&[Weekday::Sun]), (2, 15), (2, 45));
        let first = utc(2026, 10, 25, 0, 15);
        assert_eq!(span(&s, first, &z), Some((first, utc(2026, 10, 25, 1, 45))));
        // Two windows that only the repeated hour joins.
        let two = Schedule::Weekly(vec![
            window(Days::of(&[Weekday::Sun]), (1, 0), (2, 15)),
            window(Days::of(&[Weekday::Sun]), (2, 45), (4, 0)),
        ]);
        assert_eq!(span(&two, first, &z), Some((utc(2026, 10, 24, 23, 0), utc(2026, 10, 25, 3, 0))));
    }

    #[test]
    fn new_york_and_lord_howe() {
        let z = zone("America/New_York");
        let s = weekly(Days::of(&[Weekday::Sun]), (1, 30), (3, 0));
        let autumn = utc(2026, 11, 1, 5, 30);
        assert_eq!(span(&s, autumn, &z), Some((autumn, utc(2026, 11, 1, 8, 0))));
        let spring = utc(2026, 3, 8, 6, 30);
        assert_eq!(span(&s, spring, &z), Some((spring, utc(2026, 3, 8, 7, 0))));
        // Lord Howe moves its clocks by half an hour: 02:00 to 02:30 on 4 October 2026.
        let z = zone("Australia/Lord_Howe");
        let s = weekly(Days::of(&[Weekday::Sun]), (2, 10), (3, 0));
        let jump = utc(2026, 10, 3, 15, 30);
        assert_eq!(span(&s, jump, &z), Some((jump, utc(2026, 10, 3, 16, 0))));
        // In autumn they go from 02:00 back to 01:30, so that 01:30 comes twice.
        let s = weekly(Days::of(&[Weekday::Sat]), (1, 30), (1, 30));
        let saturday = utc(2026, 4, 3, 14, 30);
        assert_eq!(span(&s, saturday, &z), Some((saturday, utc(2026, 4, 4, 15, 0))));
    }

    #[test]
    fn apia_skips_a_friday() {
        let z = zone("Pacific/Apia");
        let jump = utc(2011, 12, 30, 10, 0);
        let friday = weekly(Days::of(&[Weekday::Fri]), (9, 0), (12, 0));
        let (next, _) = friday.next_change(utc(2011, 12, 29, 0, 0), &z).unwrap();
        assert_eq!(z.to_local(next), Local::new(2012, 1, 6, 9, 0, 0).unwrap());
        let night = weekly(Days::of(&[Weekday::Thu]), (22, 0), (6, 0));
        assert_eq!(span(&night, utc(2011, 12, 30, 9, 0), &z), Some((utc(2011, 12, 30, 8, 0), jump)));
    }
}
