//! Where the cloud is.

pub use latchkey_shared::origin::{Origin, OriginError};
