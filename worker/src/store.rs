//! What a home keeps, as a trait: in memory for tests, in the object's SQLite for real.
//!
//! All calls are synchronous. In an object nothing else runs between two of them and they are committed together,
//! so a request that decides first and writes last is atomic.

#[cfg(target_arch = "wasm32")]
pub mod durable;
#[cfg(target_arch = "wasm32")]
pub mod kv;
pub mod memory;

use latchkey_shared::id::{GrantId, Hash32, HubId, KeyId, LinkId, LockId, Nonce};
use latchkey_shared::wire::cbor::Blob;

use crate::error::Result;

/// What is known of a hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HubRow {
    /// When it was last heard of, in Unix seconds.
    pub last_seen: u64,
    /// The newest op that it says it has taken.
    pub seq: Option<u64>,
}

/// A guest link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRow {
    /// Its grant.
    pub grant: GrantId,
    /// The grant's revision for which the content was made.
    pub rev: u32,
    /// SHA-256 of what the guest proves.
    pub auth_hash: Hash32,
    /// Ciphertext; absent once the link has ended.
    pub content: Option<Blob>,
    /// When it ended, in Unix seconds.
    pub ended: Option<u64>,
}

/// A guest link that has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenLink {
    /// The link.
    pub id: LinkId,
    /// Its grant.
    pub grant: GrantId,
    /// The grant's revision for which the content was made.
    pub rev: u32,
}

/// An event to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// Its number at its hub.
    pub number: u64,
    /// Its hash.
    pub hash: Hash32,
    /// As signed.
    pub bytes: Vec<u8>,
    /// The member whose code was used.
    pub holder: Option<KeyId>,
}

/// Small things that a home keeps, by id. Each is written and read whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Shelf {
    /// Invitations that count.
    Invite = 1,
    /// Of every code that was ever put: its newest op, and whose it is.
    Code = 2,
    /// Tokens of programs.
    Token = 3,
    /// Answers for callers who repeat a request.
    Answer = 4,
    /// How much of their log is still taken from hubs that were removed.
    Farewell = 5,
}

/// Storage of one home. Errors mean that the storage broke.
pub trait HomeStore {
    /// The signed ops from this number on, in order.
    fn ops_from(&self, seq: u64) -> Result<Vec<Vec<u8>>>;
    /// A signed op.
    fn op(&self, seq: u64) -> Result<Option<Vec<u8>>>;
    /// Appends ops, the first of which has this number.
    fn append_ops(&self, first: u64, ops: &[Vec<u8>], at: u64) -> Result<()>;

    /// The number of the newest report of a hub on a lock.
    fn report_number(&self, hub: &HubId, lock: &LockId) -> Result<Option<u64>>;
    /// Replaces the report of a hub on a lock.
    fn put_report(&self, hub: &HubId, lock: &LockId, number: u64, bytes: &[u8]) -> Result<()>;
    /// How many locks a hub reports on.
    fn count_reports(&self, hub: &HubId) -> Result<usize>;
    /// Every report, with its hub.
    fn reports(&self) -> Result<Vec<(HubId, Vec<u8>)>>;
    /// Forgets the reports of a hub.
    fn drop_reports(&self, hub: &HubId) -> Result<()>;

    /// The newest event of a hub: number and hash.
    fn event_tip(&self, hub: &HubId) -> Result<Option<(u64, Hash32)>>;
    /// The newest event of a hub, as signed.
    fn newest_event(&self, hub: &HubId) -> Result<Option<Vec<u8>>>;
    /// The hash of an event, if it is still kept.
    fn event_hash(&self, hub: &HubId, number: u64) -> Result<Option<Hash32>>;
    /// Appends an event to the home's log.
    fn append_event(&self, hub: &HubId, event: &NewEvent) -> Result<()>;
    /// Events older than the cursor, newest first, each with its cursor.
    fn events_before(&self, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>>;
    /// Events newer than the cursor, oldest first, each with its cursor.
    fn events_after(&self, cursor: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>>;
    /// As [`HomeStore::events_before`], of the events that tell of one member's codes.
    fn events_of(&self, holder: &KeyId, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>>;
    /// Forgets the oldest events beyond this many, but never the newest of a hub.
    fn trim_events(&self, keep: u64) -> Result<()>;

    /// A hub.
    fn hub(&self, hub: &HubId) -> Result<Option<HubRow>>;
    /// Writes a hub.
    fn put_hub(&self, hub: &HubId, row: HubRow) -> Result<()>;
    /// Remembers a nonce; `false` if it was known.
    fn remember_nonce(&self, hub: &HubId, nonce: &Nonce, until: u64, now: u64) -> Result<bool>;

    /// A link.
    fn link(&self, id: &LinkId) -> Result<Option<LinkRow>>;
    /// Writes a link.
    fn put_link(&self, id: &LinkId, row: &LinkRow) -> Result<()>;
    /// Forgets a link.
    fn drop_link(&self, id: &LinkId) -> Result<()>;
    /// Every link that has not ended, without its content.
    fn open_links(&self) -> Result<Vec<OpenLink>>;
    /// The links that have ended, and when.
    fn ended_links(&self) -> Result<Vec<(LinkId, u64)>>;

    /// A thing on a shelf.
    fn item(&self, shelf: Shelf, id: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Everything on a shelf, by ascending id.
    fn items(&self, shelf: Shelf) -> Result<Vec<Vec<u8>>>;
    /// How many things are on a shelf.
    fn count_items(&self, shelf: Shelf) -> Result<usize>;
    /// Puts a thing on a shelf, until it is over (Unix seconds) or dropped.
    fn put_item(&self, shelf: Shelf, id: &[u8], bytes: &[u8], until: Option<u64>) -> Result<()>;
    /// Takes a thing off.
    fn drop_item(&self, shelf: Shelf, id: &[u8]) -> Result<()>;
    /// Takes everything off that is over, and tells when the next one will be.
    fn sweep_items(&self, now: u64) -> Result<Option<u64>>;
}
