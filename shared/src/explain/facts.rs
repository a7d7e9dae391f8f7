//! What is known of a code on one lock, and the one state that follows from it.

use super::CodeState;
use crate::chain::GrantEntry;
use crate::grant::{Grant, GrantKind};
use crate::id::LockId;
use crate::policy::Policy;
use crate::report::{CodeReport, Report};
use crate::schedule::{Moment, Style, Validity};
use crate::slot::LockAbilities;
use crate::time::{Seconds, Timestamp};
use crate::zone::Zone;

/// What its reader knows of a code on one lock.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The code as the chain has it. `None`: the chain no longer has it, so that it is revoked.
    pub code: Option<Code<'a>>,
    /// The lock.
    pub lock: LockId,
    /// The home's rules.
    pub policy: &'a Policy,
    /// What the hub said last of the lock; `None` before its first report.
    pub seen: Option<Seen<'a>>,
    /// How well the hub is in touch.
    pub hub: HubContact,
    /// The clock.
    pub now: Timestamp,
    /// The home's zone.
    pub zone: &'a dyn Zone,
    /// How times are written.
    pub style: Style,
}

/// A code as the chain has it.
#[derive(Clone, Copy)]
pub struct Code<'a> {
    /// Its newest revision.
    pub grant: &'a Grant,
    /// The op that put that revision.
    pub put: Place,
    /// The op that revoked it, if it was.
    pub revoked: Option<Place>,
}

impl<'a> Code<'a> {
    /// A code that is not revoked.
    pub fn in_force(entry: &'a GrantEntry) -> Self {
        Self { grant: &entry.grant, put: Place { at: entry.iat, seq: entry.seq }, revoked: None }
    }
}

/// An op's place in the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// When, by its signer's clock.
    pub at: Timestamp,
    /// Its number.
    pub seq: u64,
}

/// What the hub said last of a lock.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Of the code; `None`: nothing.
    pub code: Option<&'a CodeReport>,
    /// The newest op that it had taken by then.
    pub seq: u64,
    /// What the lock can do, if that is known.
    pub lock: Option<&'a LockAbilities>,
    /// Since when the lock does not answer, if it does not.
    pub silent_since: Option<Timestamp>,
}

impl<'a> Seen<'a> {
    /// What a report says of one code.
    pub fn in_report(report: &'a Report, grant: &crate::id::GrantId) -> Self {
        let code = report.codes.iter().find(|code| code.grant == *grant);
        Self {
            code,
            seq: report.seq,
            lock: Some(&report.lock.abilities),
            silent_since: report.lock.unreachable_since,
        }
    }
}

/// How well a hub is in touch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HubContact {
    /// Whether it is connected now.
    pub online: bool,
    /// When it last had word from the cloud, if that is known.
    pub heard: Option<Timestamp>,
}

impl HubContact {
    /// A hub fetches a head every hour at least: one that was silent for longer than this is away.
    pub const AWAY_AFTER: Seconds = Seconds::hours(2);

    /// Connected.
    pub fn online(now: Timestamp) -> Self {
        Self { online: true, heard: Some(now) }
    }

    /// Not connected, since an instant if that is known.
    pub fn away(heard: Option<Timestamp>) -> Self {
        Self { online: false, heard }
    }

    /// Of a hub that was last heard at an instant, for a reader that sees no connection.
    pub fn last_heard(heard: Option<Timestamp>, now: Timestamp) -> Self {
        Self { online: heard.is_none_or(|heard| now.since(heard) <= Self::AWAY_AFTER), heard }
    }
}

/// Where a code stands on a lock, as far as its reader can know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    pub state: CodeState,
    pub since: Timestamp,
}

impl Facts<'_> {
    /// When the code opens, its first use at this lock's hub included.
    pub(super) fn validity(&self, code: &Code<'_>) -> Validity {
        let validity = self.policy.validity(code.grant);
        match self.reported().and_then(|code| code.first_used) {
            Some(at) => validity.first_used(at),
            None => validity,
        }
    }

    pub(super) fn reported(&self) -> Option<&CodeReport> {
        self.seen.and_then(|seen| seen.code)
    }

    /// When it was used as often as it may be, if it was.
    pub(super) fn used_up(&self) -> Option<Timestamp> {
        let (most, code) = (self.code?.grant.uses?, self.reported()?);
        (code.uses >= most).then(|| code.last_used.unwrap_or(code.since))
    }

    /// When a hub that hears nothing takes a guest's code off the locks; `None` if it does not, or is in touch.
    pub(super) fn grace_ends(&self) -> Option<Timestamp> {
        let guest = self.code?.grant.kind == GrantKind::Guest;
        let heard = self.hub.heard.filter(|heard| guest && *heard < self.now)?;
        Some(heard.saturating_add(self.policy.offline_grace))
    }

    /// How its times stand at a moment, the offline grace included; `None` if the chain no longer has it.
    pub(super) fn moment(&self, at: Timestamp) -> Option<Moment> {
        let moment = self.validity(&self.code?).state_at(at, self.zone);
        // A hub that is in touch now will be heard again before its grace is over.
        let grace = self.grace_ends().filter(|end| *end <= at && (!self.hub.online || *end <= self.now));
        Some(match (moment, grace) {
            (Moment::Over { since }, Some(end)) if since <= end => Moment::Over { since },
            (_, Some(since)) => Moment::Over { since },
            (moment, None) => moment,
        })
    }

    /// Since when it is wanted off this lock by an op: revoked, or changed so that it does not name the lock.
    pub(super) fn withdrawn(&self) -> Option<Place> {
        let Some(code) = self.code else {
            let at = self.reported().map_or(self.now, |code| code.since);
            return Some(Place { at, seq: 0 });
        };
        let moved = code.grant.locks.binary_search(&self.lock).is_err().then_some(code.put);
        code.revoked.or(moved)
    }

    /// The one state that it is in now.
    pub(super) fn standing(&self) -> Standing {
        if let Some(place) = self.withdrawn() {
            return self.standing_withdrawn(place);
        }
        let Some((code, moment)) = self.code.zip(self.moment(self.now)) else {
            return Standing { state: CodeState::Revoked, since: self.now };
        };
        let waiting = Standing { state: CodeState::WaitingForHub, since: code.put.at };
        let Some(seen) = self.reported() else { return waiting };
        if seen.rev != code.grant.rev {
            // The hub has not taken the change: what was on the lock before still is.
            let shut = !matches!(moment, Moment::Open { .. });
            return if shut && seen.state.may_open() { still_on(code.put.at) } else { waiting };
        }
        let keeps_hours = self.seen.and_then(|seen| seen.lock).is_some_and(|lock| lock.keeps_hours());
        let closed = || {
            let change = self.validity(&code).next_transition(seen.since, self.zone);
            change.filter(|at| *at <= self.now).unwrap_or(seen.since)
        };
        moved_on(Standing { state: seen.state, since: seen.since }, moment, keeps_hours, closed)
    }

    fn standing_withdrawn(&self, place: Place) -> Standing {
        let taken = self.seen.is_some_and(|seen| seen.seq >= place.seq);
        match (self.reported(), self.code) {
            (Some(code), _) if taken => match code.state {
                CodeState::Revoked | CodeState::Expired | CodeState::StillOnLock { .. } => {
                    Standing { state: code.state, since: code.since }
                }
                state if on(&state) => still_on(place.at),
                _ => Standing { state: CodeState::Revoked, since: place.at },
            },
            (None, _) if taken => Standing { state: CodeState::Revoked, since: place.at },
            // It was withdrawn before the hub knew of it.
            (None, Some(code)) if self.seen.is_some_and(|seen| seen.seq < code.put.seq) => {
                Standing { state: CodeState::Revoked, since: place.at }
            }
            _ => still_on(place.at),
        }
    }
}

/// Whether its PIN may be on the lock: a write that was begun may have arrived.
fn on(state: &CodeState) -> bool {
    state.may_open() || matches!(state, CodeState::Writing)
}

fn still_on(since: Timestamp) -> Standing {
    Standing { state: CodeState::StillOnLock { since, why: None }, since }
}

/// The state at this moment of a code whose state the hub reported at an earlier one; `closed` is when its hours
/// ended after that.
fn moved_on(seen: Standing, moment: Moment, keeps_hours: bool, closed: impl Fn() -> Timestamp) -> Standing {
    let on = on(&seen.state);
    let stand = |state| Standing { state, since: seen.since };
    match (seen.state, moment) {
        (CodeState::Revoked | CodeState::Expired | CodeState::StillOnLock { .. }, _) => seen,
        // It is there, and by now it should not be.
        (_, Moment::Over { since }) if on => still_on(since),
        (_, Moment::Over { since }) => Standing { state: CodeState::Expired, since },
        (_, Moment::Suspended) if on => still_on(seen.since),
        (CodeState::Failed { .. }, _) => seen,
        (_, Moment::Suspended) => stand(CodeState::Suspended),
        // A lock that keeps hours by itself holds it and does not open.
        (_, Moment::NotYet { .. } | Moment::OutsideHours { .. }) if on && !keeps_hours => still_on(closed()),
        (_, Moment::NotYet { opens }) => stand(CodeState::Scheduled { opens }),
        (_, Moment::OutsideHours { opens }) => stand(CodeState::OutsideHours { opens }),
        // Its time has come since the hub said this.
        (CodeState::Scheduled { opens } | CodeState::OutsideHours { opens }, Moment::Open { .. }) => {
            Standing { state: CodeState::WaitingForHub, since: opens.unwrap_or(seen.since) }
        }
        (CodeState::Suspended, Moment::Open { .. }) => stand(CodeState::WaitingForHub),
        (_, Moment::Open { .. }) => seen,
    }
}
