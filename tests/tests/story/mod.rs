//! The story of one code on a lock of a real ecosystem, with the real hub: made, on the lock, used, ended, revoked. And
//! what of it the lock has to listen to.

#[path = "../../../hub/tests/support/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod support;

use latchkey_shared::event::EventBody;
use latchkey_shared::explain::CodeState;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::report::{CodeReport, LockInfo};
use latchkey_shared::slot::{Readback, SlotNo};
use latchkey_tests::conformance::{Hand, Rig};
use std::time::{Duration, Instant};
use support::{Cloud, Hub};

/// How long the lock is watched at rest. A lock that is asked on a schedule is asked within it, or not within an hour.
const REST: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST: &str = "048293";
const SECOND: &str = "730518";

/// Asks until there is an answer. Others in this process go on meanwhile.
pub(crate) async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn paired(seed: u64, dir: &std::path::Path, section: &str) -> (Cloud, Hub) {
    let cloud = Cloud::start(seed);
    let mut hub = Hub::new(dir, &cloud);
    hub.configure(section);
    hub.start();
    let code = until("there is a pairing code", || hub.get("/api/pairing")).await;
    until("the offer is there", || cloud.lock().offer.clone()).await;
    cloud.take_hub(code["text"].as_str().unwrap());
    until("the hub is paired", || hub.get("/api/state").filter(|s| s["paired"] == true)).await;
    (cloud, hub)
}

/// The slot that holds a PIN.
async fn slot_with<R: Rig>(rig: &mut R, pin: &str) -> Option<SlotNo> {
    for no in 1..=20 {
        if rig.held(SlotNo(no)).await.unwrap().pin.as_deref() == Some(pin) {
            return Some(SlotNo(no));
        }
    }
    None
}

/// What happens at the door is told to the cloud at once, and its answer tells of the new op: the next poll is far off.
async fn nudge<R: Rig>(rig: &mut R) {
    rig.hand(Hand::TypesWrong).await.unwrap();
}

/// As surely as this lock can tell: one that shows no PIN is never said to hold it.
fn on_lock(readback: Readback) -> impl Fn(&CodeState) -> bool {
    move |state| match readback {
        Readback::Full => matches!(state, CodeState::OnLock { .. }),
        Readback::Masked | Readback::None => matches!(state, CodeState::WrittenUnconfirmed { .. }),
    }
}

/// The lock of a driver's key, once the hub has reported what it can do.
pub(crate) async fn reported(cloud: &Cloud, hub: &Hub, key: &str) -> LockInfo {
    until("the lock is reported", || {
        let state = hub.get("/api/state")?;
        let lock = state["locks"].as_array()?.iter().find(|lock| lock["key"] == key)?;
        let id = lock["id"].as_str()?.parse().ok()?;
        let report = cloud.lock().reports.get(&id).map(|report| report.lock.clone());
        report.filter(|lock| lock.unreachable_since.is_none() && lock.abilities.slots > 0)
    })
    .await
}

/// What was last reported of a code.
pub(crate) fn code_on(cloud: &Cloud, lock: LockId, grant: GrantId) -> Option<CodeReport> {
    cloud.lock().reports.get(&lock)?.codes.iter().find(|code| code.grant == grant).cloned()
}

/// Tells it. `section`: the part of `hub.toml` that leads to the lock; `most`: what a new code may cost the lock, in
/// requests.
#[allow(clippy::print_stdout)]
pub(crate) async fn tell<R: Rig>(mut rig: R, section: &str, most: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (cloud, mut hub) = paired(7, dir.path(), section).await;
    let lock = reported(&cloud, &hub, &rig.key()).await;
    let (lock, on_lock) = (lock.id, on_lock(lock.abilities.readback));
    let state_of = |grant| code_on(&cloud, lock, grant).map(|code| code.state);

    // Once it is known it is left alone.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = rig.requests().await.unwrap();
    tokio::time::sleep(REST).await;
    assert_eq!(rig.requests().await.unwrap(), before, "a lock at rest was asked about codes");

    // One new code is one write and one read.
    let grant = cloud.put(FIRST, &[lock], 3_600);
    nudge(&mut rig).await;
    until("it is on the lock", || state_of(grant).filter(&on_lock)).await;
    let slot = slot_with(&mut rig, FIRST).await.expect("the PIN is on the lock");
    let cost = rig.requests().await.unwrap() - before;
    println!("  {}: a new code cost {cost} requests; {} before it", rig.name(), before);
    assert!(cost <= most, "one code cost {cost} requests");

    rig.hand(Hand::Types(slot)).await.unwrap();
    let used = |event: &latchkey_shared::event::Event| matches!(&event.body, EventBody::CodeUsed(of, by) if *of == lock && *by == grant);
    until("its use is told", || cloud.lock().events.iter().find(|event| used(event)).map(drop)).await;

    // One that ends by itself, with the cloud saying nothing.
    let short = cloud.put(SECOND, &[lock], 20);
    nudge(&mut rig).await;
    until("it is on the lock", || state_of(short).filter(&on_lock)).await;
    assert!(slot_with(&mut rig, SECOND).await.is_some());
    let over = |state: &CodeState| *state == CodeState::Expired;
    until("it has ended", || state_of(short).filter(over)).await;
    assert_eq!(slot_with(&mut rig, SECOND).await, None, "it is off the lock");
    assert_eq!(slot_with(&mut rig, FIRST).await, Some(slot), "the other one stays where it is");

    cloud.revoke(grant);
    nudge(&mut rig).await;
    let gone = Instant::now() + PATIENCE;
    while slot_with(&mut rig, FIRST).await.is_some() {
        assert!(Instant::now() < gone, "it was revoked and is still on the lock");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("the report says so", || match state_of(grant) {
        Some(CodeState::StillOnLock { .. }) => None,
        other => Some(other),
    })
    .await;
    hub.kill();
    let log = hub.log();
    assert!(!log.contains(FIRST) && !log.contains(SECOND), "a PIN is in the hub's log");
    assert_eq!(cloud.lock().trouble, Vec::<String>::new());
}
