//! Telling others what has happened: sockets and KV. None of it decides anything, so no failure here fails a request.

use latchkey_shared::api::Notice;
use latchkey_shared::id::{GrantId, HomeId, HubId};

use super::HomeDo;
use super::sockets::Audience;
use crate::binding::Kv;
use crate::core::home::{CachedHead, Ingested, Taken};
use crate::core::limits::HEAD_CACHED_SECS;
use crate::env;
use crate::error::Result;
use crate::store::kv;

impl HomeDo {
    /// A hub came or went.
    pub(super) fn tell_hub(&self, hub: &HubId, online: bool) {
        if let Ok(seen) = self.with_home(|home| home.hub_seen(hub, online)) {
            self.to_portals(Audience::Managers, &Notice::Hub(seen));
        }
    }

    /// The chain has grown.
    pub(super) fn tell_chain(&self, taken: &Taken) {
        let notice = Notice::Chain(taken.submitted.seq);
        // A hub that was removed is told as well: it fetches that once more and takes its codes off.
        self.to_hubs(&notice);
        self.to_portals(Audience::Managers, &notice);
        self.to_portals(Audience::Residents, &Notice::Mine);
        if !taken.added_keys.is_empty() || !taken.removed_keys.is_empty() {
            self.to_portals(Audience::Owners, &Notice::Invites);
        }
        self.dismiss(&taken.removed_hubs, &taken.removed_keys);
    }

    /// A hub has said something new.
    pub(super) fn tell_portals(&self, ingested: &Ingested, hub: &HubId) {
        for report in &ingested.reports {
            self.to_portals(Audience::Managers, &Notice::Report(report.clone().into()));
        }
        for event in &ingested.events {
            self.to_portals(Audience::Managers, &Notice::Event(event.clone().into()));
        }
        if !ingested.reports.is_empty() || !ingested.events.is_empty() {
            self.to_portals(Audience::Residents, &Notice::Mine);
        }
        let online = self.online().contains(hub);
        self.tell_hub(hub, online);
    }

    /// What KV keeps of codes, links and heads.
    pub(super) async fn tell_kv(&self, taken: &Taken, now: u64) {
        // Once more if it fails: a link that KV does not know is found by nobody.
        if self.write_kv(taken, now).await.is_err() && self.write_kv(taken, now).await.is_err() {
            crate::obs::event("kv_behind", &[]);
        }
    }

    async fn write_kv(&self, taken: &Taken, now: u64) -> Result<()> {
        let store = env::kv(&self.env)?;
        let home = self.with_home(|home| Ok(*home.chain()?.home()))?;
        for id in &taken.links {
            let until = self.with_home(|h| h.link_kept_until(id, now))?;
            kv::put(&store, &env::link_key(id), home.to_string().as_bytes(), Some(until), now).await?;
        }
        for grant in &taken.grants {
            self.write_code(&store, &home, grant, now).await?;
        }
        Ok(())
    }

    /// Whoever polls must come to the object once after a change: before anybody is told of it, so that nobody is
    /// told and then answered from KV that nothing changed.
    pub(super) async fn forget_heads(&self, taken: &Taken) {
        // Whoever puts a head there meanwhile puts one of the chain as it is now, and says so here.
        if !self.heads.replace(false) {
            return;
        }
        let forget = async || -> Result<()> {
            let store = env::kv(&self.env)?;
            let (home, hubs) = self.with_home(|home| {
                let chain = home.chain()?;
                Ok((*chain.home(), chain.hubs().keys().copied().collect::<Vec<_>>()))
            })?;
            for hub in hubs.iter().chain(&taken.removed_hubs) {
                store.delete(&kv::head_key(&home, hub)).await?;
            }
            Ok(())
        };
        if forget().await.is_err() {
            self.heads.set(true);
            crate::obs::event("kv_behind", &[]);
        }
    }

    async fn write_code(&self, store: &Kv, home: &HomeId, grant: &GrantId, now: u64) -> Result<()> {
        let key = kv::code_key(home, grant);
        match self.with_home(|h| h.code_meta(grant))? {
            Some(meta) => {
                kv::put(store, &key, meta.to_json().to_string().as_bytes(), meta.expires(), now).await
            }
            None => store.delete(&key).await,
        }
    }

    /// Lets KV answer the hub's next polls.
    pub(super) async fn cache_head(&self, home: &HomeId, hub: &HubId, cached: &CachedHead) {
        let Ok(store) = env::kv(&self.env) else { return };
        let until = Some(cached.issued_at.saturating_add(HEAD_CACHED_SECS));
        let (key, text) = (kv::head_key(home, hub), cached.to_text());
        self.heads.set(true);
        let put = kv::put(&store, &key, text.as_bytes(), until, cached.issued_at).await;
        // It may have arrived after the next op's order to forget it, which then is to be given once more.
        self.heads.set(true);
        if put.is_err() {
            crate::obs::event("kv_behind", &[]);
        }
    }
}
