//! What can be made to happen to a simulated lock, so that one sees how a home learns of it.

use super::{Body, MALFORMED, NO_LOCK, Panel, Refusal, find};
use crate::core::lock::{Bolt, Happening, Link};
use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Happens {
    lock: String,
    what: What,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Percent.
    Battery(u8),
    /// Signal strength in dBm.
    Signal(i8),
    Locked,
    Unlocked,
    Jammed,
    Tampered,
}

pub(super) async fn happens(
    State(panel): State<Panel>,
    Body(happens): Body<Happens>,
) -> Result<Json<Value>, Refusal> {
    let what = match happens.what {
        What::Battery(percent) if percent <= 100 => Happening::Battery(percent),
        What::Battery(_) => return Err(MALFORMED),
        What::Signal(dbm) => Happening::Link(Link::Dbm(dbm)),
        What::Locked => Happening::Bolt(Bolt::Locked),
        What::Unlocked => Happening::Bolt(Bolt::Unlocked),
        What::Jammed => Happening::Bolt(Bolt::Jammed),
        What::Tampered => Happening::Tampered,
    };
    let key = find(&panel, &happens.lock).await.ok_or(NO_LOCK)?;
    if panel.sim.happens(&key, what) { Ok(Json(json!({ "ok": true }))) } else { Err(NO_LOCK) }
}
