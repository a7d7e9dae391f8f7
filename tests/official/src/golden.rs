//! Latchkey's own vectors (`tests/vectors/`, made by `make-vectors`): the whole way from a bundle's bytes to a PIN, and what
//! the verifier in Python forged and signs well. `tests/tests/vectors.rs` looks at each of them closer, natively.

use crate::{Row, array, hex, must};
use latchkey_shared::chain::ChainState;
use latchkey_shared::chain::verify::{HubChain, Now};
use latchkey_shared::event::Event;
use latchkey_shared::head::Bundle;
use latchkey_shared::id::{Hash32, HomeId, HubId};
use latchkey_shared::json::Value;
use latchkey_shared::keys::{HomeKey, Keys, Seed};
use latchkey_shared::limits::MAX_BUNDLE_BYTES;
use latchkey_shared::report::Report;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Blob, from_slice};

const HOME: &str = include_str!("../../vectors/home.json");
const BUNDLE: &str = include_str!("../../vectors/bundle.hex");
const REPORT: &str = include_str!("../../vectors/report.hex");
const EVENTS: &str = include_str!("../../vectors/events.hex");
const REFUSED: &str = include_str!("../../vectors/refused.json");

/// What is known of the made-up home.
struct Facts(Value);

impl Facts {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn now(&self) -> Now {
        Now::Known(Timestamp(self.0["now"].as_u64().unwrap_or_default()))
    }

    /// A hub of it that knows nothing but the home's first op.
    fn hub(&self) -> Result<(HubChain, HomeId, HubId), String> {
        let home = HomeId::parse(self.text("home")).map_err(|e| e.to_string())?;
        let hub = HubId::parse(self.text("hub")).map_err(|e| e.to_string())?;
        Ok((HubChain::pinned(home, hub, Hash32(array(self.text("genesis_hash")))), home, hub))
    }
}

fn json(text: &str) -> Result<Value, String> {
    Value::parse(text.as_bytes()).ok_or_else(|| "no JSON".into())
}

fn bytes(lines: &str) -> Vec<u8> {
    hex(&lines.split_whitespace().collect::<String>())
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

pub(crate) fn bundle() -> Result<Row, String> {
    let facts = Facts(json(HOME)?);
    let (mut chain, home, hub) = facts.hub()?;
    let bundle: Bundle = from_slice(&bytes(BUNDLE), MAX_BUNDLE_BYTES).map_err(|e| e.to_string())?;
    let checked = chain.check(&bundle, facts.now(), None).map_err(|e| e.to_string())?;
    chain.commit(checked).map_err(|e| e.to_string())?;
    let state = chain.state().ok_or("no state")?;
    let mut row = Row { set: "Latchkey's own, tests/vectors", good: bundle.ops.len() + 1, refused: 0 };

    // Down to the newest PIN, as a hub opens it.
    let seed = Seed::from_slice(&hex(facts.0["secrets"]["hub_seed"].as_str().unwrap_or_default()));
    let keys = Keys::hub(&seed.ok_or("no seed")?);
    let epoch = state.epoch().number;
    let wrap = state.wraps_for(keys.id()).find(|wrap| wrap.epoch == epoch).ok_or("no wrap")?;
    let public = state.epoch_public(epoch).ok_or("no epoch")?;
    let home_key = HomeKey::unwrap(&home, &wrap, public, &keys).map_err(|e| e.to_string())?;
    let newest = chain.grants().max_by_key(|grant| grant.seq()).ok_or("no grant")?;
    let pin = newest.open_pin(&home_key).map_err(|e| e.to_string())?;
    must(pin.expose() == facts.text("last_pin"), || "the newest code has another PIN".into())?;

    let key = &keys.sign_public();
    Report::verify(&bytes(REPORT), &home, &hub, key).map_err(|e| e.to_string())?;
    let events: Vec<Blob> = from_slice(&bytes(EVENTS), MAX_BUNDLE_BYTES).map_err(|e| e.to_string())?;
    for event in &events {
        Event::verify(event, &home, &hub, key).map_err(|e| e.to_string())?;
    }
    row.good += 1 + events.len();

    let forged = json(REFUSED)?;
    for entry in list(&forged["ops"]) {
        let after = entry["after"].as_u64().and_then(|after| usize::try_from(after).ok()).unwrap_or_default();
        let before = bundle.ops.iter().take(after).map(|op| &op.0);
        let mut state = ChainState::from_ops(before).map_err(|e| e.to_string())?;
        let bad = hex(entry["bytes"].as_str().unwrap_or_default());
        must(!bad.is_empty() && state.extend(&bad).is_err(), || format!("taken: {entry}"))?;
        row.refused += 1;
    }
    for entry in list(&forged["heads"]) {
        let head = Blob(hex(entry["bytes"].as_str().unwrap_or_default()));
        let bad = Bundle { head, ops: bundle.ops.clone() };
        must(facts.hub()?.0.check(&bad, facts.now(), None).is_err(), || format!("taken: {entry}"))?;
        row.refused += 1;
    }
    Ok(row)
}
