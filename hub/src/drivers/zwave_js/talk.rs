//! Calls to a Z-Wave JS server, and what they may come to.

use super::wire::{Answered, Call, Outcome};
use crate::drivers::line::{Line, NoAnswer};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the server may take, unless told. It waits for slow locks itself, three times 10 s for some.
pub(super) const PATIENCE: Duration = Duration::from_secs(35);

/// Why a call came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallError {
    /// No answer, or one that is not understood: anything may have happened.
    Silent,
    /// The lock does not take part in the radio's traffic: nothing arrived, or its answer did not.
    NoContact,
    /// The server did not even send it: what was asked for cannot be.
    Invalid,
    /// It did not fit into one radio message together with what security needed just then.
    TooLong,
    /// The server does not have it or cannot do it.
    Refused,
}

impl CallError {
    /// By zwave-js' error codes.
    fn by_code(code: Option<i64>) -> Self {
        match code {
            // Lost, not acknowledged, expired, or out of step with the lock's security.
            Some(200..=206 | 215 | 1400..=1499) => Self::NoContact,
            Some(217) => Self::TooLong,
            Some(320..=329) => Self::Invalid,
            _ => Self::Refused,
        }
    }
}

/// A way to say things about one part of one node.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) line: Line,
    pub(super) node: u32,
    pub(super) endpoint: u32,
}

/// Calls the server.
pub(super) async fn call(line: &Line, command: &str, body: Value) -> Result<Outcome, CallError> {
    let question = |id: &str| serde_json::to_string(&Call { id, command, body }).unwrap_or_default();
    let answer = line.ask(question).await.map_err(|why| match why {
        NoAnswer::Gone | NoAnswer::Late => CallError::Silent,
    })?;
    match serde_json::from_str::<Answered>(&answer) {
        Ok(Answered { success: true, result, .. }) => Ok(result.unwrap_or_default()),
        Ok(failed) => Err(CallError::by_code(failed.zwave_error_code)),
        Err(_) => Err(CallError::Silent),
    }
}

impl Talk {
    /// Calls a method of a command class: goes out by radio.
    pub(super) async fn invoke(&self, class: u16, method: &str, args: Value) -> Result<Value, CallError> {
        let body = json!({
            "nodeId": self.node, "endpoint": self.endpoint, "commandClass": class, "methodName": method, "args": args,
        });
        Ok(call(&self.line, "endpoint.invoke_cc_api", body).await?.response)
    }

    /// Calls a method of the unified access control. Those whose name ends in `_cached` stay off the radio.
    pub(super) async fn access(&self, method: &str, mut body: Value) -> Result<Outcome, CallError> {
        if let Some(map) = body.as_object_mut() {
            map.insert("nodeId".into(), self.node.into());
            map.insert("endpoint".into(), self.endpoint.into());
        }
        call(&self.line, &format!("endpoint.access_control.{method}"), body).await
    }

    /// What the server remembers: nothing goes out by radio. Only for what a lock can do, never for what is in a slot.
    pub(super) async fn remembered(&self, class: u16, property: &str, key: Option<u32>) -> Option<Value> {
        let mut id = json!({ "commandClass": class, "endpoint": self.endpoint, "property": property });
        if let (Some(map), Some(key)) = (id.as_object_mut(), key) {
            map.insert("propertyKey".into(), key.into());
        }
        let body = json!({ "nodeId": self.node, "valueId": id });
        call(&self.line, "node.get_value", body).await.ok().map(|outcome| outcome.value)
    }
}
