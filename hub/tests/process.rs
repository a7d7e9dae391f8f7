//! The real process, killed again and again: nothing is lost and nothing happens twice.
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use latchkey_hub::drivers::sim::SimHome;
use latchkey_hub::drivers::sim::model::{Entry, SimLock};
use latchkey_hub::shell::state_key::StateKey;
use latchkey_shared::event::EventBody;
use latchkey_shared::id::LockId;
use latchkey_shared::pin::Pin;
use latchkey_shared::report::Report;
use latchkey_shared::slot::OwnEnd;
use latchkey_shared::testing::rng;
use latchkey_shared::time::Timestamp;
use rand_core::Rng;
use std::sync::Arc;
use std::time::Duration;
use support::{Cloud, Hub, until};

fn paired(seed: u64, dir: &std::path::Path) -> (Cloud, Hub) {
    let cloud = Cloud::start(seed);
    let mut hub = Hub::new(dir, &cloud);
    hub.start();
    pair(&cloud, &hub, 4);
    (cloud, hub)
}

fn pair(cloud: &Cloud, hub: &Hub, locks: usize) {
    let code = until("there is a pairing code", || hub.get("/api/pairing"));
    until("the offer is there", || cloud.lock().offer.clone());
    cloud.take_hub(code["text"].as_str().unwrap());
    until("the hub is paired", || hub.get("/api/state").filter(|s| s["paired"] == true));
    until("all locks are known", || (cloud.lock().reports.len() == locks).then_some(()));
}

fn locks(hub: &Hub) -> Vec<LockId> {
    let names = ["Front door", "Back door", "Garage", "Garden gate"];
    names.iter().map(|name| until("the lock is shown", || hub.lock_id(name))).collect()
}

#[test]
fn the_story_of_one_code() {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, mut hub) = paired(1, dir.path());
    let locks = locks(&hub);
    let grant = cloud.put("483920", &locks, 3_600);
    // What was typed reaches the cloud as an event, and its answer tells of the new op.
    assert_eq!(hub.types("Front door", "483920"), Some(false));
    until("it opens", || hub.types("Front door", "483920").filter(|opened| *opened));
    for name in ["Back door", "Garage", "Garden gate"] {
        until("it opens everywhere", || hub.types(name, "483920").filter(|opened| *opened));
    }
    let file = dir.path().join("bundle");
    let file = file.to_str().unwrap();
    hub.say(&["export-bundle", file]).unwrap();
    let good = hub.say(&["verify-bundle", file]).unwrap();
    assert!(good.starts_with("good\n") && good.contains("grants 1"), "{good}");
    let genesis = cloud.lock().home.state.genesis_hash().to_string();
    hub.say(&["verify-bundle", file, "--genesis", &genesis]).unwrap();
    let wrong = hub.say(&["verify-bundle", file, "--genesis", &"a".repeat(52)]).unwrap_err();
    assert!(wrong.contains("bundle.wrong_genesis"), "{wrong}");
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
    assert!(hub.say(&["verify-bundle", file]).is_err());
    assert!(hub.say(&["status"]).unwrap().starts_with("running\n"));
    cloud.revoke(grant);
    until("it is refused", || {
        hub.types("Front door", "111111");
        hub.types("Front door", "483920").filter(|opened| !*opened)
    });
    hub.kill();
    assert!(hub.say(&["status"]).unwrap().starts_with("not running\nhome"));
    hub.say(&["export-bundle", file]).unwrap();
    hub.say(&["verify-bundle", file]).unwrap();
    assert_eq!(cloud.lock().trouble, Vec::<String>::new());
}

/// What a lock was read to keep by itself holds with nobody there; what only the hub keeps does not, and is not claimed.
#[test]
fn a_lock_ends_a_code_though_the_hub_is_dead() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(11);
    let mut hub = Hub::new(dir.path(), &cloud);
    hub.configure(
        "[[sim]]\nname = \"Gate\"\nreadback = \"full\"\nown_schedules = \"term\"\n\
         [[sim]]\nname = \"Cellar\"\nreadback = \"none\"\nown_schedules = \"term\"\n\
         [[sim]]\nname = \"Shed\"\nreadback = \"full\"\n",
    );
    hub.start();
    pair(&cloud, &hub, 3);
    let names = ["Gate", "Cellar", "Shed"];
    let locks = names.map(|name| until("the lock is shown", || hub.lock_id(name)));
    let mut sorted = locks;
    sorted.sort();
    let grant = cloud.put("483920", &sorted, 3_600);
    let end = cloud.lock().home.state.grants()[&grant].grant.expires.unwrap();
    for (name, own_end) in names.iter().zip([Some(OwnEnd::ReadBack), Some(OwnEnd::Told), None]) {
        until("it is on the lock, and who ends it is reported", || {
            hub.types(name, "111111");
            let inner = cloud.lock();
            let report = inner.reports.values().find(|report| report.lock.name == *name)?;
            let code = report.codes.iter().find(|code| code.grant == grant && code.state.may_open())?;
            (code.own_end == own_end).then_some(())
        });
    }
    let says = |name: &str| {
        let state = hub.get("/api/state")?;
        let lock = state["locks"].as_array()?.iter().find(|lock| lock["name"] == name)?.clone();
        Some(lock["codes"][0]["text"].as_str()?.to_owned())
    };
    assert!(until("the panel says", || says("Gate")).contains("The lock ends it by itself."));
    for name in ["Cellar", "Shed"] {
        let text = until("the panel says", || says(name));
        assert!(text.contains("The hub ends it.") && !text.contains("by itself"), "{text}");
    }
    hub.kill();
    // The locks are on their own. What they remember is not the hub's ledger.
    let key = Arc::new(StateKey::from_bytes(&[7; 32]).unwrap());
    let abilities = |report: &Report| {
        SimLock::new(&format!("sim/{}", report.lock.name), &report.lock.name, report.lock.abilities.clone())
    };
    let fitted: Vec<SimLock> = cloud.lock().reports.values().map(abilities).collect();
    let alone = SimHome::open(dir.path(), key, &fitted).unwrap();
    let pin = Pin::parse("483920").unwrap();
    let types = |name: &str, at| alone.keypad(&format!("sim/{name}"), &pin, Timestamp(at)).unwrap().unwrap();
    for name in names {
        assert_eq!(types(name, end.0 - 1), Entry::Opened, "{name}");
    }
    assert!(matches!(types("Gate", end.0), Entry::Refused(_)), "the lock ends it");
    assert_eq!(types("Shed", end.0), Entry::Opened, "which is why it was never said to");
}

#[test]
fn killed_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, mut hub) = paired(2, dir.path());
    let locks = locks(&hub);
    let mut dice = rng(42);
    let mut roll = |n: u64| dice.next_u64() % n;
    let mut live: Vec<(latchkey_shared::id::GrantId, String)> = vec![];
    let (mut opened, mut unsure, mut pins) = (0, 0, vec![]);
    for round in 0..25u64 {
        if roll(2) == 0 && live.len() < 4 {
            let pin = format!("{}", 48_061_372 + round * 791_911);
            live.push((cloud.put(&pin, &locks, 3_600), pin.clone()));
            pins.push(pin);
        } else if roll(3) == 0
            && let Some((grant, _)) = live.pop()
        {
            cloud.revoke(grant);
        }
        std::thread::sleep(Duration::from_millis(roll(250)));
        for (_, pin) in &live {
            match hub.types("Garden gate", pin) {
                Some(true) => opened += 1,
                Some(false) => {}
                None => unsure += 1,
            }
        }
        std::thread::sleep(Duration::from_millis(roll(60)));
        hub.kill();
        hub.start();
    }
    until("the hub is back", || hub.get("/api/state").filter(|s| s["paired"] == true));
    for (_, pin) in &live {
        for name in ["Front door", "Back door", "Garage", "Garden gate"] {
            until("every live code opens", || hub.types(name, pin).filter(|opened| *opened));
            opened += usize::from(name == "Garden gate");
        }
    }
    until("everything was sent", || {
        let unsent = hub.get("/api/state")?["unsent"].as_u64()?;
        (unsent == 0).then_some(())
    });
    let gone: Vec<&String> = pins.iter().filter(|pin| live.iter().all(|(_, p)| p != *pin)).collect();
    for pin in gone {
        until("no other opens", || hub.types("Garden gate", pin).filter(|opened| !*opened));
    }
    let inner = cloud.lock();
    assert_eq!(inner.trouble, Vec::<String>::new());
    let numbers: Vec<u64> = inner.events.iter().map(|e| e.number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "every number once, in order");
    let gate = locks[3];
    let used =
        inner.events.iter().filter(|e| matches!(e.body, EventBody::CodeUsed(l, _) if l == gate)).count();
    assert!((opened..=opened + unsure).contains(&used), "{used} entries in the log, {opened} openings seen");
    let started = inner.events.iter().filter(|e| matches!(e.body, EventBody::Started(_))).count();
    assert!(started > 3, "the log reaches over restarts");
    drop(inner);
    hub.kill();
    // Nothing that was written down holds a PIN.
    for entry in walk(dir.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        for pin in &pins {
            let at = bytes.windows(pin.len()).position(|w| w == pin.as_bytes());
            let around = at.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(80)..at + 12]));
            assert_eq!(around, None, "{} holds a PIN", entry.display());
        }
    }
    assert!(hub.log().contains("hub running"));
}

#[test]
fn a_hub_nobody_owns_any_more_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, mut hub) = paired(7, dir.path());
    let names = ["Front door", "Back door", "Garage", "Garden gate"];
    cloud.put("483920", &locks(&hub), 3_600);
    for name in names {
        until("it opens everywhere", || {
            hub.types(name, "111111");
            hub.types(name, "483920").filter(|opened| *opened)
        });
    }
    let refused = hub.say(&["start-over"]).unwrap_err();
    assert!(refused.contains("ledger.in_use"), "{refused}");
    let seed = hub.seed();
    hub.kill();
    cloud.forget_pairing();
    hub.start_over();
    let code = until("there is a new pairing code", || hub.get("/api/pairing"));
    for name in names {
        assert_eq!(hub.types(name, "483920"), Some(false), "{name}");
    }
    until("the old home is told", || {
        let told = cloud.lock().events.iter().any(|event| event.body == EventBody::StartedOver);
        told.then_some(())
    });
    assert_ne!(hub.seed(), seed, "its keys are new");
    assert!(dir.path().join("former-1.redb").exists(), "the log is kept");
    let kept = walk(dir.path()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "redb"));
    for path in kept {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(32).any(|w| w == seed), "{} holds the key", path.display());
    }
    // A new home takes it in, and its codes work; the old ones do not.
    cloud.another_home(8);
    until("the new offer is there", || cloud.lock().offer.clone());
    cloud.take_hub(code["text"].as_str().unwrap());
    until("it is paired anew", || hub.get("/api/state").filter(|s| s["paired"] == true));
    until("its locks are known", || (cloud.lock().reports.len() == 4).then_some(()));
    cloud.put("602847", &locks(&hub), 3_600);
    until("the new code opens", || {
        hub.types("Front door", "111111");
        hub.types("Front door", "602847").filter(|opened| *opened)
    });
    assert_eq!(hub.types("Front door", "483920"), Some(false));
    hub.kill();
    hub.start();
    until("and stays so", || hub.types("Front door", "602847").filter(|opened| *opened));
    assert_eq!(cloud.lock().trouble, Vec::<String>::new());
}

#[test]
fn a_hub_put_back_from_a_backup_says_so_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, mut hub) = paired(9, dir.path());
    let sent = |hub: &Hub| hub.get("/api/state").filter(|s| s["unsent"] == 0).map(drop);
    until("everything is sent", || sent(&hub));
    hub.kill();
    let backup = std::fs::read(dir.path().join("ledger.redb")).unwrap();
    hub.start();
    let locks = locks(&hub);
    cloud.put("483920", &locks, 3_600);
    until("it opens", || {
        hub.types("Front door", "111111");
        hub.types("Front door", "483920").filter(|opened| *opened)
    });
    until("everything is sent", || sent(&hub));
    hub.kill();
    std::fs::write(dir.path().join("ledger.redb"), backup).unwrap();
    hub.start();
    until("the log says so", || {
        let told = cloud.lock().events.iter().any(|event| matches!(event.body, EventBody::Restored(_)));
        told.then_some(())
    });
    until("and goes on", || sent(&hub));
    assert_eq!(hub.types("Front door", "483920"), Some(true));
    let inner = cloud.lock();
    assert_eq!(inner.trouble, Vec::<String>::new());
    assert!(inner.events.iter().map(|e| e.number).eq(1..=inner.tip.number), "without a gap");
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
