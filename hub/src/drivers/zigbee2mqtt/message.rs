//! What zigbee2mqtt publishes, read leniently: a field that is not as expected counts as absent. Nothing here has a
//! `Debug` that could show a PIN.

use super::models::Model;
use crate::core::lock::{Bolt, Reading};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::SlotContent;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
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

/// A device in `bridge/devices`.
#[derive(Deserialize)]
struct DeviceFile {
    ieee_address: String,
    friendly_name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    supported: bool,
    interview_state: Option<String>,
    interview_completed: Option<bool>,
    definition: Option<DefinitionFile>,
    #[serde(default)]
    endpoints: BTreeMap<String, EndpointFile>,
}

#[derive(Deserialize)]
struct DefinitionFile {
    #[serde(default)]
    model: String,
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    exposes: Vec<ExposeFile>,
}

#[derive(Deserialize)]
struct ExposeFile {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    property: String,
}

#[derive(Deserialize)]
struct EndpointFile {
    clusters: ClustersFile,
}

#[derive(Deserialize)]
struct ClustersFile {
    #[serde(default)]
    input: Vec<String>,
}

/// A lock that takes PINs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) ieee: String,
    pub(super) name: String,
    pub(super) model: Model,
    /// Whether it tells whose PIN opened it.
    pub(super) tells_uses: bool,
}

/// What `bridge/devices` says.
pub(super) struct Devices {
    /// The locks that take PINs.
    pub(super) locks: Vec<Listed>,
    /// Every address there is, also of devices that are still being asked what they are.
    pub(super) all: Vec<String>,
}

impl Devices {
    /// `None` if it is none: a real list has the coordinator in it.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let files: Vec<DeviceFile> = serde_json::from_slice(json).ok()?;
        if !files.iter().any(|device| device.kind == "Coordinator") {
            return None;
        }
        let locks = files.iter().filter_map(DeviceFile::lock).collect();
        Some(Self { locks, all: files.into_iter().map(|device| device.ieee_address).collect() })
    }
}

impl DeviceFile {
    fn lock(&self) -> Option<Listed> {
        let definition = self.definition.as_ref()?;
        let known = match &self.interview_state {
            Some(state) => state == "SUCCESSFUL",
            None => self.interview_completed == Some(true),
        };
        let exposes = |property: &str| definition.exposes.iter().any(|one| one.property == property);
        let takes_pins =
            definition.exposes.iter().any(|one| one.kind == "composite" && one.property == "pin_code");
        let speaks =
            self.endpoints.values().any(|one| one.clusters.input.iter().any(|name| name == super::CLUSTER));
        if !(known && self.supported && !self.disabled && takes_pins && speaks) {
            return None;
        }
        Some(Listed {
            ieee: self.ieee_address.clone(),
            name: self.friendly_name.clone(),
            model: Model::of(&definition.vendor, &definition.model),
            tells_uses: exposes("action_user") || exposes("last_unlock_user"),
        })
    }
}

/// What `bridge/info` says of how devices are set up.
#[derive(Deserialize)]
pub(super) struct Info {
    config: ConfigFile,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    device_options: Options,
    #[serde(default)]
    devices: BTreeMap<String, Options>,
}

/// Options of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) expose_pin: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) filtered_cache: Option<Vec<String>>,
}

impl Info {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// What holds for one device.
    pub(super) fn options(&self, ieee: &str) -> Options {
        let common = &self.config.device_options;
        let own = self.config.devices.get(ieee);
        Options {
            expose_pin: own.and_then(|own| own.expose_pin).or(common.expose_pin),
            filtered_cache: own
                .and_then(|own| own.filtered_cache.clone())
                .or_else(|| common.filtered_cache.clone()),
        }
    }
}

/// An answer to a request that was made of the bridge.
#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) status: String,
    pub(super) transaction: Option<Value>,
    #[serde(default)]
    pub(super) data: ResponseData,
}

/// What of it counts here.
#[derive(Deserialize, Default)]
pub(super) struct ResponseData {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<String>,
}

/// Something that happened in the network.
#[derive(Deserialize)]
pub(super) struct BridgeEvent {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) data: EventData,
}

/// To which device.
#[derive(Deserialize, Default)]
pub(super) struct EventData {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) ieee_address: Option<String>,
}

/// Whether `{"state": "online"}`, or the bare word of older versions, is said.
pub(super) fn online(payload: &[u8]) -> Option<bool> {
    #[derive(Deserialize)]
    struct StateFile {
        state: String,
    }
    let file: Option<StateFile> = serde_json::from_slice(payload).ok();
    match file.as_ref().map_or(payload, |file| file.state.as_bytes()) {
        b"online" => Some(true),
        b"offline" => Some(false),
        _ => None,
    }
}

/// The text of an error that zigbee2mqtt logs. It may quote what was sent to it.
pub(super) fn logged_error(payload: &[u8]) -> Option<Zeroizing<String>> {
    #[derive(Deserialize)]
    struct LogFile {
        level: String,
        message: String,
    }
    // Most of what is logged is no error, and long.
    let looks_like_one = payload.windows(7).any(|window| window == b"\"error\"");
    let log: LogFile = looks_like_one.then(|| serde_json::from_slice(payload).ok()).flatten()?;
    let message = Zeroizing::new(log.message);
    (log.level == "error").then_some(message)
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

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
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

    #[test]
    fn lists_without_a_coordinator_are_none() {
        assert!(Devices::parse(b"[]").is_none() && Devices::parse(b"").is_none());
        let real = br#"[{"ieee_address":"0x01","friendly_name":"Coordinator","type":"Coordinator"}]"#;
        assert!(Devices::parse(real).is_some_and(|list| list.locks.is_empty() && list.all == ["0x01"]));
    }

    #[test]
    fn options_of_a_device_go_before_those_of_all() {
        let json = r#"{"config":{"device_options":{"expose_pin":true,"filtered_cache":["a"]},
            "devices":{"0x01":{"expose_pin":false},"0x02":{"filtered_cache":["b"]}}}}"#;
        let info = Info::parse(json.as_bytes()).unwrap();
        let options = |ieee| info.options(ieee);
        assert_eq!((options("0x01").expose_pin, options("0x02").expose_pin), (Some(false), Some(true)));
        assert_eq!(options("0x01").filtered_cache.unwrap(), ["a"]);
        assert_eq!(options("0x02").filtered_cache.unwrap(), ["b"]);
    }

    #[test]
    fn only_errors_of_the_log_are_read() {
        assert!(logged_error(br#"{"level":"info","message":"an \"error\""}"#).is_none());
        assert_eq!(logged_error(br#"{"level":"error","message":"m"}"#).unwrap().as_str(), "m");
        assert_eq!(
            (online(b"offline"), online(br#"{"state":"online"}"#), online(b"")),
            (Some(false), Some(true), None)
        );
    }
}
