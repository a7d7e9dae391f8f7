//! The drivers that run: started, replaced and stopped while the hub runs.

use crate::drivers::{Driver, Network, Told, Uplink};
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
    /// The network that its bridge leads to, once it was reached.
    network: Option<Network>,
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
        self.running.insert(name, Running { tasks, keys, network: None });
    }

    /// Takes note of what a driver tells; `false`: it was stopped meanwhile and is not heard any more.
    pub(super) fn hears(&mut self, name: &str, told: &Told) -> bool {
        let Some(running) = self.running.get_mut(name) else { return false };
        match told {
            Told::Reached(network) => {
                running.network = Some(Network { prefix: network.prefix.clone(), all: network.all.clone() });
            }
            Told::Found(lock) => {
                // One that has joined since.
                if let Some(all) = running.network.as_mut().and_then(|network| network.all.as_mut()) {
                    all.insert(lock.presented.key.clone());
                }
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

    /// Whether no bridge of a driver leads to the lock of this key any more. Nobody can say so before all of them were
    /// reached.
    pub(super) fn lacks(&self, driver: &str, key: &str) -> bool {
        let of_driver = |name: &str| name.split(' ').next() == Some(driver);
        let mut bridges =
            self.running.iter().filter(|(name, _)| of_driver(name)).map(|(_, r)| &r.network).peekable();
        bridges.peek().is_some()
            && bridges.all(|network| network.as_ref().is_some_and(|network| network.lacks(key)))
    }

    /// Stops a driver; the keys of locks that nobody has now.
    pub(super) fn stop(&mut self, name: &str) -> BTreeSet<String> {
        self.running.remove(name).map(|mut old| std::mem::take(&mut old.keys)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    struct Idle;

    impl Driver for Idle {
        fn run(self: Box<Self>, _: Uplink) -> BoxFuture<'static, ()> {
            std::future::pending().boxed()
        }
    }

    fn started(names: &[&str]) -> Fleet {
        let (mut fleet, _) = Fleet::new();
        for name in names {
            fleet.start(Named { name: (*name).to_owned(), instead_of: None, driver: Box::new(Idle) });
        }
        fleet
    }

    fn reached(prefix: &str, all: Option<&[&str]>) -> Told {
        let all = all.map(|all| all.iter().map(|key| (*key).to_owned()).collect());
        Told::Reached(Network { prefix: prefix.to_owned(), all })
    }

    #[tokio::test]
    async fn a_lock_is_lacking_once_every_bridge_of_its_kind_says_so() {
        let mut fleet = started(&["matter a", "matter b", "zwave_js a"]);
        assert!(!fleet.lacks("matter", "matter/1/2/3") && !fleet.lacks("zigbee2mqtt", "zigbee2mqtt/z/1"));
        fleet.hears("matter a", &reached("matter/7/", None));
        assert!(!fleet.lacks("matter", "matter/1/2/3"), "the other may lead to it");
        fleet.hears("matter b", &reached("matter/8/", None));
        assert!(fleet.lacks("matter", "matter/1/2/3"));
        assert!(!fleet.lacks("matter", "matter/7/2/3"), "what is not listed may be there all the same");
        fleet.start(Named { name: "matter b".to_owned(), instead_of: None, driver: Box::new(Idle) });
        assert!(!fleet.lacks("matter", "matter/1/2/3"), "it may have moved there");

        fleet.hears("zwave_js a", &reached("zwave_js/1/", Some(&["zwave_js/1/2"])));
        assert!(!fleet.lacks("zwave_js", "zwave_js/1/2"));
        assert!(fleet.lacks("zwave_js", "zwave_js/1/3"), "it was taken out meanwhile");
    }
}
