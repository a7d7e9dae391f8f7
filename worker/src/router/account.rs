//! Signing up, in and out; passkeys and wrapped keys.

use latchkey_shared::id::AccountId;
use latchkey_shared::limits::MAX_JSON_BYTES;
use worker::Env;

use super::demand;
use crate::auth::{same_origin, session};
use crate::core::account::{
    Answers, Context, account_of_sign_in, begin_sign_in, begin_sign_up, challenge_of, key_of,
    kit_of_recovery, ticket_of,
};
use crate::core::session::clear_cookie;
use crate::core::ticket::{Purpose, Ticket};
use crate::env::{self, Account};
use crate::error::{KIT, METHOD, NO_ROUTE, Result};
use crate::http::{Request, Response, ask, json, no_content, with};

/// `/api/v1/auth/…`
pub(super) async fn auth(req: &Request, env: &Env, rest: &[&str]) -> Result<Response> {
    let known = matches!(
        rest,
        ["signup" | "signin" | "key" | "stepup" | "recover", "begin" | "finish"] | ["signout"]
    );
    if !known {
        return Err(NO_ROUTE);
    }
    demand(req, "POST")?;
    same_origin(req, env)?;
    let bytes = req.body(MAX_JSON_BYTES).await?;
    let (object, call) = match rest {
        ["signup", "begin"] => return stateless(env, |ctx| begin_sign_up(ctx, &bytes)),
        ["signin", "begin"] => return stateless(env, |ctx| Ok(begin_sign_in(ctx))),
        ["signout"] | ["stepup", _] => {
            let answer = signed_in(req, env, &rest.join("/"), bytes).await;
            if rest == ["signout"] && !answer.as_ref().is_ok_and(|response| response.status() == 204) {
                // The session has ended already: the browser forgets it all the same.
                return with(no_content()?, "set-cookie", &clear_cookie());
            }
            return answer;
        }
        ["signup", _] => (Account::Of(account_of_ticket(env, &bytes, Purpose::SignUp)?), "signup"),
        ["signin", _] => (Account::Of(account_of_sign_in(&bytes)?), "signin"),
        ["key", "begin"] => (Account::Key(key_of(&bytes)?), "owner"),
        ["key", _] => (Account::Of(ticketed(env, &challenge_of(&bytes)?, Purpose::Key)?), "keyin"),
        ["recover", "begin"] => {
            let kit = kit_of_recovery(&bytes)?;
            let found = env::kv(env)?.get(&env::kit_key(&kit)).await?.ok_or(KIT)?;
            let text = String::from_utf8(found).map_err(|_| KIT)?;
            (Account::Of(AccountId::parse(&text).map_err(|_| KIT)?), "recover/begin")
        }
        ["recover", _] => (Account::Of(account_of_ticket(env, &bytes, Purpose::Recover)?), "recover/finish"),
        _ => return Err(NO_ROUTE),
    };
    ask(env, &object.stub(), call, &[], &bytes).await
}

/// `/api/v1/account…`
pub(super) async fn manage(req: &Request, env: &Env, rest: &[&str]) -> Result<Response> {
    let call = match (rest, req.method.as_str()) {
        ([], "GET") => "account".to_owned(),
        (["wraps"], "PUT") => "wraps".to_owned(),
        (["passkeys", step @ ("begin" | "finish")], "POST") => format!("passkeys/{step}"),
        ([area @ ("passkeys" | "homes"), id], "DELETE") => format!("{area}/remove?id={id}"),
        ([] | ["wraps"] | ["passkeys" | "homes", _], _) => return Err(METHOD),
        _ => return Err(NO_ROUTE),
    };
    let changes = !rest.is_empty();
    if changes {
        same_origin(req, env)?;
    }
    let bytes = if changes { req.body(MAX_JSON_BYTES).await? } else { Vec::new() };
    signed_in(req, env, &call, bytes).await
}

/// Hands a request to the account of the session.
async fn signed_in(req: &Request, env: &Env, call: &str, bytes: Vec<u8>) -> Result<Response> {
    let session = session(req)?;
    let stub = Account::Of(session.account).stub();
    ask(env, &stub, call, &[("x-session", &session.to_text())], &bytes).await
}

fn account_of_ticket(env: &Env, bytes: &[u8], purpose: Purpose) -> Result<AccountId> {
    ticketed(env, &ticket_of(bytes)?, purpose)
}

/// The account that a ticket of ours names.
fn ticketed(env: &Env, ticket: &str, purpose: Purpose) -> Result<AccountId> {
    Ticket::open(ticket, &env::ticket_key(env)?, purpose, env::now()).map(|ticket| ticket.account)
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
