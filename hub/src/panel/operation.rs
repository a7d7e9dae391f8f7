//! What machines ask of a hub: is it well, how much, and what may help to find a fault. Without secrets, and without what
//! people call codes.

use super::health::{self, Reason};
use super::{Panel, ask, metrics};
use crate::core::view::HubView;
use crate::shell::meter::{Tally, resident_bytes};
use crate::shell::run::Ask;
use axum::Router;
use axum::extract::{Json, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the loop that drives the locks may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(page))
        .route("/api/diagnostics", get(diagnostics))
        .route("/api/ledger", get(ledger))
}

/// What comes of asking the loop that drives the locks.
enum Asked {
    /// It does not answer.
    Stuck,
    /// The hub belongs to no home, so there is none.
    Unpaired,
    /// It answers.
    View(Box<HubView>),
}

impl Asked {
    fn view(&self) -> Option<&HubView> {
        match self {
            Self::View(view) => Some(view),
            Self::Stuck | Self::Unpaired => None,
        }
    }
}

async fn look(panel: &Panel) -> Asked {
    match tokio::time::timeout(PATIENCE, ask(panel, Ask::View)).await {
        Err(_) => Asked::Stuck,
        Ok(None) => Asked::Unpaired,
        Ok(Some((view, _))) => Asked::View(Box::new(view)),
    }
}

fn reasons(view: Option<&HubView>, panel: &Panel) -> Vec<Reason> {
    let about = panel.about.borrow();
    let low = |(key, tally): (String, Tally)| tally.battery_low.then_some(key);
    health::reasons(&health::Facts {
        view,
        has_origin: about.has_origin,
        problems: &about.problems,
        low_batteries: &panel.meter.read().into_iter().filter_map(low).collect(),
    })
}

fn health(asked: &Asked, panel: &Panel) -> (StatusCode, Value) {
    let body = |status: &str, reasons: &[Reason]| json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "reasons": reasons });
    if matches!(asked, Asked::Stuck) {
        let stuck =
            Reason { code: "hub.stuck", detail: "The loop that drives the locks does not answer.".into() };
        return (StatusCode::SERVICE_UNAVAILABLE, body("stuck", &[stuck]));
    }
    let reasons = reasons(asked.view(), panel);
    // A hub that is cut off does its work: it is not to be killed for it.
    (StatusCode::OK, body(if reasons.is_empty() { "ok" } else { "degraded" }, &reasons))
}

async fn healthz(State(panel): State<Panel>) -> Response {
    let (status, body) = health(&look(&panel).await, &panel);
    (status, Json(body)).into_response()
}

async fn page(State(panel): State<Panel>) -> Response {
    let asked = look(&panel).await;
    let reasons = reasons(asked.view(), &panel);
    let text = metrics::page(&metrics::Facts {
        view: asked.view(),
        tallies: &panel.meter.read(),
        reasons: &reasons,
        uptime: panel.meter.uptime(),
        resident: resident_bytes(),
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn ledger(State(panel): State<Panel>) -> Json<Value> {
    Json(json!(ask(&panel, Ask::Ledger).await.flatten()))
}

async fn diagnostics(State(panel): State<Panel>) -> Json<Value> {
    let asked = look(&panel).await;
    let about = panel.about.borrow().clone();
    let (_, health) = health(&asked, &panel);
    let commands: serde_json::Map<String, Value> = panel
        .meter
        .read()
        .into_iter()
        .map(|(key, tally)| {
            let commands = tally.commands.iter().map(|((what, end), n)| (format!("{what} {end}"), json!(n)));
            let commands: serde_json::Map<String, Value> = commands.collect();
            let last = tally.last_seen.map(|at| at.0);
            (key, json!({ "commands": commands, "retries": tally.retries, "last_seen": last, "battery": tally.battery }))
        })
        .collect();
    let ledger = match asked {
        // What would answer hangs.
        Asked::Stuck => None,
        Asked::Unpaired | Asked::View(_) => ask(&panel, Ask::Ledger).await.flatten(),
    };
    Json(json!({
        "health": health,
        "config": about.config,
        "config_problems": about.problems,
        "uptime_seconds": panel.meter.uptime().round(),
        "resident_bytes": resident_bytes(),
        "hub": asked.view().map(nameless),
        "lock_counts": commands,
        "ledger": ledger,
        "log": panel.log.lines(),
    }))
}

/// What is told of a slot and of a code on a lock: numbers, ids and states, no names and no sentences.
const TOLD: [&str; 7] = ["no", "what", "grant", "seen", "enabled", "at", "state"];

/// What is shown, without the names of codes and of the home.
fn nameless(view: &HubView) -> Value {
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let Value::Object(hub) = &mut value {
        hub.remove("home_name");
    }
    let locks = value.get_mut("locks").and_then(Value::as_array_mut).into_iter().flatten();
    for lock in locks {
        for list in ["slots", "codes"] {
            for entry in lock.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Value::Object(entry) = entry {
                    entry.retain(|key, _| TOLD.contains(&key.as_str()));
                }
            }
        }
    }
    value
}
