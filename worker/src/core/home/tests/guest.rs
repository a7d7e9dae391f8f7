//! What a guest is told of a code that is more than from and to.

use super::*;
use latchkey_shared::schedule::{Buffers, Date, Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::time::Weekday;

#[test]
fn a_guest_is_told_hours_with_buffers_days_off_uses_and_stays() {
    let mut case = Case::new(16);
    let (grant, secret) = case.shared_code();
    let (id, auth) = (secret.id(), secret.auth());
    let see =
        |case: &Case| seen(case.home.link_status(&id, &auth, Some(&FixedZone::UTC), NOW).unwrap().to_json());
    let plain = see(&case);
    for name in ["week", "days_off", "stay", "uses_left"] {
        assert_eq!(plain.get(name), None, "{name}");
    }
    assert_eq!(plain["schedule_text"], "");
    let day = Date::at(Timestamp(NOW), &FixedZone::UTC);
    let tuesday = WeeklyWindow {
        days: Days::of(&[Weekday::Tue]),
        from: MinuteOfDay::hm(9, 0).unwrap(),
        to: MinuteOfDay::hm(12, 0).unwrap(),
    };
    let next = Grant {
        rev: 2,
        schedule: Schedule::Weekly(vec![tuesday]),
        buffers: Some(Buffers { before: 15, after: 30 }),
        days_off: vec![day, Date(day.0 + 900)],
        stay: Some(Seconds::hours(2)),
        uses: Some(5),
        suspended: true,
        ..grant.clone()
    };
    case.put(next.clone(), vec![]).unwrap();
    let status = see(&case);
    assert_eq!(status["week"], serde_json::json!([[1440 + 525, 1440 + 750]]));
    assert_eq!(status["days_off"], serde_json::json!([day.to_string()]), "only those of its term");
    assert_eq!((&status["stay"], &status["uses_left"]), (&7200.into(), &5.into()));
    assert_eq!(status["expires"], next.end().unwrap().0);
    let text = status["schedule_text"].as_str().unwrap();
    assert!(text.starts_with("Tuesdays 08:45–12:30, from ") && text.contains("not on"), "{text}");
    assert!(!text.contains("paused") && !text.contains("first use"), "{text}");
    let first_used = Some(Timestamp(NOW - 600));
    let used = CodeReport { uses: 2, first_used, last_used: first_used, ..on_lock(&next) };
    case.push(vec![case.report(1, vec![used])], vec![]).unwrap();
    let status = see(&case);
    assert_eq!((status.get("stay"), &status["uses_left"]), (None, &3.into()));
    assert_eq!(status["expires"], NOW - 600 + 7200, "the stay has begun");
}
