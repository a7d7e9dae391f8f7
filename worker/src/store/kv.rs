//! KV: what many read. Eventually consistent, so nothing is decided from it.

use latchkey_shared::id::{GrantId, HomeId, HubId};
use worker::kv::KvStore;

use crate::env::broken;
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
pub(crate) async fn put(
    store: &KvStore,
    key: &str,
    value: &[u8],
    until: Option<u64>,
    now: u64,
) -> Result<()> {
    let put = store.put_bytes(key, value).map_err(|e| broken(e.into()))?;
    let put = match until {
        Some(until) => put.expiration(until.max(now.saturating_add(MIN_LIFE))),
        None => put,
    };
    put.execute().await.map_err(|e| broken(e.into()))
}

/// Removes a value.
pub(crate) async fn delete(store: &KvStore, key: &str) -> Result<()> {
    store.delete(key).await.map_err(|e| broken(e.into()))
}

/// Reads a value.
pub(crate) async fn get(store: &KvStore, key: &str) -> Result<Option<Vec<u8>>> {
    store.get(key).bytes().await.map_err(|e| broken(e.into()))
}
