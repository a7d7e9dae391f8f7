//! The few settings that decisions depend on.

use latchkey_shared::webauthn::RelyingParty;

/// Where this Worker is reached.
#[derive(Clone, Debug)]
pub struct Config {
    /// The one origin, such as `https://latchkey.example`.
    pub origin: String,
    /// The WebAuthn relying party id: the origin's host or a parent of it.
    pub rp_id: String,
}

impl Config {
    /// The relying party of passkeys.
    pub fn relying_party(&self) -> RelyingParty {
        RelyingParty { id: self.rp_id.clone(), origins: vec![self.origin.clone()] }
    }

    /// `@authority` of signed requests (RFC 9421, section 2.2.3): host, and port unless it is the scheme's own.
    pub fn authority(&self) -> String {
        let (scheme, rest) = self.origin.split_once("://").unwrap_or(("https", &self.origin));
        let default = if scheme == "http" { ":80" } else { ":443" };
        rest.strip_suffix(default).unwrap_or(rest).to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_drops_only_the_default_port() {
        for (origin, authority) in [
            ("https://Latchkey.example", "latchkey.example"),
            ("https://latchkey.example:443", "latchkey.example"),
            ("http://localhost:8787", "localhost:8787"),
            ("http://localhost:443", "localhost:443"),
        ] {
            let config = Config { origin: origin.into(), rp_id: String::new() };
            assert_eq!(config.authority(), authority);
        }
    }
}
