//! The bridge: follows what zigbee2mqtt publishes, keeps its locks, and puts questions to them.

mod locks;
mod questions;
mod setup;

use super::Settings;
use super::ask::Ask;
use super::lock::Known;
use super::message::State;
use super::mqtt::{Connection, Heard, Message};
use super::published::{self, BridgeEvent, Devices, Info};
use crate::core::lock::{Happening, Notice};
use crate::drivers::Uplink;
use crate::machine::secret::Secrets;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The least time between two commands to a lock, in milliseconds.
const PACE_MS: u64 = 300;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What of the bridge is listened to. Not everything: some of it is long, and the state of other devices is not ours.
const TOPICS: [&str; 7] =
    ["state", "info", "devices", "event", "logging", "response/device/options", "response/device/remove"];

/// Everything about one zigbee2mqtt.
pub(super) struct Bridge {
    settings: Settings,
    secrets: Secrets,
    hub: Uplink,
    asks: mpsc::UnboundedReceiver<Ask>,
    to_ask: mpsc::UnboundedSender<Ask>,
    locks: BTreeMap<String, Known>,
    info: Option<Info>,
    /// Whether zigbee2mqtt says that it runs.
    online: Option<bool>,
    /// Every device of the last list.
    listed: BTreeSet<String>,
    /// Devices that were said to have left, or to have been removed.
    left: BTreeSet<String>,
    /// Names this run of the driver.
    name: String,
    marks: u32,
}

impl Bridge {
    pub(super) fn new(settings: Settings, secrets: Secrets, hub: Uplink, name: String) -> Self {
        let (to_ask, asks) = mpsc::unbounded_channel();
        Self {
            settings,
            secrets,
            hub,
            asks,
            to_ask,
            locks: BTreeMap::new(),
            info: None,
            online: None,
            listed: BTreeSet::new(),
            left: BTreeSet::new(),
            name,
            marks: 0,
        }
    }

    /// Connects again and again.
    pub(super) async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            let began = Instant::now();
            let why = match Connection::begin(&self.settings, &self.secrets, &self.name) {
                Ok(connection) => self.serve(connection).await,
                Err(why) => why,
            };
            self.online = Some(false);
            self.locks.values_mut().for_each(Known::start_over);
            self.tell_who_is_here();
            wait = if began.elapsed() > LONGEST_WAIT { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
            tracing::warn!(
                base = self.settings.base_topic,
                why,
                again_s = wait.as_secs(),
                "zigbee2mqtt: no broker"
            );
            let sleep = tokio::time::sleep(wait);
            tokio::pin!(sleep);
            // Who asks meanwhile learns at once that there is no answer.
            while let Some(_unanswered) = tokio::select! {
                () = &mut sleep => None,
                ask = self.asks.recv() => ask,
            } {}
        }
    }

    /// Until the connection ends; why it did.
    async fn serve(&mut self, mut connection: Connection) -> String {
        let mut up = false;
        loop {
            tokio::select! {
                heard = connection.next() => match heard {
                    Heard::Up => {
                        up = true;
                        self.begin(&connection);
                    }
                    Heard::Message(message) => self.message(&message, &connection),
                    Heard::Down(why) => return why,
                },
                Some(ask) = self.asks.recv() => if up {
                    self.ask(ask, &connection);
                },
            }
        }
    }

    fn begin(&mut self, to: &Connection) {
        tracing::info!(base = self.settings.base_topic, "zigbee2mqtt: connected to its broker");
        // What a broker forgets that keeps nothing, zigbee2mqtt does not say again: what it said before still holds.
        self.online = None;
        for topic in TOPICS {
            to.subscribe(&format!("{}/bridge/{topic}", self.settings.base_topic));
        }
        for lock in self.locks.values() {
            self.listen(&lock.listed.name, to);
        }
        self.set_up_all(to);
    }

    fn listen(&self, name: &str, to: &Connection) {
        to.subscribe(&format!("{}/{name}", self.settings.base_topic));
        to.subscribe(&format!("{}/{name}/availability", self.settings.base_topic));
    }

    /// Puts the questions that wait.
    pub(super) fn put_questions(&mut self, to: &Connection) {
        while let Ok(ask) = self.asks.try_recv() {
            self.ask(ask, to);
        }
    }

    pub(super) fn message(&mut self, message: &Message, to: &Connection) {
        let Some(topic) =
            message.topic.strip_prefix(&self.settings.base_topic).and_then(|t| t.strip_prefix('/'))
        else {
            return;
        };
        let payload = message.payload.as_slice();
        match topic {
            "bridge/state" => {
                self.online = published::online(payload).or(self.online);
                self.locks.values_mut().for_each(Known::may_repeat);
                self.tell_who_is_here();
                self.settle(to);
            }
            "bridge/info" => {
                self.info = Info::parse(payload).or_else(|| self.info.take());
                self.set_up_all(to);
            }
            "bridge/devices" => {
                if let Some(devices) = Devices::parse(payload) {
                    self.devices(devices, to);
                }
            }
            "bridge/event" => {
                let event: Option<BridgeEvent> = serde_json::from_slice(payload).ok();
                if let Some(event) = event.filter(|event| event.kind == "device_leave") {
                    self.left.extend(event.data.ieee_address);
                    self.settle(to);
                }
            }
            "bridge/response/device/remove" => self.was_removed(payload, to),
            "bridge/response/device/options" => self.was_set_up(payload, to),
            "bridge/logging" => {
                if let Some(text) = published::logged_error(payload) {
                    self.failed(&text);
                }
            }
            topic => self.of_a_device(topic, message),
        }
    }

    fn of_a_device(&mut self, topic: &str, message: &Message) {
        let (name, availability) = match topic.strip_suffix("/availability") {
            Some(name) if self.locks.values().any(|lock| lock.listed.name == name) => (name, true),
            _ => (topic, false),
        };
        let Some((ieee, lock)) = self.locks.iter_mut().find(|(_, lock)| lock.listed.name == name) else {
            return;
        };
        if availability {
            // An empty one says that the name is not used any more.
            lock.available = published::online(&message.payload).or(lock.available);
            return self.tell_who_is_here();
        }
        let Some(state) = State::parse(&message.payload) else { return };
        let news = lock.happenings(&state, !message.retained, Instant::now());
        let ieee = ieee.clone();
        if !message.retained {
            self.answer(&ieee, &state);
        }
        for what in news {
            self.says(&ieee, what);
        }
    }

    fn says(&self, ieee: &str, what: Happening) {
        self.hub.says(&self.key(ieee), Notice { journal: None, at: None, what });
    }

    fn key(&self, ieee: &str) -> String {
        format!("{}/{}/{ieee}", super::NAME, self.settings.base_topic)
    }

    /// A lock is here while zigbee2mqtt runs, lists it, and does not say otherwise. Until the bridge has said how it
    /// is nothing is said anew.
    fn tell_who_is_here(&mut self) {
        let Some(online) = self.online else { return };
        let mut turned = vec![];
        for (ieee, lock) in &mut self.locks {
            let here = online && lock.is_listed && lock.available != Some(false);
            if !online {
                lock.give_up();
            }
            if here != lock.here {
                lock.here = here;
                turned.push((ieee.clone(), if here { Happening::Back } else { Happening::Away }));
            }
        }
        for (ieee, what) in turned {
            self.says(&ieee, what);
        }
    }
}
