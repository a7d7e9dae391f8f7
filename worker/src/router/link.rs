//! Guest links: the page's shell, and the two calls of its script.

use latchkey_shared::id::{HomeId, LinkId};
use worker::{Env, Method, Request, Response, ResponseBuilder};

use super::{demand, get};
use crate::core::json::Fields;
use crate::env::{self, broken};
use crate::error::{NO_LINK, NO_ROUTE, Result};
use crate::http::{ask, body};

/// The page is the same for everybody: what it shows comes from its script, with the secret in the fragment.
const PAGE: &str = include_str!("../../guest/page.html");

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Largest body of the two calls.
const MAX_BODY: usize = 1024;

/// `GET /g/{id}`
pub(super) fn page(req: &Request, _: &str) -> Result<Response> {
    if req.method() != Method::Head {
        get(req)?;
    }
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", CSP),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("cache-control", "no-cache"),
    ];
    let builder = headers
        .iter()
        .try_fold(ResponseBuilder::new(), |builder, (name, value)| builder.with_header(name, value))
        .map_err(broken)?;
    Ok(builder.fixed(PAGE.as_bytes().to_vec()))
}

/// `POST /api/v1/links/{id}/{status,reveal}`
pub(super) async fn route(req: &mut Request, env: &Env, id: &str, action: &str) -> Result<Response> {
    if !matches!(action, "status" | "reveal") {
        return Err(NO_ROUTE);
    }
    demand(req, Method::Post)?;
    let auth: [u8; 32] = Fields::parse(&body(req, MAX_BODY).await?)?.bytes("auth")?;
    let id = LinkId::parse(id).map_err(|_| NO_LINK)?;
    let found = env::kv(env)?.get(&env::link_key(&id)).await?.ok_or(NO_LINK)?;
    let text = String::from_utf8(found).map_err(|_| NO_LINK)?;
    let home = HomeId::parse(&text).map_err(|_| NO_LINK)?;
    // The proof goes in the body here too: no log has it.
    ask(&env::home(env, &home)?, &format!("link/{action}?id={id}"), &[], auth.to_vec()).await
}
