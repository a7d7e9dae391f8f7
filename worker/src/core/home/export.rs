//! The archive of a home, page by page: all that was ever signed, for owners to keep and to verify alone
//! (`latchkey_shared::exchange::archive`).

use latchkey_shared::exchange::archive::ArchivePage;
use latchkey_shared::id::KeyId;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::Blob;

use super::Home;
use crate::core::limits::{EXPORT_BYTES, EXPORT_ENTRIES};
use crate::error::{MALFORMED, Result};
use crate::store::HomeStore;

/// Where a page begins. As text `ops.<number>`, `events.<cursor>` or `reports.<number>`.
enum From {
    Op(u64),
    EventAfter(u64),
    Report(usize),
}

impl From {
    fn parse(text: &str) -> Option<Self> {
        let (what, number) = text.split_once('.')?;
        let number = number.parse().ok().filter(|n: &u64| *n < 1 << 53 && n.to_string() == number)?;
        match what {
            "ops" => Some(From::Op(number)),
            "events" => Some(From::EventAfter(number)),
            "reports" => Some(From::Report(usize::try_from(number).ok()?)),
            _ => None,
        }
    }
}

impl<S: HomeStore> Home<S> {
    /// A page of the archive: first the ops, then the events, then the reports. What is
    /// signed while somebody fetches the pages may be left out, never a part of what went before.
    pub fn export(&self, by: &KeyId, after: Option<&str>, now: u64) -> Result<ArchivePage> {
        self.owner(by)?;
        let from = after.map_or(Some(From::Op(0)), From::parse).ok_or(MALFORMED)?;
        let mut page = ArchivePage {
            home: *self.chain()?.home(),
            at: Timestamp(now),
            ops: vec![],
            events: vec![],
            reports: vec![],
            next: None,
        };
        match from {
            From::Op(first) => {
                let ops = self.store.ops_from(first)?;
                let fits = how_many(ops.iter().map(Vec::len));
                let next = first + fits as u64;
                page.next =
                    Some(if fits < ops.len() { format!("ops.{next}") } else { "events.0".to_owned() });
                page.ops = ops.into_iter().take(fits).map(Blob).collect();
            }
            From::EventAfter(cursor) => {
                let rows = self.store.events_after(cursor, EXPORT_ENTRIES + 1)?;
                let fits = how_many(rows.iter().map(|(_, bytes)| bytes.len()));
                if fits < rows.len() {
                    page.next = rows.get(fits - 1).map(|(last, _)| format!("events.{last}"));
                } else if !self.store.reports()?.is_empty() {
                    page.next = Some("reports.0".to_owned());
                }
                page.events = rows.into_iter().take(fits).map(|(_, bytes)| Blob(bytes)).collect();
            }
            From::Report(first) => {
                let reports: Vec<_> = self.store.reports()?.into_iter().skip(first).collect();
                let fits = how_many(reports.iter().map(|(_, bytes)| bytes.len()));
                page.next = (fits < reports.len()).then(|| format!("reports.{}", first + fits));
                page.reports = reports.into_iter().take(fits).map(|(_, bytes)| Blob(bytes)).collect();
            }
        }
        Ok(page)
    }
}

/// How many things of these sizes a page takes; at least one, if there is one.
fn how_many(sizes: impl Iterator<Item = usize>) -> usize {
    let mut total = 0;
    sizes
        .take(EXPORT_ENTRIES)
        .enumerate()
        .take_while(|(i, size)| {
            total += size;
            *i == 0 || total <= EXPORT_BYTES
        })
        .count()
}
