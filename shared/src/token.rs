//! Tokens by which programs use the API. The text is shown once; the cloud keeps its SHA-256.
//!
//! `lk_`, 32 characters of base32 that are 20 random bytes, and 6 characters that check them: so that scanners find
//! a token that leaked (`lk_[a-z2-7]{38}`) and tell it from text that merely looks like one.

use crate::id::Hash32;
use crate::text;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const PREFIX: &str = "lk_";
const SALT: &[u8] = b"latchkey/v1/token";
const SECRET: usize = 20;
const CHECK: usize = 6;

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
        Zeroizing::new(format!("{PREFIX}{}{}", secret.as_str(), &check[..CHECK]))
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
    }
}
