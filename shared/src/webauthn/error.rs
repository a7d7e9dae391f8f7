//! Why a passkey response is refused.

use crate::error::coded_error;

coded_error! {
    /// Why a registration or an assertion is refused.
    pub enum WebauthnError {
        Malformed = "passkey.malformed", "The answer is too large, or not in the form that passkeys answer in.";
        SecretSent = "passkey.secret_sent", "The output of the PRF extension came along: a secret that no server may receive.";
        Type = "passkey.wrong_type", "The answer belongs to another ceremony.";
        Challenge = "passkey.wrong_challenge", "The answer is to another challenge.";
        Origin = "passkey.wrong_origin", "The answer was made on another site, or in a frame inside one.";
        RpId = "passkey.wrong_rp", "The passkey is another site's.";
        UserPresence = "passkey.not_present", "Nobody touched the authenticator.";
        UserVerification = "passkey.not_verified", "The person was not verified by PIN, finger or face.";
        AuthenticatorData = "passkey.bad_authenticator_data", "The authenticator's data is not well formed.";
        CredentialId = "passkey.wrong_credential", "The passkey's id is too long, not the expected one, or two.";
        PublicKey = "passkey.bad_public_key", "The public key is of an unknown kind, or not in its one form.";
        Attestation = "passkey.bad_attestation", "The attestation is of a kind that is not taken, or does not hold.";
        UserHandle = "passkey.wrong_user", "The passkey belongs to somebody else.";
        BackupState = "passkey.bad_backup_state", "The flags on backups contradict each other, or what was registered.";
        Signature = "passkey.bad_signature", "The signature does not verify.";
        CounterRegress = "passkey.counter_regress", "The signature counter went back: this may be a copy of the passkey.";
    }
}
