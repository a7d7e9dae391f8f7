//! Parameters of a query, decoded.

use crate::error::{MALFORMED, Result};

/// A query without its `?`.
#[derive(Clone, Copy)]
pub struct Query<'q>(pub &'q str);

impl<'q> Query<'q> {
    /// A parameter's text; twice the same parameter is refused.
    pub fn text(self, name: &str) -> Result<Option<String>> {
        let mut found = self.0.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        });
        let value = found.next();
        if found.next().is_some() {
            return Err(MALFORMED);
        }
        value.map(decode).transpose()
    }

    /// How many entries a page is to have: 1 to 100, 50 if nothing is said.
    pub fn limit(self) -> Result<usize> {
        match self.text("limit")? {
            None => Ok(50),
            Some(text) => text.parse().ok().filter(|n| (1..=100).contains(n)).ok_or(MALFORMED),
        }
    }

    /// Where the page begins: what the page before named as `next`.
    pub fn cursor<T>(self, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        self.text("cursor")?.map(|text| read(&text).ok_or(MALFORMED)).transpose()
    }
}

/// Percent-encoding and `+` undone, strictly.
fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or(MALFORMED);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).map_err(|_| MALFORMED)?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let query = Query("a=1&label=Z%C3%B6+x%20y&empty=&b");
        assert_eq!(query.text("label").unwrap().as_deref(), Some("Zö x y"));
        assert_eq!(query.text("empty").unwrap().as_deref(), Some(""));
        assert_eq!(query.text("b").unwrap().as_deref(), Some(""));
        assert_eq!(query.text("c").unwrap(), None);
        for bad in ["a=1&a=2", "a=%", "a=%f", "a=%zz", "a=%ff"] {
            assert_eq!(Query(bad).text("a"), Err(MALFORMED), "{bad}");
        }
        for bad in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit="] {
            assert_eq!(Query(bad).limit(), Err(MALFORMED), "{bad}");
        }
        assert_eq!((Query("").limit(), Query("limit=100").limit()), (Ok(50), Ok(100)));
    }
}
