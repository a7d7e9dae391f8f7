//! What every driver must do, whatever is behind it: the same cases run against the simulated locks and against the
//! software that people run, with only the radio or the lock itself replaced.
//!
//! A [`Rig`] is one lock with its ecosystem. It can break things, play the person at the door, and look into the
//! lock's own memory. [`run`] takes it through all [`Case`]s. A case that a lock cannot be put through is not passed
//! silently: the rig says why.

mod bench;
mod cases;
mod matter;
mod sim;
mod zigbee;
mod zwave;

pub use bench::Bench;
pub use matter::MatterRig;
pub use sim::SimRig;
pub use zigbee::{Between, ZigbeeRig};
pub use zwave::{ZwaveLock, ZwaveRig};

use latchkey_hub::core::lock::Bolt;
use latchkey_hub::drivers::Driver;
use latchkey_shared::slot::SlotNo;
use std::fmt;
use std::time::Duration;

/// What a lock's own memory holds in a slot, asked of the lock and not of a driver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The digits, in clear: this is a test.
    pub pin: Option<String>,
    /// Whether the lock takes it.
    pub enabled: bool,
}

/// A way for the lock to fail. Each holds until [`Rig::heal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It reports success of a write and stores nothing.
    DropsWrites,
    /// It neither does it nor answers.
    Silent,
    /// It does what it is told and its answer does not come in time.
    AnswersLate,
    /// It refuses to write.
    Rejects,
    /// It shows that a slot is taken, but not the PIN.
    Masks,
    /// It has no room for another PIN.
    Full,
    /// It does not take part any more, not even in the radio's own acknowledgements.
    Dead,
}

/// What a person does at the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hand {
    /// Types the PIN of this slot: the door opens.
    Types(SlotNo),
    /// Types a PIN that the lock does not know.
    TypesWrong,
    /// Sets or deletes the PIN of a slot at the lock's own keypad.
    Programs(SlotNo, Option<&'static str>),
    /// Lets the battery run down to this many percent.
    Battery(u8),
    /// Jams the bolt.
    Jams,
    /// Turns the key.
    Turns(Bolt),
}

/// Why a rig could not do something. The text is for whoever reads the test's output.
pub type RigError = Box<dyn std::error::Error>;

/// One lock with its ecosystem.
#[allow(async_fn_in_trait)]
pub trait Rig {
    /// Names it in the output.
    fn name(&self) -> String;
    /// The key under which its driver will present it.
    fn key(&self) -> String;
    /// A driver for the ecosystem. Called once.
    fn driver(&mut self) -> Box<dyn Driver>;
    /// Why a case does not apply to this lock; `None`: it does.
    fn spared(&self, case: Case) -> Option<&'static str>;
    /// How long it may take until what happens at the lock is told.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
    /// Requests about codes that reached the lock by radio since it started: reads and writes, no radio
    /// housekeeping.
    async fn requests(&mut self) -> Result<u64, RigError>;
    /// What the lock's own memory holds.
    async fn held(&mut self, slot: SlotNo) -> Result<Held, RigError>;
    /// Lets it fail from now on.
    async fn fault(&mut self, fault: Fault) -> Result<(), RigError>;
    /// Everything is well again. Waits until the lock can be reached where that takes time.
    async fn heal(&mut self) -> Result<(), RigError>;
    /// Waits until nothing is under way any more between lock and hub: no late answer, no word of the lock of its own.
    async fn settle(&mut self) -> Result<(), RigError> {
        Ok(())
    }
    /// A person at the door.
    async fn hand(&mut self, hand: Hand) -> Result<(), RigError>;
    /// Stops what stands between hub and lock (a server, a broker), or starts it again. The lock goes on.
    async fn bridge(&mut self, up: bool) -> Result<(), RigError>;
}

/// Every case, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Case {
    Found,
    NothingIsScanned,
    WrittenAndRead,
    LeadingZeros,
    Cleared,
    OneWriteOneRead,
    DroppedWrite,
    NoAnswer,
    LateAnswer,
    Rejected,
    Duplicate,
    Masked,
    Full,
    Switched,
    OwnSchedule,
    Reserved,
    BadPin,
    Opened,
    RefusedAtTheDoor,
    ChangedByHand,
    OwnChangesAreNoNews,
    Operated,
    BatteryAndJam,
    DeadThenAlive,
    BridgeRestarted,
    BridgeGone,
    IdleIsSilent,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Found,
        Self::NothingIsScanned,
        Self::WrittenAndRead,
        Self::LeadingZeros,
        Self::Cleared,
        Self::OneWriteOneRead,
        Self::DroppedWrite,
        Self::NoAnswer,
        Self::LateAnswer,
        Self::Rejected,
        Self::Duplicate,
        Self::Masked,
        Self::Full,
        Self::Switched,
        Self::OwnSchedule,
        Self::Reserved,
        Self::BadPin,
        Self::Opened,
        Self::RefusedAtTheDoor,
        Self::ChangedByHand,
        Self::OwnChangesAreNoNews,
        Self::Operated,
        Self::BatteryAndJam,
        Self::DeadThenAlive,
        Self::BridgeRestarted,
        Self::BridgeGone,
        Self::IdleIsSilent,
    ];

    /// What it demands, in words.
    pub fn demands(self) -> &'static str {
        match self {
            Self::Found => "the lock is found, with abilities that a lock can have",
            Self::NothingIsScanned => "finding it asked it about no slot",
            Self::WrittenAndRead => {
                "a PIN that was written is in the lock, and read back as far as it shows it"
            }
            Self::LeadingZeros => "leading zeros survive",
            Self::Cleared => "a cleared slot is empty, its neighbour is not",
            Self::OneWriteOneRead => "one code costs one write and one read",
            Self::DroppedWrite => "a write that was acknowledged and not done is not called done",
            Self::NoAnswer => "no answer is not called anything",
            Self::LateAnswer => "a late answer does no harm",
            Self::Rejected => "a refusal is told as one",
            Self::Duplicate => "a PIN that is on the lock already is refused and changes nothing",
            Self::Masked => "a masked slot is taken, not confirmed, and never read as a PIN",
            Self::Full => "a full lock is not called written",
            Self::Switched => "a slot is switched off and on, seen in the lock",
            Self::OwnSchedule => "the lock's own schedule is set, or honestly not claimed",
            Self::Reserved => "reserved slots and slot 0 are not touched",
            Self::BadPin => "a PIN that the lock cannot take is refused",
            Self::Opened => "an entry is told with its slot",
            Self::RefusedAtTheDoor => "a wrong PIN at the door is told",
            Self::ChangedByHand => "a change at the lock is told and read anew",
            Self::OwnChangesAreNoNews => "what the hub changed is not told as a change by hand",
            Self::Operated => "locking and unlocking ends where the bolt was read to be",
            Self::BatteryAndJam => "battery and jams are told",
            Self::DeadThenAlive => "a dead lock is unknown within bounds, and works again when it is back",
            Self::BridgeRestarted => "a restart in between loses nothing and writes nothing",
            Self::BridgeGone => "while nothing stands between, the lock is away and nothing is claimed",
            Self::IdleIsSilent => "a lock at rest is left alone",
        }
    }
}

/// What a case found wrong.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(e: E) -> Self {
        Self(format!("the rig: {e}"))
    }
}

/// How a case ended.
pub type Checked = Result<(), Failure>;

/// Takes a rig through every case and prints how each ended.
///
/// # Panics
/// When a case fails, after all have run.
#[allow(clippy::print_stdout)]
pub async fn run<R: Rig>(rig: R) {
    let name = rig.name();
    let mut bench = Bench::new(rig);
    let mut failed = vec![];
    for case in Case::ALL {
        let started = tokio::time::Instant::now();
        if let Some(why) = bench.rig.spared(case) {
            println!("  {name}: {case:?}: does not apply: {why}");
            continue;
        }
        let outcome = bench.check(case).await;
        let took = started.elapsed().as_millis();
        match outcome {
            Ok(()) => println!("  {name}: {case:?}: {} ({took} ms)", case.demands()),
            Err(why) => {
                println!("  {name}: {case:?}: FAILED: {why} ({took} ms)");
                failed.push(format!("{case:?}: {why}"));
            }
        }
        if let Err(e) = bench.tidy().await {
            failed.push(format!("tidying up after {case:?}: {e}"));
        }
    }
    assert!(failed.is_empty(), "{name} does not conform:\n  {}", failed.join("\n  "));
}
