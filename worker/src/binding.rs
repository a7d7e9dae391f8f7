//! Bindings, called by name. What workers-rs offers for KV and rate limits brings a serializer along that is
//! larger than all of our own storage code.

use js_sys::futures::JsFuture;
use js_sys::{ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use crate::env::broken_js;
use crate::error::{INTERNAL, Result};

/// A binding of the Worker.
pub(crate) struct Binding(JsValue);

/// A property, if it is there.
pub(crate) fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

fn object(fields: &[(&str, JsValue)]) -> Result<JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).map_err(broken_js)?;
    }
    Ok(object.into())
}

impl Binding {
    /// The binding of this name.
    pub(crate) fn find(env: &Env, name: &str) -> Option<Self> {
        property(env, name).map(Binding)
    }

    async fn call(&self, method: &str, args: &[JsValue]) -> Result<JsValue> {
        let function: Function = property(&self.0, method).and_then(|f| f.dyn_into().ok()).ok_or(INTERNAL)?;
        let promise = Reflect::apply(&function, &self.0, &args.iter().collect()).map_err(broken_js)?;
        JsFuture::from(Promise::resolve(&promise)).await.map_err(broken_js)
    }

    /// KV: a value.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.call("get", &[key.into(), "arrayBuffer".into()]).await?;
        Ok(value.dyn_into::<ArrayBuffer>().ok().map(|buffer| Uint8Array::new(&buffer).to_vec()))
    }

    /// KV: writes a value, to be gone at `expiration` (Unix seconds).
    pub(crate) async fn put(&self, key: &str, value: &[u8], expiration: Option<u64>) -> Result<()> {
        let end = expiration.map(|end| ("expiration", JsValue::from(end as f64)));
        let options = object(end.as_slice())?;
        self.call("put", &[key.into(), Uint8Array::from(value).into(), options]).await.map(drop)
    }

    /// KV: removes a value.
    pub(crate) async fn delete(&self, key: &str) -> Result<()> {
        self.call("delete", &[key.into()]).await.map(drop)
    }

    /// KV: a page of the keys with this prefix, and where the next page begins.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>)> {
        let cursor = cursor.map_or(JsValue::UNDEFINED, JsValue::from);
        let options = object(&[("prefix", prefix.into()), ("cursor", cursor)])?;
        let page = self.call("list", &[options]).await?;
        let keys = js_sys::Array::from(&property(&page, "keys").ok_or(INTERNAL)?);
        let name = |key: JsValue| property(&key, "name")?.as_string();
        let next = property(&page, "cursor").and_then(|cursor| cursor.as_string());
        let done = property(&page, "list_complete").and_then(|done| done.as_bool()).unwrap_or(true);
        Ok((keys.iter().filter_map(name).collect(), next.filter(|_| !done)))
    }

    /// Rate limit: whether one more is within it.
    pub(crate) async fn within(&self, key: &str) -> Result<bool> {
        let outcome = self.call("limit", &[object(&[("key", key.into())])?]).await?;
        Ok(property(&outcome, "success").and_then(|success| success.as_bool()).unwrap_or(true))
    }
}
