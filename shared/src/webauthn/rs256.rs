//! RSASSA-PKCS1-v1_5 verification with SHA-256 (RFC 8017, section 8.2.2), for Windows Hello.
//!
//! Verification only, so nothing here is secret. The expected encoding is built and compared whole: nothing of
//! what comes out of the exponentiation is parsed.

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use sha2::{Digest, Sha256};

/// 65537, the only exponent taken.
pub(super) const EXPONENT: [u8; 3] = [1, 0, 1];

/// DER of `DigestInfo` up to the SHA-256 value.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// 2048 to 4096 bits in whole bytes, top bit set, odd.
pub(super) fn modulus_ok(n: &[u8]) -> bool {
    (256..=512).contains(&n.len())
        && n.len().is_multiple_of(64)
        && n[0] & 0x80 != 0
        && n[n.len() - 1] & 1 == 1
}

pub(super) fn verify(n: &[u8], message: &[u8], signature: &[u8]) -> bool {
    if !modulus_ok(n) || signature.len() != n.len() {
        return false;
    }
    encoded(n, signature).is_some_and(|given| given == expected(n.len(), message))
}

/// `signature ^ 65537 mod n`, big endian, as long as `n`.
fn encoded(n: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let bits = u32::try_from(n.len()).ok()? * 8;
    let modulus = BoxedUint::from_be_slice(n, bits).ok()?;
    let base = BoxedUint::from_be_slice(signature, bits).ok()?;
    if base >= modulus {
        return None;
    }
    let modulus = Odd::new(modulus).into_option()?;
    let base = BoxedMontyForm::new(base, &BoxedMontyParams::new_vartime(modulus));
    // 65537 = 2^16 + 1.
    let mut power = base.clone();
    for _ in 0..16 {
        power = power.square();
    }
    let value = power.mul(&base).retrieve().to_be_bytes();
    (value.len() == n.len()).then(|| value.to_vec())
}

/// EMSA-PKCS1-v1_5: `00 01 FF … FF 00 DigestInfo`.
fn expected(len: usize, message: &[u8]) -> Vec<u8> {
    let tail = DIGEST_INFO.len() + 32;
    let mut out = alloc::vec![0xff; len];
    out[0] = 0;
    out[1] = 1;
    out[len - tail - 1] = 0;
    out[len - tail..len - 32].copy_from_slice(&DIGEST_INFO);
    out[len - 32..].copy_from_slice(&Sha256::digest(message));
    out
}
