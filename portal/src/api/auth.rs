//! Ceremonies: sign up, sign in, confirm, recover. Each is one or two round trips around a passkey.

use super::account::{Account, Wrap, b64};
use super::http::{json, json_empty, to_js};
use crate::js::{self, PasskeyAnswer};
use crate::problem::Problem;
use gloo_net::http::Method;
use latchkey_shared::id::{AccountId, Hash32};
use latchkey_shared::keys::{Keys, Kit, Seed};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

#[derive(Deserialize)]
struct Begun {
    ticket: String,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    options: JsValue,
}

/// A passkey that was made and is not registered yet.
pub struct NewPasskey {
    ticket: String,
    answer: PasskeyAnswer,
    /// The account for which it was made.
    pub account: AccountId,
}

impl NewPasskey {
    /// Whether it can unlock the member seed by itself.
    pub fn has_prf(&self) -> bool {
        self.answer.prf.is_some()
    }

    /// The seed under its PRF, if it has one.
    fn wrap(&self, seed: &Seed) -> Option<Wrap> {
        let output = self.answer.prf.as_ref()?;
        Some(Wrap::prf(&self.account, seed, &self.answer.id, output))
    }
}

fn js_string(value: &JsValue, path: &[&str]) -> Option<String> {
    let mut value = value.clone();
    for name in path {
        value = js_sys::Reflect::get(&value, &(*name).into()).ok()?;
    }
    value.as_string()
}

async fn make_passkey(begun: Begun) -> Result<NewPasskey, Problem> {
    let user = js_string(&begun.options, &["user", "id"]).and_then(|id| super::account::unb64(&id));
    let account = user.and_then(|id| AccountId::from_slice(&id)).ok_or_else(Problem::answer)?;
    let answer = js::create_passkey(begun.options).await?;
    Ok(NewPasskey { ticket: begun.ticket, answer, account })
}

async fn begin(path: &str, body: &impl Serialize) -> Result<Begun, Problem> {
    json(Method::POST, &format!("/api/v1/{path}"), Some(&to_js(body)?)).await
}

#[derive(Serialize)]
struct Nothing {}

/// Begins signing up: the passkey is made.
pub async fn begin_sign_up(name: &str) -> Result<NewPasskey, Problem> {
    #[derive(Serialize)]
    struct Body<'a> {
        name: &'a str,
    }
    make_passkey(begin("auth/signup/begin", &Body { name }).await?).await
}

#[derive(Serialize)]
struct Public {
    sign: String,
    seal: String,
}

#[derive(Serialize)]
struct KitOf {
    id: String,
    auth_hash: String,
}

impl KitOf {
    fn of(kit: &Kit) -> Self {
        Self { id: kit.id().to_string(), auth_hash: b64(&Hash32::of(&*kit.auth()).0) }
    }
}

#[derive(Serialize)]
struct Finish<'a> {
    ticket: &'a str,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    credential: JsValue,
    passkey_name: String,
    prf: bool,
    wraps: Vec<Wrap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Public>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kit: Option<KitOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kit_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kit_auth: Option<String>,
}

impl<'a> Finish<'a> {
    fn of(new: &'a NewPasskey, seed: &Seed) -> Self {
        Self {
            ticket: &new.ticket,
            credential: new.answer.credential.clone(),
            passkey_name: js::device_name(),
            prf: new.has_prf(),
            wraps: new.wrap(seed).into_iter().collect(),
            member: None,
            kit: None,
            kit_id: None,
            kit_auth: None,
        }
    }
}

/// Signs up with the passkey, a seed and a kit made here. `passphrase` is demanded where the passkey has no PRF.
pub async fn finish_sign_up(
    new: &NewPasskey,
    seed: &Seed,
    kit: &Kit,
    passphrase: Option<&str>,
) -> Result<Account, Problem> {
    let keys = Keys::member(seed);
    let mut body = Finish::of(new, seed);
    if let Some(passphrase) = passphrase {
        body.wraps.push(Wrap::passphrase(&new.account, seed, passphrase)?);
    }
    body.wraps.push(Wrap::kit(&new.account, seed, kit));
    body.member = Some(Public { sign: b64(&keys.sign_public().0), seal: b64(&keys.seal_public().0) });
    body.kit = Some(KitOf::of(kit));
    json(Method::POST, "/api/v1/auth/signup/finish", Some(&to_js(&body)?)).await
}

#[derive(Serialize)]
struct Assertion<'a> {
    ticket: &'a str,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    credential: JsValue,
}

/// Signs in: the account, and what the passkey gave to unlock it.
pub async fn sign_in() -> Result<(Account, PasskeyAnswer), Problem> {
    let begun = begin("auth/signin/begin", &Nothing {}).await?;
    let answer = js::use_passkey(begun.options).await?;
    let body = Assertion { ticket: &begun.ticket, credential: answer.credential.clone() };
    let account = json(Method::POST, "/api/v1/auth/signin/finish", Some(&to_js(&body)?)).await?;
    Ok((account, answer))
}

/// Confirms with the passkey that the person is still there.
pub async fn step_up() -> Result<(), Problem> {
    let begun = begin("auth/stepup/begin", &Nothing {}).await?;
    let answer = js::use_passkey(begun.options).await?;
    let body = Assertion { ticket: &begun.ticket, credential: answer.credential };
    json_empty(Method::POST, "/api/v1/auth/stepup/finish", Some(&to_js(&body)?)).await
}

/// Recovers an account: the kit finds and opens it, and a new passkey is made for it.
pub async fn recover(kit: &Kit) -> Result<(Account, Seed), Problem> {
    #[derive(Serialize)]
    struct Body {
        kit_id: String,
        kit_auth: String,
    }
    #[derive(Deserialize)]
    struct Found {
        ticket: String,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        options: JsValue,
        account: String,
        wrap: Wrap,
    }
    let (kit_id, kit_auth) = (kit.id().to_string(), b64(&*kit.auth()));
    let body = Body { kit_id: kit_id.clone(), kit_auth: kit_auth.clone() };
    let found: Found = json(Method::POST, "/api/v1/auth/recover/begin", Some(&to_js(&body)?)).await?;
    let account = AccountId::parse(&found.account).map_err(|_| Problem::answer())?;
    let seed = super::account::open_with_kit(&account, &found.wrap, kit)?;
    let new = make_passkey(Begun { ticket: found.ticket, options: found.options }).await?;
    let mut body = Finish::of(&new, &seed);
    body.kit_id = Some(kit_id);
    body.kit_auth = Some(kit_auth);
    let account = json(Method::POST, "/api/v1/auth/recover/finish", Some(&to_js(&body)?)).await?;
    Ok((account, seed))
}

/// The account of this session.
pub async fn account() -> Result<Account, Problem> {
    json(Method::GET, "/api/v1/account", None).await
}

/// Ends the session.
pub async fn sign_out() -> Result<(), Problem> {
    json_empty(Method::POST, "/api/v1/auth/signout", Some(&to_js(&Nothing {})?)).await
}

/// Adds a passkey on this device. Needs a fresh confirmation.
pub async fn add_passkey(seed: &Seed) -> Result<Account, Problem> {
    let new = make_passkey(begin("account/passkeys/begin", &Nothing {}).await?).await?;
    let body = Finish::of(&new, seed);
    json_empty(Method::POST, "/api/v1/account/passkeys/finish", Some(&to_js(&body)?)).await?;
    account().await
}

/// Removes a passkey. Needs a fresh confirmation.
pub async fn remove_passkey(id: &str) -> Result<Account, Problem> {
    json_empty(Method::DELETE, &format!("/api/v1/account/passkeys/{id}"), None).await?;
    account().await
}

/// Replaces the recovery kit. Needs a fresh confirmation. The old kit no longer opens anything.
pub async fn replace_kit(old: &Account, seed: &Seed, kit: &Kit) -> Result<Account, Problem> {
    #[derive(Serialize)]
    struct Body {
        wraps: Vec<Wrap>,
        kit: KitOf,
    }
    let mut wraps: Vec<Wrap> = old.wraps.iter().filter(|wrap| wrap.kind != "kit").cloned().collect();
    wraps.push(Wrap::kit(&old.id()?, seed, kit));
    let body = Body { wraps, kit: KitOf::of(kit) };
    json_empty(Method::PUT, "/api/v1/account/wraps", Some(&to_js(&body)?)).await?;
    account().await
}
