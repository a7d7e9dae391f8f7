//! The locks of one network, and what the hub is told of them.

use super::abilities::Interview;
use super::happenings::{dbm, happenings};
use super::lock::{Facts, Kind, Lock};
use super::port::ZwavePort;
use super::talk::Talk;
use super::wire::{Event, Node, State, cc, number};
use super::{NAME, PACE_MS};
use crate::core::lock::{Happening, Link, Notice};
use crate::core::{Numbering, Presented};
use crate::drivers::line::Line;
use crate::drivers::{self, Attached, Uplink};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The status of a node that does not answer.
const DEAD: u8 = 3;

/// One network. Outlives connections to its server.
pub(super) struct Network {
    line: Line,
    hub: Uplink,
    home: Option<u32>,
    locks: BTreeMap<u32, Arc<Lock>>,
    /// Locks whose interview is not known yet.
    coming: BTreeMap<u32, Facts>,
}

impl Network {
    pub(super) fn new(line: Line, hub: Uplink) -> Self {
        Self { line, hub, home: None, locks: BTreeMap::new(), coming: BTreeMap::new() }
    }

    /// There is no server any more.
    pub(super) fn all_away(&mut self) {
        for lock in self.locks.values() {
            self.away(lock);
        }
    }

    fn away(&self, lock: &Lock) {
        let was = std::mem::replace(&mut lock.memory().away, true);
        if !was {
            self.says(lock, Happening::Away);
        }
    }

    fn says(&self, lock: &Lock, what: Happening) {
        self.hub.says(&lock.key, Notice { journal: None, at: None, what });
    }

    /// A server is there, and this is all that it knows.
    pub(super) async fn take_state(&mut self, home: u32, state: State) {
        if self.home != Some(home) {
            // Another network: those of the one before are gone, unless another bridge leads to it.
            self.locks.clear();
            self.home = Some(home);
        }
        self.coming.clear();
        let listed: Vec<u32> = state.nodes.iter().map(|node| node.node_id).collect();
        let all = listed.iter().map(|node| key(home, *node)).collect();
        // The controller's own list: also of what was taken out while nobody was connected.
        self.hub.reached(drivers::Network { prefix: prefix(home), all: Some(all) });
        let gone: Vec<u32> = self.locks.keys().copied().filter(|node| !listed.contains(node)).collect();
        for node in gone {
            self.remove(node);
        }
        for node in state.nodes {
            self.take_node(node).await;
        }
    }

    /// What the server tells by itself.
    pub(super) async fn take_event(&mut self, event: Event) {
        match (event.source.as_str(), event.event.as_str()) {
            ("controller", "node added") => {
                if let Some(node) = event.node {
                    self.take_node(node).await;
                }
            }
            ("controller", "node removed") => {
                if let Some(node) = event.node {
                    self.remove(node.node_id);
                }
            }
            ("node", "ready") => {
                if let Some(node) = event.node_state {
                    self.take_node(node).await;
                }
            }
            ("node", what) => {
                if let Some(node) = event.node_id {
                    self.take_node_event(node, what, &event).await;
                }
            }
            _ => {}
        }
    }

    async fn take_node_event(&mut self, node: u32, what: &str, event: &Event) {
        if what == "interview completed" {
            if let Some(facts) =
                self.coming.get(&node).cloned().or_else(|| Some(self.locks.get(&node)?.facts()))
            {
                self.present(facts).await;
            }
            return;
        }
        let Some(lock) = self.locks.get(&node).cloned() else { return };
        match what {
            "dead" => self.away(&lock),
            "alive" => self.back(&lock),
            _ => {
                for what in happenings(&lock, event) {
                    self.learn(&lock, what);
                    self.says(&lock, what);
                }
            }
        }
    }

    /// That it told whose PIN it was shows an ability that not every lock claims.
    fn learn(&self, lock: &Arc<Lock>, what: Happening) {
        if !matches!(what, Happening::Opened { .. }) {
            return;
        }
        let facts = lock.facts();
        let other = {
            let mut memory = lock.memory();
            let before = memory.interview.abilities(&facts, &memory.learned);
            memory.learned.told_uses = true;
            before != memory.interview.abilities(&facts, &memory.learned)
        };
        if other {
            attach(&self.hub, &self.line, lock);
        }
    }

    fn back(&self, lock: &Lock) {
        let was = std::mem::replace(&mut lock.memory().away, false);
        if was {
            self.says(lock, Happening::Back);
        }
    }

    fn remove(&mut self, node: u32) {
        self.coming.remove(&node);
        if let Some(lock) = self.locks.remove(&node) {
            tracing::info!(lock = %lock.key, "taken out of the Z-Wave network");
            self.hub.removed(&lock.key);
        }
    }

    async fn take_node(&mut self, node: Node) {
        let Some(facts) = Facts::of(&node) else { return };
        if !node.ready {
            self.coming.insert(facts.node, facts);
            return;
        }
        let (id, dead) = (facts.node, node.status == DEAD);
        self.present(facts).await;
        let Some(lock) = self.locks.get(&id) else { return };
        if let Some(dbm) = node.statistics.as_ref().and_then(dbm) {
            lock.memory().vitals.link = Some(Link::Dbm(dbm));
        }
        if dead {
            self.away(lock);
        } else {
            self.back(lock);
        }
    }

    /// Tells the hub of a lock that is new or has changed.
    async fn present(&mut self, mut facts: Facts) {
        let node = facts.node;
        let talk = Talk { line: self.line.clone(), node, endpoint: facts.endpoint };
        if let Some(version) = facts.or_code {
            // A lock with both that has no users by the newer one is used by the older one.
            let users = talk.remembered(cc::USER_CREDENTIAL, "supportedUsers", None).await;
            let none = users.as_ref().and_then(number::<u32>) == Some(0);
            facts.kind = if none { Kind::Code { version } } else { Kind::Credential };
        }
        let Some(interview) = Interview::of(&talk, &facts).await.filter(|told| told.slots > 0) else {
            self.coming.insert(node, facts);
            return;
        };
        self.coming.remove(&node);
        if let Some(lock) = self.locks.get(&node) {
            let other = lock.set_facts(facts);
            let other =
                std::mem::replace(&mut lock.memory().interview, interview.clone()) != interview || other;
            if other {
                attach(&self.hub, &self.line, lock);
            }
            return;
        }
        let key = key(self.home.unwrap_or(0), node);
        tracing::info!(lock = %key, name = %facts.name, "found a Z-Wave lock");
        let lock = Lock::new(key, facts, interview);
        attach(&self.hub, &self.line, &lock);
        self.locks.insert(node, lock);
    }
}

/// What the keys of a network's locks begin with.
fn prefix(home: u32) -> String {
    format!("{NAME}/{home:08x}/")
}

fn key(home: u32, node: u32) -> String {
    format!("{}{node}", prefix(home))
}

/// Gives the hub a lock with a port.
fn attach(hub: &Uplink, line: &Line, lock: &Arc<Lock>) {
    let facts = lock.facts();
    let again = {
        let (hub, line, lock) = (hub.clone(), line.clone(), lock.clone());
        Arc::new(move || attach(&hub, &line, &lock))
    };
    let talk = Talk { line: line.clone(), node: facts.node, endpoint: facts.endpoint };
    let presented = Presented {
        key: lock.key.clone(),
        name: facts.name.clone(),
        driver: NAME.to_owned(),
        pace_ms: PACE_MS,
        numbering: Numbering::default(),
    };
    hub.found(Attached { presented, port: Box::new(ZwavePort { lock: lock.clone(), talk, again }) });
}
