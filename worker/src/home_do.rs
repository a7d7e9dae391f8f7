//! The object `HomeDo`: one home, the only writer of its chain.
//!
//! Atomicity: every call into [`Home`] is synchronous, decides before it writes, and its writes are committed
//! together, in one transaction. KV and sockets are told afterwards; if that fails, the home is still right, and what
//! KV says is only ever older.

mod program;
mod sockets;
mod tell;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use js_sys::Function;
use latchkey_shared::api::{InviteShown, Notice};
use latchkey_shared::id::{GrantId, HomeId, HubId, InviteId, KeyId, LinkId, LockId, Nonce};
use latchkey_shared::wire::cbor::to_vec;
use latchkey_shared::zone::Zone;
use latchkey_shared::zone_intl::IntlZone;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{
    DurableObject, Env, Request, Response, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use self::sockets::Audience;
use crate::binding::property;
use crate::core::bytes::{unb64, unb64_exact};
use crate::core::home::{Home, HubRequest, Taken};
use crate::env::{self, broken};
use crate::error::{HUB_AWAY, INTERNAL, MALFORMED, NO_HUB, NO_INVITE, NO_LINK, NO_ROUTE, Result};
use crate::http::{body, cbor, header, json, no_content, number, param, refuse, target, with};
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

fn invite_of(query: &str) -> Result<InviteId> {
    param(query, "id").and_then(|text| InviteId::parse(text).ok()).ok_or(NO_INVITE)
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
        match path.as_str() {
            "/create" => self.create(req, &query, bytes, now),
            "/ops" => self.submit(req, bytes, now).await,
            "/snapshot" => {
                let (who, after) = (member(req)?, number(&query, "after")?);
                let online = self.online();
                let snapshot = self.with_home(|home| home.snapshot(&who.key, after, &online, now))?;
                cbor(200, to_vec(&snapshot))
            }
            "/events" | "/mine" => {
                let (who, before, limit) =
                    (member(req)?, number(&query, "before")?, number(&query, "limit")?);
                let limit = limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                if path == "/events" {
                    return cbor(200, to_vec(&self.with_home(|home| home.events(&who.key, before, limit))?));
                }
                let online = self.online();
                cbor(200, to_vec(&self.with_home(|home| home.mine(&who.key, before, limit, &online, now))?))
            }
            "/export" => {
                let (who, after) = (member(req)?, param(&query, "after"));
                cbor(200, to_vec(&self.with_home(|home| home.export(&who.key, after, now))?))
            }
            "/invites" => cbor(200, to_vec(&self.with_home(|home| home.invites(&member(req)?.key, now))?)),
            "/invites/new" => self.invite(req, bytes, now).await,
            "/invites/withdraw" => {
                let (who, id) = (member(req)?, invite_of(&query)?);
                self.atomically(move |home| home.withdraw(&who.key, &id))?;
                self.to_portals(Audience::Owners, &Notice::Invites);
                no_content()
            }
            "/invites/open" => {
                let id = invite_of(&query)?;
                cbor(200, to_vec(&self.with_home(|home| home.open_invite(&id, &bytes, now))?))
            }
            "/invites/accept" => {
                let (who, id) = (member(req)?, invite_of(&query)?);
                let shown: InviteShown =
                    self.atomically(move |home| home.accept_invite(&id, &who.key, &bytes, now))?;
                self.to_portals(Audience::Owners, &Notice::Invites);
                cbor(200, to_vec(&shown))
            }
            "/ws" => self.portal_socket(&member(req)?, now),
            "/resync" => self.resync(&member(req)?, &query),
            "/hub/bundle" => self.bundle(req, now).await,
            "/hub/push" => self.push(req, bytes, now),
            "/hub/ops" => self.submit_hub(req, bytes, now).await,
            "/hub/last-event" => self.newest_event(req, now),
            "/hub/ws" => self.hub_socket(req, now),
            "/tokens" | "/tokens/new" | "/tokens/revoke" => self.tokens(req, &path, &query, bytes, now).await,
            "/link/status" | "/link/reveal" => self.link(&path, &query, &bytes, now),
            _ => match path.strip_prefix("/api/") {
                Some(path) => self.program(req, path, query, bytes, now).await,
                None => Err(NO_ROUTE),
            },
        }
    }

    /// Passes on that a lock's codes are to be read again.
    fn resync(&self, who: &Member, query: &str) -> Result<Response> {
        let (hub, lock, grant) = (param(query, "hub"), param(query, "lock"), param(query, "grant"));
        let grant = grant.map(|text| GrantId::parse(text).map_err(|_| MALFORMED)).transpose()?;
        let hub = hub.and_then(|text| HubId::parse(text).ok()).ok_or(NO_HUB)?;
        let lock = lock.and_then(|text| LockId::parse(text).ok()).ok_or(MALFORMED)?;
        self.with_home(|home| home.manager(&who.key).map(drop))?;
        if !self.online().contains(&hub) {
            return Err(HUB_AWAY);
        }
        let notice = grant.map_or(Notice::Resync(lock), |grant| Notice::ResyncCode(lock, grant));
        self.to_hub(&hub, &notice);
        no_content()
    }

    fn create(&self, req: &Request, query: &str, bytes: Vec<u8>, now: u64) -> Result<Response> {
        let id = param(query, "home").and_then(|text| HomeId::parse(text).ok()).ok_or(INTERNAL)?;
        let (who, issuer) = (member(req)?, env::issuer(&self.env)?);
        let submitted = self.atomically(move |home| home.create(&id, &who.key, &issuer, &bytes, now))?;
        cbor(201, to_vec(&submitted))
    }

    async fn invite(&self, req: &Request, bytes: Vec<u8>, now: u64) -> Result<Response> {
        let who = member(req)?;
        let entry = self.atomically(move |home| home.invite(&who.key, &bytes, now))?;
        let home = self.with_home(|home| Ok(*home.chain()?.home()))?;
        // Whoever is invited finds the home through KV; if that fails, the owner tries again.
        let (id, until) = (entry.invite.id, Some(entry.invite.expires.0));
        kv::put(&env::kv(&self.env)?, &env::invite_key(&id), home.to_string().as_bytes(), until, now).await?;
        self.to_portals(Audience::Owners, &Notice::Invites);
        self.sweep().await?;
        cbor(201, to_vec(&entry))
    }

    async fn submit(&self, req: &Request, bytes: Vec<u8>, now: u64) -> Result<Response> {
        let (who, issuer) = (member(req)?, env::issuer(&self.env)?);
        let taken = self.atomically(move |home| home.submit(&who.key, who.fresh, &issuer, &bytes, now))?;
        self.taken(&taken, now).await
    }

    async fn submit_hub(&self, req: &Request, bytes: Vec<u8>, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let (authority, issuer) = (env::config(&self.env)?.authority(), env::issuer(&self.env)?);
        let taken = self.atomically(move |home| {
            home.authenticate(&hub, &signed, &authority, &bytes, now)?;
            home.submit_hub(&hub, &issuer, &bytes, now)
        })?;
        self.taken(&taken, now).await
    }

    /// Ops are in the chain: tells everybody, and answers.
    async fn taken(&self, taken: &Taken, now: u64) -> Result<Response> {
        self.tell(taken, now).await?;
        cbor(200, to_vec(&taken.submitted))
    }

    /// Ops are in the chain: tells everybody.
    async fn tell(&self, taken: &Taken, now: u64) -> Result<()> {
        self.forget_heads(taken).await;
        self.tell_chain(taken);
        self.tell_kv(taken, now).await;
        if !taken.links.is_empty() || !taken.grants.is_empty() {
            self.sweep().await?;
        }
        Ok(())
    }

    async fn bundle(&self, req: &Request, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let after = number(&signed.query, "after")?;
        let nonce =
            param(&signed.query, "nonce").map(|text| unb64_exact(text).ok_or(MALFORMED)).transpose()?;
        let issuers = env::issuers(&self.env)?;
        let reply = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.bundle(&hub, after, nonce.map(Nonce), &issuers, now)
        })?;
        if let Some(cached) = &reply.cache {
            let home = self.with_home(|home| Ok(*home.chain()?.home()))?;
            self.cache_head(&home, &hub, cached).await;
        }
        with(cbor(200, reply.body)?, "etag", &reply.etag)
    }

    fn push(&self, req: &Request, bytes: Vec<u8>, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let ingested = self.atomically(move |home| {
            home.authenticate(&hub, &signed, &authority, &bytes, now)?;
            home.push(&hub, &bytes, now)
        })?;
        self.tell_portals(&ingested, &hub);
        cbor(200, to_vec(&ingested.ack))
    }

    fn newest_event(&self, req: &Request, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let bytes = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.newest_event(&hub)
        })?;
        cbor(200, bytes)
    }

    fn link(&self, path: &str, query: &str, bytes: &[u8], now: u64) -> Result<Response> {
        let id = param(query, "id").and_then(|text| LinkId::parse(text).ok()).ok_or(NO_LINK)?;
        let auth: [u8; 32] = bytes.try_into().map_err(|_| NO_LINK)?;
        self.with_home(|home| {
            let zone = zone(home);
            if path == "/link/reveal" {
                return json(200, &home.reveal(&id, &auth, rules(&zone), now)?.to_json());
            }
            json(200, &home.link_status(&id, &auth, rules(&zone), now)?.to_json())
        })
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

/// The home's zone by the platform's tables, if they have it.
fn zone(home: &Home<SqlStore>) -> Option<IntlZone> {
    IntlZone::new(home.zone_name().ok()?).ok()
}

fn rules(zone: &Option<IntlZone>) -> Option<&dyn Zone> {
    zone.as_ref().map(|zone| zone as &dyn Zone)
}
