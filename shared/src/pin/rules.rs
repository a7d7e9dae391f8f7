//! What a home demands of its PINs, and what the chosen locks make of it.

use super::{Broken, Digits, Pin, PinError};
use crate::error::coded_error;
use crate::wire::derive::{Decode, Encode};

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
    /// The digits that its keypad has.
    pub digits: Digits,
}

/// A home's policy tightened by what the chosen locks report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinRules {
    min_len: u8,
    max_len: u8,
    default_len: u8,
    house_number: Vec<u8>,
    paired_digits: bool,
    digits: Digits,
}

impl PinRules {
    /// The rules for a PIN that goes on all of `locks`.
    pub fn new(policy: &PinPolicy, locks: &[LockPinCaps]) -> Result<Self, RulesError> {
        policy.validate()?;
        let (mut min_len, mut max_len) = (Pin::MIN_LEN as u8, Pin::MAX_LEN as u8);
        let mut digits = Digits::ALL;
        for lock in locks {
            // A lock may report one length outside its own limits; then nothing fits it.
            min_len = min_len.max(lock.min_len).max(lock.one_length.unwrap_or(0));
            max_len = max_len.min(lock.max_len).min(lock.one_length.unwrap_or(u8::MAX));
            digits = digits.common(lock.digits).ok_or(RulesError::NoCommonDigits)?;
        }
        if min_len > max_len {
            return Err(RulesError::NoCommonLength);
        }
        if policy.min_len > max_len {
            return Err(RulesError::LocksTakeLess);
        }
        if policy.max_len < min_len {
            return Err(RulesError::LocksNeedMore);
        }
        let (min_len, max_len) = (min_len.max(policy.min_len), max_len.min(policy.max_len));
        let longest = if locks.is_empty() { USUAL_LENGTH } else { max_len.min(LONGEST_DEFAULT) };
        let house_number = policy.house_number.iter().flat_map(|n| n.bytes());
        let house_number: Vec<u8> = house_number.filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        Ok(Self {
            min_len,
            max_len,
            default_len: policy.default_len.unwrap_or(longest).clamp(min_len, max_len),
            house_number: if house_number.len() >= 2 { house_number } else { Vec::new() },
            paired_digits: locks.iter().any(|lock| lock.paired_digits),
            digits,
        })
    }

    /// The fewest and the most digits, and how many a generated PIN has.
    pub fn lengths(&self) -> (u8, u8, u8) {
        (self.min_len, self.max_len, self.default_len)
    }

    /// The digits that may be used.
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// Whether two digits share a key on one of the keypads.
    pub fn paired_digits(&self) -> bool {
        self.paired_digits
    }

    pub(super) fn house_number(&self) -> &[u8] {
        &self.house_number
    }

    /// What was typed, if it is a PIN at all.
    pub fn parse(&self, typed: &str) -> Result<Pin, Broken> {
        Pin::parse(typed).map_err(|e| match e {
            PinError::NotDigits => Broken::NotDigits,
            PinError::TooShort | PinError::TooLong => Broken::Length { min: self.min_len, max: self.max_len },
        })
    }

    /// How many PINs of `len` digits can be typed on all of the keypads, allowed or not.
    pub(super) fn space(&self, len: u8) -> u64 {
        u64::from(self.digits.count()).pow(u32::from(len))
    }

    /// The `n`th of them, counted in the digits that the keypads have. `len` must be 4 to 10.
    pub(super) fn nth(&self, len: u8, n: u64) -> Pin {
        Pin::from_number(n, len, self.digits)
    }

    /// Whether a keypad with two digits to a key takes it for one of these, and not because it is the same.
    pub(super) fn clashes_on_paired_keys(&self, pin: &Pin, live: &[Pin]) -> bool {
        self.paired_digits && live.iter().any(|other| other.same_on_paired_keys(pin))
    }

    /// The same rules with another length for generated PINs, as near to `len` as they allow.
    pub fn with_default_len(mut self, len: u8) -> Self {
        self.default_len = len.clamp(self.min_len, self.max_len);
        self
    }
}

coded_error! {
    /// Why there are no rules to check by.
    pub enum RulesError {
        BadLength = "pin_policy.length", "Choose lengths between 4 and 10 digits, the shortest first.";
        HouseNumberTooLong = "pin_policy.house_number", "Give the house number in at most 16 characters.";
        NoCommonLength = "pin_policy.no_common_length",
            "These locks take PINs of different lengths. Make one code for each.";
        NoCommonDigits = "pin_policy.no_common_digits",
            "The keypads of these locks have no digit in common. Make one code for each.";
        LocksTakeLess = "pin_policy.locks_take_less",
            "This home's rules ask for more digits than these locks take. Lower the fewest digits in the settings.";
        LocksNeedMore = "pin_policy.locks_need_more",
            "These locks need more digits than this home's rules allow. Raise the most digits in the settings.";
    }
}
