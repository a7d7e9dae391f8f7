//! Ceremonies: sign up, sign in, confirm, recover. Each is one or two round trips around a passkey.

use super::account::{Account, Wrap, b64, unb64};
use super::http::{field, json, json_empty, need_text, object, text};
use crate::js::{self, PasskeyAnswer};
use crate::problem::Problem;
use gloo_net::http::Method;
use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use latchkey_shared::id::{AccountId, Hash32};
use latchkey_shared::keys::{Keys, Kit, Seed};
use wasm_bindgen::JsValue;

/// Named fields of a JSON body.
type Fields = Vec<(&'static str, JsValue)>;

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

    /// A copy of the seed under the passphrase, if one is given.
    async fn with_passphrase(&self, seed: &Seed, passphrase: Option<&str>) -> Result<Vec<Wrap>, Problem> {
        let Some(passphrase) = passphrase else { return Ok(Vec::new()) };
        // Lets the spinner show before a second of hard work.
        TimeoutFuture::new(50).await;
        Ok(vec![Wrap::passphrase(&self.account, seed, passphrase)?])
    }

    /// What every route takes that registers it: the seed is wrapped under its PRF, if it has one.
    fn fields(&self, seed: &Seed, more: &[Wrap]) -> Fields {
        let own =
            self.answer.prf.as_ref().map(|output| Wrap::prf(&self.account, seed, &self.answer.id, output));
        let wraps: Array = own.iter().chain(more).map(Wrap::write).collect();
        vec![
            ("ticket", (&self.ticket).into()),
            ("credential", self.answer.credential.clone()),
            ("passkey_name", js::device_name().into()),
            ("prf", self.has_prf().into()),
            ("wraps", wraps.into()),
        ]
    }
}

/// Makes the passkey for which the Worker's `{ticket, options}` ask.
async fn make_passkey(begun: &JsValue) -> Result<NewPasskey, Problem> {
    let options = field(begun, "options");
    let user = text(&field(&options, "user"), "id").and_then(|id| unb64(&id));
    let account = user.and_then(|id| AccountId::from_slice(&id)).ok_or_else(Problem::answer)?;
    let answer = js::create_passkey(options).await?;
    Ok(NewPasskey { ticket: need_text(begun, "ticket")?, answer, account })
}

async fn post(path: &str, fields: &[(&'static str, JsValue)]) -> Result<JsValue, Problem> {
    json(Method::POST, &format!("/api/v1/{path}"), Some(&object(fields))).await
}

/// Begins signing up: the passkey is made.
pub async fn begin_sign_up(name: &str) -> Result<NewPasskey, Problem> {
    make_passkey(&post("auth/signup/begin", &[("name", name.into())]).await?).await
}

fn kit_of(kit: &Kit) -> JsValue {
    let hash = b64(&Hash32::of(&*kit.auth()).0);
    object(&[("id", kit.id().to_string().into()), ("auth_hash", hash.into())])
}

/// Signs up with the passkey, a seed and a kit made here. `passphrase` is demanded where the passkey has no PRF.
pub async fn finish_sign_up(
    new: &NewPasskey,
    seed: &Seed,
    kit: &Kit,
    passphrase: Option<&str>,
) -> Result<Account, Problem> {
    let keys = Keys::member(seed);
    let mut wraps = new.with_passphrase(seed, passphrase).await?;
    wraps.push(Wrap::kit(&new.account, seed, kit));
    let (sign, seal) = (b64(&keys.sign_public().0), b64(&keys.seal_public().0));
    let mut fields = new.fields(seed, &wraps);
    fields.push(("member", object(&[("sign", sign.into()), ("seal", seal.into())])));
    fields.push(("kit", kit_of(kit)));
    Account::read(&post("auth/signup/finish", &fields).await?)
}

/// Answers the Worker's `{ticket, options}` with a passkey: the body for it, and what the passkey gave.
async fn assertion(begin: &str) -> Result<(Fields, PasskeyAnswer), Problem> {
    let begun = post(begin, &[]).await?;
    let answer = js::use_passkey(field(&begun, "options")).await?;
    let ticket = need_text(&begun, "ticket")?;
    Ok((vec![("ticket", ticket.into()), ("credential", answer.credential.clone())], answer))
}

/// Signs in: the account, and what the passkey gave to unlock it.
pub async fn sign_in() -> Result<(Account, PasskeyAnswer), Problem> {
    let (fields, answer) = assertion("auth/signin/begin").await?;
    let account = Account::read(&post("auth/signin/finish", &fields).await?)?;
    Ok((account, answer))
}

/// Confirms with the passkey that the person is still there.
pub async fn step_up() -> Result<(), Problem> {
    let (fields, _) = assertion("auth/stepup/begin").await?;
    json_empty(Method::POST, "/api/v1/auth/stepup/finish", Some(&object(&fields))).await
}

fn proof(kit: &Kit) -> [(&'static str, JsValue); 2] {
    [("kit_id", kit.id().to_string().into()), ("kit_auth", b64(&*kit.auth()).into())]
}

/// Begins to recover an account: the kit finds and opens it, and a new passkey is made for it.
pub async fn begin_recovery(kit: &Kit) -> Result<(NewPasskey, Seed), Problem> {
    let found = post("auth/recover/begin", &proof(kit)).await?;
    let account = AccountId::parse(&need_text(&found, "account")?).map_err(|_| Problem::answer())?;
    let wrap = Wrap::read(&field(&found, "wrap"))?;
    let seed = super::account::open_with_kit(&account, &wrap, kit)?;
    Ok((make_passkey(&found).await?, seed))
}

/// Recovers an account with that passkey. `passphrase` is demanded where the passkey has no PRF.
pub async fn finish_recovery(
    new: &NewPasskey,
    seed: &Seed,
    kit: &Kit,
    passphrase: Option<&str>,
) -> Result<Account, Problem> {
    let mut fields = new.fields(seed, &new.with_passphrase(seed, passphrase).await?);
    fields.extend(proof(kit));
    Account::read(&post("auth/recover/finish", &fields).await?)
}

/// The account of this session.
pub async fn account() -> Result<Account, Problem> {
    Account::read(&json(Method::GET, "/api/v1/account", None).await?)
}

/// Ends the session.
pub async fn sign_out() -> Result<(), Problem> {
    json_empty(Method::POST, "/api/v1/auth/signout", Some(&object(&[]))).await
}

/// Makes another passkey on this device. Needs a fresh confirmation.
pub async fn begin_passkey() -> Result<NewPasskey, Problem> {
    make_passkey(&post("account/passkeys/begin", &[]).await?).await
}

/// Adds that passkey. `passphrase` is demanded where it has no PRF and the account has no passphrase yet.
pub async fn finish_passkey(
    new: &NewPasskey,
    seed: &Seed,
    passphrase: Option<&str>,
) -> Result<Account, Problem> {
    let body = object(&new.fields(seed, &new.with_passphrase(seed, passphrase).await?));
    json_empty(Method::POST, "/api/v1/account/passkeys/finish", Some(&body)).await?;
    account().await
}

/// Removes a passkey. Needs a fresh confirmation.
pub async fn remove_passkey(id: &str) -> Result<Account, Problem> {
    json_empty(Method::DELETE, &format!("/api/v1/account/passkeys/{id}"), None).await?;
    account().await
}

/// Replaces the recovery kit. Needs a fresh confirmation. The old kit no longer opens anything.
pub async fn replace_kit(seed: &Seed, kit: &Kit) -> Result<Account, Problem> {
    // Another device may have added a passkey since this one looked: its copy must stay.
    let old = account().await?;
    let new = Wrap::kit(&old.id()?, seed, kit);
    let wraps: Array =
        old.wraps.iter().filter(|wrap| wrap.kind != "kit").chain([&new]).map(Wrap::write).collect();
    let body = object(&[("wraps", wraps.into()), ("kit", kit_of(kit))]);
    json_empty(Method::PUT, "/api/v1/account/wraps", Some(&body)).await?;
    account().await
}
