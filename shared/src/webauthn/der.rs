//! ECDSA signatures as authenticators write them: DER of `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279, section
//! 2.2.3). Platforms want the two numbers side by side.

/// r and s, 32 bytes each, from DER to the last byte; `None` for any other spelling than the canonical one.
pub(super) fn ecdsa_signature(der: &[u8]) -> Option<[u8; 64]> {
    let (body, rest) = element(der, 0x30)?;
    let (r, body) = element(body, 0x02)?;
    let (s, body) = element(body, 0x02)?;
    if !rest.is_empty() || !body.is_empty() {
        return None;
    }
    let mut out = [0; 64];
    let (left, right) = out.split_at_mut(32);
    unsigned(r, left)?;
    unsigned(s, right)?;
    Some(out)
}

/// The content of an element with a one-byte length, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    match der {
        // Two numbers of at most 33 bytes never need a longer length.
        [first, length @ ..0x80, rest @ ..] if *first == tag => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

/// Writes a positive INTEGER right-aligned.
fn unsigned(integer: &[u8], out: &mut [u8]) -> Option<()> {
    let digits = match integer {
        // A leading zero only where the number would be negative without it.
        [0, digits @ ..] if digits.first().is_some_and(|first| first & 0x80 != 0) => digits,
        [1..0x80, ..] => integer,
        _ => return None,
    };
    let at = out.len().checked_sub(digits.len())?;
    out.get_mut(at..)?.copy_from_slice(digits);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::{DerSignature, Signature};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_a_library_reads_it(r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), zeros in 0usize..32) {
            let mut r = r;
            r[..zeros].fill(0);
            if let Ok(signature) = Signature::from_scalars(r, s) {
                let der = DerSignature::from(signature).as_bytes().to_vec();
                prop_assert_eq!(ecdsa_signature(&der).map(|raw| raw.to_vec()), Some(signature.to_bytes().to_vec()));
                for cut in 0..der.len() {
                    prop_assert_eq!(ecdsa_signature(&der[..cut]), None);
                }
                prop_assert_eq!(ecdsa_signature(&[&der[..], &[0]].concat()), None);
            }
        }

        #[test]
        fn takes_nothing_that_a_library_refuses(bytes in prop::collection::vec(any::<u8>(), 0..76)) {
            let der = [&[0x30, u8::try_from(bytes.len()).unwrap()][..], &bytes].concat();
            if ecdsa_signature(&der).is_some() {
                let ok = DerSignature::from_bytes(&der).is_ok();
                // Numbers at or above the order are for the platform to refuse.
                prop_assert!(ok || Signature::from_slice(&ecdsa_signature(&der).unwrap()).is_err());
            }
        }
    }

    #[test]
    fn one_spelling() {
        let good = [0x30, 6, 2, 1, 5, 2, 1, 7];
        assert_eq!(ecdsa_signature(&good).map(|raw| (raw[31], raw[63])), Some((5, 7)));
        for bad in [
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 7][..],
            &[0x30, 6, 2, 1, 0x85, 2, 1, 7],
            &[0x30, 5, 2, 0, 2, 1, 7],
            &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 7],
            &[0x31, 6, 2, 1, 5, 2, 1, 7],
            &[0x30, 6, 2, 1, 0, 2, 1, 7],
        ] {
            assert_eq!(ecdsa_signature(bad), None, "{bad:?}");
        }
        let long = [&[0x30, 37, 2, 33][..], &[1; 33], &[2, 1, 7]].concat();
        assert_eq!(ecdsa_signature(&long), None);
    }
}
