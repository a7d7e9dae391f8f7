//! The object `AccountDo`: an account, a member key's owner, or a pairing, by its name.
//!
//! It holds one record, read and written whole by synchronous calls. No request awaits between reading and writing,
//! except sign-up, which claims the member key and publishes the kit first, and a change of the kit; both read again
//! afterwards. So no two requests interleave.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use js_sys::futures::future_to_promise;
use latchkey_shared::id::{AccountId, HomeId};
use latchkey_shared::json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::{DurableObjectState, web_sys};
use worker::{Env, State};

use crate::auth::{WHO, Who};
use crate::core::account::{self, AccountRecord, Answers, Context, SignedIn};
use crate::core::config::Config;
use crate::core::limits::PAIR_SECS;
use crate::core::pair::{self, PairRecord};
use crate::core::session::{Session, SessionRef, clear_cookie};
use crate::core::ticket::TicketKey;
use crate::env::{self, Account, broken};
use crate::error::{INTERNAL, KIT, MALFORMED, NO_ROUTE, NO_SESSION, Result, UNKNOWN_PASSKEY};
use crate::http::{Request, Response, answered, ask, cbor, empty, json, no_content, param, with};
use crate::platform;
use crate::store::durable::Record;

/// The object, as the runtime calls it.
#[wasm_bindgen(js_name = AccountDo)]
pub struct AccountObject(Rc<AccountDo>);

#[wasm_bindgen(js_class = AccountDo, wasm_bindgen_futures = worker::wasm_bindgen_futures)]
impl AccountObject {
    /// The runtime wakes it.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        let record = Record::new(state.storage().sql());
        AccountObject(Rc::new(AccountDo { state, env, record, known: RefCell::default() }))
    }

    /// A response, or a promise of one. Who is signed in, which nearly every request asks, is answered at once.
    pub fn fetch(&self, request: web_sys::Request, body: Vec<u8>) -> Result<JsValue, JsValue> {
        let request = Request::new(request);
        if request.path == "/who" {
            return answered(self.0.who(&request)).map(Into::into);
        }
        let account = self.0.clone();
        let answer = async move { answered(account.handle(&request, body).await).map(Into::into) };
        Ok(future_to_promise(answer).into())
    }

    /// A pairing has ended: nothing of it stays.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        Ok(self.0.state.storage().delete_all().await?)
    }
}

/// The object.
struct AccountDo {
    state: State,
    env: Env,
    record: Record,
    /// The account as it is stored, while the object is awake. Only [`AccountDo::save`] writes it.
    known: RefCell<Option<AccountRecord>>,
}

/// The session that the router names.
fn session_of(req: &Request) -> Option<SessionRef> {
    req.header("x-session").and_then(|text| SessionRef::parse(&text))
}

/// What an account's request needs: settings and the one who asks.
struct Call {
    config: Rc<Config>,
    tickets: TicketKey,
    now: u64,
    token: Option<SessionRef>,
    platform: Answers,
    body: Vec<u8>,
}

impl Call {
    fn context(&self) -> Context<'_, impl rand_core::CryptoRng + use<>> {
        Context {
            config: &self.config,
            tickets: &self.tickets,
            platform: &self.platform,
            now: self.now,
            rng: env::rng(),
        }
    }

    fn token(&self) -> Result<&SessionRef> {
        self.token.as_ref().ok_or(NO_SESSION)
    }
}

impl AccountDo {
    fn load(&self) -> Result<Option<AccountRecord>> {
        self.known().map(|known| known.clone())
    }

    fn known(&self) -> Result<RefMut<'_, Option<AccountRecord>>> {
        let mut known = self.known.borrow_mut();
        if known.is_none() {
            *known = self.record.load()?.map(|bytes| AccountRecord::from_stored(&bytes)).transpose()?;
        }
        Ok(known)
    }

    fn save(&self, record: &AccountRecord) -> Result<()> {
        self.known.borrow_mut().take();
        self.record.save(&record.to_stored())?;
        *self.known.borrow_mut() = Some(record.clone());
        Ok(())
    }

    fn pair(&self) -> Result<Option<PairRecord>> {
        self.record.load()?.map(|bytes| PairRecord::from_stored(&bytes)).transpose()
    }

    /// Who is signed in, and whether the account lists the home that is named.
    fn who(&self, req: &Request) -> Result<Response> {
        let (token, now) = (session_of(req).ok_or(NO_SESSION)?, env::now());
        let home = param(&req.query, "home").and_then(|text| HomeId::parse(text).ok());
        let tell = |record: &AccountRecord, session: &Session| {
            let (key, fresh, expires) = (record.sign.id(), now < session.fresh_until, session.expires());
            let who =
                Who { key, fresh, expires, lists: home.is_some_and(|home| record.homes.contains(&home)) };
            empty(204, &[(WHO, &who.to_text())])
        };
        if let Some(record) = &*self.known()?
            && let Some(session) = record.session(&token, now)?
        {
            return tell(record, session);
        }
        let mut record = self.load()?.ok_or(NO_SESSION)?;
        let (session, _) = record.touch(&token, now)?;
        self.save(&record)?;
        tell(&record, &session)
    }

    async fn handle(&self, req: &Request, body: Vec<u8>) -> Result<Response> {
        let (path, query) = (&req.path, &req.query);
        let mut call = Call {
            config: env::config(&self.env)?,
            tickets: env::ticket_key(&self.env)?,
            now: env::now(),
            token: session_of(req),
            platform: Answers::default(),
            body,
        };
        loop {
            let answer = self.answer(path, query, &call).await;
            // Whatever lacked an answer has failed and written nothing. At most a key and a signature are asked about.
            let Some(question) = call.platform.open() else { return answer };
            let holds = platform::holds(&question).await;
            call.platform.learn(question, holds);
        }
    }

    async fn answer(&self, path: &str, query: &str, call: &Call) -> Result<Response> {
        match path {
            "/pair/offer/put" => self.put_pair(call, pair::put_offer).await,
            "/pair/answer/put" => self.put_pair(call, pair::put_answer).await,
            "/pair/offer" => cbor(200, &pair::offer(self.pair()?, call.now)?),
            "/pair/answer" => cbor(200, &pair::answer(self.pair()?, call.now)?),
            "/claim" => self.claim(query),
            "/signup" => self.sign_up(call).await,
            "/signin" => {
                let record = self.load()?.ok_or(UNKNOWN_PASSKEY)?;
                self.signed_in(account::finish_sign_in(&mut call.context(), record, &call.body)?)
            }
            "/owner" => {
                let owner = self.record.load()?.and_then(|bytes| AccountId::from_slice(&bytes));
                json(200, &account::begin_key(&mut call.context(), &account::key_of(&call.body)?, owner))
            }
            "/keyin" => {
                let record = self.load()?;
                self.signed_in(account::finish_key(&mut call.context(), record, &call.body)?)
            }
            "/recover/begin" => {
                let record = self.load()?.ok_or(KIT)?;
                json(200, &account::begin_recovery(&mut call.context(), &record, &call.body)?)
            }
            "/recover/finish" => {
                let record = self.load()?.ok_or(KIT)?;
                self.signed_in(account::finish_recovery(&mut call.context(), record, &call.body)?)
            }
            _ => self.with_session(path, query, call).await,
        }
    }

    /// Routes of somebody who is signed in.
    async fn with_session(&self, path: &str, query: &str, call: &Call) -> Result<Response> {
        let token = call.token()?;
        let mut record = self.load()?.ok_or(NO_SESSION)?;
        let ctx = &mut call.context();
        match path {
            "/account" => {
                let (session, _) = record.touch(token, call.now)?;
                self.view(&record, &session)
            }
            "/stepup/begin" => json(200, &account::begin_step_up(ctx, &mut record, token)?),
            "/stepup/finish" => {
                let session = account::finish_step_up(ctx, &mut record, token, &call.body)?;
                self.save(&record)?;
                json(200, &json!({ "fresh_until": session.fresh_until }))
            }
            "/signout" => {
                account::sign_out(&mut record, token);
                self.save(&record)?;
                with(no_content()?, "set-cookie", &clear_cookie())
            }
            "/wraps" => self.put_wraps(record, call).await,
            "/passkeys/begin" => json(200, &account::begin_passkey(ctx, &mut record, token)?),
            "/passkeys/finish" => {
                let session = account::finish_passkey(ctx, &mut record, token, &call.body)?;
                self.save(&record)?;
                self.view(&record, &session)
            }
            "/passkeys/remove" => {
                let id = param(query, "id").and_then(crate::core::bytes::unb64).ok_or(MALFORMED)?;
                let session = account::remove_passkey(ctx, &mut record, token, &id)?;
                self.save(&record)?;
                self.view(&record, &session)
            }
            "/homes/add" | "/homes/remove" => {
                let home = param(query, "id").and_then(|text| text.parse().ok()).ok_or(MALFORMED)?;
                record.touch(token, call.now)?;
                let listed =
                    if path == "/homes/add" { record.add_home(home)? } else { record.drop_home(&home) };
                if listed {
                    self.save(&record)?;
                }
                no_content()
            }
            _ => Err(NO_ROUTE),
        }
    }

    /// A new kit is published before the account names it: a kit that is printed always finds its account.
    async fn put_wraps(&self, mut record: AccountRecord, call: &Call) -> Result<Response> {
        let (ctx, token) = (call.context(), call.token()?);
        let (_, before, after) = account::put_wraps(&ctx, &mut record, token, &call.body)?;
        if before != after {
            self.publish_kit(&record).await?;
        }
        // Another request may have changed the account while this one waited.
        let mut record = self.load()?.ok_or(NO_SESSION)?;
        let (session, before, _) = account::put_wraps(&ctx, &mut record, token, &call.body)?;
        self.save(&record)?;
        if before != after {
            env::kv(&self.env)?.delete(&env::kit_key(&before)).await?;
        }
        self.view(&record, &session)
    }

    fn view(&self, record: &AccountRecord, session: &Session) -> Result<Response> {
        json(200, &account::account_view(record, session))
    }

    fn signed_in(&self, signed: SignedIn) -> Result<Response> {
        self.save(&signed.record)?;
        let response = self.view(&signed.record, &signed.session)?;
        with(response, "set-cookie", &signed.token.set_cookie())
    }

    async fn sign_up(&self, call: &Call) -> Result<Response> {
        // Everything but the claim is decided first, so that a bad sign-up claims nothing.
        let signed = account::finish_sign_up(&mut call.context(), self.load()?.as_ref(), &call.body)?;
        let key = account::member_key_of(&call.body)?.id();
        let claim = format!("claim?account={}", signed.record.id);
        let reply = ask(&self.env, &Account::Key(key).stub(), &claim, &[], &[]).await?;
        if reply.status() != 204 {
            return Ok(reply);
        }
        self.publish_kit(&signed.record).await?;
        // Another request may have come in while this one waited.
        if self.load()?.is_some() {
            return Err(crate::error::TICKET);
        }
        self.signed_in(signed)
    }

    fn claim(&self, query: &str) -> Result<Response> {
        let by = param(query, "account").and_then(|text| AccountId::parse(text).ok()).ok_or(MALFORMED)?;
        let owner =
            self.record.load()?.map(|bytes| AccountId::from_slice(&bytes).ok_or(INTERNAL)).transpose()?;
        let owner = account::claim_key(owner, by)?;
        self.record.save(&owner.0)?;
        no_content()
    }

    /// Lets the kit find the account.
    async fn publish_kit(&self, record: &AccountRecord) -> Result<()> {
        let account = record.id.to_string();
        env::kv(&self.env)?.put(&env::kit_key(&record.kit.0), account.as_bytes(), None).await
    }

    async fn put_pair(
        &self,
        call: &Call,
        change: fn(Option<PairRecord>, &[u8], u64) -> Result<PairRecord>,
    ) -> Result<Response> {
        let record = change(self.pair()?, &call.body, call.now)?;
        self.record.save(&record.to_stored())?;
        let left = record.expires.saturating_sub(call.now).min(PAIR_SECS);
        let alarm = i64::try_from(left * 1000).map_err(|_| INTERNAL)?;
        self.state.storage().set_alarm(alarm).await.map_err(broken)?;
        no_content()
    }
}
