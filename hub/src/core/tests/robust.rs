//! What goes wrong around a hub over the years: locks that vanish or never answer, journals with gaps, zones that nobody
//! knows, backups that are put back.

use super::world::{BEGIN, World};
use crate::core::Input;
use crate::core::clock::WallClock;
use crate::core::lock::{Happening, Notice};
use latchkey_shared::chain::Body;
use latchkey_shared::event::{EventBody, TakenWhy};
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::ZoneName;

#[test]
fn a_lock_that_was_taken_out_is_reported_gone_with_what_may_still_be_on_it() {
    let mut w = World::new(71);
    let grant = w.guest("483920", &["front", "gate"]);
    w.put(&grant);
    w.run(3);
    let front = w.id("front");
    let sim = w.sims.remove("front").unwrap();
    w.net = false;
    w.crash();
    w.run(3);
    // Killed once more before the cloud could be told.
    w.crash();
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    let report = &w.reports[&front];
    assert!(report.gone && report.lock.name == "front");
    let [code] = report.codes.as_slice() else { panic!("{:?}", report.codes) };
    assert!(matches!(code.state, CodeState::StillOnLock { why: Some(FailWhy::Unreachable), .. }));
    assert_eq!(w.logged(|e| *e == EventBody::LockGone(front)), 1);
    let number = report.number;
    w.crash();
    w.run(5);
    assert_eq!(w.reports[&front].number, number, "once it is told that is all");
    // It comes back: the same lock, and what was on it is known.
    w.revoke(grant.id);
    w.sims.insert("front".into(), sim);
    w.crash();
    w.run(5);
    assert!(!w.reports[&front].gone);
    assert!(w.pins_on("front").is_empty(), "taken off as soon as it is there again");
}

#[test]
fn what_is_to_go_goes_from_a_lock_that_never_says_what_is_on_it() {
    let mut w = World::new(72);
    let grant = w.guest("483920", &["front", "back"]);
    w.put(&grant);
    w.run(3);
    w.never_answers = Some(("front", "observe"));
    w.crash();
    w.run(2);
    w.revoke(grant.id);
    w.run(120);
    assert!(w.pins_on("front").is_empty() && w.pins_on("back").is_empty());
    assert!(
        w.commands.iter().rev().take(40).any(|(key, name)| key == "front" && *name == "observe"),
        "it is asked on"
    );
    let other = w.guest("602847", &["front", "back"]);
    w.put(&other);
    w.run(300);
    assert!(w.pins_on("front").is_empty(), "and nothing is put on blindly");
    assert_eq!(w.pins_on("back"), ["602847"], "others do not wait for it");
}

#[test]
fn a_gap_in_a_locks_journal_is_said_and_old_entries_keep_their_time() {
    let mut w = World::new(73);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(3);
    assert!(w.types("front", "483920"));
    // While the hub is dead somebody comes in.
    w.core = None;
    w.run(600);
    let at = w.real_time();
    assert!(w.types("front", "483920"));
    w.run(600);
    w.crash();
    w.run(3);
    let front = w.id("front");
    let used = w.cloud_events.iter().filter(|e| e.body == EventBody::CodeUsed(front, grant.id));
    let times: Vec<Timestamp> = used.map(|e| e.at).collect();
    assert_eq!(times.len(), 2, "each once");
    assert!(times[1].0.abs_diff(at.0) <= 1, "when it was, not when it was told");
    assert_eq!(w.logged(|e| matches!(e, EventBody::EntriesLost(..))), 0);
    // More happens than the lock can keep.
    w.core = None;
    for _ in 0..70 {
        w.types("front", "111111");
    }
    w.crash();
    w.run(3);
    assert_eq!(w.logged(|e| *e == EventBody::EntriesLost(front, 6)), 1);
    assert_eq!(w.logged(|e| matches!(e, EventBody::EntryRefused(_))), 64);
    // A lock whose own clock is wrong does not put entries into the future.
    let later = w.real_time().saturating_add(Seconds::days(3));
    let notice = Notice { journal: None, at: Some(later), what: Happening::Refused };
    w.input(Input::LockSays(front, notice));
    w.run(2);
    assert!(w.cloud_events.last().unwrap().at <= w.real_time());
}

#[test]
fn a_zone_that_nobody_knows_has_its_own_reason_and_alarm() {
    let mut w = World::new(74);
    let always = w.guest("483920", &["front"]);
    let window = WeeklyWindow {
        days: Days::ALL,
        from: MinuteOfDay::new(0).unwrap(),
        to: MinuteOfDay::new(0).unwrap(),
    };
    let weekly = Grant { schedule: Schedule::Weekly(vec![window]), ..w.guest("602847", &["front"]) };
    w.put(&always);
    w.put(&weekly);
    w.run(3);
    assert_eq!(w.pins_on("front").len(), 2);
    let policy = |zone: &str| Body::SetPolicy(Policy::new("Lake house", ZoneName::parse(zone).unwrap()));
    w.home.push(policy("Mars/Olympus_Mons")).unwrap();
    w.tell();
    w.run(5);
    assert!(w.types("front", "483920"), "what does not go by the clock on the wall goes on");
    assert!(!w.types("front", "602847"));
    let state = w.state("front", weekly.id);
    assert!(matches!(state, Some(CodeState::Failed { why: FailWhy::ZoneUnknown, .. })), "{state:?}");
    assert_eq!(w.logged(|e| *e == EventBody::ZoneUnknown("Mars/Olympus_Mons".into())), 1);
    let view = w.core.as_ref().unwrap().view(&w.now);
    assert_eq!(view.zone_unknown.as_deref(), Some("Mars/Olympus_Mons"));
    w.run(3_600);
    assert_eq!(w.logged(|e| matches!(e, EventBody::ZoneUnknown(_))), 1, "said once");
    w.home.push(policy("Europe/Berlin")).unwrap();
    w.tell();
    w.run(5);
    assert!(w.types("front", "602847"));
}

#[test]
fn a_hub_that_was_set_back_to_a_backup_finds_out_says_so_and_goes_on() {
    let mut w = World::new(75);
    let old = w.guest("483920", &["front"]);
    w.put(&old);
    w.run(3);
    let (backup, events) = (w.stored.clone(), w.ledger_events.clone());
    // After the backup a code was put on the lock, and more was logged.
    let newer = w.guest("602847", &["front"]);
    w.put(&newer);
    w.run(3);
    assert!(w.types("front", "602847"));
    w.run(3);
    let before = w.cloud_events.len();
    // The disk is put back; offline, the hub logs under numbers that the cloud has otherwise.
    w.core = None;
    (w.stored, w.ledger_events) = (backup, events);
    let last = w.stored.tip.number;
    w.net = false;
    w.set_back = true;
    w.start();
    w.run(3);
    assert!(!w.types("front", "999111"));
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(60);
    assert_eq!(w.logged(|e| *e == EventBody::Restored(last)), 1);
    assert!(w.cloud_events.len() > before + 2, "and it goes on");
    let numbers: Vec<u64> = w.cloud_events.iter().map(|e| e.number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "nothing is missing, nothing twice");
    assert!(w.logged(|e| matches!(e, EventBody::EntryRefused(_))) >= 1, "what happened offline is there");
    assert_eq!(w.core.as_ref().unwrap().view(&w.now).unsent, 0);
    let front = w.id("front");
    assert!(w.reports[&front].codes.iter().any(|c| c.grant == newer.id), "its reports are taken again");
    // The code that was put after the backup is known for what it is, and goes when it is revoked.
    w.set_back = false;
    w.revoke(newer.id);
    w.run(5);
    assert_eq!(w.pins_on("front"), ["483920"]);
    assert_eq!(w.logged(|e| *e == EventBody::CodeTaken(front, newer.id, TakenWhy::Revoked, true)), 1);
}

#[test]
fn two_machines_with_one_key_are_told_and_not_merged() {
    let mut w = World::new(76);
    w.run(3);
    let twin = (w.stored.clone(), w.ledger_events.clone());
    let types = |w: &mut World| {
        w.types("front", "111111");
        w.run(5);
    };
    types(&mut w);
    // The twin starts from the same disk, notices that it is behind, and goes on.
    let first = (w.stored.clone(), w.ledger_events.clone());
    (w.stored, w.ledger_events) = twin;
    w.set_back = true;
    w.crash();
    w.run(30);
    types(&mut w);
    assert_eq!(w.logged(|e| matches!(e, EventBody::Restored(_))), 1);
    // The first one again, and while it runs the other writes on.
    (w.stored, w.ledger_events) = first;
    w.crash();
    w.run(30);
    let key = w.home.hub_keys.signing().clone();
    let mut foreign = w.cloud_events.last().unwrap().clone();
    (foreign.number, foreign.prev) = (w.cloud_tip.number + 1, w.cloud_tip.hash);
    let (_, hash) = foreign.sign(&key);
    w.cloud_tip = latchkey_shared::event::EventTip { number: foreign.number, hash: Some(hash) };
    w.cloud_events.push(foreign);
    let length = w.cloud_events.len();
    types(&mut w);
    w.run(600);
    assert_eq!(w.core.as_ref().unwrap().view(&w.now).alarm, Some("hub.cloned"));
    assert_eq!(w.cloud_events.len(), length, "neither history is bent");
}

#[test]
fn after_a_power_cut_without_a_battery_no_door_opens_before_the_time_is_borne_out() {
    let mut w = World::new(77);
    let start = w.real_time().saturating_add(Seconds::hours(2));
    let grant = Grant { not_before: start, ..w.guest("483920", &["front"]) };
    w.put(&grant);
    w.run(3);
    w.net = false;
    w.boot.wall = WallClock::MayStop;
    w.boot.id = [9; 16];
    // Its clock goes on from where it was cut, and is then set forward by hand to when the code begins.
    w.crash();
    w.now.wall = start.saturating_add(Seconds(60));
    w.run(600);
    assert!(w.pins_on("front").is_empty());
    w.now.wall = w.real_time();
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(2 * 3_600);
    assert!(w.types("front", "483920"));
}

#[test]
fn a_code_set_by_hand_is_read_once_and_then_left_alone() {
    let mut w = World::new(78);
    w.sims.get_mut("front").unwrap().changed_by_hand(SlotNo(4), Some(Pin::parse("590274").unwrap()), BEGIN);
    let before = w.commands.len();
    let what = Happening::Changed { slot: SlotNo(4) };
    w.input(Input::LockSays(w.id("front"), Notice { journal: None, at: None, what }));
    w.run(3_600);
    assert_eq!(w.commands[before..], [("front".to_owned(), "read")]);
    assert_eq!(w.pins_on("front"), ["590274"]);
}

#[test]
fn a_hub_that_leaves_its_home_takes_every_code_off_first() {
    let mut w = World::new(79);
    let all = ["front", "back", "garage", "gate"];
    let grant = w.guest("483920", &all);
    w.put(&grant);
    w.sims.get_mut("front").unwrap().changed_by_hand(SlotNo(6), Some(Pin::parse("590274").unwrap()), BEGIN);
    w.run(3);
    w.net = false;
    w.fault("gate", crate::drivers::sim::model::Fault::Dead);
    w.core.as_mut().unwrap().start_over(false, &w.now.clone());
    w.run(30);
    assert_eq!(w.pins_on("front"), ["590274"], "what is not the home's stays");
    assert!(w.pins_on("back").is_empty() && w.pins_on("garage").is_empty());
    assert!(!w.gone, "a lock still holds a code");
    let leaving = w.core.as_ref().unwrap().leaving().unwrap();
    assert_eq!(leaving.holding, ["gate"]);
    // A restart goes on with it, and nothing is put back.
    w.crash();
    w.run(30);
    assert!(w.pins_on("back").is_empty() && !w.gone);
    w.fault("gate", crate::drivers::sim::model::Fault::Heal);
    w.run(2_000);
    assert!(w.pins_on("gate").is_empty());
    assert!(w.gone, "without the cloud it waits a minute and goes");
    let (home, hub, key) = (*w.home.state.home(), w.home.hub, w.home.hub_keys.sign_public());
    let read =
        |bytes: &Vec<u8>| latchkey_shared::event::Event::verify(bytes, &home, &hub, &key).unwrap().0.body;
    let said = w.ledger_events.values().map(read).filter(|body| *body == EventBody::StartedOver);
    assert_eq!(said.count(), 1, "its own log says so");
    // A power cut while the cloud is waited for.
    let mut w = World::new(81);
    let grant = w.guest("483920", &["front"]);
    w.put(&grant);
    w.run(3);
    w.net = false;
    w.core.as_mut().unwrap().start_over(false, &w.now.clone());
    w.run(20);
    w.crash();
    w.run(20);
    w.core.as_mut().unwrap().start_over(false, &w.now.clone());
    w.run(300);
    let (home, hub, key) = (*w.home.state.home(), w.home.hub, w.home.hub_keys.sign_public());
    let read =
        |bytes: &Vec<u8>| latchkey_shared::event::Event::verify(bytes, &home, &hub, &key).unwrap().0.body;
    let said = w.ledger_events.values().map(read).filter(|body| *body == EventBody::StartedOver);
    assert!(w.gone && said.count() == 1, "said once");
    // A lock that was taken away with a code on it is not forgotten, also not once the cloud was told.
    for told in [true, false] {
        let mut w = World::new(82);
        let grant = w.guest("483920", &["front", "gate"]);
        w.put(&grant);
        w.run(3);
        w.net = told;
        w.sims.remove("gate").unwrap();
        w.crash();
        w.run(30);
        w.crash();
        w.run(30);
        w.core.as_mut().unwrap().start_over(false, &w.now.clone());
        w.run(300);
        assert!(!w.gone, "{told}");
        assert_eq!(w.core.as_ref().unwrap().leaving().unwrap().holding, ["gate"]);
        w.core.as_mut().unwrap().start_over(true, &w.now.clone());
        w.run(300);
        assert!(w.gone, "{told}");
    }
    // A lock that is lost for good can be given up.
    let mut w = World::new(80);
    let grant = w.guest("483920", &all);
    w.put(&grant);
    w.run(3);
    w.fault("gate", crate::drivers::sim::model::Fault::Dead);
    w.core.as_mut().unwrap().start_over(true, &w.now.clone());
    w.run(300);
    assert!(w.gone && w.pins_on("front").is_empty());
    assert_eq!(w.logged(|e| *e == EventBody::StartedOver), 1, "the cloud is told");
}
