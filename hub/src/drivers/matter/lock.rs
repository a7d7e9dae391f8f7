//! The commands of a lock's cluster that are about users and PINs, and what is in their answers.

use super::memory::{Memory, Place};
use super::wire::{Failure, LockWire, status};
use data_encoding::BASE64;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{OwnSchedules, SlotNo};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// CredentialTypeEnum: a PIN.
pub(super) const PIN: u8 = 1;
/// DataOperationTypeEnum.
pub(super) const ADD: u8 = 0;
pub(super) const MODIFY: u8 = 2;
/// UserStatusEnum.
pub(super) const ENABLED: u8 = 1;
pub(super) const DISABLED: u8 = 3;
/// UserTypeEnum: at any time; within year-day schedules; within schedules of any sort.
pub(super) const UNRESTRICTED: u8 = 0;
pub(super) const YEAR_DAY: u8 = 1;
pub(super) const SCHEDULED: u8 = 8;
/// Latchkey's own number in a user record that was made before its PIN; the slot is added.
pub(super) const MARK: u32 = 0x4c4b_0000;
/// The one year-day schedule of a user that is used.
pub(super) const TERM: u8 = 1;
/// A user record, as GetUser tells it. One that is free has no status.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    #[serde(rename = "userUniqueID")]
    pub(super) unique: Option<u32>,
    pub(super) user_status: Option<u8>,
    pub(super) user_type: Option<u8>,
    /// The fabric that made it; none if it was made at the lock.
    pub(super) creator_fabric_index: Option<u64>,
    pub(super) credentials: Option<Vec<Credential>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    pub(super) credential_type: u8,
    pub(super) credential_index: u16,
}

impl User {
    pub(super) fn is_there(&self) -> bool {
        self.user_status.is_some_and(|status| status != 0)
    }

    pub(super) fn enabled(&self) -> bool {
        self.user_status == Some(ENABLED)
    }

    pub(super) fn credentials(&self) -> &[Credential] {
        self.credentials.as_deref().unwrap_or_default()
    }

    pub(super) fn has(&self, slot: SlotNo) -> bool {
        self.credentials().iter().any(|c| c.credential_type == PIN && c.credential_index == slot.0)
    }

    /// Whether Latchkey made it for this slot, and it keeps nothing else.
    pub(super) fn waits_for(&self, slot: SlotNo) -> bool {
        self.is_there() && self.unique == Some(MARK | u32::from(slot.0)) && self.credentials().is_empty()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialStatus {
    pub(super) credential_exists: bool,
    pub(super) user_index: Option<u16>,
    pub(super) creator_fabric_index: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetAnswer {
    pub(super) status: u8,
    pub(super) user_index: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct YearDay {
    pub(super) status: u8,
    pub(super) local_start_time: Option<u32>,
    pub(super) local_end_time: Option<u32>,
}

/// The slot whose PIN a user has.
pub(super) async fn slot_of(wire: &LockWire, user: u16) -> Option<SlotNo> {
    let user: User = wire.command("GetUser", json!({ "userIndex": user }), false).await.ok()??;
    user.credentials().iter().find(|c| c.credential_type == PIN).map(|c| SlotNo(c.credential_index))
}

/// What names a slot's PIN.
pub(super) fn credential(slot: SlotNo) -> Value {
    json!({ "credentialType": PIN, "credentialIndex": slot.0 })
}

/// One lock: the way to it, and what is remembered of it.
#[derive(Clone)]
pub(super) struct Lock {
    pub(super) wire: LockWire,
    pub(super) memory: Memory,
}

impl Lock {
    pub(super) fn usable(&self, slot: SlotNo) -> bool {
        self.memory.lock().abilities.usable(slot)
    }

    /// A command that changes something.
    pub(super) async fn change(&self, name: &str, payload: Value, places: &[Place]) -> Result<(), Failure> {
        places.iter().for_each(|place| self.memory.touch(*place));
        let done = self.wire.command::<IgnoredAny>(name, payload, true).await;
        places.iter().for_each(|place| self.memory.touch(*place));
        done.map(drop)
    }

    pub(super) async fn get_user(&self, user: u16) -> Result<User, Failure> {
        let answer = self.wire.command("GetUser", json!({ "userIndex": user }), false).await?;
        answer.ok_or(Failure::Silent)
    }

    pub(super) async fn credential_status(&self, slot: SlotNo) -> Result<CredentialStatus, Failure> {
        let payload = json!({ "credential": credential(slot) });
        self.wire.command("GetCredentialStatus", payload, false).await?.ok_or(Failure::Silent)
    }

    /// Changes parts of a user record; what is null stays.
    pub(super) async fn modify_user(
        &self,
        user: u16,
        status: Option<u8>,
        kind: Option<u8>,
    ) -> Result<(), Failure> {
        let payload = json!({
            "operationType": MODIFY, "userIndex": user, "userName": null, "userUniqueID": null,
            "userStatus": status, "userType": kind, "credentialRule": null,
        });
        self.change("SetUser", payload, &[Place::User(user)]).await
    }

    /// The user record that goes with a slot, with or without its PIN.
    pub(super) async fn record(&self, slot: SlotNo) -> Result<Option<(u16, User)>, Failure> {
        match self.memory.user(slot) {
            Some(None) => return Ok(None),
            Some(Some(index)) => {
                let user = self.get_user(index).await?;
                if user.has(slot) || user.waits_for(slot) {
                    return Ok(Some((index, user)));
                }
            }
            None => {}
        }
        let found = match self.credential_status(slot).await?.user_index {
            Some(index) => Some((index, self.get_user(index).await?)),
            None if self.keeps_terms() || self.memory.wants_records() => {
                Some((slot.0, self.get_user(slot.0).await?)).filter(|(_, user)| user.waits_for(slot))
            }
            None => None,
        };
        self.memory.goes_with(slot, found.as_ref().map(|(index, _)| *index));
        Ok(found)
    }

    pub(super) fn keeps_terms(&self) -> bool {
        self.memory.lock().abilities.own_schedules != OwnSchedules::None
    }

    pub(super) async fn set_credential(
        &self,
        operation: u8,
        slot: SlotNo,
        pin: &Pin,
        user: Option<u16>,
    ) -> Result<SetAnswer, Failure> {
        let fresh = user.is_none();
        let payload = json!({
            "operationType": operation,
            "credential": credential(slot),
            "credentialData": BASE64.encode(pin.expose().as_bytes()),
            "userIndex": user,
            "userStatus": fresh.then_some(ENABLED),
            "userType": fresh.then_some(UNRESTRICTED),
        });
        self.memory.touch(Place::Slot(slot.0));
        user.iter().for_each(|user| self.memory.touch(Place::User(*user)));
        let answer = match self.wire.command::<SetAnswer>("SetCredential", payload, true).await {
            Ok(answer) => answer.ok_or(Failure::Silent)?,
            Err(Failure::Status(status, own)) => {
                SetAnswer { status: own.unwrap_or(status), user_index: None }
            }
            Err(Failure::Silent) => return Err(Failure::Silent),
        };
        self.memory.touch(Place::Slot(slot.0));
        user.or(answer.user_index).iter().for_each(|user| self.memory.touch(Place::User(*user)));
        Ok(answer)
    }

    /// Makes a user record before its PIN: switched off, and marked so that it is found again.
    pub(super) async fn reserve(&self, slot: SlotNo, kind: u8) -> Result<Option<u16>, Failure> {
        let payload = json!({
            "operationType": ADD, "userIndex": slot.0, "userName": format!("Latchkey {}", slot.0),
            "userUniqueID": MARK | u32::from(slot.0), "userStatus": DISABLED, "userType": kind,
            "credentialRule": 0,
        });
        match self.change("SetUser", payload, &[Place::User(slot.0)]).await {
            Ok(()) => {
                self.memory.goes_with(slot, Some(slot.0));
                Ok(Some(slot.0))
            }
            // Somebody else's record has the number.
            Err(failure) if failure.status() == Some(status::OCCUPIED) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
