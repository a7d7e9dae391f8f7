//! The drivers that run: started, replaced and stopped while the hub runs.

use crate::drivers::{Driver, Told, Uplink};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A driver and what the configuration calls it.
pub struct Named {
    /// One name for as long as it stands for the same bridge.
    pub name: String,
    /// The name of one that ends for it and whose locks it takes over, because the bridge has moved.
    pub instead_of: Option<String>,
    /// The driver.
    pub driver: Box<dyn Driver>,
}

/// Whether the configuration has a lock, by its driver's name and its key.
pub type Expected = Box<dyn Fn(&str, &str) -> bool + Send>;

/// Another set of drivers.
pub struct Reconfigure {
    /// To be started, or put in the place of one of the same name.
    pub start: Vec<Named>,
    /// To be stopped. Their locks are gone, unless another driver has presented them since.
    pub stop: Vec<String>,
    /// Whether the configuration now has a lock.
    pub expected: Expected,
}

/// The drivers that run.
pub(super) struct Fleet {
    to: mpsc::UnboundedSender<(String, Told)>,
    running: BTreeMap<String, Running>,
}

struct Running {
    tasks: [JoinHandle<()>; 2],
    /// The keys of the locks that it has presented.
    keys: BTreeSet<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Fleet {
    /// None yet, and where what drivers tell comes out.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<(String, Told)>) {
        let (to, told) = mpsc::unbounded_channel();
        (Self { to, running: BTreeMap::new() }, told)
    }

    /// Starts a driver; one of the same name ends.
    pub(super) fn start(&mut self, named: Named) {
        let Named { name, instead_of, driver } = named;
        let keys = self.stop(instead_of.as_deref().unwrap_or(&name));
        let (uplink, mut told) = Uplink::new();
        let (to, of) = (self.to.clone(), name.clone());
        let forward = tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                if to.send((of.clone(), told)).is_err() {
                    return;
                }
            }
        });
        let tasks = [tokio::spawn(driver.run(uplink)), forward];
        self.running.insert(name, Running { tasks, keys });
    }

    /// Takes note of what a driver tells; `false`: it was stopped meanwhile and is not heard any more.
    pub(super) fn hears(&mut self, name: &str, told: &Told) -> bool {
        let Some(running) = self.running.get_mut(name) else { return false };
        match told {
            Told::Found(lock) => {
                running.keys.insert(lock.presented.key.clone());
                let key = &lock.presented.key;
                for (_, other) in self.running.iter_mut().filter(|(other, _)| other.as_str() != name) {
                    other.keys.remove(key);
                }
            }
            Told::Removed(key) => {
                running.keys.remove(key);
            }
            Told::Says(..) => {}
        }
        true
    }

    /// Stops a driver; the keys of locks that nobody has now.
    pub(super) fn stop(&mut self, name: &str) -> BTreeSet<String> {
        self.running.remove(name).map(|mut old| std::mem::take(&mut old.keys)).unwrap_or_default()
    }
}
