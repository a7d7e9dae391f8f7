//! The Matter server's messages: what is asked of it and of locks through it, and what their answers mean.
//!
//! An error's text repeats what was sent, PINs in it; it is looked at for a status and never passed on.

use crate::drivers::line::Line;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// Matter's cluster of door locks.
pub(super) const DOOR_LOCK: u32 = 257;
/// How much longer than a lock's time the server's own answer may take: others may be using the lock too.
pub(super) const MARGIN: Duration = Duration::from_secs(5);
/// Within how many milliseconds a timed request's second half must follow (Matter core, 8.7.1).
const TIMED_MS: u32 = 1_000;

/// Statuses of the interaction model (Matter core, 8.10.1) and of the cluster (Matter application clusters, 5.2.5).
pub(super) mod status {
    /// Done.
    pub(in super::super) const SUCCESS: u8 = 0x00;
    /// Refused, without a reason that the interaction model knows; some locks say so of duplicates.
    pub(in super::super) const FAILURE: u8 = 0x01;
    /// The lock's own: the PIN is in another slot.
    pub(in super::super) const DUPLICATE: u8 = 0x02;
    /// The lock's own: the slot is taken.
    pub(in super::super) const OCCUPIED: u8 = 0x03;
    /// A field is out of range, or the thing that is to be changed is not there.
    pub(in super::super) const INVALID_COMMAND: u8 = 0x85;
    /// A field is out of range.
    pub(in super::super) const CONSTRAINT: u8 = 0x87;
    /// No room.
    pub(in super::super) const EXHAUSTED: u8 = 0x89;
    /// It did not finish in time.
    pub(super) const TIMEOUT: u8 = 0x94;
    /// It is busy with something else.
    pub(super) const BUSY: u8 = 0x9c;
}

/// Why a lock has not done what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// No answer from it, or none that says anything.
    Silent,
    /// It refused: the interaction model's status, and the cluster's own.
    Status(u8, Option<u8>),
}

impl Failure {
    /// The status that says most.
    pub(super) fn status(self) -> Option<u8> {
        match self {
            Self::Silent => None,
            Self::Status(general, own) => own.or(Some(general)),
        }
    }

    /// From the server's words, such as `InteractionModelError: Failure (0x1, clusterStatus: 3)`.
    fn read(details: &str) -> Self {
        let Some((_, rest)) = details.split_once("InteractionModelError: ") else { return Self::Silent };
        let Some((_, rest)) = rest.split_once("(0x") else { return Self::Silent };
        let code = rest.split([',', ')']).next().and_then(|hex| u8::from_str_radix(hex.trim(), 16).ok());
        let own =
            rest.split_once("clusterStatus: ").and_then(|(_, n)| n.split(')').next()?.trim().parse().ok());
        match code {
            None | Some(status::TIMEOUT | status::BUSY) => Self::Silent,
            Some(general) => Self::Status(general, own),
        }
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error_code: Option<i64>,
    details: Option<String>,
}

fn read<T: DeserializeOwned>(text: &str) -> Result<Option<T>, Failure> {
    let answer: Answer<T> = serde_json::from_str(text).map_err(|_| Failure::Silent)?;
    match answer.error_code {
        None => Ok(answer.result),
        Some(_) => Err(Failure::read(&answer.details.unwrap_or_default())),
    }
}

/// The way to the server.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) line: Line,
    /// How long a lock may take to answer.
    pub(super) within: Duration,
}

impl Wire {
    /// Asks the server.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        command: &str,
        args: Value,
    ) -> Result<Option<T>, Failure> {
        let question = |id: &str| json!({ "message_id": id, "command": command, "args": args }).to_string();
        let answer = self.line.ask(question).await;
        read(&answer.map_err(|_| Failure::Silent)?)
    }

    /// To one lock.
    pub(super) fn to(&self, node: u64, endpoint: u16) -> LockWire {
        LockWire { wire: self.clone(), node, endpoint }
    }
}

/// The way to one lock.
#[derive(Clone)]
pub(super) struct LockWire {
    wire: Wire,
    pub(super) node: u64,
    pub(super) endpoint: u16,
}

impl LockWire {
    /// Gives the lock a command of its cluster. What changes something is `timed`, as the specification demands.
    pub(super) async fn command<T: DeserializeOwned>(
        &self,
        name: &str,
        payload: Value,
        timed: bool,
    ) -> Result<Option<T>, Failure> {
        self.send((self.endpoint, DOOR_LOCK), name, payload, timed).await
    }

    /// Gives the node that the lock is part of a command of another cluster.
    pub(super) async fn of_node<T: DeserializeOwned>(
        &self,
        cluster: u32,
        name: &str,
        payload: Value,
    ) -> Result<Option<T>, Failure> {
        self.send((0, cluster), name, payload, false).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        (endpoint, cluster): (u16, u32),
        name: &str,
        payload: Value,
        timed: bool,
    ) -> Result<Option<T>, Failure> {
        let ms = u64::try_from(self.wire.within.as_millis()).unwrap_or(u64::MAX);
        let args = json!({
            "node_id": self.node,
            "endpoint_id": endpoint,
            "cluster_id": cluster,
            "command_name": name,
            "payload": payload,
            "timed_request_timeout_ms": timed.then_some(TIMED_MS),
            "interaction_timeout_ms": ms,
        });
        self.wire.call("device_command", args).await
    }

    /// Reads an attribute from the device itself. `path` is endpoint/cluster/attribute.
    pub(super) async fn attribute(&self, path: &str) -> Result<Value, Failure> {
        let args = json!({ "node_id": self.node, "attribute_path": path });
        let mut all: serde_json::Map<String, Value> =
            self.wire.call("read_attribute", args).await?.ok_or(Failure::Silent)?;
        all.remove(path).ok_or(Failure::Silent)
    }

    /// What the server holds of the node, without asking it.
    pub(super) async fn node<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.wire.call("get_node", json!({ "node_id": self.node })).await?.ok_or(Failure::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(read::<u8>(r#"{"message_id":"1","result":7}"#), Ok(Some(7)));
        assert_eq!(read::<u8>(r#"{"message_id":"1","result":null}"#), Ok(None));
        let refused = |details: &str| {
            read::<u8>(&json!({ "message_id": "1", "error_code": 0, "details": details }).to_string())
        };
        let model = "InteractionModelError: ";
        assert_eq!(refused(&format!("{model}InvalidCommand (0x85)")), Err(Failure::Status(0x85, None)));
        let own = refused(&format!("{model}Failure (0x1, clusterStatus: 3)"));
        assert_eq!(own, Err(Failure::Status(1, Some(3))));
        assert_eq!(own.unwrap_err().status(), Some(status::OCCUPIED));
        assert_eq!(refused(&format!("{model}Busy (0x9c)")), Err(Failure::Silent));
        for silent in [
            "src/app/CommandSender.cpp:343: CHIP Error 0x00000032: Timeout",
            "Node 2 is not (yet) available.",
            "InteractionModelError: ?",
            "",
        ] {
            assert_eq!(refused(silent), Err(Failure::Silent), "{silent}");
        }
        assert_eq!(read::<u8>("<html>"), Err(Failure::Silent));
    }
}
