//! JSON bodies, read field by field. Unknown fields are left alone; a field of another type is a refusal.

use latchkey_shared::json::{Map, Value};

use super::bytes::{unb64, unb64_exact};
use crate::error::{MALFORMED, Result, UNKNOWN_FIELD};

/// An object's fields, taken one by one.
pub struct Fields(Map);

impl Fields {
    /// Reads a body that is one object.
    pub fn parse(body: &[u8]) -> Result<Self> {
        Value::parse(body).ok_or(MALFORMED).and_then(Self::of)
    }

    fn of(value: Value) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Fields(fields)),
            _ => Err(MALFORMED),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        // `null` is as good as absent.
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &str) -> Result<String> {
        self.text_if(name)?.ok_or(MALFORMED)
    }

    /// A text that may be there.
    pub fn text_if(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(MALFORMED),
        }
    }

    /// Yes or no; must be there.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        self.take(name).and_then(|value| value.as_bool()).ok_or(MALFORMED)
    }

    /// Yes or no; may be there.
    pub fn flag_if(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name).map(|value| value.as_bool().ok_or(MALFORMED)).transpose()
    }

    /// Refuses what was not taken: a field that is misspelt would otherwise be lost unnoticed.
    pub fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(UNKNOWN_FIELD) }
    }

    /// A number that may be there.
    pub fn number_if<N: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<N>> {
        let read = |value: Value| value.as_u64().and_then(|n| N::try_from(n).ok()).ok_or(MALFORMED);
        self.take(name).map(read).transpose()
    }

    /// A number that must be there.
    pub fn number<N: TryFrom<u64>>(&mut self, name: &str) -> Result<N> {
        self.number_if(name)?.ok_or(MALFORMED)
    }

    /// A list of texts that each mean something.
    pub fn texts<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
        let list = self.take(name).ok_or(MALFORMED)?;
        let items = list.as_array().ok_or(MALFORMED)?;
        items.iter().map(|item| item.as_str().and_then(&read).ok_or(MALFORMED)).collect()
    }

    /// Bytes in base64url that must be there.
    pub fn blob(&mut self, name: &str) -> Result<Vec<u8>> {
        self.blob_if(name)?.ok_or(MALFORMED)
    }

    /// Exactly `N` bytes in base64url.
    pub fn bytes<const N: usize>(&mut self, name: &str) -> Result<[u8; N]> {
        unb64_exact(&self.text(name)?).ok_or(MALFORMED)
    }

    /// Any number of bytes in base64url, that may be there.
    pub fn blob_if(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        self.text_if(name)?.map(|text| unb64(&text).ok_or(MALFORMED)).transpose()
    }

    /// An object that must be there.
    pub fn object(&mut self, name: &str) -> Result<Fields> {
        self.object_if(name)?.ok_or(MALFORMED)
    }

    /// An object that may be there.
    pub fn object_if(&mut self, name: &str) -> Result<Option<Fields>> {
        self.take(name).map(Self::of).transpose()
    }

    /// A list of objects; absent is empty.
    pub fn list(&mut self, name: &str) -> Result<Vec<Fields>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.into_iter().map(Self::of).collect(),
            Some(_) => Err(MALFORMED),
        }
    }
}
