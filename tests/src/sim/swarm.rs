//! Which faults a seed has, and how often. Each seed draws a few of them: a fault that is always on hides what only
//! shows when it is off.

use super::Options;
use super::bounds::{DAY, HOUR, MINUTE};
use super::rng::Rng;
use chrono_tz::Tz;

/// Zones in which homes are. Two of them change their clocks by night, one by half an hour, one never.
pub(super) const ZONES: [Tz; 6] = [
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::America__St_Johns,
    Tz::Asia__Kolkata,
    Tz::Africa__Casablanca,
];

/// Days on which something changes somewhere, and some ordinary ones, at 00:00 UTC.
const DAYS: [u64; 6] = [
    1_806_192_000, // 2027-03-28: summer time begins in Europe
    1_824_854_400, // 2027-10-30: it ends
    1_804_982_400, // 2027-03-14: it begins in America
    1_806_796_800, // 2027-04-04: it ends on Lord Howe Island
    1_800_000_000 - 1_800_000_000 % 86_400,
    1_830_211_200, // 2027-12-31
];

/// How a Worker that means harm behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Evil {
    /// Shows hubs the chain of before, under fresh heads.
    Withholds,
    /// Answers with old bundles, byte for byte.
    Replays,
    /// Puts forged grants on the chain, signed by the issuer's key or a removed member's.
    Forges,
    /// Shows another history than before.
    Forks,
    /// Dates heads ahead.
    Predates,
    /// Sends ops of another home.
    Mixes,
    /// Sends heads that do not end, or end long ago.
    Stretches,
}

const EVILS: [Evil; 7] =
    [Evil::Withholds, Evil::Replays, Evil::Forges, Evil::Forks, Evil::Predates, Evil::Mixes, Evil::Stretches];

/// Which hubs there are in the home, all on the same locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Household {
    /// One, from beginning to end.
    One,
    /// A second one comes, and the first is removed.
    Replaced,
    /// The same, and the first is broken: it never hears of it.
    Broken,
    /// A second one comes, and both stay.
    Two,
}

impl Household {
    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "one" => Self::One,
            "replaced" => Self::Replaced,
            "broken" => Self::Broken,
            "two" => Self::Two,
            _ => return None,
        })
    }

    /// That name.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Replaced => "replaced",
            Self::Broken => "broken",
            Self::Two => "two",
        }
    }
}

/// What a seed's world is like. Rates are per thousand; times between are means in milliseconds, 0 for never.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    pub(super) begin: u64,
    pub(super) zone: Tz,
    pub(super) sockets: bool,
    pub(super) owners: usize,
    pub(super) act_every: u64,
    pub(super) door_every: u64,
    pub(super) drop: u32,
    pub(super) duplicate: u32,
    pub(super) slow: u64,
    pub(super) partition_every: u64,
    pub(super) partition_most: u64,
    pub(super) crash_one_in: u64,
    pub(super) disk_fails: u32,
    pub(super) cut_every: u64,
    pub(super) cut_most: u64,
    pub(super) keeps_time: bool,
    pub(super) jump_every: u64,
    pub(super) lost: u32,
    pub(super) late: u32,
    pub(super) lie: u32,
    pub(super) busy: u32,
    pub(super) dead_every: u64,
    pub(super) dead_most: u64,
    pub(super) hand_every: u64,
    pub(super) cloud_restart_every: u64,
    pub(super) cloud_fails: u32,
    pub(super) untold: u32,
    pub(super) kv_stale: u64,
    pub(super) evil: Option<Evil>,
    pub(super) evil_every: u64,
    pub(super) restore_every: u64,
    /// The longest offline grace with which a home begins, in days.
    pub(super) grace_most: u64,
    pub(super) household: Household,
    /// A power cut takes the newest writes along, which the disk had said were on it.
    pub(super) writes_lost: u32,
    /// A power cut leaves a ledger behind that cannot be read.
    pub(super) torn: u32,
    /// People use buffers, days off, quiet days and stays.
    pub(super) fancy: bool,
    /// There are residents.
    pub(super) residents: bool,
    /// Somebody changes codes at the hub's panel, so often.
    pub(super) panel_every: u64,
    /// Hubs' requests are signed, and somebody on the way changes and repeats them.
    pub(super) signed: bool,
}

impl Swarm {
    /// What chance gives a seed, but for what the options ask.
    pub(super) fn draw(rng: &mut Rng, options: Options) -> Self {
        let drawn = Self::by_chance(rng, options.unmended);
        match options.household {
            Some(household) if household != Household::One => Self { household, panel_every: 0, ..drawn },
            Some(household) => Self { household, ..drawn },
            None => drawn,
        }
    }

    /// `unmended`: also with what is known to break a promise still.
    fn by_chance(rng: &mut Rng, unmended: bool) -> Self {
        let calm = rng.once_in(6);
        let on = |rng: &mut Rng, one_in: u64| !calm && rng.once_in(one_in);
        let rate = |on: bool, most: u64, rng: &mut Rng| if on { rng.within(1, most) as u32 } else { 0 };
        let mean = |on: bool, low: u64, high: u64, rng: &mut Rng| if on { rng.within(low, high) } else { 0 };
        let evil = on(rng, 4);
        let drawn = Self {
            begin: (*rng.pick(&DAYS) - rng.below(3) * 86_400 + rng.below(86_400)) * 1_000,
            zone: *rng.pick(&ZONES),
            sockets: rng.permille(800),
            owners: 1 + rng.below(2) as usize,
            act_every: rng.within(20, 240) * MINUTE,
            door_every: rng.within(10, 240) * MINUTE,
            drop: rate(on(rng, 3), 300, rng),
            duplicate: rate(on(rng, 3), 300, rng),
            slow: if on(rng, 3) { rng.within(100, 25_000) } else { 150 },
            partition_every: mean(on(rng, 3), 6 * HOUR, 5 * DAY, rng),
            partition_most: *rng.pick(&[10 * MINUTE, 3 * HOUR, 2 * DAY, 17 * DAY]),
            crash_one_in: if on(rng, 3) { rng.within(20, 1_500) } else { 0 },
            disk_fails: rate(on(rng, 6), 10, rng),
            cut_every: mean(on(rng, 3), 5 * HOUR, 5 * DAY, rng),
            cut_most: *rng.pick(&[MINUTE, HOUR, 10 * HOUR, 3 * DAY]),
            keeps_time: rng.permille(500),
            jump_every: mean(on(rng, 4), 10 * HOUR, 4 * DAY, rng),
            lost: rate(on(rng, 4), 200, rng),
            late: rate(on(rng, 4), 200, rng),
            lie: rate(on(rng, 4), 200, rng),
            busy: rate(on(rng, 4), 200, rng),
            dead_every: mean(on(rng, 3), 5 * HOUR, 4 * DAY, rng),
            dead_most: *rng.pick(&[5 * MINUTE, 3 * HOUR, DAY, 3 * DAY]),
            hand_every: mean(on(rng, 3), 2 * HOUR, 2 * DAY, rng),
            cloud_restart_every: mean(on(rng, 3), HOUR, 2 * DAY, rng),
            cloud_fails: rate(on(rng, 4), 100, rng),
            untold: rate(on(rng, 5), 300, rng),
            kv_stale: if on(rng, 3) { rng.within(1, 120) * 1_000 } else { 0 },
            evil: evil.then(|| *rng.pick(&EVILS)),
            evil_every: rng.within(5 * HOUR, 3 * DAY),
            restore_every: mean(on(rng, 8), DAY, 5 * DAY, rng),
            grace_most: 14,
            household: Household::One,
            writes_lost: 0,
            torn: 0,
            fancy: false,
            residents: false,
            signed: false,
            panel_every: 0,
        };
        drawn.with_more(calm, unmended, &mut rng.split("more"))
    }

    fn with_more(mut self, calm: bool, unmended: bool, rng: &mut Rng) -> Self {
        if calm {
            return self;
        }
        self.household = match rng.below(10) {
            0 if unmended => Household::Replaced,
            1 if unmended => Household::Two,
            2 => Household::Broken,
            _ => Household::One,
        };
        if rng.once_in(6) {
            self.torn = rng.within(100, 600) as u32;
        }
        if rng.once_in(6) {
            self.writes_lost = rng.within(100, 600) as u32;
        }
        (self.fancy, self.residents, self.signed) = (rng.once_in(3), rng.once_in(4), rng.once_in(4));
        if rng.once_in(4) && self.household == Household::One {
            self.panel_every = rng.within(HOUR, 12 * HOUR);
            // What was changed there since a backup is lost with it.
            (self.restore_every, self.writes_lost, self.torn) = (0, 0, 0);
        }
        if self.torn + self.writes_lost > 0 && self.cut_every == 0 {
            self.cut_every = rng.within(5 * HOUR, 3 * DAY);
        }
        self
    }
}
