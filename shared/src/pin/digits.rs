//! The digits that a keypad has.

use crate::wire::cbor::{Decode, Encode, Reader, Writer};

/// A set of digits, not empty; the digit 0 is bit 0. Always well formed: decoding checks it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digits(u16);

impl Digits {
    /// 0 to 9.
    pub const ALL: Self = Self(0x3ff);

    /// From a bit mask; `None` for an empty one, or bits beyond the digit 9.
    pub fn from_bits(bits: u16) -> Option<Self> {
        (bits != 0 && bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    /// The bit mask.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether a digit, 0 to 9, is in it.
    pub fn contains(self, digit: u8) -> bool {
        digit < 10 && self.0 & 1 << digit != 0
    }

    /// The digits of both; `None` if they have none in common.
    pub fn common(self, other: Self) -> Option<Self> {
        Self::from_bits(self.0 & other.0)
    }

    /// In ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..10).filter(move |digit| self.contains(*digit))
    }

    /// The one at this place in ascending order, from 0; 0 beyond the last.
    pub(super) fn nth(self, place: u8) -> u8 {
        if self == Self::ALL { place } else { self.iter().nth(usize::from(place)).unwrap_or(0) }
    }

    /// How many.
    pub fn count(self) -> u8 {
        self.0.count_ones() as u8
    }
}

impl Encode for Digits {
    fn encode(&self, w: &mut Writer) {
        w.uint(self.0.into());
    }
}

impl Decode for Digits {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Self::from_bits(r.number()?)
    }
}
