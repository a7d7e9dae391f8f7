//! Frames as the server sends them, whole and mangled.

use super::abilities::Interview;
use super::happenings::happenings;
use super::lock::{Change, Facts, Kind, Lock};
use super::talk::CallError;
use super::wire::{Answered, Event, Node, Told, Version};
use super::{schema, user_code};
use crate::core::lock::{Bolt, Happening, Link, Reading};
use crate::drivers::Applied;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, SlotContent, SlotNo};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

const FRAMES: &str = include_str!("tests/frames.jsonl");

fn node() -> Node {
    let frame: Answered = serde_json::from_str(FRAMES.lines().nth(1).unwrap()).unwrap();
    frame.result.unwrap().state.unwrap().nodes.remove(0)
}

fn lock() -> Arc<Lock> {
    Lock::new("zwave_js/7e570001/2".into(), Facts::of(&node()).unwrap(), Interview::default())
}

/// Everything that is done with a frame, whatever it is.
fn take(lock: &Lock, text: &str) -> Vec<Happening> {
    let _ = serde_json::from_str::<Version>(text).map(|version| schema(&version));
    if let Ok(answered) = serde_json::from_str::<Answered>(text) {
        let outcome = answered.result.unwrap_or_default();
        for kind in [Kind::Code { version: 1 }, Kind::Code { version: 2 }] {
            let _ = user_code::reading(kind, &outcome.response);
        }
        for node in outcome.state.into_iter().flat_map(|state| state.nodes) {
            let _ = Facts::of(&node);
        }
    }
    match serde_json::from_str::<Told>(text) {
        Ok(Told { event: Some(Event { node_state: Some(node), .. } | Event { node: Some(node), .. }) }) => {
            let _ = Facts::of(&node);
            vec![]
        }
        Ok(Told { event: Some(event) }) => happenings(lock, &event),
        Ok(Told { event: None }) | Err(_) => vec![],
    }
}

#[test]
fn what_events_mean() {
    let lock = lock();
    let all: Vec<Happening> = FRAMES.lines().flat_map(|frame| take(&lock, frame)).collect();
    let slot = SlotNo;
    let told = [
        Happening::Opened { slot: slot(5) },
        Happening::Bolt(Bolt::Unlocked),
        Happening::Changed { slot: slot(5) },
        Happening::Changed { slot: slot(6) },
        // A duplicate is an answer to a write, and told with it.
        Happening::ChangedAll,
        Happening::Refused,
        Happening::Bolt(Bolt::Locked),
        Happening::Bolt(Bolt::Unlocked),
        Happening::Refused,
        // Reports of slots that nobody read before: only one that differs from what was remembered.
        Happening::Changed { slot: slot(5) },
        Happening::Changed { slot: slot(6) },
        Happening::Battery(14),
        Happening::Bolt(Bolt::Locked),
        Happening::Bolt(Bolt::Jammed),
        Happening::Tampered,
        Happening::BatteryLow,
        Happening::Changed { slot: slot(5) },
        Happening::Changed { slot: slot(3) },
        Happening::ChangedAll,
        Happening::Changed { slot: slot(5) },
        Happening::Seen,
        Happening::Link(Link::Dbm(-71)),
    ];
    assert_eq!(all, told);
}

#[test]
fn what_a_list_of_nodes_says() {
    let facts = Facts::of(&node()).unwrap();
    assert!(facts.kind == Kind::Code { version: 2 } && facts.supervised && facts.schedules);
    assert_eq!((facts.name.as_str(), facts.one_length), ("Front door", None));
    let with = |class: u16| -> Node {
        serde_json::from_value(json!({ "nodeId": 7, "name": " \n", "endpoints": [
            { "index": 0, "commandClasses": [{ "id": class, "version": 1 }] },
            { "index": 1, "commandClasses": [{ "id": 98, "version": 4 }, { "id": class, "version": 1 }] },
        ] }))
        .unwrap()
    };
    let second = Facts::of(&with(131)).unwrap();
    assert!(second.endpoint == 1 && second.kind == Kind::Credential && second.name == "Lock 7");
    assert!(Facts::of(&with(37)).is_none(), "a lock without codes");
    let schlage = json!({ "nodeId": 6, "deviceConfig": { "label": "BE469ZP" },
        "endpoints": [{ "index": 0, "commandClasses": [{ "id": 98 }, { "id": 99, "version": 1 }] }],
        "values": [{ "commandClass": 112, "property": 3, "value": 255, "metadata": { "label": "Beeper" } },
                   { "commandClass": 112, "property": 16, "value": 6, "metadata": { "label": "User Code PIN Length" } }] });
    let facts = Facts::of(&serde_json::from_value(schlage).unwrap()).unwrap();
    assert_eq!((facts.one_length, facts.name.as_str()), (Some(6), "BE469ZP (6)"));
}

#[test]
fn what_a_slot_holds() {
    let read = |version, answer: Value| {
        let looked = user_code::reading(Kind::Code { version }, &answer);
        looked.map(|looked| (looked.reading.content, looked.reading.enabled, looked.veiled))
    };
    let pin = |text| SlotContent::Pin(Pin::parse(text).unwrap());
    let full = json!({ "userIdStatus": 1, "userCode": "0071" });
    assert_eq!(read(1, full), Some((pin("0071"), true, false)));
    assert_eq!(
        read(1, json!({ "userIdStatus": 0, "userCode": "1234" })),
        Some((SlotContent::Empty, false, false))
    );
    for veil in [json!("******"), json!("0000"), json!(""), Value::Null] {
        let masked = json!({ "userIdStatus": 1, "userCode": veil });
        assert_eq!(read(1, masked), Some((SlotContent::Occupied, true, true)), "{veil}");
    }
    let odd = json!({ "userIdStatus": 1, "userCode": { "type": "Buffer", "data": [1, 2, 3, 4] } });
    assert_eq!(read(1, odd), Some((SlotContent::Occupied, true, false)));
    let off = json!({ "userIdStatus": 2, "userCode": "482913" });
    assert_eq!(read(2, off.clone()), Some((pin("482913"), false, false)));
    assert_eq!(read(1, off), Some((pin("482913"), true, false)), "reserved, which is not off");
    assert_eq!(read(2, Value::Null), None);
}

#[test]
fn what_errors_mean() {
    let by = |why| user_code::failed(why);
    assert_eq!(by(CallError::NoContact), Applied::Silent);
    assert_eq!(by(CallError::Silent), Applied::Silent);
    assert!(matches!(by(CallError::Invalid), Applied::Refused(_)));
}

#[test]
fn servers_of_other_ages() {
    let version = |min, max| {
        let text =
            json!({ "homeId": 1, "serverVersion": "x", "minSchemaVersion": min, "maxSchemaVersion": max });
        schema(&serde_json::from_value(text).unwrap())
    };
    assert_eq!(version(0, 50), Some(50));
    assert_eq!(version(0, 48), Some(48));
    assert_eq!(version(0, 99), Some(50));
    assert_eq!(version(0, 47), None);
    assert_eq!(version(51, 60), None);
}

#[test]
#[allow(clippy::field_reassign_with_default)]
fn the_reserved_slot_of_old_locks() {
    let mut facts = Facts::of(&node()).unwrap();
    let mut interview = Interview::default();
    interview.slots = 251;
    let able = |facts: &Facts| interview.abilities(facts, &Default::default());
    assert!(able(&facts).usable(SlotNo(251)));
    facts.kind = Kind::Code { version: 1 };
    let old: LockAbilities = able(&facts);
    assert!(!old.usable(SlotNo(251)) && old.usable(SlotNo(250)) && !old.usable(SlotNo(0)));
}

#[test]
fn echoes_are_taken_once_and_only_of_what_was_done() {
    let lock = lock();
    let slot = SlotNo(4);
    let full = Reading { content: SlotContent::Pin(Pin::parse("482913").unwrap()), enabled: true };
    let empty = Reading { content: SlotContent::Empty, enabled: false };
    let write = |read: &Reading| {
        drop(lock.changing(slot, full.clone()));
        lock.memory().read(slot, read, false);
    };
    let told = || lock.memory().take_echo(Some(slot), Change::Filled);
    write(&full);
    assert!(told() && !told());
    write(&empty);
    assert!(!told(), "it was not done: somebody did it at the lock");
    write(&full);
    assert!(!lock.memory().take_echo(Some(slot), Change::Emptied), "that was somebody at the lock");
    assert!(!told(), "and what follows is theirs too");
}

/// Every leaf of a frame replaced by something else.
fn mangled(value: &Value, with: &Value, out: &mut Vec<Value>, rebuild: &dyn Fn(Value) -> Value) {
    out.push(rebuild(with.clone()));
    match value {
        Value::Object(map) => {
            for (key, part) in map {
                mangled(part, with, out, &|new| {
                    let mut map = map.clone();
                    map.insert(key.clone(), new);
                    rebuild(Value::Object(map))
                });
            }
        }
        Value::Array(list) => {
            for (i, part) in list.iter().enumerate() {
                mangled(part, with, out, &|new| {
                    let mut list = list.clone();
                    list[i] = new;
                    rebuild(Value::Array(list))
                });
            }
        }
        _ => {}
    }
}

#[test]
fn mangled_frames_do_no_harm() {
    let lock = lock();
    let others =
        [Value::Null, json!(-1), json!(u64::MAX), json!(0.5), json!("\u{202e}x"), json!([[]]), json!({})];
    for frame in FRAMES.lines() {
        for with in &others {
            let mut all = vec![];
            mangled(&serde_json::from_str(frame).unwrap(), with, &mut all, &|new| new);
            all.iter().for_each(|frame| drop(take(&lock, &frame.to_string())));
        }
        (0..frame.len())
            .filter(|at| frame.is_char_boundary(*at))
            .for_each(|at| drop(take(&lock, &frame[..at])));
    }
}

proptest! {
    #[test]
    fn noise_does_no_harm(text in "\\PC{0,200}", at in 0usize..2000, line in 0usize..40) {
        let lock = lock();
        take(&lock, &text);
        let frame = FRAMES.lines().nth(line).unwrap_or_default();
        let at = (0..=at.min(frame.len())).rev().find(|at| frame.is_char_boundary(*at)).unwrap_or(0);
        take(&lock, &format!("{}{text}{}", &frame[..at], &frame[at..]));
    }
}
