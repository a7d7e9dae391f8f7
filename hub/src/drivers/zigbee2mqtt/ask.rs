//! What is asked of a lock, and the words in which zigbee2mqtt is told.
//!
//! Commands go out as `zclcommand` and not as `pin_code`: zigbee2mqtt then keeps the PIN out of the error that it logs
//! if the command fails, and does not put the command aside for a sleeping lock, to be sent when it may be withdrawn
//! already. A mark that zigbee2mqtt repeats in its errors tells which command one is about. What is told in one
//! message it does in order, so that a slot is read only when the lock has answered, or not answered, the change.

use super::CLUSTER;
use super::message::{ANSWER, Attributes};
use crate::core::lock::{Bolt, Reading};
use crate::drivers::Applied;
use latchkey_shared::slot::SlotNo;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// What is asked.
pub(super) enum What {
    /// Its attributes: whether it is locked, and what it can hold, or only the first, which every lock has.
    Attributes {
        /// Whether all.
        all: bool,
    },
    /// What is in a slot.
    Read(SlotNo),
    /// To change a slot, and then what is in it.
    Change {
        /// Which.
        slot: SlotNo,
        /// How.
        change: Change,
        /// Whether the slot can be read afterwards; if not, an attribute is, to know that the lock has answered.
        readable: bool,
    },
    /// To move the bolt.
    Operate(Bolt),
}

/// How a slot is changed.
pub(super) enum Change {
    /// The PIN goes in.
    Write(Zeroizing<String>),
    /// The slot is emptied.
    Clear,
    /// The PIN opens or not.
    Enable(bool),
}

/// What it came to.
pub(super) enum Reply {
    /// To [`What::Attributes`].
    Attributes(Attributes),
    /// The lock does not have all of the attributes.
    Lacking,
    /// To [`What::Read`].
    Reading(Reading),
    /// To [`What::Change`]: what the lock said, and what was read afterwards.
    Changed(Applied, Option<Reading>),
    /// To [`What::Operate`]: the bolt has moved.
    Moved,
}

/// A question on its way to a lock. Dropped if it cannot be put, or the lock does not answer.
pub(super) struct Ask {
    /// Whom.
    pub(super) ieee: String,
    /// What.
    pub(super) what: What,
    /// Where the reply goes.
    pub(super) reply: oneshot::Sender<Reply>,
}

impl What {
    /// The slot that it changes.
    pub(super) fn changes(&self) -> Option<SlotNo> {
        match self {
            Self::Change { slot, .. } => Some(*slot),
            Self::Attributes { .. } | Self::Read(_) | Self::Operate(_) => None,
        }
    }

    /// The slot that it reads.
    pub(super) fn reads(&self) -> Option<SlotNo> {
        match self {
            Self::Read(slot) | Self::Change { slot, readable: true, .. } => Some(*slot),
            Self::Change { .. } | Self::Attributes { .. } | Self::Operate(_) => None,
        }
    }

    /// The message to the lock's `set` topic. With `attribute` one is read at the end in any case: what comes after its
    /// answer is not about anything that was asked before.
    pub(super) fn message(&self, mark: &str, attribute: bool) -> Zeroizing<String> {
        let mut parts = Zeroizing::new("{".to_owned());
        match self {
            Self::Attributes { .. } => {}
            Self::Read(slot) => parts.push_str(&command("getPinCode", &user(*slot), mark)),
            Self::Operate(Bolt::Unlocked) => parts.push_str(&command("unlockDoor", NO_PIN, mark)),
            Self::Operate(_) => parts.push_str(&command("lockDoor", NO_PIN, mark)),
            Self::Change { slot, change, .. } => parts.push_str(&change.command(*slot, mark)),
        }
        if let Self::Change { slot, readable: true, .. } = self {
            parts.push_str(&read_after(*slot, mark));
        }
        match self {
            Self::Attributes { all: true } => parts.push_str(&attributes(ALL_ATTRIBUTES, mark)),
            Self::Attributes { .. } | Self::Change { readable: false, .. } => {
                parts.push_str(&attributes(ONE_ATTRIBUTE, mark));
            }
            _ if attribute => parts.push_str(&attributes(ONE_ATTRIBUTE, mark)),
            _ => {}
        }
        let end = parts.len() - 1;
        parts.truncate(end);
        parts.push('}');
        parts
    }
}

const NO_PIN: &str = r#""pincodevalue":"""#;
const ONE_ATTRIBUTE: &str = r#""lockState""#;
const ALL_ATTRIBUTES: &str = r#""lockState","numOfPinUsersSupported","minPinLen","maxPinLen""#;

impl Change {
    fn command(&self, slot: SlotNo, mark: &str) -> Zeroizing<String> {
        let user = user(slot);
        match self {
            Self::Write(pin) => {
                let pin = pin.as_str();
                let payload = format!(r#"{user},"userstatus":1,"usertype":0,"pincodevalue":"{pin}""#);
                command("setPinCode", &Zeroizing::new(payload), mark)
            }
            Self::Clear => command("clearPinCode", &user, mark),
            Self::Enable(on) => {
                let status = if *on { 1 } else { 3 };
                command("setUserStatus", &format!(r#"{user},"userstatus":{status}"#), mark)
            }
        }
    }
}

/// The property of a lock's state under which zigbee2mqtt says attributes that were read for this mark.
pub(super) fn property(mark: &str) -> String {
    format!("{ANSWER}{mark}")
}

fn user(slot: SlotNo) -> String {
    format!(r#""userid":{}"#, slot.0)
}

fn command(name: &str, payload: &str, mark: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        r#""zclcommand":{{"cluster":"{CLUSTER}","command":"{name}","payload":{{{payload}}},"check_status":true,"options":{{"sendPolicy":"immediate","mark":"{mark}"}}}},"#
    ))
}

/// A second command of one message has to go by another name; this one has no options, so the mark is in the payload.
fn read_after(slot: SlotNo, mark: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        r#""command":{{"cluster":"{CLUSTER}","command":"getPinCode","payload":{{{},"mark":"{mark}"}}}},"#,
        user(slot)
    ))
}

fn attributes(names: &str, mark: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        r#""read":{{"cluster":"{CLUSTER}","attributes":[{names}],"options":{{"mark":"{mark}"}},"state_property":"{}"}},"#,
        property(mark)
    ))
}

/// What an error in zigbee2mqtt's log is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failed {
    /// A command; whether it is the lock that cannot do it.
    Command {
        /// Or zigbee2mqtt.
        unsupported: bool,
    },
    /// The reading of a slot after a change.
    ReadAfter,
    /// The reading of attributes; whether the lock lacks one.
    Attributes {
        /// Of those asked for.
        lacking: bool,
    },
}

impl Failed {
    pub(super) fn of(text: &str) -> Option<Self> {
        let about = |key: &str| text.starts_with(&format!("z2m: Publish 'set' '{key}' "));
        if about("zclcommand") {
            return Some(Self::Command { unsupported: text.contains("(Status 'UNSUP") });
        }
        if text.contains("No converter available for 'zclcommand'") {
            return Some(Self::Command { unsupported: true });
        }
        if about("command") {
            return Some(Self::ReadAfter);
        }
        about("read").then(|| Self::Attributes { lacking: text.contains("UNSUPPORTED_ATTRIBUTE") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn message(what: &What) -> Value {
        serde_json::from_str(&what.message("m1", false)).unwrap()
    }

    #[test]
    fn a_write_reads_the_slot_afterwards() {
        let change = Change::Write(Zeroizing::new("004711".to_owned()));
        let write = message(&What::Change { slot: SlotNo(5), change, readable: true });
        let payload = json!({"userid": 5, "userstatus": 1, "usertype": 0, "pincodevalue": "004711"});
        assert_eq!(write["zclcommand"]["payload"], payload, "a PIN is text: it may begin with 0");
        assert_eq!(write["zclcommand"]["options"], json!({"sendPolicy": "immediate", "mark": "m1"}));
        assert_eq!(write["command"]["payload"], json!({"userid": 5, "mark": "m1"}));
        let clear = message(&What::Change { slot: SlotNo(5), change: Change::Clear, readable: false });
        assert_eq!(clear["read"]["state_property"], "latchkey_m1");
        assert!(clear.get("command").is_none());
    }

    #[test]
    fn in_doubt_an_attribute_is_read_last() {
        let text = What::Read(SlotNo(7)).message("m1", true);
        assert!(text.find("getPinCode").unwrap() < text.find("lockState").unwrap());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["read"]["attributes"], json!(["lockState"]));
        let once = What::Attributes { all: true }.message("m1", true);
        assert_eq!(once.matches("lockState").count(), 1);
    }

    #[test]
    fn every_read_names_its_slot() {
        assert_eq!(message(&What::Read(SlotNo(7)))["zclcommand"]["payload"], json!({"userid": 7}));
    }

    #[test]
    fn errors_say_what_failed() {
        let of = |text| Failed::of(text).unwrap();
        let silent = "z2m: Publish 'set' 'zclcommand' to 'front' failed: 'Error: ZCL command ... (Timeout)'";
        assert_eq!(of(silent), Failed::Command { unsupported: false });
        let cannot = "z2m: Publish 'set' 'zclcommand' to 'f' failed: '... (Status 'UNSUP_CLUSTER_COMMAND')'";
        assert_eq!(of(cannot), Failed::Command { unsupported: true });
        assert_eq!(of("z2m: Publish 'set' 'command' to 'f' failed: 'x'"), Failed::ReadAfter);
        let lacks = "z2m: Publish 'set' 'read' to 'f' failed: '... (Status 'UNSUPPORTED_ATTRIBUTE')'";
        assert_eq!(of(lacks), Failed::Attributes { lacking: true });
        assert_eq!(Failed::of("z2m: Not connected"), None);
    }
}
