//! Why a passkey response is refused.

use core::fmt;

/// Refusal of a registration or an assertion; `Display` is the stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebauthnError {
    /// The response is not of the expected JSON or base64url form, or too large.
    Malformed,
    /// The output of the PRF extension came along: a secret that the server must never receive.
    SecretSent,
    /// `clientDataJSON.type` is for another ceremony.
    Type,
    /// Not the challenge that was given.
    Challenge,
    /// Not an origin of this relying party, or a frame inside another site.
    Origin,
    /// `rpIdHash` is for another relying party.
    RpId,
    /// The person was not present.
    UserPresence,
    /// The person was not verified (PIN, fingerprint, face).
    UserVerification,
    /// The authenticator data is not well formed.
    AuthenticatorData,
    /// The credential id differs between its places, or is too long, or is not the expected one.
    CredentialId,
    /// The public key is of an unknown kind or not in its one form.
    PublicKey,
    /// The attestation statement is of a kind that is not accepted, or does not hold.
    Attestation,
    /// The user handle is not that of the credential's owner.
    UserHandle,
    /// The backup flags contradict each other or what was registered.
    BackupState,
    /// The signature does not verify.
    Signature,
    /// The signature counter went back: perhaps a cloned authenticator.
    CounterRegress,
}

impl WebauthnError {
    /// Stable code, as in problem documents.
    pub fn code(self) -> &'static str {
        match self {
            WebauthnError::Malformed => "passkey.malformed",
            WebauthnError::SecretSent => "passkey.secret_sent",
            WebauthnError::Type => "passkey.wrong_type",
            WebauthnError::Challenge => "passkey.wrong_challenge",
            WebauthnError::Origin => "passkey.wrong_origin",
            WebauthnError::RpId => "passkey.wrong_rp",
            WebauthnError::UserPresence => "passkey.not_present",
            WebauthnError::UserVerification => "passkey.not_verified",
            WebauthnError::AuthenticatorData => "passkey.bad_authenticator_data",
            WebauthnError::CredentialId => "passkey.wrong_credential",
            WebauthnError::PublicKey => "passkey.bad_public_key",
            WebauthnError::Attestation => "passkey.bad_attestation",
            WebauthnError::UserHandle => "passkey.wrong_user",
            WebauthnError::BackupState => "passkey.bad_backup_state",
            WebauthnError::Signature => "passkey.bad_signature",
            WebauthnError::CounterRegress => "passkey.counter_regress",
        }
    }
}

impl fmt::Display for WebauthnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for WebauthnError {}
