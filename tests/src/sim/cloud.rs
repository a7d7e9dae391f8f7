//! The Worker without its shell: the real home over the store in memory, a KV that may be stale, and the heads it signs.

use super::rng::Rng;
use super::signing::AUTHORITY;
use super::truth::Intent;
use ed25519_dalek::SigningKey;
use latchkey_hub::core::Input;
use latchkey_shared::api::SubmitOps;
use latchkey_shared::id::{HubId, KeyId, Nonce, SignPublic};
use latchkey_shared::wire::cbor::to_vec;
use latchkey_worker::core::home::{CachedHead, Home, HubRequest, Taken, head_from_cache};
use latchkey_worker::error::{AHEAD, CONFLICT, EVENT_FORK, HUB_REMOVED, Problem};
use latchkey_worker::store::memory::MemoryStore;
use std::collections::{BTreeMap, BTreeSet};

/// What a hub asks.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Fetch { after: Option<u64>, nonce: Option<Nonce>, tag: Option<String> },
    Push { seq: Option<u64>, reports: Vec<Vec<u8>>, events: Vec<Vec<u8>> },
    LastEvent,
    Submit(Vec<Vec<u8>>),
}

impl Ask {
    /// What the hub's shell makes of no answer.
    pub(super) fn unanswered(&self) -> Input {
        match self {
            Self::Fetch { .. } => Input::FetchFailed,
            Self::Push { .. } => Input::PushFailed,
            Self::LastEvent => Input::LogForked { newest: vec![], unsent: vec![] },
            Self::Submit(_) => Input::SubmitFailed(None),
        }
    }
}

/// An answer, and the entity tag that came with it.
pub(super) struct Reply {
    pub(super) input: Input,
    pub(super) tag: Option<String>,
    /// It came from a copy that may be stale.
    pub(super) cached: bool,
}

/// What was written under a KV key, and when.
type Versions = Vec<(u64, Option<Vec<u8>>)>;

/// The cloud.
pub(super) struct Cloud {
    pub(super) home: Home<MemoryStore>,
    pub(super) issuer: SigningKey,
    kv: BTreeMap<String, Versions>,
    /// How old an answer of KV may be, in milliseconds.
    pub(super) kv_stale: u64,
    /// When the chain last grew.
    pub(super) changed: u64,
    /// Signatures of the requests that it took.
    taken: BTreeSet<String>,
    /// The last of them.
    newest: Option<String>,
    /// It took one of them twice.
    pub(super) repeated: bool,
}

impl Cloud {
    pub(super) fn new(home: Home<MemoryStore>, issuer: SigningKey) -> Self {
        Self {
            home,
            issuer,
            kv: BTreeMap::new(),
            kv_stale: 0,
            changed: 0,
            taken: BTreeSet::new(),
            newest: None,
            repeated: false,
        }
    }

    pub(super) fn issuer_public(&self) -> SignPublic {
        self.issuer.verifying_key().into()
    }

    /// A new instance: everything but storage and KV is lost.
    pub(super) fn restart(&mut self) -> Result<(), Problem> {
        self.home = Home::load(self.home.store().clone())?;
        Ok(())
    }

    /// As it was before a request whose transaction failed.
    pub(super) fn roll_back(&mut self, before: MemoryStore) -> Result<(), Problem> {
        if let Some(newest) = self.newest.take() {
            self.taken.remove(&newest);
        }
        self.home = Home::load(before)?;
        Ok(())
    }

    /// Whether the home's object takes a request: signed by this hub, and for the first time.
    fn admit(
        &mut self,
        hub: &HubId,
        ask: &Ask,
        signed: Option<&HubRequest>,
        now: u64,
    ) -> Result<(), Problem> {
        self.newest = None;
        let Some(signed) = signed else { return Ok(()) };
        self.home.authenticate(hub, signed, AUTHORITY, &ask.body(), now)?;
        self.newest.clone_from(&signed.signature);
        self.repeated |= !self.taken.insert(signed.signature.clone().unwrap_or_default());
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        hub: &HubId,
        ask: &Ask,
        signed: Option<&HubRequest>,
        t: u64,
        rng: &mut Rng,
    ) -> Result<Reply, Problem> {
        let now = t / 1_000;
        if let Ask::Fetch { after, nonce: None, tag } = ask
            && self.unchanged(hub, *after, tag.as_deref(), t, rng)
        {
            return Ok(Reply { input: Input::NotModified, tag: None, cached: true });
        }
        self.admit(hub, ask, signed, now)?;
        let plain = |input| Reply { input, tag: None, cached: false };
        match ask {
            Ask::Fetch { after, nonce, .. } => {
                let reply =
                    match self.home.bundle(hub, *after, *nonce, std::slice::from_ref(&self.issuer), now) {
                        Ok(reply) => reply,
                        Err(e) if e == AHEAD => return Ok(plain(Input::CloudBehind)),
                        Err(e) => return Err(e),
                    };
                if let Some(cached) = &reply.cache {
                    self.put(self.head_key(hub), Some(cached.to_text().into_bytes()), t);
                }
                Ok(Reply { input: Input::Bundle(reply.body), tag: Some(reply.etag), cached: false })
            }
            Ask::Push { .. } => {
                let body = ask.body();
                match self.home.push(hub, &body, now) {
                    Ok(ingested) => Ok(plain(Input::PushTaken(ingested.ack))),
                    Err(e) if e == EVENT_FORK => self.last_event(hub).map(plain),
                    Err(e) if e == HUB_REMOVED => Ok(plain(Input::PushEnded)),
                    Err(e) => Err(e),
                }
            }
            Ask::LastEvent => self.last_event(hub).map(plain),
            Ask::Submit(_) => {
                let issuer = self.issuer_public();
                match self.home.submit_hub(hub, &issuer, &ask.body(), now) {
                    Ok(taken) => {
                        self.tell(&taken, t)?;
                        Ok(plain(Input::Submitted(taken.submitted.seq)))
                    }
                    Err(e) if e == CONFLICT => Ok(plain(Input::SubmitConflict)),
                    Err(e) => Ok(plain(Input::SubmitFailed(Some(e.code.to_owned())))),
                }
            }
        }
    }

    fn last_event(&self, hub: &HubId) -> Result<Input, Problem> {
        let newest = self.home.newest_event(hub)?;
        Ok(Input::LogForked { newest, unsent: vec![] })
    }

    /// What the router decides from KV before it wakes the home.
    fn unchanged(&self, hub: &HubId, after: Option<u64>, tag: Option<&str>, t: u64, rng: &mut Rng) -> bool {
        let (Some(after), Some(tag)) = (after, tag) else { return false };
        let cached = self.get(&self.head_key(hub), t, rng).and_then(|bytes| CachedHead::read(&bytes));
        cached.is_some_and(|cached| head_from_cache(&cached, &format!("after={after}"), tag, t / 1_000))
    }

    fn head_key(&self, hub: &HubId) -> String {
        format!("head/{hub}")
    }

    fn put(&mut self, key: String, value: Option<Vec<u8>>, t: u64) {
        let versions = self.kv.entry(key).or_default();
        versions.push((t, value));
        if versions.len() > 16 {
            versions.remove(0);
        }
    }

    /// The newest value, or one that was the newest a while ago.
    fn get(&self, key: &str, t: u64, rng: &mut Rng) -> Option<Vec<u8>> {
        let seen = t.saturating_sub(if self.kv_stale > 0 { rng.below(self.kv_stale) } else { 0 });
        self.kv.get(key)?.iter().rev().find(|(at, _)| *at <= seen).and_then(|(_, value)| value.clone())
    }

    /// A member submits: the number of the first op, if all were taken.
    pub(super) fn submit(&mut self, by: &KeyId, submit: &SubmitOps, t: u64) -> Result<u64, Problem> {
        let issuer = self.issuer_public();
        let count = submit.ops.len() as u64;
        let taken = self.home.submit(by, true, &issuer, &to_vec(submit), t / 1_000)?;
        self.tell(&taken, t)?;
        Ok(taken.submitted.seq + 1 - count)
    }

    fn tell(&mut self, taken: &Taken, t: u64) -> Result<(), Problem> {
        self.changed = t;
        // As the home's object does it: whoever polls must come to it once after a change.
        let hubs: Vec<HubId> = self.home.chain()?.hubs().keys().copied().collect();
        for hub in hubs.iter().chain(&taken.removed_hubs) {
            self.put(self.head_key(hub), None, t);
        }
        for grant in &taken.grants {
            let meta = self.home.code_meta(grant)?.map(|meta| meta.to_json().to_string().into_bytes());
            self.put(format!("code/{grant}"), meta, t);
        }
        Ok(())
    }

    /// Everything in KV that anybody could read.
    pub(super) fn kv_values(&self) -> impl Iterator<Item = &[u8]> {
        self.kv.values().flatten().filter_map(|(_, value)| value.as_deref())
    }
}

/// What waits at the cloud's door: a member's ops.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) by: KeyId,
    pub(super) submit: SubmitOps,
    pub(super) intents: Vec<Intent>,
    /// Somebody who joins with these ops.
    pub(super) person: usize,
}
