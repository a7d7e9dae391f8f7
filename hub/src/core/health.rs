//! How a lock is and was: its battery's course, what it failed to do, who tampered with it. Kept small: one point a
//! day, two months at most.

use super::lock::{Bolt, Happening, Vitals};
use super::reconcile::{LockCore, Outcome};
use latchkey_shared::event::EventBody;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::trouble::BATTERY_LOW;
use latchkey_shared::wire::derive::{Decode, Encode};

/// Days of the battery's course that are kept.
const DAYS: usize = 60;
/// The course says something once it is this many days long...
const LONG_ENOUGH: u32 = 7;
/// ...and the battery has lost so many percent.
const DROP_ENOUGH: u8 = 3;
/// More than this, in percent, is a new battery and no warmer day.
const NEW_BATTERY: u8 = 15;
/// From this on a battery that was low no longer is, in percent.
const WELL: u8 = BATTERY_LOW + 5;
/// How long failures count, in days.
const FAILED_DAYS: u32 = 7;
/// Tampering goes on for a while: it is told once in this time.
const TAMPER_AGAIN: Seconds = Seconds::minutes(1);

/// What the ledger keeps of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct HealthRecord {
    /// The battery's course: the day, counted from 1970, and the percentage at its end.
    #[n(1)]
    pub battery: Vec<(u32, u8)>,
    /// Days with failures, and how many.
    #[n(2)]
    pub failed: Vec<(u32, u16)>,
    /// When somebody last tampered with it.
    #[n(3)]
    pub tampered_at: Option<Timestamp>,
    /// Whether its battery was told to be low.
    #[n(4)]
    pub low: bool,
    /// Whether its bolt was told to be stuck.
    #[n(5)]
    pub jammed: bool,
}

/// How a lock was over the last weeks.
#[derive(Clone, Debug, Default)]
pub struct Health {
    record: HealthRecord,
    /// What it loses in a day, in thousandths of a percent, where that can be told.
    loss: Option<u32>,
    seen_at: Option<Timestamp>,
}

fn day(at: Timestamp) -> u32 {
    u32::try_from(at.0 / 86_400).unwrap_or(u32::MAX)
}

impl Health {
    /// From the ledger.
    pub fn from_record(record: HealthRecord) -> Self {
        let loss = loss(&record.battery);
        Self { record, loss, seen_at: None }
    }

    /// For the ledger.
    pub fn record(&self) -> &HealthRecord {
        &self.record
    }

    /// It gave a sign of life.
    pub fn seen(&mut self, at: Timestamp) {
        self.seen_at = self.seen_at.max(Some(at));
    }

    /// When it last gave one, to the minute; `None`: not in this run of the program.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.seen_at.map(|at| Timestamp(at.0 / 60 * 60))
    }

    /// When somebody last tampered with it.
    pub fn tampered_at(&self) -> Option<Timestamp> {
        self.record.tampered_at
    }

    /// It failed to do something. Whether that changes its record.
    pub fn failed(&mut self, at: Timestamp) -> bool {
        let today = day(at);
        self.record.failed.retain(|(then, _)| *then <= today && then + FAILED_DAYS > today);
        match self.record.failed.last_mut().filter(|(then, _)| *then == today) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.record.failed.push((today, 1)),
        }
        true
    }

    /// How often it failed in the last seven days.
    pub fn failures(&self, now: Timestamp) -> u16 {
        let recent = self.record.failed.iter().filter(|(then, _)| then + FAILED_DAYS > day(now));
        recent.fold(0, |sum: u16, (_, count)| sum.saturating_add(*count))
    }

    /// What is left of its battery. Whether that changes its record.
    fn battery(&mut self, percent: u8, at: Timestamp) -> bool {
        let (course, today) = (&mut self.record.battery, day(at));
        match course.last_mut() {
            Some((_, last)) if percent > last.saturating_add(NEW_BATTERY) => course.clear(),
            Some((then, _)) if *then > today => return false,
            Some((then, last)) if *then == today => {
                if *last == percent {
                    return false;
                }
                *last = percent;
                self.loss = loss(course);
                return true;
            }
            _ => {}
        }
        course.push((today, percent));
        let over = course.len().saturating_sub(DAYS);
        course.drain(..over);
        self.loss = loss(course);
        true
    }

    /// In how many days the battery will be empty, if it goes on as it did.
    pub fn days_left(&self, now: Timestamp) -> Option<u16> {
        let (loss, (then, percent)) = (self.loss?, self.record.battery.last()?);
        let from_then = u32::from(*percent) * 1_000 / loss;
        let left = from_then.saturating_sub(day(now).saturating_sub(*then));
        Some(u16::try_from(left).unwrap_or(u16::MAX))
    }
}

/// What a battery loses in a day, in thousandths of a percent: the median over all pairs of days (Theil and Sen), so that
/// a cold night or a wrong reading moves it little. `None`: too short a course, or too flat.
fn loss(course: &[(u32, u8)]) -> Option<u32> {
    let ((first, at_first), (last, at_last)) = (course.first()?, course.last()?);
    if last.saturating_sub(*first) < LONG_ENOUGH || at_first.saturating_sub(*at_last) < DROP_ENOUGH {
        return None;
    }
    let mut slopes: Vec<i64> = vec![];
    for (i, (then, before)) in course.iter().enumerate() {
        for (later, after) in course.iter().skip(i + 1) {
            slopes.push((i64::from(*before) - i64::from(*after)) * 1_000 / i64::from((later - then).max(1)));
        }
    }
    slopes.sort_unstable();
    u32::try_from(*slopes.get(slopes.len() / 2)?).ok().filter(|loss| *loss > 0)
}

impl LockCore {
    /// What it told of itself when it was looked at. What it does not tell now is as it was.
    pub(super) fn note_vitals(&mut self, vitals: &Vitals, at: Timestamp, outcome: &mut Outcome) {
        self.vitals.battery_low = vitals.battery_low;
        if let Some(bolt) = vitals.bolt {
            self.note_bolt(bolt, outcome);
        }
        self.vitals.link = vitals.link.or(self.vitals.link);
        match vitals.battery {
            Some(percent) => self.note_battery(percent, at, outcome),
            None => self.note_low(outcome),
        }
    }

    /// Something that it says of itself. Whether it was that.
    pub(super) fn note_vital(&mut self, what: Happening, at: Timestamp, outcome: &mut Outcome) {
        match what {
            Happening::Bolt(bolt) => self.note_bolt(bolt, outcome),
            Happening::Battery(percent) => self.note_battery(percent, at, outcome),
            Happening::BatteryLow => {
                self.vitals.battery_low = true;
                self.note_low(outcome);
            }
            Happening::Link(link) => self.vitals.link = Some(link),
            Happening::Tampered => {
                let known = self.health.record.tampered_at;
                if known.is_none_or(|known| at.since(known) >= TAMPER_AGAIN) {
                    outcome.events.push(EventBody::Tampered(self.id));
                }
                self.health.record.tampered_at = known.max(Some(at));
                outcome.lock = true;
            }
            _ => {}
        }
    }

    pub(super) fn note_bolt(&mut self, bolt: Bolt, outcome: &mut Outcome) {
        let jammed = bolt == Bolt::Jammed;
        if jammed != self.health.record.jammed {
            self.health.record.jammed = jammed;
            outcome.lock = true;
            if jammed {
                outcome.events.push(EventBody::Jammed(self.id));
            }
        }
        self.vitals.bolt = Some(bolt);
    }

    fn note_battery(&mut self, percent: u8, at: Timestamp, outcome: &mut Outcome) {
        let percent = percent.min(100);
        if self.vitals.battery.is_some_and(|last| percent > last.saturating_add(NEW_BATTERY)) {
            self.vitals.battery_low = false;
        }
        self.vitals.battery = Some(percent);
        outcome.lock |= self.health.battery(percent, at);
        self.note_low(outcome);
    }

    fn note_low(&mut self, outcome: &mut Outcome) {
        let is = self.battery_low();
        let was = std::mem::replace(&mut self.health.record.low, is);
        outcome.lock |= is != was;
        if is && !was {
            outcome.events.push(EventBody::BatteryLow(self.id));
        }
    }

    /// Whether its battery is low, by what it says itself or by its percentage. Between the two limits it stays as it was.
    pub fn battery_low(&self) -> bool {
        let was = self.health.record.low;
        self.vitals.battery_low
            || self.vitals.battery.map_or(was, |percent| percent <= BATTERY_LOW || (was && percent < WELL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32, hour: u64) -> Timestamp {
        Timestamp(u64::from(day) * 86_400 + hour * 3_600)
    }

    fn after(points: &[(u32, u8)]) -> Health {
        let mut health = Health::default();
        for (day, percent) in points {
            health.battery(*percent, at(*day, 12));
        }
        health
    }

    #[test]
    fn days_left_are_told_once_the_course_says_something() {
        let steady = |days: u32| (0..days).map(|d| (1_000 + d, 90 - (d / 2) as u8)).collect::<Vec<_>>();
        assert_eq!(after(&steady(6)).days_left(at(1_005, 13)), None, "too short");
        let flat: Vec<_> = (0..30).map(|d| (1_000 + d, 90)).collect();
        assert_eq!(after(&flat).days_left(at(1_029, 13)), None, "it loses nothing");
        let health = after(&steady(21));
        let left = health.days_left(at(1_020, 13)).unwrap();
        assert!((150..=170).contains(&left), "{left}: 80 % at half a percent a day");
        assert_eq!(health.days_left(at(1_030, 0)), Some(left - 10), "time goes on without it");
    }

    #[test]
    fn one_wrong_reading_moves_little_and_a_new_battery_starts_anew() {
        let mut points: Vec<_> = (0..30).map(|d| (1_000 + d, 90 - (d / 2) as u8)).collect();
        let right = after(&points).days_left(at(1_029, 13)).unwrap();
        points[15].1 = 70;
        let wrong = after(&points).days_left(at(1_029, 13)).unwrap();
        assert!(right.abs_diff(wrong) <= right / 10, "{right} {wrong}");
        points.push((1_030, 100));
        assert_eq!(after(&points).days_left(at(1_030, 13)), None);
        assert_eq!(after(&points).record().battery, [(1_030, 100)]);
    }

    #[test]
    fn the_record_stays_small() {
        let points: Vec<_> = (0..400).map(|d| (1_000 + d, 100 - (d / 5) as u8)).collect();
        let mut health = after(&points);
        assert_eq!(health.record().battery.len(), DAYS);
        assert!(!health.battery(21, at(1_399, 20)), "the same again changes nothing");
        for hour in 0..24 * 30 {
            health.failed(at(1_000, hour));
        }
        assert_eq!(health.record().failed.len(), FAILED_DAYS as usize);
        assert_eq!(health.failures(at(1_029, 23)), 24 * 7);
        assert_eq!(health.failures(at(1_036, 0)), 0);
    }
}
