//! Clocks that lie, and ends that are ends to the second.

use latchkey_hub::core::clock::{Boot, WallClock};
use latchkey_shared::chain::Body;
use latchkey_shared::grant::Grant;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_tests::stage::{BEGIN, FRONT, Stage};

fn at(seconds: u64) -> Timestamp {
    BEGIN.saturating_add(Seconds(seconds))
}

/// A code from one time to another, on the hub's disk; then the network goes.
fn term(stage: &mut Stage, from: u64, to: u64) -> Grant {
    let grant = Grant { not_before: at(from), expires: Some(at(to)), ..stage.guest("483920", FRONT) };
    stage.does(Body::PutGrant(grant.clone()));
    stage.net = false;
    grant
}

#[test]
fn starts_and_ends_hold_to_the_second() {
    let mut stage = Stage::new(60);
    term(&mut stage, 600, 1_200);
    let until = |stage: &mut Stage, second: u64| {
        let now = stage.real().0 - BEGIN.0;
        stage.run(second - now);
    };
    until(&mut stage, 599);
    assert!(stage.opens(FRONT).is_empty(), "not before its first second");
    until(&mut stage, 601);
    assert_eq!(stage.opens(FRONT), ["483920"]);
    until(&mut stage, 1_199);
    assert_eq!(stage.opens(FRONT), ["483920"]);
    until(&mut stage, 1_200);
    assert!(stage.opens(FRONT).is_empty(), "nothing of the first second after it");
}

#[test]
fn a_clock_set_back_or_to_1970_prolongs_nothing() {
    for wall in [Timestamp(0), BEGIN.saturating_sub(Seconds::days(30)), at(1)] {
        let mut stage = Stage::new(61);
        term(&mut stage, 0, 600);
        assert_eq!(stage.opens(FRONT), ["483920"]);
        stage.run(300);
        stage.now.wall = wall;
        stage.run(300);
        assert!(stage.opens(FRONT).is_empty(), "{wall:?}");
        // Nor does it come back by turning the power off, whatever the clock then says.
        stage.boot = Boot { id: [9; 16], wall: WallClock::MayStop };
        stage.power_cut();
        stage.run(1_200);
        assert!(stage.held().is_empty(), "{wall:?}");
    }
}

#[test]
fn a_clock_set_far_ahead_starts_nothing_early() {
    for ahead in [86_401, 30 * 86_400, 3_650 * 86_400, 4_000_000_000] {
        for reboot in [false, true] {
            let mut stage = Stage::new(62);
            term(&mut stage, 2 * 86_400, 9 * 86_400);
            stage.now.wall = at(ahead);
            if reboot {
                stage.boot = Boot { id: [9; 16], wall: WallClock::Kept };
                stage.power_cut();
            }
            stage.run(3_600);
            assert!(stage.held().is_empty(), "{ahead} {reboot}");
        }
    }
}

#[test]
fn small_steps_ahead_add_up_to_a_day_and_no_more() {
    let mut stage = Stage::new(63);
    term(&mut stage, 2 * 86_400, 9 * 86_400);
    for step in 1..60 {
        stage.now.wall = at(step * 3_600);
        stage.run(10);
        assert!(stage.held().is_empty(), "step {step}");
    }
}
