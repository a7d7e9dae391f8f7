//! A rig with its driver running: what cases are written against.

use super::{Case, Checked, Failure, Rig, RigError, cases};
use latchkey_hub::core::lock::{Answer, Command, Happening, Observation, Reading};
use latchkey_hub::drivers::{Port, Told, Uplink, carry_out};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, Readback, SlotContent, SlotNo};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// A rig and the driver that speaks to it.
pub struct Bench<R: Rig> {
    /// The rig.
    pub rig: R,
    told: mpsc::UnboundedReceiver<Told>,
    driving: JoinHandle<()>,
    port: Option<Box<dyn Port>>,
    abilities: Option<LockAbilities>,
    /// What the lock has said and no case has asked for yet.
    heard: Vec<Happening>,
    /// Slots that cases may write.
    slots: Vec<SlotNo>,
}

impl<R: Rig> Drop for Bench<R> {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

/// `Err` with this text unless `holds`.
pub(super) fn must(holds: bool, otherwise: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { Err(Failure(otherwise.into())) }
}

impl<R: Rig> Bench<R> {
    /// Starts the driver. Must be called within a tokio runtime.
    pub fn new(mut rig: R) -> Self {
        let (uplink, told) = Uplink::new();
        let driving = tokio::spawn(rig.driver().run(uplink));
        Self { rig, told, driving, port: None, abilities: None, heard: vec![], slots: vec![] }
    }

    /// Runs one case.
    ///
    /// # Errors
    /// What it found wrong.
    pub async fn check(&mut self, case: Case) -> Checked {
        self.take_in();
        self.heard.clear();
        cases::check(self, case).await
    }

    /// After a case: all is well again, and the slots that cases use are empty.
    pub(super) async fn tidy(&mut self) -> Result<(), RigError> {
        self.rig.heal().await?;
        for slot in self.slots.clone() {
            for _ in 0..3 {
                if self.rig.held(slot).await?.pin.is_none() {
                    break;
                }
                self.send(Command::Clear { slot }).await;
            }
        }
        self.rig.settle().await
    }

    /// Takes in what the driver tells until `wanted` has been told; `false`: not within the rig's patience.
    pub(super) async fn hears(&mut self, wanted: impl Fn(&Happening) -> bool) -> bool {
        let end = Instant::now() + self.rig.patience();
        loop {
            if let Some(at) = self.heard.iter().position(&wanted) {
                self.heard.remove(at);
                return true;
            }
            match timeout(end.saturating_duration_since(Instant::now()), self.told.recv()).await {
                Ok(Some(told)) => self.take(told),
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Takes in what is told within a time, and whether `unwanted` was among it.
    pub(super) async fn hears_within(
        &mut self,
        time: Duration,
        unwanted: impl Fn(&Happening) -> bool,
    ) -> bool {
        let end = Instant::now() + time;
        while let Ok(Some(told)) =
            timeout(end.saturating_duration_since(Instant::now()), self.told.recv()).await
        {
            self.take(told);
        }
        self.heard.iter().any(unwanted)
    }

    /// Takes in what has been told so far.
    fn take_in(&mut self) {
        while let Ok(told) = self.told.try_recv() {
            self.take(told);
        }
    }

    fn take(&mut self, told: Told) {
        let key = self.rig.key();
        match told {
            Told::Found(lock) if lock.presented.key == key => {
                self.port = Some(lock.port);
                // It may be able to do other things than before.
                self.abilities = None;
            }
            Told::Removed(gone) if gone == key => self.port = None,
            Told::Says(of, notice) if of == key => self.heard.push(notice.what),
            _ => {}
        }
    }

    /// Waits until the driver has found the lock.
    pub(super) async fn find(&mut self) -> Checked {
        let end = Instant::now() + self.rig.patience() * 3;
        while self.port.is_none() {
            match timeout(end.saturating_duration_since(Instant::now()), self.told.recv()).await {
                Ok(Some(told)) => self.take(told),
                Ok(None) | Err(_) => return Err(Failure(format!("{} was not found", self.rig.key()))),
            }
        }
        Ok(())
    }

    /// Sends a command as the hub would. Without a way to the lock the answer is unknown.
    pub(super) async fn send(&mut self, command: Command) -> Answer {
        self.take_in();
        match &mut self.port {
            Some(port) => carry_out(port.as_mut(), &command).await,
            None => Answer::Unknown,
        }
    }

    /// Looks at the lock as the hub does when it has found it.
    pub(super) async fn observe(&mut self) -> Result<Observation, Failure> {
        match self.send(Command::Observe).await {
            Answer::Observed(seen) => {
                self.abilities = Some(seen.abilities.clone());
                if self.slots.is_empty() {
                    let usable =
                        (1..=seen.abilities.slots).map(SlotNo).filter(|no| seen.abilities.usable(*no));
                    self.slots = usable.take(4).collect();
                }
                Ok(seen)
            }
            other => Err(Failure(format!("observing it ended as {other:?}"))),
        }
    }

    /// The lock's abilities, looked at once.
    pub(super) async fn abilities(&mut self) -> Result<LockAbilities, Failure> {
        match &self.abilities {
            Some(known) => Ok(known.clone()),
            None => Ok(self.observe().await?.abilities),
        }
    }

    /// The n-th slot that cases may write.
    pub(super) async fn slot(&mut self, n: usize) -> Result<SlotNo, Failure> {
        self.abilities().await?;
        self.slots.get(n).copied().ok_or_else(|| Failure("the lock has fewer than four usable slots".into()))
    }

    /// A PIN that the lock takes: the n-th, each of its own.
    pub(super) async fn pin(&mut self, n: usize) -> Result<Pin, Failure> {
        const PINS: [&str; 4] = ["4829136057", "7305182946", "0071849352", "9164028537"];
        let abilities = self.abilities().await?;
        let longest = usize::from(abilities.one_length.unwrap_or(abilities.pin_max.min(6)));
        let text = PINS.get(n).and_then(|pin| pin.get(..longest)).unwrap_or("4829");
        Pin::parse(text).map_err(|_| Failure(format!("no PIN of {longest} digits")))
    }

    /// Writes the n-th PIN into the n-th slot and demands that it went well, as far as the lock can say.
    pub(super) async fn put(&mut self, n: usize) -> Result<(SlotNo, Pin), Failure> {
        let (slot, pin) = (self.slot(n).await?, self.pin(n).await?);
        let answer = self.send(Command::Write { slot, pin: pin.clone() }).await;
        self.went_well(&answer, &pin).await?;
        let held = self.rig.held(slot).await.map_err(|e| Failure(format!("the rig: {e}")))?;
        must(
            held.pin.as_deref() == Some(pin.expose()),
            format!("told {answer:?}, the lock holds another thing"),
        )?;
        Ok((slot, pin))
    }

    pub(super) async fn went_well(&mut self, answer: &Answer, pin: &Pin) -> Checked {
        // What a lock shows of its slots may have come out just now.
        self.take_in();
        let readback = self.abilities().await?.readback;
        let well = match (readback, answer) {
            (
                Readback::Full,
                Answer::Verified(Reading { content: SlotContent::Pin(read), enabled: true }),
            ) => read == pin,
            (
                Readback::Masked,
                Answer::Verified(Reading { content: SlotContent::Occupied, enabled: true }),
            ) => true,
            (Readback::None, Answer::Unverifiable) => true,
            _ => false,
        };
        must(well, format!("a lock with {readback:?} read-back answered a good write with {answer:?}"))
    }
}
