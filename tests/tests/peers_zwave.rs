//! The real zwave-js and Z-Wave JS server; only radio and locks are stand-ins. `cargo xtask test` runs these; what they
//! need it has installed.

mod story;

use latchkey_hub::core::lock::{Answer, Command, Happening, Reading};
use latchkey_hub::drivers::{Port, Told, Uplink, carry_out, zwave_js};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{SlotContent, SlotNo};
use latchkey_tests::conformance::{Fault, Rig, ZwaveLock, ZwaveRig, run};
use latchkey_tests::peers::Peer;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout};

const SLOT: SlotNo = SlotNo(4);
const PATIENCE: Duration = Duration::from_secs(20);

async fn start(lock: ZwaveLock) -> ZwaveRig {
    ZwaveRig::start(lock).await.expect("the peer starts")
}

async fn conforms(lock: ZwaveLock) {
    run(start(lock).await).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_secure_lock_with_user_code_version_2() {
    conforms(ZwaveLock::Secure).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_with_user_code_version_1() {
    conforms(ZwaveLock::Plain).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_with_user_credential() {
    conforms(ZwaveLock::Credential).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_that_masks_its_pins() {
    conforms(ZwaveLock::Masking).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_where_all_pins_have_one_length() {
    conforms(ZwaveLock::OneLength).await;
}

async fn story(lock: ZwaveLock, most: u64) {
    let rig = start(lock).await;
    let section = format!("[[zwave_js]]\nurl = \"{}\"\n", rig.settings().url);
    story::tell(rig, &section, most).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_story_of_one_code() {
    // Written, read, and the slot of the next one read ahead.
    story(ZwaveLock::Plain, 3).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_story_of_one_code_on_a_lock_that_ends_codes_itself() {
    // The term is written and read too.
    story(ZwaveLock::Secure, 5).await;
}

/// A driver at work, and what it tells.
fn drive(rig: &mut ZwaveRig) -> UnboundedReceiver<Told> {
    let (uplink, told) = Uplink::new();
    tokio::spawn(rig.driver().run(uplink));
    told
}

async fn next(told: &mut UnboundedReceiver<Told>) -> Told {
    timeout(PATIENCE, told.recv()).await.expect("nothing is told").expect("the driver goes on")
}

async fn port(told: &mut UnboundedReceiver<Told>) -> Box<dyn Port> {
    loop {
        if let Told::Found(lock) = next(told).await {
            return lock.port;
        }
    }
}

/// Waits until this is told.
async fn hears(told: &mut UnboundedReceiver<Told>, wanted: Happening) {
    loop {
        if matches!(next(told).await, Told::Says(_, notice) if notice.what == wanted) {
            return;
        }
    }
}

fn pin() -> Pin {
    Pin::parse("482913").expect("a PIN")
}

async fn sent(rig: &mut ZwaveRig, command: &str) -> u64 {
    let all = rig.commands().await.expect("counters");
    all.into_iter().find(|(name, _)| name == command).map_or(0, |(_, n)| n)
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_server_that_dies_in_the_middle_of_a_write() {
    let mut rig = start(ZwaveLock::Secure).await;
    let mut told = drive(&mut rig);
    let mut lock = port(&mut told).await;
    // The lock does it, and its word does not get through any more.
    rig.fault(Fault::AnswersLate).await.unwrap();
    let writing = tokio::spawn(async move {
        let answer = carry_out(lock.as_mut(), &Command::Write { slot: SLOT, pin: pin() }).await;
        (lock, answer)
    });
    let written = Instant::now() + PATIENCE;
    while rig.held(SLOT).await.unwrap().pin.is_none() {
        assert!(Instant::now() < written, "the write reaches the lock");
        sleep(Duration::from_millis(20)).await;
    }
    rig.bridge(false).await.unwrap();
    let (mut lock, answer) = writing.await.unwrap();
    assert_eq!(answer, Answer::Unknown, "anything may have happened");
    hears(&mut told, Happening::Away).await;
    // By now zwave-js itself may have sent it more than once.
    let written = sent(&mut rig, "UserCodeCCExtendedUserCodeSet").await;
    rig.bridge(true).await.unwrap();
    hears(&mut told, Happening::Back).await;
    let read = carry_out(lock.as_mut(), &Command::Read { slot: SLOT }).await;
    assert_eq!(read, Answer::Verified(Reading { content: SlotContent::Pin(pin()), enabled: true }));
    assert_eq!(sent(&mut rig, "UserCodeCCExtendedUserCodeSet").await, written, "it is not written again");
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn what_happens_at_the_door_is_told() {
    let mut rig = start(ZwaveLock::Plain).await;
    let mut told = drive(&mut rig);
    let mut lock = port(&mut told).await;
    let orders = [
        ("erase", json!({}), Happening::ChangedAll),
        ("program", json!({ "slot": 7, "pin": "130524" }), Happening::Changed { slot: SlotNo(7) }),
        ("tamper", json!({}), Happening::Tampered),
        // The battery is to be replaced soon; the keypad is off for a while; a code was refused.
        ("notify", json!({ "type": 8, "event": 10 }), Happening::BatteryLow),
        ("notify", json!({ "type": 6, "event": 16 }), Happening::Refused),
        ("keypad", json!({ "pin": "999999" }), Happening::Refused),
        ("keypad", json!({ "pin": "130524" }), Happening::Opened { slot: SlotNo(7) }),
    ];
    for (act, more, wanted) in orders {
        rig.order(act, more).await.unwrap();
        hears(&mut told, wanted).await;
    }
    rig.fault(Fault::Dead).await.unwrap();
    assert_eq!(carry_out(lock.as_mut(), &Command::Read { slot: SLOT }).await, Answer::Unknown);
    hears(&mut told, Happening::Away).await;
    assert_eq!(carry_out(lock.as_mut(), &Command::Observe).await, Answer::Unknown);
    rig.heal().await.unwrap();
    // The first question to a dead lock is its way back.
    let alive = Instant::now() + PATIENCE;
    while carry_out(lock.as_mut(), &Command::Read { slot: SLOT }).await == Answer::Unknown {
        assert!(Instant::now() < alive, "it answers again");
    }
    hears(&mut told, Happening::Back).await;
    assert!(matches!(carry_out(lock.as_mut(), &Command::Observe).await, Answer::Observed(_)));
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_at_rest_is_sent_nothing_at_all() {
    let mut rig = start(ZwaveLock::Secure).await;
    let mut told = drive(&mut rig);
    let mut lock = port(&mut told).await;
    carry_out(lock.as_mut(), &Command::Observe).await;
    carry_out(lock.as_mut(), &Command::Write { slot: SLOT, pin: pin() }).await;
    sleep(Duration::from_secs(2)).await;
    // The driver has one timer, which pings the server every 30 s: what it does not send now it does not send in an hour.
    let before = rig.order("frames", json!({})).await.unwrap();
    sleep(Duration::from_secs(35)).await;
    let after = rig.order("frames", json!({})).await.unwrap();
    assert_eq!(after["received"], before["received"], "frames to a sleeping lock");
}

/// The real server's hour, every timer of it, with the driver connected.
#[tokio::test]
#[ignore = "needs the peers"]
async fn an_idle_hour_sends_nothing_to_a_sleeping_lock() {
    let dir = tempfile::tempdir().expect("a directory");
    let signal = dir.path().join("hour");
    let started = Peer::start_with_an_hour("zwave/main.mjs", &["3"], &signal).await;
    let mut peer = started.expect("the peer starts");
    let (uplink, mut told) = Uplink::new();
    tokio::spawn(zwave_js::driver(&zwave_js::Settings::at(peer.about("url"))).run(uplink));
    let mut lock = port(&mut told).await;
    carry_out(lock.as_mut(), &Command::Observe).await;
    let written = carry_out(lock.as_mut(), &Command::Write { slot: SLOT, pin: pin() }).await;
    assert!(matches!(written, Answer::Verified(_)), "{written:?}");
    sleep(Duration::from_secs(2)).await;
    let frames = json!({ "do": "frames", "node": 3 });
    let before = peer.order(frames.clone()).await.unwrap();
    std::fs::write(&signal, "").expect("a file");
    let done = signal.with_extension("done");
    let end = Instant::now() + PATIENCE;
    while !done.exists() {
        assert!(Instant::now() < end, "the hour passes");
        sleep(Duration::from_millis(50)).await;
    }
    let hour: serde_json::Value =
        serde_json::from_slice(&std::fs::read(done).expect("a file")).expect("JSON");
    assert!(hour["moved"].as_u64() >= Some(3_600_000), "{hour}");
    assert_eq!(hour["minutes"], 60, "its timers have fired");
    sleep(Duration::from_secs(1)).await;
    let after = peer.order(frames).await.unwrap();
    assert_eq!(after["received"], before["received"], "frames to a sleeping lock");
    // The server has lived through it, and so has the way to the lock.
    let read = carry_out(lock.as_mut(), &Command::Read { slot: SLOT }).await;
    assert_eq!(read, Answer::Verified(Reading { content: SlotContent::Pin(pin()), enabled: true }));
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn locks_are_found_among_other_things_and_go() {
    let mut peer = Peer::start("zwave/main.mjs", &["3", "5", "9"]).await.expect("the peer starts");
    let settings = zwave_js::Settings::at(peer.about("url"));
    let (uplink, mut told) = Uplink::new();
    tokio::spawn(zwave_js::driver(&settings).run(uplink));
    let mut found = vec![];
    while found.len() < 2 {
        if let Told::Found(lock) = next(&mut told).await {
            found.push(format!("{} {}", lock.presented.key, lock.presented.name));
        }
    }
    assert_eq!(found, ["zwave_js/7e570001/3 Back door", "zwave_js/7e570001/5 Cellar"]);
    peer.order(json!({ "do": "remove", "node": 3 })).await.unwrap();
    loop {
        match next(&mut told).await {
            Told::Removed(key) => break assert_eq!(key, "zwave_js/7e570001/3"),
            Told::Found(lock) => panic!("{} is no lock", lock.presented.key),
            Told::Says(..) | Told::Reached(_) => {}
        }
    }
    // One that was taken out while the hub was not looking is gone too, and not merely away.
    for (act, node) in [("down", 0), ("remove", 5), ("up", 0)] {
        peer.order(json!({ "do": act, "node": node })).await.unwrap();
    }
    let gone = |told: &Told| matches!(told, Told::Removed(key) if key == "zwave_js/7e570001/5");
    while !gone(&next(&mut told).await) {}
}
