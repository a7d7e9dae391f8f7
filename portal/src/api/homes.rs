//! Homes and pairing, in CBOR.

use super::account::unb64;
use super::http::{get_arriving, get_bytes, get_cbor, json, json_empty, object, read, send_cbor, text};
use crate::problem::Problem;
use gloo_net::http::Method;
use latchkey_shared::api::{Arriving, CreateHome, EventsPage, Snapshot, SubmitOps, Submitted, path};
use latchkey_shared::id::{GrantId, HomeId, HubId, LockId, SignPublic};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pair::{PairAnswer, PairOffer, PairSecret};
use latchkey_shared::text::b64url;
use latchkey_shared::wire::cbor::Blob;

/// The key that signs heads here.
pub async fn issuer() -> Result<SignPublic, Problem> {
    let issuer = json(Method::GET, "/api/v1/issuer", None).await?;
    let sign = text(&issuer, "sign").unwrap_or_default();
    unb64(&sign).and_then(|bytes| SignPublic::from_slice(&bytes)).ok_or_else(Problem::answer)
}

/// Begins a home.
pub async fn create(genesis: Vec<u8>) -> Result<Submitted, Problem> {
    read(&send_cbor(Method::POST, path::HOMES, &CreateHome { genesis: Blob(genesis) }).await?)
}

/// All of the home. Each op is given to `take` as soon as it is here.
pub async fn snapshot(home: &HomeId, mut take: impl FnMut(&Blob)) -> Result<Snapshot, Problem> {
    let mut arriving = Arriving::default();
    let take = |arrived: &[u8]| {
        while let Some(op) = arriving.next(arrived) {
            take(&Blob(op.to_vec()));
        }
    };
    read(&get_arriving(&path::snapshot(home), take).await?)
}

/// The home after an op that is known.
pub async fn snapshot_after(home: &HomeId, seq: u64) -> Result<Snapshot, Problem> {
    get_cbor(&format!("{}?after={seq}", path::snapshot(home))).await
}

/// Appends ops.
pub async fn submit(home: &HomeId, ops: &SubmitOps) -> Result<Submitted, Problem> {
    read(&send_cbor(Method::POST, &path::ops(home), ops).await?)
}

/// Has the hub read a lock's codes again, or one of them.
pub async fn resync(
    home: &HomeId,
    hub: &HubId,
    lock: &LockId,
    grant: Option<&GrantId>,
) -> Result<(), Problem> {
    json_empty(Method::POST, &path::resync(home, hub, lock, grant), None).await
}

/// A page of the log.
pub async fn events(home: &HomeId, before: Option<u64>) -> Result<EventsPage, Problem> {
    events_page(home, before, 60).await
}

/// A page of the log with so many events, as far as the server gives that many.
pub async fn events_page(home: &HomeId, before: Option<u64>, limit: u32) -> Result<EventsPage, Problem> {
    let path = path::events(home);
    let before = before.map(|cursor| format!("&before={cursor}")).unwrap_or_default();
    get_cbor(&format!("{path}?limit={limit}{before}")).await
}

/// What a hub left at the meeting point, checked under the secret that it showed.
pub async fn offer(secret: &PairSecret) -> Result<PairOffer, Problem> {
    let offer: PairOffer = read(&get_bytes(&path::pair(&secret.id())).await?)?;
    secret.check_offer(&offer).map_err(|e| Problem::coded(&e))?;
    Ok(offer)
}

/// Tells the hub which home took it in.
pub async fn answer(secret: &PairSecret, answer: &PairAnswer) -> Result<(), Problem> {
    send_cbor(Method::PUT, &path::pair_answer(&secret.id()), answer).await.map(|_| ())
}

/// The note that a guest link shows, as its guest would read it.
pub async fn link_note(secret: &LinkSecret) -> Result<String, Problem> {
    let auth = b64url(&*secret.auth()).into();
    let path = format!("/api/v1/links/{}/reveal", secret.id());
    let answer = json(Method::POST, &path, Some(&object(&[("auth", auth)]))).await?;
    let content = text(&answer, "ct").and_then(|ct| unb64(&ct)).ok_or_else(Problem::answer)?;
    let plain = secret.decrypt(&content).map_err(|e| Problem::coded(&e))?;
    let content = core::str::from_utf8(&plain).ok().and_then(|plain| js_sys::JSON::parse(plain).ok());
    content.and_then(|content| text(&content, "note")).ok_or_else(Problem::answer)
}
