//! Matter locks, through a Matter server (python-matter-server, schema 11): the one that Home Assistant runs, or one of
//! its own. Locks are brought into the server's fabric by whoever runs it; here they are found there.
//!
//! Matter shows no PIN again, only that a slot has one. So what was written stays *written, the lock cannot confirm*.

mod clock;
mod events;
mod keeping;
mod lock;
mod memory;
mod node;
mod port;
mod term;
mod wire;

pub use super::websocket::Settings;

use self::events::{Meaning, NodeEvent};
use self::lock::Lock;
use self::memory::Memory;
use self::node::{Described, Node};
use self::port::MatterPort;
use self::wire::{DOOR_LOCK, Wire};
use super::line::{self, Connection, Line, Session as _};
use super::{Attached, Driver, Network, Uplink};
use crate::core::lock::{Happening, Notice};
use crate::core::{Numbering, Presented};
use futures_util::future::BoxFuture;
use latchkey_shared::slot::{OwnSchedules, SlotNo};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// The driver's name.
pub const NAME: &str = "matter";
/// The least time between two commands to a lock, in milliseconds: a lock that sleeps needs its radio for the rest.
const PACE_MS: u64 = 100;
/// How long a lock may take to answer one request, unless told.
const ANSWER: Duration = Duration::from_secs(10);
/// The oldest schema of the server whose messages are the ones that are read here.
const SCHEMA: u64 = 9;
/// How long the server's first word may take.
const GREETING: Duration = Duration::from_secs(10);

/// A driver for one server.
pub fn driver(settings: Settings) -> Box<dyn Driver> {
    Box::new(Matter(settings))
}

/// Speaks to a server over one connection until it ends. A lock may take as long to answer as usual.
///
/// # Errors
/// With a stable code, when it is no such server.
pub async fn speak(line: &Line, connection: Connection, hub: Uplink) -> Result<(), &'static str> {
    Session::new(Wire { line: line.clone(), within: ANSWER }, hub).hold(connection).await
}

struct Matter(Settings);

impl Driver for Matter {
    fn run(self: Box<Self>, hub: Uplink) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let within = self.0.answer_within(ANSWER);
            let wire = Wire { line: Line::new(within + wire::MARGIN), within };
            let line = wire.line.clone();
            line::keep(&line, &self.0, Session::new(wire, hub)).await;
        })
    }
}

/// A lock, by node and endpoint.
type At = (u64, u16);

struct Known {
    key: String,
    memory: Memory,
    /// What the hub was told last; `None`: nothing yet.
    reached: Option<bool>,
}

struct Session {
    wire: Wire,
    hub: Uplink,
    again: mpsc::UnboundedSender<u64>,
    looks: mpsc::UnboundedReceiver<u64>,
    fabric: Option<u64>,
    locks: BTreeMap<At, Known>,
    /// The newest event of each node.
    heard: BTreeMap<u64, u64>,
    /// Whether there was a connection before.
    caught_up: bool,
}

#[derive(Deserialize)]
struct Greeting {
    compressed_fabric_id: u64,
    schema_version: u64,
}

#[derive(Deserialize)]
struct Told {
    event: String,
    data: Value,
}

/// The part of the server's diagnostics that is of use: the last events of all nodes.
#[derive(Deserialize)]
struct History {
    events: Vec<NodeEvent>,
}

impl line::Session for Session {
    const ENDED: &'static str = "matter.ended";

    async fn hold(&mut self, mut connection: Connection) -> Result<(), &'static str> {
        let greeting = tokio::time::timeout(GREETING, connection.next()).await.ok().flatten();
        let greeting = greeting.ok_or("matter.silent")?;
        let greeting: Greeting = serde_json::from_str(&greeting).map_err(|_| "matter.greeting")?;
        if greeting.schema_version < SCHEMA {
            return Err("matter.schema");
        }
        self.fabric = Some(greeting.compressed_fabric_id);
        let nodes: Option<Vec<Node>> =
            self.wire.call("start_listening", json!({})).await.map_err(|_| "matter.start")?;
        let nodes = nodes.ok_or("matter.start")?;
        tracing::info!(nodes = nodes.len(), "connected to the Matter server");
        self.hub.reached(Network { prefix: self.prefix(), all: None });
        // A node that is not listed is not gone: only the server's word that it was removed makes it so.
        nodes.iter().for_each(|node| self.take_node(node));
        self.catch_up().await;
        loop {
            tokio::select! {
                told = connection.next() => match told {
                    Some(text) => self.take(&text).await,
                    None => return Ok(()),
                },
                Some(node) = self.looks.recv() => self.look_at(node).await,
            }
        }
    }

    fn all_away(&mut self) {
        let all: Vec<At> = self.locks.keys().copied().collect();
        all.into_iter().for_each(|at| self.reach(at, false));
    }

    fn hint(code: &str) -> &'static str {
        match code {
            "matter.schema" => "this Matter server speaks an older schema than 9: use a newer version of it",
            "matter.silent" | "matter.greeting" | "matter.start" => {
                "what listens there is no Matter server: check `url`"
            }
            "matter.ended" => "the Matter server has left; its locks count as away until it is back",
            other => line::hint(other),
        }
    }
}

impl Session {
    fn new(wire: Wire, hub: Uplink) -> Self {
        let (again, looks) = mpsc::unbounded_channel();
        let (locks, heard) = (BTreeMap::new(), BTreeMap::new());
        Self { wire, hub, again, looks, fabric: None, locks, heard, caught_up: false }
    }

    /// What the keys of the fabric's locks begin with.
    fn prefix(&self) -> String {
        format!("{NAME}/{:016X}/", self.fabric.unwrap_or_default())
    }

    fn key(&self, (node, endpoint): At) -> String {
        format!("{}{node}/{endpoint}", self.prefix())
    }

    /// Finds the locks of a node, or finds them changed.
    fn take_node(&mut self, node: &Node) {
        for found in node.locks() {
            let at = (node.node_id, found.endpoint);
            let reaches = node.reaches(found.endpoint);
            match self.locks.get(&at).map(|known| known.memory.clone()) {
                Some(memory) => {
                    let found = trusted(found, &memory);
                    if memory.lock() != found {
                        memory.describe(found);
                        self.present(at, memory);
                    }
                }
                None => {
                    let memory = Memory::new(found);
                    let known = Known { key: self.key(at), memory: memory.clone(), reached: None };
                    self.locks.insert(at, known);
                    self.present(at, memory);
                }
            }
            self.reach(at, reaches);
        }
    }

    fn present(&self, at: At, memory: Memory) {
        let presented = Presented {
            key: self.key(at),
            name: memory.lock().name,
            driver: NAME.to_owned(),
            pace_ms: PACE_MS,
            numbering: Numbering::Sparse,
        };
        let port =
            MatterPort { lock: Lock { wire: self.wire.to(at.0, at.1), memory }, again: self.again.clone() };
        self.hub.found(Attached { presented, port: Box::new(port) });
    }

    /// Tells whether a lock can be reached, if that is news.
    fn reach(&mut self, at: At, reaches: bool) {
        let Some(known) = self.locks.get_mut(&at) else { return };
        if known.reached.replace(reaches) != Some(reaches) {
            say(&self.hub, &known.key, if reaches { Happening::Back } else { Happening::Away });
        }
    }

    /// Looks at what the server holds of a node.
    async fn look_at(&mut self, node: u64) {
        // Whatever the endpoint: it is the node that is asked for.
        if let Ok(node) = self.wire.to(node, 0).node::<Node>().await {
            self.take_node(&node);
        }
    }

    /// Events that came while there was no connection, or no hub: the core knows by their numbers which it has. Of those
    /// from before this program started only the ones whose time is known are told.
    async fn catch_up(&mut self) {
        let Ok(Some(History { mut events })) = self.wire.call("diagnostics", json!({})).await else { return };
        let first = !std::mem::replace(&mut self.caught_up, true);
        events.sort_by_key(|event| (event.node_id, event.event_number));
        for event in events.iter().filter(|event| !first || event.at().is_some()) {
            self.take_event(event).await;
        }
    }

    /// Something that the server tells.
    async fn take(&mut self, text: &str) {
        let Ok(Told { event, data }) = serde_json::from_str(text) else { return };
        match event.as_str() {
            "node_added" | "node_updated" => {
                if let Ok(node) = serde_json::from_value::<Node>(data) {
                    self.take_node(&node);
                }
            }
            "node_removed" => self.remove(|at| Some(at.0) == data.as_u64()),
            "endpoint_removed" => {
                let number = |key| data.get(key).and_then(Value::as_u64);
                let (node, endpoint) = (number("node_id"), number("endpoint_id"));
                self.remove(|at| Some(at.0) == node && Some(u64::from(at.1)) == endpoint);
            }
            "node_event" => {
                if let Ok(event) = serde_json::from_value(data) {
                    self.take_event(&event).await;
                }
            }
            "attribute_updated" => self.take_attribute(&data),
            _ => {}
        }
    }

    fn remove(&mut self, gone: impl Fn(&At) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.locks).into_iter().partition(|(at, _)| gone(at));
        self.locks = kept;
        let gone: BTreeMap<At, Known> = gone;
        gone.values().for_each(|lock| self.hub.removed(&lock.key));
    }

    fn take_attribute(&mut self, data: &Value) {
        let Some([node, path, value]) = data.as_array().map(Vec::as_slice) else { return };
        let (Some(node), Some(path)) = (node.as_u64(), path.as_str().and_then(node::path)) else { return };
        if node::describes(path) && self.locks.keys().any(|at| at.0 == node) {
            let _ = self.again.send(node);
        }
        let here: Vec<At> = self.locks.keys().filter(|at| at.0 == node).copied().collect();
        for at in &here {
            match events::attribute(path, value, at.1, here.len() == 1) {
                Some(Happening::Back) => self.reach(*at, true),
                Some(Happening::Away) => self.reach(*at, false),
                Some(what) => self.locks.get(at).into_iter().for_each(|lock| say(&self.hub, &lock.key, what)),
                None => {}
            }
        }
    }

    async fn take_event(&mut self, event: &NodeEvent) {
        if self.heard.get(&event.node_id).is_some_and(|newest| event.event_number <= *newest) {
            return;
        }
        self.heard.insert(event.node_id, event.event_number);
        let at = (event.node_id, event.endpoint_id);
        let Some(lock) = self.locks.get(&at).filter(|_| event.cluster_id == DOOR_LOCK) else { return };
        let what = match event.means(&lock.memory) {
            Some(Meaning::Says(what)) => Some(what),
            Some(Meaning::OpenedBy(user)) => {
                self.slot_of(at, user).await.map(|slot| Happening::Opened { slot })
            }
            Some(Meaning::Changed(user)) => Some(match self.slot_of(at, user).await {
                Some(slot) => Happening::Changed { slot },
                None => Happening::ChangedAll,
            }),
            None => None,
        };
        let Some((what, lock)) = what.zip(self.locks.get(&at)) else { return };
        let notice = Notice { journal: Some(event.event_number), at: event.at(), what };
        self.hub.says(&lock.key, notice);
    }

    /// The slot whose PIN a user has. Where that is not known the lock is asked, and what follows waits: entries are told
    /// in their order.
    async fn slot_of(&self, at: At, user: u16) -> Option<SlotNo> {
        let known = self.locks.get(&at)?.memory.slot_of(user);
        match known {
            Some(slot) => Some(slot),
            None => lock::slot_of(&self.wire.to(at.0, at.1), user).await,
        }
    }
}

/// A description without what the lock was seen to be unfit for.
fn trusted(mut lock: Described, memory: &Memory) -> Described {
    if memory.clock_wrong() {
        lock.abilities.own_schedules = OwnSchedules::None;
    }
    lock
}

fn say(hub: &Uplink, key: &str, what: Happening) {
    hub.says(key, Notice { journal: None, at: None, what });
}
