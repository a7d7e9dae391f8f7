//! Runs seeds of the simulator. `cargo xtask sim` builds and starts it.

use latchkey_tests::sim::{Options, run};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seed, mut seeds, mut options) = (1u64, 1u64, Options::default());
    while let Some(name) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok());
        match name.as_str() {
            "--seed" => seed = number().unwrap_or(1),
            "--seeds" => seeds = number().unwrap_or(1),
            "--weeks" => options.weeks = number().unwrap_or(2),
            "--trace" => options.loud = true,
            _ => return ExitCode::FAILURE,
        }
    }
    let mut out = std::io::stdout();
    let began = std::time::Instant::now();
    let mut bad = 0;
    for seed in seed..seed + seeds {
        let outcome = run(seed, options);
        if let Some(violation) = &outcome.violation {
            bad += 1;
            let _ = writeln!(out, "{}\nseed {seed}: {:?}: {}", if bad == 1 { &outcome.trace } else { "" }, violation.check, violation.text);
        }
        if seeds == 1 {
            let _ = writeln!(out, "seed {seed}: hash {:016x}, {} steps", outcome.hash, outcome.steps);
        }
    }
    let _ = writeln!(out, "{seeds} seeds, {bad} bad, {:.1} s", began.elapsed().as_secs_f32());
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
