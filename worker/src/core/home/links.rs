//! Guest links: ciphertext that goes when its grant goes, and what KV may know of a code.

use latchkey_shared::api::LinkUpload;
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{ChainState, GrantEntry};
use latchkey_shared::id::{GrantId, Hash32, KeyId, LinkId};
use latchkey_shared::json::{Value, json};
use latchkey_shared::limits::MAX_LINK_BYTES;
use subtle::ConstantTimeEq;

use super::Home;
use crate::core::limits::{LINK_TOMBSTONE_SECS, MAX_LINKS};
use crate::error::{INTERNAL, LINK, NO_LINK, Result};
use crate::store::{HomeStore, LinkRow, OpenLink};

/// Shortest AES-256-GCM content: nonce and tag.
const MIN_CONTENT: usize = 12 + 16;

/// What KV knows of a code: what many may read, and never the PIN.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeMeta {
    label: String,
    kind: &'static str,
    locks: Vec<String>,
    not_before: u64,
    expires: Option<u64>,
    rev: u32,
}

impl CodeMeta {
    /// Of this grant.
    pub fn of(entry: &GrantEntry) -> Self {
        let grant = &entry.grant;
        CodeMeta {
            label: grant.label.clone(),
            kind: grant.kind.as_str(),
            locks: grant.locks.iter().map(ToString::to_string).collect(),
            not_before: grant.not_before.0,
            expires: grant.end().map(|t| t.0),
            rev: grant.rev,
        }
    }

    /// The JSON that is kept. Without an end, `expires` is null.
    pub fn to_json(&self) -> Value {
        json!({
            "label": self.label, "kind": self.kind, "locks": self.locks, "not_before": self.not_before,
            "expires": self.expires, "rev": self.rev,
        })
    }

    /// When it ends, in Unix seconds.
    pub fn expires(&self) -> Option<u64> {
        self.expires
    }
}

/// Whether the chain still names this link for this grant.
fn named(chain: &ChainState, id: &LinkId, grant: &GrantId) -> bool {
    chain.grants().get(grant).and_then(|entry| entry.grant.link.as_ref()).is_some_and(|link| link.id == *id)
}

/// Whether this member could put this grant, and so may say what its link shows.
fn may_put(chain: &ChainState, by: &KeyId, entry: &GrantEntry) -> bool {
    match chain.members().get(by).map(|member| &member.role) {
        Some(Role::Owner) => true,
        Some(Role::Manager(manager)) => manager.scope.covers(&entry.grant),
        Some(Role::Issuer(scope)) => scope.covers(&entry.grant),
        Some(Role::Resident) | None => false,
    }
}

impl<S: HomeStore> Home<S> {
    /// The links to write for these uploads on this chain: those uploaded, and those that end.
    pub(super) fn plan_links(
        &self,
        chain: &ChainState,
        by: &KeyId,
        uploads: Vec<LinkUpload>,
        now: u64,
    ) -> Result<Vec<(LinkId, LinkRow)>> {
        let live = self.store.open_links()?;
        let stored = |id: &LinkId| self.store.link(id)?.ok_or(INTERNAL);
        let (mut writes, before) = (Vec::new(), self.chain()?.grants());
        for OpenLink { id, grant, rev } in &live {
            if !named(chain, id, grant) {
                writes.push((*id, LinkRow { content: None, ended: Some(now), ..stored(id)? }));
                continue;
            }
            // An edit that keeps PIN and doors leaves what the link shows as it was.
            let (Some(old), Some(new)) = (before.get(grant), chain.grants().get(grant)) else {
                continue;
            };
            let (old, new) = (&old.grant, &new.grant);
            let same = (old.rev, old.pin_set, &old.locks) == (*rev, new.pin_set, &new.locks);
            if same && new.rev != *rev && !uploads.iter().any(|upload| upload.id == *id) {
                writes.push((*id, LinkRow { rev: new.rev, ..stored(id)? }));
            }
        }
        if live.len() + uploads.len() > MAX_LINKS {
            return Err(LINK);
        }
        for upload in uploads {
            let entry =
                chain.grants().get(&upload.grant).filter(|entry| may_put(chain, by, entry)).ok_or(LINK)?;
            let sized = (MIN_CONTENT..=MAX_LINK_BYTES).contains(&upload.content.len());
            let before = self.store.link(&upload.id)?;
            // A link that has ended never returns, and a link stays with its grant.
            let free = before.is_none_or(|row| row.ended.is_none() && row.grant == upload.grant);
            let twice = writes.iter().any(|(id, _)| *id == upload.id);
            if !sized || !free || twice || !named(chain, &upload.id, &upload.grant) {
                return Err(LINK);
            }
            let row = LinkRow {
                grant: upload.grant,
                rev: entry.grant.rev,
                auth_hash: upload.auth_hash,
                content: Some(upload.content),
                ended: None,
            };
            writes.push((upload.id, row));
        }
        Ok(writes)
    }

    /// The link, for who proves to know its secret. Nobody else learns that it exists.
    pub(super) fn open_link(&self, id: &LinkId, auth: &[u8; 32]) -> Result<LinkRow> {
        let row = self.store.link(id)?;
        // The same work for a link that is not there: what nothing hashes to is compared with.
        let (proof, none) = (Hash32::of(auth), Hash32([0; 32]));
        let known = row.as_ref().map_or(&none, |row| &row.auth_hash);
        let proven = bool::from(known.0.ct_eq(&proof.0));
        row.filter(|_| proven).ok_or(NO_LINK)
    }

    /// When a link's entry in KV may go: some time after its grant's end.
    pub fn link_kept_until(&self, id: &LinkId, now: u64) -> Result<u64> {
        let row = self.store.link(id)?.ok_or(NO_LINK)?;
        let end = row.ended.or_else(|| self.grant_end(&row.grant)).unwrap_or(now);
        Ok(end.max(now).saturating_add(LINK_TOMBSTONE_SECS))
    }

    fn grant_end(&self, grant: &GrantId) -> Option<u64> {
        self.chain.as_ref()?.grants().get(grant)?.grant.end().map(|t| t.0)
    }

    /// Wipes what has ended, forgets what ended long ago, and tells when to look again.
    pub fn sweep(&mut self, now: u64) -> Result<Option<u64>> {
        let mut next: Option<u64> = None;
        let mut at = |t: u64| next = Some(next.map_or(t, |n| n.min(t)));
        for OpenLink { id, grant, .. } in self.store.open_links()? {
            match self.grant_end(&grant) {
                Some(end) if end <= now => {
                    let row = self.store.link(&id)?.ok_or(INTERNAL)?;
                    self.store.put_link(&id, &LinkRow { content: None, ended: Some(end), ..row })?;
                    at(end.saturating_add(LINK_TOMBSTONE_SECS).max(now + 1));
                }
                Some(end) => at(end),
                None => {}
            }
        }
        for (id, ended) in self.store.ended_links()? {
            let until = ended.saturating_add(LINK_TOMBSTONE_SECS);
            if until <= now { self.store.drop_link(&id)? } else { at(until) }
        }
        if let Some(until) = self.store.sweep_items(now)? {
            at(until);
        }
        Ok(next)
    }

    /// The metadata of a grant; `None` when it was revoked.
    pub fn code_meta(&self, grant: &GrantId) -> Result<Option<CodeMeta>> {
        Ok(self.chain()?.grants().get(grant).map(|entry| CodeMeta::of(entry)))
    }
}
