//! The examples of Web Authentication Level 3, section 16. Latchkey demands that the person was verified, from its own
//! pages, and takes no attestation by others: so most of them are refused, each for its reason. Where only that is in the
//! way, the rest of the example is checked too.

use crate::{Row, hex, must};
use data_encoding::BASE64URL_NOPAD;
use latchkey_shared::webauthn::{
    AuthenticationResponse, CredentialKey, Platform, Question, Registered, RegistrationResponse,
    RelyingParty, StoredCredential, WebauthnError,
};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// One example: registration and authentication with the same credential.
struct Example {
    name: &'static str,
    id: &'static str,
    /// Of the registration: challenge, client data, attestation object.
    created: [&'static str; 3],
    /// Of the authentication: challenge, client data, authenticator data, signature.
    used: [&'static str; 4],
    /// What Latchkey says of each; `None`: it is good.
    said: [Option<WebauthnError>; 2],
}

const EXTRA: &str = "2c226578747261\
44617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20";

/// The platform's part of the verification.
struct Library;

impl Platform for Library {
    fn holds(&self, question: &Question) -> bool {
        let key = |key: &CredentialKey| match key {
            CredentialKey::Es256(point) => VerifyingKey::from_sec1_bytes(point).ok(),
            _ => None,
        };
        match question {
            Question::Key { key: it } => key(it).is_some(),
            Question::Signature { key: it, message, signature } => key(it)
                .zip(Signature::from_slice(signature).ok())
                .is_some_and(|(key, signature)| key.verify(message, &signature).is_ok()),
        }
    }
}

fn examples() -> [Example; 4] {
    use WebauthnError as E;
    [
        Example {
            name: "16.2, ES256 without attestation",
            id: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
            created: [
                "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
                "BkQeDjdcTBrXBiAwJTLE5Q",
                "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
            ],
            used: [
                "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
                "",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
                "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
            ],
            said: [Some(E::UserVerification), Some(E::UserVerification)],
        },
        Example {
            name: "16.3, ES256 attested by itself",
            id: "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
            created: [
                "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
                "U9hTXvKE2URkMnb_0xYHVg",
                "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
            ],
            used: [
                "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b",
                "gTb53rz6EhSWomXGzimC1Q",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
                "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
            ],
            said: [None, Some(E::UserVerification)],
        },
        Example {
            name: "16.4, ES256 from another site's frame",
            id: "6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57",
            created: [
                "3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49",
                "zZquEtDR9DWqpW5tBWTFug",
                "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54500000000883f4f6014f19c09d87aa38123be48d000206e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57a501020326200121582022200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d225820cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
            ],
            used: [
                "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137",
                "92pcTVD0Aby-q4dtmj6efg",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000",
                "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf",
            ],
            said: [Some(E::Origin), Some(E::Origin)],
        },
        Example {
            name: "16.11, Ed25519",
            id: "ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd",
            created: [
                "a8abf9dabdc6b0df63466b39bda9e8a34a34e185337a59f1c579990676d3b3bd",
                "B_DT5g7ZD_-9OTLYX5IvEQ",
                // Without the certificate of its maker, which no browser that is asked for `none` passes on.
                "a363666d74646e6f6e656761747453746d74a06861757468446174615881bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54100000000d5aa33581e8ca478e20fe713f5d32ff20020ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bda401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832",
            ],
            used: [
                "895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2",
                "",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000",
                "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b",
            ],
            said: [Some(E::UserVerification), Some(E::UserVerification)],
        },
    ]
}

/// The examples' `clientDataJSON` (section 5.8.1.1); `extra` is what some of them add.
fn client_data(kind: &str, challenge: &str, extra: &str, framed: bool) -> String {
    let challenge = BASE64URL_NOPAD.encode(&hex(challenge));
    let more = match extra {
        "" => String::new(),
        random => format!("{}{random}\"", String::from_utf8_lossy(&hex(EXTRA))),
    };
    format!(
        "{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"https://example.org\",\"crossOrigin\":{framed}{more}}}"
    )
}

fn response(id: &str, client_data: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let b64 = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let id = b64(&hex(id));
    let fields: String =
        fields.iter().map(|(name, bytes)| format!(",\"{name}\":\"{}\"", b64(bytes))).collect();
    let client = b64(client_data.as_bytes());
    format!(
        "{{\"id\":\"{id}\",\"rawId\":\"{id}\",\"type\":\"public-key\",\"clientExtensionResults\":{{}},\
         \"response\":{{\"clientDataJSON\":\"{client}\"{fields}}}}}"
    )
    .into_bytes()
}

fn register(example: &Example, object: &[u8]) -> Result<Registered, WebauthnError> {
    let [challenge, extra, _] = example.created;
    let framed = example.said[0] == Some(WebauthnError::Origin);
    let client = client_data("webauthn.create", challenge, extra, framed);
    let json = response(example.id, &client, &[("attestationObject", object)]);
    rp().verify_registration(&hex(challenge), &RegistrationResponse::from_json(&json)?, &Library)
}

fn rp() -> RelyingParty {
    RelyingParty { id: "example.org".into(), origins: vec!["https://example.org".into()] }
}

/// Says of the authenticator data in this object that the person was verified.
fn verified(object: &[u8]) -> Vec<u8> {
    let rp_id = Sha256::digest("example.org");
    let mut object = object.to_vec();
    if let Some(at) = object.windows(32).position(|window| window == &rp_id[..]) {
        object[at + 32] |= 0x04;
    }
    object
}

pub(crate) fn w3c() -> Result<Row, String> {
    let mut row = Row { set: "W3C WebAuthn Level 3, section 16", good: 0, refused: 0 };
    for example in examples() {
        let Example { name, id, created, used, said } = &example;
        let object = hex(created[2]);
        let first = register(&example, &object);
        must(first.as_ref().err() == said[0].as_ref(), || format!("{name}: the registration: {first:?}"))?;
        *(if first.is_ok() { &mut row.good } else { &mut row.refused }) += 1;
        let Ok(credential) = first.or_else(|_| register(&example, &verified(&object))) else { continue };
        must(credential.credential_id == hex(id), || format!("{name}: the credential's id"))?;
        // The signature itself, over exactly what the example says.
        let client = client_data("webauthn.get", used[0], used[1], false);
        let (data, signature) = (hex(used[2]), hex(used[3]));
        let message = [&data[..], &Sha256::digest(&client)].concat();
        let holds = |message: &[u8]| credential.key.verify(message, &signature, &Library).is_ok();
        must(holds(&message) && !holds(&message[1..]), || format!("{name}: the signature"))?;
        row.good += 1;
        // The ceremony, as Latchkey would judge it.
        let json = response(id, &client, &[("authenticatorData", &data), ("signature", &signature)]);
        let answer = AuthenticationResponse::from_json(&json).map_err(|e| e.to_string())?;
        let stored = StoredCredential {
            credential_id: &credential.credential_id,
            key: &credential.key,
            sign_count: credential.sign_count,
            backup_eligible: credential.backup_eligible,
            user_handle: b"user",
        };
        let second = rp().verify_assertion(&hex(used[0]), &stored, &answer, &Library);
        must(second.as_ref().err() == said[1].as_ref(), || {
            format!("{name}: the authentication: {second:?}")
        })?;
        row.refused += 1;
    }
    Ok(row)
}
