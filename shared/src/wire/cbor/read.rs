//! Reading. Everything here that can fail gives `None`: there is one reason, that the bytes are not such a message.

use crate::limits::MAX_ITEMS;

/// Simple values (RFC 8949, section 3.3).
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

/// How a value is read. Whatever is taken must be written back as the same bytes.
pub trait Decode: Sized {
    /// Takes one value.
    fn decode(r: &mut Reader<'_>) -> Option<Self>;
}

/// Reads CBOR of definite lengths, without tags and floats. A number or length that is not in its shortest form is
/// read, and noticed: [`Reader::canonical`].
#[derive(Clone)]
pub struct Reader<'b> {
    rest: &'b [u8],
    /// How many items may still come.
    items: usize,
    canonical: bool,
}

impl<'b> Reader<'b> {
    /// Reads from here, at most [`MAX_ITEMS`] items.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self::of(bytes, MAX_ITEMS)
    }

    /// Reads from here, at most so many items, those of lists and maps counted alike.
    pub fn of(bytes: &'b [u8], items: usize) -> Self {
        Self { rest: bytes, items, canonical: true }
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// Whether reading stopped because of too many items.
    pub fn exhausted(&self) -> bool {
        self.items == 0 && !self.rest.is_empty()
    }

    /// Whether all that was read was in its shortest form.
    pub fn canonical(&self) -> bool {
        self.canonical
    }

    /// Whether everything is read, and all of it in its one form.
    pub fn finished(&self) -> bool {
        self.rest.is_empty() && self.canonical
    }

    /// The next item's major type: 0 for a number to 7 for a simple value.
    pub fn major(&self) -> Option<u8> {
        self.rest.first().map(|first| first >> 5)
    }

    /// The start of an item of this major type: its number or length.
    fn head(&mut self, major: u8) -> Option<u64> {
        let items = self.items.checked_sub(1)?;
        let (first, rest) = self.rest.split_first()?;
        if first >> 5 != major {
            return None;
        }
        // How many bytes the number takes, and from where on it needs so many.
        let (len, least) = match first & 31 {
            short @ 0..24 => {
                (self.rest, self.items) = (rest, items);
                return Some(short.into());
            }
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return None,
        };
        let (number, rest) = rest.split_at_checked(len)?;
        (self.rest, self.items) = (rest, items);
        let n = number.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        self.canonical &= n >= least;
        Some(n)
    }

    fn string(&mut self, major: u8) -> Option<&'b [u8]> {
        let len = usize::try_from(self.head(major)?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A count of items, each of which takes a byte at least.
    fn count(&mut self, major: u8) -> Option<usize> {
        usize::try_from(self.head(major)?).ok().filter(|len| *len <= self.rest.len())
    }

    /// A number.
    pub fn uint(&mut self) -> Option<u64> {
        self.head(0)
    }

    /// A number that fits.
    pub fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.uint()?).ok()
    }

    /// A number of either sign.
    pub fn int(&mut self) -> Option<i64> {
        match self.major()? {
            1 => i64::try_from(self.head(1)?).ok().map(|n| !n),
            _ => i64::try_from(self.head(0)?).ok(),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Option<&'b [u8]> {
        self.string(2)
    }

    /// Text.
    pub fn text(&mut self) -> Option<&'b str> {
        core::str::from_utf8(self.string(3)?).ok()
    }

    /// The start of an array: how many items follow.
    pub fn array(&mut self) -> Option<usize> {
        self.count(4)
    }

    /// The start of a map: how many entries follow.
    pub fn map(&mut self) -> Option<usize> {
        self.count(5)
    }

    /// True or false.
    pub fn bool(&mut self) -> Option<bool> {
        if self.simple(TRUE) { Some(true) } else { self.simple(FALSE).then_some(false) }
    }

    /// Whether nothing is there, as null says; if so, that is taken.
    pub fn null(&mut self) -> bool {
        self.simple(NULL)
    }

    /// Whether the next item is this simple value; if so, it is taken.
    fn simple(&mut self, value: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == value && self.items > 0 => {
                (self.rest, self.items) = (rest, self.items - 1);
                true
            }
            _ => false,
        }
    }

    /// Any item, nested in no more than `depth` others.
    pub fn skip(&mut self, depth: usize) -> Option<()> {
        let items = match self.major()? {
            0 | 1 => return self.int().map(drop),
            2 => return self.bytes().map(drop),
            3 => return self.text().map(drop),
            4 => self.array()?,
            5 => self.map()? * 2,
            _ => return (self.null() || self.bool().is_some()).then_some(()),
        };
        let depth = depth.checked_sub(1)?;
        (0..items).try_for_each(|_| self.skip(depth))
    }

    /// The start of an array of exactly so many items.
    pub fn array_of(&mut self, len: usize) -> Option<()> {
        (self.array()? == len).then_some(())
    }

    /// Whether this is the next key of a map of which `left` entries are left; if it is, it is taken.
    pub fn at(&mut self, left: &mut usize, key: u32) -> bool {
        let before = self.clone();
        if *left > 0 && self.uint() == Some(key.into()) {
            *left -= 1;
            return true;
        }
        *self = before;
        false
    }

    /// The key that must come next.
    pub fn key(&mut self, left: &mut usize, key: u32) -> Option<()> {
        self.at(left, key).then_some(())
    }
}

macro_rules! decode {
    ($($type:ty => |$r:ident| $read:expr;)+) => {$(
        impl Decode for $type {
            fn decode($r: &mut Reader<'_>) -> Option<Self> {
                $read
            }
        }
    )+};
}

decode! {
    bool => |r| r.bool();
    u8 => |r| r.number();
    u16 => |r| r.number();
    u32 => |r| r.number();
    u64 => |r| r.uint();
    i8 => |r| r.int()?.try_into().ok();
    i64 => |r| r.int();
    String => |r| r.text().map(Into::into);
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        r.bytes()?.try_into().ok()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        (0..r.array()?).map(|_| T::decode(r)).collect()
    }
}

/// In a tuple. In a map an absent value has no key.
impl<T: Decode> Decode for Option<T> {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        if r.null() { Some(None) } else { T::decode(r).map(Some) }
    }
}

macro_rules! decode_tuple {
    ($($len:literal: $($name:ident)+;)+) => {$(
        impl<$($name: Decode),+> Decode for ($($name,)+) {
            fn decode(r: &mut Reader<'_>) -> Option<Self> {
                r.array_of($len)?;
                Some(($($name::decode(r)?,)+))
            }
        }
    )+};
}

decode_tuple! {
    2: A B;
    3: A B C;
    4: A B C D;
}
