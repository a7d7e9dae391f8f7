//! Where a bridge listens: checked so that no PIN travels over a network in the clear unless somebody said so.

use super::section::Fault;
use std::net::IpAddr;
use std::path::Path;

/// A bridge's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The host's name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What follows, from its `/` on; may be empty.
    pub path: String,
}

/// A scheme without TLS, the same with TLS, and the port that is meant when none is named.
pub type Schemes = (&'static str, &'static str, u16, u16);

/// `ws` and `wss`.
pub const WEBSOCKET: Schemes = ("ws", "wss", 80, 443);
/// `mqtt` and `mqtts`.
pub const MQTT: Schemes = ("mqtt", "mqtts", 1883, 8883);

impl Endpoint {
    /// Reads the value of a key `url`. With `insecure` the clear is allowed everywhere.
    ///
    /// # Errors
    /// `config.url`: not such an address. `config.secret`: with a name or password in it. `config.insecure`: in the
    /// clear to another machine.
    pub fn parse(url: &str, schemes: Schemes, insecure: bool) -> Result<Self, Fault> {
        let (plain, secure, port, tls_port) = schemes;
        let form = || {
            let text = format!("`url` has the form {plain}://127.0.0.1:{port} or {secure}://name:{tls_port}");
            Fault::new("url", "config.url", text)
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        let tls = match scheme {
            s if s == plain => false,
            s if s == secure => true,
            _ => return Err(form()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            let text = "`url` has a name or password in it; use `username` and `password_file`";
            return Err(Fault::new("url", "config.secret", text));
        }
        let (host, after) = match authority.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or_else(form)?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match after.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port != 0).ok_or_else(form)?,
            None if after.is_empty() => {
                if tls {
                    tls_port
                } else {
                    port
                }
            }
            None => return Err(form()),
        };
        let plausible = !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic());
        if !plausible || !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(form());
        }
        let endpoint = Self { tls, host: host.to_owned(), port, path: path.to_owned() };
        if !tls && !insecure && !endpoint.is_loopback() {
            let text = format!(
                "PINs would cross the network in the clear. Use {secure}://, run the bridge on this machine, or write \
                 `insecure = true` in this section if nobody else can listen there"
            );
            return Err(Fault::new("url", "config.insecure", text));
        }
        Ok(endpoint)
    }

    /// What is wrong with naming certificates for it, if they are named and it speaks no TLS.
    pub fn needs_no(&self, ca_file: Option<&Path>, schemes: Schemes) -> Option<Fault> {
        let text = || format!("`ca_file` is for {}:// only", schemes.1);
        ca_file.filter(|_| !self.tls).map(|_| Fault::new("ca_file", "config.value", text()))
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(url: &str, insecure: bool) -> Result<(), &'static str> {
        Endpoint::parse(url, WEBSOCKET, insecure).map(drop).map_err(|fault| fault.code)
    }

    #[test]
    fn parts() {
        let read = |url, schemes| Endpoint::parse(url, schemes, false).unwrap();
        let matter = read("ws://127.0.0.1:5580/ws", WEBSOCKET);
        assert_eq!((matter.host.as_str(), matter.port, matter.path.as_str()), ("127.0.0.1", 5580, "/ws"));
        let broker = read("mqtts://broker.example", MQTT);
        assert_eq!((broker.tls, broker.port), (true, 8883));
        assert_eq!(read("ws://[::1]:1", WEBSOCKET).host, "::1");
        assert_eq!(read("ws://localhost", WEBSOCKET).port, 80);
    }

    #[test]
    fn in_the_clear_only_on_this_machine_or_when_it_is_said() {
        for near in ["ws://127.0.0.1:3000", "ws://127.9.9.9:1", "ws://localhost:1", "ws://[::1]:1/x"] {
            assert_eq!(code(near, false), Ok(()), "{near}");
        }
        for far in [
            "ws://192.168.1.4:3000",
            "ws://core-zwave-js:3000",
            "ws://localhost.example:1",
            "ws://[fe80::1]:1",
        ] {
            assert_eq!(code(far, false), Err("config.insecure"), "{far}");
            assert_eq!(code(far, true), Ok(()), "{far}");
            assert_eq!(code(&far.replace("ws:", "wss:"), false), Ok(()), "{far}");
        }
        assert_eq!(code("ws://me:hunter2@localhost:1", true), Err("config.secret"));
        for bad in [
            "",
            "localhost:3000",
            "http://localhost",
            "ws://",
            "ws://h:0",
            "ws://h:99999",
            "ws://[::1",
            "ws://a b",
        ] {
            assert_eq!(code(bad, true), Err("config.url"), "{bad}");
        }
    }
}
