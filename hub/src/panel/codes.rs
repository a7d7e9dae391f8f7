//! Changing codes at the panel: a primary PIN opens it, and a cookie keeps it open in that browser.

use super::{Body, MALFORMED, Panel, Refusal};
use crate::core::HubCore;
use crate::core::clock::Now;
use crate::core::panel::{Add, DoorAct, Edit, PanelAct, PanelError, ShutWhy, Token, When};
use crate::machine::files;
use crate::shell::run::Ask;
use axum::Router;
use axum::extract::{Json, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::BASE64URL_NOPAD;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Preset;
use latchkey_shared::time::Local;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// The cookie that keeps the panel open.
const COOKIE: &str = "latchkey_panel";

const NOT_RUNNING: Refusal =
    Refusal(StatusCode::SERVICE_UNAVAILABLE, "panel.not_paired", "The hub belongs to no home yet.");

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/api/panel/open", post(open))
        .route("/api/panel/close", post(close))
        .route("/api/panel/codes", get(codes).post(add))
        .route("/api/panel/edit", post(edit))
        .route("/api/panel/judge", post(judge))
        .route("/api/panel/when", post(when))
        .route("/api/panel/door", post(door))
        .route("/api/start-over", post(start_over))
}

/// Does something with the core; the answer comes when what follows from it is on disk.
async fn with_core<T: Send + 'static>(
    panel: &Panel,
    act: impl FnOnce(&mut HubCore, &Now) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let daemon = panel.asks.borrow().clone().ok_or(NOT_RUNNING)?;
    let (to, from) = oneshot::channel();
    let job = Box::new(move |core: &mut HubCore, now: &Now| {
        let value = act(core, now);
        Box::new(move || drop(to.send(value))) as Box<dyn FnOnce() + Send>
    });
    daemon.send(Ask::Core(job)).await.map_err(|_| NOT_RUNNING)?;
    from.await.map_err(|_| NOT_RUNNING)
}

/// What the browser has to show that it opened the panel.
pub(super) fn token(headers: &HeaderMap) -> Option<Token> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    BASE64URL_NOPAD.decode(value.as_bytes()).ok()?.try_into().ok()
}

/// Whether this browser has the panel open.
pub(super) async fn is_open(panel: &Panel, headers: &HeaderMap) -> bool {
    let Some(token) = token(headers) else { return false };
    let left = with_core(panel, move |core, now| core.panel_is_open(&token, now)).await;
    left.is_ok_and(|left| left.is_some())
}

fn shown(headers: &HeaderMap) -> Result<Token, Refused> {
    token(headers).ok_or(Refused(PanelError::Shut))
}

/// A refusal of the core's.
struct Refused(PanelError);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match &self.0 {
            PanelError::Shut => StatusCode::UNAUTHORIZED,
            PanelError::NoScope => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, Json(json!({ "code": self.0.code(), "detail": self.0.hint() }))).into_response()
    }
}

/// Either kind of refusal.
enum No {
    Plain(Refusal),
    Core(Refused),
}

impl From<Refusal> for No {
    fn from(e: Refusal) -> Self {
        Self::Plain(e)
    }
}

impl From<Refused> for No {
    fn from(e: Refused) -> Self {
        Self::Core(e)
    }
}

impl From<PanelError> for No {
    fn from(e: PanelError) -> Self {
        Self::Core(Refused(e))
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        match self {
            Self::Plain(e) => e.into_response(),
            Self::Core(e) => e.into_response(),
        }
    }
}

#[derive(Deserialize)]
struct Open {
    pin: String,
}

async fn open(State(panel): State<Panel>, Body(typed): Body<Open>) -> Result<Response, Refusal> {
    let digits = Zeroizing::new(typed.pin);
    let Ok(pin) = Pin::parse(&digits) else {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "panel.pin", "A PIN has 4 to 10 digits."));
    };
    let broken =
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, "panel.random", "The machine gives no randomness.");
    let token: Token = files::random().map_err(|_| broken)?;
    let opened = with_core(&panel, move |core, now| core.panel_open(&pin, &token, now)).await?;
    let why = match opened {
        Ok(()) => {
            let value = BASE64URL_NOPAD.encode(&token);
            let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict");
            let mut response = Json(json!({ "open": true })).into_response();
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            return Ok(response);
        }
        Err(why) => why,
    };
    let (status, code, wait) = match why {
        ShutWhy::Wait(ms) => (StatusCode::TOO_MANY_REQUESTS, "panel.wait", ms),
        ShutWhy::Wrong(ms) => (StatusCode::UNAUTHORIZED, "panel.wrong_pin", ms),
        ShutWhy::NobodyCould => (StatusCode::FORBIDDEN, "panel.no_primary", 0),
    };
    let detail = match why {
        ShutWhy::Wait(_) => "Too many wrong PINs. Wait a little.",
        ShutWhy::Wrong(_) => "That is no primary PIN.",
        ShutWhy::NobodyCould => {
            "The home has no primary code that works now. An owner makes one in the portal."
        }
    };
    let body = json!({ "code": code, "detail": detail, "wait": wait.div_ceil(1_000) });
    Ok((status, Json(body)).into_response())
}

async fn close(State(panel): State<Panel>, headers: HeaderMap) -> Result<Response, Refusal> {
    if let Some(token) = token(&headers) {
        with_core(&panel, move |core, _| core.panel_close(&token)).await?;
    }
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    let mut response = Json(json!({ "open": false })).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&gone) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn codes(State(panel): State<Panel>, headers: HeaderMap) -> Result<Json<Value>, No> {
    let token = shown(&headers)?;
    let view = with_core(&panel, move |core, now| core.panel_view(&token, now)).await?;
    let view = view.ok_or(PanelError::Shut)?;
    Ok(Json(serde_json::to_value(&view).unwrap_or_default()))
}

#[derive(Deserialize)]
struct StartOver {
    home: String,
}

/// Somebody holds the hub's button and has typed the home's name: nobody is left who owns it.
async fn start_over(State(panel): State<Panel>, Body(ask): Body<StartOver>) -> Result<Json<Value>, Refusal> {
    if !panel.button.offers() {
        let detail = "Hold the hub's button for ten seconds first.";
        return Err(Refusal(StatusCode::FORBIDDEN, "panel.not_at_hub", detail));
    }
    let named = with_core(&panel, move |core, now| {
        let named = core.home_name().is_some_and(|name| name == ask.home.trim());
        if named {
            core.start_over(false, now);
        }
        named
    });
    if named.await? {
        return Ok(Json(json!({ "leaving": true })));
    }
    let detail = "That is not the home's name. It stands at the top of this page.";
    Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "panel.wrong_name", detail))
}

/// When a code is to open, as the page sends it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum WhenBody {
    Tonight,
    Weekend,
    Days { days: u16 },
    Custom { from: Option<String>, to: Option<String> },
}

fn local(text: Option<String>) -> Result<Option<Local>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| Local::parse(&text)).transpose().map_err(|_| {
        Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "time.no_such_time",
            "Fill in a date and a time that exist.",
        )
    })
}

impl WhenBody {
    fn read(self) -> Result<When, Refusal> {
        Ok(match self {
            Self::Tonight => When::Preset(Preset::Tonight),
            Self::Weekend => When::Preset(Preset::Weekend),
            Self::Days { days } => When::Preset(Preset::Days(days)),
            Self::Custom { from, to } => When::Custom { from: local(from)?, to: local(to)? },
        })
    }
}

#[derive(Deserialize)]
struct WhenAsk {
    when: WhenBody,
}

async fn when(
    State(panel): State<Panel>,
    headers: HeaderMap,
    Body(ask): Body<WhenAsk>,
) -> Result<Json<Value>, No> {
    let (token, when) = (shown(&headers)?, ask.when.read()?);
    let text = with_core(&panel, move |core, now| core.panel_when(&token, when, now)).await??;
    Ok(Json(json!({ "text": text })))
}

fn locks(ids: &[String]) -> Result<Vec<LockId>, Refusal> {
    ids.iter().map(|id| LockId::parse(id)).collect::<Result<_, _>>().map_err(|_| MALFORMED)
}

#[derive(Deserialize)]
struct JudgeAsk {
    pin: String,
    locks: Vec<String>,
}

async fn judge(
    State(panel): State<Panel>,
    headers: HeaderMap,
    Body(ask): Body<JudgeAsk>,
) -> Result<Json<Value>, No> {
    let (token, locks, typed) = (shown(&headers)?, locks(&ask.locks)?, Zeroizing::new(ask.pin));
    let judged = with_core(&panel, move |core, now| core.panel_judge(&token, &typed, &locks, now)).await??;
    let broken: Vec<Value> =
        judged.broken.into_iter().map(|(code, text)| json!({ "code": code, "text": text })).collect();
    Ok(Json(json!({ "broken": broken, "lengths": judged.lengths, "left": judged.left })))
}

#[derive(Deserialize)]
struct AddAsk {
    label: String,
    kind: String,
    locks: Vec<String>,
    when: WhenBody,
    pin: Option<String>,
}

async fn add(
    State(panel): State<Panel>,
    headers: HeaderMap,
    Body(ask): Body<AddAsk>,
) -> Result<Json<Value>, No> {
    let typed = ask.pin.map(Zeroizing::new);
    let too_short = || Refusal(StatusCode::UNPROCESSABLE_ENTITY, "panel.pin", "A PIN has 4 to 10 digits.");
    let add = Add {
        label: ask.label,
        kind: GrantKind::ALL.into_iter().find(|kind| kind.as_str() == ask.kind).ok_or(MALFORMED)?,
        locks: locks(&ask.locks)?,
        when: ask.when.read()?,
        pin: typed.map(|digits| Pin::parse(&digits)).transpose().map_err(|_| too_short())?,
    };
    act(&panel, &headers, PanelAct::Add(add)).await
}

/// A change, as the page sends it.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum EditBody {
    Rename { grant: String, label: String },
    Until { grant: String, to: Option<String> },
    Suspend { grant: String },
    Resume { grant: String },
    End { grant: String },
}

async fn edit(
    State(panel): State<Panel>,
    headers: HeaderMap,
    Body(ask): Body<EditBody>,
) -> Result<Json<Value>, No> {
    let (grant, edit) = match ask {
        EditBody::Rename { grant, label } => (grant, Edit::Rename(label)),
        EditBody::Until { grant, to } => (grant, Edit::Until(local(to)?)),
        EditBody::Suspend { grant } => (grant, Edit::Suspend(true)),
        EditBody::Resume { grant } => (grant, Edit::Suspend(false)),
        EditBody::End { grant } => (grant, Edit::End),
    };
    let grant = GrantId::parse(&grant).map_err(|_| MALFORMED)?;
    act(&panel, &headers, PanelAct::Edit(grant, edit)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoorBody {
    lock: String,
    #[serde(rename = "do")]
    act: DoorWord,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DoorWord {
    Lock,
    Unlock,
    Resync,
}

async fn door(
    State(panel): State<Panel>,
    headers: HeaderMap,
    Body(ask): Body<DoorBody>,
) -> Result<Json<Value>, No> {
    let token = shown(&headers)?;
    let lock = LockId::parse(&ask.lock).map_err(|_| MALFORMED)?;
    let act = match ask.act {
        DoorWord::Lock => DoorAct::Lock,
        DoorWord::Unlock => DoorAct::Unlock,
        DoorWord::Resync => DoorAct::Resync,
    };
    with_core(&panel, move |core, now| core.panel_door(&token, lock, act, now)).await??;
    Ok(Json(json!({ "ok": true })))
}

async fn act(panel: &Panel, headers: &HeaderMap, act: PanelAct) -> Result<Json<Value>, No> {
    let token = shown(headers)?;
    let acted = with_core(panel, move |core, now| core.panel_act(&token, act, now)).await??;
    // The one time that the hub tells a PIN: the one it has just made, to who asked for it.
    Ok(Json(json!({ "grant": acted.grant.to_string(), "pin": acted.pin.as_ref().map(Pin::expose) })))
}
