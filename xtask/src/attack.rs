//! `attack`: every attack that is tried, with the tests that show it. A named test that does not exist or does not pass
//! fails the task.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{build, cli, sh, tools};
use table::{ATTACKS, Attack};

/// Where a test is: a program that cargo makes, or a file that Node runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Package, and the test program below its `tests/` if it is not the library's own.
    Cargo(&'static str, Option<&'static str>),
    /// From the checkout.
    Node(&'static str),
}

/// Reads `package[/program] name` or `path.mjs: name`.
fn place(test: &'static str) -> (Place, &'static str) {
    if let Some((file, name)) = test.split_once(": ") {
        return (Place::Node(file), name);
    }
    let (program, name) = test.split_once(' ').unwrap_or((test, ""));
    match program.split_once('/') {
        Some((package, program)) => (Place::Cargo(package, Some(program)), name),
        None => (Place::Cargo(program, None), name),
    }
}

/// Which tests of which place.
type Wanted = BTreeMap<Place, BTreeSet<&'static str>>;

fn wanted() -> Wanted {
    let mut all = Wanted::new();
    for (place, name) in ATTACKS.iter().flat_map(|attack| attack.tests).map(|test| place(test)) {
        all.entry(place).or_default().insert(name);
    }
    all
}

/// Builds what is attacked, runs every test that is named, and prints the table.
///
/// # Errors
/// When a test fails or is not there.
pub fn attack(paths: &Paths) -> Result<()> {
    build(paths)?;
    cli(paths)?;
    let chromium = tools::chromium()?;
    tools::python()?;
    tools::dev_secrets(paths)?;
    let mut passed = natively(paths)?;
    for (place, names) in wanted() {
        let Place::Node(file) = place else { continue };
        let mut node = tools::node(paths)?;
        node.args(["--test", "--test-concurrency=1", "--test-reporter=tap"]);
        // Whole files: the tests of one build on each other.
        node.arg(file);
        tools::test_environment(paths, &chromium, &mut node);
        let told = sh::quiet(&mut node).with_context(|| format!("attacks in {file}"))?;
        let there = tap(&told).into_iter().filter(|name| names.contains(name.as_str()));
        passed.extend(there.map(|name| (place.clone(), name)));
    }
    report(&passed)
}

/// The table after all tests have run: those of Node wrote what they said to this file.
///
/// # Errors
/// When a named test failed or was not there.
pub fn summary(paths: &Paths, told: &Path) -> Result<()> {
    let mut passed = natively(paths)?;
    let names = tap(&std::fs::read_to_string(told)?);
    for (place, wanted) in wanted().into_iter().filter(|(place, _)| matches!(place, Place::Node(_))) {
        let there = names.iter().filter(|name| wanted.contains(name.as_str()));
        passed.extend(there.map(|name| (place.clone(), name.clone())));
    }
    report(&passed)
}

type Passed = BTreeSet<(Place, String)>;

/// Runs the named tests of every package, compiled as `test` compiles them: as a whole.
fn natively(paths: &Paths) -> Result<Passed> {
    let all = wanted();
    let mut passed = Passed::new();
    for own in [true, false] {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--locked", "--workspace"]);
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for (place, of_place) in &all {
            match place {
                Place::Cargo(_, None) if own => names.extend(of_place),
                Place::Cargo(_, Some(program)) if !own => {
                    cargo.args(["--test", program]);
                    names.extend(of_place);
                }
                _ => {}
            }
        }
        if own {
            cargo.arg("--lib");
        }
        cargo.args(["--", "--exact", "--format=pretty"]).args(&names).current_dir(&paths.root);
        let told = sh::quiet(&mut cargo)?;
        let lines = told.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"));
        for name in lines {
            let places = all.iter().filter(|(place, of_place)| {
                matches!(place, Place::Cargo(_, program) if program.is_none() == own)
                    && of_place.contains(name)
            });
            passed.extend(places.map(|(place, _)| (place.clone(), name.to_owned())));
        }
    }
    Ok(passed)
}

/// The tests that a report in TAP says have passed; not those that were skipped.
fn tap(text: &str) -> BTreeSet<String> {
    let good = text.lines().filter_map(|line| line.trim_start().strip_prefix("ok "));
    let named = good.filter_map(|line| line.split_once(" - ")).map(|(_, name)| name);
    named.filter(|name| !name.contains("# SKIP")).map(|name| name.replace("\\#", "#")).collect()
}

fn report(passed: &Passed) -> Result<()> {
    println!("\n{:<34} {:<62} refused with", "attack", "tried");
    let mut missing: Vec<&str> = vec![];
    for Attack { name, tried, codes, tests } in ATTACKS {
        println!("{name:<34} {tried:<62} {}", if codes.is_empty() { "-".into() } else { codes.join(", ") });
        for test in *tests {
            let (place, name) = place(test);
            let there = passed.contains(&(place, name.to_owned()));
            println!("  {} {test}", if there { "shown by" } else { "NOT SHOWN" });
            missing.extend((!there).then_some(test));
        }
    }
    if !missing.is_empty() {
        bail!("{} tests that are named did not run or did not pass: {missing:?}", missing.len());
    }
    let tests: BTreeSet<_> = ATTACKS.iter().flat_map(|attack| attack.tests).collect();
    println!("attack: {} attacks, {} tests, nothing got through", ATTACKS.len(), tests.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read() {
        let told = "TAP version 13\n# Subtest: a\nok 1 - a\n  ---\n    ok 1 - b \\# c\nnot ok 3 - d\nok 4 - e # SKIP\n";
        assert_eq!(tap(told), ["a", "b # c"].map(str::to_owned).into());
        assert!(matches!(place("p/t m::n"), (Place::Cargo("p", Some("t")), "m::n")));
        assert!(matches!(place("tests/x.mjs: a: b"), (Place::Node("tests/x.mjs"), "a: b")));
    }
}
