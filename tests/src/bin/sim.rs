//! Runs seeds of the simulator. `cargo xtask sim` builds and starts it.

use latchkey_tests::sim::{Check, Household, Options, Outcome, run};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const HELP: &str = "sim [--seed S] [--seeds N] [--weeks W] [--hours H] [--trace] [--unmended] \
    [--household one|two|replaced|broken] [--defects] [--defect NAME]\n";
/// Seeds that one deliberate mistake gets to be found.
#[cfg(feature = "defects")]
const MOST_SEEDS: u64 = 40;

struct Wanted {
    first: u64,
    seeds: u64,
    until: Option<Instant>,
    options: Options,
    defects: Option<String>,
}

fn main() -> ExitCode {
    let Some(wanted) = read(std::env::args().skip(1)) else {
        say(HELP);
        return ExitCode::FAILURE;
    };
    // A promise that breaks with a panic is told as such, with its seed.
    std::panic::set_hook(Box::new(|info| say(&format!("  panic: {info}\n"))));
    match &wanted.defects {
        Some(named) => defects(named),
        None => seeds(&wanted),
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Wanted> {
    let options = Options::default();
    let mut wanted = Wanted { first: 1, seeds: 1, until: None, options, defects: None };
    while let Some(name) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
        match name.as_str() {
            "--seed" => wanted.first = number()?,
            "--seeds" => wanted.seeds = number()?.max(1),
            "--weeks" => wanted.options.weeks = number()?.clamp(1, 52),
            "--hours" => {
                wanted.until = Some(Instant::now() + Duration::from_secs(number()? * 3_600));
                wanted.seeds = u64::MAX / 2;
            }
            "--unmended" => wanted.options.unmended = true,
            "--household" => wanted.options.household = Some(Household::named(&arguments.next()?)?),
            "--trace" => wanted.options.loud = true,
            "--defects" => wanted.defects = Some(String::new()),
            "--defect" => wanted.defects = Some(arguments.next()?),
            _ => return None,
        }
    }
    Some(wanted)
}

/// What came of all seeds together.
#[derive(Default)]
struct Sum {
    steps: u64,
    looks: u64,
    counts: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.steps += outcome.steps;
        self.looks += outcome.looks;
        for (what, count) in &outcome.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    /// What happened how often, and how many seeds broke each promise.
    fn say(&self, bad: &[Outcome]) {
        let row = |what: &str, count: u64| say(&format!("{what:<54} {count:>9}\n"));
        say("\nwhat happened\n");
        for (what, count) in &self.counts {
            row(&what.replace('#', "…"), *count);
        }
        row("the oracle looks at everything", self.looks);
        say("\nseeds that break a promise\n");
        for check in Check::ALL {
            let breaks = |outcome: &&Outcome| outcome.violation.as_ref().is_some_and(|v| v.check == check);
            row(&format!("{check:?}"), bad.iter().filter(breaks).count() as u64);
        }
    }
}

/// Each seed is a world of its own, so several run side by side.
fn seeds(wanted: &Wanted) -> ExitCode {
    let began = Instant::now();
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let bad: Mutex<Vec<Outcome>> = Mutex::default();
    let sum: Mutex<Sum> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let threads = if wanted.options.loud { 1 } else { threads };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= wanted.seeds || wanted.until.is_some_and(|until| Instant::now() > until) {
                        return;
                    }
                    let outcome = run(wanted.first + n, wanted.options);
                    if let Ok(mut sum) = sum.lock() {
                        sum.add(&outcome);
                    }
                    if wanted.seeds == 1 {
                        say(&format!("seed {}: hash {:016x}\n", outcome.seed, outcome.hash));
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                    if let (Some(violation), Ok(mut bad)) = (&outcome.violation, bad.lock()) {
                        say(&format!("seed {}: {:?}: {}\n", outcome.seed, violation.check, violation.text));
                        bad.push(outcome);
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap_or_default();
    if let Some(first) = bad.iter().min_by_key(|outcome| outcome.seed) {
        say(&format!("\nseed {}, the last steps:\n{}\n", first.seed, first.trace));
        say(&format!("again: {}\n", first.again(wanted.options)));
    }
    let done = done.into_inner();
    let sum = sum.into_inner().unwrap_or_default();
    if done > 1 {
        sum.say(&bad);
    }
    say(&format!(
        "sim: {} home-weeks, {} steps, {} of {done} seeds break a promise, {:.0} s\n",
        done * wanted.options.weeks,
        sum.steps,
        bad.len(),
        began.elapsed().as_secs_f32()
    ));
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which check finds which deliberate mistake, after how many seeds.
#[cfg(feature = "defects")]
fn defects(named: &str) -> ExitCode {
    let began = Instant::now();
    let found = latchkey_tests::sim::table::hunt_all(named, MOST_SEEDS, &|found| say(&row(found)));
    let missed = found.iter().filter(|found| found.by.is_none()).count();
    let (all, took) = (found.len(), began.elapsed().as_secs());
    say(&format!("sim: {missed} of {all} deliberate mistakes were not found, {took} s\n"));
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(feature = "defects")]
fn row(found: &latchkey_tests::sim::table::Found) -> String {
    let defect = format!("{:?}", found.defect);
    match &found.by {
        Some((check, text, seeds)) => {
            format!("{defect:<18} {:<11} {seeds:>3} seeds  {text}\n", format!("{check:?}"))
        }
        None => format!("{defect:<18} not found in {MOST_SEEDS} seeds; {:?} failed\n", found.beside),
    }
}

#[cfg(not(feature = "defects"))]
fn defects(_: &str) -> ExitCode {
    say("sim: built without the feature `defects`; `cargo xtask sim --defects` builds with it\n");
    ExitCode::FAILURE
}

fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
