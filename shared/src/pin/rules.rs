//! Which PINs are allowed, and a generator that is uniform over them.

use super::{Pin, common, paired_key, patterns};
use crate::wire::derive::{Decode, Encode};
use core::fmt;
use rand_core::CryptoRng;

/// The longest default length that the abilities of the locks suggest.
const LONGEST_DEFAULT: u8 = 8;
/// The default length where no lock has reported its abilities.
const USUAL_LENGTH: u8 = 6;

/// What a home demands of its PINs. The shapes that are easy to guess are refused in every home.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct PinPolicy {
    /// The fewest digits.
    #[n(1)]
    pub min_len: u8,
    /// The most digits.
    #[n(2)]
    pub max_len: u8,
    /// The length of generated PINs; `None`: 6, or the longest that the locks take, up to 8.
    #[n(3)]
    pub default_len: Option<u8>,
    /// The house number. Only its digits count, and only if there are two or more: a single digit would forbid
    /// half of all PINs and protect nothing.
    #[n(4)]
    pub house_number: Option<String>,
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self { min_len: 4, max_len: 10, default_len: None, house_number: None }
    }
}

impl PinPolicy {
    /// The longest house number accepted, in bytes.
    pub const MAX_HOUSE_NUMBER: usize = 16;

    /// Refuses lengths outside 4 to 10 or out of order, and house numbers that are too long.
    pub fn validate(&self) -> Result<(), RulesError> {
        let lengths = Pin::MIN_LEN as u8..=Pin::MAX_LEN as u8;
        let in_order = self.min_len <= self.max_len
            && self.default_len.is_none_or(|len| (self.min_len..=self.max_len).contains(&len));
        if !lengths.contains(&self.min_len) || !lengths.contains(&self.max_len) || !in_order {
            return Err(RulesError::BadLength);
        }
        if self.house_number.as_ref().is_some_and(|n| n.len() > Self::MAX_HOUSE_NUMBER) {
            return Err(RulesError::HouseNumberTooLong);
        }
        Ok(())
    }
}

/// What a lock reports of the PINs that it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockPinCaps {
    /// The fewest digits.
    pub min_len: u8,
    /// The most digits.
    pub max_len: u8,
    /// Two digits share each key.
    pub paired_digits: bool,
    /// Every PIN on the lock has this length.
    pub one_length: Option<u8>,
}

/// A home's policy tightened by what the chosen locks report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinRules {
    min_len: u8,
    max_len: u8,
    default_len: u8,
    house_number: Vec<u8>,
    paired_digits: bool,
}

impl PinRules {
    /// The rules for a PIN that goes on all of `locks`.
    pub fn new(policy: &PinPolicy, locks: &[LockPinCaps]) -> Result<Self, RulesError> {
        policy.validate()?;
        let (mut min_len, mut max_len) = (policy.min_len, policy.max_len);
        for lock in locks {
            min_len = min_len.max(lock.one_length.unwrap_or(lock.min_len));
            max_len = max_len.min(lock.one_length.unwrap_or(lock.max_len));
            // A lock may report one length outside its own limits; then nothing fits it.
            min_len = min_len.max(lock.min_len);
            max_len = max_len.min(lock.max_len);
        }
        if min_len > max_len {
            return Err(RulesError::NoCommonLength);
        }
        let longest = if locks.is_empty() { USUAL_LENGTH } else { max_len.min(LONGEST_DEFAULT) };
        let house_number = policy.house_number.iter().flat_map(|n| n.bytes());
        let digits: Vec<u8> = house_number.filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        Ok(Self {
            min_len,
            max_len,
            default_len: policy.default_len.unwrap_or(longest).clamp(min_len, max_len),
            house_number: if digits.len() >= 2 { digits } else { Vec::new() },
            paired_digits: locks.iter().any(|lock| lock.paired_digits),
        })
    }

    /// The fewest and the most digits, and how many a generated PIN has.
    pub fn lengths(&self) -> (u8, u8, u8) {
        (self.min_len, self.max_len, self.default_len)
    }

    /// The same rules with another length for generated PINs, as near to `len` as they allow.
    pub fn with_default_len(mut self, len: u8) -> Self {
        self.default_len = len.clamp(self.min_len, self.max_len);
        self
    }
}

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
        // At least two thirds of the PINs of each length keep the fixed rules, so that many misses in a row mean
        // that nearly everything is taken. Then short PINs are counted out; long ones cannot be.
        const TRIES: u32 = 2_000;
        let len = self.rules.default_len;
        for _ in 0..TRIES {
            let pin = Pin::from_number(uniform_below(rng, 10u64.pow(u32::from(len))), len);
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
        let all = if usize::from(len) < Pin::MIN_LEN { 0 } else { 10u64.pow(u32::from(len)) };
        (0..all).map(move |n| Pin::from_number(n, len)).filter(|pin| self.allows(pin))
    }

    fn allows(&self, pin: &Pin) -> bool {
        self.broken(pin).next().is_none()
    }

    fn broken(&self, pin: &Pin) -> impl Iterator<Item = Broken> {
        let rules = self.rules;
        let mut digits = [0; Pin::MAX_LEN];
        let mut keys = [0; Pin::MAX_LEN];
        for ((digit, key), ascii) in digits.iter_mut().zip(&mut keys).zip(pin.ascii()) {
            (*digit, *key) = (ascii - b'0', paired_key(*ascii));
        }
        let n = pin.ascii().len();
        let (digits, keys) = (digits.get(..n).unwrap_or_default(), keys.get(..n).unwrap_or_default());
        let length = Broken::Length { min: rules.min_len, max: rules.max_len };
        let in_use = self.live.iter().any(|other| other == pin);
        let same_keys =
            || patterns::is_repetition(keys) || self.live.iter().any(|other| other.same_on_paired_keys(pin));
        [
            (!(rules.min_len..=rules.max_len).contains(&pin.len)).then_some(length),
            patterns::is_sequence(digits).then_some(Broken::Sequence),
            patterns::is_repetition(digits).then_some(Broken::Repetition),
            patterns::is_pair_pattern(digits).then_some(Broken::Pairs),
            patterns::is_keypad_line(digits).then_some(Broken::KeypadLine),
            patterns::is_date(digits).then_some(Broken::Date),
            patterns::contains(digits, &rules.house_number).then_some(Broken::HouseNumber),
            common::is_common(pin.ascii()).then_some(Broken::Common),
            in_use.then_some(Broken::InUse),
            (rules.paired_digits && !in_use && same_keys()).then_some(Broken::PairedKeys),
            self.used_before.is_some_and(|used| used(pin)).then_some(Broken::UsedBefore),
        ]
        .into_iter()
        .flatten()
    }
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

/// A rule that a PIN breaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Broken {
    /// Too short or too long.
    Length {
        /// The fewest digits.
        min: u8,
        /// The most digits.
        max: u8,
    },
    /// 1234, 8901, 4321.
    Sequence,
    /// 7777, 123123.
    Repetition,
    /// 121212, 112233.
    Pairs,
    /// 2580, 3690, 147258.
    KeypadLine,
    /// 3112, 1987, 311299.
    Date,
    /// The house number is in it.
    HouseNumber,
    /// On the list of those that people choose most.
    Common,
    /// Another live code has it.
    InUse,
    /// On a keypad with two digits to a key it is the same as a live code, or one key throughout.
    PairedKeys,
    /// It was used before.
    UsedBefore,
}

impl Broken {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Length { .. } => "pin.length",
            Self::Sequence => "pin.sequence",
            Self::Repetition => "pin.repetition",
            Self::Pairs => "pin.pairs",
            Self::KeypadLine => "pin.keypad_line",
            Self::Date => "pin.date",
            Self::HouseNumber => "pin.house_number",
            Self::Common => "pin.common",
            Self::InUse => "pin.in_use",
            Self::PairedKeys => "pin.paired_keys",
            Self::UsedBefore => "pin.used_before",
        }
    }

    /// What a person can do about it.
    pub fn hint(self) -> String {
        let text = match self {
            Self::Length { min, max } if min == max => return format!("Use exactly {min} digits."),
            Self::Length { min, max } => return format!("Use {min} to {max} digits."),
            Self::Sequence => "Avoid digits that count up or down, such as 1234.",
            Self::Repetition => "Avoid repeating the same digit or the same group of digits.",
            Self::Pairs => "Avoid pairs in a pattern, such as 1212 or 1122.",
            Self::KeypadLine => "Avoid following a line on the keypad, such as 2580.",
            Self::Date => "Avoid dates and years: they are tried first.",
            Self::HouseNumber => "Leave the house number out of it.",
            Self::Common => "Many people choose this one. Pick another.",
            Self::InUse => "Another code has this PIN. Pick another.",
            Self::PairedKeys => {
                "On this keypad two digits share a key, so it is too like another. Pick another."
            }
            Self::UsedBefore => "This PIN was used before. Pick a new one.",
        };
        text.into()
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for Broken {}

/// No PIN of the wanted length is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exhausted;

impl Exhausted {
    /// The stable code.
    pub fn code(self) -> &'static str {
        "pin.exhausted"
    }

    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        "No unused PIN of this length is left. Choose a longer one."
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for Exhausted {}

/// Why there are no rules to check by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RulesError {
    /// Lengths outside 4 to 10, or out of order.
    BadLength,
    /// The house number is too long.
    HouseNumberTooLong,
    /// The chosen locks take no length in common.
    NoCommonLength,
}

impl RulesError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadLength => "pin_policy.length",
            Self::HouseNumberTooLong => "pin_policy.house_number",
            Self::NoCommonLength => "pin_policy.no_common_length",
        }
    }

    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::BadLength => "Choose lengths between 4 and 10 digits, the shortest first.",
            Self::HouseNumberTooLong => "Give the house number in at most 16 characters.",
            Self::NoCommonLength => "These locks take PINs of different lengths. Make one code for each.",
        }
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for RulesError {}
