//! The object `HomeDo`: one home, the only writer of its chain.
//!
//! Atomicity: every call into [`Home`] is synchronous, decides before it writes, and its writes are committed
//! together, in one transaction. KV and sockets are told afterwards; if that fails, the home is still right, and what
//! KV says is only ever older.

mod program;
mod requests;
mod sockets;
mod tell;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use js_sys::futures::future_to_promise;
use latchkey_shared::api::Notice;
use latchkey_shared::id::{HubId, InviteId};
use latchkey_shared::zone::Zone;
use latchkey_shared::zone_intl::IntlZone;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::{DurableObjectState, web_sys};
use worker::{Env, State, WebSocket};

use self::sockets::Audience;
use crate::auth::{WHO, Who};
use crate::core::bytes::unb64;
use crate::core::home::{CachedHead, Home, HubRequest, Taken};
use crate::env::{self, broken};
use crate::error::{INTERNAL, Result};
use crate::host;
use crate::http::{Request, Response, answered};
use crate::store::durable::SqlStore;
use crate::store::kv;

/// The object, as the runtime calls it.
#[wasm_bindgen(js_name = HomeDo)]
pub struct HomeObject(Rc<HomeDo>);

#[wasm_bindgen(js_class = HomeDo, wasm_bindgen_futures = worker::wasm_bindgen_futures)]
impl HomeObject {
    /// The runtime wakes it.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        HomeObject(Rc::new(HomeDo::new(State::from(state), env)))
    }

    /// A response, or a promise of one where something has to be done first that takes time.
    pub fn fetch(&self, request: web_sys::Request, body: Vec<u8>) -> Result<JsValue, JsValue> {
        let (request, now) = (Request::new(request), env::now());
        let (response, after) = match self.0.handle(&request, body, now) {
            Ok((response, After::Nothing)) => return Ok(response.into()),
            Ok(decided) => decided,
            Err(problem) => return answered(Err(problem)).map(Into::into),
        };
        let home = self.0.clone();
        let followed = async move {
            let outcome = home.follow(after, now).await;
            answered(outcome.map(|()| response)).map(Into::into)
        };
        Ok(future_to_promise(followed).into())
    }

    /// Something ends.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        self.0.alarm.set(None);
        // The chain may be damaged; an alarm that fails is retried by the platform for a while and then dropped.
        self.0.sweep().await.map_err(|problem| problem.code.into())
    }

    /// Sockets only carry news to the other side. "ping" is answered without waking this object.
    #[wasm_bindgen(js_name = webSocketMessage)]
    pub fn message(&self, socket: web_sys::WebSocket) {
        let _ = WebSocket::from(socket).close(Some(1003), Some("nothing is read here"));
    }

    /// One side has closed a socket.
    #[wasm_bindgen(js_name = webSocketClose)]
    pub fn closed(&self, socket: web_sys::WebSocket) {
        let socket = WebSocket::from(socket);
        self.0.left(&socket);
        // The close has to be answered, unless the platform has done so; 1005 and the like must not be sent.
        let _ = socket.close(Some(1000), Some(""));
    }

    /// A socket broke.
    #[wasm_bindgen(js_name = webSocketError)]
    pub fn failed(&self, socket: web_sys::WebSocket) {
        self.0.left(&WebSocket::from(socket));
    }
}

/// The object.
struct HomeDo {
    state: State,
    env: Env,
    store: SqlStore,
    /// Verified once and kept while the object is awake.
    home: RefCell<Option<Home<SqlStore>>>,
    /// When the alarm is set for, if that is known: nothing or Unix seconds.
    alarm: Cell<Option<Option<u64>>>,
    /// Whether KV may have a head of this home, from which it answers polls.
    heads: Cell<bool>,
}

/// Who asks, as the router found it.
fn member(req: &Request) -> Result<Who> {
    req.header(WHO).and_then(|text| Who::parse(&text)).ok_or(INTERNAL)
}

fn hub_of(req: &Request) -> Result<(HubId, HubRequest)> {
    let hub = req.header("x-hub").and_then(|text| HubId::parse(&text).ok()).ok_or(INTERNAL)?;
    let bytes = req.header("x-signed").and_then(|text| unb64(&text)).ok_or(INTERNAL)?;
    Ok((hub, HubRequest::read(&bytes)?))
}

/// What a decision entails outside of the home. The home is right without it.
enum After {
    /// Nothing.
    Nothing,
    /// Ops are in the chain: everybody is told.
    Tell(Taken),
    /// Until then an invitation can be found.
    Invite(InviteId, u64),
    /// KV may answer the hub's next polls.
    Cache(HubId, CachedHead),
    /// Something ends at another time than the alarm knows.
    Sweep,
}

impl HomeDo {
    fn new(state: State, env: Env) -> Self {
        sockets::answer_pings(&state);
        let store = SqlStore::new(state.storage().sql());
        HomeDo { state, env, store, home: RefCell::default(), alarm: Cell::default(), heads: Cell::new(true) }
    }

    /// The home, loaded if it is not awake.
    fn awake(&self) -> Result<RefMut<'_, Home<SqlStore>>> {
        let mut slot = self.home.borrow_mut();
        if slot.is_none() {
            *slot = Some(Home::load(self.store.clone())?);
        }
        RefMut::filter_map(slot, Option::as_mut).map_err(|_| INTERNAL)
    }

    /// Runs something on the home, which is loaded first if it is not awake.
    fn with_home<T>(&self, run: impl FnOnce(&mut Home<SqlStore>) -> Result<T>) -> Result<T> {
        run(&mut *self.awake()?)
    }

    /// The same in a transaction. If storage breaks between two writes, none of them was made, and the home is loaded
    /// again by the next request. A refusal writes nothing that would have to be taken back.
    fn atomically<T>(&self, run: impl FnOnce(&mut Home<SqlStore>) -> Result<T>) -> Result<T> {
        let (mut run, mut outcome) = (Some(run), Err(INTERNAL));
        let mut body = || {
            if let Some(run) = run.take() {
                outcome = self.awake().and_then(|mut home| run(&mut home));
            }
            outcome.as_ref().err() != Some(&INTERNAL)
        };
        let committed = host::transact(self.state.storage().as_raw(), &mut body);
        if committed != Ok(true) {
            self.home.borrow_mut().take();
            return Err(INTERNAL);
        }
        outcome
    }

    fn handle(&self, req: &Request, bytes: Vec<u8>, now: u64) -> Result<(Response, After)> {
        match req.path.as_str() {
            "/ops" => self.submit(req, &bytes, now),
            "/invites/new" => self.invite(req, &bytes, now),
            "/hub/bundle" => self.bundle(req, now),
            "/hub/ops" => self.submit_hub(req, &bytes, now),
            "/tokens/new" => self.make_token(req, &bytes, now),
            path => match path.strip_prefix("/api/") {
                Some(path) => self.program(req, path, bytes, now),
                None => Ok((self.answer(req, &bytes, now)?, After::Nothing)),
            },
        }
    }

    /// Does what a decision entails. What fails here was decided all the same; the caller asks again.
    async fn follow(&self, after: After, now: u64) -> Result<()> {
        let sweeps = match &after {
            After::Nothing => false,
            After::Sweep => true,
            After::Tell(taken) => {
                self.forget_heads(taken).await;
                self.tell_chain(taken);
                self.tell_kv(taken, now).await;
                taken.ends
            }
            After::Invite(id, until) => {
                // Whoever is invited finds the home through KV; if that fails, the owner tries again.
                let home = self.with_home(|home| Ok(*home.chain()?.home()))?.to_string();
                kv::put(&env::kv(&self.env)?, &env::invite_key(id), home.as_bytes(), Some(*until), now)
                    .await?;
                self.to_portals(Audience::Owners, &Notice::Invites);
                true
            }
            After::Cache(hub, cached) => {
                let home = self.with_home(|home| Ok(*home.chain()?.home()))?;
                self.cache_head(&home, hub, cached).await;
                false
            }
        };
        if sweeps { self.sweep().await } else { Ok(()) }
    }

    /// Wipes the content of links that have ended, and sets the alarm for the next one.
    async fn sweep(&self) -> Result<()> {
        let next = self.atomically(|home| home.sweep(env::now()))?;
        if self.alarm.get() == Some(next) {
            return Ok(());
        }
        // At once: what is asked of storage is done in order, so the last one counts.
        self.alarm.set(Some(next));
        let storage = self.state.storage();
        let set = match next {
            Some(at) => {
                let delay = i64::try_from(at.saturating_sub(env::now()).saturating_mul(1000))
                    .map_err(|_| INTERNAL)?;
                storage.set_alarm(delay).await
            }
            None => storage.delete_alarm().await,
        };
        set.inspect_err(|_| self.alarm.set(None)).map_err(broken)
    }
}

/// Zones in use. Making one costs more than all else that a guest's status needs.
const ZONES: usize = 16;

thread_local! {
    static MADE: RefCell<Vec<Rc<IntlZone>>> = const { RefCell::new(Vec::new()) };
}

/// The home's zone by the platform's tables, if they have it.
fn zone(home: &Home<SqlStore>) -> Option<Rc<IntlZone>> {
    let name = home.zone_name().ok()?;
    MADE.with_borrow_mut(|made| {
        if let Some(known) = made.iter().find(|zone| zone.name() == name) {
            return Some(known.clone());
        }
        let zone = Rc::new(IntlZone::new(name).ok()?);
        made.truncate(ZONES - 1);
        made.insert(0, zone.clone());
        Some(zone)
    })
}

fn rules(zone: &Option<Rc<IntlZone>>) -> Option<&dyn Zone> {
    zone.as_ref().map(|zone| &**zone as &dyn Zone)
}
