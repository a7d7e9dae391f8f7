//! PINs: never shown by accident, compared in constant time, wiped when dropped.

mod broken;
mod common;
mod desk;
#[cfg(test)]
mod desk_tests;
mod digits;
mod judge;
mod left;
mod patterns;
mod rules;
#[cfg(test)]
mod tests;

pub use broken::Broken;
pub use desk::{PinDesk, PinUse};
pub use digits::Digits;
pub use judge::{Context, Exhausted};
pub use left::Left;
pub use rules::{LockPinCaps, PinPolicy, PinRules, RulesError};

use crate::error::coded_error;
use core::fmt;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The digits that a person types at a lock: 4 to 10 of them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    /// ASCII digits, then zero bytes.
    bytes: [u8; Pin::MAX_LEN],
    len: u8,
}

impl Pin {
    /// The fewest digits.
    pub const MIN_LEN: usize = 4;
    /// The most digits.
    pub const MAX_LEN: usize = 10;

    /// From text. Neither errors nor panics repeat what was typed.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PinError::NotDigits);
        }
        if text.len() < Self::MIN_LEN {
            return Err(PinError::TooShort);
        }
        let mut bytes = [0; Self::MAX_LEN];
        let Some(head) = bytes.get_mut(..text.len()) else { return Err(PinError::TooLong) };
        head.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, len: text.len() as u8 })
    }

    /// The lowest `len` places of `n`, written in these digits alone: with all ten, in decimal. `len` must be 4 to 10.
    fn from_number(mut n: u64, len: u8, digits: Digits) -> Self {
        let base = u64::from(digits.count());
        let mut bytes = [0; Self::MAX_LEN];
        for byte in bytes.iter_mut().take(usize::from(len)).rev() {
            *byte = b'0' + digits.nth((n % base) as u8);
            n /= base;
        }
        Self { bytes, len }
    }

    /// The digits in clear. The only way to get at them: search for this name to see where PINs go.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.ascii()).unwrap_or_default()
    }

    /// How many digits.
    pub fn digit_count(&self) -> u8 {
        self.len
    }

    fn ascii(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether a keypad with these digits has all of its own.
    pub fn typed_with(&self, digits: Digits) -> bool {
        self.ascii().iter().all(|ascii| digits.contains(ascii - b'0'))
    }

    /// Whether both are the same keys on a keypad that has two digits on each key: 1|2, 3|4, 5|6, 7|8, 9|0.
    pub fn same_on_paired_keys(&self, other: &Self) -> bool {
        let mut same = self.len.ct_eq(&other.len);
        for (a, b) in self.bytes.iter().zip(&other.bytes) {
            same &= paired_key(*a).ct_eq(&paired_key(*b));
        }
        same.into()
    }
}

/// The key that carries an ASCII digit on a paired keypad; the padding byte 0 stays apart.
fn paired_key(ascii: u8) -> u8 {
    match ascii {
        0 => 0xff,
        b'0' => 4,
        digit => (digit - b'1') / 2,
    }
}

impl ConstantTimeEq for Pin {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes) & self.len.ct_eq(&other.len)
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(••••)")
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(••••)")
    }
}

coded_error! {
    /// Why text is no PIN.
    pub enum PinError {
        NotDigits = "pin.not_digits", "Use the digits 0 to 9 only.";
        TooShort = "pin.too_short", "Use at least 4 digits.";
        TooLong = "pin.too_long", "Use at most 10 digits.";
    }
}
