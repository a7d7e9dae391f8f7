//! From paths to objects. Every route is here, with who may take it and how large its body may be.

mod account;
mod home;
mod link;
mod pair;

use latchkey_shared::id::HomeId;
use latchkey_shared::json::json;
use wasm_bindgen::JsValue;
use worker::Env;

use crate::auth::limit;
use crate::core::bytes::b64;
use crate::env;
use crate::error::{METHOD, NO_ROUTE, Problem, Result};
use crate::http::{Request, Response, answered, json};

/// Answers a request.
///
/// # Errors
/// If not even a refusal can be made.
pub(crate) async fn route(req: &Request, env: &Env) -> core::result::Result<Response, JsValue> {
    let answer = answer(req, env).await;
    if let Err(problem) = &answer {
        log(req, problem);
    }
    answered(answer)
}

/// Refusals that are our own fault are logged; a route is named by its first parts, which hold no id.
fn log(req: &Request, problem: &Problem) {
    if problem.status >= 500 {
        let area: String = req.path.split('/').skip(3).take(1).collect();
        crate::obs::event("failed", &[("area", &area), ("code", problem.code)]);
    }
}

async fn answer(req: &Request, env: &Env) -> Result<Response> {
    let parts: Vec<&str> = req.path.split('/').skip(1).collect();
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
            home::route(req, env, &home, rest).await
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

/// Demands a method.
fn demand(req: &Request, method: &str) -> Result<()> {
    if req.method == method { Ok(()) } else { Err(METHOD) }
}

fn get(req: &Request) -> Result<()> {
    demand(req, "GET")
}
