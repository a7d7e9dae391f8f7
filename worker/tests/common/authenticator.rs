//! A passkey in software, for tests: Ed25519, user verified, `none` attestation.

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    id: [u8; 16],
    user: String,
    count: u32,
    origin: String,
}

fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

impl Authenticator {
    pub fn new(seed: [u8; 32], origin: &str) -> Self {
        let id = seed[..16].try_into().unwrap();
        Authenticator {
            key: SigningKey::from_bytes(&seed),
            id,
            user: String::new(),
            count: 0,
            origin: origin.into(),
        }
    }

    /// The same passkey, used on another origin.
    pub fn on(mut self, origin: &str) -> Self {
        self.origin = origin.into();
        self
    }

    pub fn credential_id(&self) -> String {
        b64(&self.id)
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().unwrap();
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn auth_data(&mut self, rp: &str, attested: bool) -> Vec<u8> {
        self.count += 1;
        let mut data = Sha256::digest(rp.as_bytes()).to_vec();
        data.push(if attested { 0x45 } else { 0x05 });
        data.extend(self.count.to_be_bytes());
        if attested {
            data.extend([0; 16]);
            data.extend([0, 16]);
            data.extend(self.id);
            data.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
            data.extend(self.key.verifying_key().to_bytes());
        }
        data
    }

    /// `navigator.credentials.create`.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user = options["user"]["id"].as_str().unwrap().into();
        let client = self.client_data("webauthn.create", options);
        let data = self.auth_data(options["rp"]["id"].as_str().unwrap(), true);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.push(0xa0);
        object.push(0x68);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).unwrap()]);
        object.extend(data);
        json!({ "id": b64(&self.id), "client_data_json": b64(&client), "attestation_object": b64(&object) })
    }

    /// `navigator.credentials.get`.
    pub fn get(&mut self, options: &Value) -> Value {
        let client = self.client_data("webauthn.get", options);
        let data = self.auth_data(options["rpId"].as_str().unwrap(), false);
        let signed = [&data[..], &Sha256::digest(&client)].concat();
        json!({
            "id": b64(&self.id), "user_handle": self.user, "client_data_json": b64(&client),
            "authenticator_data": b64(&data), "signature": b64(&self.key.sign(&signed).to_bytes()),
        })
    }
}
