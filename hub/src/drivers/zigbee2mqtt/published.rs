//! What zigbee2mqtt publishes of itself: its devices, how they are set up, what happens to them.

use super::message::lenient;
use super::models::Model;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

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

#[cfg(test)]
mod tests {
    use super::*;

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
