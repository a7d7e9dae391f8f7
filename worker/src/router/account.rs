//! Signing up, in and out; passkeys and wrapped keys.

use latchkey_shared::id::AccountId;
use latchkey_shared::limits::MAX_JSON_BYTES;
use worker::{Env, Method, Request, Response};

use super::{demand, get};
use crate::auth::{same_origin, session};
use crate::core::account::{
    Answers, Context, account_of_sign_in, begin_sign_in, begin_sign_up, challenge_of, key_of,
    kit_of_recovery, ticket_of,
};
use crate::core::session::clear_cookie;
use crate::core::ticket::{Purpose, Ticket};
use crate::env::{self, Account};
use crate::error::{KIT, METHOD, NO_ROUTE, Result};
use crate::http::{ask, body, json, no_content, with};

/// `/api/v1/auth/…`
pub(super) async fn auth(req: &mut Request, env: &Env, rest: &[&str]) -> Result<Response> {
    let known = matches!(
        rest,
        ["signup" | "signin" | "key" | "stepup" | "recover", "begin" | "finish"] | ["signout"]
    );
    if !known {
        return Err(NO_ROUTE);
    }
    demand(req, Method::Post)?;
    same_origin(req, env)?;
    let bytes = body(req, MAX_JSON_BYTES).await?;
    match rest {
        ["signup", "begin"] => stateless(env, |ctx| begin_sign_up(ctx, &bytes)),
        ["signin", "begin"] => stateless(env, |ctx| Ok(begin_sign_in(ctx))),
        ["signup", "finish"] => {
            let account = account_of_ticket(env, &bytes, Purpose::SignUp)?;
            ask(&Account::Of(account).stub(env)?, "signup", &[], bytes).await
        }
        ["signin", "finish"] => {
            let account = account_of_sign_in(&bytes)?;
            ask(&Account::Of(account).stub(env)?, "signin", &[], bytes).await
        }
        ["key", "begin"] => {
            let key = key_of(&bytes)?;
            ask(&Account::Key(key).stub(env)?, "owner", &[], bytes).await
        }
        ["key", "finish"] => {
            let ticket =
                Ticket::open(&challenge_of(&bytes)?, &env::ticket_key(env)?, Purpose::Key, env::now())?;
            ask(&Account::Of(ticket.account).stub(env)?, "keyin", &[], bytes).await
        }
        ["recover", "begin"] => {
            let kit = kit_of_recovery(&bytes)?;
            let found = env::kv(env)?.get(&env::kit_key(&kit)).await?.ok_or(KIT)?;
            let text = String::from_utf8(found).map_err(|_| KIT)?;
            let account = AccountId::parse(&text).map_err(|_| KIT)?;
            ask(&Account::Of(account).stub(env)?, "recover/begin", &[], bytes).await
        }
        ["recover", "finish"] => {
            let account = account_of_ticket(env, &bytes, Purpose::Recover)?;
            ask(&Account::Of(account).stub(env)?, "recover/finish", &[], bytes).await
        }
        ["signout"] => match signed_in(req, env, "signout", bytes).await {
            Ok(response) if response.status_code() == 204 => Ok(response),
            // The session has ended already: the browser forgets it all the same.
            _ => with(no_content()?, "set-cookie", &clear_cookie()),
        },
        ["stepup", step] => signed_in(req, env, &format!("stepup/{step}"), bytes).await,
        _ => Err(NO_ROUTE),
    }
}

/// `/api/v1/account…`
pub(super) async fn manage(req: &mut Request, env: &Env, rest: &[&str]) -> Result<Response> {
    match (rest, req.method()) {
        ([], Method::Get) => {
            get(req)?;
            return signed_in(req, env, "account", Vec::new()).await;
        }
        ([] | ["wraps"] | ["passkeys" | "homes", _], _) => same_origin(req, env)?,
        _ => return Err(NO_ROUTE),
    }
    let bytes = body(req, MAX_JSON_BYTES).await?;
    match (rest, req.method()) {
        (["wraps"], Method::Put) => signed_in(req, env, "wraps", bytes).await,
        (["passkeys", step @ ("begin" | "finish")], Method::Post) => {
            signed_in(req, env, &format!("passkeys/{step}"), bytes).await
        }
        (["passkeys", id], Method::Delete) => {
            signed_in(req, env, &format!("passkeys/remove?id={id}"), bytes).await
        }
        (["homes", id], Method::Delete) => signed_in(req, env, &format!("homes/remove?id={id}"), bytes).await,
        _ => Err(METHOD),
    }
}

/// Hands a request to the account of the session.
async fn signed_in(req: &Request, env: &Env, call: &str, bytes: Vec<u8>) -> Result<Response> {
    let session = session(req)?;
    ask(&Account::Of(session.account).stub(env)?, call, &[("x-session", &session.to_text())], bytes).await
}

fn account_of_ticket(env: &Env, bytes: &[u8], purpose: Purpose) -> Result<AccountId> {
    Ticket::open(&ticket_of(bytes)?, &env::ticket_key(env)?, purpose, env::now()).map(|ticket| ticket.account)
}

/// Begins something for which nothing is stored.
fn stateless<F>(env: &Env, begin: F) -> Result<Response>
where
    F: FnOnce(
        &mut Context<'_, getrandom::rand_core::UnwrapErr<getrandom::SysRng>>,
    ) -> Result<latchkey_shared::json::Value>,
{
    let (config, tickets) = (env::config(env)?, env::ticket_key(env)?);
    let rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
    let platform = Answers::default();
    let mut ctx = Context { config: &config, tickets: &tickets, platform: &platform, now: env::now(), rng };
    json(200, &begin(&mut ctx)?)
}
