//! Verification of passkeys: the relying party's part of WebAuthn Level 3, as narrow as Latchkey needs it.
//!
//! User verification is always required, frames of other sites are never accepted, attestation is asked for as
//! `none`. Browsers hand an anonymous self attestation through unchanged (section 5.1.3), so that one is verified
//! too. ES256, Ed25519 and RS256; the first and the last by the platform ([`Platform`]); every input is read to its last byte. No clock: a challenge's age is the
//! caller's to check, and so is its single use.

mod auth_data;
mod der;
mod error;
mod json;
mod key;
mod platform;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

use crate::text;
use crate::wire::cbor::Reader;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use error::WebauthnError;
pub use json::{
    AssertionResponse, AttestationResponse, AuthenticationResponse, ExtensionResults, RegistrationResponse,
};
pub use key::{ALGORITHMS, CredentialKey};
pub use platform::{Platform, Question};

use auth_data::{AuthData, Ceremony};

/// Largest `clientDataJSON` read.
const MAX_CLIENT_DATA: usize = 4096;

/// Who we are, as browsers see it.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// The RP ID: a domain.
    pub id: String,
    /// Exact origins, such as `https://latchkey.example`.
    pub origins: Vec<String>,
}

/// What a registration yields, to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Credential id.
    pub credential_id: Vec<u8>,
    /// Public key.
    pub key: CredentialKey,
    /// Signature counter.
    pub sign_count: u32,
    /// Whether the passkey may be synchronised between devices; never changes.
    pub backup_eligible: bool,
    /// Whether it is synchronised now.
    pub backed_up: bool,
    /// Model of the authenticator, unattested; zeros when it does not say.
    pub aaguid: [u8; 16],
}

/// A credential as it was stored.
#[derive(Clone, Debug)]
pub struct StoredCredential<'a> {
    /// Credential id.
    pub credential_id: &'a [u8],
    /// Public key.
    pub key: &'a CredentialKey,
    /// Signature counter as last stored.
    pub sign_count: u32,
    /// As registered.
    pub backup_eligible: bool,
    /// The owner's user handle.
    pub user_handle: &'a [u8],
}

/// What an assertion yields, to be stored over the old values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// Signature counter.
    pub sign_count: u32,
    /// Whether the passkey is synchronised now.
    pub backed_up: bool,
}

impl RelyingParty {
    /// Verifies a registration (Level 3, section 7.1).
    pub fn verify_registration(
        &self,
        challenge: &[u8],
        response: &RegistrationResponse,
        platform: &dyn Platform,
    ) -> Result<Registered, WebauthnError> {
        let credential_id = response.credential_id()?;
        let client_data_hash = self.check_client_data(
            &json::field(&response.response.client_data_json)?,
            "webauthn.create",
            challenge,
        )?;
        let object = json::field(&response.response.attestation_object)?;
        let attestation = AttestationObject::parse(&object).ok_or(WebauthnError::Attestation)?;
        let data = self.check_auth_data(attestation.auth_data, Ceremony::Registration)?;
        let attested = data.attested.ok_or(WebauthnError::AuthenticatorData)?;
        if attested.credential_id != credential_id {
            return Err(WebauthnError::CredentialId);
        }
        let key = CredentialKey::from_cose(attested.public_key)?;
        key.check(platform)?;
        if let Statement::SelfSigned { algorithm, signature } = attestation.statement {
            let signed = [attestation.auth_data, &client_data_hash].concat();
            if algorithm != key.algorithm() || key.verify(&signed, signature, platform).is_err() {
                return Err(WebauthnError::Attestation);
            }
        }
        Ok(Registered {
            credential_id,
            key,
            sign_count: data.sign_count,
            backup_eligible: data.backup_eligible,
            backed_up: data.backed_up,
            aaguid: attested.aaguid,
        })
    }

    /// Verifies an assertion (Level 3, section 7.2).
    pub fn verify_assertion(
        &self,
        challenge: &[u8],
        stored: &StoredCredential<'_>,
        response: &AuthenticationResponse,
        platform: &dyn Platform,
    ) -> Result<Asserted, WebauthnError> {
        if response.credential_id()? != stored.credential_id {
            return Err(WebauthnError::CredentialId);
        }
        if response.user_handle()?.is_some_and(|handle| handle != stored.user_handle) {
            return Err(WebauthnError::UserHandle);
        }
        let client_data = json::field(&response.response.client_data_json)?;
        let client_data_hash = self.check_client_data(&client_data, "webauthn.get", challenge)?;
        let auth_data = json::field(&response.response.authenticator_data)?;
        let data = self.check_auth_data(&auth_data, Ceremony::Assertion)?;
        if data.backup_eligible != stored.backup_eligible {
            return Err(WebauthnError::BackupState);
        }
        let signed = [auth_data.as_slice(), &client_data_hash].concat();
        stored.key.verify(&signed, &json::field(&response.response.signature)?, platform)?;
        let counts = data.sign_count != 0 || stored.sign_count != 0;
        if counts && data.sign_count <= stored.sign_count {
            return Err(WebauthnError::CounterRegress);
        }
        Ok(Asserted { sign_count: data.sign_count, backed_up: data.backed_up })
    }

    /// Checks the client's part and gives its hash.
    fn check_client_data(
        &self,
        data: &[u8],
        kind: &str,
        challenge: &[u8],
    ) -> Result<[u8; 32], WebauthnError> {
        if data.len() > MAX_CLIENT_DATA {
            return Err(WebauthnError::Malformed);
        }
        let client = json::ClientData::read(data).ok_or(WebauthnError::Malformed)?;
        if client.r#type != kind {
            return Err(WebauthnError::Type);
        }
        let expected = text::b64url(challenge);
        if challenge.is_empty() || !bool::from(client.challenge.as_bytes().ct_eq(expected.as_bytes())) {
            return Err(WebauthnError::Challenge);
        }
        if client.cross_origin || client.top_origin.is_some() || !self.origins.contains(&client.origin) {
            return Err(WebauthnError::Origin);
        }
        Ok(Sha256::digest(data).into())
    }

    fn check_auth_data<'a>(&self, data: &'a [u8], ceremony: Ceremony) -> Result<AuthData<'a>, WebauthnError> {
        let parsed = auth_data::parse(data, ceremony)?;
        let expected: [u8; 32] = Sha256::digest(self.id.as_bytes()).into();
        if parsed.rp_id_hash != expected {
            return Err(WebauthnError::RpId);
        }
        Ok(parsed)
    }
}

enum Statement<'a> {
    None,
    SelfSigned { algorithm: i64, signature: &'a [u8] },
}

struct AttestationObject<'a> {
    statement: Statement<'a>,
    auth_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// `{"fmt", "attStmt", "authData"}`, each once, in any order, to the last byte.
    fn parse(data: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        if reader.map()? != 3 {
            return None;
        }
        let (mut format, mut statement, mut auth_data) = (None, None, None);
        for _ in 0..3 {
            match reader.text()? {
                "fmt" if format.is_none() => format = Some(reader.text()?),
                "attStmt" if statement.is_none() => {
                    let (item, after) =
                        reader.rest().split_at_checked(auth_data::item_len(reader.rest())?)?;
                    statement = Some(item);
                    reader = Reader::new(after);
                }
                "authData" if auth_data.is_none() => auth_data = Some(reader.bytes()?),
                _ => return None,
            }
        }
        if !reader.rest().is_empty() {
            return None;
        }
        let statement = match format? {
            "none" if statement? == [0xa0] => Statement::None,
            "packed" => self_signed(statement?)?,
            _ => return None,
        };
        Some(AttestationObject { statement, auth_data: auth_data? })
    }
}

/// `{"alg", "sig"}` and no certificate.
fn self_signed(statement: &[u8]) -> Option<Statement<'_>> {
    let mut reader = Reader::new(statement);
    if reader.map()? != 2 || reader.text()? != "alg" {
        return None;
    }
    let algorithm = reader.int()?;
    if reader.text()? != "sig" {
        return None;
    }
    Some(Statement::SelfSigned { algorithm, signature: reader.bytes()? })
}
