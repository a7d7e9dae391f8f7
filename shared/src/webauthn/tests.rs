//! A software authenticator makes honest responses; then every field is tampered with.

use crate::wire::cbor::Writer;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest, Sha256};

use super::*;
use data_encoding::BASE64URL_NOPAD;

const RP_ID: &str = "latchkey.test";
const ORIGIN: &str = "https://latchkey.test";
const CHALLENGE: [u8; 32] = [9; 32];
const USER: &[u8] = b"user-handle";
const UP_UV: u8 = 0x05;

/// A platform with other people's implementations.
struct Libraries;

impl Platform for Libraries {
    fn holds(&self, question: &Question) -> bool {
        use p256::ecdsa::signature::Verifier as _;
        let p256_key = |point: &[u8; 65]| p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
        match question {
            Question::Key { key: CredentialKey::Es256(point) } => p256_key(point).is_ok(),
            Question::Key { key: CredentialKey::Rs256(n) } => rsa_key(n).is_some(),
            Question::Signature { key: CredentialKey::Es256(point), message, signature } => {
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| p256_key(point).unwrap().verify(message, &signature).is_ok())
            }
            Question::Signature { key: CredentialKey::Rs256(n), message, signature } => {
                let key = rsa::pkcs1v15::VerifyingKey::<Sha256>::new(rsa_key(n).unwrap());
                rsa::pkcs1v15::Signature::try_from(signature.as_slice())
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            _ => unreachable!("Ed25519 is nothing for the platform"),
        }
    }
}

fn rsa_key(n: &[u8]) -> Option<rsa::PublicKey> {
    let bits = u32::try_from(n.len() * 8).unwrap();
    rsa::PublicKey::new(rsa::BoxedUint::from_be_slice(n, bits).unwrap(), rsa::BoxedUint::from(65_537u32)).ok()
}

enum Signer {
    Es256(p256::ecdsa::SigningKey),
    EdDsa(ed25519_dalek::SigningKey),
    Rs256(Box<rsa::pkcs1v15::SigningKey<Sha256>>),
}

impl Signer {
    fn all() -> Vec<Signer> {
        let mut rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
        vec![
            Signer::Es256(p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap()),
            Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32])),
            Signer::Rs256(Box::new(rsa::pkcs1v15::SigningKey::new(
                rsa::PrivateKey::new(&mut rng, 2048).unwrap(),
            ))),
        ]
    }

    fn key(&self) -> CredentialKey {
        match self {
            Signer::Es256(key) => {
                CredentialKey::Es256(key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap())
            }
            Signer::EdDsa(key) => CredentialKey::EdDsa(key.verifying_key().to_bytes()),
            Signer::Rs256(key) => CredentialKey::Rs256(
                AsRef::<rsa::PrivateKey>::as_ref(key.as_ref()).n().to_be_bytes_trimmed_vartime().to_vec(),
            ),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Signer::Es256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Signer::EdDsa(key) => key.sign(message).to_bytes().to_vec(),
            Signer::Rs256(key) => key.sign(message).to_vec(),
        }
    }
}

/// Everything an authenticator and a browser say, before it is put together.
#[derive(Clone)]
struct Said {
    kind: &'static str,
    challenge: String,
    origin: &'static str,
    extra: &'static str,
    rp_id: &'static str,
    flags: u8,
    count: u32,
    tail: Vec<u8>,
}

impl Said {
    fn new(kind: &'static str) -> Self {
        Said {
            kind,
            challenge: BASE64URL_NOPAD.encode(&CHALLENGE),
            origin: ORIGIN,
            extra: ",\"crossOrigin\":false,\"other_keys_can_be_added_here\":\"x\"",
            rp_id: RP_ID,
            flags: UP_UV,
            count: 7,
            tail: Vec::new(),
        }
    }

    fn client_data(&self) -> String {
        let Said { kind, challenge, origin, extra, .. } = self;
        format!("{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"{origin}\"{extra}}}")
    }

    fn auth_data(&self, attested: &[u8]) -> Vec<u8> {
        let mut out = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        out.push(self.flags);
        out.extend(self.count.to_be_bytes());
        out.extend(attested);
        out.extend(&self.tail);
        out
    }
}

fn rp() -> RelyingParty {
    RelyingParty { id: RP_ID.into(), origins: vec![ORIGIN.into(), "http://localhost:8787".into()] }
}

fn attested(id: &[u8], key: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 16];
    out.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
    out.extend(id);
    out.extend(key);
    out
}

fn object(format: &str, statement: &[u8], auth_data: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3);
    for text in ["fmt", format, "attStmt"] {
        w.text(text);
    }
    w.raw(statement);
    w.text("authData");
    w.bytes(auth_data);
    w.finish()
}

fn registration_of(id: &[u8], client_data: &str, object: &[u8]) -> RegistrationResponse {
    let id = BASE64URL_NOPAD.encode(id);
    let text = format!(
        "{{\"id\":\"{id}\",\"rawId\":\"{id}\",\"type\":\"public-key\",\"authenticatorAttachment\":\"platform\",\
         \"clientExtensionResults\":{{\"prf\":{{\"enabled\":true}}}},\"response\":{{\"clientDataJSON\":\"{}\",\
         \"attestationObject\":\"{}\",\"transports\":[\"internal\"]}}}}",
        BASE64URL_NOPAD.encode(client_data.as_bytes()),
        BASE64URL_NOPAD.encode(object),
    );
    RegistrationResponse::from_json(text.as_bytes()).unwrap()
}

fn register(said: &Said, key: &[u8]) -> Result<Registered, WebauthnError> {
    let data = said.auth_data(&attested(b"cred", key));
    let response = registration_of(b"cred", &said.client_data(), &object("none", &[0xa0], &data));
    rp().verify_registration(&CHALLENGE, &response, &Libraries)
}

fn create() -> Said {
    Said { flags: UP_UV | 0x40, ..Said::new("webauthn.create") }
}

fn assertion(signer: &Signer, said: &Said) -> AuthenticationResponse {
    let (client, data) = (said.client_data(), said.auth_data(&[]));
    let signature = signer.sign(&[&data[..], &Sha256::digest(client.as_bytes())].concat());
    assertion_of(&client, &data, &signature)
}

fn assertion_of(client: &str, data: &[u8], signature: &[u8]) -> AuthenticationResponse {
    let id = BASE64URL_NOPAD.encode(b"cred");
    let text = format!(
        "{{\"id\":\"{id}\",\"rawId\":\"{id}\",\"type\":\"public-key\",\"clientExtensionResults\":{{}},\"response\":{{\
         \"clientDataJSON\":\"{}\",\"authenticatorData\":\"{}\",\"signature\":\"{}\",\"userHandle\":\"{}\"}}}}",
        BASE64URL_NOPAD.encode(client.as_bytes()),
        BASE64URL_NOPAD.encode(data),
        BASE64URL_NOPAD.encode(signature),
        BASE64URL_NOPAD.encode(USER),
    );
    AuthenticationResponse::from_json(text.as_bytes()).unwrap()
}

fn check(key: &CredentialKey, response: &AuthenticationResponse) -> Result<Asserted, WebauthnError> {
    let stored = StoredCredential {
        credential_id: b"cred",
        key,
        sign_count: 6,
        backup_eligible: false,
        user_handle: USER,
    };
    rp().verify_assertion(&CHALLENGE, &stored, response, &Libraries)
}

#[test]
fn honest_responses_of_every_algorithm() {
    for signer in Signer::all() {
        let registered = register(&create(), &signer.key().to_cose()).unwrap();
        assert_eq!(registered.key, signer.key());
        assert_eq!((registered.sign_count, registered.backed_up), (7, false));
        let asserted = check(&signer.key(), &assertion(&signer, &Said::new("webauthn.get"))).unwrap();
        assert_eq!(asserted, Asserted { sign_count: 7, backed_up: false });
    }
}

#[test]
fn what_both_ceremonies_refuse() {
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    type Change = fn(&mut Said);
    let changes: [(Change, WebauthnError); 14] = [
        (|s| s.kind = "payment.get", WebauthnError::Type),
        (|s| s.challenge = BASE64URL_NOPAD.encode(&[8; 32]), WebauthnError::Challenge),
        (|s| s.challenge.push('='), WebauthnError::Challenge),
        (|s| s.origin = "https://latchkey.test.evil.test", WebauthnError::Origin),
        (|s| s.origin = "https://latchkey.test/", WebauthnError::Origin),
        (|s| s.extra = ",\"crossOrigin\":true", WebauthnError::Origin),
        (|s| s.extra = ",\"topOrigin\":\"https://evil.test\"", WebauthnError::Origin),
        (|s| s.extra = ",\"type\":\"webauthn.get\"", WebauthnError::Malformed),
        (|s| s.rp_id = "evil.test", WebauthnError::RpId),
        (|s| s.flags &= !0x01, WebauthnError::UserPresence),
        (|s| s.flags &= !0x04, WebauthnError::UserVerification),
        (|s| s.flags |= 0x10, WebauthnError::BackupState),
        (|s| s.flags |= 0x02, WebauthnError::AuthenticatorData),
        (|s| s.tail = vec![0], WebauthnError::AuthenticatorData),
    ];
    for (change, why) in changes {
        let (mut creating, mut getting) = (create(), Said::new("webauthn.get"));
        change(&mut creating);
        change(&mut getting);
        assert_eq!(register(&creating, &signer.key().to_cose()), Err(why));
        assert_eq!(check(&signer.key(), &assertion(&signer, &getting)), Err(why));
    }
}

#[test]
fn extensions_are_read_to_the_end() {
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    let with = |tail: &[u8]| {
        let said = Said { flags: UP_UV | 0x80, tail: tail.to_vec(), ..Said::new("webauthn.get") };
        check(&signer.key(), &assertion(&signer, &said))
    };
    assert!(with(b"\xa1\x6bhmac-secret\xf5").is_ok());
    for tail in [
        &b""[..],
        b"\xa1\x6bhmac-secret\xf5\x00",
        b"\xa1\x6bhmac-secret",
        b"\x80",
        b"\xbf\xff",
        b"\xa1\x01\xf9\x00\x00",
    ] {
        assert_eq!(with(tail), Err(WebauthnError::AuthenticatorData), "{tail:?}");
    }
    let deep = [&[0xa1, 0x01][..], &[0x81; 3000], &[0x01]].concat();
    assert_eq!(with(&deep), Err(WebauthnError::AuthenticatorData));
}

#[test]
fn a_credential_only_where_it_belongs() {
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    let plain = Said::new("webauthn.create");
    assert_eq!(register(&plain, &signer.key().to_cose()), Err(WebauthnError::AuthenticatorData));
    let said = Said { flags: UP_UV | 0x40, ..Said::new("webauthn.get") };
    assert_eq!(check(&signer.key(), &assertion(&signer, &said)), Err(WebauthnError::AuthenticatorData));
}

#[test]
fn credential_ids() {
    let key =
        CredentialKey::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes());
    let said = create();
    let with = |outer: &[u8], inner: &[u8]| {
        let data = said.auth_data(&attested(inner, &key.to_cose()));
        let response = registration_of(outer, &said.client_data(), &object("none", &[0xa0], &data));
        rp().verify_registration(&CHALLENGE, &response, &Libraries).map(drop)
    };
    assert_eq!(with(&[1; 1023], &[1; 1023]), Ok(()));
    assert_eq!(with(&[1; 1024], &[1; 1024]), Err(WebauthnError::CredentialId));
    assert_eq!(with(b"cred", b"cree"), Err(WebauthnError::CredentialId));
    assert_eq!(with(b"", b""), Err(WebauthnError::CredentialId));
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    let mut response = assertion(&signer, &Said::new("webauthn.get"));
    response.id = BASE64URL_NOPAD.encode(b"other");
    assert_eq!(check(&signer.key(), &response), Err(WebauthnError::CredentialId));
    response.raw_id.clone_from(&response.id);
    assert_eq!(check(&signer.key(), &response), Err(WebauthnError::CredentialId));
}

#[test]
fn keys_have_one_form() {
    for signer in Signer::all() {
        let good = signer.key().to_cose();
        assert_eq!(CredentialKey::from_cose(&good).unwrap(), signer.key());
        for cut in 0..good.len() {
            assert_eq!(CredentialKey::from_cose(&good[..cut]), Err(WebauthnError::PublicKey));
        }
        // The bytes before the key's own, which have no second value.
        for at in 0..10 {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            assert!(register(&create(), &bad).is_err(), "byte {at}");
        }
        assert_eq!(CredentialKey::from_cose(&[&good[..], &[0]].concat()), Err(WebauthnError::PublicKey));
    }
    let off_curve = CredentialKey::Es256([4; 65]);
    let weak = CredentialKey::EdDsa([0; 32]);
    let moduli = [vec![0xff; 128], vec![0x7f; 256], [vec![0xff; 255], vec![0xfe]].concat(), vec![0xff; 1024]];
    for key in [off_curve, weak].into_iter().chain(moduli.map(CredentialKey::Rs256)) {
        assert_eq!(key.check(&Libraries), Err(WebauthnError::PublicKey));
        assert_eq!(register(&create(), &key.to_cose()), Err(WebauthnError::PublicKey));
    }
}

#[test]
fn attestation_none_or_of_itself() {
    for signer in Signer::all() {
        let said = create();
        let data = said.auth_data(&attested(b"cred", &signer.key().to_cose()));
        let with = |format: &str, statement: &[u8], tail: &[u8]| {
            let object = [&object(format, statement, &data)[..], tail].concat();
            let response = registration_of(b"cred", &said.client_data(), &object);
            rp().verify_registration(&CHALLENGE, &response, &Libraries).map(drop)
        };
        let statement = |algorithm: i64, signature: &[u8]| {
            let mut w = Writer::new();
            w.map(2);
            w.text("alg");
            w.int(algorithm);
            w.text("sig");
            w.bytes(signature);
            w.finish()
        };
        let algorithm = signer.key().algorithm();
        let signature = signer.sign(&[&data[..], &Sha256::digest(said.client_data().as_bytes())].concat());
        assert_eq!(with("none", &[0xa0], &[]), Ok(()));
        assert_eq!(with("packed", &statement(algorithm, &signature), &[]), Ok(()));
        let mut wrong = signature.clone();
        wrong[20] ^= 1;
        for (format, statement, tail) in [
            ("none", &[0xa0][..], &[0][..]),
            ("none", &[0x80], &[]),
            ("none", &statement(algorithm, &signature), &[]),
            ("packed", &[0xa0], &[]),
            ("packed", &statement(algorithm, &wrong), &[]),
            ("packed", &statement(-36, &signature), &[]),
            ("fido-u2f", &[0xa0], &[]),
            ("tpm", &[0xa0], &[]),
        ] {
            assert_eq!(with(format, statement, tail), Err(WebauthnError::Attestation), "{format}");
        }
    }
}

#[test]
fn signatures_over_exactly_this() {
    for signer in Signer::all() {
        let said = Said::new("webauthn.get");
        let (client, data) = (said.client_data(), said.auth_data(&[]));
        let good = signer.sign(&[&data[..], &Sha256::digest(client.as_bytes())].concat());
        let key = signer.key();
        for at in [0, 1, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(check(&key, &assertion_of(&client, &data, &bad)), Err(WebauthnError::Signature));
        }
        for bad in [
            &good[..good.len() - 1],
            &[&good[..], &[0]].concat(),
            &[],
            &vec![0; good.len()],
            &vec![255; good.len()],
        ] {
            assert_eq!(check(&key, &assertion_of(&client, &data, bad)), Err(WebauthnError::Signature));
        }
        let other = Said { count: 8, ..said }.auth_data(&[]);
        assert_eq!(check(&key, &assertion_of(&client, &other, &good)), Err(WebauthnError::Signature));
    }
}

#[test]
fn counter_backup_and_owner() {
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    let key = signer.key();
    let with = |stored_count: u32, count: u32, eligible: bool, user: &[u8]| {
        let stored = StoredCredential {
            credential_id: b"cred",
            key: &key,
            sign_count: stored_count,
            backup_eligible: eligible,
            user_handle: user,
        };
        let said = Said { count, ..Said::new("webauthn.get") };
        rp().verify_assertion(&CHALLENGE, &stored, &assertion(&signer, &said), &Libraries).map(drop)
    };
    assert_eq!(with(0, 0, false, USER), Ok(()));
    assert_eq!(with(6, 7, false, USER), Ok(()));
    assert_eq!(with(7, 7, false, USER), Err(WebauthnError::CounterRegress));
    assert_eq!(with(8, 0, false, USER), Err(WebauthnError::CounterRegress));
    assert_eq!(with(0, 1, true, USER), Err(WebauthnError::BackupState));
    assert_eq!(with(0, 1, false, b"somebody"), Err(WebauthnError::UserHandle));
}

#[test]
fn json_that_is_not_ours() {
    let secret = br#"{"id":"YQ","rawId":"YQ","type":"public-key","clientExtensionResults":{"prf":{"results":{"first":"AA"}}},
        "response":{"clientDataJSON":"","attestationObject":"","authenticatorData":"","signature":""}}"#;
    let response = AuthenticationResponse::from_json(secret).unwrap();
    assert_eq!(response.credential_id(), Err(WebauthnError::SecretSent));
    assert_eq!(
        RegistrationResponse::from_json(secret).unwrap().credential_id(),
        Err(WebauthnError::SecretSent)
    );
    for text in [&b""[..], b"{}", b"[]", b"null", b"\xff", b"{\"id\":1}"] {
        assert!(AuthenticationResponse::from_json(text).is_err());
        assert!(RegistrationResponse::from_json(text).is_err());
    }
    let signer = Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&[5; 32]));
    let mut response = assertion(&signer, &Said::new("webauthn.get"));
    response.response.signature.push('=');
    assert_eq!(check(&signer.key(), &response), Err(WebauthnError::Malformed));
    response.response.client_data_json = "A".repeat(20_000);
    assert_eq!(check(&signer.key(), &response), Err(WebauthnError::Malformed));
}

proptest::proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = CredentialKey::from_cose(&bytes);
        let _ = AttestationObject::parse(&bytes);
        let _ = auth_data::parse(&bytes, Ceremony::Assertion);
        let said = create().auth_data(&bytes);
        let _ = auth_data::parse(&said, Ceremony::Registration);
    }
}
