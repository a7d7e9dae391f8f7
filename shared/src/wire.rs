//! The wire: strict CBOR, COSE signatures, HPKE seals. `docs/wire-format.md` specifies every byte.

pub mod cbor;
pub mod cose;
pub mod hpke;
