//! `[[zigbee2mqtt]]` in `hub.toml`.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where a zigbee2mqtt is, and what it is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its broker: `mqtt://host:1883`, or `mqtts://host:8883` with TLS.
    pub url: String,
    /// What its topics begin with.
    #[serde(default = "base_topic")]
    pub base_topic: String,
    /// Whom the broker knows the hub as; absent: nobody in particular.
    pub username: Option<String>,
    /// The file with the password. A line break at its end does not count.
    pub password_file: Option<PathBuf>,
    /// PEM file with the certificates that sign the broker's; absent: the public ones.
    pub ca_file: Option<PathBuf>,
    /// Whether zigbee2mqtt is to say the PINs that it reads from locks (its option `expose_pin`), so that the hub can
    /// compare them. They are then in its messages and its log. Without, a lock only tells that there is a PIN.
    #[serde(default)]
    pub expose_pin: bool,
    /// Allows `mqtt://` to another machine: PINs cross the network in clear.
    #[serde(default)]
    pub insecure: bool,
}

fn base_topic() -> String {
    "zigbee2mqtt".to_owned()
}

/// Why settings are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingsError {
    /// `url` is none.
    Url,
    /// PINs would cross a network in clear.
    Clear,
    /// `base_topic` cannot be one.
    BaseTopic,
    /// `password_file` cannot be read, or there is no `username` for it.
    Password,
    /// `ca_file` holds no certificates.
    Ca,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "zigbee2mqtt.url: write the address as mqtt://host:1883, or mqtts://host:8883",
            Self::Clear => {
                "zigbee2mqtt.clear: PINs would cross the network in clear; use mqtts://, or set insecure = true"
            }
            Self::BaseTopic => "zigbee2mqtt.base_topic: write it as zigbee2mqtt has it, without + or #",
            Self::Password => "zigbee2mqtt.password_file: name a readable file, and a username with it",
            Self::Ca => "zigbee2mqtt.ca_file: name a readable file with certificates in PEM form",
        })
    }
}

impl std::error::Error for SettingsError {}

/// Settings that were found good, with what their files hold.
pub(super) struct Checked {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) login: Option<(String, Zeroizing<Vec<u8>>)>,
    pub(super) base: String,
    pub(super) expose_pin: bool,
}

impl Settings {
    /// What the keys of its locks begin with.
    pub fn prefix(&self) -> String {
        format!("{}/{}/", super::NAME, self.base_topic)
    }

    /// Refuses what cannot work. Reads the files that are named.
    ///
    /// # Errors
    /// Says which setting is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.read().map(drop)
    }

    pub(super) fn read(&self) -> Result<Checked, SettingsError> {
        let (host, port, secure) = self.address()?;
        if !secure && !self.insecure && !is_loopback(&host) {
            return Err(SettingsError::Clear);
        }
        let base = &self.base_topic;
        if base.is_empty() || base.starts_with('/') || base.ends_with('/') || base.contains(['+', '#', '\0'])
        {
            return Err(SettingsError::BaseTopic);
        }
        let tls = if secure { Some(Arc::new(self.tls()?)) } else { None };
        Ok(Checked { host, port, tls, login: self.login()?, base: base.clone(), expose_pin: self.expose_pin })
    }

    fn address(&self) -> Result<(String, u16, bool), SettingsError> {
        let (rest, secure) = match (self.url.strip_prefix("mqtt://"), self.url.strip_prefix("mqtts://")) {
            (Some(rest), _) => (rest, false),
            (_, Some(rest)) => (rest, true),
            _ => return Err(SettingsError::Url),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let default = if secure { 8883 } else { 1883 };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port != 0).ok_or(SettingsError::Url)?)
            }
            _ => (rest, default),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@[]".contains(c);
        let host = bare.unwrap_or(host);
        if host.is_empty() || host.contains(odd) || (bare.is_none() && host.contains(':')) {
            return Err(SettingsError::Url);
        }
        Ok((host.to_owned(), port, secure))
    }

    fn login(&self) -> Result<Option<(String, Zeroizing<Vec<u8>>)>, SettingsError> {
        let Some(username) = self.username.clone() else {
            return if self.password_file.is_none() { Ok(None) } else { Err(SettingsError::Password) };
        };
        let mut password = Zeroizing::new(match &self.password_file {
            Some(file) => std::fs::read(file).map_err(|_| SettingsError::Password)?,
            None => vec![],
        });
        while password.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            password.pop();
        }
        Ok(Some((username, password)))
    }

    fn tls(&self) -> Result<rustls::ClientConfig, SettingsError> {
        let mut roots = rustls::RootCertStore { roots: vec![] };
        match &self.ca_file {
            None => roots.roots.extend_from_slice(webpki_roots::TLS_SERVER_ROOTS),
            Some(file) => {
                let certificates = CertificateDer::pem_file_iter(file).map_err(|_| SettingsError::Ca)?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|_| SettingsError::Ca)?;
                    roots.add(certificate).map_err(|_| SettingsError::Ca)?;
                }
                if roots.is_empty() {
                    return Err(SettingsError::Ca);
                }
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| SettingsError::Ca)?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        toml::from_str(&format!("url = {url:?}")).unwrap()
    }

    fn refused(settings: &Settings) -> SettingsError {
        settings.check().unwrap_err()
    }

    #[test]
    fn addresses() {
        let read = |url| settings(url).address();
        assert_eq!(read("mqtt://127.0.0.1"), Ok(("127.0.0.1".into(), 1883, false)));
        assert_eq!(read("mqtt://[::1]:1884/"), Ok(("::1".into(), 1884, false)));
        assert_eq!(read("mqtts://broker.example"), Ok(("broker.example".into(), 8883, true)));
        assert_eq!(read("mqtts://[2001:db8::1]"), Ok(("2001:db8::1".into(), 8883, true)));
        for bad in
            ["", "tcp://a", "mqtt://", "mqtt://a:0", "mqtt://a:x", "mqtt://u:p@a", "mqtt://::1", "mqtt://a/b"]
        {
            assert_eq!(read(bad), Err(SettingsError::Url), "{bad}");
        }
    }

    #[test]
    fn pins_do_not_leave_the_machine_in_clear_by_mistake() {
        assert_eq!(refused(&settings("mqtt://192.168.1.4")), SettingsError::Clear);
        assert!(settings("mqtts://192.168.1.4").check().is_ok());
        assert!(Settings { insecure: true, ..settings("mqtt://192.168.1.4") }.check().is_ok());
        assert!(settings("mqtt://localhost").check().is_ok());
    }

    #[test]
    fn files_and_names_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = dir.path().join("file");
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let local = settings("mqtt://localhost");
        assert_eq!(
            refused(&Settings { base_topic: "a/#".into(), ..local.clone() }),
            SettingsError::BaseTopic
        );
        assert_eq!(refused(&Settings { password_file: file("x"), ..local.clone() }), SettingsError::Password);
        let named = Settings { username: Some("hub".into()), password_file: file("secret\n"), ..local };
        assert_eq!(named.read().unwrap().login.unwrap().1.as_slice(), b"secret");
        let tls = Settings { ca_file: file("no certificate"), ..settings("mqtts://localhost") };
        assert_eq!(refused(&tls), SettingsError::Ca);
        assert!(toml::from_str::<Settings>("url = \"mqtt://a\"\npassword = \"x\"").is_err());
    }
}
