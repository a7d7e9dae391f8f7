//! The clock of a node, which the terms of its lock go by (Matter core, 11.17: Time Synchronization). It is looked at
//! before every term, and set where it is wrong and lets itself be set: the time, the zone, and when summer time begins
//! and ends. What counts is what it shows afterwards.

use super::term::EPOCH;
use super::wire::{Failure, LockWire};
use latchkey_shared::time::{Local, Seconds, Timestamp};
use latchkey_shared::zone::{TzZone, Zone};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Time Synchronization.
pub(super) const CLUSTER: u32 = 56;
/// By how much a lock's clock may be wrong, in seconds.
const TOLERANCE: u64 = 120;
/// GranularityEnum: to the second.
const SECONDS: u8 = 2;
/// TimeSourceEnum: an administrator.
const ADMIN: u8 = 2;
/// How far ahead changes of the clocks are looked for, in hours: every zone has either one in a year or none.
const AHEAD: u32 = 400 * 24;

/// Whether the node's clock shows the time that it is, if need be after it was set.
pub(super) async fn put_right(wire: &LockWire, now: Timestamp, zone: &TzZone) -> Result<bool, Failure> {
    if shows(wire, now, zone).await? {
        return Ok(true);
    }
    match set(wire, now, zone).await {
        Ok(()) => {}
        Err(Failure::Silent) => return Err(Failure::Silent),
        // It cannot be set, or not by an administrator of this fabric.
        Err(Failure::Status(..)) => return Ok(false),
    }
    let right = shows(wire, now, zone).await?;
    tracing::info!(node = wire.node, right, "the clock of a Matter lock was wrong and was set");
    Ok(right)
}

async fn shows(wire: &LockWire, now: Timestamp, zone: &TzZone) -> Result<bool, Failure> {
    match wire.attribute("0/56/7").await {
        Ok(local) => Ok(local.as_u64().is_some_and(|clock| is_right(clock, now, zone))),
        Err(Failure::Silent) => Err(Failure::Silent),
        Err(Failure::Status(..)) => Ok(false),
    }
}

async fn set(wire: &LockWire, now: Timestamp, zone: &TzZone) -> Result<(), Failure> {
    let room = wire.attribute("0/56/11").await.ok().and_then(|most| most.as_u64()).unwrap_or(1);
    let (zone, changes) = rules(now, zone, usize::try_from(room).unwrap_or(1).max(1));
    // The zone first: until it is known the time is nobody's local time.
    wire.of_node::<IgnoredAny>(CLUSTER, "SetTimeZone", json!({ "timeZone": [zone] })).await?;
    wire.of_node::<IgnoredAny>(CLUSTER, "SetDSTOffset", json!({ "DSTOffset": changes })).await?;
    let time = json!({ "UTCTime": micros(now), "granularity": SECONDS, "timeSource": ADMIN });
    wire.of_node::<IgnoredAny>(CLUSTER, "SetUTCTime", time).await.map(drop)
}

/// Microseconds since 2000.
fn micros(t: Timestamp) -> u64 {
    let seconds = i64::try_from(t.0).unwrap_or(i64::MAX).saturating_sub(EPOCH);
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000)
}

/// The zone's offset without summer time, and what is to be added and until when, in at most `room` spans. The last
/// one never ends: a lock whose table has run out knows no time at all, and would let nobody in.
fn rules(now: Timestamp, zone: &TzZone, room: usize) -> (Value, Vec<Value>) {
    let hour = |n: u32| now.saturating_add(Seconds::hours(n));
    let offsets: Vec<i32> = (0..=AHEAD).map(|n| zone.offset_at(hour(n))).collect();
    let standard = offsets.iter().copied().min().unwrap_or(0);
    let mut spans = vec![(0, offsets.first().copied().unwrap_or(0))];
    for (n, (before, after)) in (1..).zip(offsets.iter().zip(offsets.iter().skip(1))) {
        if spans.len() < room && before != after {
            spans.push((micros(change(zone, hour(n - 1), hour(n))), *after));
        }
    }
    let ends = spans.iter().skip(1).map(|(start, _)| Some(*start)).chain([None]);
    let span = |((start, offset), end): (&(u64, i32), Option<u64>)| json!({ "offset": offset - standard, "validStarting": start, "validUntil": end });
    (json!({ "offset": standard, "validAt": 0 }), spans.iter().zip(ends).map(span).collect())
}

/// The first second with another offset, of those between two instants that have different ones.
fn change(zone: &TzZone, from: Timestamp, to: Timestamp) -> Timestamp {
    let (mut before, mut after) = (from.0, to.0);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if zone.offset_at(Timestamp(middle)) == zone.offset_at(from) {
            before = middle;
        } else {
            after = middle;
        }
    }
    Timestamp(after)
}

/// Whether a lock's clock, in microseconds since 2000 on the wall, shows the time that it is.
fn is_right(lock: u64, now: Timestamp, zone: &dyn Zone) -> bool {
    let lock = i64::try_from(lock / 1_000_000).unwrap_or(i64::MAX);
    let shown = Local::from_seconds(lock.saturating_add(EPOCH)).to_seconds();
    zone.to_local(now).to_seconds().abs_diff(shown) <= TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::zone::ZoneName;

    /// 2026-11-23T10:00Z.
    const NOW: Timestamp = Timestamp(1_795_428_000);

    fn zone(name: &str) -> TzZone {
        TzZone::by_name(&ZoneName::parse(name).unwrap()).unwrap()
    }

    #[test]
    fn a_wrong_clock_is_seen() {
        let berlin = zone("Europe/Berlin");
        let right = (NOW.0 + 3_600 - 946_684_800) * 1_000_000;
        assert!(is_right(right + 90_000_000, NOW, &berlin));
        assert!(!is_right(right - 3_600_000_000, NOW, &berlin), "it thinks that it is in Greenwich");
        assert!(!is_right(0, NOW, &berlin));
        assert!(!is_right(u64::MAX, NOW, &berlin));
    }

    #[test]
    fn the_rules_of_a_zone() {
        let span = |offset: i32, start: u64, end: Option<u64>| {
            let at = |t: u64| if t == 0 { 0 } else { micros(Timestamp(t)) };
            json!({ "offset": offset, "validStarting": at(start), "validUntil": end.map(at) })
        };
        // 2027-03-28T01:00Z and 2027-10-31T01:00Z.
        let (spring, autumn) = (1_806_195_600, 1_824_944_400);
        let all = vec![span(0, 0, Some(spring)), span(3_600, spring, Some(autumn)), span(0, autumn, None)];
        let (offset, spans) = rules(NOW, &zone("Europe/Berlin"), 9);
        assert_eq!((offset, spans), (json!({ "offset": 3_600, "validAt": 0 }), all));
        let short = rules(NOW, &zone("Europe/Berlin"), 2).1;
        assert_eq!(short, [span(0, 0, Some(spring)), span(3_600, spring, None)]);
        assert_eq!(rules(NOW, &zone("Europe/Berlin"), 1).1, [span(0, 0, None)]);
        let (offset, spans) = rules(NOW, &zone("Asia/Kolkata"), 9);
        assert_eq!((offset, spans), (json!({ "offset": 19_800, "validAt": 0 }), vec![span(0, 0, None)]));
        // Where it is summer now, and where the change is of half an hour.
        let (offset, spans) = rules(NOW, &zone("Australia/Lord_Howe"), 1);
        assert_eq!((offset, spans), (json!({ "offset": 37_800, "validAt": 0 }), vec![span(1_800, 0, None)]));
    }
}
