//! Heads: what the issuer, for one hub, says the chain's end is. A grant counts for a hub when a head covers it.
//! Claims have CWT's numbers (RFC 8392) where CWT has them.

use crate::error::coded_error;
use crate::id::{Hash32, HomeId, HubId, Nonce, SignPublic};
use crate::limits;
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor::{self, Blob};
use crate::wire::cose::{self, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};
use ed25519_dalek::SigningKey;

/// A head's claims.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// `sub`: the home.
    #[n(2)]
    pub home: HomeId,
    /// `aud`: the hub for which it counts.
    #[n(3)]
    pub hub: HubId,
    /// `exp`: from then on it is stale; at most [`limits::MAX_HEAD_LIFE`] after `iat`.
    #[n(4)]
    pub expires: Timestamp,
    /// `iat`: when it was issued.
    #[n(6)]
    pub issued_at: Timestamp,
    /// `nonce`: the hub's, if it asked with one; proves freshness without a clock.
    #[n(10)]
    pub nonce: Option<Nonce>,
    /// The newest op's number.
    #[n(70001)]
    pub seq: u64,
    /// The newest op's hash.
    #[n(70002)]
    pub head_hash: Hash32,
}

coded_error! {
    /// Why a head is refused.
    pub enum HeadError {
        Malformed = "head.malformed", "The server's answer is damaged. It will be fetched again.";
        BadSignature = "head.bad_signature", "The server's answer is not signed by this home's issuer.";
        WrongHome = "head.wrong_home", "The server answered for another home.";
        WrongHub = "head.wrong_hub", "The server answered for another hub.";
        TooLong = "head.too_long", "The server's answer claims to be valid for too long.";
        Expired = "head.expired", "The server's answer is too old.";
        FromTheFuture = "head.from_the_future", "The server's answer is dated after now. Check the clocks.";
        WrongNonce = "head.wrong_nonce", "The server's answer is not to this question.";
        Rollback = "head.rollback", "The server's answer is older than one that was already taken.";
    }
}

impl Head {
    /// Signs it.
    pub fn sign(&self, issuer: &SigningKey) -> Vec<u8> {
        cose::sign(Kind::Head, cbor::to_vec(self), issuer)
    }

    /// Reads a head that `issuer` signed. Says nothing of time, home or hub.
    pub fn verify(bytes: &[u8], issuer: &SignPublic) -> Result<Self, HeadError> {
        let message =
            Unverified::parse(Kind::Head, bytes, limits::MAX_HEAD_BYTES).map_err(|_| HeadError::Malformed)?;
        let payload = message.verify(issuer).map_err(|_| HeadError::BadSignature)?;
        cbor::from_slice(payload, limits::MAX_HEAD_BYTES).map_err(|_| HeadError::Malformed)
    }

    /// Its entity tag: `"<seq>-<iat>"` with the quotes (RFC 9110, section 8.8.3).
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.seq, self.issued_at.0)
    }

    /// Refuses one that is not for this hub or that claims too long a life.
    pub fn check_audience(&self, home: &HomeId, hub: &HubId) -> Result<(), HeadError> {
        if self.home != *home {
            return Err(HeadError::WrongHome);
        }
        if self.hub != *hub {
            return Err(HeadError::WrongHub);
        }
        let life = self.expires.since(self.issued_at);
        if life == Seconds(0) || life > limits::MAX_HEAD_LIFE || self.expires.validate().is_err() {
            return Err(HeadError::TooLong);
        }
        Ok(())
    }

    /// Refuses one that is not valid at `now`.
    pub fn check_time(&self, now: Timestamp) -> Result<(), HeadError> {
        if self.expires <= now {
            Err(HeadError::Expired)
        } else if self.issued_at > now.saturating_add(limits::MAX_CLOCK_SKEW) {
            Err(HeadError::FromTheFuture)
        } else {
            Ok(())
        }
    }
}

/// What a hub fetches: one head and the ops since the one it has.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Bundle {
    /// The signed head.
    #[n(1)]
    pub head: Blob,
    /// Signed ops in order, at most [`limits::MAX_BUNDLE_OPS`].
    #[n(2)]
    pub ops: Vec<Blob>,
}
