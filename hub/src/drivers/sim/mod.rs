//! Simulated locks. They behave like locks of different makes, remember across restarts, can be made to fail, and
//! have a keypad. What they remember is in a store of their own, apart from the hub's ledger: it stands for the
//! memory inside the lock.

pub mod model;
pub mod store;

use super::{Applied, Attached, Driver, Port, Uplink};
use crate::core::lock::{Bolt, Command, Happening, Notice, Observation, Reading};
use crate::core::{Numbering, Presented};
use crate::shell::state_key::StateKey;
use futures_util::future::BoxFuture;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{Readback, SlotNo};
use latchkey_shared::time::Timestamp;
use model::{Entry, Fault, SimLock};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};
use store::Store;

/// How long a simulated lock takes for anything.
const LATENCY: Duration = Duration::from_millis(4);
/// How long one waits for a lock that does not answer.
const SILENCE: Duration = Duration::from_millis(250);
/// The least time between two commands to a simulated lock, in milliseconds.
const PACE_MS: u64 = 5;
/// The driver's name.
pub const NAME: &str = "sim";

/// All simulated locks of one hub.
#[derive(Clone)]
pub struct SimHome {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    locks: Vec<SimLock>,
    store: Store,
    hub: Option<Uplink>,
}

impl SimHome {
    /// Opens the store in the state directory, and brings the locks named by `wanted` into being where they are not there yet.
    pub fn open(dir: &Path, key: Arc<StateKey>, wanted: &[SimLock]) -> io::Result<Self> {
        let (store, locks) = Store::open(dir, key)?;
        let home = Self { inner: Arc::new(Mutex::new(Inner { locks, store, hub: None })) };
        home.configure(wanted);
        Ok(home)
    }

    /// From now on there are these locks and no others. The hub is told when the driver runs anew.
    pub fn configure(&self, wanted: &[SimLock]) {
        let locks = &mut self.lock().locks;
        for lock in wanted {
            match locks.iter_mut().find(|known| known.key == lock.key) {
                Some(known) => known.take_config(lock),
                None => locks.push(lock.clone()),
            }
        }
        locks.retain(|known| wanted.iter().any(|lock| lock.key == known.key));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The driver of these locks.
    pub fn driver(&self) -> Box<dyn Driver> {
        Box::new(SimDriver(self.clone()))
    }

    /// Presents all locks. What is in their journals is told again: the hub knows what it has taken in.
    fn connect(&self, hub: Uplink) {
        let mut inner = self.lock();
        for lock in &inner.locks {
            let presented = Presented {
                key: lock.key.clone(),
                name: lock.name.clone(),
                driver: NAME.to_owned(),
                pace_ms: PACE_MS,
                numbering: Numbering::default(),
            };
            let port =
                SimPort { home: self.clone(), key: lock.key.clone(), readback: lock.abilities.readback };
            hub.found(Attached { presented, port: Box::new(port) });
            for notice in lock.journal() {
                hub.says(&lock.key, notice);
            }
        }
        inner.hub = Some(hub);
    }

    /// The locks' keys and names.
    pub fn names(&self) -> Vec<(String, String)> {
        self.lock().locks.iter().map(|lock| (lock.key.clone(), lock.name.clone())).collect()
    }

    /// Somebody types a PIN at a lock. `None`: there is no such lock.
    pub fn keypad(&self, key: &str, pin: &Pin, now: Timestamp) -> io::Result<Option<Entry>> {
        let mut inner = self.lock();
        let Some(lock) = inner.locks.iter_mut().find(|lock| lock.key == key) else { return Ok(None) };
        let entry = lock.typed(pin, now);
        let notice = lock.journal().last();
        // The lock's own memory first: what is told must not be forgotten in a power cut.
        inner.save()?;
        if let (Some(notice), Some(hub)) = (notice, &inner.hub) {
            hub.says(key, notice);
        }
        Ok(Some(entry))
    }

    /// Makes a lock fail. Returns whether there is such a lock.
    pub fn inject(&self, key: &str, fault: Fault) -> bool {
        let mut inner = self.lock();
        let Some(lock) = inner.locks.iter_mut().find(|lock| lock.key == key) else { return false };
        let was_dead = lock.is_dead();
        lock.inject(fault);
        let back = was_dead && !lock.is_dead();
        if let (true, Some(hub)) = (back, &inner.hub) {
            hub.says(key, Notice { journal: None, at: None, what: Happening::Back });
        }
        true
    }

    /// Something happens at a lock that its journal does not keep: its bolt moves, its battery runs down.
    pub fn happens(&self, key: &str, what: Happening) -> bool {
        let mut inner = self.lock();
        let Some(lock) = inner.locks.iter_mut().find(|lock| lock.key == key) else { return false };
        lock.happens(what);
        if let Some(hub) = &inner.hub {
            hub.says(key, Notice { journal: None, at: None, what });
        }
        true
    }

    /// What a lock's own memory holds in a slot, and whether it takes it: for tests, past the driver.
    pub fn held(&self, key: &str, slot: SlotNo) -> Option<(Pin, bool)> {
        let inner = self.lock();
        let held = inner.locks.iter().find(|lock| lock.key == key)?.slots.get(&slot.0)?;
        held.pin.clone().map(|pin| (pin, held.enabled))
    }

    /// How many requests about codes have reached a lock.
    pub fn requests(&self, key: &str) -> u64 {
        self.lock().locks.iter().find(|lock| lock.key == key).map_or(0, |lock| lock.requests)
    }

    /// Changes a slot as if somebody did it at the lock, for tests.
    pub fn change_by_hand(&self, key: &str, slot: SlotNo, pin: Option<Pin>) -> io::Result<()> {
        let mut inner = self.lock();
        if let Some(lock) = inner.locks.iter_mut().find(|lock| lock.key == key) {
            lock.changed_by_hand(slot, pin, lock_clock());
            let notice = lock.journal().last();
            inner.save()?;
            if let (Some(notice), Some(hub)) = (notice, &inner.hub) {
                hub.says(key, notice);
            }
        }
        Ok(())
    }
}

impl Inner {
    fn save(&mut self) -> io::Result<()> {
        self.store.save(&self.locks)
    }
}

struct SimDriver(SimHome);

impl Driver for SimDriver {
    fn run(self: Box<Self>, hub: Uplink) -> BoxFuture<'static, ()> {
        self.0.connect(hub);
        Box::pin(std::future::pending())
    }
}

/// One simulated lock, as a driver sees it.
struct SimPort {
    home: SimHome,
    key: String,
    readback: Readback,
}

impl SimPort {
    async fn ask<T>(&mut self, act: impl FnOnce(&mut SimLock) -> Option<T>) -> Option<T> {
        tokio::time::sleep(LATENCY).await;
        let answer = {
            let mut inner = self.home.lock();
            let lock = inner.locks.iter_mut().find(|lock| lock.key == self.key);
            lock.and_then(act)
        };
        if answer.is_none() {
            tokio::time::sleep(SILENCE).await;
        }
        answer
    }
}

impl Port for SimPort {
    fn readback(&self) -> Readback {
        self.readback
    }

    fn observe(&mut self) -> BoxFuture<'_, Option<Observation>> {
        Box::pin(self.ask(SimLock::observe))
    }

    fn read(&mut self, slot: SlotNo) -> BoxFuture<'_, Option<Reading>> {
        Box::pin(self.ask(move |lock| {
            lock.requests += 1;
            lock.read(slot)
        }))
    }

    fn apply<'a>(&'a mut self, command: &'a Command) -> BoxFuture<'a, Applied> {
        Box::pin(async move {
            let read_back = |lock: &mut SimLock| {
                let applied = lock.request(command)?;
                Some(lock.read_back(command, applied))
            };
            let answer = self.ask(read_back).await;
            if let Err(e) = self.home.lock().save() {
                // A lock that cannot remember has not done it.
                tracing::error!(lock = %self.key, error = %e, "simulated lock cannot write its store");
                return Applied::Silent;
            }
            answer.unwrap_or(Applied::Silent)
        })
    }

    fn bolt(&mut self) -> BoxFuture<'_, Option<Bolt>> {
        Box::pin(self.ask(|lock| lock.bolt()))
    }
}

/// The machine's time, as a lock with a clock of its own has it.
pub fn lock_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |d| d.as_secs()))
}
