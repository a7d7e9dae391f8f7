//! Every kind of simulated lock through the cases that every driver passes.

use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use latchkey_tests::conformance::{SimRig, run};

fn abilities(readback: Readback) -> LockAbilities {
    LockAbilities { slots: 20, readback, reserved: vec![19], ..latchkey_shared::testing::abilities() }
}

async fn conforms(name: &str, abilities: LockAbilities) {
    run(SimRig::new(name, abilities).expect("a directory for the lock's store")).await;
}

#[tokio::test]
async fn a_lock_that_shows_its_pins() {
    conforms("full", LockAbilities { toggles: true, ..abilities(Readback::Full) }).await;
}

#[tokio::test]
async fn a_lock_that_masks_its_pins() {
    conforms("masked", abilities(Readback::Masked)).await;
}

#[tokio::test]
async fn a_lock_that_cannot_be_read() {
    conforms("blind", LockAbilities { toggles: true, ..abilities(Readback::None) }).await;
}

#[tokio::test]
async fn a_lock_that_keeps_hours_itself() {
    conforms("hours", LockAbilities { own_schedules: OwnSchedules::Hours, ..abilities(Readback::Full) })
        .await;
}

#[tokio::test]
async fn a_lock_where_all_pins_have_one_length() {
    conforms("five", LockAbilities { one_length: Some(5), ..abilities(Readback::Full) }).await;
}

#[tokio::test]
async fn a_lock_that_ends_codes_itself() {
    conforms("term", LockAbilities { own_schedules: OwnSchedules::Term, ..abilities(Readback::Full) }).await;
}
