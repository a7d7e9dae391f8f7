//! The rules that a PIN can break, each with a sentence.

use super::Digits;
use core::fmt;

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
    /// Something other than digits.
    NotDigits,
    /// A digit that a keypad does not have.
    Missing {
        /// Those that all of the keypads have.
        digits: Digits,
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
    /// On a keypad with two digits to a key it is the same as a live code.
    PairedKeys,
    /// On a keypad with two digits to a key it repeats a key, or a group of keys.
    PairedRepetition,
    /// It was used before.
    UsedBefore,
}

impl Broken {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Length { .. } => "pin.length",
            Self::NotDigits => "pin.not_digits",
            Self::Missing { .. } => "pin.missing_digit",
            Self::Sequence => "pin.sequence",
            Self::Repetition => "pin.repetition",
            Self::Pairs => "pin.pairs",
            Self::KeypadLine => "pin.keypad_line",
            Self::Date => "pin.date",
            Self::HouseNumber => "pin.house_number",
            Self::Common => "pin.common",
            Self::InUse => "pin.in_use",
            Self::PairedKeys => "pin.paired_keys",
            Self::PairedRepetition => "pin.paired_repetition",
            Self::UsedBefore => "pin.used_before",
        }
    }

    /// What a person can do about it.
    pub fn hint(self) -> String {
        let text = match self {
            Self::Length { min, max } if min == max => return format!("Use exactly {min} digits."),
            Self::Length { min, max } => return format!("Use {min} to {max} digits."),
            Self::NotDigits => "Use the digits 0 to 9 only.",
            Self::Missing { digits } => {
                let list: Vec<String> = digits.iter().map(|digit| digit.to_string()).collect();
                return format!("The keypads have only the digits {}.", list.join(", "));
            }
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
            Self::PairedRepetition => {
                "On this keypad two digits share a key, so it repeats the same keys. Pick another."
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
