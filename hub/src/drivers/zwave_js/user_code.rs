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

/// What came of reading a slot.
pub(super) struct Looked {
    pub(super) reading: Reading,
    /// The lock hides what is in it.
    pub(super) veiled: bool,
}

/// Reads one slot, from the lock.
pub(super) async fn read(talk: &Talk, kind: Kind, slot: SlotNo) -> Option<Looked> {
    let answer = talk.invoke(cc::USER_CODE, "get", json!([slot.0])).await.ok()?;
    reading(kind, &answer)
}

/// What a report of a slot says.
pub(super) fn reading(kind: Kind, answer: &Value) -> Option<Looked> {
    let status: u8 = number(answer.get("userIdStatus")?)?;
    if status == status::EMPTY {
        let reading = Reading { content: SlotContent::Empty, enabled: false };
        return Some(Looked { reading, veiled: false });
    }
    // Version 1 knows "reserved" where version 2 knows "disabled".
    let disabled = status == status::DISABLED && kind != Kind::Code { version: 1 };
    let (content, veiled) = content(answer.get("userCode").unwrap_or(&Value::Null));
    let enabled = !disabled && status != status::MESSAGING;
    Some(Looked { reading: Reading { content, enabled }, veiled })
}

/// A PIN, unless it is veiled: nothing on some locks, asterisks on others, zeros on yet others. What is neither is
/// somebody's, of a sort that is not put on locks here.
pub(super) fn content(code: &Value) -> (SlotContent, bool) {
    let text = code.as_str();
    let veiled = code.is_null() || text.is_some_and(is_veil);
    match text.filter(|_| !veiled).map(Pin::parse) {
        Some(Ok(pin)) => (SlotContent::Pin(pin), false),
        Some(Err(_)) | None => (SlotContent::Occupied, veiled),
    }
}

/// Whether it stands for a PIN that is not shown.
pub(super) fn is_veil(text: &str) -> bool {
    text.bytes().all(|b| b == b'*') || text.bytes().all(|b| b == b'0')
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
    let facts = lock.facts();
    let (blind, tells) = {
        let memory = lock.memory();
        // That the slot is taken afterwards shows nothing if it was before.
        (memory.learned.masks && !memory.was_empty(), memory.interview.tells_changes(&facts))
    };
    let patience = if blind { WORD_OF_MASKED } else { WORD };
    match lock.word_within(if tells { patience } else { Duration::ZERO }).await {
        Some(Word::Duplicate) => Applied::Refused(Refusal::Duplicate),
        Some(Word::Changed) => Applied::Acknowledged,
        // It would have said so.
        None if blind && tells => Applied::Silent,
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
