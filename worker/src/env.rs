//! Bindings and settings, read strictly: a Worker without its secrets answers nothing.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use ed25519_dalek::SigningKey;
use latchkey_shared::id::{AccountId, HomeId, InviteId, KeyId, KitId, LinkId, PairId, SignPublic};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::binding::Kv;
use crate::core::bytes::unb64_exact;
use crate::core::config::Config;
use crate::core::ticket::TicketKey;
use crate::error::{CONFIG, INTERNAL, Problem, Result};

thread_local! {
    /// A Worker has one origin for as long as it runs.
    static SETTINGS: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// Where the Worker is reached.
pub(crate) fn config(env: &Env) -> Result<Rc<Config>> {
    if let Some(known) = SETTINGS.with(|settings| settings.get().cloned()) {
        return Ok(known);
    }
    let var = |name| env.var(name).map(|v| v.to_string()).map_err(|_| CONFIG);
    let config = Rc::new(Config { origin: var("ORIGIN")?, rp_id: var("RP_ID")? });
    SETTINGS.with(|settings| drop(settings.set(config.clone())));
    Ok(config)
}

fn secret(env: &Env, name: &str) -> Result<[u8; 32]> {
    let text = env.secret(name).map_err(|_| CONFIG)?.to_string();
    unb64_exact(&text).ok_or(CONFIG)
}

/// Under which tickets are made.
pub(crate) fn ticket_key(env: &Env) -> Result<TicketKey> {
    secret(env, "SESSION_KEY").map(TicketKey)
}

/// Keys that sign heads. The second, `ISSUER_KEY_OLD`, exists while homes move to a new issuer.
pub(crate) fn issuers(env: &Env) -> Result<Vec<SigningKey>> {
    let mut keys = vec![SigningKey::from_bytes(&secret(env, "ISSUER_KEY")?)];
    if let Ok(old) = secret(env, "ISSUER_KEY_OLD") {
        keys.push(SigningKey::from_bytes(&old));
    }
    Ok(keys)
}

thread_local! {
    /// The issuer's key and its public half, which takes longer to derive than a request to route.
    static ISSUER: Cell<Option<([u8; 32], SignPublic)>> = const { Cell::new(None) };
}

/// The issuer that new homes name.
pub(crate) fn issuer(env: &Env) -> Result<SignPublic> {
    let key = secret(env, "ISSUER_KEY")?;
    if let Some((known, public)) = ISSUER.get()
        && known == key
    {
        return Ok(public);
    }
    let public = SigningKey::from_bytes(&key).verifying_key().into();
    ISSUER.set(Some((key, public)));
    Ok(public)
}

/// The store that many read and nothing is decided from.
pub(crate) fn kv(env: &Env) -> Result<Kv> {
    Kv::find(env, "KV").ok_or(CONFIG)
}

/// Unix seconds.
pub(crate) fn now() -> u64 {
    worker::Date::now().as_millis() / 1000
}

/// The platform's CSPRNG.
pub(crate) fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

/// An object, by its class and name.
pub(crate) struct Stub {
    /// The binding of its class.
    pub(crate) class: &'static str,
    /// Its name.
    pub(crate) name: String,
}

/// Objects of the class `AccountDo`, by what they hold.
pub(crate) enum Account {
    /// An account.
    Of(AccountId),
    /// Who has a member key.
    Key(KeyId),
    /// A pairing.
    Pair(PairId),
}

impl Account {
    /// The object.
    pub(crate) fn stub(&self) -> Stub {
        let name = match self {
            Account::Of(id) => format!("account:{id}"),
            Account::Key(id) => format!("key:{id}"),
            Account::Pair(id) => format!("pair:{id}"),
        };
        Stub { class: "ACCOUNT", name }
    }
}

/// A home's object.
pub(crate) fn home(id: &HomeId) -> Stub {
    Stub { class: "HOME", name: id.to_string() }
}

/// A failure of the platform, as a problem; what it was goes to the log without its text, which may quote input.
pub(crate) fn broken(_: worker::Error) -> Problem {
    crate::obs::event("platform_error", &[]);
    INTERNAL
}

/// The same for what JavaScript threw.
pub(crate) fn broken_js(_: JsValue) -> Problem {
    crate::obs::event("platform_error", &[]);
    INTERNAL
}

/// Key in KV of the account that has a kit.
pub(crate) fn kit_key(id: &KitId) -> String {
    format!("kit/{id}")
}

/// Key in KV of the home that has a link.
pub(crate) fn link_key(id: &LinkId) -> String {
    format!("link/{id}")
}

/// Key in KV of the home that has an invitation.
pub(crate) fn invite_key(id: &InviteId) -> String {
    format!("invite/{id}")
}
