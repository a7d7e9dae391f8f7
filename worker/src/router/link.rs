//! Guest links: the two calls of the page's script. The page itself, the same for everybody, is answered by
//! `worker/hot.mjs`, with the secret in the fragment where no server sees it.

use latchkey_shared::id::{HomeId, LinkId};
use worker::Env;

use super::demand;
use crate::core::json::Fields;
use crate::env;
use crate::error::{NO_LINK, NO_ROUTE, Result};
use crate::http::{Request, Response, ask};

/// Largest body of the two calls.
const MAX_BODY: usize = 1024;

/// `POST /api/v1/links/{id}/{status,reveal}`
pub(super) async fn route(req: &Request, env: &Env, id: &str, action: &str) -> Result<Response> {
    if !matches!(action, "status" | "reveal") {
        return Err(NO_ROUTE);
    }
    demand(req, "POST")?;
    let auth: [u8; 32] = Fields::parse(&req.body(MAX_BODY).await?)?.bytes("auth")?;
    let id = LinkId::parse(id).map_err(|_| NO_LINK)?;
    let found = env::kv(env)?.get(&env::link_key(&id)).await?.ok_or(NO_LINK)?;
    let text = String::from_utf8(found).map_err(|_| NO_LINK)?;
    let home = HomeId::parse(&text).map_err(|_| NO_LINK)?;
    // The proof goes in the body here too: no log has it.
    ask(env, &env::home(&home), &format!("link/{action}?id={id}"), &[], &auth).await
}
