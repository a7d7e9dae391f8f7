//! Public keys of credentials: COSE_Key in CTAP2's canonical form, and nothing beside it.

use alloc::vec::Vec;

use minicbor::Decoder;

use super::platform::{Platform, Question};
use super::{WebauthnError, der};

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
        let mut out = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut out);
        // Writing to a `Vec` cannot fail: its error type is empty.
        let _ = match self {
            CredentialKey::Es256(point) => encoder.map(5).and_then(|e| {
                e.i64(KTY)?.i64(2)?.i64(ALG)?.i64(-7)?.i64(-1)?.i64(1)?;
                e.i64(-2)?.bytes(&point[1..33])?.i64(-3)?.bytes(&point[33..])
            }),
            CredentialKey::EdDsa(x) => encoder
                .map(4)
                .and_then(|e| e.i64(KTY)?.i64(1)?.i64(ALG)?.i64(-8)?.i64(-1)?.i64(6)?.i64(-2)?.bytes(x)),
            CredentialKey::Rs256(n) => encoder.map(4).and_then(|e| {
                e.i64(KTY)?.i64(3)?.i64(ALG)?.i64(-257)?.i64(-1)?.bytes(n)?.i64(-2)?.bytes(&EXPONENT)
            }),
        };
        out
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
        && n[0] & 0x80 != 0
        && n[n.len() - 1] & 1 == 1
}

fn parse(data: &[u8]) -> Option<CredentialKey> {
    let mut d = Decoder::new(data);
    let labels = d.map().ok()??;
    let key_type = labelled(&mut d, KTY)?.i64().ok()?;
    let algorithm = labelled(&mut d, ALG)?.i64().ok()?;
    let key = match (key_type, algorithm, labels) {
        (2, -7, 5) => {
            if labelled(&mut d, -1)?.i64().ok()? != 1 {
                return None;
            }
            let mut point = [4; 65];
            point[1..33].copy_from_slice(exact::<32>(labelled(&mut d, -2)?)?);
            point[33..].copy_from_slice(exact::<32>(labelled(&mut d, -3)?)?);
            CredentialKey::Es256(point)
        }
        (1, -8, 4) => {
            if labelled(&mut d, -1)?.i64().ok()? != 6 {
                return None;
            }
            CredentialKey::EdDsa(*exact::<32>(labelled(&mut d, -2)?)?)
        }
        (3, -257, 4) => {
            let n = labelled(&mut d, -1)?.bytes().ok()?;
            if labelled(&mut d, -2)?.bytes().ok()? != EXPONENT {
                return None;
            }
            CredentialKey::Rs256(n.to_vec())
        }
        _ => return None,
    };
    Some(key)
}

fn labelled<'d, 'b>(decoder: &'d mut Decoder<'b>, label: i64) -> Option<&'d mut Decoder<'b>> {
    (decoder.i64().ok()? == label).then_some(decoder)
}

fn exact<'b, const N: usize>(decoder: &mut Decoder<'b>) -> Option<&'b [u8; N]> {
    decoder.bytes().ok()?.try_into().ok()
}
