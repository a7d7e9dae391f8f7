//! Who asks: sessions, origins, rate limits.

use latchkey_shared::id::{HomeId, KeyId};
use worker::Env;

use crate::binding::within;
use crate::core::session::{SessionRef, SessionToken};
use crate::env::{Account, config};
use crate::error::{INTERNAL, NO_SESSION, ORIGIN, RATE, Result};
use crate::http::{Request, ask};

/// What an account says of a session.
pub(crate) struct Who {
    /// The member key.
    pub(crate) key: KeyId,
    /// Whether a passkey was used a moment ago.
    pub(crate) fresh: bool,
    /// When the session ends if it is not used.
    pub(crate) expires: u64,
    /// Whether the account lists the home that was asked about.
    pub(crate) lists: bool,
}

impl Who {
    /// As the account's object tells the router, and the router a home's object: in one header.
    pub(crate) fn to_text(&self) -> String {
        let Who { key, fresh, expires, lists } = self;
        format!("{key} {} {expires} {}", u8::from(*fresh), u8::from(*lists))
    }

    /// Reads what [`Who::to_text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let who = Who {
            key: KeyId::parse(parts.next()?).ok()?,
            fresh: parts.next()? == "1",
            expires: parts.next()?.parse().ok()?,
            lists: parts.next()? == "1",
        };
        parts.next().is_none().then_some(who)
    }
}

/// The session that the cookie names. The secret itself goes no further than this.
pub(crate) fn session(req: &Request) -> Result<SessionRef> {
    let token = req.header("cookie").and_then(|cookies| SessionToken::from_cookies(&cookies));
    token.map(|token| token.named()).ok_or(NO_SESSION)
}

/// Who is signed in, and whether the account lists the home, if one is named.
pub(crate) async fn who(req: &Request, env: &Env, home: Option<&HomeId>) -> Result<(SessionRef, Who)> {
    let session = session(req)?;
    let call = home.map_or_else(|| "who".to_owned(), |home| format!("who?home={home}"));
    let stub = Account::Of(session.account).stub();
    let reply = ask(env, &stub, &call, &[("x-session", &session.to_text())], &[]).await?;
    if reply.status() != 204 {
        return Err(NO_SESSION);
    }
    let told = reply.headers().get(WHO).ok().flatten();
    Ok((session, told.and_then(|text| Who::parse(&text)).ok_or(INTERNAL)?))
}

/// The header that says who is signed in.
pub(crate) const WHO: &str = "x-who";

/// Refuses what another site's page made the browser send.
pub(crate) fn same_origin(req: &Request, env: &Env) -> Result<()> {
    let origin = req.header("origin").ok_or(ORIGIN)?;
    if origin == config(env)?.origin { Ok(()) } else { Err(ORIGIN) }
}

/// Refuses a caller who asks too often. Without the binding nothing is limited, and the log says so.
pub(crate) async fn limit(req: &Request, env: &Env, binding: &str) -> Result<()> {
    limit_by(env, binding, &req.header("cf-connecting-ip").unwrap_or_default()).await
}

/// The same for a caller who is known by something else than the address.
pub(crate) async fn limit_by(env: &Env, binding: &str, caller: &str) -> Result<()> {
    match within(env, binding, caller).await {
        Some(true) => Ok(()),
        Some(false) => Err(RATE),
        None => {
            crate::obs::event("no_rate_limiter", &[("binding", binding)]);
            Ok(())
        }
    }
}
