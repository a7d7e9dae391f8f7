//! Homes: members come with a session, hubs with a signature.

use latchkey_shared::api::CreateHome;
use latchkey_shared::chain::SignedOp;
use latchkey_shared::id::{HomeId, HubId, InviteId};
use latchkey_shared::limits::{MAX_JSON_BYTES, MAX_PUSH_BYTES};
use latchkey_shared::token::ApiToken;
use latchkey_shared::wire::cbor::from_slice;
use worker::Env;

use super::{demand, get};
use crate::auth::{WHO, limit_by, same_origin, who};
use crate::core::api::routes;
use crate::core::bytes::b64;
use crate::core::home::{CachedHead, HubRequest, head_from_cache};
use crate::core::limits::{MAX_CREATE_BYTES, MAX_INVITE_BYTES, MAX_OPS_BYTES};
use crate::core::session::SessionRef;
use crate::env::{self, Account};
use crate::error::{METHOD, NO_HUB, NO_INVITE, NO_ROUTE, ONCE, Result, TOKEN, UPGRADE, WIRE};
use crate::http::{PACKS, Request, Response, ask, ask_socket, empty, number, refuse, takes_packed, with};
use crate::store::kv;

/// `POST /api/v1/homes`
pub(super) async fn create(req: &Request, env: &Env) -> Result<Response> {
    demand(req, "POST")?;
    same_origin(req, env)?;
    let (token, who) = who(req, env, None).await?;
    let bytes = req.body(MAX_CREATE_BYTES).await?;
    let create: CreateHome = from_slice(&bytes, MAX_CREATE_BYTES).map_err(|_| WIRE)?;
    let genesis = SignedOp::parse(&create.genesis).map_err(|_| WIRE)?;
    let home = genesis.claimed().home;
    let call = format!("create?home={home}");
    let response = ask(env, &env::home(&home), &call, &[(WHO, &who.to_text())], &bytes).await?;
    if response.status() == 201 {
        list(env, &token, &home).await?;
    }
    Ok(response)
}

/// `/api/v1/homes/{home}/…`
pub(super) async fn route(req: &Request, env: &Env, home: &HomeId, rest: &[&str]) -> Result<Response> {
    let path = rest.join("/");
    if rest != [""] && routes::is_api(&path) {
        return program(req, env, home, &path).await;
    }
    if let ["hubs", hub, call @ ("bundle" | "push" | "ops" | "last-event" | "ws")] = rest {
        let hub = HubId::parse(hub).map_err(|_| NO_ROUTE)?;
        return hub_route(req, env, home, &hub, call).await;
    }
    let asked = asked(req, rest)?;
    let socket = rest == ["ws"];
    if asked.changes || socket {
        same_origin(req, env)?;
    }
    let (token, who) = who(req, env, Some(home)).await?;
    let (stub, told) = (env::home(home), who.to_text());
    let mut headers = vec![(WHO, told.as_str())];
    if asked.lists && takes_packed(req) {
        headers.push((PACKS, "1"));
    }
    if socket {
        return ask_socket(env, &stub, &asked.call, &headers).await;
    }
    let bytes = if asked.body > 0 { req.body(asked.body).await? } else { Vec::new() };
    let response = ask(env, &stub, &asked.call, &headers, &bytes).await?;
    if asked.lists && response.status() == 200 && !who.lists {
        // A member who was added by somebody else finds the home in the account from now on.
        list(env, &token, home).await?;
    }
    Ok(response)
}

/// What a member's request asks of the home's object.
struct Asked {
    call: String,
    changes: bool,
    /// The largest body; 0 for none.
    body: usize,
    /// Whether it shows the home to somebody who may not have it in the account's list.
    lists: bool,
}

/// The routes of members, with their methods and the sizes of their bodies.
fn asked(req: &Request, rest: &[&str]) -> Result<Asked> {
    let query = req.query.as_str();
    let reads = |call: &str, lists| {
        get(req).map(|()| Asked { call: format!("{call}?{query}"), changes: false, body: 0, lists })
    };
    let takes = |call: &str, body| {
        demand(req, "POST")?;
        Ok(Asked { call: call.to_owned(), changes: true, body, lists: false })
    };
    let drops = |call: String| {
        demand(req, "DELETE")?;
        Ok(Asked { call, changes: true, body: 0, lists: false })
    };
    match rest {
        [call @ ("snapshot" | "mine")] => {
            number(query, "after")?;
            reads(call, true)
        }
        [call @ ("events" | "export")] => reads(call, false),
        [call @ ("tokens" | "invites")] if req.method == "GET" => reads(call, false),
        ["tokens"] => takes("tokens/new", MAX_JSON_BYTES),
        ["tokens", id] => drops(format!("tokens/revoke?id={id}")),
        ["invites"] => takes("invites/new", MAX_INVITE_BYTES),
        ["invites", id] => drops(format!("invites/withdraw?id={id}")),
        ["ops"] => takes("ops", MAX_OPS_BYTES),
        ["hubs", hub, "resync"] => takes(&format!("resync?hub={hub}&{query}"), 0),
        ["ws"] => upgrade(req).and_then(|()| reads("ws", false)),
        _ => Err(NO_ROUTE),
    }
}

/// The API for programs, by token, or by session for what members may read.
async fn program(req: &Request, env: &Env, home: &HomeId, path: &str) -> Result<Response> {
    match routes::find(&req.method, path) {
        // RFC 9110, section 15.5.6.
        Err(problem) if problem == METHOD => {
            return with(refuse(METHOD).map_err(env::broken_js)?, "allow", &routes::allowed(path));
        }
        found => drop(found?),
    }
    let mut headers = vec![("x-method", req.method.clone())];
    match req.header("authorization") {
        Some(text) => {
            let token = text.strip_prefix("Bearer ").and_then(ApiToken::parse).ok_or(TOKEN)?;
            let hash = b64(&token.hash().0);
            limit_by(env, "RL_TOKEN", &hash).await?;
            headers.push(("x-token", hash));
            if let Some(key) = req.header("idempotency-key") {
                let printable = (1..=128).contains(&key.len()) && key.bytes().all(|b| (32..127).contains(&b));
                if !printable {
                    return Err(ONCE);
                }
                headers.push(("x-once", b64(&*token.derive(key.as_bytes()))));
            }
        }
        None => headers.push((WHO, who(req, env, None).await?.1.to_text())),
    }
    if let Some(version) = req.header("if-match") {
        headers.push(("if-match", version));
    }
    let bytes = req.body(MAX_JSON_BYTES).await?;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ask(env, &env::home(home), &format!("api/{path}?{}", req.query), &headers, &bytes).await
}

/// `POST /api/v1/invites/{id}/{open,accept}`, by somebody who has an invitation's link.
pub(super) async fn invited(req: &Request, env: &Env, id: &str, action: &str) -> Result<Response> {
    if !matches!(action, "open" | "accept") {
        return Err(NO_ROUTE);
    }
    demand(req, "POST")?;
    let mut told = None;
    if action == "accept" {
        same_origin(req, env)?;
        told = Some(who(req, env, None).await?.1.to_text());
    }
    let bytes = req.body(MAX_INVITE_BYTES).await?;
    let id = InviteId::parse(id).map_err(|_| NO_INVITE)?;
    let found = env::kv(env)?.get(&env::invite_key(&id)).await?.ok_or(NO_INVITE)?;
    let text = String::from_utf8(found).map_err(|_| NO_INVITE)?;
    let home = HomeId::parse(&text).map_err(|_| NO_INVITE)?;
    let call = format!("invites/{action}?id={id}");
    let headers = told.as_deref().map(|told| (WHO, told));
    ask(env, &env::home(&home), &call, headers.as_slice(), &bytes).await
}

/// Writes a home into the account's list.
async fn list(env: &Env, token: &SessionRef, home: &HomeId) -> Result<()> {
    let (stub, text) = (Account::Of(token.account).stub(), token.to_text());
    ask(env, &stub, &format!("homes/add?id={home}"), &[("x-session", &text)], &[]).await.map(drop)
}

fn upgrade(req: &Request) -> Result<()> {
    get(req)?;
    let asked = req.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    if asked { Ok(()) } else { Err(UPGRADE) }
}

async fn hub_route(req: &Request, env: &Env, home: &HomeId, hub: &HubId, call: &str) -> Result<Response> {
    match call {
        "push" | "ops" => demand(req, "POST")?,
        "ws" => upgrade(req)?,
        _ => get(req)?,
    }
    let signed = HubRequest {
        method: req.method.clone(),
        path: req.path.clone(),
        query: req.query.clone(),
        input: req.header("signature-input"),
        signature: req.header("signature"),
        digest: req.header("content-digest"),
    };
    // Who shows no well-formed signature for this hub costs nobody anything.
    let parsed = signed.parse(home, hub)?;
    if call == "bundle"
        && let Some(response) = unchanged(req, env, home, hub, &signed, &parsed).await?
    {
        return Ok(response);
    }
    let bytes = match call {
        "push" => req.body(MAX_PUSH_BYTES).await?,
        "ops" => req.body(MAX_OPS_BYTES).await?,
        _ => Vec::new(),
    };
    let (hub, packed) = (hub.to_string(), b64(signed.to_json().to_string().as_bytes()));
    let (stub, headers) = (env::home(home), [("x-hub", hub.as_str()), ("x-signed", &packed)]);
    match call {
        "ws" => ask_socket(env, &stub, "hub/ws", &headers).await,
        _ => ask(env, &stub, &format!("hub/{call}"), &headers, &bytes).await,
    }
}

/// "Unchanged", from KV alone. The home's object sleeps on.
async fn unchanged(
    req: &Request,
    env: &Env,
    home: &HomeId,
    hub: &HubId,
    signed: &HubRequest,
    parsed: &latchkey_shared::httpsig::ParsedSignature,
) -> Result<Option<Response>> {
    let Some(tag) = req.header("if-none-match") else { return Ok(None) };
    let Some(bytes) = env::kv(env)?.get(&kv::head_key(home, hub)).await? else { return Ok(None) };
    let Some(cached) = CachedHead::read(&bytes) else { return Ok(None) };
    let now = env::now();
    if !head_from_cache(&cached, &signed.query, &tag, now) {
        return Ok(None);
    }
    signed.verify(parsed, &cached.key, &env::config(env)?.authority(), &[], now).map_err(|_| NO_HUB)?;
    empty(304, &[("etag", &tag)]).map(Some)
}
