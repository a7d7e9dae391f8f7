//! Structured logs: one JSON object a line, of fixed names and harmless values.
//!
//! Never an id of a link or a kit, a query, a body, a header or an error's text: any of them may hold a secret.

use worker::console_log;

/// Logs an event. Names and values are chosen by us, not by callers.
pub(crate) fn event(name: &str, fields: &[(&str, &str)]) {
    let mut line = latchkey_shared::json::Map::new();
    line.insert("event".into(), name.into());
    for (key, value) in fields {
        line.insert((*key).into(), (*value).into());
    }
    console_log!("{}", latchkey_shared::json::Value::Object(line));
}
