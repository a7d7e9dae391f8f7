//! The end of a code's term, kept by the lock itself: one span of dates of the Schedule Entry Lock command class. Only
//! the end is the lock's to keep; the hub puts the PIN on when the term begins and keeps the hours within. A lock takes
//! either spans of dates or days of the week for a user, so the two cannot be had together.

use super::talk::{CallError, Talk};
use super::user_code::failed;
use super::wire::cc;
use crate::core::lock::Refusal;
use crate::drivers::Applied;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{TzZone, Zone, ZoneName};
use serde_json::{Value, json};

/// How long before its beginning the lock may take the PIN: the hub puts it on in time, and clocks of locks are off.
const LEAD_SECONDS: u64 = 86_400;
/// The last year that a lock can name.
const LAST_YEAR: i32 = 2099;

/// Gives the lock the term of a slot, and reads it back.
pub(super) async fn set(talk: &Talk, slot: SlotNo, validity: &Validity, zone: &ZoneName) -> Applied {
    let Some(zone) = TzZone::by_name(zone) else { return Applied::Refused(Refusal::Unsupported) };
    let span = span(validity, &zone);
    let answer = match change(talk, slot, span.as_ref()).await {
        // Security wanted to get in step with the lock in the same message. A short one does that; then there is room.
        Err(CallError::TooLong) => {
            let _ = read(talk, slot).await;
            change(talk, slot, span.as_ref()).await
        }
        other => other,
    };
    match answer.map(|answer| answer.get("status").and_then(Value::as_u64)) {
        Ok(Some(2)) => return Applied::Refused(Refusal::NotDone),
        Ok(Some(0xff) | None) => {}
        Ok(Some(_)) => return Applied::Silent,
        Err(why) => return failed(why),
    }
    match span {
        Some(span) => confirm(&span, read(talk, slot).await),
        // Without a span of dates the user is let in at all times once schedules are switched off for them.
        None => match talk.invoke(cc::SCHEDULE_ENTRY_LOCK, "setEnabled", json!([false, slot.0])).await {
            Ok(_) => Applied::Acknowledged,
            Err(why) => failed(why),
        },
    }
}

async fn change(talk: &Talk, slot: SlotNo, span: Option<&Value>) -> Result<Value, CallError> {
    let which = json!({ "userId": slot.0, "slotId": 1 });
    // Without a span it is erased.
    let args = span.map_or_else(|| json!([which]), |span| json!([which, span]));
    talk.invoke(cc::SCHEDULE_ENTRY_LOCK, "setYearDaySchedule", args).await
}

async fn read(talk: &Talk, slot: SlotNo) -> Result<Value, CallError> {
    talk.invoke(cc::SCHEDULE_ENTRY_LOCK, "getYearDaySchedule", json!([{ "userId": slot.0, "slotId": 1 }]))
        .await
}

/// A lock that does not answer this question does not have the span either, as far as anybody can tell.
fn confirm(wanted: &Value, read: Result<Value, CallError>) -> Applied {
    match read {
        Ok(Value::Null) | Err(_) => Applied::Silent,
        Ok(found) if found == *wanted => Applied::Kept,
        Ok(_) => Applied::Refused(Refusal::NotDone),
    }
}

/// The span of dates, by the clock on the wall; `None`: there is no end that a lock could keep.
fn span(validity: &Validity, zone: &TzZone) -> Option<Value> {
    let (start, end) = validity.term();
    let end = zone.to_local(end?);
    let start = zone.to_local(Timestamp(start.0.saturating_sub(LEAD_SECONDS)));
    if !(2000..=LAST_YEAR).contains(&end.year) || start.year < 2000 {
        return None;
    }
    Some(json!({
        "startYear": start.year - 2000, "startMonth": start.month, "startDay": start.day,
        "startHour": start.hour, "startMinute": start.minute,
        "stopYear": end.year - 2000, "stopMonth": end.month, "stopDay": end.day,
        "stopHour": end.hour, "stopMinute": end.minute,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::schedule::Schedule;

    #[test]
    fn a_term_by_the_clock_on_the_wall() {
        let berlin = TzZone::by_name(&ZoneName::parse("Europe/Berlin").unwrap()).unwrap();
        // 2027-01-15 08:00 UTC for three days.
        let from = Timestamp(1_800_000_000);
        let term = |end| Validity::new(from, end, Schedule::Always);
        let told = span(&term(Some(Timestamp(from.0 + 3 * 86_400 + 59))), &berlin).unwrap();
        let wanted = json!({
            "startYear": 27, "startMonth": 1, "startDay": 14, "startHour": 9, "startMinute": 0,
            "stopYear": 27, "stopMonth": 1, "stopDay": 18, "stopHour": 9, "stopMinute": 0,
        });
        assert_eq!(told, wanted);
        assert_eq!(span(&term(None), &berlin), None);
        assert_eq!(span(&term(Some(Timestamp(5_000_000_000))), &berlin), None, "the year 2128");
        assert_eq!(confirm(&wanted, Ok(wanted.clone())), Applied::Kept);
        assert_eq!(confirm(&wanted, Ok(Value::Null)), Applied::Silent);
        assert_eq!(confirm(&wanted, Ok(json!({}))), Applied::Refused(Refusal::NotDone));
    }
}
