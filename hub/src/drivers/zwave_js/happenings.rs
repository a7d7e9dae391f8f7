//! From what the server tells to what the hub is told.

use super::lock::{Change, Lock, Word};
use super::user_code::is_veil;
use super::wire::{Event, Statistics, StatisticsOrOther, cc, number};
use crate::core::lock::{Bolt, Happening, Link};
use latchkey_shared::slot::{SlotContent, SlotNo};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How often link quality and signs of life are told at most.
const SELDOM: Duration = Duration::from_secs(60);

/// What an event of a lock means.
pub(super) fn happenings(lock: &Lock, event: &Event) -> Vec<Happening> {
    let args = &event.args;
    match event.event.as_str() {
        "notification" if event.cc_id == Some(cc::NOTIFICATION) => {
            let kind = args.get("type").and_then(Value::as_u64);
            let what = args.get("event").and_then(Value::as_u64);
            let slot = args.get("parameters").and_then(slot_of);
            match (kind, what) {
                (Some(6), Some(what)) => access(lock, what, slot),
                (Some(7), Some(what)) => security(what),
                _ => vec![],
            }
        }
        "value updated" | "value added" => value(lock, args).into_iter().collect(),
        "user added" | "user modified" => user(lock, args).into_iter().collect(),
        "credential added" | "credential modified" => credential(lock, args).into_iter().collect(),
        "user deleted" | "credential deleted" => deleted(lock, args).into_iter().collect(),
        "wake up" => vec![Happening::Seen],
        "statistics updated" => match &event.statistics {
            Some(StatisticsOrOther::Node(statistics)) => quality(lock, statistics),
            Some(StatisticsOrOther::Other(_)) | None => vec![],
        },
        _ => vec![],
    }
}

/// The slot that a notification names.
fn slot_of(parameters: &Value) -> Option<SlotNo> {
    let user = parameters.get("userId").or_else(|| parameters.get("user ID"))?;
    number(user).filter(|no| *no != 0).map(SlotNo)
}

/// Notifications of the type "Access Control".
fn access(lock: &Lock, event: u64, slot: Option<SlotNo>) -> Vec<Happening> {
    let bolt = |bolt| lock.memory().news(Happening::Bolt(bolt));
    match event {
        // By hand, by radio, at the keypad, by itself, with a code by radio, with a credential.
        1 | 3 | 5 | 9 | 0x21 | 0x23 => bolt(Bolt::Locked).into_iter().collect(),
        2 | 4 => bolt(Bolt::Unlocked).into_iter().collect(),
        6 | 0x22 | 0x24 => {
            let opened = slot.map(|slot| Happening::Opened { slot });
            opened.into_iter().chain(bolt(Bolt::Unlocked)).collect()
        }
        // Not fully locked, in three ways.
        7 | 8 | 0x0a => bolt(Bolt::Jammed).into_iter().collect(),
        0x0c => {
            lock.memory().forget_slots();
            vec![Happening::ChangedAll]
        }
        0x0d => changed(lock, slot, Change::Emptied),
        0x0e => changed(lock, slot, Change::Filled),
        0x0f => {
            lock.says(Word::Duplicate);
            vec![]
        }
        // Too many wrong entries; wrong code by radio; user switched off, outside the schedule, too little, invalid.
        0x13..=0x15 | 0x2f..=0x32 => vec![Happening::Refused],
        _ => vec![],
    }
}

fn changed(lock: &Lock, slot: Option<SlotNo>, change: Change) -> Vec<Happening> {
    let echo = lock.memory().take_echo(slot, change);
    if echo {
        lock.says(Word::Changed);
        return vec![];
    }
    vec![slot.map_or(Happening::ChangedAll, |slot| Happening::Changed { slot })]
}

/// Notifications of the type "Home Security".
fn security(event: u64) -> Vec<Happening> {
    match event {
        4 => vec![Happening::Refused],
        9 => vec![Happening::Tampered],
        _ => vec![],
    }
}

/// A value that the server remembers has another content.
fn value(lock: &Lock, args: &Value) -> Option<Happening> {
    let class: u16 = number(args.get("commandClass")?)?;
    let property = args.get("property")?.as_str()?;
    let new = args.get("newValue")?;
    let what = match (class, property) {
        (cc::BATTERY, "level") => Happening::Battery(number(new).filter(|level: &u8| *level <= 100)?),
        (cc::BATTERY, "isLow") if new.as_bool() == Some(true) => Happening::BatteryLow,
        (cc::DOOR_LOCK, "currentMode") => Happening::Bolt(door_lock_bolt(new)?),
        (cc::LOCK, "locked") => Happening::Bolt(if new.as_bool()? { Bolt::Locked } else { Bolt::Unlocked }),
        (cc::NOTIFICATION, _) => state(property, args.get("propertyKey")?.as_str()?, number(new)?)?,
        (cc::USER_CODE, _) => return code_value(lock, property, args, new),
        _ => return None,
    };
    lock.memory().news(what)
}

/// Notifications that stay until they are over.
fn state(kind: &str, variable: &str, state: u64) -> Option<Happening> {
    match (kind, variable, state) {
        ("Access Control", "Lock state", 0x0b) => Some(Happening::Bolt(Bolt::Jammed)),
        // The keypad is off for a while: somebody has guessed.
        ("Access Control", "Keypad state", 0x10) => Some(Happening::Refused),
        ("Home Security", "Cover status", 3) => Some(Happening::Tampered),
        ("Power Management", "Battery maintenance status", 0x0a | 0x0b) => Some(Happening::BatteryLow),
        _ => None,
    }
}

/// Where a bolt is by Door Lock's modes.
pub(super) fn door_lock_bolt(mode: &Value) -> Option<Bolt> {
    match mode.as_u64()? {
        0xff => Some(Bolt::Locked),
        // Unsecured, from one side or for a time.
        0 | 1 | 0x10 | 0x11 | 0x20 | 0x21 => Some(Bolt::Unlocked),
        _ => None,
    }
}

/// A report of a slot came in. That of our own question says nothing new; one that nobody asked for may.
fn code_value(lock: &Lock, property: &str, args: &Value, new: &Value) -> Option<Happening> {
    let slot = number(args.get("propertyKey")?).filter(|no| *no != 0).map(SlotNo)?;
    let memory = lock.memory();
    if memory.is_busy(slot) {
        return None;
    }
    let same = match (property, memory.last(slot)) {
        ("userIdStatus", Some(last)) => (new.as_u64()? == 0) == (last.content == SlotContent::Empty),
        ("userCode", Some(last)) => same_pin(&last.content, new.as_str().unwrap_or("?")),
        // Not read since the hub was started: what the server remembered is all there is to compare with.
        ("userIdStatus" | "userCode", None) => args.get("prevValue").is_none_or(|old| old == new),
        _ => return None,
    };
    (!same).then_some(Happening::Changed { slot })
}

fn same_pin(known: &SlotContent, told: &str) -> bool {
    let veiled = is_veil(told);
    match known {
        SlotContent::Empty => told.is_empty(),
        SlotContent::Pin(pin) => told == pin.expose() || (veiled && !told.is_empty()),
        SlotContent::Occupied | SlotContent::Unknown => !told.is_empty(),
    }
}

fn user(lock: &Lock, args: &Value) -> Option<Happening> {
    let slot = number(args.get("userId")?).filter(|no| *no != 0).map(SlotNo)?;
    let memory = lock.memory();
    if memory.is_busy(slot) {
        return None;
    }
    let active = args.get("active").and_then(Value::as_bool).unwrap_or(true);
    let same =
        memory.last(slot).is_some_and(|last| last.content != SlotContent::Empty && last.enabled == active);
    (!same).then_some(Happening::Changed { slot })
}

fn credential(lock: &Lock, args: &Value) -> Option<Happening> {
    let slot = number(args.get("credentialSlot")?).filter(|no| *no != 0).map(SlotNo)?;
    let memory = lock.memory();
    if args.get("credentialType")?.as_u64() != Some(1) || memory.is_busy(slot) {
        return None;
    }
    let told = args.get("data").and_then(Value::as_str).unwrap_or("*");
    let same = memory.last(slot).is_some_and(|last| same_pin(&last.content, told));
    (!same).then_some(Happening::Changed { slot })
}

/// A user or a credential is gone. No number stands for all of them.
fn deleted(lock: &Lock, args: &Value) -> Option<Happening> {
    let kind = args.get("credentialType").map_or(Some(1), Value::as_u64);
    let no: u16 = number(args.get("credentialSlot").or_else(|| args.get("userId"))?)?;
    if no == 0 {
        lock.memory().forget_slots();
        return Some(Happening::ChangedAll);
    }
    let slot = SlotNo(no);
    let memory = lock.memory();
    let same = memory.last(slot).is_some_and(|last| last.content == SlotContent::Empty);
    (kind == Some(1) && !same && !memory.is_busy(slot)).then_some(Happening::Changed { slot })
}

fn quality(lock: &Lock, statistics: &Statistics) -> Vec<Happening> {
    let mut memory = lock.memory();
    let mut due = |what| {
        let now = Instant::now();
        let due = memory.told.get(what).is_none_or(|last| now.duration_since(*last) >= SELDOM);
        if due {
            memory.told.insert(what, now);
        }
        due
    };
    let seen = due("seen").then_some(Happening::Seen);
    let rssi = dbm(statistics).filter(|_| due("link"));
    let link = rssi.and_then(|dbm| memory.news(Happening::Link(Link::Dbm(dbm))));
    seen.into_iter().chain(link).collect()
}

/// The signal strength, where it was measured.
pub(super) fn dbm(statistics: &Statistics) -> Option<i8> {
    let rssi = statistics.rssi.filter(|rssi| (-128.0..0.0).contains(rssi))?;
    Some(rssi.round() as i8)
}
