//! What machines ask of a hub: is it well, how much, and what may help to find a fault. Without secrets, and without what
//! people call codes.

use super::health::{self, Reason};
use super::{About, Panel, ask, metrics};
use crate::core::view::HubView;
use crate::shell::meter::resident_bytes;
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

/// What the hub shows; `Err`: its loop does not answer.
async fn view(panel: &Panel) -> Result<Option<HubView>, ()> {
    let asked = tokio::time::timeout(PATIENCE, ask(panel, Ask::View)).await;
    Ok(asked.map_err(drop)?.map(|(view, _)| view))
}

fn reasons(view: Option<&HubView>, about: &About) -> Vec<Reason> {
    health::reasons(&health::Facts { view, has_origin: about.has_origin, problems: &about.problems })
}

fn health(view: Result<Option<&HubView>, ()>, about: &About) -> (StatusCode, Value) {
    let body = |status: &str, reasons: &[Reason]| json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "reasons": reasons });
    match view {
        Ok(view) => {
            let reasons = reasons(view, about);
            // A hub that is cut off does its work: it is not to be killed for it.
            (StatusCode::OK, body(if reasons.is_empty() { "ok" } else { "degraded" }, &reasons))
        }
        Err(()) => {
            let stuck = Reason {
                code: "hub.stuck",
                detail: "The loop that drives the locks does not answer.".into(),
            };
            (StatusCode::SERVICE_UNAVAILABLE, body("stuck", &[stuck]))
        }
    }
}

async fn healthz(State(panel): State<Panel>) -> Response {
    let view = view(&panel).await;
    let (status, body) = health(view.as_ref().map(Option::as_ref).map_err(|()| ()), &panel.about.borrow());
    (status, Json(body)).into_response()
}

async fn page(State(panel): State<Panel>) -> Response {
    let view = view(&panel).await.unwrap_or_default();
    let reasons = reasons(view.as_ref(), &panel.about.borrow());
    let text = metrics::page(&metrics::Facts {
        view: view.as_ref(),
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
    let view = view(&panel).await;
    let about = panel.about.borrow().clone();
    let (_, health) = health(view.as_ref().map(Option::as_ref).map_err(|()| ()), &about);
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
    Json(json!({
        "health": health,
        "config": about.config,
        "config_problems": about.problems,
        "uptime_seconds": panel.meter.uptime().round(),
        "resident_bytes": resident_bytes(),
        "hub": view.ok().flatten().map(nameless),
        "lock_counts": commands,
        "ledger": ask(&panel, Ask::Ledger).await.flatten(),
        "log": panel.log.lines(),
    }))
}

/// What is shown, without the names of codes and of the home.
fn nameless(view: HubView) -> Value {
    let mut value = serde_json::to_value(&view).unwrap_or_default();
    if let Value::Object(hub) = &mut value {
        hub.remove("home_name");
    }
    let locks = value.get_mut("locks").and_then(Value::as_array_mut).into_iter().flatten();
    for lock in locks {
        for list in ["slots", "codes"] {
            for entry in lock.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Value::Object(entry) = entry {
                    entry.remove("label");
                    entry.remove("text");
                }
            }
        }
    }
    value
}
