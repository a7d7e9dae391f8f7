//! What the portal of an owner or manager shows.

use latchkey_shared::id::{HubId, KeyId};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Encode, Writer};

use super::Home;
use crate::error::Result;
use crate::store::HomeStore;

/// Most bytes of ops that are kept in memory, beside the chain that is made of them.
const MAX_WRITTEN: usize = 512 * 1024;

/// All ops of a home as they stand in a snapshot, once somebody has asked for them and unless they are many: the chain
/// only grows, so they are written once.
#[derive(Default)]
pub(super) struct Written(Option<Ops>);

/// Items of an array.
struct Ops {
    count: usize,
    items: Writer,
}

impl Ops {
    fn of(ops: &[Vec<u8>]) -> Self {
        let mut all = Ops { count: 0, items: Writer::new() };
        all.extend(ops);
        all
    }

    fn extend(&mut self, ops: &[Vec<u8>]) {
        self.count += ops.len();
        ops.iter().for_each(|op| self.items.bytes(op));
    }
}

impl Encode for Ops {
    fn encode(&self, w: &mut Writer) {
        w.array(self.count);
        w.raw(self.items.written());
    }
}

impl Written {
    /// The chain has grown.
    pub(super) fn extend(&mut self, ops: &[Vec<u8>]) {
        if let Some(all) = &mut self.0 {
            all.extend(ops);
        }
        if self.0.as_ref().is_some_and(|all| all.items.written().len() > MAX_WRITTEN) {
            self.0 = None;
        }
    }
}

impl<S: HomeStore> Home<S> {
    /// A [`latchkey_shared::api::Snapshot`], encoded, with the ops after this one.
    pub fn snapshot(
        &mut self,
        by: &KeyId,
        after: Option<u64>,
        online: &[HubId],
        now: u64,
    ) -> Result<Vec<u8>> {
        self.manager(by)?;
        let reports: Vec<Vec<u8>> = self.store.reports()?.into_iter().map(|(_, bytes)| bytes).collect();
        let hubs = self.chain()?.hubs().keys().map(|hub| self.hub_seen(hub, online.contains(hub)));
        let hubs = hubs.collect::<Result<Vec<_>>>()?;
        let some;
        let ops = match (after, &mut self.written.0) {
            (None, Some(all)) => &*all,
            (None, none) if self.ops_bytes <= MAX_WRITTEN as u64 => {
                none.insert(Ops::of(&self.store.ops_from(0)?))
            }
            (after, _) => {
                some = Ops::of(&self.store.ops_from(after.map_or(0, |seq| seq.saturating_add(1)))?);
                &some
            }
        };
        let size = ops.items.written().len() + reports.iter().map(Vec::len).sum::<usize>();
        let mut w = Writer::sized(size + 1024);
        w.map(4);
        w.uint(1);
        Timestamp(now).encode(&mut w);
        w.uint(2);
        ops.encode(&mut w);
        w.uint(3);
        Ops::of(&reports).encode(&mut w);
        w.uint(4);
        hubs.encode(&mut w);
        Ok(w.finish())
    }
}
