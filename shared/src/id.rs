//! Names of things: 16 random bytes, or the beginning of a key's hash. As text, 26 characters of lower-case
//! base32 (RFC 4648, unpadded), fit for a URL and for reading aloud.

use crate::error::coded_error;
use crate::text;
use crate::wire::cbor::{Decode, Encode, Reader, Writer};
use core::fmt;
use ed25519_dalek::VerifyingKey;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

coded_error! {
    /// Why text is not an id.
    pub enum IdError {
        Malformed = "id.malformed", "That is not an id: ids are 26 lower-case letters and digits.";
    }
}

/// A fixed number of bytes with CBOR, comparison and lower-case base32 text.
macro_rules! bytes_type {
    ($(#[$meta:meta])* $name:ident, $len:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// The bytes.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
            /// From its text. One id has one text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if text.len() != ($len * 8usize).div_ceil(5) {
                    return Err(IdError::Malformed);
                }
                let bytes = text::unb32(text).ok_or(IdError::Malformed)?;
                bytes.try_into().map(Self).map_err(|_| IdError::Malformed)
            }
            /// From bytes of the right length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }
        impl core::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&text::b32(&self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl Encode for $name {
            fn encode(&self, w: &mut Writer) {
                w.bytes(&self.0);
            }
        }
        impl Decode for $name {
            fn decode(r: &mut Reader<'_>) -> Option<Self> {
                Self::from_slice(r.bytes()?)
            }
        }
    };
}

macro_rules! random_id {
    ($(#[$meta:meta])* $name:ident) => {
        bytes_type!($(#[$meta])* $name, 16);
        impl $name {
            /// A new one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }
        }
    };
}

random_id!(/// A home.
    HomeId);
random_id!(/// A hub.
    HubId);
random_id!(/// A lock, named by its hub when it is first seen.
    LockId);
random_id!(/// A grant.
    GrantId);
random_id!(/// A token by which a program uses the API.
    TokenId);
random_id!(/// A person's account with the cloud.
    AccountId);
bytes_type!(/// A guest link: derived from its secret, so never chosen.
    LinkId, 16);
bytes_type!(/// A pairing: derived from its secret.
    PairId, 16);
bytes_type!(/// An invitation: derived from its secret.
    InviteId, 16);
bytes_type!(/// A recovery kit: derived from its secret.
    KitId, 16);
bytes_type!(/// A signing key: the first 16 bytes of the SHA-256 of its 32 bytes.
    KeyId, 16);
bytes_type!(/// A SHA-256.
    Hash32, 32);
bytes_type!(/// An Ed25519 public key (RFC 8032). Not checked to be a point until it is used.
    SignPublic, 32);
bytes_type!(/// An X25519 public key (RFC 7748).
    SealPublic, 32);
bytes_type!(/// A hub's nonce, by which a head proves that it is fresh.
    Nonce, 16);

/// The bytes with which the ids of a hub's locks begin: the first of its own id.
pub type HubMark = [u8; 8];

impl HubId {
    /// With what the ids of its locks begin.
    pub fn mark(&self) -> HubMark {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl LockId {
    /// A new one of this hub. So everybody can tell whose a lock is, also of a hub that has gone.
    pub fn new_at(hub: &HubId, random: [u8; 8]) -> Self {
        let mut id = [0; 16];
        let (mark, rest) = id.split_at_mut(8);
        mark.copy_from_slice(&hub.mark());
        rest.copy_from_slice(&random);
        Self(id)
    }

    /// Which hub gave it its id.
    pub fn mark(&self) -> HubMark {
        HubId(self.0).mark()
    }
}

impl KeyId {
    /// The id of a key.
    pub fn of(key: &SignPublic) -> Self {
        let hash = Hash32::of(&key.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.0[..16]);
        Self(id)
    }
}

impl SignPublic {
    /// The key for use; `None` if the bytes are no point of the curve.
    pub fn key(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.0).ok()
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        KeyId::of(self)
    }
}

impl From<VerifyingKey> for SignPublic {
    fn from(key: VerifyingKey) -> Self {
        Self(key.to_bytes())
    }
}

impl Hash32 {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cbor::{from_slice, to_vec};

    #[test]
    fn text_has_one_form() {
        let id = HomeId([7; 16]);
        let text = id.to_string();
        assert_eq!(text.len(), 26);
        assert_eq!(HomeId::parse(&text), Ok(id));
        assert!(HomeId::parse(&text.to_uppercase()).is_err());
        assert!(HomeId::parse(&text[1..]).is_err());
        // The last character carries three bits: others would be a second spelling.
        let mut other = text.clone();
        other.replace_range(25.., "5");
        assert!(HomeId::parse(&other).is_err(), "{text} {other}");
        assert_eq!(Hash32::parse(&Hash32([255; 32]).to_string()), Ok(Hash32([255; 32])));
    }

    #[test]
    fn cbor_demands_the_length() {
        let bytes = to_vec(&HomeId([7; 16]));
        assert_eq!(bytes.len(), 17);
        assert!(from_slice::<Hash32>(&bytes, 64).is_err());
    }
}
