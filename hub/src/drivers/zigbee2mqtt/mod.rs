//! Zigbee locks, through Zigbee2MQTT and its broker.

mod settings;

pub use settings::Settings;
