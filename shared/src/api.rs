//! Messages between portal, Worker and hub, in CBOR. What is signed inside them is carried as bytes and verified by
//! whoever reads it; the rest is the Worker's word.

use crate::chain::op::Role;
use crate::id::{GrantId, Hash32, HomeId, HubId, KeyId, LinkId, LockId};
use crate::invite::{Acceptance, Invite};
use crate::keys::KeyRecord;
use crate::report::{CodeReport, LockInfo};
use crate::time::Timestamp;
use crate::wire::cbor::{Blob, Reader};
use crate::wire::derive::{Decode, Encode};
use crate::zone::ZoneName;

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

/// Finds the ops of a [`Snapshot`] while it arrives. What it finds is only in the right place; that the message is one
/// is known once all of it has been read.
#[derive(Clone, Debug, Default)]
pub struct Arriving {
    /// How much was read.
    at: usize,
    /// How many ops are still to come, once that is known.
    left: Option<usize>,
}

impl Arriving {
    /// The next op, if it is complete in what has arrived: all of it, from the first byte on.
    pub fn next<'a>(&mut self, arrived: &'a [u8]) -> Option<&'a [u8]> {
        let mut r = Reader::new(arrived.get(self.at..)?);
        let left = match self.left {
            Some(left) => left,
            None => {
                r.map()?;
                let _now = (r.uint()?, r.uint()?, r.uint()?);
                r.array()?
            }
        };
        let left_after = left.checked_sub(1)?;
        let op = r.bytes()?;
        (self.at, self.left) = (arrived.len() - r.rest().len(), Some(left_after));
        Some(op)
    }
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
    /// For owners: an invitation was made, answered, used or withdrawn. Fetch the list.
    #[n(4)]
    Invites,
    /// For residents: their codes, or how these stand, may have changed. Fetch `mine`.
    #[n(5)]
    Mine,
    /// For a hub: an owner or manager wants a lock's codes read again. It only looks; how often it does is the hub's to
    /// say.
    #[n(6)]
    Resync(#[n(0)] LockId),
    /// For a hub: the same of one code on a lock.
    #[n(7)]
    ResyncCode(#[n(0)] LockId, #[n(1)] GrantId),
}

/// `GET /homes/{home}/invites`: the invitations that count, for owners.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Invites {
    /// In ascending order of ids.
    #[n(1)]
    pub list: Vec<InviteEntry>,
}

/// An invitation and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct InviteEntry {
    /// The invitation.
    #[n(1)]
    pub invite: Invite,
    /// The owner who made it.
    #[n(2)]
    pub by: KeyId,
    /// When it was made.
    #[n(6)]
    pub at: Timestamp,
    /// The answer: to be checked with [`crate::invite::InviteSecret::check`] before its key is added.
    #[n(7)]
    pub acceptance: Option<Acceptance>,
    /// When it was answered.
    #[n(8)]
    pub accepted_at: Option<Timestamp>,
}

/// `POST /invites/{id}/open`: proves knowledge of an invitation's secret.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct InviteProof {
    /// [`crate::invite::InviteSecret::auth`].
    #[n(1)]
    pub auth: Blob,
}

/// `POST /invites/{id}/accept`, by somebody who is signed in with the key that answers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct AcceptInvite {
    /// [`crate::invite::InviteSecret::auth`].
    #[n(1)]
    pub auth: Blob,
    /// The answer.
    #[n(2)]
    pub acceptance: Acceptance,
}

/// The answer to both: what one is invited to. Once the key is a member's, `invite.used` is refused instead, and the
/// home is there to be fetched.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct InviteShown {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// What it is called.
    #[n(2)]
    pub home_name: String,
    /// What the owner who invites is called.
    #[n(3)]
    pub by: String,
    /// The first instant at which it no longer counts.
    #[n(4)]
    pub expires: Timestamp,
    /// Whom it is for.
    #[n(7)]
    pub name: String,
    /// What the person may do.
    #[n(8)]
    pub role: Role,
    /// Whose key has answered. An owner has yet to add it.
    #[n(9)]
    pub accepted: Option<KeyId>,
}

/// `GET /homes/{home}/mine?before=&limit=`: what a member sees of their own codes. What is signed was signed by members
/// and hubs; that nothing is missing is the Worker's word.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Mine {
    /// The Worker's clock.
    #[n(1)]
    pub now: Timestamp,
    /// What the home is called.
    #[n(2)]
    pub home_name: String,
    /// The home's zone.
    #[n(3)]
    pub zone: ZoneName,
    /// The member's role.
    #[n(4)]
    pub role: Role,
    /// The signed ops that put the codes whose holder is the member, in ascending order of grants.
    #[n(5)]
    pub grants: Vec<Blob>,
    /// Keys and names of who signed them.
    #[n(6)]
    pub signers: Vec<KeyRecord>,
    /// The locks of these codes.
    #[n(7)]
    pub doors: Vec<MyDoor>,
    /// Signed events of these codes' use: a page, newest first.
    #[n(8)]
    pub entries: Vec<Blob>,
    /// Where the next page begins: pass it as `before`. Absent on the last page.
    #[n(9)]
    pub next: Option<u64>,
}

/// A lock, and how one's own codes stand on it: taken from a hub's report, which holds others' codes too.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct MyDoor {
    /// The hub that reports on it.
    #[n(1)]
    pub hub: HubSeen,
    /// When it did.
    #[n(2)]
    pub at: Timestamp,
    /// The lock.
    #[n(3)]
    pub lock: LockInfo,
    /// The codes.
    #[n(4)]
    pub codes: Vec<CodeReport>,
}

/// Paths under the origin, so that nobody spells one twice.
pub mod path {
    use super::{HomeId, HubId};
    use crate::id::{GrantId, InviteId, LockId, PairId};

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

    /// Has a hub read a lock's codes again, or one of them.
    pub fn resync(home: &HomeId, hub: &HubId, lock: &LockId, grant: Option<&GrantId>) -> String {
        let grant = grant.map(|grant| format!("&grant={grant}")).unwrap_or_default();
        format!("{HOMES}/{home}/hubs/{hub}/resync?lock={lock}{grant}")
    }

    /// A home's log.
    pub fn events(home: &HomeId) -> String {
        format!("{HOMES}/{home}/events")
    }

    /// One's own codes and entries.
    pub fn mine(home: &HomeId) -> String {
        format!("{HOMES}/{home}/mine")
    }

    /// A home's invitations.
    pub fn invites(home: &HomeId) -> String {
        format!("{HOMES}/{home}/invites")
    }

    /// One of them, to be withdrawn.
    pub fn invite(home: &HomeId, id: &InviteId) -> String {
        format!("{HOMES}/{home}/invites/{id}")
    }

    /// What one is invited to.
    pub fn invite_open(id: &InviteId) -> String {
        format!("/api/v1/invites/{id}/open")
    }

    /// An invitation's answer.
    pub fn invite_accept(id: &InviteId) -> String {
        format!("/api/v1/invites/{id}/accept")
    }

    /// A home in the account's list, to be taken off it.
    pub fn listed_home(home: &HomeId) -> String {
        format!("/api/v1/account/homes/{home}")
    }

    /// A page of a home's archive.
    pub fn export(home: &HomeId) -> String {
        format!("{HOMES}/{home}/export")
    }

    /// A home's tokens for programs, in JSON.
    pub fn tokens(home: &HomeId) -> String {
        format!("{HOMES}/{home}/tokens")
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
