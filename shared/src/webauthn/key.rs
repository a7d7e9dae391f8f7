//! Public keys of credentials: COSE_Key in CTAP2's canonical form, and nothing beside it.

use alloc::vec::Vec;

use super::platform::{Platform, Question};
use super::{WebauthnError, der};
use crate::wire::cbor::{Reader, Writer};

/// 65537, the only exponent of RSA that is taken.
const EXPONENT: [u8; 3] = [1, 0, 1];

const KTY: i64 = 1;
const ALG: i64 = 3;

/// COSE algorithm numbers, in the order in which they are asked for.
pub const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// A credential's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKey {
    /// ECDSA on P-256 with SHA-256 (−7); uncompressed SEC1 point.
    Es256([u8; 65]),
    /// Ed25519 (−8).
    EdDsa([u8; 32]),
    /// RSASSA-PKCS1-v1_5 with SHA-256 (−257); modulus, with the exponent 65537.
    Rs256(Vec<u8>),
}

impl CredentialKey {
    /// The COSE algorithm number.
    pub fn algorithm(&self) -> i64 {
        match self {
            CredentialKey::Es256(_) => -7,
            CredentialKey::EdDsa(_) => -8,
            CredentialKey::Rs256(_) => -257,
        }
    }

    /// Reads a COSE_Key: exactly the labels of its kind, once, in order, to the last byte. It may still be no key that
    /// anything verifies under: [`CredentialKey::check`] says.
    pub fn from_cose(data: &[u8]) -> Result<Self, WebauthnError> {
        let key = parse(data).ok_or(WebauthnError::PublicKey)?;
        // Written again and compared, so that a key has one spelling.
        if key.to_cose() == data { Ok(key) } else { Err(WebauthnError::PublicKey) }
    }

    /// Writes the COSE_Key in canonical form.
    pub fn to_cose(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let mut labels = |len, kind| {
            w.map(len);
            for n in [KTY, kind, ALG, self.algorithm(), -1] {
                w.int(n);
            }
        };
        match self {
            CredentialKey::Es256(point) => {
                labels(5, 2);
                w.int(1);
                w.int(-2);
                w.bytes(&point[1..33]);
                w.int(-3);
                w.bytes(&point[33..]);
            }
            CredentialKey::EdDsa(x) => {
                labels(4, 1);
                w.int(6);
                w.int(-2);
                w.bytes(x);
            }
            CredentialKey::Rs256(n) => {
                labels(4, 3);
                w.bytes(n);
                w.int(-2);
                w.bytes(&EXPONENT);
            }
        }
        w.finish()
    }

    /// Whether it is a key: a point on its curve and of full order, a modulus of 2048 to 4096 bits.
    pub fn check(&self, platform: &dyn Platform) -> Result<(), WebauthnError> {
        let ok = match self {
            CredentialKey::EdDsa(x) => {
                ed25519_dalek::VerifyingKey::from_bytes(x).is_ok_and(|key| !key.is_weak())
            }
            CredentialKey::Rs256(n) if !modulus_ok(n) => false,
            CredentialKey::Es256(_) | CredentialKey::Rs256(_) => {
                platform.holds(&Question::Key { key: self.clone() })
            }
        };
        if ok { Ok(()) } else { Err(WebauthnError::PublicKey) }
    }

    /// Verifies `signature` over `message`.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        platform: &dyn Platform,
    ) -> Result<(), WebauthnError> {
        let ask = |signature: Vec<u8>| {
            platform.holds(&Question::Signature { key: self.clone(), message: message.to_vec(), signature })
        };
        let ok = match self {
            CredentialKey::Es256(_) => der::ecdsa_signature(signature).is_some_and(|raw| ask(raw.to_vec())),
            CredentialKey::EdDsa(x) => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(x).map_err(|_| WebauthnError::PublicKey)?;
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|sig| key.verify_strict(message, &sig).is_ok())
            }
            CredentialKey::Rs256(n) => signature.len() == n.len() && ask(signature.to_vec()),
        };
        if ok { Ok(()) } else { Err(WebauthnError::Signature) }
    }
}

/// 2048 to 4096 bits in whole bytes, top bit set, odd.
fn modulus_ok(n: &[u8]) -> bool {
    (256..=512).contains(&n.len())
        && n.len().is_multiple_of(64)
        && n.first().is_some_and(|first| first & 0x80 != 0)
        && n.last().is_some_and(|last| last & 1 == 1)
}

fn parse(data: &[u8]) -> Option<CredentialKey> {
    let mut r = Reader::new(data);
    let labels = r.map()?;
    let key_type = labelled(&mut r, KTY)?.int()?;
    let algorithm = labelled(&mut r, ALG)?.int()?;
    let first = labelled(&mut r, -1)?;
    Some(match (key_type, algorithm, labels) {
        (2, -7, 5) if first.int()? == 1 => {
            let mut point = [4; 65];
            point[1..33].copy_from_slice(exact(labelled(first, -2)?)?);
            point[33..].copy_from_slice(exact(labelled(first, -3)?)?);
            CredentialKey::Es256(point)
        }
        (1, -8, 4) if first.int()? == 6 => CredentialKey::EdDsa(*exact(labelled(first, -2)?)?),
        (3, -257, 4) => {
            let n = first.bytes()?;
            if labelled(first, -2)?.bytes()? != EXPONENT {
                return None;
            }
            CredentialKey::Rs256(n.to_vec())
        }
        _ => return None,
    })
}

fn labelled<'r, 'b>(reader: &'r mut Reader<'b>, label: i64) -> Option<&'r mut Reader<'b>> {
    (reader.int()? == label).then_some(reader)
}

fn exact<'b>(reader: &mut Reader<'b>) -> Option<&'b [u8; 32]> {
    reader.bytes()?.try_into().ok()
}
