//! Locks with the User Credential command class: the PIN of slot n is credential n of user n. A user is Latchkey's if
//! it bears the name that Latchkey gives; anybody else's makes the slot taken.

use super::talk::{CallError, Talk};
use super::user_code::{Looked, content, failed};
use crate::core::lock::{Reading, Refusal};
use crate::drivers::Applied;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{SlotContent, SlotNo};
use serde_json::{Value, json};

/// Credentials that are PINs.
const PIN: u8 = 1;

/// What a user or a credential came to.
mod outcome {
    pub(super) const OK: u64 = 0;
    pub(super) const OCCUPIED: u64 = 1;
    pub(super) const EMPTY: u64 = 2;
    pub(super) const DUPLICATE: u64 = 3;
    pub(super) const SECURITY_RULES: u64 = 4;
    pub(super) const ADMIN_DUPLICATE: u64 = 5;
}

fn name(slot: SlotNo) -> String {
    format!("Latchkey {}", slot.0)
}

/// Whether there is a user at all: one that does not exist is answered as inactive and without a name.
fn exists(user: &Value) -> bool {
    let named = user.get("userName").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    named || user.get("active").and_then(Value::as_bool) == Some(true)
}

fn is_ours(user: &Value, slot: SlotNo) -> bool {
    user.get("userName").and_then(Value::as_str) == Some(&name(slot))
}

/// Reads one slot, from the lock: its credential, and the user's state where there is one.
pub(super) async fn read(talk: &Talk, slot: SlotNo) -> Option<Looked> {
    let which = json!({ "credentialType": PIN, "credentialSlot": slot.0 });
    let credential = talk.access("get_credential", which).await.ok()?.credential;
    let owner = credential.get("userId")?.as_u64()?;
    if owner != 0 {
        let user = talk.access("get_user", json!({ "userId": owner })).await.ok()?.user;
        let enabled = user.get("active")?.as_bool()?;
        // A PIN of somebody else's user is nobody's to judge.
        let known = owner == u64::from(slot.0);
        let (content, veiled) = content(credential.get("data").unwrap_or(&Value::Null));
        let content = if known { content } else { SlotContent::Occupied };
        return Some(Looked { reading: Reading { content, enabled }, veiled });
    }
    // A user without a PIN, such as one with a fingerprint, takes the slot too. Where the server remembers none, the
    // lock need not be asked: it has to tell of every user that comes.
    let theirs = |user: &Value| exists(user) && !is_ours(user, slot);
    let which = json!({ "userId": slot.0 });
    let remembered = talk.access("get_user_cached", which.clone()).await.ok()?.user;
    let taken = theirs(&remembered) && theirs(&talk.access("get_user", which).await.ok()?.user);
    let content = if taken { SlotContent::Occupied } else { SlotContent::Empty };
    Some(Looked { reading: Reading { content, enabled: taken }, veiled: false })
}

/// Makes a user with a PIN. What a failed attempt leaves behind is cleaned up.
pub(super) async fn write(talk: &Talk, slot: SlotNo, pin: &Pin) -> Applied {
    let mut first = true;
    loop {
        let (user, credential) = match add(talk, slot, pin).await {
            Ok(added) => added,
            Err(why) => return failed(why),
        };
        match (user, credential) {
            (Some(outcome::OK), Some(outcome::OK)) => return Applied::Acknowledged,
            (Some(outcome::OK), credential) => return clean_up(talk, slot, pin, credential).await,
            // Of an attempt that was interrupted, if it is ours; then once more.
            (Some(outcome::OCCUPIED), _) if first && remove_own(talk, slot).await => first = false,
            (Some(outcome::OCCUPIED | outcome::EMPTY), _) => return Applied::Refused(Refusal::NotDone),
            _ => return Applied::Silent,
        }
    }
}

async fn add(talk: &Talk, slot: SlotNo, pin: &Pin) -> Result<(Option<u64>, Option<u64>), CallError> {
    let body = json!({
        "userId": slot.0,
        "options": { "active": true, "userType": 0, "userName": name(slot) },
        "credential": { "credentialType": PIN, "credentialSlot": slot.0, "data": pin.expose() },
    });
    let result = talk.access("add_user", body).await?.result;
    let part = |key| result.get(key).and_then(Value::as_u64);
    Ok((part("user"), part("credential")))
}

/// The user was made and its PIN was not, or that is not known.
async fn clean_up(talk: &Talk, slot: SlotNo, pin: &Pin, credential: Option<u64>) -> Applied {
    let unclear = !matches!(credential, Some(outcome::OCCUPIED..=outcome::ADMIN_DUPLICATE));
    if unclear {
        let there = read(talk, slot).await;
        match there.map(|there| there.reading.content) {
            Some(SlotContent::Empty) => {}
            Some(SlotContent::Pin(found)) if found == *pin => return Applied::Acknowledged,
            Some(_) | None => return Applied::Silent,
        }
    }
    let _ = talk.access("delete_user", json!({ "userId": slot.0 })).await;
    match credential {
        Some(outcome::DUPLICATE | outcome::ADMIN_DUPLICATE) => Applied::Refused(Refusal::Duplicate),
        Some(outcome::SECURITY_RULES) => Applied::Refused(Refusal::BadPin),
        _ => Applied::Refused(Refusal::NotDone),
    }
}

/// Removes a user that Latchkey made and that has no PIN; whether it did.
async fn remove_own(talk: &Talk, slot: SlotNo) -> bool {
    let Ok(found) = talk.access("get_user", json!({ "userId": slot.0 })).await else { return false };
    let empty =
        || async { read(talk, slot).await.is_some_and(|there| there.reading.content == SlotContent::Empty) };
    is_ours(&found.user, slot) && empty().await && clear(talk, slot).await == Applied::Acknowledged
}

/// Removes the user with the PIN.
pub(super) async fn clear(talk: &Talk, slot: SlotNo) -> Applied {
    match talk.access("delete_user", json!({ "userId": slot.0 })).await {
        Ok(done) => by_result(&done.result),
        Err(why) => failed(why),
    }
}

/// Lets the user in or not; the PIN stays.
pub(super) async fn set_enabled(talk: &Talk, slot: SlotNo, enabled: bool) -> Applied {
    match talk.access("set_user", json!({ "userId": slot.0, "options": { "active": enabled } })).await {
        Ok(done) => by_result(&done.result),
        Err(why) => failed(why),
    }
}

fn by_result(result: &Value) -> Applied {
    match result.as_u64() {
        Some(outcome::OK) => Applied::Acknowledged,
        Some(outcome::OCCUPIED..=outcome::ADMIN_DUPLICATE) => Applied::Refused(Refusal::NotDone),
        _ => Applied::Silent,
    }
}
