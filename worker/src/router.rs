//! From paths to objects. Every route is here, with who may take it and how large its body may be.

mod account;
mod home;
mod link;
mod pair;

use latchkey_shared::id::HomeId;
use latchkey_shared::json::json;
use worker::{Context, Env, Method, Request, Response};

use crate::auth::limit;
use crate::core::bytes::b64;
use crate::env;
use crate::error::{METHOD, NO_ROUTE, Problem, Result};
use crate::http::{json, refuse, target};

/// Answers a request.
pub(crate) async fn route(mut req: Request, env: Env, _: Context) -> worker::Result<Response> {
    let path = req.path();
    if !path.starts_with("/api/") && !path.starts_with("/g/") {
        return env.assets("ASSETS")?.fetch_request(req).await;
    }
    match answer(&mut req, &env).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            log(&req, &problem);
            refuse(problem)
        }
    }
}

/// Refusals that are our own fault are logged; a route is named by its first parts, which hold no id.
fn log(req: &Request, problem: &Problem) {
    if problem.status >= 500 {
        let area: String = req.path().split('/').skip(3).take(1).collect();
        crate::obs::event("failed", &[("area", &area), ("code", problem.code)]);
    }
}

async fn answer(req: &mut Request, env: &Env) -> Result<Response> {
    let (path, query) = target(req);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    if !matches!(parts.as_slice(), ["api", "v1", "homes", _, ..]) {
        known_method(req)?;
    }
    if let Some(limiter) = limiter(&parts) {
        limit(req, env, limiter).await?;
    }
    match parts.as_slice() {
        // GET and HEAD were answered before (`worker/hot.mjs`).
        ["g", _] => Err(METHOD),
        ["api", "v1", "health"] => get(req).and_then(|()| json(200, &json!({ "status": "ok" }))),
        ["api", "v1", "issuer"] => {
            get(req)?;
            json(200, &json!({ "sign": b64(&env::issuer(env)?.0) }))
        }
        ["api", "v1", "auth", rest @ ..] => account::auth(req, env, rest).await,
        ["api", "v1", "account", rest @ ..] => account::manage(req, env, rest).await,
        ["api", "v1", "pair", id, rest @ ..] => pair::route(req, env, id, rest).await,
        ["api", "v1", "links", id, action] => link::route(req, env, id, action).await,
        ["api", "v1", "invites", id, action] => home::invited(req, env, id, action).await,
        ["api", "v1", "homes"] => home::create(req, env).await,
        ["api", "v1", "homes", id, rest @ ..] => {
            let home = HomeId::parse(id).map_err(|_| NO_ROUTE)?;
            home::route(req, env, &home, rest, &query).await
        }
        _ => Err(NO_ROUTE),
    }
}

/// The binding that limits how often an address may ask there.
fn limiter(parts: &[&str]) -> Option<&'static str> {
    match parts {
        ["api", "v1", "auth", ..] => Some("RL_AUTH"),
        ["api", "v1", "account" | "homes", ..] => Some("RL_API"),
        ["api", "v1", "pair", ..] => Some("RL_PAIR"),
        ["api", "v1", "links" | "invites", ..] => Some("RL_LINK"),
        _ => None,
    }
}

/// Refuses a method that the platform's library does not know: it takes every such one for GET.
fn known_method(req: &Request) -> Result<()> {
    if raw_method(req) == req.method().to_string() { Ok(()) } else { Err(METHOD) }
}

/// The method as it was sent.
fn raw_method(req: &Request) -> String {
    req.inner().method()
}

/// Demands a method.
fn demand(req: &Request, method: Method) -> Result<()> {
    if req.method() == method { Ok(()) } else { Err(METHOD) }
}

fn get(req: &Request) -> Result<()> {
    demand(req, Method::Get)
}
