//! The way to one lock.

use super::ask::{Ask, Change, Reply, What};
use super::shared::{Shared, SharedLock};
use crate::core::lock::{Bolt, Command, Observation, Reading, Refusal};
use crate::drivers::{Applied, Port};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use latchkey_shared::slot::{Readback, SlotNo};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// How long an answer is waited for: zigbee2mqtt gives a lock ten seconds for each of at most two frames, and says so
/// when they are over. It is only outwaited where it says nothing.
const ANSWER: Duration = Duration::from_secs(35);
/// How long a bolt takes.
const MOTOR: Duration = Duration::from_secs(8);

/// The way to one lock.
pub(super) struct LockPort {
    pub(super) ieee: String,
    pub(super) shared: SharedLock,
    pub(super) asks: mpsc::UnboundedSender<Ask>,
    /// What was read right after the last change, or that nothing could be, for the one who asks next.
    pub(super) after: Option<(SlotNo, Option<Reading>)>,
}

impl LockPort {
    fn shared<T>(&self, read: impl FnOnce(&mut Shared) -> T) -> T {
        read(&mut self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn ask(&mut self, what: What, patience: Duration) -> Option<Reply> {
        self.after = None;
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask { ieee: self.ieee.clone(), what, reply }).ok()?;
        tokio::time::timeout(patience, answer).await.ok()?.ok()
    }

    /// Attributes, read from the lock. Also the first message after which zigbee2mqtt no longer repeats old readings.
    async fn attributes(&mut self, all: bool) -> Option<Option<Bolt>> {
        let lacks = self.shared(|shared| shared.lacks_attributes);
        match self.ask(What::Attributes { all: all && !lacks }, ANSWER).await? {
            Reply::Attributes(found) => {
                self.shared(|shared| shared.learn(&found));
                Some(found.bolt())
            }
            Reply::Lacking if !lacks => {
                self.shared(|shared| shared.lacks_attributes = true);
                match self.ask(What::Attributes { all: false }, ANSWER).await? {
                    Reply::Attributes(found) => Some(found.bolt()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether what zigbee2mqtt says of slots is what it has just read.
    async fn is_fresh(&mut self) -> bool {
        self.shared(|shared| shared.fresh)
            || (self.attributes(true).await.is_some() && self.shared(|s| s.fresh))
    }

    async fn change(&mut self, slot: SlotNo, change: Change) -> Applied {
        let readable = self.readback() != Readback::None;
        if !self.shared(|shared| shared.abilities().usable(slot)) {
            return Applied::Refused(Refusal::Unsupported);
        }
        if readable && !self.is_fresh().await {
            return Applied::Silent;
        }
        match self.ask(What::Change { slot, change, readable }, ANSWER).await {
            Some(Reply::Changed(applied, reading)) => {
                self.after = Some((slot, reading));
                applied
            }
            _ => Applied::Silent,
        }
    }
}

impl Port for LockPort {
    fn readback(&self) -> Readback {
        self.shared(|shared| shared.readback())
    }

    fn observe(&mut self) -> BoxFuture<'_, Option<Observation>> {
        async {
            let bolt = self.attributes(true).await?;
            Some(self.shared(|shared| Observation {
                abilities: shared.observed(),
                slots: BTreeMap::new(),
                tells_changes: shared.model.tells_changes,
                vitals: crate::core::lock::Vitals { bolt, ..shared.vitals },
            }))
        }
        .boxed()
    }

    fn read(&mut self, slot: SlotNo) -> BoxFuture<'_, Option<Reading>> {
        async move {
            if let Some((_, reading)) = self.after.take().filter(|(of, _)| *of == slot) {
                return reading;
            }
            if self.readback() == Readback::None || !self.is_fresh().await {
                return None;
            }
            match self.ask(What::Read(slot), ANSWER).await? {
                Reply::Reading(reading) => Some(reading),
                _ => None,
            }
        }
        .boxed()
    }

    fn apply<'a>(&'a mut self, command: &'a Command) -> BoxFuture<'a, Applied> {
        async move {
            match command {
                Command::Write { pin, .. } if !self.shared(|shared| shared.takes(pin)) => {
                    Applied::Refused(Refusal::BadPin)
                }
                Command::Write { slot, pin } => {
                    self.change(*slot, Change::Write(Zeroizing::new(pin.expose().to_owned()))).await
                }
                Command::Clear { slot } => self.change(*slot, Change::Clear).await,
                Command::SetEnabled { slot, enabled } if self.shared(|shared| shared.model.toggles) => {
                    self.change(*slot, Change::Enable(*enabled)).await
                }
                Command::Operate { to } if *to != Bolt::Jammed => {
                    match self.ask(What::Operate(*to), MOTOR).await {
                        Some(Reply::Moved) => Applied::Acknowledged,
                        _ => Applied::Silent,
                    }
                }
                // zigbee2mqtt sends schedules and keeps to itself what the lock answers, also when they are read:
                // there is no way to know that one holds.
                _ => Applied::Refused(Refusal::Unsupported),
            }
        }
        .boxed()
    }

    fn bolt(&mut self) -> BoxFuture<'_, Option<Bolt>> {
        async { self.attributes(false).await.flatten() }.boxed()
    }
}
