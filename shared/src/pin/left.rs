//! How many PINs are left, told as exactly as it is known.

use super::judge::{allowed, keeps_fixed_rules};
use super::{Pin, PinRules};

/// How many PINs of one length may still be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Exactly so many; counted one by one.
    Exactly {
        /// The length.
        len: u8,
        /// How many.
        count: u64,
    },
    /// About so many, to two figures; estimated.
    About {
        /// The length.
        len: u8,
        /// How many.
        count: u64,
    },
}

/// Longer PINs than this are too many to be looked at one by one while somebody types.
const COUNTED: u8 = 4;
/// Longer ones than this are too many in any case.
const COUNTED_IF_FEW: u8 = 6;
/// An estimate below this is no good: it is then worth the wait to count.
const FEW: u64 = 1_000;
/// So many PINs are looked at for an estimate: enough for an error below one in a hundred.
const SAMPLE: u64 = 8_000;

impl Left {
    /// `here` are the live PINs on the same locks. `known` PINs of this length may not be used again, those of which
    /// `is_known` says so.
    pub(super) fn count(
        rules: &PinRules,
        len: u8,
        here: &[Pin],
        known: u64,
        is_known: impl Fn(&Pin) -> bool,
    ) -> Self {
        let about = if len <= COUNTED { 0 } else { estimate(rules, len, here).saturating_sub(known) };
        if len <= COUNTED || (len <= COUNTED_IF_FEW && about < FEW) {
            let taken = |pin: &Pin| is_known(pin) || rules.clashes_on_paired_keys(pin, here);
            let count = allowed(rules, len).filter(|pin| !taken(pin)).count() as u64;
            return Self::Exactly { len, count };
        }
        Self::About { len, count: two_figures(about) }
    }

    /// How many, at least roughly.
    pub fn number(self) -> u64 {
        match self {
            Self::Exactly { count, .. } | Self::About { count, .. } => count,
        }
    }

    /// Whether the next codes should get longer PINs: fewer than a hundred are left.
    pub fn few(self) -> bool {
        self.number() < 100
    }

    /// In a sentence: `About 830,000 PINs of 6 digits are left.`
    pub fn sentence(self) -> String {
        let (Self::Exactly { len, count } | Self::About { len, count }) = self;
        match count {
            0 => format!("No PIN of {len} digits is left. Use more digits."),
            1 => format!("Only 1 PIN of {len} digits is left. Use more digits for new codes."),
            2..100 => format!("Only {count} PINs of {len} digits are left. Use more digits for new codes."),
            _ => format!("About {} PINs of {len} digits are left.", grouped(two_figures(count))),
        }
    }
}

/// About how many PINs keep the rules, from a look at some that lie evenly in the whole space.
pub(super) fn estimate(rules: &PinRules, len: u8, here: &[Pin]) -> u64 {
    let space = rules.space(len);
    // A step near the golden section of the space walks through it without a pattern.
    let step = (u128::from(space) * 618_034 / 1_000_000) | 1;
    let nth = |i: u64| rules.nth(len, (u128::from(i) * step % u128::from(space)) as u64);
    let good = (0..SAMPLE)
        .map(nth)
        .filter(|pin| keeps_fixed_rules(rules, pin) && !rules.clashes_on_paired_keys(pin, here))
        .count() as u64;
    (u128::from(space) * u128::from(good) / u128::from(SAMPLE)) as u64
}

fn two_figures(n: u64) -> u64 {
    let mut unit = 1;
    while n / unit >= 100 {
        unit *= 10;
    }
    (n + unit / 2) / unit * unit
}

/// `830,000`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
