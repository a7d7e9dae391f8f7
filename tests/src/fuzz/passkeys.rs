//! Passkeys: what a browser hands over of an authenticator. The first byte says which part the rest is.

use latchkey_shared::text::b64url;
use latchkey_shared::webauthn::{
    ALGORITHMS, AssertionResponse, AttestationResponse, AuthenticationResponse, CredentialKey,
    ExtensionResults, Platform, Question, RegistrationResponse, RelyingParty, StoredCredential,
};

/// The challenge of the W3C's example 16.3 (Web Authentication Level 3), which the corpus begins from.
const CHALLENGE: [u8; 32] = [
    0x78, 0x69, 0xc2, 0xb7, 0x72, 0xd4, 0xb5, 0x8e, 0xba, 0x93, 0x78, 0xcf, 0x8f, 0x29, 0xe2, 0x6c, 0xf9,
    0x35, 0xaa, 0x77, 0xdf, 0x0d, 0xa8, 0x9f, 0xa9, 0x9c, 0x0b, 0xdc, 0x0a, 0x76, 0xf7, 0xe5,
];
/// Length of a credential id in the examples, and where it begins in the authenticator data.
const ID: (usize, usize) = (32, 55);

/// Takes every key for one, and no signature for good.
struct Nobody;

impl Platform for Nobody {
    fn holds(&self, question: &Question) -> bool {
        matches!(question, Question::Key { .. })
    }
}

pub(super) fn passkey(data: &[u8]) {
    let Some((what, rest)) = data.split_first() else { return };
    match what % 4 {
        0 => register(RegistrationResponse::from_json(rest).ok()),
        1 => register(Some(created(rest))),
        2 => authenticate(AuthenticationResponse::from_json(rest).ok()),
        _ => authenticate(Some(used(rest))),
    }
}

fn rp() -> RelyingParty {
    RelyingParty { id: "example.org".into(), origins: vec!["https://example.org".into()] }
}

fn client_data(kind: &str) -> String {
    let challenge = b64url(&CHALLENGE);
    let text = format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"https://example.org","crossOrigin":false}}"#
    );
    b64url(text.as_bytes())
}

/// An answer whose attestation object this is. It is about the credential that stands where examples have it.
fn created(object: &[u8]) -> RegistrationResponse {
    let at = object.windows(8).position(|window| window == b"authData").map_or(0, |at| at + 10 + ID.1);
    let id = b64url(object.get(at..).and_then(|rest| rest.get(..ID.0)).unwrap_or_default());
    RegistrationResponse {
        id: id.clone(),
        raw_id: id,
        response: AttestationResponse {
            client_data_json: client_data("webauthn.create"),
            attestation_object: b64url(object),
        },
        r#type: "public-key".into(),
        client_extension_results: ExtensionResults::default(),
    }
}

/// An answer with authenticator data of the length in the first byte, and a signature after it.
fn used(data: &[u8]) -> AuthenticationResponse {
    let (length, rest) = data.split_first().map_or((0, data), |(length, rest)| (usize::from(*length), rest));
    let (said, signature) = rest.split_at(length.min(rest.len()));
    AuthenticationResponse {
        id: b64url(b"credential"),
        raw_id: b64url(b"credential"),
        response: AssertionResponse {
            client_data_json: client_data("webauthn.get"),
            authenticator_data: b64url(said),
            signature: b64url(signature),
            user_handle: None,
        },
        r#type: "public-key".into(),
        client_extension_results: ExtensionResults::default(),
    }
}

fn register(response: Option<RegistrationResponse>) {
    let Some(response) = response else { return };
    if let Ok(made) = rp().verify_registration(&CHALLENGE, &response, &Nobody) {
        assert_eq!(response.credential_id().ok(), Some(made.credential_id));
        assert!(ALGORITHMS.contains(&made.key.algorithm()));
    }
}

fn authenticate(response: Option<AuthenticationResponse>) {
    let Some(response) = response else { return };
    let id = response.credential_id().unwrap_or_default();
    for key in
        [CredentialKey::Es256([4; 65]), CredentialKey::EdDsa([7; 32]), CredentialKey::Rs256(vec![0xff; 256])]
    {
        for backup_eligible in [false, true] {
            let stored = StoredCredential {
                credential_id: &id,
                key: &key,
                sign_count: 0,
                backup_eligible,
                user_handle: b"user",
            };
            let done = rp().verify_assertion(&CHALLENGE, &stored, &response, &Nobody);
            assert!(done.is_err(), "nobody signed this");
        }
    }
}
