//! PINs and link secrets inside a grant, sealed to the home's epoch so that the cloud carries what it cannot read.

use crate::error::coded_error;
use crate::id::{GrantId, HomeId, KeyId, LinkId, LockId, SealPublic};
use crate::keys::{HomeKey, KeyRecord, Keys};
use crate::link::LinkSecret;
use crate::pin::Pin;
use crate::wire::cbor::{Blob, to_vec};
use crate::wire::derive::{Decode, Encode};
use crate::wire::hpke;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

coded_error! {
    /// Why a sealed value does not open.
    pub enum SealedError {
        NoKey = "sealed.no_key", "The PIN was sealed for keys that are not on this device.";
        Damaged = "sealed.damaged", "The sealed PIN does not belong to this code. Make the code again.";
    }
}

const PIN_INFO: &[u8] = b"latchkey/v1/pin";
const SELF_INFO: &[u8] = b"latchkey/v1/pin-self";
const LINK_INFO: &[u8] = b"latchkey/v1/link-secret";
/// Sealed PINs all have this length, so that the ciphertext does not tell the PIN's.
const PADDED: usize = 16;

/// What a seal is bound to: moved elsewhere it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The home.
    pub home: &'a HomeId,
    /// The grant.
    pub grant: &'a GrantId,
    /// Its revision.
    pub rev: u32,
    /// Its locks.
    pub locks: &'a [LockId],
}

impl Binding<'_> {
    fn aad(&self, epoch: u32) -> Vec<u8> {
        to_vec(&(self.home, epoch, self.grant, self.rev, self.locks))
    }
}

/// A PIN that owners and hubs of the home can open.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SealedPin {
    /// The home key's epoch.
    #[n(1)]
    pub epoch: u32,
    /// HPKE: info `latchkey/v1/pin`, AAD the CBOR array `[home, epoch, grant, rev, [locks]]`.
    #[n(2)]
    pub sealed: Blob,
}

/// A PIN sealed to one member's own key.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SelfSeal {
    /// The member.
    #[n(1)]
    pub to: KeyId,
    /// HPKE: info `latchkey/v1/pin-self`, AAD as for [`SealedPin`] with epoch 0.
    #[n(2)]
    pub sealed: Blob,
}

/// A guest link's secret that owners can open.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SealedSecret {
    /// The home key's epoch.
    #[n(1)]
    pub epoch: u32,
    /// HPKE: info `latchkey/v1/link-secret`, AAD the CBOR array `[home, epoch, grant, link]`.
    #[n(2)]
    pub sealed: Blob,
}

/// `[length][digits][zeros]`.
fn pad(pin: &Pin) -> Zeroizing<[u8; PADDED]> {
    let mut out = Zeroizing::new([0; PADDED]);
    let [length, digits @ ..] = &mut *out;
    *length = pin.digit_count();
    for (to, from) in digits.iter_mut().zip(pin.expose().bytes()) {
        *to = from;
    }
    out
}

fn unpad(bytes: &[u8]) -> Result<Pin, SealedError> {
    let (len, rest) = bytes.split_first().ok_or(SealedError::Damaged)?;
    let digits = rest.get(..usize::from(*len)).ok_or(SealedError::Damaged)?;
    let text = core::str::from_utf8(digits).map_err(|_| SealedError::Damaged)?;
    let pin = Pin::parse(text).map_err(|_| SealedError::Damaged)?;
    if *pad(&pin) == *bytes { Ok(pin) } else { Err(SealedError::Damaged) }
}

impl SealedPin {
    /// Seals a PIN to the home's current epoch.
    pub fn seal(
        pin: &Pin,
        binding: &Binding<'_>,
        epoch: u32,
        to: &SealPublic,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, hpke::SealError> {
        let sealed = hpke::seal(to, PIN_INFO, &binding.aad(epoch), &*pad(pin), rng)?;
        Ok(Self { epoch, sealed: Blob(sealed) })
    }

    /// Opens it. The key must be of its epoch.
    pub fn open(&self, binding: &Binding<'_>, key: &HomeKey) -> Result<Pin, SealedError> {
        if key.epoch() != self.epoch {
            return Err(SealedError::NoKey);
        }
        let plain = hpke::open(key.sealing(), PIN_INFO, &binding.aad(self.epoch), &self.sealed)
            .map_err(|_| SealedError::Damaged)?;
        unpad(&plain)
    }
}

impl SelfSeal {
    /// Seals a PIN to the member with these keys, who then can show it again.
    pub fn seal(
        pin: &Pin,
        binding: &Binding<'_>,
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, hpke::SealError> {
        Self::seal_to(pin, binding, &keys.record(""), rng)
    }

    /// Seals a PIN to any member: its maker without the home key, or the resident whose code it is.
    pub fn seal_to(
        pin: &Pin,
        binding: &Binding<'_>,
        to: &KeyRecord,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, hpke::SealError> {
        let sealed = hpke::seal(&to.seal, SELF_INFO, &binding.aad(0), &*pad(pin), rng)?;
        Ok(Self { to: to.id(), sealed: Blob(sealed) })
    }

    /// Opens it.
    pub fn open(&self, binding: &Binding<'_>, keys: &Keys) -> Result<Pin, SealedError> {
        let plain = hpke::open(keys.sealing(), SELF_INFO, &binding.aad(0), &self.sealed)
            .map_err(|_| SealedError::NoKey)?;
        unpad(&plain)
    }
}

impl SealedSecret {
    fn aad(home: &HomeId, epoch: u32, grant: &GrantId, link: &LinkId) -> Vec<u8> {
        to_vec(&(home, epoch, grant, link))
    }

    /// Seals a link's secret to the home's current epoch.
    pub fn seal(
        secret: &LinkSecret,
        home: &HomeId,
        grant: &GrantId,
        epoch: u32,
        to: &SealPublic,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, hpke::SealError> {
        let aad = Self::aad(home, epoch, grant, &secret.id());
        let sealed = hpke::seal(to, LINK_INFO, &aad, secret.expose(), rng)?;
        Ok(Self { epoch, sealed: Blob(sealed) })
    }

    /// Opens it, and checks that it is the secret of this link.
    pub fn open(
        &self,
        home: &HomeId,
        grant: &GrantId,
        link: &LinkId,
        key: &HomeKey,
    ) -> Result<LinkSecret, SealedError> {
        if key.epoch() != self.epoch {
            return Err(SealedError::NoKey);
        }
        let aad = Self::aad(home, self.epoch, grant, link);
        let plain =
            hpke::open(key.sealing(), LINK_INFO, &aad, &self.sealed).map_err(|_| SealedError::Damaged)?;
        let secret = LinkSecret::from_slice(&plain).ok_or(SealedError::Damaged)?;
        if secret.id() == *link { Ok(secret) } else { Err(SealedError::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;
    use crate::testing::rng;

    #[test]
    fn a_pin_opens_only_where_it_was_put() {
        let mut rng = rng(5);
        let key = HomeKey::from_seed(1, Seed::generate(&mut rng));
        let (home, grant) = (HomeId::generate(&mut rng), GrantId::generate(&mut rng));
        let locks = [LockId([1; 16]), LockId([2; 16])];
        let here = Binding { home: &home, grant: &grant, rev: 1, locks: &locks };
        let mut sizes = std::collections::BTreeSet::new();
        for digits in ["4839", "9517530852"] {
            let pin = Pin::parse(digits).unwrap();
            let sealed = SealedPin::seal(&pin, &here, 1, &key.public(), &mut rng).unwrap();
            sizes.insert(sealed.sealed.len());
            assert_eq!(sealed.open(&here, &key).unwrap(), pin);
            for elsewhere in [
                Binding { rev: 2, ..here },
                Binding { locks: &locks[..1], ..here },
                Binding { grant: &GrantId([0; 16]), ..here },
                Binding { home: &HomeId([0; 16]), ..here },
            ] {
                assert_eq!(sealed.open(&elsewhere, &key), Err(SealedError::Damaged));
            }
            let later = HomeKey::from_seed(2, Seed::generate(&mut rng));
            assert_eq!(sealed.open(&here, &later), Err(SealedError::NoKey));
        }
        assert_eq!(sizes.len(), 1, "the length of a PIN does not show");
    }

    #[test]
    fn padding_has_one_form() {
        assert!(unpad(b"\x041234\0\0\0\0\0\0\0\0\0\0\0").is_ok());
        assert!(unpad(b"\x041234\x01\0\0\0\0\0\0\0\0\0\0").is_err());
        assert!(unpad(b"\x041234").is_err());
        assert!(unpad(b"\xff1234\0\0\0\0\0\0\0\0\0\0\0").is_err());
        assert!(unpad(b"").is_err());
    }

    #[test]
    fn a_link_secret_comes_back() {
        let mut rng = rng(6);
        let key = HomeKey::from_seed(1, Seed::generate(&mut rng));
        let (home, grant) = (HomeId::generate(&mut rng), GrantId::generate(&mut rng));
        let secret = LinkSecret::generate(&mut rng);
        let sealed = SealedSecret::seal(&secret, &home, &grant, 1, &key.public(), &mut rng).unwrap();
        let back = sealed.open(&home, &grant, &secret.id(), &key).unwrap();
        assert_eq!(back.expose(), secret.expose());
        assert!(sealed.open(&home, &GrantId([0; 16]), &secret.id(), &key).is_err());
    }
}
