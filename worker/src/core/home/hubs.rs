//! Requests of hubs: who signs them, and the bundle that they fetch.

use ed25519_dalek::SigningKey;
use latchkey_shared::head::{Bundle, Head};
use latchkey_shared::httpsig::{self, MAX_SKEW_SECS, ParsedSignature, SignedParts};
use latchkey_shared::id::{HomeId, HubId, Nonce, SignPublic};
use latchkey_shared::keys::request_key_id;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::to_vec;

use latchkey_shared::json::{Value, json};

use super::Home;
use crate::core::json::Fields;
use crate::core::limits::{HEAD_CACHED_SECS, HEAD_LIFE_SECS};
use crate::error::{AHEAD, CONFIG, NO_HUB, REPLAYED, Result};
use crate::store::{HomeStore, HubRow};

/// A hub's request as it came, with the signature's headers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HubRequest {
    /// Upper case.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// Query as sent, without its `?`.
    pub query: String,
    /// `Signature-Input`.
    pub input: Option<String>,
    /// `Signature`.
    pub signature: Option<String>,
    /// `Content-Digest`.
    pub digest: Option<String>,
}

impl HubRequest {
    /// As it goes from the router to the home's object.
    pub fn to_json(&self) -> Value {
        json!({
            "method": self.method, "path": self.path, "query": self.query, "input": self.input,
            "signature": self.signature, "digest": self.digest,
        })
    }

    /// Reads what [`HubRequest::to_json`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::parse(bytes)?;
        Ok(HubRequest {
            method: fields.text("method")?,
            path: fields.text("path")?,
            query: fields.text("query")?,
            input: fields.text_if("input")?,
            signature: fields.text_if("signature")?,
            digest: fields.text_if("digest")?,
        })
    }

    /// Reads the signature and demands that it names this home and hub.
    pub fn parse(&self, home: &HomeId, hub: &HubId) -> Result<ParsedSignature> {
        let (input, signature) = (self.input.as_deref(), self.signature.as_deref());
        let parsed = httpsig::parse(input, signature, self.digest.as_deref())?;
        if parsed.key_id() == request_key_id(home, hub) { Ok(parsed) } else { Err(NO_HUB) }
    }

    /// Verifies the signature, not that the request is new.
    pub fn verify(
        &self,
        parsed: &ParsedSignature,
        key: &SignPublic,
        authority: &str,
        body: &[u8],
        now: u64,
    ) -> Result<()> {
        let key = key.key().ok_or(NO_HUB)?;
        let (method, path, query) = (&self.method, &self.path, &self.query);
        Ok(parsed.verify(&key, &SignedParts { method, authority, path, query, body }, now)?)
    }
}

/// What KV keeps of a hub's newest head: enough to answer "unchanged", and public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CachedHead {
    /// The hub's key.
    pub key: SignPublic,
    /// The chain's end.
    pub seq: u64,
    /// When the head was issued.
    pub issued_at: u64,
}

impl CachedHead {
    /// As it is kept.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.key, self.seq, self.issued_at)
    }

    /// Reads what [`CachedHead::to_text`] wrote.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.split('.');
        let key = SignPublic::parse(parts.next()?).ok()?;
        Some(CachedHead { key, seq: parts.next()?.parse().ok()?, issued_at: parts.next()?.parse().ok()? })
    }
}

/// Whether a request whose signature is good can be answered with "unchanged" from KV.
///
/// What is decided from a stale copy is only that a hub keeps, for at most an hour from `iat`, what it has.
pub fn head_from_cache(cached: &CachedHead, query: &str, if_none_match: &str, now: u64) -> bool {
    let etag = format!("\"{}-{}\"", cached.seq, cached.issued_at);
    let age = now.checked_sub(cached.issued_at);
    let after = format!("after={}", cached.seq);
    // With a nonce, or any other parameter, the home itself must answer.
    (latchkey_shared::defect!(StaleKvBelieved) || query == after && if_none_match == etag)
        && age.is_some_and(|age| age < HEAD_CACHED_SECS)
}

/// A bundle to be sent.
#[derive(Debug)]
pub struct BundleReply {
    /// The bundle in CBOR.
    pub body: Vec<u8>,
    /// Its entity tag.
    pub etag: String,
    /// For KV, unless a nonce made the head one of a kind.
    pub cache: Option<CachedHead>,
}

impl<S: HomeStore> Home<S> {
    /// Verifies that a hub of this home, or one that was removed from it, made this request, and for the first time.
    pub fn authenticate(
        &self,
        hub: &HubId,
        request: &HubRequest,
        authority: &str,
        body: &[u8],
        now: u64,
    ) -> Result<()> {
        let chain = self.chain().map_err(|_| NO_HUB)?;
        let parsed = request.parse(chain.home(), hub)?;
        let key = *chain.hub_key(hub).ok_or(NO_HUB)?;
        request.verify(&parsed, &key, authority, body, now)?;
        // Later than this the request is stale by its own date.
        let until = parsed.created().saturating_add(MAX_SKEW_SECS + 1);
        let first = self.store.remember_nonce(hub, &Nonce(*parsed.nonce()), until, now)?;
        if first || latchkey_shared::defect!(ReplayTaken) { Ok(()) } else { Err(REPLAYED) }
    }

    /// The head for this hub and the ops after the one it has.
    pub fn bundle(
        &self,
        hub: &HubId,
        after: Option<u64>,
        nonce: Option<Nonce>,
        issuers: &[SigningKey],
        now: u64,
    ) -> Result<BundleReply> {
        let chain = self.chain()?;
        // A hub that was removed still gets the word that it was, and takes its codes off.
        let key = *chain.hub_key(hub).ok_or(NO_HUB)?;
        if after.is_some_and(|seq| seq > chain.seq()) {
            return Err(AHEAD);
        }
        let issuer = issuers.iter().find(|key| SignPublic::from(key.verifying_key()) == *chain.issuer());
        let head = Head {
            home: *chain.home(),
            hub: *hub,
            expires: Timestamp(now.saturating_add(HEAD_LIFE_SECS)),
            issued_at: Timestamp(now),
            nonce,
            seq: chain.seq(),
            head_hash: chain.hash(),
        };
        let signed = head.sign(issuer.ok_or(CONFIG)?);
        let ops = self.store.ops_from(after.map_or(0, |seq| seq.saturating_add(1)))?;
        let bundle = Bundle { head: signed.into(), ops: ops.into_iter().map(Into::into).collect() };
        let row = HubRow { last_seen: now, seq: after.or(self.store.hub(hub)?.and_then(|row| row.seq)) };
        self.store.put_hub(hub, row)?;
        let cache = CachedHead { key, seq: head.seq, issued_at: now };
        Ok(BundleReply { body: to_vec(&bundle), etag: head.etag(), cache: nonce.is_none().then_some(cache) })
    }

    /// Writes down that a hub was heard of, at most once a minute.
    pub fn saw(&self, hub: &HubId, now: u64) -> Result<()> {
        let row = self.store.hub(hub)?.unwrap_or_default();
        if now < row.last_seen.saturating_add(60) {
            return Ok(());
        }
        self.store.put_hub(hub, HubRow { last_seen: now, ..row })
    }
}
