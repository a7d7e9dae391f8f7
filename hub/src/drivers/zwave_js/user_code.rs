//! Locks with the User Code command class: one PIN to a user, by radio one command to a change.

use super::lock::{Kind, Lock, Word};
use super::talk::{CallError, Talk};
use super::wire::{cc, number};
use crate::core::lock::{Reading, Refusal};
use crate::drivers::Applied;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{SlotContent, SlotNo};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a lock that only acknowledges by radio gets to say by itself what became of a write.
const WORD: Duration = Duration::from_millis(900);
/// The same where its slots do not show what is in them, so that its word is all there is.
const WORD_OF_MASKED: Duration = Duration::from_secs(3);

/// A user's status.
mod status {
    pub(super) const EMPTY: u8 = 0;
    pub(super) const ENABLED: u8 = 1;
    pub(super) const DISABLED: u8 = 2;
    pub(super) const MESSAGING: u8 = 3;
}

/// Reads one slot, from the lock.
pub(super) async fn read(talk: &Talk, kind: Kind, slot: SlotNo) -> Option<Reading> {
    let answer = talk.invoke(cc::USER_CODE, "get", json!([slot.0])).await.ok()?;
    reading(kind, &answer)
}

/// What a report of a slot says.
pub(super) fn reading(kind: Kind, answer: &Value) -> Option<Reading> {
    let status: u8 = number(answer.get("userIdStatus")?)?;
    if status == status::EMPTY {
        return Some(Reading { content: SlotContent::Empty, enabled: false });
    }
    // Version 1 knows "reserved" where version 2 knows "disabled".
    let disabled = status == status::DISABLED && kind != Kind::Code { version: 1 };
    let content = content(answer.get("userCode").unwrap_or(&Value::Null));
    Some(Reading { content, enabled: !disabled && status != status::MESSAGING })
}

/// A PIN, unless it is veiled: asterisks on some locks, zeros on others.
pub(super) fn content(code: &Value) -> SlotContent {
    let digits = code.as_str().filter(|text| !text.bytes().all(|b| b == b'0'));
    match digits.map(Pin::parse) {
        Some(Ok(pin)) => SlotContent::Pin(pin),
        Some(Err(_)) | None => SlotContent::Occupied,
    }
}

/// Puts a PIN into a slot.
pub(super) async fn write(talk: &Talk, lock: &Lock, slot: SlotNo, pin: &Pin, enabled: bool) -> Applied {
    let status = if enabled { status::ENABLED } else { status::DISABLED };
    change(talk, lock, "set", json!([slot.0, status, pin.expose()])).await
}

/// Empties one slot. Without the slot's number this method would empty the whole lock.
pub(super) async fn clear(talk: &Talk, lock: &Lock, slot: SlotNo) -> Applied {
    change(talk, lock, "clear", json!([slot.0])).await
}

async fn change(talk: &Talk, lock: &Lock, method: &str, args: Value) -> Applied {
    let answer = talk.invoke(cc::USER_CODE, method, args).await;
    let supervised = lock.facts().supervised;
    match answer {
        Ok(answer) if supervised || !answer.is_null() => supervision(&answer, lock).await,
        Ok(_) => unsupervised(lock).await,
        Err(why) => failed(why),
    }
}

/// What the lock reports under Supervision.
async fn supervision(answer: &Value, lock: &Lock) -> Applied {
    match answer.get("status").and_then(Value::as_u64) {
        Some(0xff) => Applied::Acknowledged,
        Some(2) => match lock.word_within(Duration::from_millis(50)).await {
            Some(Word::Duplicate) => Applied::Refused(Refusal::Duplicate),
            Some(Word::Changed) | None => Applied::Refused(Refusal::NotDone),
        },
        // Still at it, cannot be supervised after all, or no answer.
        _ => Applied::Silent,
    }
}

/// It took the radio message; whether it did it, it may say by itself.
async fn unsupervised(lock: &Lock) -> Applied {
    let (masks, tells) = {
        let memory = lock.memory();
        (memory.learned.masks, memory.interview.tells_changes(&lock.facts()))
    };
    let patience = if masks { WORD_OF_MASKED } else { WORD };
    match lock.word_within(if tells { patience } else { Duration::ZERO }).await {
        Some(Word::Duplicate) => Applied::Refused(Refusal::Duplicate),
        Some(Word::Changed) => Applied::Acknowledged,
        // It would have said so.
        None if masks && tells => Applied::Silent,
        None => Applied::Acknowledged,
    }
}

/// What a change came to that the server could not make.
pub(super) fn failed(why: CallError) -> Applied {
    match why {
        CallError::Silent | CallError::NoContact | CallError::TooLong => Applied::Silent,
        CallError::Invalid => Applied::Refused(Refusal::BadPin),
        CallError::Refused => Applied::Refused(Refusal::Unsupported),
    }
}
