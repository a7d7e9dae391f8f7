//! Who asks: sessions, origins, rate limits.

use latchkey_shared::id::{HomeId, KeyId};
use latchkey_shared::wire::derive::{Decode, Encode};
use worker::{Env, Request};

use crate::core::session::{SessionRef, SessionToken};
use crate::env::{Account, broken, config};
use crate::error::{INTERNAL, NO_SESSION, ORIGIN, RATE, Result};
use crate::http::{ask, header};

/// What an account says of a session.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Who {
    /// The member key.
    #[n(1)]
    pub(crate) key: KeyId,
    /// Whether a passkey was used a moment ago.
    #[n(2)]
    pub(crate) fresh: bool,
    /// The homes that the account lists.
    #[n(3)]
    pub(crate) homes: Vec<HomeId>,
    /// When the session ends if it is not used.
    #[n(4)]
    pub(crate) expires: u64,
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
    let who = minicbor::decode(&bytes).map_err(|_| INTERNAL)?;
    Ok((session, who))
}

/// Refuses what another site's page made the browser send.
pub(crate) fn same_origin(req: &Request, env: &Env) -> Result<()> {
    let origin = header(req, "origin").ok_or(ORIGIN)?;
    if origin == config(env)?.origin { Ok(()) } else { Err(ORIGIN) }
}

/// Refuses a caller who asks too often. Without the binding nothing is limited, and the log says so.
pub(crate) async fn limit(req: &Request, env: &Env, binding: &str) -> Result<()> {
    let caller = header(req, "cf-connecting-ip").unwrap_or_default();
    let Ok(limiter) = env.rate_limiter(binding) else {
        crate::obs::event("no_rate_limiter", &[("binding", binding)]);
        return Ok(());
    };
    match limiter.limit(caller).await {
        Ok(outcome) if !outcome.success => Err(RATE),
        _ => Ok(()),
    }
}
