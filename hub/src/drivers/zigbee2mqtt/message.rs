//! What zigbee2mqtt publishes of a lock, read leniently: a field that is not as expected counts as absent. Nothing here has a
//! `Debug` that could show a PIN.

use crate::core::lock::{Bolt, Reading};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::SlotContent;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// What the properties begin with under which zigbee2mqtt publishes what was read for this hub.
pub(super) const ANSWER: &str = "latchkey_";

/// A message of a lock: everything that zigbee2mqtt remembers of it, and in between what is new.
#[derive(Deserialize, Default)]
pub(super) struct State {
    #[serde(default)]
    pub(super) users: BTreeMap<String, User>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) action: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) action_user: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) action_source_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_unlock_user: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) last_unlock_source: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) battery: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) battery_low: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    lock_state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) door_state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) tamper: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) linkquality: Option<u8>,
    /// Attributes that were read for this hub, by property.
    #[serde(flatten, deserialize_with = "answers")]
    pub(super) answers: BTreeMap<String, Attributes>,
}

/// A user as zigbee2mqtt read it from the lock.
#[derive(Deserialize)]
pub(super) struct User {
    status: String,
    pin_code: Option<Secret>,
}

/// Text that may be a PIN.
struct Secret(Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Attributes of the lock's cluster, as read for this hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attributes {
    pub(super) lock_state: Option<u8>,
    #[serde(rename = "numOfPinUsersSupported")]
    pub(super) users: Option<u16>,
    pub(super) min_pin_len: Option<u8>,
    pub(super) max_pin_len: Option<u8>,
}

impl Attributes {
    pub(super) fn bolt(&self) -> Option<Bolt> {
        match self.lock_state? {
            0 => Some(Bolt::Jammed),
            1 => Some(Bolt::Locked),
            2 => Some(Bolt::Unlocked),
            _ => None,
        }
    }
}

impl State {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(super) fn bolt(&self) -> Option<Bolt> {
        match self.lock_state.as_deref()? {
            "locked" => Some(Bolt::Locked),
            "unlocked" => Some(Bolt::Unlocked),
            "not_fully_locked" => Some(Bolt::Jammed),
            _ => None,
        }
    }
}

impl User {
    pub(super) fn reading(&self) -> Reading {
        let content = match self.status.as_str() {
            "available" => SlotContent::Empty,
            "enabled" | "disabled" => {
                let pin = self.pin_code.as_ref().and_then(|text| Pin::parse(&text.0).ok());
                pin.map_or(SlotContent::Occupied, SlotContent::Pin)
            }
            _ => SlotContent::Unknown,
        };
        Reading { content, enabled: self.status == "enabled" }
    }
}

fn answers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Attributes>, D::Error> {
    struct Answers;
    impl<'de> Visitor<'de> for Answers {
        type Value = BTreeMap<String, Attributes>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("properties")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some(key) = map.next_key::<String>()? {
                if key.starts_with(ANSWER) {
                    found.insert(key, map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    from.deserialize_map(Answers)
}

pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Is(T),
        Else(IgnoredAny),
    }
    Ok(match Either::deserialize(from)? {
        Either::Is(value) => Some(value),
        Either::Else(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> State {
        State::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn readings() {
        let read = |user: &str| state(&format!("{{\"users\":{{\"5\":{user}}}}}")).users["5"].reading();
        let pin = |enabled| Reading { content: SlotContent::Pin(Pin::parse("004711").unwrap()), enabled };
        assert_eq!(read(r#"{"status":"enabled","pin_code":"004711"}"#), pin(true));
        assert_eq!(read(r#"{"status":"disabled","pin_code":"004711"}"#), pin(false));
        let occupied = Reading { content: SlotContent::Occupied, enabled: true };
        assert_eq!(read(r#"{"status":"enabled","pin_code":"******"}"#), occupied);
        assert_eq!(read(r#"{"status":"enabled"}"#), occupied);
        let empty = Reading { content: SlotContent::Empty, enabled: false };
        assert_eq!(read(r#"{"status":"available","pin_code":""}"#), empty);
        let unknown = Reading { content: SlotContent::Unknown, enabled: false };
        assert_eq!(read(r#"{"status":"not_supported_255","pin_code":""}"#), unknown);
    }

    #[test]
    fn what_is_not_as_expected_is_absent() {
        let odd =
            state(r#"{"action":null,"action_user":null,"battery":"?","linkquality":300,"lock_state":"x"}"#);
        assert!(odd.action.is_none() && odd.action_user.is_none() && odd.battery.is_none());
        assert!(odd.linkquality.is_none() && odd.bolt().is_none());
        let answer = state(r#"{"latchkey_m1":{"lockState":1,"maxPinLen":8},"voltage":6}"#);
        assert_eq!(answer.answers.into_keys().collect::<Vec<_>>(), ["latchkey_m1"]);
        assert!(State::parse(b"7").is_none() && State::parse(b"").is_none());
    }
}
