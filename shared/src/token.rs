//! Tokens by which programs use the API. The text is shown once; the cloud keeps its SHA-256.
//!
//! `lk_`, 32 characters of base32 that are 20 random bytes, and 6 characters that check them: so that scanners find
//! a token that leaked (`lk_[a-z2-7]{38}`) and tell it from text that merely looks like one.

use crate::id::Hash32;
use crate::text;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const PREFIX: &str = "lk_";
const SALT: &[u8] = b"latchkey/v1/token";
const SECRET: usize = 20;
const CHECK: usize = 6;
const NONCE: usize = 12;

/// A token's 20 secret bytes. Wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ApiToken([u8; SECRET]);

impl ApiToken {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; SECRET];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads one; `None` unless it is in its one form and its check fits.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(PREFIX)?;
        let (secret, _) = body.split_at_checked(SECRET * 8 / 5)?;
        let bytes = Zeroizing::new(text::unb32(secret)?);
        let token = Self(bytes.as_slice().try_into().ok()?);
        if *token.text() == *text { Some(token) } else { None }
    }

    /// The text to hand over.
    pub fn text(&self) -> Zeroizing<String> {
        let check = Hash32::of(&[SALT, &self.0].concat()).to_string();
        let secret = Zeroizing::new(text::b32(&self.0));
        Zeroizing::new(format!("{PREFIX}{}{}", secret.as_str(), check.get(..CHECK).unwrap_or_default()))
    }

    /// What the cloud keeps.
    pub fn hash(&self) -> Hash32 {
        Hash32::of(self.text().as_bytes())
    }

    /// A key that only this token and this text together give.
    pub fn derive(&self, info: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(crate::keys::derive(&self.0, "latchkey/v1/token", info))
    }
}

/// Encrypts what is kept for a caller who may ask again: `nonce || ChaCha20-Poly1305`, under a key of
/// [`ApiToken::derive`], which is kept nowhere.
pub fn seal_answer(key: &[u8; 32], plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let payload = Payload { msg: plain, aad: SALT };
    // Encryption of a few kB does not fail; an empty text would open for nobody.
    let text = cipher(key).encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
    [&nonce[..], &text].concat()
}

/// Decrypts it; `None` if it was made under another key.
pub fn open_answer(key: &[u8; 32], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: text, aad: SALT };
    cipher(key).decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}

impl core::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ApiToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn a_token_has_one_text_that_checks_itself() {
        let token = ApiToken::generate(&mut rng(60));
        let text = token.text();
        assert_eq!(text.len(), 41);
        assert!(
            text.strip_prefix("lk_").unwrap().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
        assert_eq!(ApiToken::parse(&text).unwrap().hash(), token.hash());
        for at in 0..text.len() {
            let mut bad = text.to_string().into_bytes();
            bad[at] = if bad[at] == b'a' { b'b' } else { b'a' };
            assert!(ApiToken::parse(core::str::from_utf8(&bad).unwrap()).is_none(), "{at}");
        }
        for bad in ["", "lk_", &text[1..], &text[..40], &format!("{}a", *text), "lk_é", &text.to_uppercase()]
        {
            assert!(ApiToken::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{token:?}"), "ApiToken(..)");
        assert_ne!(token.derive(b"a"), token.derive(b"b"));
        let key = token.derive(b"booking 7");
        let sealed = seal_answer(&key, b"answer", &mut rng(61));
        assert_eq!(open_answer(&key, &sealed).unwrap().as_slice(), b"answer");
        assert!(open_answer(&token.derive(b"booking 8"), &sealed).is_none());
        assert!(open_answer(&key, &sealed[1..]).is_none() && open_answer(&key, &[]).is_none());
    }
}
