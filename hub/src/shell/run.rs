//! The daemon: feeds the core and carries out what it wants, strictly in order.

use super::clocks;
use super::cloud::Cloud;
use super::fleet::{Expected, Fleet, Named, Reconfigure};
use super::ledger::{Ledger, LedgerError, LedgerInfo};
use super::meter::Meter;
use super::socket;
use crate::core::clock::Now;
use crate::core::lock::{Answer, Command};
use crate::core::reconcile::Hands;
use crate::core::trust::Belonging;
use crate::core::view::HubView;
use crate::core::{Effect, HubCore, Input};
use crate::drivers::{Attached, Told, carry_out};
use crate::machine::files;
use latchkey_shared::chain::verify::VerifyError;
use latchkey_shared::event::Event;
use latchkey_shared::id::LockId;
use latchkey_shared::keys::Keys;
use latchkey_shared::limits;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many unsent events are taken along when the log has to go on elsewhere.
const MOST_UNSENT: usize = 20_000;

/// What others in this process may ask.
pub enum Ask {
    /// What may be shown, and the newest events with it.
    View(oneshot::Sender<(HubView, Vec<Event>)>),
    /// All ops and the last head, as a bundle.
    Bundle(oneshot::Sender<Option<Vec<u8>>>),
    /// The ledger in numbers.
    Ledger(oneshot::Sender<Option<LedgerInfo>>),
    /// Something to be done with the core. What it gives is called once everything is on disk that follows.
    Core(Job),
    /// Other drivers: the configuration has changed.
    Reconfigure(Reconfigure),
}

/// To be done with the core, and then what is to be done when that is on disk.
pub type Job = Box<dyn FnOnce(&mut HubCore, &Now) -> Box<dyn FnOnce() + Send> + Send>;

/// Why the daemon ends.
#[derive(Debug)]
pub enum RunError {
    /// The ledger cannot be relied on.
    Ledger(LedgerError),
    /// What the ledger holds does not verify.
    Verify(VerifyError),
    /// The machine gives no randomness or no disk.
    Io(std::io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(e) => write!(f, "{e}"),
            Self::Verify(e) => {
                write!(f, "{}: the ledger does not verify; no lock was touched. {}", e.code(), e.hint())
            }
            Self::Io(e) => write!(f, "hub.io: {e}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<LedgerError> for RunError {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e)
    }
}

impl From<std::io::Error> for RunError {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

/// Everything that the daemon needs.
pub struct Daemon {
    /// The ledger.
    pub ledger: Ledger,
    /// To which home the hub belongs.
    pub belonging: Belonging,
    /// The hub's keys.
    pub keys: Keys,
    /// The cloud.
    pub cloud: Cloud,
    /// What speaks to locks.
    pub drivers: Vec<Named>,
    /// What becomes of changes that somebody makes at a lock.
    pub hands: Hands,
    /// Whether the configuration has a lock.
    pub expected: Expected,
    /// What counts the locks' commands.
    pub meter: Meter,
    /// Questions from the panel.
    pub asks: mpsc::Receiver<Ask>,
}

struct Running {
    core: HubCore,
    ledger: Ledger,
    belonging: Belonging,
    keys: Keys,
    cloud: Cloud,
    locks: BTreeMap<LockId, mpsc::UnboundedSender<Command>>,
    fleet: Fleet,
    meter: Meter,
    inputs: mpsc::UnboundedSender<Input>,
    gone: bool,
}

/// Why the daemon came to a good end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// The hub has left its home.
    Gone,
}

/// Runs until `stop` is done, the hub has left its home, or the ledger fails.
pub async fn run(daemon: Daemon, stop: impl Future<Output = ()>) -> Result<Ended, RunError> {
    let Daemon { ledger, belonging, keys, cloud, drivers, hands, expected, meter, mut asks } = daemon;
    let seed = files::random::<32>()?;
    let stored = ledger.load()?;
    let mut core =
        HubCore::start(belonging, keys.clone(), stored, &*expected, clocks::boot(), seed, &clocks::now())
            .map_err(RunError::Verify)?;
    core.set_hands(hands);
    let (inputs, mut incoming) = mpsc::unbounded_channel();
    let (fleet, mut told) = Fleet::new();
    let mut running = Running {
        core,
        ledger,
        belonging,
        keys,
        cloud: cloud.clone(),
        locks: BTreeMap::new(),
        fleet,
        meter,
        inputs: inputs.clone(),
        gone: false,
    };
    for driver in drivers {
        running.fleet.start(driver);
    }
    let socket = tokio::spawn(socket::keep_open(cloud.clone(), inputs.clone()));
    let network = tokio::spawn(watch_switch(cloud, inputs));
    tracing::info!(home = %belonging.home, hub = %belonging.hub, "hub running");
    tokio::pin!(stop);
    let result = loop {
        match running.carry_out() {
            Ok(false) => {}
            Ok(true) => break Ok(Ended::Gone),
            Err(e) => break Err(e),
        }
        if running.core.removed() {
            // Nothing that the cloud could say concerns it any more.
            socket.abort();
        }
        let wait = running.core.poll_timeout().map_or(Duration::from_secs(60), |at| {
            Duration::from_millis(at.saturating_sub(clocks::now().boot_ms).clamp(1, 60_000))
        });
        tokio::select! {
            Some(mut input) = incoming.recv() => {
                if let (Input::LogForked { unsent, .. }, Some(from)) = (&mut input, running.core.first_unsent()) {
                    match running.ledger.events(from, MOST_UNSENT) {
                        Ok(events) => *unsent = events,
                        Err(e) => break Err(e.into()),
                    }
                }
                running.core.handle_input(input, &clocks::now());
            }
            Some((driver, told)) = told.recv() => {
                if running.fleet.hears(&driver, &told) {
                    running.told(told);
                }
            }
            Some(ask) = asks.recv() => {
                if let Err(e) = running.answer(ask) {
                    break Err(e);
                }
            }
            () = tokio::time::sleep(wait) => running.core.handle_timeout(&clocks::now()),
            () = &mut stop => break Ok(Ended::Stopped),
        }
    };
    socket.abort();
    network.abort();
    result
}

/// Tells the core when the network is switched on again.
async fn watch_switch(cloud: Cloud, inputs: mpsc::UnboundedSender<Input>) {
    let mut net = cloud.net().clone();
    loop {
        net.wait_down().await;
        net.wait_up().await;
        if inputs.send(Input::NetworkUp).is_err() {
            return;
        }
    }
}

impl Running {
    /// A driver tells something.
    fn told(&mut self, told: Told) {
        let now = clocks::now();
        match told {
            Told::Reached(_) => self.forget_what_no_bridge_leads_to(),
            Told::Found(lock) => {
                self.core.handle_input(Input::LockFound(lock.presented.clone()), &now);
                self.attach(lock);
            }
            Told::Removed(key) => {
                let id = self.core.lock_id(&key);
                self.core.handle_input(Input::LockRemoved(key), &now);
                id.and_then(|id| self.locks.remove(&id));
            }
            Told::Says(key, notice) => {
                self.meter.told(&key, &notice);
                if let Some(id) = self.core.lock_id(&key) {
                    self.core.handle_input(Input::LockSays(id, notice), &now);
                }
            }
        }
    }

    /// One task per lock: commands to one lock never overlap, and no lock waits for another. A lock that is found
    /// again gets a new task; the old one still answers what it is busy with.
    fn attach(&mut self, lock: Attached) {
        let Some(id) = self.core.lock_id(&lock.presented.key) else { return };
        let (to, mut commands) = mpsc::unbounded_channel::<Command>();
        let (inputs, meter) = (self.inputs.clone(), self.meter.clone());
        let (mut port, key) = (lock.port, lock.presented.key);
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                meter.sent(&key, &command);
                let answer = carry_out(port.as_mut(), &command).await;
                meter.answered(&key, &command, &answer);
                if inputs.send(Input::LockAnswered(id, answer)).is_err() {
                    return;
                }
            }
        });
        self.locks.insert(id, to);
    }

    /// Carries out everything that the core wants now; whether the hub has left its home.
    fn carry_out(&mut self) -> Result<bool, RunError> {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Persist(changes) => self.ledger.persist(&changes)?,
                Effect::Lock(id, command) => {
                    tracing::debug!(lock = %id, command = command.name(), slot = command.slot().map(|s| s.0), "lock");
                    let sent = self.locks.get(&id).is_some_and(|lock| lock.send(command).is_ok());
                    if !sent {
                        let _ = self.inputs.send(Input::LockAnswered(id, Answer::Unknown));
                    }
                }
                Effect::Fetch { after, nonce } => {
                    let (cloud, inputs) = (self.cloud.clone(), self.inputs.clone());
                    tokio::spawn(async move { inputs.send(cloud.fetch(after, nonce).await) });
                }
                Effect::Push { seq, reports, events_from } => {
                    let events = match events_from {
                        Some(from) => self.ledger.events(from, limits::MAX_PUSH_EVENTS)?,
                        None => vec![],
                    };
                    let (cloud, inputs) = (self.cloud.clone(), self.inputs.clone());
                    tokio::spawn(async move { inputs.send(cloud.push(seq, reports, events).await) });
                }
                Effect::LastEvent => {
                    let (cloud, inputs) = (self.cloud.clone(), self.inputs.clone());
                    tokio::spawn(async move {
                        let newest = cloud.last_event().await.unwrap_or_default();
                        inputs.send(Input::LogForked { newest, unsent: vec![] })
                    });
                }
                Effect::Submit(ops) => {
                    let (cloud, inputs) = (self.cloud.clone(), self.inputs.clone());
                    tokio::spawn(async move { inputs.send(cloud.submit(ops).await) });
                }
                Effect::Gone => self.gone = true,
                Effect::Refused(what, code) => tracing::warn!(what, code, "refused"),
            }
        }
        Ok(self.gone)
    }

    fn answer(&mut self, ask: Ask) -> Result<(), RunError> {
        match ask {
            Ask::View(to) => {
                let (home, hub) = (self.belonging.home, self.belonging.hub);
                let key = self.keys.sign_public();
                let events = self.ledger.newest_events(20).unwrap_or_default();
                let read =
                    |bytes: &Vec<u8>| Event::verify(bytes, &home, &hub, &key).ok().map(|(event, _)| event);
                let _ = to.send((self.core.view(&clocks::now()), events.iter().filter_map(read).collect()));
            }
            Ask::Bundle(to) => {
                let bundle = self.ledger.bundle().ok().flatten();
                let _ = to.send(bundle.map(|bundle| latchkey_shared::wire::cbor::to_vec(&bundle)));
            }
            Ask::Ledger(to) => drop(to.send(self.ledger.info().ok())),
            Ask::Core(job) => {
                let done = job(&mut self.core, &clocks::now());
                self.carry_out()?;
                done();
            }
            Ask::Reconfigure(other) => self.reconfigure(other),
        }
        Ok(())
    }

    /// Starts and stops drivers. A lock that the configuration does not have any more is gone, as one that was taken
    /// out of its network.
    fn reconfigure(&mut self, other: Reconfigure) {
        let mut gone: BTreeSet<String> = other.stop.iter().flat_map(|name| self.fleet.stop(name)).collect();
        let known = self.core.view(&clocks::now()).locks;
        gone.extend(known.into_iter().filter(|l| !(other.expected)(&l.driver, &l.key)).map(|l| l.key));
        for key in gone {
            self.told(Told::Removed(key));
        }
        for driver in other.start {
            self.fleet.start(driver);
        }
        self.forget_what_no_bridge_leads_to();
    }

    /// Where another network stands behind a bridge now, the locks of the one before are gone.
    fn forget_what_no_bridge_leads_to(&mut self) {
        let known = self.core.view(&clocks::now()).locks.into_iter();
        let gone: Vec<String> =
            known.filter(|l| self.fleet.lacks(&l.driver, &l.key)).map(|l| l.key).collect();
        for key in gone {
            tracing::info!(lock = %key, "no bridge leads to it any more");
            self.told(Told::Removed(key));
        }
    }
}
