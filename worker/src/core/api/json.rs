//! Writing JSON (RFC 8259), piece by piece.

use latchkey_shared::time::Timestamp;

/// An object that is being written.
pub struct Object(String);

/// A text in quotes. Writing to memory does not fail.
fn quote(out: &mut String, text: &str) {
    let _ = latchkey_shared::json::quote(out, text);
}

/// An array of values that are JSON already.
pub fn array(items: impl IntoIterator<Item = String>) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
    out
}

/// An array of texts.
pub fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    array(items.into_iter().map(|item| {
        let mut out = String::new();
        quote(&mut out, item.as_ref());
        out
    }))
}

/// A page: what is on it, and what to pass as `cursor` for the next one.
pub fn page(items: impl IntoIterator<Item = String>, next: Option<&str>) -> String {
    Object::new().raw("items", &array(items)).text("next", next).done()
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    /// An empty one.
    pub fn new() -> Self {
        Object(String::from("{"))
    }

    /// A member that is JSON already.
    pub fn raw(mut self, name: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    /// A text, or null.
    pub fn text<'t>(self, name: &str, value: impl Into<Option<&'t str>>) -> Self {
        match value.into() {
            None => self.raw(name, "null"),
            Some(text) => {
                let mut quoted = String::new();
                quote(&mut quoted, text);
                self.raw(name, &quoted)
            }
        }
    }

    /// A whole number, or null.
    pub fn number(self, name: &str, value: impl Into<Option<u64>>) -> Self {
        match value.into() {
            None => self.raw(name, "null"),
            Some(number) => self.raw(name, &number.to_string()),
        }
    }

    /// Yes, no, or null.
    pub fn flag(self, name: &str, value: impl Into<Option<bool>>) -> Self {
        self.raw(
            name,
            match value.into() {
                None => "null",
                Some(true) => "true",
                Some(false) => "false",
            },
        )
    }

    /// An instant in UTC, or null.
    pub fn time(self, name: &str, value: impl Into<Option<Timestamp>>) -> Self {
        self.text(name, value.into().map(Timestamp::to_utc_text).as_deref())
    }

    /// The text.
    pub fn done(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn another_reader_reads_the_same() {
        let odd = "a\"b\\c\u{1}\n\u{7f}é\u{1f600}";
        let text = Object::new()
            .text("a\"", odd)
            .text("none", None)
            .number("n", 7)
            .flag("yes", true)
            .time("t", Timestamp(1_796_288_400))
            .raw("list", &texts([odd, ""]))
            .raw("page", &page([], Some("x")))
            .done();
        let value: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "a\"": odd, "none": null, "n": 7, "yes": true, "t": "2026-12-03T09:00:00Z",
            "list": [odd, ""], "page": { "items": [], "next": "x" },
        });
        assert_eq!(value, expected);
        assert_eq!(Object::new().done(), "{}");
    }
}
