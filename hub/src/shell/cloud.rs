//! The three things that the hub asks of the cloud: bundles, pushes, a socket.

use super::clocks;
use super::http::{Ask, Net, NetError, Reply};
use crate::core::Input;
use crate::core::trust::Belonging;
use crate::machine::files;
use data_encoding::BASE64URL_NOPAD;
use latchkey_shared::api::{HubAck, HubPush, SubmitOps, Submitted, path};
use latchkey_shared::id::Nonce;
use latchkey_shared::keys::{Keys, request_key_id};
use latchkey_shared::limits;
use latchkey_shared::wire::cbor;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The longest answer to a push, in bytes.
const MAX_ACK: usize = 4_096;

/// The cloud, as this hub of this home speaks to it.
#[derive(Clone)]
pub struct Cloud {
    net: Net,
    keys: Keys,
    belonging: Belonging,
    /// The entity tag of the newest bundle, and the number up to which it went.
    tag: Arc<Mutex<Option<(u64, String)>>>,
    /// What to add to the wall clock to get a time with which the cloud takes a signature. A clock that is lost
    /// would else keep the hub from ever asking for a proof of the time. Nothing but signatures goes by it.
    skew: Arc<AtomicI64>,
}

impl Cloud {
    /// For a paired hub.
    pub fn new(net: Net, keys: Keys, belonging: Belonging) -> Self {
        Self { net, keys, belonging, tag: Arc::default(), skew: Arc::default() }
    }

    /// The way there.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// Where the socket is opened.
    pub fn socket_path(&self) -> String {
        path::hub_socket(&self.belonging.home, &self.belonging.hub)
    }

    /// The question with a fresh signature.
    pub fn signed<'a>(&self, mut ask: Ask<'a>) -> Ask<'a> {
        let key_id = request_key_id(&self.belonging.home, &self.belonging.hub);
        // Without randomness there is no signature, and so no request that could be replayed.
        if let Ok(nonce) = files::random::<16>() {
            let now = clocks::now().wall.0.saturating_add_signed(self.skew.load(Ordering::Relaxed));
            ask.signature = self.net.sign(self.keys.signing(), &key_id, &ask, now, &nonce);
        }
        ask
    }

    /// Signs and asks; once more if the cloud goes by another time.
    async fn ask(&self, ask: Ask<'_>) -> Result<Reply, NetError> {
        let reply = self.net.ask(self.signed(ask.clone())).await?;
        if reply.status == 401 && reply.date.is_some_and(|date| self.learn(date)) {
            return self.net.ask(self.signed(ask)).await;
        }
        Ok(reply)
    }

    /// Takes note of the cloud's clock; whether it differs from what was thought.
    fn learn(&self, date: u64) -> bool {
        let wall = i64::try_from(clocks::now().wall.0).unwrap_or(i64::MAX);
        let skew = i64::try_from(date).unwrap_or(i64::MAX).saturating_sub(wall);
        let before = self.skew.swap(skew, Ordering::Relaxed);
        let differs = before.abs_diff(skew) > 30;
        if differs {
            tracing::warn!(seconds = skew, "the cloud's clock is another than this machine's");
        }
        differs
    }

    /// Fetches a bundle.
    pub async fn fetch(&self, after: Option<u64>, nonce: Option<Nonce>) -> Input {
        match self.try_fetch(after, nonce).await {
            Ok(input) => input,
            Err(e) => {
                tracing::debug!(code = e.code(), "no bundle");
                Input::FetchFailed
            }
        }
    }

    async fn try_fetch(&self, after: Option<u64>, nonce: Option<Nonce>) -> Result<Input, NetError> {
        let mut query: Vec<String> = vec![];
        query.extend(after.map(|seq| format!("after={seq}")));
        query.extend(nonce.map(|nonce| format!("nonce={}", BASE64URL_NOPAD.encode(&nonce.0))));
        let query = query.join("&");
        let route = path::bundle(&self.belonging.home, &self.belonging.hub);
        let known = self.tag.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tag = known.filter(|(seq, _)| nonce.is_none() && after == Some(*seq)).map(|(_, tag)| tag);
        let ask = Ask {
            method: "GET",
            path: &route,
            query: &query,
            if_none_match: tag,
            most: limits::MAX_BUNDLE_BYTES,
            ..Ask::default()
        };
        let reply = self.ask(ask).await?;
        match reply.status {
            200 => {
                self.keep_tag(reply.etag);
                Ok(Input::Bundle(reply.body.to_vec()))
            }
            304 => Ok(Input::NotModified),
            409 => {
                tracing::warn!("the cloud knows less than this hub: it was set back");
                Ok(Input::CloudBehind)
            }
            status => {
                tracing::warn!(status, "the cloud gives no bundle");
                Ok(Input::FetchFailed)
            }
        }
    }

    /// Tags have the form `"<seq>-<iat>"`.
    fn keep_tag(&self, tag: Option<String>) {
        let seq = tag.as_deref().and_then(|t| t.trim_matches('"').split('-').next()?.parse().ok());
        *self.tag.lock().unwrap_or_else(PoisonError::into_inner) = seq.zip(tag);
    }

    /// Sends reports and events.
    pub async fn push(&self, seq: Option<u64>, reports: Vec<Vec<u8>>, events: Vec<Vec<u8>>) -> Input {
        let push = HubPush {
            seq,
            reports: reports.into_iter().map(Into::into).collect(),
            events: events.into_iter().map(Into::into).collect(),
        };
        let route = path::push(&self.belonging.home, &self.belonging.hub);
        let body = cbor::to_vec(&push);
        let ask = Ask { method: "POST", path: &route, body, most: MAX_ACK, ..Ask::default() };
        let ack = match self.ask(ask).await {
            Ok(reply) if reply.status == 200 => cbor::from_slice::<HubAck>(&reply.body, MAX_ACK).ok(),
            Ok(reply) if reply.status == 409 => {
                tracing::warn!("the cloud has other events of this hub");
                let newest = self.last_event().await;
                return newest
                    .map_or(Input::PushFailed, |newest| Input::LogForked { newest, unsent: vec![] });
            }
            Ok(reply) if reply.status == 410 => {
                tracing::info!("the cloud takes nothing more of this hub: it was removed");
                return Input::PushEnded;
            }
            Ok(reply) => {
                tracing::warn!(status = reply.status, "the cloud does not take the push");
                None
            }
            Err(e) => {
                tracing::debug!(code = e.code(), "no push");
                None
            }
        };
        ack.map_or(Input::PushFailed, Input::PushTaken)
    }

    /// Submits ops that were made at the panel.
    pub async fn submit(&self, ops: Vec<Vec<u8>>) -> Input {
        let submit = SubmitOps { ops: ops.into_iter().map(Into::into).collect(), links: vec![] };
        let route = path::hub_ops(&self.belonging.home, &self.belonging.hub);
        let body = cbor::to_vec(&submit);
        let ask = Ask { method: "POST", path: &route, body, most: MAX_ACK, ..Ask::default() };
        match self.ask(ask).await {
            Ok(reply) if reply.status == 200 => match cbor::from_slice::<Submitted>(&reply.body, MAX_ACK) {
                Ok(submitted) => Input::Submitted(submitted.seq),
                Err(_) => Input::SubmitFailed(None),
            },
            Ok(reply) => {
                let code = problem_code(&reply.body);
                tracing::warn!(
                    status = reply.status,
                    code = code.as_deref(),
                    "the cloud does not take the panel's changes"
                );
                match (reply.status, code) {
                    (409, _) => Input::SubmitConflict,
                    (400..=499, Some(code)) if reply.status != 401 && reply.status != 429 => {
                        Input::SubmitFailed(Some(code))
                    }
                    _ => Input::SubmitFailed(None),
                }
            }
            Err(e) => {
                tracing::debug!(code = e.code(), "nothing submitted");
                Input::SubmitFailed(None)
            }
        }
    }

    /// The newest event of this hub that the cloud has.
    pub async fn last_event(&self) -> Option<Vec<u8>> {
        let route = path::hub_last_event(&self.belonging.home, &self.belonging.hub);
        let ask = Ask { method: "GET", path: &route, most: limits::MAX_EVENT_BYTES, ..Ask::default() };
        let reply = self.ask(ask).await.ok().filter(|reply| reply.status == 200)?;
        Some(reply.body.to_vec())
    }
}

/// The stable code of a refusal (RFC 9457).
fn problem_code(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = problem.get("code")?.as_str()?;
    (code.len() <= 64 && code.is_ascii()).then(|| code.to_owned())
}
