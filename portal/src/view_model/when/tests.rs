use super::*;
use latchkey_shared::schedule::Moment;
use latchkey_shared::zone::{TzZone, ZoneName};

fn berlin() -> TzZone {
    TzZone::by_name(&ZoneName::parse("Europe/Berlin").unwrap()).unwrap()
}

fn instant(zone: &TzZone, day: u8, hour: u8, minute: u8) -> Timestamp {
    zone.resolve(Local::new(2026, 11, day, hour, minute, 0).unwrap()).start()
}

fn guest(now: Timestamp, zone: &TzZone, preset: Preset) -> When {
    When { preset, ..When::new(GrantKind::Guest, now, zone) }
}

#[test]
fn custom_times_are_the_homes_and_a_start_in_the_past_is_now() {
    let zone = berlin();
    let now = instant(&zone, 24, 10, 30);
    let mut when = guest(now, &zone, Preset::Custom);
    (when.from, when.to) = ("2026-11-24T09:00".into(), "2026-11-24T12:00".into());
    let validity = when.validity(now, &zone).unwrap();
    assert_eq!((validity.not_before, validity.expires), (now, Some(instant(&zone, 24, 12, 0))));
    when.to = "2026-11-24T10:00".into();
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.past");
    when.to = "2026-11-31T10:00".into();
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "time.no_such_time");
    when.to = String::new();
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "time.no_such_time");
    when.endless = true;
    assert_eq!(when.validity(now, &zone).unwrap().expires, None);
}

#[test]
fn hours_that_never_come_are_refused() {
    let zone = berlin();
    let now = instant(&zone, 24, 10, 30);
    let mut when = guest(now, &zone, Preset::Custom);
    when.with_hours = true;
    (when.from, when.to) = ("2026-11-24T11:00".into(), "2026-11-24T20:00".into());
    when.rows = vec![Row { days: Days::of(&[Weekday::Sun]), from: "09:00".into(), to: "12:00".into() }];
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.never");
    when.rows = vec![Row { days: Days::default(), from: "09:00".into(), to: "12:00".into() }];
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.no_days");
    when.with_hours = false;
    when.days_off = vec![Date::from_civil(2026, 11, 24).unwrap()];
    assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.never", "the only day is off");
}

#[test]
fn every_week_runs_through_the_last_day() {
    let zone = berlin();
    let now = instant(&zone, 24, 13, 0);
    let mut when = guest(now, &zone, Preset::Weekly);
    when.until = "2026-12-08".into();
    let validity = when.validity(now, &zone).unwrap();
    let last = zone.resolve(Local::new(2026, 12, 8, 10, 0, 0).unwrap()).start();
    assert!(matches!(validity.state_at(last, &zone), Moment::Open { .. }));
    assert!(matches!(validity.state_at(now, &zone), Moment::OutsideHours { .. }), "noon has passed");
    assert_eq!(zone.to_local(validity.expires.unwrap()), Local::new(2026, 12, 9, 0, 0, 0).unwrap());
}

#[test]
fn uses_and_stays_are_numbers_within_bounds() {
    let zone = berlin();
    let now = instant(&zone, 24, 13, 0);
    let mut when = guest(now, &zone, Preset::Tonight);
    assert_eq!(when.uses().unwrap(), None);
    when.often = Often::Once;
    assert_eq!(when.uses().unwrap(), Some(1));
    when.often = Often::Times;
    for bad in ["", "0", "1001", "x", "-1"] {
        when.times = bad.into();
        assert_eq!(when.uses().unwrap_err().code, "grant.uses", "{bad}");
    }
    when.with_stay = true;
    when.stay = "48".into();
    assert_eq!(when.validity(now, &zone).unwrap().stay, Some(Seconds::days(2)));
    for bad in ["", "0", "9000", "1.5", "99999999999"] {
        when.stay = bad.into();
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.stay", "{bad}");
    }
}

fn grant(home: &mut latchkey_shared::testing::TestHome, validity: Validity) -> Grant {
    let base = home.guest("483920", &[latchkey_shared::id::LockId([1; 16])]);
    Grant {
        kind: GrantKind::Standard,
        not_before: validity.not_before,
        expires: validity.expires,
        schedule: validity.schedule,
        days_off: validity.days_off,
        buffers: Some(validity.buffers).filter(|buffers| *buffers != Buffers::NONE),
        stay: validity.stay,
        suspended: validity.suspended,
        ..base
    }
}

#[test]
fn what_an_edit_does_not_touch_stays_to_the_second() {
    let zone = berlin();
    let now = instant(&zone, 24, 13, 0);
    let mut home = latchkey_shared::testing::TestHome::new(7);
    let night = WeeklyWindow {
        days: Days::WEEKEND,
        from: MinuteOfDay::hm(22, 0).unwrap(),
        to: MinuteOfDay::hm(6, 30).unwrap(),
    };
    let (start, end) = (Timestamp(now.0 - 12_345), Timestamp(now.0 + 9_999_999));
    let midnight = zone.resolve(Local::new(2026, 12, 9, 0, 0, 0).unwrap()).start();
    let weekly = Schedule::Weekly(vec![night]);
    let full = Validity {
        days_off: vec![Date::from_civil(2026, 12, 24).unwrap()],
        buffers: Buffers { before: 15, after: 30 },
        stay: Some(Seconds::hours(36)),
        suspended: true,
        ..Validity::new(start, Some(end), weekly.clone())
    };
    let later = Timestamp(now.0 + 777);
    for validity in [
        full,
        Validity::new(start, Some(midnight), weekly.clone()),
        Validity::new(start, None, weekly.clone()),
        Validity::new(later, None, weekly),
        Validity::new(start, None, Schedule::Always),
        Validity::new(later, Some(end), Schedule::Always),
    ] {
        let when = When::of(&grant(&mut home, validity.clone()), now, &zone);
        assert_eq!(when.validity(now, &zone).unwrap(), validity, "{:?}", when.preset);
    }
}

#[test]
fn only_guests_must_end() {
    let zone = berlin();
    let now = instant(&zone, 24, 13, 0);
    let guest = When::new(GrantKind::Guest, now, &zone);
    assert!(guest.validity(now, &zone).unwrap().expires.is_some());
    let family = guest.clone().for_kind(GrantKind::Standard);
    assert_eq!(family.validity(now, &zone).unwrap().expires, None);
    assert_eq!(family.for_kind(GrantKind::Guest).preset, Preset::Tonight);
}
