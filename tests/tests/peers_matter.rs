//! The real python-matter-server with two matter.js locks, in a network namespace of their own, which needs no special
//! rights. `cargo xtask test` runs these; what they need it has installed.

use latchkey_hub::core::lock::{Answer, Command, Happening, Reading, Refusal};
use latchkey_hub::drivers::sim::lock_clock;
use latchkey_hub::drivers::{Applied, Port, Told, Uplink, carry_out, matter};
use latchkey_shared::event::EventBody;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Schedule, Validity};
use latchkey_shared::slot::{OwnEnd, OwnSchedules, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{TzZone, Zone, ZoneName};
use latchkey_tests::conformance::{Hand, MatterRig, Rig, run};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;

mod story;

/// What a new code may cost a lock: its record is asked for before and after, and the slot of the next one is read ahead.
const MOST_PLAIN: u64 = 6;
/// The term is written and read too, and the record that it needs is made first.
const MOST_WITH_TERM: u64 = 11;

async fn conforms(lock: &'static str) {
    run(MatterRig::start(lock).await.expect("the peer starts")).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_that_keeps_terms() {
    conforms("front").await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_without_schedules() {
    conforms("shed").await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_story_of_one_code() {
    let rig = MatterRig::start("shed").await.expect("the peer starts");
    let section = section(&rig);
    story::tell(rig, &section, MOST_PLAIN).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_story_of_one_code_on_a_lock_that_ends_codes_itself() {
    let rig = MatterRig::start("front").await.expect("the peer starts");
    let section = section(&rig);
    story::tell(rig, &section, MOST_WITH_TERM).await;
}

/// The term is written by the real hub, read back, and reported so; then the hub dies.
#[tokio::test]
#[ignore = "needs the peers"]
async fn the_lock_ends_a_code_though_the_hub_is_dead() {
    let mut rig = MatterRig::start("front").await.expect("the peer starts");
    let dir = tempfile::tempdir().expect("a directory");
    let (cloud, mut hub) = story::paired(9, dir.path(), &section(&rig)).await;
    let lock = story::reported(&cloud, &hub, &rig.key()).await.id;
    let grant = cloud.put("482913", &[lock], 3_600);
    let end = cloud.lock().home.state.grants()[&grant].grant.expires.expect("an end");
    rig.hand(Hand::TypesWrong).await.expect("somebody types it");
    story::until("it is on the lock, which was read to end it", || {
        let code = story::code_on(&cloud, lock, grant)?;
        (code.state.may_open() && code.own_end == Some(OwnEnd::ReadBack)).then_some(())
    })
    .await;
    hub.kill();
    // Berlin's clock, in winter or in summer.
    let zone = TzZone::by_name(&ZoneName::parse("Europe/Berlin").expect("a zone")).expect("its rules");
    let wall = |t: u64| zone.to_local(Timestamp(t)).to_seconds();
    for (at, opens) in [(wall(end.0) - 1, true), (wall(end.0), false)] {
        let typed = rig.order(json!({ "do": "keypad", "pin": "482913", "at": at })).await;
        assert_eq!(typed.expect("somebody types it")["opened"], opens);
    }
}

/// Who came in while the hub was off is told when it is back, and once.
#[tokio::test]
#[ignore = "needs the peers"]
async fn entries_from_while_the_hub_was_off_are_told_afterwards() {
    let mut rig = MatterRig::start("shed").await.expect("the peer starts");
    // From before there was a hub: nobody's business.
    rig.hand(Hand::TypesWrong).await.expect("somebody types it");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (cloud, mut hub) = story::paired(13, dir.path(), &section(&rig)).await;
    let lock = story::reported(&cloud, &hub, &rig.key()).await.id;
    let grant = cloud.put("482913", &[lock], 3_600);
    rig.hand(Hand::TypesWrong).await.expect("somebody types it");
    let on = || story::code_on(&cloud, lock, grant).filter(|code| code.state.may_open());
    story::until("it is on the lock", on).await;
    let count = |wanted: &dyn Fn(&EventBody) -> bool| {
        cloud.lock().events.iter().filter(|event| wanted(&event.body)).count()
    };
    let used = || count(&|body| *body == EventBody::CodeUsed(lock, grant));
    let refused = || count(&|body| *body == EventBody::EntryRefused(lock));
    story::until("what was refused is told", || (refused() == 1).then_some(())).await;
    hub.kill();
    rig.order(json!({ "do": "keypad", "pin": "482913" })).await.expect("somebody comes in");
    rig.hand(Hand::TypesWrong).await.expect("somebody types it");
    hub.start();
    story::until("both are told", || (used() == 1 && refused() == 2).then_some(())).await;
    hub.kill();
    hub.start();
    rig.order(json!({ "do": "keypad", "pin": "482913" })).await.expect("somebody comes in");
    story::until("what is new is told", || (used() == 2).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((used(), refused()), (2, 2), "each once");
    assert_eq!(count(&|body| matches!(body, EventBody::EntriesLost(..))), 0);
    assert_eq!(cloud.lock().trouble, Vec::<String>::new());
}

fn section(rig: &MatterRig) -> String {
    format!("[[matter]]\nurl = \"{}\"\nanswer_seconds = 2\n", rig.settings().url)
}

/// A rig with its driver, to be asked one thing after the other.
struct Home {
    rig: MatterRig,
    told: UnboundedReceiver<Told>,
    port: Box<dyn Port>,
    driving: JoinHandle<()>,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Home {
    async fn start(lock: &'static str) -> Self {
        let rig = MatterRig::start(lock).await.expect("the peer starts");
        let (uplink, mut told) = Uplink::new();
        let driving = tokio::spawn(matter::driver(rig.settings()).run(uplink));
        let port = find(&mut told, &rig.key()).await;
        Self { rig, told, port, driving }
    }

    async fn send(&mut self, command: Command) -> Answer {
        carry_out(self.port.as_mut(), &command).await
    }

    async fn observe(&mut self) -> OwnSchedules {
        match self.send(Command::Observe).await {
            Answer::Observed(seen) => seen.abilities.own_schedules,
            other => panic!("{other:?}"),
        }
    }

    async fn write(&mut self, slot: SlotNo, pin: &str) {
        let answer = self.send(Command::Write { slot, pin: Pin::parse(pin).expect("a PIN") }).await;
        assert!(occupied(&answer), "{answer:?}");
    }

    /// Sets a term, which the driver reads back by itself; one that has no end is lifted.
    async fn keep(&mut self, command: Command) {
        let ends = matches!(&command, Command::SetSchedule { validity, .. } if validity.expires.is_some());
        let wanted = if ends { Applied::Kept } else { Applied::Acknowledged };
        assert_eq!(self.port.apply(&command).await, wanted);
    }

    /// Whether the door opens for a PIN at this time on the lock's clock.
    async fn opens(&mut self, pin: &str, at: u64) -> bool {
        let order = json!({ "do": "keypad", "pin": pin, "at": at });
        self.rig.order(order).await.expect("somebody types it")["opened"] == true
    }

    async fn order(&mut self, what: Value) -> Value {
        self.rig.order(what).await.expect("the order is carried out")
    }

    /// What the lock's driver tells within two seconds.
    async fn hears(&mut self) -> Vec<Happening> {
        let mut heard = vec![];
        while let Ok(Some(told)) = timeout(Duration::from_secs(2), self.told.recv()).await {
            match told {
                Told::Says(key, notice) if key == self.rig.key() => heard.push(notice.what),
                _ => {}
            }
        }
        heard
    }
}

/// The port of a lock, once it is found.
async fn find(told: &mut UnboundedReceiver<Told>, key: &str) -> Box<dyn Port> {
    loop {
        match timeout(Duration::from_secs(20), told.recv()).await {
            Ok(Some(Told::Found(lock))) if lock.presented.key == key => return lock.port,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => panic!("{key} was not found"),
        }
    }
}

fn occupied(answer: &Answer) -> bool {
    matches!(answer, Answer::Verified(Reading { content: SlotContent::Occupied, enabled: true }))
}

fn term(slot: SlotNo, from: u64, to: Option<u64>, zone: &str) -> Command {
    let validity = Validity::new(Timestamp(from), to.map(Timestamp), Schedule::Always);
    Command::SetSchedule { slot, validity, zone: ZoneName::parse(zone).expect("a zone"), now: lock_clock() }
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn the_lock_itself_ends_a_term() {
    let mut home = Home::start("front").await;
    let slot = SlotNo(4);
    // 2027-01-15 09:00 to 2027-01-18 09:00 in Berlin; the lock's clock shows an hour more than UTC.
    let (from, to) = (1_800_000_000, 1_800_259_200);
    home.keep(term(slot, from, Some(to), "Europe/Berlin")).await;
    home.write(slot, "482913").await;
    let wall = |t: u64| t + 3_600;
    assert!(!home.opens("482913", wall(from) - 60).await, "not yet");
    assert!(home.opens("482913", wall(from) + 60).await);
    assert!(home.opens("482913", wall(to) - 60).await);
    assert!(!home.opens("482913", wall(to) + 60).await, "over");
    // Extended, then without an end.
    home.keep(term(slot, from, Some(to + 86_400), "Europe/Berlin")).await;
    assert!(home.opens("482913", wall(to) + 60).await);
    home.keep(term(slot, from, None, "Europe/Berlin")).await;
    assert!(home.opens("482913", wall(to) + 10 * 86_400).await);
    let state = home.rig.state().await.expect("its memory");
    assert_eq!((state["week"].to_string(), state["year"].to_string()), ("[]".into(), "[]".into()));
    home.send(Command::Clear { slot }).await;
    let state = home.rig.state().await.expect("its memory");
    assert_eq!(state["users"], json!([]), "no record is left behind");
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_clock_that_is_wrong_is_set() {
    let mut home = Home::start("front").await;
    let (from, to) = (1_800_000_000, 1_800_259_200);
    // It shows Berlin's time, and the home is elsewhere; then it has lost the time altogether.
    home.keep(term(SlotNo(4), from, Some(to), "America/New_York")).await;
    home.order(json!({ "do": "clock", "zone": "Asia/Tokyo", "stuck": false })).await;
    home.keep(term(SlotNo(4), from, Some(to + 60), "America/New_York")).await;
    home.write(SlotNo(4), "482913").await;
    let wall = |t: u64| t - 5 * 3_600;
    assert!(home.opens("482913", wall(to) + 30).await);
    assert!(!home.opens("482913", wall(to) + 90).await, "over");
    assert_eq!(home.observe().await, OwnSchedules::Term);
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_clock_that_is_wrong_and_cannot_be_set_gets_no_terms() {
    let mut home = Home::start("front").await;
    home.order(json!({ "do": "clock", "zone": "Europe/Berlin", "stuck": true })).await;
    assert_eq!(home.observe().await, OwnSchedules::Term);
    let command = term(SlotNo(4), 1_800_000_000, Some(1_800_259_200), "America/New_York");
    assert_eq!(home.port.apply(&command).await, Applied::Refused(Refusal::NotDone));
    let key = home.rig.key();
    home.port = find(&mut home.told, &key).await;
    assert_eq!(home.observe().await, OwnSchedules::None, "found again, without terms");
    home.write(SlotNo(4), "482913").await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn what_is_refused_leaves_nothing_behind() {
    for lock in ["front", "shed"] {
        let mut home = Home::start(lock).await;
        home.write(SlotNo(1), "482913").await;
        home.send(term(SlotNo(2), 1_800_000_000, Some(1_800_259_200), "Europe/Berlin")).await;
        let pin = Pin::parse("482913").expect("a PIN");
        let twice = home.send(Command::Write { slot: SlotNo(2), pin }).await;
        assert!(matches!(twice, Answer::Rejected { why: Refusal::Duplicate, .. }), "{lock}: {twice:?}");
        let state = home.rig.state().await.expect("its memory");
        let users = state["users"].as_array().map(Vec::len);
        assert_eq!(users, Some(1), "{lock}: {state}");
        // A slot that is the hub's takes another PIN, and none of somebody else's is cleared along.
        home.write(SlotNo(1), "730518").await;
        home.rig.hand(Hand::Programs(SlotNo(3), Some("317264"))).await.expect("somebody programs it");
        home.send(Command::Clear { slot: SlotNo(1) }).await;
        let state = home.rig.state().await.expect("its memory");
        assert_eq!(state["pins"], json!({ "3": "317264" }), "{lock}");
    }
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn what_happens_at_the_door_is_told_once_and_in_order() {
    let mut home = Home::start("shed").await;
    home.hears().await;
    home.write(SlotNo(1), "482913").await;
    home.order(json!({ "do": "keypad", "pin": "482913" })).await;
    home.order(json!({ "do": "tamper" })).await;
    home.order(json!({ "do": "wipe" })).await;
    let heard: Vec<Happening> =
        home.hears().await.into_iter().filter(|h| !matches!(h, Happening::Bolt(_))).collect();
    let opened = Happening::Opened { slot: SlotNo(1) };
    assert_eq!(heard, [opened, Happening::Tampered, Happening::ChangedAll]);
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn what_happened_while_the_hub_was_cut_off_is_told_afterwards() {
    let mut home = Home::start("shed").await;
    home.write(SlotNo(1), "482913").await;
    home.hears().await;
    home.order(json!({ "do": "unplug" })).await;
    home.order(json!({ "do": "keypad", "pin": "482913" })).await;
    assert_eq!(home.hears().await, [Happening::Away]);
    home.order(json!({ "do": "plug" })).await;
    let mut heard = vec![];
    for _ in 0..5 {
        heard.extend(home.hears().await);
    }
    assert_eq!(heard, [Happening::Back, Happening::Opened { slot: SlotNo(1) }]);
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_pin_that_somebody_else_put_there_is_not_overwritten() {
    let mut home = Home::start("front").await;
    home.rig.hand(Hand::Programs(SlotNo(3), Some("317264"))).await.expect("somebody programs it");
    let pin = Pin::parse("482913").expect("a PIN");
    let answer = home.send(Command::Write { slot: SlotNo(3), pin }).await;
    assert!(matches!(answer, Answer::Rejected { why: Refusal::NotDone, .. }), "{answer:?}");
    let state = home.rig.state().await.expect("its memory");
    assert_eq!(state["pins"], json!({ "3": "317264" }));
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn only_a_removed_lock_is_gone() {
    let mut home = Home::start("shed").await;
    let key = home.rig.key();
    home.hears().await;
    home.rig.bridge(false).await.expect("the server stops");
    home.rig.bridge(true).await.expect("the server starts");
    let heard = home.hears().await;
    assert_eq!(heard.first(), Some(&Happening::Away), "{heard:?}");
    let mut back = heard.contains(&Happening::Back);
    for _ in 0..10 {
        back = back || home.hears().await.contains(&Happening::Back);
    }
    assert!(back, "and back");
    home.order(json!({ "do": "remove" })).await;
    let removed = async {
        loop {
            match home.told.recv().await {
                Some(Told::Removed(gone)) => return gone,
                Some(_) => {}
                None => panic!("the driver has ended"),
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(10), removed).await.as_deref(), Ok(key.as_str()));
}
