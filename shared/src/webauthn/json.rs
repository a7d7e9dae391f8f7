//! The JSON forms of WebAuthn Level 3: what `PublicKeyCredential.toJSON()` gives.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::Value;
use crate::text;

use super::WebauthnError;

/// Longest base64url field decoded.
const MAX_FIELD: usize = 16 * 1024;

/// `RegistrationResponseJSON`.
#[derive(Clone)]
pub struct RegistrationResponse {
    /// Credential id, base64url.
    pub id: String,
    /// The same.
    pub raw_id: String,
    /// What the authenticator said.
    pub response: AttestationResponse,
    /// Must be `public-key`.
    pub r#type: String,
    /// Outputs of extensions.
    pub client_extension_results: ExtensionResults,
}

/// `AuthenticatorAttestationResponseJSON`; the fields that only repeat others are not read.
#[derive(Clone)]
pub struct AttestationResponse {
    /// base64url.
    pub client_data_json: String,
    /// base64url.
    pub attestation_object: String,
}

/// `AuthenticationResponseJSON`.
#[derive(Clone)]
pub struct AuthenticationResponse {
    /// Credential id, base64url.
    pub id: String,
    /// The same.
    pub raw_id: String,
    /// What the authenticator said.
    pub response: AssertionResponse,
    /// Must be `public-key`.
    pub r#type: String,
    /// Outputs of extensions.
    pub client_extension_results: ExtensionResults,
}

/// `AuthenticatorAssertionResponseJSON`.
#[derive(Clone)]
pub struct AssertionResponse {
    /// base64url.
    pub client_data_json: String,
    /// base64url.
    pub authenticator_data: String,
    /// base64url.
    pub signature: String,
    /// base64url.
    pub user_handle: Option<String>,
}

/// The only extension output that is looked at is the one that must not be there.
#[derive(Clone, Default)]
pub struct ExtensionResults {
    prf_results: bool,
}

pub(super) struct ClientData {
    pub(super) r#type: String,
    pub(super) challenge: String,
    pub(super) origin: String,
    pub(super) cross_origin: bool,
    pub(super) top_origin: Option<String>,
}

impl ClientData {
    /// Reads the JSON text; what else the browser put into it is left alone.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let value = Value::parse(text)?;
        Some(Self {
            r#type: needed(&value, "type")?,
            challenge: needed(&value, "challenge")?,
            origin: needed(&value, "origin")?,
            cross_origin: !value["crossOrigin"].is_null() && value["crossOrigin"].as_bool()?,
            top_origin: optional(&value, "topOrigin")?,
        })
    }
}

fn needed(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(ToOwned::to_owned)
}

/// `None` for another type; `Some(None)` where it is not there.
fn optional(value: &Value, name: &str) -> Option<Option<String>> {
    if value[name].is_null() { Some(None) } else { needed(value, name).map(Some) }
}

impl ExtensionResults {
    /// Of a response. May be absent, but is nothing else than an object.
    fn read(response: &Value) -> Option<Self> {
        let Value::Object(fields) = response else { return None };
        let prf = match fields.get("clientExtensionResults") {
            None => return Some(Self::default()),
            Some(Value::Object(results)) => results.get("prf"),
            Some(_) => return None,
        };
        match prf {
            None | Some(Value::Null) => Some(Self::default()),
            Some(Value::Object(prf)) => {
                Some(Self { prf_results: prf.get("results").is_some_and(|results| !results.is_null()) })
            }
            Some(_) => None,
        }
    }
}

impl RegistrationResponse {
    /// Reads the JSON text.
    pub fn from_json(text: &[u8]) -> Result<Self, WebauthnError> {
        Self::read(text).ok_or(WebauthnError::Malformed)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let value = Value::parse(text)?;
        let response = &value["response"];
        Some(Self {
            id: needed(&value, "id")?,
            raw_id: needed(&value, "rawId")?,
            response: AttestationResponse {
                client_data_json: needed(response, "clientDataJSON")?,
                attestation_object: needed(response, "attestationObject")?,
            },
            r#type: needed(&value, "type")?,
            client_extension_results: ExtensionResults::read(&value)?,
        })
    }

    /// The credential id that the response is about.
    pub fn credential_id(&self) -> Result<Vec<u8>, WebauthnError> {
        envelope(&self.id, &self.raw_id, &self.r#type, &self.client_extension_results)
    }
}

impl AuthenticationResponse {
    /// Reads the JSON text.
    pub fn from_json(text: &[u8]) -> Result<Self, WebauthnError> {
        Self::read(text).ok_or(WebauthnError::Malformed)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let value = Value::parse(text)?;
        let response = &value["response"];
        Some(Self {
            id: needed(&value, "id")?,
            raw_id: needed(&value, "rawId")?,
            response: AssertionResponse {
                client_data_json: needed(response, "clientDataJSON")?,
                authenticator_data: needed(response, "authenticatorData")?,
                signature: needed(response, "signature")?,
                user_handle: optional(response, "userHandle")?,
            },
            r#type: needed(&value, "type")?,
            client_extension_results: ExtensionResults::read(&value)?,
        })
    }

    /// The credential id that the response is about: what the stored credential is looked up by.
    pub fn credential_id(&self) -> Result<Vec<u8>, WebauthnError> {
        envelope(&self.id, &self.raw_id, &self.r#type, &self.client_extension_results)
    }

    /// The user handle, where the authenticator gave one.
    pub fn user_handle(&self) -> Result<Option<Vec<u8>>, WebauthnError> {
        self.response.user_handle.as_deref().map(field).transpose()
    }
}

fn envelope(
    id: &str,
    raw_id: &str,
    kind: &str,
    extensions: &ExtensionResults,
) -> Result<Vec<u8>, WebauthnError> {
    if extensions.prf_results {
        return Err(WebauthnError::SecretSent);
    }
    if kind != "public-key" {
        return Err(WebauthnError::Malformed);
    }
    if id != raw_id {
        return Err(WebauthnError::CredentialId);
    }
    field(id)
}

pub(super) fn field(text: &str) -> Result<Vec<u8>, WebauthnError> {
    if text.len() > MAX_FIELD {
        return Err(WebauthnError::Malformed);
    }
    text::unb64url(text).ok_or(WebauthnError::Malformed)
}
