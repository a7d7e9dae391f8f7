//! The wire: strict CBOR, COSE signatures, HPKE seals. `docs/wire-format.md` specifies every byte.

pub mod cbor;
pub mod cose;
pub mod hpke;

/// `Encode` and `Decode` of [`cbor`], with their derives.
pub mod derive {
    pub use super::cbor::{Decode, Encode};
    pub use latchkey_derive::{Decode, Encode};
}
