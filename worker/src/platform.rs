//! P-256 and RSA, asked of WebCrypto.

use js_sys::futures::JsFuture;
use latchkey_shared::webauthn::{CredentialKey, Question};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// In `shim.mjs`: whether `key` is one and, unless `signature` is empty, verifies it. Refuses rather than throws.
    #[wasm_bindgen(js_name = latchkeyHolds)]
    fn ask(algorithm: &str, key: &[u8], message: &[u8], signature: &[u8]) -> js_sys::Promise;
}

/// The platform's answer.
pub(crate) async fn holds(question: &Question) -> bool {
    let (key, message, signature) = match question {
        Question::Key { key } => (key, &[][..], &[][..]),
        Question::Signature { key, message, signature } => (key, message.as_slice(), signature.as_slice()),
    };
    let bytes = match key {
        CredentialKey::Es256(point) => point.as_slice(),
        CredentialKey::Rs256(modulus) => modulus.as_slice(),
        CredentialKey::EdDsa(_) => return false,
    };
    let answer = JsFuture::from(ask(key.algorithm_name(), bytes, message, signature)).await;
    answer.is_ok_and(|holds| holds.is_truthy())
}
