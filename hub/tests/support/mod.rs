//! A cloud small enough to fit a test, and the real hub process beside it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use data_encoding::BASE64URL_NOPAD;
use latchkey_hub::shell::state_key::{Sealed, StateKey};
use latchkey_shared::api::{HubAck, HubPush};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::AddHub;
use latchkey_shared::event::{Event, EventTip};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::Grant;
use latchkey_shared::httpsig::{self, SignedParts};
use latchkey_shared::id::{GrantId, LockId, Nonce, SignPublic};
use latchkey_shared::pair::{PairOffer, PairSecret};
use latchkey_shared::report::Report;
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

pub(crate) fn wall() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

pub(crate) struct Inner {
    pub(crate) home: TestHome,
    pub(crate) hub_key: Option<SignPublic>,
    pub(crate) offer: Option<PairOffer>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) tip: EventTip,
    pub(crate) events: Vec<Event>,
    /// The newest event as it was signed.
    pub(crate) newest: Vec<u8>,
    pub(crate) reports: BTreeMap<LockId, Report>,
    pub(crate) nonces: BTreeSet<[u8; 16]>,
    pub(crate) trouble: Vec<String>,
    /// By how much its clock is ahead.
    pub(crate) ahead: u64,
}

#[derive(Clone)]
pub(crate) struct Cloud {
    inner: Arc<Mutex<Inner>>,
    pub(crate) port: u16,
}

impl Cloud {
    pub(crate) fn start(seed: u64) -> Self {
        let inner = Inner {
            home: TestHome::genesis(seed),
            hub_key: None,
            offer: None,
            answer: None,
            tip: EventTip::default(),
            events: vec![],
            newest: vec![],
            reports: BTreeMap::new(),
            nonces: BTreeSet::new(),
            trouble: vec![],
            ahead: 0,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let cloud = Self { inner: Arc::new(Mutex::new(inner)), port };
        let routes = Router::new()
            .route("/api/v1/pair/{id}", put(offer))
            .route("/api/v1/pair/{id}/answer", get(answer))
            .route("/api/v1/homes/{home}/hubs/{hub}/bundle", get(bundle))
            .route("/api/v1/homes/{home}/hubs/{hub}/push", post(push))
            .route("/api/v1/homes/{home}/hubs/{hub}/last-event", get(last_event))
            .with_state(cloud.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), routes).await.unwrap();
            });
        });
        cloud
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Forgets who was paired, as a cloud does after ten minutes.
    pub(crate) fn forget_pairing(&self) {
        let mut inner = self.lock();
        (inner.offer, inner.answer) = (None, None);
    }

    /// Another home, without the hub, at the same cloud.
    pub(crate) fn another_home(&self, seed: u64) {
        let mut inner = self.lock();
        inner.home = TestHome::genesis(seed);
        inner.hub_key = None;
        inner.tip = EventTip::default();
        inner.events.clear();
        inner.reports.clear();
    }

    /// What was last reported of the lock of a driver.
    pub(crate) fn report_of(&self, driver: &str) -> Option<Report> {
        self.lock().reports.values().find(|report| report.lock.driver == driver && !report.gone).cloned()
    }

    /// How a code stands on the lock of a driver.
    pub(crate) fn state_on(&self, driver: &str, grant: GrantId) -> Option<CodeState> {
        self.report_of(driver)?.codes.into_iter().find(|code| code.grant == grant).map(|code| code.state)
    }

    /// What the browser does when a person carries the code to it.
    pub(crate) fn take_hub(&self, text: &str) {
        let secret = PairSecret::parse(text).unwrap();
        let mut inner = self.lock();
        let offer = inner.offer.clone().unwrap();
        secret.check_offer(&offer).unwrap();
        inner.home.hub = offer.hub;
        inner.hub_key = Some(offer.key.sign);
        let wraps = vec![inner.home.wrap_for(&offer.key)];
        inner.home.push(Body::AddHub(AddHub { hub: offer.hub, key: offer.key, panel: None, wraps })).unwrap();
        let (home, genesis) = (*inner.home.state.home(), inner.home.state.genesis_hash());
        inner.answer = Some(cbor::to_vec(&secret.answer(home, genesis, &offer.hub)));
    }

    pub(crate) fn put(&self, pin: &str, locks: &[LockId], seconds: u64) -> GrantId {
        let mut inner = self.lock();
        let grant = inner.home.guest(pin, locks);
        let (not_before, expires) = (Timestamp(wall().0 - 60), Some(wall().saturating_add(Seconds(seconds))));
        let grant = Grant { not_before, expires, ..grant };
        inner.home.push(Body::PutGrant(grant.clone())).unwrap();
        grant.id
    }

    pub(crate) fn revoke(&self, grant: GrantId) {
        self.lock().home.push(Body::RevokeGrant(grant)).unwrap();
    }

    fn authentic(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> bool {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let authority = format!("localhost:{}", self.port);
        let parts = SignedParts {
            method: method.as_str(),
            authority: &authority,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            body,
        };
        let mut inner = self.lock();
        let key = inner.hub_key.and_then(|key| key.key()).unwrap();
        let now = wall().0 + inner.ahead;
        let good = httpsig::parse(text("signature-input"), text("signature"), text("content-digest"))
            .and_then(|parsed| parsed.verify(&key, &parts, now).map(|()| *parsed.nonce()));
        match good {
            Ok(nonce) if inner.nonces.insert(nonce) => true,
            Ok(_) => {
                inner.trouble.push("a nonce was used twice".into());
                false
            }
            Err(e) => {
                inner.trouble.push(format!("{} {}: {e}", method, uri.path()));
                false
            }
        }
    }
}

fn unauthorized(cloud: &Cloud) -> Response {
    let local = wall().saturating_add(Seconds(cloud.lock().ahead)).to_local(0);
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (month, year) = (MONTHS[usize::from(local.month) - 1], local.year);
    let (hour, minute, second) = (local.hour, local.minute, local.second);
    let date = format!("Mon, {:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT", local.day);
    (StatusCode::UNAUTHORIZED, [("date", date)]).into_response()
}

async fn offer(State(cloud): State<Cloud>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    cloud.lock().offer = cbor::from_slice(&body, 1_024).ok();
    StatusCode::NO_CONTENT
}

async fn answer(State(cloud): State<Cloud>, Path(_): Path<String>) -> Response {
    match cloud.lock().answer.clone() {
        Some(bytes) => bytes.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn bundle(
    State(cloud): State<Cloud>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !cloud.authentic(&method, &uri, &headers, &[]) {
        return unauthorized(&cloud);
    }
    let query = query.unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let from = value("after").map_or(0, |seq| seq.parse::<usize>().unwrap() + 1);
    let nonce =
        value("nonce").and_then(|text| Nonce::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?));
    let inner = cloud.lock();
    let tag = inner.home.head(wall(), None).etag();
    let tag = format!("{}-1\"", tag.split('-').next().unwrap());
    if nonce.is_none() && headers.get("if-none-match").is_some_and(|sent| sent == tag.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([("etag", tag)], cbor::to_vec(&inner.home.bundle(from, wall(), nonce))).into_response()
}

async fn push(
    State(cloud): State<Cloud>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !cloud.authentic(&method, &uri, &headers, &body) {
        return unauthorized(&cloud);
    }
    let push: HubPush = cbor::from_slice(&body, 4 << 20).unwrap();
    let mut inner = cloud.lock();
    let (home, hub) = (*inner.home.state.home(), inner.home.hub);
    let key = inner.hub_key.unwrap();
    for bytes in &push.reports {
        let report = Report::verify(bytes, &home, &hub, &key).unwrap();
        if inner.reports.get(&report.lock.id).is_none_or(|old| old.number < report.number) {
            inner.reports.insert(report.lock.id, report);
        }
    }
    for bytes in &push.events {
        let (event, hash) = Event::verify(bytes, &home, &hub, &key).unwrap();
        if event.number <= inner.tip.number {
            if inner.events.get(event.number as usize - 1) != Some(&event) {
                return StatusCode::CONFLICT.into_response();
            }
            continue;
        }
        if let Err(e) = event.follows(&inner.tip) {
            inner.trouble.push(format!("event {}: {e}", event.number));
            return StatusCode::CONFLICT.into_response();
        }
        inner.tip = EventTip { number: event.number, hash: Some(hash) };
        inner.events.push(event);
        inner.newest = bytes.0.clone();
    }
    cbor::to_vec(&HubAck { events_through: inner.tip.number, seq: inner.home.state.seq() }).into_response()
}

async fn last_event(State(cloud): State<Cloud>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !cloud.authentic(&method, &uri, &headers, &[]) {
        return unauthorized(&cloud);
    }
    cloud.lock().newest.clone().into_response()
}

/// Where the hub's program is. Cargo tells the tests of its own package only; to others it lies beside their directory.
fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_latchkey-hub").map_or_else(
        || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("latchkey-hub"),
        PathBuf::from,
    )
}

/// The real hub.
pub(crate) struct Hub {
    dir: PathBuf,
    pub(crate) panel: u16,
    /// What else is in its environment.
    pub(crate) environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Hub {
    pub(crate) fn new(dir: &FilePath, cloud: &Cloud) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let panel = free.local_addr().unwrap().port();
        let origin = format!("origin = \"http://localhost:{}\"\nname = \"Hall\"\n", cloud.port);
        std::fs::write(dir.join("hub.toml"), origin).unwrap();
        // Elsewhere than where a hub would make one, because the state directory is the temporary one itself.
        let key = dir.join("state.key");
        if !key.exists() {
            std::fs::write(&key, [7; 32]).unwrap();
        }
        let environment = vec![("LATCHKEY_STATE_KEY_FILE".to_owned(), key.to_str().unwrap().to_owned())];
        Self { dir: dir.to_owned(), panel, environment, child: None }
    }

    /// The seed of the hub's keys, past its encryption.
    pub(crate) fn seed(&self) -> Vec<u8> {
        let key = StateKey::from_bytes(&[7; 32]).unwrap();
        let bytes = key.read(Sealed::HubKey, &self.dir.join(Sealed::HubKey.name())).unwrap().unwrap();
        bytes[16..].to_vec()
    }

    /// The running process.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().unwrap().id()).unwrap()
    }

    /// Adds sections to its configuration.
    pub(crate) fn configure(&self, sections: &str) {
        let file = self.dir.join("hub.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}{sections}")).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.arg("--state").arg(&self.dir).env("LATCHKEY_PANEL", format!("127.0.0.1:{}", self.panel));
        command.env("LATCHKEY_ALLOW_ROOT", "1").env("LATCHKEY_LOG", "debug");
        command.envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn start(&mut self) {
        self.spawn(&["run"]);
    }

    fn spawn(&mut self, arguments: &[&str]) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log")).unwrap();
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// The last resort, as a process that goes on as `run` does.
    pub(crate) fn start_over(&mut self) {
        self.spawn(&["start-over"]);
    }

    /// No warning, no chance to clean up.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Runs another command on the same state; standard output, if it went well.
    pub(crate) fn say(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.run(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// The same, whatever comes of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command().args(arguments).output().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    /// A page as it comes, with the status before it.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.reply("GET", path, "").map(|(head, body)| format!("{}\n{body}", &head[9..12]))
    }

    fn http(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let (head, body) = self.reply(method, path, body)?;
        if head.starts_with("HTTP/1.1 200") { serde_json::from_str(&body).ok() } else { None }
    }

    fn reply(&self, method: &str, path: &str, body: &str) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.panel)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let kind = if body.is_empty() { String::new() } else { "content-type: application/json\r\n".into() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n{kind}content-length: {}\r\n\r\n{body}",
            self.panel,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.to_owned()))
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.http("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<Value> {
        self.http("POST", path, &body.to_string())
    }

    /// `None`: nobody knows whether the lock saw it.
    pub(crate) fn types(&self, lock: &str, pin: &str) -> Option<bool> {
        self.post("/api/keypad", &json!({ "lock": lock, "pin": pin }))?.get("opened")?.as_bool()
    }

    pub(crate) fn lock_id(&self, name: &str) -> Option<LockId> {
        let state = self.get("/api/state")?;
        let lock = state["locks"].as_array()?.iter().find(|l| l["name"] == name)?;
        lock["id"].as_str()?.parse().ok()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
