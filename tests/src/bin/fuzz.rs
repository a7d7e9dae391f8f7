//! Runs the fuzz targets over their corpus and changes of it, without a fuzzer's coverage: `fuzz SECONDS [TARGET]`.
//! What makes one panic is written to `target/fuzz-found/`.

use latchkey_tests::fuzz::{TARGETS, Target};
use latchkey_tests::mutate::Mutator;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How one target went.
struct Row {
    name: &'static str,
    runs: u64,
    inputs: usize,
    found: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let only = arguments.next();
    let chosen: Vec<Target> =
        TARGETS.into_iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)).collect();
    let (Some(seconds), false) = (seconds, chosen.is_empty()) else {
        eprintln!("fuzz SECONDS [TARGET], one of {:?}", TARGETS.map(|(name, _)| name));
        return ExitCode::FAILURE;
    };
    let queue = Mutex::new(chosen.into_iter().rev().collect::<Vec<_>>());
    let rows = Mutex::new(vec![]);
    let next = || queue.lock().ok().and_then(|mut queue| queue.pop());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let row = run(target, Duration::from_secs(seconds));
                    rows.lock().expect("no run panics").push(row);
                }
            });
        }
    });
    report(rows.into_inner().expect("no run panics"))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|file| file.path()).collect();
    files.sort();
    files.iter().filter_map(|file| fs::read(file).ok()).collect()
}

fn run((name, target): Target, time: Duration) -> Row {
    let (inputs, begun) = (corpus(name), Instant::now());
    let mut mutator = Mutator::new(inputs.clone(), begun);
    let mut row = Row { name, runs: 0, inputs: inputs.len(), found: None };
    for given in inputs.into_iter().map(Some).chain(std::iter::repeat(None)) {
        if begun.elapsed() > time {
            break;
        }
        let input = given.unwrap_or_else(|| mutator.next());
        row.runs += 1;
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            row.found = Some(keep(name, &input));
            break;
        }
    }
    row
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz-found");
    let file = dir.join(format!("{name}-{}", latchkey_shared::id::Hash32::of(input)));
    let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&file, input));
    written.expect("target/ can be written");
    file
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn report(mut rows: Vec<Row>) -> ExitCode {
    rows.sort_by_key(|row| row.name);
    println!("{:<10} {:>12} {:>8}  found", "target", "executions", "corpus");
    for Row { name, runs, inputs, found } in &rows {
        let found = found.as_ref().map_or_else(|| "nothing".to_owned(), |file| file.display().to_string());
        println!("{name:<10} {runs:>12} {inputs:>8}  {found}");
    }
    match rows.iter().filter(|row| row.found.is_some()).count() {
        0 => ExitCode::SUCCESS,
        found => {
            println!("{found} targets found something: mend it, and put the file into fuzz/corpus/");
            ExitCode::FAILURE
        }
    }
}
