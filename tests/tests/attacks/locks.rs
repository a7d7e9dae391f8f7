//! What somebody tries with the locks themselves: PINs that are taken, slots that are another's, a lock with two hubs.

use latchkey_hub::core::Input;
use latchkey_hub::core::lock::{Happening, Notice};
use latchkey_shared::chain::Body;
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::SlotNo;
use latchkey_tests::stage::{FRONT, Slots, Stage};

fn state(stage: &Stage, grant: GrantId) -> Option<CodeState> {
    stage.disk.codes.get(&(stage.lock(FRONT), grant)).map(|record| record.state)
}

fn says_changed(stage: &mut Stage, slot: SlotNo) {
    let (id, what) = (stage.lock(FRONT), Happening::Changed { slot });
    stage.input(Input::LockSays(id, Notice { journal: None, at: None, what }));
    stage.run(5);
}

#[test]
fn the_same_pin_twice_is_on_the_lock_once() {
    let mut stage = Stage::new(140);
    let first = stage.live("483920", FRONT);
    let second = stage.guest("483920", FRONT);
    stage.does(Body::PutGrant(second.clone()));
    stage.run(60);
    assert_eq!(stage.held(), ["483920"]);
    assert!(matches!(state(&stage, second.id), Some(CodeState::Failed { why: FailWhy::Duplicate, .. })));
    // Not under a new revision of another code either, and not once the first is gone.
    let third = stage.guest("602847", FRONT);
    stage.does(Body::PutGrant(third.clone()));
    let mut edited = Grant { rev: 2, ..third.clone() };
    stage.author.seal(&mut edited, "483920");
    stage.does(Body::PutGrant(edited));
    assert_eq!(stage.held().iter().filter(|pin| **pin == "483920").count(), 1);
    stage.does(Body::RevokeGrant(first.id));
    stage.run(60);
    assert!(!stage.held().contains(&"483920"), "a PIN that was used is not used again");
}

#[test]
fn a_pin_that_somebody_set_by_hand_is_neither_overwritten_nor_doubled() {
    let mut stage = Stage::new(141);
    let taken = Pin::parse("590274").unwrap();
    for slot in [1, 2, 4] {
        let mut foreign = taken.expose().to_owned();
        foreign.replace_range(5.., &slot.to_string());
        stage.doors.get_mut(FRONT).unwrap().insert(SlotNo(slot), (Pin::parse(&foreign).unwrap(), true));
        says_changed(&mut stage, SlotNo(slot));
    }
    let before: Slots = stage.doors[FRONT].clone();
    let same = stage.guest("590272", FRONT);
    stage.does(Body::PutGrant(same.clone()));
    let mine = stage.guest("483920", FRONT);
    stage.does(Body::PutGrant(mine.clone()));
    stage.run(60);
    for (slot, held) in &before {
        assert_eq!(stage.doors[FRONT].get(slot), Some(held), "{slot:?} is not ours");
    }
    assert_eq!(stage.doors[FRONT].len(), 4);
    assert!(matches!(state(&stage, same.id), Some(CodeState::Failed { .. })));
    stage.does(Body::RevokeGrant(mine.id));
    assert_eq!(stage.doors[FRONT], before);
}

#[test]
fn two_hubs_of_two_homes_on_one_lock_leave_each_other_alone() {
    let (mut ours, mut theirs) = (Stage::new(142), Stage::new(143));
    let hand_over = |from: &mut Stage, to: &mut Stage| {
        let before = std::mem::take(&mut to.doors);
        to.doors = from.doors.clone();
        let slots: Vec<SlotNo> = (1..=10).map(SlotNo).collect();
        for slot in slots {
            let (was, is) = (before[FRONT].get(&slot), to.doors[FRONT].get(&slot));
            if was != is {
                says_changed(to, slot);
            }
        }
    };
    let mine = ours.live("483920", FRONT);
    hand_over(&mut ours, &mut theirs);
    let their = theirs.guest("602847", FRONT);
    theirs.does(Body::PutGrant(their.clone()));
    assert_eq!(theirs.opens(FRONT), ["483920", "602847"], "another slot, and the first as it was");
    hand_over(&mut theirs, &mut ours);
    let more = ours.guest("715306", FRONT);
    ours.does(Body::PutGrant(more));
    assert_eq!(ours.opens(FRONT).len(), 3);
    ours.does(Body::RevokeGrant(mine.id));
    assert_eq!(ours.opens(FRONT), ["602847", "715306"]);
    hand_over(&mut ours, &mut theirs);
    theirs.does(Body::RevokeGrant(their.id));
    assert_eq!(theirs.opens(FRONT), ["715306"]);
}
