//! KV: what many read. Eventually consistent, so nothing is decided from it.

use latchkey_shared::id::{GrantId, HomeId, HubId};

use crate::binding::Kv;
use crate::error::Result;

/// KV's shortest time to live, in seconds, with a margin for clocks.
const MIN_LIFE: u64 = 65;

/// A code's metadata.
pub(crate) fn code_key(home: &HomeId, grant: &GrantId) -> String {
    format!("code/{home}/{grant}")
}

/// A hub's newest head.
pub(crate) fn head_key(home: &HomeId, hub: &HubId) -> String {
    format!("head/{home}/{hub}")
}

/// Writes a value, to be gone at `until` (Unix seconds).
pub(crate) async fn put(store: &Kv, key: &str, value: &[u8], until: Option<u64>, now: u64) -> Result<()> {
    store.put(key, value, until.map(|until| until.max(now.saturating_add(MIN_LIFE)))).await
}
