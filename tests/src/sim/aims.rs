//! For each deliberate mistake: the world in which it matters, and the check that has to find it, by which words.

use super::bounds::{DAY, HOUR, MINUTE};
use super::oracle::Check;
use super::swarm::{Evil, Household, Swarm};
use latchkey_shared::defects::Defect;

/// How a mistake is to be found.
pub(super) struct Aim {
    /// The check that finds it for the right reason, and what it says.
    pub(super) check: Check,
    pub(super) says: &'static str,
    /// What the world has more of than chance would give it.
    pub(super) tune: fn(&mut Swarm),
    pub(super) weeks: u64,
    /// The first seed to try.
    pub(super) first: u64,
}

const fn aim(check: Check, says: &'static str, tune: fn(&mut Swarm)) -> Aim {
    Aim { check, says, tune, weeks: 1, first: 1 }
}

/// Nothing but people.
fn quiet(s: &mut Swarm) {
    (s.act_every, s.door_every) = (30 * MINUTE, 20 * MINUTE);
    (s.drop, s.duplicate, s.slow, s.partition_every) = (0, 0, 150, 0);
    (s.crash_one_in, s.disk_fails, s.cut_every, s.jump_every, s.restore_every) = (0, 0, 0, 0, 0);
    (s.lost, s.late, s.lie, s.busy, s.dead_every, s.hand_every) = (0, 0, 0, 0, 0, 0);
    (s.cloud_restart_every, s.cloud_fails, s.untold, s.kv_stale) = (0, 0, 0, 0);
    (s.evil, s.household, s.writes_lost, s.torn) = (None, Household::One, 0, 0);
    (s.fancy, s.residents, s.signed, s.panel_every) = (false, false, false, 0);
}

fn evil(s: &mut Swarm, evil: Evil) {
    quiet(s);
    (s.evil, s.evil_every) = (Some(evil), 5 * HOUR);
}

/// The aim of each.
pub(super) fn of(defect: Defect) -> Aim {
    use Defect as D;
    match defect {
        D::ActBeforePersist => aim(Check::Ledger, "not in the ledger", quiet),
        D::TrustWriteStatus => aim(Check::Report, "said to be verified", |s| {
            quiet(s);
            s.lie = 200;
        }),
        D::ForgetTombstone => aim(Check::Door, "although Revoked", quiet),
        D::AcceptRollback => aim(Check::Attack, "Replays", |s| evil(s, Evil::Replays)),
        D::SkipHeadCheck => aim(Check::Attack, "Stretches", |s| evil(s, Evil::Stretches)),
        D::UsesOffByOne => aim(Check::Door, "although UsedUp", quiet),
        D::EndsLate => aim(Check::Door, "although OutsideHours", quiet),
        D::ClockChangeLate => Aim { first: 14, ..aim(Check::Door, "although OutsideHours", on_the_night) },
        D::ClearAssumed => aim(Check::Door, "opens lock", |s| {
            quiet(s);
            s.lost = 300;
        }),
        D::DoubleEvent => aim(Check::Events, "the log says", |s| {
            quiet(s);
            s.crash_one_in = 100;
        }),
        D::AckLosesEvents => aim(Check::Events, "the cloud", |s| {
            quiet(s);
            s.drop = 200;
        }),
        D::FloorForgotten => aim(Check::Door, "over true", |s| {
            quiet(s);
            (s.cut_every, s.cut_most, s.keeps_time) = (2 * HOUR, 10 * MINUTE, true);
            s.jump_every = 8 * HOUR;
        }),
        D::DuplicateAccepted => aim(Check::Door, "another code had first", quiet),
        D::StaleKvBelieved => aim(Check::Timing, "does not open", |s| {
            quiet(s);
            (s.sockets, s.drop) = (false, 300);
        }),
        D::GraceForgotten => Aim {
            weeks: 2,
            ..aim(Check::Door, "although GraceOver", |s| {
                quiet(s);
                (s.partition_every, s.partition_most, s.grace_most) = (DAY, 17 * DAY, 2);
            })
        },
        D::RemovedMaySign => aim(Check::Attack, "", |s| evil(s, Evil::Forges)),
        D::LeadKept => aim(Check::Timing, "does not open", |s| {
            quiet(s);
            s.jump_every = 10 * HOUR;
        }),
        D::SuspendIgnored => aim(Check::Door, "although Suspended", quiet),
        D::Renumbered => aim(Check::Slots, "moves on lock", quiet),
        D::ForeignTaken => aim(Check::Slots, "somebody else's", |s| {
            quiet(s);
            s.hand_every = 2 * HOUR;
        }),
        D::DamageAccepted => aim(Check::Ledger, "damaged ledger", |s| {
            quiet(s);
            (s.cut_every, s.cut_most, s.torn) = (5 * HOUR, HOUR, 600);
        }),
        D::RemovalIgnored => aim(Check::Door, "although OtherLock", |s| {
            quiet(s);
            s.household = Household::Replaced;
        }),
        D::ReplayTaken => aim(Check::Attack, "twice", |s| {
            quiet(s);
            (s.signed, s.duplicate) = (true, 300);
        }),
        D::BodyUnchecked => aim(Check::Attack, "changed on its way", |s| {
            quiet(s);
            s.signed = true;
        }),
        D::QuietForgotten | D::StayForgotten | D::BufferTwice => {
            aim(Check::Door, "although OutsideHours", |s| {
                quiet(s);
                s.fancy = true;
            })
        }
        D::MaskedOverwritten => aim(Check::Door, "although OldPin", |s| {
            quiet(s);
            s.lie = 200;
        }),
        D::ReplacedForgotten => aim(Check::Door, "opens lock", |s| {
            quiet(s);
            s.household = Household::Broken;
        }),
        D::RestoredForgotten => aim(Check::Door, "opens lock", |s| {
            quiet(s);
            (s.restore_every, s.crash_one_in) = (8 * HOUR, 25);
        }),
        D::StagedForgotten => aim(Check::Timing, "does not open", |s| {
            quiet(s);
            (s.panel_every, s.crash_one_in) = (HOUR, 60);
            (s.partition_every, s.partition_most) = (6 * HOUR, DAY);
        }),
        D::HeldTaken => Aim {
            first: 11,
            ..aim(Check::Slots, "is another hub's", |s| {
                quiet(s);
                s.household = Household::Two;
            })
        },
        D::ResidentSeesAll => aim(Check::Secrets, "a resident is shown", |s| {
            quiet(s);
            s.residents = true;
        }),
    }
}

/// Two days before the clocks change in Berlin.
fn on_the_night(s: &mut Swarm) {
    quiet(s);
    (s.zone, s.begin, s.act_every) = (chrono_tz::Europe::Berlin, 1_824_854_400_000 - DAY, 20 * MINUTE);
}
