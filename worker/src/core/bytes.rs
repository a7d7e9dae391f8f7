//! Bytes in JSON: base64url without padding, in its one form.

use latchkey_shared::text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Encodes.
pub fn b64(bytes: &[u8]) -> String {
    text::b64url(bytes)
}

/// Decodes; `None` if it is not the one form.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    text::unb64url(text)
}

/// Decodes exactly `N` bytes.
pub fn unb64_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    unb64(text)?.try_into().ok()
}

/// `N` bytes that are base64url in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct B64<const N: usize>(pub [u8; N]);

impl<const N: usize> Serialize for B64<N> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&b64(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for B64<N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        unb64_exact(&text).map(B64).ok_or_else(|| D::Error::custom("bytes"))
    }
}

/// Any number of bytes that are base64url in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct B64Vec(pub Vec<u8>);

impl Serialize for B64Vec {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&b64(&self.0))
    }
}

impl<'de> Deserialize<'de> for B64Vec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        unb64(&text).map(B64Vec).ok_or_else(|| D::Error::custom("bytes"))
    }
}
