//! Pairing a hub with a home through a cloud that neither trusts. The hub shows a 128-bit secret as a QR code and as
//! text; the person carries it to the browser. Under it the hub's keys reach the browser (the *offer*) and the home's
//! name and genesis reach the hub (the *answer*), each with an HMAC-SHA256 (RFC 2104) under a key of its own, so that
//! the cloud in between can forge neither and reflect neither.

use crate::error::coded_error;
use crate::id::{Hash32, HomeId, HubId, PairId};
use crate::keys::{KeyRecord, derive, derived_mac};
use crate::text;
use crate::wire::cbor::to_vec;
use crate::wire::derive::{Decode, Encode};
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why pairing stops.
    pub enum PairError {
        Malformed = "pair.malformed", "A pairing code is 26 letters and digits. Check for a missing group.";
        Forged = "pair.forged", "The other side does not know this pairing code. Start pairing again at the hub.";
    }
}

const SALT: &str = "latchkey/v1/pair";

/// The secret that the hub shows. Used once, for ten minutes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairSecret([u8; 16]);

/// The hub's message to the browser.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct PairOffer {
    /// The hub's id, chosen by it.
    #[n(1)]
    pub hub: HubId,
    /// Its keys and name.
    #[n(2)]
    pub key: KeyRecord,
    /// HMAC-SHA256 over the CBOR array `[hub, key]`.
    #[n(3)]
    pub mac: Hash32,
}

/// The browser's message to the hub.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct PairAnswer {
    /// The home that took the hub in.
    #[n(1)]
    pub home: HomeId,
    /// The hash of the home's first op: what the hub pins for good.
    #[n(2)]
    pub genesis: Hash32,
    /// HMAC-SHA256 over the CBOR array `[home, genesis, hub]`.
    #[n(3)]
    pub mac: Hash32,
}

impl PairSecret {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// From what a person typed or a QR code held: any case, with or without separators.
    pub fn parse(text: &str) -> Result<Self, PairError> {
        let clean: Zeroizing<String> = Zeroizing::new(
            text.chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .map(|c| c.to_ascii_lowercase())
                .collect(),
        );
        if clean.len() != 26 {
            return Err(PairError::Malformed);
        }
        let bytes = Zeroizing::new(text::unb32(&clean).ok_or(PairError::Malformed)?);
        bytes.as_slice().try_into().map(Self).map_err(|_| PairError::Malformed)
    }

    /// 26 characters of base32.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(text::b32(&self.0))
    }

    /// As text for people: upper case, in groups of four.
    pub fn to_groups(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(self.to_text().to_uppercase());
        let mut out = Zeroizing::new(String::with_capacity(32));
        for (i, c) in text.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                out.push('-');
            }
            out.push(c);
        }
        out
    }

    /// The link that the QR code holds. The secret is in the fragment, which browsers send to nobody.
    pub fn url(&self, origin: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{origin}/pair#{}", self.to_text().as_str()))
    }

    /// Where the two meet.
    pub fn id(&self) -> PairId {
        PairId(derive(&self.0, SALT, b"id"))
    }

    fn mac(&self, info: &[u8], message: &[u8]) -> Hmac<Sha256> {
        derived_mac(&self.0, SALT, info, message)
    }

    fn offer_mac(&self, hub: &HubId, key: &KeyRecord) -> Hmac<Sha256> {
        self.mac(b"offer", &to_vec(&(hub, key)))
    }

    fn answer_mac(&self, home: &HomeId, genesis: &Hash32, hub: &HubId) -> Hmac<Sha256> {
        self.mac(b"answer", &to_vec(&(home, genesis, hub)))
    }

    /// The hub's part.
    pub fn offer(&self, hub: HubId, key: KeyRecord) -> PairOffer {
        let mac = self.offer_mac(&hub, &key).finalize().into_bytes();
        PairOffer { hub, key, mac: Hash32(mac.into()) }
    }

    /// The browser's part.
    pub fn answer(&self, home: HomeId, genesis: Hash32, hub: &HubId) -> PairAnswer {
        let mac = self.answer_mac(&home, &genesis, hub).finalize().into_bytes();
        PairAnswer { home, genesis, mac: Hash32(mac.into()) }
    }

    /// Whether the offer comes from the hub that showed the secret.
    pub fn check_offer(&self, offer: &PairOffer) -> Result<(), PairError> {
        let mac = self.offer_mac(&offer.hub, &offer.key);
        mac.verify_slice(&offer.mac.0).map_err(|_| PairError::Forged)
    }

    /// Whether the answer comes from somebody who read the secret, and is meant for this hub.
    pub fn check_answer(&self, answer: &PairAnswer, hub: &HubId) -> Result<(), PairError> {
        let mac = self.answer_mac(&answer.home, &answer.genesis, hub);
        mac.verify_slice(&answer.mac.0).map_err(|_| PairError::Forged)
    }
}

impl core::fmt::Debug for PairSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PairSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Keys, Seed};
    use crate::testing::rng;

    #[test]
    fn nobody_in_between() {
        let mut rng = rng(9);
        let (secret, wrong) = (PairSecret::generate(&mut rng), PairSecret::generate(&mut rng));
        let (hub, home) = (HubId::generate(&mut rng), HomeId::generate(&mut rng));
        let keys = Keys::hub(&Seed::generate(&mut rng));
        let evil = Keys::hub(&Seed::generate(&mut rng));
        let offer = secret.offer(hub, keys.record("Hall"));
        assert!(secret.check_offer(&offer).is_ok());
        assert!(wrong.check_offer(&offer).is_err());
        assert!(secret.check_offer(&PairOffer { key: evil.record("Hall"), ..offer.clone() }).is_err());
        assert!(secret.check_offer(&PairOffer { hub: HubId([0; 16]), ..offer }).is_err());
        let answer = secret.answer(home, Hash32([3; 32]), &hub);
        assert!(secret.check_answer(&answer, &hub).is_ok());
        assert!(secret.check_answer(&answer, &HubId([0; 16])).is_err());
        assert!(
            secret.check_answer(&PairAnswer { genesis: Hash32([4; 32]), ..answer.clone() }, &hub).is_err()
        );
        assert!(wrong.check_answer(&answer, &hub).is_err());
    }

    #[test]
    fn the_text_survives_a_person() {
        let secret = PairSecret([0xc3; 16]);
        for text in [secret.to_groups(), secret.to_text()] {
            assert_eq!(PairSecret::parse(&text).unwrap().0, secret.0);
        }
        assert!(PairSecret::parse("short").is_err());
        assert!(PairSecret::parse(&"ß".repeat(13)).is_err());
    }
}
