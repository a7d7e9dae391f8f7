//! Deterministic CBOR (RFC 8949, section 4.2.1), strictly: what is decoded is encoded again and must be the same
//! bytes. So there are no tags, floats, indefinite lengths, long forms, unknown, unsorted or duplicate keys, nothing
//! after the end, and one meaning has one spelling.

use crate::error::coded_error;
use crate::limits::MAX_ITEMS;
use crate::wire::derive::{Decode, Encode};
use core::fmt;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};

coded_error! {
    /// Why bytes are not a message.
    pub enum WireError {
        TooLarge = "wire.too_large", "The message is larger than is ever needed. Update the program that sent it.";
        Malformed = "wire.malformed", "The message is damaged, or from a newer version. Update and try again.";
        NotCanonical = "wire.not_canonical", "The message is not in its one canonical form. Update the program that sent it.";
    }
}

/// Encodes. Cannot fail: the writer is memory and no type refuses.
pub fn to_vec(value: &impl Encode<()>) -> Vec<u8> {
    let mut out = Vec::new();
    match minicbor::encode(value, &mut out) {
        Ok(()) => out,
        Err(_) => Vec::new(),
    }
}

/// Decodes at most `max` bytes of at most [`MAX_ITEMS`] items, strictly.
pub fn from_slice<T>(bytes: &[u8], max: usize) -> Result<T, WireError>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    from_slice_of(bytes, max, MAX_ITEMS)
}

/// Decodes at most `max` bytes of at most `items` items, strictly. Nothing is allocated before both are checked: an item
/// of one byte may cost a hundred in memory.
pub fn from_slice_of<T>(bytes: &[u8], max: usize, items: usize) -> Result<T, WireError>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    if bytes.len() > max {
        return Err(WireError::TooLarge);
    }
    check_items(bytes, items)?;
    let mut decoder = Decoder::new(bytes);
    let value: T = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() != bytes.len() {
        return Err(WireError::Malformed);
    }
    if to_vec(&value) != bytes { Err(WireError::NotCanonical) } else { Ok(value) }
}

/// Refuses bytes that are no sequence of heads of definite length, or have more than `most` of them.
fn check_items(mut bytes: &[u8], most: usize) -> Result<(), WireError> {
    let mut left = most;
    while let Some((&first, rest)) = bytes.split_first() {
        left = left.checked_sub(1).ok_or(WireError::TooLarge)?;
        let extra = match first & 0x1f {
            short @ 0..24 => Some((u64::from(short), rest)),
            long @ 24..28 => rest.split_at_checked(1 << (long - 24)).map(|(digits, rest)| {
                (digits.iter().fold(0, |value, digit| (value << 8) | u64::from(*digit)), rest)
            }),
            _ => None,
        };
        let (value, rest) = extra.ok_or(WireError::Malformed)?;
        let skip = if matches!(first >> 5, 2 | 3) { value } else { 0 };
        let skip = usize::try_from(skip).map_err(|_| WireError::Malformed)?;
        bytes = rest.get(skip..).ok_or(WireError::Malformed)?;
    }
    Ok(())
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

impl<C> Encode<C> for Blob {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Blob {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        Ok(Self(d.bytes()?.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn many_small_items_are_refused_before_they_cost_memory() {
        // An array of 300,000 empty byte strings: 7 MB as a list, 300 kB as bytes.
        let blobs = [&[0x9a, 0, 4, 0x93, 0xe0][..], &vec![0x40; 300_000]].concat();
        assert_eq!(from_slice::<Vec<Blob>>(&blobs, 1 << 20), Err(WireError::TooLarge));
        assert_eq!(from_slice_of::<Vec<Blob>>(&blobs, 1 << 20, 300_001).map(|b| b.len()), Ok(300_000));
        for (bytes, items) in [(&[][..], 0), (&[0x83, 1, 0x18, 0x18, 0x41, 9][..], 4), (&[0x00, 0x00], 2)] {
            assert_eq!(check_items(bytes, items), Ok(()));
            assert_eq!(
                check_items(bytes, items.wrapping_sub(1).min(items)),
                if items > 0 { Err(WireError::TooLarge) } else { Ok(()) }
            );
        }
        let endless = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(check_items(&endless, 9), Ok(()), "a list's length costs nothing by itself");
        for bad in [
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
            &[0x9f],
            &[0x1c],
            &[0x19, 1],
            &[0x42, 1],
        ] {
            assert_eq!(check_items(bad, 9), Err(WireError::Malformed), "{bad:02x?}");
        }
    }
}
