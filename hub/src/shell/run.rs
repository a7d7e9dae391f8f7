//! The daemon: feeds the core and carries out what it wants, strictly in order.

use super::clocks;
use super::cloud::Cloud;
use super::files;
use super::ledger::{Ledger, LedgerError};
use super::socket;
use crate::core::clock::Now;
use crate::core::lock::{Command, Notice};
use crate::core::trust::Belonging;
use crate::core::view::HubView;
use crate::core::{Effect, HubCore, Input, Presented};
use crate::drivers::{Port, carry_out};
use latchkey_shared::chain::verify::VerifyError;
use latchkey_shared::event::Event;
use latchkey_shared::id::LockId;
use latchkey_shared::keys::Keys;
use latchkey_shared::limits;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many unsent events are taken along when the log has to go on elsewhere.
const MOST_UNSENT: usize = 20_000;

/// A lock and the way to it.
pub struct Attached {
    /// How the core is told of it.
    pub presented: Presented,
    /// Its driver.
    pub port: Box<dyn Port>,
}

/// What others in this process may ask.
pub enum Ask {
    /// What may be shown, and the newest events with it.
    View(oneshot::Sender<(HubView, Vec<Event>)>),
    /// All ops and the last head, as a bundle.
    Bundle(oneshot::Sender<Option<Vec<u8>>>),
    /// Something to be done with the core. What it gives is called once everything is on disk that follows.
    Core(Job),
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
    /// The locks.
    pub locks: Vec<Attached>,
    /// What locks say by themselves, by their driver's key.
    pub notices: mpsc::UnboundedReceiver<(String, Notice)>,
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
    by_key: BTreeMap<String, LockId>,
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
    let Daemon { ledger, belonging, keys, cloud, locks, mut notices, mut asks } = daemon;
    let presented: Vec<Presented> = locks.iter().map(|lock| lock.presented.clone()).collect();
    let seed = files::random::<32>()?;
    let stored = ledger.load()?;
    let core =
        HubCore::start(belonging, keys.clone(), stored, &presented, clocks::boot(), seed, &clocks::now())
            .map_err(RunError::Verify)?;
    let (inputs, mut incoming) = mpsc::unbounded_channel();
    let by_key: BTreeMap<String, LockId> = core
        .view(&clocks::now())
        .locks
        .iter()
        .filter_map(|l| Some((l.key.clone(), l.id.parse().ok()?)))
        .collect();
    let mut running = Running {
        core,
        ledger,
        belonging,
        keys,
        cloud: cloud.clone(),
        locks: BTreeMap::new(),
        by_key,
        inputs: inputs.clone(),
        gone: false,
    };
    for lock in locks {
        running.attach(lock);
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
            Some((key, notice)) = notices.recv() => running.notice(&key, notice),
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
    /// One task per lock: commands to one lock never overlap, and no lock waits for another.
    fn attach(&mut self, lock: Attached) {
        let Some(id) = self.by_key.get(&lock.presented.key).copied() else { return };
        let (to, mut commands) = mpsc::unbounded_channel::<Command>();
        let inputs = self.inputs.clone();
        let mut port = lock.port;
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                let answer = carry_out(port.as_mut(), &command).await;
                if inputs.send(Input::LockAnswered(id, answer)).is_err() {
                    return;
                }
            }
        });
        self.locks.insert(id, to);
    }

    fn notice(&mut self, key: &str, notice: Notice) {
        if let Some(id) = self.by_key.get(key) {
            self.core.handle_input(Input::LockSays(*id, notice), &clocks::now());
        }
    }

    /// Carries out everything that the core wants now; whether the hub has left its home.
    fn carry_out(&mut self) -> Result<bool, RunError> {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Persist(changes) => self.ledger.persist(&changes)?,
                Effect::Lock(id, command) => {
                    tracing::debug!(lock = %id, command = command.name(), slot = command.slot().map(|s| s.0), "lock");
                    if let Some(lock) = self.locks.get(&id) {
                        let _ = lock.send(command);
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
            Ask::Core(job) => {
                let done = job(&mut self.core, &clocks::now());
                self.carry_out()?;
                done();
            }
        }
        Ok(())
    }
}
