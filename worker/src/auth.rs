//! Who asks: sessions, origins, rate limits.

use latchkey_shared::id::{HomeId, KeyId};
use latchkey_shared::json::{Value, json};
use worker::{Env, Request};

use crate::binding::Binding;
use crate::core::session::{SessionRef, SessionToken};
use crate::env::{Account, broken, config};
use crate::error::{INTERNAL, NO_SESSION, ORIGIN, RATE, Result};
use crate::http::{ask, header};

/// What an account says of a session.
pub(crate) struct Who {
    /// The member key.
    pub(crate) key: KeyId,
    /// Whether a passkey was used a moment ago.
    pub(crate) fresh: bool,
    /// The homes that the account lists.
    pub(crate) homes: Vec<HomeId>,
    /// When the session ends if it is not used.
    pub(crate) expires: u64,
}

impl Who {
    /// As the account's object tells it.
    pub(crate) fn to_json(&self) -> Value {
        let homes: Vec<String> = self.homes.iter().map(ToString::to_string).collect();
        json!({ "key": self.key.to_string(), "fresh": self.fresh, "homes": homes, "expires": self.expires })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let value: Value = Value::parse(bytes)?;
        let homes = value["homes"].as_array()?.iter().map(|home| HomeId::parse(home.as_str()?).ok());
        Some(Who {
            key: KeyId::parse(value["key"].as_str()?).ok()?,
            fresh: value["fresh"].as_bool()?,
            homes: homes.collect::<Option<_>>()?,
            expires: value["expires"].as_u64()?,
        })
    }
}

/// The session that the cookie names. The secret itself goes no further than this.
pub(crate) fn session(req: &Request) -> Result<SessionRef> {
    let token = header(req, "cookie").and_then(|cookies| SessionToken::from_cookies(&cookies));
    token.map(|token| token.named()).ok_or(NO_SESSION)
}

/// Who is signed in.
pub(crate) async fn who(req: &Request, env: &Env) -> Result<(SessionRef, Who)> {
    let session = session(req)?;
    let stub = Account::Of(session.account).stub(env)?;
    let mut reply = ask(&stub, "who", &[("x-session", &session.to_text())], Vec::new()).await?;
    if reply.status_code() != 200 {
        return Err(NO_SESSION);
    }
    let bytes = reply.bytes().await.map_err(broken)?;
    Ok((session, Who::read(&bytes).ok_or(INTERNAL)?))
}

/// Refuses what another site's page made the browser send.
pub(crate) fn same_origin(req: &Request, env: &Env) -> Result<()> {
    let origin = header(req, "origin").ok_or(ORIGIN)?;
    if origin == config(env)?.origin { Ok(()) } else { Err(ORIGIN) }
}

/// Refuses a caller who asks too often. Without the binding nothing is limited, and the log says so.
pub(crate) async fn limit(req: &Request, env: &Env, binding: &str) -> Result<()> {
    limit_by(env, binding, &header(req, "cf-connecting-ip").unwrap_or_default()).await
}

/// The same for a caller who is known by something else than the address.
pub(crate) async fn limit_by(env: &Env, binding: &str, caller: &str) -> Result<()> {
    let Some(limiter) = Binding::find(env, binding) else {
        crate::obs::event("no_rate_limiter", &[("binding", binding)]);
        return Ok(());
    };
    match limiter.within(caller).await {
        Ok(false) => Err(RATE),
        _ => Ok(()),
    }
}
