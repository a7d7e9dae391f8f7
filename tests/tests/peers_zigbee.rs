//! The real zigbee2mqtt with its converters and mosquitto; only the radio and the locks behind it are stand-ins.
//! `cargo xtask test` runs these; what they need it has installed.

mod story;

use latchkey_hub::core::lock::{Answer, Command, Reading};
use latchkey_hub::drivers::{Port, Told, Uplink, carry_out, zigbee2mqtt};
use latchkey_hub::machine::secret::Secrets;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{Readback, SlotContent, SlotNo};
use latchkey_tests::conformance::{Between, Fault, Hand, Rig, ZigbeeRig, run};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

async fn conforms(lock: &'static str, readback: Readback, toggles: bool, between: Between) {
    run(ZigbeeRig::start(lock, readback, toggles, between).await.expect("the peer starts")).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_that_shows_its_pins() {
    conforms("front", Readback::Full, true, Between::Bridge).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_behind_a_broker_that_comes_and_goes() {
    conforms("garden", Readback::Full, true, Between::Broker).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_of_which_only_the_status_is_told() {
    conforms("side", Readback::Masked, false, Between::Bridge).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_with_few_users() {
    conforms("shed", Readback::Full, false, Between::Broker).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_that_cannot_be_read() {
    conforms("cellar", Readback::None, false, Between::Bridge).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_story_of_one_code() {
    let rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Bridge).await.expect("the peer starts");
    let section = format!("[[zigbee2mqtt]]\nurl = \"{}\"\nexpose_pin = true\n", rig.settings().url);
    // Written, read, and the slot of the next one read ahead.
    story::tell(rig, &section, 2).await;
}

/// What is told, in words, until nothing more is for a while.
async fn told(from: &mut UnboundedReceiver<Told>) -> Vec<String> {
    let mut words = vec![];
    while let Ok(Some(told)) = timeout(Duration::from_secs(3), from.recv()).await {
        match told {
            Told::Found(lock) => words.push(format!("found {} {}", lock.presented.key, lock.presented.name)),
            Told::Removed(key) => words.push(format!("removed {key}")),
            Told::Says(..) | Told::Reached(_) => {}
        }
    }
    words
}

/// A lock's port, once it is found.
async fn port(from: &mut UnboundedReceiver<Told>) -> Box<dyn Port> {
    loop {
        match timeout(Duration::from_secs(20), from.recv()).await {
            Ok(Some(Told::Found(lock))) => return lock.port,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => panic!("no lock was found"),
        }
    }
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn what_zigbee2mqtt_remembers_is_not_taken_for_a_reading() {
    let mut rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Bridge).await.expect("the peer starts");
    let slot = SlotNo(5);
    rig.hand(Hand::Programs(slot, Some("482913"))).await.expect("somebody programs it");
    // Somebody has had it read before the hub came: zigbee2mqtt repeats that with every message from now on.
    let get = json!({ "pin_code": { "user": 5 } }).to_string();
    rig.peer
        .order(json!({ "do": "publish", "topic": "front/get", "payload": get }))
        .await
        .expect("it is sent");
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (uplink, mut from) = Uplink::new();
    let driving = tokio::spawn(zigbee2mqtt::driver(rig.settings(), Secrets::of(Path::new(""))).run(uplink));
    let mut port = port(&mut from).await;
    let pin = |text| SlotContent::Pin(Pin::parse(text).expect("a PIN"));
    let read = carry_out(port.as_mut(), &Command::Read { slot }).await;
    assert_eq!(read, Answer::Verified(Reading { content: pin("482913"), enabled: true }));

    // The lock does not answer, but is heard: every message that it causes would carry the old reading.
    rig.fault(Fault::Silent).await.expect("it falls silent");
    let command = Command::Read { slot };
    let reading = carry_out(port.as_mut(), &command);
    let talking = async {
        for percent in 40..60 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            rig.hand(Hand::Battery(percent)).await.expect("it tells its battery");
        }
    };
    assert_eq!(tokio::join!(reading, talking).0, Answer::Unknown);
    driving.abort();
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn every_frame_that_the_lock_hears() {
    let mut rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Bridge).await.expect("the peer starts");
    // What zigbee2mqtt asks a newcomer is over.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (uplink, mut from) = Uplink::new();
    let driving = tokio::spawn(rig.driver().run(uplink));
    let mut port = port(&mut from).await;
    let (slot, pin) = (SlotNo(5), Pin::parse("482913").expect("a PIN"));
    let steps = [
        (Command::Observe, json!({ "closuresDoorLock.read": 1 })),
        (
            Command::Write { slot, pin },
            json!({ "closuresDoorLock.setPinCode": 1, "closuresDoorLock.getPinCode": 1 }),
        ),
        (Command::Read { slot }, json!({ "closuresDoorLock.getPinCode": 1 })),
        (
            Command::Clear { slot },
            json!({ "closuresDoorLock.clearPinCode": 1, "closuresDoorLock.getPinCode": 1 }),
        ),
    ];
    for (command, frames) in steps {
        rig.order(json!({ "do": "clear_frames" })).await.expect("it counts anew");
        carry_out(port.as_mut(), &command).await;
        let state = rig.order(json!({ "do": "state" })).await.expect("it has a state");
        assert_eq!(state["frames"]["by"], frames, "{}", command.name());
    }
    rig.order(json!({ "do": "clear_frames" })).await.expect("it counts anew");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let state = rig.order(json!({ "do": "state" })).await.expect("it has a state");
    assert_eq!(state["frames"]["total"], 0, "a lock at rest hears nothing at all");
    driving.abort();
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_late_answer_is_not_taken_for_the_next_one() {
    let mut rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Bridge).await.expect("the peer starts");
    let (uplink, mut from) = Uplink::new();
    let driving = tokio::spawn(rig.driver().run(uplink));
    let mut port = port(&mut from).await;
    let slot = SlotNo(5);
    assert!(matches!(carry_out(port.as_mut(), &Command::Observe).await, Answer::Observed(_)));
    rig.hand(Hand::Programs(slot, Some("482913"))).await.expect("somebody programs it");
    // The answer, that there is a PIN, comes when zigbee2mqtt has given up.
    rig.fault(Fault::AnswersLate).await.expect("it gets slow");
    assert_eq!(carry_out(port.as_mut(), &Command::Read { slot }).await, Answer::Unknown);
    rig.heal().await.expect("it gets well");
    let answer = carry_out(port.as_mut(), &Command::Clear { slot }).await;
    let empty = Reading { content: SlotContent::Empty, enabled: false };
    assert_eq!(answer, Answer::Verified(empty), "not what was there before");
    driving.abort();
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_hub_puts_no_pin_into_the_log_of_zigbee2mqtt() {
    let mut rig =
        ZigbeeRig::start("side", Readback::Masked, false, Between::Bridge).await.expect("the peer starts");
    let (uplink, mut from) = Uplink::new();
    let driving = tokio::spawn(rig.driver().run(uplink));
    let mut port = port(&mut from).await;
    let write = |no, digits| Command::Write { slot: SlotNo(no), pin: Pin::parse(digits).expect("a PIN") };
    assert!(matches!(carry_out(port.as_mut(), &Command::Observe).await, Answer::Observed(_)));
    assert!(matches!(carry_out(port.as_mut(), &write(1, "482913")).await, Answer::Verified(_)));
    rig.fault(Fault::Dead).await.expect("it dies");
    assert_eq!(carry_out(port.as_mut(), &write(2, "730518")).await, Answer::Unknown);
    let log = rig.peer.order(json!({ "do": "log" })).await.expect("there is a log")["lines"].to_string();
    assert!(log.contains("failed") && log.contains("setPinCode"), "zigbee2mqtt tells of the failure");
    assert!(!log.contains("482913") && !log.contains("730518"), "and not of the PIN");
    driving.abort();
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_broker_with_tls_that_wants_a_password() {
    let rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Bridge).await.expect("the peer starts");
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("right"), "development-only\n").expect("a file");
    std::fs::write(dir.path().join("wrong"), "development-0nly\n").expect("a file");
    let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/zigbee/tls/ca.pem");
    let good = zigbee2mqtt::Settings {
        url: rig.peer.about("secure").to_owned(),
        username: Some("hub".to_owned()),
        password_file: Some("right".into()),
        ca_file: Some(ca),
        ..rig.settings()
    };
    let finds = async |settings: zigbee2mqtt::Settings| {
        let (uplink, mut from) = Uplink::new();
        let driving = tokio::spawn(zigbee2mqtt::driver(settings, Secrets::of(dir.path())).run(uplink));
        let found = told(&mut from).await.len();
        driving.abort();
        found
    };
    assert_eq!(finds(good.clone()).await, 1);
    let wrong = zigbee2mqtt::Settings { password_file: Some("wrong".into()), ..good.clone() };
    assert_eq!(finds(wrong).await, 0, "a wrong password");
    assert_eq!(finds(zigbee2mqtt::Settings { password_file: None, ..good.clone() }).await, 0, "no password");
    let strange = zigbee2mqtt::Settings { ca_file: None, ..good.clone() };
    assert_eq!(finds(strange).await, 0, "a certificate that nobody has to know");
    let elsewhere = zigbee2mqtt::Settings { url: good.url.replace("localhost", "127.0.0.1"), ..good };
    assert_eq!(finds(elsewhere).await, 0, "another's certificate");
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn locks_come_and_are_renamed_and_go() {
    let mut rig =
        ZigbeeRig::start("front", Readback::Full, true, Between::Broker).await.expect("the peer starts");
    rig.peer.order(json!({ "do": "join", "lock": "plain" })).await.expect("it joins");
    let (uplink, mut from) = Uplink::new();
    let driving = tokio::spawn(zigbee2mqtt::driver(rig.settings(), Secrets::of(Path::new(""))).run(uplink));
    let key = |lock: &str| format!("zigbee2mqtt/zigbee2mqtt/{}", rig.peer.about(lock));
    let (front, garden) = (key("front"), key("garden"));
    assert_eq!(told(&mut from).await, [format!("found {front} front")], "a lock without PINs is none here");

    rig.peer.order(json!({ "do": "join", "lock": "garden" })).await.expect("it joins");
    assert_eq!(told(&mut from).await, [format!("found {garden} garden")]);

    rig.peer
        .order(json!({ "do": "rename", "lock": "garden", "to": "shed/back" }))
        .await
        .expect("it is renamed");
    assert_eq!(told(&mut from).await, [format!("found {garden} shed/back")]);

    // A broker that has forgotten everything, and lists that say nothing, remove nothing.
    for order in ["stop_broker", "start_broker"] {
        rig.peer.order(json!({ "do": order })).await.expect("the broker restarts");
    }
    rig.peer
        .order(json!({ "do": "publish", "topic": "bridge/devices", "payload": "[]" }))
        .await
        .expect("it is sent");
    assert_eq!(told(&mut from).await, [] as [String; 0]);

    rig.peer.order(json!({ "do": "leave", "lock": "garden" })).await.expect("it leaves");
    rig.peer.order(json!({ "do": "remove", "lock": "front" })).await.expect("it is removed");
    let mut gone = told(&mut from).await;
    gone.sort();
    assert_eq!(gone, [format!("removed {front}"), format!("removed {garden}")]);
    driving.abort();
}
