//! Inviting a person to a home. The owner's browser makes a secret that travels in a link's fragment; the invited
//! person's browser answers with its public keys and an HMAC-SHA256 (RFC 2104) over them under that secret. The owner
//! signs the invitation, whose seal anybody could have made. So the cloud in between can neither slip in a key of its
//! own, nor change the role, nor invite: an owner adds exactly the keys that the person who got the link answered with,
//! and the chain takes an invitation once.

use crate::chain::ChainState;
use crate::chain::op::Role;
use crate::error::coded_error;
use crate::grant::name_ok;
use crate::id::{Hash32, HomeId, InviteId, KeyId, SealPublic};
use crate::keys::{HomeKey, KeyRecord, Keys, derive, derived_mac};
use crate::limits;
use crate::text;
use crate::time::Timestamp;
use crate::wire::cbor::{Blob, to_vec};
use crate::wire::cose::{self, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};
use crate::wire::hpke::{self, SealError};
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why an invitation is refused.
    pub enum InviteError {
        Malformed = "invite.malformed", "The invitation is incomplete. Ask for it to be sent again.";
        Forged = "invite.forged", "The answer does not come from whom the invitation was sent to. Invite again.";
        NotAnOwner = "invite.not_an_owner", "No owner of the home signed this invitation. Let nobody in by it; invite again.";
        Expired = "invite.expired", "This invitation has expired. Invite again.";
        NoKey = "invite.no_key", "This invitation was made before the home's key changed. Invite again.";
    }
}

const SALT: &str = "latchkey/v1/invite";
const SECRET_INFO: &[u8] = b"latchkey/v1/invite-secret";

/// An invitation's 16 secret bytes. Wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct InviteSecret([u8; 16]);

/// An invitation as the cloud keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// Its id.
    #[n(1)]
    pub id: InviteId,
    /// SHA-256 of what the invited person proves.
    #[n(2)]
    pub auth_hash: Hash32,
    /// Whom it is for, at most [`limits::MAX_NAME`] bytes.
    #[n(3)]
    pub name: String,
    /// The first instant at which it no longer counts.
    #[n(4)]
    pub expires: Timestamp,
    /// What the person may do.
    #[n(7)]
    pub role: Role,
    /// The home key's epoch to which the secret is sealed.
    #[n(8)]
    pub epoch: u32,
    /// The secret for owners: HPKE, info `latchkey/v1/invite-secret`, AAD the CBOR array `[home, epoch, id, role]`.
    #[n(9)]
    pub secret: Blob,
    /// COSE_Sign1 by an owner over the CBOR array `[home, id, auth_hash, name, expires, role, epoch, secret]`.
    #[n(10)]
    pub signed: Blob,
}

/// The invited person's answer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Acceptance {
    /// The person's keys and name.
    #[n(1)]
    pub key: KeyRecord,
    /// HMAC-SHA256 over the CBOR array `[home, id, key]`.
    #[n(2)]
    pub mac: Hash32,
}

impl InviteSecret {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// From a link's fragment.
    pub fn parse(fragment: &str) -> Result<Self, InviteError> {
        let bytes = text::unb64url(fragment).ok_or(InviteError::Malformed)?;
        Zeroizing::new(bytes).as_slice().try_into().map(Self).map_err(|_| InviteError::Malformed)
    }

    /// The link to send: `<origin>/join#<secret>`.
    pub fn url(&self, origin: &str) -> Zeroizing<String> {
        let secret = Zeroizing::new(text::b64url(&self.0));
        Zeroizing::new(format!("{origin}/join#{}", secret.as_str()))
    }

    /// Names the invitation to the cloud.
    pub fn id(&self) -> InviteId {
        InviteId(derive(&self.0, SALT, b"id"))
    }

    /// Proves knowledge of the secret to the cloud, which stores only its SHA-256.
    pub fn auth(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derive(&self.0, SALT, b"auth"))
    }

    fn mac(&self, home: &HomeId, key: &KeyRecord) -> Hmac<Sha256> {
        derived_mac(&self.0, SALT, b"accept", &to_vec(&(home, self.id(), key)))
    }

    /// The invited person's part.
    pub fn accept(&self, home: &HomeId, key: KeyRecord) -> Acceptance {
        let mac = self.mac(home, &key).finalize().into_bytes();
        Acceptance { key, mac: Hash32(mac.into()) }
    }

    /// Whether the answer comes from somebody who has the link.
    pub fn check(&self, home: &HomeId, acceptance: &Acceptance) -> Result<(), InviteError> {
        self.mac(home, &acceptance.key).verify_slice(&acceptance.mac.0).map_err(|_| InviteError::Forged)
    }
}

impl core::fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("InviteSecret(..)")
    }
}

impl Invite {
    /// The longest that an invitation counts, in days.
    pub const MAX_DAYS: u32 = 30;

    /// The owner's part: `keys` sign, the secret is sealed to the public half of the home key of this epoch.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        secret: &InviteSecret,
        home: &HomeId,
        name: &str,
        role: Role,
        expires: Timestamp,
        (epoch, to): (u32, &SealPublic),
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        let id = secret.id();
        let aad = to_vec(&(home, epoch, id, &role));
        let sealed = hpke::seal(to, SECRET_INFO, &aad, &secret.0, rng)?;
        let auth_hash = Hash32::of(&*secret.auth());
        let (name, secret, signed) = (name.to_owned(), Blob(sealed), Blob(Vec::new()));
        let mut invite = Self { id, auth_hash, name, expires, role, epoch, secret, signed };
        invite.signed = Blob(cose::sign(Kind::Invite, invite.statement(home), keys.signing()));
        Ok(invite)
    }

    /// What is signed.
    fn statement(&self, home: &HomeId) -> Vec<u8> {
        let Self { id, auth_hash, name, expires, role, epoch, secret, .. } = self;
        to_vec(&(home, id, auth_hash, name, expires, role, epoch, secret))
    }

    /// Whether an owner of the home signed exactly this, and it counts at this time.
    pub fn verify(&self, chain: &ChainState, now: Timestamp) -> Result<(), InviteError> {
        self.validate()?;
        let most = limits::MAX_INVITE_STATEMENT;
        let message =
            Unverified::parse(Kind::Invite, &self.signed, most).map_err(|_| InviteError::Malformed)?;
        let owner = chain.members().get(&message.kid()).filter(|member| member.role == Role::Owner);
        let key = &owner.ok_or(InviteError::NotAnOwner)?.key.sign;
        let said = message.verify(key).map_err(|_| InviteError::NotAnOwner)?;
        if said != self.statement(chain.home()) {
            return Err(InviteError::NotAnOwner);
        }
        if now >= self.expires { Err(InviteError::Expired) } else { Ok(()) }
    }

    /// Who signed it, as it claims: true once [`Invite::verify`] said so.
    pub fn signer(&self) -> Option<KeyId> {
        Unverified::parse(Kind::Invite, &self.signed, limits::MAX_INVITE_STATEMENT).ok().map(|m| m.kid())
    }

    /// Refuses what no invitation can be.
    pub fn validate(&self) -> Result<(), InviteError> {
        let role_ok = match &self.role {
            Role::Manager(manager) => manager.scope.valid(),
            Role::Owner | Role::Resident => true,
            Role::Issuer(_) => false,
        };
        let ok = name_ok(&self.name)
            && role_ok
            && self.expires.validate().is_ok()
            && self.secret.len() <= limits::MAX_SEALED
            && self.signed.len() <= limits::MAX_INVITE_STATEMENT;
        if ok { Ok(()) } else { Err(InviteError::Malformed) }
    }

    /// The secret again, for an owner. Fails if the cloud changed the role or moved the invitation.
    pub fn open(&self, home: &HomeId, key: &HomeKey) -> Result<InviteSecret, InviteError> {
        if key.epoch() != self.epoch {
            return Err(InviteError::NoKey);
        }
        let aad = to_vec(&(home, self.epoch, self.id, &self.role));
        let plain =
            hpke::open(key.sealing(), SECRET_INFO, &aad, &self.secret).map_err(|_| InviteError::Forged)?;
        let secret = plain.as_slice().try_into().map(InviteSecret).map_err(|_| InviteError::Forged)?;
        if secret.id() == self.id { Ok(secret) } else { Err(InviteError::Forged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHome;
    use crate::time::Seconds;

    #[test]
    fn the_cloud_can_change_nothing() {
        let mut home = TestHome::new(21);
        let secret = InviteSecret::generate(&mut home.rng);
        let id = *home.state.home();
        let (key, epoch) = (home.home_key.public(), home.home_key.epoch());
        let expires = TestHome::BEGINNING;
        let before = expires.saturating_sub(Seconds::minutes(1));
        let to = (epoch, &key);
        let by = home.owner.clone();
        let invite =
            Invite::new(&secret, &id, "Max", Role::Resident, expires, to, &by, &mut home.rng).unwrap();
        assert_eq!(invite.verify(&home.state, before), Ok(()));
        assert_eq!(invite.verify(&home.state, expires), Err(InviteError::Expired));
        for changed in [
            Invite { role: Role::Owner, ..invite.clone() },
            Invite { name: "Eve".into(), ..invite.clone() },
            Invite { expires: expires.saturating_add(Seconds::days(9)), ..invite.clone() },
            Invite { auth_hash: Hash32([0; 32]), ..invite.clone() },
            Invite { id: InviteId([0; 16]), ..invite.clone() },
        ] {
            assert_eq!(changed.verify(&home.state, before), Err(InviteError::NotAnOwner));
        }
        // Everything but the signature is public knowledge: whoever is no owner invites nobody.
        let own = InviteSecret::generate(&mut home.rng);
        let stranger = home.hub_keys.clone();
        let forged =
            Invite::new(&own, &id, "Max", Role::Owner, expires, to, &stranger, &mut home.rng).unwrap();
        assert!(forged.open(&id, &home.home_key).is_ok());
        assert_eq!(forged.verify(&home.state, before), Err(InviteError::NotAnOwner));
        let link = secret.url("https://x.test");
        let person = InviteSecret::parse(link.split_once('#').unwrap().1).unwrap();
        let answer = person.accept(&id, home.owner.record("Max"));
        let opened = invite.open(&id, &home.home_key).unwrap();
        assert_eq!(opened.check(&id, &answer), Ok(()));

        let promoted = Invite { role: Role::Owner, ..invite.clone() };
        assert!(promoted.open(&id, &home.home_key).is_err());
        assert!(invite.open(&HomeId([0; 16]), &home.home_key).is_err());
        let slipped_in = Acceptance { key: home.hub_keys.record("Max"), ..answer.clone() };
        assert_eq!(opened.check(&id, &slipped_in), Err(InviteError::Forged));
        assert_eq!(opened.check(&HomeId([0; 16]), &answer), Err(InviteError::Forged));
        let other = InviteSecret::generate(&mut home.rng);
        assert_eq!(other.check(&id, &answer), Err(InviteError::Forged));
        assert!(InviteSecret::parse("short").is_err());
    }
}
