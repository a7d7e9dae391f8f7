//! The local panel: what the hub knows, and the simulated locks' keypads, for whoever sits at this machine.
//!
//! It listens on a loopback address only. Another site's page in a browser on this machine is kept out by the
//! checks of `Host` (no rebinding) and `Origin` (no forged requests), and by demanding JSON.

mod codes;
mod happens;
mod health;
mod metrics;
mod operation;
mod page;
mod words;

use crate::config::Config;
use crate::drivers::sim::model::{Entry, Fault};
use crate::drivers::sim::{SimHome, lock_clock};
use crate::shell::button::Button;
use crate::shell::log::Ring;
use crate::shell::meter::Meter;
use crate::shell::pairing::Code;
use crate::shell::run::Ask;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Json, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use latchkey_shared::api::MEDIA_TYPE;
use latchkey_shared::pin::Pin;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

/// What may change while the panel is served.
#[derive(Clone, Debug)]
pub struct About {
    /// What people call the hub.
    pub name: String,
    /// Whether it is known where the cloud is.
    pub has_origin: bool,
    /// What is wrong with the configuration that was read last, or takes effect only at the next start.
    pub problems: Vec<String>,
    /// The configuration that is in force, without secrets.
    pub config: Value,
}

impl About {
    /// Of a configuration that is good.
    pub fn of(config: &Config) -> Self {
        Self {
            name: config.name.clone(),
            has_origin: config.origin.is_some(),
            problems: vec![],
            config: config.summary(),
        }
    }
}

/// What the panel reaches.
#[derive(Clone)]
pub struct Panel {
    /// Where it listens.
    pub address: SocketAddr,
    /// What people call the hub, and what is wrong with its configuration.
    pub about: watch::Receiver<About>,
    /// The pairing code while there is one.
    pub code: watch::Receiver<Option<Code>>,
    /// Questions to the daemon, once it runs.
    pub asks: watch::Receiver<Option<mpsc::Sender<Ask>>>,
    /// The simulated locks.
    pub sim: SimHome,
    /// The network switch.
    pub network: watch::Sender<bool>,
    /// The hub's button.
    pub button: Button,
    /// The newest lines of the log.
    pub log: Ring,
    /// What counts the locks' commands.
    pub meter: Meter,
}

/// An error as the panel's interface gives it: a stable code and a sentence.
struct Refusal(StatusCode, &'static str, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "code": self.1, "detail": self.2 }))).into_response()
    }
}

/// A JSON body. What is wrong with one is not repeated: there may be a PIN in it.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        Json::from_request(request, state).await.map(|Json(value)| Self(value)).map_err(|_| MALFORMED)
    }
}

const MALFORMED: Refusal = Refusal(
    StatusCode::BAD_REQUEST,
    "panel.malformed",
    "The panel does not understand this. Load its page again.",
);
const NO_LOCK: Refusal = Refusal(StatusCode::NOT_FOUND, "panel.no_lock", "There is no such simulated lock.");

/// Serves until the program ends.
pub async fn serve(panel: Panel, listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, routes(panel)).await
}

fn routes(panel: Panel) -> Router {
    Router::new()
        .route("/", get(page::html))
        .route("/panel.css", get(page::css))
        .route("/panel.js", get(page::js))
        .route("/codes.js", get(page::codes_js))
        .route("/common.js", get(page::common_js))
        .route("/icon.svg", get(page::icon))
        .route("/api/state", get(state))
        .route("/api/pairing", get(pairing))
        .route("/api/bundle", get(bundle))
        .route("/api/keypad", post(keypad))
        .route("/api/sim/network", post(network))
        .route("/api/sim/fault", post(fault))
        .route("/api/sim/happens", post(happens::happens))
        .merge(codes::routes())
        .merge(operation::routes())
        .fallback(|| async { Refusal(StatusCode::NOT_FOUND, "panel.no_route", "There is no such page.") })
        .layer(DefaultBodyLimit::max(4_096))
        .layer(from_fn_with_state(panel.clone(), guard))
        .with_state(panel)
}

/// Keeps other sites' pages out, and lets no page do more than it must.
async fn guard(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let mut response = match check(&panel, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn check(panel: &Panel, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let port = panel.address.port();
    let own = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}"));
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if !text(header::HOST).is_some_and(|host| own.iter().any(|own| own == host)) {
        return Err(Refusal(StatusCode::FORBIDDEN, "panel.host", "Open the panel by its own address."));
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let origin_ok = match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => own.iter().any(|own| origin == format!("http://{own}").as_str()),
    };
    let json =
        text(header::CONTENT_TYPE).is_some_and(|kind| kind.split(';').next() == Some("application/json"));
    if origin_ok && json {
        Ok(())
    } else {
        Err(Refusal(StatusCode::FORBIDDEN, "panel.origin", "Another page tried to use the panel."))
    }
}

/// Asks the daemon; `None` while it does not run.
async fn ask<T>(panel: &Panel, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
    let daemon = panel.asks.borrow().clone()?;
    let (to, from) = oneshot::channel();
    daemon.send(ask(to)).await.ok()?;
    from.await.ok()
}

async fn state(State(panel): State<Panel>, headers: HeaderMap) -> Json<Value> {
    let network = *panel.network.borrow();
    let About { name, problems, .. } = panel.about.borrow().clone();
    match ask(&panel, Ask::View).await {
        Some((view, events)) => {
            let names = words::Names { view: &view, hub: &name };
            let events: Vec<Value> = events.iter().map(|event| words::event(event, &names)).collect();
            let mut value = serde_json::to_value(&view).unwrap_or_default();
            if let Value::Object(map) = &mut value {
                map.insert("paired".into(), true.into());
                map.insert("name".into(), name.as_str().into());
                map.insert("network".into(), network.into());
                map.insert("config_problems".into(), problems.into());
                map.insert("start_over".into(), panel.button.offers().into());
                map.insert("events".into(), events.into());
                map.insert("open".into(), codes::is_open(&panel, &headers).await.into());
            }
            Json(value)
        }
        None => {
            let locks: Vec<Value> = panel
                .sim
                .names()
                .into_iter()
                .map(|(key, name)| json!({ "id": key, "key": key, "name": name, "slots": [], "codes": [] }))
                .collect();
            Json(json!({
                "paired": false, "name": name, "network": network, "locks": locks, "events": [],
                "config_problems": problems,
            }))
        }
    }
}

async fn pairing(State(panel): State<Panel>) -> Result<Json<Value>, Refusal> {
    let code = panel.code.borrow().clone();
    let code = code.ok_or(Refusal(
        StatusCode::NOT_FOUND,
        "panel.no_pairing",
        "The hub is not waiting to be paired.",
    ))?;
    Ok(Json(json!({ "url": code.url.as_str(), "text": code.text.as_str(), "qr": page::qr(&code.url) })))
}

async fn bundle(State(panel): State<Panel>) -> Response {
    match ask(&panel, Ask::Bundle).await.flatten() {
        Some(bytes) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response(),
        None => {
            Refusal(StatusCode::NOT_FOUND, "panel.no_bundle", "The hub has no bundle yet.").into_response()
        }
    }
}

#[derive(Deserialize)]
struct Typed {
    lock: String,
    pin: String,
}

/// A lock by its id, its driver's key or its name.
async fn find(panel: &Panel, lock: &str) -> Option<String> {
    let names = panel.sim.names();
    if let Some((key, _)) = names.iter().find(|(key, name)| key == lock || name == lock) {
        return Some(key.clone());
    }
    let (view, _) = ask(panel, Ask::View).await?;
    view.locks.into_iter().find(|known| known.id == lock).map(|known| known.key)
}

async fn keypad(State(panel): State<Panel>, Body(typed): Body<Typed>) -> Result<Json<Value>, Refusal> {
    let key = find(&panel, &typed.lock).await.ok_or(NO_LOCK)?;
    let shut = |why: &str| Ok(Json(json!({ "opened": false, "why": why })));
    let digits = Zeroizing::new(typed.pin);
    let Ok(pin) = Pin::parse(&digits) else { return shut("A PIN has 4 to 10 digits.") };
    match panel.sim.keypad(&key, &pin, lock_clock()) {
        Ok(Some(Entry::Opened)) => Ok(Json(json!({ "opened": true, "why": "The lock took the PIN." }))),
        Ok(Some(Entry::Refused(why))) => shut(why),
        Ok(None) => Err(NO_LOCK),
        Err(_) => shut("The simulated lock cannot write its memory."),
    }
}

#[derive(Deserialize)]
struct Switch {
    up: bool,
}

async fn network(State(panel): State<Panel>, Body(switch): Body<Switch>) -> Json<Value> {
    panel.network.send_replace(switch.up);
    tracing::info!(up = switch.up, "network switched at the panel");
    Json(json!({ "up": switch.up }))
}

#[derive(Deserialize)]
struct Inject {
    lock: String,
    fault: String,
}

async fn fault(State(panel): State<Panel>, Body(inject): Body<Inject>) -> Result<Json<Value>, Refusal> {
    let unknown = Refusal(
        StatusCode::BAD_REQUEST,
        "panel.no_fault",
        "Faults are: dead, heal, timeout, late_answer, dropped_write, duplicate, reject.",
    );
    let fault = Fault::parse(&inject.fault).ok_or(unknown)?;
    let key = find(&panel, &inject.lock).await.ok_or(NO_LOCK)?;
    if panel.sim.inject(&key, fault) { Ok(Json(json!({ "ok": true }))) } else { Err(NO_LOCK) }
}

#[cfg(test)]
mod tests;
