//! What every other part builds on and what names none of them: private files, secrets, certificates, addresses of
//! bridges, and how a section of `hub.toml` says what is wrong with it.

pub mod endpoint;
pub mod files;
pub mod secret;
pub mod section;
pub mod tls;
