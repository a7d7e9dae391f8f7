//! From what is known to the one reason why a code opens the door at a moment, or does not.

use super::facts::{Code, Facts, Standing};
use super::{CodeState, Reason};
use crate::grant::GrantKind;
use crate::schedule::{Date, Moment};
use crate::time::Timestamp;

/// Why, at this moment, and the code's state now.
pub(super) fn reason(facts: &Facts<'_>, at: Timestamp) -> (Standing, Reason) {
    let standing = facts.standing();
    let reason = match at.cmp(&facts.now) {
        core::cmp::Ordering::Equal => present(facts, standing),
        core::cmp::Ordering::Less => past(facts, standing, at),
        core::cmp::Ordering::Greater => future(facts, standing, at),
    };
    (standing, reason)
}

fn present(facts: &Facts<'_>, standing: Standing) -> Reason {
    let closes = match facts.moment(facts.now) {
        Some(Moment::Open { closes }) => closes,
        _ => None,
    };
    match standing.state {
        CodeState::OnLock { verified_at } => Reason::Opens { until: closes, verified_at },
        CodeState::WrittenUnconfirmed { at } => Reason::OpensUnconfirmed { until: closes, at },
        CodeState::StillOnLock { since, why } => Reason::StillOnLock { since, why },
        CodeState::Revoked => Reason::Revoked { since: standing.since },
        CodeState::Failed { why, next_try } => Reason::Failed { why, next_try },
        CodeState::Suspended => Reason::Suspended,
        CodeState::Expired => ended(facts, standing),
        CodeState::Scheduled { .. } | CodeState::OutsideHours { .. } => {
            closed(facts, facts.now).unwrap_or(Reason::Due)
        }
        CodeState::WaitingForHub => waiting(facts),
        CodeState::Writing => Reason::Writing,
    }
}

/// Whether the hub has the newest revision, and goes by it whether it is in touch or not.
fn taken_up(facts: &Facts<'_>) -> bool {
    facts.reported().zip(facts.code).is_some_and(|(seen, code)| {
        seen.rev == code.grant.rev && !matches!(seen.state, CodeState::WaitingForHub)
    })
}

fn waiting(facts: &Facts<'_>) -> Reason {
    match closed(facts, facts.now) {
        None if taken_up(facts) => Reason::Due,
        None => Reason::WaitingForHub { opens: None },
        Some(Reason::NotYet { opens } | Reason::OutsideHours { opens }) => {
            Reason::WaitingForHub { opens: Some(opens) }
        }
        Some(Reason::DayOff { opens } | Reason::QuietDay { opens }) => Reason::WaitingForHub { opens },
        Some(other) => other,
    }
}

/// Why a code is over that the hub says is off the lock, or that was never on it.
fn ended(facts: &Facts<'_>, standing: Standing) -> Reason {
    let confirmed = facts.reported().is_some_and(|code| matches!(code.state, CodeState::Expired));
    if facts.used_up().is_some() {
        return Reason::UsedUp;
    }
    match facts.moment(facts.now) {
        Some(Moment::Over { since }) if facts.grace_ends().is_none_or(|end| end != since) => {
            Reason::Over { since, confirmed }
        }
        // Neither its term nor its uses explain it: the hub went by its own count of time without word.
        Some(Moment::Over { since }) => Reason::GraceOver { since },
        Some(_) => Reason::GraceOver { since: standing.since },
        None => Reason::Over { since: standing.since, confirmed },
    }
}

/// What a guest is told of a code that is wanted off the lock: what its own terms say, if they say anything.
pub(super) fn by_its_terms(facts: &Facts<'_>, at: Timestamp) -> Option<Reason> {
    match (facts.withdrawn(), facts.used_up()) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(Reason::UsedUp),
        (None, None) => closed(facts, at),
    }
}

/// Why its own times keep it shut at a moment; `None` if they do not.
fn closed(facts: &Facts<'_>, at: Timestamp) -> Option<Reason> {
    let code = facts.code?;
    Some(match facts.moment(at)? {
        Moment::Open { .. } => return None,
        Moment::Suspended => Reason::Suspended,
        Moment::Over { since } if facts.grace_ends() == Some(since) => Reason::GraceOver { since },
        Moment::Over { since } => Reason::Over { since, confirmed: false },
        Moment::NotYet { opens: Some(opens) } => Reason::NotYet { opens },
        Moment::NotYet { opens: None } => Reason::NeverAgain,
        Moment::OutsideHours { opens } => outside(facts, &code, at, opens),
    })
}

fn outside(facts: &Facts<'_>, code: &Code<'_>, at: Timestamp, opens: Option<Timestamp>) -> Reason {
    let today = Date::at(at, facts.zone);
    let quiet = code.grant.kind == GrantKind::Guest && facts.policy.quiet_days.contains(&today);
    match opens {
        _ if code.grant.days_off.contains(&today) => Reason::DayOff { opens },
        _ if quiet => Reason::QuietDay { opens },
        Some(opens) => Reason::OutsideHours { opens },
        None => Reason::NeverAgain,
    }
}

fn past(facts: &Facts<'_>, standing: Standing, at: Timestamp) -> Reason {
    let Some(code) = facts.code else {
        let since = standing.since;
        return if at >= since { present(facts, standing) } else { Reason::Unrecorded };
    };
    if at < code.put.at {
        let at = code.put.at;
        return if code.grant.rev == 1 { Reason::NotMade { at } } else { Reason::ChangedSince { at } };
    }
    let since = standing.since;
    let still = |end: Timestamp, then: Reason| {
        // Between its end and the moment at which it was seen to be off it may have opened.
        let lasting = matches!(standing.state, CodeState::StillOnLock { .. }) && at >= since;
        let passed = matches!(standing.state, CodeState::Revoked | CodeState::Expired) && at < since;
        if lasting || passed { Reason::StillOnLock { since: end, why: None } } else { then }
    };
    if let Some(place) = facts.withdrawn().filter(|place| place.at <= at) {
        return still(place.at, Reason::Revoked { since: place.at });
    }
    if facts.used_up().is_some_and(|used_up| used_up <= at) {
        return Reason::UsedUp;
    }
    match closed(facts, at) {
        Some(Reason::Over { since: end, .. }) => still(end, Reason::Over { since: end, confirmed: false }),
        Some(reason) => reason,
        // The state that it is in now began before: it holds for that moment too.
        None if since <= at && standing.state.may_open() => present(facts, standing),
        None if since <= at && matches!(standing.state, CodeState::Failed { .. }) => present(facts, standing),
        None => Reason::Unrecorded,
    }
}

fn future(facts: &Facts<'_>, standing: Standing, at: Timestamp) -> Reason {
    if facts.withdrawn().is_some() {
        return present(facts, standing);
    }
    if facts.used_up().is_some() {
        return Reason::UsedUp;
    }
    let until = match facts.moment(at) {
        Some(Moment::Open { closes }) => closes,
        _ => None,
    };
    match (closed(facts, at), standing.state) {
        (Some(reason), _) => reason,
        (None, CodeState::Failed { why, next_try }) => Reason::Failed { why, next_try },
        (None, CodeState::WaitingForHub) if !facts.hub.online && !taken_up(facts) => {
            Reason::WaitingForHub { opens: None }
        }
        (None, _) => Reason::WillOpen { until },
    }
}
