//! Drivers: what speaks to locks. A [`Driver`] keeps the connection to one bridge or radio, finds its locks and tells
//! what they say. Each lock comes with a [`Port`] that applies and reads; [`carry_out`] turns that into the one answer
//! that the core understands. The status of a write is never believed where the slot can be read.
//!
//! Whatever connects to a bridge carries PINs: nothing that came over it is logged as it came.

pub mod line;
pub mod matter;
#[cfg(test)]
mod outage;
pub mod sim;
pub mod websocket;
pub mod zigbee2mqtt;
pub mod zwave_js;

use crate::core::Presented;
use crate::core::lock::{Answer, Bolt, Command, Notice, Observation, Reading, Refusal};
use futures_util::future::BoxFuture;
use latchkey_shared::slot::{Readback, SlotContent, SlotNo};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a lock gets to settle before it is read after it did not answer a write.
const SETTLE: Duration = Duration::from_millis(300);
/// How long a whole command may take before the lock counts as silent.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);

/// What a lock says to a change. None of these but [`Kept`](Self::Kept) means that the change is in the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It acknowledged.
    Acknowledged,
    /// Only to [`Command::SetSchedule`], which shows in no slot: the driver has read it back.
    Kept,
    /// It refused.
    Refused(Refusal),
    /// It said nothing in time, or that it does not know.
    Silent,
}

/// One bridge or radio.
pub trait Driver: Send {
    /// Connects, finds locks and tells what happens, for as long as it is not dropped. It reconnects by itself, with a
    /// back-off, and says [`Happening::Away`](crate::core::lock::Happening::Away) of its locks meanwhile.
    fn run(self: Box<Self>, hub: Uplink) -> BoxFuture<'static, ()>;
}

/// A lock and the way to it.
pub struct Attached {
    /// How the core is told of it.
    pub presented: Presented,
    /// The way.
    pub port: Box<dyn Port>,
}

/// The network that a bridge leads to.
pub struct Network {
    /// What the keys of its locks begin with.
    pub prefix: String,
    /// The keys of everything in it, where the bridge's list can be relied on: what is not listed was taken out.
    pub all: Option<BTreeSet<String>>,
}

impl Network {
    /// Whether it is certain that a lock of this key is not in it.
    pub fn lacks(&self, key: &str) -> bool {
        !key.starts_with(&self.prefix) || self.all.as_ref().is_some_and(|all| !all.contains(key))
    }
}

/// What a driver tells.
pub enum Told {
    /// It has reached its bridge, and knows now which network that leads to.
    Reached(Network),
    /// A lock was found, or found again with another name or other abilities.
    Found(Attached),
    /// The lock of this key was taken out of its network for good.
    Removed(String),
    /// The lock of this key says something.
    Says(String, Notice),
}

/// A driver's way to the hub. After the hub has stopped, what is told is dropped.
#[derive(Clone, Debug)]
pub struct Uplink(mpsc::UnboundedSender<Told>);

impl Uplink {
    /// One, and where what is told comes out.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Told>) {
        let (to, from) = mpsc::unbounded_channel();
        (Self(to), from)
    }

    /// The bridge was reached. Told before any of its locks.
    pub fn reached(&self, network: Network) {
        let _ = self.0.send(Told::Reached(network));
    }

    /// A lock was found, or found again. One of the same key takes the place of the one before.
    pub fn found(&self, attached: Attached) {
        let _ = self.0.send(Told::Found(attached));
    }

    /// A lock was taken out of its network for good. One that merely does not answer is not removed.
    pub fn removed(&self, key: &str) {
        let _ = self.0.send(Told::Removed(key.to_owned()));
    }

    /// A lock says something.
    pub fn says(&self, key: &str, notice: Notice) {
        let _ = self.0.send(Told::Says(key.to_owned(), notice));
    }
}

/// One lock, through whatever radio or bridge. Called for one command at a time.
pub trait Port: Send {
    /// What may be read from it.
    fn readback(&self) -> Readback;
    /// Abilities, and what is known of slots without asking a sleeping lock for each: never a scan. `None`: no answer.
    fn observe(&mut self) -> BoxFuture<'_, Option<Observation>>;
    /// Reads one slot from the lock itself, never from a cache; `None`: no answer.
    fn read(&mut self, slot: SlotNo) -> BoxFuture<'_, Option<Reading>>;
    /// Sends a change. [`Refusal::Unsupported`] means that nothing was sent: the lock cannot do this, or the slot is
    /// reserved or not there. Never called with [`Command::Observe`] or [`Command::Read`].
    fn apply<'a>(&'a mut self, command: &'a Command) -> BoxFuture<'a, Applied>;
    /// Reads from the lock itself where its bolt is; `None`: no answer.
    fn bolt(&mut self) -> BoxFuture<'_, Option<Bolt>>;
}

/// Carries a command out and confirms it by reading back.
pub async fn carry_out(port: &mut dyn Port, command: &Command) -> Answer {
    match tokio::time::timeout(COMMAND_TIMEOUT, carry_out_unbounded(port, command)).await {
        Ok(answer) => answer,
        Err(_) => Answer::Unknown,
    }
}

async fn carry_out_unbounded(port: &mut dyn Port, command: &Command) -> Answer {
    let slot = match command {
        Command::Observe => return port.observe().await.map_or(Answer::Unknown, Answer::Observed),
        Command::Read { slot } if port.readback() == Readback::None => {
            let _ = slot;
            return Answer::Unverifiable;
        }
        Command::Read { slot } => return port.read(*slot).await.map_or(Answer::Unknown, Answer::Verified),
        Command::Operate { .. } => return operate(port, command).await,
        // A schedule does not show in the slot: reading that would only wake the lock once more.
        Command::SetSchedule { .. } => return word(port.apply(command).await),
        Command::Clear { slot } | Command::SetEnabled { slot, .. } | Command::Write { slot, .. } => *slot,
    };
    let applied = port.apply(command).await;
    if applied == Applied::Refused(Refusal::Unsupported) {
        // Nothing was sent, so nothing has changed; a slot that is not ours to write is not ours to read either.
        return Answer::Rejected { why: Refusal::Unsupported, reading: None };
    }
    if port.readback() == Readback::None {
        return word(applied);
    }
    if applied == Applied::Silent {
        tokio::time::sleep(SETTLE).await;
    }
    classify(command, applied, port.read(slot).await)
}

/// Where the slot is not read, the lock's word is all there is.
pub(crate) fn word(applied: Applied) -> Answer {
    match applied {
        Applied::Acknowledged => Answer::Unverifiable,
        Applied::Kept => Answer::Kept,
        Applied::Refused(why) => Answer::Rejected { why, reading: None },
        Applied::Silent => Answer::Unknown,
    }
}

/// The bolt is where it was read to be, whatever the lock said.
async fn operate(port: &mut dyn Port, command: &Command) -> Answer {
    let applied = port.apply(command).await;
    if applied == Applied::Silent {
        tokio::time::sleep(SETTLE).await;
    }
    match (port.bolt().await, applied) {
        (Some(bolt), _) => Answer::Operated(bolt),
        (None, Applied::Refused(why)) => Answer::Rejected { why, reading: None },
        (None, _) => Answer::Unknown,
    }
}

/// What a change came to, by what the lock said and what was read afterwards.
pub(crate) fn classify(command: &Command, applied: Applied, reading: Option<Reading>) -> Answer {
    let acknowledged = matches!(applied, Applied::Acknowledged | Applied::Kept);
    match (applied, reading) {
        // It says so itself: refusal and silence do not count against it.
        (_, Some(reading)) if reached(command, &reading, acknowledged) => Answer::Verified(reading),
        (Applied::Refused(why), reading) => Answer::Rejected { why, reading },
        (Applied::Acknowledged | Applied::Kept, Some(reading)) => {
            Answer::Rejected { why: Refusal::NotDone, reading: Some(reading) }
        }
        (Applied::Silent, _) | (_, None) => Answer::Unknown,
    }
}

fn reached(command: &Command, reading: &Reading, acknowledged: bool) -> bool {
    match command {
        Command::Clear { .. } => reading.content == SlotContent::Empty,
        Command::Write { pin, .. } => match &reading.content {
            SlotContent::Pin(found) => found == pin && reading.enabled,
            // A masked slot may hold what was there before: that it is occupied adds to the lock's word, no more.
            SlotContent::Occupied => acknowledged && reading.enabled,
            SlotContent::Empty | SlotContent::Unknown => false,
        },
        Command::SetEnabled { enabled, .. } => reading.enabled == *enabled,
        Command::SetSchedule { .. } | Command::Read { .. } | Command::Observe | Command::Operate { .. } => {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::pin::Pin;

    fn write() -> Command {
        Command::Write { slot: SlotNo(3), pin: Pin::parse("483913").unwrap() }
    }

    fn read(content: SlotContent) -> Option<Reading> {
        Some(Reading { content, enabled: true })
    }

    #[test]
    fn the_status_of_a_write_is_not_believed() {
        let right = SlotContent::Pin(Pin::parse("483913").unwrap());
        let wrong = SlotContent::Pin(Pin::parse("777412").unwrap());
        let is = |applied, content| classify(&write(), applied, read(content));
        let refused = Applied::Refused(Refusal::Duplicate);
        // The lock says yes and has not done it; says nothing, or no, and has.
        for content in [SlotContent::Empty, wrong, SlotContent::Unknown] {
            let answer = is(Applied::Acknowledged, content);
            assert!(matches!(answer, Answer::Rejected { why: Refusal::NotDone, .. }), "{answer:?}");
        }
        for applied in [Applied::Acknowledged, Applied::Silent, refused] {
            assert!(matches!(is(applied, right.clone()), Answer::Verified(_)));
        }
        assert_eq!(is(Applied::Silent, SlotContent::Empty), Answer::Unknown);
        assert!(matches!(is(refused, SlotContent::Empty), Answer::Rejected { why: Refusal::Duplicate, .. }));
        assert_eq!(classify(&write(), Applied::Acknowledged, None), Answer::Unknown);
    }

    #[test]
    fn an_occupied_slot_alone_confirms_no_write() {
        assert_eq!(classify(&write(), Applied::Silent, read(SlotContent::Occupied)), Answer::Unknown);
        let refused = Applied::Refused(Refusal::BadPin);
        assert!(matches!(classify(&write(), refused, read(SlotContent::Occupied)), Answer::Rejected { .. }));
    }

    #[test]
    fn debug_shows_no_pin() {
        let text = format!(
            "{:?} {:?}",
            write(),
            classify(&write(), Applied::Acknowledged, read(SlotContent::Pin(Pin::parse("483913").unwrap())))
        );
        assert!(!text.contains("483913"), "{text}");
    }
}
