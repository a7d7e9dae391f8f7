//! The bridge: follows what zigbee2mqtt publishes, keeps its locks, and puts questions to them.

use super::Settings;
use super::ask::{self, Ask, Failed, Reply, What};
use super::lock::{Known, Pending, Setup};
use super::message::{self, BridgeEvent, Devices, Info, Listed, Response, State};
use super::mqtt::{Connection, Heard, Message};
use super::port::LockPort;
use crate::config::Secrets;
use crate::core::Presented;
use crate::core::lock::{Bolt, Happening, Notice, Refusal};
use crate::drivers::{Applied, Attached, Uplink};
use latchkey_shared::grant::name_ok;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

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

    fn message(&mut self, message: &Message, to: &Connection) {
        let Some(topic) =
            message.topic.strip_prefix(&self.settings.base_topic).and_then(|t| t.strip_prefix('/'))
        else {
            return;
        };
        let payload = message.payload.as_slice();
        match topic {
            "bridge/state" => {
                self.online = message::online(payload).or(self.online);
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
                if let Some(text) = message::logged_error(payload) {
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
            lock.available = message::online(&message.payload).or(lock.available);
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

/// Locks come and go.
impl Bridge {
    fn devices(&mut self, devices: Devices, to: &Connection) {
        self.listed = devices.all.into_iter().collect();
        self.left.retain(|ieee| !self.listed.contains(ieee));
        for lock in self.locks.values_mut() {
            lock.is_listed = devices.locks.iter().any(|listed| listed.ieee == lock.listed.ieee);
        }
        for listed in devices.locks {
            self.found(listed, to);
        }
        self.settle(to);
        self.set_up_all(to);
        self.tell_who_is_here();
    }

    fn found(&mut self, listed: Listed, to: &Connection) {
        let ieee = listed.ieee.clone();
        match self.locks.get_mut(&ieee) {
            Some(known) if known.listed == listed => return,
            Some(known) => {
                let before = known.listed.name.clone();
                known.relist(listed.clone());
                if before != listed.name {
                    to.unsubscribe(&format!("{}/{before}", self.settings.base_topic));
                    to.unsubscribe(&format!("{}/{before}/availability", self.settings.base_topic));
                    self.listen(&listed.name, to);
                }
            }
            None => {
                self.listen(&listed.name, to);
                self.locks.insert(ieee.clone(), Known::new(listed, self.settings.expose_pin));
            }
        }
        self.present(&ieee);
    }

    fn present(&self, ieee: &str) {
        let Some(known) = self.locks.get(ieee) else { return };
        let name = &known.listed.name;
        let presented = Presented {
            key: self.key(ieee),
            name: if name_ok(name) { name.clone() } else { ieee.to_owned() },
            driver: super::NAME.to_owned(),
            pace_ms: PACE_MS,
        };
        let (asks, shared) = (self.to_ask.clone(), known.shared.clone());
        let port = Box::new(LockPort { ieee: ieee.to_owned(), shared, asks, after: None });
        self.hub.found(Attached { presented, port });
    }

    /// Somebody had a device removed, by its name or address.
    fn was_removed(&mut self, payload: &[u8], to: &Connection) {
        let response: Option<Response> = serde_json::from_slice(payload).ok();
        let Some(id) = response.filter(|r| r.status == "ok").and_then(|r| r.data.id) else { return };
        let lock = self.locks.values().find(|lock| lock.listed.ieee == id || lock.listed.name == id);
        self.left.extend(lock.map(|lock| lock.listed.ieee.clone()));
        self.settle(to);
    }

    /// A lock is gone when it was said to have left and a list of zigbee2mqtt's agrees. A list alone proves nothing:
    /// it may be empty, or of a zigbee2mqtt that starts with nothing.
    fn settle(&mut self, to: &Connection) {
        if self.online != Some(true) || self.listed.is_empty() {
            return;
        }
        for ieee in std::mem::take(&mut self.left) {
            if self.listed.contains(&ieee) {
                continue;
            }
            if let Some(known) = self.locks.remove(&ieee) {
                to.unsubscribe(&format!("{}/{}", self.settings.base_topic, known.listed.name));
                to.unsubscribe(&format!("{}/{}/availability", self.settings.base_topic, known.listed.name));
                self.hub.removed(&self.key(&ieee));
            }
        }
    }
}

/// zigbee2mqtt is set up for locks.
impl Bridge {
    fn set_up_all(&mut self, to: &Connection) {
        for ieee in self.locks.keys().cloned().collect::<Vec<_>>() {
            self.set_up(&ieee, false, to);
        }
    }

    fn set_up(&mut self, ieee: &str, last_word: bool, to: &Connection) {
        let (Some(info), Some(known)) = (&self.info, self.locks.get_mut(ieee)) else { return };
        let options = info.options(ieee);
        let expose = self.settings.expose_pin;
        if known.set_up(&options, expose, last_word) || last_word {
            known.setup = Setup::Done;
            if last_word && known.is_repeating() {
                tracing::warn!(
                    lock = ieee,
                    "zigbee2mqtt: cannot set filtered_cache; the lock counts as unreadable"
                );
            }
            self.send_pending(ieee, to);
            self.present_if_other(ieee);
            return;
        }
        if known.setup == Setup::Asked {
            return;
        }
        known.setup = Setup::Asked;
        let mut filter = options.filtered_cache.unwrap_or_default();
        filter.extend(known.never_repeated().iter().map(|one| (*one).to_owned()));
        filter.sort();
        filter.dedup();
        let mut wanted = serde_json::json!({ "filtered_cache": filter });
        if expose {
            wanted["expose_pin"] = true.into();
        }
        let request =
            serde_json::json!({ "id": ieee, "options": wanted, "transaction": self.transaction(ieee) });
        let topic = format!("{}/bridge/request/device/options", self.settings.base_topic);
        to.publish(&topic, request.to_string().into_bytes());
    }

    fn transaction(&self, ieee: &str) -> String {
        format!("{}/{ieee}", self.name)
    }

    /// zigbee2mqtt has published its options before it answers, so they are what they will be.
    fn was_set_up(&mut self, payload: &[u8], to: &Connection) {
        let response: Option<Response> = serde_json::from_slice(payload).ok();
        let transaction = response.and_then(|response| response.transaction);
        let Some(transaction) = transaction.as_ref().and_then(|value| value.as_str()) else { return };
        let lock = self.locks.keys().find(|ieee| self.transaction(ieee) == transaction).cloned();
        if let Some(ieee) = lock {
            self.set_up(&ieee, true, to);
        }
    }

    /// What can be read of the lock is not what was said of it.
    fn present_if_other(&mut self, ieee: &str) {
        if self.locks.get_mut(ieee).is_some_and(Known::is_other_than_said) {
            self.present(ieee);
        }
    }
}

/// Questions and answers.
impl Bridge {
    fn ask(&mut self, ask: Ask, to: &Connection) {
        let ieee = ask.ieee.clone();
        let Some(known) = self.locks.get_mut(&ieee).filter(|_| self.online != Some(false)) else { return };
        self.marks = self.marks.wrapping_add(1);
        let mark = format!("{}-{:08x}", self.name, self.marks);
        known.give_up();
        known.pending = Some(Pending {
            ask,
            mark,
            sent: false,
            doubted: false,
            applied: Applied::Acknowledged,
            reading: None,
        });
        if known.setup == Setup::Done {
            self.send_pending(&ieee, to);
        }
    }

    fn send_pending(&mut self, ieee: &str, to: &Connection) {
        let Some(known) = self.locks.get_mut(ieee) else { return };
        let Some(pending) = known.pending.as_mut().filter(|pending| !pending.sent) else { return };
        (pending.sent, pending.doubted) = (true, known.doubt);
        let message = pending.ask.what.message(&pending.mark, known.doubt);
        let changes = pending.ask.what.changes();
        if let Some(slot) = changes {
            known.will_change(slot, Instant::now());
        }
        if !to.publish(&format!("{}/{ieee}/set", self.settings.base_topic), message.as_bytes().to_vec()) {
            known.pending = None;
        }
    }

    /// Whether a message of the lock answers what was asked. Of slots zigbee2mqtt says only what it has just read.
    fn answer(&mut self, ieee: &str, state: &State) {
        let Some(known) = self.locks.get_mut(ieee) else { return };
        let fresh = known.freshen();
        let Some(pending) = known.pending.as_mut().filter(|pending| pending.sent) else { return };
        let read =
            pending.ask.what.reads().filter(|_| fresh).and_then(|slot| state.users.get(&slot.0.to_string()));
        let read = read.map(message::User::reading);
        if read.is_some() {
            pending.reading = read;
        }
        let attributes = state.answers.get(&ask::property(&pending.mark)).copied();
        let at_end = attributes.is_some() || !pending.doubted;
        let reading = pending.reading.clone().filter(|_| at_end);
        let reply = match &pending.ask.what {
            What::Attributes { .. } => attributes.map(Reply::Attributes),
            What::Read(_) => reading.clone().map(Reply::Reading),
            What::Change { .. } if attributes.is_some() || reading.is_some() => {
                Some(Reply::Changed(pending.applied, reading.clone()))
            }
            What::Operate(to) if state.bolt().is_some_and(|bolt| bolt == *to || bolt == Bolt::Jammed) => {
                Some(Reply::Moved)
            }
            What::Change { .. } | What::Operate(_) => None,
        };
        if attributes.is_some() {
            known.doubt = false;
        } else if reply.is_none() {
            return;
        }
        if let (Some(pending), Some(reply)) = (known.pending.take(), reply) {
            let _ = pending.ask.reply.send(reply);
        }
        if let Some(reading) = reading {
            known.was_read(&reading);
        }
        self.present_if_other(ieee);
    }

    /// zigbee2mqtt logs an error. Its text is looked at and goes nowhere.
    fn failed(&mut self, text: &str) {
        let Some(failed) = Failed::of(text) else { return };
        let about = |pending: &Pending| pending.sent && text.contains(&pending.mark);
        let lock = self.locks.values_mut().find(|lock| lock.pending.as_ref().is_some_and(about));
        let Some(known) = lock else { return };
        let Some(mut pending) = known.pending.take() else { return };
        if let (What::Change { .. }, Failed::Command { unsupported }) = (&pending.ask.what, failed) {
            // What comes after the command in the same message is still to come.
            let cannot = Applied::Refused(Refusal::Unsupported);
            pending.applied = if unsupported { cannot } else { Applied::Silent };
            known.pending = Some(pending);
            return;
        }
        known.doubt |= pending.ask.what.reads().is_some();
        let reply = match (&pending.ask.what, failed) {
            // What was read meanwhile is none: it may be an older answer.
            (What::Change { .. }, _) => Reply::Changed(pending.applied, None),
            (What::Attributes { .. }, Failed::Attributes { lacking: true }) => Reply::Lacking,
            // Nobody answers: that is what a dropped question says.
            _ => return,
        };
        let _ = pending.ask.reply.send(reply);
    }
}
