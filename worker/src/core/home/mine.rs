//! What a member sees of their own codes, and nobody else's. It is all that residents see.

use latchkey_shared::api::{Mine, MyDoor};
use latchkey_shared::event::Event;
use latchkey_shared::id::{GrantId, HubId, KeyId};
use latchkey_shared::keys::KeyRecord;
use latchkey_shared::report::Report;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};

use super::Home;
use crate::core::limits::MAX_EVENTS_PAGE;
use crate::error::{INTERNAL, Result};
use crate::store::{HomeStore, Shelf};

impl<S: HomeStore> Home<S> {
    /// A member's own codes, how they stand, and a page of their entries.
    pub fn mine(
        &self,
        by: &KeyId,
        before: Option<u64>,
        limit: Option<usize>,
        online: &[HubId],
        now: u64,
    ) -> Result<Mine> {
        let (role, chain) = (self.member(by)?.role.clone(), self.chain()?);
        let all = latchkey_shared::defect!(ResidentSeesAll);
        let own: Vec<_> = chain.grants().iter().filter(|(_, e)| all || e.grant.holder == Some(*by)).collect();
        let (mut grants, mut signers): (Vec<Blob>, Vec<KeyRecord>) = (Vec::new(), Vec::new());
        for (_, entry) in &own {
            grants.push(self.store.op(entry.seq)?.ok_or(INTERNAL)?.into());
            let known = signers.iter().any(|key| key.id() == entry.signer);
            if let (false, Some(key)) = (known, chain.key_record(entry.signer)) {
                signers.push(key.clone());
            }
        }
        let is_own = |id: &GrantId| own.iter().any(|(grant, _)| *grant == id);
        let mut doors = Vec::new();
        for report in self.latest_reports()? {
            let Report { hub, at, lock, codes, .. } = report;
            if own.iter().any(|(_, entry)| entry.grant.locks.contains(&lock.id)) {
                let hub = self.hub_seen(&hub, online.contains(&hub))?;
                let codes = codes.into_iter().filter(|code| is_own(&code.grant)).collect();
                doors.push(MyDoor { hub, at, lock, codes });
            }
        }
        let limit = page_limit(limit);
        let (entries, next) = page(self.store.events_of(by, before, limit + 1)?, limit);
        Ok(Mine {
            now: Timestamp(now),
            home_name: chain.policy().name.clone(),
            zone: chain.policy().zone.clone(),
            role,
            grants,
            signers,
            doors,
            entries,
            next,
        })
    }

    /// Whose code an event tells of, be it revoked meanwhile.
    pub(super) fn holder_of(&self, event: &Event) -> Result<Option<KeyId>> {
        let Some((_, grant)) = event.body.entry() else { return Ok(None) };
        if let Some(entry) = self.chain()?.grants().get(&grant) {
            return Ok(entry.grant.holder);
        }
        Ok(self.put_of(&grant)?.and_then(|(_, holder)| holder))
    }

    /// The op that put the newest revision of a code, and whose it was. Known of revoked codes too.
    pub(super) fn put_of(&self, grant: &GrantId) -> Result<Option<(u64, Option<KeyId>)>> {
        let item = self.store.item(Shelf::Code, &grant.0)?;
        item.map(|bytes| from_slice(&bytes, 64).map_err(|_| INTERNAL)).transpose()
    }

    /// Remembers the same.
    pub(super) fn note_put(&self, grant: &GrantId, seq: u64, holder: Option<KeyId>) -> Result<()> {
        self.store.put_item(Shelf::Code, &grant.0, &to_vec(&(seq, holder)), None)
    }
}

/// How many entries a page has.
pub(super) fn page_limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(50).clamp(1, MAX_EVENTS_PAGE)
}

/// A page of one row less than was fetched, and where the next one begins.
pub(super) fn page(mut rows: Vec<(u64, Vec<u8>)>, limit: usize) -> (Vec<Blob>, Option<u64>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|(cursor, _)| *cursor) } else { None };
    (rows.into_iter().map(|(_, bytes)| bytes.into()).collect(), next)
}
