//! Requests read with bounds, and responses.

use futures_util::StreamExt;
use latchkey_shared::json::Value;
use worker::worker_sys::web_sys;
use worker::{Headers, Request, Response, ResponseBuilder, Stub};

use crate::env::{broken, broken_js};
use crate::error::{MALFORMED, Problem, Result, TOKEN, TOKEN_SCOPE, TOO_LARGE};

/// Reads a body of at most `max` bytes; a longer one is refused before it is read, or as soon as it shows.
pub(crate) async fn body(req: &mut Request, max: usize) -> Result<Vec<u8>> {
    let declared = header(req, "content-length").map(|len| len.parse::<usize>());
    match declared {
        // The runtime holds the sender to it (RFC 9112, section 6.2), so it can be taken in one piece.
        Some(Ok(len)) if len <= max => {
            let bytes = req.bytes().await.map_err(|_| MALFORMED)?;
            return if bytes.len() <= max { Ok(bytes) } else { Err(TOO_LARGE) };
        }
        Some(Ok(_)) => return Err(TOO_LARGE),
        Some(Err(_)) => return Err(MALFORMED),
        None => {}
    }
    if req.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = req.stream().map_err(|_| MALFORMED)?;
    let mut out = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| MALFORMED)?;
        if out.len() + chunk.len() > max {
            return Err(TOO_LARGE);
        }
        out.extend_from_slice(&chunk);
    }
    Ok(out)
}

/// A header's value.
pub(crate) fn header(req: &Request, name: &str) -> Option<String> {
    req.headers().get(name).ok().flatten()
}

/// Path and query as sent; the query without its `?`, empty when there is none.
pub(crate) fn target(req: &Request) -> (String, String) {
    let url = req.inner().url();
    let query = url.split_once('?').map_or("", |(_, rest)| rest);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    (req.path(), query.to_owned())
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

fn builder(status: u16, kind: &str) -> Result<ResponseBuilder> {
    ResponseBuilder::new()
        .with_status(status)
        .with_header("content-type", kind)
        .and_then(|b| b.with_header("cache-control", "no-store"))
        .and_then(|b| b.with_header("x-content-type-options", "nosniff"))
        .map_err(broken)
}

/// JSON.
pub(crate) fn json(status: u16, value: &Value) -> Result<Response> {
    json_text(status, &value.to_string())
}

/// JSON that is written already.
pub(crate) fn json_text(status: u16, text: &str) -> Result<Response> {
    Ok(builder(status, "application/json")?.fixed(text.as_bytes().to_vec()))
}

/// CBOR.
pub(crate) fn cbor(status: u16, bytes: Vec<u8>) -> Result<Response> {
    Ok(builder(status, latchkey_shared::api::MEDIA_TYPE)?.fixed(bytes))
}

/// Nothing to say.
pub(crate) fn no_content() -> Result<Response> {
    let builder = ResponseBuilder::new().with_status(204).with_header("cache-control", "no-store");
    Ok(builder.map_err(broken)?.empty())
}

/// A refusal. If even that fails, the entry shim answers.
pub(crate) fn refuse(problem: Problem) -> worker::Result<Response> {
    let builder = ResponseBuilder::new()
        .with_status(problem.status)
        .with_header("content-type", "application/problem+json")?
        .with_header("cache-control", "no-store")?
        .with_header("x-content-type-options", "nosniff")?;
    let builder = match problem.status {
        429 => builder.with_header("retry-after", "60")?,
        // A hub whose clock is lost learns here with what time to sign (RFC 9110, section 6.6.1).
        401 => builder.with_header("date", &String::from(js_sys::Date::new_0().to_utc_string()))?,
        _ => builder,
    };
    // RFC 6750, section 3.
    let builder = if problem == TOKEN {
        builder.with_header("www-authenticate", "Bearer realm=\"latchkey\", error=\"invalid_token\"")?
    } else if problem == TOKEN_SCOPE {
        builder.with_header("www-authenticate", "Bearer realm=\"latchkey\", error=\"insufficient_scope\"")?
    } else {
        builder
    };
    Ok(builder.fixed(problem.to_json().into_bytes()))
}

/// The same response with one more header.
pub(crate) fn with(response: Response, name: &str, value: &str) -> Result<Response> {
    let mut response = response;
    response.headers_mut().set(name, value).map_err(broken)?;
    Ok(response)
}

/// Asks an object. Only headers that are given here reach it, so nothing from outside can pose as ours.
pub(crate) async fn ask(
    stub: &Stub,
    call: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Response> {
    let list = Headers::new();
    for (name, value) in headers {
        list.set(name, value).map_err(broken)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_headers(&list.0);
    if !headers.iter().any(|(name, _)| *name == "upgrade") {
        init.set_method("POST");
        init.set_body(&js_sys::Uint8Array::from(body.as_slice()));
    }
    let url = format!("https://object/{call}");
    let request = web_sys::Request::new_with_str_and_init(&url, &init).map_err(broken_js)?;
    stub.fetch_with_request(request.into()).await.map_err(broken)
}
