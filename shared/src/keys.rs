//! Keys from seeds. A seed is 32 random bytes; HKDF-SHA256 (RFC 5869) derives what it is used for, each use under
//! its own salt, so that one seed never serves as two keys.

mod kit;
mod wrap;

pub use kit::{Kit, KitError};
pub use wrap::{PRF_INPUT_LABEL, WrapError, WrapKey, WrapKind, prf_input};

use crate::id::{HomeId, HubId, KeyId, SealPublic, SignPublic};
use crate::wire::cbor::{Blob, to_vec};
use crate::wire::derive::{Decode, Encode};
use crate::wire::hpke::{self, SealError, SealSecret};
use core::fmt;
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// HKDF-SHA256 of `secret` for one use. `N` is at most 64.
pub(crate) fn derive<const N: usize>(secret: &[u8], salt: &str, info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    // Fails only for outputs beyond 8,160 bytes.
    let done = Hkdf::<Sha256>::new(Some(salt.as_bytes()), secret).expand(info, &mut out);
    debug_assert!(done.is_ok());
    out
}

/// HMAC-SHA256 (RFC 2104) over a message under a key derived for this one use.
pub(crate) fn derived_mac(secret: &[u8], salt: &str, info: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(derive(secret, salt, info));
    // HMAC itself pads shorter keys with zeros to SHA-256's block.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&(*block).into());
    mac.update(message);
    mac
}

/// 32 secret bytes. Wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// From stored bytes; `None` unless there are 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, to be stored where only the owner can read them, or sealed.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Keys that sign and open seals: a member's or a hub's.
#[derive(Clone, Debug)]
pub struct Keys {
    sign: SigningKey,
    seal: SealSecret,
}

impl Keys {
    fn from_seed(seed: &Seed, salt: &str) -> Self {
        Self {
            sign: SigningKey::from_bytes(&derive(&seed.0, salt, b"sign")),
            seal: SealSecret::from_bytes(derive(&seed.0, salt, b"seal")),
        }
    }

    /// A person's.
    pub fn member(seed: &Seed) -> Self {
        Self::from_seed(seed, "latchkey/v1/member")
    }

    /// A hub's.
    pub fn hub(seed: &Seed) -> Self {
        Self::from_seed(seed, "latchkey/v1/hub")
    }

    /// The Worker's, with which it signs ops where an owner allows it. Nothing is ever sealed to them.
    pub fn issuer(sign: SigningKey) -> Self {
        let seal = SealSecret::from_bytes(derive(&sign.to_bytes(), "latchkey/v1/issuer", b"seal"));
        Self { sign, seal }
    }

    /// Signs ops, reports, events and requests.
    pub fn signing(&self) -> &SigningKey {
        &self.sign
    }

    /// Opens what is sealed to these keys.
    pub fn sealing(&self) -> &SealSecret {
        &self.seal
    }

    /// The id of the signing key.
    pub fn id(&self) -> KeyId {
        self.sign_public().id()
    }

    /// The public half that verifies.
    pub fn sign_public(&self) -> SignPublic {
        self.sign.verifying_key().into()
    }

    /// The public half to which one seals.
    pub fn seal_public(&self) -> SealPublic {
        self.seal.public()
    }

    /// The public halves with a name, for the chain.
    pub fn record(&self, name: &str) -> KeyRecord {
        KeyRecord { sign: self.sign_public(), seal: self.seal_public(), name: name.to_owned() }
    }
}

/// Public keys of a member or a hub, as the chain names them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct KeyRecord {
    /// Verifies its signatures.
    #[n(1)]
    pub sign: SignPublic,
    /// Seals to it.
    #[n(2)]
    pub seal: SealPublic,
    /// What people call it, at most [`crate::limits::MAX_NAME`] bytes.
    #[n(3)]
    pub name: String,
}

impl KeyRecord {
    /// The id of the signing key.
    pub fn id(&self) -> KeyId {
        self.sign.id()
    }
}

/// The home key of one epoch: opens the PINs of the home's codes. Owners and hubs have it, the cloud does not.
#[derive(Clone, Debug)]
pub struct HomeKey {
    epoch: u32,
    seed: Seed,
    seal: SealSecret,
}

/// A home key's seed, sealed to one member or hub.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Wrap {
    /// Of which epoch, from 1.
    #[n(1)]
    pub epoch: u32,
    /// Sealed to this key's holder.
    #[n(2)]
    pub to: KeyId,
    /// The seal: info `latchkey/v1/home-key`, AAD the CBOR array `[home, epoch, to]`.
    #[n(3)]
    pub sealed: Blob,
}

const HOME_KEY_INFO: &[u8] = b"latchkey/v1/home-key";

impl HomeKey {
    /// The key of an epoch from its seed.
    pub fn from_seed(epoch: u32, seed: Seed) -> Self {
        let seal = SealSecret::from_bytes(derive(&seed.0, "latchkey/v1/home", b"seal"));
        Self { epoch, seed, seal }
    }

    /// Which epoch's it is.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The half that stands in the chain: PINs are sealed to it.
    pub fn public(&self) -> SealPublic {
        self.seal.public()
    }

    /// Opens PINs and link secrets.
    pub fn sealing(&self) -> &SealSecret {
        &self.seal
    }

    /// Seals the seed to an owner or a hub.
    pub fn wrap(&self, home: &HomeId, to: &KeyRecord, rng: &mut impl CryptoRng) -> Result<Wrap, SealError> {
        let aad = to_vec(&(home, self.epoch, to.id()));
        let sealed = hpke::seal(&to.seal, HOME_KEY_INFO, &aad, self.seed.expose(), rng)?;
        Ok(Wrap { epoch: self.epoch, to: to.id(), sealed: Blob(sealed) })
    }

    /// Opens a wrap that is addressed to these keys, and checks it against the chain's public half.
    pub fn unwrap(home: &HomeId, wrap: &Wrap, public: &SealPublic, keys: &Keys) -> Result<Self, SealError> {
        let aad = to_vec(&(home, wrap.epoch, keys.id()));
        let seed = hpke::open(keys.sealing(), HOME_KEY_INFO, &aad, &wrap.sealed)?;
        let seed = Seed::from_slice(&seed).ok_or(SealError::NotForYou)?;
        let key = Self::from_seed(wrap.epoch, seed);
        if key.public() == *public { Ok(key) } else { Err(SealError::NotForYou) }
    }
}

/// The `keyid` by which a hub signs its requests (RFC 9421): `<home>/<hub>`.
pub fn request_key_id(home: &HomeId, hub: &HubId) -> String {
    format!("{home}/{hub}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn home_key_goes_only_to_whom_it_is_wrapped() {
        let mut rng = rng(3);
        let (home, other_home) = (HomeId::generate(&mut rng), HomeId::generate(&mut rng));
        let member = Keys::member(&Seed::generate(&mut rng));
        let other = Keys::member(&Seed::generate(&mut rng));
        let key = HomeKey::from_seed(1, Seed::generate(&mut rng));
        let wrap = key.wrap(&home, &member.record("Ada"), &mut rng).unwrap();
        let opened = HomeKey::unwrap(&home, &wrap, &key.public(), &member).unwrap();
        assert_eq!(opened.public(), key.public());
        assert!(HomeKey::unwrap(&home, &wrap, &key.public(), &other).is_err());
        assert!(HomeKey::unwrap(&other_home, &wrap, &key.public(), &member).is_err());
        assert!(HomeKey::unwrap(&home, &wrap, &other.seal_public(), &member).is_err());
        let moved = Wrap { epoch: 2, ..wrap };
        assert!(HomeKey::unwrap(&home, &moved, &key.public(), &member).is_err());
    }

    #[test]
    fn uses_do_not_share_keys() {
        let seed = Seed([5; 32]);
        assert_ne!(Keys::member(&seed).id(), Keys::hub(&seed).id());
        assert_ne!(Keys::member(&seed).seal_public(), HomeKey::from_seed(1, seed.clone()).public());
        assert_eq!(format!("{seed:?}"), "Seed(..)");
        assert!(!format!("{:?}", Keys::hub(&seed)).contains("5, 5"));
    }
}
