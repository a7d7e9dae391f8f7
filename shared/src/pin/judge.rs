//! Whether a PIN may be used, and a generator that is uniform over those that may.

use super::{Broken, Pin, PinRules, common, paired_key, patterns};
use core::fmt;
use rand_core::CryptoRng;

/// The rules together with what the caller knows of other PINs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The rules.
    pub rules: &'a PinRules,
    /// The PINs live on the same locks; empty for a caller that knows none.
    pub live: &'a [Pin],
    /// Whether a PIN was used before in this home; `None` for a caller that cannot know.
    pub used_before: Option<&'a dyn Fn(&Pin) -> bool>,
}

impl<'a> Context<'a> {
    /// For a caller that knows no other PINs.
    pub fn new(rules: &'a PinRules) -> Self {
        Self { rules, live: &[], used_before: None }
    }

    /// Every rule that `pin` breaks, at least one if it is refused.
    pub fn check(&self, pin: &Pin) -> Result<(), Vec<Broken>> {
        let broken: Vec<Broken> = self.broken(pin).collect();
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// A PIN of the default length, uniform over those that [`Context::check`] allows.
    pub fn generate(&self, rng: &mut impl CryptoRng) -> Result<Pin, Exhausted> {
        // Most PINs of each length keep the fixed rules, so that many misses in a row mean that nearly everything is
        // taken. Then short PINs are counted out; long ones cannot be.
        const TRIES: u32 = 2_000;
        let (_, _, len) = self.rules.lengths();
        for _ in 0..TRIES {
            let pin = self.rules.nth(len, uniform_below(rng, self.rules.space(len)));
            if self.allows(&pin) {
                return Ok(pin);
            }
        }
        let count = self.allowed_count(len).filter(|n| *n > 0).ok_or(Exhausted)?;
        let chosen = uniform_below(rng, count);
        self.allowed(len).nth(usize::try_from(chosen).map_err(|_| Exhausted)?).ok_or(Exhausted)
    }

    /// How many PINs of `len` digits are allowed, counted one by one; `None` for more than 6 digits.
    pub fn allowed_count(&self, len: u8) -> Option<u64> {
        if len > 6 { None } else { Some(self.allowed(len).count() as u64) }
    }

    pub(super) fn allowed(&self, len: u8) -> impl Iterator<Item = Pin> {
        allowed(self.rules, len).filter(|pin| self.allows(pin))
    }

    fn allows(&self, pin: &Pin) -> bool {
        self.broken(pin).next().is_none()
    }

    fn broken(&self, pin: &Pin) -> impl Iterator<Item = Broken> {
        let in_use = self.live.contains(pin);
        fixed(self.rules, pin).chain(
            [
                in_use.then_some(Broken::InUse),
                (!in_use && self.rules.clashes_on_paired_keys(pin, self.live)).then_some(Broken::PairedKeys),
                self.used_before.is_some_and(|used| used(pin)).then_some(Broken::UsedBefore),
            ]
            .into_iter()
            .flatten(),
        )
    }
}

/// The PINs of a length that keep the rules, whatever other codes there are, in order.
pub(super) fn allowed(rules: &PinRules, len: u8) -> impl Iterator<Item = Pin> {
    let all = if usize::from(len) < Pin::MIN_LEN { 0 } else { rules.space(len) };
    (0..all).map(move |n| rules.nth(len, n)).filter(|pin| keeps_fixed_rules(rules, pin))
}

/// Whether a PIN keeps the rules that do not depend on other codes.
pub(super) fn keeps_fixed_rules(rules: &PinRules, pin: &Pin) -> bool {
    fixed(rules, pin).next().is_none()
}

/// The rules that a PIN breaks on its own.
fn fixed(rules: &PinRules, pin: &Pin) -> impl Iterator<Item = Broken> {
    let mut digits = [0; Pin::MAX_LEN];
    let mut keys = [0; Pin::MAX_LEN];
    for ((digit, key), ascii) in digits.iter_mut().zip(&mut keys).zip(pin.ascii()) {
        (*digit, *key) = (ascii - b'0', paired_key(*ascii));
    }
    let n = pin.ascii().len();
    let (digits, keys) = (digits.get(..n).unwrap_or_default(), keys.get(..n).unwrap_or_default());
    let (min, max, _) = rules.lengths();
    let missing = !pin.typed_with(rules.digits());
    let repeats = patterns::is_repetition(digits);
    [
        (!(min..=max).contains(&pin.len)).then_some(Broken::Length { min, max }),
        missing.then_some(Broken::Missing { digits: rules.digits() }),
        patterns::is_sequence(digits).then_some(Broken::Sequence),
        repeats.then_some(Broken::Repetition),
        patterns::is_pair_pattern(digits).then_some(Broken::Pairs),
        patterns::is_keypad_line(digits).then_some(Broken::KeypadLine),
        patterns::is_date(digits).then_some(Broken::Date),
        patterns::contains(digits, rules.house_number()).then_some(Broken::HouseNumber),
        common::is_common(pin.ascii()).then_some(Broken::Common),
        (rules.paired_digits() && !repeats && patterns::is_repetition(keys))
            .then_some(Broken::PairedRepetition),
    ]
    .into_iter()
    .flatten()
}

/// A number in `0..bound`, each equally likely. `bound` is 1 to 2^63.
fn uniform_below(rng: &mut impl CryptoRng, bound: u64) -> u64 {
    let mask = bound.next_power_of_two() - 1;
    loop {
        let n = rng.next_u64() & mask;
        if n < bound {
            return n;
        }
    }
}

/// No PIN of the wanted length is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exhausted;

impl Exhausted {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        "pin.exhausted"
    }

    /// What a person can do about it.
    pub const fn hint(self) -> &'static str {
        "No unused PIN of this length is left. Choose a longer one."
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for Exhausted {}
