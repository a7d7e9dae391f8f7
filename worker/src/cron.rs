//! Hourly: codes whose end has passed leave KV, should its own expiry have been lost. Objects mind their own alarms.

use serde_json::Value;
use worker::Env;
use worker::kv::KvStore;

use crate::env;
use crate::error::Result;
use crate::store::kv;

/// Pages of keys that one run looks at; what is left is for the next.
const MAX_PAGES: usize = 20;

/// Looks at the metadata of codes.
pub(crate) async fn sweep(env: &Env) {
    let removed = match env::kv(env) {
        Ok(store) => sweep_codes(&store, env::now()).await,
        Err(problem) => Err(problem),
    };
    match removed {
        Ok(count) => crate::obs::event("swept", &[("codes", &count.to_string())]),
        Err(problem) => crate::obs::event("sweep_failed", &[("code", problem.code)]),
    }
}

async fn sweep_codes(store: &KvStore, now: u64) -> Result<usize> {
    let (mut cursor, mut removed) = (None, 0);
    for _ in 0..MAX_PAGES {
        let list = store.list().prefix("code/".to_owned());
        let list = match cursor.take() {
            Some(cursor) => list.cursor(cursor),
            None => list,
        };
        let page = list.execute().await.map_err(|e| env::broken(e.into()))?;
        for key in &page.keys {
            let Some(text) = kv::get(store, &key.name).await? else { continue };
            let meta: Option<Value> = serde_json::from_slice(&text).ok();
            let over = meta.and_then(|meta| meta["expires"].as_u64()).is_some_and(|end| end <= now);
            if over {
                kv::delete(store, &key.name).await?;
                removed += 1;
            }
        }
        match page.cursor {
            Some(next) if !page.list_complete => cursor = Some(next),
            _ => break,
        }
    }
    Ok(removed)
}
