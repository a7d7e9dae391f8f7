//! Guest links. The secret stands in the URL's fragment, which browsers send to nobody. HKDF gives the link's id, what
//! proves knowledge of it to the cloud, and the key of the page's content. All of it is in WebCrypto, so that the
//! guest page needs no WASM.

use crate::error::coded_error;
use crate::id::{Hash32, HomeId, LinkId};
use crate::keys::derive;
use crate::text;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use core::fmt;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why a guest link is refused.
    pub enum LinkError {
        Malformed = "link.malformed", "The link is incomplete. Ask for it to be sent again.";
        Damaged = "link.damaged", "The link does not fit its content. Ask for a new one.";
    }
}

const SALT: &str = "latchkey/v1/link";
const NONCE: usize = 12;

/// A link's 16 secret bytes. Wiped when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct LinkSecret([u8; 16]);

impl LinkSecret {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// From its bytes; `None` unless there are 16.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, to be sealed or put into a fragment.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Names the link to the cloud.
    pub fn id(&self) -> LinkId {
        LinkId(derive(&self.0, SALT, b"id"))
    }

    /// Proves knowledge of the secret to the cloud, which stores only its SHA-256.
    pub fn auth(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derive(&self.0, SALT, b"auth"))
    }

    /// What the cloud stores to check [`LinkSecret::auth`].
    pub fn auth_hash(&self) -> Hash32 {
        Hash32::of(&*self.auth())
    }

    fn cipher(&self) -> Aes256Gcm {
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(derive(&self.0, SALT, b"key"));
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
    }

    /// The link to share: `<origin>/g/<id>#<secret>`.
    pub fn url(&self, origin: &str) -> Zeroizing<String> {
        let secret = Zeroizing::new(text::b64url(&self.0));
        Zeroizing::new(format!("{origin}/g/{}#{}", self.id(), secret.as_str()))
    }

    /// Encrypts the page's content: `nonce || AES-256-GCM`, AAD the link's id.
    pub fn encrypt(&self, content: &LinkContent<'_>, rng: &mut impl CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let plain = content.to_json();
        let payload = Payload { msg: plain.as_bytes(), aad: &self.id().0 };
        // Encryption of a few kB does not fail; an empty text would open for nobody.
        let text = self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &text].concat()
    }

    /// Decrypts what [`LinkSecret::encrypt`] made, to the JSON in it.
    pub fn decrypt(&self, cipher: &[u8]) -> Result<Zeroizing<Vec<u8>>, LinkError> {
        let (nonce, text) = cipher.split_at_checked(NONCE).ok_or(LinkError::Damaged)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| LinkError::Damaged)?;
        self.cipher()
            .decrypt(&Nonce::from(nonce), Payload { msg: text, aad: &self.id().0 })
            .map(Zeroizing::new)
            .map_err(|_| LinkError::Damaged)
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(..)")
    }
}

/// What only the guest may read.
pub struct LinkContent<'a> {
    /// The PIN.
    pub pin: &'a crate::pin::Pin,
    /// The home's id, so that a page can be told from another.
    pub home: &'a HomeId,
    /// The home's name.
    pub home_name: &'a str,
    /// The doors' names.
    pub doors: &'a [&'a str],
    /// What the code is called.
    pub label: &'a str,
    /// A note to the guest; may be empty.
    pub note: &'a str,
}

impl LinkContent<'_> {
    /// `{"v":1,"pin":…,"home":…,"home_name":…,"doors":[…],"label":…,"note":…}`, RFC 8259.
    fn to_json(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(512));
        out.push_str("{\"v\":1,\"pin\":");
        quote(&mut out, self.pin.expose());
        out.push_str(",\"home\":");
        quote(&mut out, &self.home.to_string());
        out.push_str(",\"home_name\":");
        quote(&mut out, self.home_name);
        out.push_str(",\"doors\":[");
        for (i, door) in self.doors.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            quote(&mut out, door);
        }
        out.push_str("],\"label\":");
        quote(&mut out, self.label);
        out.push_str(",\"note\":");
        quote(&mut out, self.note);
        out.push('}');
        out
    }
}

/// A JSON string. Writing to memory does not fail.
fn quote(out: &mut String, text: &str) {
    let _ = crate::json::quote(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::Pin;
    use crate::testing::rng;

    #[test]
    fn content_reaches_the_guest_alone() {
        let mut rng = rng(8);
        let (secret, other) = (LinkSecret::generate(&mut rng), LinkSecret::generate(&mut rng));
        let content = LinkContent {
            pin: &Pin::parse("48391").unwrap(),
            home: &HomeId([1; 16]),
            home_name: "Lake \"house\"\n",
            doors: &["Front", "Back\\"],
            label: "Zoë",
            note: "",
        };
        let cipher = secret.encrypt(&content, &mut rng);
        let plain = secret.decrypt(&cipher).unwrap();
        assert_eq!(
            core::str::from_utf8(&plain).unwrap(),
            format!(
                r#"{{"v":1,"pin":"48391","home":"{}","home_name":"Lake \"house\"\u000a","doors":["Front","Back\\"],"label":"Zoë","note":""}}"#,
                HomeId([1; 16])
            )
        );
        assert!(other.decrypt(&cipher).is_err());
        assert!(secret.decrypt(&cipher[1..]).is_err());
        assert!(secret.decrypt(&[]).is_err());
        assert!(!secret.url("https://x.test").contains("48391"));
        assert_eq!(format!("{secret:?}"), "LinkSecret(..)");
    }
}
