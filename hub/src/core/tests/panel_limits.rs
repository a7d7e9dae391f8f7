//! What the open panel does not give away, and what it does even when it does nothing else.

use super::panel::{PRIMARY, TOKEN, pin};
use super::world::World;
use crate::core::clock::WallClock;
use crate::core::panel::{Edit, Judged, PanelError};
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::time::Seconds;

fn judge(w: &mut World, digits: &str) -> Result<Judged, PanelError> {
    let front = w.id("front");
    w.with(|core, now| core.panel_judge(&TOKEN, digits, &[front], now))
}

#[test]
fn the_open_panel_is_no_way_to_find_other_pins() {
    let mut w = World::new(65);
    let primary = w.endless(GrantKind::Primary, PRIMARY);
    w.put(&primary);
    w.run(3);
    w.open(PRIMARY).unwrap();
    assert!(matches!(judge(&mut w, "602847"), Err(PanelError::NoScope)), "nothing can be made here");

    let (mut w, _) = World::with_panel(65);
    let theirs: Vec<Grant> =
        ["602847", "590274", "735168", "418093"].map(|digits| w.guest(digits, &["front"])).into();
    for grant in &theirs {
        w.put(grant);
    }
    let duress = w.endless(GrantKind::Duress, "846205");
    w.put(&duress);
    w.run(3);
    w.open("846205").unwrap();
    for digits in ["602847", "602847", "590274", "735168", "418093"] {
        assert_eq!(judge(&mut w, digits).unwrap().broken[0].0, "pin.in_use", "{digits}");
    }
    assert!(judge(&mut w, "418093").is_ok(), "what was said can be said again");
    let slow = |result: Result<(), PanelError>| matches!(result, Err(PanelError::TooFast));
    assert!(slow(judge(&mut w, "294061").map(drop)));
    assert!(slow(w.adds("Zoë", Some("294061")).map(drop)), "nor by making codes");
    w.run(6);
    w.open("846205").unwrap();
    assert!(judge(&mut w, PRIMARY).is_ok());
    assert!(slow(judge(&mut w, "294061").map(drop)), "opening it again pays for nothing");
    w.run(9);
    assert!(slow(judge(&mut w, "294061").map(drop)));
    assert!(w.adds("Zoë", None).is_ok(), "a PIN that the hub makes tells nothing");
    w.run(120);
    let answered = (0..40).filter(|n| judge(&mut w, &format!("2940{n:02}")).is_ok()).count();
    assert_eq!(answered, 30, "nor fast without hits");
}

#[test]
fn a_code_can_be_ended_when_everything_else_has_to_wait() {
    let (mut w, _) = World::with_panel(66);
    let cleaner = w.guest("602847", &["front"]);
    let gardener = w.guest("590274", &["front"]);
    w.put(&cleaner);
    w.put(&gardener);
    w.run(3);
    w.net = false;
    w.open(PRIMARY).unwrap();
    for n in 0..200 {
        w.edits(cleaner.id, Edit::Rename(format!("Cleaner {n}"))).unwrap();
    }
    assert!(matches!(w.edits(cleaner.id, Edit::Rename("Ben".into())), Err(PanelError::Full)));
    w.edits(cleaner.id, Edit::Suspend(true)).unwrap();
    assert!(matches!(w.edits(cleaner.id, Edit::Suspend(false)), Err(PanelError::Full)));
    w.edits(gardener.id, Edit::End).unwrap();
    w.run(3);
    assert!(!w.types("front", "602847") && !w.types("front", "590274"));
}

#[test]
fn without_the_time_the_panel_only_takes_codes_off() {
    let (mut w, _) = World::with_panel(67);
    let cleaner = w.guest("602847", &["front"]);
    w.put(&cleaner);
    w.run(3);
    w.net = false;
    w.boot.wall = WallClock::MayStop;
    w.boot.id = [2; 16];
    w.crash();
    w.run(1);
    w.open(PRIMARY).unwrap();
    let untimed = |result: Result<(), PanelError>| matches!(result, Err(PanelError::NoTime));
    assert!(untimed(w.edits(cleaner.id, Edit::Rename("Ben".into()))));
    assert!(untimed(judge(&mut w, "294061").map(drop)));
    w.edits(cleaner.id, Edit::Suspend(true)).unwrap();
    assert!(untimed(w.edits(cleaner.id, Edit::Suspend(false))));
    w.edits(cleaner.id, Edit::End).unwrap();
}

#[test]
fn another_pin_closes_what_the_old_one_opened() {
    let (mut w, primary) = World::with_panel(68);
    w.open(PRIMARY).unwrap();
    let grant = w.home.state.grants()[&primary].grant.clone();
    let mut renamed = Grant { rev: 2, label: "Ada L.".into(), ..grant };
    w.home.seal(&mut renamed, PRIMARY);
    w.put(&renamed);
    w.run(2);
    assert!(w.adds("Zoë", None).is_ok(), "the same PIN");
    let mut changed = Grant { rev: 3, ..renamed };
    w.home.seal(&mut changed, "846205");
    w.put(&changed);
    w.run(2);
    assert!(matches!(w.adds("Zoë", None), Err(PanelError::Shut)));
}

#[test]
fn of_two_pins_on_the_same_keys_the_first_stays_also_when_it_is_edited() {
    let (mut w, _) = World::with_panel(69);
    w.sims.get_mut("front").unwrap().abilities.paired_digits = true;
    w.crash();
    w.run(3);
    // 1 and 2 are one key, 3 and 4 another.
    let (mut first, twin) = (w.guest("614073", &["front"]), w.guest("524084", &["front"]));
    assert!(pin("614073").same_on_paired_keys(&pin("524084")));
    w.put(&first);
    w.put(&twin);
    w.run(3);
    let refused = |w: &World| match w.state("front", twin.id) {
        Some(CodeState::Failed { why, .. }) => why == FailWhy::Duplicate,
        _ => false,
    };
    assert!(w.types("front", "614073") && refused(&w));
    first.rev = 2;
    first.expires = first.expires.map(|end| end.saturating_add(Seconds::hours(1)));
    w.home.seal(&mut first, "614073");
    w.put(&first);
    w.run(3);
    assert!(w.types("front", "614073"), "it goes on");
    assert!(refused(&w));
}
