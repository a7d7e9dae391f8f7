//! `docs/states.md`: every state and every explanation, as the code gives them.

use latchkey_shared::explain::{
    Audience, Code, CodeState, Explanation, Facts, FailWhy, HubContact, Place, Reason, Seen, explain,
};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::LockId;
use latchkey_shared::policy::Policy;
use latchkey_shared::report::CodeReport;
use latchkey_shared::schedule::{Date, Days, MinuteOfDay, Schedule, Style, WeeklyWindow};
use latchkey_shared::slot::{LockAbilities, OwnEnd, OwnSchedules};
use latchkey_shared::testing::{self, TestHome};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::FixedZone;
use std::fmt::Write;

const LOCK: LockId = LockId([1; 16]);
/// A Friday morning.
const T: Timestamp = TestHome::BEGINNING;

/// A made-up code and what is known of it.
struct Case {
    policy: Policy,
    grant: Grant,
    code: Option<CodeReport>,
    lock: LockAbilities,
    revoked: Option<Place>,
    silent: Option<Timestamp>,
    hub: HubContact,
    at: Timestamp,
}

const NOW: Timestamp = Timestamp(T.0 + 3_600);

fn hours(n: u32) -> Timestamp {
    T.saturating_add(Seconds::hours(n))
}

/// A guest's code for a week, of which the hub said this an hour ago.
fn case(policy: &Policy, grant: &Grant, state: CodeState) -> Case {
    Case {
        policy: policy.clone(),
        code: Some(testing::code(grant, state, T)),
        grant: grant.clone(),
        lock: testing::abilities(),
        revoked: None,
        silent: None,
        hub: HubContact::online(NOW),
        at: NOW,
    }
}

impl Case {
    fn told(&self, audience: Audience) -> Explanation {
        let facts = Facts {
            code: Some(Code { grant: &self.grant, put: Place { at: T, seq: 2 }, revoked: self.revoked }),
            lock: LOCK,
            policy: &self.policy,
            seen: Some(Seen {
                code: self.code.as_ref(),
                seq: 2,
                lock: Some(&self.lock),
                silent_since: self.silent,
            }),
            hub: self.hub,
            now: NOW,
            zone: &FixedZone::UTC,
            style: Style::default(),
        };
        explain(&facts, self.at, audience)
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// `reason | state | opens | sentence and step for members | the same for guests`.
    fn row(&self) -> String {
        let (member, guest) = (self.told(Audience::Member), self.told(Audience::Guest));
        let words = |told: &Explanation| {
            let step = told.next_step.map_or_else(String::new, |step| format!(" *{step}*"));
            format!("{}{step}", told.sentence)
        };
        let opens = match (member.reason.opens(), member.opens) {
            (true, _) => "yes",
            (false, true) => "may",
            (false, false) => "no",
        };
        format!(
            "| `{}` | `{}` | {opens} | {} | {} |\n",
            member.reason.name(),
            member.state.name(),
            words(&member),
            words(&guest)
        )
    }
}

fn own_end(case: &mut Case, sure: OwnEnd) {
    case.code.iter_mut().for_each(|code| code.own_end = Some(sure));
}

fn keeps_hours(case: &mut Case, sure: OwnEnd) {
    case.lock.own_schedules = OwnSchedules::Hours;
    own_end(case, sure);
}

/// Of this moment, in the order of a code's life.
fn now(policy: &Policy, grant: &Grant) -> Vec<Case> {
    let case = |state| case(policy, grant, state);
    let outside = CodeState::OutsideHours { opens: Some(hours(12)) };
    let on = CodeState::OnLock { verified_at: T };
    let today = Date::at(NOW, &FixedZone::UTC);
    let still = |why| CodeState::StillOnLock { since: T, why };
    let evening = |case: &mut Case| case.grant.schedule = evenings();
    let failed = FailWhy::ALL.map(|why| case(CodeState::Failed { why, next_try: None }));
    let mut cases = vec![
        case(CodeState::WaitingForHub),
        case(CodeState::WaitingForHub).with(|c| c.hub = HubContact::away(Some(T))),
        case(CodeState::Scheduled { opens: Some(hours(24)) }).with(|c| c.grant.not_before = hours(24)),
        case(CodeState::Scheduled { opens: Some(hours(24)) }).with(|c| {
            (c.grant.not_before, c.silent) = (hours(24), Some(T));
        }),
        case(CodeState::Writing),
        case(on),
        case(on).with(|c| own_end(c, OwnEnd::ReadBack)),
        case(on).with(|c| own_end(c, OwnEnd::Told)),
        case(on).with(|c| c.hub = HubContact::away(Some(T))),
        case(CodeState::WrittenUnconfirmed { at: T }),
        case(outside).with(evening),
        case(on).with(evening).with(|c| keeps_hours(c, OwnEnd::ReadBack)),
        case(on).with(evening).with(|c| keeps_hours(c, OwnEnd::Told)),
        case(outside).with(|c| c.grant.days_off = vec![today]),
        case(outside).with(|c| c.policy.quiet_days = vec![today]),
        case(outside).with(evening).with(|c| c.grant.expires = Some(hours(3))),
        case(outside),
        case(outside).with(|c| c.hub = HubContact::away(Some(T))),
        case(CodeState::Suspended).with(|c| c.grant.suspended = true),
    ];
    cases.extend(failed);
    cases.push(case(CodeState::Failed { why: FailWhy::Unreachable, next_try: Some(hours(2)) }));
    cases.extend([
        case(CodeState::Expired).with(|c| c.grant.expires = Some(NOW)),
        case(CodeState::Expired).with(|c| {
            c.grant.uses = Some(1);
            c.code.iter_mut().for_each(|code| code.uses = 1);
        }),
        case(CodeState::Expired),
        case(CodeState::Revoked),
        case(still(None)),
        case(still(None)).with(|c| c.hub = HubContact::away(Some(T))),
        case(still(Some(FailWhy::Unreachable))),
        case(still(Some(FailWhy::Unreachable))).with(|c| own_end(c, OwnEnd::ReadBack)),
        case(on).with(|c| c.revoked = Some(Place { at: NOW, seq: 3 })),
    ]);
    cases
}

/// Of other moments.
fn then(policy: &Policy, grant: &Grant) -> Vec<Case> {
    let ask = |at, state| case(policy, grant, state).with(|c| c.at = at);
    let on = CodeState::OnLock { verified_at: T };
    let evening = |case: &mut Case| case.grant.schedule = evenings();
    let before = Timestamp(T.0 - 1);
    vec![
        ask(before, on),
        ask(before, on).with(|c| c.grant.rev = 2),
        ask(Timestamp(NOW.0 - 1), on),
        ask(T, on).with(|c| c.code.iter_mut().for_each(|code| code.since = NOW)),
        ask(T, CodeState::OutsideHours { opens: Some(hours(12)) }).with(evening),
        ask(hours(13), CodeState::OutsideHours { opens: Some(hours(12)) }).with(evening),
        ask(hours(20), on).with(evening),
        ask(hours(24 * 8), on),
        ask(hours(13), CodeState::Failed { why: FailWhy::Duplicate, next_try: None }),
        ask(hours(13), CodeState::Revoked).with(|c| c.revoked = Some(Place { at: T, seq: 2 })),
    ]
}

fn evenings() -> Schedule {
    let at = |hour| MinuteOfDay::hm(hour, 0).unwrap_or_default();
    Schedule::Weekly(vec![WeeklyWindow { days: Days::ALL, from: at(20), to: at(22) }])
}

/// The page.
pub fn page() -> String {
    let mut home = TestHome::new(5);
    let (policy, grant) = (home.state.policy().clone(), home.guest("706182", &[LOCK]));
    let mut page = String::from(HEAD);
    let states: [CodeState; 11] = [
        CodeState::Scheduled { opens: None },
        CodeState::WaitingForHub,
        CodeState::Writing,
        CodeState::OnLock { verified_at: T },
        CodeState::WrittenUnconfirmed { at: T },
        CodeState::OutsideHours { opens: None },
        CodeState::Suspended,
        CodeState::Failed { why: FailWhy::Full, next_try: None },
        CodeState::Expired,
        CodeState::Revoked,
        CodeState::StillOnLock { since: T, why: None },
    ];
    for state in &states {
        let (opens, look) = (state.may_open(), state.needs_attention());
        let yes = |is: bool| if is { "yes" } else { "" };
        let _ =
            writeln!(page, "| `{}` | {} | {} | {} |", state.name(), meaning(state), yes(opens), yes(look));
    }
    page.push_str(NOW_HEAD);
    now(&policy, &grant).iter().for_each(|case| page.push_str(&case.row()));
    page.push_str(THEN_HEAD);
    then(&policy, &grant).iter().for_each(|case| page.push_str(&case.row()));
    page
}

fn meaning(state: &CodeState) -> &'static str {
    match state {
        CodeState::Scheduled { .. } => "its term has not begun",
        CodeState::WaitingForHub => "the hub has not taken it up, or not said since that it did",
        CodeState::Writing => "on its way to the lock",
        CodeState::OnLock { .. } => "read back from the lock, and when",
        CodeState::WrittenUnconfirmed { .. } => "written to a lock that cannot be read back",
        CodeState::OutsideHours { .. } => "in its term, between its hours or on a day off",
        CodeState::Suspended => "paused by a member",
        CodeState::Failed { .. } => "not on the lock, and why; the hub may try again",
        CodeState::Expired => "ended by itself and off the lock",
        CodeState::Revoked => "withdrawn and off the lock",
        CodeState::StillOnLock { .. } => "wanted off, not yet confirmed off",
    }
}

/// Names of reasons for which the page has no example.
pub fn missing() -> Vec<&'static str> {
    let page = page();
    Reason::NAMES.into_iter().filter(|name| !page.contains(&format!("| `{name}` |"))).collect()
}

const HEAD: &str = "\
# States and explanations

Made by `cargo run -p latchkey-tests --bin make-states` from `shared/src/explain.rs`, which the portal, the guest page,
the API, the command line and the hub's panel ask alike.

A code has one state on each of its locks.

| state | meaning | may open | look at it |
| --- | --- | --- | --- |
";

const NOW_HEAD: &str = "
## Now

The example is a guest's code from Friday 15 January 2027, 08:00, for a week; the time is 09:00. What to do next stands
in italics. A guest is told no internals, and of a code that could not be taken off yet only that it is shut.

| reason | state | opens | to a member | to a guest |
| --- | --- | --- | --- | --- |
";

const THEN_HEAD: &str = "
## At another moment

Asked at 09:00 about a moment before or after. The state is still the one of now.

| reason | state | opens | to a member | to a guest |
| --- | --- | --- | --- | --- |
";
