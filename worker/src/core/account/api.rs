//! The JSON of the account routes.

use latchkey_shared::grant::steers;
use latchkey_shared::id::{Hash32, KitId};
use latchkey_shared::json::{Map, Value, json};
use latchkey_shared::keys::WrapKind;
use latchkey_shared::limits::MAX_NAME;
use latchkey_shared::webauthn::{
    AssertionResponse, AttestationResponse, AuthenticationResponse, ExtensionResults, RegistrationResponse,
};

use super::record::{AccountRecord, Passkey, StoredWrap};
use crate::core::bytes::b64;
use crate::core::json::Fields;
use crate::core::limits::MAX_WRAPS;
use crate::core::session::Session;
use crate::error::{MALFORMED, NAME, Result, WRAPS};

/// Length of a wrapped seed: nonce, 32 bytes, tag.
const WRAPPED: usize = 12 + 32 + 16;

/// A new passkey, as the browser made it.
pub(super) struct NewCredential {
    id: String,
    client_data_json: String,
    attestation_object: String,
}

/// A passkey's answer.
pub(super) struct UsedCredential {
    id: String,
    user_handle: Option<String>,
    client_data_json: String,
    authenticator_data: String,
    signature: String,
}

/// The text of a field of a body, by which its account is found.
pub fn ticket_of(body: &[u8]) -> Result<String> {
    Fields::parse(body)?.text("ticket")
}

impl NewCredential {
    pub(super) fn read(body: &mut Fields) -> Result<Self> {
        let mut fields = body.object("credential")?;
        Ok(NewCredential {
            id: fields.text("id")?,
            client_data_json: fields.text("client_data_json")?,
            attestation_object: fields.text("attestation_object")?,
        })
    }

    pub(super) fn response(self) -> RegistrationResponse {
        RegistrationResponse {
            raw_id: self.id.clone(),
            id: self.id,
            response: AttestationResponse {
                client_data_json: self.client_data_json,
                attestation_object: self.attestation_object,
            },
            r#type: "public-key".into(),
            client_extension_results: ExtensionResults::default(),
        }
    }
}

impl UsedCredential {
    pub(super) fn read(body: &mut Fields) -> Result<Self> {
        let mut fields = body.object("credential")?;
        Ok(UsedCredential {
            id: fields.text("id")?,
            user_handle: fields.text_if("user_handle")?,
            client_data_json: fields.text("client_data_json")?,
            authenticator_data: fields.text("authenticator_data")?,
            signature: fields.text("signature")?,
        })
    }

    /// The owner's user handle, if the authenticator gave one.
    pub(super) fn user_handle(&self) -> Option<&str> {
        self.user_handle.as_deref()
    }

    pub(super) fn response(self) -> AuthenticationResponse {
        AuthenticationResponse {
            raw_id: self.id.clone(),
            id: self.id,
            response: AssertionResponse {
                client_data_json: self.client_data_json,
                authenticator_data: self.authenticator_data,
                signature: self.signature,
                user_handle: self.user_handle,
            },
            r#type: "public-key".into(),
            client_extension_results: ExtensionResults::default(),
        }
    }
}

/// The kit's id and the hash of its proof.
pub(super) fn kit(fields: &mut Fields) -> Result<(KitId, Hash32)> {
    Ok((kit_id(fields, "id")?, Hash32(fields.bytes("auth_hash")?)))
}

/// A kit's id.
pub(super) fn kit_id(fields: &mut Fields, name: &str) -> Result<KitId> {
    KitId::parse(&fields.text(name)?).map_err(|_| MALFORMED)
}

fn wrap(mut fields: Fields) -> Result<StoredWrap> {
    let text = fields.text("kind")?;
    let kind = WrapKind::parse(&text).ok_or(WRAPS)?;
    let credential = fields.blob_if("credential_id")?;
    let salt = fields.blob_if("salt")?;
    let cost = match (fields.number_if("m")?, fields.number_if("t")?, fields.number_if("p")?) {
        (Some(m), Some(t), Some(p)) => Some((m, t, p)),
        (None, None, None) => None,
        _ => return Err(WRAPS),
    };
    let ct = fields.blob_if("ct")?.ok_or(MALFORMED)?;
    let fits = match kind {
        WrapKind::Prf => credential.is_some() && salt.is_none() && cost.is_none(),
        WrapKind::Kit => credential.is_none() && salt.is_none() && cost.is_none(),
        WrapKind::Passphrase => {
            // Argon2's own bounds (RFC 9106), and no more memory than browsers give.
            let salted = salt.as_ref().is_some_and(|salt| (16..=64).contains(&salt.len()));
            let costs = |(m, t, p)| (19_456..=1 << 20).contains(&m) && (1..=16).contains(&t) && p == 1;
            credential.is_none() && salted && cost.is_some_and(costs)
        }
    };
    if !fits || ct.len() != WRAPPED {
        return Err(WRAPS);
    }
    Ok(StoredWrap {
        kind: text,
        credential: credential.map(Into::into),
        salt: salt.map(Into::into),
        cost,
        ct: ct.into(),
    })
}

/// Each well formed, and no two for the same secret.
pub(super) fn wraps(body: &mut Fields) -> Result<Vec<StoredWrap>> {
    let list = body.list("wraps")?;
    if list.len() > MAX_WRAPS {
        return Err(WRAPS);
    }
    let stored: Vec<StoredWrap> = list.into_iter().map(wrap).collect::<Result<_>>()?;
    let twice = stored.iter().enumerate().any(|(i, a)| stored.iter().skip(i + 1).any(|b| same_secret(a, b)));
    if twice { Err(WRAPS) } else { Ok(stored) }
}

/// Whether both are opened by the same secret.
pub(super) fn same_secret(a: &StoredWrap, b: &StoredWrap) -> bool {
    a.kind == b.kind && a.credential == b.credential
}

/// The name, if it is one.
pub(super) fn checked_name(name: String) -> Result<String> {
    let ok = !name.trim().is_empty() && name.len() <= MAX_NAME && !name.chars().any(steers);
    if ok { Ok(name) } else { Err(NAME) }
}

/// A wrapped copy as the browser gets it.
pub(super) fn wrap_view(wrap: &StoredWrap) -> Value {
    let mut view = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view.insert(name.into(), value);
        }
    };
    put("kind", Some(wrap.kind.as_str().into()));
    put("credential_id", wrap.credential.as_ref().map(|id| b64(id).into()));
    put("salt", wrap.salt.as_ref().map(|salt| b64(salt).into()));
    put("m", wrap.cost.map(|c| c.0.into()));
    put("t", wrap.cost.map(|c| c.1.into()));
    put("p", wrap.cost.map(|c| c.2.into()));
    put("ct", Some(b64(&wrap.ct).into()));
    Value::Object(view)
}

pub(super) fn passkey_view(passkey: &Passkey) -> Value {
    let mut view = json!({
        "id": b64(&passkey.id), "name": passkey.name, "created": passkey.created, "prf": passkey.prf,
        "backed_up": passkey.backed_up,
    });
    if let (Some(last_used), Some(fields)) = (passkey.last_used, view.as_object_mut()) {
        fields.insert("last_used".into(), last_used.into());
    }
    view
}

/// The account as this session sees it: `Account`.
pub fn account_view(record: &AccountRecord, session: &Session) -> Value {
    let homes: Vec<Value> = record.homes.iter().map(|home| json!({ "home": home.to_string() })).collect();
    json!({
        "account": record.id.to_string(),
        "name": record.name,
        "member": json!({
            "sign": b64(&record.sign.0), "seal": b64(&record.seal.0), "key_id": record.sign.id().to_string(),
        }),
        "passkeys": record.passkeys.iter().map(passkey_view).collect::<Vec<_>>(),
        "wraps": record.wraps.iter().map(wrap_view).collect::<Vec<_>>(),
        "homes": homes,
        "session": json!({ "expires": session.expires(), "fresh_until": session.fresh_until }),
    })
}
