//! Requests: JSON and CBOR in and out, refusals as [`Problem`]s.

use crate::problem::Problem;
use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{JSON, Uint8Array};
use latchkey_shared::api::MEDIA_TYPE;
use latchkey_shared::limits::MAX_BUNDLE_BYTES;
use latchkey_shared::wire::cbor;
use minicbor::{Decode, Encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

/// The fields of a problem document (RFC 9457) that are of use here.
#[derive(Deserialize)]
struct Document {
    code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    hint: String,
}

/// A value as JavaScript has it after `JSON.parse`.
pub fn to_js(value: &impl Serialize) -> Result<JsValue, Problem> {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(|_| Problem::bug())
}

/// The inverse of [`to_js`].
pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, Problem> {
    serde_wasm_bindgen::from_value(value).map_err(|_| Problem::answer())
}

async fn send(builder: RequestBuilder, body: JsValue) -> Result<Response, Problem> {
    let request = builder.body(body).map_err(|_| Problem::bug())?;
    let response = request.send().await.map_err(|_| Problem::network())?;
    if response.ok() { Ok(response) } else { Err(problem(response).await) }
}

async fn problem(response: Response) -> Problem {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let document = JSON::parse(&text).ok().and_then(|value| from_js::<Document>(value).ok());
    match document {
        Some(d) => Problem::new(d.code, d.detail, d.hint),
        None => Problem::http(status),
    }
}

fn builder(method: Method, path: &str, media: Option<&str>) -> RequestBuilder {
    let builder =
        RequestBuilder::new(path).method(method).header("accept", "application/json, application/cbor");
    match media {
        Some(media) => builder.header("content-type", media),
        None => builder,
    }
}

/// A request with a JSON body, or none, whose answer is JSON.
pub async fn json<T: DeserializeOwned>(
    method: Method,
    path: &str,
    body: Option<&JsValue>,
) -> Result<T, Problem> {
    let text = json_text(method, path, body).await?;
    from_js(JSON::parse(&text).map_err(|_| Problem::answer())?)
}

/// The same for answers without content.
pub async fn json_empty(method: Method, path: &str, body: Option<&JsValue>) -> Result<(), Problem> {
    json_text(method, path, body).await.map(|_| ())
}

async fn json_text(method: Method, path: &str, body: Option<&JsValue>) -> Result<String, Problem> {
    let (media, body) = match body {
        Some(body) => {
            (Some("application/json"), JsValue::from(JSON::stringify(body).map_err(|_| Problem::bug())?))
        }
        None => (None, JsValue::UNDEFINED),
    };
    let response = send(builder(method, path, media), body).await?;
    response.text().await.map_err(|_| Problem::network())
}

/// Fetches bytes.
pub async fn get_bytes(path: &str) -> Result<Vec<u8>, Problem> {
    let response = send(builder(Method::GET, path, None), JsValue::UNDEFINED).await?;
    response.binary().await.map_err(|_| Problem::network())
}

/// Fetches a CBOR message.
pub async fn get_cbor<T>(path: &str) -> Result<T, Problem>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    read(&get_bytes(path).await?)
}

/// Sends a CBOR message and reads the answer's bytes, which may be none.
pub async fn send_cbor(method: Method, path: &str, body: &impl Encode<()>) -> Result<Vec<u8>, Problem> {
    let bytes = Uint8Array::from(cbor::to_vec(body).as_slice());
    let response = send(builder(method, path, Some(MEDIA_TYPE)), bytes.into()).await?;
    response.binary().await.map_err(|_| Problem::network())
}

/// Reads a CBOR message from the Worker.
pub fn read<T>(bytes: &[u8]) -> Result<T, Problem>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    cbor::from_slice(bytes, MAX_BUNDLE_BYTES).map_err(|e| Problem::coded(&e))
}
