//! HPKE (RFC 9180), base mode, one shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. A sealed value is
//! the 32-byte encapsulated key, then the ciphertext. Base mode says nothing of the sender, so a seal counts only
//! inside a signed op.

use crate::error::coded_error;
use crate::id::SealPublic;
use core::fmt;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Kem;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why a value could not be sealed or opened.
    pub enum SealError {
        BadKey = "seal.bad_key", "The recipient's key is not usable. Pair or invite again.";
        NotForYou = "seal.not_for_you", "This cannot be opened with the keys on this device.";
    }
}

/// Bytes of an encapsulated key.
const ENC: usize = 32;
/// Bytes that sealing adds: the encapsulated key and the tag.
pub const OVERHEAD: usize = ENC + 16;

/// An X25519 secret key. Wiped when dropped, never shown.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SealSecret([u8; 32]);

impl SealSecret {
    /// From 32 secret bytes; clamping is RFC 7748's.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret key that a published vector names.
    #[cfg(any(test, feature = "testing"))]
    pub fn of_a_vector(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn private(&self) -> Result<<Kem as hpke::Kem>::PrivateKey, SealError> {
        <Kem as hpke::Kem>::PrivateKey::from_bytes(&self.0).map_err(|_| SealError::BadKey)
    }

    /// The public half.
    pub fn public(&self) -> SealPublic {
        let mut out = [0; 32];
        if let Ok(private) = self.private() {
            out.copy_from_slice(&Kem::sk_to_pk(&private).to_bytes());
        }
        SealPublic(out)
    }
}

impl fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealSecret(..)")
    }
}

/// Seals `plain` so that only `to` can open it, with the same `info` and `aad`.
pub fn seal(
    to: &SealPublic,
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let to = <Kem as hpke::Kem>::PublicKey::from_bytes(&to.0).map_err(|_| SealError::BadKey)?;
    let (enc, cipher) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &to,
        info,
        plain,
        aad,
        rng,
    )
    .map_err(|_| SealError::BadKey)?;
    let mut out = enc.to_bytes().to_vec();
    out.extend_from_slice(&cipher);
    Ok(out)
}

/// Opens what was sealed to `secret`'s public half with the same `info` and `aad`.
pub fn open(
    secret: &SealSecret,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (enc, cipher) = sealed.split_at_checked(ENC).ok_or(SealError::NotForYou)?;
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(enc).map_err(|_| SealError::NotForYou)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &secret.private()?,
        &enc,
        info,
        cipher,
        aad,
    )
    .map(Zeroizing::new)
    .map_err(|_| SealError::NotForYou)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn opens_only_in_place() {
        let (me, other) = (SealSecret::from_bytes([1; 32]), SealSecret::from_bytes([2; 32]));
        let sealed = seal(&me.public(), b"info", b"aad", b"1234", &mut rng(1)).unwrap();
        assert_eq!(sealed.len(), 4 + OVERHEAD);
        assert_eq!(open(&me, b"info", b"aad", &sealed).unwrap().as_slice(), b"1234");
        for bad in [
            open(&other, b"info", b"aad", &sealed),
            open(&me, b"inf0", b"aad", &sealed),
            open(&me, b"info", b"aae", &sealed),
            open(&me, b"info", b"aad", &sealed[..sealed.len() - 1]),
            open(&me, b"info", b"aad", &sealed[..20]),
        ] {
            assert_eq!(bad.unwrap_err(), SealError::NotForYou);
        }
        assert!(seal(&SealPublic([0; 32]), b"", b"", b"x", &mut rng(1)).is_err(), "low order point");
    }
}
