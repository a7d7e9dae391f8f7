use super::*;
use crate::grant::{Grant, GrantKind};
use crate::id::LockId;
use crate::policy::Policy;
use crate::report::CodeReport;
use crate::schedule::{Date, Days, MinuteOfDay, Schedule, Style, WeeklyWindow};
use crate::slot::{LockAbilities, OwnEnd, OwnSchedules, Readback};
use crate::testing::{self, TestHome};
use crate::time::Seconds;
use crate::wire::cbor::{from_slice, to_vec};
use crate::zone::FixedZone;
use proptest::prelude::*;
use std::sync::LazyLock;

const LOCK: LockId = LockId([1; 16]);
/// 15 January 2027, a Friday, 08:00.
const T: Timestamp = TestHome::BEGINNING;

fn later(hours: u32) -> Timestamp {
    T.saturating_add(Seconds::hours(hours))
}

/// A guest's code for a week on one lock, as the hub last reported it.
#[derive(Debug)]
struct Case {
    policy: Policy,
    grant: Grant,
    put: Place,
    revoked: Option<Place>,
    abilities: LockAbilities,
    code: Option<CodeReport>,
    seq: u64,
    silent: Option<Timestamp>,
    hub: HubContact,
    now: Timestamp,
}

/// A home's rules and a code in it; making them takes longer than a test.
static HOME: LazyLock<(Policy, Grant)> = LazyLock::new(|| {
    let mut home = TestHome::new(5);
    (home.state.policy().clone(), home.guest("706182", &[LOCK]))
});

fn case(state: CodeState) -> Case {
    let (policy, grant) = HOME.clone();
    let code = Some(testing::code(&grant, state, T));
    Case {
        policy,
        put: Place { at: T, seq: 2 },
        revoked: None,
        abilities: testing::abilities(),
        code,
        seq: 2,
        silent: None,
        hub: HubContact::online(later(1)),
        now: later(1),
        grant,
    }
}

impl Case {
    fn at(&self, t: Timestamp, audience: Audience) -> Explanation {
        let facts = Facts {
            code: Some(Code { grant: &self.grant, put: self.put, revoked: self.revoked }),
            lock: LOCK,
            policy: &self.policy,
            seen: Some(Seen {
                code: self.code.as_ref(),
                seq: self.seq,
                lock: Some(&self.abilities),
                silent_since: self.silent,
            }),
            hub: self.hub,
            now: self.now,
            zone: &FixedZone::UTC,
            style: Style::default(),
        };
        explain(&facts, t, audience)
    }

    fn now(&self) -> Explanation {
        self.at(self.now, Audience::Member)
    }

    fn guest(&self) -> Explanation {
        self.at(self.now, Audience::Guest)
    }

    fn nightly(mut self) -> Self {
        let time = |h| MinuteOfDay::hm(h, 0).unwrap();
        self.grant.schedule =
            Schedule::Weekly(vec![WeeklyWindow { days: Days::ALL, from: time(20), to: time(22) }]);
        self
    }
}

const ON: CodeState = CodeState::OnLock { verified_at: T };

fn every_state() -> Vec<CodeState> {
    let mut states = vec![
        CodeState::Scheduled { opens: Some(T) },
        CodeState::WaitingForHub,
        CodeState::Writing,
        ON,
        CodeState::WrittenUnconfirmed { at: T },
        CodeState::OutsideHours { opens: Some(T) },
        CodeState::Suspended,
        CodeState::Expired,
        CodeState::Revoked,
        CodeState::StillOnLock { since: T, why: None },
    ];
    states.extend(FailWhy::ALL.map(|why| CodeState::Failed { why, next_try: Some(later(2)) }));
    states.extend(FailWhy::ALL.map(|why| CodeState::StillOnLock { since: T, why: Some(why) }));
    states
}

#[test]
fn only_what_was_observed_opens() {
    for state in every_state() {
        let case = case(state);
        let on = matches!(state, CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. });
        assert_eq!(case.guest().opens, on, "{state:?}");
        assert_eq!(case.now().opens, on || matches!(state, CodeState::StillOnLock { .. }), "{state:?}");
        let bytes = to_vec(&state);
        assert_eq!(from_slice::<CodeState>(&bytes, 64).unwrap(), state);
    }
}

#[test]
fn sentences() {
    let t = "Fri 15 Jan 2027 at 08:00";
    assert_eq!(case(ON).now().sentence, format!("On the lock, read back {t}. The hub ends it."));
    let guest = case(ON).guest();
    assert_eq!(guest.sentence, "This code opens the door now until Fri 22 Jan 2027 at 08:00.");
    let failed = case(CodeState::Failed { why: FailWhy::Unreachable, next_try: Some(T) });
    assert_eq!(failed.now().sentence, format!("Not on the lock: the lock does not answer. Next try {t}."));
    assert_eq!(failed.now().reason.name(), "lock_unreachable");
    let revoked = case(CodeState::Revoked);
    assert_eq!(revoked.now().sentence, "Revoked, and off the lock.");
    let mut blind = case(CodeState::Revoked);
    blind.abilities.readback = Readback::None;
    assert!(blind.now().sentence.contains("cannot confirm"));
}

#[test]
fn a_hub_that_is_away_is_named_and_hides_no_open_door() {
    let mut waiting = case(CodeState::WaitingForHub);
    waiting.hub = HubContact::away(Some(T));
    let t = "Fri 15 Jan 2027 at 08:00";
    assert_eq!(waiting.now().sentence, format!("Waiting for the hub, which has been offline since {t}."));
    let tomorrow = waiting.at(later(24), Audience::Member);
    assert!(!tomorrow.opens && tomorrow.reason.name() == "waiting_for_hub", "the hub does not know of it");
    waiting.hub = HubContact::online(waiting.now);
    assert_eq!(waiting.at(later(24), Audience::Member).reason.name(), "will_open");
    // It was on the lock when its hours ended, and the lock does not keep hours by itself.
    let mut away = case(ON).nightly();
    (away.hub, away.now) = (HubContact::away(Some(later(13))), later(15));
    away.code = Some(testing::code(&away.grant, ON, later(12)));
    let told = away.now();
    assert!(told.opens && matches!(told.reason, Reason::StillOnLock { .. }), "{told:?}");
    assert_eq!(told.since, later(14), "since its hours ended");
    let guest = away.guest();
    assert!(!guest.opens && guest.state.name() == "outside_hours", "{guest:?}");
    away.abilities.own_schedules = OwnSchedules::Hours;
    assert_eq!(away.now().reason.name(), "outside_hours");
    assert!(away.now().sentence.starts_with("On the lock, which was told to open for it from Sat 16 Jan"));
    away.code = away.code.map(|code| CodeReport { own_end: Some(OwnEnd::ReadBack), ..code });
    assert!(away.now().sentence.starts_with("On the lock, which opens for it from Sat 16 Jan"));
    // Its time came while nobody could see whether the hub put it on.
    let mut due = case(CodeState::OutsideHours { opens: Some(later(12)) }).nightly();
    (due.hub, due.now) = (HubContact::away(Some(later(2))), later(13));
    assert_eq!((due.now().reason, due.now().opens), (Reason::Due, false));
    assert_eq!((due.now().state, due.now().since), (CodeState::WaitingForHub, later(12)));
}

#[test]
fn a_change_that_the_hub_has_not_taken_leaves_the_door_open() {
    let mut suspended = case(ON);
    (suspended.grant.rev, suspended.grant.suspended) = (2, true);
    suspended.put = Place { at: later(1), seq: 3 };
    let told = suspended.now();
    assert!(told.opens && told.state.name() == "still_on_lock", "{told:?}");
    assert_eq!(suspended.guest().sentence, "This code is paused.");
    let mut extended = case(ON);
    extended.grant.rev = 2;
    assert_eq!(extended.now().reason, Reason::WaitingForHub { opens: None });
    let mut revoked = case(ON);
    revoked.revoked = Some(Place { at: later(1), seq: 3 });
    assert_eq!(revoked.now().reason, Reason::StillOnLock { since: later(1), why: None });
    assert_eq!(revoked.guest().reason, Reason::Revoked { since: later(1) });
    let mut moved = case(ON);
    moved.grant.locks = vec![LockId([2; 16])];
    moved.put = Place { at: later(1), seq: 3 };
    assert_eq!(moved.now().reason, Reason::StillOnLock { since: later(1), why: None });
    moved.seq = 3;
    moved.code = None;
    assert_eq!(moved.now().reason, Reason::Revoked { since: later(1) });
    let mut unknown = case(ON);
    (unknown.code, unknown.seq) = (None, 1);
    unknown.revoked = Some(Place { at: later(1), seq: 3 });
    assert_eq!(unknown.now().state, CodeState::Revoked, "the hub never knew of it");
}

#[test]
fn the_end_of_its_own_terms() {
    let mut over = case(ON);
    over.now = later(7 * 24);
    assert_eq!(over.now().reason, Reason::StillOnLock { since: over.now, why: None });
    assert_eq!(over.guest().sentence, "This code has ended.");
    over.code = Some(testing::code(&over.grant, CodeState::Expired, over.now));
    assert_eq!(over.now().sentence, "Ended Fri 22 Jan 2027 at 08:00, and off the lock.");
    let mut used_up = case(CodeState::Expired);
    used_up.grant.uses = Some(1);
    used_up.code = Some(CodeReport { uses: 1, last_used: Some(T), ..used_up.code.clone().unwrap() });
    assert_eq!(used_up.now().reason, Reason::UsedUp);
    assert!(used_up.guest().sentence.contains("as often as"));
    let mut stay = case(CodeState::Expired);
    stay.grant.stay = Some(Seconds::hours(2));
    stay.now = later(3);
    stay.code = Some(CodeReport { first_used: Some(T), ..stay.code.clone().unwrap() });
    assert_eq!(stay.now().reason, Reason::Over { since: later(2), confirmed: true });
}

#[test]
fn days_off_quiet_days_and_hours_that_never_come() {
    let mut off = case(CodeState::OutsideHours { opens: Some(later(16)) });
    let today = Date::at(T, &FixedZone::UTC);
    off.grant.days_off = vec![today];
    let told = off.now();
    assert_eq!(told.reason, Reason::DayOff { opens: Some(later(16)) });
    assert_eq!(told.sentence, "Today is one of its days off. It opens again Sat 16 Jan 2027 at 00:00.");
    assert!(off.guest().sentence.starts_with("Not today."));
    off.grant.days_off = (today.0..today.0 + 9).map(Date).collect();
    assert_eq!(off.now().reason, Reason::DayOff { opens: None });
    let mut never = case(CodeState::OutsideHours { opens: None }).nightly();
    never.grant.expires = Some(later(4));
    assert_eq!(never.now().reason, Reason::NeverAgain);
    assert!(never.now().next_step.is_some());
}

#[test]
fn quiet_days_are_the_homes() {
    let mut quiet = case(CodeState::OutsideHours { opens: None });
    quiet.policy.quiet_days = vec![Date::at(T, &FixedZone::UTC)];
    assert_eq!(quiet.now().reason.name(), "quiet_day");
    quiet.grant.kind = GrantKind::Standard;
    assert_eq!(quiet.now().reason.name(), "due", "they are for guests");
}

#[test]
fn the_offline_grace_is_no_end_of_the_stay() {
    let mut home = case(ON);
    home.grant.expires = Some(later(24 * 60));
    (home.hub, home.now) = (HubContact::away(Some(T)), later(24 * 14));
    let told = home.now();
    assert!(matches!(told.reason, Reason::StillOnLock { .. }), "nobody saw it go: {told:?}");
    assert_eq!(home.guest().reason, Reason::GraceOver { since: later(24 * 14) });
    home.now = later(24 * 14 - 1);
    assert_eq!(home.now().reason.name(), "opens");
    assert_eq!(home.at(later(24 * 15), Audience::Member).reason.name(), "grace_over");
    home.grant.kind = GrantKind::Standard;
    home.now = later(24 * 15);
    assert_eq!(home.now().reason.name(), "opens", "residents have no such limit");
    // The hub says that it took it off, and neither its term nor its uses were over.
    let mut back = case(CodeState::Expired);
    back.hub = HubContact::online(back.now);
    assert_eq!(back.now().reason, Reason::GraceOver { since: T });
}

#[test]
fn a_lock_that_does_not_answer_is_told_of_before_the_guest_stands_there() {
    let mut next_week = case(CodeState::Scheduled { opens: Some(later(24)) });
    (next_week.grant.not_before, next_week.silent) = (later(24), Some(T));
    let told = next_week.now();
    assert_eq!(told.reason.name(), "not_yet");
    let text = "Opens Sat 16 Jan 2027 at 08:00. The lock has not answered since Fri 15 Jan 2027 at 08:00.";
    assert_eq!((told.sentence.as_str(), told.next_step), (text, Some(FailWhy::Unreachable.remedy())));
    assert!(!next_week.guest().sentence.contains("answered"));
    let mut on = case(ON);
    on.silent = Some(T);
    assert!(on.now().opens && on.now().sentence.contains("has not answered"));
}

#[test]
fn moments_past_and_to_come() {
    let mut code = case(ON).nightly();
    (code.now, code.put.at) = (later(13), later(1));
    code.code = Some(testing::code(&code.grant, ON, later(12)));
    let ask = |at| code.at(at, Audience::Member);
    assert_eq!(ask(T).reason, Reason::NotMade { at: later(1) });
    assert_eq!(ask(later(2)).reason, Reason::OutsideHours { opens: later(12) });
    let text = "Should not have opened then: outside its hours, which begin again Fri 15 Jan 2027 at 20:00.";
    assert_eq!(ask(later(2)).sentence, text);
    assert_eq!(ask(later(12)).reason.name(), "opens", "it has been on since then");
    assert_eq!(ask(later(20)).reason, Reason::OutsideHours { opens: later(36) });
    assert!(ask(later(20)).sentence.starts_with("Does not open then: outside its hours"));
    assert_eq!(ask(later(37)).reason, Reason::WillOpen { until: Some(later(38)) });
    assert_eq!(ask(later(24 * 8)).reason.name(), "over");
    assert_eq!(ask(later(37)).state, ON, "the state is the one of now");
    code.code = Some(testing::code(&code.grant, ON, code.now));
    code.grant.rev = 2;
    assert_eq!(code.at(T, Audience::Member).reason, Reason::ChangedSince { at: later(1) });
    code.grant.rev = 1;
    assert_eq!(code.at(later(12), Audience::Member).reason, Reason::Unrecorded);
    assert!(!code.at(later(12), Audience::Member).opens, "nobody saw it");
    // Between its withdrawal and the moment at which it was seen to be off it may have opened.
    let mut gone = case(CodeState::Revoked);
    gone.revoked = Some(Place { at: later(2), seq: 2 });
    (gone.now, gone.code) = (later(9), Some(testing::code(&gone.grant, CodeState::Revoked, later(4))));
    assert!(gone.at(later(3), Audience::Member).sentence.starts_with("May still have opened the door"));
    assert_eq!(gone.at(later(5), Audience::Member).reason, Reason::Revoked { since: later(2) });
    assert_eq!(gone.at(later(99), Audience::Member).reason, Reason::Revoked { since: later(4) });
}

#[test]
fn only_an_end_that_was_read_back_is_the_locks() {
    let told = |state, own_end| {
        let mut case = case(state);
        case.code = case.code.map(|code| CodeReport { own_end, ..code });
        case.now().sentence
    };
    let on = CodeState::OnLock { verified_at: T };
    assert!(told(on, Some(OwnEnd::ReadBack)).ends_with(" The lock ends it by itself."));
    for sure in [None, Some(OwnEnd::Told)] {
        let sentence = told(on, sure);
        assert!(sentence.contains(" The hub ends it.") && !sentence.contains("by itself"), "{sentence}");
    }
    let unconfirmed = told(CodeState::WrittenUnconfirmed { at: T }, Some(OwnEnd::ReadBack));
    assert!(unconfirmed.ends_with(" The lock ends it by itself."), "{unconfirmed}");
    let still = CodeState::StillOnLock { since: T, why: Some(FailWhy::Unreachable) };
    assert!(told(still, Some(OwnEnd::ReadBack)).contains(" The lock ends it by itself "), "and says when");
    assert!(!told(still, Some(OwnEnd::Told)).contains("ends it"));
    let mut endless = case(on);
    endless.grant.expires = None;
    assert!(!endless.now().sentence.contains("ends it"), "nobody has to");
}

fn a_case() -> impl Strategy<Value = (Case, Timestamp)> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let hours = (0u32..400, 0u32..400, prop::option::of(0u32..400), 0u32..400);
    let rest = (0..every_state().len(), 1u32..3, 0u64..5, prop::option::of(1u32..3), 0usize..4);
    (flags, hours, rest).prop_map(|(flags, hours, rest)| {
        let (nightly, suspended, revoked, online, silent, keeps) = flags;
        let (now, at, heard, since) = hours;
        let (state, rev, seq, uses, kind) = rest;
        let mut case = case(every_state()[state]);
        if nightly {
            case = case.nightly();
        }
        (case.grant.rev, case.grant.suspended, case.grant.uses) = (rev, suspended, uses);
        case.grant.kind = GrantKind::ALL[kind];
        case.grant.days_off = if keeps { vec![Date::at(later(30), &FixedZone::UTC)] } else { vec![] };
        case.abilities.own_schedules = if keeps { OwnSchedules::Hours } else { OwnSchedules::None };
        case.revoked = revoked.then_some(Place { at: later(since), seq: 3 });
        case.seq = seq;
        case.hub = HubContact { online, heard: heard.map(later) };
        case.now = later(now);
        case.code = (!silent).then(|| CodeReport {
            since: later(since),
            uses: 1,
            first_used: Some(T),
            ..case.code.unwrap()
        });
        (case, later(at))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// Whatever is known: one answer, in words, that claims nothing that was not seen and tells guests no internals.
    #[test]
    fn every_answer_is_fit_to_be_shown((case, at) in a_case()) {
        for t in [case.now, at] {
            let (member, guest) = (case.at(t, Audience::Member), case.at(t, Audience::Guest));
            for told in [&member, &guest] {
                prop_assert!(Reason::NAMES.contains(&told.reason.name()), "{told:?}");
                prop_assert!(told.sentence.ends_with('.') && told.sentence.len() > 8, "{told:?}");
                prop_assert!(!told.sentence.contains("..") && !told.sentence.contains("  "), "{told:?}");
                prop_assert!(told.next_step.is_none_or(|step| step.ends_with('.')));
            }
            prop_assert!(!guest.opens || member.opens, "{member:?} {guest:?}");
            for word in ["hub", "slot", "PIN", "grant", "revoke", "battery", "still on"] {
                prop_assert!(!guest.sentence.contains(word), "{}", guest.sentence);
            }
        }
        let now = case.now();
        let seen_on = case.code.as_ref().is_some_and(|code| code.state.may_open());
        prop_assert!(!now.reason.opens() || seen_on, "opens unseen: {now:?}");
        let dead = case.revoked.is_some() || case.grant.suspended;
        prop_assert!(!(dead && case.guest().opens), "{now:?}");
        prop_assert!(now.state.may_open() == now.opens, "{now:?}");
    }
}
