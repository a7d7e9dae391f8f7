//! The platform, asked in one call each: see `worker/host.mjs`, which is the other side.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys::{Request, Response};

#[wasm_bindgen(raw_module = "./host.mjs")]
extern "C" {
    /// A header of a request.
    pub(crate) fn header(request: &Request, name: &str) -> Option<String>;

    /// A request's body of at most `max` bytes, as `Uint8Array`, or the status of its refusal.
    pub(crate) fn body(request: &Request, max: f64) -> Promise;

    /// A response; `headers` are names and values in turn, a line each.
    #[wasm_bindgen(catch)]
    pub(crate) fn respond(status: u16, headers: &str, body: Option<&[u8]>) -> Result<Response, JsValue>;

    /// Asks an object of a class by its name; to a `Response`.
    #[wasm_bindgen(catch)]
    pub(crate) fn ask(
        env: &JsValue,
        class: &str,
        name: &str,
        call: &str,
        headers: &str,
        body: Option<&[u8]>,
    ) -> Result<Promise, JsValue>;

    /// The same for a socket.
    #[wasm_bindgen(catch)]
    pub(crate) fn socket(
        env: &JsValue,
        class: &str,
        name: &str,
        call: &str,
        headers: &str,
    ) -> Result<Promise, JsValue>;

    /// Whether one more is within a rate limit; `None` without the binding.
    #[wasm_bindgen(catch)]
    pub(crate) fn within(env: &JsValue, binding: &str, key: &str) -> Result<Option<Promise>, JsValue>;

    /// Runs something in a transaction of an object's storage; `false` takes it back.
    #[wasm_bindgen(catch)]
    pub(crate) fn transact(storage: &JsValue, run: &mut dyn FnMut() -> bool) -> Result<bool, JsValue>;

    /// All rows of a query, packed as `store/durable.rs` says.
    #[wasm_bindgen(catch)]
    pub(crate) fn rows(sql: &JsValue, query: &str, args: &[u8]) -> Result<Vec<u8>, JsValue>;

    /// KV: writes a value, to be gone at `expiration` (Unix seconds).
    #[wasm_bindgen(catch)]
    pub(crate) fn kept(kv: &Kv, key: &str, value: &[u8], expiration: Option<f64>)
    -> Result<Promise, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A namespace of KV.
    pub(crate) type Kv;

    /// A value, as an `ArrayBuffer`.
    #[wasm_bindgen(method, catch, js_name = get)]
    pub(crate) fn value(this: &Kv, key: &str, kind: &str) -> Result<Promise, JsValue>;

    /// Removes a value.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn delete(this: &Kv, key: &str) -> Result<Promise, JsValue>;

    /// A page of keys.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn list(this: &Kv, options: &JsValue) -> Result<Promise, JsValue>;
}
