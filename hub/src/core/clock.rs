//! What time it is, for a machine whose clock may be wrong, lost or lied to.
//!
//! The *floor* is the latest instant that has passed, as far as is known. It is persisted and grows with the time since
//! boot (which counts sleep). `now = max(floor, wall clock)`, except that a wall clock more than 24 h ahead of the
//! floor counts for installs only once a second source bears it out. Without a trusted time codes are still taken off
//! locks, by the later of the two clocks, but none is put on.
//!
//! The floor never goes back behind what was *proven* by two sources. What the wall clock alone has added to it since,
//! its *lead*, is taken back when wall clock and server agree that it was too much: a clock that was wrong for a minute
//! must not shift every code of the home for good.

use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::derive::{Decode, Encode};

/// How far the wall clock may lead the floor without a second source.
pub const MAX_JUMP: Seconds = Seconds::hours(24);
/// How far the wall clock may lag behind the floor at start and still pass for right.
pub const TOLERATED_LAG: Seconds = Seconds::minutes(5);
/// How far the floor may lead what two sources say before it is taken back: an answer was some time on its way.
pub const TOLERATED_LEAD: Seconds = Seconds::minutes(2);
/// How far two sources may be apart and still bear each other out.
pub const AGREEMENT: Seconds = Seconds::hours(1);
/// The longest between two writes of the floor to the ledger.
pub const PERSIST_EVERY: Seconds = Seconds::minutes(9);

/// One reading of the machine's clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The wall clock: settable, lost in a power cut on machines without a battery.
    pub wall: Timestamp,
    /// Milliseconds of the wall clock beyond the whole second.
    pub wall_ms: u16,
    /// Milliseconds since boot, sleep included (`CLOCK_BOOTTIME`). Never goes back within a boot.
    pub boot_ms: u64,
}

impl Now {
    /// Whole seconds since boot.
    pub fn boot(&self) -> u64 {
        self.boot_ms / 1_000
    }
}

/// What names one boot of the machine, so that the time since boot is only compared within it.
pub type BootId = [u8; 16];

/// Whether the machine's wall clock runs on without power. Where it may stop, it goes on after a power cut from where
/// it stopped, and looks right while it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WallClock {
    /// There is a clock with a battery, from which the system sets its own at boot.
    Kept,
    /// There is none, as far as is known.
    MayStop,
}

/// This boot of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Boot {
    /// Names it.
    pub id: BootId,
    /// What its wall clock is worth.
    pub wall: WallClock,
}

/// The floor as the ledger keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct FloorRecord {
    /// The floor when this was written.
    #[n(1)]
    pub floor: Timestamp,
    /// Seconds since boot when this was written.
    #[n(2)]
    pub boot: u64,
    /// The boot in which it was written.
    #[n(3)]
    pub boot_id: BootId,
    /// Whether the time was trusted then.
    #[n(4)]
    pub trusted: bool,
    /// How much of the floor only the wall clock vouched for.
    #[n(5)]
    pub lead: Option<Seconds>,
}

/// The time, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeView {
    /// The best guess that is never too early: what removals go by.
    pub latest: Timestamp,
    /// Whether it may be relied on for installs.
    pub trusted: bool,
}

/// The clock's state. Feed it every reading; ask it for the time.
#[derive(Clone, Debug)]
pub struct Clock {
    floor: Timestamp,
    /// How much of it only the wall clock vouches for.
    lead: Seconds,
    /// Milliseconds since boot at which `floor` began to hold, to the fraction of a second: rounded up, codes would
    /// end up to a second early.
    anchor_ms: u64,
    boot_id: BootId,
    trusted: bool,
    /// Whether the wall clock runs on without power.
    kept: bool,
    /// How far the wall clock may still pull the floor forward without a second source. Small steps add up.
    credit: Seconds,
    /// What a server said the time was, and when since boot, while the wall clock did not bear it out.
    claimed: Option<(Timestamp, u64)>,
    written: Option<Timestamp>,
}

impl Clock {
    /// At program start. Time since the record was written counts if the machine was not rebooted since.
    pub fn start(record: Option<FloorRecord>, boot: Boot, now: &Now) -> Self {
        let (floor, trusted) = match record {
            Some(r) if latchkey_shared::defect!(FloorForgotten) && r.boot_id != boot.id => (now.wall, true),
            // Less the second that both roundings may have added.
            Some(r) if r.boot_id == boot.id && r.boot <= now.boot() => {
                (r.floor.saturating_add(Seconds((now.boot() - r.boot).saturating_sub(1))), r.trusted)
            }
            Some(r) => (r.floor, false),
            None => (Timestamp(0), false),
        };
        let mut clock = Self {
            floor,
            lead: record.and_then(|r| r.lead).unwrap_or_default(),
            anchor_ms: now.boot_ms,
            boot_id: boot.id,
            trusted,
            kept: boot.wall == WallClock::Kept,
            credit: MAX_JUMP,
            claimed: None,
            written: None,
        };
        // After a reboot a clock with a battery that goes on from about where the floor was is taken at its word; one
        // that is behind has lost the time, so that the floor may be long past. One without a battery may have stood
        // still for days: until something else bears it out, it opens no door.
        if record.is_some() && !clock.trusted && clock.kept {
            let lag = clock.floor.since(now.wall);
            clock.trusted = lag <= TOLERATED_LAG && now.wall.since(clock.floor) <= MAX_JUMP;
        }
        clock.observe(now);
        clock
    }

    /// Takes note of a reading.
    pub fn observe(&mut self, now: &Now) {
        self.advance(now);
        // The wall clock was set meanwhile, as by NTP, and now says what the server said.
        let claim =
            self.claimed.map(|(said, at)| said.saturating_add(Seconds(now.boot().saturating_sub(at))));
        if let Some(claim) = claim.filter(|claim| claim.0.abs_diff(now.wall.0) <= AGREEMENT.0) {
            self.agree(claim, now);
        }
        let lead = now.wall.since(self.floor);
        if self.floor > Timestamp(0) && lead > Seconds(0) && lead <= self.credit {
            // Within reach of the floor the wall clock is itself enough, as after a night without power.
            self.floor = now.wall;
            self.lead = Seconds(self.lead.0 + lead.0);
            self.anchor_ms = now.boot_ms.saturating_sub(u64::from(now.wall_ms));
            self.trusted |= self.kept;
            self.credit = Seconds(self.credit.0 - lead.0);
        }
    }

    /// A signed head over our own nonce, asked for just now, says that it is `issued`. Believed if the wall clock
    /// says about the same, or if it is within what the floor allows without a second source: a server that
    /// lies about the time must not open next week's codes today. Whether it was believed.
    pub fn prove(&mut self, issued: Timestamp, now: &Now) -> bool {
        let floor = self.floor_at(now);
        let lead = issued.since(floor);
        let agreed = issued.0.abs_diff(now.wall.0) <= AGREEMENT.0;
        let within = floor > Timestamp(0) && lead <= self.credit;
        if !agreed && !within {
            self.claimed = Some((issued, now.boot()));
            return false;
        }
        if agreed {
            self.agree(issued, now);
        } else {
            let too_late = floor.since(issued) > TOLERATED_LEAD;
            self.accept(issued, Seconds(self.credit.0 - lead.0), now);
            if too_late {
                // One of the two is wrong. If it is the wall clock, it will be set and then say the same.
                self.claimed = Some((issued, now.boot()));
            }
        }
        self.observe(now);
        true
    }

    /// Server and wall clock say the same.
    fn agree(&mut self, time: Timestamp, now: &Now) {
        self.advance(now);
        let proven = self.proven(now);
        if !latchkey_shared::defect!(LeadKept)
            && self.floor.since(time) > TOLERATED_LEAD
            && proven < self.floor
        {
            self.floor = time.max(proven);
            self.anchor_ms = now.boot_ms;
            self.written = None;
        }
        self.lead = Seconds(0);
        self.accept(time, MAX_JUMP, now);
    }

    fn accept(&mut self, time: Timestamp, credit: Seconds, now: &Now) {
        self.advance(now);
        if time > self.floor {
            self.floor = time;
            self.anchor_ms = now.boot_ms;
        }
        self.trusted = true;
        self.credit = credit;
        self.claimed = None;
    }

    /// The time now.
    pub fn view(&self, now: &Now) -> TimeView {
        let floor = self.floor_at(now);
        if now.wall.since(floor) > self.credit {
            // With a trusted floor the jump is the wall clock's fault until something else says so.
            return match self.trusted {
                true => TimeView { latest: floor, trusted: true },
                false => TimeView { latest: now.wall, trusted: false },
            };
        }
        TimeView { latest: floor.max(now.wall), trusted: self.trusted }
    }

    /// The latest instant that has passed even if the wall clock alone has led the time on.
    pub fn proven(&self, now: &Now) -> Timestamp {
        self.floor_at(now).saturating_sub(self.lead)
    }

    /// Whether the wall clock is so far ahead that a second source should be asked.
    pub fn wants_proof(&self, now: &Now) -> bool {
        !self.trusted || now.wall.since(self.floor_at(now)) > self.credit
    }

    /// Whether the wall clock alone has led the time on, so that a second source should be asked in time.
    pub fn leads(&self) -> bool {
        self.lead > TOLERATED_LEAD
    }

    /// The record to write, if it is due: at first, and then every [`PERSIST_EVERY`].
    pub fn due_record(&mut self, now: &Now) -> Option<FloorRecord> {
        let floor = self.floor_at(now);
        let due = self.written.is_none_or(|w| floor.since(w) >= PERSIST_EVERY);
        due.then(|| self.record(now))
    }

    /// The record to write now.
    pub fn record(&mut self, now: &Now) -> FloorRecord {
        let floor = self.floor_at(now);
        self.written = Some(floor);
        let lead = Some(self.lead).filter(|lead| *lead > Seconds(0));
        FloorRecord { floor, boot: now.boot(), boot_id: self.boot_id, trusted: self.trusted, lead }
    }

    fn floor_at(&self, now: &Now) -> Timestamp {
        self.floor.saturating_add(Seconds(now.boot_ms.saturating_sub(self.anchor_ms) / 1_000))
    }

    /// Moves floor and anchor on together, by whole seconds, so that no fraction is lost or won.
    fn advance(&mut self, now: &Now) {
        let floor = self.floor_at(now);
        self.anchor_ms += floor.since(self.floor).0 * 1_000;
        self.floor = floor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: u64 = 1_800_000_000;
    const HOUR: u64 = 3_600;
    const ID: BootId = [1; 16];
    const BOOT: Boot = Boot { id: ID, wall: WallClock::Kept };
    const NEXT: Boot = Boot { id: [2; 16], wall: WallClock::Kept };

    fn at(wall: u64, boot: u64) -> Now {
        Now { wall: Timestamp(wall), wall_ms: 0, boot_ms: boot * 1_000 }
    }

    fn record(floor: u64, boot: u64, boot_id: BootId, trusted: bool) -> Option<FloorRecord> {
        Some(FloorRecord { floor: Timestamp(floor), boot, boot_id, trusted, lead: None })
    }

    #[test]
    fn a_new_hub_knows_no_time_until_it_is_proven() {
        let mut clock = Clock::start(None, BOOT, &at(T, 10));
        assert!(!clock.view(&at(T, 10)).trusted);
        clock.prove(Timestamp(T + 2), &at(T, 12));
        assert_eq!(clock.view(&at(T, 12)), TimeView { latest: Timestamp(T + 2), trusted: true });
    }

    #[test]
    fn a_wall_clock_behind_the_floor_is_ignored() {
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        let back = at(T - 30 * HOUR, 110);
        clock.observe(&back);
        assert_eq!(clock.view(&back), TimeView { latest: Timestamp(T + 100), trusted: true });
    }

    #[test]
    fn after_a_power_cut_without_a_battery_the_time_is_unknown() {
        let clock = Clock::start(record(T, 900, ID, true), NEXT, &at(0, 5));
        assert!(!clock.view(&at(0, 5)).trusted);
        assert_eq!(clock.view(&at(0, 15)).latest, Timestamp(T + 10));
    }

    #[test]
    fn after_a_short_power_cut_a_plausible_clock_is_believed() {
        let clock = Clock::start(record(T, 900, ID, true), NEXT, &at(T + 2 * HOUR, 5));
        assert_eq!(
            clock.view(&at(T + 2 * HOUR, 5)),
            TimeView { latest: Timestamp(T + 2 * HOUR), trusted: true }
        );
    }

    #[test]
    fn after_a_power_cut_a_clock_without_a_battery_opens_nothing_by_itself() {
        let boot = Boot { wall: WallClock::MayStop, ..NEXT };
        // It was off for three days; its clock goes on from when it was cut.
        let mut clock = Clock::start(record(T, 900, ID, true), boot, &at(T + 60, 5));
        for minute in 1..60 {
            let now = at(T + 60 + minute * 60, 5 + minute * 60);
            clock.observe(&now);
            assert!(!clock.view(&now).trusted);
        }
        let now = at(T + HOUR, 3_545);
        assert!(!clock.prove(Timestamp(T + 73 * HOUR), &now), "they do not agree");
        let set = at(T + 73 * HOUR, 3_546);
        clock.observe(&set);
        assert!(clock.view(&set).trusted, "set by the network's time, as the server said");
        // A restart of the program alone, within a boot, loses nothing.
        let boot = Boot { wall: WallClock::MayStop, ..BOOT };
        assert!(
            Clock::start(record(T, 100, ID, true), boot, &at(T + 600, 700)).view(&at(T + 600, 700)).trusted
        );
    }

    #[test]
    fn a_jump_of_more_than_a_day_needs_a_second_source() {
        let mut clock = Clock::start(record(T, 900, ID, true), NEXT, &at(T + 72 * HOUR, 5));
        let now = at(T + 72 * HOUR, 6);
        assert_eq!(clock.view(&now), TimeView { latest: now.wall, trusted: false });
        assert!(clock.record(&now).floor < Timestamp(T + HOUR), "the floor must not follow");
        clock.prove(Timestamp(T + 72 * HOUR), &now);
        assert_eq!(clock.view(&now), TimeView { latest: now.wall, trusted: true });
    }

    #[test]
    fn a_jump_while_running_is_the_wall_clocks_fault() {
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        let jumped = at(T + 1000 * HOUR, 20);
        clock.observe(&jumped);
        assert_eq!(clock.view(&jumped), TimeView { latest: Timestamp(T + 10), trusted: true });
        assert!(clock.wants_proof(&jumped));
    }

    #[test]
    fn a_wall_clock_that_creeps_ahead_runs_out_of_credit() {
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        for step in 1..10 {
            clock.observe(&at(T + step * 20 * HOUR, 10 + step));
        }
        let now = at(T + 200 * HOUR, 20);
        assert!(clock.view(&now).latest < Timestamp(T + 25 * HOUR));
    }

    #[test]
    fn the_floor_never_leads_a_wall_clock_that_is_right() {
        let reading = |ms: u64, phase: u64| Now {
            wall: Timestamp(T + (ms + phase) / 1_000),
            wall_ms: ((ms + phase) % 1_000) as u16,
            boot_ms: 10_000 + ms,
        };
        for phase in [0, 1, 300, 682, 999] {
            let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &reading(0, phase));
            clock.prove(Timestamp(T), &reading(7, phase));
            for ms in (7..20_000).step_by(37) {
                let now = reading(ms, phase);
                clock.observe(&now);
                assert_eq!(clock.view(&now).latest, now.wall, "phase {phase}, {ms} ms");
            }
        }
    }

    #[test]
    fn a_restart_within_a_boot_loses_no_time() {
        let clock = Clock::start(record(T, 100, ID, true), BOOT, &at(0, 700));
        assert_eq!(clock.view(&at(0, 700)), TimeView { latest: Timestamp(T + 599), trusted: true });
    }

    #[test]
    fn the_floor_is_written_in_time() {
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        assert!(clock.due_record(&at(T, 10)).is_some());
        assert!(clock.due_record(&at(T + 500, 510)).is_none());
        assert!(clock.due_record(&at(T + 540, 550)).is_some());
    }

    #[test]
    fn a_clock_that_is_set_after_the_head_came_is_borne_out_by_it() {
        let mut lost = Clock::start(record(T, 900, ID, true), NEXT, &at(0, 5));
        assert!(!lost.prove(Timestamp(T + 72 * HOUR), &at(0, 6)));
        lost.observe(&at(T + 90 * HOUR, 606));
        assert!(!lost.view(&at(T + 90 * HOUR, 606)).trusted, "they do not agree");
        let set = at(T + 72 * HOUR + 640, 646);
        lost.observe(&set);
        assert_eq!(lost.view(&set), TimeView { latest: Timestamp(T + 72 * HOUR + 640), trusted: true });
    }

    #[test]
    fn a_server_alone_cannot_move_the_time() {
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        assert!(!clock.prove(Timestamp(T + 7 * 24 * HOUR), &at(T, 10)));
        assert_eq!(clock.view(&at(T, 10)).latest, Timestamp(T));
        // Not in small steps either.
        for step in 1..20 {
            clock.prove(Timestamp(T + step * 12 * HOUR), &at(T, 10 + step));
        }
        assert!(clock.view(&at(T, 30)).latest <= Timestamp(T + 25 * HOUR));
        // After a long power cut without a battery neither the server alone nor the lost clock is enough.
        let mut lost = Clock::start(record(T, 900, ID, true), NEXT, &at(0, 5));
        assert!(!lost.prove(Timestamp(T + 72 * HOUR), &at(0, 6)));
        assert!(!lost.view(&at(0, 6)).trusted);
        assert!(lost.prove(Timestamp(T + 72 * HOUR), &at(T + 72 * HOUR + 60, 7)));
        assert!(lost.view(&at(T + 72 * HOUR + 60, 7)).trusted);
        let mut short = Clock::start(record(T, 900, ID, true), NEXT, &at(0, 5));
        assert!(short.prove(Timestamp(T + 2 * HOUR), &at(0, 6)));
    }

    #[test]
    fn what_the_wall_clock_alone_added_is_taken_back() {
        for restarts in [false, true] {
            let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
            clock.prove(Timestamp(T), &at(T, 10));
            // Twenty hours ahead for a minute, then set right by the network's time.
            clock.observe(&at(T + 20 * HOUR, 20));
            assert_eq!(clock.view(&at(T + 80, 90)).latest, Timestamp(T + 20 * HOUR + 70));
            if restarts {
                let kept = clock.record(&at(T + 80, 90));
                clock = Clock::start(Some(kept), NEXT, &at(T + 90, 3));
                assert!(clock.prove(Timestamp(T + 91), &at(T + 92, 5)));
                assert_eq!(clock.view(&at(T + 92, 5)), TimeView { latest: Timestamp(T + 92), trusted: true });
            } else {
                assert!(clock.prove(Timestamp(T + 91), &at(T + 92, 102)));
                assert_eq!(
                    clock.view(&at(T + 92, 102)),
                    TimeView { latest: Timestamp(T + 92), trusted: true }
                );
                assert!(clock.due_record(&at(T + 92, 102)).is_some(), "and written down");
            }
        }
        // The server alone takes nothing back; with the wall clock, once that is set, it does.
        let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, 10));
        clock.observe(&at(T + 20 * HOUR, 20));
        assert!(clock.prove(Timestamp(T + 11), &at(T + 20 * HOUR + 1, 21)));
        assert!(clock.view(&at(T + 20 * HOUR + 1, 21)).latest > Timestamp(T + 19 * HOUR));
        clock.observe(&at(T + 600, 610));
        assert_eq!(clock.view(&at(T + 600, 610)).latest, Timestamp(T + 600));
        // What both said once is not taken back by both.
        clock.prove(Timestamp(T + 700), &at(T + 700, 710));
        assert!(clock.prove(Timestamp(T + 10), &at(T + 10, 711)));
        assert!(clock.view(&at(T + 10, 711)).latest >= Timestamp(T + 701));
    }

    proptest! {
        #[test]
        fn time_never_goes_back_behind_what_was_proven(steps in prop::collection::vec((0u64..4_000_000_000, 0u64..5_000, any::<bool>()), 1..40)) {
            let mut boot = 10;
            let mut clock = Clock::start(record(T, 10, ID, true), BOOT, &at(T, boot));
            let mut last = Timestamp(0);
            for (wall, passed, proof) in steps {
                boot += passed;
                let now = at(wall, boot);
                clock.observe(&now);
                if proof { clock.prove(Timestamp(T + boot), &now); }
                let record = clock.record(&now);
                let proven = record.floor.saturating_sub(record.lead.unwrap_or_default());
                prop_assert!(proven >= last);
                prop_assert!(clock.view(&now).latest >= record.floor);
                last = proven;
            }
        }
    }
}
