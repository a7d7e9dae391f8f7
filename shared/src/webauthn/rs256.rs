//! RSASSA-PKCS1-v1_5 verification with SHA-256 (RFC 8017, section 8.2.2), for Windows Hello.
//!
//! Verification only, so nothing here is secret and nothing need take constant time: that is why it can be this
//! small, where a general library costs the Worker a tenth of its size. The expected encoding is built and compared
//! whole: nothing of what comes out of the exponentiation is parsed.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

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
    let (modulus, base) = (limbs(n), limbs(signature));
    if compare(&base, &modulus) != Ordering::Less {
        return false;
    }
    Montgomery::new(modulus).pow_65537(&base) == limbs(&expected(n.len(), message))
}

/// Big endian bytes, a multiple of four, as limbs from the least.
fn limbs(bytes: &[u8]) -> Vec<u32> {
    bytes.rchunks_exact(4).map(|b| b.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte))).collect()
}

fn compare(a: &[u32], b: &[u32]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// Subtracts `b` from `a`, which may have a carry above its limbs.
fn subtract(a: &mut [u32], b: &[u32]) {
    let mut borrow = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let difference = i64::from(*a) - i64::from(*b) + borrow;
        *a = difference as u32;
        borrow = difference >> 32;
    }
}

/// Montgomery's multiplication modulo an odd `n` with its top bit set, R = 2^(32·limbs).
struct Montgomery {
    n: Vec<u32>,
    /// −n⁻¹ mod 2^32.
    inverse: u32,
}

impl Montgomery {
    fn new(n: Vec<u32>) -> Self {
        // Newton: each step doubles the bits that are right; an odd number is its own inverse modulo 8.
        let inverse = (0..4).fold(n[0], |x, _| x.wrapping_mul(2u32.wrapping_sub(n[0].wrapping_mul(x))));
        Montgomery { n, inverse: inverse.wrapping_neg() }
    }

    /// a·b/R mod n, for a, b < n.
    fn multiply(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut sum = vec![0u32; self.n.len()];
        let mut top = 0;
        for &a in a {
            let low = sum[0].wrapping_add(a.wrapping_mul(b[0]));
            let m = low.wrapping_mul(self.inverse);
            // Two carries, because both products together can exceed 64 bits.
            let (mut carry, mut reduced) = (0, 0);
            for i in 0..sum.len() {
                let product = u64::from(a) * u64::from(b[i]) + u64::from(sum[i]) + carry;
                carry = product >> 32;
                let folded = u64::from(m) * u64::from(self.n[i]) + u64::from(product as u32) + reduced;
                reduced = folded >> 32;
                if i > 0 {
                    sum[i - 1] = folded as u32;
                }
            }
            let above = carry + reduced + top;
            let last = sum.len() - 1;
            sum[last] = above as u32;
            top = above >> 32;
        }
        if top != 0 || compare(&sum, &self.n) != Ordering::Less {
            subtract(&mut sum, &self.n);
        }
        sum
    }

    /// R² mod n, by doubling R mod n as often as R has bits.
    fn r_squared(&self) -> Vec<u32> {
        // n has its top bit set, so R − n < n.
        let mut x = vec![0; self.n.len()];
        subtract(&mut x, &self.n);
        for _ in 0..self.n.len() * 32 {
            let carry = x.iter_mut().fold(0, |carry, limb| {
                let next = *limb >> 31;
                *limb = *limb << 1 | carry;
                next
            });
            if carry != 0 || compare(&x, &self.n) != Ordering::Less {
                subtract(&mut x, &self.n);
            }
        }
        x
    }

    /// base^65537 mod n, for base < n.
    fn pow_65537(&self, base: &[u32]) -> Vec<u32> {
        let base_r = self.multiply(base, &self.r_squared());
        let power = (0..16).fold(base_r, |x, _| self.multiply(&x, &x));
        // One factor without R takes the R away.
        self.multiply(&power, base)
    }
}

/// EMSA-PKCS1-v1_5: `00 01 FF … FF 00 DigestInfo`.
fn expected(len: usize, message: &[u8]) -> Vec<u8> {
    let tail = DIGEST_INFO.len() + 32;
    let mut out = vec![0xff; len];
    out[0] = 0;
    out[1] = 1;
    out[len - tail - 1] = 0;
    out[len - tail..len - 32].copy_from_slice(&DIGEST_INFO);
    out[len - 32..].copy_from_slice(&Sha256::digest(message));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
    use crypto_bigint::{BoxedUint, Odd};

    /// Against a general library.
    fn by_library(n: &[u8], base: &[u8]) -> Vec<u8> {
        let bits = u32::try_from(n.len() * 8).unwrap();
        let modulus = Odd::new(BoxedUint::from_be_slice(n, bits).unwrap()).into_option().unwrap();
        let base = BoxedUint::from_be_slice(base, bits).unwrap();
        let base = BoxedMontyForm::new(base, &BoxedMontyParams::new_vartime(modulus));
        let power = (0..16).fold(base.clone(), |x, _| x.square());
        power.mul(&base).retrieve().to_be_bytes().to_vec()
    }

    fn check(n: &[u8], base: &[u8]) {
        assert!(modulus_ok(n));
        assert_eq!(Montgomery::new(limbs(n)).pow_65537(&limbs(base)), limbs(&by_library(n, base)));
    }

    #[test]
    fn extremes() {
        for len in [256, 320, 512] {
            let full = vec![0xff; len];
            let mut least = vec![0; len];
            (least[0], least[len - 1]) = (0x80, 1);
            let mut one = vec![0; len];
            one[len - 1] = 1;
            for n in [&full, &least] {
                let mut below = n.clone();
                below[len - 1] -= 1;
                for base in [&vec![0; len], &one, &below] {
                    check(n, base);
                }
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
        #[test]
        fn as_a_library_says(
            mut n in proptest::collection::vec(proptest::prelude::any::<u8>(), 256),
            mut base in proptest::collection::vec(proptest::prelude::any::<u8>(), 256),
        ) {
            n[0] |= 0x80;
            n[255] |= 1;
            base[0] &= 0x7f;
            check(&n, &base);
        }
    }
}
