//! Requests read with bounds, and responses.

use js_sys::futures::JsFuture;
use latchkey_shared::json::Value;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;
use worker::worker_sys::web_sys::Request as Raw;
pub(crate) use worker::worker_sys::web_sys::Response;

use crate::env::{Stub, broken_js};
use crate::error::{INTERNAL, MALFORMED, Problem, Result, TOKEN, TOKEN_SCOPE, TOO_LARGE};
use crate::host;

/// A request. The runtime keeps what is not asked for.
pub(crate) struct Request {
    raw: Raw,
    /// As sent: nothing is known of it.
    pub(crate) method: String,
    /// As sent.
    pub(crate) path: String,
    /// As sent, without its `?`; empty when there is none.
    pub(crate) query: String,
}

impl Request {
    /// As the runtime gives it.
    pub(crate) fn new(raw: Raw) -> Self {
        let (method, url) = (raw.method(), raw.url());
        let url = url.split_once('#').map_or(url.as_str(), |(url, _)| url);
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned();
        let query = query.to_owned();
        Request { raw, method, path, query }
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        host::header(&self.raw, name)
    }

    /// Reads a body of at most `max` bytes; a longer one is refused before it is read, or as soon as it shows.
    pub(crate) async fn body(&self, max: usize) -> Result<Vec<u8>> {
        let read = JsFuture::from(host::body(&self.raw, max as f64)).await.map_err(|_| MALFORMED)?;
        match read.dyn_into::<js_sys::Uint8Array>() {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(status) if status.as_f64() == Some(f64::from(TOO_LARGE.status)) => Err(TOO_LARGE),
            Err(_) => Err(MALFORMED),
        }
    }
}

/// The value of a parameter in a query of ids, numbers and base64url: nothing is decoded.
pub(crate) fn param<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A number in a query; anything else than a number is refused.
pub(crate) fn number(query: &str, name: &str) -> Result<Option<u64>> {
    // Beyond 2^53 JavaScript, through which storage is reached, has no integers.
    let read = |text: &str| text.parse().ok().filter(|n| *n < 1 << 53).ok_or(MALFORMED);
    param(query, name).map(read).transpose()
}

/// Headers as they go to `host.mjs`.
fn lines(headers: &[(&str, &str)]) -> Result<String> {
    let mut lines = String::with_capacity(128);
    for (name, value) in headers {
        if value.contains('\n') {
            return Err(MALFORMED);
        }
        for part in [name, value] {
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(part);
        }
    }
    Ok(lines)
}

fn respond(status: u16, kind: &str, body: &[u8]) -> Result<Response> {
    let headers =
        [("content-type", kind), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")];
    host::respond(status, &lines(&headers)?, Some(body)).map_err(broken_js)
}

/// JSON.
pub(crate) fn json(status: u16, value: &Value) -> Result<Response> {
    json_text(status, &value.to_string())
}

/// JSON that is written already.
pub(crate) fn json_text(status: u16, text: &str) -> Result<Response> {
    respond(status, "application/json", text.as_bytes())
}

/// CBOR.
pub(crate) fn cbor(status: u16, bytes: &[u8]) -> Result<Response> {
    respond(status, latchkey_shared::api::MEDIA_TYPE, bytes)
}

/// No body, and what else is to say.
pub(crate) fn empty(status: u16, headers: &[(&str, &str)]) -> Result<Response> {
    let all = [&[("cache-control", "no-store")], headers].concat();
    host::respond(status, &lines(&all)?, None).map_err(broken_js)
}

/// How large answers in CBOR are compressed (RFC 9110, section 8.4.1): the edge compresses only types that it knows.
const PACKED: &str = "br";
/// Tells an object that its answer may be compressed.
pub(crate) const PACKS: &str = "x-packs";
/// An answer of so many bytes is worth the time that this takes here.
const PACKED_FROM: usize = 64 * 1024;

/// Whether who asks is a browser that takes [`PACKED`] answers. An edge may put its own list of encodings in the place of
/// the client's, so the list alone does not tell; the other header is one that browsers alone send.
pub(crate) fn takes_packed(req: &Request) -> bool {
    req.header("sec-fetch-mode").is_some()
        && req.header("accept-encoding").is_some_and(|list| list.contains(PACKED))
}

/// CBOR that may be large, for somebody who takes it [`PACKED`]; the runtime compresses it.
pub(crate) fn large_cbor(bytes: &[u8], takes_packed: bool) -> Result<Response> {
    let response = cbor(200, bytes)?;
    let pack = takes_packed && bytes.len() >= PACKED_FROM;
    if pack { with(response, "content-encoding", PACKED) } else { Ok(response) }
}

/// Nothing to say.
pub(crate) fn no_content() -> Result<Response> {
    empty(204, &[])
}

/// A refusal.
///
/// # Errors
/// If even that fails; then the entry shim answers.
pub(crate) fn refuse(problem: Problem) -> core::result::Result<Response, JsValue> {
    let mut headers = vec![
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ];
    let date = String::from(js_sys::Date::new_0().to_utc_string());
    match problem.status {
        429 => headers.push(("retry-after", "60")),
        // A hub whose clock is lost learns here with what time to sign (RFC 9110, section 6.6.1).
        401 => headers.push(("date", &date)),
        _ => {}
    }
    // RFC 6750, section 3.
    if problem == TOKEN {
        headers.push(("www-authenticate", "Bearer realm=\"latchkey\", error=\"invalid_token\""));
    } else if problem == TOKEN_SCOPE {
        headers.push(("www-authenticate", "Bearer realm=\"latchkey\", error=\"insufficient_scope\""));
    }
    let headers = lines(&headers).map_err(|problem| JsValue::from(problem.code))?;
    host::respond(problem.status, &headers, Some(problem.to_json().as_bytes()))
}

/// An answer, or the refusal that takes its place.
pub(crate) fn answered(answer: Result<Response>) -> core::result::Result<Response, JsValue> {
    answer.or_else(refuse)
}

/// The same response with one more header. Not for what an object answered: the runtime keeps that as it is.
pub(crate) fn with(response: Response, name: &str, value: &str) -> Result<Response> {
    response.headers().set(name, value).map_err(broken_js)?;
    Ok(response)
}

/// Asks an object. Only headers that are given here reach it, so nothing from outside can pose as ours.
pub(crate) async fn ask(
    env: &Env,
    stub: &Stub,
    call: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response> {
    let body = Some(body).filter(|body| !body.is_empty());
    let asked = host::ask(env, stub.class, &stub.name, call, &lines(headers)?, body);
    response(asked).await
}

/// Asks an object for a socket.
pub(crate) async fn ask_socket(
    env: &Env,
    stub: &Stub,
    call: &str,
    headers: &[(&str, &str)],
) -> Result<Response> {
    response(host::socket(env, stub.class, &stub.name, call, &lines(headers)?)).await
}

async fn response(asked: core::result::Result<js_sys::Promise, JsValue>) -> Result<Response> {
    let response = JsFuture::from(asked.map_err(broken_js)?).await.map_err(broken_js)?;
    response.dyn_into().map_err(|_| INTERNAL)
}
