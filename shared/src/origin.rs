//! Where the cloud is.

use crate::error::Coded;
use core::fmt;

/// Scheme, host and port of the cloud (RFC 6454). Plain HTTP only to this machine itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

/// Why an origin is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OriginError {
    /// Not `scheme://host[:port]`.
    Malformed,
    /// Plain HTTP to another machine.
    Plain,
}

impl Coded for OriginError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "origin.malformed",
            Self::Plain => "origin.plain",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Malformed => "give the address as https://host, without a path",
            Self::Plain => "use https; plain http is for this machine itself only",
        }
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.hint())
    }
}

impl core::error::Error for OriginError {}

impl Origin {
    /// From text such as `https://keys.example` or `http://localhost:8787`.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(OriginError::Malformed),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| OriginError::Malformed)?)
            }
            _ => (rest, if https { 443 } else { 80 }),
        };
        let plain_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        if host.is_empty() || !(plain_host || host == "[::1]") || port == 0 {
            return Err(OriginError::Malformed);
        }
        let host = host.to_ascii_lowercase();
        let local = host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host.parse::<core::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
        if !https && !local {
            return Err(OriginError::Plain);
        }
        Ok(Self { https, host, port })
    }

    /// Whether it is spoken to through TLS.
    pub fn https(&self) -> bool {
        self.https
    }

    /// The host without brackets, to connect to.
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and, unless it is the scheme's own, port.
    pub fn authority(&self) -> String {
        match (self.https, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (text, shown) in [
            ("https://Keys.Example", "https://keys.example"),
            ("https://keys.example:443/", "https://keys.example"),
            ("https://keys.example:8443", "https://keys.example:8443"),
            ("http://localhost:8787", "http://localhost:8787"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "keys.example",
            "ftp://keys.example",
            "https://",
            "https://a/b",
            "https://u@a",
            "https://a:b",
        ] {
            assert_eq!(Origin::parse(text), Err(OriginError::Malformed), "{text}");
        }
        for text in ["http://keys.example", "http://192.168.1.2", "http://localhost.evil.example"] {
            assert_eq!(Origin::parse(text), Err(OriginError::Plain), "{text}");
        }
    }
}
