//! Every input that fuzzing has kept, and simple changes of it, through every target: without a fuzzer, so that what was
//! once found stays found.

use latchkey_tests::fuzz::TARGETS;
use latchkey_tests::mutate::Mutator;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), targets);
    assert_eq!(names(&fuzz().join("corpus")), targets);
}

#[test]
fn nothing_that_was_found_comes_back() {
    for (name, target) in TARGETS {
        let files = fs::read_dir(fuzz().join("corpus").join(name)).unwrap();
        let inputs: Vec<Vec<u8>> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!inputs.is_empty(), "{name} has inputs");
        for input in &inputs {
            assert!(input.len() < 64 * 1024, "inputs are kept small");
            target(input);
        }
        target(&[]);
        let mut mutator = Mutator::seeded(inputs, 1);
        let changes = if ["api", "chain", "hub"].contains(&name) { 4 } else { 60 };
        (0..changes).for_each(|_| target(&mutator.next()));
    }
}
