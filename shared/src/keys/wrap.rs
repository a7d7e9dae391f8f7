//! A member's seed at rest in the cloud: encrypted under a passkey's PRF output, the recovery kit, or a passphrase.

use super::{Kit, Seed, derive};
use crate::error::coded_error;
use crate::id::{AccountId, Hash32};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why a wrapped seed does not open.
    pub enum WrapError {
        Wrong = "wrap.wrong", "That does not unlock your keys. Try another passkey, or the recovery kit.";
    }
}

/// What a seed is wrapped under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WrapKind {
    /// The PRF output of a passkey (WebAuthn level 3, `prf` extension).
    Prf,
    /// The printed recovery kit.
    Kit,
    /// A passphrase, stretched with Argon2id (RFC 9106) by the caller.
    Passphrase,
}

impl WrapKind {
    /// As it is spelled in JSON and in derivations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prf => "prf",
            Self::Kit => "kit",
            Self::Passphrase => "passphrase",
        }
    }

    /// From its spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Prf, Self::Kit, Self::Passphrase].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Hashed, this is what passkeys evaluate their PRF on.
pub const PRF_INPUT_LABEL: &str = "latchkey/v1/prf";

/// The PRF's input: SHA-256 of [`PRF_INPUT_LABEL`].
pub fn prf_input() -> [u8; 32] {
    Hash32::of(PRF_INPUT_LABEL.as_bytes()).0
}

const SALT: &str = "latchkey/v1/wrap";
const NONCE: usize = 12;

/// Encrypts seeds: ChaCha20Poly1305 (RFC 8439) under a key derived for one kind of secret.
#[derive(ZeroizeOnDrop)]
pub struct WrapKey {
    key: [u8; 32],
    #[zeroize(skip)]
    kind: WrapKind,
}

impl WrapKey {
    fn new(secret: &[u8], kind: WrapKind) -> Self {
        Self { key: derive(secret, SALT, kind.as_str().as_bytes()), kind }
    }

    /// From a passkey's PRF output.
    pub fn from_prf(output: &[u8; 32]) -> Self {
        Self::new(output, WrapKind::Prf)
    }

    /// From the recovery kit.
    pub fn from_kit(kit: &Kit) -> Self {
        Self::new(kit.secret(), WrapKind::Kit)
    }

    /// From the 32 bytes that Argon2id made of a passphrase.
    pub fn from_stretched(passphrase: &[u8; 32]) -> Self {
        Self::new(passphrase, WrapKind::Passphrase)
    }

    fn aad(&self, account: &AccountId) -> Vec<u8> {
        [SALT.as_bytes(), &account.0, self.kind.as_str().as_bytes()].concat()
    }

    /// `nonce || ciphertext`, bound to the account.
    pub fn wrap(&self, account: &AccountId, seed: &Seed, rng: &mut impl CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let aad = self.aad(account);
        let payload = Payload { msg: seed.expose(), aad: &aad };
        let cipher = ChaCha20Poly1305::new(&Key::from(self.key));
        // Encryption of 32 bytes does not fail; an empty text would open for nobody.
        let text = cipher.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &text].concat()
    }

    /// Opens what [`WrapKey::wrap`] made for this account.
    pub fn unwrap(&self, account: &AccountId, wrapped: &[u8]) -> Result<Seed, WrapError> {
        let (nonce, text) = wrapped.split_at_checked(NONCE).ok_or(WrapError::Wrong)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| WrapError::Wrong)?;
        let aad = self.aad(account);
        let cipher = ChaCha20Poly1305::new(&Key::from(self.key));
        let seed = cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: text, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| WrapError::Wrong)?;
        Seed::from_slice(&seed).ok_or(WrapError::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn opens_for_its_secret_and_account_alone() {
        let mut rng = rng(4);
        let seed = Seed::generate(&mut rng);
        let (me, other) = (AccountId::generate(&mut rng), AccountId::generate(&mut rng));
        let wrapped = WrapKey::from_prf(&[1; 32]).wrap(&me, &seed, &mut rng);
        assert_eq!(WrapKey::from_prf(&[1; 32]).unwrap(&me, &wrapped).unwrap().expose(), seed.expose());
        assert!(WrapKey::from_prf(&[2; 32]).unwrap(&me, &wrapped).is_err());
        assert!(WrapKey::from_stretched(&[1; 32]).unwrap(&me, &wrapped).is_err());
        assert!(WrapKey::from_prf(&[1; 32]).unwrap(&other, &wrapped).is_err());
        assert!(WrapKey::from_prf(&[1; 32]).unwrap(&me, &wrapped[..11]).is_err());
    }
}
