//! What the platform's own cryptography is asked: P-256 and RSA.
//!
//! Every platform that serves passkeys has both (WebCrypto in the Worker), faster than compiled code and at no cost in
//! size. It may answer later than it is asked: then the answer is no, and whoever asked asks again, once the answer is
//! there. Ed25519 is verified here, by the same strict rules as everywhere.

use super::CredentialKey;
use alloc::vec::Vec;

/// Something that only the platform can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Whether this is a public key: for P-256 a point on the curve.
    Key {
        /// ES256 or RS256.
        key: CredentialKey,
    },
    /// Whether the signature is valid.
    Signature {
        /// ES256 or RS256.
        key: CredentialKey,
        /// What was signed, not hashed yet.
        message: Vec<u8>,
        /// For ES256 r and s, 32 bytes each; for RS256 as many bytes as the modulus.
        signature: Vec<u8>,
    },
}

/// The platform's cryptography.
pub trait Platform {
    /// Whether what is asked is so. `false` also while that is not known.
    fn holds(&self, question: &Question) -> bool;
}

impl CredentialKey {
    /// The name of its algorithm (IANA, COSE algorithms).
    pub fn algorithm_name(&self) -> &'static str {
        match self {
            CredentialKey::Es256(_) => "ES256",
            CredentialKey::EdDsa(_) => "EdDSA",
            CredentialKey::Rs256(_) => "RS256",
        }
    }
}
