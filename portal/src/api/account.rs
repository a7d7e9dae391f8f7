//! The account as the Worker tells it.

use super::http::{field, list, need_text, number, object, text};
use crate::problem::Problem;
use js_sys::JSON;
use latchkey_shared::id::{AccountId, HomeId};
use latchkey_shared::keys::{Kit, Seed, WrapKey, WrapKind};
use latchkey_shared::text;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

/// Base64url without padding.
pub fn b64(bytes: &[u8]) -> String {
    text::b64url(bytes)
}

/// The inverse of [`b64`].
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    text::unb64url(text)
}

/// A person's account.
#[derive(Clone, PartialEq)]
pub struct Account {
    /// Its id.
    pub account: String,
    /// The person's name.
    pub name: String,
    /// Its passkeys.
    pub passkeys: Vec<Passkey>,
    /// Copies of the member seed, each encrypted.
    pub wraps: Vec<Wrap>,
    /// The homes.
    pub homes: Vec<HomeEntry>,
    /// This session.
    pub session: Session,
    /// The answer itself, to be kept for a start without a connection.
    pub json: String,
}

/// A passkey.
#[derive(Clone, PartialEq)]
pub struct Passkey {
    /// Credential id, base64url.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// When it was last used, in Unix seconds.
    pub last_used: Option<u64>,
    /// Whether it unlocks the member seed.
    pub prf: bool,
    /// Whether it is synced.
    pub backed_up: bool,
}

impl Passkey {
    fn read(value: &JsValue) -> Result<Self, Problem> {
        Ok(Self {
            id: need_text(value, "id")?,
            name: need_text(value, "name")?,
            created: number(value, "created").ok_or_else(Problem::answer)?,
            last_used: number(value, "last_used"),
            prf: field(value, "prf").is_truthy(),
            backed_up: field(value, "backed_up").is_truthy(),
        })
    }
}

/// A home of the account.
#[derive(Clone, PartialEq)]
pub struct HomeEntry {
    /// Its id.
    pub home: String,
}

/// How long the session lasts.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// Unix seconds.
    pub expires: u64,
}

impl Account {
    /// From the Worker's answer.
    pub fn read(value: &JsValue) -> Result<Self, Problem> {
        let homes = list(value, "homes");
        let homes =
            homes.iter().filter_map(|home| text(home, "home")).map(|home| HomeEntry { home }).collect();
        let session = number(&field(value, "session"), "expires").ok_or_else(Problem::answer)?;
        Ok(Self {
            account: need_text(value, "account")?,
            name: need_text(value, "name")?,
            passkeys: list(value, "passkeys").iter().map(Passkey::read).collect::<Result<_, _>>()?,
            wraps: list(value, "wraps").iter().map(Wrap::read).collect::<Result<_, _>>()?,
            homes,
            session: Session { expires: session },
            json: JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default(),
        })
    }

    /// From [`Account::json`].
    pub fn from_json(json: &str) -> Option<Self> {
        Self::read(&JSON::parse(json).ok()?).ok()
    }

    /// Its id.
    pub fn id(&self) -> Result<AccountId, Problem> {
        AccountId::parse(&self.account).map_err(|_| Problem::answer())
    }

    /// Tells its kit from every other: the nonce of the copy under it.
    pub fn kit_mark(&self) -> Option<String> {
        let kit = self.wraps.iter().find(|wrap| wrap.kind == "kit")?;
        kit.ct.get(..16).map(str::to_owned)
    }

    /// Whether what this browser remembers under a name is the mark of its kit.
    pub fn kit_is(&self, name: &str) -> bool {
        let mark = self.kit_mark();
        mark.is_some() && crate::js::remembered(name) == mark
    }

    /// Whether a passphrase unlocks its seed.
    pub fn has_passphrase(&self) -> bool {
        self.wraps.iter().any(|wrap| wrap.kind == "passphrase")
    }

    /// The ids of its homes.
    pub fn home_ids(&self) -> impl Iterator<Item = HomeId> {
        self.homes.iter().filter_map(|entry| HomeId::parse(&entry.home).ok())
    }
}

/// A copy of the member seed, encrypted.
#[derive(Clone, PartialEq)]
pub struct Wrap {
    /// `prf`, `kit` or `passphrase`.
    pub kind: String,
    /// Which passkey, base64url.
    pub credential_id: Option<String>,
    /// Argon2id's salt, base64url.
    pub salt: Option<String>,
    /// Argon2id's memory in KiB.
    pub m: Option<u32>,
    /// Argon2id's passes.
    pub t: Option<u32>,
    /// Argon2id's lanes.
    pub p: Option<u32>,
    /// Nonce and ciphertext, base64url.
    pub ct: String,
}

impl Wrap {
    /// From the Worker's answer.
    pub fn read(value: &JsValue) -> Result<Self, Problem> {
        let small = |name| number(value, name).and_then(|n| u32::try_from(n).ok());
        Ok(Self {
            kind: need_text(value, "kind")?,
            credential_id: text(value, "credential_id"),
            salt: text(value, "salt"),
            m: small("m"),
            t: small("t"),
            p: small("p"),
            ct: need_text(value, "ct")?,
        })
    }

    /// For the Worker: what is absent is left out.
    pub fn write(&self) -> JsValue {
        let mut fields: Vec<(&str, JsValue)> = vec![("kind", (&self.kind).into()), ("ct", (&self.ct).into())];
        let texts = [("credential_id", &self.credential_id), ("salt", &self.salt)];
        fields.extend(texts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.into()))));
        let numbers = [("m", self.m), ("t", self.t), ("p", self.p)];
        fields.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, value?.into()))));
        object(&fields)
    }

    fn of(kind: WrapKind, ct: &[u8]) -> Self {
        Self {
            kind: kind.as_str().into(),
            credential_id: None,
            salt: None,
            m: None,
            t: None,
            p: None,
            ct: b64(ct),
        }
    }

    /// Under a passkey's PRF output.
    pub fn prf(account: &AccountId, seed: &Seed, credential: &str, output: &[u8; 32]) -> Self {
        let ct = WrapKey::from_prf(output).wrap(account, seed, &mut crate::js::rng());
        Self { credential_id: Some(credential.into()), ..Self::of(WrapKind::Prf, &ct) }
    }

    /// Under a recovery kit.
    pub fn kit(account: &AccountId, seed: &Seed, kit: &Kit) -> Self {
        Self::of(WrapKind::Kit, &WrapKey::from_kit(kit).wrap(account, seed, &mut crate::js::rng()))
    }

    /// Under a passphrase. Takes about a second.
    pub fn passphrase(account: &AccountId, seed: &Seed, passphrase: &str) -> Result<Self, Problem> {
        let mut salt = [0; 16];
        rand_core::Rng::fill_bytes(&mut crate::js::rng(), &mut salt);
        let (m, t, p) = (64 * 1024, 3, 1);
        let key = WrapKey::from_stretched(&*stretch(passphrase, &salt, m, t, p)?);
        let ct = key.wrap(account, seed, &mut crate::js::rng());
        let salt = Some(b64(&salt));
        Ok(Self { salt, m: Some(m), t: Some(t), p: Some(p), ..Self::of(WrapKind::Passphrase, &ct) })
    }

    fn open(&self, account: &AccountId, key: &WrapKey) -> Result<Seed, Problem> {
        let ct = unb64(&self.ct).ok_or_else(Problem::answer)?;
        key.unwrap(account, &ct).map_err(|e| Problem::coded(&e))
    }
}

/// Argon2id (RFC 9106) of a passphrase.
fn stretch(passphrase: &str, salt: &[u8], m: u32, t: u32, p: u32) -> Result<Zeroizing<[u8; 32]>, Problem> {
    use argon2::{Algorithm, Argon2, Params, Version};
    // A server that asks for more would only make this browser run out of memory.
    if m > 1 << 20 || t > 16 || p > 4 {
        return Err(Problem::answer());
    }
    let params = Params::new(m, t, p, Some(32)).map_err(|_| Problem::answer())?;
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *out)
        .map_err(|_| Problem::answer())?;
    Ok(out)
}

/// Opens the copy under this passkey's PRF output.
pub fn open_with_prf(account: &Account, credential: &str, output: &[u8; 32]) -> Result<Seed, Problem> {
    let mine = |wrap: &&Wrap| wrap.kind == "prf" && wrap.credential_id.as_deref() == Some(credential);
    let wrap = account.wraps.iter().find(mine).ok_or_else(|| Problem::of("wrap.none"))?;
    wrap.open(&account.id()?, &WrapKey::from_prf(output))
}

/// Opens a copy under the kit.
pub fn open_with_kit(account: &AccountId, wrap: &Wrap, kit: &Kit) -> Result<Seed, Problem> {
    wrap.open(account, &WrapKey::from_kit(kit))
}

/// Opens the copy under a passphrase.
pub fn open_with_passphrase(account: &Account, passphrase: &str) -> Result<Seed, Problem> {
    let none = || Problem::of("wrap.none");
    let wrap = account.wraps.iter().find(|wrap| wrap.kind == "passphrase").ok_or_else(none)?;
    let (Some(salt), Some(m), Some(t), Some(p)) =
        (wrap.salt.as_deref().and_then(unb64), wrap.m, wrap.t, wrap.p)
    else {
        return Err(Problem::answer());
    };
    wrap.open(&account.id()?, &WrapKey::from_stretched(&*stretch(passphrase, &salt, m, t, p)?))
}
