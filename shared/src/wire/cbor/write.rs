//! Writing.

/// How a value is written. Cannot fail: it is written to memory and no type refuses.
pub trait Encode {
    /// Appends the value.
    fn encode(&self, w: &mut Writer);
}

/// Writes deterministic CBOR: every length and number in its shortest form. That arrays and maps get as many items as
/// they were said to have, and maps ascending keys, is the caller's part.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Writes to new memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes to new memory that has room for so many bytes.
    pub fn sized(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        &self.0
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// The start of an item: its major type and its number or length.
    fn head(&mut self, major: u8, n: u64) {
        let major = major << 5;
        let bytes = n.to_be_bytes();
        let (short, tail) = match n {
            0..24 => (n as u8, 8),
            24..=0xff => (24, 7),
            0x100..=0xffff => (25, 6),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 0),
        };
        self.0.push(major | short);
        self.0.extend_from_slice(bytes.get(tail..).unwrap_or_default());
    }

    /// A number.
    pub fn uint(&mut self, n: u64) {
        self.head(0, n);
    }

    /// A number of either sign.
    pub fn int(&mut self, n: i64) {
        if n < 0 { self.head(1, !n as u64) } else { self.head(0, n as u64) }
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(2, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// The start of an array of so many items.
    pub fn array(&mut self, len: usize) {
        self.head(4, len as u64);
    }

    /// The start of a map of so many entries.
    pub fn map(&mut self, len: usize) {
        self.head(5, len as u64);
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) {
        self.head(7, if value { 21 } else { 20 });
    }

    /// Nothing, where something could stand.
    pub fn null(&mut self) {
        self.head(7, 22);
    }

    /// An item that is written already.
    pub fn raw(&mut self, item: &[u8]) {
        self.0.extend_from_slice(item);
    }
}

macro_rules! encode {
    ($($type:ty => |$value:ident, $w:ident| $write:expr;)+) => {$(
        impl Encode for $type {
            fn encode(&self, $w: &mut Writer) {
                let $value = self;
                $write
            }
        }
    )+};
}

encode! {
    bool => |value, w| w.bool(*value);
    u8 => |n, w| w.uint((*n).into());
    u16 => |n, w| w.uint((*n).into());
    u32 => |n, w| w.uint((*n).into());
    u64 => |n, w| w.uint(*n);
    i8 => |n, w| w.int((*n).into());
    i64 => |n, w| w.int(*n);
    str => |text, w| w.text(text);
    String => |text, w| w.text(text);
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, w: &mut Writer) {
        w.bytes(self);
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, w: &mut Writer) {
        w.array(self.len());
        for item in self {
            item.encode(w);
        }
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, w: &mut Writer) {
        self.as_slice().encode(w);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, w: &mut Writer) {
        (**self).encode(w);
    }
}

/// In a tuple. In a map an absent value has no key.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, w: &mut Writer) {
        match self {
            Some(value) => value.encode(w),
            None => w.null(),
        }
    }
}

macro_rules! encode_tuple {
    ($($len:literal: $($name:ident)+;)+) => {$(
        #[allow(non_snake_case)]
        impl<$($name: Encode),+> Encode for ($($name,)+) {
            fn encode(&self, w: &mut Writer) {
                let ($($name,)+) = self;
                w.array($len);
                $($name.encode(w);)+
            }
        }
    )+};
}

encode_tuple! {
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    8: A B C D E F G H;
}
