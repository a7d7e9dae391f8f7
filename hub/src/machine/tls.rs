//! Whose certificates are believed.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// TLS to servers whose certificate a public authority vouches for.
pub(crate) fn public() -> TlsConnector {
    TlsConnector::from(Arc::new(config(public_roots())))
}

/// TLS to servers for which the certificates in `ca_file` (PEM) vouch; without one, the public ones.
///
/// # Errors
/// There are none in it.
pub fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let Some(file) = ca_file else { return Ok(Arc::new(config(public_roots()))) };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let (added, _) = roots.add_parsable_certificates(found.unwrap_or_default());
    if added == 0 {
        return Err(format!("config.value: {} holds no certificates in PEM form", file.display()));
    }
    Ok(Arc::new(config(roots)))
}

fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn config(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
    // ring supports the default versions; were it not to, nothing would be trusted.
    config.unwrap_or_else(|_| {
        ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}
