//! Deterministic CBOR (RFC 8949, section 4.2.1), strictly: no tags, floats, indefinite lengths, long forms, unknown,
//! unsorted or duplicate keys, nothing after the end. One meaning has one spelling: what is read would be written as
//! the same bytes. A message is read in its one form and in one pass, so none is encoded again to find that out; where
//! debug assertions are on, as in every test, that is done all the same.

mod read;
mod write;

use crate::error::coded_error;
use crate::limits::MAX_ITEMS;
use core::fmt;

pub use read::{Decode, Reader};
pub use write::{Encode, Writer};

coded_error! {
    /// Why bytes are not a message.
    pub enum WireError {
        TooLarge = "wire.too_large", "The message is larger than is ever needed. Update the program that sent it.";
        Malformed = "wire.malformed", "The message is damaged, or from a newer version. Update and try again.";
        NotCanonical = "wire.not_canonical", "The message is not in its one canonical form. Update the program that sent it.";
    }
}

/// Encodes.
pub fn to_vec(value: &(impl Encode + ?Sized)) -> Vec<u8> {
    let mut w = Writer::new();
    value.encode(&mut w);
    w.finish()
}

/// Decodes at most `max` bytes of at most [`MAX_ITEMS`] items, strictly.
pub fn from_slice<T: Encode + Decode>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    from_slice_of(bytes, max, MAX_ITEMS)
}

/// Decodes at most `max` bytes of at most `items` items, strictly. Both are bounded: an item of one byte may cost a
/// hundred in memory.
pub fn from_slice_of<T: Encode + Decode>(bytes: &[u8], max: usize, items: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLarge);
    }
    let mut r = Reader::of(bytes, items);
    let value = T::decode(&mut r).filter(|_| r.rest().is_empty());
    if r.exhausted() {
        return Err(WireError::TooLarge);
    }
    let value = value.ok_or(WireError::Malformed)?;
    if !r.canonical() {
        return Err(WireError::NotCanonical);
    }
    debug_assert_eq!(to_vec(&value), bytes, "a type reads what it does not write");
    Ok(value)
}

/// Bytes that are a CBOR byte string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl core::ops::Deref for Blob {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Encode for Blob {
    fn encode(&self, w: &mut Writer) {
        w.bytes(&self.0);
    }
}

impl Decode for Blob {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        r.bytes().map(|bytes| Self(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::derive::{Decode, Encode};
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Example {
        #[n(1)]
        a: u32,
        #[n(4)]
        b: Option<u8>,
    }

    fn decode(hex: &str) -> Result<Example, WireError> {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        from_slice(&bytes, 64)
    }

    #[test]
    fn one_spelling() {
        assert_eq!(decode("a10105"), Ok(Example { a: 5, b: None }));
        assert_eq!(decode("a201050406"), Ok(Example { a: 5, b: Some(6) }));
        for (bad, why) in [
            ("a1011805", WireError::NotCanonical),     // 5 in two bytes
            ("a2010518040a", WireError::NotCanonical), // a key in two bytes
            ("a204060105", WireError::Malformed),      // unsorted
            ("a201050105", WireError::Malformed),      // twice
            ("a201050900", WireError::Malformed),      // unknown key
            ("a2010504f6", WireError::Malformed),      // null for absent
            ("bf0105ff", WireError::Malformed),        // indefinite
            ("a1010500", WireError::Malformed),        // trailing
            ("a101f94500", WireError::Malformed),      // float
            ("a101c105", WireError::Malformed),        // tag
            ("a1", WireError::Malformed),              // truncated
            ("a10405", WireError::Malformed),          // missing key
        ] {
            assert_eq!(decode(bad), Err(why), "{bad}");
        }
        assert_eq!(from_slice::<Example>(&[0xa1, 1, 5], 2), Err(WireError::TooLarge));
    }

    /// Any item of what messages are made of, as minicbor writes it and as we do.
    fn item(depth: u32) -> BoxedStrategy<(Vec<u8>, Vec<u8>)> {
        fn pair(
            theirs: impl FnOnce(&mut minicbor::Encoder<&mut Vec<u8>>),
            ours: impl FnOnce(&mut Writer),
        ) -> (Vec<u8>, Vec<u8>) {
            let (mut out, mut w) = (Vec::new(), Writer::new());
            theirs(&mut minicbor::Encoder::new(&mut out));
            ours(&mut w);
            (out, w.finish())
        }
        let number = prop_oneof![any::<u64>(), 0..70_000u64, 0..300u64];
        let leaf = prop_oneof![
            number.prop_map(|n| pair(|e| drop(e.u64(n)), |w| w.uint(n))),
            any::<i64>().prop_map(|n| pair(|e| drop(e.i64(n)), |w| w.int(n))),
            (-300..300i64).prop_map(|n| pair(|e| drop(e.i64(n)), |w| w.int(n))),
            any::<bool>().prop_map(|b| pair(|e| drop(e.bool(b)), |w| w.bool(b))),
            ".{0,40}".prop_map(|t| pair(|e| drop(e.str(&t)), |w| w.text(&t))),
            vec(any::<u8>(), 0..300).prop_map(|b| pair(|e| drop(e.bytes(&b)), |w| w.bytes(&b))),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let list = vec(item(depth - 1), 0..30).prop_map(|items| {
            let (mut theirs, mut ours) =
                pair(|e| drop(e.array(items.len() as u64)), |w| w.array(items.len()));
            for (their, our) in items {
                theirs.extend(their);
                ours.extend(our);
            }
            (theirs, ours)
        });
        prop_oneof![leaf, list].boxed()
    }

    proptest! {
        /// A second implementation writes the same bytes.
        #[test]
        fn written_as_minicbor_writes((theirs, ours) in item(2)) {
            prop_assert_eq!(theirs, ours);
        }

        /// Whatever is taken would be written again as it came; `from_slice` itself asserts it.
        #[test]
        fn whatever_is_taken_has_one_spelling(
            mut bytes in any::<(u32, Option<u8>)>().prop_map(|(a, b)| to_vec(&Example { a, b })),
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            tail in vec(any::<u8>(), 0..2),
        ) {
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            bytes.extend(tail);
            let _ = from_slice::<Example>(&bytes, 64);
            let _ = from_slice::<Vec<(String, i64)>>(&bytes, 64);
        }
    }

    #[test]
    fn numbers_have_one_length() {
        for n in [0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
            let bytes = to_vec(&n);
            assert_eq!(from_slice::<u64>(&bytes, 9), Ok(n));
            let mut theirs = Vec::new();
            minicbor::encode(n, &mut theirs).unwrap();
            assert_eq!(bytes, theirs);
        }
        for n in [i64::MIN, -257, -256, -25, -24, -1, 0, i64::MAX] {
            assert_eq!(from_slice::<i64>(&to_vec(&n), 9), Ok(n));
        }
        for option in [None, Some(true), Some(false)] {
            assert_eq!(from_slice(&to_vec(&option), 9), Ok(option));
        }
        for long in ["1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "5801aa"] {
            let bytes = data_encoding::HEXLOWER.decode(long.as_bytes()).unwrap();
            let read = (from_slice::<i64>(&bytes, 9).err(), from_slice::<Blob>(&bytes, 9).err());
            assert!([read.0, read.1].contains(&Some(WireError::NotCanonical)), "{long}");
        }
        for bad in ["1c", "1f", "3bffffffffffffffff", "9bffffffffffffffff", "9a00100000", "5f", "62ff"] {
            let bytes = data_encoding::HEXLOWER.decode(bad.as_bytes()).unwrap();
            assert_eq!(from_slice::<i64>(&bytes, 9), Err(WireError::Malformed), "{bad}");
            assert_eq!(from_slice::<Vec<u64>>(&bytes, 9), Err(WireError::Malformed), "{bad}");
            assert_eq!(from_slice::<Blob>(&bytes, 9), Err(WireError::Malformed), "{bad}");
            assert_eq!(from_slice::<String>(&bytes, 9), Err(WireError::Malformed), "{bad}");
        }
    }

    #[test]
    fn many_small_items_are_refused_before_they_cost_memory() {
        // An array of 300,000 empty byte strings: 7 MB as a list, 300 kB as bytes.
        let blobs = [&[0x9a, 0, 4, 0x93, 0xe0][..], &vec![0x40; 300_000]].concat();
        assert_eq!(from_slice::<Vec<Blob>>(&blobs, 1 << 20), Err(WireError::TooLarge));
        assert_eq!(from_slice_of::<Vec<Blob>>(&blobs, 1 << 20, 300_001).map(|b| b.len()), Ok(300_000));
        assert_eq!(from_slice_of::<Vec<Blob>>(&blobs, 1 << 20, 300_000), Err(WireError::TooLarge));
        let flags = to_vec(&vec![true; 9]);
        assert_eq!(from_slice_of::<Vec<bool>>(&flags, 99, 10).map(|b| b.len()), Ok(9));
        assert_eq!(from_slice_of::<Vec<bool>>(&flags, 99, 9), Err(WireError::TooLarge));
    }
}
