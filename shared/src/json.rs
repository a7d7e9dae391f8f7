//! JSON (RFC 8259), strictly and in little code: the Worker carries it. Numbers are whole or are kept as "something
//! else"; a name twice in one object is refused; depth is bounded.

use core::fmt;
use core::ops::Index;

/// How deep values may lie in each other.
const MAX_DEPTH: u8 = 32;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from 0 on.
    Number(u64),
    /// A negative whole number.
    Negative(i64),
    /// A number that is not whole or too large: nothing here has a use for one. Written as `null`.
    OtherNumber,
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Values by name.
    Object(Map),
}

/// Values by name, in the order in which they were put.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Map(Vec<(String, Value)>);

impl Map {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value under a name that is not there yet; the first one under a name counts.
    pub fn insert(&mut self, name: String, value: Value) {
        self.0.push((name, value));
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Takes the value of this name out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

static NULL: Value = Value::Null;

impl Index<&str> for Value {
    type Output = Value;

    /// The value of this name, or `null`.
    fn index(&self, name: &str) -> &Value {
        match self {
            Value::Object(map) => map.get(name).unwrap_or(&NULL),
            _ => &NULL,
        }
    }
}

impl Value {
    /// Reads a text that is one value and nothing else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: core::str::from_utf8(text).ok()? };
        let value = reader.value(MAX_DEPTH)?;
        reader.blanks();
        reader.rest.is_empty().then_some(value)
    }

    /// A text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number from 0 on.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Yes or no.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A list.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// An object, to be added to.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
}

/// What becomes a [`Value`].
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value;
}

macro_rules! to_value {
    ($($type:ty => |$value:ident| $made:expr;)+) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value {
                let $value = self;
                $made
            }
        })+
    };
}

to_value! {
    bool => |value| Value::Bool(*value);
    u64 => |value| Value::Number(*value);
    u32 => |value| Value::Number((*value).into());
    u16 => |value| Value::Number((*value).into());
    i64 => |value| u64::try_from(*value).map_or(Value::Negative(*value), Value::Number);
    i32 => |value| i64::from(*value).to_value();
    str => |value| Value::String(value.to_owned());
    String => |value| Value::String(value.clone());
    Value => |value| value.clone();
}

macro_rules! from {
    ($($type:ty),+) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                value.to_value()
            }
        })+
    };
}

from!(bool, u64, u32, &str, String, Vec<Value>);

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(ToValue::to_value).collect())
    }
}

impl<A: ToValue, B: ToValue> ToValue for (A, B) {
    fn to_value(&self) -> Value {
        Value::Array(vec![self.0.to_value(), self.1.to_value()])
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

/// An object: `json!({ "name": value, … })`. A value is any [`ToValue`].
#[macro_export]
macro_rules! json {
    ({ $($name:literal : $value:expr),* $(,)? }) => {{
        #[allow(unused_mut)]
        let mut map = $crate::json::Map::new();
        $(map.insert($name.to_owned(), $crate::json::ToValue::to_value(&$value));)*
        $crate::json::Value::Object(map)
    }};
}
pub use crate::json;

/// Writes a text in quotes.
pub fn quote(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null | Value::OtherNumber => f.write_str("null"),
            Value::Bool(flag) => f.write_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => write!(f, "{number}"),
            Value::Negative(number) => write!(f, "{number}"),
            Value::String(text) => quote(f, text),
            Value::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Value::Object(map) => {
                f.write_str("{")?;
                for (i, (name, value)) in map.0.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    quote(f, name)?;
                    f.write_str(":")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Whether this comes next; if so it is taken.
    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        let deeper = depth.checked_sub(1)?;
        self.blanks();
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.takes(word) {
                return Some(value);
            }
        }
        if self.takes("\"") {
            return self.text().map(Value::String);
        }
        if self.takes("[") {
            let mut items = Vec::new();
            self.list("]", |reader| {
                items.push(reader.value(deeper)?);
                Some(())
            })?;
            return Some(Value::Array(items));
        }
        if self.takes("{") {
            let mut map = Map::new();
            self.list("}", |reader| {
                let name = reader.takes("\"").then(|| reader.text())??;
                reader.blanks();
                let value = reader.takes(":").then(|| reader.value(deeper))??;
                map.get(&name).is_none().then(|| map.insert(name, value))
            })?;
            return Some(Value::Object(map));
        }
        self.number()
    }

    /// What lies between commas up to the closing bracket.
    fn list(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.blanks();
        if self.takes(end) {
            return Some(());
        }
        loop {
            self.blanks();
            item(self)?;
            self.blanks();
            if self.takes(end) {
                return Some(());
            }
            self.takes(",").then_some(())?;
        }
    }

    /// A text after its opening quote.
    fn text(&mut self) -> Option<String> {
        let mut out = String::new();
        loop {
            match self.next()? {
                '"' => return Some(out),
                '\\' => out.push(self.escape()?),
                c if c < ' ' => return None,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.four()?;
                // Beyond the first plane a character is two units; half of one is none.
                if (0xd800..0xdc00).contains(&unit) {
                    let low = self.takes("\\u").then(|| self.four())??;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)?
                } else {
                    char::from_u32(unit)?
                }
            }
            _ => return None,
        })
    }

    fn four(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        self.rest = rest;
        if hex { u32::from_str_radix(digits, 16).ok() } else { None }
    }

    fn digits(&mut self) -> Option<&str> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let (digits, _) = self.rest.split_at(self.rest.len() - rest.len());
        self.rest = rest;
        if digits.is_empty() { None } else { Some(digits) }
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.takes("-");
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let value: Option<u64> = whole.parse().ok();
        let mut other = false;
        if self.takes(".") {
            self.digits()?;
            other = true;
        }
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            self.digits()?;
            other = true;
        }
        Some(match value {
            Some(number) if !other && !negative => Value::Number(number),
            Some(number) if !other => match i64::try_from(number) {
                Ok(number) if number > 0 => Value::Negative(-number),
                _ => Value::OtherNumber,
            },
            _ => Value::OtherNumber,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same in the words of another reader.
    fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
        match (ours, theirs) {
            (Value::Null, serde_json::Value::Null) => true,
            (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Value::Number(a), serde_json::Value::Number(b)) => b.as_u64() == Some(*a),
            (Value::Negative(a), serde_json::Value::Number(b)) => b.as_i64() == Some(*a),
            (Value::OtherNumber, serde_json::Value::Number(_)) => true,
            (Value::String(a), serde_json::Value::String(b)) => a == b,
            (Value::Array(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), serde_json::Value::Object(b)) => {
                a.0.len() == b.len() && b.iter().all(|(name, b)| a.get(name).is_some_and(|a| same(a, b)))
            }
            _ => false,
        }
    }

    fn agree(text: &str) {
        let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
        match (Value::parse(text.as_bytes()), theirs) {
            (Some(ours), Some(theirs)) => {
                assert!(same(&ours, &theirs), "{text}");
                let again: serde_json::Value = serde_json::from_str(&ours.to_string()).unwrap();
                assert!(same(&Value::parse(ours.to_string().as_bytes()).unwrap(), &again), "{text}");
            }
            (None, None) => {}
            (ours, theirs) => panic!("{text:?}: {ours:?} {theirs:?}"),
        }
    }

    #[test]
    fn reads_what_another_reader_reads() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-1",
            "18446744073709551615",
            "-9223372036854775807",
            "1.5",
            "1e3",
            "1E-3",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "\"\"",
            r#""a\"\\\/\b\f\n\r\tA""#,
            r#""😀""#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83dA""#,
            r#""\u12g4""#,
            r#""\u+123""#,
            r#""\x""#,
            "\"\n\"",
            "\"a",
            "[]",
            "[1,2]",
            "[1,]",
            "[,]",
            "[",
            "{}",
            r#"{"a":1,"b":[{}]}"#,
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{a:1}"#,
            "{",
            "nul",
            "nulll",
            "1 2",
            "",
            " ",
            "\u{feff}1",
            "\"\u{7f}é\"",
        ] {
            agree(text);
        }
    }

    #[test]
    fn refuses_what_means_two_things_or_too_much() {
        assert_eq!(Value::parse(br#"{"a":1,"a":2}"#), None);
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Value::parse(deep(32).as_bytes()).is_some());
        assert_eq!(Value::parse(deep(33).as_bytes()), None);
        assert_eq!(Value::parse(&[0x22, 0xff, 0x22]), None);
        assert_eq!(Value::parse("[".repeat(1 << 20).as_bytes()), None);
    }

    #[test]
    fn writes_objects_in_order() {
        let value = json!({
            "b": 1_u64, "a": "x\"\u{1}", "n": None::<u64>, "l": vec!["y"], "o": json!({}), "m": -5_i64,
        });
        assert_eq!(
            value.to_string(),
            "{\"b\":1,\"a\":\"x\\\"\\u0001\",\"n\":null,\"l\":[\"y\"],\"o\":{},\"m\":-5}"
        );
        assert_eq!(
            (value["b"].as_u64(), value["zz"].as_str(), value["l"]["x"].is_null()),
            (Some(1), None, true)
        );
    }

    proptest! {
        #[test]
        fn agrees_on_any_text(text in "[\\[\\]{},:\"0-9a-fnrtu\\\\ .eE+-]{0,40}") {
            let twice = Value::parse(text.as_bytes()).is_none() && text.contains('{');
            if !twice {
                agree(&text);
            }
        }

        #[test]
        fn any_text_survives(text in ".{0,40}") {
            let value = Value::String(text);
            prop_assert_eq!(Value::parse(value.to_string().as_bytes()), Some(value));
        }
    }
}
