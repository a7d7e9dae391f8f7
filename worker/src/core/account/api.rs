//! The JSON of the account routes.

use latchkey_shared::id::{HomeId, KitId};
use latchkey_shared::keys::WrapKind;
use latchkey_shared::limits::MAX_NAME;
use latchkey_shared::webauthn::{
    AssertionResponse, AttestationResponse, AuthenticationResponse, ExtensionResults, RegistrationResponse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::record::{AccountRecord, Passkey, StoredWrap};
use crate::core::bytes::{B64, B64Vec, b64};
use crate::core::limits::MAX_WRAPS;
use crate::core::session::Session;
use crate::error::{MALFORMED, NAME, Result, WRAPS};

/// Length of a wrapped seed: nonce, 32 bytes, tag.
const WRAPPED: usize = 12 + 32 + 16;

/// Reads a JSON body.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| MALFORMED)
}

/// The one field by which a body finds its account.
#[derive(Deserialize)]
pub struct TicketOf {
    /// As it was given.
    pub ticket: String,
}

/// Body of `signup/begin`.
#[derive(Deserialize)]
pub struct BeginSignUp {
    /// The person's name.
    pub name: String,
}

/// A new passkey, as the browser made it.
#[derive(Deserialize)]
pub(super) struct NewCredential {
    pub(super) id: String,
    pub(super) client_data_json: String,
    pub(super) attestation_object: String,
}

/// A passkey's answer.
#[derive(Deserialize)]
pub(super) struct UsedCredential {
    pub(super) id: String,
    #[serde(default)]
    pub(super) user_handle: Option<String>,
    pub(super) client_data_json: String,
    pub(super) authenticator_data: String,
    pub(super) signature: String,
}

#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) sign: B64<32>,
    pub(super) seal: B64<32>,
}

#[derive(Deserialize)]
pub(super) struct KitOf {
    id: String,
    auth_hash: B64<32>,
}

#[derive(Deserialize)]
pub(super) struct FinishSignUp {
    pub(super) ticket: String,
    pub(super) credential: NewCredential,
    pub(super) passkey_name: String,
    pub(super) prf: bool,
    pub(super) member: Member,
    pub(super) wraps: Vec<WrapJson>,
    pub(super) kit: KitOf,
}

#[derive(Deserialize)]
pub(super) struct FinishSignIn {
    pub(super) ticket: String,
    pub(super) credential: UsedCredential,
}

#[derive(Deserialize)]
pub(super) struct BeginRecovery {
    pub(super) kit_id: String,
    pub(super) kit_auth: B64<32>,
}

#[derive(Deserialize)]
pub(super) struct FinishRecovery {
    pub(super) ticket: String,
    pub(super) kit_id: String,
    pub(super) kit_auth: B64<32>,
    pub(super) credential: NewCredential,
    pub(super) passkey_name: String,
    pub(super) prf: bool,
    #[serde(default)]
    pub(super) wraps: Vec<WrapJson>,
}

#[derive(Deserialize)]
pub(super) struct FinishPasskey {
    pub(super) ticket: String,
    pub(super) credential: NewCredential,
    pub(super) passkey_name: String,
    pub(super) prf: bool,
    #[serde(default)]
    pub(super) wraps: Vec<WrapJson>,
}

#[derive(Deserialize)]
pub(super) struct PutWraps {
    pub(super) wraps: Vec<WrapJson>,
    #[serde(default)]
    pub(super) kit: Option<KitOf>,
}

/// A wrapped copy of the member key.
#[derive(Serialize, Deserialize)]
pub(super) struct WrapJson {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential_id: Option<B64Vec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<B64Vec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<u32>,
    ct: B64Vec,
}

impl NewCredential {
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

impl KitOf {
    pub(super) fn stored(&self) -> Result<(KitId, latchkey_shared::id::Hash32)> {
        let id = KitId::parse(&self.id).map_err(|_| MALFORMED)?;
        Ok((id, latchkey_shared::id::Hash32(self.auth_hash.0)))
    }
}

impl WrapJson {
    fn stored(self) -> Option<StoredWrap> {
        let kind = WrapKind::parse(&self.kind)?;
        let cost = match (self.m, self.t, self.p) {
            (Some(m), Some(t), Some(p)) => Some((m, t, p)),
            (None, None, None) => None,
            _ => return None,
        };
        let salt_len = self.salt.as_ref().map(|salt| salt.0.len());
        let fits = match kind {
            WrapKind::Prf => self.credential_id.is_some() && salt_len.is_none() && cost.is_none(),
            WrapKind::Kit => self.credential_id.is_none() && salt_len.is_none() && cost.is_none(),
            WrapKind::Passphrase => {
                // Argon2's own bounds (RFC 9106), and no more memory than browsers give.
                self.credential_id.is_none()
                    && salt_len.is_some_and(|len| (16..=64).contains(&len))
                    && cost.is_some_and(|(m, t, p)| {
                        (19_456..=1 << 20).contains(&m) && (1..=16).contains(&t) && p == 1
                    })
            }
        };
        (fits && self.ct.0.len() == WRAPPED).then(|| StoredWrap {
            kind: self.kind,
            credential: self.credential_id.map(|id| id.0.into()),
            salt: self.salt.map(|salt| salt.0.into()),
            cost,
            ct: self.ct.0.into(),
        })
    }

    pub(super) fn of(wrap: &StoredWrap) -> Self {
        WrapJson {
            kind: wrap.kind.clone(),
            credential_id: wrap.credential.as_ref().map(|id| B64Vec(id.0.clone())),
            salt: wrap.salt.as_ref().map(|salt| B64Vec(salt.0.clone())),
            m: wrap.cost.map(|c| c.0),
            t: wrap.cost.map(|c| c.1),
            p: wrap.cost.map(|c| c.2),
            ct: B64Vec(wrap.ct.0.clone()),
        }
    }
}

/// Each well formed, and no two for the same secret.
pub(super) fn stored_wraps(wraps: Vec<WrapJson>) -> Result<Vec<StoredWrap>> {
    if wraps.len() > MAX_WRAPS {
        return Err(WRAPS);
    }
    let stored: Vec<StoredWrap> =
        wraps.into_iter().map(|w| w.stored().ok_or(WRAPS)).collect::<Result<_>>()?;
    let twice = stored.iter().enumerate().any(|(i, a)| stored.iter().skip(i + 1).any(|b| same_secret(a, b)));
    if twice { Err(WRAPS) } else { Ok(stored) }
}

/// Whether both are opened by the same secret.
pub(super) fn same_secret(a: &StoredWrap, b: &StoredWrap) -> bool {
    a.kind == b.kind && a.credential == b.credential
}

/// The name, if it is one.
pub(super) fn checked_name(name: String) -> Result<String> {
    let ok = !name.trim().is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    if ok { Ok(name) } else { Err(NAME) }
}

/// `Account` as the browser gets it.
#[derive(Serialize)]
pub struct AccountView {
    account: String,
    name: String,
    member: MemberView,
    passkeys: Vec<PasskeyView>,
    wraps: Vec<WrapJson>,
    homes: Vec<HomeView>,
    session: SessionView,
}

#[derive(Serialize)]
struct MemberView {
    sign: B64<32>,
    seal: B64<32>,
    key_id: String,
}

#[derive(Serialize)]
struct PasskeyView {
    id: String,
    name: String,
    created: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<u64>,
    prf: bool,
    backed_up: bool,
}

#[derive(Serialize)]
struct HomeView {
    home: String,
}

#[derive(Serialize)]
struct SessionView {
    expires: u64,
    fresh_until: u64,
}

impl AccountView {
    /// The account as this session sees it.
    pub fn of(record: &AccountRecord, session: &Session) -> Self {
        let passkey = |p: &Passkey| PasskeyView {
            id: b64(&p.id),
            name: p.name.clone(),
            created: p.created,
            last_used: p.last_used,
            prf: p.prf,
            backed_up: p.backed_up,
        };
        AccountView {
            account: record.id.to_string(),
            name: record.name.clone(),
            member: MemberView {
                sign: B64(record.sign.0),
                seal: B64(record.seal.0),
                key_id: record.sign.id().to_string(),
            },
            passkeys: record.passkeys.iter().map(passkey).collect(),
            wraps: record.wraps.iter().map(WrapJson::of).collect(),
            homes: record.homes.iter().map(|h: &HomeId| HomeView { home: h.to_string() }).collect(),
            session: SessionView { expires: session.expires(), fresh_until: session.fresh_until },
        }
    }
}
