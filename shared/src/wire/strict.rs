//! What the derived `Decode` calls: maps whose keys ascend, arrays of a known length, nothing unknown. Only for
//! generated code.

use minicbor::decode::{Decode, Decoder, Error};

/// The one way in which a message is not well formed.
#[cold]
pub fn refuse() -> Error {
    Error::message("not in canonical form")
}

/// Refuses unless.
pub fn demand(ok: bool) -> Result<(), Error> {
    if ok { Ok(()) } else { Err(refuse()) }
}

/// Opens an array of exactly `len` items.
pub fn array(d: &mut Decoder<'_>, len: u64) -> Result<(), Error> {
    let found = d.array()?;
    demand(found == Some(len))
}

/// Opens `[index, fields…]`: the number of fields, and the index.
pub fn variant(d: &mut Decoder<'_>) -> Result<(u64, u32), Error> {
    let len = d.array()?.and_then(|len| len.checked_sub(1)).ok_or_else(refuse)?;
    Ok((len, d.u32()?))
}

/// A map that is read in ascending order of keys.
pub struct Map {
    left: u64,
    next: Option<u32>,
}

impl Map {
    /// Opens a map of definite length.
    pub fn open(d: &mut Decoder<'_>) -> Result<Self, Error> {
        let left = d.map()?.ok_or_else(refuse)?;
        let mut map = Self { left, next: None };
        map.advance(d)?;
        Ok(map)
    }

    fn advance(&mut self, d: &mut Decoder<'_>) -> Result<(), Error> {
        self.next = None;
        if self.left > 0 {
            self.left -= 1;
            self.next = Some(d.u32()?);
        }
        Ok(())
    }

    /// Nothing may be left over.
    pub fn close(self) -> Result<(), Error> {
        demand(self.next.is_none())
    }
}

/// The value of a key that must be there.
pub fn required<'b, T: Decode<'b, C>, C>(
    map: &mut Map,
    d: &mut Decoder<'b>,
    c: &mut C,
    key: u32,
) -> Result<T, Error> {
    demand(map.next == Some(key))?;
    let value = T::decode(d, c)?;
    map.advance(d)?;
    Ok(value)
}

/// The value of a key that may be there.
pub fn optional<'b, T: Decode<'b, C>, C>(
    map: &mut Map,
    d: &mut Decoder<'b>,
    c: &mut C,
    key: u32,
) -> Result<Option<T>, Error> {
    if map.next == Some(key) { required(map, d, c, key).map(Some) } else { Ok(None) }
}
