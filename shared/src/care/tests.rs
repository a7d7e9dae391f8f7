use super::*;
use crate::chain::Body;
use crate::explain::FailWhy;
use crate::grant::Grant;
use crate::testing::{self, TestHome};
use crate::zone::FixedZone;
use std::collections::BTreeSet;

const LOCK: LockId = LockId([1; 16]);
const T: Timestamp = TestHome::BEGINNING;

fn code(grant: GrantId, state: CodeState, last_used: Option<Timestamp>) -> CodeReport {
    CodeReport { last_used, ..testing::code_of(grant, state, T) }
}

#[test]
fn a_house_after_half_a_year() {
    let mut home = TestHome::new(31);
    let endless = |grant| Grant { kind: GrantKind::Standard, expires: None, ..grant };
    let used = endless(home.guest("483920", &[LOCK]));
    let idle = Grant { label: "Cleaner".into(), ..endless(home.guest("483921", &[LOCK])) };
    let same =
        Grant { label: "cleaner".into(), kind: GrantKind::Duress, ..endless(home.guest("483922", &[LOCK])) };
    let over = home.guest("483923", &[LOCK]);
    let old = Grant {
        label: "Ada".into(),
        kind: GrantKind::Primary,
        holder: Some(home.owner.id()),
        ..endless(home.guest("483924", &[LOCK]))
    };
    for grant in [&used, &idle, &same, &over, &old] {
        home.push(Body::PutGrant(grant.clone())).unwrap();
    }
    let on = CodeState::OnLock { verified_at: T };
    let now = T.saturating_add(Seconds::days(400));
    let still = CodeState::StillOnLock { since: T, why: Some(FailWhy::Unreachable) };
    let recently = Some(now.saturating_sub(Seconds::days(2)));
    let codes = vec![
        code(used.id, on, recently),
        code(idle.id, on, None),
        code(over.id, still, None),
        code(old.id, on, recently),
    ];
    let reports = [home.report(testing::lock(LOCK, "Front"), codes)];
    let weak = |id: &GrantId| (*id == used.id).then_some(Broken::Common);
    let input = input(&home, &reports, &weak, now);
    let items = review(&input);
    let expected = [
        CareItem::StillOnLock { grant: over.id, lock: LOCK, since: T },
        CareItem::WeakPin { grant: used.id, broken: Broken::Common },
        CareItem::OldPrimary { grant: old.id, since: T },
        CareItem::Unused { grant: idle.id, since: home.state.grants()[&idle.id].iat },
        CareItem::Shared { grant: used.id },
        CareItem::Shared { grant: idle.id },
        CareItem::Name { grant: same.id, like: idle.id, clash: NameClash::Same },
    ];
    assert_eq!(BTreeSet::from_iter(&items), BTreeSet::from_iter(&expected));
    assert!(items.is_sorted());
    let sentences: Vec<String> = items.iter().map(|item| item.sentence(&input)).collect();
    assert_eq!(
        sentences[0],
        "Zoë may still open Front: wanted off since Fri 15 Jan 2027 at 08:00, not confirmed off."
    );
    assert_eq!(sentences[1], "The PIN of Zoë is easy to guess. Many people choose this one. Pick another.");
    assert_eq!(items[0].action(), CareAction::LookAtLock(LOCK));
    let keys: BTreeSet<String> = items.iter().map(CareItem::key).collect();
    assert_eq!(keys.len(), items.len(), "each has a key of its own");
}

fn input<'a>(
    home: &'a TestHome,
    reports: &'a [Report],
    broken: &'a dyn Fn(&GrantId) -> Option<Broken>,
    now: Timestamp,
) -> CareInput<'a> {
    CareInput {
        state: &home.state,
        reports,
        hub: &|_| HubContact { online: true, heard: None },
        broken,
        now,
        zone: &FixedZone::UTC,
        style: Style::default(),
    }
}

#[test]
fn an_ended_guest_that_no_hub_took_off_is_found() {
    let mut home = TestHome::new(32);
    let guest = home.guest("483920", &[LOCK]);
    home.push(Body::PutGrant(guest.clone())).unwrap();
    let on = CodeState::OnLock { verified_at: T };
    let reports = [home.report(testing::lock(LOCK, "Front"), vec![code(guest.id, on, None)])];
    let end = guest.expires.unwrap();
    let found = |now| review(&input(&home, &reports, &|_| None, now));
    assert_eq!(found(end.saturating_sub(Seconds(1))), []);
    assert_eq!(found(end), [CareItem::StillOnLock { grant: guest.id, lock: LOCK, since: end }]);
}

#[test]
fn a_lock_that_does_not_tell_who_came_in_makes_no_code_unused() {
    let mut home = TestHome::new(33);
    let label = "Cleaner".to_owned();
    let holder = Some(home.owner.id());
    let usual = home.guest("483920", &[LOCK]);
    let grant = Grant { kind: GrantKind::Standard, expires: None, label, holder, ..usual };
    home.push(Body::PutGrant(grant.clone())).unwrap();
    let now = T.saturating_add(Seconds::days(91));
    let mut lock = testing::lock(LOCK, "Front");
    let found = |reports: &[Report]| review(&input(&home, reports, &|_| None, now)).len();
    let on = CodeState::OnLock { verified_at: T };
    let codes = vec![code(grant.id, on, None)];
    assert_eq!(found(&[home.report(lock.clone(), codes.clone())]), 1);
    lock.abilities.tells_uses = false;
    assert_eq!(found(&[home.report(lock, codes)]), 0);
}

#[test]
fn reminders_come_at_intervals() {
    let (grant, lock) = (GrantId([1; 16]), LOCK);
    let items = [
        CareItem::StillOnLock { grant, lock, since: T },
        CareItem::Unused { grant, since: T },
        CareItem::Name { grant, like: GrantId([2; 16]), clash: NameClash::Alike },
    ];
    let count = |reminded: &dyn Fn(&str) -> Option<Timestamp>, days| {
        due(&items, reminded, T.saturating_add(Seconds::days(days))).count()
    };
    assert_eq!(count(&|_| None, 0), 2, "names only stand in the review");
    assert_eq!(count(&|_| Some(T), 0), 0);
    assert_eq!(count(&|_| Some(T), 1), 1, "a door that may open every day");
    assert_eq!(count(&|_| Some(T), 30), 2);
}

#[test]
fn old_pins_are_judged_by_the_rules_of_today() {
    let pin = |text| Pin::parse(text).unwrap();
    let mut policy = PinPolicy::default();
    assert_eq!(weakness(&pin("483920"), &policy), None);
    assert_eq!(weakness(&pin("123456"), &policy), Some(Broken::Sequence));
    policy.house_number = Some("39".into());
    assert_eq!(weakness(&pin("483920"), &policy), Some(Broken::HouseNumber));
    policy.min_len = 7;
    assert_eq!(weakness(&pin("483920"), &policy), Some(Broken::Length { min: 7, max: 10 }));
}
