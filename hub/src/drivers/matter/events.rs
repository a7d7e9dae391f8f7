//! What locks tell by themselves: events of the door lock's cluster, and attributes that changed.

use super::memory::{Memory, Place};
use super::node::{bolt, percent};
use crate::core::lock::{Bolt, Happening, Link};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// AlarmCodeEnum.
const ALARM_JAMMED: u64 = 0;
const ALARM_FACTORY_RESET: u64 = 1;
const ALARM_POWER_CYCLED: u64 = 3;
/// Too many wrong PINs, the cover taken off, the door forced.
const ALARMS_TAMPER: [u64; 3] = [4, 5, 6];
/// LockOperationTypeEnum: the door was unlocked. Locks that pull the latch too say so with another one besides.
const UNLOCK: u64 = 1;
/// OperationSourceEnum.
const KEYPAD: u64 = 3;
const REMOTE: u64 = 7;
/// OperationErrorEnum: unknown, switched off, or outside its hours.
const NOT_LET_IN: [u64; 3] = [1, 2, 3];
/// LockDataTypeEnum.
const DATA_USER: u64 = 2;
const DATA_PIN: u64 = 6;
const DATA_SCHEDULES: [u64; 2] = [3, 4];
/// DataOperationTypeEnum.
const ADD: u64 = 0;
const CLEAR: u64 = 1;
/// CredentialTypeEnum.
const PIN: u64 = 1;
/// An index that means all of them.
const ALL: u64 = 0xfffe;
/// TimestampType: by the wall clock, in milliseconds since 1970.
const BY_THE_CLOCK: u64 = 1;

/// An event of a node.
#[derive(Deserialize)]
pub(super) struct NodeEvent {
    pub(super) node_id: u64,
    pub(super) endpoint_id: u16,
    pub(super) cluster_id: u32,
    event_id: u32,
    /// Its place among the node's events.
    pub(super) event_number: u64,
    timestamp: u64,
    timestamp_type: u64,
    data: Option<Value>,
}

/// What an event comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// This.
    Says(Happening),
    /// The PIN of this user opened the door.
    OpenedBy(u16),
    /// Somebody changed this user's record, or its PIN.
    Changed(u16),
}

impl NodeEvent {
    /// When it happened, if the lock keeps the time.
    pub(super) fn at(&self) -> Option<Timestamp> {
        (self.timestamp_type == BY_THE_CLOCK).then_some(Timestamp(self.timestamp / 1_000))
    }

    /// What it means for the lock that `memory` is of; `None`: nothing.
    pub(super) fn means(&self, memory: &Memory) -> Option<Meaning> {
        let data = self.data.as_ref()?;
        match self.event_id {
            0 => alarm(number(data, "alarmCode")?).map(Meaning::Says),
            2 if number(data, "lockOperationType") == Some(UNLOCK) => opened(data),
            3 if NOT_LET_IN.contains(&number(data, "operationError")?) => {
                (number(data, "operationSource") == Some(KEYPAD)).then_some(Meaning::Says(Happening::Refused))
            }
            4 => changed(data, memory),
            _ => None,
        }
    }
}

fn number(data: &Value, key: &str) -> Option<u64> {
    data.get(key)?.as_u64()
}

fn slot(index: u64) -> Option<SlotNo> {
    u16::try_from(index).ok().filter(|index| *index > 0).map(SlotNo)
}

fn alarm(code: u64) -> Option<Happening> {
    match code {
        ALARM_JAMMED => Some(Happening::Bolt(Bolt::Jammed)),
        ALARM_FACTORY_RESET => Some(Happening::ChangedAll),
        ALARM_POWER_CYCLED => Some(Happening::Seen),
        code if ALARMS_TAMPER.contains(&code) => Some(Happening::Tampered),
        _ => None,
    }
}

/// By the PIN that was used, else by whose it was: only a keypad's user has typed one.
fn opened(data: &Value) -> Option<Meaning> {
    let used = data.get("credentials").and_then(Value::as_array);
    let pin = used.into_iter().flatten().find(|c| number(c, "credentialType") == Some(PIN));
    if let Some(slot) = pin.and_then(|c| slot(number(c, "credentialIndex")?)) {
        return Some(Meaning::Says(Happening::Opened { slot }));
    }
    let user = number(data, "userIndex").filter(|_| number(data, "operationSource") == Some(KEYPAD))?;
    Some(Meaning::OpenedBy(u16::try_from(user).ok()?))
}

/// A change of users or PINs that is not the echo of the hub's own.
fn changed(data: &Value, memory: &Memory) -> Option<Meaning> {
    let (kind, user) = (number(data, "lockDataType")?, number(data, "userIndex"));
    let index = number(data, "dataIndex");
    let operation = number(data, "dataOperationType")?;
    let from_here = number(data, "operationSource") == Some(REMOTE)
        && memory.lock().fabric.is_some_and(|ours| number(data, "fabricIndex") == Some(ours));
    if user == Some(ALL) || (kind == DATA_PIN && index == Some(ALL)) {
        // Nothing here ever clears all.
        return Some(Meaning::Says(Happening::ChangedAll));
    }
    if let (DATA_PIN, Some(slot)) = (kind, index.and_then(slot)) {
        if from_here && memory.touched(Place::Slot(slot.0)) {
            return None;
        }
        memory.forget(slot);
        return Some(Meaning::Says(Happening::Changed { slot }));
    }
    // A new user has no PIN yet: when it gets one, that is told too.
    let about_users =
        kind == DATA_PIN || kind == DATA_USER && operation != ADD || DATA_SCHEDULES.contains(&kind);
    let user = user.and_then(|user| u16::try_from(user).ok()).filter(|_| about_users)?;
    if from_here && memory.touched(Place::User(user)) {
        return None;
    }
    match memory.slot_of(user) {
        Some(slot) => Some(Meaning::Says(Happening::Changed { slot })),
        // The PIN that went with it is told of by itself.
        None if operation == CLEAR => None,
        None => Some(Meaning::Changed(user)),
    }
}

/// What a changed attribute comes to for a lock at `endpoint`; `alone`: it is the node's only one.
pub(super) fn attribute(
    (at, cluster, attribute): (u16, u32, u32),
    value: &Value,
    endpoint: u16,
    alone: bool,
) -> Option<Happening> {
    let power = at == endpoint || alone;
    match (cluster, attribute) {
        (257, 0) if at == endpoint => bolt(value).map(Happening::Bolt),
        (47, 12) if power => value.as_u64().and_then(percent).map(Happening::Battery),
        (47, 14) if power && value.as_u64()? > 0 => Some(Happening::BatteryLow),
        (54, 4) => {
            value.as_i64().and_then(|dbm| i8::try_from(dbm).ok()).map(|dbm| Happening::Link(Link::Dbm(dbm)))
        }
        (57, 17) if at == endpoint => Some(if value.as_bool()? { Happening::Back } else { Happening::Away }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Described;
    use super::*;
    use serde_json::json;

    fn memory() -> Memory {
        let abilities = latchkey_shared::testing::abilities();
        Memory::new(Described { endpoint: 1, name: "A".into(), abilities, fabric: Some(1), wants_pin: false })
    }

    fn event(id: u32, data: Value, memory: &Memory) -> Option<Meaning> {
        let text = json!({
            "node_id": 1, "endpoint_id": 1, "cluster_id": 257, "event_id": id, "event_number": 9, "priority": 1,
            "timestamp": 1_795_651_434_905_u64, "timestamp_type": 1, "data": data,
        });
        let event: NodeEvent = serde_json::from_value(text).unwrap();
        assert_eq!(event.at(), Some(Timestamp(1_795_651_434)));
        event.means(memory)
    }

    fn unlock(source: u64, credentials: Value) -> Option<Meaning> {
        let data = json!({
            "lockOperationType": 1, "operationSource": source, "userIndex": 4, "fabricIndex": null,
            "sourceNode": null, "credentials": credentials,
        });
        event(2, data, &memory())
    }

    #[test]
    fn who_came_in() {
        let pin = json!([{ "credentialType": 1, "credentialIndex": 5 }]);
        let opened = Meaning::Says(Happening::Opened { slot: SlotNo(5) });
        assert_eq!(unlock(KEYPAD, pin.clone()), Some(opened));
        assert_eq!(unlock(REMOTE, pin), Some(opened), "a PIN that was said to an assistant is used too");
        assert_eq!(unlock(KEYPAD, Value::Null), Some(Meaning::OpenedBy(4)));
        assert_eq!(unlock(REMOTE, Value::Null), None);
        assert_eq!(
            unlock(9, json!([{ "credentialType": 3, "credentialIndex": 5 }])),
            None,
            "a finger is no PIN"
        );
        let error = |error: u64, source: u64| {
            event(
                3,
                json!({ "operationError": error, "operationSource": source, "lockOperationType": 1 }),
                &memory(),
            )
        };
        for why in [1, 2, 3] {
            assert_eq!(error(why, KEYPAD), Some(Meaning::Says(Happening::Refused)));
        }
        assert_eq!((error(4, KEYPAD), error(1, REMOTE)), (None, None));
    }

    fn change(
        kind: u64,
        op: u64,
        source: u64,
        fabric: Value,
        user: Value,
        index: Value,
        m: &Memory,
    ) -> Option<Meaning> {
        let data = json!({
            "lockDataType": kind, "dataOperationType": op, "operationSource": source, "userIndex": user,
            "fabricIndex": fabric, "sourceNode": null, "dataIndex": index,
        });
        event(4, data, m)
    }

    #[test]
    fn changes_by_others_are_told_and_echoes_are_not() {
        let memory = memory();
        let changed = Some(Meaning::Says(Happening::Changed { slot: SlotNo(7) }));
        let (pin, by_hand) = (DATA_PIN, KEYPAD);
        assert_eq!(change(pin, ADD, by_hand, Value::Null, json!(2), json!(7), &memory), changed);
        assert_eq!(change(DATA_USER, ADD, by_hand, Value::Null, json!(2), Value::Null, &memory), None);
        memory.touch(Place::Slot(7));
        assert_eq!(change(pin, ADD, REMOTE, json!(1), json!(2), json!(7), &memory), None, "the hub's own");
        assert_eq!(
            change(pin, 2, REMOTE, json!(3), json!(2), json!(7), &memory),
            changed,
            "another fabric's"
        );
        assert_eq!(change(pin, CLEAR, by_hand, Value::Null, json!(2), json!(7), &memory), changed);
        let other = change(pin, 2, REMOTE, json!(1), json!(2), json!(8), &memory);
        assert!(other.is_some(), "another slot");
    }

    #[test]
    fn changes_of_a_user_are_changes_of_its_slot() {
        let memory = memory();
        let modify = |m: &Memory| change(DATA_USER, 2, REMOTE, json!(3), json!(2), Value::Null, m);
        assert_eq!(modify(&memory), Some(Meaning::Changed(2)), "whose slot is not known");
        memory.goes_with(SlotNo(7), Some(2));
        assert_eq!(modify(&memory), Some(Meaning::Says(Happening::Changed { slot: SlotNo(7) })));
        let all = change(DATA_USER, CLEAR, KEYPAD, Value::Null, json!(0xfffe), Value::Null, &memory);
        assert_eq!(all, Some(Meaning::Says(Happening::ChangedAll)));
    }

    #[test]
    fn alarms_and_attributes() {
        let told = |code: u64| event(0, json!({ "alarmCode": code }), &memory());
        assert_eq!(told(0), Some(Meaning::Says(Happening::Bolt(Bolt::Jammed))));
        assert_eq!(told(5), Some(Meaning::Says(Happening::Tampered)));
        assert_eq!(told(1), Some(Meaning::Says(Happening::ChangedAll)));
        assert_eq!(told(7), None, "a door that was left open");
        let says = |path, value: Value| attribute(path, &value, 1, true);
        assert_eq!(says((1, 257, 0), json!(2)), Some(Happening::Bolt(Bolt::Unlocked)));
        assert_eq!(says((2, 257, 0), json!(2)), None);
        assert_eq!(says((0, 47, 12), json!(28)), Some(Happening::Battery(14)));
        assert_eq!(says((0, 47, 14), json!(2)), Some(Happening::BatteryLow));
        assert_eq!(says((0, 47, 14), json!(0)), None);
        assert_eq!(attribute((0, 47, 12), &json!(28), 1, false), None);
        assert_eq!(says((1, 57, 17), json!(false)), Some(Happening::Away));
    }
}
