//! The runtime's events. `worker/shim.mjs` hands them on.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;
use worker::{Env, ScheduleContext, ScheduledEvent, event};

use crate::core::session::SessionToken;

/// A request for the API, or for a guest's page.
#[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
pub async fn fetch(request: web_sys::Request, env: Env) -> Result<JsValue, JsValue> {
    crate::router::route(&crate::http::Request::new(request), &env).await.map(JsValue::from)
}

/// Whose session a `Cookie` header names, by the hash of its secret, which goes no further than this.
#[wasm_bindgen]
pub fn session(cookies: &str) -> Option<String> {
    SessionToken::from_cookies(cookies).map(|token| token.named().to_text())
}

#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    crate::cron::sweep(&env).await;
}
