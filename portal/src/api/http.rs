//! Requests: JSON and CBOR in and out, refusals as [`Problem`]s.

use crate::problem::Problem;
use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use latchkey_shared::api::MEDIA_TYPE;
use latchkey_shared::limits::MAX_BUNDLE_BYTES;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{self, Decode, Encode};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;

/// A field of a JSON object; `undefined` if it has none of that name.
pub fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A string field, if there is one.
pub fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name).as_string()
}

/// A string field that must be there.
pub fn need_text(value: &JsValue, name: &str) -> Result<String, Problem> {
    text(value, name).ok_or_else(Problem::answer)
}

/// A field that counts something or is Unix seconds; `None` unless it is a whole number of a sensible size.
pub fn number(value: &JsValue, name: &str) -> Option<u64> {
    let n = field(value, name).as_f64()?;
    (n >= 0.0 && n <= Timestamp::MAX.0 as f64 && n.fract() == 0.0).then_some(n as u64)
}

/// The elements of a field that is an array.
pub fn list(value: &JsValue, name: &str) -> Vec<JsValue> {
    Array::from(&field(value, name)).to_vec()
}

/// A JSON object.
pub fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A fresh plain object takes every field.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

async fn send(builder: RequestBuilder, body: JsValue) -> Result<Response, Problem> {
    let request = builder.body(body).map_err(|_| Problem::bug())?;
    judged(request.send().await.map_err(|_| Problem::network())?).await
}

async fn judged(response: Response) -> Result<Response, Problem> {
    if response.ok() { Ok(response) } else { Err(problem(response).await) }
}

/// Fetches, unless that was done while the app was on its way.
async fn get(path: &str) -> Result<Response, Problem> {
    match crate::js::asked(path).await {
        Some(answer) => judged(web_sys::Response::from(answer.map_err(|_| Problem::network())?).into()).await,
        None => send(builder(Method::GET, path, None), JsValue::UNDEFINED).await,
    }
}

async fn problem(response: Response) -> Problem {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let document = JSON::parse(&text).unwrap_or(JsValue::UNDEFINED);
    match self::text(&document, "code") {
        Some(code) => {
            let of = |name: &str| self::text(&document, name).unwrap_or_default();
            Problem::new(code, of("detail"), of("hint"))
        }
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
pub async fn json(method: Method, path: &str, body: Option<&JsValue>) -> Result<JsValue, Problem> {
    let text = json_text(method, path, body).await?;
    JSON::parse(&text).map_err(|_| Problem::answer())
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
    let response = match method {
        Method::GET => get(path).await?,
        _ => send(builder(method, path, media), body).await?,
    };
    response.text().await.map_err(|_| Problem::network())
}

/// Fetches bytes.
pub async fn get_bytes(path: &str) -> Result<Vec<u8>, Problem> {
    let response = get(path).await?;
    response.binary().await.map_err(|_| Problem::network())
}

/// Fetches bytes, and shows them as they arrive: all so far, each time that there are more.
pub async fn get_arriving(path: &str, mut arrived: impl FnMut(&[u8])) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let Some(body) = get(path).await?.body() else { return Ok(bytes) };
    let reader = ReadableStreamDefaultReader::new(&body).map_err(|_| Problem::bug())?;
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(|_| Problem::network())?;
        let Ok(chunk) = field(&part, "value").dyn_into::<Uint8Array>() else { return Ok(bytes) };
        bytes.extend(chunk.to_vec());
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(Problem::answer());
        }
        arrived(&bytes);
    }
}

/// Fetches a CBOR message.
pub async fn get_cbor<T>(path: &str) -> Result<T, Problem>
where
    T: Encode + Decode,
{
    read(&get_bytes(path).await?)
}

/// Sends a CBOR message and reads the answer's bytes, which may be none.
pub async fn send_cbor(method: Method, path: &str, body: &impl Encode) -> Result<Vec<u8>, Problem> {
    let bytes = Uint8Array::from(cbor::to_vec(body).as_slice());
    let response = send(builder(method, path, Some(MEDIA_TYPE)), bytes.into()).await?;
    response.binary().await.map_err(|_| Problem::network())
}

/// Reads a CBOR message from the Worker.
pub fn read<T>(bytes: &[u8]) -> Result<T, Problem>
where
    T: Encode + Decode,
{
    cbor::from_slice(bytes, MAX_BUNDLE_BYTES).map_err(|e| Problem::coded(&e))
}
