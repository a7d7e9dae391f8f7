//! The API for programs: what is asked, by whom, and how it is answered. What it means for a home is in
//! `core/home/api`.

pub mod json;
mod query;
pub mod routes;

pub use query::Query;
pub use routes::{Call, ROUTES, Route, TokenScope, find};

use ed25519_dalek::SigningKey;
use latchkey_shared::id::{Hash32, HubId, KeyId};
use latchkey_shared::zone::Zone;
use zeroize::Zeroizing;

use crate::core::home::Taken;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A program with the token of this hash.
    Token(Hash32),
    /// A member who is signed in.
    Member(KeyId),
}

/// A request.
pub struct ApiRequest {
    /// Upper case.
    pub method: String,
    /// The path below the home, without its first slash; empty for the home itself.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
    /// Who asks.
    pub caller: Caller,
    /// `If-Match`.
    pub if_match: Option<String>,
    /// A key that only the caller's token and `Idempotency-Key` together give.
    pub once: Option<Zeroizing<[u8; 32]>>,
}

/// What answering needs from outside.
pub struct ApiContext<'a, R> {
    /// Unix seconds.
    pub now: u64,
    /// The rules of the home's zone, if the platform has them.
    pub zone: Option<&'a dyn Zone>,
    /// The hubs that are connected.
    pub online: &'a [HubId],
    /// The Worker's signing keys.
    pub issuers: &'a [SigningKey],
    /// Where links to codes begin.
    pub origin: &'a str,
    /// A CSPRNG.
    pub rng: R,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON, or nothing.
    pub body: Zeroizing<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Location`, below the home.
    pub location: Option<String>,
    /// What it did to the chain.
    pub taken: Option<Taken>,
}

impl Reply {
    /// 200 with JSON.
    pub fn ok(body: String) -> Self {
        Reply { status: 200, body: Zeroizing::new(body), etag: None, location: None, taken: None }
    }

    /// 204.
    pub fn nothing() -> Self {
        Reply { status: 204, ..Self::ok(String::new()) }
    }
}
