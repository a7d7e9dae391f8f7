//! Signing in with the member key itself, for programs that have no passkey: a proof over the server's origin and its
//! challenge, so that a proof made for one server, or once, counts nowhere else and never again.

use crate::error::coded_error;
use crate::id::{Hash32, SignPublic};
use crate::keys::Keys;
use crate::limits;
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor;
use crate::wire::cose::{self, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};

/// What is signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SignIn {
    /// The server's origin as the program knows it, such as `https://latchkey.example`.
    #[n(1)]
    pub origin: String,
    /// SHA-256 of the challenge's text.
    #[n(2)]
    pub challenge: Hash32,
    /// When, by the program's clock.
    #[n(6)]
    pub at: Timestamp,
}

coded_error! {
    /// Why a proof is refused.
    pub enum SignInError {
        Malformed = "signin.malformed", "The proof is damaged, or from a newer version.";
        BadSignature = "signin.bad_signature", "The proof is not signed by this member key.";
        WrongOrigin = "signin.wrong_origin", "The proof was made for another address. Use the server's own.";
        WrongChallenge = "signin.wrong_challenge", "The proof answers another question. Start again.";
        Clock = "signin.clock", "This computer's clock is off by more than 15 minutes. Set it and try again.";
    }
}

impl SignIn {
    /// How far the program's clock may be off.
    pub const MAX_SKEW: Seconds = Seconds::minutes(15);

    /// The proof that answers `challenge`.
    pub fn prove(origin: &str, challenge: &str, at: Timestamp, keys: &Keys) -> Vec<u8> {
        let proof = Self { origin: origin.to_owned(), challenge: Hash32::of(challenge.as_bytes()), at };
        cose::sign(Kind::SignIn, cbor::to_vec(&proof), keys.signing())
    }

    /// Whether `key` signed this proof, for this origin and challenge, just now. That a challenge is used once is for the
    /// caller to see to.
    pub fn verify(
        proof: &[u8],
        key: &SignPublic,
        origin: &str,
        challenge: &str,
        now: Timestamp,
    ) -> Result<(), SignInError> {
        let most = limits::MAX_SIGN_IN_BYTES;
        let message = Unverified::parse(Kind::SignIn, proof, most).map_err(|_| SignInError::Malformed)?;
        let payload = message.verify(key).map_err(|_| SignInError::BadSignature)?;
        let said: Self = cbor::from_slice(payload, most).map_err(|_| SignInError::Malformed)?;
        if said.origin != origin {
            return Err(SignInError::WrongOrigin);
        }
        if said.challenge != Hash32::of(challenge.as_bytes()) {
            return Err(SignInError::WrongChallenge);
        }
        if said.at.since(now).max(now.since(said.at)) > Self::MAX_SKEW {
            return Err(SignInError::Clock);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;
    use crate::testing::rng;

    #[test]
    fn a_proof_counts_for_one_key_origin_question_and_time() {
        let mut rng = rng(70);
        let keys = Keys::member(&Seed::generate(&mut rng));
        let other = Keys::member(&Seed::generate(&mut rng));
        let (here, now) = ("https://latchkey.test", Timestamp(1_800_000_000));
        let proof = SignIn::prove(here, "abc", now, &keys);
        let verify = |proof: &[u8], key: &Keys, origin: &str, challenge: &str, now| {
            SignIn::verify(proof, &key.sign_public(), origin, challenge, now)
        };
        assert_eq!(verify(&proof, &keys, here, "abc", now), Ok(()));
        assert_eq!(verify(&proof, &other, here, "abc", now), Err(SignInError::BadSignature));
        let evil = "https://evil.test";
        assert_eq!(verify(&proof, &keys, evil, "abc", now), Err(SignInError::WrongOrigin));
        assert_eq!(verify(&proof, &keys, here, "abd", now), Err(SignInError::WrongChallenge));
        for off in [now.saturating_add(Seconds(901)), now.saturating_sub(Seconds(901))] {
            assert_eq!(verify(&proof, &keys, here, "abc", off), Err(SignInError::Clock));
        }
        // The same payload signed as another kind of message.
        let payload = cbor::to_vec(&SignIn { origin: here.into(), challenge: Hash32::of(b"abc"), at: now });
        for kind in [Kind::Op, Kind::Head, Kind::Report, Kind::Event] {
            let crossed = cose::sign(kind, payload.clone(), keys.signing());
            assert_eq!(verify(&crossed, &keys, here, "abc", now), Err(SignInError::BadSignature));
        }
        assert_eq!(verify(&[0; 600], &keys, here, "abc", now), Err(SignInError::Malformed));
    }
}
