//! One home, fetched, verified and kept fresh by a WebSocket for as long as its pages are open.

use crate::api::homes;
use crate::js;
use crate::problem::Problem;
use crate::state::{App, Signed};
use crate::view_model::{Alarm, Home, LoadError, alarm_problem};
use futures_util::future::{Either, select};
use futures_util::{SinkExt, StreamExt};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::api::{LinkUpload, Notice, Snapshot, path};
use latchkey_shared::chain::Body;
use latchkey_shared::compose::{Change, Composer};
use latchkey_shared::id::{Hash32, HomeId};
use latchkey_shared::limits::{MAX_BUNDLE_BYTES, MAX_PUSH_BYTES};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{self, Blob};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use yew::prelude::*;

/// Silence for so long, in ms, means that one asks; as much again that the connection is dead.
const QUIET_MS: u32 = 25_000;
/// Where waiting between attempts to connect begins and ends, in ms.
const RETRY_MS: (u32, u32) = (500, 20_000);

/// How long after a change what is shown is kept, in ms, at first and from then on: changes come in swarms, and a large
/// home is a megabyte.
const KEEP_AFTER_MS: (u32, u32) = (1_500, 10_000);

/// Under which name the vault keeps a home.
fn kept_name(home: &HomeId) -> String {
    format!("home.{home}")
}

/// How the connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Live {
    /// Being made for the first time.
    Connecting,
    /// Changes arrive at once.
    On,
    /// There is none; what is shown may be old.
    Off,
}

/// What is known of the home.
#[derive(Clone)]
pub enum HomeState {
    /// Nothing yet.
    Loading,
    /// It could not be fetched or verified.
    Failed(Problem),
    /// It is verified.
    Ready(Rc<Home>),
}

struct Inner {
    id: HomeId,
    app: App,
    signed: Rc<Signed>,
    state: RefCell<HomeState>,
    alarm: Cell<Option<Alarm>>,
    live: Cell<Live>,
    /// When the server was last heard, by our clock.
    heard: Cell<Timestamp>,
    version: Cell<u64>,
    events: Cell<u64>,
    invites: Cell<u64>,
    open: Cell<bool>,
    /// Whether what is shown will soon be kept.
    keeping: Cell<bool>,
    /// Whether anything of it was kept since it was opened.
    kept: Cell<bool>,
    /// Whether what is shown was kept here and not fetched since.
    recalled: Cell<bool>,
    /// An op that was sent and never answered: it may be in the chain, or get there yet.
    unsure: Cell<Option<(u64, Hash32)>>,
    changed: Callback<u64>,
}

/// The home's keeper; cheap to clone.
#[derive(Clone)]
pub struct HomeStore(Rc<Inner>);

impl PartialEq for HomeStore {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl HomeStore {
    fn changed(&self) {
        self.0.version.set(self.0.version.get() + 1);
        self.0.changed.emit(self.0.version.get());
    }

    fn set(&self, home: Home) {
        *self.0.state.borrow_mut() = HomeState::Ready(Rc::new(home));
        self.changed();
        if !self.0.keeping.replace(true) {
            let store = self.clone();
            wasm_bindgen_futures::spawn_local(async move { store.keep().await });
        }
    }

    /// Keeps what was verified, so that the next visit begins with it, and can be read without a connection.
    async fn keep(&self) {
        let wait = if self.0.kept.replace(true) { KEEP_AFTER_MS.1 } else { KEEP_AFTER_MS.0 };
        TimeoutFuture::new(wait).await;
        self.0.keeping.set(false);
        if let Some(home) = self.home() {
            let kept = cbor::to_vec(&(self.0.heard.get(), home.snapshot()));
            js::keep(&kept_name(&self.0.id), &kept, home.overlap()).await;
        }
    }

    /// Shows what this browser verified and kept, until the server has answered.
    async fn recall(&self) {
        let Some(kept) = js::kept(&kept_name(&self.0.id)).await else { return };
        let Ok((heard, mut snapshot)) = cbor::from_slice::<(Timestamp, Snapshot)>(&kept, MAX_BUNDLE_BYTES)
        else {
            return;
        };
        // The server's clock is not known; ours is near enough to say what is over.
        snapshot.now = js::now();
        let Ok(home) = Home::recall(self.0.id, &snapshot, &self.0.signed) else { return };
        js::mark("recalled");
        self.0.heard.set(heard);
        self.0.recalled.set(true);
        *self.0.state.borrow_mut() = HomeState::Ready(Rc::new(home));
        self.changed();
    }

    fn set_live(&self, live: Live) {
        if self.0.live.replace(live) != live {
            self.changed();
        }
    }

    /// The home, once it is verified.
    pub fn home(&self) -> Option<Rc<Home>> {
        match &*self.0.state.borrow() {
            HomeState::Ready(home) => Some(home.clone()),
            HomeState::Loading | HomeState::Failed(_) => None,
        }
    }

    /// Why nothing of this home must be trusted, if so.
    pub fn alarm(&self) -> Option<Alarm> {
        self.0.alarm.get()
    }

    /// Whether what is known was kept here, and the server may yet answer: to be looked at, not to begin a form with.
    pub fn only_recalled(&self) -> bool {
        self.0.recalled.get() && self.0.live.get() == Live::Connecting
    }

    /// Fetches what is new, or everything.
    pub async fn refresh(&self) -> Result<(), Problem> {
        let (known, recalled) = (self.home(), self.0.recalled.get());
        // What was kept may be older than what this browser has seen, or not what the server has: the answer shows it.
        let after = known.as_ref().and_then(|home| match recalled {
            true => home.overlap(),
            false => Some(home.chain.seq()),
        });
        let loaded = match (&known, after) {
            (Some(base), Some(seq)) => {
                let snapshot = homes::snapshot_after(&self.0.id, seq).await;
                // A notice may have brought more while the answer was on its way: build on what is there now.
                let current = self.home().unwrap_or_else(|| base.clone());
                snapshot.map_err(LoadError::from).and_then(|snapshot| match recalled {
                    _ if base.chain.seq() != current.chain.seq() => Ok((*current).clone()),
                    true => current.caught_up(&snapshot),
                    false => current.updated(&snapshot),
                })
            }
            _ => Home::fetch(self.0.id, &self.0.signed).await,
        };
        match loaded {
            Ok(home) => {
                js::mark("verified");
                self.0.heard.set(js::now());
                self.0.recalled.set(false);
                self.set(home);
                Ok(())
            }
            Err(LoadError::Alarm(alarm)) => {
                self.0.alarm.set(Some(alarm));
                self.fail(alarm_problem(alarm))
            }
            Err(LoadError::Problem(problem)) => self.fail(problem),
        }
    }

    fn fail(&self, problem: Problem) -> Result<(), Problem> {
        if problem.signed_out() {
            self.0.app.0.dispatch(crate::state::Action::SignedOut);
        }
        if ["home.not_found", "home.resident"].contains(&problem.code.as_str()) {
            // A home that is no longer ours is not read either.
            let name = kept_name(&self.0.id);
            wasm_bindgen_futures::spawn_local(async move { js::drop_kept(&name).await });
        }
        let shut_out = matches!(problem.code.as_str(), "home.not_found" | "home.resident");
        if shut_out || self.home().is_none() {
            *self.0.state.borrow_mut() = HomeState::Failed(problem.clone());
        }
        self.changed();
        Err(problem)
    }

    /// Signs and submits an op on top of the chain's end; see [`HomeStore::change`].
    pub async fn submit(&self, body: Body, links: Vec<LinkUpload>) -> Result<(), Problem> {
        let change = Change { bodies: vec![body], links };
        self.change(|_| Ok((change.clone(), ()))).await
    }

    /// Composes a change on top of the home as it is, signs and submits it. If somebody else was faster, composes it
    /// once more on top of that. `Ok` as soon as it is in the chain, even if the answer was lost.
    pub async fn change<T>(
        &self,
        compose: impl Fn(&Composer<'_>) -> Result<(Change, T), Problem>,
    ) -> Result<T, Problem> {
        self.change_if(true, compose).await
    }

    /// The same without asking for the passkey: refused where the server would ask.
    pub async fn change_quietly<T>(
        &self,
        compose: impl Fn(&Composer<'_>) -> Result<(Change, T), Problem>,
    ) -> Result<T, Problem> {
        self.change_if(false, compose).await
    }

    async fn change_if<T>(
        &self,
        ask: bool,
        compose: impl Fn(&Composer<'_>) -> Result<(Change, T), Problem>,
    ) -> Result<T, Problem> {
        self.ready().await?;
        let mut again = true;
        loop {
            let home = self.home().ok_or_else(Problem::network)?;
            let (change, made) = compose(&home.composer())?;
            match self.submit_once(&home, &change, ask).await {
                Err(problem) if again && problem.code == "chain.conflict" => {
                    again = false;
                    self.settle()?;
                }
                done => return done.map(|()| made),
            }
        }
    }

    async fn ready(&self) -> Result<(), Problem> {
        if let Some(alarm) = self.0.alarm.get() {
            return Err(alarm_problem(alarm));
        }
        // On what was kept nothing is built.
        if self.0.unsure.get().is_some() || self.0.recalled.get() {
            self.refresh().await?;
        }
        self.settle()
    }

    /// A change that seemed to fail may have been made: then the person looks before it is made twice.
    fn settle(&self) -> Result<(), Problem> {
        let Some((seq, hash)) = self.0.unsure.get() else { return Ok(()) };
        let Some(taken) = self.home().and_then(|home| home.op_hash(seq)) else { return Ok(()) };
        self.0.unsure.set(None);
        if taken == hash { Err(Problem::of("chain.late")) } else { Ok(()) }
    }

    async fn submit_once(&self, home: &Home, change: &Change, ask: bool) -> Result<(), Problem> {
        // What the chain would refuse is not sent.
        let signed =
            change.sign(&home.chain, &self.0.signed.keys, home.now()).map_err(|e| Problem::coded(&e))?;
        let sent = (signed.chain.seq(), signed.chain.hash());
        let ops = signed.submit;
        let send = || homes::submit(&self.0.id, &ops);
        let sent_off = if ask { self.0.app.with_step_up(send).await } else { send().await };
        if let Err(problem) = sent_off {
            // The answer may be all that was lost: the chain knows.
            let _ = self.refresh().await;
            if self.home().and_then(|home| home.op_hash(sent.0)) == Some(sent.1) {
                return Ok(());
            }
            if problem.unanswered() {
                self.0.unsure.set(Some(sent));
            }
            return Err(problem);
        }
        self.append(ops.ops);
        let store = self.clone();
        // It is done, whatever becomes of this.
        wasm_bindgen_futures::spawn_local(async move { drop(store.refresh().await) });
        Ok(())
    }

    /// Takes in ops that the server took. If a notice was faster, they are there already.
    fn append(&self, ops: Vec<Blob>) {
        let Some(home) = self.home() else { return };
        let snapshot = Snapshot { now: home.now(), ops, reports: Vec::new(), hubs: Vec::new() };
        if let Ok(home) = home.updated(&snapshot) {
            self.set(home);
        }
    }

    /// Keeps the connection until the pages are left.
    async fn follow(self) {
        self.recall().await;
        let mut wait = RETRY_MS.0;
        while self.0.open.get() {
            let fetched = self.refresh().await.is_ok();
            if fetched && self.0.signed.kept.get() {
                // The server can be asked who this is.
                self.0.signed.kept.set(self.0.app.refresh().await.is_err());
            }
            if fetched && self.listen().await {
                wait = RETRY_MS.0;
            }
            if !self.0.open.get() {
                return;
            }
            self.set_live(Live::Off);
            TimeoutFuture::new(wait).await;
            wait = (wait * 2).min(RETRY_MS.1);
        }
    }

    /// Listens until the connection ends. Whether there was one.
    async fn listen(&self) -> bool {
        let url = js::origin().replacen("http", "ws", 1) + &path::socket(&self.0.id);
        let Ok(socket) = WebSocket::open(&url) else { return false };
        let (mut write, mut read) = socket.split();
        // Sending waits for the connection, and the answer shows that it works.
        if write.send(Message::Text("ping".into())).await.is_err() {
            return false;
        }
        let (mut heard, mut asked) = (false, true);
        while self.0.open.get() {
            match select(read.next(), TimeoutFuture::new(QUIET_MS)).await {
                Either::Left((Some(Ok(message)), _)) => {
                    asked = false;
                    self.0.heard.set(js::now());
                    if !heard {
                        heard = true;
                        // What happened between the last snapshot and this connection was told to nobody.
                        self.0.events.set(self.0.events.get() + 1);
                        self.set_live(Live::On);
                        let _ = self.refresh().await;
                    }
                    if let Message::Bytes(bytes) = message {
                        self.notice(&bytes).await;
                    }
                }
                Either::Right(_) if !asked => {
                    asked = true;
                    if write.send(Message::Text("ping".into())).await.is_err() {
                        break;
                    }
                }
                _ => break,
            }
        }
        heard
    }

    async fn notice(&self, bytes: &[u8]) {
        let Ok(notice) = cbor::from_slice::<Notice>(bytes, MAX_PUSH_BYTES) else { return };
        let Some(home) = self.home() else { return };
        match notice {
            Notice::Chain(seq) if seq > home.chain.seq() => {
                // A failure shows in the state, and the next notice or reconnection tries again.
                let _ = self.refresh().await;
            }
            // Known already, or for hubs.
            Notice::Chain(_) | Notice::Resync(_) | Notice::ResyncCode(..) => {}
            Notice::Report(report) => {
                let mut home = (*home).clone();
                if home.take_report(&report.0) {
                    self.set(home);
                }
            }
            Notice::Event(_) => {
                self.0.events.set(self.0.events.get() + 1);
                self.changed();
            }
            Notice::Hub(seen) => {
                let mut home = (*home).clone();
                home.take_hub(seen);
                self.set(home);
            }
            Notice::Invites => {
                self.0.invites.set(self.0.invites.get() + 1);
                self.changed();
            }
            // For residents, whose page listens by itself. Whoever became one learns it here.
            Notice::Mine => drop(self.refresh().await),
        }
    }
}

/// What a home's pages get.
#[derive(Clone)]
pub struct HomeCtx {
    /// The home.
    pub home: Rc<Home>,
    /// What changes it.
    pub store: HomeStore,
    /// How the connection stands.
    pub live: Live,
    /// When the server was last heard, by our clock.
    pub heard: Timestamp,
    /// Counts events that came in, and connections: while there was none, events may have been missed.
    pub events: u64,
    /// Counts what was told about invitations.
    pub invites: u64,
    version: u64,
}

impl PartialEq for HomeCtx {
    fn eq(&self, other: &Self) -> bool {
        self.store == other.store && self.version == other.version
    }
}

/// Opens a home. To be used once, by the pages' common frame.
#[hook]
pub fn use_home_store(app: App, signed: Rc<Signed>, id: HomeId) -> (HomeState, HomeStore, Option<HomeCtx>) {
    let version = use_state_eq(|| 0u64);
    let changed = {
        let setter = version.setter();
        Callback::from(move |v| setter.set(v))
    };
    // What changes of the account is nothing to the home, as long as it is the same member.
    let store = use_memo((id, signed.keys.id()), move |_| {
        HomeStore(Rc::new(Inner {
            id,
            app,
            signed,
            state: RefCell::new(HomeState::Loading),
            alarm: Cell::new(None),
            live: Cell::new(Live::Connecting),
            heard: Cell::new(Timestamp(0)),
            version: Cell::new(0),
            events: Cell::new(0),
            invites: Cell::new(0),
            open: Cell::new(true),
            keeping: Cell::new(false),
            kept: Cell::new(false),
            recalled: Cell::new(false),
            unsure: Cell::new(None),
            changed,
        }))
    });
    use_effect_with((*store).clone(), |store| {
        wasm_bindgen_futures::spawn_local(store.clone().follow());
        let store = store.clone();
        move || store.0.open.set(false)
    });
    let state = store.0.state.borrow().clone();
    let ctx = match &state {
        HomeState::Ready(home) => Some(HomeCtx {
            home: home.clone(),
            store: (*store).clone(),
            live: store.0.live.get(),
            heard: store.0.heard.get(),
            events: store.0.events.get(),
            invites: store.0.invites.get(),
            version: store.0.version.get(),
        }),
        HomeState::Loading | HomeState::Failed(_) => None,
    };
    (state, (*store).clone(), ctx)
}

/// The home that the page is about.
#[hook]
pub fn use_home() -> HomeCtx {
    use_context::<HomeCtx>().unwrap_or_else(|| unreachable!("a home's page is inside its frame"))
}
