//! Requests to the server: HTTPS, or plain HTTP to this machine itself.

use crate::failure::{Exit, Failure, Result};
use latchkey_shared::api::MEDIA_TYPE;
use latchkey_shared::origin::Origin;
use latchkey_shared::wire::cbor;
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Request, Response};

/// The most that an answer may have, in bytes: a whole chain with its reports.
const MAX_ANSWER: u64 = 32 * 1024 * 1024;

/// The way to the server.
pub(crate) struct Net {
    agent: Agent,
    origin: Origin,
}

/// What is sent.
pub(crate) enum Body {
    Nothing,
    Json(Value),
    Cbor(Vec<u8>),
}

/// What came back, if it was no refusal.
pub(crate) struct Reply {
    /// A new session's cookie, if there is one.
    pub(crate) cookie: Option<String>,
    bytes: Vec<u8>,
}

impl Net {
    pub(crate) fn new(origin: Origin) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(origin.https())
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), origin }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A request; refusals are failures with the server's own code.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Body, cookie: Option<&str>) -> Result<Reply> {
        let request = || {
            let mut builder = Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.origin))
                .header("origin", self.origin.to_string())
                .header("accept", "application/json, application/cbor");
            if let Some(cookie) = cookie {
                builder = builder.header("cookie", cookie);
            }
            builder
        };
        let broken = |_| Failure::broken("net.request", "The request could not be built.");
        let sent = match body {
            Body::Nothing => self.agent.run(request().body(()).map_err(broken)?),
            Body::Json(value) => {
                let request = request().header("content-type", "application/json");
                self.agent.run(request.body(value.to_string().into_bytes()).map_err(broken)?)
            }
            Body::Cbor(bytes) => {
                let request = request().header("content-type", MEDIA_TYPE);
                self.agent.run(request.body(bytes).map_err(broken)?)
            }
        };
        self.read(sent.map_err(|e| self.unreached(&e))?)
    }

    fn unreached(&self, error: &ureq::Error) -> Failure {
        Failure::new(Exit::Network, "net.unreachable", format!("{} was not reached: {error}", self.origin))
    }

    fn read(&self, mut response: Response<ureq::Body>) -> Result<Reply> {
        let status = response.status().as_u16();
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookie = cookies
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .find(|pair| pair.starts_with("__Host-latchkey=") && !pair.ends_with('='))
            .map(str::to_owned);
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let bytes = body.map_err(|e| self.unreached(&e))?;
        if (200..300).contains(&status) { Ok(Reply { cookie, bytes }) } else { Err(refusal(status, &bytes)) }
    }
}

/// RFC 9457's document, or the status alone.
fn refusal(status: u16, bytes: &[u8]) -> Failure {
    let exit = match status {
        401 => Exit::SignedOut,
        404 => Exit::NotFound,
        500.. => Exit::Broken,
        _ => Exit::Refused,
    };
    let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
    match document["code"].as_str() {
        Some(code) => {
            let text = |name: &str| document[name].as_str().unwrap_or_default();
            let hint = [text("detail"), text("hint")].join(" ");
            Failure::new(exit, code, hint.trim())
        }
        None => Failure::new(exit, "server.status", format!("The server answered {status}.")),
    }
}

impl Reply {
    /// The answer in JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.bytes).map_err(|_| Failure::answer())
    }

    /// The answer in CBOR.
    pub(crate) fn cbor<T>(&self) -> Result<T>
    where
        T: cbor::Encode + cbor::Decode,
    {
        cbor::from_slice(&self.bytes, self.bytes.len()).map_err(|_| Failure::answer())
    }

    /// The answer as it came.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_keep_the_servers_code() {
        let problem =
            refusal(409, br#"{"code":"chain.conflict","detail":"Somebody was faster.","hint":"Retry."}"#);
        assert_eq!(
            (problem.code.as_str(), problem.hint.as_str()),
            ("chain.conflict", "Somebody was faster. Retry.")
        );
        assert_eq!(refusal(401, b"{}").exit, Exit::SignedOut);
        assert_eq!(refusal(502, b"<html>").code, "server.status");
    }
}
