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

use js_sys::Function;
use latchkey_shared::api::Notice;
use latchkey_shared::id::{HubId, InviteId, KeyId};
use latchkey_shared::zone::Zone;
use latchkey_shared::zone_intl::IntlZone;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{
    DurableObject, Env, Request, Response, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use self::sockets::Audience;
use crate::binding::property;
use crate::core::bytes::unb64;
use crate::core::home::{CachedHead, Home, HubRequest, Taken};
use crate::env::{self, broken};
use crate::error::{INTERNAL, Result};
use crate::http::{body, header, refuse, target};
use crate::store::durable::SqlStore;
use crate::store::kv;

/// The object.
#[durable_object]
pub struct HomeDo {
    state: State,
    env: Env,
    /// Verified once and kept while the object is awake.
    home: Rc<RefCell<Option<Home<SqlStore>>>>,
}

impl DurableObject for HomeDo {
    fn new(state: State, env: Env) -> Self {
        sockets::answer_pings(&state);
        HomeDo { state, env, home: Rc::default() }
    }

    async fn fetch(&self, mut req: Request) -> worker::Result<Response> {
        match self.handle(&mut req).await {
            Ok(response) => Ok(response),
            Err(problem) => refuse(problem),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // The chain may be damaged; an alarm that fails is retried by the platform for a while and then dropped.
        self.sweep().await.map_err(|problem| worker::Error::from(problem.code))?;
        Response::empty()
    }

    /// Sockets only carry news to the other side. "ping" is answered without waking this object.
    async fn websocket_message(&self, ws: WebSocket, _: WebSocketIncomingMessage) -> worker::Result<()> {
        ws.close(Some(1003), Some("nothing is read here"))
    }

    async fn websocket_close(&self, ws: WebSocket, _: usize, _: String, _: bool) -> worker::Result<()> {
        self.left(&ws);
        // The close has to be answered, unless the platform has done so; 1005 and the like must not be sent.
        let _ = ws.close(Some(1000), Some(""));
        Ok(())
    }

    async fn websocket_error(&self, ws: WebSocket, _: worker::Error) -> worker::Result<()> {
        self.left(&ws);
        Ok(())
    }
}

/// Who asks, as the router found it.
struct Member {
    key: KeyId,
    fresh: bool,
    until: u64,
}

fn member(req: &Request) -> Result<Member> {
    let key = header(req, "x-member").and_then(|text| KeyId::parse(&text).ok()).ok_or(INTERNAL)?;
    let until = header(req, "x-until").and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Member { key, fresh: header(req, "x-fresh").as_deref() == Some("1"), until })
}

fn hub_of(req: &Request) -> Result<(HubId, HubRequest)> {
    let hub = header(req, "x-hub").and_then(|text| HubId::parse(&text).ok()).ok_or(INTERNAL)?;
    let bytes = header(req, "x-signed").and_then(|text| unb64(&text)).ok_or(INTERNAL)?;
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

/// Something to do on a home, all of it or none.
type Work = Box<dyn FnOnce(&mut Home<SqlStore>) -> Result<()>>;

/// The home while the object is awake.
type Awake = RefCell<Option<Home<SqlStore>>>;

/// The home, loaded if it is not awake.
fn awake(home: &Awake, store: SqlStore) -> Result<RefMut<'_, Home<SqlStore>>> {
    let mut slot = home.borrow_mut();
    if slot.is_none() {
        *slot = Some(Home::load(store)?);
    }
    RefMut::filter_map(slot, Option::as_mut).map_err(|_| INTERNAL)
}

impl HomeDo {
    fn store(&self) -> SqlStore {
        SqlStore::new(self.state.storage().sql())
    }

    /// Runs something on the home, which is loaded first if it is not awake.
    fn with_home<T>(&self, run: impl FnOnce(&mut Home<SqlStore>) -> Result<T>) -> Result<T> {
        run(&mut *awake(&self.home, self.store())?)
    }

    /// The same in a transaction.
    fn atomically<T: 'static>(
        &self,
        run: impl FnOnce(&mut Home<SqlStore>) -> Result<T> + 'static,
    ) -> Result<T> {
        let outcome: Rc<RefCell<Option<T>>> = Rc::default();
        let slot = outcome.clone();
        self.transaction(Box::new(move |home| {
            *slot.borrow_mut() = Some(run(home)?);
            Ok(())
        }))?;
        outcome.borrow_mut().take().ok_or(INTERNAL)
    }

    /// If storage breaks between two writes, none of them was made, and the home is loaded again by the next
    /// request. A refusal writes nothing that would have to be taken back.
    fn transaction(&self, run: Work) -> Result<()> {
        let (home, store) = (self.home.clone(), self.store());
        let outcome = Rc::new(Cell::new(Err(INTERNAL)));
        let slot = outcome.clone();
        let body = Closure::once(move || -> Result<JsValue, JsValue> {
            let result = awake(&home, store).and_then(|mut home| run(&mut home));
            slot.set(result);
            if result == Err(INTERNAL) { Err("storage failed".into()) } else { Ok(JsValue::UNDEFINED) }
        });
        let storage = self.state.storage();
        let transaction =
            property(storage.as_raw(), "transactionSync").and_then(|f| f.dyn_into::<Function>().ok());
        if transaction.ok_or(INTERNAL)?.call1(storage.as_raw(), body.as_ref()).is_err() {
            self.home.borrow_mut().take();
            return Err(INTERNAL);
        }
        outcome.get()
    }

    async fn handle(&self, req: &mut Request) -> Result<Response> {
        let (path, query) = target(req);
        let now = env::now();
        // Bounded by the router.
        let bytes = if path.ends_with("/ws") { Vec::new() } else { body(req, usize::MAX >> 1).await? };
        let (response, after) = match path.as_str() {
            "/ops" => self.submit(req, bytes, now)?,
            "/invites/new" => self.invite(req, bytes, now)?,
            "/hub/bundle" => self.bundle(req, now)?,
            "/hub/ops" => self.submit_hub(req, bytes, now)?,
            "/tokens/new" => self.make_token(req, bytes, now)?,
            _ => match path.strip_prefix("/api/") {
                Some(path) => self.program(req, path, query, bytes, now)?,
                None => (self.answer(req, &path, &query, bytes, now)?, After::Nothing),
            },
        };
        self.follow(after, now).await?;
        Ok(response)
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
                !taken.links.is_empty() || !taken.grants.is_empty()
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
        let storage = self.state.storage();
        match next {
            Some(at) => {
                let delay = i64::try_from(at.saturating_sub(env::now()).saturating_mul(1000))
                    .map_err(|_| INTERNAL)?;
                storage.set_alarm(delay).await.map_err(broken)
            }
            None => storage.delete_alarm().await.map_err(broken),
        }
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
