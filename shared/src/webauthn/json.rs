//! The JSON forms of WebAuthn Level 3: what `PublicKeyCredential.toJSON()` gives.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::Value;
use crate::text;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::WebauthnError;

/// Longest base64url field decoded.
const MAX_FIELD: usize = 16 * 1024;

/// `RegistrationResponseJSON`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    #[serde(default)]
    pub client_extension_results: ExtensionResults,
}

/// `AuthenticatorAttestationResponseJSON`; the fields that only repeat others are not read.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// base64url.
    pub attestation_object: String,
}

/// `AuthenticationResponseJSON`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    #[serde(default)]
    pub client_extension_results: ExtensionResults,
}

/// `AuthenticatorAssertionResponseJSON`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: String,
    /// base64url.
    pub authenticator_data: String,
    /// base64url.
    pub signature: String,
    /// base64url.
    #[serde(default)]
    pub user_handle: Option<String>,
}

/// The only extension output that is looked at is the one that must not be there.
#[derive(Clone, Default, Deserialize)]
pub struct ExtensionResults {
    #[serde(default)]
    prf: Option<PrfResults>,
}

#[derive(Clone, Deserialize)]
struct PrfResults {
    #[serde(default)]
    results: Option<IgnoredAny>,
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
        let needed = |name: &str| value[name].as_str().map(ToOwned::to_owned);
        Some(Self {
            r#type: needed("type")?,
            challenge: needed("challenge")?,
            origin: needed("origin")?,
            cross_origin: !value["crossOrigin"].is_null() && value["crossOrigin"].as_bool()?,
            top_origin: if value["topOrigin"].is_null() { None } else { Some(needed("topOrigin")?) },
        })
    }
}

impl RegistrationResponse {
    /// Reads the JSON text.
    pub fn from_json(text: &[u8]) -> Result<Self, WebauthnError> {
        serde_json::from_slice(text).map_err(|_| WebauthnError::Malformed)
    }

    /// The credential id that the response is about.
    pub fn credential_id(&self) -> Result<Vec<u8>, WebauthnError> {
        envelope(&self.id, &self.raw_id, &self.r#type, &self.client_extension_results)
    }
}

impl AuthenticationResponse {
    /// Reads the JSON text.
    pub fn from_json(text: &[u8]) -> Result<Self, WebauthnError> {
        serde_json::from_slice(text).map_err(|_| WebauthnError::Malformed)
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
    if extensions.prf.as_ref().is_some_and(|prf| prf.results.is_some()) {
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
