//! From what is known to the one reason why a code opens the door at a moment, or does not.

use super::facts::{Code, Facts, Standing};
use super::{CodeState, FailWhy};
use crate::grant::GrantKind;
use crate::schedule::{Date, Moment};
use crate::time::Timestamp;

/// Why a code does or does not open the door at the moment asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It is on the lock, which was read back.
    Opens {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
        /// When it was read back.
        verified_at: Timestamp,
    },
    /// It was written to a lock that cannot be read back.
    OpensUnconfirmed {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
        /// When it was written.
        at: Timestamp,
    },
    /// Of a moment to come: its times let it open.
    WillOpen {
        /// Until when; `None` for no end.
        until: Option<Timestamp>,
    },
    /// Of a moment past: its times let it open; what was on the lock is not in the facts.
    Unrecorded,
    /// Of a moment past: it was changed since.
    ChangedSince {
        /// When.
        at: Timestamp,
    },
    /// Of a moment past: it did not exist.
    NotMade {
        /// When it was made.
        at: Timestamp,
    },
    /// Wanted off, not confirmed off: it may still open.
    StillOnLock {
        /// Since when it is wanted off.
        since: Timestamp,
        /// What is known to stand in the way.
        why: Option<FailWhy>,
    },
    /// Its term has not begun.
    NotYet {
        /// When it first opens.
        opens: Timestamp,
    },
    /// Between its hours.
    OutsideHours {
        /// When it opens next.
        opens: Timestamp,
    },
    /// On one of its days off.
    DayOff {
        /// When it opens next; `None`: never again.
        opens: Option<Timestamp>,
    },
    /// On one of the home's quiet days.
    QuietDay {
        /// When it opens next; `None`: never again.
        opens: Option<Timestamp>,
    },
    /// Its term is not over, and its hours do not come again in it.
    NeverAgain,
    /// Its term, or its stay from the first use on, is over.
    Over {
        /// Since when.
        since: Timestamp,
        /// Whether the hub has said that it is off the lock.
        confirmed: bool,
    },
    /// A guest's code of a hub that had no word from the cloud for longer than the home allows.
    GraceOver {
        /// Since when.
        since: Timestamp,
    },
    /// Used as often as it may be.
    UsedUp,
    /// Paused by a member.
    Suspended,
    /// Withdrawn.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
    /// The hub has not taken it up yet.
    WaitingForHub {
        /// When it opens, if not at once.
        opens: Option<Timestamp>,
    },
    /// The hub has it, and its time has come; that it is on the lock was not seen yet.
    Due,
    /// On its way to the lock.
    Writing,
    /// Not on the lock.
    Failed {
        /// Why not.
        why: FailWhy,
        /// When the hub tries again.
        next_try: Option<Timestamp>,
    },
}

impl Reason {
    /// Every name.
    pub const NAMES: [&str; 30] = [
        "opens",
        "opens_unconfirmed",
        "still_on_lock",
        "not_yet",
        "outside_hours",
        "day_off",
        "quiet_day",
        "never_again",
        "over",
        "grace_over",
        "used_up",
        "suspended",
        "revoked",
        "waiting_for_hub",
        "due",
        "writing",
        "lock_unreachable",
        "lock_full",
        "duplicate",
        "duplicate_by_hand",
        "used_before",
        "refused_by_lock",
        "clock_unknown",
        "not_sealed",
        "zone_unknown",
        "uncounted",
        "will_open",
        "unrecorded",
        "changed_since",
        "not_made",
    ];

    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opens { .. } => "opens",
            Self::OpensUnconfirmed { .. } => "opens_unconfirmed",
            Self::WillOpen { .. } => "will_open",
            Self::Unrecorded => "unrecorded",
            Self::ChangedSince { .. } => "changed_since",
            Self::NotMade { .. } => "not_made",
            Self::StillOnLock { .. } => "still_on_lock",
            Self::NotYet { .. } => "not_yet",
            Self::OutsideHours { .. } => "outside_hours",
            Self::DayOff { .. } => "day_off",
            Self::QuietDay { .. } => "quiet_day",
            Self::NeverAgain => "never_again",
            Self::Over { .. } => "over",
            Self::GraceOver { .. } => "grace_over",
            Self::UsedUp => "used_up",
            Self::Suspended => "suspended",
            Self::Revoked { .. } => "revoked",
            Self::WaitingForHub { .. } => "waiting_for_hub",
            Self::Due => "due",
            Self::Writing => "writing",
            Self::Failed { why, .. } => why.name(),
        }
    }

    /// Whether the code is expected to open the door. A code that is still on the lock is not, though it may.
    pub fn opens(&self) -> bool {
        matches!(self, Self::Opens { .. } | Self::OpensUnconfirmed { .. } | Self::WillOpen { .. })
    }
}

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

fn waiting(facts: &Facts<'_>) -> Reason {
    let taken = facts.reported().zip(facts.code).is_some_and(|(seen, code)| {
        seen.rev == code.grant.rev && !matches!(seen.state, CodeState::WaitingForHub)
    });
    match closed(facts, facts.now) {
        None if taken => Reason::Due,
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
        (None, _) => Reason::WillOpen { until },
    }
}
