//! Project Wycheproof: vectors made to catch what implementations get wrong.

use crate::{Row, must};
use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, KeySizeUser, Payload};
use ed25519_dalek::{Signature, VerifyingKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wycheproof::{TestResult, aead, eddsa, hkdf as kdf, mac, xdh};

/// Counts vectors: `took` is whether the code took one that was to be taken or not.
struct Count(Row);

impl Count {
    fn new(set: &'static str) -> Self {
        Self(Row { set, good: 0, refused: 0 })
    }

    fn note(&mut self, id: usize, result: TestResult, took: bool) -> Result<(), String> {
        let wanted = match result {
            TestResult::Valid => true,
            TestResult::Invalid => false,
            // Whether to take these is a matter of taste; neither is wrong.
            TestResult::Acceptable => took,
        };
        must(took == wanted, || format!("{}: vector {id} is {result:?}", self.0.set))?;
        *(if took { &mut self.0.good } else { &mut self.0.refused }) += 1;
        Ok(())
    }
}

fn load<T, E: std::fmt::Debug>(set: Result<T, E>) -> Result<T, String> {
    set.map_err(|e| format!("the vectors cannot be read: {e:?}"))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

pub(crate) fn ed25519() -> Result<Row, String> {
    let mut count = Count::new("Wycheproof Ed25519, verify_strict");
    for group in load(eddsa::TestSet::load(eddsa::TestName::Ed25519))?.test_groups {
        let key = fixed::<32>(&group.key.pk).and_then(|key| VerifyingKey::from_bytes(&key).ok());
        for test in group.tests {
            let signature = Signature::from_slice(&test.sig);
            let took =
                key.zip(signature.ok()).is_some_and(|(key, sig)| key.verify_strict(&test.msg, &sig).is_ok());
            count.note(test.tc_id, test.result, took)?;
        }
    }
    Ok(count.0)
}

pub(crate) fn x25519() -> Result<Row, String> {
    let mut count = Count::new("Wycheproof X25519");
    for group in load(xdh::TestSet::load(xdh::TestName::X25519))?.test_groups {
        for test in group.tests {
            let (secret, public) = (fixed::<32>(&test.private_key), fixed::<32>(&test.public_key));
            let shared = secret.zip(public).map(|(secret, public)| {
                let secret = x25519_dalek::StaticSecret::from(secret);
                secret.diffie_hellman(&x25519_dalek::PublicKey::from(public))
            });
            let took = shared.is_some_and(|shared| shared.as_bytes()[..] == test.shared_secret[..]);
            count.note(test.tc_id, test.result, took)?;
        }
    }
    Ok(count.0)
}

fn ciphers<C: Aead + KeyInit + KeySizeUser>(
    set: &'static str,
    name: aead::TestName,
    open: impl Fn(&[u8], &[u8], Payload<'_, '_>) -> Option<Vec<u8>>,
    seal: impl Fn(&[u8], &[u8], Payload<'_, '_>) -> Option<Vec<u8>>,
) -> Result<Row, String> {
    let mut count = Count::new(set);
    let gcm = name == aead::TestName::AesGcm;
    for group in load(aead::TestSet::load(name))?.test_groups {
        // AES-GCM is used with nonces of 96 bits alone; its type takes no others.
        if gcm && group.nonce_size != 96 {
            continue;
        }
        if (group.key_size, group.tag_size) != (C::key_size() * 8, 128) {
            continue;
        }
        for test in group.tests {
            let sealed = [&test.ct[..], &test.tag].concat();
            let plain = open(&test.key, &test.nonce, Payload { msg: &sealed, aad: &test.aad });
            let took = plain.is_some_and(|plain| plain == test.pt[..]);
            count.note(test.tc_id, test.result, took)?;
            if took {
                let again = seal(&test.key, &test.nonce, Payload { msg: &test.pt, aad: &test.aad });
                must(again.as_deref() == Some(&sealed[..]), || {
                    format!("{set}: vector {} seals otherwise", test.tc_id)
                })?;
            }
        }
    }
    Ok(count.0)
}

pub(crate) fn chacha20_poly1305() -> Result<Row, String> {
    let cipher = |key: &[u8]| ChaCha20Poly1305::new_from_slice(key).ok();
    let nonce = fixed::<12>;
    ciphers::<ChaCha20Poly1305>(
        "Wycheproof ChaCha20-Poly1305",
        aead::TestName::ChaCha20Poly1305,
        |key, iv, text| cipher(key)?.decrypt(&nonce(iv)?.into(), text).ok(),
        |key, iv, text| cipher(key)?.encrypt(&nonce(iv)?.into(), text).ok(),
    )
}

pub(crate) fn aes_256_gcm() -> Result<Row, String> {
    let cipher = |key: &[u8]| Aes256Gcm::new_from_slice(key).ok();
    let nonce = fixed::<12>;
    ciphers::<Aes256Gcm>(
        "Wycheproof AES-256-GCM, nonces of 96 bits",
        aead::TestName::AesGcm,
        |key, iv, text| cipher(key)?.decrypt(&nonce(iv)?.into(), text).ok(),
        |key, iv, text| cipher(key)?.encrypt(&nonce(iv)?.into(), text).ok(),
    )
}

pub(crate) fn hkdf_sha256() -> Result<Row, String> {
    let mut count = Count::new("Wycheproof HKDF-SHA256");
    for group in load(kdf::TestSet::load(kdf::TestName::HkdfSha256))?.test_groups {
        for test in group.tests {
            let mut out = vec![0; test.size];
            let made = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut out).is_ok();
            count.note(
                test.tc_id,
                test.result,
                made && (out == test.okm[..] || test.result == TestResult::Invalid),
            )?;
        }
    }
    Ok(count.0)
}

pub(crate) fn hmac_sha256() -> Result<Row, String> {
    let mut count = Count::new("Wycheproof HMAC-SHA256");
    for group in load(mac::TestSet::load(mac::TestName::HmacSha256))?.test_groups {
        for test in group.tests {
            let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&test.key).map_err(|e| e.to_string())?;
            let took = mac.chain_update(&*test.msg).verify_truncated_left(&test.tag).is_ok();
            let whole = test.tag.len() * 8 == group.tag_size;
            count.note(test.tc_id, test.result, took && whole)?;
        }
    }
    Ok(count.0)
}
