//! COSE_Sign1 (RFC 9052, section 4.2) in one narrow profile: untagged, `alg` EdDSA and `kid` in the protected header,
//! nothing unprotected, payload attached, `external_aad` naming what kind of message it is, so that a signature for
//! one kind never counts for another.

use crate::error::coded_error;
use crate::id::{Hash32, KeyId, SignPublic};
use crate::wire::cbor::{Reader, Writer, from_slice, to_vec};
use crate::wire::derive::{Decode, Encode};
use ed25519_dalek::{Signature, Signer, SigningKey};

/// What a signed message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A link of a home's chain.
    Op,
    /// What the issuer says of a chain's end.
    Head,
    /// What a hub says of one lock.
    Report,
    /// What a hub saw happen.
    Event,
    /// A program's proof that it has a member key.
    SignIn,
    /// An owner's invitation of a person.
    Invite,
}

impl Kind {
    /// The `external_aad`.
    pub fn context(self) -> &'static str {
        match self {
            Self::Op => "latchkey/v1/op",
            Self::Head => "latchkey/v1/head",
            Self::Report => "latchkey/v1/report",
            Self::Event => "latchkey/v1/event",
            Self::SignIn => "latchkey/v1/sign-in",
            Self::Invite => "latchkey/v1/invite",
        }
    }
}

coded_error! {
    /// Why a signed message is refused.
    pub enum CoseError {
        TooLarge = "cose.too_large", "The signed message is larger than is ever needed.";
        Malformed = "cose.malformed", "The signed message is damaged. Fetch it again.";
        WrongKey = "cose.wrong_key", "The message names another key than the one that should have signed it.";
        BadSignature = "cose.bad_signature", "The signature does not fit the message: somebody changed it on the way.";
    }
}

/// EdDSA (RFC 9053, section 2.2).
const ALG_EDDSA: i8 = -8;

#[derive(Encode, Decode, Clone, PartialEq, Eq)]
#[cbor(map)]
struct Protected {
    #[n(1)]
    alg: i8,
    #[n(4)]
    kid: KeyId,
}

/// The bytes that are signed: `Sig_structure` of RFC 9052, section 4.4.
fn to_be_signed(kind: Kind, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.text("Signature1");
    w.bytes(protected);
    w.bytes(kind.context().as_bytes());
    w.bytes(payload);
    w.finish()
}

/// Signs a payload.
pub fn sign(kind: Kind, payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let kid = SignPublic::from(key.verifying_key()).id();
    let protected = to_vec(&Protected { alg: ALG_EDDSA, kid });
    let mut w = Writer::new();
    w.array(4);
    w.bytes(&protected);
    w.map(0);
    w.bytes(&payload);
    w.bytes(&key.sign(&to_be_signed(kind, &protected, &payload)).to_bytes());
    w.finish()
}

/// `COSE_Sign1`: protected header, payload and signature.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8; 64])> {
    let mut r = Reader::new(bytes);
    r.array_of(4)?;
    let protected = r.bytes()?;
    let unprotected = r.map()?;
    let (payload, signature) = (r.bytes()?, r.bytes()?);
    (unprotected == 0 && r.finished()).then_some((protected, payload, signature.try_into().ok()?))
}

/// A message that is well formed; its signature is not yet checked.
#[derive(Clone, Debug)]
pub struct Unverified {
    kid: KeyId,
    payload: Vec<u8>,
    signature: [u8; 64],
    signed: Vec<u8>,
}

impl Unverified {
    /// Reads a message of at most `max` bytes, strictly.
    pub fn parse(kind: Kind, bytes: &[u8], max: usize) -> Result<Self, CoseError> {
        if bytes.len() > max {
            return Err(CoseError::TooLarge);
        }
        let (protected, payload, signature) = parts(bytes).ok_or(CoseError::Malformed)?;
        let header: Protected = from_slice(protected, 64).map_err(|_| CoseError::Malformed)?;
        if header.alg != ALG_EDDSA {
            return Err(CoseError::Malformed);
        }
        let signed = to_be_signed(kind, protected, payload);
        Ok(Self { kid: header.kid, payload: payload.to_vec(), signature: *signature, signed })
    }

    /// The key that is said to have signed. A claim until [`Unverified::verify`].
    pub fn kid(&self) -> KeyId {
        self.kid
    }

    /// What is said to be signed. A claim until [`Unverified::verify`].
    pub fn claimed_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The message's name: SHA-256 of what is signed, so of kind, protected header and payload, not of the signature.
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.signed)
    }

    /// The payload, if `key` signed it. Always strict (RFC 8032 without its leniencies), never a batch.
    pub fn verify(&self, key: &SignPublic) -> Result<&[u8], CoseError> {
        if key.id() != self.kid {
            return Err(CoseError::WrongKey);
        }
        let key = key.key().ok_or(CoseError::WrongKey)?;
        key.verify_strict(&self.signed, &Signature::from_bytes(&self.signature))
            .map_err(|_| CoseError::BadSignature)?;
        Ok(&self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_refused() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let public = SignPublic::from(key.verifying_key());
        let good = sign(Kind::Op, vec![1, 2, 3], &key);
        let read = |bytes: &[u8], kind| -> Result<Vec<u8>, CoseError> {
            Unverified::parse(kind, bytes, 1000)?.verify(&public).map(<[u8]>::to_vec)
        };
        assert_eq!(read(&good, Kind::Op), Ok(vec![1, 2, 3]));
        assert_eq!(read(&good, Kind::Head), Err(CoseError::BadSignature));
        for i in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[i / 8] ^= 1 << (i % 8);
            assert!(read(&bad, Kind::Op).is_err(), "bit {i}");
        }
        for n in 0..good.len() {
            assert!(read(&good[..n], Kind::Op).is_err());
        }
        assert_eq!(Unverified::parse(Kind::Op, &good, 10).unwrap_err(), CoseError::TooLarge);
    }
}
