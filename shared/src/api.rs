//! Messages between portal, Worker and hub, in CBOR. What is signed inside them is carried as bytes and verified by
//! whoever reads it; the rest is the Worker's word.

use crate::id::{GrantId, Hash32, HomeId, HubId, LinkId};
use crate::time::Timestamp;
use crate::wire::cbor::Blob;
use crate::wire::derive::{Decode, Encode};

/// The media type of these messages.
pub const MEDIA_TYPE: &str = "application/cbor";

/// `POST /homes`: begins a home.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct CreateHome {
    /// The signed `Genesis`.
    #[n(1)]
    pub genesis: Blob,
}

/// `POST /homes/{home}/ops`: appends all of the ops or none.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SubmitOps {
    /// Signed ops in order; the first follows the chain's end.
    #[n(1)]
    pub ops: Vec<Blob>,
    /// Guest links to grants that these ops put, or that exist.
    #[n(2)]
    pub links: Vec<LinkUpload>,
}

/// What the Worker keeps of a guest link. It cannot read it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LinkUpload {
    /// Its id, as the grant names it.
    #[n(1)]
    pub id: LinkId,
    /// The grant.
    #[n(2)]
    pub grant: GrantId,
    /// SHA-256 of the link's auth.
    #[n(3)]
    pub auth_hash: Hash32,
    /// The encrypted content.
    #[n(4)]
    pub content: Blob,
}

/// The chain's end after a submission.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Submitted {
    /// The newest op's number.
    #[n(1)]
    pub seq: u64,
    /// The newest op's hash.
    #[n(2)]
    pub head_hash: Hash32,
}

/// `GET /homes/{home}/snapshot?after=`: what the portal shows.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Snapshot {
    /// The Worker's clock.
    #[n(1)]
    pub now: Timestamp,
    /// Signed ops after the one asked for, in order.
    #[n(2)]
    pub ops: Vec<Blob>,
    /// The newest signed report of every lock.
    #[n(3)]
    pub reports: Vec<Blob>,
    /// The hubs as the Worker sees them.
    #[n(4)]
    pub hubs: Vec<HubSeen>,
}

/// A hub as the Worker sees it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HubSeen {
    /// The hub.
    #[n(1)]
    pub hub: HubId,
    /// Whether it is connected now.
    #[n(2)]
    pub online: bool,
    /// When it was last heard of.
    #[n(3)]
    pub last_seen: Option<Timestamp>,
    /// The newest op that it says it has taken.
    #[n(4)]
    pub seq: Option<u64>,
}

/// `GET /homes/{home}/events`: a page of the log, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct EventsPage {
    /// Signed events.
    #[n(1)]
    pub events: Vec<Blob>,
    /// Where the next page begins: pass it as `before`. Absent on the last page.
    #[n(2)]
    pub next: Option<u64>,
}

/// `POST /homes/{home}/hubs/{hub}/push`: what a hub has to say.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HubPush {
    /// The newest op that the hub has taken; absent before the first bundle.
    #[n(1)]
    pub seq: Option<u64>,
    /// Signed reports.
    #[n(2)]
    pub reports: Vec<Blob>,
    /// Signed events in order, from the first unacknowledged one on.
    #[n(3)]
    pub events: Vec<Blob>,
}

/// The Worker's answer to a push.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct HubAck {
    /// Every event up to this number is stored.
    #[n(1)]
    pub events_through: u64,
    /// The chain's end, so that a hub that polls need not ask twice.
    #[n(2)]
    pub seq: u64,
}

/// What goes over a WebSocket from the Worker, one per message. On the wire `[kind, fields…]`.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(flat)]
pub enum Notice {
    /// The chain has grown to this op: fetch.
    #[n(0)]
    Chain(#[n(0)] u64),
    /// A signed report came in.
    #[n(1)]
    Report(#[n(0)] Blob),
    /// A signed event came in.
    #[n(2)]
    Event(#[n(0)] Blob),
    /// A hub came or went.
    #[n(3)]
    Hub(#[n(0)] HubSeen),
}

/// Paths under the origin, so that nobody spells one twice.
pub mod path {
    use super::{HomeId, HubId};
    use crate::id::PairId;

    /// Begins a home.
    pub const HOMES: &str = "/api/v1/homes";

    /// A home's ops.
    pub fn ops(home: &HomeId) -> String {
        format!("{HOMES}/{home}/ops")
    }

    /// A home's snapshot.
    pub fn snapshot(home: &HomeId) -> String {
        format!("{HOMES}/{home}/snapshot")
    }

    /// A home's log.
    pub fn events(home: &HomeId) -> String {
        format!("{HOMES}/{home}/events")
    }

    /// A portal's WebSocket.
    pub fn socket(home: &HomeId) -> String {
        format!("{HOMES}/{home}/ws")
    }

    /// A hub's bundle.
    pub fn bundle(home: &HomeId, hub: &HubId) -> String {
        format!("{HOMES}/{home}/hubs/{hub}/bundle")
    }

    /// A hub's reports and events.
    pub fn push(home: &HomeId, hub: &HubId) -> String {
        format!("{HOMES}/{home}/hubs/{hub}/push")
    }

    /// Ops that a hub signed at its panel: a [`super::SubmitOps`] without links.
    pub fn hub_ops(home: &HomeId, hub: &HubId) -> String {
        format!("{HOMES}/{home}/hubs/{hub}/ops")
    }

    /// The newest event of a hub that the Worker has, as the hub signed it.
    pub fn hub_last_event(home: &HomeId, hub: &HubId) -> String {
        format!("{HOMES}/{home}/hubs/{hub}/last-event")
    }

    /// A hub's WebSocket.
    pub fn hub_socket(home: &HomeId, hub: &HubId) -> String {
        format!("{HOMES}/{home}/hubs/{hub}/ws")
    }

    /// A hub's offer.
    pub fn pair(id: &PairId) -> String {
        format!("/api/v1/pair/{id}")
    }

    /// The browser's answer.
    pub fn pair_answer(id: &PairId) -> String {
        format!("/api/v1/pair/{id}/answer")
    }
}
