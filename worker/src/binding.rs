//! Bindings. What workers-rs offers for KV and rate limits brings a serializer along that is larger than all of our
//! own storage code.

use js_sys::futures::JsFuture;
use js_sys::{ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use crate::env::broken_js;
use crate::error::{INTERNAL, Result};
use crate::host;

/// A property, if it is there.
pub(crate) fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

async fn done(promise: core::result::Result<Promise, JsValue>) -> Result<JsValue> {
    JsFuture::from(promise.map_err(broken_js)?).await.map_err(broken_js)
}

/// A namespace of KV.
pub(crate) struct Kv(host::Kv);

impl Kv {
    /// The binding of this name.
    pub(crate) fn find(env: &Env, name: &str) -> Option<Self> {
        property(env, name).map(|binding| Kv(binding.unchecked_into()))
    }

    /// A value.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = done(self.0.value(key, "arrayBuffer")).await?;
        Ok(value.dyn_into::<ArrayBuffer>().ok().map(|buffer| Uint8Array::new(&buffer).to_vec()))
    }

    /// Writes a value, to be gone at `expiration` (Unix seconds).
    pub(crate) async fn put(&self, key: &str, value: &[u8], expiration: Option<u64>) -> Result<()> {
        done(host::kept(&self.0, key, value, expiration.map(|end| end as f64))).await.map(drop)
    }

    /// Removes a value.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        done(self.0.delete(key)).await.map(drop)
    }

    /// A page of the keys with this prefix, and where the next page begins.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>)> {
        let options = Object::new();
        let cursor = cursor.map_or(JsValue::UNDEFINED, JsValue::from);
        for (name, value) in [("prefix", prefix.into()), ("cursor", cursor)] {
            Reflect::set(&options, &name.into(), &value).map_err(broken_js)?;
        }
        let page = done(self.0.list(&options)).await?;
        let keys = js_sys::Array::from(&property(&page, "keys").ok_or(INTERNAL)?);
        let name = |key: JsValue| property(&key, "name")?.as_string();
        let next = property(&page, "cursor").and_then(|cursor| cursor.as_string());
        let done = property(&page, "list_complete").and_then(|done| done.as_bool()).unwrap_or(true);
        Ok((keys.iter().filter_map(name).collect(), next.filter(|_| !done)))
    }
}

/// Whether one more is within a rate limit; `None` without the binding. A limiter that breaks limits nobody.
pub(crate) async fn within(env: &Env, binding: &str, key: &str) -> Option<bool> {
    match host::within(env, binding, key) {
        Ok(None) => None,
        Ok(Some(promise)) => {
            Some(done(Ok(promise)).await.ok().and_then(|within| within.as_bool()) != Some(false))
        }
        Err(_) => Some(true),
    }
}
