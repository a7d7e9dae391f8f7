//! Somebody who is signed in: their keys, opened when they are needed, and the session, renewed with the keys when it
//! has ended or must be fresh.

use crate::failure::{Failure, Result, Told};
use crate::net::{Body, Net, Reply};
use crate::secret::{Secret, Source};
use crate::state::{Account, State};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::signin::SignIn;
use latchkey_shared::text::b64url;
use latchkey_shared::time::Timestamp;
use serde_json::{Value, json};
use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// Where a passphrase may come from.
pub(crate) fn passphrase(file: Option<&PathBuf>) -> Source<'_> {
    Source { what: "Passphrase", file, variable: "LATCHKEY_PASSPHRASE" }
}

/// Somebody who is signed in.
pub(crate) struct Client {
    pub(crate) state: State,
    pub(crate) account: Account,
    net: Net,
    passphrase_file: Option<PathBuf>,
    keys: OnceCell<(Seed, Keys)>,
    cookie: RefCell<Option<Secret>>,
}

impl Client {
    pub(crate) fn open(state: State, passphrase_file: Option<PathBuf>) -> Result<Self> {
        let account = state.account()?;
        Self::with(state, account, passphrase_file)
    }

    pub(crate) fn with(state: State, account: Account, passphrase_file: Option<PathBuf>) -> Result<Self> {
        let net = Net::new(account.origin.clone());
        let cookie = RefCell::new(state.session()?);
        Ok(Self { state, account, net, passphrase_file, keys: OnceCell::new(), cookie })
    }

    /// The server's address.
    pub(crate) fn origin(&self) -> String {
        self.net.origin().to_string()
    }

    fn opened(&self) -> Result<&(Seed, Keys)> {
        if let Some(opened) = self.keys.get() {
            return Ok(opened);
        }
        let seed = self.account.open(|| passphrase(self.passphrase_file.as_ref()).read())?;
        let keys = Keys::member(&seed);
        Ok(self.keys.get_or_init(|| (seed, keys)))
    }

    /// The member's keys.
    pub(crate) fn keys(&self) -> Result<&Keys> {
        self.opened().map(|(_, keys)| keys)
    }

    /// The member's seed.
    pub(crate) fn seed(&self) -> Result<&Seed> {
        self.opened().map(|(seed, _)| seed)
    }

    /// Begins a session with the member key: fresh, so that sensitive changes are allowed for a while.
    pub(crate) fn sign_in(&self) -> Result<Value> {
        let keys = self.keys()?;
        let begin = json!({ "key": keys.id().to_string() });
        let begun = self.net.ask("POST", "/api/v1/auth/key/begin", Body::Json(begin), None)?.json()?;
        let challenge = begun["challenge"].as_str().ok_or_else(Failure::answer)?;
        let proof = SignIn::prove(&self.origin(), challenge, now(), keys);
        let finish = json!({ "challenge": challenge, "proof": b64url(&proof) });
        let done = self.net.ask("POST", "/api/v1/auth/key/finish", Body::Json(finish), None)?;
        let cookie = done.cookie.as_deref().ok_or_else(Failure::answer)?;
        self.state.keep_session(cookie)?;
        *self.cookie.borrow_mut() = Some(Secret::new(cookie.to_owned()));
        done.json()
    }

    fn send(&self, method: &str, path: &str, body: Body) -> Result<Reply> {
        let cookie = self.cookie.borrow().clone();
        self.net.ask(method, path, body, cookie.as_deref().map(String::as_str))
    }

    /// A request within the session. One that has ended, or is not fresh enough, is begun again.
    fn ask(&self, method: &str, path: &str, body: impl Fn() -> Body) -> Result<Reply> {
        match self.send(method, path, body()) {
            Err(e) if e.code == "auth.no_session" || e.code == "auth.stepup_required" => {
                self.sign_in()?;
                self.send(method, path, body())
            }
            result => result,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Reply> {
        self.ask("GET", path, || Body::Nothing)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Reply> {
        self.ask("DELETE", path, || Body::Nothing)
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Result<Reply> {
        self.ask("POST", path, || Body::Json(body.clone()))
    }

    pub(crate) fn send_cbor(
        &self,
        method: &str,
        path: &str,
        body: &impl latchkey_shared::wire::cbor::Encode,
    ) -> Result<Reply> {
        let bytes = latchkey_shared::wire::cbor::to_vec(body);
        self.ask(method, path, || Body::Cbor(bytes.clone()))
    }

    /// Ends the session at the server.
    pub(crate) fn sign_out(&self) -> Result {
        self.send("POST", "/api/v1/auth/signout", Body::Json(json!({}))).map(|_| ())
    }

    /// The account as the server has it.
    pub(crate) fn fetch_account(&self) -> Result<Value> {
        self.get("/api/v1/account")?.json()
    }
}

/// The account and the seed behind a recovery kit: what the server keeps is opened here.
pub(crate) fn recover(
    net: &Net,
    kit: &latchkey_shared::keys::Kit,
) -> Result<(latchkey_shared::id::AccountId, String, Seed)> {
    use latchkey_shared::keys::WrapKey;
    let proof = json!({ "kit_id": kit.id().to_string(), "kit_auth": b64url(&*kit.auth()) });
    let found = net.ask("POST", "/api/v1/auth/recover/begin", Body::Json(proof), None)?.json()?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(Failure::answer);
    let account = text(&found["account"])?.parse().map_err(|_| Failure::answer())?;
    let ct = latchkey_shared::text::unb64url(&text(&found["wrap"]["ct"])?).ok_or_else(Failure::answer)?;
    let seed = WrapKey::from_kit(kit).unwrap(&account, &ct).told()?;
    Ok((account, text(&found["name"])?, seed))
}
