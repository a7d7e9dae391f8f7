//! One week of the home: which code opens which door when.

use super::Home;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::time::{DAY, Local, Timestamp};
use latchkey_shared::zone::Zone;

/// A stretch in which a code opens, cut at the week's ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bar {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// Whether it began before the week.
    pub from_before: bool,
    /// Whether it goes on after the week.
    pub goes_on: bool,
}

/// A code's week at one door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lane {
    /// The code.
    pub grant: GrantId,
    /// Its name.
    pub label: String,
    /// Whether it is suspended, so that nothing of this happens unless it is resumed.
    pub suspended: bool,
    /// When it opens, in order.
    pub bars: Vec<Bar>,
}

/// A door's week.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoorWeek {
    /// The lock.
    pub lock: LockId,
    /// Its name.
    pub name: String,
    /// Codes that open it in this week, by name.
    pub lanes: Vec<Lane>,
}

/// A week.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Week {
    /// The first instant of each of its days from Monday on, and of the day after.
    pub midnights: [Timestamp; 8],
    /// The doors, by name.
    pub doors: Vec<DoorWeek>,
}

impl Week {
    /// The week so many after the one that `now` is in.
    pub fn of(home: &Home, now: Timestamp, later: i32) -> Self {
        let today = home.zone.to_local(now);
        let monday = Local { hour: 0, minute: 0, second: 0, ..today }.to_seconds()
            + (i64::from(later) * 7 - i64::from(today.weekday().index())) * DAY;
        let midnight = |day: i64| home.zone.resolve(Local::from_seconds(monday + day * DAY)).start();
        let midnights = core::array::from_fn(|day| midnight(day as i64));
        let mut doors: Vec<DoorWeek> = home
            .reports
            .iter()
            .map(|(lock, report)| DoorWeek { lock: *lock, name: report.lock.name.clone(), lanes: Vec::new() })
            .collect();
        doors.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut lanes: Vec<(Lane, &[LockId])> = home
            .grants
            .values()
            .filter(|put| put.revoked.is_none())
            .filter_map(|put| Some((lane(home, &put.grant.id, &midnights)?, put.grant.locks.as_slice())))
            .collect();
        lanes.sort_unstable_by(|(a, _), (b, _)| a.label.cmp(&b.label));
        for (lane, locks) in lanes {
            for door in doors.iter_mut().filter(|door| locks.contains(&door.lock)) {
                door.lanes.push(lane.clone());
            }
        }
        Self { midnights, doors }
    }

    /// Its first instant, and the first after it.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.midnights[0], self.midnights[7])
    }

    /// How far into the week an instant is, from 0 to 100.
    pub fn percent(&self, t: Timestamp) -> f64 {
        let (from, to) = self.span();
        let length = to.since(from).0.max(1) as f64;
        t.max(from).min(to).since(from).0 as f64 * 100.0 / length
    }
}

fn lane(home: &Home, id: &GrantId, midnights: &[Timestamp; 8]) -> Option<Lane> {
    let (from, to) = (midnights[0], midnights[7]);
    let put = home.grants.get(id)?;
    let validity = home.validity(&put.grant);
    let bars: Vec<Bar> = validity
        .openings(from, &*home.zone)
        .take_while(|span| span.start < to)
        .map(|span| {
            let end = span.end.unwrap_or(Timestamp::MAX);
            Bar {
                start: span.start.max(from),
                end: end.min(to),
                from_before: span.start < from,
                goes_on: end > to,
            }
        })
        .collect();
    let (label, suspended) = (put.grant.label.clone(), put.grant.suspended);
    (!bars.is_empty()).then_some(Lane { grant: *id, label, suspended, bars })
}
