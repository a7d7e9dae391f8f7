//! Tokens by which programs use a home's API.

use super::http::{json, json_empty, list, need_text, object, text};
use crate::problem::Problem;
use gloo_net::http::Method;
use js_sys::{Array, Date};
use latchkey_shared::api::path;
use latchkey_shared::id::HomeId;
use latchkey_shared::time::Timestamp;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

/// A token, without its text.
#[derive(Clone, PartialEq)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do: `codes:read`, …
    pub scopes: Vec<String>,
    /// The first instant at which it no longer counts.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the hour or so.
    pub last_used: Option<Timestamp>,
}

fn instant(value: &JsValue, name: &str) -> Option<Timestamp> {
    let ms = Date::parse(&text(value, name)?);
    (ms >= 0.0).then_some(Timestamp((ms / 1000.0) as u64))
}

impl Token {
    fn read(value: &JsValue) -> Result<Self, Problem> {
        Ok(Self {
            id: need_text(value, "id")?,
            name: need_text(value, "name")?,
            scopes: list(value, "scopes").iter().filter_map(JsValue::as_string).collect(),
            expires: instant(value, "expires"),
            last_used: instant(value, "last_used"),
        })
    }
}

/// The home's tokens.
pub async fn tokens(home: &HomeId) -> Result<Vec<Token>, Problem> {
    let answer = json(Method::GET, &path::tokens(home), None).await?;
    list(&answer, "items").iter().map(Token::read).collect()
}

/// Makes one; its text is in this answer and nowhere else. Needs a fresh confirmation.
pub async fn make(
    home: &HomeId,
    name: &str,
    scopes: &[&str],
    expires: Option<Timestamp>,
) -> Result<Zeroizing<String>, Problem> {
    let scopes: Array = scopes.iter().map(|scope| JsValue::from(*scope)).collect();
    let mut fields = vec![("name", name.into()), ("scopes", scopes.into())];
    fields.extend(expires.map(|end| ("expires", JsValue::from(end.0 as f64))));
    let answer = json(Method::POST, &path::tokens(home), Some(&object(&fields))).await?;
    need_text(&answer, "token").map(Zeroizing::new)
}

/// Revokes one.
pub async fn revoke(home: &HomeId, id: &str) -> Result<(), Problem> {
    json_empty(Method::DELETE, &format!("{}/{id}", path::tokens(home)), None).await
}
