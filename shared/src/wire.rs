//! The wire: strict CBOR, COSE signatures, HPKE seals. `docs/wire-format.md` specifies every byte.

pub mod cbor;
pub mod cose;
pub mod hpke;
#[doc(hidden)]
pub mod strict;

/// `Encode` and `Decode`: minicbor's traits, with derives that read strictly.
pub mod derive {
    pub use latchkey_derive::{Decode, Encode};
    pub use minicbor::decode::Decode;
    pub use minicbor::encode::Encode;
}
