//! What a Z-Wave JS server sends, as far as it concerns locks. Everything else is skipped while it is read, so that the
//! state of a large network takes no memory. None of this has `Debug`: there are PINs in it.

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Command classes.
pub(super) mod cc {
    pub(in super::super) const SCHEDULE_ENTRY_LOCK: u16 = 78;
    pub(in super::super) const DOOR_LOCK: u16 = 98;
    pub(in super::super) const USER_CODE: u16 = 99;
    pub(in super::super) const SUPERVISION: u16 = 108;
    pub(in super::super) const CONFIGURATION: u16 = 112;
    pub(in super::super) const NOTIFICATION: u16 = 113;
    pub(in super::super) const LOCK: u16 = 118;
    pub(in super::super) const BATTERY: u16 = 128;
    pub(in super::super) const USER_CREDENTIAL: u16 = 131;
}

/// A question or an order.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    #[serde(rename = "messageId")]
    pub(super) id: &'a str,
    pub(super) command: &'a str,
    #[serde(flatten)]
    pub(super) body: Value,
}

/// The first frame.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) home_id: u32,
    pub(super) server_version: String,
    pub(super) min_schema_version: u32,
    pub(super) max_schema_version: u32,
}

/// The answer to a call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered {
    pub(super) success: bool,
    #[serde(default)]
    pub(super) result: Option<Outcome>,
    #[serde(default)]
    pub(super) zwave_error_code: Option<i64>,
}

/// What a call came to; which field is there depends on the call.
#[derive(Deserialize, Default)]
pub(super) struct Outcome {
    #[serde(default)]
    pub(super) response: Value,
    #[serde(default)]
    pub(super) value: Value,
    #[serde(default)]
    pub(super) result: Value,
    #[serde(default)]
    pub(super) user: Value,
    #[serde(default)]
    pub(super) credential: Value,
    #[serde(default)]
    pub(super) capabilities: Value,
    #[serde(default)]
    pub(super) state: Option<State>,
}

/// All that the server knows.
#[derive(Deserialize)]
pub(super) struct State {
    pub(super) nodes: Vec<Node>,
}

/// A node as it is listed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) node_id: u32,
    #[serde(default)]
    pub(super) ready: bool,
    /// 0 unknown, 1 asleep, 2 awake, 3 dead, 4 alive.
    #[serde(default)]
    pub(super) status: u8,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) device_config: Option<DeviceConfig>,
    #[serde(default)]
    pub(super) endpoints: Vec<Endpoint>,
    #[serde(default, deserialize_with = "told_values")]
    pub(super) values: Vec<Known>,
    #[serde(default)]
    pub(super) statistics: Option<Statistics>,
}

/// What the server knows of the model.
#[derive(Deserialize)]
pub(super) struct DeviceConfig {
    #[serde(default)]
    pub(super) label: Option<String>,
}

/// A part of a node.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Endpoint {
    pub(super) index: u32,
    #[serde(default)]
    pub(super) command_classes: Vec<CommandClass>,
}

/// What a part of a node speaks.
#[derive(Deserialize)]
pub(super) struct CommandClass {
    pub(super) id: u16,
    #[serde(default)]
    pub(super) version: u8,
}

/// A value in the server's memory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    pub(super) command_class: u16,
    #[serde(default)]
    pub(super) value: Value,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

/// What a value is.
#[derive(Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) label: Option<String>,
}

/// How a node is heard.
#[derive(Deserialize)]
pub(super) struct Statistics {
    /// In dBm; 125 and more stand for no measurement.
    #[serde(default)]
    pub(super) rssi: Option<f64>,
}

/// Something that the server tells by itself.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    pub(super) event: Option<Event>,
}

/// What happened.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) source: String,
    pub(super) event: String,
    #[serde(default)]
    pub(super) node_id: Option<u32>,
    #[serde(default)]
    pub(super) node: Option<Node>,
    #[serde(default)]
    pub(super) node_state: Option<Node>,
    #[serde(default)]
    pub(super) cc_id: Option<u16>,
    #[serde(default)]
    pub(super) args: Value,
    #[serde(default)]
    pub(super) statistics: Option<StatisticsOrOther>,
}

/// A node's statistics, or those of something else.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StatisticsOrOther {
    Node(Statistics),
    Other(IgnoredAny),
}

/// Of all values those that set up a lock.
fn told_values<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Known>, D::Error> {
    struct Values;
    impl<'de> Visitor<'de> for Values {
        type Value = Vec<Known>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("values")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Known>, A::Error> {
            let mut kept = vec![];
            while let Some(known) = list.next_element::<Known>()? {
                if known.command_class == cc::CONFIGURATION {
                    kept.push(known);
                }
            }
            Ok(kept)
        }
    }
    from.deserialize_seq(Values)
}

/// A whole number that fits, or nothing.
pub(super) fn number<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    value.as_u64().and_then(|n| T::try_from(n).ok())
}
