//! Hourly: codes whose end has passed leave KV, should its own expiry have been lost. Objects mind their own alarms.

use latchkey_shared::json::Value;
use worker::Env;

use crate::binding::Kv;
use crate::env;
use crate::error::Result;

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

async fn sweep_codes(store: &Kv, now: u64) -> Result<usize> {
    let (mut cursor, mut removed) = (None, 0);
    for _ in 0..MAX_PAGES {
        let (keys, next) = store.list("code/", cursor.as_deref()).await?;
        for key in &keys {
            let Some(text) = store.get(key).await? else { continue };
            let meta: Option<Value> = Value::parse(&text);
            let over = meta.and_then(|meta| meta["expires"].as_u64()).is_some_and(|end| end <= now);
            if over {
                store.delete(key).await?;
                removed += 1;
            }
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(removed)
}
