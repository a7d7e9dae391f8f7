use super::*;
use crate::explain::{CodeState, FailWhy};
use crate::grant::Grant;
use crate::id::LockId;
use crate::report::CodeReport;
use crate::testing::{self, TestHome};
use crate::zone::FixedZone;

const LOCK: LockId = LockId([1; 16]);
const NOW: Timestamp = TestHome::BEGINNING;

fn found(lock: LockInfo, codes: Vec<CodeReport>, hub: HubContact) -> Vec<Trouble> {
    let home = TestHome::new(7);
    let report = home.report(lock, codes);
    troubles(&input(&report, hub))
}

fn input(report: &Report, hub: HubContact) -> TroubleInput<'_> {
    TroubleInput { report, hub, now: NOW, zone: &FixedZone::UTC, style: Style::default() }
}

fn well() -> LockInfo {
    testing::lock(LOCK, "Front door")
}

fn failed(grant: &Grant, why: FailWhy) -> CodeReport {
    testing::code_of(grant.id, CodeState::Failed { why, next_try: None }, NOW)
}

#[test]
fn a_lock_that_is_well_has_no_troubles() {
    assert_eq!(found(well(), vec![], HubContact::online(NOW)), []);
}

#[test]
fn the_most_pressing_comes_first() {
    let lock = LockInfo {
        unreachable_since: Some(NOW),
        battery: Some(15),
        link: Some(Link::Dbm(-91)),
        failed_writes: 9,
        tampered_at: Some(NOW),
        bolt: Some(Bolt::Jammed),
        ..well()
    };
    let all = found(lock, vec![], HubContact::away(Some(NOW)));
    let names: Vec<_> = all.iter().map(Trouble::name).collect();
    assert_eq!(
        names,
        ["unreachable", "jammed", "tampered", "hub_away", "battery", "failed_writes", "weak_link"]
    );
    assert!(all.is_sorted_by_key(Trouble::pressing));
}

#[test]
fn a_battery_is_judged_by_what_the_lock_says_by_percent_and_by_trend() {
    let says = |battery, battery_low, days_left| {
        found(LockInfo { battery, battery_low, days_left, ..well() }, vec![], HubContact::online(NOW))
    };
    assert_eq!(says(Some(21), false, None), []);
    assert_eq!(says(Some(80), false, Some(60)), []);
    for trouble in [says(Some(20), false, None), says(None, true, None), says(Some(60), false, Some(14))] {
        assert!(matches!(trouble[..], [Trouble::Battery { empty: false, .. }]), "{trouble:?}");
    }
    let empty = says(Some(5), true, None);
    assert!(matches!(empty[..], [Trouble::Battery { empty: true, .. }]));
    assert_eq!(empty[0].pressing(), Pressing::Now);
}

#[test]
fn codes_that_did_not_fit_are_counted_by_reason() {
    let mut home = TestHome::new(7);
    let mut guest = |pin| home.guest(pin, &[LOCK]);
    let mut codes = vec![
        failed(&guest("483920"), FailWhy::RejectedByLock),
        failed(&guest("483921"), FailWhy::Full),
        failed(&guest("483922"), FailWhy::Full),
        failed(&guest("483923"), FailWhy::Unreachable),
        testing::code_of(guest("483924").id, CodeState::StillOnLock { since: NOW, why: None }, NOW),
    ];
    codes.sort_by_key(|code| code.grant);
    let all = found(well(), codes, HubContact::online(NOW));
    assert_eq!(all, [Trouble::StillOn(1), Trouble::Refused(1, FailWhy::RejectedByLock), Trouble::Full(2),]);
}

#[test]
fn each_says_what_how_it_is_known_and_what_to_do() {
    let home = TestHome::new(7);
    let report = home.report(well(), vec![]);
    let input = input(&report, HubContact::online(NOW));
    let battery = |percent, days, empty| Trouble::Battery { percent, days, empty };
    for trouble in [
        Trouble::HubAway(None),
        Trouble::HubAway(Some(NOW)),
        Trouble::Unreachable(NOW),
        Trouble::StillOn(2),
        Trouble::Jammed,
        battery(Some(12), Some(9), false),
        battery(Some(12), None, false),
        battery(None, None, false),
        battery(Some(2), None, true),
        Trouble::Tampered(NOW),
        Trouble::Refused(1, FailWhy::RejectedByLock),
        Trouble::Refused(1, FailWhy::NotKept),
        Trouble::Refused(2, FailWhy::Duplicate),
        Trouble::Full(1),
        Trouble::FailedWrites(7),
        Trouble::WeakLink(Link::Lqi(30)),
        Trouble::WeakLink(Link::Dbm(-90)),
        Trouble::CannotConfirm,
        Trouble::Masked,
    ] {
        let (what, how) = (trouble.what(&input), trouble.known_by());
        for sentence in [&what, &how] {
            assert!(sentence.ends_with('.') && !sentence.starts_with(char::is_lowercase), "{sentence}");
        }
        for driver in ["sim", "zwave_js", "zigbee2mqtt", "matter"] {
            let steps = trouble.what_to_do(driver);
            assert!(steps.iter().all(|step| step.ends_with('.')), "{steps:?}");
            assert!(!steps.is_empty() || trouble == Trouble::Masked);
        }
    }
}
