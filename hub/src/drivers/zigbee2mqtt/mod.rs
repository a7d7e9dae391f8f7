//! Zigbee locks through zigbee2mqtt and its MQTT broker. Nothing has to be installed beside them.
//!
//! Zigbee2MQTT publishes whatever it remembers of a device whenever it hears from it, so that a slot's content in a
//! message may be old. The driver therefore has it forget such readings at once (its option `filtered_cache`): then
//! only a message that brings an answer of the lock has slots in it. A setting of the person's own is kept beside it.
//! Until a message was seen after that, and wherever zigbee2mqtt does not let itself be set up, no reading counts.
//!
//! An answer of a lock does not say to which question it is. After one that was given up, late answers may come; so
//! the next question ends with an attribute, which is marked, and since a lock answers in order only the last answer
//! before it counts. What stays uncertain is a lock, or a network, that answers out of order after it was silent for
//! longer than zigbee2mqtt waits, ten seconds, and a slot that somebody else has read in the moment before it is
//! written: then an older reading passes for a new one, until the slot is read again.
//!
//! What the lock says to a write zigbee2mqtt keeps to itself: of a duplicate PIN, or of a lock that is full, it is known
//! only that the PIN did not get in. Schedules can be sent but not read, so a lock is not said to keep any.

mod ask;
mod bridge;
mod lock;
mod message;
mod models;
mod mqtt;
mod port;
mod published;
mod settings;
mod shared;

pub use settings::Settings;

use super::{Driver, Uplink};
use crate::machine::files;
use crate::machine::secret::Secrets;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// What the driver is called.
pub const NAME: &str = "zigbee2mqtt";

/// The Zigbee cluster of locks.
const CLUSTER: &str = "closuresDoorLock";

struct Zigbee2Mqtt {
    settings: Settings,
    secrets: Secrets,
    name: String,
}

/// A driver for one Zigbee2MQTT.
pub fn driver(settings: Settings, secrets: Secrets) -> Box<dyn Driver> {
    let random = files::random::<4>().unwrap_or_default();
    let name = format!("latchkey-{}", data_encoding::HEXLOWER.encode(&random));
    Box::new(Zigbee2Mqtt { settings, secrets, name })
}

/// A zigbee2mqtt whose messages are given, over a connection that goes nowhere: for what stands in for one.
pub struct Follower {
    bridge: bridge::Bridge,
    connection: mqtt::Connection,
}

impl Follower {
    /// One whose locks are told to `hub`. `name` is what its questions are marked with.
    ///
    /// # Errors
    /// What has to be put right in the settings.
    pub fn begin(settings: Settings, secrets: Secrets, hub: Uplink, name: &str) -> Result<Self, String> {
        let connection = mqtt::Connection::begin(&settings, &secrets, name)?;
        let bridge = bridge::Bridge::new(settings, secrets, hub, name.to_owned());
        Ok(Self { bridge, connection })
    }

    /// Takes a message, after the questions that locks were asked since the last one. `retained`: the broker had kept it.
    pub fn take(&mut self, topic: String, payload: Vec<u8>, retained: bool) {
        self.bridge.put_questions(&self.connection);
        self.bridge.message(&mqtt::Message { topic, payload, retained }, &self.connection);
    }
}

impl Driver for Zigbee2Mqtt {
    fn run(self: Box<Self>, hub: Uplink) -> BoxFuture<'static, ()> {
        bridge::Bridge::new(self.settings, self.secrets, hub, self.name).run().boxed()
    }
}
