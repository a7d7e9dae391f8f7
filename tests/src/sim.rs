//! The simulator: a home with its people, its cloud, its hubs and its locks, in one thread, in virtual time, from one
//! seed. The cloud's and the hub's own cores run in it, with real cryptography; network, disks, clocks, locks and people
//! are simulated, and fail. After every step an independent oracle checks what Latchkey promises.

#[cfg(feature = "defects")]
mod aims;
mod attack;
mod bounds;
mod cloud;
mod converge;
mod disk;
mod doors;
mod faults;
mod hours;
mod household;
mod hub;
mod lock;
mod machine;
mod oracle;
mod panel;
mod people;
mod portal;
mod residents;
mod rng;
mod secrets;
mod signing;
mod swarm;
#[cfg(feature = "defects")]
pub mod table;
mod trace;
mod truth;
mod world;

pub use oracle::{Check, Violation};
pub use swarm::Household;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many weeks one home lives.
    pub weeks: u64,
    /// Whether every step is printed as it happens.
    pub loud: bool,
    /// Whether also that happens which is known to break promises still: see `docs/simulator.md`.
    pub unmended: bool,
    /// Which hubs every home has; by chance if absent.
    pub household: Option<Household>,
}

impl Default for Options {
    fn default() -> Self {
        Self { weeks: 2, loud: false, unmended: false, household: None }
    }
}

/// What came of one seed.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The same for every run of the same program with this seed.
    pub hash: u64,
    /// Steps taken.
    pub steps: u64,
    /// How often each kind of step was taken. Each `#` stands for a number.
    pub counts: BTreeMap<&'static str, u64>,
    /// How often the oracle looked at everything.
    pub looks: u64,
    /// The promise that was not kept, if one was not.
    pub violation: Option<Violation>,
    /// The last steps, oldest first, if a promise was not kept.
    pub trace: String,
}

impl Outcome {
    /// The command that lives through the same again.
    pub fn again(&self, options: Options) -> String {
        let unmended = if options.unmended { " --unmended" } else { "" };
        let household = options.household.map_or_else(String::new, |h| format!(" --household {}", h.name()));
        format!("cargo xtask sim --seed {} --weeks {}{unmended}{household}", self.seed, options.weeks)
    }
}

/// Runs one seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    run_tuned(seed, options, |_| {})
}

/// Runs one seed in a world that is made to be more of one kind.
fn run_tuned(seed: u64, options: Options, tune: fn(&mut swarm::Swarm)) -> Outcome {
    let mut world = world::World::new(seed, options.weeks * 7 * bounds::DAY, options, tune);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        world.run();
        if world.broken.is_none() {
            world.heal();
            world.end = world.t + bounds::CONVERGENCE;
            world.run();
        }
        if world.broken.is_none() {
            world.check_convergence();
        }
    }));
    if ran.is_err() {
        world.break_promise(Violation { check: Check::Panic, text: "the program panics".into() });
    }
    let violation = world.broken.take();
    let trace = if violation.is_some() {
        format!("{:?}\n{}{}", world.swarm, world.trace.text(150), world.state())
    } else {
        String::new()
    };
    Outcome {
        seed,
        hash: world.trace.hash(),
        steps: world.trace.steps(),
        counts: world.trace.counts().clone(),
        looks: world.oracle.looks,
        violation,
        trace,
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
